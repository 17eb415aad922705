"""What the platform says no with, and what keeps its answers from us: words for each; compare codes, never texts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.wire.words import ProblemCode


class PlatformTrouble(StrEnum):
    """Of ours, beside the platform's own codes (`ProblemCode`): there is no answer that counts."""

    PLATFORM_UNAVAILABLE = "PLATFORM_UNAVAILABLE"
    PLATFORM_ODD_ANSWER = "PLATFORM_ODD_ANSWER"
    PLATFORM_NOT_CONFIGURED = "PLATFORM_NOT_CONFIGURED"


# Something else is under way at the platform, and will be over without us: come again later.
BUSY = frozenset(
    {
        ProblemCode.PROVINCE_BUSY,
        ProblemCode.COUNTY_FLOW_ACTIVE,
        ProblemCode.ROUND_UNDER_REVIEW,
        ProblemCode.SUMMARY_UNDER_REVIEW,
        ProblemCode.ACCOUNT_CHANGE_PENDING,
        ProblemCode.NOT_READY,
    }
)

ADVICE: Mapping[str, str] = {
    ProblemCode.VALIDATION_FAILED: "平台认为数据不合规，请按所列位置更正后重新提交",
    ProblemCode.IDEMPOTENCY_MISMATCH: "同一业务键已以不同内容提交过平台，请联系运维核对后重新发起",
    ProblemCode.IN_PROGRESS: "平台仍在处理同一请求，系统会自动再次询问",
    ProblemCode.PROVINCE_BUSY: "本省另有区县的数据初始化尚未审核完毕，系统会排队等待后自动重试",
    ProblemCode.COUNTY_FLOW_ACTIVE: "本区县在平台上还有未结束的补贴流程，须待其结束后才能启动",
    ProblemCode.POLICY_NOT_APPROVED: "所用补贴政策尚未审核通过，请先等待或更换政策",
    ProblemCode.INDICATOR_NOT_APPROVED: "所用指标尚未审核通过，请先等待或更换指标",
    ProblemCode.CONTROL_TOTAL_MISMATCH: "笔数或金额与平台合计不一致，请核对后重新提交",
    ProblemCode.DATASET_CLOSED: "该名单已提交平台，不能再修改",
    ProblemCode.ROUND_UNDER_REVIEW: "本流程已有一轮提交在平台审核，请等待结果",
    ProblemCode.LINE_NOT_ELIGIBLE: "所列申请不符合本轮提交条件，请移出后重新提交",
    ProblemCode.LINE_NOT_PAID: "所列申请尚未发放成功，不能提交材料",
    ProblemCode.SUMMARY_UNDER_REVIEW: "发放汇总正在平台审核，期间不能变更明细",
    ProblemCode.SUMMARY_APPROVED: "发放汇总已审核通过，不能再变更或撤销",
    ProblemCode.SUMMARY_NOT_APPROVED: "发放汇总尚未审核通过，不能确认发放",
    ProblemCode.FLOW_ENDED: "该补贴流程在平台已结束",
    ProblemCode.ACCOUNT_CHANGE_PENDING: "此人在本区县已有账号变更在平台处理，请等待结果",
    ProblemCode.NOT_READY: "平台尚无结果，请稍后再查",
    ProblemCode.NOT_FOUND: "平台查无此记录，请核对编号",
    ProblemCode.UNAUTHORIZED: "平台不认可本系统的签名，请运维核对接入密钥与时钟",
    ProblemCode.FORBIDDEN_COUNTY: "平台不允许本系统办理该区县，请运维核对接入授权",
    ProblemCode.RATE_LIMITED: "平台限流，系统会按其要求的间隔自动重试",
    ProblemCode.PAYLOAD_TOO_LARGE: "内容超过平台 20 MiB 的上限，请缩小文件后重试",
    ProblemCode.FILE_REFUSED: "平台拒收该文件，请更换格式或重新制作后上传",
    ProblemCode.INTERNAL: "平台内部出错，系统会自动重试",
    ProblemCode.UNAVAILABLE: "平台暂停服务，系统会自动重试",
    PlatformTrouble.PLATFORM_UNAVAILABLE: "平台暂时联系不上，系统会自动重试",
    PlatformTrouble.PLATFORM_ODD_ANSWER: "平台的回答不合约定，已留存原文，系统会自动重试，请运维查看",
    PlatformTrouble.PLATFORM_NOT_CONFIGURED: "该省尚未配置平台接入，请运维补充配置",
}


def trouble_words(code: str) -> str:
    """What to do about one, by its code as it is kept."""
    return next((words for known, words in ADVICE.items() if str(known) == code), code)

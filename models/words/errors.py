"""The one vocabulary of refusals and troubles; compare types, never texts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorType(StrEnum):
    # the platform's problem codes, by their own names
    VALIDATION_FAILED = "VALIDATION_FAILED"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    IN_PROGRESS = "IN_PROGRESS"
    PROVINCE_BUSY = "PROVINCE_BUSY"
    COUNTY_FLOW_ACTIVE = "COUNTY_FLOW_ACTIVE"
    POLICY_NOT_APPROVED = "POLICY_NOT_APPROVED"
    INDICATOR_NOT_APPROVED = "INDICATOR_NOT_APPROVED"
    CONTROL_TOTAL_MISMATCH = "CONTROL_TOTAL_MISMATCH"
    DATASET_CLOSED = "DATASET_CLOSED"
    ROUND_UNDER_REVIEW = "ROUND_UNDER_REVIEW"
    LINE_NOT_ELIGIBLE = "LINE_NOT_ELIGIBLE"
    LINE_NOT_PAID = "LINE_NOT_PAID"
    SUMMARY_UNDER_REVIEW = "SUMMARY_UNDER_REVIEW"
    SUMMARY_APPROVED = "SUMMARY_APPROVED"
    SUMMARY_NOT_APPROVED = "SUMMARY_NOT_APPROVED"
    FLOW_ENDED = "FLOW_ENDED"
    ACCOUNT_CHANGE_PENDING = "ACCOUNT_CHANGE_PENDING"
    NOT_READY = "NOT_READY"
    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN_COUNTY = "FORBIDDEN_COUNTY"
    RATE_LIMITED = "RATE_LIMITED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    FILE_REFUSED = "FILE_REFUSED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    # ours
    PLATFORM_UNAVAILABLE = "PLATFORM_UNAVAILABLE"
    PLATFORM_ODD_ANSWER = "PLATFORM_ODD_ANSWER"
    PLATFORM_NOT_CONFIGURED = "PLATFORM_NOT_CONFIGURED"


# Something else is under way at the platform, and will be over without us: come again later.
BUSY = frozenset(
    {
        ErrorType.PROVINCE_BUSY,
        ErrorType.COUNTY_FLOW_ACTIVE,
        ErrorType.ROUND_UNDER_REVIEW,
        ErrorType.SUMMARY_UNDER_REVIEW,
        ErrorType.ACCOUNT_CHANGE_PENDING,
        ErrorType.NOT_READY,
    }
)

ADVICE: Mapping[ErrorType, str] = {
    ErrorType.VALIDATION_FAILED: "平台认为数据不合规，请按所列位置更正后重新提交",
    ErrorType.IDEMPOTENCY_MISMATCH: "同一业务键已以不同内容提交过平台，请联系运维核对后重新发起",
    ErrorType.IN_PROGRESS: "平台仍在处理同一请求，系统会自动再次询问",
    ErrorType.PROVINCE_BUSY: "本省另有区县的数据初始化尚未审核完毕，系统会排队等待后自动重试",
    ErrorType.COUNTY_FLOW_ACTIVE: "本区县在平台上还有未结束的补贴流程，须待其结束后才能启动",
    ErrorType.POLICY_NOT_APPROVED: "所用补贴政策尚未审核通过，请先等待或更换政策",
    ErrorType.INDICATOR_NOT_APPROVED: "所用指标尚未审核通过，请先等待或更换指标",
    ErrorType.CONTROL_TOTAL_MISMATCH: "笔数或金额与平台合计不一致，请核对后重新提交",
    ErrorType.DATASET_CLOSED: "该名单已提交平台，不能再修改",
    ErrorType.ROUND_UNDER_REVIEW: "本流程已有一轮提交在平台审核，请等待结果",
    ErrorType.LINE_NOT_ELIGIBLE: "所列申请不符合本轮提交条件，请移出后重新提交",
    ErrorType.LINE_NOT_PAID: "所列申请尚未发放成功，不能提交材料",
    ErrorType.SUMMARY_UNDER_REVIEW: "发放汇总正在平台审核，期间不能变更明细",
    ErrorType.SUMMARY_APPROVED: "发放汇总已审核通过，不能再变更或撤销",
    ErrorType.SUMMARY_NOT_APPROVED: "发放汇总尚未审核通过，不能确认发放",
    ErrorType.FLOW_ENDED: "该补贴流程在平台已结束",
    ErrorType.ACCOUNT_CHANGE_PENDING: "此人在本区县已有账号变更在平台处理，请等待结果",
    ErrorType.NOT_READY: "平台尚无结果，请稍后再查",
    ErrorType.NOT_FOUND: "平台查无此记录，请核对编号",
    ErrorType.UNAUTHORIZED: "平台不认可本系统的签名，请运维核对接入密钥与时钟",
    ErrorType.FORBIDDEN_COUNTY: "平台不允许本系统办理该区县，请运维核对接入授权",
    ErrorType.RATE_LIMITED: "平台限流，系统会按其要求的间隔自动重试",
    ErrorType.PAYLOAD_TOO_LARGE: "内容超过平台 20 MiB 的上限，请缩小文件后重试",
    ErrorType.FILE_REFUSED: "平台拒收该文件，请更换格式或重新制作后上传",
    ErrorType.INTERNAL: "平台内部出错，系统会自动重试",
    ErrorType.UNAVAILABLE: "平台暂停服务，系统会自动重试",
    ErrorType.PLATFORM_UNAVAILABLE: "平台暂时联系不上，系统会自动重试",
    ErrorType.PLATFORM_ODD_ANSWER: "平台的回答不合约定，已留存原文，系统会自动重试，请运维查看",
    ErrorType.PLATFORM_NOT_CONFIGURED: "该省尚未配置平台接入，请运维补充配置",
}

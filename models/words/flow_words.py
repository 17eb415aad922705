"""The platform's words about people, lines, rounds and payments in Chinese, and what is foreseen of them (预检)."""

from collections.abc import Mapping
from typing import Literal

from typing_extensions import TypedDict

from models.wire.words import DatasetKind, Outcome, PaymentReason, ReasonCode, RoundMode
from models.words.faults import UNREADABLE
from models.words.labelled import Labelled
from models.words.stages import FlowStage, PaymentState

MODES: Mapping[str, str] = {
    RoundMode.INITIAL: "申请提交",
    RoundMode.MODIFIED: "修改申请提交",
    RoundMode.CONFIRMED: "确认需发放提交",
    RoundMode.UNVERIFIED: "大数据校验不通过数据提交",
    RoundMode.REPAYMENT: "补发",
}
REJECTIONS: Mapping[str, str] = {
    ReasonCode.DUPLICATE_PERSON: "一人多条申请",
    ReasonCode.ACCOUNT_INVALID: "账号无效",
    ReasonCode.INFORMATION_MISMATCH: "信息不符",
    ReasonCode.INELIGIBLE: "不符合发放条件",
    ReasonCode.OVER_INDICATOR: "超出指标余额",
    ReasonCode.OTHER: "其他",
}
FAILURES: Mapping[str, str] = {
    PaymentReason.ACCOUNT_CLOSED: "账户已销户",
    PaymentReason.ACCOUNT_FROZEN: "账户已冻结",
    PaymentReason.ACCOUNT_NOT_FOUND: "账户不存在",
    PaymentReason.NAME_MISMATCH: "户名不符",
    PaymentReason.LIMIT_EXCEEDED: "超过账户限额",
    PaymentReason.BANK_ERROR: "银行系统故障",
    PaymentReason.OTHER: "其他",
}
SOURCES: Mapping[str, str] = {"platform": "平台反馈", "settled": "审核人凭证核实"}
APPLICANTS: Mapping[str, str] = {"personal": "个人", "organization": "组织"}


class StartCheck(Labelled):
    """What has to be in order before a flow starts."""

    COUNTY = "county", "本县没有未结束的流程"
    LINES = "lines", "批次已校验，有可发放的申请"
    PUBLICITY = "publicity", "公示信息已设置，公示期已满"
    POLICIES = "policies", "补贴政策覆盖全部项目"
    MONEY = "money", "指标余额足够"


class HeldBy(Labelled):
    """Why a flow's line is held, the reason that lasts longest first."""

    UNVERIFIED = "unverified", "校验时账号变更中，未经校验"
    OBJECTION = "objection", "公示异议待裁定"
    ACCOUNT_CHANGE = "account_change", "账号变更中"
    ACCOUNT_CLEARED = "account_cleared", "登记账号已清空"


class FlowEvent(Labelled):
    """What happens on a flow's way; a round and an order are called by their own kind, an end by its outcome."""

    STARTED = "started", "申请提交"
    TAKEN = "taken", "平台受理"
    ROUND = "round", "提交"
    ORDER = "order", "指令"
    HELD = "held", "暂缓"
    FREED = "freed", "恢复提交"
    OBJECTION_UPHELD = "objection_upheld", "异议成立，申请撤回"
    OBJECTION_DISMISSED = "objection_dismissed", "异议不成立"
    DEFERRED = "deferred", "转入下批"
    SUMMARY_PASSED = "summary_passed", "汇总审核通过"
    SUMMARY_REFUSED = "summary_refused", "汇总审核不通过"
    SUMMARY_SUBMITTED = "summary_submitted", "汇总提交"
    PLATFORM_APPROVED = "platform_approved", "平台审核通过"
    PLATFORM_REJECTED = "platform_rejected", "平台审核不通过"
    CONFIRMED = "confirmed", "确认发放"
    PAYMENTS = "payments", "发放结果"
    CONTRADICTED = "contradicted", "矛盾来件"
    DECIDED = "decided", "裁定矛盾来件"
    SETTLED = "settled", "无结果的核实"
    RESTARTED = "restarted", "运行重启"
    ENDED = "ended", "流程结束"
    AFTER_END = "after_end", "结束后来件"
    WAITING = "waiting", "等待"


class StatusWords(TypedDict):
    """发放流程状态: `active` 启动, `ended` 结束."""

    status: Literal["active", "ended"]
    status_label: str


def status_of(stage: FlowStage) -> StatusWords:
    """The source's 发放流程状态: 启动 until the platform has ended the flow, then 结束 (S1 second 2.7)."""
    ended = stage is FlowStage.ENDED
    return {"status": "ended" if ended else "active", "status_label": "结束" if ended else "启动"}


def match_words(outcome: str | None, correct_name: str | None, bank_name: str | None) -> str | None:
    """What an initialisation found, in the words of the source (S1 2.4.1); the right name is known until taken over."""
    match outcome:
        case Outcome.MATCHED:
            return "匹配成功"
        case Outcome.NAME_DIFFERS:
            return "身份证存在，但姓名不同" + (f"，正确姓名：{correct_name}" if correct_name else "（已更正）")
        case Outcome.NOT_FOUND:
            return "无此对象"
        case Outcome.NO_ACCOUNT:
            return f"该对象无{bank_name or '所填银行'}的惠民惠农账号"
        case None:
            return None
        case _:
            return UNREADABLE


def submission_failure(payment: str | None, reason_code: str | None, reason: str | None) -> str | None:
    """提交失败原因: what the platform has against a line (S1 2.7); an accepted one's reason is of its payment."""
    if payment is not None:
        return None
    return "：".join(part for part in (REJECTIONS.get(reason_code or "", reason_code), reason) if part) or None


def explain_payment(payment: str | None, reason_code: str | None, reason: str | None) -> str | None:
    """发放成功(失败)说明: one sentence per application (S1 2.8)."""
    if payment is None:
        return None
    said = "，".join(part for part in (FAILURES.get(reason_code or "", reason_code), reason) if part)
    word = PaymentState(payment).label
    return f"{word}：{said}" if said and payment == PaymentState.FAILED else word


class PreFlightAct(Labelled):
    """What is about to be sent."""

    INITIALISATION = "initialisation", "数据初始化"
    VERIFICATION = "verification", "大数据校验"
    START = "start", "申请提交"


class Foreseen(Labelled):
    """In the order in which they are told; a line may have several."""

    CONTRACT = "contract", "内容不合平台约定"
    HELD = "held", "暂缓：账号变更中、已清空或公示异议待裁定"
    NAME_DIFFERS = "name_differs", "同一证件号曾反馈姓名不同，所填姓名相同"
    NOT_FOUND = "not_found", "同一证件号曾反馈无此对象"
    NO_ACCOUNT = "no_account", "同一证件号在此银行曾反馈无惠民惠农账号"
    BANK_UNLISTED = "bank_unlisted", "开户行已不在平台的开户行名单"
    BANK_WITHOUT = "bank_without", "此银行在本县从未匹配到惠民惠农账号"
    ACCOUNT_DIGIT = "account_digit", "账号的位数或校验位可疑"
    ACCOUNT_INVALID = "account_invalid", "账号核验为无效"
    VERIFIED_BADLY = "verified_badly", "同一证件号本年度曾校验不通过"
    UNVERIFIED = "unverified", "大数据校验不通过，不会自动提交"
    SEVERAL_LINES = "several_lines", "同一人在本批次有多份申请"
    SAME_ITEM = "same_item", "同一人同一项目另有申请"


# Which word of the platform each of them foretells, by what is sent; who isn't here is only worth a look.
FORETOLD: Mapping[DatasetKind, Mapping[Foreseen, str]] = {
    DatasetKind.BENEFICIARY_INIT: {
        Foreseen.NAME_DIFFERS: Outcome.NAME_DIFFERS,
        Foreseen.NOT_FOUND: Outcome.NOT_FOUND,
        Foreseen.NO_ACCOUNT: Outcome.NO_ACCOUNT,
        Foreseen.BANK_UNLISTED: Outcome.NO_ACCOUNT,
        Foreseen.BANK_WITHOUT: Outcome.NO_ACCOUNT,
        Foreseen.ACCOUNT_INVALID: Outcome.NO_ACCOUNT,
    },
    DatasetKind.VERIFICATION: {Foreseen.VERIFIED_BADLY: Outcome.FAILED},
    DatasetKind.APPLICATION_SUBMISSION: {
        Foreseen.ACCOUNT_INVALID: ReasonCode.ACCOUNT_INVALID,
        Foreseen.SEVERAL_LINES: ReasonCode.DUPLICATE_PERSON,
    },
}

"""One vocabulary of stages, kinds and roles for rows, search attributes, the API and the console."""

from enum import StrEnum


class Role(StrEnum):
    COUNTY_ADMIN = "county_admin"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    APPLICANT = "applicant"
    OPS = "ops"


class Channel(StrEnum):
    PC = "pc"
    MOBILE = "mobile"
    IMPORT = "import"


class ReviewStage(StrEnum):
    """A policy's or an indicator's way through the platform's review (S1 1.1.2, 2.3.2)."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"


class ApplicationStage(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLICISED = "publicised"
    UNMATCHED = "unmatched"
    MATCHED = "matched"
    PENDING_SETTLEMENT = "pending_settlement"
    IN_BATCH = "in_batch"
    IN_FLOW = "in_flow"
    PAID = "paid"
    EVIDENCE_SENT = "evidence_sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


class ImportStage(StrEnum):
    """`to_confirm`: nothing is stored until an operator says that what was found is meant (DOMAIN 3, Applications)."""

    CHECKING = "checking"
    TO_CONFIRM = "to_confirm"
    REFUSED = "refused"
    IMPORTED = "imported"


class Verification(StrEnum):
    NONE = "none"
    HELD = "held"
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    NOT_REQUIRED = "not_required"


class BatchStage(StrEnum):
    """A settlement batch; from `verifying` to the flow's end its contents are frozen (S1 2.5)."""

    OPEN = "open"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    IN_FLOW = "in_flow"
    DONE = "done"


class DatasetStage(StrEnum):
    PREPARED = "prepared"
    WAITING_SLOT = "waiting_slot"
    UNDER_REVIEW = "under_review"
    REVIEWED = "reviewed"
    REFUSED = "refused"


class FlowStage(StrEnum):
    STARTING = "starting"
    WAITING_COUNTY = "waiting_county"
    SETTLING = "settling"
    UNDER_REVIEW = "under_review"
    COUNTY_REVIEW = "county_review"
    COUNTY_PASSED = "county_passed"
    SUMMARY_SUBMITTED = "summary_submitted"
    SUMMARY_APPROVED = "summary_approved"
    PAYING = "paying"
    CANCELLING = "cancelling"
    ENDED = "ended"


class FlowOutcome(StrEnum):
    DISBURSED = "disbursed"
    CANCELLED = "cancelled"
    REFUSED = "refused"


class LineState(StrEnum):
    """lines = unsent + under_review + rejected + held + accepted + withdrawn + deferred (+ cancelled)."""

    UNSENT = "unsent"
    HELD = "held"
    UNDER_REVIEW = "under_review"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    DEFERRED = "deferred"
    CANCELLED = "cancelled"


class PaymentState(StrEnum):
    """accepted = awaiting + paid + failed + unresolved."""

    AWAITING = "awaiting"
    PAID = "paid"
    FAILED = "failed"
    UNRESOLVED = "unresolved"


class Money(StrEnum):
    """Where a line's amount stands on its indicator."""

    RESERVED = "reserved"
    PAID = "paid"
    RELEASED = "released"


class OrderKind(StrEnum):
    NAME_CORRECTION = "name_correction"
    MODIFIED = "modified"
    CONFIRMED = "confirmed"
    UNVERIFIED = "unverified"
    REPAYMENT = "repayment"
    WITHDRAWAL = "withdrawal"
    CANCELLATION = "cancellation"
    EVIDENCE = "evidence"


class OrderState(StrEnum):
    ENTERED = "entered"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    DONE = "done"
    FAILED = "failed"


class SummaryStage(StrEnum):
    OPEN = "open"
    COUNTY_PASSED = "county_passed"
    COUNTY_REFUSED = "county_refused"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    CLOSED = "closed"


class AccountStatus(StrEnum):
    VALID = "valid"
    INVALID = "invalid"
    CLEARED = "cleared"


class InboxState(StrEnum):
    RECEIVED = "received"
    DELIVERED = "delivered"
    APPLIED = "applied"
    PARKED = "parked"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"


class ContradictionState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"
    SETTLED = "settled"


class TrailBreak(StrEnum):
    """Why a county's trail doesn't hold."""

    CHANGED = "changed"
    MISSING = "missing"
    CUT = "cut"
    HEAD_DIFFERS = "head_differs"
    NOT_AS_SIGNED = "not_as_signed"
    HEAD_FORGED = "head_forged"
    GONE = "gone"


# Pairs and not a dict: words of two vocabularies that are spelled alike are equal, and one would hide the other.
_WORDS: tuple[tuple[StrEnum, str], ...] = (
    (ReviewStage.DRAFT, "待提交"),
    (ReviewStage.IN_REVIEW, "待审核"),
    (ReviewStage.APPROVED, "审核通过"),
    (ReviewStage.REJECTED, "审核不通过"),
    (ApplicationStage.DRAFT, "草稿"),
    (ApplicationStage.IN_REVIEW, "资料审核中"),
    (ApplicationStage.PUBLICISED, "已公示"),
    (ApplicationStage.UNMATCHED, "匹配不成功"),
    (ApplicationStage.MATCHED, "匹配成功"),
    (ApplicationStage.PENDING_SETTLEMENT, "待结算"),
    (ApplicationStage.IN_BATCH, "已入批次"),
    (ApplicationStage.IN_FLOW, "发放流程中"),
    (ApplicationStage.PAID, "发放成功"),
    (ApplicationStage.EVIDENCE_SENT, "材料已提交"),
    (ApplicationStage.FAILED, "发放失败"),
    (ApplicationStage.WITHDRAWN, "已撤回"),
    (ApplicationStage.CLOSED, "已关闭"),
    (ImportStage.CHECKING, "校对中"),
    (ImportStage.TO_CONFIRM, "待确认"),
    (ImportStage.REFUSED, "未导入"),
    (ImportStage.IMPORTED, "已导入"),
    (Verification.NONE, "未校验"),
    (Verification.HELD, "账号变更中，暂缓校验"),
    (Verification.PENDING, "校验中"),
    (Verification.PASSED, "校验通过"),
    (Verification.FAILED, "校验不通过"),
    (Verification.NOT_REQUIRED, "无需校验"),
    (BatchStage.OPEN, "待校验"),
    (BatchStage.VERIFYING, "大数据校验中"),
    (BatchStage.VERIFIED, "已校验"),
    (BatchStage.IN_FLOW, "发放流程中"),
    (BatchStage.DONE, "已结束"),
    (DatasetStage.PREPARED, "待推送"),
    (DatasetStage.WAITING_SLOT, "等待全省初始化名额"),
    (DatasetStage.UNDER_REVIEW, "平台审核中"),
    (DatasetStage.REVIEWED, "平台已审核"),
    (DatasetStage.REFUSED, "平台拒收"),
    (FlowStage.STARTING, "启动中"),
    (FlowStage.WAITING_COUNTY, "等待本县在办流程结束"),
    (FlowStage.SETTLING, "申请处理中"),
    (FlowStage.UNDER_REVIEW, "平台审核申请中"),
    (FlowStage.COUNTY_REVIEW, "待汇总审核"),
    (FlowStage.COUNTY_PASSED, "汇总待提交"),
    (FlowStage.SUMMARY_SUBMITTED, "平台审核汇总中"),
    (FlowStage.SUMMARY_APPROVED, "待确认发放"),
    (FlowStage.PAYING, "发放中"),
    (FlowStage.CANCELLING, "撤销中"),
    (FlowStage.ENDED, "结束"),
    (FlowOutcome.DISBURSED, "发放完毕"),
    (FlowOutcome.CANCELLED, "流程已撤销"),
    (FlowOutcome.REFUSED, "平台未受理"),
    (LineState.UNSENT, "未提交"),
    (LineState.HELD, "账号变更中或已清空，暂缓"),
    (LineState.UNDER_REVIEW, "平台审核中"),
    (LineState.REJECTED, "平台审核不通过"),
    (LineState.ACCEPTED, "平台审核通过"),
    (LineState.WITHDRAWN, "已撤回"),
    (LineState.DEFERRED, "转入下批"),
    (LineState.CANCELLED, "随流程撤销"),
    (PaymentState.AWAITING, "待发放"),
    (PaymentState.PAID, "发放成功"),
    (PaymentState.FAILED, "发放失败"),
    (PaymentState.UNRESOLVED, "无结果，待核实"),
    (Money.RESERVED, "已占用"),
    (Money.PAID, "已支付"),
    (Money.RELEASED, "已释放"),
    (OrderKind.NAME_CORRECTION, "按平台更正姓名"),
    (OrderKind.MODIFIED, "修改申请提交"),
    (OrderKind.CONFIRMED, "确认需发放提交"),
    (OrderKind.UNVERIFIED, "大数据校验不通过数据提交"),
    (OrderKind.REPAYMENT, "补发"),
    (OrderKind.WITHDRAWAL, "撤回"),
    (OrderKind.CANCELLATION, "撤销流程"),
    (OrderKind.EVIDENCE, "提交材料"),
    (OrderState.ENTERED, "待复核"),
    (OrderState.CONFIRMED, "已复核，执行中"),
    (OrderState.REFUSED, "复核不通过"),
    (OrderState.DONE, "已执行"),
    (OrderState.FAILED, "未能执行"),
    (SummaryStage.OPEN, "待审核"),
    (SummaryStage.COUNTY_PASSED, "审核通过，待提交"),
    (SummaryStage.COUNTY_REFUSED, "审核不通过"),
    (SummaryStage.SUBMITTED, "已提交，平台审核中"),
    (SummaryStage.APPROVED, "平台审核通过"),
    (SummaryStage.REJECTED, "平台审核不通过"),
    (SummaryStage.CONFIRMED, "已确认发放"),
    (SummaryStage.CLOSED, "随流程撤销"),
    (AccountStatus.VALID, "有效"),
    (AccountStatus.INVALID, "无效"),
    (AccountStatus.CLEARED, "已清空"),
    (InboxState.RECEIVED, "已收到"),
    (InboxState.DELIVERED, "已送达"),
    (InboxState.APPLIED, "已生效"),
    (InboxState.PARKED, "待对应"),
    (InboxState.UNKNOWN, "无法对应"),
    (InboxState.QUARANTINED, "已隔离"),
    (ContradictionState.OPEN, "待裁定"),
    (ContradictionState.DECIDED, "已裁定，处理中"),
    (ContradictionState.SETTLED, "已处理"),
    (TrailBreak.CHANGED, "记录被改动"),
    (TrailBreak.MISSING, "中间有记录缺失"),
    (TrailBreak.CUT, "末尾有记录缺失"),
    (TrailBreak.HEAD_DIFFERS, "末尾登记与记录不符"),
    (TrailBreak.NOT_AS_SIGNED, "与已签存的留痕末尾不符"),
    (TrailBreak.HEAD_FORGED, "签存的留痕末尾被改动"),
    (TrailBreak.GONE, "全县留痕缺失"),
)
LABELS: dict[tuple[type[StrEnum], str], str] = {(type(word), word.value): text for word, text in _WORDS}


def label(word: StrEnum) -> str:
    """The Chinese word for a stage, kind or state."""
    return LABELS[type(word), word.value]

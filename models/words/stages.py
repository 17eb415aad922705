"""One vocabulary of stages, kinds and roles for rows, search attributes, the API and the console."""

from models.words.labelled import Labelled


class Channel(Labelled):
    PC = "pc", "电脑端"
    MOBILE = "mobile", "移动端"
    IMPORT = "import", "批量导入"


class ReviewStage(Labelled):
    """A policy's or an indicator's way through the platform's review (S1 1.1.2, 2.3.2)."""

    DRAFT = "draft", "待提交"
    IN_REVIEW = "in_review", "待审核"
    APPROVED = "approved", "审核通过"
    REJECTED = "rejected", "审核不通过"


class GoingLive(Labelled):
    """What a county must have before its first season (上线准备)."""

    PEOPLE = "people", "人员和身份"
    POLICY_UNIT = "policy_unit", "政策单位"
    CATALOGS = "catalogs", "平台目录"
    REGISTER = "register", "一卡通账号"
    PLATFORM = "platform", "平台连接和时钟"
    CALLBACKS = "callbacks", "平台来件"


class ApplicationStage(Labelled):
    DRAFT = "draft", "草稿"
    IN_REVIEW = "in_review", "资料审核中"
    PUBLICISED = "publicised", "已公示"
    UNMATCHED = "unmatched", "匹配不成功"
    MATCHED = "matched", "匹配成功"
    PENDING_SETTLEMENT = "pending_settlement", "待结算"
    IN_BATCH = "in_batch", "已入批次"
    IN_FLOW = "in_flow", "发放流程中"
    PAID = "paid", "发放成功"
    EVIDENCE_SENT = "evidence_sent", "材料已提交"
    FAILED = "failed", "发放失败"
    WITHDRAWN = "withdrawn", "已撤回"
    CLOSED = "closed", "已关闭"


class ImportStage(Labelled):
    """`to_confirm`: nothing is stored until an operator says that what was found is meant."""

    CHECKING = "checking", "校对中"
    TO_CONFIRM = "to_confirm", "待确认"
    REFUSED = "refused", "未导入"
    IMPORTED = "imported", "已导入"


class ImportVerdict(Labelled):
    """What an operator said to an import that stopped as 待确认."""

    CONFIRMED = "confirmed", "确认"
    DROPPED = "dropped", "放弃"


class Verification(Labelled):
    NONE = "none", "未校验"
    HELD = "held", "账号变更中，暂缓校验"
    PENDING = "pending", "校验中"
    PASSED = "passed", "校验通过"
    FAILED = "failed", "校验不通过"
    NOT_REQUIRED = "not_required", "无需校验"


class BatchStage(Labelled):
    """A settlement batch; from `verifying` to the flow's end its contents are frozen (S1 2.5)."""

    OPEN = "open", "待校验"
    VERIFYING = "verifying", "大数据校验中"
    VERIFIED = "verified", "已校验"
    IN_FLOW = "in_flow", "发放流程中"
    DONE = "done", "已结束"


class ObjectionState(Labelled):
    """公示异议: open until a reviewer other than its enterer has decided."""

    OPEN = "open", "待裁定"
    UPHELD = "upheld", "成立"
    DISMISSED = "dismissed", "不成立"


class DatasetStage(Labelled):
    PREPARED = "prepared", "待推送"
    WAITING_SLOT = "waiting_slot", "等待全省初始化名额"
    UNDER_REVIEW = "under_review", "平台审核中"
    REVIEWED = "reviewed", "平台已审核"
    REFUSED = "refused", "平台拒收"


class FlowStage(Labelled):
    STARTING = "starting", "启动中"
    WAITING_COUNTY = "waiting_county", "等待本县在办流程结束"
    SETTLING = "settling", "申请处理中"
    UNDER_REVIEW = "under_review", "平台审核申请中"
    COUNTY_REVIEW = "county_review", "待汇总审核"
    COUNTY_PASSED = "county_passed", "汇总待提交"
    SUMMARY_SUBMITTED = "summary_submitted", "平台审核汇总中"
    SUMMARY_APPROVED = "summary_approved", "待确认发放"
    PAYING = "paying", "发放中"
    CANCELLING = "cancelling", "撤销中"
    ENDED = "ended", "结束"


class FlowOutcome(Labelled):
    DISBURSED = "disbursed", "发放完毕"
    CANCELLED = "cancelled", "流程已撤销"
    REFUSED = "refused", "平台未受理"


class LineState(Labelled):
    """lines = unsent + under_review + rejected + held + accepted + withdrawn + deferred (+ cancelled)."""

    UNSENT = "unsent", "未提交"
    HELD = "held", "暂缓"
    UNDER_REVIEW = "under_review", "平台审核中"
    REJECTED = "rejected", "平台审核不通过"
    ACCEPTED = "accepted", "平台审核通过"
    WITHDRAWN = "withdrawn", "已撤回"
    DEFERRED = "deferred", "转入下批"
    CANCELLED = "cancelled", "随流程撤销"


class PaymentState(Labelled):
    """accepted = awaiting + paid + failed + unresolved."""

    AWAITING = "awaiting", "待发放"
    PAID = "paid", "发放成功"
    FAILED = "failed", "发放失败"
    UNRESOLVED = "unresolved", "无结果，待核实"


class Money(Labelled):
    """Where a line's amount stands on its indicator.

    Whoever changes it, or the amount, moves the indicator's figures with it: by the triggers `flow_line_insert`,
    `flow_line_update` and `flow_line_delete` (deploy/migrations/versions/0002_triggers.py), in the same statement.
    """

    RESERVED = "reserved", "已占用"
    PAID = "paid", "已支付"
    RELEASED = "released", "已释放"


class OrderKind(Labelled):
    NAME_CORRECTION = "name_correction", "按平台更正姓名"
    MODIFIED = "modified", "修改申请提交"
    CONFIRMED = "confirmed", "确认需发放提交"
    UNVERIFIED = "unverified", "大数据校验不通过数据提交"
    REPAYMENT = "repayment", "补发"
    WITHDRAWAL = "withdrawal", "撤回"
    CANCELLATION = "cancellation", "撤销流程"
    EVIDENCE = "evidence", "提交材料"


class OrderState(Labelled):
    ENTERED = "entered", "待复核"
    CONFIRMED = "confirmed", "已复核，执行中"
    REFUSED = "refused", "复核不通过"
    DONE = "done", "已执行"
    FAILED = "failed", "未能执行"


class SummaryStage(Labelled):
    OPEN = "open", "待审核"
    COUNTY_PASSED = "county_passed", "审核通过，待提交"
    COUNTY_REFUSED = "county_refused", "审核不通过"
    SUBMITTED = "submitted", "已提交，平台审核中"
    APPROVED = "approved", "平台审核通过"
    REJECTED = "rejected", "平台审核不通过"
    CONFIRMED = "confirmed", "已确认发放"
    CLOSED = "closed", "随流程撤销"


class CountyReview(Labelled):
    """审核状态: what a reviewer of the county said (S1 second 2.7)."""

    OPEN = "open", "待审核"
    PASSED = "passed", "审核通过"
    REFUSED = "refused", "审核不通过"


class Submission(Labelled):
    """提交状态: whether an operator has submitted the summary to the platform."""

    NOT_SUBMITTED = "not_submitted", "未提交"
    SUBMITTED = "submitted", "已提交"


class PlatformReview(Labelled):
    """平台审核: nothing before the submission."""

    IN_REVIEW = "in_review", "待审核"
    APPROVED = "approved", "审核通过"
    REJECTED = "rejected", "审核不通过"


class AccountStatus(Labelled):
    VALID = "valid", "有效"
    INVALID = "invalid", "无效"
    CLEARED = "cleared", "已清空"


class InboxState(Labelled):
    RECEIVED = "received", "已收到"
    DELIVERED = "delivered", "已送达"
    APPLIED = "applied", "已生效"
    PARKED = "parked", "待对应"
    UNKNOWN = "unknown", "无法对应"
    QUARANTINED = "quarantined", "已隔离"


class ContradictionState(Labelled):
    OPEN = "open", "待裁定"
    DECIDED = "decided", "已裁定，处理中"
    SETTLED = "settled", "已处理"


class TrailBreak(Labelled):
    """Why a county's trail doesn't hold."""

    CHANGED = "changed", "记录被改动"
    MISSING = "missing", "中间有记录缺失"
    CUT = "cut", "末尾有记录缺失"
    HEAD_DIFFERS = "head_differs", "末尾登记与记录不符"
    NOT_AS_SIGNED = "not_as_signed", "与已签存的留痕末尾不符"
    HEAD_FORGED = "head_forged", "签存的留痕末尾被改动"
    GONE = "gone", "全县留痕缺失"


class DisclosurePurpose(Labelled):
    """What somebody was given a person's data in clear for."""

    LOOK = "look", "查看完整信息"
    EDIT = "edit", "编辑"
    REVIEW = "review", "审核"
    NAMES = "names", "核对姓名"
    PHOTO = "photo", "查看照片"
    EXPORT = "export", "导出"
    CONTENT = "content", "查看来件原文"


class DisclosedThing(Labelled):
    APPLICATION = "application", "申请"
    REGISTER_ACCOUNT = "register_account", "一卡通账号"
    PAYMENT = "payment", "发放明细"
    CARD_CHANGE = "card_change", "账号变更"
    VILLAGE_ENTRY = "village_entry", "村社申报"
    FILE = "file", "文件"
    IMPORT = "import", "批量导入"
    REGISTER_LOAD = "register_load", "初始导入"
    CALLBACK = "callback", "平台来件"
    CONTRADICTION = "contradiction", "矛盾来件"
    ODD_ANSWER = "odd_answer", "异常应答"
    TRAIL_ENTRY = "trail_entry", "操作留痕"

"""The vocabulary of the card-change side (S2)."""

from models.words.labelled import Labelled


class LoginStage(Labelled):
    """One attempt to sign in; a QR code lives 300 seconds."""

    OPENING = "opening", "正在准备"
    WAITING = "waiting", "等待扫码"
    SCANNED = "scanned", "已扫码，人脸识别中"
    PASSED = "passed", "人脸识别通过"
    FAILED = "failed", "人脸识别未通过"
    EXPIRED = "expired", "二维码已过期"


class RequestStage(Labelled):
    """A request is under way (办理中) while a part is open, then 办理完结."""

    VALIDATING = "validating", "验证中"
    IN_PROGRESS = "in_progress", "办理中"
    ENDED = "ended", "办理完结"


class RequestResult(Labelled):
    APPLIED = "applied", "变更成功"
    PARTLY_APPLIED = "partly_applied", "部分区县变更成功"
    REFUSED = "refused", "审核不通过"
    WITHDRAWN = "withdrawn", "已撤销"
    FAILED = "failed", "申请失败"


class PartStage(Labelled):
    """One county's part of a request."""

    VALIDATING = "validating", "验证中"
    IN_REVIEW = "in_review", "待审核"
    APPROVED = "approved", "审核通过"
    APPLYING = "applying", "上卡中"
    APPLIED = "applied", "上卡成功"
    FAILED = "failed", "申请失败"
    REFUSED = "refused", "审核不通过"
    WITHDRAWN = "withdrawn", "已撤销"


class EntryStage(Labelled):
    """村社申报: an operator's entry for a person without a usable account."""

    VALIDATING = "validating", "银行验证中"
    ENTERED = "entered", "待复核"
    APPLYING = "applying", "上卡中"
    APPLIED = "applied", "上卡成功"
    FAILED = "failed", "申报失败"
    REFUSED = "refused", "复核不通过"


class LoadStage(Labelled):
    """初始导入 of the register: a file is checked, asked at the bank, confirmed by a reviewer, and taken."""

    CHECKING = "checking", "校对中"
    TO_CONFIRM = "to_confirm", "待确认"
    ASKING = "asking", "银行核验中"
    ENTERED = "entered", "待复核"
    TAKING = "taking", "登记中"
    LOADED = "loaded", "已登记"
    REFUSED = "refused", "未导入"
    NOT_TAKEN = "not_taken", "复核不通过"


class LoadOutcome(Labelled):
    """What a row of a load means for the register, once the bank has said its word."""

    NEW = "new", "新登记"
    CHANGED = "changed", "有变动"
    SAME = "same", "与登记相同"
    REFUSED = "refused", "银行核验未通过"
    LEFT_OUT = "left_out", "不登记，以现登记为准"


class RoundStage(Labelled):
    """One walk over all accounts of a county or province."""

    CHECKING = "checking", "核验中"
    DONE = "done", "已完成"


class CardStatus(Labelled):
    """卡状态 of one card face over the counties that use it."""

    VALID = "valid", "有效"
    PARTLY_INVALID = "partly_invalid", "部分区县无效"
    INVALID = "invalid", "无效"


class NoticeKind(Labelled):
    INVALIDATED = "invalidated", "账号无效"
    CLEARED = "cleared", "账号已清空"
    VALID_AGAIN = "valid_again", "账号恢复有效"
    APPLIED = "applied", "账号变更成功"
    REFUSED = "refused", "账号变更审核不通过"
    APPLY_FAILED = "apply_failed", "上卡失败"
    PAYMENT_FAILED = "payment_failed", "补贴发放失败，请变更银行卡"

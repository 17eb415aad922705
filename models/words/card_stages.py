"""The vocabulary of the card-change side (S2; DOMAIN 4)."""

from enum import StrEnum


class LoginStage(StrEnum):
    """One attempt to sign in; a QR code lives 300 seconds."""

    OPENING = "opening"
    WAITING = "waiting"
    SCANNED = "scanned"
    PASSED = "passed"
    FAILED = "failed"
    EXPIRED = "expired"


class RequestStage(StrEnum):
    """A request is under way (办理中) while a part is open, then 办理完结."""

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    ENDED = "ended"


class RequestResult(StrEnum):
    APPLIED = "applied"
    PARTLY_APPLIED = "partly_applied"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class PartStage(StrEnum):
    """One county's part of a request."""

    VALIDATING = "validating"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class EntryStage(StrEnum):
    """村社申报: an operator's entry for a person without a usable account."""

    VALIDATING = "validating"
    ENTERED = "entered"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    REFUSED = "refused"


class RoundStage(StrEnum):
    """One walk over all accounts of a county or province."""

    CHECKING = "checking"
    DONE = "done"


class CardStatus(StrEnum):
    """卡状态 of one card face over the counties that use it."""

    VALID = "valid"
    PARTLY_INVALID = "partly_invalid"
    INVALID = "invalid"


class NoticeKind(StrEnum):
    INVALIDATED = "invalidated"
    CLEARED = "cleared"
    VALID_AGAIN = "valid_again"
    APPLIED = "applied"
    REFUSED = "refused"
    APPLY_FAILED = "apply_failed"
    PAYMENT_FAILED = "payment_failed"


_WORDS: tuple[tuple[StrEnum, str], ...] = (
    (LoginStage.OPENING, "正在准备"),
    (LoginStage.WAITING, "等待扫码"),
    (LoginStage.SCANNED, "已扫码，人脸识别中"),
    (LoginStage.PASSED, "人脸识别通过"),
    (LoginStage.FAILED, "人脸识别未通过"),
    (LoginStage.EXPIRED, "二维码已过期"),
    (RequestStage.VALIDATING, "验证中"),
    (RequestStage.IN_PROGRESS, "办理中"),
    (RequestStage.ENDED, "办理完结"),
    (RequestResult.APPLIED, "变更成功"),
    (RequestResult.PARTLY_APPLIED, "部分区县变更成功"),
    (RequestResult.REFUSED, "审核不通过"),
    (RequestResult.WITHDRAWN, "已撤销"),
    (RequestResult.FAILED, "申请失败"),
    (PartStage.VALIDATING, "验证中"),
    (PartStage.IN_REVIEW, "待审核"),
    (PartStage.APPROVED, "审核通过"),
    (PartStage.APPLYING, "上卡中"),
    (PartStage.APPLIED, "上卡成功"),
    (PartStage.FAILED, "申请失败"),
    (PartStage.REFUSED, "审核不通过"),
    (PartStage.WITHDRAWN, "已撤销"),
    (EntryStage.VALIDATING, "银行验证中"),
    (EntryStage.ENTERED, "待复核"),
    (EntryStage.APPLYING, "上卡中"),
    (EntryStage.APPLIED, "上卡成功"),
    (EntryStage.FAILED, "申报失败"),
    (EntryStage.REFUSED, "复核不通过"),
    (RoundStage.CHECKING, "核验中"),
    (RoundStage.DONE, "已完成"),
    (CardStatus.VALID, "有效"),
    (CardStatus.PARTLY_INVALID, "部分区县无效"),
    (CardStatus.INVALID, "无效"),
    (NoticeKind.INVALIDATED, "账号无效"),
    (NoticeKind.CLEARED, "账号已清空"),
    (NoticeKind.VALID_AGAIN, "账号恢复有效"),
    (NoticeKind.APPLIED, "账号变更成功"),
    (NoticeKind.REFUSED, "账号变更审核不通过"),
    (NoticeKind.APPLY_FAILED, "上卡失败"),
    (NoticeKind.PAYMENT_FAILED, "补贴发放失败，请变更银行卡"),
)
LABELS: dict[tuple[type[StrEnum], str], str] = {(type(word), word.value): text for word, text in _WORDS}


def label(word: StrEnum) -> str:
    """The Chinese word for a stage, result or notice."""
    return LABELS[type(word), word.value]

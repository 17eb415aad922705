"""What citizens and reviewers read about accounts and their changes; a platform's own text never stands here."""

from collections.abc import Mapping

from models.wire.words import AccountReason, PaymentReason, ProblemCode
from models.words.card_stages import PartStage
from models.words.faults import UNREADABLE_CODE

ACCOUNT_REASONS: Mapping[str, str] = {
    AccountReason.NAME_MISMATCH: "账号与户名不一致",
    AccountReason.ACCOUNT_NOT_FOUND: "账号不存在",
    AccountReason.ACCOUNT_CLOSED: "账户已销户",
    AccountReason.ACCOUNT_FROZEN: "账户已冻结",
    AccountReason.NOT_A_SUBSIDY_ACCOUNT: "不是惠民惠农补贴账户",
    AccountReason.OTHER: "银行未说明具体原因",
    ProblemCode.VALIDATION_FAILED: "平台未受理，资料不合规",
    PaymentReason.LIMIT_EXCEEDED: "超过账户限额",
    PaymentReason.BANK_ERROR: "银行处理出错",
    UNREADABLE_CODE: "登记的内容无法读取，未能核验",
}
# Gone for good: the card face is cleared; every other reason leaves it as 无效卡.
CLEARING = frozenset({AccountReason.ACCOUNT_CLOSED.value, AccountReason.ACCOUNT_NOT_FOUND.value})


def reason_words(code: str | None) -> str:
    return ACCOUNT_REASONS.get(code or AccountReason.OTHER, ACCOUNT_REASONS[AccountReason.OTHER])


def refused_words(remark: str | None) -> str:
    return f"审核不通过：{remark}" if remark else "审核不通过，原账号不变"


def step_words(step: str, words: str, remark: str | None) -> str:
    """A step as it is read: what a reviewer wrote is kept once, sealed with the decision."""
    return refused_words(remark) if step == PartStage.REFUSED else words

"""发放汇总 has three answers, each with a word of its own: the county's review, 提交状态, the platform's review."""

from models.words.labelled import Labelled


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

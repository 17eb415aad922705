"""发放汇总 has three answers, each with a word of its own: the county's review, 提交状态, the platform's review."""

from enum import StrEnum


class CountyReview(StrEnum):
    """审核状态: what a reviewer of the county said (S1 second 2.7)."""

    OPEN = "open"
    PASSED = "passed"
    REFUSED = "refused"


class Submission(StrEnum):
    """提交状态: whether an operator has submitted the summary to the platform."""

    NOT_SUBMITTED = "not_submitted"
    SUBMITTED = "submitted"


class PlatformReview(StrEnum):
    """平台审核: nothing before the submission."""

    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"


# Words of several vocabularies that are spelled alike are equal: a table for each.
REVIEWS = {CountyReview.OPEN: "待审核", CountyReview.PASSED: "审核通过", CountyReview.REFUSED: "审核不通过"}
SUBMISSIONS = {Submission.NOT_SUBMITTED: "未提交", Submission.SUBMITTED: "已提交"}
PLATFORM_REVIEWS = {
    PlatformReview.IN_REVIEW: "待审核",
    PlatformReview.APPROVED: "审核通过",
    PlatformReview.REJECTED: "审核不通过",
}

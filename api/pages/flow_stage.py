"""A flow's stage as its pages say it: what has been decided is said before the flow's run has carried it on."""

from collections.abc import Mapping

from models.words.stages import FlowStage, PlatformReview

# What the platform's answer makes of a flow.
_ANSWERED: Mapping[str | None, FlowStage] = {
    PlatformReview.APPROVED: FlowStage.SUMMARY_APPROVED,
    PlatformReview.REJECTED: FlowStage.COUNTY_REVIEW,
}


def stage_now(label: str, stage: str, platform_review: str | None) -> tuple[str, str]:
    """The stage's word and code, or those of what the platform's answer is about to make of it."""
    if stage == FlowStage.SUMMARY_SUBMITTED and (answered := _ANSWERED.get(platform_review)):
        return answered.label, answered.value
    return label, stage

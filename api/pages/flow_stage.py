"""A flow's stage as its pages say it: what has been decided is said before the flow's run has carried it on."""

from collections.abc import Mapping

from models.words.stages import FlowStage, PlatformReview

# What the platform's answer makes of a flow.
_ANSWERED: Mapping[str | None, FlowStage] = {
    PlatformReview.APPROVED: FlowStage.SUMMARY_APPROVED,
    PlatformReview.REJECTED: FlowStage.COUNTY_REVIEW,
}
CONFIRMED = ("已确认发放", "confirmed")


def stage_now(label: str, stage: str, *, confirmed: bool, platform_review: str | None = None) -> tuple[str, str]:
    """The stage's word and code, or those of what it is about to be; `confirmed`: somebody has released the money."""
    if confirmed and stage in (FlowStage.SUMMARY_SUBMITTED, FlowStage.SUMMARY_APPROVED):
        return CONFIRMED
    if stage == FlowStage.SUMMARY_SUBMITTED and (answered := _ANSWERED.get(platform_review)):
        return answered.label, answered.value
    return label, stage

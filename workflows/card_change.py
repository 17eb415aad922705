"""账号变更: a citizen's card change, county by county, from the bank's word to the last 上卡 (S2)."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.cards import CardActivities
    from models.contracts import CardLook, CardStep, PartRef, Subject
    from models.words.card_stages import RequestStage
    from models.words.waiting import CARD_VALIDATING
    from workflows.options import ASK, BANK, LOCAL_BANK
    from workflows.run import UNANSWERED_SECONDS, RowDriven, seconds_alone

DUE = "due"


@workflow.defn
class CardChangeWorkflow(RowDriven):
    """validating → each county: in_review → 上卡 → applied | failed, or refused, or withdrawn → the result."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._validate(subject)
        while not look.done or self._woken:
            await self._take_step(subject, look)
            look = await self._look_by(CardActivities.look_at_card, subject)
        return look.stage

    async def _take_step(self, subject: Subject, look: CardLook) -> None:
        match look.step:
            case CardStep.VALIDATE:
                await self._validate(subject)
            case CardStep.HAND_OVER:
                await self._hand_over_parts(subject, look)
            case CardStep.WAIT:
                await self._wait(subject, look)
            case CardStep.END:
                pass  # something came while the run was closed: the next look sees it

    async def _validate(self, subject: Subject) -> CardLook:
        """A bank that is slow or down is asked again without end; the citizen sees 验证中."""
        self._show(subject, RequestStage.VALIDATING, CARD_VALIDATING, workflow.now())
        return await self._look_by(CardActivities.validate_request, subject, first=LOCAL_BANK, otherwise=BANK)

    async def _hand_over_parts(self, subject: Subject, look: CardLook) -> None:
        """Approved counties go to the platform side by side: one that is stuck doesn't stop the others."""
        due = [part for part in look.to_apply if not self._seconds_left(_name(part))]
        await asyncio.gather(*(self._apply(subject, part) for part in due))
        pauses = [self._seconds_left(_name(part)) for part in look.to_apply]
        if any(pauses):
            await self._ask_when_due(subject, look)
            await self._pause(subject, min(pause for pause in pauses if pause))

    async def _ask_when_due(self, subject: Subject, look: CardLook) -> None:
        """One county that is busy for weeks doesn't keep the results of the others from being asked for."""
        if DUE not in self._not_before:
            self._leave_alone(DUE, look.ask_after_seconds)
        if not self._seconds_left(DUE):
            del self._not_before[DUE]
            await self._ask(subject)

    async def _apply(self, subject: Subject, part: PartRef) -> None:
        """One that isn't taken is left alone for a while: news about another county doesn't hand it over earlier."""
        try:
            handed = await self._call(CardActivities.apply_part, subject, part, options=ASK)
        except ActivityError as error:
            self._leave_alone(_name(part), seconds_alone(error, UNANSWERED_SECONDS))
        else:
            self._leave_alone(_name(part), handed.try_again_seconds)


def _name(part: PartRef) -> str:
    return f"{part.part_no}/{part.attempt}"

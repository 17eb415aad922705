"""账号变更: a citizen's card change, county by county, from the bank's word to the last 上卡 (S2; DOMAIN 4)."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.cards import CardActivities
    from models.contracts import CardLook, Look, PartRef, Subject
    from models.words.card_stages import RequestStage
    from models.words.waiting import CARD_VALIDATING
    from workflows.options import ASK, BANK, BANK_AT_HAND
    from workflows.run import UNANSWERED_SECONDS, RowDriven, seconds_alone

DUE = "due"


@workflow.defn
class CardChangeWorkflow(RowDriven):
    """validating → each county: in_review → 上卡 → applied | failed, or refused, or withdrawn → the result."""

    @workflow.signal
    def part_decided(self, request_nos: list[str]) -> None:
        self._news.extend(request_nos)

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._validate(subject)
        while not look.done or self._news:
            await self._next_step(subject, look)
            look = await self._look(subject)
        return look.stage

    async def _validate(self, subject: Subject) -> CardLook:
        """A bank that is slow or down is asked again without end; the citizen sees 验证中."""
        self._enter(
            subject,
            Look(
                stage=RequestStage.VALIDATING.value,
                waiting_for=CARD_VALIDATING,
                since=workflow.now(),
                ask_after_seconds=0.0,
            ),
        )
        self._news.clear()
        look = await self._locally_first(CardActivities.validate_request, subject, first=BANK_AT_HAND, otherwise=BANK)
        self._enter(subject, look)
        return look

    async def _next_step(self, subject: Subject, look: CardLook) -> None:
        """Approved counties go to the platform side by side: one that is stuck doesn't stop the others."""
        if look.done:
            return
        if not look.to_apply:
            await self._wait(subject, look)
            return
        due = [part for part in look.to_apply if not self._left(_name(part))]
        await asyncio.gather(*(self._apply(subject, part) for part in due))
        pauses = [self._left(_name(part)) for part in look.to_apply]
        if any(pauses):
            await self._ask_when_due(subject, look)
            await self._pause(subject, min(pause for pause in pauses if pause))

    async def _ask_when_due(self, subject: Subject, look: CardLook) -> None:
        """One county that is busy for weeks doesn't keep the results of the others from being asked for."""
        if DUE not in self._not_before:
            self._leave(DUE, look.ask_after_seconds)
        if not self._left(DUE):
            del self._not_before[DUE]
            await self._ask(subject)

    async def _apply(self, subject: Subject, part: PartRef) -> None:
        """One that isn't taken is left alone for a while: news about another county doesn't hand it over earlier."""
        try:
            handed = await workflow.execute_activity_method(CardActivities.apply_part, args=[subject, part], **ASK)
        except ActivityError as error:
            self._leave(_name(part), seconds_alone(error, UNANSWERED_SECONDS))
        else:
            self._leave(_name(part), handed.try_again_seconds)

    async def _look(self, subject: Subject) -> CardLook:
        self._news.clear()
        look = await self._locally_first(CardActivities.look_at_card, subject)
        self._enter(subject, look)
        return look


def _name(part: PartRef) -> str:
    return f"{part.part_no}/{part.attempt}"

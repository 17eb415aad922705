"""账号变更: a citizen's card change, county by county, from the bank's word to the last 上卡 (S2; DOMAIN 4)."""

import asyncio
from collections.abc import Mapping

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.cards import CardActivities
    from models.card_change import CardLook, PartRef
    from models.card_stages import RequestStage
    from models.subsidy import Look, Subject
    from models.waiting import CARD_VALIDATING
    from workflows.options import ASK, BANK, BANK_AT_HAND
    from workflows.rows import UNANSWERED_SECONDS, RowDriven

ASK_AT = "ask_at"


@workflow.defn
class CardChangeWorkflow(RowDriven):
    """validating → each county: in_review → 上卡 → applied | failed, or refused, or withdrawn → the result."""

    def __init__(self) -> None:
        super().__init__()
        self._ask_at: float | None = workflow.memo_value(ASK_AT, None)

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
        look = await self._at_hand(CardActivities.validate_request, subject, first=BANK_AT_HAND, otherwise=BANK)
        self._enter(subject, look)
        return look

    async def _next_step(self, subject: Subject, look: CardLook) -> None:
        """Approved counties go to the platform side by side: one that is stuck doesn't stop the others."""
        if look.done:
            return
        if not look.to_apply:
            await self._wait(subject, look)
            return
        pauses = await asyncio.gather(*(self._apply(subject, part) for part in look.to_apply))
        if any(pauses):
            await self._ask_when_due(subject, look)
            await self._pause(subject, min(pause for pause in pauses if pause))

    async def _ask_when_due(self, subject: Subject, look: CardLook) -> None:
        """One county that is busy for weeks doesn't keep the results of the others from being asked for."""
        if self._ask_at is None:
            self._ask_at = workflow.time() + look.ask_after_seconds
        if workflow.time() >= self._ask_at:
            self._ask_at = None
            await self._ask(subject)

    def _carried(self) -> Mapping[str, float | None]:
        """A county that is busy for weeks fills history after history: the question's time goes with it."""
        return {ASK_AT: self._ask_at}

    async def _apply(self, subject: Subject, part: PartRef) -> float:
        """Seconds to wait before it is tried again; 0 when the platform has taken or refused it."""
        try:
            handed = await workflow.execute_activity_method(CardActivities.apply_part, args=[subject, part], **ASK)
        except ActivityError:
            return UNANSWERED_SECONDS
        return handed.try_again_seconds

    async def _look(self, subject: Subject) -> CardLook:
        self._news.clear()
        look = await self._at_hand(CardActivities.look_at_card, subject)
        self._enter(subject, look)
        return look

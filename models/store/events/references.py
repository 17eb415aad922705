"""Events that come without our reference get it back from the platform's own ids, which we keep."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_one
from models.wire.events import (
    DatasetResults,
    Event,
    FaceCompleted,
    FlowEnded,
    FlowPayments,
    IndicatorReviewed,
    PolicyReviewed,
    SummaryReviewed,
)

DATASET = "SELECT reference FROM dataset WHERE platform_id = :id"
REVIEWS = {
    PolicyReviewed: "SELECT policy_no || '.' || round FROM policy WHERE submission_id = :id",
    IndicatorReviewed: "SELECT indicator_no || '.' || round FROM indicator WHERE submission_id = :id",
    SummaryReviewed: "SELECT f.flow_no || '.s' || s.number FROM summary s JOIN flow f ON f.id = s.flow_id"
    " WHERE s.submission_id = :id",
}


async def with_reference(session: AsyncSession, event: Event, number: str) -> Event:
    """The event as if it had named what it is about; unchanged when it does, or when nothing here has its id."""
    if isinstance(event, DatasetResults):
        return event if event.data.client_reference else await _found(session, event, DATASET, event.data.dataset_id)
    if isinstance(event, PolicyReviewed | IndicatorReviewed | SummaryReviewed):
        if event.data.client_reference:
            return event
        return await _found(session, event, REVIEWS[type(event)], event.data.submission_id)
    if isinstance(event, FlowPayments | FlowEnded | FaceCompleted) and not event.data.client_reference:
        return _named(event, number)
    return event


async def _found(session: AsyncSession, event: Event, statement: str, platform_id: str) -> Event:
    reference = await fetch_one(session, str, statement, id=platform_id)
    return event if reference is None else _named(event, reference)


def _named(event: Event, reference: str) -> Event:
    data = event.data.model_copy(update={"client_reference": reference})
    return event.model_copy(update={"data": data})

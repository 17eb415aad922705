"""Asking the platform by ourselves: the safety net behind its events."""

from functools import partial
from typing import NamedTuple

from sqlmodel import select
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.second_questions import SecondQuestions
from activities.platform.tries import for_each, with_retries
from models.contracts import RunKind, Subject
from models.store.cards.parts import AT_PLATFORM
from models.store.database import Database
from models.store.events.inbox import put_asked
from models.store.runs.look import note_asked
from models.store.sql import execute, fetch, fetch_one
from models.store.vault import Vault
from models.tables.base import now
from models.tables.batches import Dataset
from models.tables.flows import Flow
from models.wire.answers import Wire
from models.wire.words import AccountChangeStatus, DatasetStatus, EventType, FlowStatus, ReviewStatus
from models.words.stages import DatasetStage


class _UnderReview(NamedTuple):
    """A round or a summary, and the platform's id of it once it is handed over."""

    submission_id: str | None
    number: int


class _Part(NamedTuple):
    part_no: str
    county_code: str
    submission_id: str


REVIEWS = {
    RunKind.POLICY_REVIEW: ("policy", "policy_no", EventType.POLICY_REVIEWED),
    RunKind.INDICATOR_REVIEW: ("indicator", "indicator_no", EventType.INDICATOR_REVIEWED),
}


class AskingActivities:
    """Stores each answer like an event; asking twice stores the same answer once."""

    def __init__(self, database: Database, vault: Vault, platform: PlatformClient) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._second = SecondQuestions(database, vault, platform)

    @activity.defn
    async def ask_platform(self, subject: Subject) -> None:
        """Fetch what the platform has decided about a run and what is missing here; a no is an answer too."""
        try:
            await self._ask(subject)
        except PlatformRefusal as refusal:
            activity.logger.warning("asked about %s: %s", subject.number, refusal)
        await self._second.ask(subject)
        async with self._database.transaction() as session:
            await note_asked(session, subject.workflow_id)

    async def _ask(self, subject: Subject) -> None:
        if subject.kind in REVIEWS:
            await self._ask_review(subject)
        elif subject.kind in (RunKind.BENEFICIARY_INIT, RunKind.VERIFICATION):
            await self._ask_list(subject, await self._dataset(subject.number))
        elif subject.kind is RunKind.CARD_CHANGE:
            await self._ask_card_change(subject)
        else:
            await self._ask_flow(subject)

    async def _ask_review(self, subject: Subject) -> None:
        table, number, kind = REVIEWS[subject.kind]
        async with self._database.reading() as session:
            statement = f"SELECT submission_id, round AS number FROM {table} WHERE {number} = :no"
            round_now = await fetch_one(session, _UnderReview, statement, no=subject.number)
        if round_now is not None and round_now.submission_id is not None:
            reference = f"{subject.number}.{round_now.number}"
            await self._store_review(subject, kind, reference, round_now.submission_id)

    async def _store_review(self, subject: Subject, kind: EventType, reference: str, submission_id: str) -> None:
        review = await self._platform.get_review(subject.county_code, submission_id)
        if review.status is not ReviewStatus.PENDING:
            await self._store(subject, kind, reference, review.model_copy(update={"client_reference": reference}))

    async def _dataset(self, reference: str) -> Dataset | None:
        async with self._database.reading() as session:
            return (await session.exec(select(Dataset).where(Dataset.reference == reference))).first()

    async def _ask_list(self, subject: Subject, dataset: Dataset | None) -> None:
        if dataset is None or dataset.platform_id is None or dataset.stage is not DatasetStage.UNDER_REVIEW:
            return
        answer = await self._platform.get_dataset(dataset.county_code, dataset.platform_id)
        if answer.status is not DatasetStatus.REVIEWED or not answer.result_pages:
            return
        async with self._database.reading() as session:
            here = await fetch(session, int, "SELECT page FROM result_page WHERE dataset_id = :id", id=dataset.id)
        missing = sorted(set(range(1, answer.result_pages + 1)).difference(here))
        await for_each(missing, partial(self._fetch_results, subject, dataset, dataset.platform_id))

    async def _fetch_results(self, subject: Subject, dataset: Dataset, platform_id: str, page: int) -> None:
        results = await with_retries(partial(self._platform.get_result_page, dataset.county_code, platform_id, page))
        data = results.model_copy(update={"client_reference": dataset.reference})
        await self._store(subject, EventType.DATASET_RESULTS, dataset.reference, data)

    async def _ask_card_change(self, subject: Subject) -> None:
        """What came of every 上卡 that the platform has taken and not answered yet."""
        async with self._database.reading() as session:
            parts = await fetch(
                session,
                _Part,
                "SELECT p.part_no, p.county_code, p.submission_id FROM card_change_part p JOIN card_change c"
                f" ON c.id = p.request_id WHERE c.request_no = :no AND {AT_PLATFORM} ORDER BY p.id",
                no=subject.number,
            )
        await for_each(parts, self._ask_part)

    async def _ask_part(self, part: _Part) -> None:
        part_no, county, submission_id = part
        try:
            answer = await with_retries(partial(self._platform.get_account_change, county, submission_id))
        except PlatformRefusal as refusal:
            activity.logger.warning("asked about %s: %s", part_no, refusal)
            return
        if answer.status is AccountChangeStatus.PENDING:
            return
        data = answer.model_copy(update={"client_reference": part_no})
        async with self._database.transaction() as session:
            kind = EventType.ACCOUNT_CHANGE_APPLIED
            await put_asked(session, self._vault, county, kind, part_no, data, now())

    async def _ask_flow(self, subject: Subject) -> None:
        async with self._database.reading() as session:
            flow = (await session.exec(select(Flow).where(Flow.flow_no == subject.number))).first()
            if flow is None or flow.platform_id is None:
                return
            statement = select(Dataset).where(Dataset.flow_id == flow.id, Dataset.stage == DatasetStage.UNDER_REVIEW)
            dataset = (await session.exec(statement)).first()
            summary = await fetch_one(
                session,
                _UnderReview,
                "SELECT submission_id, number FROM summary WHERE flow_id = :id AND stage = 'submitted'",
                id=flow.id,
            )
        await self._ask_list(subject, dataset)
        if summary is not None and summary.submission_id is not None:
            reference = f"{flow.flow_no}.s{summary.number}"
            await self._store_review(subject, EventType.SUMMARY_REVIEWED, reference, summary.submission_id)
        await self._ask_payments(subject, flow, flow.platform_id)

    async def _ask_payments(self, subject: Subject, flow: Flow, platform_id: str) -> None:
        """Pages that never came, in order, then the end: so a page is here before the end that counts it."""
        answer = await self._platform.get_flow(flow.county_code, platform_id)
        if answer.status is FlowStatus.ENDED:
            async with self._database.transaction() as session:
                await execute(
                    session,
                    "UPDATE flow SET published_pages = :pages, end_claim = CASE WHEN end_claim ->> 'outcome' IS NULL"
                    " THEN end_claim || jsonb_build_object('outcome', CAST(:outcome AS text)) ELSE end_claim END"
                    " WHERE id = :id",
                    pages=answer.payment_pages or 0,
                    outcome=None if answer.outcome is None else answer.outcome.value,
                    id=flow.id,
                )
        async with self._database.reading() as session:
            here = await fetch(session, int, "SELECT page FROM payment_page WHERE flow_id = :id", id=flow.id)
        missing = sorted(set(range(1, (answer.payment_pages or 0) + 1)).difference(here))
        await for_each(missing, partial(self._fetch_payments, subject, flow, platform_id))
        if answer.status is FlowStatus.ENDED and flow.end_claim is None:
            ended = answer.model_copy(update={"client_reference": flow.flow_no})
            await self._store(subject, EventType.FLOW_ENDED, flow.flow_no, ended)

    async def _fetch_payments(self, subject: Subject, flow: Flow, platform_id: str, page: int) -> None:
        payments = await with_retries(partial(self._platform.get_payment_page, flow.county_code, platform_id, page))
        data = payments.model_copy(update={"client_reference": flow.flow_no})
        await self._store(subject, EventType.FLOW_PAYMENTS, flow.flow_no, data)

    async def _store(self, subject: Subject, kind: EventType, reference: str, data: Wire) -> None:
        async with self._database.transaction() as session:
            await put_asked(session, self._vault, subject.county_code, kind, reference, data, now())

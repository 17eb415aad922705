"""From a stored callback to the run that it belongs to; the body is opened here and never leaves this process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import structlog
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import func, text
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.server.beside_loop import beside_loop
from models.contracts import RunKind, Signal, Subject, number_of
from models.settings import Settings
from models.store.database import Database
from models.store.events.inbox import body_row
from models.store.runs.runs import open_run, wake
from models.store.runs.targets import run_of_number, run_to_wake
from models.store.sql import execute, fetch, fetch_one
from models.store.vault import SealBroken, Vault
from models.tables.base import now
from models.tables.records import Inbox, PlatformReference, Run
from models.wire.answers import province_of
from models.wire.events import AccountInvalidated, Event, client_reference_of, parse_event
from models.wire.words import EventType
from models.words.stages import InboxState

_LOG = structlog.get_logger()
EVENTS_AT_ONCE = 50
# Routed and not delivered for this long: routed again. A signal that comes twice does no harm.
_ROUTED_AGAIN = timedelta(seconds=30)
_PARKED_MAX_SECONDS = 600
_DUE = "state IN ('received', 'parked') AND next_try_at <= now()"
_PUT_OFF = (
    "UPDATE inbox SET tries = tries + 1,"
    " next_try_at = now() + make_interval(secs => least(:most, 2 ^ least(tries, 12))) WHERE id = :id"
)
# Twice what 500 lines with reasons of 4,000 letters take; while more is parsed nobody else would be served.
_EVENT_LIMIT = 8 * 1024 * 1024
_OTHER_COUNTY = "OTHER_COUNTY"
_DATASETS = frozenset({RunKind.BENEFICIARY_INIT, RunKind.VERIFICATION, RunKind.SUBSIDY_FLOW})
_FLOWS = frozenset({RunKind.SUBSIDY_FLOW})
# Runs of a whole province: an event of any of its counties may be theirs.
_OF_PROVINCE = frozenset({RunKind.FACE_LOGIN, RunKind.CARD_CHANGE})
RECEIVERS: Mapping[EventType, frozenset[RunKind]] = {
    EventType.POLICY_REVIEWED: frozenset({RunKind.POLICY_REVIEW}),
    EventType.INDICATOR_REVIEWED: frozenset({RunKind.INDICATOR_REVIEW}),
    EventType.SUMMARY_REVIEWED: _FLOWS,
    EventType.DATASET_RESULTS: _DATASETS,
    EventType.FLOW_PAYMENTS: _FLOWS,
    EventType.FLOW_ENDED: _FLOWS,
    EventType.FACE_COMPLETED: frozenset({RunKind.FACE_LOGIN}),
    EventType.ACCOUNT_CHANGE_APPLIED: frozenset({RunKind.CARD_CHANGE, RunKind.VILLAGE_ENTRY}),
    EventType.ACCOUNT_INVALIDATED: frozenset({RunKind.ACCOUNT_EVENT}),
}


class _Named(BaseModel):
    county_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class _Whose(BaseModel):
    data: _Named


class Router:
    """Decides for every due callback: a run to wake, parked, unknown or quarantined."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings

    async def route_due(self) -> int:
        """Route what is due in one transaction; where one row breaks it, each row in its own: none stops the others."""
        try:
            async with self._database.transaction() as session:
                return await self._route_rows(session, await _due(session))
        except Exception as error:
            _LOG.warning("callbacks are routed one by one", error=type(error).__name__)
        async with self._database.reading() as session:
            ids = await fetch(session, int, f"SELECT id FROM inbox WHERE {_DUE} ORDER BY id LIMIT {EVENTS_AT_ONCE}")
        return sum([await self._route_alone(each) for each in ids])

    async def _route_rows(self, session: AsyncSession, rows: Sequence[Inbox]) -> int:
        """The signals go through the outbox, so they follow the commit."""
        arrivals: defaultdict[str, list[str]] = defaultdict(list)
        runs: dict[str, Run] = {}
        for row in rows:
            run = await self._route(session, row)
            if run is not None:
                runs[run.workflow_id] = run
                arrivals[run.workflow_id].append(str(row.id))
        # in one order: another relay may open the same runs at this moment
        for workflow_id, run in sorted(runs.items()):
            await wake(session, await run_to_wake(session, run), Signal.CALLBACKS_ARRIVED, arrivals[workflow_id])
        return len(rows)

    async def _route_alone(self, inbox_id: int) -> int:
        """One that can't be routed stays as it is and is tried ever more rarely, by whichever version can."""
        try:
            async with self._database.transaction() as session:
                return await self._route_rows(session, await _due(session, inbox_id))
        except Exception as error:
            _LOG.error("callback could not be routed", inbox_id=inbox_id, error=type(error).__name__)
        try:
            async with self._database.transaction() as session:
                await execute(session, _PUT_OFF, id=inbox_id, most=_PARKED_MAX_SECONDS)
        except Exception as error:  # not even that can be written: the others go on all the same
            _LOG.error("callback could not be put off", inbox_id=inbox_id, error=type(error).__name__)
        return 0

    async def _route(self, session: AsyncSession, row: Inbox) -> Run | None:
        if row.number is None:
            event = await self._read(session, row)
            if event is None:
                _quarantine(row, "UNREADABLE")
                return None
            await _describe(session, row, event)
        kinds = RECEIVERS[EventType(row.event_type)]
        if RunKind.ACCOUNT_EVENT in kinds:
            await _open_account_event(session, row)
        run = await run_of_number(session, row.number) if row.number else None
        if run is None and not _names_another_county(row):
            self._park(row)
            return None
        misfit = _misfit(row, run, kinds)
        if misfit is not None:
            _quarantine(row, misfit)
            if misfit == _OTHER_COUNTY:
                # what it tells is another county's than it names: neither of the two reads it, the province does
                row.county_code = None
            return None
        row.state = InboxState.RECEIVED
        _try_again_in(row, _ROUTED_AGAIN.total_seconds())
        return run

    async def _read(self, session: AsyncSession, row: Inbox) -> Event | None:
        """The event in the row's body; one outside the contract may at least say whose it is."""
        sealed = await fetch_one(session, str, "SELECT body FROM inbox WHERE id = :id", id=row.id)
        assert sealed is not None
        place = body_row(row.province_code, row.event_id)
        event, row.county_code = await beside_loop(len(sealed), lambda: self._opened(place, sealed, row.province_code))
        return event

    def _opened(self, place: str, sealed: str, province_code: str) -> tuple[Event | None, str | None]:
        try:
            plain = self._vault.open_body(place, sealed)
        except SealBroken:
            return None, None
        if len(plain) > _EVENT_LIMIT:
            return None, None
        try:
            return parse_event(plain), None
        except ValidationError:
            return None, _named_county(plain, province_code)

    def _park(self, row: Inbox) -> None:
        if row.received_at < now() - timedelta(days=self._settings.parked_days):
            row.state = InboxState.UNKNOWN
            return
        row.state = InboxState.PARKED
        _again(row)


def _named_county(plain: bytes, province_code: str) -> str | None:
    """Outside the contract, yet it may say whose it is: then the reviewer of that county can read it."""
    try:
        named = _Whose.model_validate_json(plain).data.county_code
    except ValidationError:
        return None
    return named if province_of(named) == province_code else None


async def _due(session: AsyncSession, inbox_id: int | None = None) -> list[Inbox]:
    """The next ones, or the one that is named, if it is due and nobody else's now."""
    statement = (
        select(Inbox)
        .where(text(_DUE))
        .order_by(col(Inbox.id))
        .limit(EVENTS_AT_ONCE)
        .with_for_update(skip_locked=True)
        .options(defer(Inbox.body))  # type: ignore[arg-type]
    )
    if inbox_id is not None:
        statement = statement.where(Inbox.id == inbox_id)
    return list(await session.exec(statement))


async def _describe(session: AsyncSession, row: Inbox, event: Event) -> None:
    reference = client_reference_of(event)
    row.event_type = event.type.value
    row.county_code = event.data.county_code
    row.reference = reference
    row.number = number_of(reference) if reference else await _by_platform_id(session, row, event)

    if isinstance(event, AccountInvalidated):
        # nobody asked for it: it gets a run of its own
        row.number = f"{event.data.county_code}-E{row.id}"


async def _open_account_event(session: AsyncSession, row: Inbox) -> None:
    """A run for one invalidation, opened once; of another province's county none is."""
    county = row.county_code or ""
    if row.number is None or province_of(county) != row.province_code:
        return
    if await run_of_number(session, row.number) is None:
        await open_run(session, Subject(kind=RunKind.ACCOUNT_EVENT, number=row.number, county_code=county))


async def _by_platform_id(session: AsyncSession, row: Inbox, event: Event) -> str | None:
    ids = (getattr(event.data, name, None) for name in ("submission_id", "dataset_id", "flow_id", "face_session_id"))
    platform_id = next((found for found in ids if isinstance(found, str)), None)
    if platform_id is None:
        return None
    known = await session.get(PlatformReference, (row.province_code, platform_id))
    return number_of(known.number) if known else None


def _names_another_county(row: Inbox) -> bool:
    """Whether the reference, known or not, is of a county of the province that the event isn't in the name of."""
    named = (row.number or "").partition("-")[0]
    if len(named) != 6 or not named.isdigit() or province_of(named) != row.province_code:
        return False
    return named not in (row.county_code, row.province_code)


def _misfit(row: Inbox, run: Run | None, kinds: frozenset[RunKind]) -> str | None:
    if run is None:
        return _OTHER_COUNTY
    # a face belongs to no county, a card change to all that it names
    fits = row.county_code == run.county_code or run.kind in _OF_PROVINCE
    if not fits or row.province_code != province_of(run.county_code):
        return _OTHER_COUNTY
    return None if run.kind in kinds else "OTHER_KIND"


def _quarantine(row: Inbox, reason: str) -> None:
    row.state = InboxState.QUARANTINED
    row.effect = reason


def _again(row: Inbox) -> None:
    _try_again_in(row, min(_PARKED_MAX_SECONDS, 2.0 ** min(row.tries, 12)))
    row.tries += 1


def _try_again_in(row: Inbox, seconds: float) -> None:
    """By the database's clock: rows are due by it, and other processes write them with theirs."""
    row.next_try_at = func.now() + timedelta(seconds=seconds)  # type: ignore[assignment]

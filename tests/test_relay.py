"""The relay: rows reach Temporal once and in time, whatever is away, and callbacks find their run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError

from api.relay.pace import LOT, Pace
from api.relay.relay import Relay
from deploy.stack import Stack, temporal
from models.contracts import RunKind, Signal, Subject, workflow_id
from models.store.runs.runs import close_run, open_run, wake
from models.store.sql import execute, fetch_int
from models.tables.base import now
from models.tables.records import Inbox, Outbox, PlatformReference, Run, TrailEntry
from models.words.staff import Role
from models.words.stages import InboxState
from tests.api_server import COUNTY, OTHER_COUNTY, PROVINCE, ApiServer, api_server
from tests.platform_posts import account_invalidated, policy_reviewed, post_event
from tests.tiny_runs import END, eventually, fresh_queue, fresh_subject, noted, tiny_worker
from workflows.client import connect, summary_of


@dataclass(frozen=True)
class Office:
    """An API without relay of its own, and relays made by hand."""

    server: ApiServer
    temporal: Client

    def relay(self, client: Client | None = None) -> Relay:
        parts = self.server
        return Relay(parts.database, parts.vault, parts.settings, client or self.temporal)

    async def carry(self, relay: Relay | None = None) -> None:
        """Rounds until nothing is due."""
        relay = relay or self.relay()
        while await relay.route_due() + await relay.deliver_due():
            pass

    async def open(self, subject: Subject, *ids: str) -> None:
        async with self.server.database.transaction() as session:
            await open_run(session, subject)
            for one in ids:
                await wake(session, subject.workflow_id, Signal.CALLBACKS_ARRIVED, [one])

    async def wake(self, subject: Subject, one: str) -> None:
        async with self.server.database.transaction() as session:
            await wake(session, subject.workflow_id, Signal.CALLBACKS_ARRIVED, [one])

    async def restarts(self, subject: Subject) -> int:
        async with self.server.database.reading() as session:
            return await fetch_int(session, "SELECT restarts FROM run WHERE workflow_id = :id", id=subject.workflow_id)

    async def close(self, subject: Subject) -> None:
        async with self.server.database.transaction() as session:
            await close_run(session, subject.workflow_id, "approved")

    async def due_now(self) -> None:
        """Let time pass for everything that waits."""
        async with self.server.database.transaction() as session:
            await execute(session, "UPDATE outbox SET next_try_at = now() WHERE delivered_at IS NULL")
            await execute(session, "UPDATE inbox SET next_try_at = now() WHERE state IN ('received', 'parked')")

    async def undelivered(self) -> Sequence[Outbox]:
        async with self.server.database.reading() as session:
            return (await session.exec(select(Outbox).where(col(Outbox.delivered_at).is_(None)))).all()

    async def event(self, event_id: str) -> Inbox:
        async with self.server.database.reading() as session:
            return (await session.exec(select(Inbox).where(Inbox.event_id == event_id))).one()

    async def signals(self, run_id: str) -> int:
        history = await self.temporal.get_workflow_handle(run_id).fetch_history()
        return sum(one.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED for one in history.events)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, temporal_client: Client) -> AsyncIterator[Office]:
    queue = fresh_queue()
    settings: dict[str, Any] = {"temporal_task_queue": queue, "temporal_namespace": temporal.NAMESPACE}
    async with (
        api_server(database_url, tmp_path, **settings) as server,
        tiny_worker(temporal_client, queue),
    ):
        yield Office(server, temporal_client)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    carrying = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying


async def test_a_run_starts_and_its_signals_arrive_as_one(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject, *map(str, range(50)))
    await office.carry()
    assert await noted(office.temporal, subject.workflow_id) == [str(place) for place in range(50)]
    # one for the opening, one for all fifty
    assert await office.signals(subject.workflow_id) == 2
    assert await office.undelivered() == []


async def test_a_run_says_whose_it_is_and_waits_in_its_countys_turn(office: Office) -> None:
    """Temporal itself keeps both: what ops read beside the id, and what a place is shared out by."""
    subject = fresh_subject()
    await office.open(subject)
    await office.carry()
    handle = office.temporal.get_workflow_handle(subject.workflow_id)
    assert await (await handle.describe()).static_summary() == summary_of(subject)
    [started] = [one async for one in handle.fetch_history_events() if one.event_id == 1]
    told = started.workflow_execution_started_event_attributes.priority
    assert (told.priority_key, told.fairness_key) == (3, subject.county_code)


async def test_a_signal_alone_starts_a_run_that_is_gone(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject, "7")
    async with office.server.database.transaction() as session:
        await execute(session, "UPDATE outbox SET delivered_at = now() WHERE signal = 'opened'")
    await office.carry()
    assert await noted(office.temporal, subject.workflow_id) == ["7"]


async def test_nothing_starts_for_a_run_that_has_ended(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject, "7")
    await office.close(subject)
    await office.carry()
    assert await office.undelivered() == []
    with pytest.raises(RPCError):
        await office.temporal.get_workflow_handle(subject.workflow_id).describe()


async def test_many_relays_at_once_deliver_everything_once(office: Office) -> None:
    subjects = [fresh_subject() for _ in range(20)]
    for subject in subjects:
        await office.open(subject, "1", "2", "3")
    relays = [office.relay() for _ in range(4)]
    await asyncio.gather(*(office.carry(relay) for relay in relays))
    await office.carry()
    for subject in subjects:
        assert sorted(await noted(office.temporal, subject.workflow_id)) == ["1", "2", "3"]


async def test_a_relay_that_dies_before_it_could_mark_delivers_again_to_the_same_run(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject, "7")
    await office.carry()
    first = await office.temporal.get_workflow_handle(subject.workflow_id).describe()
    async with office.server.database.transaction() as session:
        await execute(session, "UPDATE outbox SET delivered_at = NULL")
    await office.carry()
    again = await office.temporal.get_workflow_handle(subject.workflow_id).describe()
    assert again.run_id == first.run_id
    assert set(await noted(office.temporal, subject.workflow_id)) == {"7"}


async def test_opening_again_reaches_the_execution_that_lives(office: Office) -> None:
    """One that is just closing sees the signal and looks at its row again."""
    subject = fresh_subject()
    await office.open(subject)
    await office.carry()
    handle = office.temporal.get_workflow_handle(subject.workflow_id)
    first = (await handle.describe()).run_id
    await office.close(subject)
    await office.open(subject)
    await office.carry()
    assert (await handle.describe()).run_id == first
    assert await handle.query("openings", result_type=int) == 2


async def test_opening_again_after_the_end_is_a_new_execution(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject, END)
    await office.carry()
    handle = office.temporal.get_workflow_handle(subject.workflow_id)
    await handle.result()
    first = (await handle.describe()).run_id
    await office.close(subject)
    await office.open(subject)
    await office.carry()
    assert (await handle.describe()).run_id != first
    assert await noted(office.temporal, subject.workflow_id) == []


async def test_what_a_signal_starts_again_is_counted_and_recorded_as_a_restart(office: Office) -> None:
    """It may come before the watch; neither the first execution nor one that is opened again after its end is one."""
    ended, subject = fresh_subject(), fresh_subject()
    await office.open(ended, END)
    await office.open(subject)
    await office.carry()
    await office.temporal.get_workflow_handle(ended.workflow_id).result()
    await office.close(ended)
    await office.open(ended)
    await office.temporal.get_workflow_handle(subject.workflow_id).terminate("by hand")
    relay = office.relay()
    async with office.server.database.transaction() as look:
        await execute(look, "SELECT 1 FROM run WHERE workflow_id = :id FOR UPDATE", id=subject.workflow_id)
        await office.wake(subject, "7")
        await office.carry(relay)
    assert await noted(office.temporal, subject.workflow_id) == ["7"], "whoever holds its row is not waited for"
    await office.wake(subject, "8")
    await office.carry(relay)
    assert await office.restarts(subject) == 1
    assert await office.restarts(ended) == 0
    async with office.server.database.reading() as session:
        (entry,) = await session.exec(select(TrailEntry))
    assert (entry.actor, entry.act, entry.subject) == ("system", "run_restarted", subject.number)


async def test_an_execution_of_a_former_opening_is_noted_no_more(office: Office) -> None:
    """The round that began it took its time: meanwhile the run has ended and is asked for again."""
    subject, relay = fresh_subject(), office.relay()
    await office.open(subject, END)
    async with office.server.database.transaction() as look:
        await execute(look, "SELECT 1 FROM run WHERE workflow_id = :id FOR UPDATE", id=subject.workflow_id)
        await office.carry(relay)
    await office.temporal.get_workflow_handle(subject.workflow_id).result()
    await office.close(subject)
    await office.open(subject)
    async with office.server.database.transaction() as other_relay:
        await execute(other_relay, "SELECT 1 FROM outbox WHERE delivered_at IS NULL FOR UPDATE")
        await office.carry(relay)
    await office.carry(relay)
    assert await office.restarts(subject) == 0


async def test_a_restart_that_could_not_be_noted_is_noted_by_the_next_relay(
    office: Office, owner: psycopg.Connection
) -> None:
    subject = fresh_subject()
    await office.open(subject)
    await office.carry()
    await office.temporal.get_workflow_handle(subject.workflow_id).terminate("by hand")
    await office.wake(subject, "7")
    owner.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'"
    )
    owner.execute("CREATE TRIGGER refused BEFORE UPDATE ON run FOR EACH ROW EXECUTE FUNCTION refuse()")
    with pytest.raises(DBAPIError):
        await office.relay().deliver_due()
    owner.execute("DROP TRIGGER refused ON run")
    assert await noted(office.temporal, subject.workflow_id) == ["7"]
    assert await office.restarts(subject) == 0
    await office.wake(subject, "8")
    await office.carry()
    assert await office.restarts(subject) == 1


async def test_what_cannot_be_delivered_waits_by_itself(office: Office) -> None:
    good = fresh_subject()
    async with office.server.database.transaction() as session:
        await wake(session, "policy-review/nobody", Signal.CALLBACKS_ARRIVED, ["1"])
        # no call takes a message of this size
        poison = fresh_subject()
        await open_run(session, poison)
        await wake(session, poison.workflow_id, Signal.ORDER_CONFIRMED, ["x" * 5_000_000])
    await office.open(good, "7")
    await office.carry()
    assert await noted(office.temporal, good.workflow_id) == ["7"]
    left = {entry.workflow_id: entry for entry in await office.undelivered()}
    assert set(left) == {"policy-review/nobody", poison.workflow_id}
    assert left["policy-review/nobody"].last_error == "RUN_MISSING"
    assert all(entry.tries == 1 and entry.next_try_at > now() for entry in left.values())
    for _ in range(8):
        await office.due_now()
        await office.carry()
    waits = [entry.next_try_at - now() for entry in await office.undelivered()]
    assert all(timedelta(seconds=20) < wait < timedelta(seconds=31) for wait in waits)


async def test_a_start_goes_out_beside_what_is_under_way(office: Office, owner: psycopg.Connection) -> None:
    told, new = fresh_subject(), fresh_subject()
    await office.open(told)
    await office.carry()
    owner.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END'"
    )
    owner.execute(
        "CREATE TRIGGER waits BEFORE UPDATE ON inbox FOR EACH ROW WHEN (NEW.state = 'delivered')"
        " EXECUTE FUNCTION wait()"
    )
    owner.execute("SELECT pg_advisory_lock(77)")
    async with running(office.relay()):
        await post_event(office.server, "evt-1", policy_reviewed(f"{told.number}.1"))
        # signalled, and not noted as delivered
        await eventually(lambda: _noted_or_none(office, told.workflow_id))
        await office.open(new, "7")
        assert await eventually(lambda: _noted_or_none(office, new.workflow_id), within_s=8) == ["7"]
        owner.execute("SELECT pg_advisory_unlock(77)")
        await eventually(lambda: _in_state(office, "evt-1", InboxState.DELIVERED))


async def test_what_is_said_again_goes_out_in_lots_and_what_is_new_beside_it(office: Office) -> None:
    for _ in range(LOT + 1):
        await office.open(fresh_subject())
    async with office.server.database.transaction() as session:
        await execute(session, "UPDATE outbox SET tries = 1")
    await office.open(fresh_subject())
    assert await office.relay().deliver_due() == LOT + 1
    (left,) = await office.undelivered()
    assert left.tries == 1


async def test_the_next_lot_waits_until_a_worker_has_taken_the_last_one(temporal_client: Client) -> None:
    pace, queue, subject = Pace(timedelta(minutes=5)), fresh_queue(), fresh_subject()
    await temporal_client.start_workflow("PolicyReviewWorkflow", subject, id=subject.workflow_id, task_queue=queue)
    pace.sent([subject.workflow_id] * LOT)
    assert await pace.lot(temporal_client) == 0
    async with tiny_worker(temporal_client, queue):
        assert await eventually(lambda: pace.lot(temporal_client)) == LOT
    assert not pace.is_held


async def test_news_travels_by_notification_not_by_the_poll(database_url: str, tmp_path: Path, office: Office) -> None:
    settings: dict[str, Any] = {
        "temporal_task_queue": office.server.settings.temporal_task_queue,
        "temporal_namespace": temporal.NAMESPACE,
        "relay_poll_seconds": 600.0,
    }
    async with api_server(
        database_url, tmp_path, temporal=office.temporal, vault=office.server.vault, **settings
    ) as server:

        async def listens() -> bool:
            async with server.database.transaction() as session:
                statement = (
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()"
                )
                return await execute(session, statement) > 0

        await eventually(listens)
        subject = fresh_subject()
        await office.open(subject, "7")
        assert await eventually(lambda: _noted_or_none(office, subject.workflow_id), within_s=10) == ["7"]
        await post_event(server, "evt-1", policy_reviewed(f"{subject.number}.1"))
        await eventually(lambda: _in_state(office, "evt-1", InboxState.DELIVERED), within_s=10)


async def test_while_temporal_is_away_everything_is_taken_and_nothing_lost(
    stack_factory: Callable[..., Stack], database_url: str, tmp_path: Path
) -> None:
    stack = stack_factory(parts=("temporal",))
    queue, environment = fresh_queue(), stack.layout.temporal.environment
    stack.kill("temporal")
    client = await connect(environment, lazy=True)
    settings: dict[str, Any] = {
        "temporal_task_queue": queue,
        "temporal_namespace": temporal.NAMESPACE,
        "relay_poll_seconds": 0.2,
    }
    async with api_server(database_url, tmp_path, temporal=client, **settings) as server:
        office = Office(server, client)
        subject = fresh_subject()
        await office.open(subject)
        assert (await post_event(server, "evt-1", policy_reviewed(f"{subject.number}.1"))).status_code == 204
        health = (await server.http.get("/health")).json()
        assert (health["status"], health["temporal"]) == ("degraded", False)

        async def tried() -> bool:
            return any(entry.tries > 0 for entry in await office.undelivered())

        await eventually(tried, within_s=30)
        stack.start("temporal")
        async with tiny_worker(await connect(environment), queue):
            await eventually(lambda: _in_state(office, "evt-1", InboxState.DELIVERED), within_s=40)
            event = await office.event("evt-1")
            assert await noted(client, subject.workflow_id) == [str(event.id)]
            assert (await server.http.get("/health")).json()["status"] == "ok"


async def test_a_callback_reaches_its_run_and_says_what_it_is(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject)
    await post_event(office.server, "evt-1", policy_reviewed(f"{subject.number}.1"))
    await office.carry()
    event = await office.event("evt-1")
    assert (event.state, event.event_type, event.county_code) == (
        InboxState.DELIVERED,
        "policy.reviewed",
        subject.county_code,
    )
    assert (event.reference, event.number) == (f"{subject.number}.1", subject.number)
    assert await noted(office.temporal, subject.workflow_id) == [str(event.id)]


async def test_a_callback_without_our_reference_is_found_by_the_platforms_id(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject)
    async with office.server.database.transaction() as session:
        session.add(PlatformReference(province_code=PROVINCE, platform_id="sub-77", number=subject.number))
    await post_event(office.server, "evt-1", policy_reviewed(None, submission_id="sub-77"))
    await post_event(office.server, "evt-2", policy_reviewed(None, submission_id="sub-78"))
    await office.carry()
    assert (await office.event("evt-1")).state is InboxState.DELIVERED
    assert (await office.event("evt-2")).state is InboxState.PARKED


async def test_an_early_callback_is_parked_until_its_run_is_there(office: Office) -> None:
    subject = fresh_subject()
    await post_event(office.server, "evt-1", policy_reviewed(f"{subject.number}.1"))
    await office.carry()
    parked = await office.event("evt-1")
    assert (parked.state, parked.number) == (InboxState.PARKED, subject.number)
    assert parked.next_try_at > now()
    await office.open(subject)
    await office.due_now()
    await office.carry()
    assert (await office.event("evt-1")).state is InboxState.DELIVERED
    assert await noted(office.temporal, subject.workflow_id) == [str(parked.id)]


async def test_what_nobody_receives_is_parked_ever_longer_and_then_unknown(office: Office) -> None:
    await post_event(office.server, "evt-1", policy_reviewed("500001-Z2026-9998.1"))
    await post_event(office.server, "evt-2", policy_reviewed("500001-Z2026-9999.1"))
    pauses = []
    for _ in range(3):
        await office.due_now()
        await office.carry()
        event = await office.event("evt-1")
        assert event.state is InboxState.PARKED
        pauses.append(event.next_try_at - now())
    assert pauses == sorted(pauses)
    async with office.server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET received_at = now() - interval '8 days'")
    await office.due_now()
    await office.carry()
    assert {(await office.event(one)).state for one in ("evt-1", "evt-2")} == {InboxState.UNKNOWN}


async def test_an_invalidation_nobody_asked_for_gets_a_run_of_its_own(office: Office) -> None:
    await post_event(office.server, "evt-1", account_invalidated())
    await post_event(office.server, "evt-2", account_invalidated("430001"))
    await office.carry()
    event, foreign = await office.event("evt-1"), await office.event("evt-2")
    assert (event.state, event.number) == (InboxState.DELIVERED, f"500001-E{event.id}")
    async with office.server.database.reading() as session:
        runs = (await session.exec(select(Run).where(Run.kind == RunKind.ACCOUNT_EVENT))).all()
    assert [(run.number, run.county_code, run.closed_at) for run in runs] == [(event.number, "500001", None)]
    assert foreign.state is InboxState.PARKED


async def test_a_callback_after_the_end_gets_a_run_of_its_own(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject)
    await office.carry()
    await office.close(subject)
    await post_event(office.server, "evt-1", policy_reviewed(f"{subject.number}.1", "rejected"))
    await office.carry()
    event = await office.event("evt-1")
    later = workflow_id(RunKind.PAYMENT_CORRECTION, subject.number)
    assert event.state is InboxState.DELIVERED
    assert await noted(office.temporal, later) == [str(event.id)]
    assert await noted(office.temporal, subject.workflow_id) == []


async def test_a_run_that_ends_while_its_callback_is_on_the_way_loses_nothing(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject)
    await office.carry()
    await post_event(office.server, "evt-1", policy_reviewed(f"{subject.number}.1"))
    relay = office.relay()
    assert await relay._router.route_due() == 1
    await office.close(subject)
    await office.carry(relay)
    event = await office.event("evt-1")
    assert event.state is InboxState.DELIVERED
    assert await noted(office.temporal, workflow_id(RunKind.PAYMENT_CORRECTION, subject.number)) == [str(event.id)]


async def test_another_countys_or_another_things_event_is_set_aside(office: Office) -> None:
    subject, indicator = fresh_subject(), fresh_subject(RunKind.INDICATOR_REVIEW)
    await office.open(subject)
    async with office.server.database.transaction() as session:
        await open_run(session, indicator)
        await execute(
            session, "UPDATE outbox SET delivered_at = now() WHERE workflow_id = :id", id=indicator.workflow_id
        )
    await post_event(office.server, "evt-1", policy_reviewed(f"{subject.number}.1", county=OTHER_COUNTY))
    await post_event(office.server, "evt-2", policy_reviewed(f"{indicator.number}.1"))
    await post_event(office.server, "evt-3", b'{"type": "policy.reviewed", "data": 7}')
    await office.carry()
    found = {one: await office.event(one) for one in ("evt-1", "evt-2", "evt-3")}
    assert {event.state for event in found.values()} == {InboxState.QUARANTINED}
    assert [event.effect for event in found.values()] == ["OTHER_COUNTY", "OTHER_KIND", "UNREADABLE"]
    assert await noted(office.temporal, subject.workflow_id) == []
    # whose it is nobody can say: it tells of one county's things in another's name
    for county, seen in ((OTHER_COUNTY, False), (COUNTY, False), (PROVINCE, True)):
        listed = (await office.server.get(Role.REVIEWER, "/inbox", county)).json()["items"]
        assert (found["evt-1"].id in [one["id"] for one in listed]) is seen


async def test_what_nobody_knows_of_a_county_is_not_read_in_anothers_name_either(office: Office) -> None:
    """Parked it would lie open to the reviewer of the county that it names."""
    server = office.server
    await post_event(server, "evt-1", policy_reviewed(f"{COUNTY}-Z2026-9999.1", county=OTHER_COUNTY))
    await office.carry()
    event = await office.event("evt-1")
    assert (event.state, event.effect) == (InboxState.QUARANTINED, "OTHER_COUNTY")
    for county, status in ((OTHER_COUNTY, 404), (COUNTY, 404), (PROVINCE, 200)):
        answer = await server.get(Role.REVIEWER, f"/inbox/{event.id}/content", county)
        assert answer.status_code == status


async def test_no_personal_data_reaches_temporal(office: Office) -> None:
    subject = fresh_subject()
    await office.open(subject)
    body = policy_reviewed(f"{subject.number}.1", opinion="请核对张三梅的身份证11010519491231002X")
    await post_event(office.server, "evt-1", body)
    await office.carry()
    history = await office.temporal.get_workflow_handle(subject.workflow_id).fetch_history()
    assert "11010519491231002X" not in history.to_json()
    assert await office.signals(subject.workflow_id) == 2


async def test_a_callback_that_can_not_be_written_stops_no_other_county(
    office: Office, owner: psycopg.Connection
) -> None:
    """As a damaged page would: every change of its row fails, so not even a next try can be noted."""
    bad, good = fresh_subject(), fresh_subject(county=OTHER_COUNTY)
    await office.open(bad)
    await office.open(good)
    await post_event(office.server, "evt-bad", policy_reviewed(f"{bad.number}.1"))
    await post_event(office.server, "evt-good", policy_reviewed(f"{good.number}.1", county=OTHER_COUNTY))
    _refuse_changes(owner, "inbox", "event_id = 'evt-bad'")
    await office.carry()
    assert (await office.event("evt-good")).state is InboxState.DELIVERED
    assert (await office.event("evt-bad")).state is InboxState.RECEIVED
    assert await noted(office.temporal, good.workflow_id) == [str((await office.event("evt-good")).id)]
    assert await office.undelivered() == []
    _allow_changes(owner, "inbox")
    await office.carry()
    assert (await office.event("evt-bad")).state is InboxState.DELIVERED


async def test_a_callback_that_can_not_be_routed_waits_by_itself_ever_longer(
    office: Office, owner: psycopg.Connection
) -> None:
    bad, good = fresh_subject(), fresh_subject()
    await office.open(bad)
    await office.open(good)
    await post_event(office.server, "evt-bad", policy_reviewed(f"{bad.number}.1"))
    _refuse_changes(owner, "inbox", "event_id = 'evt-bad' AND NEW.number IS NOT NULL")
    for tries in (1, 2, 3):
        await post_event(office.server, f"evt-{tries}", policy_reviewed(f"{good.number}.1"))
        await office.due_now()
        await office.carry()
        assert (await office.event(f"evt-{tries}")).state is InboxState.DELIVERED
        event = await office.event("evt-bad")
        assert (event.state, event.tries) == (InboxState.RECEIVED, tries)
        assert event.next_try_at - event.received_at > timedelta(seconds=2 ** (tries - 1))


async def test_a_run_and_an_event_that_only_a_newer_version_knows_wait_for_that_version(
    office: Office, owner: psycopg.Connection
) -> None:
    newer, good = fresh_subject(), fresh_subject()
    owner.execute("ALTER TABLE run DROP CONSTRAINT ck_run_runkind")
    async with office.server.database.transaction() as session:
        await open_run(session, newer)
        await open_run(session, good)
        await execute(session, "UPDATE run SET kind = 'subsidy-recovery' WHERE number = :number", number=newer.number)
    await post_event(office.server, "evt-run", policy_reviewed(f"{newer.number}.1"))
    await post_event(office.server, "evt-type", policy_reviewed(f"{good.number}.1"))
    await post_event(office.server, "evt-good", policy_reviewed(f"{good.number}.1"))
    async with office.server.database.transaction() as session:
        await execute(
            session,
            "UPDATE inbox SET event_type = 'flow.recovered', number = :number WHERE event_id = 'evt-type'",
            number=good.number,
        )
    await office.carry()
    assert (await office.event("evt-good")).state is InboxState.DELIVERED
    assert await noted(office.temporal, good.workflow_id) == [str((await office.event("evt-good")).id)]
    waiting = {one: await office.event(one) for one in ("evt-run", "evt-type")}
    assert {(one.state, one.tries) for one in waiting.values()} == {(InboxState.RECEIVED, 1)}
    [start] = await office.undelivered()
    assert (start.workflow_id, start.last_error, start.tries) == (newer.workflow_id, "UnknownWord", 1)
    async with office.server.database.transaction() as session:
        await execute(session, "UPDATE run SET kind = 'policy-review' WHERE number = :number", number=newer.number)
    await office.due_now()
    await office.carry()
    assert await noted(office.temporal, newer.workflow_id) == [str(waiting["evt-run"].id)]


async def test_an_entry_that_can_not_be_marked_is_not_delivered_and_stops_no_other(
    office: Office, owner: psycopg.Connection
) -> None:
    bad, good = fresh_subject(), fresh_subject()
    await office.open(bad, "1")
    await office.open(good, "7")
    _refuse_changes(owner, "outbox", f"workflow_id = '{bad.workflow_id}'")
    for _ in range(3):
        await office.carry()
    assert await noted(office.temporal, good.workflow_id) == ["7"]
    assert await office.signals(good.workflow_id) == 2
    with pytest.raises(RPCError):
        await office.temporal.get_workflow_handle(bad.workflow_id).describe()
    _allow_changes(owner, "outbox")
    await office.carry()
    assert await noted(office.temporal, bad.workflow_id) == ["1"]


async def test_routing_and_delivering_go_on_without_each_other(office: Office) -> None:
    """The one's table is locked by somebody: the other doesn't wait."""
    first, second = fresh_subject(), fresh_subject()
    await office.open(first)
    await office.carry()
    database = office.server.database
    async with database.transaction() as inbox_taken, running(office.relay()):
        await execute(inbox_taken, "LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        await office.open(second, "7")
        assert await eventually(lambda: _noted_or_none(office, second.workflow_id)) == ["7"]
    async with database.transaction() as outbox_taken, running(office.relay()):
        await execute(outbox_taken, "LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE")
        await post_event(office.server, "evt-1", policy_reviewed("500001-Z2026-9998.1"))
        await eventually(lambda: _in_state(office, "evt-1", InboxState.PARKED))


def _refuse_changes(owner: psycopg.Connection, table: str, row: str) -> None:
    owner.execute(
        f"CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''this row can not be written''; END'".encode()
    )
    owner.execute(
        f"CREATE TRIGGER refused BEFORE UPDATE ON {table} FOR EACH ROW WHEN (NEW.{row})"
        f" EXECUTE FUNCTION refuse_{table}()".encode()
    )


def _allow_changes(owner: psycopg.Connection, table: str) -> None:
    owner.execute(f"DROP TRIGGER refused ON {table}".encode())


async def _noted_or_none(office: Office, run_id: str) -> list[str] | None:
    try:
        return await noted(office.temporal, run_id) or None
    except RPCError:
        return None


async def _in_state(office: Office, event_id: str, state: InboxState) -> bool:
    return (await office.event(event_id)).state is state

"""The watch: a run that is open in its row and gone in Temporal comes back by itself, and the trail says so."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecutionStatus

from api.relay.relay import Relay
from api.relay.watch import Watch
from deploy.stack import Stack, temporal
from models.contracts import RunKind, Subject, workflow_id
from models.store.retention import KINDS, clear_old
from models.store.runs.runs import close_run, open_run
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from models.tables.flows import Contradiction
from models.tables.records import Inbox, Run, TrailEntry
from models.words.stages import ContradictionState, InboxState
from tests.api_server import ApiServer, api_server
from tests.platform_posts import policy_reviewed, post_event
from tests.statements import rows_of
from tests.tiny_runs import eventually, fresh_queue, fresh_subject, noted, tiny_worker
from workflows.client import connect


@pytest.fixture
async def server(database_url: str, tmp_path: Path, temporal_client: Client) -> AsyncIterator[ApiServer]:
    """An API without relay and watch of its own, and a worker."""
    queue = fresh_queue()
    settings: dict[str, Any] = {"temporal_task_queue": queue, "temporal_namespace": temporal.NAMESPACE}
    async with (
        api_server(database_url, tmp_path, **settings) as running,
        tiny_worker(temporal_client, queue),
    ):
        yield running


@pytest.fixture
def watch(server: ApiServer, temporal_client: Client) -> Watch:
    return Watch(server.database, server.vault, server.settings, temporal_client)


async def test_a_terminated_run_is_started_again_and_recorded(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    subject = await _running(server, temporal_client)
    handle = temporal_client.get_workflow_handle(subject.workflow_id)
    first = (await handle.describe()).run_id
    await handle.terminate("by hand")
    assert await watch.look() == 1
    await _carry(server, temporal_client)
    again = await handle.describe()
    assert again.status is WorkflowExecutionStatus.RUNNING
    assert again.run_id != first
    assert (await _run(server, subject)).restarts == 1
    (entry,) = await _trail(server)
    detail = json.loads(server.vault.open(Field.DETAIL, f"{entry.county_code}/{entry.sequence}", entry.detail))
    assert (entry.actor, entry.act, entry.subject) == ("system", "run_restarted", subject.number)
    assert detail == {"workflow_id": subject.workflow_id, "restarts": 1}


async def test_one_that_is_asked_for_again_while_it_is_looked_up_is_the_relays(
    server: ApiServer, watch: Watch, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Temporal that takes its time: the run has ended in order meanwhile, and its row is open for the next one."""
    subject = await _running(server, temporal_client)
    await temporal_client.get_workflow_handle(subject.workflow_id).terminate("by hand")
    is_running = watch._is_running

    async def slow(workflow_id: str) -> bool:
        found = await is_running(workflow_id)
        async with server.database.transaction() as session:
            await close_run(session, subject.workflow_id, "approved")
            await open_run(session, subject)
        return found

    monkeypatch.setattr(watch, "_is_running", slow)
    assert await watch.look() == 0
    assert (await _run(server, subject)).restarts == 0


async def test_between_two_looks_at_all_what_ended_is_found_and_the_rest_not_listed(
    server: ApiServer, watch: Watch, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = [await _running(server, temporal_client) for _ in range(3)]
    assert await watch.look() == 0
    asked: list[str] = []
    listed = watch._listed

    async def noted_down(which: str) -> set[str]:
        asked.append(which)
        return await listed(which)

    monkeypatch.setattr(watch, "_listed", noted_down)
    await temporal_client.get_workflow_handle(subjects[1].workflow_id).terminate("by hand")
    await eventually(partial(_looked, watch))
    assert [each for each in asked if "= 'Running'" in each] == []
    assert [(await _run(server, one)).restarts for one in subjects] == [0, 1, 0]


async def test_one_by_one_each_open_run_is_asked_after_whatever_the_lists_say(
    server: ApiServer, watch: Watch, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = [await _running(server, temporal_client) for _ in range(3)]
    assert await watch.look() == 0

    async def nothing(which: str) -> set[str]:
        return set()

    monkeypatch.setattr(watch, "_listed", nothing)
    monkeypatch.setattr("api.relay.watch._NEWEST", 0)
    await temporal_client.get_workflow_handle(subjects[0].workflow_id).terminate("by hand")
    assert sorted([await watch.look() for _ in subjects]) == [0, 0, 1]
    assert [(await _run(server, one)).restarts for one in subjects] == [1, 0, 0]


async def _looked(watch: Watch) -> bool:
    """The list may lag behind by a moment."""
    return await watch.look() == 1


async def test_one_that_temporal_has_forgotten_has_all_of_them_listed(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    """A restored database lacks what is newest: with more than are asked after by name, the newest are."""
    subjects = [await _running(server, temporal_client) for _ in range(3)]
    assert await watch.look() == 0
    async with server.database.transaction() as session:
        for subject in subjects:
            await execute(
                session,
                "UPDATE run SET workflow_id = workflow_id || '-lost' WHERE workflow_id = :id",
                id=subject.workflow_id,
            )
    assert await watch.look() == 3


@pytest.mark.parametrize("how", ["cancel", "fail", "complete"])
async def test_however_it_ended_an_open_row_brings_it_back(
    server: ApiServer, watch: Watch, temporal_client: Client, how: str
) -> None:
    if how == "fail":
        subject = fresh_subject(RunKind.INDICATOR_REVIEW)
        await _open(server, temporal_client, subject)
        handle = temporal_client.get_workflow_handle(subject.workflow_id)
    else:
        subject = await _running(server, temporal_client)
        handle = temporal_client.get_workflow_handle(subject.workflow_id)
        await (handle.cancel() if how == "cancel" else handle.signal("callbacks_arrived", ["end"]))

    async def ended() -> bool:
        return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    await eventually(ended)
    assert await watch.look() == 1


async def test_living_closed_young_and_undelivered_runs_are_left_alone(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    await _running(server, temporal_client)
    closed, young, undelivered = fresh_subject(), fresh_subject(), fresh_subject()
    async with server.database.transaction() as session:
        for subject in (closed, young, undelivered):
            await open_run(session, subject)
        await close_run(session, closed.workflow_id, "approved")
        await execute(
            session, "UPDATE outbox SET delivered_at = now() WHERE workflow_id <> :id", id=undelivered.workflow_id
        )
        await execute(
            session, "UPDATE run SET since = now() - interval '1 hour' WHERE workflow_id <> :id", id=young.workflow_id
        )
    assert await watch.look() == 0
    assert await _trail(server) == []


async def test_one_that_ends_at_once_is_tried_ever_more_rarely(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    subject = fresh_subject(RunKind.INDICATOR_REVIEW)
    await _open(server, temporal_client, subject)
    handle = temporal_client.get_workflow_handle(subject.workflow_id)

    async def failed() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.FAILED

    restarted = []
    for seconds_later in (0, 0, 50, 70, 100, 130):
        await eventually(failed)
        async with server.database.transaction() as session:
            await execute(
                session, "UPDATE run SET missing_since = missing_since - make_interval(secs => :s)", s=seconds_later
            )
        restarted.append(await watch.look())
        await _carry(server, temporal_client)
    # at once, then a minute after the first restart, then two minutes after the second
    assert restarted == [1, 0, 0, 1, 0, 1]


async def test_seen_alive_again_it_counts_from_the_start(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    subject = await _running(server, temporal_client)
    handle = temporal_client.get_workflow_handle(subject.workflow_id)
    for restarts in (1, 2):
        await handle.terminate("by hand")
        assert await watch.look() == 1
        await _carry(server, temporal_client)
        assert await watch.look() == 0
        run = await _run(server, subject)
        assert (run.restarts, run.missing_since) == (restarts, None)


async def test_only_one_of_several_looks(server: ApiServer, watch: Watch, temporal_client: Client) -> None:
    subjects = [await _running(server, temporal_client) for _ in range(3)]
    for subject in subjects:
        await temporal_client.get_workflow_handle(subject.workflow_id).terminate("by hand")
    others = [Watch(server.database, server.vault, server.settings, temporal_client) for _ in range(4)]
    assert sum(await asyncio.gather(*(one.look() for one in (watch, *others)))) == 3
    assert len(await _trail(server)) == 3


async def test_a_delivered_callback_that_nobody_applied_is_brought_again(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    subject = await _running(server, temporal_client)
    await post_event(server, "evt-1", policy_reviewed(f"{subject.number}.1"))
    await _carry(server, temporal_client)
    async with server.database.transaction() as session:
        await close_run(session, subject.workflow_id, "approved")
    await watch.look()
    assert (await _event(server)).state is InboxState.DELIVERED
    async with server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET delivered_at = now() - interval '61 seconds'")
    await watch.look()
    await _carry(server, temporal_client)
    event = await _event(server)
    later = workflow_id(RunKind.PAYMENT_CORRECTION, subject.number)
    assert event.state is InboxState.DELIVERED
    assert await noted(temporal_client, later) == [str(event.id)]


async def test_a_decision_that_nobody_carries_out_is_told_ever_more_rarely(
    server: ApiServer, watch: Watch, temporal_client: Client
) -> None:
    """A weekend of looks, one every `watch_seconds`: some dozen signals, and none before the first minute is over."""
    subject = await _running(server, temporal_client)
    async with server.database.transaction() as session:
        session.add(
            Contradiction(
                county_code=subject.county_code,
                number=subject.number,
                kind="policy.reviewed",
                applied_sealed="",
                claimed_sealed="",
                claim_sha256="",
                state=ContradictionState.DECIDED,
            )
        )
    told, every = [], server.settings.watch_seconds
    for look in [*range(1, 40), *range(420, 440), *range(8_600, 8_640)]:
        age = look * every + 1
        async with server.database.transaction() as session:
            await execute(session, "DELETE FROM outbox WHERE signal = 'contradiction_decided'")
            await execute(session, "UPDATE contradiction SET decided_at = now() - make_interval(secs => :a)", a=age)
        await watch.look()
        async with server.database.reading() as session:
            if await fetch_int(session, "SELECT count(*) FROM outbox WHERE signal = 'contradiction_decided'"):
                told.append(look)
    assert told == [3, 6, 12, 24]


async def test_an_empty_temporal_is_filled_again_from_the_rows(
    stack_factory: Callable[..., Stack], database_url: str, tmp_path: Path
) -> None:
    stack, queue = stack_factory(parts=("temporal",)), fresh_queue()
    environment = stack.layout.temporal.environment
    settings: dict[str, Any] = {
        "temporal_task_queue": queue,
        "temporal_namespace": temporal.NAMESPACE,
        "watch_seconds": 0.5,
    }
    client = await connect(environment)
    async with api_server(database_url, tmp_path, temporal=client, **settings) as server:
        subjects = [fresh_subject() for _ in range(5)]
        async with server.database.transaction() as session:
            for subject in subjects:
                await open_run(session, subject)

        async def all_run() -> bool:
            listed = [one.id async for one in client.list_workflows("ExecutionStatus = 'Running'")]
            return {one.workflow_id for one in subjects} <= set(listed)

        async with tiny_worker(client, queue):
            await eventually(all_run)
        stack.kill("temporal")
        stack.layout.temporal_store.forget()
        stack.start("temporal")
        async with tiny_worker(await connect(environment), queue):
            await eventually(all_run, within_s=60)
        assert {entry.subject for entry in await _trail(server)} == {one.number for one in subjects}


OLD_AND_NEW = {
    "outbox": "INSERT INTO outbox (workflow_id, ids, created_at, next_try_at, tries, delivered_at) SELECT 'w', '[]',"
    " at, at, 0, CASE WHEN kept = 'waiting' THEN NULL ELSE at END FROM old",
    "idempotent_answer": "INSERT INTO idempotent_answer (caller, key, request_sha256, status, body, created_at)"
    " SELECT 'c', n::text, '', 201, '', at FROM old WHERE kept <> 'waiting'",
    "face_login": "INSERT INTO face_login (login_no, province_code, channel, browser_hash, address_index, stage,"
    " created_at, ended_at, last_seen_at) SELECT n::text, '500000', 'app', 'b', 'a', 'passed', at, at,"
    " CASE WHEN kept = 'waiting' THEN now() END FROM old",
}
# a batch and a half of what is old, something that still waits or is in use however old, something new
OLD = (
    "CREATE TEMP TABLE old ON COMMIT DROP AS SELECT n, CASE WHEN n <= 1500 THEN 'no' WHEN n <= 1503 THEN 'waiting'"
    " ELSE 'new' END AS kept, now() - make_interval(days => CASE WHEN n <= 1503 THEN 31 ELSE 29 END) AS at"
    " FROM generate_series(1, 1510) AS n"
)


async def test_what_nobody_needs_any_more_goes_a_batch_at_a_time(server: ApiServer, watch: Watch) -> None:
    async with server.database.transaction() as session:
        await execute(session, OLD)
        for statement in OLD_AND_NEW.values():
            await execute(session, statement)

    async def left() -> list[int]:
        async with server.database.reading() as session:
            return [await fetch_int(session, f"SELECT count(*) FROM {table}") for table in OLD_AND_NEW]

    await watch.look()
    assert await left() == [510, 507, 510]
    await watch.look()
    assert await left() == [10, 7, 10]
    async with server.database.transaction() as session:
        await execute(session, "UPDATE outbox SET delivered_at = now() - interval '1 year'")
    await watch.look()
    assert await left() == [10, 7, 10], "once there is no more, hourly"


async def test_good_verdicts_of_old_rounds_go_and_bad_ones_stay(server: ApiServer) -> None:
    async with server.database.transaction() as session:
        await execute(
            session,
            "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed,"
            " card_type, status, source, updated_at) SELECT '500001', n::text, '', '', '', 'bank_card', 'valid',"
            " 'x', now()"
            " FROM generate_series(1, 2) AS n",
        )
        await execute(
            session,
            "INSERT INTO check_round (round_no, province_code, trigger, stage, cursor, pages, checked, figures,"
            " asked_by, created_at, ended_at) SELECT days::text, '500000', 'x', 'done', 0, 1, 2, '{}', 'x', now(),"
            " now() - make_interval(days => days) FROM unnest(ARRAY[91, 89]) AS days",
        )
        await execute(
            session,
            "INSERT INTO account_check (round_id, register_account_id, valid, at) SELECT n.id, r.id,"
            " r.person_index = '1', now() FROM check_round n, register_account r",
        )
        assert [await clear_old(session, server.settings, kind) for kind in KINDS] == [False] * len(KINDS)
        kept = await rows_of(
            session,
            "SELECT n.round_no, c.valid FROM account_check c JOIN check_round n ON n.id = c.round_id ORDER BY 1, 2",
        )
    assert [tuple(row) for row in kept] == [("89", False), ("89", True), ("91", False)]


async def test_what_can_not_be_written_stops_neither_the_other_runs_nor_the_other_steps(
    server: ApiServer, watch: Watch, temporal_client: Client, owner: psycopg.Connection
) -> None:
    bad, good = await _running(server, temporal_client), await _running(server, temporal_client)
    for subject in (bad, good):
        await temporal_client.get_workflow_handle(subject.workflow_id).terminate("by hand")
    await post_event(server, "evt-1", policy_reviewed(f"{good.number}.1"))
    async with server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET state = 'delivered', delivered_at = now() - interval '1 hour'")
        await execute(
            session,
            "INSERT INTO outbox (workflow_id, ids, created_at, next_try_at, tries, delivered_at)"
            " SELECT w, '[]', now(), now(), 0, now() - interval '31 days' FROM unnest(ARRAY['bad', 'x']) AS w",
        )
        await execute(
            session,
            "INSERT INTO face_login (login_no, province_code, channel, browser_hash, address_index, stage, created_at,"
            " ended_at) VALUES ('old', '500000', 'app', '', '', 'expired', now(), now() - interval '31 days')",
        )
    owner.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION ''this row can not be written''; END'"
    )
    for table, when, row in (("run", "UPDATE", f"OLD.workflow_id = '{bad.workflow_id}'"), ("outbox", "DELETE", "true")):
        owner.execute(
            f"CREATE TRIGGER refused BEFORE {when} ON {table} FOR EACH ROW WHEN ({row})"
            " EXECUTE FUNCTION refuse()".encode()
        )
    assert await watch.look() == 1
    assert (await _event(server)).state is InboxState.RECEIVED
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM face_login") == 0
        assert await fetch_int(session, "SELECT restarts FROM run WHERE number = :n", n=good.number) == 1


async def _open(server: ApiServer, client: Client, subject: Subject) -> None:
    async with server.database.transaction() as session:
        await open_run(session, subject)
        await execute(session, "UPDATE run SET since = now() - interval '1 hour'")
    await _carry(server, client)


async def _running(server: ApiServer, client: Client) -> Subject:
    subject = fresh_subject()
    await _open(server, client, subject)
    return subject


async def _carry(server: ApiServer, client: Client) -> None:
    relay = Relay(server.database, server.vault, server.settings, client)
    while await relay.route_due() + await relay.deliver_due():
        pass


async def _run(server: ApiServer, subject: Subject) -> Run:
    async with server.database.reading() as session:
        return (await session.exec(select(Run).where(Run.workflow_id == subject.workflow_id))).one()


async def _trail(server: ApiServer) -> list[TrailEntry]:
    async with server.database.reading() as session:
        return list(await session.exec(select(TrailEntry).order_by(col(TrailEntry.id))))


async def _event(server: ApiServer) -> Inbox:
    async with server.database.reading() as session:
        return (await session.exec(select(Inbox))).one()

"""Temporal comes back with an older database than ours: what it has forgotten is told again from the rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import select
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.stack import Stack, temporal
from models.contracts import Signal, Subject
from models.store.runs.runs import open_run, wake
from models.store.sql import execute
from models.tables.records import TrailEntry
from tests.api_server import ApiServer, api_server
from tests.tiny_runs import eventually, fresh_queue, fresh_subject, noted, tiny_worker
from workflows.client import connect


async def test_an_older_database_of_temporal_is_noticed_and_brought_up_to_date(
    stack_factory: Callable[..., Stack], database_url: str, tmp_path: Path
) -> None:
    stack, queue = stack_factory(parts=("temporal",)), fresh_queue()
    settings: dict[str, Any] = {
        "temporal_task_queue": queue,
        "temporal_namespace": temporal.NAMESPACE,
        "watch_seconds": 0.5,
        "relay_poll_seconds": 0.1,
    }
    known, told, later = fresh_subject(), fresh_subject(), fresh_subject()
    client = await _client(stack)
    async with api_server(database_url, tmp_path, temporal=client, **settings) as server:
        async with tiny_worker(client, queue):
            await _open(server, known, told)
            await eventually(lambda: _opened(client, 1, known, told))
        stack.kill("temporal")
        stack.layout.temporal_store.keep(tmp_path / "backup")
        stack.start("temporal")
        async with tiny_worker(await _client(stack), queue):
            await _open(server, later)
            async with server.database.transaction() as session:
                await wake(session, told.workflow_id, Signal.CALLBACKS_ARRIVED, ["7"])
            await eventually(lambda: _opened(client, 1, later))
            await eventually(lambda: _has_noted(client, told, "7"))
            # so long ago that a run is looked for
            async with server.database.transaction() as session:
                await execute(session, "UPDATE run SET since = now() - interval '1 hour'")
        stack.kill("temporal")
        stack.layout.temporal_store.bring_back(tmp_path / "backup")
        stack.start("temporal")
        client = await _client(stack)
        async with tiny_worker(client, queue):
            # started anew, and told once more although they run
            await eventually(lambda: _opened(client, 2, known, told), within_s=40)
            await eventually(lambda: _is_there(client, later), within_s=40)
            assert await noted(client, told.workflow_id) == []
            assert await _restarted(server) == [later.number]


async def _client(stack: Stack) -> Client:
    return await connect(stack.layout.temporal.environment)


async def _open(server: ApiServer, *subjects: Subject) -> None:
    async with server.database.transaction() as session:
        for subject in subjects:
            await open_run(session, subject)


async def _opened(client: Client, least: int, *subjects: Subject) -> bool:
    try:
        times = [
            await client.get_workflow_handle(one.workflow_id).query("openings", result_type=int) for one in subjects
        ]
    except RPCError:
        return False
    return bool(min(times) >= least)


async def _has_noted(client: Client, subject: Subject, one: str) -> bool:
    return one in await noted(client, subject.workflow_id)


async def _is_there(client: Client, subject: Subject) -> bool:
    try:
        await client.get_workflow_handle(subject.workflow_id).describe()
    except RPCError:
        return False
    return True


async def _restarted(server: ApiServer) -> list[str]:
    async with server.database.reading() as session:
        return [entry.subject for entry in await session.exec(select(TrailEntry))]

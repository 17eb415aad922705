"""Temporal dies, forgets, is reached over a line that breaks; runs are terminated, cancelled and reset by hand."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle

from deploy.stack import temporal
from models.contracts import RunKind, workflow_id
from tests.checker_grounds import executions_of
from tests.checker_runs import RUNNING
from tests.fault_ground import BIG, SMALL, Game, Scene
from workflows.client import connect

pytest_plugins = ["tests.fault_fixtures"]
Handle = WorkflowHandle[object, object]
NOTICED_WITHIN_S = 60.0


def test_temporal_killed(scene: Scene) -> None:
    """DURABILITY: Temporal server SIGKILL in the middle of a batch. Resumes, nothing acknowledged is lost."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    for _ in range(3):
        if scene.moved(games[0], 4):
            scene.kill("temporal")
            scene.stack.start("temporal")
    scene.finish(*games)


@pytest.mark.parametrize("how", ["slow", "cut", "closed"])
def test_line(scene: Scene, how: str) -> None:
    """The way to Temporal is slow, breaks off, or is closed for a while, for worker and relay alike."""
    door = scene.doors["temporal"]
    before = door.done.copy()
    game = scene.begin()
    door.delay, door.cut = {"slow": (0.05, 0), "cut": (0, 0.02), "closed": (0, 0)}[how]
    for _ in range(2 if how == "closed" else 0):
        if scene.moved(game, 4):
            door.closed = True
            thrown = door.done["closed"] + scene.dice.randint(2, 5)
            scene.until("knocks", lambda most=thrown: door.done["closed"] >= most)  # type: ignore[misc]
            door.closed = False
    scene.finish(game, seconds=200)
    scene.injected.update(door.done - before)


async def _terminate(handle: Handle) -> None:
    await handle.terminate("by hand")


async def _cancel(handle: Handle) -> None:
    await handle.cancel()


async def _reset(handle: Handle) -> None:
    """To its very first step: it does everything again from the top, and nothing of it twice."""
    history = await handle.fetch_history()
    first = next(
        event.event_id for event in history.events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    described = await handle.describe()
    await handle._client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=temporal.NAMESPACE,
            workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=described.run_id),
            reason="by hand",
            workflow_task_finish_event_id=first,
            request_id="reset-once",
        )
    )


@pytest.mark.parametrize("deed", [_terminate, _cancel, _reset], ids=["terminated", "cancelled", "reset"])
def test_by_hand(scene: Scene, deed: Callable[[Handle], Awaitable[None]]) -> None:
    """DURABILITY: run terminated, cancelled or reset in Temporal UI. Noticed, started again from its row, recorded."""
    scene.may_be_helped = True
    game = scene.begin()
    run = _waiting_run(scene, game)
    asyncio.run(_do(scene, run, deed))
    scene.did(deed.__name__.strip("_"))
    if deed is not _reset:
        scene.until("noticed", lambda: scene.whole.restarts(run) > 0, seconds=NOTICED_WITHIN_S)
    _clerk(scene)
    flow_no = scene.finish(game)[0]
    entries = scene.whole.people[SMALL].reviewer.pages("/trail", subject=flow_no, act="run_restarted")
    assert bool(entries) == (deed is not _reset)


@pytest.mark.parametrize("how", ["empty", "older"])
def test_temporal_forgets(scene: Scene, how: str) -> None:
    """DURABILITY: Temporal's database empty or older than ours. Noticed, started again from its row, recorded."""
    scene.may_be_helped = True
    backup = scene.stack.layout.home / f"backup-{how}"
    if how == "older":
        scene.stack.stop("temporal")
        scene.stack.layout.temporal_store.keep(backup)
        scene.stack.start("temporal")
    game = scene.begin()
    run = _waiting_run(scene, game)
    scene.stack.stop("temporal")
    if how == "older":
        scene.stack.layout.temporal_store.bring_back(backup)
    else:
        scene.stack.layout.temporal_store.forget()
    scene.stack.start("temporal")
    scene.did(f"Temporal's database {how}")
    # by the watch, or by the relay with what was under way to it
    scene.until("it runs again", lambda: executions_of(scene.whole, [run])[run].status == RUNNING, NOTICED_WITHIN_S)
    _clerk(scene)
    scene.finish(game)


async def _do(scene: Scene, run: str, deed: Callable[[Handle], Awaitable[None]]) -> None:
    client = await connect(scene.stack.layout.temporal.environment)
    await deed(client.get_workflow_handle(run))


def _waiting_run(scene: Scene, game: Game) -> str:
    """Of a flow whose summary lies with the platform's clerk: nobody's act starts it again before the watch sees it."""
    _clerk(scene, summary="person")
    scene.whole.at_stage(game.county, "summary_submitted", seconds=150)
    return workflow_id(RunKind.SUBSIDY_FLOW, str(scene.whole.flow_no(game.county)))


def _clerk(scene: Scene, **kinds: str) -> None:
    scene.whole.platform("PUT", "/settings", {"clerk": kinds})

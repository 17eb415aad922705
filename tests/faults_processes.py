"""Worker, relay and API die, freeze, are replaced and doubled while a county plays."""

import signal
import subprocess
import sys
from functools import partial
from itertools import cycle, islice

import httpx
import pytest

from deploy.stack.processes import ROOT
from models.fault_points import FaultPoint
from tests.fault_ground import BIG, SMALL, Game, Scene
from tests.whole_stack import Burst

pytest_plugins = ["tests.fault_fixtures"]
ROLLS = 6


@pytest.mark.parametrize(
    "point",
    [FaultPoint.BEFORE_CALL, FaultPoint.AFTER_ACCEPTED, FaultPoint.BEFORE_RECORDED, FaultPoint.BEFORE_APPLIED],
)
def test_worker_killed(scene: Scene, point: FaultPoint) -> None:
    """DURABILITY: worker SIGKILL before the call, after the platform accepted, before the result is recorded.

    One payment, the same key.
    """
    _dies_again_and_again(scene, "worker", point)


@pytest.mark.parametrize(
    "point", [FaultPoint.BEFORE_INBOX_COMMIT, FaultPoint.AFTER_INBOX_COMMIT, FaultPoint.BEFORE_DELIVERED]
)
def test_api_killed(scene: Scene, point: FaultPoint) -> None:
    """DURABILITY: API SIGKILL before / after the inbox commit; relay SIGKILL before marking delivered.

    The event has exactly one effect.
    """
    _dies_again_and_again(scene, "api", point)


def test_workers_away(scene: Scene) -> None:
    """DURABILITY: all workers away for a while. What comes meanwhile is stored, and taken when one is back."""
    game = scene.begin()
    for _ in range(2):
        scene.until("a list under review", lambda: game.is_over or _under_review(scene))
        if game.is_over:
            break
        scene.kill("worker")
        scene.until("its results, stored", lambda: scene.whole.one("SELECT 1 FROM inbox WHERE applied_at IS NULL"))
        scene.stack.start("worker")
        scene.until("taken", lambda: not _under_review(scene))
    scene.finish(game)


def test_rolling_sigterm(scene: Scene) -> None:
    """DURABILITY: rolling SIGTERM every few seconds. Resumes, nothing acknowledged is lost."""
    scene.copy("worker-2")
    games: list[Game] = []
    for name in islice(cycle(("worker", "api", "worker-2")), ROLLS):
        if all(game.is_over for game in games):
            scene.finish(*games)
            # it ends and begins within seconds: slow enough that a season outlasts most of them
            scene.whole.days_a_second(1)
            games = [scene.begin(BIG), scene.begin(SMALL)]
        scene.stack.stop(name)
        scene.did(f"{name} SIGTERM")
        scene.stack.add_worker(name) if name == "worker-2" else scene.stack.start(name)
    scene.finish(*games)


def test_worker_and_api_replaced_by_a_newer_build(scene: Scene) -> None:
    """DURABILITY: replaced by a newer build while runs are open. What is open goes on on it, nothing is lost."""
    scene.stack.stop("worker")
    scene.run("worker", {"WORKER_BUILD_ID": "1.0.0"})
    games = [scene.begin(BIG), scene.begin(SMALL)]
    scene.moved(games[0], 4)
    scene.copy("worker-2", {"WORKER_BUILD_ID": "1.1.0"})
    scene.until("the newer build current", lambda: _versions(scene, "current", "1.1.0") == 0)
    scene.stack.stop("api")
    scene.stack.start("api")
    scene.until("nothing pinned", lambda: "收尾中" not in _told(scene) or "还有 0 个运行" in _told(scene))
    scene.stack.stop("worker")
    scene.did("newer build")
    scene.finish(*games)
    assert _versions(scene, "none") == 0


def _versions(scene: Scene, *words: str) -> int:
    return _asked(scene, *words).returncode


def _told(scene: Scene) -> str:
    return _asked(scene).stdout


def _asked(scene: Scene, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command as an operator runs it."""
    env, argv = scene.stack.layout.environment(), [sys.executable, "-m", "deploy.versions", *words]
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_of_each(scene: Scene) -> None:
    """DURABILITY: two workers/relays/API processes on one row. One effect."""
    scene.copy("worker-2")
    second = scene.copy("api-2")
    scene.faults(rates={"duplicate": 1.0, "repeated": 0.5})
    games = [scene.begin(BIG), scene.begin(SMALL)]
    headers = scene.whole.people[SMALL].operator._headers | {"Idempotency-Key": "eight-at-once"}
    urls = iter([scene.stack.layout.api_url, second] * 4)
    body = {"title": "同一次提交", "fund_year": scene.whole.play(SMALL).year}

    def act() -> tuple[int, str]:
        answer = httpx.post(f"{next(urls)}/batches", json=body, headers=headers, timeout=30, trust_env=False)
        return answer.status_code, answer.json()["batch_no"]

    answers = Burst(8).run(act)
    assert len(set(answers)) == 1, answers
    scene.finish(*games)
    scene.injected.update(scene.fault_counts())


def test_worker_frozen(scene: Scene) -> None:
    """DURABILITY: worker SIGSTOP beyond its heartbeat, then SIGCONT (two attempts alive). One effect."""
    scene.whole.platform("PUT", "/settings", {"answer_delay_seconds": 1.5})
    before = set(_keys(scene))
    game = scene.begin()
    scene.until("a page under way", lambda: set(_keys(scene)) - before)
    (page, *_) = set(_keys(scene)) - before
    scene.freeze("worker")
    scene.whole.platform("PUT", "/settings", {"answer_delay_seconds": 0})
    scene.copy("worker-2")
    # what Temporal gives to the last question of a frozen worker is silent too: each lasts a heartbeat's time
    answered = partial(scene.whole.one, "SELECT answered_at FROM instruction WHERE key = %s", page)
    scene.until("the other attempt", answered, seconds=180)
    scene.wake("worker")
    scene.finish(game)
    assert scene.whole.rows("SELECT count(*) FROM instruction WHERE key = %s", page) == [(1,)]


def test_api_frozen(scene: Scene) -> None:
    """DURABILITY: an API that stands still with callbacks half taken, and is killed so. One effect."""
    game = scene.begin()
    scene.until("a list under review", lambda: _under_review(scene))
    scene.stack.signal("api", signal.SIGSTOP)
    scene.did("api SIGSTOP")
    scene.until("a callback under way", lambda: scene.whole.platform("GET", "/health")["undelivered"])
    scene.kill("api")
    scene.stack.start("api")
    scene.finish(game)


def _dies_again_and_again(scene: Scene, name: str, point: FaultPoint, times: int = 2) -> None:
    """Armed anew each time it comes back; the last time it comes back to stay."""
    scene.arm(name, f"{point}=kill@{scene.dice.randint(1, 4)}")
    game = scene.begin()
    for left in reversed(range(times)):
        scene.until(f"{name} dies {point}", lambda: scene.gone(name) or game.is_over)
        if not scene.gone(name):
            break
        scene.did(f"{name} SIGKILL {point}")
        scene.run(name, {"FAULT_POINTS": f"{point}=kill@{scene.dice.randint(1, 4)}"} if left else {})
    scene.finish(game)


def _under_review(scene: Scene) -> object:
    return scene.whole.one("SELECT 1 FROM dataset WHERE stage = 'under_review'")


def _keys(scene: Scene) -> list[str]:
    rows = scene.whole.rows("SELECT key FROM instruction WHERE key LIKE '%/p1' AND answered_at IS NULL")
    return [str(row[0]) for row in rows]

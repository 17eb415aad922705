"""The clock of a worker, or of the API, is a day off, and then right again."""

import httpx
import pytest

from tests.fault_ground import SMALL, Scene
from tests.posting import send

pytest_plugins = ["tests.fault_fixtures"]
DAY = 86_400


@pytest.mark.parametrize("skew", [-DAY, DAY], ids=["behind", "ahead"])
def test_worker(scene: Scene, skew: int) -> None:
    """DURABILITY: clock skewed a day on the worker. What it signs is refused: neither success nor refusal, same key."""
    game = scene.begin()
    scene.moved(game, 3)
    scene.stack.stop("worker")
    scene.run("worker", {"ONECARD_CLOCK_SKEW": str(skew)})
    scene.did(f"worker's clock {skew:+} s")
    unanswered = "SELECT count(*) FROM instruction WHERE answered_at IS NULL AND refusal_code IS NULL"
    scene.until("an instruction without an answer", lambda: game.is_over or scene.whole.one(unanswered))
    scene.stack.stop("worker")
    scene.run("worker", {})
    scene.finish(game)


@pytest.mark.parametrize("skew", [-DAY, DAY], ids=["behind", "ahead"])
def test_api(scene: Scene, skew: int) -> None:
    """DURABILITY: clock skewed a day on the API. Callbacks are refused, clearly, and come again when it is right."""
    wrong = scene.copy("api-2", {"ONECARD_CLOCK_SKEW": str(skew)})
    scene.did(f"API's clock {skew:+} s")
    assert send(scene.stack, f"evt-skewed-{skew}", '{"type":"policy.reviewed","data":{}}', wrong) == 401
    answer = httpx.get(f"{wrong}/batches", headers=scene.whole.people[SMALL].operator._headers, trust_env=False)
    assert answer.is_success or answer.headers["content-type"] == "application/problem+json"
    # its relay and watch go on beside those of the right one
    scene.finish(scene.begin())
    assert scene.whole.one("SELECT count(*) FROM inbox WHERE event_id LIKE 'evt-skewed-%'") == 0

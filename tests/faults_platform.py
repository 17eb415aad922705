"""The platform stumbles over instructions, dies, and is reached over a line that breaks."""

import pytest

from tests.fault_ground import BIG, SMALL, Scene

pytest_plugins = ["tests.fault_fixtures"]
INSTRUCTIONS = [
    *("uploadFile", "openDataset", "putPage", "commitDataset", "startFlow"),
    *("submitSummary", "confirmPayment", "verifyAccount", "applyAccountChange"),
]
# A list is pushed in one activity whose tries come ever more rarely: six in a row would take minutes.
SHARE = 0.2


@pytest.mark.parametrize("kind", ["5xx", "429", "half_json", "html_200", "redirect", "timeout_after_accept"])
def test_answers(scene: Scene, kind: str) -> None:
    """DURABILITY: platform: 5xx, 429, timeout, half a JSON, HTML with 200, redirect, answer after the timeout.

    Retried by the same key, never taken for success.
    """
    before = scene.fault_counts()
    # longer than we wait for an answer
    scene.whole.platform("PUT", "/settings", {"hang_seconds": 6})
    share = SHARE / 2 if kind == "timeout_after_accept" else SHARE
    scene.faults(rates={kind: share}, next={kind: 1}, only={kind: INSTRUCTIONS})
    scene.finish(scene.begin(BIG), scene.begin(SMALL))
    scene.injected.update(scene.fault_counts() - before)
    assert scene.whole.rows("SELECT key FROM instruction WHERE answered_at IS NULL AND refusal_code IS NULL") == []


@pytest.mark.parametrize("how", ["slow", "truncating", "cut"])
def test_line(scene: Scene, how: str) -> None:
    """DURABILITY: timeout, half a JSON, answer after the timeout, by a line that breaks. The same key."""
    door = scene.doors["platform"]
    before = door.done.copy()
    game = scene.begin()
    door.delay, door.truncated, door.cut = {"slow": (0.3, 0, 0), "truncating": (0, 0.2, 0), "cut": (0, 0, 0.2)}[how]
    scene.finish(game)
    scene.injected.update(door.done - before)


def test_platform_killed(scene: Scene) -> None:
    """It dies in the middle, more than once: what it has answered stands, what it hasn't is asked again."""
    game = scene.begin()
    for _ in range(3):
        if scene.moved(game, 4):
            scene.kill("simulator")
            scene.stack.start("simulator")
    scene.finish(game)

"""The fixture `scene` of the fault suite; a file of cases takes it by `pytest_plugins = ["tests.fault_fixtures"]`."""

import contextlib
import random
from collections.abc import Iterator

import pytest

from tests.conftest import STACKS
from tests.fault_ground import SEED, Scene, Scenes

FAILED_CASE = pytest.StashKey[bool]()


@pytest.fixture(scope="module")
def scenes(request: pytest.FixtureRequest, forked_programs: None) -> Iterator[Scenes]:
    """A file's own settings are its ENV, and what its database lies on its DISK."""
    STACKS.mkdir(parents=True, exist_ok=True)
    env = getattr(request.module, "ENV", {})
    made = Scenes(env, getattr(request.module, "DISK", lambda home: contextlib.nullcontext()))
    yield made
    made.close()


@pytest.fixture
def scene(request: pytest.FixtureRequest, scenes: Scenes) -> Iterator[Scene]:
    """A case of its own dice; when it is over all is healed, and nothing may be wrong."""
    running = scenes.scene()
    running.dice = random.Random(f"{SEED}/{request.node.name}")
    helped = running.helped()
    yield running
    request.node.user_properties.append(("injected", dict(running.injected)))
    if request.node.stash.get(FAILED_CASE, False):
        scenes.close()
        return
    try:
        running.heal()
        found = running.checker.settled(90)
        assert found == [], "\n".join(map(str, found))
        assert sum(running.injected.values()), "nothing was broken"
        assert running.may_be_helped or running.helped() == helped, f"somebody had to help: {running.restarted()}"
    except BaseException:
        scenes.close()
        raise


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call" and report.failed:
        item.stash[FAILED_CASE] = True

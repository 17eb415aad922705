"""A cluster's nodes die two at once, freeze, are replaced in turn; its own PostgreSQL is killed again and again."""

import contextlib
import os
import signal
import time

import pytest

from deploy.stack import temporal
from tests.cluster import end, nodes_of, pid_of, replace, wait_back
from tests.fault_ground import BIG, SMALL, Scene
from tests.pulse import pulse

pytest_plugins = ["tests.fault_fixtures"]
pytestmark = pytest.mark.skipif(
    temporal.chosen() is not temporal.Kind.CLUSTER, reason="only on a cluster: make faults TEMPORAL=cluster"
)
FROZEN_S = float(os.environ.get("ONECARD_FROZEN_SECONDS", "60"))
DATABASE_KILLS = 20
# What counties do once each is a turn; so many show how it is without anybody's breaking anything.
COUNTIES, CALM_TURNS, LONGEST_S = 20, 8, 15.0


@pytest.mark.parametrize("role", ["frontend", "history", "matching"])
def test_both_nodes_of_a_role_killed_at_once(scene: Scene, role: str) -> None:
    """DURABILITY: two nodes SIGKILL at once. Goes on within seconds by itself, nothing lost."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    if scene.moved(games[0], 4):
        wait_back(scene.stack, end(scene.stack, signal.SIGKILL, *nodes_of(scene.stack, role)))
        scene.did(f"{role} SIGKILL", 2)
    scene.finish(*games)


def test_nodes_killed_every_few_seconds(scene: Scene) -> None:
    """DURABILITY: history, matching or frontend node SIGKILL every few seconds."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    names = nodes_of(scene.stack, "frontend", "history", "matching", "worker")
    while scene.moved(games[0], 2) and sum(scene.injected.values()) < 12:
        name = scene.dice.choice(names)
        wait_back(scene.stack, end(scene.stack, signal.SIGKILL, name))
        scene.did(f"{name} SIGKILL")
    scene.finish(*games)


@pytest.mark.parametrize("role", ["frontend", "history", "matching", "worker"])
def test_a_node_frozen(scene: Scene, role: str) -> None:
    """DURABILITY: one SIGSTOP for a minute. The others take over what it had, and it finds its place again."""
    name = nodes_of(scene.stack, role)[0]
    games = [scene.begin(BIG), scene.begin(SMALL)]
    scene.moved(games[0], 4)
    pid = pid_of(scene.stack, name)
    until = time.monotonic() + FROZEN_S
    os.kill(pid, signal.SIGSTOP)
    try:
        scene.did(f"{name} SIGSTOP")
        scene.until("the time is over", lambda: time.monotonic() > until, FROZEN_S + 10)
        if FROZEN_S >= 60:
            assert pid_of(scene.stack, name) != pid, "it lived and no longer counted, and nobody replaced it"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    scene.finish(*games, seconds=200)


def test_every_node_replaced_in_turn(scene: Scene) -> None:
    """DURABILITY: all nodes replaced in turn while 20 counties work, as an upgrade does it: each is told to end, and
    the next one comes. No county waits longer than 15 s for it.
    """
    with pulse(scene.whole, COUNTIES) as calm:
        scene.until("counties at work", lambda: calm.fewest() >= CALM_TURNS)
    games = [scene.begin(BIG), scene.begin(SMALL)]
    with pulse(scene.whole, COUNTIES) as beating:
        for name in nodes_of(scene.stack, "history", "matching", "frontend", "worker"):
            begun, turns = time.monotonic(), beating.fewest() + 2
            replace(scene.stack, name)
            scene.until("all at work again", lambda enough=turns: beating.fewest() >= enough)  # type: ignore[misc]
            scene.did(f"{name} SIGTERM, longest wait {beating.longest(begun):.1f} s")
    scene.did(f"the longest wait of {COUNTIES} counties: {beating.longest():.1f} s, before: {calm.longest():.1f} s")
    assert beating.longest() <= LONGEST_S, scene.whole.situation()
    scene.finish(*games, seconds=200)


def test_its_database_killed_again_and_again(scene: Scene) -> None:
    """DURABILITY: its PostgreSQL stopped. Twenty times; no node stays behind as a ring of one."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    for _ in range(DATABASE_KILLS):
        wait_back(scene.stack, end(scene.stack, signal.SIGKILL, "temporal-postgres"))
        scene.did("Temporal's PostgreSQL SIGKILL")
    scene.finish(*games, seconds=200)


def test_an_authority_replaced_while_runs_are_open(scene: Scene) -> None:
    """Worker and API, as processes, take up certificates of a new one: the frontends that come after take no others."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    scene.moved(games[0], 4)
    made = scene.stack.layout.certificates
    for file in (made.clients_authority.certificate, made.clients_authority.key):
        file.unlink()
    made.make()
    scene.did("authority replaced")
    wait_back(scene.stack, end(scene.stack, signal.SIGKILL, *nodes_of(scene.stack, "frontend")))
    scene.finish(*games)
    assert scene.whole.http.get("/health").json()["temporal_trouble"] is None

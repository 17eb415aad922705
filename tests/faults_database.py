"""PostgreSQL stops at once, turns read-only, and has no room left, while a county plays and callbacks come."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.stack import postgres
from tests.fault_ground import BIG, SMALL, Scene
from tests.posting import Posting, posting
from tests.test_database_trouble import read_only

pytest_plugins = ["tests.fault_fixtures"]
MIB = 1024 * 1024
DISK_MIB, LEFT_MIB = 512, 3
LARGE = 512 * 1024


@contextmanager
def small_disk(home: Path) -> Iterator[None]:
    """The database's files on a disk of their own, where this machine lets us mount one."""
    place = postgres.storage(home)
    place.mkdir(parents=True, exist_ok=True)
    mounted = _mount(place)
    yield
    if mounted:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


DISK = small_disk


def _mount(place: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0755", "tmpfs", str(place)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_immediate_stops(scene: Scene) -> None:
    """DURABILITY: PostgreSQL immediate stop every 5-40 s. No 2xx without a durable row; recovers by itself."""
    games = [scene.begin(BIG), scene.begin(SMALL)]
    with posting(scene.stack) as probes:
        for _ in range(4):
            enough = len(probes.acknowledged) + scene.dice.randint(20, 200)
            scene.until("callbacks taken", lambda least=enough: len(probes.acknowledged) >= least)  # type: ignore[misc]
            _stop_immediately(scene)
            scene.stack.start("postgres")
    scene.finish(*games)
    _all_stored(scene, probes, {204, 503})


def test_read_only(scene: Scene) -> None:
    """DURABILITY: PostgreSQL read-only. No 2xx without a durable row; recovers by itself."""
    game = scene.begin()
    with posting(scene.stack) as probes:
        for _ in range(3):
            scene.moved(game, 4)
            with read_only(scene.stack):
                scene.did("read-only")
                refused = probes.said.count(503) + scene.dice.randint(10, 60)
                scene.until("refusals", lambda most=refused: probes.said.count(503) >= most)  # type: ignore[misc]
    scene.finish(game)
    _all_stored(scene, probes, {204, 503})


def test_disk_full(scene: Scene) -> None:
    """DURABILITY: PostgreSQL's disk full. No 2xx without a durable row; recovers by itself when there is room again."""
    place = postgres.storage(scene.stack.layout.home)
    if not os.path.ismount(place):
        pytest.skip("a small disk needs root and mount: not tried on this machine")
    game = scene.begin()
    scene.moved(game, 6)
    with posting(scene.stack, size=LARGE) as probes:
        with _no_room(place):
            scene.did("disk full")
            scene.until("refusals", lambda: sum(code != 204 for code in probes.said) > 20, seconds=120)
        if scene.gone("postgres"):
            scene.did("PostgreSQL gave up")
            scene.stack.start("postgres")
        enough = len(probes.acknowledged) + 5
        scene.until("callbacks taken again", lambda: len(probes.acknowledged) >= enough)
    scene.finish(game)
    _all_stored(scene, probes, {204, 503})


def _stop_immediately(scene: Scene) -> None:
    scene.stack.signal("postgres", signal.SIGQUIT)
    scene.did("PostgreSQL SIGQUIT")
    scene.until("it is gone", lambda: scene.gone("postgres"))


@contextmanager
def _no_room(place: Path) -> Iterator[None]:
    """All but a little of what is free is somebody else's."""
    ballast = place / "ballast"
    free = os.statvfs(place)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - LEFT_MIB * MIB)
    try:
        yield
    finally:
        ballast.unlink()


def _all_stored(scene: Scene, probes: Posting, said: set[int]) -> None:
    stored = {row[0] for row in scene.whole.rows("SELECT event_id FROM inbox WHERE event_id LIKE 'probe-%'")}
    assert set(probes.acknowledged) <= stored
    assert set(probes.said) <= said, set(probes.said)
    assert {204, 503} <= set(probes.said)
    scene.whole.rows("DELETE FROM inbox WHERE event_id LIKE 'probe-%' RETURNING id")

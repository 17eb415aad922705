"""The object store is away, slow, and breaks off, while a county uploads, imports and hands evidence in."""

import hashlib

import pytest

from models.store.vault import Field, LocalVault
from tests.fault_ground import Scene
from tests.whole_stack import Whole

pytest_plugins = ["tests.fault_fixtures"]
EVIDENCE = 4


def test_store_away(scene: Scene) -> None:
    """DURABILITY: object store away. Never a reference without its object."""
    scene.kill("s3")
    before = len(scene.heard.refusals)
    game = scene.begin()
    scene.until("somebody was told", lambda: len(scene.heard.refusals) > before)
    scene.stack.start("s3")
    for _ in range(2):
        if scene.moved(game, 4):
            scene.kill("s3")
            scene.stack.start("s3")
    _hand_in_evidence(scene, scene.finish(game)[0])
    every_file_is_its_object(scene.whole)


@pytest.mark.parametrize("how", ["slow", "truncating", "cut"])
def test_store_in_trouble(scene: Scene, how: str) -> None:
    """DURABILITY: object store slow, truncating. Never a reference without its object; sha-256 checked on read."""
    door = scene.doors["s3"]
    before = door.done.copy()
    game = scene.begin()
    door.delay, door.truncated, door.cut = {"slow": (0.2, 0, 0), "truncating": (0, 0.3, 0), "cut": (0, 0, 0.3)}[how]
    flow_no = scene.finish(game)[0]
    _hand_in_evidence(scene, flow_no)
    door.heal()
    scene.injected.update(door.done - before)
    every_file_is_its_object(scene.whole)


def every_file_is_its_object(whole: Whole) -> None:
    """Each row's object is there, opens, and is what was stored."""
    vault = LocalVault.from_file(whole.stack.layout.vault_key)
    client = whole.stack.layout.objects.client()
    rows = whole.rows("SELECT object_key, sha256 FROM stored_file")
    assert rows
    for key, sha256 in rows:
        sealed = client.get_object(Bucket="onecard", Key=key)["Body"].read()
        assert hashlib.sha256(vault.open_bytes(Field.OBJECT, key, sealed)).hexdigest() == sha256, "another object"
    client.close()


def _hand_in_evidence(scene: Scene, flow_no: str) -> None:
    play = scene.whole.play(flow_no.partition("-")[0])
    numbers = play.paid_lines(flow_no, EVIDENCE)
    assert play.send_evidence(flow_no, numbers)["done_count"] == EVIDENCE

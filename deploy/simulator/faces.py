"""Face sessions: open for 300 s, then expired."""

import time

from .agenda import Decision
from .clock import stamp
from .events import Data, publish
from .problems import Problem
from .shapes import FaceBody
from .store import Row
from .world import Answer, Call, World, new_id

OPEN = ("waiting", "scanned")


def open_face_session(world: World, call: Call) -> Answer:
    body = FaceBody.model_validate_json(call.body)
    session, seconds = new_id("face"), world.switches.face_session_seconds
    expires_at = time.time() + seconds
    world.store.run(
        "INSERT INTO face_session (face_session_id, client_id, client_reference, channel, expires_at)"
        " VALUES (?, ?, ?, ?, ?)",
        session,
        call.client.client_id,
        body.client_reference,
        body.channel,
        expires_at,
    )
    world.later_wall("face_expiry", session, seconds)
    url = f"{world.base_url}/face/{session}" + ("?channel=app" if body.channel == "app" else "")
    return Answer(201, {"face_session_id": session, "url": url, "expires_at": stamp(expires_at)})


def get_face_session(world: World, call: Call) -> Answer:
    found = _find(world, call.path["face_session_id"])
    if found is None or found["client_id"] != call.client.client_id:
        raise Problem("NOT_FOUND", "没有此人脸识别会话")
    return Answer(200, _wire(found))


def expire(world: World, session: str, plan: int, decision: Decision | None) -> None:
    found = _find(world, session)
    if found is not None and found["status"] in OPEN:
        move_face_session(world, session, "expired", reason_code="timeout")


def move_face_session(
    world: World,
    session: str,
    status: str,
    *,
    reason_code: str | None = None,
    name: str | None = None,
    id_number: str | None = None,
) -> None:
    """One step of a session; the last one is told to its client."""
    found = _find(world, session)
    if found is None:
        raise Problem("NOT_FOUND", "没有此人脸识别会话")
    if found["status"] not in OPEN:
        raise Problem("VALIDATION_FAILED", "会话已经结束")
    world.store.run(
        "UPDATE face_session SET status = ?, reason_code = ?, name = ?, id_number = ? WHERE face_session_id = ?",
        status,
        reason_code,
        name,
        id_number,
        session,
    )
    if status not in OPEN:
        world.store.run("DELETE FROM agenda WHERE ref = ? AND kind = 'face_expiry'", session)
        after = _find(world, session)
        assert after is not None
        publish(world, after["client_id"], session, "identity.face.completed", _wire(after))


def _find(world: World, session: str) -> Row | None:
    return world.store.row("SELECT * FROM face_session WHERE face_session_id = ?", session)


def _wire(row: Row) -> Data:
    names = ("face_session_id", "client_reference", "status", "reason_code", "name", "id_number")
    return {name: row[name] for name in names} | {"county_code": None}

"""Events to the clients: a row in the transaction of what they tell, with the faults drawn for them."""

import time
from collections.abc import Callable

import orjson

from .clock import stamp
from .faults import Kind
from .world import World, new_id

Data = dict[str, object]

PAGED = ("dataset.results", "flow.payments")


def publish(world: World, client_id: str, lane: str, event_type: str, data: Data) -> None:
    body = _wire(event_type, data)
    hidden = _hidden(world, event_type)
    if hidden is not None:
        _store(world, client_id, lane, event_type, body, status="lost", fault=hidden)
        return
    delay, fault = _delay(world, event_type)
    wanted = 1
    if world.faults.strikes(Kind.DUPLICATE, event_type):
        wanted, fault = 2, fault or Kind.DUPLICATE
        world.faults.note(Kind.DUPLICATE, event_type, lane)
    _store(world, client_id, lane, event_type, body, delay=delay, fault=fault, wanted=wanted)
    if world.faults.strikes(Kind.REPEATED, event_type):
        _store(world, client_id, lane, event_type, body, delay=delay + 0.05, fault=Kind.REPEATED)
    if world.faults.strikes(Kind.CONTRADICTING, event_type):
        other = _wire(event_type, _contradiction(world, event_type, data))
        _store(world, client_id, lane, event_type, other, delay=delay + 0.2, fault=Kind.CONTRADICTING)


def _wire(event_type: str, data: Data) -> bytes:
    return orjson.dumps({"type": event_type, "timestamp": stamp(), "data": data})


def _hidden(world: World, event_type: str) -> Kind | None:
    if event_type in PAGED and world.faults.strikes(Kind.MISSING_PAGE, event_type):
        return Kind.MISSING_PAGE
    return Kind.LOST if world.faults.strikes(Kind.LOST, event_type) else None


def _delay(world: World, event_type: str) -> tuple[float, Kind | None]:
    if world.faults.strikes(Kind.LATE, event_type):
        return world.switches.late_seconds, Kind.LATE
    if world.faults.strikes(Kind.REORDERED, event_type):
        return world.switches.reorder_seconds, Kind.REORDERED
    return 0.0, None


def _store(
    world: World,
    client_id: str,
    lane: str,
    event_type: str,
    body: bytes,
    *,
    delay: float = 0.0,
    wanted: int = 1,
    status: str = "pending",
    fault: Kind | None = None,
) -> None:
    now = time.time()
    world.store.run(
        "INSERT INTO event (webhook_id, client_id, lane, type, body, status, fault, wanted, next_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        new_id("evt"),
        client_id,
        lane,
        event_type,
        body,
        status,
        fault,
        wanted,
        now + delay,
        now,
    )
    if fault is not None and fault is not Kind.DUPLICATE:
        world.faults.note(fault, event_type, lane)


def _contradiction(world: World, event_type: str, data: Data) -> Data:
    """The same thing said otherwise, as a real platform's second opinion: only the event lies, GET keeps the truth."""
    if event_type == "dataset.results":
        return {**data, "results": _changed_first(data["results"], _other_outcome)}
    if event_type == "flow.payments":
        return {**data, "payments": _changed_first(data["payments"], world.dice.choice((_other_amount, _other_status)))}
    if event_type == "flow.ended":
        return {**data, "paid_fen": _as_int(data["paid_fen"]) + 1}
    if "status" in data:
        swap = {"approved": "rejected", "rejected": "approved", "applied": "failed", "failed": "applied"}
        return {**data, "status": swap.get(str(data["status"]), "failed")}
    return {**data, "reason": "与前次通知不一致"}


def _changed_first(entries: object, change: Callable[[Data], Data]) -> list[object]:
    assert isinstance(entries, list)
    return [change(entries[0]), *entries[1:]]


def _other_outcome(entry: Data) -> Data:
    swap = {
        "matched": "not_found",
        "name_differs": "matched",
        "not_found": "matched",
        "no_account": "matched",
        "passed": "failed",
        "failed": "passed",
        "accepted": "rejected",
        "rejected": "accepted",
    }
    outcome = swap[str(entry["outcome"])]
    reason = {"reason_code": "other", "reason": "与前次通知不一致"} if outcome == "rejected" else {}
    return {**entry, "outcome": outcome, **reason}


def _other_amount(entry: Data) -> Data:
    return {**entry, "amount_fen": _as_int(entry["amount_fen"]) + 100}


def _other_status(entry: Data) -> Data:
    if entry["status"] == "paid":
        return {**entry, "status": "failed", "reason_code": "bank_error", "reason": "与前次通知不一致"}
    return {**entry, "status": "paid", "reason_code": None, "reason": None}


def _as_int(value: object) -> int:
    assert isinstance(value, int)
    return value

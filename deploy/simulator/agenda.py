"""What the platform still has to do: due moments that survive a restart, and the clerk's desk."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from .problems import Problem
from .store import Row
from .world import World

log = logging.getLogger("simulator")

PAGE = "payment_page"
CLERK_KINDS = frozenset(
    ("policy", "indicator", "summary", "beneficiary_init", "verification", "application_submission", "account_change")
)
WAITING, STUCK = 1, 2


@dataclass(frozen=True)
class Decision:
    """What a person at the clerk's desk said; `rejected_lines` names single lines of a round with why."""

    approve: bool
    opinion: str | None = None
    rejected_lines: dict[str, str] | None = None


Act = Callable[[World, str, int, Decision | None], None]


class Agenda:
    def __init__(self, world: World, acts: dict[str, Act]) -> None:
        self._world = world
        self._acts = acts

    async def run(self) -> None:
        while True:
            self._world.agenda_wake.clear()
            if self.run_one():
                self._world.delivery_wake.set()
                await asyncio.sleep(0)
                continue
            try:
                await asyncio.wait_for(self._world.agenda_wake.wait(), self._pause())
            except TimeoutError:
                continue

    def run_one(self) -> bool:
        entry = self._next()
        if entry is None:
            return False
        if entry["clock"] == "business":
            self._world.clock.reach(entry["due"])
        self._act(entry, None)
        return True

    def run_now(self, ref: str) -> None:
        """Does at once what is due later for a submission; how an early event comes about."""
        entry = self._world.store.row(
            "SELECT * FROM agenda WHERE ref = ? AND clock = 'business' AND waiting = 0 ORDER BY due LIMIT 1", ref
        )
        if entry is not None:
            self._act(entry, None)

    def decide(self, ref: str, decision: Decision) -> None:
        entry = self._world.store.row("SELECT * FROM agenda WHERE ref = ? ORDER BY due LIMIT 1", ref)
        if entry is None or entry["kind"] not in CLERK_KINDS:
            raise Problem("NOT_FOUND", "没有等待审核的此项内容")
        self._act(entry, decision)
        self._world.wake()

    def desk(self) -> list[Row]:
        """Everything a clerk could decide, the waiting first."""
        marks = ",".join(f"'{kind}'" for kind in sorted(CLERK_KINDS))
        return self._world.store.rows(
            f"SELECT * FROM agenda WHERE kind IN ({marks}) ORDER BY waiting DESC, due LIMIT 500"
        )

    def release(self) -> None:
        """Kinds that no person plays any more go on by themselves, and so does what banks have held back."""
        for kind in CLERK_KINDS:
            if self._world.switches.clerk.get(kind, "auto") == "auto":  # type: ignore[call-overload]
                self._free(kind)
        if not self._world.switches.holds_changes:
            self._free(PAGE)
        self._world.wake()

    def _free(self, kind: str) -> None:
        self._world.store.run("UPDATE agenda SET waiting = 0 WHERE kind = ? AND waiting = ?", kind, WAITING)

    def _act(self, entry: Row, decision: Decision | None) -> None:
        store, kind = self._world.store, str(entry["kind"])
        if decision is None and (self._plays_person(kind) or self._is_held_back(entry)):
            store.run("UPDATE agenda SET waiting = ? WHERE id = ?", WAITING, entry["id"])
            return
        try:
            with store.transaction():
                store.run("DELETE FROM agenda WHERE id = ?", entry["id"])
                self._acts[kind](self._world, entry["ref"], entry["plan"], decision)
        except Exception:
            log.exception("%s of %s failed and is set aside", kind, entry["ref"])
            store.run("UPDATE agenda SET waiting = ? WHERE id = ?", STUCK, entry["id"])

    def _is_held_back(self, entry: Row) -> bool:
        if entry["kind"] != PAGE or not self._world.switches.holds_changes:
            return False
        over = "SELECT 1 FROM flow WHERE flow_id = ? AND status = 'ended'"
        return self._world.store.row(over, entry["ref"]) is not None

    def _plays_person(self, kind: str) -> bool:
        return {str(k): v for k, v in self._world.switches.clerk.items()}.get(kind) == "person"

    def _next(self) -> Row | None:
        store, clock = self._world.store, self._world.clock
        wall = store.row(
            "SELECT * FROM agenda WHERE clock = 'wall' AND waiting = 0 AND due <= ? ORDER BY due, id", time.time()
        )
        if wall is not None:
            return wall
        due = store.row("SELECT * FROM agenda WHERE clock = 'business' AND waiting = 0 ORDER BY due, id LIMIT 1")
        return due if due is not None and (clock.scale == 0 or due["due"] <= clock.now()) else None

    def _pause(self) -> float:
        store = self._world.store
        waits = [60.0]
        for clock in ("business", "wall"):
            found = store.row("SELECT min(due) AS due FROM agenda WHERE clock = ? AND waiting = 0", clock)
            if found is not None and found["due"] is not None:
                until = (
                    self._world.clock.seconds_until(found["due"]) if clock == "business" else found["due"] - time.time()
                )
                waits.append(until)
        return max(0.001, min(waits))

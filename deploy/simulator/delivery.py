"""Brings the events to their clients: signed, again with growing delays until 2xx, the same id and bytes each time."""

import asyncio
import logging
import time

import httpx

from .clients import callback_headers
from .clock import DAY
from .store import Row
from .world import World

AT_ONCE = 32
GIVE_UP_AFTER = 3 * DAY
LONGEST_WAIT = 5.0

_GROWING = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0)

log = logging.getLogger("simulator")


class Delivery:
    def __init__(self, world: World) -> None:
        self._world = world
        self._http = httpx.AsyncClient(timeout=10.0, follow_redirects=False, trust_env=False)
        self._lanes: dict[str, int] = {}
        self._flying: dict[int, asyncio.Task[None]] = {}
        self._moved = asyncio.Event()

    async def run(self) -> None:
        while True:
            self._world.delivery_wake.clear()
            # One moment for both: what falls due between two looks at the clock would be slept over.
            now = time.time()
            self._start_due(now)
            try:
                await asyncio.wait_for(self._world.delivery_wake.wait(), self._pause(now))
            except TimeoutError:
                continue

    async def settled(self, lane: str, seconds: float) -> None:
        """Waits until what is due in a lane was tried once; for an event that overtakes its answer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._world.store.row(
            "SELECT 1 FROM event WHERE lane = ? AND status = 'pending' AND attempts = 0 AND next_at <= ?",
            lane,
            time.time(),
        ):
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                return

    async def stop(self) -> None:
        for flight in self._flying.values():
            flight.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        await self._http.aclose()

    def _start_due(self, now: float) -> None:
        due = self._world.store.rows(
            "SELECT seq, lane, attempts FROM event"
            " WHERE status = 'pending' AND next_at <= ? ORDER BY next_at, seq LIMIT 512",
            now,
        )
        for event in due:
            if len(self._flying) >= AT_ONCE:
                return
            # A lane keeps the order of first attempts; what must be sent again goes its own way and blocks nobody.
            lane = str(event["lane"]) if event["attempts"] == 0 else f"again-{event['seq']}"
            if event["seq"] not in self._flying and lane not in self._lanes:
                self._lanes[lane] = event["seq"]
                self._flying[event["seq"]] = asyncio.create_task(self._fly(event["seq"], lane))

    async def _fly(self, seq: int, lane: str) -> None:
        try:
            event = self._world.store.row("SELECT * FROM event WHERE seq = ?", seq)
            if event is not None:
                self._record(event, await self._post(event))
        finally:
            del self._flying[seq], self._lanes[lane]
            self._moved.set()
            self._world.delivery_wake.set()

    async def _post(self, event: Row) -> bool:
        client = self._world.clients.get(event["client_id"])
        if client is None:
            return False
        headers = callback_headers(client, event["webhook_id"], event["body"])
        try:
            answer = await self._http.post(client.callback_url, content=event["body"], headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return answer.is_success

    def _record(self, event: Row, delivered: bool) -> None:
        store, now = self._world.store, time.time()
        if delivered:
            # Compared in the file: somebody may have wished for one more while this one was under way.
            store.run(
                "UPDATE event SET deliveries = deliveries + 1, attempts = attempts + 1, delivered_at = ?,"
                " status = CASE WHEN deliveries + 1 >= wanted THEN 'delivered' ELSE 'pending' END WHERE seq = ?",
                now,
                event["seq"],
            )
            return
        wait = _GROWING[min(event["attempts"], len(_GROWING) - 1)]
        floor = min(0.2 * 2 ** min(event["attempts"], 10), LONGEST_WAIT)
        next_at = now + self._world.clock.wall(wait, floor, wait)
        over = next_at - event["created_at"] > self._world.clock.wall(GIVE_UP_AFTER, 3_600.0, GIVE_UP_AFTER)
        store.run(
            "UPDATE event SET attempts = attempts + 1, next_at = ?, status = ? WHERE seq = ?",
            next_at,
            "expired" if over else "pending",
            event["seq"],
        )
        log.info(
            "event %s of type %s was not taken, attempt %d", event["webhook_id"], event["type"], event["attempts"] + 1
        )

    def _pause(self, now: float) -> float:
        busy = "(" + ",".join(str(seq) for seq in self._flying) + ")"
        found = self._world.store.row(
            f"SELECT min(next_at) AS at FROM event WHERE status = 'pending' AND seq NOT IN {busy} AND next_at > ?",
            now,
        )
        if found is None or found["at"] is None:
            return 60.0
        return max(0.005, min(60.0, float(found["at"]) - time.time()))

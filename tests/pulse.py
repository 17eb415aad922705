"""Counties that do one small thing after the other, and how long each had to wait for it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import psycopg

from deploy.bench.province import FIRST_COUNTY, office_of
from deploy.demo.people import County
from deploy.local_people import driver_url
from tests.whole_stack import Whole

EVERY_S, LOOK_EVERY_S, GIVES_UP_S = 1.0, 0.1, 90.0
_IS_OVER = """
SELECT closed_at IS NOT NULL, stage FROM run WHERE kind = 'platform-trial' AND county_code = %s
"""


@dataclass
class Pulse:
    """When each county asked and when it had what came of it, in order."""

    turns: dict[str, list[tuple[float, float]]]
    over: threading.Event = field(default_factory=threading.Event)

    def longest(self, since: float = 0.0) -> float:
        """Seconds of the longest wait that was over after this moment."""
        return max(there - asked for turns in self.turns.values() for asked, there in turns if there > since)

    def fewest(self) -> int:
        return min(map(len, self.turns.values()))


@contextmanager
def pulse(whole: Whole, counties: int) -> Iterator[Pulse]:
    """Meanwhile each county tries the platform every second: an act, its row, the relay, a run, a call, a row again."""
    codes = [str(FIRST_COUNTY + place) for place in range(counties)]
    limits = httpx.Limits(max_connections=counties, max_keepalive_connections=counties)
    url = whole.stack.layout.api_url
    with (
        httpx.Client(base_url=url, timeout=GIVES_UP_S, trust_env=False, limits=limits) as http,
        ThreadPoolExecutor(counties) as pool,
    ):
        offices = [office_of(whole.stack, http, code) for code in codes]
        beating = Pulse({code: [] for code in codes})
        ends = [pool.submit(_beat, whole, office, beating) for office in offices]
        try:
            yield beating
        finally:
            beating.over.set()
        for end in ends:
            end.result()


def _beat(whole: Whole, county: County, beating: Pulse) -> None:
    with psycopg.connect(driver_url(whole.stack.layout.database_url), autocommit=True) as connection:
        while not beating.over.is_set():
            begun = time.monotonic()
            county.admin.post("/platform-trials")
            _wait(connection, county.code, begun)
            beating.turns[county.code].append((begun, time.monotonic()))
            beating.over.wait(max(0.0, begun + EVERY_S - time.monotonic()))


def _wait(connection: psycopg.Connection, county: str, begun: float) -> None:
    while True:
        row = connection.execute(_IS_OVER, (county,)).fetchone()
        if row is not None and row[0]:
            assert row[1] == "done", f"{county}: {row[1]}"
            return
        assert time.monotonic() - begun < GIVES_UP_S, f"{county} waits for more than {GIVES_UP_S:.0f} s"
        time.sleep(LOOK_EVERY_S)

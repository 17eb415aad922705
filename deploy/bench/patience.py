"""People who wait while lists hang: a sign-in and a policy a second, started by the clock, alone and beside them."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.ground import Batch, county_play, make_batch
from deploy.bench.report_rows import Row
from deploy.demo.citizens import Browser
from deploy.demo.play import Play
from deploy.stack.stack import Stack
from models.contracts import Queue
from workflows.options import LIMITS

# Somewhat more lists than one worker has places for: every place is held, and some wait.
LISTS = LIMITS[Queue.BULK].places + 5
SEED = 71
TIMES, LONGEST = 2.0, 5.0
SETTINGS = {"CITIZEN_LOGINS_PER_ADDRESS_HOUR": "100000"}


@dataclass(frozen=True)
class Waits:
    """Seconds that each sign-in and each policy took, started one a second."""

    sign_ins: list[float]
    policies: list[float]


@dataclass(frozen=True)
class Patience:
    alone: Waits
    beside: Waits


def prepared(home: Path, count: int) -> Batch:
    """People who sign in, each once, and whose lines the lists are made of."""
    return make_batch(home / "lines", SEED, max(2 * count, 2 * LISTS))


def measure(stack: Stack, batch: Batch, count: int) -> Patience:
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        play = county_play(stack, http)
        play.prepare_ground(batch.total_fen, refused_first=False)
        batch_no = play.open_batch("等待")
        play.import_file(batch_no, batch.path.name, batch.file)
        play.review_and_publicise(batch_no)
        alone = _waits(stack, play, batch, 0, count)
        with _hanging(stack):
            _push_lists(play, batch_no)
            _all_pushing(stack)
            return Patience(alone, _waits(stack, play, batch, count, count))


def _push_lists(play: Play, batch_no: str) -> None:
    lines = play.county.operator.pages("/applications", batch_no=batch_no, stage="publicised")
    for line in lines[:LISTS]:
        selection = {"application_nos": [line["application_no"]]}
        play.county.operator.post("/beneficiary-lists", {"selection": selection})


def _all_pushing(stack: Stack) -> None:
    """Until as many pages hang at the platform as there are places."""
    with _platform(stack) as platform:
        deadline = time.monotonic() + 120
        while platform.get("/faults").json()["counts"].get("timeout_after_accept", 0) < LIMITS[Queue.BULK].places:
            if time.monotonic() > deadline:
                raise TimeoutError("the lists don't hang")
            time.sleep(0.2)


@contextmanager
def _hanging(stack: Stack) -> Iterator[None]:
    """The platform takes each page and never says so."""
    plan = {"rates": {"timeout_after_accept": 1.0}, "only": {"timeout_after_accept": ["putPage"]}}
    with _platform(stack) as platform:
        platform.put("/settings", json={"hang_seconds": 3_600}).raise_for_status()
        platform.put("/faults", json=plan).raise_for_status()
        try:
            yield
        finally:
            platform.put("/faults", json={"rates": {}}).raise_for_status()


def _platform(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=f"{stack.layout.simulator_url}/admin", trust_env=False)


def _waits(stack: Stack, play: Play, batch: Batch, first: int, count: int) -> Waits:
    """By the clock: one that takes long doesn't put off the next."""

    def sign_in(place: int) -> None:
        line = batch.lines[first + place]
        with closing(Browser(stack.layout.api_url)) as browser:
            browser.sign_in(line.name, line.id_number)

    with ThreadPoolExecutor(2 * count) as pool:
        begun = time.monotonic() + 0.5
        sign_ins = [pool.submit(_timed, begun + place, sign_in, place) for place in range(count)]
        policies = [
            pool.submit(_timed, begun + place + 0.5, lambda _: play.upload_policy(False), place)
            for place in range(count)
        ]
        return Waits([one.result() for one in sign_ins], [one.result() for one in policies])


def _timed(at: float, act: Callable[[int], object], place: int) -> float:
    time.sleep(max(0.0, at - time.monotonic()))
    began = time.perf_counter()
    act(place)
    return time.perf_counter() - began


def patience_rows(found: Patience) -> list[Row]:
    return [
        _row("人脸识别登录", found.alone.sign_ins, found.beside.sign_ins),
        _row("政策审核", found.alone.policies, found.beside.policies),
    ]


def _row(what: str, alone: list[float], beside: list[float]) -> Row:
    times = _p99(beside) / _p99(alone)
    return Row(
        f"{what}，每秒一次，{LISTS} 份名单卡在平台",
        f"p99 {_p99(beside):.2f} 秒，最长 {max(beside):.2f} 秒",
        f"无名单时 p99 {_p99(alone):.2f} 秒（{times:.2f} 倍），{len(alone)} 次",
        f"≤ {TIMES:.0f} 倍，最长 {LONGEST:.0f} 秒",
        times <= TIMES and max(beside) <= LONGEST,
    )


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]

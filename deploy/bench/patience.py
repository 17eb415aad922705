"""People who wait while others' lists take long: a sign-in and a policy a second, started by the clock, and each timed.

First alone; then beside lists that hang at the platform; then while 25 counties push to one that takes its time.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.bench.ground import Batch, county_play, make_batch
from deploy.bench.lines import Line
from deploy.bench.province import FIRST_COUNTY, plays_of
from deploy.bench.report_rows import Row
from deploy.demo.citizens import Browser
from deploy.demo.people import wait_for
from deploy.demo.play import Play
from deploy.stack.stack import Stack
from models.contracts import Queue
from workflows.options import LIMITS

# Somewhat more lists than one worker has places for: every place is held, and some wait.
HANGING = LIMITS[Queue.BULK].places + 5
SEED = 71
TIMES, LONGEST = 2.0, 5.0
SETTINGS = {"CITIZEN_LOGINS_PER_ADDRESS_HOUR": "100000"}
COUNTIES, ANSWER_SECONDS = 25, 5.0
PUSHING = ["openDataset", "putPage", "commitDataset"]
# One a county so often holds somewhat more places than there are.
EVERY_SECONDS = 0.8 * len(PUSHING) * ANSWER_SECONDS * COUNTIES / LIMITS[Queue.BULK].places
CASES = 3


@dataclass(frozen=True)
class Waits:
    """Seconds that each sign-in and each policy took, started one a second."""

    sign_ins: list[float]
    policies: list[float]


@dataclass(frozen=True)
class Patience:
    alone: Waits
    hanging: Waits
    slow: Waits


@dataclass(frozen=True)
class Ground:
    """People who sign in, each once, and whose lines the lists are made of; lines of other counties."""

    own: Batch
    others: Sequence[Batch]

    @property
    def people(self) -> list[Line]:
        """Nobody twice: a second sign-in ends the first one's session."""
        return [line for line in self.own.lines if line.fate != "second_line"]

    @property
    def batches(self) -> list[Batch]:
        return [self.own, *self.others]


def prepared(home: Path, people: int) -> Ground:
    """Each list of the other counties is one line, three answers long."""
    folder, lists = home / "lines", _lists_of_a_county(people)
    others = [make_batch(folder, SEED, lists, str(FIRST_COUNTY + place)) for place in range(COUNTIES)]
    # some of the lines are second ones of the same people
    return Ground(make_batch(folder, SEED, max(2 * CASES * people, 2 * HANGING)), others)


def _lists_of_a_county(people: int) -> int:
    return 2 + round(people / EVERY_SECONDS)


def measure(stack: Stack, ground: Ground, count: int) -> Patience:
    with (
        httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http,
        plays_of(stack, ground.others) as others,
    ):
        play = county_play(stack, http)
        play.prepare_ground(ground.own.total_fen, refused_first=False)
        own = _publicised(play, ground.own)
        theirs = [_publicised(other, batch) for other, batch in zip(others, ground.others, strict=True)]
        alone = _waits(stack, play, ground.people[:count])
        with _hanging(stack):
            _push_lists(play, own[:HANGING])
            _all_pushing(stack)
            hanging = _waits(stack, play, ground.people[count : 2 * count])
        with _slow(stack), ThreadPoolExecutor(COUNTIES) as pool:
            pushed = [pool.submit(_push_by_the_clock, *each) for each in zip(others, theirs, _apart(), strict=True)]
            slow = _waits(stack, play, ground.people[2 * count : 3 * count])
            for county in pushed:
                county.result()
        return Patience(alone, hanging, slow)


def _publicised(play: Play, batch: Batch) -> list[str]:
    """The batch's lines, ready for lists."""
    batch_no = play.open_batch("等待")
    play.import_file(batch_no, batch.path.name, batch.file)
    play.review_and_publicise(batch_no)
    lines = play.county.operator.pages("/applications", batch_no=batch_no, stage="publicised")
    return [line["application_no"] for line in lines]


def _push_lists(play: Play, numbers: Sequence[str]) -> None:
    for number in numbers:
        play.county.operator.post("/beneficiary-lists", {"selection": {"application_nos": [number]}})


def _apart() -> list[float]:
    """When each county begins: no two press the button in the same moment, so places are scarce and not processors."""
    return [place * EVERY_SECONDS / COUNTIES for place in range(COUNTIES)]


def _push_by_the_clock(play: Play, numbers: Sequence[str], after: float) -> None:
    begun = time.monotonic() + after
    for place, number in enumerate(numbers):
        time.sleep(max(0.0, begun + place * EVERY_SECONDS - time.monotonic()))
        _push_lists(play, [number])


def _all_pushing(stack: Stack) -> None:
    """Until as many pages hang at the platform as there are places."""
    with _platform(stack) as platform:
        wait_for(
            "名单卡在平台",
            lambda: platform.get("/faults").json()["counts"],
            lambda counts: counts.get("timeout_after_accept", 0) >= LIMITS[Queue.BULK].places,
        )


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


@contextmanager
def _slow(stack: Stack) -> Iterator[None]:
    """Whatever a list sends is answered after its seconds."""
    with _platform(stack) as platform:
        delay = {"answer_delay_seconds": ANSWER_SECONDS, "delayed_operations": PUSHING}
        platform.put("/settings", json=delay).raise_for_status()
        try:
            yield
        finally:
            platform.put("/settings", json={"answer_delay_seconds": 0}).raise_for_status()


def _platform(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=f"{stack.layout.simulator_url}/admin", trust_env=False)


def _waits(stack: Stack, play: Play, people: Sequence[Line]) -> Waits:
    """By the clock: one that takes long doesn't put off the next."""
    count = len(people)

    def sign_in(place: int) -> None:
        line = people[place]
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
    hang, push = f"{HANGING} 份名单卡在平台", f"{COUNTIES} 个区县推送、平台每次 {ANSWER_SECONDS:.0f} 秒才答"
    return [
        _row(f"人脸识别登录，每秒一次，{hang}", found.alone.sign_ins, found.hanging.sign_ins),
        _row(f"政策审核，每秒一次，{hang}", found.alone.policies, found.hanging.policies),
        _row(f"人脸识别登录，每秒一次，{push}", found.alone.sign_ins, found.slow.sign_ins),
        _row(f"政策审核，每秒一次，{push}", found.alone.policies, found.slow.policies),
    ]


def _row(what: str, alone: list[float], beside: list[float]) -> Row:
    times = _p99(beside) / _p99(alone)
    return Row(
        what,
        f"p99 {_p99(beside):.2f} 秒，最长 {max(beside):.2f} 秒",
        f"无名单时 p99 {_p99(alone):.2f} 秒（{times:.2f} 倍），{len(alone)} 次",
        f"≤ {TIMES:.0f} 倍，最长 {LONGEST:.0f} 秒",
        times <= TIMES and max(beside) <= LONGEST,
    )


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]

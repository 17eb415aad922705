"""The ground of the fault suite: a stack behind doors that break, counties that play on it, and what each case did.

Parts are real processes. A case breaks something while a county plays, mends it, and lets the county end; then
everything is healed and the checker is asked (`tests/checker.py`). After a failed case the next one has a new stack.
"""

import contextlib
import csv
import io
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx

from deploy.bench.lines import REGISTER, Line, accounts_file, application_file, fine_lines
from deploy.demo.play import Ground
from deploy.stack import Options, Stack, StackError, keys
from deploy.stack.layout import Layout
from tests.checker import Checker
from tests.checker_grounds import of_stack
from tests.checker_privacy import Heard
from tests.conftest import STACKS
from tests.county_files import CountyFile, Expected
from tests.databases import deadlocks_in
from tests.fault_citizens import Citizen, settle
from tests.tcp_door import Door, doors
from tests.whole_stack import QUICK, TOTAL_FEN, Whole, balances, pay_next

SEED = int(os.environ.get("ONECARD_FAULT_SEED", "1"))
# Longer than a case: nothing that got lost is found by asking, unless the case is about that.
UNASKED = QUICK | {"PLATFORM_MISSING_PAGE_SECONDS": "60"}
ASKED = {"PLATFORM_FIRST_ASK_SECONDS": "3", "PLATFORM_ASK_SECONDS": "3", "PLATFORM_MISSING_PAGE_SECONDS": "2"}
SPEED, HURRY = 6.0, 40.0
BIG, SMALL = "500001", "500003"
PARTS = ("postgres", "temporal", "s3", "simulator", "worker", "api")
PAID, FAILED, RETURNED = "paid", "failed:账户冻结", "returned:退票"
_numbers = count(1)
Found = TypeVar("Found")


@dataclass
class Game:
    """One county's subsidy from its file to its end, and a card change, played by its people in threads."""

    county: str
    end: Expected
    flow: "Future[str]"
    # the number of the card change that goes on beside it
    change: "Future[str]"

    @property
    def is_over(self) -> bool:
        return self.flow.done()


@dataclass
class Scene:
    """What a case can break, and who plays meanwhile."""

    whole: Whole
    doors: Mapping[str, Door]
    checker: Checker
    heard: Heard
    grounds: dict[str, Ground]
    citizens: Mapping[str, Citizen]
    dice: random.Random
    injected: "Counter[str]" = field(default_factory=Counter)
    # Copies beside worker and api, and what was put in the place of the plain ones.
    copies: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    # Restarted by the watch, or asked: what the case is about, never what happens beside it.
    may_be_helped: bool = False
    _serials: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def stack(self) -> Stack:
        return self.whole.stack

    def begin(self, county: str = SMALL, size: int = 8) -> Game:
        """A county begins, and a citizen changes the card."""
        file, end = self.file(county, size)
        flow = self.whole.begin(partial(pay_next, self.whole.play(county), self.grounds[county], file))
        return Game(county, end, flow, self.whole.begin(self.citizens[county].change_card))

    def file(self, county: str, size: int = 8) -> tuple[CountyFile, Expected]:
        """Applications of which most are paid, one fails, one is paid and returned; and what they come to."""
        lines = fine_lines(next(self._serials), size)
        fates = [FAILED, RETURNED, *[PAID] * (size - 2)]
        self._make_known(county, lines, fates)
        paid = [line.amount_fen for line, fate in zip(lines, fates, strict=True) if fate == PAID]
        end = Expected(size, len(paid), sum(paid), size - len(paid), 0)
        return CountyFile(f"people-{county}.xlsx", application_file(lines), "personal", ()), end

    def finish(self, *games: Game, seconds: float = 120.0) -> list[str]:
        """Their flows, ended, and balanced to the fen with the platform's ledger; the cards changed."""
        self.whole.days_a_second(HURRY)
        numbers = [game.flow.result(timeout=seconds) for game in games]
        for game, number in zip(games, numbers, strict=True):
            game.change.result(timeout=seconds)
            balances(self.whole, game.county, number, game.end)
        return numbers

    def until(self, what: str, look: Callable[[], Found], seconds: float = 60.0) -> Found:
        return self.whole.until(what, look, seconds)

    def moved(self, game: Game, most: int) -> bool:
        """A few steps further, by the instructions that were written down; whether the game still goes on."""
        enough = self._instructions() + self.dice.randint(1, most)
        self.until("a step", lambda: game.is_over or self._instructions() >= enough)
        return not game.is_over

    def _instructions(self) -> int:
        return int(self.whole.one("SELECT count(*) FROM instruction"))

    def did(self, what: str, times: int = 1) -> None:
        self.injected[what] += times

    def faults(self, **plan: object) -> None:
        self.whole.platform("PUT", "/faults", plan)

    def fault_counts(self) -> "Counter[str]":
        return Counter(self.whole.platform("GET", "/faults")["counts"])

    def arm(self, name: str, points: str) -> None:
        """The part again, with fault points; what it is doing now is given its grace."""
        self.stack.stop(name)
        self.run(name, {"FAULT_POINTS": points})

    def run(self, name: str, env: Mapping[str, str]) -> None:
        """Worker or API in the place of one that is gone, until all is healed."""
        self.changed.add(name)
        # one with points may be gone again before it is ready
        with contextlib.suppress(*([StackError] if "FAULT_POINTS" in env else [])):
            self.stack.start_with(name, env)

    def copy(self, name: str, env: Mapping[str, str] | None = None) -> str:
        """One more beside the others, `worker-2` or `api-2`; of an API its URL."""
        self.copies.add(name)
        if name.startswith("api"):
            return self.stack.add_api(name, env)
        self.stack.add_worker(name, env)
        return ""

    def gone(self, name: str) -> bool:
        return not self.stack.is_running(name)

    def kill(self, name: str) -> None:
        self.stack.kill(name)
        self.did(f"{name} SIGKILL")

    def freeze(self, name: str) -> None:
        self.stack.signal(name, signal.SIGSTOP)
        self.stopped.add(name)
        self.did(f"{name} SIGSTOP")

    def wake(self, name: str) -> None:
        self.stack.signal(name, signal.SIGCONT)
        self.stopped.discard(name)

    def helped(self) -> object:
        """How often the watch had to start a run again, and how many events only asking has brought."""
        return self.whole.rows(
            "SELECT (SELECT sum(restarts) FROM run), (SELECT count(*) FROM inbox WHERE source = 'asked')"
        )

    def restarted(self) -> object:
        """Which runs, how often, and of how many askings."""
        return self.whole.rows("SELECT workflow_id, restarts, asked, missing_since FROM run WHERE restarts > 0")

    def heal(self) -> None:
        """Everything runs, nothing breaks, and nobody has points."""
        for door in self.doors.values():
            door.heal()
        for name in list(self.stopped):
            self.wake(name)
        for name in self.copies | self.changed:
            if self.stack.is_running(name):
                self.stack.stop(name)
        self.stack.start(*PARTS)
        self.copies, self.changed = set(), set()
        self.faults(rates={}, next={}, only={})
        self.whole.platform("PUT", "/settings", {"answer_delay_seconds": 0, "clerk": {}, "returns_after_end": None})
        self.whole.days_a_second(HURRY)

    def _make_known(self, county: str, lines: list[Line], fates: list[str]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(REGISTER)
        for line, fate in zip(lines, fates, strict=True):
            writer.writerow((line.id_number, line.name, line.bank[0], line.account_no, "passed", fate))
        url = f"{self.stack.layout.simulator_url}/admin"
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as admin:
            admin.post(f"/registers/{county}", content=text.getvalue().encode()).raise_for_status()
            admin.post("/bank-accounts", content=accounts_file(lines)).raise_for_status()


@dataclass
class Scenes:
    """One stack for a file's cases; a new one after a case that failed, since it may have left anything."""

    env: Mapping[str, str]
    prepare: Callable[[Path], contextlib.AbstractContextManager[None]]
    _open: contextlib.ExitStack | None = None
    _scene: Scene | None = None

    def scene(self) -> Scene:
        if self._scene is None:
            self._open = contextlib.ExitStack()
            self._scene = self._open.enter_context(_scene(self.env, self.prepare))
        self._scene.whole.days_a_second(SPEED)
        self._scene.whole.plays.clear()
        self._scene.injected.clear()
        self._scene.may_be_helped = "PLATFORM_ASK_SECONDS" in self.env
        return self._scene

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = self._scene = None


@contextlib.contextmanager
def _scene(
    env: Mapping[str, str], prepare: Callable[[Path], contextlib.AbstractContextManager[None]]
) -> Iterator[Scene]:
    home = STACKS / f"faults-{os.getpid()}-{next(_numbers)}"
    with contextlib.ExitStack() as open_ones:
        open_ones.enter_context(prepare(home))
        layout = Layout(home, Options())
        ports = layout.ports
        ways = open_ones.enter_context(
            doors(SEED, temporal=ports["temporal.frontend"], s3=ports["s3.port"], platform=ports["simulator"])
        )
        through = {
            "TEMPORAL_ADDRESS": ways["temporal"].address,
            "S3_ENDPOINT_URL": f"http://{ways['s3'].address}",
            "PLATFORM_CLIENTS_FILE": str(home / "keys" / "through-the-door.json"),
        }
        clients = Path(through["PLATFORM_CLIENTS_FILE"])
        keys.write_platform_clients(clients, layout.secrets, f"http://{ways['platform'].address}/v1")
        stack = open_ones.enter_context(
            Stack(home, Options(durable=False, env=UNASKED | dict(env) | through, time_scale=SPEED * 86_400, seed=SEED))
        )
        open_ones.callback(_remove, stack)
        stack.start()
        with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
            whole = Whole(stack, http)
            whole.loses_events = True
            with ThreadPoolExecutor() as pool:
                made = {
                    county: pool.submit(whole.play(county).prepare_ground, TOTAL_FEN, refused_first=False)
                    for county in (BIG, SMALL)
                }
                grounds = {county: one.result(60) for county, one in made.items()}
            citizens = {county: settle(whole, county) for county in grounds}
            for citizen in citizens.values():
                open_ones.callback(citizen.browser.close)
            asked = of_stack(whole)
            yield Scene(whole, ways, Checker(asked), asked.heard, grounds, citizens, random.Random(SEED))


def _remove(stack: Stack) -> None:
    stack.close()
    assert not deadlocks_in(stack), "deadlocks in the log of a stack"
    stack.remove()

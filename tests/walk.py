"""A random walk: what people and the platform of two counties do in any order, and what must hold after each step."""

import sys
import time
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from deploy.demo.citizens import Browser
from deploy.demo.people import Json, wait_for
from tests import checker_effects, checker_money, checker_season
from tests.checker import LATER, Checker, Law, Violation
from tests.flow_books import Books
from tests.walk_counter import Counter
from tests.walk_county import Place
from tests.walk_ground import Ground
from tests.walk_holds import Holds
from tests.walk_locks import FORMS
from tests.walk_model import Model
from tests.walk_platform import OF_ANSWERS, OF_EVENTS
from tests.walk_season import LOCKED, SeasonSteps
from tests.walk_steps import WHERE, step

GIVEN = ("nothing yet", "a batch", "a flow", "a summary to pay")
WEATHER = {"fair": {}, "rough": dict.fromkeys(OF_EVENTS, 0.1) | dict.fromkeys(OF_ANSWERS, 0.04)}
# Hypothesis always begins with the simplest walk, a season without detours: each turn gives it another beginning.
ANY = st.integers(0, 3)
# After a step what goes by itself is let go on for so long; a walk doesn't depend on it.
LULL_SECONDS, REST_SECONDS = 0.6, 60.0
# All that was told once more has come, and is taken.
TOLD_SECONDS = 5.0
# A run whose worker was killed goes on within so long.
FREED_SECONDS = 20.0


@dataclass
class Failure:
    story: list[str]
    error: BaseException
    walk: int

    def __str__(self) -> str:
        lines = [f"{number:3}. {line}" for number, line in enumerate(self.story, 1)]
        return "\n".join([*lines, f"     {type(self.error).__name__}: {self.error}"])


@dataclass
class Walks:
    """What all walks of a run share, and what they came to."""

    ground: Ground
    turn: int = 0
    failures: list[Failure] = field(default_factory=list)
    walks: int = 0
    steps: int = 0
    told: Tally[str] = field(default_factory=Tally)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    is_spoiled: bool = False

    def clean_ground(self) -> Ground:
        """What a failed walk has left is nobody's ground."""
        if self.is_spoiled:
            self.ground.renew()
        self.is_spoiled = False
        return self.ground

    @property
    def shortest(self) -> Failure:
        return min(self.failures, key=lambda failure: len(failure.story))

    def report(self) -> str:
        codes = ", ".join(f"{code} {count}" for code, count in self.told.most_common())
        slowest = sorted(self.seconds.items(), key=lambda one: -one[1])
        times = ", ".join(f"{what} {spent:.1f} s" for what, spent in slowest)
        return f"{self.walks} walks, {self.steps} steps; {times}; {codes}"


class Walk(SeasonSteps):
    walks: Walks

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()
        self.ground = self.walks.clean_ground()
        self.model, self.books, self.holds = Model(), Books(), Holds()
        self.browsers: dict[int, Browser] = {}
        self.by_hand: list[str] = []
        self.story: list[str] = []

    @initialize(first=ANY, second=ANY, weather=ANY)
    def two_counties(self, first: int, second: int, weather: int) -> None:
        turn = self.walks.turn
        given = tuple(GIVEN[(each + turn) % len(GIVEN)] for each in (first, second))
        self.take(Walk._found, {"given": given, "weather": tuple(WEATHER)[(weather + turn) % len(WEATHER)]})

    def _found(self, given: tuple[str, str], weather: str) -> None:
        self.places = self.ground.two_counties(*(what != "nothing yet" for what in given))
        self.counter = Counter(self.ground, self.places, self.story)
        self.checker = Checker(replace(self.ground.seen, counties=self._counties))
        self.story.append(
            " · ".join(f"{place.name} has {what}" for place, what in zip(self.places, given, strict=True))
        )
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._play, self.places, given))
        self.ground.platform("PUT", "/faults", {"rates": WEATHER[weather]})
        self.ground.platform("PUT", "/settings", {"holds_changes": True})
        self.story.append(f"the platform's weather is {weather}")

    def _counties(self) -> dict[str, Any]:
        return {place.code: place.county for place in self.places}

    def _play(self, place: Place, given: str) -> None:
        """Up to where the county stands; li operates, wang reviews."""
        if given in ("nothing yet", "a batch") or place.batch_no is None:
            return
        play = place.play()
        play.verify(place.batch_no)
        play.publicise_batch(place.batch_no)
        body = {"policy_nos": [place.laid.policy_no], "indicator_nos": [place.laid.indicator_no]}
        if given == "a flow":
            for line in self.lines(place)[-2:]:
                place.operator.post("/objections", {"application_no": line.number, "reason": "该地已流转"})
        flow_no = str(place.operator.post("/flows", {"batch_no": place.batch_no} | body)["flow_no"])
        memo = self.model.flow(flow_no)
        memo.started_by, memo.lines = "li", self.lines_of_flow(flow_no)
        if given == "a summary to pay":
            play.settle_lines(flow_no)
            play.pass_summary(flow_no, refused_first=False)
            memo.orders_by, memo.reviewed_by, memo.submitted_by = {"li"}, "wang", "li"

    # a further act that is no subject's: the last one once more

    @step(where=WHERE, other=st.booleans(), pick=st.integers(0, 3))
    def asks_again(self, where: int, other: bool, pick: int) -> None:
        """With the same key: the same answer; with another body it is refused."""
        done = [one for one in self.counter.done if one[0].place is self.places[where]][-4:]
        if not done:
            return
        hand, request, key, answer = done[pick % len(done)]
        if other:
            changed = replace(request, words=f"under the same key, otherwise: {request.words}", body={"other": 1})
            self.counter.act(hand, changed, "the key was another request's", key)
            return
        self.counter.tell(f"{hand} again, under the same key: {request.words}")
        self.counter.expect_same(lambda: request.send(hand.person, key), answer)

    # after each step

    def take(self, act: Callable[..., None], chosen: dict[str, Any]) -> None:
        begun = time.monotonic()
        try:
            act(self, **chosen)
            self.look()
        except Exception as error:
            self._fail(error)
            raise
        self.walks.steps += 1
        self.walks.seconds[act.__name__.lstrip("_")] += time.monotonic() - begun

    def look(self) -> None:
        """What holds at every moment."""
        still = self.lull()
        held = [*self.holds.watch(self.ground.rows, self.counter.codes, still)]
        assert not held, held
        assert not (still and (left := self._not_freed())), f"held, and nothing holds them: {left}"
        for place in self.places:
            impossible = [*self.model.watch({line.number: line.stage for line in self.lines(place)}, place.code)]
            assert not impossible, impossible
        assert not (found := list(self.books.found(self.ground.rows))), found
        done = [*checker_effects.twice(self.ground.rows), *checker_season.found(self.ground.rows, at_rest=False)]
        assert not done, done
        ledger = cache(partial(self.ground.platform, "GET"))
        overpaid = list(checker_money.overpaid(self.ground.rows, ledger, at_rest=False))
        assert not overpaid, overpaid
        self._check_paid(ledger("/ledger")["flows"])

    def _not_freed(self) -> list[str]:
        """Their run, which is told of it, frees them in a moment."""
        deadline = time.monotonic() + FREED_SECONDS
        seen = wait_for(
            "lines freed",
            lambda: {"held": [number for (number,) in self.ground.rows(checker_season.HELD_BY_NOTHING)]},
            lambda seen: not seen["held"] or time.monotonic() > deadline,
        )
        return list(seen["held"])

    def lull(self, seconds: float = LULL_SECONDS) -> bool:
        """Whether nothing moves any more."""
        deadline = time.monotonic() + seconds
        seen = wait_for(
            "a lull",
            lambda: {"still": self.counter.moves()[0]},
            lambda seen: seen["still"] or time.monotonic() > deadline,
        )
        return bool(seen["still"])

    def _check_paid(self, flows: Sequence[Json]) -> None:
        """The platform has paid nothing but what a second person has confirmed."""
        for flow in [flow for flow in flows if flow["county_code"] in self.counter.codes]:
            memo = self.model.flows.get(flow["client_reference"] or "")
            count, fen = (memo and memo.confirmed) or (0, 0)
            settled = flow["paid_count"] + flow["failed_count"]
            assert settled <= count, f"{flow['client_reference']}: {settled} results, {count} confirmed"
            assert flow["paid_fen"] <= fen, f"{flow['client_reference']}: {flow['paid_fen']} fen paid, {fen} confirmed"

    def _none(self, violations: list[Violation]) -> None:
        assert not violations, "; ".join(map(str, violations))

    # after each walk

    def teardown(self) -> None:
        """A walk that went through is let run to rest, and everything is asked."""
        broken_off = sys.exc_info()[1] is not None
        self.walks.is_spoiled |= broken_off
        try:
            if not broken_off and hasattr(self, "counter"):
                self._rest()
        except Exception as error:
            self._fail(error)
            raise
        finally:
            for browser in self.browsers.values():
                browser.close()
            self.walks.walks += 1
            if hasattr(self, "counter"):
                self.walks.told.update(self.counter.refused)
                self.walks.told["done"] += len(self.counter.done)

    def _tries_at_last(self) -> None:
        """What few walks come to by themselves: a stranger's acts, and another account beside an open change."""
        place, home = self.places
        self.meddle(place, home)
        signed_in_first = sorted(range(LOCKED + 1), key=lambda who: who not in self.browsers)
        # of those who have no request in the other county alone: one at a time is all that a person may have
        free = [who for who in signed_in_first if self.locks(place, who) or not self.locks(home, who)]
        if free:
            self.touch_locked(place, free[0], FORMS)

    def _rest(self) -> None:
        begun = time.monotonic()
        self._tries_at_last()
        # no time mends it, so it isn't waited for
        self._none(self.checker.violations(Law.OWN_ROWS))
        self.counter.tell("everything is switched off, and let run to rest")
        self.before_rest()
        # one of them, so that an open flow rests, too
        self.call_off(self.places[1])
        self._none(self.checker.settled(REST_SECONDS, later=()))
        before = self.counter.before_event()
        self.tells_all_again()
        # what is done twice is so for good: whoever makes a story of it short doesn't wait for more
        self.lull(TOLD_SECONDS)
        self.look()
        self._none(self.checker.settled(REST_SECONDS, later=[law for law in LATER if law is not Law.OWN_ROWS]))
        self.counter.check_event(before, "what was told again")
        self.look()
        self.walks.seconds["rest"] += time.monotonic() - begun

    def _fail(self, error: BaseException) -> None:
        self.walks.is_spoiled = True
        self.walks.failures.append(Failure([*self.story], error, self.walks.walks + 1))
        if self.walks.failures[-1] is self.walks.shortest:
            # whatever becomes of what follows
            print(f"\n{self.walks.shortest}\n", file=sys.__stderr__, flush=True)


def walk(ground: Ground, *, walks: int, steps: int, with_seed: int, turn: int = 0) -> Walks:
    """So many walks; what goes wrong is made short and told, with how to do it again."""
    going = Walks(ground, turn)
    machine = seed(with_seed)(type("TheWalk", (Walk,), {"walks": going}))
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=walks,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
                print_blob=False,
                verbosity=Verbosity.quiet,
            ),
        )
    except BaseException as error:
        if not going.failures or isinstance(error, KeyboardInterrupt):
            raise
        again = f"WALK_SEED={with_seed} WALK_TURN={turn} WALKS={walks} WALK_STEPS={steps} pytest tests/test_walk.py"
        told = f"seed {with_seed}, first in walk {going.failures[0].walk}; again: {again}"
        raise AssertionError(f"{told}\n{going.shortest}") from going.shortest.error
    return going

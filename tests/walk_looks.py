"""Steps of those who look: the public at a list, a county at what is foreseen of its batches (S1 2.6; CONSOLE)."""

import time
from collections.abc import Sequence
from datetime import date
from typing import Any, LiteralString, NamedTuple

import httpx
from hypothesis import strategies as st

from deploy.demo.people import Json
from models.words.calendar import china_today
from models.words.flow_words import PreFlightAct
from models.words.staff import Role
from tests.walk_applications import ApplicationSteps
from tests.walk_counter import Hand, Request
from tests.walk_county import YEAR, Place
from tests.walk_steps import HANDS, PICK, WHERE, Batch, step

PUBLIC = frozenset({"open", "verifying", "verified"})
# What is told of a county reaches the pages that are kept ready in a moment.
TOLD_SECONDS = 5.0
_SHOWN: LiteralString = """
    SELECT b.batch_no, b.stage, b.publicity_start, coalesce(s.shown, false),
      count(a.id), coalesce(sum(a.amount_fen), 0)::bigint
    FROM batch b LEFT JOIN public_list_switch s USING (county_code)
    LEFT JOIN application a ON a.batch_id = b.id AND a.stage = 'in_batch'
    WHERE b.county_code = %(code)s GROUP BY b.id, s.shown ORDER BY b.id"""


class Shown(NamedTuple):
    number: str
    stage: str
    since: date | None
    is_switched_on: bool
    lines: int
    fen: int

    @property
    def is_public(self) -> bool:
        begun = self.since is not None and self.since <= china_today()
        return self.is_switched_on and begun and self.stage in PUBLIC


class LookSteps(ApplicationSteps):
    @step(where=WHERE, which=HANDS, on=st.sampled_from((True, True, False)))
    def shows_public_lists(self, where: int, which: int, on: bool) -> None:
        """Switched on or off by whoever may; then anybody looks at every list of the county."""
        hand = self.hand(where, which, Role.COUNTY_ADMIN)
        body = {"shown": on, "contact": "县财政局，电话 023-12345678" if on else None}
        request = Request(f"switches the public lists {'on' if on else 'off'}", "/public-list-switch", body, "PUT")
        self.counter.act(hand, request, self.barred(hand, hand.place, Role.COUNTY_ADMIN))
        self.look_at_public_lists(hand.place)

    def look_at_public_lists(self, place: Place) -> None:
        self.counter.tell(f"somebody looks at the public lists of {place.name}")
        deadline = time.monotonic() + TOLD_SECONDS
        while wrong := [one for one in self._shown(place) if not self._is_as_shown(place, one)]:
            assert time.monotonic() < deadline, f"shown otherwise: {wrong}"

    def _shown(self, place: Place) -> Sequence[Shown]:
        return [Shown(*row) for row in self.rows(place, _SHOWN)]

    def _is_as_shown(self, place: Place, one: Shown) -> bool:
        answer = self._look(f"/public-lists/{one.number}")
        if answer.status_code == 404:
            return not one.is_public
        told: Json = answer.raise_for_status().json()
        for village in told["villages"]:
            self._is_masked(place, self._look(f"/public-lists/{one.number}/{_place_of(village)}"))
        return one.is_public and (told["count"], told["total_fen"]) == (one.lines, one.fen)

    def _is_masked(self, place: Place, answer: httpx.Response) -> None:
        named = {fact for one in place.beneficiaries for fact in (one.name, one.id_number, one.cards["old"][1])}
        assert not [fact for fact in named if fact in answer.text], "a public list names somebody in full"

    def _look(self, path: str) -> httpx.Response:
        """Of nobody who signed in."""
        return self.counter.ground.look(path)

    @step(where=WHERE, which=HANDS, pick=PICK, act=st.sampled_from(tuple(PreFlightAct)))
    def looks_ahead(self, where: int, which: int, pick: int, act: PreFlightAct) -> None:
        """预检: a look, of nobody else's batches; what it foresees are lines of the batch, and all of a kind go."""
        place, hand = self.places[where], self.hand(where, which, Role.OPERATOR, Role.REVIEWER)
        batch = self.pick(self.batches(place), lambda one: one.stage in PUBLIC, pick)
        batch = batch or Batch(f"{place.code}-P{YEAR}-9999", "nowhere", is_publicised=False)
        barred = self.barred(hand, place, Role.OPERATOR, Role.REVIEWER)
        barred = barred or ("it isn't there" if batch.stage == "nowhere" else None)
        path = f"/pre-flight?batch_no={batch.number}&act={act.value}"
        request = Request(f"looks ahead to the {act.value} of {batch.number} ({batch.stage})", path, method="GET")
        told: Any = self.counter.act(hand, request, barred)
        if told:
            most = len([one for one in self.lines(place) if one.batch_no == batch.number])
            counts = [told["count"], *(one["count"] for one in told["foreseen"])]
            assert max(counts) <= most, f"of {most} lines {counts} are foreseen"
            self._withdraw_one_kind(hand, batch, act, told["foreseen"], pick)

    def _withdraw_one_kind(self, hand: Hand, batch: Batch, act: PreFlightAct, foreseen: list[Json], pick: int) -> None:
        """Half of those who look at some: a batch isn't to be emptied by looking."""
        if foreseen and pick % 2 == 0:
            kind = foreseen[pick % len(foreseen)]["kind"]
            chosen = {"foreseen": {"act": act.value, "kind": kind, "batch_no": batch.number}}
            self.do_as_seen(hand, "withdraw", chosen, f"all of {batch.number} that are {kind} before {act.value}")


def _place_of(village: Json) -> str:
    return f"{village['town_code']}/{village['village_code']}"

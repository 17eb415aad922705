"""Steps with batches and lists: what is paid together, verified, publicised, and initialised before (DOMAIN 3)."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st

from models.words.calendar import china_today
from models.words.staff import Role
from tests.walk_counter import Hand, Request
from tests.walk_county import YEAR, Place
from tests.walk_model import can_be
from tests.walk_steps import HANDS, PICK, WHERE, Batch, Line, Steps, nowhere, step


class BatchSteps(Steps):
    def open_batch(self, hand: Hand) -> None:
        request = Request("opens a batch", "/batches", {"title": "批次", "fund_year": YEAR})
        self.counter.act(hand, request, self.barred(hand, hand.place, Role.OPERATOR))

    def join(self, hand: Hand, place: Place, batch: Batch, lines: Sequence[Line]) -> None:
        frozen = batch.stage in ("verified", "done")
        barred = self.barred(hand, place, Role.OPERATOR) or (f"the batch is {batch.stage}" if frozen else None)
        gone = [line for line in lines if line.stage in ("withdrawn", "closed")]
        barred = barred or (f"{gone[0].number} is {gone[0].stage}" if gone else None)
        numbers = [line.number for line in lines]
        words = f"puts {', '.join(f'{one.number} ({one.stage})' for one in lines)} into {batch.number}, {batch.stage}"
        body = {"selection": {"application_nos": numbers}}
        self.counter.act(hand, Request(words, f"/batches/{batch.number}/applications", body), barred)

    def leave(self, hand: Hand, place: Place, batch_no: str, line: Line) -> bool:
        body = {"selection": {"application_nos": [line.number]}}
        request = Request(f"takes {line.number} out of {batch_no}", f"/batches/{batch_no}/removals", body)
        barred = self.barred(hand, place, Role.OPERATOR) or (None if line.stage in _IN else f"it is {line.stage}")
        return self.counter.act(hand, request, barred) is not None

    def verify(self, hand: Hand, place: Place, batch: Batch) -> None:
        request = Request(
            f"sends {batch.number}, {batch.stage}, to verification", f"/batches/{batch.number}/verifications"
        )
        self.counter.act_twice(hand, request, self.barred(hand, place, Role.OPERATOR))

    def publicise(self, hand: Hand, place: Place, batch: Batch, days: int = 8) -> None:
        body = {
            "start_date": (china_today() - timedelta(days=days)).isoformat(),
            "address": "村务公开栏",
            "image_file_ids": [place.file("notice", hand.person)],
        }
        request = Request(
            f"publicises {batch.number} since {days} days", f"/batches/{batch.number}/publicity", body, "PUT"
        )
        self.counter.act(hand, request, self.barred(hand, place, Role.OPERATOR))

    @step(
        where=WHERE,
        which=HANDS,
        name=st.sampled_from(("join", "verify", "publicise", "leave", "open")),
        pick=PICK,
        line=PICK,
    )
    def acts_on_batches(self, where: int, which: int, name: str, pick: int, line: int) -> None:
        place, hand = self.places[where], self.hand(where, which, Role.OPERATOR)
        batch = self.pick(self.batches(place), lambda one: one.stage == "open", pick)
        batch = batch or Batch(f"{place.code}-P{YEAR}-9999", "nowhere", is_publicised=False)
        wanted = {"join": "pending_settlement", "leave": "in_batch"}.get(name, "")
        one = self.pick(self.lines(place), lambda each: each.stage == wanted, line) or nowhere(place)
        match name:
            case "open":
                self.open_batch(hand)
            case "join":
                self.join(hand, place, batch, [one])
            case "verify":
                self.verify(hand, place, batch)
            case "publicise":
                self.publicise(hand, place, batch, days=pick)
            case _:
                self.leave(hand, place, batch.number, one)

    def initialise(self, hand: Hand, place: Place, lines: Sequence[Line]) -> None:
        unfit = [line for line in lines if not can_be(line.stage, {"publicised", "unmatched"})]
        barred = self.barred(hand, place, Role.OPERATOR) or (f"it is {unfit[0].stage}" if unfit else None)
        body = {"selection": {"application_nos": [line.number for line in lines]}}
        words = f"asks for the initialisation of {', '.join(f'{one.number} ({one.stage})' for one in lines)}"
        # not twice at once: whoever isn't matched may be asked for again as soon as the platform has said so
        self.counter.act(hand, Request(words, "/beneficiary-lists", body), barred)

    @step(where=WHERE, which=HANDS, pick=PICK)
    def initialises(self, where: int, which: int, pick: int) -> None:
        place = self.places[where]
        line = self.pick(self.lines(place), lambda one: one.stage == "publicised", pick) or nowhere(place)
        self.initialise(self.hand(where, which, Role.OPERATOR), place, [line])


# In a batch, or planned for one.
_IN = (
    "in_batch",
    "draft",
    "in_review",
    "publicised",
    "unmatched",
    "matched",
    "pending_settlement",
    "withdrawn",
    "failed",
)

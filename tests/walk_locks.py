"""Steps around what is locked: an account while it is being changed (S2 1.3), an application while a flow has it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from deploy.demo.people import Json
from models.store.vault import Field
from models.words.staff import Role
from tests.walk_applications import ApplicationSteps
from tests.walk_batches import BatchSteps
from tests.walk_cards import CITIZENS, CardSteps
from tests.walk_counter import Hand, Request
from tests.walk_county import FATES, STAFF, YEAR, Place
from tests.walk_objections import ObjectionSteps
from tests.walk_steps import PICK, WHERE, Line, step

# One of them is neither the line's account nor the register's.
OTHER_CARDS = ("closed", "new", "old")
# By a form of the own or of a new application.
FORMS = ("edit", "entry")
# What nobody does to an application that is in a flow, and whose it is before and after.
IN_VAIN = {
    **dict.fromkeys(("edit", "leave", "object", "withdraw", "submit", "publicise"), Role.OPERATOR),
    **dict.fromkeys(("return", "approve"), Role.REVIEWER),
}


class _Draft(NamedTuple):
    number: str
    version: int
    account_index: str


class LockSteps(ApplicationSteps, CardSteps, BatchSteps, ObjectionSteps):
    @step(where=WHERE, who=CITIZENS, by=st.sampled_from((FORMS, ("import",), ("village entry",))))
    def touches_what_is_locked(self, where: int, who: int, by: Sequence[str]) -> None:
        self.touch_locked(self.places[where], who, by)

    def touch_locked(self, place: Place, who: int, by: Sequence[str]) -> None:
        """Another account for somebody with an open request; one is asked for where there is none."""
        hand = Hand(place, "zhao", Role.OPERATOR)
        if "edit" in by and self._draft(place, who) is None:
            self.enter(hand, place, who)
        if "village entry" in by:
            self._make_unusable(place, who)
        self.lock_account(place, who)
        for act in by:
            self._touch_account(hand, place, who, act)

    def _touch_account(self, hand: Hand, place: Place, who: int, act: str) -> None:
        before = self.locks(place, who)
        answer = self._with_another_account(hand, place, who, act)
        # an invalidation may have ended it meanwhile
        still = before & self.locks(place, who)
        assert not answer or not still, f"an account is another one by {act}, although {min(still)} is open"

    def lock_account(self, place: Place, who: int) -> None:
        if not self.locks(place, who):
            [(now,)] = self._registered(place, who) or [("",)]
            kind = next(kind for kind in ("new", "old") if self._card(place, who, kind) != now)
            self.ask_for_card(who, [place], kind)

    def _make_unusable(self, place: Place, who: int) -> None:
        """Nobody's account is entered who has one that is good."""
        held = self._registered(place, who)
        for kind in place.beneficiaries[who].cards:
            if (self._card(place, who, kind),) in held:
                self.invalidate(place, who, kind, "account_frozen")
                self.lull()

    def _registered(self, place: Place, who: int) -> list[tuple[Any, ...]]:
        """The account that is good, if there is one."""
        return self.counter.ground.rows(
            "SELECT account_index FROM register_account WHERE county_code = %(code)s AND person_index = %(person)s"
            " AND status = 'valid'",
            self._person(place, who),
        )

    def _with_another_account(self, hand: Hand, place: Place, who: int, act: str) -> Json | None:
        draft = self._draft(place, who)
        if act == "village entry":
            return self.enter_account(hand, place, who, "new")
        known = {index for (index,) in self._registered(place, who)} | ({draft.account_index} if draft else set())
        kind = next(kind for kind in OTHER_CARDS if self._card(place, who, kind) not in known)
        if act == "import":
            is_in = self.hand_in_rows(hand, place, who, kind, ("12.30",)) == "imported"
            return {"imported": who} if is_in else None
        bank, account = place.beneficiaries[who].cards[kind]
        form = place.form(who, bank_code=bank, account_no=account)
        if act == "entry":
            body: Json = {"fund_year": YEAR, "form": form}
            request = Request(f"enters an application of person {who} with the {kind} account", "/applications", body)
        elif draft is not None:
            body = {"version": draft.version, "form": form}
            words = f"edits {draft.number}: the account is the {kind} one of person {who}"
            request = Request(words, f"/applications/{draft.number}", body, "PUT")
        else:
            return None
        answer = self.counter.act(hand, request)
        if answer:
            self.model.made([str(answer["application_no"])], hand.subject)
        return answer

    @step(where=WHERE, pick=PICK)
    def touches_what_is_in_flow(self, where: int, pick: int) -> None:
        """Orders are the way, once its flow has started; where there is none in a flow the county goes on."""
        place = self.places[where]
        line = self.pick([one for one in self.lines(place) if one.stage == "in_flow"], lambda one: True, pick)
        if line is None:
            self.goes_on(place)
            return
        for act, role in IN_VAIN.items():
            self._touch_in_vain(Hand(place, STAFF[pick % len(STAFF)], role), line.number, act, pick % len(FATES))

    def _touch_in_vain(self, hand: Hand, number: str, act: str, who: int) -> None:
        still, came = self.counter.moves()
        line = next(one for one in self.lines(hand.place) if one.number == number)
        done = line.stage == "in_flow" and self._touch(hand, line, act, who)
        # it may have left its flow meanwhile
        since = still and self.counter.moves()[1] == came
        assert not (done and since), f"done, although {number} is in a flow"

    def _touch(self, hand: Hand, line: Line, act: str, who: int) -> bool:
        match act:
            case "edit":
                return self.edit(hand, hand.place, line, who)
            case "leave":
                return self.leave(hand, hand.place, line.batch_no or "", line)
            case "object":
                return self.object_to(hand, hand.place, line)
            case _:
                return self.do(hand, hand.place, act, [line])

    def _card(self, place: Place, who: int, kind: str) -> str:
        return self.counter.ground.vault.index(Field.ACCOUNT, place.beneficiaries[who].cards[kind][1])

    def _person(self, place: Place, who: int) -> dict[str, object]:
        index = self.counter.ground.vault.index(Field.ID_NUMBER, place.beneficiaries[who].id_number)
        return {"code": place.code, "person": index}

    def locks(self, place: Place, who: int) -> set[str]:
        """The requests that keep the account as it is."""
        found = self.counter.ground.rows(
            "SELECT request_no FROM account_lock WHERE county_code = %(code)s AND person_index = %(person)s"
            " AND ended_at IS NULL",
            self._person(place, who),
        )
        return {str(row[0]) for row in found}

    def _draft(self, place: Place, who: int) -> _Draft | None:
        found = self.counter.ground.rows(
            "SELECT application_no, version, account_index FROM application WHERE county_code = %(code)s"
            " AND person_index = %(person)s AND stage = 'draft' ORDER BY id DESC LIMIT 1",
            self._person(place, who),
        )
        return _Draft(*found[0]) if found else None

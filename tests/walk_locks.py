"""Steps around a locked account: while somebody's card is being changed, bank and account stay as they are (S2 1.3)."""

from typing import NamedTuple

from hypothesis import strategies as st

from deploy.demo.people import Json
from models.store.vault import Field
from models.words.stages import Role
from tests.walk_applications import ApplicationSteps
from tests.walk_cards import CITIZENS, CardSteps
from tests.walk_counter import Hand, Request
from tests.walk_county import YEAR, Place
from tests.walk_steps import WHERE, step

# Whoever of them has another account than the line.
OTHER_CARDS = ("closed", "new")


class _Draft(NamedTuple):
    number: str
    version: int
    account_index: str


class LockSteps(ApplicationSteps, CardSteps):
    @step(where=WHERE, who=CITIZENS, act=st.sampled_from(("edit", "entry", "village entry")))
    def touches_what_is_locked(self, where: int, who: int, act: str) -> None:
        """Another account for somebody with an open request; one is asked for where there is none."""
        place = self.places[where]
        hand = Hand(place, "zhao", Role.OPERATOR)
        if not self._locks(place, who):
            self.ask_for_card(who, [place])
        if act == "edit" and self._draft(place, who) is None:
            self.enter(hand, place, who)
        before = self._locks(place, who)
        answer = self._with_another_account(hand, place, who, act)
        # an invalidation may have ended it meanwhile
        still = before & self._locks(place, who)
        assert not answer or not still, f"an account is another one by {act}, although {min(still)} is open"

    def _with_another_account(self, hand: Hand, place: Place, who: int, act: str) -> Json | None:
        draft = self._draft(place, who)
        if act == "village entry":
            return self.enter_account(hand, place, who, "new")
        kind = next(
            kind for kind in OTHER_CARDS if draft is None or self._card(place, who, kind) != draft.account_index
        )
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

    def _card(self, place: Place, who: int, kind: str) -> str:
        return self.counter.ground.vault.index(Field.ACCOUNT, place.beneficiaries[who].cards[kind][1])

    def _person(self, place: Place, who: int) -> dict[str, object]:
        index = self.counter.ground.vault.index(Field.ID_NUMBER, place.beneficiaries[who].id_number)
        return {"code": place.code, "person": index}

    def _locks(self, place: Place, who: int) -> set[str]:
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

"""Steps of citizens, and of the desk that decides about their cards (DOMAIN 4)."""

from collections.abc import Sequence

from hypothesis import strategies as st

from deploy.demo.citizens import Browser
from deploy.demo.people import Json, Refused
from models.words.staff import Role
from tests.walk_counter import Hand, Request
from tests.walk_county import FATES, YEAR, Beneficiary, Place
from tests.walk_steps import HANDS, PICK, WHERE, Part, Steps, step

REVIEWER, OPERATOR = Role.REVIEWER, Role.OPERATOR
# Those whom both registers know.
CITIZENS = st.integers(0, 3)
# Whom no register knows, and no file of a first load.
NOBODYS = len(FATES) - 1
ENDED = frozenset({"applied", "refused", "withdrawn"})


class CardSteps(Steps):
    browsers: dict[int, Browser]

    def browser(self, who: int) -> Browser:
        """Signed in by the face, once a walk."""
        if who not in self.browsers:
            browser, somebody = Browser(str(self.counter.ground.http.base_url), 60), self.places[0].beneficiaries[who]
            self.browsers[who] = browser
            browser.sign_in(somebody.name, somebody.id_number)
            self.counter.tell(f"person {who} signs in by the face")
        return self.browsers[who]

    def as_citizen(self, who: int, words: str, path: str, body: Json | None, barred: str | None = None) -> Json | None:
        browser = self.browser(who)
        try:
            answer = browser.post(path, body, self.counter.key())
        except Refused as refused:
            self.counter.tell(f"person {who} {words} → {refused.status} {refused.problem.get('code')}")
            self.counter.check_codes([refused])
            return None
        failure = answer.get("failure_code")
        self.counter.tell(f"person {who} {words}" + (f" → {failure}" if failure else ""))
        assert barred is None, f"done, although {barred}"
        return answer

    @step(
        who=CITIZENS,
        where=st.sampled_from(((0,), (1,), (0, 1))),
        kind=st.sampled_from(("new", "new", "closed", "somebody else's", "not authorised")),
    )
    def asks_for_card(self, who: int, where: Sequence[int], kind: str) -> None:
        self.ask_for_card(who, [self.places[each] for each in where], kind)

    def ask_for_card(self, who: int, places: Sequence[Place], kind: str = "new") -> None:
        somebody: Beneficiary = places[0].beneficiaries[(who + 1) % 4 if kind == "somebody else's" else who]
        bank, account = somebody.cards[kind if kind in somebody.cards else "new"]
        body = {
            "counties": [place.code for place in places],
            "card_type": "bank_card",
            "account_no": account,
            "bank_code": bank,
            "reason": "停用旧卡",
            "authorised": kind != "not authorised",
        }
        barred = "it isn't authorised" if kind == "not authorised" else self._open_request(who)
        told = f"asks for a card that is {kind}, in {' and '.join(place.name for place in places)}"
        self.as_citizen(who, told, "/citizen/card-changes", body, barred)

    def _open_request(self, who: int) -> str | None:
        """Whether one is open that no result, invalidation or person at the platform ends meanwhile."""
        matters = self.browser(who).get("/citizen/matters", state="open")["items"]
        waits = [one["request_no"] for one in matters if "in_review" in {each["stage"] for each in one["counties"]}]
        return f"{waits[0]} is open" if waits else None

    def invalidate(self, place: Place, who: int, kind: str, reason: str) -> None:
        """The platform's own finding about an account of somebody's."""
        somebody = place.beneficiaries[who]
        bank, account = somebody.cards[kind]
        wish = {"county_code": place.code, "id_number": somebody.id_number, "bank_code": bank}
        wish |= {"account_no": account, "reason_code": reason}
        self.counter.ground.platform("POST", "/invalidate", wish)
        self.counter.tell(f"the platform finds the {kind} account of person {who} in {place.name}: {reason}")

    @step(who=CITIZENS, whose=CITIZENS)
    def takes_back(self, who: int, whose: int) -> None:
        """The own request, or another person's, which isn't there."""
        matters = self.browser(whose).get("/citizen/matters")["items"]
        number = matters[0]["request_no"] if matters else f"{self.places[0].code}-K{YEAR}-9999"
        barred = "it is another person's" if who != whose else None if matters else "there is none"
        self.as_citizen(
            who, f"takes back {number} of person {whose}", f"/citizen/matters/{number}/withdrawal", None, barred
        )

    @step(where=WHERE, which=HANDS, pick=PICK, act=st.sampled_from(("pass", "pass", "refuse", "say no word", "retry")))
    def decides_card(self, where: int, which: int, pick: int, act: str) -> None:
        """One is asked for where there is none."""
        place, hand = self.places[where], self.hand(where, which, REVIEWER)
        wanted = "failed" if act == "retry" else "in_review"
        if not any(one.stage == wanted for one in self.parts(place)):
            self.ask_for_card(pick % 4, [place], "new")
            self.lull()
        part = self.pick(self.parts(place), lambda one: one.stage == wanted, pick)
        self.decide_part(hand, place, part or Part(f"{place.code}-K{YEAR}-9999.{place.code}", "nowhere"), act)

    def decide_part(self, hand: Hand, place: Place, part: Part, act: str) -> None:
        barred = self.barred(hand, place, REVIEWER) or (
            "it was refused without a word" if act == "say no word" else None
        )
        barred = barred or (f"it is {part.stage}" if part.stage in ENDED else None)
        body: Json = {"passed": act == "pass"} | ({"remark": "已核对"} if act in ("pass", "refuse") else {})
        words = f"{act}, about {part.number} ({part.stage})"
        path = f"/card-changes/{part.number}/{'retry' if act == 'retry' else 'decision'}"
        if act == "retry":
            # what has failed again meanwhile may be tried again
            self.counter.act(hand, Request(words, path), barred)
        else:
            self.counter.act_twice(hand, Request(words, path, body), barred)

    @step(where=WHERE, which=HANDS, who=st.integers(0, NOBODYS), kind=st.sampled_from(("new", "closed")))
    def enters_account(self, where: int, which: int, who: int, kind: str) -> None:
        """Whoever enters one enters it in the own county: its address names none."""
        hand = self.hand(where, which, OPERATOR)
        self.enter_account(hand, hand.place, who, kind)

    def enter_account(self, hand: Hand, place: Place, who: int, kind: str) -> Json | None:
        """村社申报, for a person without a usable account."""
        somebody = place.beneficiaries[who]
        bank, account = somebody.cards[kind]
        body = {
            "name": somebody.name,
            "id_number": somebody.id_number,
            "card_type": "bank_card",
            "bank_code": bank,
            "account_no": account,
            "photo_file_id": place.file("bank_card", hand.person),
        }
        barred = self.barred(hand, place, OPERATOR)
        answer = self.counter.act(
            hand, Request(f"enters a {kind} account of person {who}", "/village-entries", body), barred
        )
        if answer:
            self.model.entered_by[str(answer["entry_no"])] = hand.subject
        return answer

    def entries(self, place: Place) -> list[tuple[str, str]]:
        """Number and stage, the newest first."""
        found = self.rows(
            place, "SELECT entry_no, stage FROM village_entry WHERE county_code = %(code)s ORDER BY id DESC"
        )
        return [(str(number), str(stage)) for number, stage in found]

    @step(where=WHERE, which=HANDS, pick=PICK, confirmed=st.booleans())
    def decides_entry(self, where: int, which: int, pick: int, confirmed: bool) -> None:
        """One is entered where there is none."""
        place, hand = self.places[where], self.hand(where, which, REVIEWER)
        if not any(stage == "entered" for _, stage in self.entries(place)):
            self.enter_account(Hand(place, "li", OPERATOR), place, NOBODYS, "new")
            self.lull()
        found = self.entries(place)
        number, stage = self.pick(found, lambda one: one[1] == "entered", pick) or (f"{place.code}-N{YEAR}-9999", "")
        barred = self.barred(hand, place, REVIEWER)
        if self.model.entered_by.get(number) == hand.subject:
            barred = barred or "the same person entered it"
        path, body = ("confirmation", {}) if confirmed else ("refusal", {"remark": "再核实"})
        words = f"{'confirms' if confirmed else 'refuses'} the account entered as {number} ({stage})"
        self.counter.act_twice(hand, Request(words, f"/village-entries/{number}/{path}", body), barred)

"""Steps with 初始导入: accounts that exist already, over bank and reviewer into the register (DOMAIN 4)."""

from typing import Any, LiteralString, NamedTuple

from hypothesis import strategies as st

from models.words.calendar import china_today
from models.words.staff import Role
from tests.register_files import accounts_file
from tests.walk_counter import Hand, Request
from tests.walk_county import BANKS, YEAR, Place
from tests.walk_steps import HANDS, PICK, WHERE, Steps, step

OPERATOR, REVIEWER = Role.OPERATOR, Role.REVIEWER
# By itself it goes on from these, unless the bank has a bad day for long.
ON_ITS_WAY = frozenset({"checking", "asking", "taking"})
DECISIONS = ("confirmation", "refusal", "withdrawal")
PATIENCE_SECONDS = 30.0
_ALL: LiteralString = (
    "SELECT load_no, stage, entered_by, decided_by FROM register_load WHERE county_code = %(code)s ORDER BY id DESC"
)


class Load(NamedTuple):
    number: str
    stage: str
    entered_by: str
    decided_by: str | None

    @property
    def makers(self) -> set[str]:
        return {self.entered_by} | ({self.decided_by} if self.decided_by else set())


class LoadSteps(Steps):
    def loads(self, place: Place) -> list[Load]:
        """The newest first."""
        return [Load(*row) for row in self.rows(place, _ALL)]

    def hand_in_load(self, hand: Hand, kind: str) -> None:
        """All people of the county but the last, each with that account; what stops it is meant."""
        rows: list[list[str | None]] = []
        for one in hand.place.beneficiaries[:-1]:
            bank, account = one.cards[kind]
            rows.append([one.name, one.id_number, BANKS[bank], account, "银行卡"])
        request = Request(
            f"hands in a file of everybody's {kind} accounts",
            "/register-loads",
            files={"file": ("accounts.xlsx", accounts_file(rows), "application/octet-stream")},
            data={"as_of": china_today().isoformat()},
        )
        answer = self.counter.act(hand, request, self.barred(hand, hand.place, OPERATOR))
        if answer:
            self._goes_on(hand, str(answer["load_no"]))

    def _goes_on(self, hand: Hand, load_no: str) -> None:
        path = f"/register-loads/{load_no}"
        if self._waited(hand, path) == "to_confirm":
            self.counter.act(hand, Request(f"says that {load_no} is meant", f"{path}/continuation", {"reason": "属实"}))
            self._waited(hand, path)

    def _waited(self, hand: Hand, path: str) -> str:
        try:
            seen = hand.person.wait("load", path, lambda seen: seen["stage"] not in ON_ITS_WAY, PATIENCE_SECONDS)
        except TimeoutError:
            return "on its way"
        return str(seen["stage"])

    def decide_load(self, hand: Hand, place: Place, load: Load, act: str) -> None:
        body: Any = {"confirmation": {}, "refusal": {"remark": "再核实"}, "withdrawal": {"reason": "数据有误"}}[act]
        role = OPERATOR if act == "withdrawal" else REVIEWER
        barred = self.barred(hand, place, role)
        stages = {"entered", "asking", "to_confirm"} if act == "withdrawal" else {"entered", "asking"}
        barred = barred or (f"it is {load.stage}" if load.stage not in stages else None)
        if role is REVIEWER and hand.subject in load.makers:
            barred = barred or "the same person handed it in"
        words = f"{act} of {load.number} ({load.stage})"
        if self.counter.act_twice(hand, Request(words, f"/register-loads/{load.number}/{act}", body), barred):
            self._waited(Hand(place, hand.subject, role), f"/register-loads/{load.number}")

    @step(where=WHERE, which=HANDS, kind=st.sampled_from(("new", "old", "closed")))
    def loads_register(self, where: int, which: int, kind: str) -> None:
        self.hand_in_load(self.hand(where, which, OPERATOR), kind)

    @step(
        where=WHERE,
        which=HANDS,
        pick=PICK,
        act=st.sampled_from(("confirmation", "confirmation", "refusal", "withdrawal")),
    )
    def decides_load(self, where: int, which: int, pick: int, act: str) -> None:
        """One is handed in where there is none."""
        place = self.places[where]
        if not any(one.stage == "entered" for one in self.loads(place)):
            self.hand_in_load(Hand(place, "li", OPERATOR), "new")
        load = self.pick(self.loads(place), lambda one: one.stage == "entered", pick)
        load = load or Load(f"{place.code}-G{YEAR}-9999", "nowhere", "", None)
        self.decide_load(self.hand(where, which, OPERATOR if act == "withdrawal" else REVIEWER), place, load, act)

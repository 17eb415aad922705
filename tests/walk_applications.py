"""Steps with applications: entry, edit, import, review and what else is done with chosen lines (DOMAIN 3)."""

from collections.abc import Callable, Sequence
from typing import LiteralString

from hypothesis import strategies as st

from deploy.demo.drawings import drawing
from deploy.demo.people import Json
from models.words.staff import Role
from tests.walk_counter import Hand, Request
from tests.walk_county import BANKS, FATES, YEAR, Place
from tests.walk_model import EDITED_BY, LINE_ACTS, can_be
from tests.walk_steps import HANDS, PICK, WHERE, Line, Steps, nowhere, step

PEOPLE = st.integers(0, len(FATES) - 1)
FAULTS = {
    "no amount": {"amount_fen": 0},
    "a wrong digit in the card": {"account_no": "6228480000000000001"},
    "a wrong digit in the id": {"id_number": "510223197001010010"},
    "another county's village": {"village_code": "510101100001"},
}
LOCKED: LiteralString = "SELECT 1 FROM account_lock WHERE county_code = %(code)s AND ended_at IS NULL LIMIT 1"
HEADS = "姓名,身份证号,手机号,乡镇,村,组,一卡通开户行,一卡通账号,户口性质,家庭成员数,补贴项目,补贴金额（元）"


class ApplicationSteps(Steps):
    # a form is filled in

    def enter(self, hand: Hand, place: Place, who: int, fault: str = "", batch_no: str | None = None) -> Json | None:
        changes = FAULTS.get(fault, {})
        body = {"fund_year": YEAR, "batch_no": batch_no, "form": place.form(who) | changes}
        barred = self.barred(hand, hand.place, Role.OPERATOR, Role.APPLICANT)
        barred = barred or ("it is another county's" if hand.place is not place else None)
        words = f"enters an application of person {who}" + (f" with {fault}" if fault else "")
        answer = self.counter.act(hand, Request(words, "/applications", body), barred or fault or None)
        if answer:
            number = str(answer["application_no"])
            self.model.made([number], hand.subject)
            self.photograph(hand, number)
        return answer

    def photograph(self, hand: Hand, number: str) -> None:
        if self.counter.act(hand, picture(number)):
            self.model.made([number], hand.subject)

    @step(where=WHERE, which=HANDS, who=PEOPLE, fault=st.sampled_from(("", "", "", *FAULTS)))
    def enters(self, where: int, which: int, who: int, fault: str) -> None:
        self.enter(self.hand(where, which, Role.OPERATOR, Role.APPLICANT), self.places[where], who, fault)

    @step(where=WHERE, which=HANDS, pick=PICK, stale=st.booleans(), who=PEOPLE)
    def edits(self, where: int, which: int, pick: int, stale: bool, who: int) -> None:
        """The phone of it, or with a version that isn't the newest one."""
        place, hand = self.places[where], self.hand(where, which, Role.OPERATOR, Role.APPLICANT)
        line = self.pick(self.lines(place), lambda one: one.stage == "draft", pick) or nowhere(place)
        self.edit(hand, place, line, who, stale=stale)

    def edit(self, hand: Hand, place: Place, line: Line, who: int, *, stale: bool = False) -> bool:
        form = hand.place.form(who, phone="13900005678")
        body = {"version": line.version - stale or 99, "form": form}
        barred = self.barred(hand, place, Role.OPERATOR, Role.APPLICANT) or ("what was seen is old" if stale else None)
        barred = barred or self._not_own(hand, [line])
        barred = barred or (None if can_be(line.stage, EDITED_BY[hand.role]) else f"it is {line.stage}")
        words = f"edits {line.number}, {line.stage}, as of version {body['version']}"
        answer = self.counter.act(hand, Request(words, f"/applications/{line.number}", body, "PUT"), barred)
        if answer:
            self.model.made([line.number], hand.subject)
        return answer is not None

    @step(where=WHERE, which=HANDS, faulty=st.booleans(), who=PEOPLE)
    def imports(self, where: int, which: int, faulty: bool, who: int) -> None:
        """Two rows; nothing of a file with a fault comes in."""
        place, hand = self.places[where], self.hand(where, which, Role.OPERATOR)
        ended = self.hand_in_rows(hand, place, who, "old", ("123.45", "无" if faulty else "67.80"))
        # of whom it is being changed to another one, no file brings an account in
        assert faulty or ended != "refused" or self.rows(place, LOCKED), "a file without a fault is refused"

    def hand_in_rows(self, hand: Hand, place: Place, who: int, kind: str, amounts: Sequence[str]) -> str | None:
        """So many applications of one person; how the import ended, unless it was refused at the counter."""
        one, (bank, account) = place.beneficiaries[who], place.beneficiaries[who].cards[kind]
        fields = [one.name, one.id_number, "13800001234", "城关镇", "东街村", "6组", BANKS[bank], account]
        rows = [",".join([*fields, "农业", "4", "耕地地力保护补贴", amount]) for amount in amounts]
        content = "\n".join([HEADS, *rows]).encode("gb18030")
        words = f"hands in a file of {len(rows)} rows with the {kind} account of person {who}"
        faulty = "无" in amounts
        request = Request(
            words + (", one of them wrong" if faulty else ""),
            "/application-imports",
            files=_file("rows.csv", content),
            data={"fund_year": str(YEAR), "applicant_kind": "personal"},
        )
        answer = self.counter.act(hand, request, self.barred(hand, hand.place, Role.OPERATOR))
        return self._import_goes_on(hand, str(answer["import_no"]), 0 if faulty else len(rows)) if answer else None

    def _import_goes_on(self, hand: Hand, import_no: str, most: int) -> str:
        path = f"/application-imports/{import_no}"
        seen = hand.person.wait("import", path, lambda seen: bool(seen["stage"] != "checking"), 30)
        if seen["stage"] == "to_confirm":
            assert most, "a file with a fault asks to be confirmed"
            self.counter.act(
                hand, Request(f"says that {import_no} is meant", f"{path}/confirmation", {"reason": "属实"})
            )
            seen = hand.person.wait("import", path, lambda seen: seen["stage"] in ("imported", "refused"), 30)
        rows = hand.person.pages("/applications", import_no=import_no)
        self.model.made([row["application_no"] for row in rows], hand.subject)
        stage = str(seen["stage"])
        assert len(rows) == (most if stage == "imported" else 0), f"{len(rows)} rows of {import_no}, {stage}"
        assert most or stage == "refused", "a file with a fault has come in"
        return stage

    # acts on lines

    def do(self, hand: Hand, place: Place, name: str, lines: Sequence[Line]) -> bool:
        act, numbers = LINE_ACTS[name], [line.number for line in lines]
        body = {"selection": {"application_nos": numbers}} | ({"reason": "情况有变"} if act.with_reason else {})
        barred = self.barred(hand, place, *act.roles) or self._unfit(name, lines) or self._not_own(hand, lines)
        if name == "approve" and hand.subject in self.model.makers_of(numbers):
            barred = barred or "the same person made it"
        words = f"{name}: {', '.join(f'{line.number} ({line.stage})' for line in lines)}"
        return self.counter.act(hand, Request(words, act.path, body), barred) is not None

    def _unfit(self, name: str, lines: Sequence[Line]) -> str | None:
        stages = LINE_ACTS[name].stages
        unfit = [line for line in lines if not can_be(line.stage, stages)]
        if name == "publicise":
            unfit += [line for line in lines if line.stage == "in_review" and not line.is_approved]
        return f"{unfit[0].number} is {unfit[0].stage}" if unfit else None

    def _not_own(self, hand: Hand, lines: Sequence[Line]) -> str | None:
        others = hand.role is Role.APPLICANT and any(line.entered_by != hand.subject for line in lines)
        return "it is somebody else's" if others else None

    @step(where=WHERE, which=HANDS, name=st.sampled_from(tuple(LINE_ACTS)), pick=PICK, second=PICK)
    def acts_on_lines(self, where: int, which: int, name: str, pick: int, second: int) -> None:
        place, act = self.places[where], LINE_ACTS[name]
        found = self.lines(place)
        chosen = [self.pick(found, lambda one: one.stage in act.stages, each) for each in (pick, second)]
        lines = list(dict.fromkeys(one for one in chosen if one)) or [nowhere(place)]
        self.do(self.hand(where, which, *act.roles), place, name, lines)

    @step(
        where=WHERE,
        which=HANDS,
        name=st.sampled_from(("submit", "withdraw", "material", "publicise")),
        pick=PICK,
        change=st.sampled_from(("nothing", "a withdrawal", "an entry")),
    )
    def acts_as_seen(self, where: int, which: int, name: str, pick: int, change: str) -> None:
        """All that a filter finds, as a preview showed it; meanwhile somebody else does something."""
        act = LINE_ACTS[name]
        hand, stage = self.hand(where, which, *act.roles), sorted(act.stages)[pick % len(act.stages)]

        def meanwhile() -> None:
            if change == "an entry":
                self.enter(Hand(hand.place, "zhao", Role.OPERATOR), hand.place, pick % len(FATES))
            elif change == "a withdrawal":
                open_lines = [one for one in self.lines(hand.place) if one.stage in LINE_ACTS["withdraw"].stages]
                if open_lines:
                    self.do(Hand(hand.place, "zhao", Role.OPERATOR), hand.place, "withdraw", open_lines[:1])

        self.do_as_seen(hand, name, {"filter": {"stage": stage}}, f"all that are {stage}", meanwhile)

    def do_as_seen(
        self, hand: Hand, name: str, selection: Json, which: str, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """What a preview has shown is done, or nothing is."""
        act = LINE_ACTS[name]
        body = {"selection": selection} | ({"reason": "情况有变"} if act.with_reason else {})
        preview = Request(f"previews {name} of {which}", act.path, body | {"preview": True})
        shown = self.counter.act(hand, preview, self.barred(hand, hand.place, *act.roles))
        if shown is None:
            return
        meanwhile()
        request = Request(f"does {name} as it was shown", act.path, body | {"seen": shown["seen"]})
        answer = self.counter.act(hand, request)
        same = answer is None or (answer["count"], answer["total_fen"]) == (shown["count"], shown["total_fen"])
        assert same, f"shown were {shown['count']} lines, done {answer}"


def picture(number: str) -> Request:
    path, file = f"/applications/{number}/photos/bank_card", _file("c.jpg", drawing("bank_card", number))
    return Request(f"adds the card's picture to {number}", path, method="PUT", files=file)


def _file(name: str, content: bytes) -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, content, "application/octet-stream")}

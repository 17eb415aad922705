"""A county at work in a test: a handful of lines brought to any point of a subsidy, the books checked throughout."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from stdnum.cn import uscc

from deploy.demo.drawings import form_pdf, photo_archive
from deploy.demo.people import Json, Refused, figure
from deploy.demo.play import Ground, Play
from deploy.demo.report import Report
from models.store.flows.rounds import SENDABLE
from tests.application_lines import card, citizen_id
from tests.province import Province

YEAR = 2026
NAME = "周建国"
COOPERATIVE = "城关镇农机合作社"
TOTAL_FEN = 10_000_000
# What a settling flow does without anybody: lines that go out by themselves, orders that were confirmed.
MOVING = f"""
SELECT 1 FROM flow f WHERE f.flow_no = :flow_no AND (
  EXISTS (SELECT 1 FROM flow_line l WHERE l.flow_id = f.id AND {SENDABLE})
  OR EXISTS (SELECT 1 FROM dataset d WHERE d.flow_id = f.id AND d.stage NOT IN ('reviewed', 'refused'))
  OR EXISTS (SELECT 1 FROM operator_order o WHERE o.flow_id = f.id AND o.state = 'confirmed' AND o.kind <> 'evidence'))
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One application, and what the platform knows of its person; lines of one `place` are one person's."""

    place: int
    amount_fen: int = 10_000
    verification: str = "passed"
    payment: str = "paid"
    known_as: str | None = None
    known: bool = True
    has_account: bool = True
    organization: bool = False
    town: str = "100"
    group: str = "6组"

    @property
    def id_number(self) -> str:
        return credit_code(self.place) if self.organization else citizen_id(self.place)

    @property
    def name(self) -> str:
        return COOPERATIVE if self.organization else NAME


def credit_code(place: int) -> str:
    stem = f"91110000{place:08d}K"
    return stem + str(uscc.calc_check_digit(stem))


def lines(number: int, **same: object) -> list[Line]:
    return [Line(place, 10_000 + place, **same) for place in range(1, number + 1)]  # type: ignore[arg-type]


class CheckedReport(Report):
    """After each step of the play the books must be right."""

    def __init__(self, province: Province) -> None:
        super().__init__(Console(quiet=True))
        self._province = province

    def step(self, name: str, lines: int | None = None, fen: int | None = None) -> None:
        super().step(name, lines, fen)
        self._province.check()


class Office(Play):
    """One county; short cuts from nothing to a verified batch, a flow, an approved summary, the end."""

    def __init__(self, province: Province, place: int = 1) -> None:
        super().__init__(province.county(place), YEAR, CheckedReport(province))
        self.province = province
        self.code = self.county.code
        self.operator = self.county.operator
        self.reviewer = self.county.reviewer
        self._ground: Ground | None = None

    def ground(self, total_fen: int = TOTAL_FEN) -> Ground:
        """Laid once; the reviews of policy and indicator have tests of their own."""
        if self._ground is None:
            laid = self.province.lay(self.code, YEAR, total_fen)
            self._ground = Ground(laid.policy_no, laid.indicator_no)
        return self._ground

    def known(self, entries: Iterable[Line]) -> None:
        """The platform's register of these people."""
        rows = ["id_number,name,bank_code,account_no,verification,payment"]
        for line in entries:
            bank = "ABC" if line.has_account else "ICBC"
            name = line.known_as or line.name
            if line.known:
                rows.append(f"{line.id_number},{name},{bank},{card(line.place)},{line.verification},{line.payment}")
        self.province.platform.ask("POST", f"/registers/{self.code}", content="\n".join(rows))

    def enter(self, entries: Sequence[Line], batch_no: str) -> list[str]:
        bodies = [{"fund_year": YEAR, "batch_no": batch_no, "form": self._form(line)} for line in entries]
        return [str(self.operator.post("/applications", body)["application_no"]) for body in bodies]

    def _form(self, line: Line) -> Json:
        form: Json = {
            "kind": "organization" if line.organization else "personal",
            "name": line.name,
            "id_number": line.id_number,
            "phone": "13800001234",
            "town_code": f"{self.code}{line.town}",
            "village_code": f"{self.code}{line.town}001",
            "group": line.group,
            "bank_code": "ABC",
            "account_no": card(line.place),
            "item_code": "BT1001",
            "amount_fen": line.amount_fen,
        }
        if not line.organization:
            form |= {"household_registration": "agricultural", "family_size": 4}
        return form

    def publicised(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        """A batch whose lines wait for their initialisation."""
        self.known(entries)
        batch_no = self.open_batch("测试批次")
        numbers = self.enter(entries, batch_no)
        self.operator.upload("/photo-archives", "cards.zip", photo_archive("bank_card", numbers), kind="bank_card")
        self.review_and_publicise(batch_no)
        return batch_no, numbers

    def batched(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        """A batch whose lines wait for verification; how they came there has tests of its own."""
        self.ground()
        self.known(entries)
        return self.province.put_batch(self.code, YEAR, [self._form(line) for line in entries])

    def verified(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        """A batch of which a flow may start."""
        batch_no, numbers = self.batched(entries)
        self.verify(batch_no)
        self.publicise_batch(batch_no)
        return batch_no, numbers

    def begin(self, batch_no: str) -> str:
        """Start a flow without waiting for anything."""
        ground = self.ground()
        body = {"batch_no": batch_no, "policy_nos": [ground.policy_no], "indicator_nos": [ground.indicator_no]}
        flow_no = str(self.operator.post("/flows", body)["flow_no"])
        self.province.check()
        return flow_no

    def started(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        """A flow after its first round."""
        batch_no, numbers = self.verified(entries)
        flow_no = self.begin(batch_no)
        self.at(flow_no, "settling", "county_review")
        return flow_no, numbers

    def approved(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        """A flow whose summary the platform has approved."""
        flow_no, numbers = self.started(entries)
        self.settle_lines(flow_no)
        self.pass_summary(flow_no, refused_first=False)
        return flow_no, numbers

    def form(self) -> bytes:
        return form_pdf("form")

    def pass_in_county(self, flow_no: str, **more: object) -> None:
        """审核 通过 with form and opinion."""
        self.at(flow_no, "county_review")
        form = self.reviewer.file_id("form.pdf", form_pdf("summary"))
        review = {"passed": True, "opinion": "同意", "form_file_id": form} | more
        self.reviewer.post(f"/flows/{flow_no}/summary/review", review)

    def hand_in(self, flow_no: str) -> None:
        """审核 and 提交, without waiting for the platform."""
        self.pass_in_county(flow_no)
        self.operator.post(f"/flows/{flow_no}/summary/submission")

    def pay(self, flow_no: str) -> None:
        self.confirm_payment(flow_no, self.operator.get(f"/flows/{flow_no}/summary")["figures"])

    def ended(self, entries: Sequence[Line]) -> tuple[str, list[str]]:
        flow_no, numbers = self.approved(entries)
        self.pay(flow_no)
        self.at(flow_no, "ended")
        return flow_no, numbers

    def at(self, flow_no: str, *stages: str, seconds: float = 20) -> Json:
        """At one of the stages; at `settling` only once nothing goes on by itself."""

        def look() -> Json:
            moving = self._moving(flow_no)
            return self.flow(flow_no) | {"moving": moving}

        def there(seen: Json) -> bool:
            return seen["stage"] in stages and not (seen["stage"] == "settling" and seen["moving"])

        return self.province.wait_for_rows(f"流程 {flow_no}", look, there, seconds)

    def at_stage(self, flow_no: str, *stages: str, seconds: float = 20) -> Json:
        return self.at(flow_no, *stages, seconds=seconds)

    def _moving(self, flow_no: str) -> bool:
        return bool(self.province.rows(MOVING, flow_no=flow_no))

    def seen(self, flow_no: str, ready: object, seconds: float = 20) -> Json:
        """The flow once it is as wished."""
        assert callable(ready)
        return self.province.wait_for_rows(f"流程 {flow_no}", lambda: self.flow(flow_no), ready, seconds)

    def counts(self, flow_no: str) -> dict[str, int]:
        """How many lines are in which state, and how many accepted ones in which payment state; zeroes left out."""
        figures = self.flow(flow_no)["figures"]
        rows = {row["state"]: row["count"] for row in figures["states"]}
        rows |= {row["payment"]: row["count"] for row in figures["payments"]}
        return {name: number for name, number in rows.items() if number}

    def line(self, flow_no: str, application_no: str) -> Json:
        return self.operator.pages(f"/flows/{flow_no}/lines", application_no=application_no)[0]

    def indicator(self) -> tuple[int, int, int]:
        """Reserved, paid, left."""
        seen = self.operator.get(f"/indicators/{self.ground().indicator_no}")
        assert seen["reserved_fen"] + seen["paid_fen"] + seen["left_fen"] == seen["total_fen"]
        return seen["reserved_fen"], seen["paid_fen"], seen["left_fen"]

    def enter_order(self, kind: str, flow_no: str, **more: object) -> str:
        body = {"kind": kind, "flow_no": flow_no, "reason": "已核实"} | more
        return str(self.operator.post("/orders", body)["order_no"])

    def confirm_order(self, order_no: str) -> None:
        self.reviewer.post(f"/orders/{order_no}/confirmation", {"remark": "同意"})
        self.province.check()

    def order_done(self, order_no: str) -> Json:
        return self.province.wait_for_rows(
            f"指令 {order_no}",
            lambda: self.operator.get(f"/orders/{order_no}"),
            lambda seen: seen["state"] in ("done", "failed", "refused"),
        )

    def ordered(self, kind: str, flow_no: str, **more: object) -> Json:
        """Entered, confirmed, and carried out or failed."""
        order_no = self.enter_order(kind, flow_no, **more)
        self.confirm_order(order_no)
        return self.order_done(order_no)

    def withdraw(self, flow_no: str, *numbers: str) -> Json:
        return self.ordered("withdrawal", flow_no, selection={"application_nos": list(numbers)})

    def refused(self, act: object) -> Refused:
        """The problem that an act must meet."""
        assert callable(act)
        try:
            act()
        except Refused as problem:
            return problem
        raise AssertionError("the act was not refused")

    def paid(self, flow_no: str) -> Json:
        return figure(self.flow(flow_no)["figures"]["payments"], "paid")

"""The counties of a walk: their people, what the platform knows of those whom they pay, and what a form says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console

from deploy.demo.drawings import drawing, form_pdf
from deploy.demo.people import County, Json, Person, Refused
from deploy.demo.play import Play
from deploy.demo.report import Report
from models.words.calendar import china_today
from models.words.staff import Role
from tests.application_lines import card, citizen_id
from tests.flow_ground import Laid

YEAR = china_today().year
# Maker and checker are roles, not people: each of the three may be either, and so get in the own way.
STAFF = ("li", "wang", "zhao")
ROLES: Mapping[str, tuple[Role, ...]] = {
    **dict.fromkeys(STAFF, (Role.OPERATOR, Role.REVIEWER, Role.COUNTY_ADMIN)),
    "liu": (Role.APPLICANT,),
    "zheng": (Role.AUDITOR,),
}
IN_THE_PLAY = {
    "county_admin": ("zhao", Role.COUNTY_ADMIN),
    "operator": ("li", Role.OPERATOR),
    "reviewer": ("wang", Role.REVIEWER),
    "second_reviewer": ("zhao", Role.REVIEWER),
}
# What the platform knows of the people, one of each kind: another name, verification, how the payment goes.
FATES = (
    ("", "passed", "paid"),
    ("", "passed", "failed:账户冻结"),
    ("", "failed:不符合条件", "paid"),
    ("", "passed", "returned:退票"),
    ("章小梅", "passed", "paid"),
    ("", "passed", "late:系统延迟"),
    ("", "passed", "paid"),
)
# Who is in a batch that is given: of each kind of payment one, and at its end two to whom somebody objects.
IN_BATCH = (0, 1, 5, 2, 6, 3)
NAME = "张小梅"
BANKS = {"ABC": "中国农业银行", "ICBC": "中国工商银行"}


class Beneficiary(NamedTuple):
    """Somebody of both counties, with an account in the registers and two more at the bank."""

    place: int
    fate: tuple[str, str, str]

    @property
    def id_number(self) -> str:
        return citizen_id(self.place)

    @property
    def name(self) -> str:
        return NAME

    @property
    def cards(self) -> Mapping[str, tuple[str, str]]:
        """Bank and number of each."""
        return {
            "old": ("ABC", card(self.place)),
            "new": ("ICBC", card(1_000_000 + self.place)),
            "closed": ("ICBC", card(2_000_000 + self.place)),
        }


@dataclass
class Place:
    """A county of a walk: its people, what stands before anybody does anything, and files to hand in."""

    name: str
    code: str
    people: Mapping[tuple[str, Role], Person]
    # the same people as the demo's play and the checker know them
    county: County
    beneficiaries: Sequence[Beneficiary]
    laid: Laid
    batch_no: str | None = None

    def person(self, subject: str, role: Role) -> Person:
        return self.people[subject, role]

    @property
    def operator(self) -> Person:
        return self.people["li", Role.OPERATOR]

    def play(self) -> Play:
        return Play(self.county, YEAR, Report(Console(quiet=True)))

    def file(self, kind: str, who: Person) -> int:
        """A picture, or the approval form, stored by whoever names it: nobody else may. 1 where it isn't taken."""
        name, content = ("form.pdf", form_pdf("form")) if kind == "form" else (f"{kind}.jpg", drawing(kind, self.code))
        try:
            return who.file_id(name, content)
        except Refused:
            return 1

    def form(self, person: int, **changes: object) -> Json:
        somebody = self.beneficiaries[person]
        bank, account = somebody.cards["old"]
        return {
            "kind": "personal",
            "name": somebody.name,
            "id_number": somebody.id_number,
            "phone": "13800001234",
            "town_code": f"{self.code}100",
            "village_code": f"{self.code}100001",
            "group": "6组",
            "bank_code": bank,
            "account_no": account,
            "household_registration": "agricultural",
            "family_size": 4,
            "item_code": "BT1001",
            "amount_fen": 10_000 + person,
        } | changes

"""What the cases of S1 share: a county of their own, its applicant, the platform's clerk, what went to the platform."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from activities.platform.client import PlatformClient
from deploy.demo.drawings import drawing
from deploy.demo.people import Json, Person
from models.wire.answers import CatalogItem
from models.words.staff import Role
from tests.application_lines import card, citizen_id
from tests.county_office import NAME, YEAR, Line, Office, credit_code
from tests.province import Province
from tests.scripted_platform import MemoryJournal

HOUSEHOLD = ("household_registration", "family_size")


class SeedOffice(Office):
    """A county whose people fill in the manual's forms."""

    def __init__(self, province: Province, place: int) -> None:
        super().__init__(province, place)
        token = province.staff.token(f"applicant-{self.code}", Role.APPLICANT, self.code)
        self.applicant = Person(province.http, token)

    def form(self, place: int, **changes: object) -> Json:
        """The fields of S1 2.1 for a person, and what the money is for."""
        return {
            "kind": "personal",
            "name": NAME,
            "id_number": citizen_id(place),
            "town_code": f"{self.code}100",
            "village_code": f"{self.code}100001",
            "group": "6组",
            "phone": "13800001234",
            "bank_code": "ABC",
            "account_no": card(place),
            "household_registration": "agricultural",
            "family_size": 4,
            "item_code": "BT1001",
            "amount_fen": 12_300,
        } | changes

    def organization(self, place: int) -> Json:
        form = self.form(place, kind="organization", name="城关镇农机合作社", id_number=credit_code(place))
        return {name: value for name, value in form.items() if name not in HOUSEHOLD}

    def enter_as(self, person: Person, channel: str, form: Json, *, with_photo: bool = True) -> str:
        """Entered with the bank card's picture; gives its number."""
        body = {"fund_year": YEAR, "channel": channel, "form": form}
        number = str(person.post("/applications", body)["application_no"])
        if with_photo:
            self.put_card_photo(number, person)
        return number

    def put_card_photo(self, number: str, person: Person, words: str = "") -> None:
        path, picture = f"/applications/{number}/photos/bank_card", drawing("bank_card", words or number)
        person._send("PUT", path, files={"file": ("card.jpg", picture, "image/jpeg")})

    def act(self, person: Person, path: str, *numbers: str, reason: str | None = None) -> Json:
        body: Json = {"selection": {"application_nos": list(numbers)}}
        return person.post(path, body | ({"reason": reason} if reason else {}))

    def begun(self, entries: Sequence[Line], *others: str) -> "Begun":
        """A flow that has just been started, of a verified batch that others of the county's applications joined."""
        batch_no, numbers = self.batched(entries)
        if others:
            self.act(self.operator, f"/batches/{batch_no}/applications", *others)
        self.verify(batch_no)
        self.publicise_batch(batch_no)
        return Begun(self, batch_no, self.begin(batch_no), [*numbers, *others])

    def settled(self, number: str) -> None:
        """A draft brought to 待结算."""
        self.act(self.operator, "/application-submissions", number)
        self.act(self.reviewer, "/application-approvals", number)
        self.act(self.operator, "/application-publicisings", number)
        list_no = self.act(self.operator, "/beneficiary-lists", number)["list_no"]
        self.operator.wait("名单", f"/beneficiary-lists/{list_no}", lambda seen: seen["stage"] == "reviewed")
        self.act(self.operator, "/settlement-materials", number)

    @contextmanager
    def clerk(self, kind: str) -> Iterator["Clerk"]:
        """Meanwhile reviews of this kind wait for a person at the platform."""
        self.province.platform.hold(kind)
        try:
            yield Clerk(self)
        finally:
            self.province.platform.hold()

    def sent(self, key: str) -> Json:
        """What went to the platform under this key, once it has."""
        statement = "SELECT body FROM instruction WHERE key = :key"
        self.province.until("已提交", f"SELECT count(*) FROM ({statement}) AS sent", 1, key=key)
        [(body,)] = self.province.rows(statement, key=key)
        told: Json = json.loads(self.province.vault.open_body(key, body))
        return told

    def lists_of_the_platform(self) -> list[Sequence[CatalogItem]]:
        """Budget units, projects and documents, asked of the platform itself."""

        async def ask() -> list[Sequence[CatalogItem]]:
            async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
                clients = {f"{self.province.code}0000": self.province.credentials}
                client = PlatformClient(http, clients, MemoryJournal(), total_seconds=20)
                return [
                    (await client.list_budget_units(self.code)).items,
                    (await client.list_budget_projects(self.code, YEAR)).items,
                    (await client.list_indicator_documents(self.code, YEAR)).items,
                ]

        return self.province.portal.call(ask)


@dataclass(frozen=True)
class Begun:
    office: SeedOffice
    batch_no: str
    flow_no: str
    numbers: list[str]

    @property
    def start(self) -> Json:
        """What the platform was told at the start."""
        return self.office.sent(f"{self.flow_no}/start")

    def round(self, number: int) -> list[Json]:
        """The applications that went out in a round."""
        records: list[Json] = self.office.sent(f"{self.flow_no}.r{number}/g1/p1")["records"]
        return records


class Clerk:
    """Who decides at the platform what this county has handed in."""

    def __init__(self, office: SeedOffice) -> None:
        self._office = office
        self._platform = office.province.platform

    def waiting(self, number: int = 1) -> list[str]:
        """References of what lies on the desk, once there are so many."""
        seen = self._office.province.wait(
            "审核台",
            lambda: {"items": self._platform.waiting(self._office.code)},
            lambda got: len(got["items"]) >= number,
        )
        return [str(item["ref"]) for item in seen["items"]]

    def decide(self, reference: str, *, approve: bool = True, opinion: str = "") -> None:
        wish: Json = {"approve": approve} | ({"opinion": opinion} if opinion else {})
        self._platform.ask("POST", f"/clerk/{reference}", wish)

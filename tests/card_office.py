"""A province's citizens and reviewers in a test: requests by the rows, everything else by the running product."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import httpx
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.platform.client import PlatformClient
from deploy.demo.people import Json
from models.store.cards.decisions import ask_retry, decide_part
from models.store.cards.requests import CardWish, Citizen, open_request, withdraw_request
from models.store.register.accounts import NewAccount, apply_change
from models.store.vault import Field
from models.wire.requests import AccountChangeSubmission
from models.wire.words import AccountSource, CardType
from tests.application_lines import citizen_id
from tests.card_ground import card
from tests.province import Province
from tests.scripted_platform import MemoryJournal

Found = TypeVar("Found")
BANK, OTHER_BANK = "ICBC", "ABC"
REVIEWER = "rev.wang"
HEAD = "bank_code,account_no,card_type,holder_name,holder_id_number,status"


@dataclass(frozen=True)
class Card:
    account_no: str
    bank_code: str = OTHER_BANK
    status: str = "open"
    holder: Citizen | None = None


class CardOffice:
    def __init__(self, province: Province) -> None:
        self.province = province
        self.counties = [province.county_code(place) for place in (1, 2, 3)]
        self.vault = province.vault
        # the platform is the session's: nobody of an earlier test comes again
        self.first = int(province.code) * 100
        self.old, self.new = self.card(1, BANK), self.card(2)

    def card(self, number: int, bank_code: str = OTHER_BANK) -> Card:
        return Card(card(self.first + number), bank_code)

    def act(self, work: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
        async def transaction() -> Found:
            async with self.province.database.transaction() as session:
                return await work(session)

        return self.province.portal.call(transaction)

    def citizen(self, place: int, name: str = "周建国") -> Citizen:
        id_number = citizen_id(self.first + place)
        return Citizen(f"{self.province.code}0000", self.vault.index(Field.ID_NUMBER, id_number), name, id_number)

    def bank_knows(self, citizen: Citizen, *cards: Card) -> None:
        """The bank's own row of these cards."""
        rows = [HEAD]
        for one in cards:
            holder = one.holder or citizen
            fields = (one.bank_code, one.account_no, "bank_card", holder.name, holder.id_number, one.status)
            rows.append(",".join(fields))
        self.province.platform.ask("POST", "/bank-accounts", content="\n".join(rows))

    @contextmanager
    def troubled(self, kind: str, *targets: str, times: int = 1) -> Iterator[None]:
        """The platform's next answers or events go wrong in this way, and did when it is over."""
        platform = self.province.platform
        before = platform.ask("GET", "/faults")["counts"].get(kind, 0)
        platform.next_fault(kind, *targets, times=times)
        yield
        assert platform.ask("GET", "/faults")["counts"].get(kind, 0) == before + times
        platform.ask("PUT", "/faults", {"next": {}, "only": {}})

    def settle(self, citizen: Citizen, *counties: str) -> None:
        """The old card is in use in these counties, and open at the bank."""
        old = self.old
        self.bank_knows(citizen, old)
        for county in counties or self.counties:
            new = NewAccount(
                county_code=county,
                person_index=citizen.person_index,
                name=citizen.name,
                id_number=citizen.id_number,
                bank_code=old.bank_code,
                account_no=old.account_no,
                card_type="bank_card",
                source="申请录入",
                actor="system",
            )
            self.act(lambda session, new=new: apply_change(session, self.vault, new))  # type: ignore[misc]

    def wish(self, citizen: Citizen, new: Card, *counties: str) -> str:
        """Give in a change; gives the request's number."""
        wanted = CardWish(
            counties=counties or self.counties[:1],
            card_type=CardType.BANK_CARD,
            account_no=new.account_no,
            bank_code=new.bank_code,
            authorised=True,
            reason="停用旧卡，启用新卡",
        )
        request = self.act(lambda session: open_request(session, self.vault, citizen, wanted))
        return request.request_no

    def in_review(self, citizen: Citizen, new: Card, *counties: str) -> str:
        self.bank_knows(citizen, new)
        request_no = self.wish(citizen, new, *counties)
        for county in counties or self.counties[:1]:
            self.at(request_no, "in_review", county)
        return request_no

    def decide(self, request_no: str, passed: bool = True, county: str | None = None) -> None:
        part_no = f"{request_no}.{county or self.counties[0]}"
        self.act(lambda session: decide_part(session, self.vault, part_no, passed, "已核对", REVIEWER))

    def withdraw(self, request_no: str, citizen: Citizen) -> None:
        self.act(lambda session: withdraw_request(session, self.vault, request_no, citizen.person_index))

    def retry(self, request_no: str, county: str | None = None) -> None:
        part_no = f"{request_no}.{county or self.counties[0]}"
        self.act(lambda session: ask_retry(session, self.vault, part_no, REVIEWER))

    def part(self, request_no: str, county: str | None = None) -> Json:
        rows = self.province.rows(
            "SELECT stage, attempt, error_code, old_account_usable, submission_id FROM card_change_part"
            " WHERE part_no = :no",
            no=f"{request_no}.{county or self.counties[0]}",
        )
        names = ("stage", "attempt", "error_code", "old_account_usable", "submission_id")
        return dict(zip(names, rows[0], strict=True))

    def at(self, request_no: str, stage: str, county: str | None = None, seconds: float = 20) -> Json:
        return self.province.wait(
            f"{request_no} {stage}",
            lambda: self.part(request_no, county),
            lambda seen: seen["stage"] == stage,
            seconds,
        )

    def request(self, request_no: str) -> Json:
        names = ("stage", "result", "failure_code", "waiting_for", "closed")
        rows = self.province.rows(
            "SELECT c.stage, c.result, c.failure_code, r.waiting_for, r.closed_at IS NOT NULL FROM card_change c"
            " JOIN run r ON r.number = c.request_no AND r.kind = 'card-change' WHERE c.request_no = :no",
            no=request_no,
        )
        return dict(zip(names, rows[0], strict=True))

    def ended(self, request_no: str) -> Json:
        """The request once its run is closed."""
        return self.province.wait(
            f"{request_no} 办结", lambda: self.request(request_no), lambda seen: seen["closed"] and seen["result"]
        )

    def register(self, citizen: Citizen, county: str | None = None) -> tuple[str | None, str, str]:
        place = county or self.counties[0]
        sealed, status, source = self.province.rows(
            "SELECT account_sealed, status, source FROM register_account WHERE county_code = :county"
            " AND person_index = :person",
            county=place,
            person=citizen.person_index,
        )[0]
        if sealed is None:
            return None, status, source
        return self.vault.open(Field.ACCOUNT, f"{place}/{citizen.person_index}", sealed), status, source

    def notices(self, citizen: Citizen) -> list[str]:
        rows = self.province.rows(
            "SELECT kind FROM notice WHERE person_index = :person ORDER BY id", person=citizen.person_index
        )
        return [str(row[0]) for row in rows]


def applied_beside_a_busy_county(office: CardOffice) -> str:
    """A change in two counties: one has another change under way at the platform, the other's result was lost."""
    mei, (busy, lost, _) = office.citizen(1), office.counties
    office.settle(mei)
    office.province.platform.hold("account_change")
    handed_in_elsewhere(office, busy, office.card(7))
    office.province.platform.lose("account.change.applied")
    request_no = office.in_review(mei, office.new, busy, lost)
    office.decide(request_no, True, busy)
    office.decide(request_no, True, lost)
    handed = "SELECT count(submission_id) FROM card_change_part WHERE county_code = :county"
    office.province.until("已提交", handed, 1, county=lost)
    [(submission_id,)] = office.province.rows("SELECT submission_id FROM card_change_part WHERE submission_id > ''")
    office.province.platform.ask("POST", f"/clerk/{submission_id}", {"approve": True})
    office.at(request_no, "applied", lost)
    assert office.province.rows(handed, county=busy) == [(0,)]
    return request_no


def handed_in_elsewhere(office: CardOffice, county: str, other: Card) -> str:
    """An account change of the person that somebody gave in at the platform under a reference of another system."""
    mei = office.citizen(1)
    office.bank_knows(mei, other)
    change = AccountChangeSubmission(
        client_reference="elsewhere-1",
        attempt=1,
        county_code=county,
        name=mei.name,
        id_number=mei.id_number,
        card_type=CardType.BANK_CARD,
        new_bank_code=other.bank_code,
        new_account_no=other.account_no,
        source=AccountSource.VILLAGE_ENTRY,
    )

    async def hand_in() -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            clients = {f"{office.province.code}0000": office.province.credentials}
            client = PlatformClient(http, clients, MemoryJournal())
            return (await client.apply_account_change(change, key="elsewhere-1/a1")).submission_id

    return office.province.portal.call(hand_in)

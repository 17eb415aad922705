"""People with accounts in counties, what they wish, and what the platform says: a database's worth of card changes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

from pydantic import SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession
from stdnum import luhn

from models.contracts import RunKind, Subject
from models.store.applying.pending import apply_pending_events
from models.store.cards.parts import lock_request
from models.store.cards.requests import CardWish, Citizen, open_request
from models.store.database import ENGINE_OPTIONS, Database
from models.store.events.inbox import put_asked
from models.store.register.accounts import NewAccount, apply_change
from models.store.sql import Value, execute
from models.store.vault import Field, LocalVault
from models.tables.cards import CardChange, CardChangePart
from models.tables.catalogs import CatalogList
from models.wire.answers import AccountChange, Invalidation
from models.wire.words import AccountChangeStatus, AccountReason, CardType, EventType, InvalidationTrigger
from models.words.card_stages import PartStage, RequestStage
from models.words.stages import AccountStatus
from tests.api_server import fresh_vault
from tests.engines import create_async_engine
from tests.rows import citizen_id
from tests.statements import rows_of

PROVINCE = "500000"
FIRST, SECOND, THIRD = "500001", "500003", "500104"
BANK, OTHER_BANK = "ICBC", "ABC"
REVIEWER = "rev.wang"
Found = TypeVar("Found")
_submissions = count(1)


def card(number: int) -> str:
    """A bank card of 19 digits with its Luhn digit."""
    start = f"622202{number:012d}"
    return start + luhn.calc_check_digit(start)


def person(vault: LocalVault, number: int) -> Citizen:
    id_number = citizen_id(number)
    return Citizen(PROVINCE, vault.index(Field.ID_NUMBER, id_number), f"王梅{number}", id_number)


@dataclass
class Cards:
    """One province's cards; every act is a transaction of its own, as in API and worker."""

    database: Database
    vault: LocalVault

    async def act(self, work: Callable[[AsyncSession], Awaitable[Found]]) -> Found:
        async with self.database.transaction() as session:
            return await work(session)

    async def rows(self, statement: str, **values: Value) -> list[tuple[object, ...]]:
        async with self.database.reading() as session:
            return [tuple(row) for row in await rows_of(session, statement, **values)]

    async def run(self, statement: str, **values: Value) -> int:
        return await self.act(lambda session: execute(session, statement, **values))

    async def settle(self, citizen: Citizen, account_no: str, *counties: str, bank: str = BANK) -> None:
        """The person's account is in use in these counties."""
        for county in counties:
            new = NewAccount(
                county_code=county,
                person_index=citizen.person_index,
                name=citizen.name,
                id_number=citizen.id_number,
                bank_code=bank,
                account_no=account_no,
                card_type="bank_card",
                source="申请录入",
                actor="system",
            )
            await self.act(lambda session, new=new: apply_change(session, self.vault, new))  # type: ignore[misc]

    async def open(self, citizen: Citizen, account_no: str, *counties: str, bank: str = OTHER_BANK) -> CardChange:
        return await self.wish(citizen, wish(account_no, *counties, bank=bank))

    async def wish(self, citizen: Citizen, wanted: CardWish) -> CardChange:
        return await self.act(lambda session: open_request(session, self.vault, citizen, wanted))

    async def validated(self, request: CardChange) -> None:
        """The bank has said yes."""

        async def work(session: AsyncSession) -> None:
            held = await lock_request(session, request.request_no)
            held.request.stage = RequestStage.IN_PROGRESS
            for part in held.parts:
                part.stage = PartStage.IN_REVIEW

        await self.act(work)

    async def in_review(self, citizen: Citizen, account_no: str, *counties: str) -> CardChange:
        request = await self.open(citizen, account_no, *counties)
        await self.validated(request)
        return request

    async def told(self, request: CardChange, county: str, **said: object) -> str:
        """The platform's result of a county's 上卡 takes effect; gives the effect."""
        fields = {
            "submission_id": f"acc-{next(_submissions)}",
            "client_reference": part_no(request, county),
            "county_code": county,
            "status": AccountChangeStatus.APPLIED,
        }
        data = AccountChange.model_validate(fields | said)
        return await self._take(EventType.ACCOUNT_CHANGE_APPLIED, part_no(request, county), data, request.request_no)

    async def invalidated(
        self,
        citizen: Citizen,
        account_no: str,
        county: str,
        reason: AccountReason,
        at: datetime | None = None,
        bank: str = BANK,
    ) -> str:
        data = Invalidation(
            county_code=county,
            id_number=citizen.id_number,
            bank_code=bank,
            account_no=account_no,
            trigger=InvalidationTrigger.SCHEDULED,
            reason_code=reason,
            invalidated_at=at or datetime.now(UTC),
        )
        number = f"{county}-E{next(_submissions)}"
        return await self._take(EventType.ACCOUNT_INVALIDATED, number, data, number)

    async def _take(self, kind: EventType, reference: str, data: AccountChange | Invalidation, number: str) -> str:
        place = data.county_code
        subject = Subject(kind=RunKind.ACCOUNT_EVENT, number=number, county_code=place)

        async def work(session: AsyncSession) -> str:
            await put_asked(session, self.vault, place, kind, reference, data, datetime.now(UTC))
            await apply_pending_events(session, self.vault, subject)
            rows = await rows_of(
                session, "SELECT effect FROM inbox WHERE number = :number ORDER BY id DESC LIMIT 1", number=number
            )
            return str(rows[0][0])

        return await self.act(work)

    async def request(self, request: CardChange) -> CardChange:
        async with self.database.reading() as session:
            return (await lock_request(session, request.request_no)).request

    async def parts(self, request: CardChange) -> dict[str, CardChangePart]:
        async with self.database.reading() as session:
            return {part.county_code: part for part in (await lock_request(session, request.request_no)).parts}

    async def stages(self, request: CardChange) -> dict[str, str]:
        return {county: part.stage.value for county, part in (await self.parts(request)).items()}

    async def register(self, citizen: Citizen, county: str) -> tuple[str | None, AccountStatus, str]:
        """Account in clear, status and source of the person's row."""
        rows = await self.rows(
            "SELECT account_sealed, status, source FROM register_account WHERE county_code = :county"
            " AND person_index = :person",
            county=county,
            person=citizen.person_index,
        )
        sealed, status, source = rows[0]
        place = f"{county}/{citizen.person_index}"
        account = None if sealed is None else self.vault.open(Field.ACCOUNT, place, str(sealed))
        return account, AccountStatus(str(status)), str(source)

    async def locks(self) -> set[str]:
        return {str(row[0]) for row in await self.rows("SELECT county_code FROM account_lock WHERE ended_at IS NULL")}

    async def notices(self, citizen: Citizen) -> list[tuple[str, str]]:
        rows = await self.rows(
            "SELECT county_code, kind FROM notice WHERE person_index = :person ORDER BY id", person=citizen.person_index
        )
        return [(str(county), str(kind)) for county, kind in rows]


def part_no(request: CardChange, county: str) -> str:
    return f"{request.request_no}.{county}"


def wish(account_no: str, *counties: str, bank: str = OTHER_BANK, **other: object) -> CardWish:
    fields = {"card_type": CardType.BANK_CARD, "authorised": True, "reason": "停用旧卡"} | other
    return CardWish(counties=counties, account_no=account_no, bank_code=bank, **fields)  # type: ignore[arg-type]


@asynccontextmanager
async def card_province(database_url: str) -> AsyncIterator[Cards]:
    database = Database(create_async_engine(SecretStr(database_url).get_secret_value(), **ENGINE_OPTIONS))
    cards = Cards(database, fresh_vault())
    banks = [{"code": code, "name": name} for code, name in ((BANK, "中国工商银行"), (OTHER_BANK, "中国农业银行"))]
    async with database.transaction() as session:
        for county in (FIRST, SECOND, THIRD):
            session.add(CatalogList(county_code=county, kind="banks", fund_year=0, items=banks))
    yield cards
    await database.dispose()

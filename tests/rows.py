"""Rows for tests of the API: sealed applications, batches, money and policies, and a counter to ask over HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.parts import Parts
from api.main import build_database, build_objects, create_app
from deploy.stack.objects import Access
from models import tokens
from models.file_owners import FileOf
from models.forms.identity import citizen_id_check_digit
from models.settings import Settings
from models.store import vault as vaults
from models.store.database import Database
from models.store.flows.start import StartRequest, enter_flow
from models.store.people.persons import find_person
from models.store.people.sessions import open_session
from models.store.policies.file_uses import use_files
from models.store.sql import Value, copy_rows, execute, fetch_int
from models.store.texts import seal_text
from models.store.vault import Field, LocalVault, name_index
from models.tables.base import now
from models.tables.batches import Batch, BatchImage
from models.tables.catalogs import CatalogList
from models.tables.policies import Indicator, Policy, PolicyUnit, StoredFile
from models.words.calendar import china_today
from models.words.staff import Role
from models.words.stages import BatchStage, ReviewStage
from tests.contract import HeldToContract
from tests.staff import Staff
from tests.statements import rows_of
from tests.store_clients import s3_of

COUNTY = "500001"
OTHER_COUNTY = "500003"
YEAR = 2026
ITEM = "ITEM-01"
TOWNS = {"500001100": "红岩镇", "500001101": "青山乡"}
BANKS = {"BANK-A": "农商银行", "BANK-B": "邮储银行"}
OPERATOR, REVIEWER, SECOND, ADMIN, OPS = "op.li", "rev.wang", "rev.zhao", "adm.chen", "ops.sun"
SECOND_ADMIN, AUDITOR = "adm.zhou", "aud.zheng"
ROLES = {
    OPERATOR: Role.OPERATOR,
    REVIEWER: Role.REVIEWER,
    SECOND: Role.REVIEWER,
    ADMIN: Role.COUNTY_ADMIN,
    OPS: Role.OPS,
    SECOND_ADMIN: Role.COUNTY_ADMIN,
    AUDITOR: Role.AUDITOR,
}

_keys = count(1)
_serial = count(1)


@dataclass
class Office:
    """The API over a database of one's own; every call carries a fresh Idempotency-Key unless told otherwise."""

    database: Database
    vault: LocalVault
    app: FastAPI
    http: httpx.AsyncClient
    token_file: Path
    staff: Staff
    # what ends before the office does: windows that stand open at it
    guests: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def parts(self) -> Parts:
        parts: Parts = self.app.state.parts
        return parts

    def headers(self, who: str, county: str, key: str | None, role: Role | None = None) -> dict[str, str]:
        token = self.staff.token(who, role or ROLES[who], county)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key or f"k{next(_keys)}"}

    async def get(
        self, path: str, who: str = OPERATOR, county: str = COUNTY, **query: str | list[str]
    ) -> httpx.Response:
        return await self.http.get(path, params=query, headers=self.headers(who, county, None))

    async def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        who: str = OPERATOR,
        county: str = COUNTY,
        key: str | None = None,
        role: Role | None = None,
    ) -> httpx.Response:
        return await self.http.post(path, json=body or {}, headers=self.headers(who, county, key, role))

    async def sign_in(self, who: str, county: str = COUNTY, role: Role | None = None) -> str:
        """The secret of a session of the person's pages, as if a code had just been typed."""
        chosen = role or ROLES[who]
        self.staff.add_known(who, county)
        async with self.database.transaction() as session:
            person = await find_person(session, county, who)
            assert person is not None
            return await open_session(session, person, chosen, now())

    async def whole(self, path: str, who: str = OPERATOR, county: str = COUNTY, purpose: str = "review") -> Any:
        """What stands at an address, in clear."""
        answer = await self.post(f"{path}/disclosures", {"purpose": purpose}, who, county)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, statement: str, **values: Value) -> list[tuple[object, ...]]:
        async with self.database.reading() as session:
            return [tuple(row) for row in await rows_of(session, statement, **values)]

    async def run(self, statement: str, **values: Value) -> int:
        async with self.database.transaction() as session:
            return await execute(session, statement, **values)


def s3_knobs(s3: Access) -> dict[str, object]:
    """For an office that reads and writes the bytes of files."""
    return {
        "s3_endpoint_url": s3.endpoint_url,
        "s3_bucket": s3.bucket,
        "s3_region": s3.region,
        "s3_access_key_id": SecretStr(s3.access_key_id),
        "s3_secret_access_key": SecretStr(s3.secret_access_key),
    }


@asynccontextmanager
async def open_office(database_url: str, folder: Path, **knobs: object) -> AsyncIterator[Office]:
    settings = _settings(database_url, folder, **knobs)
    vaults.create_vault_key_file(settings.vault_key_file)
    tokens.create_token_key_file(settings.token_key_file)
    vault = LocalVault.from_file(settings.vault_key_file)
    database = build_database(settings)
    token_key = tokens.load_key(settings.token_key_file)
    app = create_app(database, vault, build_objects(settings, vault, s3_of(settings)), settings, token_key, None)
    transport = httpx.ASGITransport(app=HeldToContract(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://counter") as http:
        staff = Staff(database_url, vault, settings.token_key_file)
        try:
            async with AsyncExitStack() as guests:
                yield Office(database, vault, app, http, settings.token_key_file, staff, guests)
        finally:
            staff.close()
            await app.state.parts.drawing.close()
            await database.dispose()


def _settings(database_url: str, folder: Path, **knobs: object) -> Settings:
    given: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "platform_clients_file": folder / "clients.json",
        "vault_key_file": folder / "vault.json",
        "token_key_file": folder / "token.key",
        # nothing here reads or writes a file's bytes: port 9 discards
        "s3_endpoint_url": "http://127.0.0.1:9",
        "s3_access_key_id": SecretStr("none"),
        "s3_secret_access_key": SecretStr("none"),
    }
    return Settings(**(given | knobs))


@dataclass(frozen=True)
class Line:
    """One application of a batch; `person` tells people apart, lines of the same person are legal."""

    amount_fen: int = 49_500
    person: int | None = None
    verification: str = "passed"
    stage: str = "in_batch"
    town_code: str = "500001100"
    bank_code: str = "BANK-A"
    item_code: str = ITEM
    applicant_kind: str = "personal"
    payments: int = 0
    match_outcome: str | None = "matched"
    correct_name: str | None = None
    entered_by: str = OPERATOR


@dataclass(frozen=True)
class Ground:
    """What a flow stands on."""

    batch_no: str
    batch_id: int
    policy_no: str
    indicator_nos: list[str]
    numbers: list[str]
    county: str = COUNTY

    @property
    def start(self) -> dict[str, object]:
        return {"batch_no": self.batch_no, "policy_nos": [self.policy_no], "indicator_nos": self.indicator_nos}


def citizen_id(person: int) -> str:
    born = date(1950, 1, 1) + timedelta(days=person % 18_000)
    start = f"500101{born:%Y%m%d}{person % 1000:03d}"
    return start + citizen_id_check_digit(start + "0")


def account_no(person: int) -> str:
    return f"{person:012d}"


async def add_file(session: AsyncSession, county: str = COUNTY, content_type: str = "application/pdf") -> int:
    digest = f"{next(_serial):064x}"
    file = StoredFile(
        county_code=county,
        object_key=f"{county}/{digest}",
        sha256=digest,
        content_type=content_type,
        size=1000,
        stored_by=REVIEWER,
    )
    session.add(file)
    await session.flush()
    assert file.id is not None
    # whoever plays an act may name it
    await use_files(session, FileOf.POLICY, [(file.id, digest)])
    return file.id


async def add_catalogs(session: AsyncSession, county: str = COUNTY) -> None:
    village = [{"code": "V-01", "name": "前进村"}]
    lists: dict[str, list[dict[str, object]]] = {
        "towns": [{"code": code, "name": name, "villages": village} for code, name in TOWNS.items()],
        "banks": [{"code": code, "name": name} for code, name in BANKS.items()],
        "subsidy-items": [{"code": ITEM, "name": "耕地地力保护补贴"}],
    }
    for kind, items in lists.items():
        year = YEAR if kind == "subsidy-items" else 0
        await session.merge(CatalogList(county_code=county, kind=kind, fund_year=year, items=items))
    await session.merge(PolicyUnit(county_code=county, code="U-1", name="农业农村委", chosen_by=ADMIN))


async def add_policy(session: AsyncSession, vault: LocalVault, county: str = COUNTY, **other: object) -> str:
    number = f"{county}-Z{YEAR}-{next(_serial):04d}"
    policy = Policy(
        policy_no=number,
        county_code=county,
        fund_year=YEAR,
        policy_unit_code="U-1",
        policy_unit_name="农业农村委",
        title_sealed=seal_text(vault, county, "补贴政策"),
        item_codes=[ITEM],
        file_id=await add_file(session, county),
        stage=ReviewStage.APPROVED,
        entered_by=OPERATOR,
    )
    for name, value in other.items():
        setattr(policy, name, value)
    session.add(policy)
    await session.flush()
    return number


async def add_indicator(session: AsyncSession, total_fen: int, county: str = COUNTY, **other: object) -> str:
    number = f"{county}-B{YEAR}-{next(_serial):04d}"
    indicator = Indicator(
        indicator_no=number,
        county_code=county,
        fund_year=YEAR,
        budget_unit_code="BU",
        budget_unit_name="预算单位",
        budget_project_code="BP",
        budget_project_name="预算项目",
        document_no="渝财预〔2026〕15号",
        total_fen=total_fen,
        central_fen=total_fen,
        provincial_fen=0,
        municipal_fen=0,
        county_fen=0,
        stage=ReviewStage.APPROVED,
        entered_by=OPERATOR,
    )
    for name, value in other.items():
        setattr(indicator, name, value)
    session.add(indicator)
    await session.flush()
    return number


async def add_batch(
    session: AsyncSession, vault: LocalVault, county: str = COUNTY, *, publicised: bool = True
) -> Batch:
    batch = Batch(
        batch_no=f"{county}-P{YEAR}-{next(_serial):04d}",
        county_code=county,
        fund_year=YEAR,
        title_sealed=seal_text(vault, county, "第一批"),
        stage=BatchStage.VERIFIED,
        verification_round=1,
        created_by=OPERATOR,
    )
    if publicised:
        batch.publicity_start, batch.publicity_address = china_today() - timedelta(days=10), "镇政府公示栏"
    session.add(batch)
    await session.flush()
    assert batch.id is not None
    if publicised:
        session.add(BatchImage(batch_id=batch.id, file_id=await add_file(session, county, "image/png")))
        await session.flush()
    return batch


async def add_applications(
    session: AsyncSession, vault: LocalVault, lines: Sequence[Line], batch_id: int | None, county: str = COUNTY
) -> list[str]:
    """Sealed rows by COPY; gives their numbers in order."""
    rows = [_application(vault, line, batch_id, county) for line in lines]
    await copy_rows(session, "application", list(rows[0]), (list(row.values()) for row in rows))
    return [str(row["application_no"]) for row in rows]


def _application(vault: LocalVault, line: Line, batch_id: int | None, county: str) -> dict[str, Value]:
    serial = next(_serial)
    person = serial if line.person is None else line.person
    number, id_number, account = f"{county}-S{YEAR}-{serial:07d}", citizen_id(person), account_no(person)
    correct = vault.seal(Field.NAME, number, line.correct_name) if line.correct_name else None
    return {
        "application_no": number,
        "county_code": county,
        "fund_year": YEAR,
        "applicant_kind": line.applicant_kind,
        "channel": "pc",
        "stage": line.stage,
        "name_sealed": vault.seal(Field.NAME, number, "王小梅"),
        "name_index": name_index(vault, "王小梅"),
        "id_number_sealed": vault.seal(Field.ID_NUMBER, number, id_number),
        "person_index": vault.index(Field.ID_NUMBER, id_number),
        "phone_sealed": vault.seal(Field.PHONE, number, "13312345835"),
        "town_code": line.town_code,
        "village_code": "V-01",
        "group_name": "6组",
        "bank_code": line.bank_code,
        "account_sealed": vault.seal(Field.ACCOUNT, number, account),
        "account_index": vault.index(Field.ACCOUNT, account),
        "household_registration": "agricultural",
        "family_size": 3,
        "item_code": line.item_code,
        "amount_fen": line.amount_fen,
        "batch_id": batch_id,
        "match_outcome": line.match_outcome,
        "correct_name_sealed": correct,
        "correct_name_index": name_index(vault, line.correct_name) if line.correct_name else None,
        "verification": line.verification,
        "payments": line.payments,
        "entered_by": line.entered_by,
        "version": 1,
        "created_at": now(),
        "updated_at": now(),
    }


async def add_ground(
    office: Office, lines: Sequence[Line], *, money: Sequence[int] | None = None, county: str = COUNTY
) -> Ground:
    """A verified batch with everything that its flow needs; `money` are the totals of its indicators."""
    async with office.database.transaction() as session:
        await add_catalogs(session, county)
        batch = await add_batch(session, office.vault, county)
        assert batch.id is not None
        numbers = await add_applications(session, office.vault, lines, batch.id, county)
        totals = money if money is not None else [sum(line.amount_fen for line in lines)]
        indicators = [await add_indicator(session, total, county) for total in totals]
        policy_no = await add_policy(session, office.vault, county)
    return Ground(batch.batch_no, batch.id, policy_no, indicators, numbers, county)


async def add_flow(office: Office, ground: Ground, stage: str = "settling") -> str:
    """The flow of a ground, started by rows alone, at a stage that its run would have brought it to."""
    wanted = StartRequest(ground.county, ground.batch_no, [ground.policy_no], ground.indicator_nos, OPERATOR)
    async with office.database.transaction() as session:
        started = await enter_flow(session, office.vault, wanted, publicity_days=7, today=china_today())
    async with office.database.transaction() as session:
        await execute(
            session,
            "UPDATE flow SET stage = :stage, platform_id = 'F-1', started_at = now() WHERE id = :id",
            stage=stage,
            id=started.flow.id,
        )
    return started.flow.flow_no


async def set_lines(office: Office, numbers: Sequence[str], state: str, **columns: str | int | None) -> None:
    """Lines as results would have left them."""
    changes: dict[str, Value] = {"state": state, **columns}
    if state == "accepted":
        changes.setdefault("payment", "awaiting")
    changed = ", ".join(f"{name} = :{name}" for name in changes)
    statement = f"UPDATE flow_line SET {changed} WHERE application_no = ANY(:numbers)"
    assert await office.run(statement, numbers=list(numbers), **changes) == len(numbers)


async def lock_account(office: Office, number: str, county: str = COUNTY) -> None:
    """An account change of the applicant begins."""
    await office.run(
        "INSERT INTO account_lock (county_code, person_index, request_no, since) "
        "SELECT :county, person_index, 'R-1', now() FROM application WHERE application_no = :number",
        county=county,
        number=number,
    )


async def add_summary(office: Office, flow_no: str) -> None:
    """What the flow's run does when every line is settled."""
    await office.run(
        "INSERT INTO summary (flow_id, number, stage) "
        "SELECT id, summary_no + 1, 'open' FROM flow WHERE flow_no = :flow",
        flow=flow_no,
    )
    await office.run(
        "UPDATE flow SET summary_no = summary_no + 1, stage = 'county_review' WHERE flow_no = :flow", flow=flow_no
    )


async def balances(office: Office) -> list[tuple[int, int]]:
    """Reserved and paid per indicator, in order."""
    rows = await office.rows("SELECT reserved_fen, paid_fen FROM indicator ORDER BY id")
    return [(int(str(reserved)), int(str(paid))) for reserved, paid in rows]


async def count_of(office: Office, condition: str) -> int:
    async with office.database.reading() as session:
        return await fetch_int(session, f"SELECT count(*) FROM {condition}")


def codes(response: httpx.Response) -> list[str]:
    """The codes of a problem's errors."""
    return [str(error["code"]) for error in response.json()["errors"]]

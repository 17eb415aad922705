"""One of everything that the API and the pages have an address for, as rows, and the numbers by which it is found."""

import hashlib
import secrets
from dataclasses import replace

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.platform.rows_journal import PostgresJournal
from models.contracts import RunKind, Subject
from models.store.batches.objections import open_objection
from models.store.events.contradictions import Claim, keep_claim
from models.store.events.inbox import body_row
from models.store.register.entries import EntryForm, open_entry
from models.store.runs.runs import open_run
from models.store.vault import Field
from models.tables.applications import Application, ApplicationImport
from models.tables.base import now
from models.tables.batches import BeneficiaryList
from models.tables.cards import CheckRound, FaceLogin
from models.tables.loads import RegisterLoad
from models.tables.records import Inbox
from models.wire.words import CardType, Operation
from models.words.calendar import china_today
from models.words.card_stages import LoadStage, LoginStage
from models.words.stages import ImportStage, InboxState
from tests.api_server import COUNTY, PROVINCE
from tests.card_ground import Cards, card, person
from tests.rows import YEAR, Office, add_file, add_summary, citizen_id
from tests.statements import rows_of
from tests.test_orders_api import mixed_flow, order

# Where the numbers of what is there are found, by the name that addresses have for them.
NUMBERS = {
    "province_code": f"SELECT '{PROVINCE}'",
    "kind": "SELECT DISTINCT kind FROM catalog_list",
    "file_id": "SELECT id FROM stored_file",
    "policy_no": "SELECT policy_no FROM policy",
    "indicator_no": "SELECT indicator_no FROM indicator",
    "application_no": "SELECT application_no FROM application",
    "batch_no": "SELECT batch_no FROM batch",
    "flow_no": "SELECT flow_no FROM flow",
    "item_code": "SELECT DISTINCT item_code FROM application",
    "account_id": "SELECT id FROM register_account",
    "part_no": "SELECT part_no FROM card_change_part",
    "request_no": "SELECT request_no FROM card_change",
    "login_no": "SELECT login_no FROM face_login",
    "entry_no": "SELECT entry_no FROM village_entry",
    "round_no": "SELECT round_no FROM check_round",
    "list_no": "SELECT list_no FROM beneficiary_list",
    "import_no": "SELECT import_no FROM application_import",
    "load_no": "SELECT load_no FROM register_load",
    "order_no": "SELECT order_no FROM operator_order",
    "inbox_id": "SELECT id FROM inbox",
    "answer_id": "SELECT id FROM odd_answer",
    "objection_no": "SELECT objection_no FROM objection",
    "contradiction_id": "SELECT id FROM contradiction",
}


async def lay_everything(office: Office) -> str:
    """A flow with a line of each kind and its summary, people with accounts, one who changes it; gives its session."""
    flow_no, lines = await mixed_flow(office)
    for kind, line in (("withdrawal", "accepted"), ("modified", "rejected")):
        (await office.post("/orders", order(kind, flow_no, lines[line]))).raise_for_status()
    await add_summary(office, flow_no)
    await _in_the_county(office)
    await _from_the_platform(office, flow_no)
    cards = Cards(office.database, office.vault)
    for number in (1, 2):
        await cards.settle(person(office.vault, number), card(number), COUNTY)
    await cards.in_review(person(office.vault, 1), card(11), COUNTY)
    await cards.act(lambda session: _runs(session, flow_no))
    return await _citizen(office)


async def _in_the_county(office: Office) -> None:
    """What else there is one of: a village entry, a round of checks, a list, an import with its file."""
    form = EntryForm(CardType.BANK_CARD, "BANK-A", 0, "王三", citizen_id(3), card(3), "存折遗失")
    async with office.database.transaction() as session:
        file_id = await add_file(session, content_type="image/png")
        await open_entry(session, office.vault, COUNTY, replace(form, photo_file_id=file_id), "op.li")
        line = (await session.exec(select(Application).limit(1))).one()
        await open_objection(session, office.vault, line, "该地已流转", file_id, "op.li")
        round_ = CheckRound(round_no=f"{COUNTY}-V{YEAR}-1", province_code=PROVINCE, trigger="manual", asked_by="op.li")
        session.add(round_)
        a_list = BeneficiaryList(
            county_code=COUNTY,
            fund_year=YEAR,
            list_no=f"{COUNTY}-N{YEAR}-1",
            line_count=1,
            total_fen=1,
            entered_by="op.li",
        )
        session.add(a_list)
        session.add(_load(file_id))
        session.add(
            ApplicationImport(
                county_code=COUNTY,
                fund_year=YEAR,
                import_no=f"{COUNTY}-I{YEAR}-1",
                applicant_kind="personal",
                file_id=file_id,
                stage=ImportStage.IMPORTED,
                entered_by="op.li",
            )
        )


def _load(file_id: int) -> RegisterLoad:
    """One that a reviewer is waited for, without rows."""
    return RegisterLoad(
        load_no=f"{COUNTY}-G{YEAR}-1",
        county_code=COUNTY,
        as_of=china_today(),
        file_id=file_id,
        stage=LoadStage.ENTERED,
        figures={"new": 3, "refused": 1},
        entered_by="op.li",
    )


async def _from_the_platform(office: Office, flow_no: str) -> None:
    """An event that nobody could read, an answer outside the contract, and two of one thing that can't both be so."""
    sealed = office.vault.seal_body(body_row(PROVINCE, "evt-1"), b'{"type": "policy.reviewed"}')
    async with office.database.transaction() as session:
        event = Inbox(
            province_code=PROVINCE,
            event_id="evt-1",
            event_type="policy.reviewed",
            county_code=COUNTY,
            body_sha256="0",
            body=sealed,
            state=InboxState.QUARANTINED,
            effect="UNREADABLE",
        )
        session.add(event)
        await keep_claim(
            session, office.vault, Claim(COUNTY, flow_no, "result_line", "", {"said": 1}, {"said": 2}, None)
        )
    journal = PostgresJournal(office.database, office.vault)
    await journal.odd_answer(COUNTY, Operation.SUBMIT_POLICY, None, 200, b"<html>")


async def _runs(session: AsyncSession, flow_no: str) -> None:
    await open_run(session, Subject(kind=RunKind.SUBSIDY_FLOW, number=flow_no, county_code=COUNTY), "settling")


async def _citizen(office: Office) -> str:
    secret, who = secrets.token_urlsafe(32), person(office.vault, 1)
    number = f"{PROVINCE}-L2026-000001"
    async with office.database.transaction() as session:
        session.add(
            FaceLogin(
                login_no=number,
                province_code=PROVINCE,
                channel="app",
                browser_hash=hashlib.sha256(b"browser").hexdigest(),
                address_index="a",
                stage=LoginStage.PASSED,
                person_index=who.person_index,
                name_sealed=office.vault.seal(Field.NAME, number, who.name),
                id_number_sealed=office.vault.seal(Field.ID_NUMBER, number, who.id_number),
                session_hash=hashlib.sha256(secret.encode()).hexdigest(),
                session_opened_at=now(),
                last_seen_at=now(),
                ended_at=now(),
            )
        )
    return secret


async def numbers_of(office: Office) -> dict[str, list[str]]:
    async with office.database.reading() as session:
        return {name: [str(row[0]) for row in await rows_of(session, sql)] for name, sql in NUMBERS.items()}

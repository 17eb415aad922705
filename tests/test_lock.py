"""The lock on an account, act by act: each is stopped with why and by which request, and goes on afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.orders import OrderActivities
from models.forms.application_form import build_form
from models.forms.spreadsheet import CheckedFile, Forms
from models.store.cards.decisions import ask_retry, decide_part
from models.store.cards.parts import CardRefusal
from models.store.cards.requests import Citizen
from models.store.flows.rows import lock_flow_of_run
from models.store.imports.rules import with_locked
from models.store.register import lock_rules
from models.store.register.account_locks import Lock, locked_people
from models.store.register.lock_rules import LockedAct
from models.store.vault import Field
from models.tables.flows import Order
from models.wire.words import AccountChangeStatus, ApplicantKind
from tests.card_ground import Cards, card, part_no
from tests.rows import (
    COUNTY,
    ITEM,
    OPERATOR,
    REVIEWER,
    YEAR,
    Ground,
    Line,
    Office,
    account_no,
    add_applications,
    add_catalogs,
    add_file,
    add_flow,
    add_ground,
    citizen_id,
    codes,
    lock_account,
    open_office,
)
from tests.test_orders_api import mixed_flow, order

PERSON, NAME, BANK = 1, "王小梅", "BANK-A"
# What the lock keeps as it is, each changed by itself.
CHANGED: Mapping[str, Mapping[str, object]] = {
    "name": {"name": "王小美"},
    "bank": {"bank_code": "BANK-B"},
    "account": {"account_no": account_no(9)},
}


@dataclass
class Counter:
    """The county's counter, and one person whose account its register holds."""

    office: Office
    cards: Cards
    citizen: Citizen

    async def ground(self, line: Line, *others: Line, **columns: str | int | None) -> Ground:
        """A batch with a line of the person, and others."""
        ground = await add_ground(self.office, [replace(line, person=PERSON), *others])
        if columns:
            changes = ", ".join(f"{name} = :{name}" for name in columns)
            await self.office.run(f"UPDATE application SET {changes}", **columns)
        return ground

    async def alone(self, stage: str, **more: object) -> str:
        """A line of the person that is in no batch."""
        await self.ground(Line(stage="withdrawn"))
        line = replace(Line(person=PERSON, stage=stage, match_outcome=None), **more)  # type: ignore[arg-type]
        async with self.office.database.transaction() as session:
            [number] = await add_applications(session, self.office.vault, [line], None)
        return number

    async def lock(self, number: str | None = None) -> None:
        if number is not None:
            await lock_account(self.office, number)
            return
        await self.office.run(
            "INSERT INTO account_lock (county_code, person_index, request_no, since)"
            " VALUES (:county, :person, 'R-1', now())",
            county=COUNTY,
            person=self.citizen.person_index,
        )

    async def unlock(self) -> None:
        assert await self.office.run("UPDATE account_lock SET ended_at = now() WHERE ended_at IS NULL") == 1

    async def put(self, number: str, version: int, **changes: object) -> httpx.Response:
        return await self.office.http.put(
            f"/applications/{number}",
            json={"version": version, "form": form(**changes)},
            headers=self.office.headers(OPERATOR, COUNTY, None),
        )


def form(**changes: object) -> dict[str, object]:
    """The person's form, as the register has the person."""
    return {
        "kind": "personal",
        "name": NAME,
        "id_number": citizen_id(PERSON),
        "phone": "13312345835",
        "town_code": "500001100",
        "village_code": "V-01",
        "group": "6组",
        "bank_code": BANK,
        "account_no": account_no(PERSON),
        "household_registration": "agricultural",
        "family_size": 3,
        "item_code": ITEM,
        "amount_fen": 49_500,
    } | changes


@pytest.fixture
async def counter(database_url: str, tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_office(database_url, tmp_path) as office:
        cards = Cards(office.database, office.vault)
        index = office.vault.index(Field.ID_NUMBER, citizen_id(PERSON))
        citizen = Citizen("500000", index, NAME, citizen_id(PERSON))
        await cards.settle(citizen, account_no(PERSON), COUNTY, bank=BANK)
        yield Counter(office, cards, citizen)


def stopped(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "ACCOUNT_LOCKED"), answer.text
    assert "账号变更（R-1）尚未办结" in answer.json()["detail"]


def lines_stopped(answer: httpx.Response) -> None:
    assert answer.status_code == 409, answer.text
    assert codes(answer) == ["ACCOUNT_LOCKED"]
    assert "账号变更（R-1）尚未办结" in answer.json()["errors"][0]["detail"]


def taken(answer: httpx.Response) -> None:
    assert answer.status_code in (200, 201, 202), answer.text


async def entry(at: Counter) -> None:
    await at.cards.act(add_catalogs)
    await at.lock()

    async def enter(**changes: object) -> httpx.Response:
        return await at.office.post("/applications", {"fund_year": YEAR, "form": form(**changes)})

    for change in CHANGED.values():
        stopped(await enter(**change))
    taken(await enter())
    await at.unlock()
    for change in CHANGED.values():
        taken(await enter(**change))


async def edit(at: Counter) -> None:
    number = await at.alone("draft")
    await at.lock(number)
    version = 1
    for change in (*CHANGED.values(), {"id_number": citizen_id(9)}):
        stopped(await at.put(number, version, **change))
    await at.unlock()
    for change in (*CHANGED.values(), {"id_number": citizen_id(9)}):
        taken(await at.put(number, version, **change))
        version += 1


async def entry_of_a_file(at: Counter) -> None:
    values = [{}, *CHANGED.values()]
    forms = [(row, build_form(ApplicantKind.PERSONAL, form(**change))) for row, change in enumerate(values, 2)]
    checked = CheckedFile(
        Forms(ApplicantKind.PERSONAL, [(row, each.model_dump()) for row, each in forms], frozenset(), ()), ()
    )

    async def faults() -> list[tuple[int, str, str, str]]:
        locked = await at.cards.act(lambda session: locked_people(session, COUNTY))
        held = with_locked(at.office.vault, COUNTY, checked, locked)
        return [(fault.row, fault.column, fault.code, fault.message) for fault in held.faults]

    assert await faults() == []
    await at.lock()
    found = await faults()
    assert [fault[:3] for fault in found] == [
        (3, "姓名", "ACCOUNT_LOCKED"),
        (4, "一卡通账号", "ACCOUNT_LOCKED"),
        (5, "一卡通账号", "ACCOUNT_LOCKED"),
    ]
    assert all("账号变更（R-1）尚未办结" in fault[3] for fault in found)


async def name_correction(at: Counter) -> None:
    number = await at.alone("unmatched", match_outcome="name_differs", correct_name="王小美")
    body = {"kind": "name_correction", "reason": "经核实", "selection": {"application_nos": [number]}}
    await at.lock(number)
    lines_stopped(await at.office.post("/orders", body))
    await at.unlock()
    entered = await at.office.post("/orders", body)
    taken(entered)
    confirmation = f"/orders/{entered.json()['order_no']}/confirmation"
    await at.lock(number)
    lines_stopped(await at.office.post(confirmation, {}, REVIEWER))
    await at.unlock()
    taken(await at.office.post(confirmation, {}, REVIEWER))


async def line_order(at: Counter) -> None:
    flow_no, named = await mixed_flow(at.office)
    kinds = {"modified": "rejected", "confirmed": "duplicate", "unverified": "unverified", "repayment": "repayment"}
    for kind, line in kinds.items():
        await at.lock(named[line])
        lines_stopped(await at.office.post("/orders", order(kind, flow_no, named[line])))
        await at.unlock()
        entered = await at.office.post("/orders", order(kind, flow_no, named[line]))
        taken(entered)
        confirmation = f"/orders/{entered.json()['order_no']}/confirmation"
        await at.lock(named[line])
        lines_stopped(await at.office.post(confirmation, {}, REVIEWER))
        await at.unlock()
        taken(await at.office.post(confirmation, {}, REVIEWER))


async def correction(at: Counter) -> None:
    """Confirmed first, locked before the flow's run comes to it."""
    flow_no, named = await mixed_flow(at.office)
    corrections = [{"application_no": named["rejected"], "name": "王小美"}]
    entered = await at.office.post("/orders", order("modified", flow_no, corrections=corrections))
    order_no = entered.json()["order_no"]
    taken(await at.office.post(f"/orders/{order_no}/confirmation", {}, REVIEWER))
    await at.lock(named["rejected"])
    hands = OrderActivities(at.office.database, at.office.vault, None)  # type: ignore[arg-type]

    async def carry_out(session: AsyncSession) -> None:
        flow = await lock_flow_of_run(session, flow_no)
        await hands._correct(session, flow, (await session.exec(select(Order).where(Order.order_no == order_no))).one())

    await at.cards.act(carry_out)
    [(code, fault)] = await at.office.rows("SELECT fault_code, fault FROM order_line")
    assert (code, "账号变更" in str(fault)) == ("ACCOUNT_CHANGED", True)
    names = "SELECT name_sealed FROM application WHERE application_no = :no"
    [(sealed,)] = await at.office.rows(names, no=named["rejected"])
    assert at.office.vault.open(Field.NAME, named["rejected"], str(sealed)) == NAME


async def declaration(at: Counter) -> dict[str, object]:
    """A 村社申报 of the person, whose account isn't usable any more."""
    await at.cards.act(add_catalogs)
    await at.office.run("UPDATE register_account SET status = 'invalid'")
    photo = await at.cards.act(lambda session: add_file(session, COUNTY, "image/png"))
    filled = {"name": NAME, "id_number": citizen_id(PERSON), "account_no": account_no(7)}
    return filled | {"card_type": "passbook", "bank_code": BANK, "photo_file_id": photo}


async def village_entry(at: Counter) -> None:
    body = await declaration(at)
    await at.lock()
    stopped(await at.office.post("/village-entries", body))
    await at.unlock()
    taken(await at.office.post("/village-entries", body))
    again = await at.office.post("/village-entries", body)
    assert "村社申报（500001-N" in again.json()["detail"]


async def card_change(at: Counter) -> None:
    await at.lock()
    request = await at.cards.request(await at.cards.open(at.citizen, card(2), COUNTY))
    assert request.failure_code == "ACCOUNT_LOCKED"
    assert "您在所选区县的账号变更（R-1）尚未办结" in (request.failure or "")
    await at.unlock()
    assert (await at.cards.open(at.citizen, card(2), COUNTY)).ended_at is None


async def retry(at: Counter) -> None:
    request = await at.cards.in_review(at.citizen, card(2), COUNTY)
    number, vault = part_no(request, COUNTY), at.office.vault
    await at.cards.act(lambda session: decide_part(session, vault, number, True, None, REVIEWER))
    await at.cards.told(request, COUNTY, status=AccountChangeStatus.FAILED)
    await at.lock()
    with pytest.raises(CardRefusal) as refusal:
        await at.cards.act(lambda session: ask_retry(session, vault, number, REVIEWER))
    assert (refusal.value.code, "账号变更（R-1）" in refusal.value.words) == ("ACCOUNT_LOCKED", True)
    await at.unlock()
    assert (await at.cards.act(lambda session: ask_retry(session, vault, number, REVIEWER))).attempt == 2


async def initialisation(at: Counter) -> None:
    number = await at.alone("publicised")
    await at.lock(number)
    body = {"selection": {"application_nos": [number]}}
    refused = await at.office.post("/beneficiary-lists", body)
    assert codes(refused) == ["ACCOUNT_LOCKED"]
    await at.unlock()
    taken(await at.office.post("/beneficiary-lists", body))


async def verification(at: Counter) -> None:
    ground = await at.ground(Line(), Line(person=2), verification="none")
    await at.office.run("UPDATE batch SET stage = 'open'")
    await at.lock()
    answer = await at.office.post(f"/batches/{ground.batch_no}/verifications")
    taken(answer)
    assert (answer.json()["held"], answer.json()["pending"]) == (1, 1)
    states = await at.office.rows("SELECT verification FROM application ORDER BY id")
    assert states == [("held",), ("pending",)]


async def submission(at: Counter) -> None:
    ground = await at.ground(Line(), Line(person=2))
    await at.lock()
    await add_flow(at.office, ground)
    assert await at.office.rows("SELECT state FROM flow_line ORDER BY id") == [("held",), ("unsent",)]


PLAYS: Mapping[LockedAct, Callable[[Counter], Awaitable[None]]] = {
    LockedAct.ENTRY: entry,
    LockedAct.EDIT: edit,
    LockedAct.IMPORT: entry_of_a_file,
    LockedAct.NAME_CORRECTION: name_correction,
    LockedAct.LINE_ORDER: line_order,
    LockedAct.CORRECTION: correction,
    LockedAct.VILLAGE_ENTRY: village_entry,
    LockedAct.CARD_CHANGE: card_change,
    LockedAct.RETRY: retry,
    LockedAct.INITIALISATION: initialisation,
    LockedAct.VERIFICATION: verification,
    LockedAct.SUBMISSION: submission,
}


@pytest.mark.parametrize("act", LockedAct)
async def test_each_act_that_the_lock_stops(counter: Counter, act: LockedAct) -> None:
    await PLAYS[act](counter)


async def test_what_the_lock_does_not_stop(counter: Counter) -> None:
    """Phone and amount change, review and batch go on, and a line may be withdrawn."""
    number = await counter.alone("draft")
    [(batch_no,)] = await counter.office.rows("SELECT batch_no FROM batch")
    await counter.office.run("UPDATE batch SET stage = 'open'")
    # a line of a file needs no picture of the card
    await counter.office.run("UPDATE application SET channel = 'import'")
    await counter.lock(number)
    taken(await counter.put(number, 1, phone="13900001234", amount_fen=40_000, group="7组", family_size=4))
    chosen: dict[str, object] = {"selection": {"application_nos": [number]}}
    for path, who, reason in (
        ("/application-submissions", OPERATOR, {}),
        ("/application-approvals", REVIEWER, {}),
        ("/application-publicisings", OPERATOR, {}),
        (f"/batches/{batch_no}/applications", OPERATOR, {}),
        (f"/batches/{batch_no}/removals", OPERATOR, {}),
        ("/application-withdrawals", OPERATOR, {"reason": "经核实"}),
    ):
        taken(await counter.office.post(path, chosen | reason, who))


async def test_a_lock_that_ends_as_it_is_met_is_told_without_its_number(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = await declaration(counter)
    await counter.lock()

    async def just_ended(session: AsyncSession, county_code: str, people: Sequence[str]) -> dict[str, Lock]:
        await counter.unlock()
        return await locked_people(session, county_code, people)

    monkeypatch.setattr(lock_rules, "locked_people", just_ended)
    answer = await counter.office.post("/village-entries", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "ACCOUNT_LOCKED"), answer.text
    assert "账号变更或村社申报尚未办结" in answer.json()["detail"]

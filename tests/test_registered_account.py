"""The account that was typed isn't the one that is paid: said wherever one looks."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from activities.intake import file_checks
from models.store.orders.apply_corrections import (
    BY_APPLICATION,
    CORRECTED,
    CorrectedLine,
    apply_corrections,
    queries_of,
)
from models.store.register.accounts import NewAccount, apply_change
from models.store.sql import execute, fetch
from models.store.vault import Field
from models.tables.batches import BeneficiaryList
from models.words.staff import Role
from models.words.stages import AccountStatus
from tests.import_office import HEADERS, Desk, row, sheet
from tests.rows import (
    COUNTY,
    OTHER_COUNTY,
    REVIEWER,
    YEAR,
    Line,
    Office,
    account_no,
    add_applications,
    add_catalogs,
    add_flow,
    add_ground,
    citizen_id,
    codes,
    open_office,
    set_lines,
)
from tests.statements import rows_of
from tests.test_account_numbers import number

pytest_plugins = ["tests.import_fixtures"]
MEI, LI, STRANGER = 7, 8, 9
REGISTERED = "510722889900"
NOTE = "邮储银行 ****9900，发放以登记账号为准"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            for county in (COUNTY, OTHER_COUNTY):
                await add_catalogs(session, county)
        yield opened


async def register(
    office: Any, person: str, account: str = REGISTERED, bank: str = "BANK-B", county: str = COUNTY
) -> None:
    """The person's account as a card change has left it."""
    index = office.vault.index(Field.ID_NUMBER, person)
    new = NewAccount(county, index, "王小梅", person, bank, account, "passbook", "渝快办", REVIEWER)
    async with office.database.transaction() as session:
        await apply_change(session, office.vault, new)


def form(person: int, **changes: object) -> dict[str, object]:
    return {
        "kind": "personal",
        "name": "王小梅",
        "id_number": citizen_id(person),
        "phone": "13312345835",
        "town_code": "500001100",
        "village_code": "V-01",
        "bank_code": "BANK-A",
        "account_no": account_no(person),
        "household_registration": "agricultural",
        "family_size": 3,
        "item_code": "ITEM-01",
        "amount_fen": 49_500,
    } | changes


async def entered(office: Office, wanted: dict[str, object], who: str = "op.li", role: Role | None = None) -> Any:
    answer = await office.post("/applications", {"fund_year": YEAR, "form": wanted}, who, role=role)
    assert answer.status_code == 201, answer.text
    return answer.json()


def told(body: Any) -> list[str]:
    return [each["detail"] for each in body["warnings"] if each["code"] == "OTHER_ACCOUNT"]


async def flagged(office: Office, number: str) -> dict[str, bool]:
    """Whether an application is told of at a stage; at the first one it is left."""
    found = {}
    for stage in ("withdrawn", "paid", "failed", "matched", "in_review"):
        await office.run("UPDATE application SET stage = :stage WHERE application_no = :no", stage=stage, no=number)
        shown = (await office.get(f"/applications/{number}")).json()
        assert shown["registered_account"] is not None
        listed = (await office.get("/applications", other_account="true")).json()["items"]
        assert shown["other_account"] == bool(listed)
        found[stage] = shown["other_account"]
    return found


async def test_it_is_said_at_entry_and_edit_in_lists_and_with_the_registers_account(office: Office) -> None:
    await register(office, citizen_id(MEI))
    body = await entered(office, form(MEI))
    [words] = told(body)
    assert "发放以登记账号为准" in words
    assert "邮储银行 ****9900（来源：渝快办）" in words.replace("邮储银行****", "邮储银行 ****")
    path = f"/applications/{body['application_no']}"
    shown = await office.whole(path)
    assert (shown["other_account"], shown["registered_note"]) == (True, NOTE)
    registered = shown["registered_account"]
    assert (registered["account_no"], registered["bank"], registered["source"]) == (REGISTERED, "邮储银行", "渝快办")
    assert (registered["status_label"], registered["card_type_label"]) == ("有效", "存折")
    same = form(MEI, bank_code="BANK-B", account_no=REGISTERED)
    headers = office.headers("op.li", COUNTY, None)
    edited = await office.http.put(path, json={"version": 1, "form": same}, headers=headers)
    assert told(edited.json()) == []
    shown = await office.whole(path)
    assert (shown["other_account"], shown["registered_note"]) == (False, None)
    assert shown["registered_account"]["account_no"] == REGISTERED
    for other in (form(MEI, bank_code="BANK-A", account_no=REGISTERED), form(MEI, bank_code="BANK-B")):
        version = (await office.get(path)).json()["version"]
        edited = await office.http.put(path, json={"version": version, "form": other}, headers=headers)
        assert len(told(edited.json())) == 1


async def test_what_is_not_usable_or_another_countys_is_not_what_is_paid(office: Office) -> None:
    await register(office, citizen_id(MEI), county=OTHER_COUNTY)
    body = await entered(office, form(MEI))
    assert told(body) == []
    assert (await office.get(f"/applications/{body['application_no']}")).json()["registered_account"] is None
    await register(office, citizen_id(LI))
    for status in (AccountStatus.INVALID, AccountStatus.CLEARED):
        await office.run(
            "UPDATE register_account SET status = :status WHERE county_code = :county",
            status=status.value,
            county=COUNTY,
        )
        assert told(await entered(office, form(LI))) == []
        [line] = (await office.get("/applications", other_account="true")).json()["items"] or [None]
        assert line is None


async def test_after_the_match_an_invalid_account_goes_out_all_the_same_and_it_is_said(office: Office) -> None:
    """Only a match that is still to come puts the application's account in its place."""
    ground = await add_ground(office, [Line(person=MEI)])
    [number] = ground.numbers
    await register(office, citizen_id(MEI))
    await office.run("UPDATE register_account SET status = 'invalid'")
    found = await flagged(office, number)
    assert found == {"withdrawn": False, "paid": False, "failed": True, "matched": True, "in_review": False}
    await office.run("UPDATE application SET stage = 'in_batch'")
    note = (await office.get(f"/applications/{number}")).json()["registered_note"]
    assert note == "邮储银行 ****9900（无效，须先变更账号），发放以登记账号为准"
    started = (await office.post("/flows", ground.start)).json()
    [line] = (await office.get(f"/flows/{started['flow_no']}/lines")).json()["items"]
    assert (line["account_no"], line["other_account"]) == ("****9900", True)


async def test_an_applicant_hears_of_the_own_account_only(office: Office) -> None:
    """Anybody's id may be typed: whether and where that person has an account is nobody's business."""
    await register(office, citizen_id(STRANGER))
    body = await entered(office, form(STRANGER), "wang", Role.APPLICANT)
    assert body["warnings"] == []
    headers = office.headers("wang", COUNTY, None, Role.APPLICANT)
    shown = (await office.http.get(f"/applications/{body['application_no']}", headers=headers)).json()
    assert (shown["other_account"], shown["registered_note"], shown["registered_account"]) == (False, None, None)
    for flag in ("other_account", "repayable"):
        for value in ("true", "false"):
            listed = await office.http.get("/applications", params={flag: value}, headers=headers)
            assert listed.json()["items"] == [], flag
            chosen = {"selection": {"filter": {flag: value == "true"}}}
            act = await office.post("/application-submissions", chosen, "wang", role=Role.APPLICANT)
            assert act.json()["count"] == 0
    index = office.vault.index(Field.ID_NUMBER, citizen_id(STRANGER))
    token = office.staff.token("zhao", Role.APPLICANT, COUNTY, index)
    own = {"Authorization": f"Bearer {token}", "Idempotency-Key": "own"}
    wanted = {"fund_year": YEAR, "form": form(STRANGER)}
    body = (await office.http.post("/applications", json=wanted, headers=own)).json()
    assert len(told(body)) == 1
    [mine] = (await office.http.get("/applications", params={"other_account": "true"}, headers=own)).json()["items"]
    assert (mine["application_no"], mine["registered_note"]) == (body["application_no"], NOTE)
    path = f"/applications/{body['application_no']}/disclosures"
    shown = (await office.http.post(path, json={"purpose": "edit"}, headers=own)).json()
    assert shown["registered_account"]["account_no"] == REGISTERED


async def test_the_review_is_told_and_can_choose_them(office: Office) -> None:
    async with office.database.transaction() as session:
        numbers = await add_applications(
            session, office.vault, [Line(person=person, stage="in_review") for person in (MEI, LI)], None
        )
    await register(office, citizen_id(MEI))
    await register(office, citizen_id(LI), account_no(LI), "BANK-A")
    listed = (await office.get("/applications", REVIEWER, stage="in_review")).json()["items"]
    assert [(line["other_account"], line["registered_note"]) for line in listed] == [(True, NOTE), (False, None)]
    only = (await office.get("/applications", REVIEWER, stage="in_review", other_account="true")).json()["items"]
    assert [line["application_no"] for line in only] == numbers[:1]
    book = await office.get("/applications", REVIEWER, format="xlsx")
    first, second, third = openpyxl.load_workbook(io.BytesIO(book.content)).active.iter_rows(values_only=True)
    place = first.index("登记账号与所填不同")
    assert (second[place], third[place]) == (NOTE, None)
    assert await flagged(office, numbers[0]) == {
        **dict.fromkeys(("in_review", "matched", "failed"), True),
        **dict.fromkeys(("paid", "withdrawn"), False),
    }
    approved = await office.post("/application-approvals", {"selection": {"application_nos": numbers}}, REVIEWER)
    [warning] = [each for each in approved.json()["warnings"] if each["code"] == "OTHER_ACCOUNT"]
    assert (approved.json()["count"], warning["count"], warning["application_nos"]) == (2, 1, numbers[:1])


async def test_the_initialisations_results_say_it(office: Office) -> None:
    async with office.database.transaction() as session:
        numbers = await add_applications(
            session, office.vault, [Line(person=person, stage="matched") for person in (MEI, LI)], None
        )
        listed = BeneficiaryList(
            list_no="L-1", county_code=COUNTY, fund_year=YEAR, line_count=2, total_fen=99_000, entered_by="op.li"
        )
        session.add(listed)
        await session.flush()
        await execute(session, "UPDATE application SET list_id = :id", id=listed.id)
    await register(office, citizen_id(MEI))
    results = (await office.get("/beneficiary-lists/L-1/results")).json()["items"]
    assert [(line["other_account"], line["registered_note"]) for line in results] == [(True, NOTE), (False, None)]
    for value, expected in (("true", numbers[:1]), ("false", numbers[1:])):
        some = (await office.get("/beneficiary-lists/L-1/results", other_account=value)).json()["items"]
        assert [line["application_no"] for line in some] == expected


async def test_the_flows_lines_say_what_was_typed(office: Office) -> None:
    ground = await add_ground(office, [Line(person=MEI), Line(person=LI)])
    await register(office, citizen_id(MEI))
    flow_no = await add_flow(office, ground)
    lines = (await office.get(f"/flows/{flow_no}/lines")).json()["items"]
    assert [line["account_no"] for line in lines] == ["****9900", f"****{account_no(LI)[-4:]}"]
    assert [(line["other_account"], line["registered_note"]) for line in lines] == [
        (True, f"发放以登记账号为准，申请所填为农商银行 ****{account_no(MEI)[-4:]}"),
        (False, None),
    ]
    headers = office.headers("op.li", COUNTY, None, Role.APPLICANT)
    for asked, account in ((office.headers("op.li", COUNTY, None), REGISTERED), (headers, None)):
        path = f"/applications/{ground.numbers[0]}/disclosures"
        shown = (await office.http.post(path, json={}, headers=asked)).json()
        assert [(each["account_no"], each["other_account"]) for each in shown["flows"]] == [
            (account, account is not None)
        ]


@pytest.mark.parametrize(
    ("fields", "account", "bank", "kind"),
    [
        ({"bank_code": "BANK-A"}, REGISTERED, "BANK-A", "passbook"),
        ({"account_no": "51072288", "card_type": "bank_card"}, "51072288", "BANK-B", "bank_card"),
        ({"account_no": "51072288", "bank_code": "BANK-A"}, "51072288", "BANK-A", "passbook"),
    ],
)
async def test_a_correction_of_one_half_leaves_what_the_bank_was_asked_about(
    office: Office, fields: dict[str, str], account: str, bank: str, kind: str
) -> None:
    """Never the register's bank with the account that was typed, nor the other way round."""
    ground = await add_ground(office, [Line(person=MEI)])
    await register(office, citizen_id(MEI))
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "rejected", reason_code="account_invalid")
    wanted = {"kind": "modified", "flow_no": flow_no, "reason": "账号有误"}
    wanted |= {"corrections": [{"application_no": ground.numbers[0], **fields}]}
    order_no = (await office.post("/orders", wanted)).json()["order_no"]
    [shown] = (await office.get(f"/orders/{order_no}/lines")).json()["items"]
    assert ("卡类型：银行卡" in shown["changes"]) == ("card_type" in fields)
    async with office.database.transaction() as session:
        lines = await fetch(session, CorrectedLine, CORRECTED + BY_APPLICATION, order=1)
        [asked] = queries_of(office.vault, lines)
        await apply_corrections(session, office.vault, lines, "op.li")
    assert (asked.account_no, asked.bank_code) == (account, bank)
    index = office.vault.index(Field.ACCOUNT, account)
    for table in ("flow_line", "application", "register_account"):
        assert await office.rows(f"SELECT bank_code, account_index FROM {table}") == [(bank, index)], table
    assert await office.rows("SELECT card_type FROM register_account") == [(kind,)]


async def test_a_kind_is_corrected_with_its_account_only(office: Office) -> None:
    ground = await add_ground(office, [Line(person=MEI)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "rejected", reason_code="account_invalid")
    wanted = {"kind": "modified", "flow_no": flow_no, "reason": "账号有误"}
    alone = {"application_no": ground.numbers[0], "card_type": "passbook"}
    answer = await office.post("/orders", wanted | {"corrections": [alone]})
    assert codes(answer) == ["ACCOUNT_MISSING"]
    wrong = alone | {"account_no": number(19, "62", right=False)}
    answer = await office.post("/orders", wanted | {"corrections": [wrong | {"card_type": "bank_card"}]})
    assert codes(answer) == ["ACCOUNT_CHECK_DIGIT"]
    answer = await office.post(
        "/orders", wanted | {"corrections": [wrong | {"account_no": "5107226677", "card_type": None}]}
    )
    assert [each["code"] for each in answer.json()["warnings"]] == ["ACCOUNT_AS_PASSBOOK"]


async def test_a_file_is_taken_in_and_its_rows_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_checks, "MOST_TOLD", 1)
    lines = [row(place) for place in range(4)]
    # worth a look too, and earlier in the file
    lines[0][HEADERS.index("一卡通账号")] = "12345678"
    people = [str(line[HEADERS.index("身份证号")]) for line in lines]
    account, bank = str(lines[2][HEADERS.index("一卡通账号")]), "B0"
    await register(desk.server, people[1])
    await register(desk.server, people[2], account, bank)
    await register(desk.server, people[3], county=OTHER_COUNTY)
    seen = await desk.finished(await desk.hand_in(sheet(lines)))
    assert (seen["stage"], seen["rows_imported"]) == ("imported", 4)
    assert [(each["row"], each["column"], each["code"]) for each in seen["warnings"]] == [
        (3, "一卡通账号", "OTHER_ACCOUNT")
    ]
    assert "发放以登记账号为准" in seen["warnings"][0]["message"]
    listed = (await desk.server.get(Role.OPERATOR, "/applications", other_account="true")).json()["items"]
    assert [line["other_account"] for line in listed] == [True]
    again = await desk.finished(await desk.hand_in(sheet(lines)))
    assert (again["stage"], [each["row"] for each in again["warnings"]]) == ("to_confirm", [3])
    async with desk.server.database.reading() as session:
        [(bank_code,)] = await rows_of(session, "SELECT DISTINCT bank_code FROM application")
    assert bank_code == bank

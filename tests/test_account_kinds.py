"""Passbooks of any length come in by entry and by file, are found, masked and kept with the kind that was told."""

from typing import Any

import pytest

from models.store.register.register import fill_from_matched
from models.store.sql import execute, scratch
from models.store.vault import Field
from models.tables.base import now
from models.words.staff import Role
from tests.api_server import COUNTY, ApiServer, api_server, seed_catalogs
from tests.application_lines import enter, organization, personal
from tests.import_office import Desk, csv, row
from tests.statements import rows_of
from tests.test_account_numbers import number

pytest_plugins = ["tests.import_fixtures"]
UNIONPAY_WRONG = number(19, "62", right=False)


@pytest.fixture
async def server(database_url: str, tmp_path: Any) -> Any:
    async with api_server(database_url, tmp_path) as running:
        await seed_catalogs(running.database)
        yield running


async def register_of(server: ApiServer, application_no: str) -> tuple[str, str]:
    """Account and kind that the register takes from a matched application."""
    async with server.database.transaction() as session:
        await scratch(session, "incoming", {"application_no": "text", "outcome": "text"}, [(application_no, "matched")])
        await fill_from_matched(session, server.vault, COUNTY, now())
    async with server.database.reading() as session:
        [found] = await rows_of(
            session,
            "SELECT r.person_index, r.account_sealed, r.card_type FROM register_account r JOIN application a"
            " USING (county_code, person_index) WHERE a.application_no = :number",
            number=application_no,
        )
    return server.vault.open(Field.ACCOUNT, f"{COUNTY}/{found.person_index}", found.account_sealed), found.card_type


@pytest.mark.parametrize("length", [8, 15, 17, 20, 22, 30])
async def test_a_passbook_that_is_told_is_entered_found_masked_and_registered(server: ApiServer, length: int) -> None:
    passbook = number(length, right=False)
    entered = await enter(server, personal(1, account_no=passbook, card_type="passbook"))
    assert entered["warnings"] == []
    seen = await server.whole(Role.OPERATOR, f"/applications/{entered['application_no']}")
    assert (seen["account_no"], seen["card_type"], seen["card_type_label"]) == (passbook, "passbook", "存折")
    grouped = " ".join(passbook[place : place + 4] for place in range(0, length, 4))
    headers = server.bearer(Role.REVIEWER)
    found = await server.http.post("/applications/search", json={"account_no": grouped}, headers=headers)
    [line] = found.json()["items"]
    assert (line["account_no"], line["card_type_label"]) == ("****" + passbook[-4:], "存折")
    assert await register_of(server, entered["application_no"]) == (passbook, "passbook")
    listed = await server.http.post("/register/search", json={"account_no": passbook}, headers=headers)
    assert [each["card_type_label"] for each in listed.json()["items"]] == ["存折"]


async def test_an_entry_is_judged_by_the_kind_that_it_tells(server: ApiServer) -> None:
    refused: dict[str | None, tuple[int, Any]] = {}
    for told in (None, "bank_card", "passbook"):
        form = personal(1, account_no=UNIONPAY_WRONG, card_type=told)
        answer = await server.post(Role.OPERATOR, "/applications", {"fund_year": 2026, "form": form})
        refused[told] = answer.status_code, answer.json().get("errors")
    assert [status for status, _ in refused.values()] == [422, 422, 201]
    for told in (None, "bank_card"):
        [error] = refused[told][1]
        assert (error["pointer"], error["code"]) == ("/form/account_no", "ACCOUNT_CHECK_DIGIT")
        assert "存折" in error["detail"]


async def test_what_is_unusual_is_warned_at_entry_and_edit(server: ApiServer) -> None:
    """The seed's own number under 卡类型 银行卡; a number of 20 digits that nobody has called anything."""
    entered = await enter(server, personal(1, account_no="510722889900", card_type="bank_card"))
    assert [(each["code"], each["pointer"]) for each in entered["warnings"]] == [("ACCOUNT_LENGTH", "/form/account_no")]
    assert await register_of(server, entered["application_no"]) == ("510722889900", "bank_card")
    path = f"/applications/{entered['application_no']}"
    body = {"version": 1, "form": personal(1, account_no=number(20, right=True))}
    edited = (await server.put(Role.OPERATOR, path, body)).json()
    # and the register has taken the former one
    assert [each["code"] for each in edited["warnings"]] == ["OTHER_ACCOUNT", "ACCOUNT_AS_PASSBOOK"]
    seen = (await server.get(Role.OPERATOR, path)).json()
    assert (seen["card_type"], seen["card_type_label"]) == (None, None)


async def test_an_organization_has_accounts_of_any_length_too(server: ApiServer) -> None:
    entered = await enter(server, organization(1, account_no=number(17, right=False), card_type="passbook"))
    assert entered["warnings"] == []


async def test_an_account_is_no_application_number(server: ApiServer) -> None:
    form = personal(1, account_no="20260001", card_type="passbook", application_no="20260001")
    answer = await server.post(Role.OPERATOR, "/applications", {"fund_year": 2026, "form": form})
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/form/application_no", "APPLICATION_NO_FORMAT")


async def test_a_number_that_can_be_no_account_is_not_searched_for(server: ApiServer) -> None:
    for path in ("/applications/search", "/register/search"):
        for wrong in ("5107226", "5" * 31):
            answer = await server.http.post(path, json={"account_no": wrong}, headers=server.bearer(Role.REVIEWER))
            assert answer.status_code == 422
            assert "8 至 30 位" in answer.text


async def test_a_file_tells_the_kind_in_a_column_of_its_own(desk: Desk) -> None:
    rows = [
        row(0, account_no=UNIONPAY_WRONG, card_type="存折"),
        row(1, account_no=number(22, right=False), card_type="存折"),
        row(2, account_no="510722889900", card_type="银行卡"),
        row(3, account_no=number(20, right=False)),
        row(4, account_no=number(17, "30", right=False)),
        row(5, account_no="510722889900"),
        row(6),
    ]
    seen = await desk.finished(await desk.hand_in(csv(rows)))
    assert (seen["stage"], seen["rows_imported"]) == ("imported", 7)
    assert [(each["row"], each["column"], each["code"]) for each in seen["warnings"]] == [
        (4, "一卡通账号", "ACCOUNT_LENGTH"),
        (5, "一卡通账号", "ACCOUNT_AS_PASSBOOK"),
        (6, "一卡通账号", "ACCOUNT_AS_PASSBOOK"),
    ]
    async with desk.server.database.reading() as session:
        kinds = await rows_of(session, "SELECT card_type FROM application ORDER BY id")
    assert [kind for (kind,) in kinds] == ["passbook", "passbook", "bank_card", None, None, None, None]


async def test_a_file_is_refused_where_a_card_is_wrong_and_where_the_kind_is_no_kind(desk: Desk) -> None:
    rows = [
        row(0, account_no=UNIONPAY_WRONG),
        row(1, account_no=number(17, "30", right=False), card_type="银行卡"),
        row(2, card_type="信用卡"),
        row(3, account_no="5107226", card_type="存折"),
        row(4, account_no="20260001", card_type="存折", application_no="20260001"),
    ]
    seen = await desk.finished(await desk.hand_in(csv(rows)))
    assert [(each["row"], each["column"], each["code"]) for each in seen["faults"]] == [
        (2, "一卡通账号", "ACCOUNT_CHECK_DIGIT"),
        (3, "一卡通账号", "ACCOUNT_CHECK_DIGIT"),
        (4, "卡类型", "CARD_TYPE_UNKNOWN"),
        (5, "一卡通账号", "ACCOUNT_FORMAT"),
        (6, "申请编号", "APPLICATION_NO_FORMAT"),
    ]
    async with desk.server.database.transaction() as session:
        assert await execute(session, "DELETE FROM application") == 0

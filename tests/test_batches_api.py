"""Batches, their publicity and verification, initialisation lists and the register over HTTP."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest

from models.store.cards.invalidation import invalidate
from models.store.register.accounts import AccountFinding
from models.store.register.register import fill_from_matched
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from models.tables.base import now
from models.words.staff import Role
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server, seed_catalogs
from tests.application_lines import (
    act,
    card,
    citizen_id,
    enter,
    lock_account,
    organization,
    personal,
    put_lines,
    request,
    stages,
)
from tests.sheets import table
from tests.statements import one_row, rows_of


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        await seed_catalogs(running.database)
        yield running


async def open_batch(server: ApiServer, year: int = YEAR) -> str:
    answer = await server.post(Role.OPERATOR, "/batches", {"fund_year": year, "title": "春耕补贴"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["batch_no"])


async def batch_of(server: ApiServer, number: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await server.get(Role.OPERATOR, f"/batches/{number}")).json()
    return shown


async def put_image(server: ApiServer, content_type: str = "image/png", county: str = COUNTY) -> int:
    """A stored file's row, as POST /files leaves it."""
    async with server.database.transaction() as session:
        return await fetch_int(
            session,
            "WITH stored AS (INSERT INTO stored_file"
            " (county_code, object_key, sha256, content_type, size, stored_by, stored_at)"
            " VALUES (:county, gen_random_uuid()::text, 'x', :kind, 5, 'operator', now()) RETURNING id, stored_by)"
            " INSERT INTO file_use (file_id, thing, number) SELECT id, 'person', stored_by FROM stored"
            " RETURNING file_id",
            county=county,
            kind=content_type,
        )


async def verify(server: ApiServer, number: str) -> Any:
    return await server.post(Role.OPERATOR, f"/batches/{number}/verifications", {})


async def sql(server: ApiServer, statement: str, **values: Any) -> None:
    """What the platform or a flow would have brought about."""
    async with server.database.transaction() as session:
        await execute(session, statement, **values)


async def test_who_knows_the_stage_is_answered_when_it_is_another(server: ApiServer) -> None:
    number = await open_batch(server)
    path, known = f"/batches/{number}", {"wait": 20, "stage": "open"}
    waiting = asyncio.create_task(server.get(Role.OPERATOR, path, **known))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done, "nothing has changed, so nothing is answered yet"
    await sql(server, "UPDATE batch SET stage = 'verified' WHERE batch_no = :number", number=number)
    async with asyncio.timeout(10):
        assert (await waiting).json()["stage"] == "verified"
        assert (await server.get(Role.OPERATOR, path, **known)).json()["stage"] == "verified", "another one by now"
        assert (await server.get(Role.OPERATOR, path, county=OTHER_COUNTY, **known)).status_code == 404
        unchanged = await server.get(Role.OPERATOR, path, wait=0.1, stage="verified")
        assert unchanged.json()["stage"] == "verified", "after the wait it is answered anyway"
    assert (await server.get(Role.OPERATOR, path, wait=21)).status_code == 422


async def test_lines_join_by_their_stage_and_leave_again(server: ApiServer) -> None:
    number = await open_batch(server)
    ready = await put_lines(server, 3, "pending_settlement")
    planned = await put_lines(server, 2, "publicised")
    (failed,) = await put_lines(server, 1, "failed", payments=1)
    (paid,) = await put_lines(server, 1, "paid")
    done = await act(server, Role.OPERATOR, f"/batches/{number}/applications", {"fund_year": YEAR})
    assert (done["count"], {group["code"]: group["application_nos"] for group in done["left_out"]}) == (
        6,
        {"STAGE_UNFIT": [paid]},
    )
    shown = await batch_of(server, number)
    assert {figure["stage"]: figure["count"] for figure in shown["stages"]} == {"in_batch": 4, "publicised": 2}
    assert (shown["line_count"], shown["stage_label"]) == (6, "待校验")
    left = await act(server, Role.OPERATOR, f"/batches/{number}/removals", [ready[0], planned[0], failed])
    assert left["count"] == 3
    assert await stages(server) == {"pending_settlement": 1, "in_batch": 2, "publicised": 2, "failed": 1, "paid": 1}
    twice = await server.post(Role.OPERATOR, f"/batches/{number}/removals", request([ready[0]]))
    assert twice.json()["errors"][0]["code"] == "NOT_IN_BATCH"


async def test_lines_of_another_batch_or_year_stay_where_they_are(server: ApiServer) -> None:
    first, second, other_year = await open_batch(server), await open_batch(server), await open_batch(server, YEAR + 1)
    numbers = await put_lines(server, 2, "matched")
    await act(server, Role.OPERATOR, f"/batches/{first}/applications", numbers[:1])
    again = await act(server, Role.OPERATOR, f"/batches/{second}/applications", {"stage": "matched"})
    assert (again["count"], again["left_out"][0]["code"]) == (1, "IN_OTHER_BATCH")
    wrong = await act(server, Role.OPERATOR, f"/batches/{other_year}/applications", {"stage": "matched"})
    assert (wrong["count"], {group["code"] for group in wrong["left_out"]}) == (0, {"IN_OTHER_BATCH"})
    await put_lines(server, 1, "matched")
    late = await act(server, Role.OPERATOR, f"/batches/{other_year}/applications", {"stage": "matched"})
    assert {group["code"] for group in late["left_out"]} == {"IN_OTHER_BATCH", "OTHER_FUND_YEAR"}


async def test_a_batch_is_verified_whole(server: ApiServer) -> None:
    number = await open_batch(server)
    empty = await verify(server, number)
    assert (empty.status_code, empty.json()["code"]) == (409, "BATCH_EMPTY")
    lines = await put_lines(server, 3, "pending_settlement")
    unready = await put_lines(server, 2, "matched")
    await act(server, Role.OPERATOR, f"/batches/{number}/applications", {"fund_year": YEAR})
    refused = await verify(server, number)
    assert (refused.status_code, refused.json()["code"]) == (409, "BATCH_NOT_WHOLE")
    assert "匹配成功" in refused.json()["detail"]
    assert "2 份" in refused.json()["detail"]
    await act(server, Role.OPERATOR, "/application-withdrawals", unready, reason="放弃")
    asked = await verify(server, number)
    assert asked.status_code == 202, asked.text
    assert (asked.json()["round"], asked.json()["pending"], asked.json()["stage"]) == (1, 3, "verifying")
    assert asked.json()["run"]["workflow_id"] == f"verification/{number}-V1"
    for path, selection, code in (
        (f"/batches/{number}/applications", {"stage": "failed"}, "BATCH_FROZEN"),
        (f"/batches/{number}/removals", {"stage": "in_batch"}, "BATCH_FROZEN"),
    ):
        assert (await server.post(Role.OPERATOR, path, request(selection))).json()["code"] == code
    withdrawn = await server.post(Role.OPERATOR, "/application-withdrawals", request(lines[:1], "x"))
    assert withdrawn.json()["errors"][0]["code"] == "BATCH_FROZEN"
    assert (await verify(server, number)).json()["code"] == "BATCH_FROZEN"
    await sql(server, "UPDATE batch SET stage = 'verified'")
    await act(server, Role.OPERATOR, "/application-withdrawals", lines[:1], reason="亡故")
    shown = await batch_of(server, number)
    assert {figure["stage"]: figure["count"] for figure in shown["stages"]} == {"in_batch": 2, "withdrawn": 3}


async def test_who_is_verified_and_who_is_not(server: ApiServer) -> None:
    number = await open_batch(server)
    people = await put_lines(server, 2, "pending_settlement")
    firm = (await enter(server, organization(50)))["application_no"]
    await sql(server, "UPDATE application SET stage = 'pending_settlement' WHERE application_no = :no", no=firm)
    repaid = await put_lines(server, 1, "failed", payments=1, verification="failed")
    await act(server, Role.OPERATOR, f"/batches/{number}/applications", [*people, firm, *repaid])
    async with server.database.transaction() as session:  # only the second of the people, not the repaid namesake
        await execute(session, "UPDATE application SET person_index = 'other' WHERE application_no = :no", no=people[1])
    await lock_account(server, people[1])
    asked = (await verify(server, number)).json()
    assert (asked["pending"], asked["held"], asked["not_required"], asked["lines"]) == (1, 1, 1, 4)
    results = (await server.get(Role.REVIEWER, f"/batches/{number}/verification-results")).json()["items"]
    assert {line["application_no"]: line["verification"] for line in results} == {
        people[0]: "pending",
        people[1]: "held",
        firm: "not_required",
        repaid[0]: "failed",
    }
    sealed = server.vault.seal(Field.REASON, people[0], "死亡人员")
    await sql(
        server,
        "UPDATE application SET verification = 'failed', verification_reason_sealed = :s WHERE application_no = :no",
        s=sealed,
        no=people[0],
    )
    await sql(server, "UPDATE batch SET stage = 'verified'")
    path = f"/batches/{number}/verification-results"
    failed = (await server.get(Role.REVIEWER, path, verification="failed")).json()["items"]
    assert [(line["verification_label"], line["verification_reason"]) for line in failed] == [
        ("校验不通过", "死亡人员"),
        ("校验不通过", None),
    ]
    assert failed[0]["name"] == "**国"
    assert (await verify(server, number)).json()["code"] == "NOTHING_TO_VERIFY"
    assert (await batch_of(server, number))["verify_again"] == 0
    await sql(server, "UPDATE account_lock SET ended_at = now()")
    assert (await batch_of(server, number))["verify_again"] == 1
    again = (await verify(server, number)).json()
    assert (again["round"], again["pending"], again["stage"]) == (2, 1, "verifying")
    assert (await batch_of(server, number))["verify_again"] == 0


async def test_organizations_alone_need_no_run(server: ApiServer) -> None:
    number = await open_batch(server)
    await enter(server, organization(1), batch_no=number)
    await sql(server, "UPDATE application SET stage = 'pending_settlement'")
    await act(server, Role.OPERATOR, f"/batches/{number}/applications", {"batch_no": number})
    asked = (await verify(server, number)).json()
    assert (asked["stage"], asked["run"]) == ("verified", None)
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM outbox") == 0


async def test_publicity_needs_pictures_of_the_county(server: ApiServer) -> None:
    number = await open_batch(server)
    image, form = await put_image(server), await put_image(server, "application/pdf")
    foreign = await put_image(server, county=OTHER_COUNTY)
    path, body = f"/batches/{number}/publicity", {"start_date": "2026-11-01", "address": "村务公开栏"}
    for ids, place in (([image, form], 1), ([foreign], 0), ([999_999], 0)):
        answer = await server.put(Role.OPERATOR, path, body | {"image_file_ids": ids})
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/image_file_ids/{place}"]
    wrongs: list[dict[str, Any]] = [{"image_file_ids": []}, {"start_date": "2026-02-30"}, {"address": " "}]
    for wrong in wrongs:
        answer = await server.put(Role.OPERATOR, path, body | {"image_file_ids": [image]} | wrong)
        assert answer.status_code == 422
    for _ in range(2):
        assert (await server.put(Role.OPERATOR, path, body | {"image_file_ids": [image]})).status_code == 200
    ripe = {"days": 7, "startable_on": "2026-11-08", "startable": True}
    shown = (await batch_of(server, number))["publicity"]
    assert shown == body | {"image_file_ids": [image], "set_by": "operator"} | ripe
    # in the order in which they were chosen, one named twice once
    other = await put_image(server)
    assert other > image
    answer = await server.put(Role.OPERATOR, path, body | {"image_file_ids": [other, image, other]})
    assert answer.json()["image_file_ids"] == [other, image]
    assert (await batch_of(server, number))["publicity"]["image_file_ids"] == [other, image]
    await sql(server, "UPDATE batch SET stage = 'in_flow'")
    assert (await server.put(Role.OPERATOR, path, body | {"image_file_ids": [image]})).status_code == 409


async def test_batches_are_listed_exported_and_the_countys_own(server: ApiServer) -> None:
    numbers = [await open_batch(server) for _ in range(3)]
    first = (await server.get(Role.REVIEWER, "/batches", limit=2)).json()
    rest = (await server.get(Role.REVIEWER, "/batches", limit=2, after=first["next"])).json()
    assert [entry["batch_no"] for entry in first["items"] + rest["items"]] == numbers[::-1]
    export = await server.get(Role.REVIEWER, "/batches", format="xlsx")
    assert openpyxl.load_workbook(io.BytesIO(export.content)).worksheets[0].max_row == 4
    assert (await server.get(Role.OPERATOR, f"/batches/{numbers[0]}", OTHER_COUNTY)).status_code == 404
    foreign = await server.post(Role.OPERATOR, f"/batches/{numbers[0]}/verifications", {}, OTHER_COUNTY)
    assert foreign.status_code == 404
    assert (await server.post(Role.REVIEWER, "/batches", {"fund_year": YEAR, "title": "x"})).status_code == 403


async def test_an_initialisation_takes_what_is_publicised_and_not_held(server: ApiServer) -> None:
    lines = await put_lines(server, 3, "publicised")
    await put_lines(server, 1, "draft")
    await lock_account(server, lines[2])
    answer = await server.post(Role.OPERATOR, "/beneficiary-lists", request({"fund_year": YEAR}))
    assert answer.status_code == 202, answer.text
    asked = answer.json()
    assert (asked["count"], {group["code"]: group["count"] for group in asked["left_out"]}) == (
        2,
        {"ACCOUNT_LOCKED": 1, "NOT_PUBLICISED": 1},
    )
    shown = (await server.get(Role.OPERATOR, f"/beneficiary-lists/{asked['list_no']}")).json()
    assert (shown["line_count"], shown["held_count"], shown["stage"]) == (2, 1, "prepared")
    assert shown["run"]["workflow_id"] == f"beneficiary-init/{asked['list_no']}"
    again = await server.post(Role.OPERATOR, "/beneficiary-lists", request({"stage": "publicised"}))
    assert (again.status_code, again.json()["code"]) == (409, "NOTHING_SELECTED")
    assert "等待平台结果 2 份" in again.json()["detail"]


async def test_the_four_results_in_the_words_of_the_source(server: ApiServer) -> None:
    lines = await put_lines(server, 5, "publicised")
    list_no = (await server.post(Role.OPERATOR, "/beneficiary-lists", request(lines))).json()["list_no"]
    await _platform_answers(server, list_no, ["matched", "name_differs", "not_found", "no_account", "name_differs"])
    sealed = server.vault.seal(Field.NAME, lines[1], "周建囯")
    await sql(
        server, "UPDATE application SET correct_name_sealed = :s WHERE application_no = :no", s=sealed, no=lines[1]
    )
    path = f"/beneficiary-lists/{list_no}/results"
    results = (await server.get(Role.REVIEWER, path)).json()["items"]
    assert [line["result"] for line in results] == [
        "匹配成功",
        "身份证存在，但姓名不同，正确姓名：周建囯",
        "无此对象",
        "该对象无中国农业银行的惠民惠农账号",
        "身份证存在，但姓名不同（已更正）",
    ]
    # by their last character alone the two names could not be told apart: whole, and only of the line that differs
    assert [line["name"] for line in results] == ["**国", "周建国", "**国", "**国", "**国"]
    masked = (await server.get(Role.COUNTY_ADMIN, path)).json()["items"][1]
    assert (masked["name"], masked["result"]) == ("**国", "身份证存在，但姓名不同，正确姓名：**囯")
    assert await disclosed(server) == [(list_no, "reviewer", [lines[1]], False)]
    alone = await server.whole(Role.REVIEWER, f"/applications/{lines[1]}")
    assert alone["match_result"] == "身份证存在，但姓名不同，正确姓名：周建囯"
    differing = (await server.get(Role.REVIEWER, path, outcome="name_differs")).json()["items"]
    assert [line["application_no"] for line in differing] == [lines[1], lines[4]]
    await sql(server, "UPDATE application SET list_id = NULL WHERE application_no = :no", no=lines[4])
    assert len((await server.get(Role.REVIEWER, path)).json()["items"]) == 5
    shown = (await server.get(Role.REVIEWER, f"/beneficiary-lists/{list_no}")).json()
    assert {entry["outcome"]: entry["count"] for entry in shown["results"]}["name_differs"] == 2
    export = await server.get(Role.OPERATOR, path, format="xlsx")
    sheet = table(export)
    assert len(sheet) == 5
    assert (sheet[1]["姓名/组织名称"], sheet[1]["初始化结果"]) == ("周建国", "身份证存在，但姓名不同，正确姓名：周建囯")
    assert (await disclosed(server))[0] == (list_no, "operator", [lines[1]], True)
    # a page notes what it shows, not the row that tells that there is another page
    assert len((await server.get(Role.OPERATOR, path, limit=1)).json()["items"]) == 1
    assert len(await disclosed(server)) == 4
    found = (await server.get(Role.OPERATOR, "/applications", match_outcome="name_differs")).json()["items"]
    assert [(line["name"], line["match_result"]) for line in found if line["application_no"] == lines[1]] == [
        ("周建国", "身份证存在，但姓名不同，正确姓名：周建囯")
    ]
    assert (await disclosed(server))[0][1:] == ("operator", [lines[1]], False)
    sought = {"name": "周建国", "filter": {"match_outcome": "name_differs", "list_no": list_no}}
    found = (await server.post(Role.OPERATOR, "/applications/search", sought)).json()["items"]
    assert [(line["application_no"], line["name"]) for line in found] == [(lines[1], "周建国")]
    assert (await disclosed(server))[0][0] == list_no
    assert {line["name"] for line in (await server.get(Role.OPERATOR, "/applications")).json()["items"]} == {"**国"}
    assert len(await disclosed(server)) == 6
    assert (await server.get(Role.REVIEWER, path, OTHER_COUNTY)).status_code == 404


async def disclosed(server: ApiServer) -> list[tuple[str, str, list[str], bool]]:
    """Whose names lists have shown whole to whom, the newest first; in an Excel file or not."""
    entries = (await server.get(Role.REVIEWER, "/disclosures")).json()["items"]
    of_lists = [entry for entry in entries if entry["within"]]
    return [(e["within"], e["role"], [e["number"]], e["purpose"] == "export") for e in of_lists]


async def test_a_list_is_of_one_fund_year(server: ApiServer) -> None:
    lines = await put_lines(server, 2, "publicised")
    await sql(server, "UPDATE application SET fund_year = 2025 WHERE application_no = :no", no=lines[0])
    answer = await server.post(Role.OPERATOR, "/beneficiary-lists", request(lines))
    assert (answer.status_code, answer.json()["code"]) == (409, "SEVERAL_FUND_YEARS")
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM application WHERE list_id IS NOT NULL") == 0


async def test_the_register_lists_finds_and_tells_its_history(server: ApiServer) -> None:
    numbers = [(await enter(server, personal(place, name="买买提·艾力")))["application_no"] for place in (1, 2)]
    await _fill_register(server, numbers)
    listed = (await server.get(Role.REVIEWER, "/register", bank_code="ABC", status="valid")).json()["items"]
    assert {(entry["name"], entry["account_no"]) for entry in listed} == {
        ("**力", "****" + card(place)[-4:]) for place in (1, 2)
    }
    assert (await server.get(Role.REVIEWER, "/register", source="渝快办")).json()["items"] == []
    for sought, count in (
        ({"id_number": citizen_id(2)}, 1),
        ({"account_no": card(2)}, 1),
        ({"name": "买买提·艾力"}, 2),
        ({"name": "买买提"}, 0),
    ):
        found = await server.http.post("/register/search", json=sought, headers=server.bearer(Role.OPERATOR))
        assert len(found.json()["items"]) == count
    account_id = listed[0]["account_id"]
    assert (await server.get(Role.REVIEWER, f"/register/{account_id}")).json()["name"] == "**力"
    alone = await server.whole(Role.REVIEWER, f"/register/{account_id}")
    assert alone["name"] == "买买提·艾力"
    (change,) = alone["history"]
    assert (change["new_account_no"], change["source"], change["old_bank"]) == (alone["account_no"], "申请录入", None)
    assert (await server.get(Role.REVIEWER, f"/register/{account_id}", OTHER_COUNTY)).status_code == 404
    foreign = await server.http.post(
        "/register/search", json={"id_number": citizen_id(2)}, headers=server.bearer(Role.OPERATOR, OTHER_COUNTY)
    )
    assert foreign.json()["items"] == []


async def _found(server: ApiServer, place: int, reason: str, at: datetime) -> str:
    person = server.vault.index(Field.ID_NUMBER, citizen_id(place))
    account = server.vault.index(Field.ACCOUNT, card(place))
    finding = AccountFinding(reason=reason, cause=f"event/{reason}", at=at)
    async with server.database.transaction() as session:
        return await invalidate(session, server.vault, COUNTY, person, ("ABC", account), finding)


async def _statuses(server: ApiServer) -> list[str]:
    async with server.database.reading() as session:
        return [str(row[0]) for row in await rows_of(session, "SELECT status FROM register_account ORDER BY id")]


@pytest.mark.parametrize(
    ("reason", "another"), [("account_closed", {"account_no": card(2)}), ("account_frozen", {"bank_code": "ICBC"})]
)
async def test_a_list_of_before_brings_no_account_back_that_was_found_dead_since(
    server: ApiServer, reason: str, another: dict[str, object]
) -> None:
    lines = [(await enter(server, personal(1)))["application_no"]]
    await _fill_register(server, lines)
    found = now()
    assert await _found(server, 1, reason, found) == "invalidated"
    await _fill_register(server, lines, found - timedelta(days=1))
    assert await _statuses(server) != ["valid"]
    other = personal(1) | another
    await _fill_register(server, [(await enter(server, other))["application_no"]], found - timedelta(days=1))
    assert await _statuses(server) == ["valid"]


async def test_a_list_of_after_says_that_the_account_is_good_again(server: ApiServer) -> None:
    lines = [(await enter(server, personal(1)))["application_no"]]
    await _fill_register(server, lines)
    await _found(server, 1, "account_closed", now())
    await _fill_register(server, lines)
    assert await _statuses(server) == ["valid"]


async def test_a_list_of_before_shields_no_account_from_what_was_found_since(server: ApiServer) -> None:
    """The result of a list came after the finding was made, and before it was told."""
    handed_in = now() - timedelta(days=2)
    await _fill_register(server, [(await enter(server, personal(1)))["application_no"]], handed_in)
    assert await _found(server, 1, "account_frozen", handed_in - timedelta(days=1)) == "again"
    assert await _found(server, 1, "account_closed", handed_in + timedelta(days=1)) == "invalidated"
    assert await _statuses(server) == ["cleared"]


async def _platform_answers(server: ApiServer, list_no: str, outcomes: list[str]) -> None:
    """The rows as the activities leave them once all results are applied."""
    async with server.database.transaction() as session:
        row = await one_row(
            session,
            "INSERT INTO dataset (reference, kind, county_code, stage, generation, record_count, total_fen, created_at)"
            " VALUES (:no, 'beneficiary_init', :county, 'reviewed', 1, :count, 0, now()) RETURNING id",
            no=list_no,
            county=COUNTY,
            count=len(outcomes),
        )
        assert row is not None
        lines = await rows_of(session, "SELECT id FROM application ORDER BY id")
        for place, (line, outcome) in enumerate(zip(lines, outcomes, strict=True)):
            await execute(
                session,
                "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)"
                " SELECT :dataset, :place, id, application_no, amount_fen, :outcome FROM application WHERE id = :id",
                dataset=row.id,
                place=place,
                outcome=outcome,
                id=line.id,
            )
            await execute(
                session,
                "UPDATE application SET match_outcome = :outcome, stage = :stage WHERE id = :id",
                outcome=outcome,
                stage="matched" if outcome == "matched" else "unmatched",
                id=line.id,
            )


async def _fill_register(server: ApiServer, numbers: list[str], handed_in: datetime | None = None) -> None:
    async with server.database.transaction() as session:
        await execute(
            session,
            "CREATE TEMPORARY TABLE incoming ON COMMIT DROP AS SELECT application_no, 'matched' AS outcome"
            " FROM application WHERE application_no = ANY(:numbers)",
            numbers=numbers,
        )
        await fill_from_matched(session, server.vault, COUNTY, handed_in or now())

"""待确认: a file whose rows are there already stops before it stores anything, until an operator decides."""

import asyncio
import io
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from temporalio.testing import ActivityEnvironment

from activities.imports import ApplicationImports
from deploy.stack.objects import Access
from models.store.sql import execute, fetch_int
from models.words.staff import Role
from tests.api_server import OTHER_COUNTY, api_server
from tests.import_office import YEARS, Desk, open_runs, row, seed_county_lists, sheet, subject_of
from tests.statements import rows_of
from tests.test_spreadsheet import CATALOGS

pytest_plugins = ["tests.import_fixtures"]
ITEM, OTHER_ITEM = CATALOGS.items[0], CATALOGS.items[1]


async def test_the_same_file_again_stops_names_what_is_there_and_goes_on_with_a_reason(desk: Desk) -> None:
    data = sheet([row(0), row(1)])
    first = await desk.finished(await desk.hand_in(data))
    assert (first["stage"], first["to_confirm"]) == ("imported", [])
    again = await desk.finished(await desk.hand_in(data))
    assert (again["stage"], again["stage_label"], again["rows_imported"]) == ("to_confirm", "待确认", 0)
    assert await desk.lines() == 2
    file, *rows = again["to_confirm"]
    assert (file["row"], file["code"]) == (0, "FILE_KNOWN")
    assert first["import_no"] in file["message"]
    numbers = await _numbers(desk)
    told = [(each["row"], each["code"], each["application_no"], each["stage_label"]) for each in rows]
    assert told == [(2, "SAME_ITEM", numbers[0], "草稿"), (3, "SAME_ITEM", numbers[1], "草稿")]
    assert [(each["amount_fen"], each["row_amount_fen"], each["item"]) for each in rows] == [
        (10_050, 10_050, ITEM.name),
        (10_150, 10_150, ITEM.name),
    ]
    assert (again["to_confirm_count"], again["rows_to_confirm"]) == (3, 2)
    assert (again["run"]["stage"], again["run"]["waiting_for"]) == ("to_confirm", "等待操作员确认或放弃导入")
    answer = await desk.decide(again["import_no"], "confirmation", "两次补贴，均属实")
    assert (answer.status_code, answer.json()["decision"]) == (200, "confirmed")
    # said with the act itself, before the run has looked
    run = answer.json()["run"]
    assert (run["waiting_for"], run["next"]["by"]) == ("操作员已确认，正在导入", "system")
    over = await desk.until(again["import_no"], lambda seen: seen["stage"] == "imported")
    assert (over["rows_imported"], over["decided_by"], over["decision_reason"]) == (2, "operator", "两次补贴，均属实")
    assert (await desk.lines(), await open_runs(desk.server)) == (4, 0)
    assert await _trail(desk, again["import_no"]) == [
        *("import.handed_in", "import.to_confirm", "import.confirmed", "import.imported"),
    ]


async def test_a_dropped_import_stores_nothing_and_does_not_count_as_known(desk: Desk) -> None:
    data = sheet([row(0), row(0)])
    seen = await desk.finished(await desk.hand_in(data))
    assert [(each["row"], each["code"]) for each in seen["to_confirm"]] == [(2, "LINE_TWICE"), (3, "LINE_TWICE")]
    assert seen["to_confirm"][0]["row_amount_fen"] == 10_050
    missing = await desk.server.post(Role.OPERATOR, f"/application-imports/{seen['import_no']}/refusal", {})
    assert missing.status_code == 422
    dropped = (await desk.decide(seen["import_no"], "refusal", "重复填写")).json()
    assert (dropped["stage"], dropped["decision"], dropped["faults"]) == ("refused", "dropped", [])
    assert (dropped["run"]["waiting_for"], dropped["run"]["next"]) == ("", None)
    assert "没有导入" in dropped["problem"]
    await desk.runs_over()
    assert await desk.lines() == 0
    late = await desk.decide(seen["import_no"], "confirmation")
    assert (late.status_code, late.json()["code"]) == (409, "IMPORT_NOT_WAITING")
    again = await desk.finished(await desk.hand_in(data))
    assert {each["code"] for each in again["to_confirm"]} == {"LINE_TWICE"}
    assert await _trail(desk, seen["import_no"]) == ["import.handed_in", "import.to_confirm", "import.dropped"]


async def test_two_equal_machines_of_one_owner_are_imported_once_confirmed(desk: Desk) -> None:
    seen = await desk.finished(await desk.hand_in(sheet([row(0), row(0), row(1)])))
    path = f"/application-imports/{seen['import_no']}/confirmation"
    await desk.server.post(Role.OPERATOR, path, {"reason": "一户两台"}, person="li")
    over = await desk.until(seen["import_no"], lambda seen: seen["stage"] == "imported")
    assert (over["rows_imported"], over["decided_by"], await desk.lines()) == (3, "li", 3)
    # who said that they are meant has made them as much as who handed them in
    async with desk.server.database.reading() as session:
        made = await rows_of(session, "SELECT DISTINCT entered_by, edited_by FROM application")
    assert [tuple(each) for each in made] == [("operator", ["li"])]


async def test_a_hidden_row_stops_and_is_imported_once_confirmed(desk: Desk) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet([row(0), row(1), row(2)])))
    book.worksheets[0].row_dimensions[3].hidden = True
    target = io.BytesIO()
    book.save(target)
    seen = await desk.finished(await desk.hand_in(target.getvalue()))
    assert [(each["row"], each["code"], each["row_amount_fen"]) for each in seen["to_confirm"]] == [
        (3, "HIDDEN_ROW", 10_150)
    ]
    await desk.decide(seen["import_no"], "confirmation", "隐藏的行也要发")
    over = await desk.until(seen["import_no"], lambda seen: seen["stage"] == "imported")
    assert over["rows_imported"] == 3


async def test_what_is_no_double_is_imported_without_a_stop(desk: Desk) -> None:
    """Another item, another year, another county; what is withdrawn or closed; other amounts within one file."""
    assert (await desk.finished(await desk.hand_in(sheet([row(0), row(1)]))))["stage"] == "imported"
    async with desk.server.database.transaction() as session:
        await execute(
            session, "UPDATE application SET fund_year = fund_year - 1 WHERE id = (SELECT min(id) FROM application)"
        )
        await execute(
            session, "UPDATE application SET stage = 'withdrawn' WHERE id = (SELECT max(id) FROM application)"
        )
    several = [row(0), row(0, amount="7.00"), row(0, item=OTHER_ITEM.name), row(1)]
    seen = await desk.finished(await desk.hand_in(sheet(several)))
    assert (seen["stage"], seen["rows_imported"], seen["to_confirm"]) == ("imported", 4, [])
    assert [(each["row"], each["code"]) for each in seen["warnings"]] == [(2, "SEVERAL_LINES"), (3, "SEVERAL_LINES")]


@pytest.mark.parametrize("stage", ["in_review", "in_batch", "paid", "evidence_sent", "failed"])
async def test_every_living_stage_stops_and_is_told(desk: Desk, stage: str) -> None:
    await desk.finished(await desk.hand_in(sheet([row(0)])))
    opened = await desk.server.post(Role.OPERATOR, "/batches", {"fund_year": desk.year, "title": "第一批"})
    async with desk.server.database.transaction() as session:
        change = "UPDATE application SET stage = :stage, batch_id = (SELECT id FROM batch WHERE batch_no = :batch)"
        await execute(session, change, stage=stage, batch=opened.json()["batch_no"])
    seen = await desk.finished(await desk.hand_in(sheet([row(0, amount="9.00"), row(1)])))
    assert seen["stage"] == "to_confirm"
    assert [(each["row"], each["stage"], each["amount_fen"]) for each in seen["to_confirm"]] == [(2, stage, 10_050)]


async def test_what_came_after_the_list_was_shown_stops_it_again(desk: Desk) -> None:
    await desk.finished(await desk.hand_in(sheet([row(0)])))
    waiting = await desk.finished(await desk.hand_in(sheet([row(0), row(1), row(2)])))
    assert [each["row"] for each in waiting["to_confirm"]] == [2]
    await desk.finished(await desk.hand_in(sheet([row(2)])))
    await desk.decide(waiting["import_no"], "confirmation")
    stopped = await desk.until(waiting["import_no"], lambda seen: seen["to_confirm_count"] == 2)
    assert (stopped["stage"], stopped["decision"], await desk.lines()) == ("to_confirm", None, 2)
    assert [(each["row"], each["is_new"]) for each in stopped["to_confirm"]] == [(2, False), (4, True)]
    await desk.decide(waiting["import_no"], "confirmation")
    over = await desk.until(waiting["import_no"], lambda seen: seen["stage"] == "imported")
    assert (over["rows_imported"], await desk.lines()) == (3, 5)


async def test_a_list_that_has_grown_since_it_was_seen_is_not_confirmed_unseen(desk: Desk) -> None:
    await desk.finished(await desk.hand_in(sheet([row(0)])))
    seen = await desk.finished(await desk.hand_in(sheet([row(0), row(2)])))
    await desk.finished(await desk.hand_in(sheet([row(2)])))
    await desk.decide(seen["import_no"], "confirmation")
    grown = await desk.until(seen["import_no"], lambda now: now["to_confirm_count"] == 2)
    path = f"/application-imports/{seen['import_no']}/confirmation"
    old, new = ({"reason": "已核实", "to_confirm_version": each["to_confirm_version"]} for each in (seen, grown))
    late = await desk.server.post(Role.OPERATOR, path, old)
    assert (late.status_code, late.json()["code"], await desk.lines()) == (409, "LIST_CHANGED", 2)
    assert (await desk.server.post(Role.OPERATOR, path, new)).status_code == 200
    over = await desk.until(seen["import_no"], lambda now: now["stage"] == "imported")
    assert (over["rows_imported"], await desk.lines()) == (2, 4)


async def test_a_confirmed_import_is_confirmed_once_and_no_longer_dropped(
    database_url: str, tmp_path: Path, s3_settings: Access
) -> None:
    """Without a worker: what was decided stays decided until the run has gone on."""
    async with api_server(database_url, tmp_path, s3_settings) as server:
        desk = Desk(server, next(YEARS))
        await seed_county_lists(server, desk.year)
        number, imports = await _stopped(desk)
        once = {"reason": "属实"}
        path = f"/application-imports/{number}/confirmation"
        first = await server.post(Role.OPERATOR, path, once, key="same")
        second = await server.post(Role.OPERATOR, path, once, key="same")
        assert first.json() == second.json()
        other, dropped = await desk.decide(number, "confirmation"), await desk.decide(number, "refusal")
        assert [(each.status_code, each.json()["code"]) for each in (other, dropped)] == [(409, "IMPORT_CONFIRMED")] * 2
        for role in (Role.REVIEWER, Role.COUNTY_ADMIN, Role.APPLICANT):
            assert (await server.post(role, path, once)).status_code == 403
        assert (await server.post(Role.OPERATOR, path, once, OTHER_COUNTY)).status_code == 404
        attempts = [ActivityEnvironment().run(imports.import_applications, subject_of(number, desk.year))] * 1
        attempts += [ActivityEnvironment().run(imports.import_applications, subject_of(number, desk.year))]
        looks = await asyncio.gather(*attempts)
        assert {(look.stage, look.rows) for look in looks} == {("imported", 2)}
        assert await desk.lines() == 2


async def test_of_two_imports_of_the_same_rows_at_once_one_stops(
    database_url: str, tmp_path: Path, s3_settings: Access
) -> None:
    async with api_server(database_url, tmp_path, s3_settings) as server:
        desk = Desk(server, next(YEARS))
        await seed_county_lists(server, desk.year)
        files = [
            sheet([row(place) for place in range(300)]),
            sheet([row(place, phone="13900000000") for place in range(300)]),
        ]
        numbers = [(await desk.hand_in(data)).json()["import_no"] for data in files]
        imports = ApplicationImports(server.database, server.vault, server.objects)
        runs = [ActivityEnvironment().run(imports.import_applications, subject_of(each, desk.year)) for each in numbers]
        looks = await asyncio.gather(*runs)
        assert sorted((look.stage, look.rows) for look in looks) == [("imported", 300), ("to_confirm", 0)]
        assert await desk.lines() == 300


async def test_the_list_is_paged_and_comes_as_excel_and_a_waiting_reader_is_told(desk: Desk) -> None:
    await desk.finished(await desk.hand_in(sheet([row(place) for place in range(5)])))
    answer = await desk.hand_in(sheet([row(place, amount="1.00") for place in range(5)]))
    path = f"/application-imports/{answer.json()['import_no']}"
    waited = await desk.server.get(Role.OPERATOR, path, wait="20", stage="checking")
    assert waited.json()["stage"] == "to_confirm"
    page = (await desk.server.get(Role.REVIEWER, f"{path}/to-confirm", limit="2")).json()
    rest = (await desk.server.get(Role.REVIEWER, f"{path}/to-confirm", after=page["next"])).json()
    assert [each["row"] for each in page["items"] + rest["items"]] == [2, 3, 4, 5, 6]
    export = await desk.server.get(Role.OPERATOR, f"{path}/to-confirm", format="xlsx")
    sheet_rows = list(openpyxl.load_workbook(io.BytesIO(export.content)).worksheets[0].iter_rows(values_only=True))
    assert sheet_rows[0][:7] == (
        *("行号", "列", "补贴项目", "本行金额（元）", "已有申请编号", "已有申请状态", "已有申请金额（元）"),
    )
    assert len(sheet_rows) == 6
    listed = (await desk.server.get(Role.OPERATOR, "/application-imports", stage="to_confirm")).json()["items"]
    assert [(each["import_no"], each["rows_to_confirm"]) for each in listed] == [(answer.json()["import_no"], 5)]


async def _stopped(desk: Desk) -> tuple[str, ApplicationImports]:
    server = desk.server
    imports = ApplicationImports(server.database, server.vault, server.objects)
    number = (await desk.hand_in(sheet([row(0), row(0)]))).json()["import_no"]
    look = await ActivityEnvironment().run(imports.import_applications, subject_of(number, desk.year))
    assert (look.stage, look.done) == ("to_confirm", False)
    return number, imports


async def _numbers(desk: Desk) -> list[str]:
    async with desk.server.database.reading() as session:
        return [str(each[0]) for each in await rows_of(session, "SELECT application_no FROM application ORDER BY id")]


async def _trail(desk: Desk, number: str) -> list[Any]:
    async with desk.server.database.reading() as session:
        rows = await rows_of(
            session, "SELECT act FROM trail_entry WHERE subject = :number ORDER BY sequence", number=number
        )
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry WHERE detail LIKE '%属实%'") == 0
        return [each[0] for each in rows]

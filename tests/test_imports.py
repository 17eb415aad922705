"""Files of applications through API, S3, Temporal and PostgreSQL: all rows or none, told per cell, taken in once."""

import asyncio
import io
import time
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from temporalio.testing import ActivityEnvironment

from activities.imports import ApplicationImports
from deploy.stack.objects import Access
from models.sheets.writer import write_sheet
from models.store.applications.doubles import lock_additions
from models.store.runs.runs import open_run
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from models.words.staff import Role
from tests.api_server import COUNTY, OTHER_COUNTY, api_server
from tests.application_lines import citizen_id
from tests.import_office import HEADERS, YEARS, Desk, csv, open_runs, row, seed_county_lists, sheet, subject_of
from tests.statements import rows_of
from tests.test_spreadsheet import CATALOGS, DATA
from tests.tiny_runs import eventually

pytest_plugins = ["tests.import_fixtures"]


@pytest.mark.parametrize("name", ["batch-500001-2000.xlsx", "batch-500001-2000.csv"])
async def test_a_countys_file_comes_in_whole(desk: Desk, name: str) -> None:
    data = (DATA / name).read_bytes()
    begun = time.perf_counter()
    seen = await desk.finished(await desk.hand_in(data))
    seconds = time.perf_counter() - begun
    print(f"{name}: {seconds:.2f} s")
    assert (seen["stage"], seen["rows_imported"], seen["rows_total"], seen["rows_refused"]) == (
        "imported",
        2000,
        2000,
        0,
    )
    async with desk.server.database.reading() as session:
        stored = await rows_of(session, "SELECT * FROM application ORDER BY id")
    assert seen["total_fen"] == sum(line.amount_fen for line in stored)
    assert stored[0].application_no == f"{COUNTY}-S{desk.year}-0000001"
    assert stored[-1].application_no == f"{COUNTY}-S{desk.year}-0002000"
    assert {(line.stage, line.channel, line.entered_by) for line in stored} == {("draft", "import", "operator")}
    opened = desk.server.vault.open(Field.ID_NUMBER, stored[0].application_no, stored[0].id_number_sealed)
    assert opened == "500001195602159893"
    assert seconds < 15


async def test_utf8_and_gb18030_give_the_same_people(desk: Desk) -> None:
    for place, encoding in enumerate(("utf-8", "gb18030", "utf-8-sig")):
        data = csv([row(3 * place + each, name="𬶋小明·买买提") for each in range(3)], encoding)
        assert (await desk.finished(await desk.hand_in(data)))["rows_imported"] == 3
    async with desk.server.database.reading() as session:
        stored = await rows_of(session, "SELECT application_no, name_sealed FROM application")
    assert {desk.server.vault.open(Field.NAME, line[0], line[1]) for line in stored} == {"𬶋小明·买买提"}
    assert len(stored) == 9


async def test_names_and_numbers_of_a_file_are_kept_in_one_form_and_found_by_it(desk: Desk) -> None:
    plain = row(0)
    account = str(plain[HEADERS.index("一卡通账号")])
    printed = " ".join(account[place : place + 4] for place in range(0, len(account), 4))
    data = sheet([row(0, name="欧\u3000阳 梅", group="6 组", account_no=printed), row(1, name="王\ue854")])
    seen = await desk.finished(await desk.hand_in(data))
    assert (seen["stage"], seen["rows_imported"]) == ("imported", 2)
    told = [(each["row"], each["column"], each["code"]) for each in seen["warnings"]]
    assert told == [(2, "姓名", "BLANKS_DROPPED"), (2, "组", "BLANKS_DROPPED"), (3, "姓名", "CHARACTERS_MAPPED")]
    headers = desk.server.bearer(Role.REVIEWER)
    for sought in ({"name": "欧阳梅"}, {"account_no": printed}, {"name": "王\u9fba"}, {"name": "王\ue854"}):
        found = await desk.server.http.post("/applications/search", json=sought, headers=headers)
        assert len(found.json()["items"]) == 1


async def test_a_hidden_column_stops_a_file_until_somebody_has_seen_it(desk: Desk) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet([row(0)])))
    place = openpyxl.utils.get_column_letter(HEADERS.index("补贴金额（元）") + 1)
    book.worksheets[0].column_dimensions[place].hidden = True
    target = io.BytesIO()
    book.save(target)
    seen = await desk.finished(await desk.hand_in(target.getvalue()))
    assert (seen["stage"], await desk.lines()) == ("to_confirm", 0)
    assert [(each["row"], each["column"], each["code"]) for each in seen["to_confirm"]] == [
        (1, "补贴金额（元）", "HIDDEN_COLUMN")
    ]
    await desk.decide(seen["import_no"], "confirmation")
    over = await desk.until(seen["import_no"], lambda now: now["stage"] == "imported")
    assert over["rows_imported"] == 1


async def test_organizations_have_a_file_of_their_own(desk: Desk) -> None:
    data = (DATA / "batch-500001-org-24.xlsx").read_bytes()
    seen = await desk.finished(await desk.hand_in(data, kind="organization"))
    assert (seen["stage"], seen["rows_imported"], seen["total_fen"]) == ("imported", 24, 114_522_400)
    wrong = await desk.finished(await desk.hand_in(data))
    assert (wrong["stage"], wrong["faults"][0]["code"]) == ("refused", "HEADER_OTHER_KIND")


async def test_one_bad_row_refuses_the_file_and_its_corrected_copy_is_taken(desk: Desk) -> None:
    bad = [row(0), row(1, amount="12.345"), row(2, id_number="=1+1", bank="没有的银行"), row(3)]
    seen = await desk.finished(await desk.hand_in(csv(bad)))
    assert (seen["stage"], seen["rows_refused"], seen["rows_imported"], await desk.lines()) == ("refused", 2, 0, 0)
    assert {(fault["row"], fault["column"], fault["code"]) for fault in seen["faults"]} == {
        (3, "补贴金额（元）", "AMOUNT_DECIMALS"),
        (4, "身份证号", "FORMULA"),
        (4, "一卡通开户行", "BANK_UNKNOWN"),
    }
    answer = await desk.server.get(Role.OPERATOR, seen["refused_rows_url"])
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    head, *refused = [list(line) for line in book.worksheets[0].iter_rows(values_only=True)]
    assert len(refused) == 2
    assert "补贴金额（元）：" in str(refused[0][head.index("拒绝原因")])
    assert all("整份文件都没有导入" in str(line[head.index("拒绝原因")]) for line in refused)
    assert "其余的行也没有导入" in book.sheetnames[0]
    assert "2 行未通过校对，整份文件的 4 行都没有导入" in seen["problem"]
    refused[0][head.index("补贴金额（元）")] = "12.34"
    refused[1][head.index("身份证号")] = citizen_id(2)
    refused[1][head.index("一卡通开户行")] = CATALOGS.banks[0].name
    again = await desk.finished(await desk.hand_in(write_sheet(head, refused)))
    assert (again["stage"], again["rows_imported"]) == ("imported", 2)


async def test_a_number_used_before_refuses_its_row(desk: Desk) -> None:
    first = await desk.finished(await desk.hand_in(sheet([row(0, application_no="A-1"), row(1)])))
    assert first["rows_imported"] == 2
    system = f"{COUNTY}-S{desk.year}-0000777"
    second = [row(2), row(3, application_no="A-1"), row(4, application_no=system), row(5, application_no="A-2")]
    seen = await desk.finished(await desk.hand_in(sheet(second)))
    assert (seen["stage"], seen["rows_refused"], await desk.lines()) == ("refused", 2, 2)
    assert [(fault["row"], fault["column"]) for fault in seen["faults"]] == [(3, "申请编号"), (4, "申请编号")]
    assert "已被使用" in seen["faults"][0]["message"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "FILE_KIND"),
        (b"PK\x03\x04" + bytes(2000), "FILE_DAMAGED"),
        (",".join(HEADERS).encode(), "NO_ROWS"),
        ("你好".encode("gb18030"), "HEADER_MISSING"),
    ],
)
async def test_a_file_of_another_kind_behind_a_right_name(desk: Desk, data: bytes, code: str) -> None:
    seen = await desk.finished(await desk.hand_in(data))
    assert (seen["stage"], seen["faults"][0]["code"]) == ("refused", code)
    assert seen["problem"] == seen["faults"][0]["message"]
    assert await desk.lines() == 0


async def test_a_missing_column_is_a_fault_of_the_file(desk: Desk) -> None:
    place = HEADERS.index("手机号")
    lines = [[*line[:place], *line[place + 1 :]] for line in (HEADERS, row(0))]
    data = "\n".join(",".join(str(cell or "") for cell in line) for line in lines).encode()
    seen = await desk.finished(await desk.hand_in(data))
    assert (seen["stage"], seen["faults"][0]["code"], seen["rows_refused"]) == ("refused", "COLUMN_MISSING", 0)
    assert "手机号" in seen["problem"]
    assert seen["refused_rows_url"] is None


async def test_nothing_and_too_much_are_refused_at_the_counter(desk: Desk) -> None:
    empty, huge = await desk.hand_in(b""), await desk.hand_in(bytes(25 * 1024 * 1024))
    assert (empty.status_code, empty.json()["code"]) == (422, "FILE_EMPTY")
    assert (huge.status_code, huge.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_rows_can_be_planned_for_a_batch_until_it_is_frozen(desk: Desk) -> None:
    opened = await desk.server.post(Role.OPERATOR, "/batches", {"fund_year": desk.year, "title": "第一批"})
    batch = opened.json()["batch_no"]
    seen = await desk.finished(await desk.hand_in(sheet([row(0)]), batch_no=batch))
    assert (seen["batch_no"], seen["stage"]) == (batch, "imported")
    shown = (await desk.server.get(Role.OPERATOR, f"/batches/{batch}")).json()
    assert [(figure["stage"], figure["count"]) for figure in shown["stages"]] == [("draft", 1)]
    async with desk.server.database.transaction() as session:
        await execute(session, "UPDATE batch SET stage = 'verified'")
    frozen = await desk.hand_in(sheet([row(1)]), batch_no=batch)
    unknown = await desk.hand_in(sheet([row(1)]), batch_no="B-404")
    assert (frozen.status_code, frozen.json()["code"]) == (409, "BATCH_FROZEN")
    assert unknown.status_code == 404


async def test_the_same_request_again_is_the_same_import(desk: Desk) -> None:
    data = sheet([row(0)])
    first, second = await desk.hand_in(data, key="once"), await desk.hand_in(data, key="once")
    assert first.json()["import_no"] == second.json()["import_no"]
    await desk.finished(first)
    assert await desk.lines() == 1


async def test_a_finished_import_is_left_alone_when_its_run_starts_again(desk: Desk) -> None:
    seen = await desk.finished(await desk.hand_in(sheet([row(0), row(1)])))
    subject = subject_of(seen["import_no"], desk.year)
    async with desk.server.database.transaction() as session:
        await open_run(session, subject, "checking")
    await desk.runs_over()
    assert await desk.lines() == 2


async def test_two_attempts_at_once_take_the_rows_in_once(
    database_url: str, tmp_path: Path, s3_settings: Access
) -> None:
    year = next(YEARS)
    async with api_server(database_url, tmp_path, s3_settings) as server:
        await seed_county_lists(server, year)
        number = (await Desk(server, year).hand_in(sheet([row(place) for place in range(500)]))).json()["import_no"]
        imports = ApplicationImports(server.database, server.vault, server.objects)
        attempts = [ActivityEnvironment().run(imports.import_applications, subject_of(number, year)) for _ in range(3)]
        results = await asyncio.gather(*attempts)
        assert {result.rows for result in results} == {500}
        assert await Desk(server, year).lines() == 500
        assert await open_runs(server) == 0


async def test_twenty_thousand_rows_leave_the_loop_free(desk: Desk) -> None:
    data = await asyncio.to_thread(sheet, [row(place) for place in range(20_000)])
    begun = time.perf_counter()
    handed_in = await desk.hand_in(data)
    worst = 0.0
    finishing = asyncio.create_task(desk.finished(handed_in))
    while not finishing.done():
        asked = time.perf_counter()
        await asyncio.sleep(0)
        worst = max(worst, time.perf_counter() - asked)
        await asyncio.wait({finishing}, timeout=0.02)
    seconds = time.perf_counter() - begun
    seen = finishing.result()
    print(f"20,000 rows: {seconds:.2f} s, longest hold of the loop {worst * 1000:.0f} ms")
    assert seen["rows_imported"] == 20_000
    assert worst < 1.5
    async with desk.server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(DISTINCT application_no) FROM application") == 20_000


async def test_the_template_comes_back_filled_in(desk: Desk) -> None:
    answer = await desk.server.get(
        Role.OPERATOR, "/application-import-template", applicant_kind="personal", fund_year=desk.year
    )
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    page = book.worksheets[0]
    for place, cell in enumerate(row(0), start=1):
        page.cell(2, place, cell)
    target = io.BytesIO()
    book.save(target)
    assert (await desk.finished(await desk.hand_in(target.getvalue())))["rows_imported"] == 1


async def test_imports_are_listed_exported_and_the_countys_own(desk: Desk) -> None:
    seen = await desk.finished(await desk.hand_in(sheet([row(0)])))
    listed = (await desk.server.get(Role.REVIEWER, "/application-imports")).json()["items"]
    assert [entry["import_no"] for entry in listed] == [seen["import_no"]]
    export = await desk.server.get(Role.REVIEWER, "/application-imports", format="xlsx")
    headers, shown = openpyxl.load_workbook(io.BytesIO(export.content)).worksheets[0].values
    assert shown[headers.index("申请类型")] == "个人"
    path = f"/application-imports/{seen['import_no']}"
    assert (await desk.server.get(Role.OPERATOR, path, OTHER_COUNTY)).status_code == 404
    assert (await desk.server.get(Role.OPERATOR, f"{path}/refused-rows")).status_code == 404
    assert seen["run"]["workflow_id"] == f"application-import/{seen['import_no']}"
    assert (seen["run"]["stage"], seen["run"]["stage_label"]) == ("imported", "已导入")


# The tables that whoever waits for the turn has made for itself: three are the items with what belongs to them.
_WAITING = """
SELECT count(DISTINCT t.relation) FROM pg_locks w JOIN pg_locks t USING (pid)
WHERE w.locktype = 'advisory' AND NOT w.granted AND t.locktype = 'relation' AND t.mode = 'AccessExclusiveLock'
"""


async def test_a_files_rows_are_sealed_before_the_county_has_to_wait_for_it(desk: Desk) -> None:
    async with desk.server.database.transaction() as session:
        await lock_additions(session, COUNTY)
        answer = await desk.hand_in(sheet([row(place) for place in range(5)]))

        async def staged() -> bool:
            async with desk.server.database.reading() as other:
                return await fetch_int(other, _WAITING) > 3

        await eventually(staged)
        async with desk.server.database.reading() as other:
            assert await fetch_int(other, "SELECT last FROM number_series WHERE series LIKE '%-S%'") == 5
            assert await fetch_int(other, "SELECT count(*) FROM application") == 0
    seen = await desk.finished(answer)
    assert (seen["stage"], seen["rows_imported"]) == ("imported", 5)
    async with desk.server.database.reading() as session:
        stored = await rows_of(session, "SELECT application_no, amount_fen FROM application ORDER BY id")
    assert [tuple(line) for line in stored] == [
        (f"{COUNTY}-S{desk.year}-{place + 1:07d}", (100 + place) * 100 + 50) for place in range(5)
    ]

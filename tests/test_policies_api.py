"""Policy unit, policies, budget choices, indicators, files, lists and contradictions over HTTP (S1 1.1, 2.3)."""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import openpyxl  # type: ignore[import-untyped]
import pytest
from PIL import Image
from sqlmodel import col, select

from activities.policies import ReviewActivities
from deploy.stack.objects import Access
from models.contracts import RunKind, Subject, workflow_id
from models.file_owners import OPENED_BY, FileOf
from models.store.events.contradictions import Claim, keep_claim
from models.store.policies.file_uses import use_files
from models.store.runs.runs import close_run, open_run
from models.store.sql import execute, fetch_int
from models.store.texts import open_text, seal_text
from models.tables.base import now
from models.tables.batches import ProvinceSlot
from models.tables.policies import Indicator, Policy
from models.tables.records import Outbox, Run, TrailEntry
from models.words.staff import Role
from models.words.stages import ReviewStage
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server, seed_catalogs
from tests.statements import rows_of
from tests.tiny_runs import eventually

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
UNIT, PROJECT, DOCUMENT = "11500001006562645B", f"{COUNTY}{YEAR}001", f"渝财农〔{YEAR}〕15号"


@pytest.fixture
async def server(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, s3_settings) as running:
        await seed_catalogs(running.database)
        await seed_catalogs(running.database, OTHER_COUNTY)
        yield running


def png(width: int = 3, height: int = 2, mode: str = "RGB") -> bytes:
    target = io.BytesIO()
    Image.new(mode, (width, height)).save(target, "PNG")
    return target.getvalue()


async def stored(server: ApiServer, data: bytes = PDF, name: str = "政策.pdf", county: str = COUNTY) -> int:
    answer = await server.upload(Role.COUNTY_ADMIN, data, name, county)
    assert answer.status_code == 201, answer.text
    file_id: int = answer.json()["file_id"]
    return file_id


async def uploaded(server: ApiServer) -> str:
    """A policy in review."""
    await server.put(Role.COUNTY_ADMIN, "/policy-unit", {"code": f"{COUNTY}101"})
    body = {"fund_year": YEAR, "title": "耕地补贴政策", "item_codes": ["BT1001"], "file_id": await stored(server)}
    answer = await server.post(Role.COUNTY_ADMIN, "/policies", body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/policies/{answer.json()['policy_no']}"
    policy_no: str = answer.json()["policy_no"]
    return policy_no


async def refused(server: ApiServer, table: str, number: str, submission_id: str | None = "sub-1") -> None:
    """As the run leaves the rows when the platform says no."""
    kind = RunKind.POLICY_REVIEW if table == "policy" else RunKind.INDICATOR_REVIEW
    async with server.database.transaction() as session:
        await execute(
            session,
            f"UPDATE {table} SET stage = 'rejected', opinion_sealed = :opinion, submission_id = :id"
            f" WHERE {table}_no = :no",
            opinion=seal_text(server.vault, COUNTY, "不清晰"),
            id=submission_id,
            no=number,
        )
        await close_run(session, workflow_id(kind, number), "rejected")


async def test_a_look_at_a_refusal_does_not_close_what_is_handed_in_again_at_that_moment(server: ApiServer) -> None:
    number, again = await uploaded(server), await stored(server, PDF + b" 2")
    await refused(server, "policy", number)
    subject = Subject(kind=RunKind.POLICY_REVIEW, number=number, county_code=COUNTY, fund_year=YEAR)
    looking = ReviewActivities(server.database, server.vault, cast(Any, None), cast(Any, None), server.settings)
    async with server.database.transaction() as session:
        await execute(session, "SELECT 1 FROM trail_head WHERE county_code = :county FOR UPDATE", county=COUNTY)
        upload = server.post(Role.COUNTY_ADMIN, f"/policies/{number}/uploads", {"file_id": again})
        uploading = asyncio.create_task(upload)  # has changed policy and run, and waits for the trail
        await waiting(server, 1)
        look = asyncio.create_task(looking.look_at_review(subject))
        await waiting(server, 2)
    assert (await uploading).status_code == 201
    assert not (await look).done
    async with server.database.reading() as session:
        run = (await session.exec(select(Run).where(Run.number == number))).one()
    assert (run.stage, run.closed_at) == ("in_review", None)


async def waiting(server: ApiServer, count: int) -> None:
    """Until so many of this database's transactions wait for another one."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def enough() -> bool:
        async with server.database.reading() as session:
            return await fetch_int(session, blocked) >= count

    await eventually(enough)


def indicator(**changes: Any) -> dict[str, Any]:
    amounts = {"total_fen": 1000, "central_fen": 400, "provincial_fen": 300, "municipal_fen": 200, "county_fen": 100}
    chosen = {"budget_unit_code": UNIT, "budget_project_code": PROJECT, "document_no": DOCUMENT}
    return {"fund_year": YEAR, "fund_nature": "一般公共预算资金"} | chosen | amounts | changes


async def registered(server: ApiServer, **changes: Any) -> str:
    chosen = {"budget_unit_codes": [UNIT], "budget_project_codes": [PROJECT], "document_nos": [DOCUMENT]}
    assert (await server.put(Role.OPERATOR, "/budget-choices", {"fund_year": YEAR} | chosen)).status_code == 200
    answer = await server.post(Role.OPERATOR, "/indicators", indicator(**changes))
    assert answer.status_code == 201, answer.text
    indicator_no: str = answer.json()["indicator_no"]
    return indicator_no


async def test_the_policy_unit_is_chosen_from_the_list_and_kept_once_used(server: ApiServer) -> None:
    assert (await server.get(Role.OPERATOR, "/policy-unit")).status_code == 404
    unknown = await server.put(Role.COUNTY_ADMIN, "/policy-unit", {"code": "nobody"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/code")
    for code in (f"{COUNTY}101", f"{COUNTY}102"):
        assert (await server.put(Role.COUNTY_ADMIN, "/policy-unit", {"code": code})).status_code == 200
    await uploaded(server)
    assert (await server.get(Role.OPERATOR, "/policy-unit")).json()["code"] == f"{COUNTY}101"
    late = await server.put(Role.COUNTY_ADMIN, "/policy-unit", {"code": f"{COUNTY}102"})
    assert (late.status_code, late.json()["code"]) == (409, "POLICY_UNIT_IN_USE")


async def test_an_uploaded_policy_is_in_review_with_a_run_to_be_started(server: ApiServer) -> None:
    policy_no = await uploaded(server)
    policy = (await server.get(Role.REVIEWER, f"/policies/{policy_no}")).json()
    assert (policy["stage"], policy["round"], policy["policy_unit_code"]) == ("in_review", 1, f"{COUNTY}101")
    assert policy["run"]["workflow_id"] == f"policy-review/{policy_no}"
    async with server.database.reading() as session:
        posted = (await session.exec(select(Outbox))).one()
        acts = (await session.exec(select(TrailEntry.act).order_by(col(TrailEntry.id)))).all()
    assert posted.workflow_id == f"policy-review/{policy_no}"
    assert list(acts) == ["policy_unit_chosen", "file_stored", "policy_uploaded"]


async def test_a_policy_needs_unit_items_and_an_own_file_of_the_right_kind(server: ApiServer) -> None:
    picture, foreign = await stored(server, png(), "a.png"), await stored(server, county=OTHER_COUNTY)
    book = await stored(server, workbook(), "a.xlsx")
    body = {"fund_year": YEAR, "title": "政策", "item_codes": ["BT1001"], "file_id": picture}
    missing = await server.post(Role.COUNTY_ADMIN, "/policies", body)
    assert (missing.status_code, missing.json()["code"]) == (409, "POLICY_UNIT_MISSING")
    await server.put(Role.COUNTY_ADMIN, "/policy-unit", {"code": f"{COUNTY}101"})
    wrong = (
        {"item_codes": ["BT1001", "BT9"], "file_id": picture},
        {"file_id": foreign},
        {"file_id": book},
        {"file_id": 10**6},
    )
    answers = [await server.post(Role.COUNTY_ADMIN, "/policies", body | change) for change in wrong]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert [answer.json()["errors"][0]["pointer"] for answer in answers] == ["/item_codes/1"] + ["/file_id"] * 3
    assert (await server.post(Role.COUNTY_ADMIN, "/policies", body)).status_code == 201


async def test_a_refused_policy_is_uploaded_again_in_a_new_round(server: ApiServer) -> None:
    policy_no = await uploaded(server)
    again = {"file_id": await stored(server, PDF + b"%%EOF 2"), "title": "耕地补贴政策（修订）"}
    early = await server.post(Role.COUNTY_ADMIN, f"/policies/{policy_no}/uploads", again)
    assert (early.status_code, early.json()["code"]) == (409, "POLICY_NOT_REJECTED")
    await refused(server, "policy", policy_no)
    answer = await server.post(Role.COUNTY_ADMIN, f"/policies/{policy_no}/uploads", again)
    assert answer.status_code == 201, answer.text
    async with server.database.reading() as session:
        policy = (await session.exec(select(Policy))).one()
        run = (await session.exec(select(Run))).one()
    assert (policy.stage, policy.round) == (ReviewStage.IN_REVIEW, 2)
    assert open_text(server.vault, COUNTY, policy.title_sealed) == "耕地补贴政策（修订）"
    assert (policy.submission_id, policy.refused_submission_id, policy.opinion_sealed) == (None, "sub-1", None)
    assert (run.closed_at, run.stage) == (None, "in_review")


async def test_one_that_was_not_even_taken_keeps_the_refusal_before(server: ApiServer) -> None:
    policy_no = await uploaded(server)
    again = {"file_id": await stored(server)}
    for submission_id in ("sub-1", None):
        await refused(server, "policy", policy_no, submission_id)
        assert (await server.post(Role.COUNTY_ADMIN, f"/policies/{policy_no}/uploads", again)).status_code == 201
    async with server.database.reading() as session:
        policy = (await session.exec(select(Policy))).one()
    assert (policy.round, policy.refused_submission_id) == (3, "sub-1")


async def test_another_countys_things_are_not_there(server: ApiServer) -> None:
    policy_no, indicator_no, file_id = await uploaded(server), await registered(server), await stored(server)
    for path in (f"/policies/{policy_no}", f"/indicators/{indicator_no}", f"/files/{file_id}"):
        assert (await server.get(Role.COUNTY_ADMIN, path)).status_code == 200
        answer = await server.get(Role.COUNTY_ADMIN, path, OTHER_COUNTY)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    upload = await server.post(Role.COUNTY_ADMIN, f"/policies/{policy_no}/uploads", {"file_id": file_id}, OTHER_COUNTY)
    edit = await server.put(Role.OPERATOR, f"/indicators/{indicator_no}", indicator(), OTHER_COUNTY)
    submit = await server.post(Role.OPERATOR, "/indicator-submissions", {"indicator_nos": [indicator_no]}, OTHER_COUNTY)
    assert (upload.status_code, edit.status_code) == (404, 404)
    assert (submit.status_code, submit.json()["errors"][0]["code"]) == (409, "NOT_FOUND")
    for path in ("/policies", "/indicators"):
        assert (await server.get(Role.COUNTY_ADMIN, path, OTHER_COUNTY)).json()["items"] == []


async def test_budget_choices_are_saved_button_by_button(server: ApiServer) -> None:
    await server.put(Role.OPERATOR, "/budget-choices", {"fund_year": YEAR, "budget_unit_codes": [UNIT]})
    await server.put(Role.OPERATOR, "/budget-choices", {"fund_year": YEAR, "document_nos": [DOCUMENT]})
    wrong = {"fund_year": YEAR, "budget_project_codes": ["nothing"], "document_nos": []}
    answer = await server.put(Role.OPERATOR, "/budget-choices", wrong)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/budget_project_codes/0")
    seen = (await server.get(Role.OPERATOR, "/budget-choices", fund_year=YEAR)).json()
    assert [entry["code"] for entry in seen["budget_units"]] == [UNIT]
    assert [entry["name"] for entry in seen["documents"]] == [DOCUMENT]
    assert seen["budget_projects"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"total_fen": 1001}, "/total_fen"),
        ({"budget_unit_code": "11500001006562723A"}, "/budget_unit_code"),
        ({"budget_project_code": "x"}, "/budget_project_code"),
        ({"document_no": f"渝财农〔{YEAR}〕28号"}, "/document_no"),
        ({"fund_year": YEAR + 1}, "/budget_unit_code"),
        ({"total_fen": 0, "central_fen": 0}, "/total_fen"),
        ({"total_fen": 1000.0}, "/total_fen"),
        ({"total_fen": "1000"}, "/total_fen"),
        ({"total_fen": True}, "/total_fen"),
        ({"central_fen": -1}, "/central_fen"),
        ({"total_fen": 10**15}, "/total_fen"),
        ({"county": "500003"}, "/county"),
    ],
)
async def test_a_faulty_indicator_is_refused_at_its_place(
    server: ApiServer, change: dict[str, Any], pointer: str
) -> None:
    await registered(server)
    answer = await server.post(Role.OPERATOR, "/indicators", indicator(**change))
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert len((await server.get(Role.OPERATOR, "/indicators")).json()["items"]) == 1


async def test_indicators_are_submitted_together_or_not_at_all(server: ApiServer) -> None:
    numbers = [await registered(server) for _ in range(3)]
    act = {"indicator_nos": numbers}
    first = await server.post(Role.OPERATOR, "/indicator-submissions", {"indicator_nos": numbers[:1]})
    assert first.json() == {"act": "indicator_submission", "count": 1, "total_fen": 1000, "left_out": []}
    whole = await server.post(Role.OPERATOR, "/indicator-submissions", act)
    assert (whole.status_code, whole.json()["errors"][0]["indicator_no"]) == (409, numbers[0])
    rest = await server.post(Role.OPERATOR, "/indicator-submissions", {"indicator_nos": numbers[1:] + numbers[1:]})
    assert (rest.json()["count"], rest.json()["total_fen"]) == (2, 2000)
    async with server.database.reading() as session:
        runs = (await session.exec(select(Run.workflow_id).order_by(col(Run.id)))).all()
    assert list(runs) == [f"indicator-review/{number}" for number in numbers]


async def test_a_refused_indicator_is_edited_and_submitted_in_a_new_round(server: ApiServer) -> None:
    number = await registered(server)
    act = {"indicator_nos": [number]}
    await server.post(Role.OPERATOR, "/indicator-submissions", act)
    during = await server.put(Role.OPERATOR, f"/indicators/{number}", indicator())
    assert (during.status_code, during.json()["code"]) == (409, "INDICATOR_NOT_EDITABLE")
    await refused(server, "indicator", number)
    untouched = await server.post(Role.OPERATOR, "/indicator-submissions", act)
    assert untouched.status_code == 409
    edited = await server.put(Role.OPERATOR, f"/indicators/{number}", indicator(total_fen=1100, county_fen=200))
    assert (edited.status_code, edited.json()["stage"], edited.json()["left_fen"]) == (200, "draft", 1100)
    assert (await server.post(Role.OPERATOR, "/indicator-submissions", act)).status_code == 200
    async with server.database.reading() as session:
        row = (await session.exec(select(Indicator))).one()
    assert (row.stage, row.round, row.submission_id, row.refused_submission_id) == (
        ReviewStage.IN_REVIEW,
        2,
        None,
        "sub-1",
    )


async def test_a_list_never_fetched_is_being_fetched_once(server: ApiServer) -> None:
    for _ in range(3):
        answer = await server.get(Role.OPERATOR, "/catalogs/budget-projects", fund_year=YEAR - 1)
        assert (answer.status_code, answer.json()["code"]) == (503, "CATALOG_FETCHING")
        assert int(answer.headers["retry-after"]) > 0
    async with server.database.reading() as session:
        posted = (await session.exec(select(Outbox))).all()
    assert [one.workflow_id for one in posted] == [f"catalog-refresh/{COUNTY}-M{YEAR - 1}"]
    items = (await server.get(Role.APPLICANT, "/catalogs/towns", fund_year=YEAR)).json()["items"]
    assert [town["villages"][0]["name"] for town in items] == ["东街村"]


def workbook() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (PDF, "a.pdf", "application/pdf"),
        (workbook(), "a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
async def test_a_file_comes_back_as_it_was(server: ApiServer, data: bytes, name: str, kind: str) -> None:
    file_id = await stored(server, data, name)
    answer = await server.get(Role.COUNTY_ADMIN, f"/files/{file_id}")
    assert (answer.content, answer.headers["content-type"]) == (data, kind)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_comes_back_drawn_anew_whatever_it_is_for(server: ApiServer) -> None:
    exif = Image.Exif()
    exif[0x010E] = "500001195602159893"
    exif.get_ifd(0x8825).update({1: "N", 2: (29.0, 33.0, 0.0), 3: "E", 4: (106.0, 30.0, 0.0)})
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(target, "JPEG", exif=exif)
    for data, name in ((target.getvalue() + b"PK\x03\x04 13800001234", "a.jpg"), (png(), "a.png"), (png(), "照片")):
        file_id = await stored(server, data, name)
        answer = await server.get(Role.COUNTY_ADMIN, f"/files/{file_id}")
        assert answer.headers["content-type"] == "image/jpeg"
        drawn = Image.open(io.BytesIO(answer.content))
        assert drawn.size == Image.open(io.BytesIO(data)).size
        assert not dict(drawn.getexif())
        assert not drawn.getexif().get_ifd(0x8825)
        assert b"13800001234" not in answer.content
        async with server.database.reading() as session:
            [kept] = await rows_of(session, "SELECT sha256, size FROM stored_file WHERE id = :id", id=file_id)
        assert tuple(kept) == (hashlib.sha256(answer.content).hexdigest(), len(answer.content))


async def test_a_scan_with_bytes_around_it_is_kept_from_head_to_end(server: ApiServer) -> None:
    for data in (PDF + b"\0" * 4845, b"\r\n\0junk" + PDF, b"\xef\xbb\xbf" + PDF + b"\x1a"):
        file_id = await stored(server, data, "scan.pdf")
        answer = await server.get(Role.COUNTY_ADMIN, f"/files/{file_id}")
        assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.pdf", "FILE_EMPTY"),
        (b"PK\x03\x04", "a.xlsx", "FILE_KIND"),
        (b"hello", "a.pdf", "FILE_KIND"),
        (png(), "a.pdf", "FILE_KIND"),
        (PDF, "a.xlsx", "FILE_KIND"),
        (PDF[:20], "a.pdf", "FILE_DAMAGED"),
        (png()[:40], "a.png", "FILE_DAMAGED"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 12, "a.jpg", "FILE_DAMAGED"),
        (png(40_000, 1_001, "1"), "a.png", "FILE_PIXELS"),
        (b"MZ" + b"\0" * 100, "a.exe", "FILE_KIND"),
    ],
)
async def test_a_file_of_another_kind_than_it_says_is_refused(
    server: ApiServer, data: bytes, name: str, code: str
) -> None:
    answer = await server.upload(Role.OPERATOR, data, name)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_25_mib_are_too_many(server: ApiServer) -> None:
    answer = await server.upload(Role.OPERATOR, PDF + b"\0" * 25 * 1024 * 1024, "a.pdf")
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_the_same_upload_with_another_boundary_is_a_repeat(server: ApiServer) -> None:
    first = await server.upload(Role.OPERATOR, PDF, "a.pdf", key="one")
    second = await server.upload(Role.OPERATOR, PDF, "a.pdf", key="one")
    other = await server.upload(Role.OPERATOR, PDF + b"\n%%EOF", "a.pdf", key="one")
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")


async def test_an_applicant_gets_the_own_files_only(server: ApiServer) -> None:
    foreign = await stored(server)
    own = (await server.upload(Role.APPLICANT, png(), "a.png", person="li.si")).json()["file_id"]
    headers = server.bearer(Role.APPLICANT, COUNTY, "li.si")
    assert (await server.http.get(f"/files/{own}", headers=headers)).status_code == 200
    assert (await server.http.get(f"/files/{foreign}", headers=headers)).status_code == 404
    assert (await server.http.get("/policies", headers=headers)).status_code == 403


async def test_a_file_is_theirs_who_may_see_what_it_belongs_to(server: ApiServer) -> None:
    """Before it belongs to anything: the person's who brought it, who alone may name it."""
    file_id = await stored(server, png(), "a.png")

    async def openers() -> set[Role]:
        answers = {role: await server.get(role, f"/files/{file_id}") for role in Role}
        assert {answer.status_code for answer in answers.values()} <= {200, 404}
        return {role for role, answer in answers.items() if answer.status_code == 200}

    assert await openers() == {Role.COUNTY_ADMIN}
    publicity = {"start_date": "2026-09-01", "address": "村务公开栏", "image_file_ids": [file_id]}
    batch = (await server.post(Role.OPERATOR, "/batches", {"fund_year": YEAR, "title": "批次"})).json()["batch_no"]
    answer = await server.put(Role.OPERATOR, f"/batches/{batch}/publicity", publicity)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/image_file_ids/0")
    for thing in set(FileOf) - {FileOf.PERSON}:
        async with server.database.transaction() as session:
            await execute(session, "DELETE FROM file_use WHERE thing <> 'person'")
            await use_files(session, thing, [(file_id, "NO-1")])
        assert await openers() == OPENED_BY[thing] | {Role.COUNTY_ADMIN}, thing


async def test_a_persons_photo_is_noted_as_the_persons(server: ApiServer) -> None:
    file_id = await stored(server, png(), "a.png")
    async with server.database.transaction() as session:
        await use_files(session, FileOf.VILLAGE_ENTRY, [(file_id, "C2026-1")])
    assert (await server.get(Role.REVIEWER, f"/files/{file_id}")).status_code == 200
    [noted] = (await server.get(Role.REVIEWER, "/disclosures", purpose="photo")).json()["items"]
    assert (noted["thing"], noted["number"], noted["within"]) == ("village_entry", "C2026-1", str(file_id))


async def test_a_damaged_object_is_never_given_out(server: ApiServer, s3_settings: Access) -> None:
    file_id = await stored(server, PDF + b"%%EOF damaged")
    async with server.database.transaction() as session:
        await execute(session, "UPDATE stored_file SET sha256 = repeat('0', 64) WHERE id = :id", id=file_id)
    answer = await server.get(Role.COUNTY_ADMIN, f"/files/{file_id}")
    assert (answer.status_code, answer.json()["code"]) == (503, "FILE_DAMAGED")


async def contradiction(server: ApiServer, number: str) -> int:
    async with server.database.transaction() as session:
        claim = Claim(COUNTY, number, "policy.reviewed", "", {"status": "approved"}, {"status": "rejected"}, None)
        assert await keep_claim(session, server.vault, claim)
    listed = (await server.get(Role.OPS, "/contradictions", state="open")).json()["items"]
    found: int = listed[0]["id"]
    return found


def column(content: bytes, header: str) -> list[object]:
    titles, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values
    return [row[titles.index(header)] for row in rows]


async def test_excel_files_have_words_for_our_codes(server: ApiServer) -> None:
    number = await uploaded(server)
    await contradiction(server, number)

    async def export(path: str) -> bytes:
        return (await server.get(Role.REVIEWER, path, format="xlsx")).content

    trail = await export("/trail")
    assert column(trail, "操作")[:2] == ["上传政策", "上传文件"]
    assert set(column(trail, "身份")) == {"县管理"}
    assert column(await export("/policies"), "补贴项目") == ["耕地地力保护补贴"]
    assert column(await export("/contradictions"), "类别") == ["政策审核结果"]
    assert column(await export("/runs"), "阶段")[0] == "待审核"


@pytest.mark.parametrize(("closed", "kind"), [(False, RunKind.SUBSIDY_FLOW), (True, RunKind.PAYMENT_CORRECTION)])
async def test_a_reviewer_takes_one_of_two_and_the_run_is_woken(server: ApiServer, closed: bool, kind: RunKind) -> None:
    number = f"{COUNTY}-L{YEAR}-0001"
    subject = Subject(kind=RunKind.SUBSIDY_FLOW, number=number, county_code=COUNTY, fund_year=YEAR)
    async with server.database.transaction() as session:
        await open_run(session, subject)
        if closed:
            await close_run(session, subject.workflow_id, "ended")
    path = f"/contradictions/{await contradiction(server, number)}/decision"
    (shown,) = (await server.get(Role.REVIEWER, "/contradictions")).json()["items"]
    assert (shown["applied"], shown["claimed"]) == ({"status": "approved"}, {"status": "rejected"})
    assert "applied" not in (await server.get(Role.OPERATOR, "/contradictions")).json()["items"][0]
    decision = {"take": "claimed", "reason": "已电话核实"}
    assert (await server.post(Role.OPERATOR, path, decision)).status_code == 403
    assert (await server.post(Role.REVIEWER, path, decision, OTHER_COUNTY)).status_code == 404
    assert (await server.post(Role.REVIEWER, path, decision | {"reason": " "})).status_code == 422
    answer = await server.post(Role.REVIEWER, path, decision)
    assert (answer.status_code, answer.json()["state"], answer.json()["taken"]) == (200, "decided", "claimed")
    twice = await server.post(Role.REVIEWER, path, decision | {"take": "applied"})
    assert (twice.status_code, twice.json()["code"]) == (409, "CONTRADICTION_DECIDED")
    async with server.database.reading() as session:
        woken = (await session.exec(select(Outbox).where(Outbox.signal == "contradiction_decided"))).one()
    assert woken.workflow_id == workflow_id(kind, number)


async def test_the_provinces_slot_shows_holder_queue_and_own_place(server: ApiServer) -> None:
    async with server.database.transaction() as session:
        for place, county in enumerate(("500104", OTHER_COUNTY, COUNTY)):
            granted = now() if place == 0 else None
            row = ProvinceSlot(
                province_code="500000", county_code=county, list_no=f"{county}-C{YEAR}-0001", granted_at=granted
            )
            session.add(row)
            await session.flush()
    slot = (await server.get(Role.OPERATOR, "/province-slot")).json()
    assert (slot["holder"]["county_code"], slot["own_place"], slot["holds"]) == ("500104", 2, False)
    assert [(one["place"], one["county_code"], one["list_no"]) for one in slot["queue"]] == [
        (1, OTHER_COUNTY, None),
        (2, COUNTY, f"{COUNTY}-C{YEAR}-0001"),
    ]

"""Which photos 提交材料 needs: set by the county administrator, told per line and kind before the order (S1 2.8)."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import psycopg
import pytest

from models.words.staff import Role
from tests.rows import ADMIN, COUNTY, ITEM, OTHER_COUNTY, Line, Office, add_flow, add_ground, open_office, set_lines

PATH = f"/evidence-requirements/{ITEM}"
WHOLE = ["id_card_front", "portrait", "invoice"]


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def put(
    office: Office, kinds: object, who: str = ADMIN, county: str = COUNTY, path: str = PATH
) -> httpx.Response:
    return await office.http.put(path, json={"kinds": kinds}, headers=office.headers(who, county, None))


async def photo(office: Office, number: str, *kinds: str) -> None:
    for kind in kinds:
        await office.run(
            "INSERT INTO application_photo (application_id, kind, file_id, stored_at) SELECT a.id, :kind, f.id, now()"
            " FROM application a, (SELECT min(id) AS id FROM stored_file) f WHERE a.application_no = :number",
            kind=kind,
            number=number,
        )


async def test_the_administrator_takes_kinds_off_for_an_item_and_one_stays(
    office: Office, owner: psycopg.Connection
) -> None:
    await add_ground(office, [Line()])
    await add_ground(office, [Line()], county=OTHER_COUNTY)
    [row] = (await office.get("/evidence-requirements")).json()["items"]
    assert (row["item"], row["kinds"], row["kinds_label"], row["set_by"]) == (
        "耕地地力保护补贴",
        WHOLE,
        "身份证正面、头像、发票",
        None,
    )
    done = await put(office, ["portrait", "id_card_front"])
    assert (done.status_code, done.json()["kinds"], done.json()["set_by"]) == (200, WHOLE[:2], ADMIN)
    for kinds in ([], ["bank_card"], ["portrait", "portrait"], ["nothing"]):
        assert (await put(office, kinds)).status_code == 422
    assert (await put(office, WHOLE, "op.li")).status_code == 403
    assert (await put(office, WHOLE, path="/evidence-requirements/ITEM-404")).status_code == 404
    assert [each["kinds"] for each in (await office.get("/evidence-requirements")).json()["items"]] == [WHOLE[:2]]
    [theirs] = (await office.get("/evidence-requirements", county=OTHER_COUNTY)).json()["items"]
    assert theirs["kinds"] == WHOLE
    [entry] = (await office.get("/trail", who=ADMIN, act="evidence_requirement_set")).json()["items"]
    assert (entry["actor"], entry["subject"]) == (ADMIN, ITEM)
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE evidence_requirement SET kinds = '{}'")


async def test_what_lines_lack_is_told_per_line_and_kind_before_the_order(office: Office) -> None:
    """Paid lines only; photos of a bank card count for nobody, any other one for an organization."""
    people = [Line(), Line(), Line(), Line(applicant_kind="organization"), Line(applicant_kind="organization"), Line()]
    ground = await add_ground(office, people)
    whole, some, none, licensed, bare, unpaid = ground.numbers
    flow_no = await add_flow(office, ground, "paying")
    await set_lines(office, ground.numbers[:5], "accepted", payment="paid", money="paid")
    await set_lines(office, [unpaid], "accepted")
    await photo(office, whole, *WHOLE)
    await photo(office, some, "bank_card", "portrait")
    await photo(office, licensed, "other")
    await photo(office, bare, "bank_card")
    path = f"/flows/{flow_no}/missing-evidence"
    listed = (await office.get(path)).json()["items"]
    assert {row["application_no"]: row["missing"] for row in listed} == {
        some: ["id_card_front", "invoice"],
        none: WHOLE,
        bare: ["other"],
    }
    assert [row["missing_label"] for row in listed] == [
        "身份证正面、发票",
        "身份证正面、头像、发票",
        "营业执照（其他材料）",
    ]
    assert {row["name"] for row in listed} == {"**梅"}
    only = (await office.get(path, applicant_kind="organization", sent="false")).json()["items"]
    assert [row["application_no"] for row in only] == [bare]
    sheet = openpyxl.load_workbook(io.BytesIO((await office.get(path, format="xlsx")).content)).worksheets[0]
    cells = list(sheet.iter_rows(values_only=True))
    assert (len(cells), cells[0][5], cells[1][5]) == (4, "缺少的材料", "身份证正面、发票")
    await put(office, ["portrait"])
    left = {row["application_no"]: row["missing"] for row in (await office.get(path)).json()["items"]}
    assert left == {none: ["portrait"], bare: ["other"]}
    order = await office.post("/orders", {"kind": "evidence", "flow_no": flow_no, "reason": "提交材料"})
    assert order.status_code == 201, order.text
    told = {tuple(each["missing"]): each["count"] for each in order.json()["warnings"]}
    assert told == {("portrait",): 1, ("other",): 1}
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404
    assert (await office.http.get(path, headers=office.headers("a", COUNTY, None, Role.APPLICANT))).status_code == 403

"""Names of exports and downloads: speaking, and harmless wherever they are kept (RFC 6266)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from api.main import openapi
from api.server.file_names import attachment
from models.words.calendar import china_today
from tests.rows import COUNTY, YEAR, Line, Office, add_flow, add_ground, citizen_id, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


NAMED = re.compile(r"attachment; filename=\"([\w.-]+)\"; filename\*=UTF-8''([\w.%-]+)", re.ASCII)


def test_every_list_and_file_has_a_chinese_name_to_be_kept_under() -> None:
    """The name of an export is the route's own in the docs."""
    nameless = [
        (path, operation["summary"])
        for path, kinds in openapi()["paths"].items()
        for operation in kinds.values()
        if any(parameter["name"] == "format" for parameter in operation.get("parameters", ()))
        and not re.fullmatch(r"[\u4e00-\u9fff]+", operation["summary"])
    ]
    assert nameless == []


async def test_files_say_what_they_are_whose_and_of_which_day_and_nothing_of_anybody(office: Office) -> None:
    ground = await add_ground(office, [Line(person=7)])
    flow_no = await add_flow(office, ground)
    day = f"{china_today():%Y%m%d}"
    wanted = {
        "/applications": (f"申请-{COUNTY}-{day}.xlsx", f"{COUNTY}-{day}.xlsx"),
        f"/flows/{flow_no}/lines": (f"补贴流程明细-{flow_no}-{day}.xlsx", f"{flow_no}-{day}.xlsx"),
        "/catalogs/towns": (f"平台目录-{COUNTY}-towns-{day}.xlsx", f"{COUNTY}-towns-{day}.xlsx"),
    }
    for path, names in wanted.items():
        answer = await office.get(path, format="xlsx", fund_year=str(YEAR))
        assert answer.status_code == 200, answer.text
        named = NAMED.fullmatch(answer.headers["content-disposition"])
        assert named is not None, answer.headers["content-disposition"]
        assert (unquote(named[2]), named[1]) == names
    sought = await office.post("/applications/search?format=xlsx", {"id_number": citizen_id(7)})
    assert unquote(sought.headers["content-disposition"]).endswith(f"UTF-8''按人查询申请-{COUNTY}-{day}.xlsx")
    header = attachment("xlsx", '../\r\n"王😀;', "申请（一）", "..-500001-L2026-1..", "")["Content-Disposition"]
    hostile = NAMED.fullmatch(header)
    assert hostile is not None
    assert (unquote(hostile[2]), hostile[1]) == ("王-申请一-500001-L2026-1.xlsx", "500001-L2026-1.xlsx")
    assert (
        attachment("bin", "；")["Content-Disposition"] == "attachment; filename=\"file.bin\"; filename*=UTF-8''file.bin"
    )

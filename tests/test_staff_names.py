"""Who acted is named: by name on pages, as 李操作（op.li） in files and refusals; whom nobody knows keeps the login."""

import re
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from api.counter.export import PEOPLE
from models.words.staff import Role
from tests.browser import Browser
from tests.rows import COUNTY, OPERATOR, REVIEWER, Line, Office, add_applications, add_flow, add_ground, open_office
from tests.sheets import table

ROOT = Path(__file__).resolve().parents[1]
ROUTES = sorted(path for path in (ROOT / "api").rglob("*.py") if "pages" not in path.parts)
PAGES = sorted((ROOT / "api/pages").glob("*.py"))
TEMPLATES = sorted((ROOT / "api/pages/templates").rglob("*.html"))
# Logins in an answer; what else ends so: a role whose turn it is, why a session ended, an import that corrects another.
LOGIN = r"(?:\w+_by|by|actor)"
NO_LOGIN = {"next_by", "over_by", "corrected_by"}
NAMED = re.compile(rf"(?<!\"person\", )\b[a-z_]+\.({LOGIN})\b(?!\|person|, \"person\"| !=|_)")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def test_each_column_of_a_file_that_is_a_login_is_named() -> None:
    """A list that is written tomorrow too."""
    found = set()
    for path in ROUTES:
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, headers in vars(module).items():
            if name.endswith("HEADERS") and isinstance(headers, dict):
                found |= {field for field in headers if re.fullmatch(LOGIN, field)}
    assert len(found) > 5
    assert found - NO_LOGIN <= PEOPLE


def test_a_page_shows_a_login_by_name() -> None:
    unnamed = []
    for template in TEMPLATES:
        text = re.sub(r"\{%-?\s*(if|set|from)\b.*?%\}|\{#.*?#\}", "", template.read_text("utf-8"), flags=re.DOTALL)
        unnamed += [(template.name, match) for match in NAMED.findall(text) if match not in NO_LOGIN]
    assert unnamed == []


def test_a_column_of_a_list_shows_a_login_by_name() -> None:
    columns = [
        (path.name, *found)
        for path in PAGES
        for found in re.findall(rf'Column\("[^"]*", "[^"]*", "({LOGIN})"(.*?)\),', path.read_text("utf-8"))
    ]
    assert len(columns) > 5
    assert [each for each in columns if each[1] not in NO_LOGIN and each[2] != ', kind="person"'] == []


async def test_files_refusals_and_pages_name_who_acted(office: Office) -> None:
    flow_no = await add_flow(office, await add_ground(office, [Line()]))
    async with office.database.transaction() as session:
        lines = [Line(stage="draft"), Line(stage="draft", entered_by="gone.long")]
        [mine, _] = await add_applications(session, office.vault, lines, None)
    await office.get("/applications", REVIEWER)  # each has a row once a token is made
    file = await office.get("/applications", OPERATOR, format="xlsx", stage="draft")
    assert [row["录入人"] for row in table(file)] == ["李操作（op.li）", "gone.long"]
    assert [row["启动人"] for row in table(await office.get("/flows", REVIEWER, format="xlsx"))] == ["李操作（op.li）"]
    await office.whole(f"/applications/{mine}", OPERATOR, purpose="look")
    trail = table(await office.get("/trail", REVIEWER, format="xlsx"))
    assert {row["经办人"] for row in trail} == {"李操作（op.li）"}
    shown = table(await office.get("/disclosures", REVIEWER, format="xlsx"))
    assert {row["查看人"] for row in shown} == {"李操作（op.li）"}
    browser = await Browser.at(office).sign_in(REVIEWER)
    for place in (f"/console/flows/{flow_no}", f"/console/applications/{mine}", "/console/flows", "/console/trail"):
        page = await browser.open(place)
        assert "李操作" in page.main, place
        # but to choose among people
        assert OPERATOR not in page.main.replace(f"李操作（{OPERATOR}）", ""), place


async def test_an_applicant_knows_the_staff_and_no_other_applicant(office: Office) -> None:
    for who in (OPERATOR, "app.wu", "app.zheng"):
        office.staff.add_known(who, COUNTY)
    await office.run("UPDATE person SET roles = '{applicant}' WHERE subject LIKE 'app.%'")
    token = office.staff.token("app.wu", Role.APPLICANT, COUNTY)
    answer = await office.http.get("/staff/names", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["names"] == {OPERATOR: "李操作", "app.wu": "app.wu"}

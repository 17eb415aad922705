"""上线准备: what a county lacks, who mends it and where; a trial of the platform; green once nothing is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.stack.objects import Access
from models.words.staff import Role
from tests.api_server import PROVINCE
from tests.browser import Browser
from tests.citizens import Someone, account_held
from tests.page_ground import at, office_with_files
from tests.province import Province
from tests.rows import ADMIN, COUNTY, OPERATOR, OPS, REVIEWER, SECOND, SECOND_ADMIN, Office

pytest_plugins = ["tests.province_fixtures"]


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings) as opened:
        yield opened


async def lacking(office: Office, who: str = ADMIN) -> dict[str, list[str]]:
    found = (await office.get("/going-live", who)).json()
    assert found["ready"] == all(each["passed"] for each in found["checks"])
    return {each["check"]: each["lacks"] for each in found["checks"] if not each["passed"]}


@pytest.mark.journey(31)
async def test_a_new_county_sees_what_it_lacks_until_it_is_green(office: Office) -> None:
    await office.run("DELETE FROM catalog_list WHERE kind = 'towns'")
    assert set(await lacking(office)) == {"people", "policy_unit", "catalogs", "register", "platform", "callbacks"}
    browser = await at(office, ADMIN)
    page = await browser.open("/console/going-live")
    assert "还缺的项数：6" in page.main
    assert (page.link("人员"), page.link("平台目录")) == ("/console/people", "/console/catalogs")
    assert "办理人：县操作员、审核人" in page.main
    tried = await browser.submit(page, "试连平台")
    assert "已请平台应答" in tried.done
    [(run, asked)] = await office.rows("SELECT workflow_id, asked FROM run WHERE kind = 'platform-trial'")
    assert (run, asked) == (f"platform-trial/{COUNTY}-T", 1)
    for who in (SECOND_ADMIN, OPERATOR, REVIEWER, SECOND):
        office.staff.add_known(who, COUNTY)
    await office.run(
        "INSERT INTO policy_unit (county_code, code, name, chosen_by, chosen_at) VALUES (:c, 'U', '农委', 'a', now())",
        c=COUNTY,
    )
    await office.run(
        "INSERT INTO catalog_list (county_code, kind, fund_year, items, fetched_at)"
        " VALUES (:c, 'towns', 0, '[]', now())",
        c=COUNTY,
    )
    await office.run(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, status,"
        " source, updated_at) VALUES (:c, 'p', 'n', 'n', 'i', 'valid', '初始导入', now())",
        c=COUNTY,
    )
    await office.run(
        "INSERT INTO inbox (province_code, event_id, source, event_type, county_code, body_sha256, body, state,"
        " received_at, next_try_at, tries) VALUES (:p, 'e', 'callback', '', :c, '', '', 'applied', now(), now(), 0)",
        p=PROVINCE,
        c=COUNTY,
    )
    assert set(await lacking(office)) == {"platform"}
    for code, ahead, words in (
        ("UNAUTHORIZED", None, "时钟"),
        (None, 240.0, "快 240 秒"),
        (None, -90.0, "慢 90 秒"),
    ):
        await office.run("UPDATE platform_trial SET code = :code, ahead_seconds = :ahead", code=code, ahead=ahead)
        assert words in (await lacking(office))["platform"][0], code
    await office.run("UPDATE platform_trial SET code = NULL, ahead_seconds = 1.5, took_ms = 80")
    assert await lacking(office, OPS) == {}
    ops = await Browser.at(office).sign_in(OPS, role=Role.OPS)
    assert "全部具备" in (await ops.open("/console/going-live")).main
    for who in (OPERATOR, REVIEWER):
        assert (await office.get("/going-live", who)).status_code == 403
        assert (await office.post("/platform-trials", {}, who)).status_code == 403


def test_a_trial_asks_the_platform_and_its_clock(province: Province) -> None:
    county = province.county()
    account_held(province, Someone(59_000), county.code)
    county.admin.post("/platform-trials")
    found = province.wait("trial", lambda: county.admin.get("/going-live"), lambda seen: seen["trial"] is not None)
    assert found["trial"]["passed"]
    assert {each["check"]: each["passed"] for each in found["checks"]}["platform"]
    ahead = found["trial"]["ahead_seconds"]
    assert ahead is None or abs(ahead) < 30
    first = found["trial"]["tried_at"]
    county.admin.post("/platform-trials")
    again = province.wait(
        "again", lambda: county.admin.get("/going-live"), lambda seen: seen["trial"]["tried_at"] != first
    )
    assert again["trial"]["asked_by"] == f"county_admin-{county.code}"

"""The policy unit may be changed while nothing is open, and what is open has one unit (S1 1.1)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from models.store.sql import fetch_int
from models.tables.catalogs import CatalogList
from tests.rows import (
    ADMIN,
    COUNTY,
    ITEM,
    YEAR,
    Line,
    Office,
    add_catalogs,
    add_file,
    add_ground,
    add_policy,
    codes,
    open_office,
)
from tests.statements import rows_of
from tests.tiny_runs import eventually

UNITS = {"U-1": "农业农村委", "U-2": "林业局"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            listed = [{"code": code, "name": name} for code, name in UNITS.items()]
            session.add(CatalogList(county_code=COUNTY, kind="policy-units", fund_year=0, items=listed))
            await add_catalogs(session)
        await opened.run("DELETE FROM policy_unit")
        yield opened


async def choose(office: Office, code: str) -> httpx.Response:
    return await office.http.put("/policy-unit", json={"code": code}, headers=office.headers(ADMIN, COUNTY, None))


async def upload(office: Office, **other: object) -> httpx.Response:
    async with office.database.transaction() as session:
        file_id = await add_file(session)
    body = {"title": "耕地补贴政策", "item_codes": [ITEM], "file_id": file_id} | other
    return await office.post("/policies", body, who=ADMIN)


async def reviewed(office: Office, stage: str) -> None:
    await office.run("UPDATE policy SET stage = :stage", stage=stage)


async def chosen(office: Office) -> tuple[str, list[str]]:
    seen = (await office.get("/policy-unit")).json()
    return seen["code"], seen["hindrances"]


async def test_it_may_be_changed_while_nothing_is_open_and_a_policy_keeps_the_one_it_had(office: Office) -> None:
    for code in ("U-2", "U-1"):
        assert (await choose(office, code)).status_code == 200
    first = (await upload(office)).json()
    assert (first["policy_unit_code"], first["policy_unit_name"]) == ("U-1", "农业农村委")
    refused = await choose(office, "U-2")
    assert (refused.status_code, refused.json()["code"]) == (409, "POLICY_UNIT_IN_USE")
    assert refused.json()["errors"][0]["number"] == first["policy_no"]
    assert (await choose(office, "U-1")).status_code == 200
    assert await chosen(office) == ("U-1", [f"政策 {first['policy_no']} 待审核"])

    await reviewed(office, "rejected")
    assert (await choose(office, "U-2")).status_code == 200
    again = await office.post(f"/policies/{first['policy_no']}/uploads", {"file_id": first["file_id"]}, who=ADMIN)
    assert again.json()["policy_unit_code"] == "U-1"
    [warning] = again.json()["warnings"]
    assert warning["code"] == "OTHER_POLICY_UNIT"
    assert "农业农村委" in warning["detail"]
    assert "林业局" in warning["detail"]
    assert (await choose(office, "U-1")).status_code == 409

    await reviewed(office, "approved")
    assert await chosen(office) == ("U-2", [])
    other = (await upload(office)).json()
    assert (other["policy_unit_code"], other["warnings"]) == ("U-2", [])
    changes = await office.rows("SELECT count(*) FROM trail_entry WHERE act = 'policy_unit_chosen'")
    assert changes == [(3,)]


async def test_an_open_flow_keeps_the_unit_and_is_of_its_policies_one(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    assert (await choose(office, "U-2")).status_code == 200
    async with office.database.transaction() as session:
        second = await add_policy(session, office.vault, policy_unit_code="U-2", policy_unit_name="林业局")
    both = ground.start | {"policy_nos": [ground.policy_no, second]}
    mixed = await office.post("/flows", both)
    assert codes(mixed) == ["POLICY_UNITS_DIFFER"]
    [lack] = mixed.json()["errors"]
    assert f"农业农村委（U-1）：{ground.policy_no}；林业局（U-2）：{second}" in lack["detail"]

    started = await office.post("/flows", ground.start)
    assert (started.status_code, started.json()["policy_unit_code"]) == (201, "U-1")
    [named] = (await office.get(f"/flows/{started.json()['flow_no']}")).json()["policies"]
    assert named["policy_unit_name"] == "农业农村委"
    refused = await choose(office, "U-1")
    assert (refused.status_code, refused.json()["errors"][0]["number"]) == (409, started.json()["flow_no"])
    with pytest.raises(IntegrityError):
        await office.run(
            "INSERT INTO flow_policy SELECT f.id, p.id, 'U-1' FROM flow f, policy p WHERE policy_no = :no", no=second
        )
    await office.run("UPDATE flow SET stage = 'ended'")
    assert (await choose(office, "U-1")).status_code == 200


async def test_a_unit_that_the_platform_calls_otherwise_is_the_same(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    async with office.database.transaction() as session:
        second = await add_policy(session, office.vault, policy_unit_name="农业农村局")
    started = await office.post("/flows", ground.start | {"policy_nos": [ground.policy_no, second]})
    assert (started.status_code, started.json()["policy_unit_code"]) == (201, "U-1"), started.text


@asynccontextmanager
async def trail_held(office: Office) -> AsyncIterator[None]:
    """Whoever acts in the county stands at the end of the act, with all locks but the trail's, until this ends."""
    async with office.database.transaction() as session:
        held = await rows_of(session, "SELECT 1 FROM trail_head WHERE county_code = :county FOR UPDATE", county=COUNTY)
        assert held
        yield


async def waiting(office: Office, count: int) -> None:
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def enough() -> bool:
        async with office.database.reading() as session:
            return await fetch_int(session, blocked) >= count

    await eventually(enough)


async def one_after_the_other(office: Office, *acts: Awaitable[httpx.Response]) -> list[httpx.Response]:
    """Each begins when the one before stands before its end."""
    async with trail_held(office):
        tasks = []
        for place, act in enumerate(acts, 1):
            tasks.append(asyncio.ensure_future(act))
            await waiting(office, place)
    return list(await asyncio.gather(*tasks))


async def test_a_policy_that_is_being_handed_in_keeps_the_unit(office: Office) -> None:
    assert (await choose(office, "U-1")).status_code == 200
    uploaded, changed = await one_after_the_other(office, upload(office), choose(office, "U-2"))
    assert (uploaded.status_code, uploaded.json()["policy_unit_code"]) == (201, "U-1")
    assert (changed.status_code, changed.json()["code"]) == (409, "POLICY_UNIT_IN_USE")
    # handed in again after a refusal it is the same
    await reviewed(office, "rejected")
    body = {"file_id": uploaded.json()["file_id"]}
    again = office.post(f"/policies/{uploaded.json()['policy_no']}/uploads", body, who=ADMIN)
    repeated, changed = await one_after_the_other(office, again, choose(office, "U-2"))
    assert (repeated.status_code, changed.status_code) == (201, 409)
    assert (await chosen(office))[0] == "U-1"


async def test_a_policy_handed_in_while_the_unit_changes_is_of_the_new_one(office: Office) -> None:
    assert (await choose(office, "U-1")).status_code == 200
    changed, uploaded = await one_after_the_other(office, choose(office, "U-2"), upload(office))
    assert (changed.status_code, uploaded.status_code) == (200, 201)
    assert uploaded.json()["policy_unit_code"] == "U-2"


@pytest.mark.parametrize("flow_first", [True, False])
async def test_a_flow_and_another_unit_take_turns(office: Office, flow_first: bool) -> None:
    assert (await choose(office, "U-1")).status_code == 200
    ground = await add_ground(office, [Line()])
    start, change = office.post("/flows", ground.start), choose(office, "U-2")
    if flow_first:
        started, changed = await one_after_the_other(office, start, change)
    else:
        changed, started = await one_after_the_other(office, change, start)
    assert (started.status_code, changed.status_code) == (201, 409 if flow_first else 200)
    assert started.json()["policy_unit_code"] == "U-1"


async def test_a_policy_is_of_the_current_year_and_another_is_warned(office: Office) -> None:
    assert (await choose(office, "U-1")).status_code == 200
    plain = (await upload(office)).json()
    assert (plain["fund_year"], plain["warnings"]) == (YEAR, [])
    async with office.database.transaction() as session:
        await session.merge(
            CatalogList(
                county_code=COUNTY, kind="subsidy-items", fund_year=YEAR - 1, items=[{"code": ITEM, "name": "补"}]
            )
        )
    other = await upload(office, fund_year=YEAR - 1)
    assert (other.status_code, other.json()["fund_year"]) == (201, YEAR - 1)
    [warning] = other.json()["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/fund_year", "OTHER_FUND_YEAR")
    assert f"{YEAR - 1} 年度" in warning["detail"]


async def test_an_indicators_fund_nature_is_one_of_the_list(office: Office) -> None:
    natures = (await office.get("/budget-choices", fund_year=str(YEAR))).json()["fund_natures"]
    assert natures[:2] == ["一般公共预算资金", "政府性基金预算资金"]
    body: dict[str, object] = {
        "fund_year": YEAR,
        "budget_unit_code": "BU",
        "budget_project_code": "BP",
        "document_no": "渝财预〔2026〕15号",
        "total_fen": 100,
        "county_fen": 100,
    }
    await office.run(
        "INSERT INTO budget_choice (county_code, kind, fund_year, code, name, chosen_by, chosen_at)"
        " SELECT :county, kind, :year, code, name, 'x', now() FROM (VALUES ('budget-units', 'BU', 'BU'),"
        " ('budget-projects', 'BP', 'BP'), ('indicator-documents', 'D', '渝财预〔2026〕15号')) AS c (kind, code, name)",
        county=COUNTY,
        year=YEAR,
    )
    refused = await office.post("/indicators", body | {"fund_nature": "专项资金"})
    [fault] = refused.json()["errors"]
    assert (refused.status_code, fault["pointer"]) == (422, "/fund_nature")
    assert natures[-1] in fault["detail"]
    for nature in (natures[1], None):
        taken = await office.post("/indicators", body | {"fund_nature": nature})
        assert (taken.status_code, taken.json()["fund_nature"]) == (201, nature)

"""A flow's way over HTTP: what lacks before its start, what may be done now, what was done; sums of its lines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.words.calendar import china_today
from tests.rows import (
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_flow,
    add_ground,
    add_indicator,
    balances,
    count_of,
    open_office,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def test_sums_of_lines_are_those_of_their_filter(office: Office) -> None:
    lines = [Line(100), Line(200, bank_code="BANK-B"), Line(400, town_code="500001101"), Line(800)]
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "rejected", reason_code="duplicate_person")
    await set_lines(
        office, ground.numbers[1:2], "accepted", payment="failed", payment_reason_code="account_closed", sent=True
    )
    path = f"/flows/{flow_no}/lines/figures"
    whole = (await office.get(path, OPS)).json()
    assert (whole["count"], whole["fen"]) == (4, 1500)
    assert [tuple(each.values()) for each in whole["towns"]] == [
        ("500001100", "红岩镇", 3, 1100),
        ("500001101", "青山乡", 1, 400),
    ]
    assert [(each["code"], each["fen"]) for each in whole["banks"]] == [("BANK-A", 1300), ("BANK-B", 200)]
    assert [(each["label"], each["count"]) for each in whole["items"]] == [("耕地地力保护补贴", 4)]
    states = {each["label"]: each["count"] for each in whole["states"]}
    assert states == {"未提交": 2, "平台审核不通过": 1, "平台审核通过": 1}
    assert {each["label"]: each["fen"] for each in whole["reasons"]} == {"一人多条申请": 100, "账户已销户": 200}
    part = (await office.get(path, state="unsent", town_code="500001100")).json()
    listed = (await office.get(f"/flows/{flow_no}/lines", state="unsent", town_code="500001100")).json()["items"]
    assert (part["count"], part["fen"]) == (len(listed), sum(each["amount_fen"] for each in listed)) == (1, 800)
    none = (await office.get(path, state="withdrawn")).json()
    assert none == {"count": 0, "fen": 0, "towns": [], "banks": [], "items": [], "states": [], "reasons": []}
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404


async def test_readiness_is_the_starts_own_judgement_and_starts_nothing(office: Office) -> None:
    ground = await add_ground(office, [Line(60), Line(50), Line(40)], money=[100, 30])
    ask: dict[str, Any] = dict(ground.start)
    short = (await office.get("/flow-readiness", **ask)).json()
    assert [check["label"] for check in short["checks"] if not check["passed"]] == ["指标余额足够"]
    assert (short["ready"], short["count"], short["total_fen"], short["left_fen"]) == (False, 3, 150, 130)
    assert (short["short_fen"], short["unplaced_count"], short["unplaced_fen"]) == (20, 1, 50)
    [refused] = (await office.post("/flows", ask)).json()["errors"]
    [lack] = [each for check in short["checks"] for each in check["lacks"]]
    assert (lack["code"], lack["detail"]) == (refused["code"], refused["detail"])
    async with office.database.transaction() as session:
        ask["indicator_nos"] = [*ground.indicator_nos, await add_indicator(session, 50)]
    fits = (await office.get("/flow-readiness", REVIEWER, **ask)).json()
    assert (fits["ready"], fits["short_fen"], all(check["passed"] for check in fits["checks"])) == (True, 0, True)
    assert [(each["left_fen"], each["takes_count"], each["takes_fen"]) for each in fits["indicators"]] == [
        (100, 2, 100),
        (30, 0, 0),
        (50, 1, 50),
    ]
    [item] = fits["items"]
    assert (item["item"], item["count"], item["policy_nos"]) == ("耕地地力保护补贴", 3, [ground.policy_no])
    assert fits["publicity"]["earliest"] == str(china_today() - timedelta(days=3))
    assert await count_of(office, "flow") == 0
    assert (await office.post("/flows", ask)).status_code == 201
    assert await balances(office) == [(100, 0), (0, 0), (50, 0)]
    after = (await office.get("/flow-readiness", **ask)).json()
    assert next(check["check"] for check in after["checks"] if not check["passed"]) == "county"
    assert (await office.get("/flow-readiness", batch_no=ground.batch_no, county=OTHER_COUNTY)).status_code == 404
    assert (await office.get("/flow-readiness", OPS, batch_no=ground.batch_no)).status_code == 403

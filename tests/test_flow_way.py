"""A flow's way over HTTP: what lacks before its start, what may be done now, what was done; sums of its lines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rows import (
    OPS,
    OTHER_COUNTY,
    Line,
    Office,
    add_flow,
    add_ground,
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

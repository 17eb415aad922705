"""Whoever decides on an order sees whom it is about, and an operator sees it before it is entered (S1 2.7)."""

from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from models.store.vault import Field
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_flow,
    add_ground,
    count_of,
    open_office,
    set_lines,
)
from tests.sheets import table


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def disclosed(office: Office) -> list[tuple[str, str, list[str]]]:
    """Whose names were shown whole to whom at a time, the oldest first."""
    entries = (await office.get("/disclosures", REVIEWER)).json()["items"]
    times = groupby(reversed(entries), key=lambda entry: (entry["at"], entry["within"], entry["actor"]))
    return [(within, actor, [entry["number"] for entry in shown]) for (_, within, actor), shown in times]


async def refused_flow(office: Office) -> tuple[str, list[str]]:
    """A flow whose two lines of one person came back, one of them for it; the person has another application beside."""
    lines = [Line(amount_fen=100, person=7), Line(amount_fen=200, person=7, town_code="500001101", bank_code="BANK-B")]
    ground = await add_ground(office, [*lines, Line(amount_fen=400, verification="failed")])
    flow_no = await add_flow(office, ground)
    reason = office.vault.seal(Field.REASON, ground.numbers[0], "户名与账号不符")
    await set_lines(office, ground.numbers[:1], "rejected", reason_code="account_invalid", reason_sealed=reason)
    await set_lines(office, ground.numbers[1:2], "rejected", reason_code="duplicate_person")
    dead = office.vault.seal(Field.REASON, ground.numbers[2], "死亡人员")
    await office.run(
        "UPDATE application SET verification_reason_sealed = :reason WHERE application_no = :number",
        reason=dead,
        number=ground.numbers[2],
    )
    async with office.database.transaction() as session:
        others = [Line(amount_fen=800, person=7, stage="draft"), Line(person=7, stage="withdrawn")]
        await add_applications(session, office.vault, others, None)
        await add_catalogs(session, OTHER_COUNTY)
        await add_applications(session, office.vault, [Line(person=7, stage="draft")], None, OTHER_COUNTY)
    return flow_no, ground.numbers


async def test_lines_of_an_order_say_whom_it_is_about(office: Office) -> None:
    flow_no, numbers = await refused_flow(office)
    body = {"kind": "withdrawal", "flow_no": flow_no, "reason": "经核实", "selection": {"application_nos": numbers}}
    order_no = (await office.post("/orders", body)).json()["order_no"]
    path = f"/orders/{order_no}/lines"
    first, second, third = (await office.get(path, REVIEWER)).json()["items"]
    told = ("name", "town", "bank", "item", "verification_label", "state_label", "reason")
    assert [first[field] for field in told] == [
        *("王小梅", "红岩镇", "农商银行", "耕地地力保护补贴", "校验通过"),
        *("平台审核不通过", "账号无效：户名与账号不符"),
    ]
    assert [second[field] for field in told[1:3]] == ["青山乡", "邮储银行"]
    assert second["reason"] == "一人多条申请"
    assert (third["verification_label"], third["verification_reason"], third["reason"]) == (
        *("校验不通过", "死亡人员"),
        None,
    )
    # the person's other living applications here: the other line and a draft, not what was withdrawn or is elsewhere
    assert [(other["stage_label"], other["amount_fen"]) for other in second["others"]] == [
        ("草稿", 800),
        ("发放流程中", 100),
    ]
    assert second["others"][1]["application_no"] == numbers[0]
    assert (second["others_count"], third["others"], third["others_words"]) == (2, [], None)
    assert {line["name"] for line in (await office.get(path, ADMIN)).json()["items"]} == {"**梅"}
    assert await disclosed(office) == [(order_no, REVIEWER, numbers)]
    row, *_ = table(await office.get(path, REVIEWER, format="xlsx"))
    assert (row["姓名/组织名称"], row["校验结果"], row["提交失败原因"]) == (
        *("王小梅", "校验通过"),
        "账号无效：户名与账号不符",
    )
    assert str(row["同人其他申请"]).endswith(f"{numbers[1]}（2026，耕地地力保护补贴，发放流程中，2.00 元）")
    assert len(await disclosed(office)) == 2
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404


async def test_many_other_applications_are_counted_and_the_newest_told(office: Office) -> None:
    flow_no, numbers = await refused_flow(office)
    async with office.database.transaction() as session:
        await add_applications(session, office.vault, [Line(person=7, stage="draft")] * 30, None)
    body = {"kind": "confirmed", "flow_no": flow_no, "reason": "经核实", "selection": {"application_nos": numbers[1:2]}}
    order_no = (await office.post("/orders", body)).json()["order_no"]
    (line,) = (await office.get(f"/orders/{order_no}/lines", REVIEWER)).json()["items"]
    assert (len(line["others"]), line["others_count"]) == (20, 32)
    assert line["others_words"].endswith("等 32 份")


async def test_a_preview_shows_both_names_and_changes_nothing(office: Office) -> None:
    async with office.database.transaction() as session:
        await add_catalogs(session)
        differs = Line(stage="unmatched", match_outcome="name_differs", correct_name="章小梅", verification="none")
        lines = [differs, Line(stage="unmatched", match_outcome="not_found", verification="none")]
        numbers = await add_applications(session, office.vault, lines, None)
    body: dict[str, object] = {"kind": "name_correction", "selection": {"filter": {"town_code": "500001100"}}}
    answer = await office.post("/orders/preview", body)
    assert answer.status_code == 200, answer.text
    preview = answer.json()
    assert (preview["count"], preview["total_fen"], preview["left_out"]) == (1, 49_500, [])
    (line,) = preview["items"]
    assert (line["name"], line["correction"]) == ("王小梅", {"name": {"before": "王小梅", "after": "章小梅"}})
    assert await disclosed(office) == [(COUNTY, OPERATOR, numbers[:1])]
    assert await count_of(office, "operator_order") + await count_of(office, "order_line") == 0
    assert await count_of(office, "idempotent_answer") == 0
    assert await count_of(office, "trail_entry") == 0
    (row,) = table(
        await office.http.post("/orders/preview?format=xlsx", json=body, headers=office.headers(OPERATOR, COUNTY, None))
    )
    assert row["更正内容"] == "姓名：王小梅 → 章小梅"
    # what the entry would refuse is refused the same way
    wrong = {"kind": "name_correction", "selection": {"application_nos": numbers[1:]}}
    refused = await office.post("/orders/preview", wrong)
    assert (refused.status_code, refused.json()["code"]) == (409, "LINES_UNFIT")
    assert (await office.post("/orders/preview", body, REVIEWER)).status_code == 403
    entered = (await office.post("/orders", {**body, "reason": "按平台反馈更正"})).json()
    assert (entered["count"], entered["order_no"][-4:]) == (1, "0001")
    masked = (await office.get(f"/orders/{entered['order_no']}/lines", ADMIN)).json()["items"][0]
    assert (masked["name"], masked["correction"]) == ("**梅", {"name": {"before": "**梅", "after": "**梅"}})
    assert masked["changes"] == ["姓名：**梅 → **梅"]

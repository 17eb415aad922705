"""可能重复 on the way of a batch: told when lines join, when the flow starts, and in the summary; never refused."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from tests.rows import (
    OTHER_COUNTY,
    REVIEWER,
    YEAR,
    Ground,
    Line,
    Office,
    add_applications,
    add_batch,
    add_flow,
    add_ground,
    add_summary,
    open_office,
    set_lines,
)

OTHER_ITEM = "ITEM-02"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def paid_flow(office: Office, *lines: Line) -> Ground:
    """A flow of before that has paid its lines."""
    ground = await add_ground(office, lines)
    await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted", payment="paid", money="paid", payment_sequence=1)
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed', balanced = true, ended_at = now()")
    await office.run(
        "UPDATE application SET stage = 'paid' WHERE application_no = ANY(:numbers)", numbers=ground.numbers
    )
    await office.run("UPDATE batch SET stage = 'done'")
    return ground


async def test_joining_a_batch_tells_what_else_there_is(office: Office) -> None:
    (paid,) = (await paid_flow(office, Line(person=1, amount_fen=300))).numbers
    waiting = [Line(person=1, stage="pending_settlement"), Line(person=2, stage="pending_settlement")]
    async with office.database.transaction() as session:
        batch = await add_batch(session, office.vault)
        numbers = await add_applications(session, office.vault, waiting, None)
    await office.run("UPDATE batch SET stage = 'open' WHERE batch_no = :number", number=batch.batch_no)
    answer = await office.post(
        f"/batches/{batch.batch_no}/applications",
        {"selection": {"filter": {"fund_year": YEAR, "stage": "pending_settlement"}}},
    )
    assert (answer.status_code, answer.json()["count"]) == (200, 2), answer.text
    told = answer.json()["doubles"]
    assert (told["count"], told["total_fen"], told["lines"][0]["application_no"]) == (1, 49_500, numbers[0])
    assert told["lines"][0]["others"] == [
        {"application_no": paid, "stage": "paid", "stage_label": "发放成功", "amount_fen": 300}
    ]
    listed = (await office.get(told["url"], REVIEWER)).json()["items"]
    assert listed == told["lines"]
    assert listed[0]["others_words"] == f"{paid}（发放成功，3.00 元）"
    export = await office.get(told["url"], format="xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(export.content)).worksheets[0].iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["申请编号", numbers[0]]
    assert (await office.get(told["url"], county=OTHER_COUNTY)).status_code == 404


async def test_next_year_another_item_another_county_and_what_is_over_are_no_doubles(office: Office) -> None:
    ground = await add_ground(office, [Line(person=person) for person in range(1, 6)])
    others = [Line(person=1, stage="draft"), Line(person=2, stage="draft", item_code=OTHER_ITEM)]
    others += [Line(person=3, stage="withdrawn"), Line(person=4, stage="closed")]
    async with office.database.transaction() as session:
        (next_year, *_) = await add_applications(session, office.vault, others, None)
        await add_applications(session, office.vault, [Line(person=5, stage="draft")], None, OTHER_COUNTY)
    await office.run("UPDATE application SET fund_year = 2027 WHERE application_no = :number", number=next_year)
    assert (await office.get(f"/batches/{ground.batch_no}/doubles")).json()["items"] == []


async def test_starting_a_flow_tells_and_its_summary_counts_what_another_flow_has_paid(office: Office) -> None:
    first = await paid_flow(office, Line(person=1, amount_fen=300), Line(person=2, amount_fen=500))
    second = await add_ground(office, [Line(person=1, amount_fen=7), Line(person=2, amount_fen=70), Line(person=3)])
    body = {"batch_no": second.batch_no, "policy_nos": [second.policy_no], "indicator_nos": second.indicator_nos}
    started = await office.post("/flows", body)
    assert started.status_code == 201, started.text
    told = started.json()["doubles"]
    assert (told["count"], told["total_fen"]) == (2, 77)
    flow_no = started.json()["flow_no"]
    # one of the first flow's payments came back, the other is still paid
    await set_lines(office, first.numbers[1:], "accepted", payment="failed", money="released")
    await set_lines(office, second.numbers, "accepted")
    await add_summary(office, flow_no)
    view = (await office.get(f"/flows/{flow_no}/summary")).json()
    elsewhere = view["paid_elsewhere"]
    assert (elsewhere["count"], elsewhere["total_fen"]) == (1, 7)
    (line,) = elsewhere["lines"]
    (other,) = line["others"]
    assert (line["application_no"], other["application_no"], other["payment_label"]) == (
        second.numbers[0],
        first.numbers[0],
        "发放成功",
    )
    assert (await office.get(elsewhere["url"])).json()["items"] == elsewhere["lines"]
    await set_lines(office, second.numbers[:1], "withdrawn", payment=None, money="released")
    assert (await office.get(f"/flows/{flow_no}/summary")).json()["paid_elsewhere"]["count"] == 0
    assert (await office.get(elsewhere["url"], county=OTHER_COUNTY)).status_code == 404


async def test_two_lines_of_one_claim_in_one_batch_are_told_as_each_others(office: Office) -> None:
    ground = await add_ground(office, [Line(person=1), replace(Line(person=1), amount_fen=7), Line(person=2)])
    listed = (await office.get(f"/batches/{ground.batch_no}/doubles")).json()["items"]
    assert [(line["application_no"], line["others"][0]["application_no"]) for line in listed] == [
        (ground.numbers[0], ground.numbers[1]),
        (ground.numbers[1], ground.numbers[0]),
    ]

"""可能重复 on the way of a batch: told when lines join, when the flow starts, and in the summary; never refused."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import psycopg
import pytest

from models.store.applications.doubles import find_doubles, find_paid_elsewhere, lines_of_flow
from models.store.sql import fetch_int
from tests.rows import (
    COUNTY,
    ITEM,
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
MANY = 2_000
# Rows that this connection has read, beside what it has told the server already.
_READ = """
SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
WHERE relname IN ('application', 'flow_line')
"""


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


async def test_two_lines_of_one_item_in_one_batch_are_told_as_each_others(office: Office) -> None:
    ground = await add_ground(office, [Line(person=1), replace(Line(person=1), amount_fen=7), Line(person=2)])
    listed = (await office.get(f"/batches/{ground.batch_no}/doubles")).json()["items"]
    assert [(line["application_no"], line["others"][0]["application_no"]) for line in listed] == [
        (ground.numbers[0], ground.numbers[1]),
        (ground.numbers[1], ground.numbers[0]),
    ]


async def test_a_line_that_is_edited_into_anothers_item_is_told(office: Office) -> None:
    ground = await add_ground(office, [Line(person=1), Line(person=1, item_code=OTHER_ITEM), Line(person=2)])
    path = f"/batches/{ground.batch_no}/doubles"
    assert (await office.get(path)).json()["items"] == []
    first, second, _ = ground.numbers
    changed = "UPDATE application SET item_code = :item WHERE application_no = :number"
    await office.run(changed, item=ITEM, number=second)
    assert [line["application_no"] for line in (await office.get(path)).json()["items"]] == [first, second]
    await office.run(changed, item=OTHER_ITEM, number=second)
    assert (await office.get(path)).json()["items"] == []


@pytest.mark.unseen
async def test_a_few_among_many_are_looked_up_and_many_are_found_by_grouping(
    office: Office, owner: psycopg.Connection
) -> None:
    """What is read grows with the doubles, not with the flows."""
    await paid_flow(office, *(Line(person=person) for person in range(MANY)))
    second = await add_ground(office, [Line(person=person) for person in range(MANY - 3, 2 * MANY - 3)])
    flow_no = await add_flow(office, second)
    await set_lines(office, second.numbers, "accepted")
    [(flow_id,)] = await office.rows("SELECT id FROM flow WHERE flow_no = :flow", flow=flow_no)
    mine = lines_of_flow(COUNTY, int(str(flow_id)))
    owner.execute("ANALYZE application, flow, flow_line, repeated_item")
    async with office.database.transaction() as session:
        # what this connection has read within the last second may not be told to the server yet, and counts too
        before = await fetch_int(session, _READ)
        found = await find_paid_elsewhere(session, COUNTY, int(str(flow_id)))
        looked_up = await fetch_int(session, _READ) - before
        beside = await find_doubles(session, mine)
        read = await fetch_int(session, _READ) - before - looked_up
        grouped = await find_paid_elsewhere(session, COUNTY, int(str(flow_id)), few=2)
    wanted = [(line, 3, 3 * 49_500) for line in await _ids(office, second.numbers[:3])]
    assert [tuple(row) for row in found] == [tuple(row) for row in beside] == wanted
    assert looked_up < MANY
    # which lines are the flow's may be read once, with their applications; not what each of them has beside it
    assert read < 2 * MANY + 100
    assert [tuple(row) for row in grouped] == wanted


@pytest.mark.unseen
async def test_a_first_entry_keeps_no_plan_that_a_large_import_suffers_from(
    office: Office, owner: psycopg.Connection
) -> None:
    """The same connection adds one application while the table fits on a page, and many at once later."""
    async with office.database.transaction() as session:
        await add_applications(session, office.vault, [Line(person=1, stage="draft")], None)
    owner.execute("ANALYZE application")
    many = [Line(person=person, stage="draft") for person in range(1, MANY + 1)]
    async with office.database.transaction() as session:
        before = await fetch_int(session, _READ)
        await add_applications(session, office.vault, many, None)
        assert await fetch_int(session, _READ) - before < 3 * MANY
        assert await fetch_int(session, "SELECT count(*) FROM repeated_item") == 1


async def _ids(office: Office, numbers: list[str]) -> list[int]:
    rows = await office.rows(
        "SELECT id FROM application WHERE application_no = ANY(:numbers) ORDER BY id", numbers=numbers
    )
    return [int(str(row[0])) for row in rows]

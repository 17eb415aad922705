"""A flow starts once per county with all its lines and money, or says everything that is missing."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.flows.rounds import refresh_held
from models.store.flows.rows import flow_by_number
from models.store.flows.start import StartRequest, allocate, enter_flow
from models.store.register.accounts import AccountFinding, NewAccount, account_for_update, apply_change, set_invalid
from models.store.register.register import fill_from_matched, register_row
from models.store.sql import execute, scratch
from models.store.vault import Field, LocalVault
from models.tables.base import now
from models.tables.batches import BatchImage
from models.words.calendar import china_today
from models.words.stages import BatchStage, ReviewStage
from tests.rows import (
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    account_no,
    add_applications,
    add_batch,
    add_file,
    add_flow,
    add_ground,
    add_indicator,
    add_policy,
    balances,
    citizen_id,
    codes,
    count_of,
    lock_account,
    open_office,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def test_each_line_goes_whole_to_the_first_indicator_with_enough_left() -> None:
    placing = allocate([(1, 60), (2, 50), (3, 40), (4, 50), (5, 10)], [(10, 100), (20, 100)])
    assert placing.placed == [(1, 10), (2, 20), (3, 10), (4, 20)]
    assert placing.unplaced == [5]


async def test_start_copies_lines_reserves_money_and_posts_the_run(office: Office) -> None:
    lines = [Line(amount_fen=100 * n, verification=v) for n, v in enumerate(("passed", "failed", "not_required"), 1)]
    ground = await add_ground(office, lines, money=[350, 400])
    answer = await office.post("/flows", ground.start)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert answer.headers["location"] == f"/flows/{body['flow_no']}"
    assert (body["stage"], body["status_label"]) == ("starting", "启动")
    assert body["figures"]["lines"] == {"count": 3, "fen": 600}
    assert body["run"]["workflow_id"] == f"subsidy-flow/{body['flow_no']}"
    assert await balances(office) == [(300, 0), (300, 0)]
    assert await count_of(office, "outbox WHERE workflow_id LIKE 'subsidy-flow/%'") == 1
    assert await count_of(office, "application WHERE stage = 'in_flow'") == 3
    assert await office.rows("SELECT stage FROM batch") == [("in_flow",)]
    assert await office.rows("SELECT act, line_count, total_fen FROM trail_entry") == [("flows.started", 3, 600)]
    copied = await office.rows("SELECT application_no, name_sealed, state, attempt FROM flow_line ORDER BY id")
    assert [row[0] for row in copied] == ground.numbers
    assert office.vault.open(Field.NAME, str(copied[0][0]), str(copied[0][1])) == "王小梅"
    assert {row[2:] for row in copied} == {("unsent", 1)}


async def test_everything_missing_is_said_at_once(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=500), Line(amount_fen=500, item_code="ITEM-9")], money=[300])
    async with office.database.transaction() as session:
        refused = await add_policy(session, office.vault, stage=ReviewStage.REJECTED)
        earlier = await add_policy(session, office.vault, fund_year=2025)
        waiting = await add_indicator(session, 1000, stage=ReviewStage.IN_REVIEW)
        other_year = await add_indicator(session, 1000, fund_year=2025)
        foreign = await add_indicator(session, 1000, OTHER_COUNTY)
        await execute(session, "UPDATE batch SET stage = 'open', publicity_address = NULL")
        await execute(session, "DELETE FROM batch_image")
    wanted: dict[str, Any] = {
        "batch_no": ground.batch_no,
        "policy_nos": [ground.policy_no, refused, earlier, "Z-none"],
        "indicator_nos": [*ground.indicator_nos, waiting, other_year, foreign],
    }
    answer = await office.post("/flows", wanted)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "FLOW_NOT_READY"
    assert sorted(codes(answer)) == sorted(
        [
            "BATCH_NOT_VERIFIED",
            "PUBLICITY_MISSING",
            "POLICY_NOT_APPROVED",
            "POLICY_OTHER_YEAR",
            "POLICY_UNKNOWN",
            "ITEMS_NOT_COVERED",
            "INDICATOR_NOT_APPROVED",
            "INDICATOR_OTHER_YEAR",
            "INDICATOR_UNKNOWN",
            "MONEY_SHORT",
        ]
    )
    said = {error["code"]: error["detail"] for error in answer.json()["errors"]}
    assert "还差 7.00 元" in said["MONEY_SHORT"]
    assert "公示地址、公示信息图片" in said["PUBLICITY_MISSING"]
    assert "ITEM-9" in said["ITEMS_NOT_COVERED"]
    beforehand = (await office.get("/flow-readiness", **wanted)).json()
    lacks = [each for check in beforehand["checks"] for each in check["lacks"]]
    assert {each["code"]: each["detail"] for each in lacks} == said
    assert not any(check["passed"] for check in beforehand["checks"] if check["check"] != "county")
    assert (beforehand["ready"], beforehand["short_fen"], beforehand["unplaced_count"]) == (False, 700, 2)
    assert await count_of(office, "flow") == 0
    assert await count_of(office, "application WHERE stage = 'in_batch'") == 2


async def test_unknown_batch_and_another_countys_batch_are_the_same(office: Office) -> None:
    ground = await add_ground(office, [Line()], county=OTHER_COUNTY)
    assert codes(await office.post("/flows", ground.start)) == ["BATCH_UNKNOWN"]
    assert codes(await office.post("/flows", {**ground.start, "batch_no": "none"})) == ["BATCH_UNKNOWN"]


@pytest.mark.parametrize(("age", "fits"), [(6, False), (7, True)])
async def test_publicity_must_be_seven_days_old(office: Office, age: int, fits: bool) -> None:
    ground = await add_ground(office, [Line()])
    await office.run("UPDATE batch SET publicity_start = :start", start=china_today() - timedelta(days=age))
    answer = await office.post("/flows", ground.start)
    if fits:
        assert answer.status_code == 201
    else:
        assert codes(answer) == ["PUBLICITY_TOO_SHORT"]


async def test_a_batch_of_withdrawn_lines_is_empty(office: Office) -> None:
    ground = await add_ground(office, [Line(stage="withdrawn")], money=[1000])
    assert codes(await office.post("/flows", ground.start)) == ["BATCH_EMPTY"]


async def test_a_county_has_one_open_flow(office: Office) -> None:
    first, second = await add_ground(office, [Line()]), await add_ground(office, [Line()])
    flow_no = (await office.post("/flows", first.start)).json()["flow_no"]
    refused = await office.post("/flows", second.start)
    assert codes(refused) == ["FLOW_OPEN"]
    assert flow_no in refused.json()["errors"][0]["detail"]
    await office.run("UPDATE flow SET stage = 'ended', ended_at = now()")
    assert (await office.post("/flows", second.start)).status_code == 201


async def test_two_starts_at_once_one_wins(office: Office) -> None:
    grounds = [await add_ground(office, [Line()] * 50) for _ in range(4)]
    answers = await asyncio.gather(*(office.post("/flows", ground.start) for ground in grounds))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert await count_of(office, "flow") == 1
    assert await count_of(office, "flow_line") == 50
    assert await count_of(office, "application WHERE stage = 'in_flow'") == 50


async def test_counties_that_share_nothing_start_side_by_side(office: Office) -> None:
    here, there = await add_ground(office, [Line()]), await add_ground(office, [Line()], county=OTHER_COUNTY)
    answers = await asyncio.gather(
        office.post("/flows", here.start), office.post("/flows", there.start, county=OTHER_COUNTY)
    )
    assert [answer.status_code for answer in answers] == [201, 201]


async def test_the_same_key_starts_once(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    first = await office.post("/flows", ground.start, key="start-1")
    again = await office.post("/flows", ground.start, key="start-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert await count_of(office, "flow") == 1


async def test_only_an_operator_starts(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    assert (await office.post("/flows", ground.start, who=REVIEWER)).status_code == 403
    assert await count_of(office, "flow") == 0


async def test_lines_of_people_whose_account_changes_are_held(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line(verification="held"), Line()])
    await lock_account(office, ground.numbers[2])
    await office.post("/flows", ground.start)
    states = await office.rows("SELECT state FROM flow_line ORDER BY id")
    assert states == [("unsent",), ("held",), ("held",)]


async def _changed(session: AsyncSession, vault: LocalVault, person: str, number: str) -> None:
    new = NewAccount(COUNTY, person, "王梅", citizen_id(7), "BANK-B", account_no(77), "passbook", "村社申报", "rev")
    await apply_change(session, vault, new)


async def _matched(session: AsyncSession, vault: LocalVault, person: str, number: str) -> None:
    await scratch(session, "incoming", {"application_no": "text", "outcome": "text"}, [(number, "matched")])
    await fill_from_matched(session, vault, COUNTY, now())


@pytest.mark.parametrize("usable", [_changed, _matched])
async def test_a_line_without_an_account_is_held_until_there_is_one_and_its_flow_is_told(
    office: Office, usable: Callable[[AsyncSession, LocalVault, str, str], Awaitable[None]]
) -> None:
    ground = await add_ground(office, [Line(person=7), Line()])
    [number, _] = ground.numbers
    [(person,)] = await office.rows("SELECT person_index FROM application WHERE application_no = :no", no=number)
    async with office.database.transaction() as session:
        await _changed(session, office.vault, str(person), number)
        account = await account_for_update(session, COUNTY, str(person))
        assert account is not None
        await set_invalid(session, office.vault, account, AccountFinding("account_closed", "event/1", now()))
    flow_no = await add_flow(office, ground)
    assert await office.rows("SELECT state FROM flow_line ORDER BY id") == [("held",), ("unsent",)]
    async with office.database.transaction() as session:
        await usable(session, office.vault, str(person), number)
        await refresh_held(session, await flow_by_number(session, flow_no))
    told = "SELECT workflow_id FROM outbox WHERE signal = 'lines_changed'"
    assert await office.rows(told) == [(f"subsidy-flow/{flow_no}",)]
    assert await office.rows("SELECT state FROM flow_line ORDER BY id") == [("unsent",), ("unsent",)]


async def test_the_register_knows_the_account(office: Office) -> None:
    """What a person changed to is never replaced by the application's older copy, usable or not."""
    ground = await add_ground(office, [Line(person=11), Line(person=12), Line(person=13)])
    vault, fresh = office.vault, account_no(9_999)
    people = await office.rows("SELECT person_index FROM application ORDER BY id")
    for status, (person,) in zip(("valid", "invalid", "cleared"), people, strict=True):
        known = status != "cleared"
        row = register_row(COUNTY, str(person))
        await office.run(
            "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed,"
            " bank_code, account_sealed, account_index, status, source, updated_at) VALUES (:county, :person, '-', '-',"
            " '-', 'BANK-B',"
            " :sealed, :index, :status, 'test', now())",
            county=COUNTY,
            person=str(person),
            sealed=vault.seal(Field.ACCOUNT, row, fresh) if known else None,
            index=vault.index(Field.ACCOUNT, fresh) if known else None,
            status=status,
        )
    await office.post("/flows", ground.start)
    lines = await office.rows(
        "SELECT application_no, bank_code, account_sealed, account_index, state FROM flow_line ORDER BY id"
    )
    opened = [vault.open(Field.ACCOUNT, str(row[0]), str(row[2])) for row in lines]
    assert opened[:2] == [fresh, fresh]
    assert [row[1] for row in lines][:2] == ["BANK-B", "BANK-B"]
    assert [row[4] for row in lines] == ["unsent", "unsent", "held"], "nobody is paid on an account that was cleared"
    assert lines[0][3] == vault.index(Field.ACCOUNT, fresh)


async def test_a_repayment_names_the_flow_it_repays_and_keeps_its_publicity(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted", payment="failed")
    await office.run("UPDATE flow_line SET money = 'released'")
    await office.run("UPDATE flow SET stage = 'ended', ended_at = now()")
    async with office.database.transaction() as session:
        # chosen later, and put before the first
        session.add(BatchImage(batch_id=ground.batch_id, file_id=await add_file(session), position=-1))
        batch = await add_batch(session, office.vault, publicised=False)
        await execute(
            session,
            "UPDATE application SET stage = 'in_batch', batch_id = :batch, payments = 1",
            batch=batch.id,
        )
    wanted: dict[str, Any] = {**ground.start, "batch_no": batch.batch_no}
    beforehand = (await office.get("/flow-readiness", **wanted)).json()
    assert (beforehand["ready"], beforehand["publicity"]["start_date"]) == (True, str(china_today() - timedelta(10)))
    assert await office.rows("SELECT count(publicity_start) FROM batch") == [(1,)], "asking takes nothing over"
    answer = await office.post("/flows", wanted)
    assert answer.status_code == 201, answer.text
    repaid = await office.rows(
        "SELECT l.attempt, f.flow_no FROM flow_line l JOIN flow f ON f.id = l.repays_flow_id ORDER BY l.id"
    )
    assert repaid == [(2, flow_no)]
    order = "SELECT array_agg(file_id ORDER BY position) FROM batch_image GROUP BY batch_id ORDER BY batch_id"
    [(before,), (taken_over,)] = await office.rows(order)
    assert taken_over == before
    assert await office.rows("SELECT count(DISTINCT publicity_start) FROM batch") == [(1,)]


async def test_a_new_batch_without_publicity_is_refused_even_with_a_repayment_in_it(office: Office) -> None:
    ground = await add_ground(office, [Line(payments=1), Line()])
    await office.run("UPDATE batch SET publicity_start = NULL")
    assert codes(await office.post("/flows", ground.start)) == ["PUBLICITY_MISSING"]


async def test_twenty_thousand_lines_in_seconds(office: Office, owner: psycopg.Connection) -> None:
    async with office.database.transaction() as session:
        batch = await add_batch(session, office.vault)
        lines = [Line(amount_fen=1_000 + n % 7) for n in range(20_000)]
        await add_applications(session, office.vault, lines, batch.id)
        indicators = [await add_indicator(session, 11_000_000), await add_indicator(session, 11_000_000)]
        policy_no = await add_policy(session, office.vault)
        await execute(
            session,
            "INSERT INTO policy_unit (county_code, code, name, chosen_by, chosen_at) VALUES (:c, 'U', 'U', 'x', now())",
            c=COUNTY,
        )
    owner.execute("ANALYZE application")
    assert batch.stage is BatchStage.VERIFIED
    wanted = StartRequest(COUNTY, batch.batch_no, [policy_no], indicators, OPERATOR)
    began = time.monotonic()
    async with office.database.transaction() as session:
        started = await enter_flow(session, office.vault, wanted, publicity_days=7, today=china_today())
    seconds = time.monotonic() - began
    assert started.figures.lines.count == 20_000
    assert sum(reserved for reserved, _ in await balances(office)) == sum(line.amount_fen for line in lines)
    assert seconds < 10, f"{seconds:.1f} s"
    print(f"20,000 lines started in {seconds:.2f} s")

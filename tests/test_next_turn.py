"""G4: who has the next turn of a run, until which day, and whose turn it isn't; the link into Temporal UI is ops'."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.contracts import RunKind
from models.store.applications.makers import acts_about, excepted
from models.store.runs.next_wait import WAITS, next_wait
from models.words.calendar import china_date, china_today, read_calendar
from models.words.makers import NOT_BY, Act, closed_by
from models.words.stages import FlowStage
from models.words.waiting import PARTIES, WAIT_DAYS, Party, Wait
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_flow,
    add_ground,
    add_summary,
    open_office,
)

EDITOR = "wu.jun"
CALENDAR = read_calendar(None)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, wait_days={"operator": 1}) as opened:
        yield opened


async def flow_at(office: Office, stage: str, since: datetime | None = None) -> str:
    """A county's flow at a stage, waited for since then; one line was edited, an order entered by somebody else."""
    ground = await add_ground(office, [Line(), Line()])
    flow_no = await add_flow(office, ground, stage)
    await office.run("UPDATE application SET edited_by = ARRAY[:editor] WHERE id = (SELECT max(id) FROM application)",
                     editor=EDITOR)  # fmt: skip
    await add_summary(office, flow_no)
    await office.run("UPDATE flow SET stage = :stage", stage=stage)
    await office.run("UPDATE run SET stage = :stage, since = :since", stage=stage, since=since or datetime.now(UTC))
    return flow_no


def test_every_stage_that_can_stand_open_has_its_party() -> None:
    assert set(WAITS[RunKind.SUBSIDY_FLOW]) == set(FlowStage) - {FlowStage.ENDED}
    for kind, waits in WAITS.items():
        for stage, waited in waits.items():
            assert next_wait(kind, stage) is waited
            assert waited.act is None or waited.act in NOT_BY
            people = PARTIES[waited.wait] in (Party.COUNTY_ADMIN, Party.OPERATOR, Party.REVIEWER)
            assert people or waited.act is None
        assert next_wait(kind, "ended by an act") is None
    without = next_wait(RunKind.CATALOG_REFRESH, "")
    assert without is not None
    assert PARTIES[without.wait] is Party.PLATFORM


@pytest.mark.parametrize(
    ("stage", "by", "excluded"),
    [
        ("settling", "operator", []),
        ("under_review", "platform", []),
        ("county_review", "reviewer", [OPERATOR]),
        ("county_passed", "operator", [REVIEWER]),
        ("summary_approved", "reviewer", [OPERATOR, REVIEWER, SECOND, EDITOR]),
    ],
)
async def test_a_flow_says_whose_turn_it_is_and_whose_not(
    office: Office, stage: str, by: str, excluded: list[str]
) -> None:
    flow_no = await flow_at(office, stage)
    await office.run("UPDATE summary SET reviewed_by = :by", by=REVIEWER)
    await office.run("UPDATE summary SET submitted_by = :by", by=SECOND)
    run = (await office.get(f"/flows/{flow_no}")).json()["run"]
    assert (run["next"]["by"], run["next"]["excepted"]) == (by, sorted(excluded))
    assert "url" not in run
    assert (await office.get(f"/flows/{flow_no}", OPS)).json()["run"]["url"].endswith(flow_no)
    async with office.database.reading() as session:
        for act in NOT_BY:
            told = await excepted(session, act, flow_no)
            for person in (OPERATOR, REVIEWER, SECOND, EDITOR, ADMIN):
                closed = closed_by(act, await acts_about(session, flow_no, person))
                assert (person in told) == bool(closed), (act, person)
    assert Act.ENTRY_DECIDED in NOT_BY


async def test_an_operator_has_as_many_working_days_as_the_setting_says(office: Office) -> None:
    since = datetime.now(UTC) - timedelta(days=12)
    flow_no = await flow_at(office, "settling", since)
    turn = (await office.get(f"/flows/{flow_no}")).json()["run"]["next"]
    began, today = china_date(since), china_today()
    assert (turn["due"], turn["overdue"]) == (CALENDAR.after(began, 1).isoformat(), True)
    assert turn["working_days"] == CALENDAR.between(began, today)
    assert turn["holidays_known"] == CALENDAR.knows(CALENDAR.after(began, 1))
    assert json.dumps(turn["by_label"], ensure_ascii=False) == '"县操作员"'


async def test_runs_are_found_by_being_overdue_and_an_ended_one_has_no_next_turn(office: Office) -> None:
    """The list's condition and the block's word are the same for every wait, on the day before and the day after."""
    today = china_today()
    cases = [(kind, stage, each.wait) for kind, waits in WAITS.items() for stage, each in waits.items()]
    cases += [(RunKind.EVIDENCE, "", Wait.PLATFORM_ANSWER)]
    for kind, stage, wait in cases:
        days = {"operator": 1}.get(wait, WAIT_DAYS[wait])
        last = CALENDAR.overdue_since(today, days)
        for began in (last, last + timedelta(days=1)):
            await office.run(
                "INSERT INTO run (workflow_id, kind, number, county_code, stage, waiting_for, since, opened_at,"
                " restarts, asked) VALUES (:id, :kind, :number, :county, :stage, 'x', CAST(:day AS timestamptz), now(),"
                " 0, 1)",
                id=f"{kind.value}/{stage}{began}",
                kind=kind.value,
                number=f"{kind.value}{stage}{began}",
                county=COUNTY,
                stage=stage,
                day=f"{began.isoformat()} 23:59:59+08",
            )
    runs = (await office.get("/runs", OPS, limit="500")).json()["items"]
    late = (await office.get("/runs", OPS, limit="500", overdue="true")).json()["items"]
    rest = (await office.get("/runs", OPS, limit="500", overdue="false")).json()["items"]
    assert len(late) == len(rest) == len(cases)
    assert late == [run for run in runs if run["next"]["overdue"]]
    assert rest == [run for run in runs if not run["next"]["overdue"]]
    await office.run("UPDATE run SET closed_at = now(), restarts = 1 WHERE kind = 'evidence'")
    (one, other) = (await office.get("/runs", restarted="true")).json()["items"]
    assert (one["next"], one["due"], other["kind"]) == (None, None, "evidence")
    assert len((await office.get("/runs", overdue="true", limit="500")).json()["items"]) == len(cases) - 1

"""待办 (G3): what waits for whom, already without what the person may not do, each with the filter that finds it."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import psycopg
import pytest

from api.people.to_do_views import RULES
from models.store.to_dos.applications import _APPLICATIONS, _STAGES
from models.words.staff import Role
from models.words.waiting import ToDoKind
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_applications,
    add_batch,
    add_catalogs,
    add_flow,
    add_ground,
    add_indicator,
    add_policy,
    add_summary,
    lock_account,
    open_office,
    set_lines,
)

APPLICANT = "app.zhou"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def to_dos(office: Office, who: str, part: str = "mine") -> dict[str, Mapping[str, object]]:
    answer = (await office.get("/to-dos", who)).json()
    assert answer["count"] == len(answer["mine"])
    return {each["kind"]: each for each in answer[part] if each["kind"] != "runs"}


async def add_lines(office: Office, lines: Sequence[Line], batch_id: int | None = None) -> list[str]:
    async with office.database.transaction() as session:
        await add_catalogs(session)
        return await add_applications(session, office.vault, lines, batch_id)


def test_every_kind_has_its_place() -> None:
    assert set(RULES) == set(ToDoKind)
    assert all(rule.path.startswith("/") for rule in RULES.values())


async def test_applications_wait_by_stage_and_the_filter_finds_them(office: Office) -> None:
    """Each kind's count and sum are those of the list that its filter gives."""
    stages = ["draft", "draft", "draft", "in_review", "in_review", "publicised", "unmatched", "matched"]
    lines = [Line(amount_fen=100 + n, stage=stage, match_outcome=None) for n, stage in enumerate(stages)]
    lines += [Line(amount_fen=7, stage="pending_settlement"), Line(amount_fen=8, stage="paid")]
    numbers = await add_lines(office, lines)
    await office.run("UPDATE application SET returned_reason_sealed = 'x' WHERE application_no = :no", no=numbers[0])
    await office.run("UPDATE application SET reviewed_by = :r WHERE application_no = :no", r=SECOND, no=numbers[4])
    await office.run("UPDATE application SET match_outcome = 'not_found' WHERE stage = 'unmatched'")
    mine = await to_dos(office, OPERATOR)
    assert {kind: (each["count"], each["total_fen"]) for kind, each in mine.items()} == {
        "returned_drafts": (1, 100),
        "drafts": (2, 203),
        "to_publicise": (1, 104),
        "to_initialise": (1, 105),
        "unmatched_not_found": (1, 106),
        "settlement_material": (1, 107),
        "to_batch": (1, 7),
        "evidence": (1, 8),
    }
    review = (await to_dos(office, REVIEWER))["material_review"]
    assert (review["count"], review["total_fen"], review["by"], review["overdue"]) == (1, 103, "reviewer", False)
    assert set(await to_dos(office, OPERATOR, "others")) == {"material_review"}
    assert (await office.get("/to-dos", OPERATOR, OTHER_COUNTY)).json()["mine"] == []


async def test_what_a_person_entered_or_edited_waits_for_somebody_else(office: Office) -> None:
    own = Line(amount_fen=1, stage="in_review", entered_by=REVIEWER)
    numbers = await add_lines(office, [own, *[Line(amount_fen=1, stage="in_review")] * 2])
    await office.run(
        "UPDATE application SET edited_by = ARRAY[:r] WHERE application_no = :no", r=REVIEWER, no=numbers[1]
    )
    assert (await to_dos(office, REVIEWER))["material_review"]["count"] == 1
    other = (await to_dos(office, REVIEWER, "others"))["material_review"]
    assert (other["count"], other["hindrance"]) == (2, "由本人经手，须由另一个人办理")
    assert (await to_dos(office, SECOND))["material_review"]["count"] == 3
    assert (await to_dos(office, OPERATOR, "others"))["material_review"]["hindrance"] is None


async def test_an_applicant_has_the_own_returned_drafts_only(office: Office) -> None:
    own = Line(stage="draft", entered_by=APPLICANT)
    numbers = await add_lines(office, [own, Line(stage="draft"), own])
    await office.run("UPDATE application SET returned_reason_sealed = 'x' WHERE application_no <> :no", no=numbers[2])
    headers = office.headers(APPLICANT, COUNTY, None, Role.APPLICANT)
    answer = (await office.http.get("/to-dos", headers=headers)).json()
    assert [(each["kind"], each["count"]) for each in answer["mine"]] == [("returned_drafts", 1)]
    assert answer["others"] == answer["abnormal"] == []


async def test_batches_wait_for_what_they_lack(office: Office) -> None:
    async with office.database.transaction() as session:
        await add_catalogs(session)
        bare = await add_batch(session, office.vault, publicised=False)
        young = await add_batch(session, office.vault)
        ready = await add_batch(session, office.vault)
        held = await add_batch(session, office.vault)
        await add_batch(session, office.vault, publicised=False)  # nothing in it yet
        bare_id, young_id, ready_id, held_id = (batch.id for batch in (bare, young, ready, held))
        nos = [bare.batch_no, young.batch_no, ready.batch_no, held.batch_no]
    for batch in (bare_id, young_id, ready_id):
        await add_lines(office, [Line()], batch)
    [locked, _] = await add_lines(office, [Line(verification="held"), Line()], held_id)
    await office.run("UPDATE batch SET stage = 'open' WHERE id = :id", id=bare_id)
    await office.run("UPDATE batch SET publicity_start = current_date - 2 WHERE id = :id", id=young_id)
    mine = await to_dos(office, OPERATOR)
    assert {kind: each["count"] for kind, each in mine.items()} == {
        "to_verify": 1, "to_verify_again": 1, "publicity_missing": 1, "flow_ready": 2,
    }  # fmt: skip
    assert mine["to_verify"]["filter"] == {"path": f"/batches/{nos[0]}", "query": {}}
    assert mine["flow_ready"]["filter"] == {"path": "/batches", "query": {"stage": "verified"}}
    assert set(await to_dos(office, OPERATOR, "others")) == {"publicity_running"}
    await lock_account(office, locked)
    assert "to_verify_again" not in await to_dos(office, OPERATOR)
    # repayments keep the publicity that they had
    await office.run("UPDATE application SET payments = 1 WHERE batch_id = :id", id=bare_id)
    assert "publicity_missing" not in await to_dos(office, OPERATOR)


async def test_a_flows_lines_and_summary_wait_for_those_who_may(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=100 + n) for n in range(6)])
    flow_no = await add_flow(office, ground)
    nos = ground.numbers
    await set_lines(office, nos[:1], "rejected", reason_code="account_invalid")
    await set_lines(office, nos[1:2], "rejected", reason_code="duplicate_person")
    await set_lines(office, nos[2:3], "held")
    await set_lines(office, nos[3:4], "unsent", verification="failed")
    await set_lines(office, nos[4:], "accepted")
    mine = await to_dos(office, OPERATOR)
    waiting = {kind: each["total_fen"] for kind, each in mine.items()}
    assert waiting == {"lines_rejected": 100, "lines_duplicate": 101, "lines_held": 102, "lines_unverified": 103}
    for each in mine.values():
        listed = (await office.get(each["filter"]["path"], **each["filter"]["query"])).json()["items"]  # type: ignore[index]
        assert sum(line["amount_fen"] for line in listed) in (each["total_fen"], 201)
    entered = await office.post(
        "/orders",
        {"kind": "withdrawal", "flow_no": flow_no, "selection": {"application_nos": nos[:1]}, "reason": "重复"},
    )
    assert entered.status_code < 300, entered.text
    assert "lines_rejected" not in await to_dos(office, OPERATOR)
    assert (await to_dos(office, REVIEWER))["orders_to_confirm"]["total_fen"] == 100
    await office.run(
        "UPDATE flow_line SET state = 'accepted', payment = 'awaiting' WHERE application_no = ANY(:nos)", nos=nos
    )
    await add_summary(office, flow_no)
    review = (await to_dos(office, REVIEWER))["summary_to_review"]
    assert (review["count"], review["total_fen"]) == (6, 615)
    await office.run(
        "UPDATE summary SET stage = 'approved', reviewed_by = :r, submitted_by = :o", r=REVIEWER, o=OPERATOR
    )
    await office.run("UPDATE flow SET stage = 'summary_approved'")
    assert "payment_to_confirm" in await to_dos(office, SECOND)
    assert "payment_to_confirm" not in await to_dos(office, REVIEWER)
    assert (await to_dos(office, REVIEWER, "others"))["payment_to_confirm"]["hindrance"]
    await office.run("UPDATE summary SET confirmed_at = now(), confirmed_by = :second", second=SECOND)
    assert "payment_to_confirm" not in await to_dos(office, SECOND), "the platform may not have it yet"
    await set_lines(office, nos, "accepted", payment="unresolved")
    await office.run("UPDATE flow SET stage = 'ended', balanced = false, ended_at = now()")
    assert (await to_dos(office, REVIEWER))["lines_unresolved"]["total_fen"] == 615
    assert set(await to_dos(office, REVIEWER, "abnormal")) == {"flows_with_difference"}


async def test_the_rest_waits_for_its_own_role(office: Office) -> None:
    """Contradictions for a reviewer and as abnormal for the others; what ops see is nobody else's."""
    async with office.database.transaction() as session:
        await add_policy(session, office.vault, stage="rejected")
        await add_indicator(session, 500, stage="rejected")
        await add_indicator(session, 600, stage="draft")
    for state in ("parked", "unknown", "quarantined"):
        await office.run(
            "INSERT INTO inbox (province_code, event_id, source, event_type, county_code, body_sha256, body, state,"
            " received_at, next_try_at, tries) VALUES ('500000', :state, 'callback', 'x', :county, 'x', 'x', :state,"
            " now(), now(), 0)",
            state=state,
            county=COUNTY,
        )
    await office.run(
        "INSERT INTO contradiction (county_code, number, kind, line_key, applied_sealed, claimed_sealed, claim_sha256,"
        " state, created_at) VALUES (:county, 'X', 'flow_ended', '', 'x', 'x', 'x', 'open', now())",
        county=COUNTY,
    )
    await office.run(
        "INSERT INTO outbox (workflow_id, ids, created_at, next_try_at, tries)"
        " VALUES ('x', '[]', now() - interval '5 minutes', now(), 3)"
    )
    await office.run(
        "INSERT INTO run (workflow_id, kind, number, county_code, stage, waiting_for, since, opened_at, restarts,"
        " asked) VALUES ('policy-review/1', 'policy-review', '1', :county, 'in_review', 'x',"
        " now() - interval '40 days', now(), 2, 1)",
        county=COUNTY,
    )
    assert set(await to_dos(office, ADMIN)) == {"policy_rejected", "policy_unit_missing", "runs_overdue"}
    assert set(await to_dos(office, OPERATOR)) == {"indicator_draft", "indicator_rejected"}
    assert set(await to_dos(office, REVIEWER)) == {"contradictions", "callbacks_quarantined"}
    assert set(await to_dos(office, OPERATOR, "abnormal")) == {
        "contradictions",
        "callbacks_quarantined",
        "runs_overdue",
    }
    assert set(await to_dos(office, OPS)) == {
        *("runs_overdue", "runs_restarted", "callbacks_parked", "callbacks_unknown", "outbox"),
    }
    others = (await office.get("/to-dos", OPERATOR)).json()["others"]
    [run] = [each for each in others if each["kind"] == "runs"]
    assert (run["label"], run["by"], run["overdue"], run["count"]) == ("政策审核", "platform", True, 1)
    listed = (await office.get(run["filter"]["path"], **run["filter"]["query"])).json()["items"]
    assert [each["workflow_id"] for each in listed] == ["policy-review/1"]
    headers = office.headers("aud.wu", COUNTY, None, Role.AUDITOR)
    audit = (await office.http.get("/to-dos", headers=headers)).json()
    assert [each["kind"] for each in audit["mine"]] == ["trail_unchecked"]
    assert [each["kind"] for each in audit["abnormal"]] == ["contradictions"]


@pytest.mark.unseen
async def test_applications_are_counted_where_they_stand(office: Office, owner: psycopg.Connection) -> None:
    """With 100,000 applications in a county the rows themselves would cost ten times as much."""
    await add_lines(office, [Line(stage="in_review", match_outcome=None)] * 50)
    asked = _APPLICATIONS.replace(":county", "%(county)s").replace(":stages", "%(stages)s").replace(":actor", "'x'")
    plan = owner.execute(f"EXPLAIN (FORMAT JSON) {asked}", {"county": COUNTY, "stages": _STAGES}).fetchall()
    assert set(re.findall("'Relation Name': '([a-z_]+)'", str(plan))) == {"application_standing"}


async def test_an_application_waits_since_it_came_where_it_is(office: Office) -> None:
    """What the platform says of it within its stage makes it no younger; another stage does, and a review's word."""
    [number] = await add_lines(office, [Line(stage="in_review")])
    await office.run("UPDATE application SET stage_since = now() - interval '9 days'")
    await office.run("UPDATE application SET verification = 'failed', updated_at = now()")
    days = (await to_dos(office, REVIEWER))["material_review"]["working_days"]
    assert isinstance(days, int)
    assert days >= 3
    await office.run("UPDATE application SET reviewed_by = :r WHERE application_no = :no", r=REVIEWER, no=number)
    assert (await to_dos(office, OPERATOR))["to_publicise"]["working_days"] == 0

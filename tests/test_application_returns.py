"""审核退回 until the flow starts: out of list and batch, and never what a flow pays (S1 2.7)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import httpx
import pytest

from models.store.lock_order import Rank
from models.store.locking import hold
from models.words.staff import Role
from tests.rows import (
    COUNTY,
    ITEM,
    OPERATOR,
    REVIEWER,
    YEAR,
    Ground,
    Line,
    Office,
    account_no,
    add_flow,
    add_ground,
    balances,
    citizen_id,
    count_of,
    open_office,
    set_lines,
)
from tests.tiny_runs import eventually

BEFORE_FLOW = ("in_review", "publicised", "unmatched", "matched", "pending_settlement", "in_batch")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def give_back(office: Office, *numbers: str, key: str | None = None) -> httpx.Response:
    body = {"selection": {"application_nos": list(numbers)}, "reason": "银行卡照片不清"}
    return await office.post("/application-returns", body, REVIEWER, key=key)


async def edit(office: Office, number: str, role: Role = Role.APPLICANT, **changes: object) -> httpx.Response:
    """By whoever entered it, on the phone, with the version that is there."""
    [(version, amount)] = await office.rows(
        "SELECT version, amount_fen FROM application WHERE application_no = :no", no=number
    )
    form = {
        "kind": "personal",
        "name": "王小梅",
        "id_number": citizen_id(7),
        "phone": "13312345835",
        "town_code": "500001100",
        "village_code": "V-01",
        "bank_code": "BANK-A",
        "account_no": account_no(7),
        "household_registration": "agricultural",
        "family_size": 3,
        "item_code": ITEM,
        "amount_fen": amount,
    }
    body = {"version": version, "form": form | changes}
    headers = office.headers(OPERATOR, COUNTY, None, role)
    return await office.http.put(f"/applications/{number}", json=body, headers=headers)


async def stage_of(office: Office, number: str) -> str:
    [(stage,)] = await office.rows("SELECT stage FROM application WHERE application_no = :no", no=number)
    return str(stage)


async def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["code"])


async def put_list(office: Office, number: str, stage: str) -> None:
    """The line's initialisation, at the platform or back from it."""
    await office.run(
        "WITH n AS (INSERT INTO beneficiary_list (list_no, county_code, fund_year, line_count, total_fen, held_count,"
        " entered_by, created_at) VALUES (:list, :county, :year, 1, 1, 0, 'o', now()) RETURNING id), d AS ("
        " INSERT INTO dataset (reference, kind, county_code, stage, generation, record_count, total_fen, created_at)"
        " VALUES (:list, 'beneficiary_init', :county, :stage, 1, 1, 1, now()) RETURNING id), l AS ("
        " INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome)"
        " SELECT d.id, 0, a.id, a.application_no, 1, 'matched' FROM d, application a WHERE application_no = :number)"
        " UPDATE application SET list_id = n.id FROM n WHERE application_no = :number",
        list=f"N-{number}",
        number=number,
        county=COUNTY,
        year=YEAR,
        stage=stage,
    )


async def test_from_every_stage_before_the_flow_a_line_comes_back_as_a_draft(office: Office) -> None:
    """Out of its list and batch, to be reviewed, matched and verified anew; number, photos and register stay."""
    ground = await add_ground(office, [Line(stage=stage) for stage in BEFORE_FLOW] + [Line()])
    *numbers, stays = ground.numbers
    await office.run("UPDATE application SET reviewed_by = 'rev.zhao', settlement_material_at = now()")
    await put_list(office, numbers[3], "reviewed")
    await office.run(
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at) SELECT a.id, 'bank_card', f.id, now()"
        " FROM application a, (SELECT min(id) AS id FROM stored_file) f"
    )
    await office.run(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, status,"
        " source, updated_at) SELECT DISTINCT county_code, person_index, 'x', 'x', 'x', 'valid', '申请录入', now()"
        " FROM application"
    )
    done = await give_back(office, *numbers)
    assert done.status_code == 200, done.text
    answer = done.json()
    assert (answer["count"], answer["stages_after"]) == (6, {"draft": 6})
    assert answer["batches_left"] == [ground.batch_no]
    rows = await office.rows(
        "SELECT DISTINCT stage, batch_id, list_id, match_outcome, verification, reviewed_by, settlement_material_at"
        " FROM application WHERE application_no = ANY(:numbers)",
        numbers=numbers,
    )
    assert rows == [("draft", None, None, None, "none", None, None)]
    shown = (await office.get(f"/applications/{numbers[5]}")).json()
    assert (shown["reason"], shown["batch_no"], shown["bank_card_photo"]) == ("银行卡照片不清", None, True)
    results = (await office.get(f"/beneficiary-lists/N-{numbers[3]}/results")).json()["items"]
    assert [(row["application_no"], row["outcome"]) for row in results] == [(numbers[3], "matched")]
    assert await count_of(office, "register_account WHERE status = 'valid'") == 7
    assert (await stage_of(office, stays), await count_of(office, "dataset_line")) == ("in_batch", 1)
    [entry] = (await office.get("/trail", who="adm.chen", act="applications.returned")).json()["items"]
    assert entry["line_count"] == 6
    # a draft like any other: handed in again, and the batch goes its way without it
    again = {"selection": {"application_nos": numbers}}
    assert (await office.post("/application-submissions", again)).json()["count"] == 6
    assert (await office.post("/flows", ground.start)).json()["figures"]["lines"]["count"] == 1


async def test_what_is_at_the_platform_in_a_flow_or_over_does_not_come_back(office: Office) -> None:
    stages = {"draft": "NOT_RETURNABLE", "withdrawn": "NOT_RETURNABLE", "closed": "NOT_RETURNABLE"}
    stages |= {"paid": "NOT_RETURNABLE", "failed": "NOT_RETURNABLE", "evidence_sent": "NOT_RETURNABLE"}
    stages |= {"in_flow": "APPLICATION_IN_FLOW"}
    ground = await add_ground(office, [Line(stage=stage) for stage in stages] + [Line(), Line(), Line(), Line()])
    for number, code in zip(ground.numbers, stages.values(), strict=False):
        assert await code_of(await give_back(office, number)) == code
    verifying, chosen, away, back = ground.numbers[len(stages) :]
    await office.run("UPDATE application SET stage = 'publicised', list_id = 404 WHERE application_no = :no", no=chosen)
    await office.run(
        "UPDATE application SET stage = 'matched' WHERE application_no = ANY(:numbers)", numbers=[away, back]
    )
    await put_list(office, away, "under_review")
    await put_list(office, back, "refused")
    for number in (chosen, away):
        assert await code_of(await give_back(office, number)) == "IN_INITIALISATION"
    await office.run("UPDATE batch SET stage = 'verifying'")
    refused = await give_back(office, verifying, back)
    assert {each["application_no"]: each["code"] for each in refused.json()["errors"]} == {verifying: "BATCH_FROZEN"}
    assert (await give_back(office, back)).json()["count"] == 1
    body = {"selection": {"filter": {"fund_year": YEAR}}, "reason": "核对"}
    left_out = (await office.post("/application-returns", body, REVIEWER)).json()["left_out"]
    assert {each["code"]: each["count"] for each in left_out} == {
        "NOT_RETURNABLE": 7,
        "IN_INITIALISATION": 2,
        "APPLICATION_IN_FLOW": 1,
        "BATCH_FROZEN": 1,
    }
    assert (await office.post("/application-returns", body, OPERATOR)).status_code == 403


async def test_a_line_whose_name_is_being_corrected_waits_for_its_order(office: Office) -> None:
    ground = await add_ground(
        office, [Line(stage="unmatched", match_outcome="name_differs", correct_name="王小玫"), Line()]
    )
    number = ground.numbers[0]
    order = {"kind": "name_correction", "reason": "平台更正", "selection": {"application_nos": [number]}}
    order_no = (await office.post("/orders", order)).json()["order_no"]
    assert await code_of(await give_back(office, number)) == "IN_OPEN_ORDER"
    assert (await edit(office, number)).json()["code"] == "IN_OPEN_ORDER"
    await office.post(f"/orders/{order_no}/refusal", {"remark": "退回申请人"}, REVIEWER)
    assert (await give_back(office, number)).json()["count"] == 1


async def test_a_line_that_a_flow_tried_to_pay_leaves_its_batch_as_failed(office: Office) -> None:
    """Number, verification and publicity stay; it may be repaid with another batch. Nothing is reserved for it."""
    ground = await add_ground(office, [Line(), Line(payments=1, verification="failed")])
    fresh, failed = ground.numbers
    done = (await give_back(office, fresh, failed)).json()
    assert (done["count"], done["stages_after"]) == (2, {"draft": 1, "failed": 1})
    rows = await office.rows(
        "SELECT stage, batch_id, verification, match_outcome FROM application WHERE application_no = :no", no=failed
    )
    assert rows == [("failed", None, "failed", "matched")]
    assert await code_of(await give_back(office, failed)) == "PAID_BEFORE"
    assert (await edit(office, failed)).json()["code"] == "PAID_BEFORE"
    assert await balances(office) == [(0, 0)]
    empty = (await office.post("/flows", ground.start)).json()["errors"]
    assert [each["code"] for each in empty] == ["BATCH_EMPTY"]
    assert "请另建批次" in empty[0]["detail"]
    other = await add_ground(office, [Line()])
    await office.run("UPDATE batch SET stage = 'open' WHERE batch_no = :no", no=other.batch_no)
    joined = await office.post(f"/batches/{other.batch_no}/applications", {"selection": {"application_nos": [failed]}})
    assert (joined.json()["count"], await stage_of(office, failed)) == (1, "in_batch")
    assert (await office.get(f"/applications/{failed}")).json()["reason"] is None


async def test_an_applicant_may_edit_until_the_start_and_the_edit_is_a_return(office: Office) -> None:
    """Not while a reviewer decides, nor what is at the platform; the county's operator edits as before."""
    ground = await add_ground(office, [Line(stage=stage, person=7) for stage in BEFORE_FLOW])
    reviewed = ground.numbers[0]
    assert (await edit(office, reviewed)).json()["code"] == "IN_REVIEW"
    await office.run("UPDATE application SET reviewed_by = 'rev.zhao'")
    for number in ground.numbers[4:]:
        refused = (await edit(office, number, Role.OPERATOR)).json()
        assert (refused["code"], "请先由审核人退回" in refused["detail"]) == ("NOT_CORRECTABLE", True)
    await office.run("UPDATE batch SET stage = 'verifying'")
    assert (await edit(office, ground.numbers[-1])).json()["code"] == "BATCH_FROZEN"
    await office.run("UPDATE batch SET stage = 'verified'")
    for number in ground.numbers:
        done = await edit(office, number, phone="13900001234", amount_fen=49_400)
        assert (done.status_code, done.json()["stage"]) == (200, "draft"), done.text
        assert done.json()["warnings"][0]["code"] == "RETURNED_TO_DRAFT"
        assert done.json()["warnings"][0]["batches_left"] == [ground.batch_no]
    rows = await office.rows(
        "SELECT DISTINCT stage, batch_id, verification, reviewed_by, match_outcome, amount_fen FROM application"
    )
    assert rows == [("draft", None, "none", None, None, 49_400)]
    shown = (await office.get(f"/applications/{reviewed}")).json()
    assert shown["reason"] == "申请人修改了申请，须重新提交审核"
    again = await edit(office, reviewed)
    assert [each["code"] for each in again.json()["warnings"]] == ["SAME_ITEM"]


Sent = Callable[[], Awaitable[httpx.Response]]


async def both_at_once(office: Office, first: Sent, second: Sent) -> tuple[httpx.Response, httpx.Response]:
    """Two acts that wait for the county's turn together, in this order."""
    async with office.database.transaction() as session:
        await hold(session, Rank.COUNTY, f"applications/{COUNTY}")
        acts = []
        for place, act in enumerate((first, second), start=1):
            acts.append(asyncio.ensure_future(act()))
            await eventually(partial(_waiting, office, place))
    one, other = acts
    return await one, await other


async def _waiting(office: Office, acts: int) -> bool:
    return await count_of(office, "pg_locks WHERE locktype = 'advisory' AND NOT granted") == acts


# What else may be done to the line at that moment, at which stage of line and batch, and what a return that comes
# second is told; the flow comes last, since one is open at a time.
RIVALS = (
    ("approval", "in_review", "open", None),
    ("edit", "matched", "open", "NOT_RETURNABLE"),
    ("list", "publicised", "open", "IN_INITIALISATION"),
    ("verification", "in_batch", "open", "BATCH_FROZEN"),
    ("flow", "in_batch", "verified", "APPLICATION_IN_FLOW"),
)


def rival(office: Office, name: str, ground: Ground) -> Sent:
    number = ground.numbers[0]
    chosen = {"selection": {"application_nos": [number]}}
    acts: dict[str, Sent] = {
        "approval": lambda: office.post("/application-approvals", chosen, "rev.zhao"),
        "edit": lambda: edit(office, number),
        "list": lambda: office.post("/beneficiary-lists", chosen),
        "verification": lambda: office.post(f"/batches/{ground.batch_no}/verifications"),
        "flow": lambda: office.post("/flows", ground.start),
    }
    return acts[name]


@pytest.mark.parametrize("return_first", [True, False])
async def test_a_return_and_another_act_at_one_moment_take_turns(office: Office, return_first: bool) -> None:
    """Whoever comes second is told what is so; the books hold what is in the flow."""
    for name, stage, batch_stage, told in RIVALS:
        ground = await add_ground(office, [Line(person=7, stage=stage), Line(verification="none")])
        await office.run("UPDATE batch SET stage = :s WHERE id = :id", s=batch_stage, id=ground.batch_id)
        back, other = partial(give_back, office, ground.numbers[0]), rival(office, name, ground)
        if return_first:
            returned, answer = await both_at_once(office, back, other)
            others = {"approval": 409, "list": 409, "edit": 409}
            assert (returned.status_code, answer.status_code) == (200, others.get(name, answer.status_code)), name
            assert answer.is_success or name in others, answer.text
        else:
            answer, returned = await both_at_once(office, other, back)
            assert answer.is_success, answer.text
            assert returned.is_success if told is None else await code_of(returned) == told, name
        gone = returned.is_success or name == "edit"
        assert (await stage_of(office, ground.numbers[0]) == "draft") == gone, name
        lines = await office.rows("SELECT count(*) FROM flow_line WHERE application_no = :no", no=ground.numbers[0])
        assert lines == [(0 if gone or name != "flow" else 1,)]
    assert (await balances(office))[-1] == (49_500 if return_first else 99_000, 0)


async def test_lines_of_a_cancelled_flow_come_back_and_what_they_reserved_is_free(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line()])
    flow_no = await add_flow(office, ground)
    assert await code_of(await give_back(office, *ground.numbers)) == "APPLICATION_IN_FLOW"
    await set_lines(office, ground.numbers, "cancelled", money="released")
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'cancelled' WHERE flow_no = :no", no=flow_no)
    await office.run("UPDATE batch SET stage = 'open'")
    await office.run("UPDATE application SET stage = 'pending_settlement'")
    assert (await give_back(office, *ground.numbers)).json()["stages_after"] == {"draft": 2}
    assert await balances(office) == [(0, 0)]

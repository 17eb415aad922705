"""公示异议 (S1 2.6): entered until the start, an open one holds its line, another person decides; figures balance."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from models.store.flows.rounds import refresh_held
from models.store.vault import Field
from models.tables.flows import Flow
from models.words.staff import Role
from tests.rows import (
    ADMIN,
    AUDITOR,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Ground,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_file,
    add_ground,
    balances,
    citizen_id,
    count_of,
    lock_account,
    open_office,
)

UPHELD = {"upheld": True, "opinion": "经入户核实，该户已迁出"}
DISMISSED = {"upheld": False, "opinion": "经核实仍在耕种"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def enter(office: Office, number: str, who: str = OPERATOR, **more: object) -> str:
    answer = await office.post("/objections", {"application_no": number, "reason": "此户已不种地", **more}, who)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["objection_no"])


async def decide(office: Office, objection_no: str, body: dict[str, object], who: str = REVIEWER) -> httpx.Response:
    return await office.post(f"/objections/{objection_no}/decision", body, who)


async def start(office: Office, ground: Ground) -> str:
    answer = await office.post("/flows", ground.start)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["flow_no"])


async def look(office: Office, flow_no: str) -> None:
    """What the flow's run does when it is woken."""
    async with office.database.transaction() as session:
        await refresh_held(session, (await session.exec(select(Flow).where(Flow.flow_no == flow_no))).one())


async def states(office: Office, flow_no: str) -> dict[str, tuple[int, int]]:
    """Count and fen of the flow's lines by state, which add up to the whole."""
    figures = (await office.get(f"/flows/{flow_no}")).json()["figures"]
    found = {each["state"]: (each["count"], each["fen"]) for each in figures["states"] if each["count"]}
    assert sum(count for count, _ in found.values()) == figures["lines"]["count"]
    assert sum(fen for _, fen in found.values()) == figures["lines"]["fen"]
    return found


async def lines_of(office: Office, flow_no: str) -> dict[str, dict[str, Any]]:
    return {each["application_no"]: each for each in (await office.get(f"/flows/{flow_no}/lines")).json()["items"]}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_an_open_one_enters_the_flow_as_held_and_its_decision_frees_or_withdraws(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200), Line(400), Line(800)])
    freed, gone, changing, _ = ground.numbers
    first, second = await enter(office, freed), await enter(office, gone)
    await lock_account(office, changing)
    flow_no = await start(office, ground)
    assert await states(office, flow_no) == {"held": (3, 700), "unsent": (1, 800)}
    lines = await lines_of(office, flow_no)
    assert [lines[number]["held_label"] for number in ground.numbers] == [
        "公示异议待裁定",
        "公示异议待裁定",
        "账号变更中",
        None,
    ]
    assert await balances(office) == [(1500, 0)]

    answer = await decide(office, first, DISMISSED)
    assert (answer.status_code, answer.json()["state_label"], answer.json()["stage"]) == (200, "不成立", "in_flow")
    await look(office, flow_no)
    assert await states(office, flow_no) == {"held": (2, 600), "unsent": (2, 900)}

    answer = await decide(office, second, UPHELD)
    assert (answer.status_code, answer.json()["state_label"], answer.json()["stage"]) == (200, "成立", "withdrawn")
    await look(office, flow_no)
    assert await states(office, flow_no) == {"held": (1, 400), "unsent": (2, 900), "withdrawn": (1, 200)}
    assert await balances(office) == [(1300, 0)]
    application = (await office.get(f"/applications/{gone}")).json()
    assert (application["stage"], application["reason"]) == (
        "withdrawn",
        f"公示异议成立（{second}）：{UPHELD['opinion']}",
    )
    assert await count_of(office, "outbox WHERE signal = 'lines_changed'") == 2
    await tells_what_happened(office, flow_no, gone, second)


async def tells_what_happened(office: Office, flow_no: str, gone: str, objection_no: str) -> None:
    way = (await office.get(f"/flows/{flow_no}/history")).json()["entries"]
    decided = [each for each in way if each["event"].startswith("objection_")]
    assert [(each["label"], each["fen"], each["by"], each["said"]) for each in decided] == [
        ("异议不成立", 100, REVIEWER, DISMISSED["opinion"]),
        ("异议成立，申请撤回", 200, REVIEWER, UPHELD["opinion"]),
    ]
    blind = (await office.get(f"/flows/{flow_no}/history", OPS)).json()["entries"]
    assert [each["said"] for each in blind if each["event"].startswith("objection_")] == [None, None]
    life = (await office.get(f"/applications/{gone}/history")).json()["entries"]
    told = [(each["label"], each["said"], each["number"]) for each in life if each["event"].startswith("objection.")]
    # who objects, and how, stands with the objection alone
    assert told == [
        ("录入公示异议", None, objection_no),
        ("公示异议成立，申请撤回", UPHELD["opinion"], objection_no),
    ]
    trail = (await office.get("/trail", subject=objection_no)).json()["items"]
    assert [(each["act"], each["actor"], each["total_fen"]) for each in trail] == [
        ("objection.upheld", REVIEWER, 200),
        ("objection.entered", OPERATOR, 200),
    ]


async def test_a_line_goes_out_when_the_last_of_its_objections_is_dismissed(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    number = ground.numbers[0]
    first, second = await enter(office, number), await enter(office, number)
    flow_no = await start(office, ground)
    await decide(office, first, DISMISSED)
    await look(office, flow_no)
    assert await states(office, flow_no) == {"held": (1, 100), "unsent": (1, 200)}
    await decide(office, second, DISMISSED)
    await look(office, flow_no)
    assert await states(office, flow_no) == {"unsent": (2, 300)}


async def test_an_open_one_follows_its_line_to_the_next_batch(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    number = ground.numbers[0]
    objection = await enter(office, number)
    flow_no = await start(office, ground)
    await office.run("UPDATE flow SET stage = 'settling'")
    deferred = await office.post(f"/flows/{flow_no}/deferrals", {"reason": "异议未决"})
    assert (deferred.status_code, deferred.json()["count"]) == (200, 1)
    detail = (await office.get(f"/objections/{objection}", REVIEWER)).json()
    assert (detail["state"], detail["stage"], detail["flow_no"]) == ("open", "pending_settlement", None)
    assert (await decide(office, objection, UPHELD)).json()["stage"] == "withdrawn"
    assert await states(office, flow_no) == {"deferred": (1, 100), "unsent": (1, 200)}
    way = (await office.get(f"/flows/{flow_no}/history")).json()["entries"]
    assert not [each for each in way if each["event"].startswith("objection_")]


async def test_before_the_start_an_upheld_one_withdraws_the_application_by_the_acts_own_rules(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    number = ground.numbers[0]
    objection = await enter(office, number)
    await office.run("UPDATE batch SET stage = 'verifying'")
    refused(await decide(office, objection, UPHELD), 409, "BATCH_FROZEN")
    await office.run("UPDATE batch SET stage = 'verified'")
    assert (await decide(office, objection, UPHELD)).json()["stage"] == "withdrawn"
    again = await enter(office, ground.numbers[1])
    await office.post(
        "/application-withdrawals", {"selection": {"application_nos": [ground.numbers[1]]}, "reason": "本人放弃"}
    )
    # what has gone already is gone
    assert (await decide(office, again, UPHELD)).json()["stage"] == "withdrawn"


async def test_nobody_objects_to_what_is_not_public_or_in_a_flow(office: Office) -> None:
    ground = await add_ground(office, [Line(100)])
    async with office.database.transaction() as session:
        stages = [Line(stage=stage) for stage in ("draft", "in_review", "paid", "withdrawn", "closed")]
        others = await add_applications(session, office.vault, stages, None)
        [public] = await add_applications(session, office.vault, [Line(stage="publicised")], None)
    await start(office, ground)
    body = {"application_no": ground.numbers[0], "reason": "此户已不种地"}
    answer = await office.post("/objections", body)
    refused(answer, 409, "APPLICATION_IN_FLOW")
    assert "撤回指令" in answer.json()["detail"]
    for number in others:
        refused(await office.post("/objections", {**body, "application_no": number}), 409, "NOT_PUBLICISED")
    assert await enter(office, public)
    refused(await office.post("/objections", {**body, "application_no": "500001-S2026-9999999"}), 404, "NOT_FOUND")
    refused(
        await office.post("/objections", {**body, "application_no": public, "reason": " "}), 422, "VALIDATION_FAILED"
    )


async def test_it_comes_before_the_start_or_is_refused_after_it(office: Office) -> None:
    """Both at one moment, several times over: what was entered holds its line, what came too late was told so."""
    for _ in range(3):
        ground = await add_ground(office, [Line(100), Line(200)])
        body = {"application_no": ground.numbers[0], "reason": "此户已不种地"}
        objected, started = await asyncio.gather(office.post("/objections", body), office.post("/flows", ground.start))
        assert started.status_code == 201, started.text
        flow_no = started.json()["flow_no"]
        held = (await lines_of(office, flow_no))[ground.numbers[0]]["state"]
        assert (objected.status_code, held) in ((201, "held"), (409, "unsent"))
        await office.run("UPDATE flow SET stage = 'ended', outcome = 'cancelled', ended_at = now()")


async def test_two_reviewers_at_once_and_a_doubled_click_decide_once(office: Office) -> None:
    ground = await add_ground(office, [Line(100, stage="matched"), Line(200)])
    objection, other = [await enter(office, number) for number in ground.numbers]
    answers = await asyncio.gather(*[decide(office, objection, DISMISSED, who) for who in (REVIEWER, SECOND)])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [second] = [answer for answer in answers if answer.status_code == 409]
    refused(second, 409, "OBJECTION_DECIDED")
    assert "已由" in second.json()["detail"]
    path = f"/objections/{other}/decision"
    twice = await asyncio.gather(*[office.post(path, UPHELD, REVIEWER, key="the-same-click") for _ in range(2)])
    assert [answer.status_code for answer in twice] == [200, 200]
    assert twice[0].json() == twice[1].json()
    assert await count_of(office, f"trail_entry WHERE subject = '{other}'") == 2
    clicked = {"application_no": ground.numbers[0], "reason": "一次"}
    entered = await asyncio.gather(*[office.post("/objections", clicked, key="entered-twice") for _ in range(2)])
    assert len({answer.json()["objection_no"] for answer in entered}) == 1
    assert await count_of(office, "objection") == 3


async def test_the_enterer_and_the_one_concerned_decide_nothing(office: Office) -> None:
    ground = await add_ground(office, [Line(100, person=7)])
    body = {"application_no": ground.numbers[0], "reason": "此户已不种地"}
    entered = await office.post("/objections", body, "wu.jun", role=Role.OPERATOR)
    objection = entered.json()["objection_no"]
    path = f"/objections/{objection}"
    refused(await office.post(f"{path}/decision", DISMISSED, "wu.jun", role=Role.REVIEWER), 403, "SAME_PERSON")
    own = office.staff.token("rev.seven", Role.REVIEWER, COUNTY, office.vault.index(Field.ID_NUMBER, citizen_id(7)))
    headers = {"Authorization": f"Bearer {own}", "Idempotency-Key": "own"}
    answer = await office.http.post(f"{path}/decision", json=DISMISSED, headers=headers)
    refused(answer, 403, "OWN_APPLICATION")
    refused(await office.post(f"{path}/decision", DISMISSED, OPERATOR), 403, "ROLE_NOT_ALLOWED")
    refused(await office.post("/objections", body, REVIEWER), 403, "ROLE_NOT_ALLOWED")
    refused(await office.get("/objections", OPS), 403, "ROLE_NOT_ALLOWED")
    for reader in (ADMIN, OPERATOR, REVIEWER, AUDITOR):
        [shown] = (await office.get("/objections", reader, state="open")).json()["items"]
        assert (shown["objection_no"], shown["name"], shown["reason"]) == (objection, "**梅", body["reason"])
    assert (await office.get(path, REVIEWER)).json()["why_no_decision"] is None
    assert (await office.get(path, OPERATOR)).json()["why_no_decision"] == "由审核人办理"
    refused(await office.post(f"{path}/decision", {"upheld": True}, REVIEWER), 422, "VALIDATION_FAILED")


async def test_another_countys_are_not_there(office: Office) -> None:
    ground = await add_ground(office, [Line(100)])
    objection = await enter(office, ground.numbers[0])
    async with office.database.transaction() as session:
        await add_catalogs(session, OTHER_COUNTY)
        foreign = await add_file(session, OTHER_COUNTY)
    assert (await office.get("/objections", REVIEWER, OTHER_COUNTY)).json()["items"] == []
    refused(await office.get(f"/objections/{objection}", REVIEWER, OTHER_COUNTY), 404, "NOT_FOUND")
    path, body = f"/objections/{objection}/decision", {"application_no": ground.numbers[0], "reason": "别县"}
    refused(await office.post(path, UPHELD, REVIEWER, OTHER_COUNTY), 404, "NOT_FOUND")
    refused(await office.post("/objections", body, OPERATOR, OTHER_COUNTY), 404, "NOT_FOUND")
    answer = await office.post("/objections", {**body, "file_id": foreign})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file_id")


async def test_the_attachment_is_opened_by_those_who_enter_and_decide_and_the_list_is_exported(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    async with office.database.transaction() as session:
        file_id = await add_file(session, content_type="image/png")
    await office.run("DELETE FROM file_use")
    await office.run(
        "INSERT INTO file_use (file_id, thing, number) VALUES (:id, 'person', :who)", id=file_id, who=OPERATOR
    )
    objection = await enter(office, ground.numbers[0], file_id=file_id)
    assert (await office.get(f"/objections/{objection}")).json()["file_id"] == file_id
    assert await office.rows("SELECT thing, number FROM file_use WHERE thing = 'objection'") == [
        ("objection", objection)
    ]
    for who in (ADMIN, AUDITOR):
        refused(await office.get(f"/files/{file_id}", who), 404, "NOT_FOUND")
    found = (await office.get("/objections", batch_no=ground.batch_no)).json()["items"]
    assert [each["application_no"] for each in found] == [ground.numbers[0]]
    assert (await office.get("/objections", application_no=ground.numbers[1])).json()["items"] == []
    assert (await office.get("/objections", format="xlsx")).status_code == 200


async def test_it_waits_for_a_reviewer_who_may(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    await enter(office, ground.numbers[0])
    answer = await office.post(
        "/objections", {"application_no": ground.numbers[1], "reason": "两处"}, REVIEWER, role=Role.OPERATOR
    )
    assert answer.status_code == 201, answer.text
    todos = (await office.get("/to-dos", REVIEWER)).json()
    [mine] = [each for each in todos["mine"] if each["kind"] == "objections"]
    [others] = [each for each in todos["others"] if each["kind"] == "objections"]
    assert (mine["count"], mine["total_fen"], mine["label"]) == (1, 100, "待裁定的公示异议")
    assert mine["filter"] == {"path": "/objections", "query": {"state": "open"}}
    assert (others["count"], others["hindrance"]) == (1, "由本人经手，须由另一个人办理")
    todos = (await office.get("/to-dos", SECOND)).json()
    assert [each["count"] for each in todos["mine"] if each["kind"] == "objections"] == [2]

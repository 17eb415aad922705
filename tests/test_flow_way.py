"""A flow's way over HTTP: what lacks before its start, what may be done now, what was done; sums of its lines."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.store.runs.watch import restart_run
from models.words.calendar import china_today
from models.words.staff import Role
from tests.rows import (
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    add_indicator,
    add_summary,
    balances,
    count_of,
    lock_account,
    open_office,
    set_lines,
)
from tests.test_orders_api import FITTING, mixed_flow


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


def told(history: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["label"], each["mark"]) for each in history["entries"]]


async def test_the_history_is_one_list_of_all_that_happened(office: Office) -> None:
    """From 申请提交 to 待确认发放, with a round, two orders, a line put off and a summary that was sent back."""
    ground = await add_ground(office, [Line(100), Line(200), Line(400), Line(800)])
    await lock_account(office, ground.numbers[3])
    flow_no = str((await office.post("/flows", ground.start)).json()["flow_no"])
    path = f"/flows/{flow_no}/history"
    tells_the_start((await office.get(path)).json())
    await answer_round(office, ground.numbers)
    orders = await decide_orders(office, flow_no, ground.numbers[0])
    assert (await office.post(f"/flows/{flow_no}/deferrals", {"reason": "等换卡"})).status_code == 200
    await pass_second_summary(office, flow_no)
    waiting = (await office.get(path)).json()
    tells_all(waiting, orders)
    tells_steps(waiting)
    blind = (await office.get(path, OPS)).json()
    assert told(blind) == told(waiting)
    assert not any(each["said"] or (each["order"] or {}).get("reason") for each in blind["entries"])
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404


def tells_the_start(first: dict[str, Any]) -> None:
    assert told(first) == [("申请提交", "done"), ("暂缓", "done"), ("启动中", "now")]
    begun, held, _ = first["entries"]
    assert (begun["by"], begun["count"], begun["fen"], held["count"], held["fen"]) == (OPERATOR, 4, 1500, 1, 800)
    assert [(part["label"], part["count"], part["fen"]) for part in begun["parts"]] == [
        ("补贴政策", 1, None),
        ("指标", 1, 1500),
    ]
    assert [each["label"] for each in first["later"]][-3:] == ["待确认发放", "发放中", "结束"]


async def answer_round(office: Office, numbers: list[str]) -> None:
    """The first round as the platform has answered it: one refused, two accepted."""
    await office.run("UPDATE flow SET stage = 'settling', platform_id = 'F-1', started_at = now()")
    await set_lines(office, numbers[:1], "rejected", reason_code="duplicate_person", sent=True)
    await set_lines(office, numbers[1:3], "accepted", sent=True)
    await office.run(
        "WITH d AS (INSERT INTO dataset (reference, kind, county_code, flow_id, mode, stage, generation, record_count,"
        " total_fen, created_at, committed_at, reviewed_at) SELECT flow_no || '.r1', 'application_submission',"
        " county_code, id, 'initial', 'reviewed', 1, 3, 700, now(), now(), clock_timestamp()"
        " FROM flow RETURNING id) INSERT INTO dataset_line (dataset_id, position, application_id, application_no,"
        " amount_fen, outcome, reason_code) SELECT d.id, l.id, l.application_id, l.application_no, l.amount_fen,"
        " l.state, l.reason_code FROM d, flow_line l WHERE l.sent"
    )


async def decide_orders(office: Office, flow_no: str, number: str) -> list[str]:
    """Two withdrawals of one line: the reviewer refuses the first and confirms the second, which is carried out."""
    ordered = {"kind": "withdrawal", "flow_no": flow_no, "reason": "本人要求"}
    chosen = {"selection": {"application_nos": [number]}}
    orders: list[str] = []
    for decision in ("refusal", "confirmation"):
        order_no = (await office.post("/orders", ordered | chosen)).json()["order_no"]
        await office.post(f"/orders/{order_no}/{decision}", {"remark": "已电话核实"}, REVIEWER)
        orders.append(order_no)
    await office.run("UPDATE operator_order SET state = 'done' WHERE state = 'confirmed'")
    await set_lines(office, [number], "withdrawn", money="released")
    return orders


async def pass_second_summary(office: Office, flow_no: str) -> None:
    """审核 不通过, then a new one 通过 and 提交, and the platform approves it."""
    await add_summary(office, flow_no)
    review = {"passed": False, "opinion": "石龙镇重复"}
    assert (await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)).status_code == 200
    await add_summary(office, flow_no)
    async with office.database.transaction() as session:
        review = {"passed": True, "opinion": "同意发放", "form_file_id": await add_file(session)}
    assert (await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)).status_code == 200
    assert (await office.post(f"/flows/{flow_no}/summary/submission", who="op.qian", role=Role.OPERATOR)).is_success
    await office.run("UPDATE summary SET stage = 'approved', platform_reviewed_at = clock_timestamp() WHERE number = 2")
    await office.run("UPDATE flow SET stage = 'summary_approved'")


def tells_all(waiting: dict[str, Any], orders: list[str]) -> None:
    assert told(waiting) == [
        ("申请提交", "done"),
        ("暂缓", "done"),
        ("平台受理", "done"),
        ("申请提交", "done"),
        ("撤回", "bad"),
        ("撤回", "done"),
        ("转入下批", "done"),
        ("汇总审核不通过", "bad"),
        ("汇总审核通过", "done"),
        ("汇总提交", "done"),
        ("平台审核通过", "done"),
        ("待确认发放", "now"),
    ]
    assert [each["label"] for each in waiting["later"]] == ["发放中", "结束"]
    entries = waiting["entries"]
    assert [each["at"] for each in entries] == sorted(each["at"] for each in entries)
    assert [(part["label"], part["reason"], part["count"]) for part in entries[3]["parts"]] == [
        ("平台审核通过", None, 2),
        ("平台审核不通过", "一人多条申请", 1),
    ]
    assert [each["order"]["order_no"] for each in entries[4:6]] == orders
    withdrawn = entries[5]["order"]
    assert (withdrawn["entered_by"], withdrawn["confirmed_by"]) == (OPERATOR, REVIEWER)
    assert (withdrawn["reason"], withdrawn["remark"]) == ("本人要求", "已电话核实")
    assert (entries[7]["said"], entries[8]["said"], entries[8]["fen"]) == ("石龙镇重复", "同意发放", 600)


def tells_steps(waiting: dict[str, Any]) -> None:
    steps = [(each["label"], each["number"]) for each in waiting["steps"]]
    assert steps == [
        ("启动中", None),
        ("申请处理中", None),
        ("申请提交", 1),
        ("待汇总审核", 1),
        ("待汇总审核", 2),
        ("汇总待提交", 2),
        ("平台审核汇总中", 2),
        ("待确认发放", 2),
    ]
    assert [each["until"] for each in waiting["steps"]].index(None) == len(steps) - 1


async def test_what_comes_after_the_end_stands_after_it(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    flow_no = await add_flow(office, ground, "paying")
    await set_lines(office, ground.numbers, "accepted", payment="paid", money="paid", payment_sequence=1)
    paid = (
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, at, page, source, after_end,"
        " taken_at) SELECT flow_id, id, {sequence}, '{status}', amount_fen, clock_timestamp(), 1, 'platform',"
        " {after}, clock_timestamp() FROM flow_line WHERE amount_fen >= {least}"
    )
    await office.run(paid.format(sequence=1, status="paid", after="false", least=100))
    ours = '{"ours": {"paid_count": 2, "paid_fen": 300, "failed_count": 0, "failed_fen": 0}, "platform": {}}'
    await office.run(
        "UPDATE flow SET stage = 'ended', outcome = 'disbursed', balanced = true, ended_at = clock_timestamp(),"
        " end_figures = CAST(:ours AS jsonb)",
        ours=ours,
    )
    await office.run(paid.format(sequence=2, status="failed", after="true", least=200))
    async with office.database.transaction() as session:
        assert await restart_run(session, office.vault, f"subsidy-flow/{flow_no}", 60.0)
    history = (await office.get(f"/flows/{flow_no}/history")).json()
    assert told(history)[2:] == [
        ("发放结果", "done"),
        ("发放完毕", "done"),
        ("结束后来件", "done"),
        ("运行重启", "done"),
    ]
    results = [[(part["label"], part["count"], part["fen"]) for part in each["parts"]] for each in history["entries"]]
    assert results[2:5] == [[("发放成功", 2, 300)], [("发放成功", 2, 300)], [("发放失败", 1, 200)]]
    assert (history["later"], history["entries"][5]["by"]) == ([], None)


async def test_each_button_says_how_many_lines_it_is_about_and_why_it_cannot_be_pressed(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    path = f"/flows/{flow_no}/acts"

    async def acts(who: str = OPERATOR) -> dict[str, Any]:
        return {each["act"]: each for each in (await office.get(path, who)).json()["items"]}

    found = await acts()
    counts = {act: each["count"] for act, each in found.items()}
    assert counts == {kind: len(fit) for kind, fit in FITTING.items()} | {"deferral": 1, "cancellation": 7}
    assert (found["modified"]["fen"], found["modified"]["allowed"]) == (5000, True)
    assert (found["evidence"]["allowed"], found["evidence"]["why"]) == (False, "流程现在是“申请处理中”")
    assert {each["why"] for each in (await acts(REVIEWER)).values()} == {"由县操作员办理"}
    # a line that is in an open order, or whose account is being changed, is nobody's
    chosen = {"selection": {"application_nos": [named["duplicate"]]}}
    await office.post("/orders", {"kind": "confirmed", "flow_no": flow_no, "reason": "经核实", **chosen})
    await lock_account(office, named["unverified"])
    again = await acts()
    assert (again["confirmed"]["count"], again["confirmed"]["why"]) == (0, "没有符合条件的申请")
    assert (again["modified"]["count"], again["unverified"]["count"], again["withdrawal"]["count"]) == (1, 0, 6)
    assert (await office.post("/orders", {"kind": "cancellation", "flow_no": flow_no, "reason": "重来"})).is_success
    assert (await acts())["cancellation"]["why"] == "已有一个撤销指令，等待复核"
    await office.run("UPDATE operator_order SET state = 'confirmed', confirmed_by = 'x' WHERE kind = 'cancellation'")
    assert {each["why"] for act, each in (await acts()).items() if act != "evidence"} == {"撤销指令已复核，正在执行"}
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404

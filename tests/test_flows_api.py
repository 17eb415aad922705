"""The flow over HTTP: its view, its lines, deferral, payments, settlements; another county's are not there."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.flows.payments import TakenPayments, apply_payments, lock_flow_and_indicators
from models.store.texts import open_text
from models.store.vault import Field
from models.wire import answers
from tests.rows import (
    ADMIN,
    COUNTY,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    balances,
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


async def ended_flow(office: Office, lines: list[Line], unresolved: int) -> tuple[str, list[str]]:
    """A flow that ended with difference: the first lines have no result, the others were paid."""
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:unresolved], "accepted", payment="unresolved")
    await set_lines(office, ground.numbers[unresolved:], "accepted", payment="paid", money="paid", payment_sequence=1)
    await office.run(
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, at, page, source,"
        " after_end, taken_at) SELECT flow_id, id, 1, 'paid', amount_fen, 'S' || id, now(), 1, 'platform', false,"
        " now() FROM flow_line WHERE payment = 'paid'"
    )
    await office.run(
        "UPDATE flow SET stage = 'ended', outcome = 'disbursed', balanced = false, ended_at = now(),"
        ' end_figures = \'{"ours": {"paid_count": 1}, "platform": {"paid_count": 2}}\''
    )
    return flow_no, ground.numbers


async def test_flow_shows_figures_rounds_orders_and_what_it_waits_for(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200), Line(amount_fen=400)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "accepted")
    await set_lines(office, ground.numbers[1:2], "rejected", reason_code="duplicate_person")
    await office.run(
        "WITH d AS (INSERT INTO dataset (reference, kind, county_code, flow_id, mode, stage, generation, record_count,"
        " total_fen, created_at) SELECT flow_no || '.r1', 'application_submission', county_code, id, 'initial',"
        " 'reviewed', 1, 2, 300, now() FROM flow RETURNING id) "
        "INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen, outcome,"
        " reason_code) SELECT d.id, l.id, l.application_id, l.application_no, l.amount_fen, l.state, l.reason_code"
        " FROM d, flow_line l WHERE l.state <> 'unsent'"
    )
    await office.run("UPDATE run SET waiting_for = '等待操作员', stage = 'settling'")
    selection = {"application_nos": ground.numbers[2:]}
    await office.post(
        "/orders", {"kind": "withdrawal", "flow_no": flow_no, "selection": selection, "reason": "重复申请"}
    )
    view = (await office.get(f"/flows/{flow_no}", OPS)).json()
    assert "url" not in (await office.get(f"/flows/{flow_no}")).json()["run"]
    assert (view["stage_label"], view["status"], view["status_label"]) == ("申请处理中", "active", "启动")
    assert view["run"]["waiting_for"] == "等待操作员"
    assert f"/workflows/subsidy-flow%2F{flow_no}" in view["run"]["url"]
    states = {each["state"]: (each["count"], each["fen"]) for each in view["figures"]["states"] if each["count"]}
    assert states == {"unsent": (1, 400), "rejected": (1, 200), "accepted": (1, 100)}
    round_one = view["rounds"][0]
    assert (round_one["reference"], round_one["mode_label"]) == (f"{flow_no}.r1", "申请提交")
    assert [(each["outcome"], each["count"], each["reason"]) for each in round_one["results"]] == [
        ("accepted", 1, None),
        ("rejected", 1, "一人多条申请"),
    ]
    assert [(each["kind_label"], each["state_label"]) for each in view["open_orders"]] == [("撤回", "待复核")]
    assert (view["contradictions"], view["end"], view["after_end"]) == (0, None, [])
    assert view["indicators"][0]["reserved_fen"] == 700


async def test_flows_are_listed_newest_first_page_by_page(office: Office) -> None:
    numbers = [await add_flow(office, await add_ground(office, [Line()]), "ended") for _ in range(3)]
    first = (await office.get("/flows", limit="2")).json()
    assert [each["flow_no"] for each in first["items"]] == numbers[:0:-1]
    assert first["items"][0]["line_count"] == 1
    second = (await office.get("/flows", limit="2", after=first["next"])).json()
    assert [each["flow_no"] for each in second["items"]] == numbers[:1]
    assert second["next"] is None
    assert (await office.get("/flows", stage="settling")).json()["items"] == []
    sheet = await office.get("/flows", format="xlsx")
    assert sheet.content[:2] == b"PK"


async def test_another_countys_flow_is_not_there(office: Office) -> None:
    flow_no = await add_flow(office, await add_ground(office, [Line()]))
    for path in ("", "/lines", "/summary", "/payments"):
        answer = await office.get(f"/flows/{flow_no}{path}", county=OTHER_COUNTY)
        assert answer.status_code == 404, path
    deferral = await office.post(f"/flows/{flow_no}/deferrals", {"reason": "x"}, county=OTHER_COUNTY)
    assert deferral.status_code == 404
    assert (await office.get("/flows", county=OTHER_COUNTY)).json()["items"] == []


async def test_lines_are_masked_and_filtered(office: Office) -> None:
    ground = await add_ground(office, [Line(person=7), Line(bank_code="BANK-B"), Line(verification="failed")])
    flow_no = await add_flow(office, ground)
    reason = office.vault.seal(Field.REASON, ground.numbers[0], "户名与账号不符")
    await set_lines(
        office, ground.numbers[:1], "rejected", reason_code="account_invalid", reason_sealed=reason, mode="initial"
    )
    items = (await office.get(f"/flows/{flow_no}/lines")).json()["items"]
    assert [item["application_no"] for item in items] == ground.numbers
    line = items[0]
    assert (line["name"], line["account_no"]) == ("**梅", "****0007")
    assert line["id_number"].startswith("*********")
    assert (line["town"], line["bank"], line["item"]) == ("红岩镇", "农商银行", "耕地地力保护补贴")
    assert (line["state_label"], line["reason"]) == ("平台审核不通过", "账号无效：户名与账号不符")
    for query, expected in (
        ({"state": "rejected"}, ground.numbers[:1]),
        ({"bank_code": "BANK-B"}, ground.numbers[1:2]),
        ({"verification": "failed", "limit": "1"}, ground.numbers[2:]),
        ({"application_no": ground.numbers[1]}, ground.numbers[1:2]),
    ):
        found = (await office.get(f"/flows/{flow_no}/lines", **query)).json()["items"]
        assert [item["application_no"] for item in found] == expected, query
    assert (await office.get(f"/flows/{flow_no}/lines", OPS)).status_code == 403
    assert (await office.get(f"/flows/{flow_no}/lines", ADMIN, format="xlsx")).content[:2] == b"PK"


async def test_held_lines_are_deferred_to_the_next_batch(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=100), Line(amount_fen=200)])
    await lock_account(office, ground.numbers[0])
    flow_no = await add_flow(office, ground)
    answer = await office.post(f"/flows/{flow_no}/deferrals", {"reason": "换卡未办结"})
    assert answer.json() == {"act": "flows.deferred", "count": 1, "total_fen": 100, "left_out": []}
    assert await balances(office) == [(200, 0)]
    moved = await office.rows(
        "SELECT stage, batch_id, deferred_reason_sealed, verification FROM application ORDER BY id"
    )
    stage, batch_id, reason, verification = moved[0]
    assert (stage, batch_id, verification) == ("pending_settlement", None, "none")
    assert open_text(office.vault, COUNTY, str(reason)) == "换卡未办结"
    assert moved[1][0] == "in_flow"
    assert await office.rows("SELECT state, money FROM flow_line ORDER BY id") == [
        ("deferred", "released"),
        ("unsent", "reserved"),
    ]
    assert await count_of(office, "outbox WHERE signal = 'lines_changed'") == 1
    again = await office.post(f"/flows/{flow_no}/deferrals", {"reason": "换卡未办结"})
    assert (again.status_code, again.json()["code"]) == (409, "NOTHING_FITS")


async def test_a_list_with_an_unfit_line_changes_nothing(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line()])
    await lock_account(office, ground.numbers[0])
    flow_no = await add_flow(office, ground)
    body = {"reason": "x", "selection": {"application_nos": [*ground.numbers, "none"]}}
    answer = await office.post(f"/flows/{flow_no}/deferrals", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "LINES_UNFIT")
    errors = answer.json()["errors"]
    assert [(error["application_no"], error["code"]) for error in errors] == [
        (ground.numbers[1], "NOT_HELD"),
        ("none", "UNKNOWN_APPLICATION"),
    ]
    assert await count_of(office, "flow_line WHERE state = 'deferred'") == 0


async def test_deferral_needs_a_fit_stage_and_an_operator(office: Office) -> None:
    flow_no = await add_flow(office, await add_ground(office, [Line()]), "summary_submitted")
    answer = await office.post(f"/flows/{flow_no}/deferrals", {"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "FLOW_STAGE_UNFIT")
    assert "平台审核汇总中" in answer.json()["detail"]
    assert (await office.post(f"/flows/{flow_no}/deferrals", {"reason": "x"}, who=REVIEWER)).status_code == 403


async def test_payments_show_the_latest_result_with_its_explanation(office: Office) -> None:
    flow_no, numbers = await ended_flow(office, [Line(amount_fen=100), Line(amount_fen=200)], unresolved=1)
    returned = office.vault.seal(Field.REASON, numbers[1], "退票")
    await office.run(
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, reason_code, reason_sealed,"
        " at, page, source, after_end, taken_at) SELECT flow_id, id, 2, 'failed', amount_fen, 'account_closed',"
        " :reason, now(), 2, 'platform', true, now() FROM flow_line WHERE application_no = :number",
        reason=returned,
        number=numbers[1],
    )
    await set_lines(
        office,
        numbers[1:],
        "accepted",
        payment="failed",
        money="released",
        payment_sequence=2,
        payment_reason_code="account_closed",
    )
    items = (await office.get(f"/flows/{flow_no}/payments")).json()["items"]
    assert [item["explanation"] for item in items] == ["无结果，待核实", "发放失败：账户已销户，退票"]
    found = (await office.get(f"/flows/{flow_no}/payments", payment="failed")).json()["items"]
    assert [(item["application_no"], item["after_end"]) for item in found] == [(numbers[1], True)]
    history = (await office.get(f"/flows/{flow_no}/payments/{numbers[1]}")).json()["results"]
    assert [(each["sequence"], each["status"], each["after_end"]) for each in history] == [
        (1, "paid", False),
        (2, "failed", True),
    ]
    view = (await office.get(f"/flows/{flow_no}")).json()
    assert view["end"]["ours"] == {"paid_count": 1}
    assert [(each["status"], each["count"], each["fen"]) for each in view["after_end"]] == [("failed", 1, 200)]
    assert (await office.get(f"/flows/{flow_no}/payments", format="xlsx")).content[:2] == b"PK"


@pytest.mark.parametrize(("status", "balance"), [("paid", (0, 300)), ("failed", (0, 200))])
async def test_unresolved_lines_are_settled_with_proof(office: Office, status: str, balance: tuple[int, int]) -> None:
    flow_no, numbers = await ended_flow(office, [Line(amount_fen=100), Line(amount_fen=200)], unresolved=1)
    async with office.database.transaction() as session:
        proof = await add_file(session)
    body = {"selection": {"filter": {}}, "status": status, "reason": "银行回单", "proof_file_id": proof}
    answer = await office.post(f"/flows/{flow_no}/settlements", body, REVIEWER)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["count"], answer.json()["total_fen"]) == (1, 100)
    assert await balances(office) == [balance]
    assert await office.rows("SELECT stage, payments FROM application ORDER BY id LIMIT 1") == [(status, 1)]
    line = (await office.get(f"/flows/{flow_no}/payments/{numbers[0]}")).json()
    assert (line["payment"], line["source_label"]) == (status, "审核人凭证核实")
    assert [(each["sequence"], each["reason"]) for each in line["results"]] == [(0, "银行回单")]
    view = (await office.get(f"/flows/{flow_no}")).json()
    assert view["end"]["ours"] == {"paid_count": 1}
    assert [(each["source"], each["status"], each["fen"]) for each in view["after_end"]] == [("settled", status, 100)]
    again = await office.post(f"/flows/{flow_no}/settlements", body, REVIEWER)
    assert (again.status_code, again.json()["code"]) == (409, "NOTHING_FITS")


@pytest.mark.parametrize(("status", "settled"), [("paid", True), ("failed", False)])
async def test_an_end_with_difference_says_what_is_open_and_who_settled_it(
    office: Office, status: str, settled: bool
) -> None:
    """The platform paid both lines; a settlement that says otherwise leaves sums apart that no line explains."""
    flow_no, _ = await ended_flow(office, [Line(amount_fen=100), Line(amount_fen=200)], unresolved=1)
    platform = {"payment_pages": 1, "paid_count": 2, "paid_fen": 300, "failed_count": 0, "failed_fen": 0}
    figures = {"ours": {"paid_count": 1, "paid_fen": 200, "failed_count": 0, "failed_fen": 0}, "platform": platform}
    await office.run(
        "UPDATE flow SET end_claim = CAST(:claim AS jsonb), end_figures = CAST(:figures AS jsonb)",
        claim=json.dumps(platform),
        figures=json.dumps(figures),
    )
    before = (await office.get(f"/flows/{flow_no}", OPS)).json()["difference"]
    assert [one["difference"] for one in before["figures"]] == [-1, -100, 0, 0]
    assert (before["unresolved"], before["settled"], before["settlements"]) == (1, False, [])
    async with office.database.transaction() as session:
        proof = await add_file(session)
    body = {"selection": {"filter": {}}, "status": status, "reason": "银行回单", "proof_file_id": proof}
    assert (await office.post(f"/flows/{flow_no}/settlements", body, REVIEWER)).status_code == 200
    after = (await office.get(f"/flows/{flow_no}", OPS)).json()["difference"]
    assert after["figures"] == before["figures"]
    assert (after["unresolved"], after["open_contradictions"], after["settled"]) == (0, int(not settled), settled)
    assert [(one["by"], one["count"], one["fen"]) for one in after["settlements"]] == [(REVIEWER, 1, 100)]
    assert after["settled_by"] == (REVIEWER if settled else None)


async def test_settlement_needs_proof_of_the_own_county_a_reviewer_and_the_end(office: Office) -> None:
    flow_no, numbers = await ended_flow(office, [Line(), Line()], unresolved=1)
    async with office.database.transaction() as session:
        foreign, proof = await add_file(session, OTHER_COUNTY), await add_file(session, COUNTY)
    body: dict[str, object] = {
        "selection": {"application_nos": numbers},
        "status": "paid",
        "reason": "回单",
        "proof_file_id": foreign,
    }
    path = f"/flows/{flow_no}/settlements"
    assert codes(await office.post(path, body, REVIEWER)) == ["FILE_UNKNOWN"]
    body["proof_file_id"] = proof
    assert codes(await office.post(path, body, REVIEWER)) == ["NOT_UNRESOLVED"]
    assert (await office.post(path, body)).status_code == 403
    await office.run("UPDATE flow SET stage = 'paying'")
    assert (await office.post(path, body, REVIEWER)).json()["code"] == "FLOW_STAGE_UNFIT"
    assert await count_of(office, "payment WHERE source = 'settled'") == 0


async def test_a_later_page_of_the_platform_wins_over_a_settlement(office: Office) -> None:
    flow_no, numbers = await ended_flow(office, [Line(amount_fen=100), Line(amount_fen=200)], unresolved=1)
    async with office.database.transaction() as session:
        proof = await add_file(session)
    body = {"selection": {"filter": {}}, "status": "failed", "reason": "银行回单", "proof_file_id": proof}
    assert (await office.post(f"/flows/{flow_no}/settlements", body, REVIEWER)).status_code == 200
    payment = {
        "application_no": numbers[0],
        "attempt": 1,
        "sequence": 1,
        "status": "paid",
        "amount_fen": 100,
        "at": "2026-11-20T10:00:00+08:00",
    }
    page = answers.PaymentPage.model_validate_json(
        json.dumps(
            {"flow_id": "F-1", "client_reference": flow_no, "county_code": COUNTY, "page": 2, "payments": [payment]}
        )
    )
    async with office.database.transaction() as session:
        flow = await lock_flow_and_indicators(session, flow_no)
        assert flow is not None
        assert await apply_payments(session, office.vault, flow, [TakenPayments(1, page)]) == {1: "applied"}
    line = (await office.get(f"/flows/{flow_no}/payments/{numbers[0]}")).json()
    assert (line["payment"], line["source"]) == ("paid", "platform")
    assert [(each["sequence"], each["source"]) for each in line["results"]] == [(0, "settled"), (1, "platform")]
    assert await balances(office) == [(0, 300)]
    assert await office.rows("SELECT stage FROM application ORDER BY id LIMIT 1") == [("paid",)]

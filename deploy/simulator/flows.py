"""A county's subsidy flow: start, look, take lines out, cancel, end."""

import json

from .agenda import Decision
from .clock import HOUR
from .events import Data, publish
from .problems import Fault, Problem, refuse_field
from .results import publish_results
from .reviews import CLOSED, approved, close_review, policy_items
from .shapes import CancellationBody, FlowBody, WithdrawalBody
from .store import Row, listed
from .world import Answer, Call, World, new_id

CANCELLED_AFTER = 4 * HOUR


def start_flow(world: World, call: Call) -> Answer:
    body = FlowBody.model_validate_json(call.body)
    world.need_county(call.client, body.county_code)
    world.need_year(body.fund_year)
    if body.policy_unit_code not in dict(world.catalog.policy_units_in(body.county_code)):
        refuse_field("/policy_unit_code", "UNKNOWN_POLICY_UNIT", "政策单位不在本区县的列表中")
    if not world.has_files(call.client, body.publicity.image_file_ids):
        refuse_field("/publicity/image_file_ids", "UNKNOWN_FILE", "公示图片尚未上传")
    need_free_county(world, body.county_code)
    policies = approved(world, "policy", body.county_code, body.fund_year, body.policy_ids)
    if len(policies) != len(body.policy_ids):
        raise Problem("POLICY_NOT_APPROVED", "流程引用的政策须为本区县本年度审核通过的政策")
    indicators = approved(world, "indicator", body.county_code, body.fund_year, body.indicator_ids)
    if len(indicators) != len(body.indicator_ids):
        raise Problem("INDICATOR_NOT_APPROVED", "流程引用的指标须为本区县本年度审核通过的指标")
    flow = new_id("flow")
    world.store.run(
        "INSERT INTO flow (flow_id, client_id, county_code, client_reference, batch_no, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        flow,
        call.client.client_id,
        body.county_code,
        body.client_reference,
        body.batch_no,
        body.model_dump_json(),
    )
    world.store.run_many("INSERT INTO flow_item VALUES (?, ?)", ((flow, item) for item in policy_items(policies)))
    return Answer(201, flow_wire(world, need_flow(world, call.client.client_id, flow)))


def get_flow(world: World, call: Call) -> Answer:
    return Answer(200, flow_wire(world, need_flow(world, call.client.client_id, call.path["flow_id"])))


def withdraw_lines(world: World, call: Call) -> Answer:
    flow = need_flow(world, call.client.client_id, call.path["flow_id"])
    body = WithdrawalBody.model_validate_json(call.body)
    need_lines_free(world, flow)
    if len(set(body.application_nos)) != len(body.application_nos):
        refuse_field("/application_nos", "DUPLICATE_APPLICATION", "申请编号重复")
    numbers = listed(body.application_nos)
    there = world.store.rows(
        "SELECT application_no, amount_fen FROM flow_line WHERE flow_id = ? AND status <> 'withdrawn'"
        " AND application_no IN (SELECT value FROM json_each(?))",
        flow["flow_id"],
        numbers,
    )
    missing = set(body.application_nos) - {row["application_no"] for row in there}
    if missing:
        faults = [Fault("NOT_IN_FLOW", "平台的流程中没有此申请，或已撤回", application_no=no) for no in sorted(missing)]
        raise Problem("LINE_NOT_ELIGIBLE", "撤回是整批的：有申请不在流程中，一条也没有撤回", faults=faults)
    world.store.run(
        "UPDATE flow_line SET status = 'withdrawn'"
        " WHERE flow_id = ? AND application_no IN (SELECT value FROM json_each(?))",
        flow["flow_id"],
        numbers,
    )
    return Answer(200, {"withdrawn_count": len(there), "withdrawn_fen": sum(row["amount_fen"] for row in there)})


def cancel_flow(world: World, call: Call) -> Answer:
    flow = need_flow(world, call.client.client_id, call.path["flow_id"])
    CancellationBody.model_validate_json(call.body)
    if flow["status"] == "ended":
        raise Problem("FLOW_ENDED", "流程已结束")
    if flow["stage"] in ("approved", "confirmed"):
        raise Problem("SUMMARY_APPROVED", "发放汇总已审核通过，不能撤销流程")
    answer = Answer(
        202,
        {"submission_id": f"cancel_{flow['flow_id']}", "client_reference": flow["client_reference"]},
        flow["flow_id"],
    )
    if flow["stage"] == "cancelling":
        return answer
    _close_pending(world, flow)
    world.store.run("UPDATE flow SET stage = 'cancelling' WHERE flow_id = ?", flow["flow_id"])
    world.later("cancellation", flow["flow_id"], CANCELLED_AFTER)
    return answer


def end_cancelled(world: World, flow_id: str, plan: int, decision: Decision | None) -> None:
    end_flow(world, flow_id, "cancelled")


def end_flow(world: World, flow_id: str, outcome: str | None) -> None:
    world.store.run(
        "UPDATE flow SET status = 'ended', stage = 'ended', outcome = ? WHERE flow_id = ?", outcome, flow_id
    )
    found = world.store.row("SELECT * FROM flow WHERE flow_id = ?", flow_id)
    assert found is not None
    if found["client_id"] is not None:
        publish(world, found["client_id"], flow_id, "flow.ended", flow_wire(world, found))


def need_flow(world: World, client_id: str, flow_id: str) -> Row:
    found = world.store.row("SELECT * FROM flow WHERE flow_id = ? AND client_id = ?", flow_id, client_id)
    if found is None:
        raise Problem("NOT_FOUND", "没有此流程")
    return found


def need_free_county(world: World, county: str) -> None:
    if world.store.row("SELECT 1 FROM flow WHERE county_code = ? AND status = 'active'", county) is not None:
        raise Problem("COUNTY_FLOW_ACTIVE", "同一区县一次只能启用一个补贴流程", holder=county)


def need_lines_free(world: World, flow: Row) -> None:
    """Lines move only before a summary, or after a refused one."""
    if flow["status"] == "ended" or flow["stage"] == "cancelling":
        raise Problem("FLOW_ENDED", "流程已结束或正在撤销")
    if flow["stage"] == "summary_review":
        raise Problem("SUMMARY_UNDER_REVIEW", "发放汇总正在审核，申请不能变动")
    if flow["stage"] in ("approved", "confirmed"):
        raise Problem("SUMMARY_APPROVED", "发放汇总已审核通过，申请不能变动")


def round_under_review(world: World, flow_id: str) -> Row | None:
    return world.store.row(
        "SELECT * FROM dataset WHERE flow_id = ? AND kind = 'application_submission' AND status = 'under_review'",
        flow_id,
    )


def flow_wire(world: World, flow: Row) -> Data:
    figures = world.store.row(
        "SELECT count(*) FILTER (WHERE pay_status = 'paid') AS paid_count,"
        " coalesce(sum(amount_fen) FILTER (WHERE pay_status = 'paid'), 0) AS paid_fen,"
        " count(*) FILTER (WHERE pay_status = 'failed') AS failed_count,"
        " coalesce(sum(amount_fen) FILTER (WHERE pay_status = 'failed'), 0) AS failed_fen"
        " FROM flow_line WHERE flow_id = ? AND status = 'accepted'",
        flow["flow_id"],
    )
    assert figures is not None
    told: Data = {name: figures[name] for name in figures.keys()}  # noqa: SIM118
    if flow["status"] == "ended":
        told["paid_fen"] = figures["paid_fen"] + world.switches.wrong_totals.get(flow["client_reference"] or "", 0)
    names = ("flow_id", "client_reference", "county_code", "batch_no", "status", "outcome", "payment_pages")
    return {name: flow[name] for name in names} | told


def flow_indicators(flow: Row) -> list[str]:
    return list(json.loads(flow["body"])["indicator_ids"])


def _close_pending(world: World, flow: Row) -> None:
    """A cancelled flow's round and summary end without an event of their own; GET says why."""
    pending = round_under_review(world, flow["flow_id"])
    if pending is not None:
        rows = world.store.rows(
            "SELECT application_no FROM record WHERE dataset_id = ? ORDER BY page, place", pending["dataset_id"]
        )
        results: list[Data] = [
            {"application_no": row[0], "outcome": "rejected", "reason_code": "other", "reason": CLOSED} for row in rows
        ]
        publish_results(world, pending, results, announce=False)
        world.store.run(
            "UPDATE flow_line SET status = 'rejected' WHERE flow_id = ? AND status = 'under_review'", flow["flow_id"]
        )
        world.store.run("DELETE FROM agenda WHERE ref = ?", pending["dataset_id"])
    summaries = world.store.rows("SELECT * FROM review WHERE flow_id = ? AND status = 'pending'", flow["flow_id"])
    for summary in summaries:
        close_review(world, summary["submission_id"], approve=False, opinion=CLOSED)
        world.store.run("DELETE FROM agenda WHERE ref = ?", summary["submission_id"])

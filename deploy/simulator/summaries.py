"""The summary of a flow held against its accepted lines, and the confirmation that lets money go."""

from collections.abc import Sequence

from .flows import need_flow, round_under_review
from .payments import plan_payments
from .problems import Fault, Problem, refuse_field
from .reviews import store_review
from .shapes import ConfirmationBody, Share, SummaryBody
from .store import Row
from .world import Answer, Call, World


def submit_summary(world: World, call: Call) -> Answer:
    flow = need_flow(world, call.client.client_id, call.path["flow_id"])
    body = SummaryBody.model_validate_json(call.body)
    _need_no_summary(flow)
    if round_under_review(world, flow["flow_id"]) is not None:
        raise Problem("ROUND_UNDER_REVIEW", "请等本轮申请审核完成后再提交汇总")
    if not world.has_files(call.client, [body.approval_form_file_id]):
        refuse_field("/approval_form_file_id", "UNKNOWN_FILE", "汇总审批表尚未上传")
    _judge_totals(world, flow["flow_id"], body)
    submission = store_review(
        world,
        kind="summary",
        client_id=call.client.client_id,
        county=flow["county_code"],
        reference=body.client_reference,
        flow_id=flow["flow_id"],
        body=body.model_dump_json(),
        said=body.opinion,
    )
    world.store.run("UPDATE flow SET stage = 'summary_review' WHERE flow_id = ?", flow["flow_id"])
    return Answer(202, {"submission_id": submission, "client_reference": body.client_reference}, started=submission)


def confirm_payment(world: World, call: Call) -> Answer:
    flow = need_flow(world, call.client.client_id, call.path["flow_id"])
    body = ConfirmationBody.model_validate_json(call.body)
    if flow["stage"] == "cancelling" or (flow["status"] == "ended" and flow["outcome"] == "cancelled"):
        raise Problem("FLOW_ENDED", "流程已撤销")
    if flow["confirmed"]:
        raise Problem("SUMMARY_APPROVED", "已确认发放，不能再次确认")
    if flow["stage"] != "approved":
        raise Problem("SUMMARY_NOT_APPROVED", "发放汇总审核通过后才能确认发放")
    count, fen, _ = _accepted(world, flow["flow_id"])
    if (body.application_count, body.total_fen) != (count, fen):
        raise Problem("CONTROL_TOTAL_MISMATCH", f"平台已受理 {count} 条、{fen} 分")
    world.store.run("UPDATE flow SET stage = 'confirmed', confirmed = 1 WHERE flow_id = ?", flow["flow_id"])
    plan_payments(world, flow)
    reference = flow["client_reference"]
    return Answer(
        202, {"submission_id": f"pay_{flow['flow_id']}", "client_reference": reference}, started=flow["flow_id"]
    )


def _need_no_summary(flow: Row) -> None:
    if flow["status"] == "ended" or flow["stage"] == "cancelling":
        raise Problem("FLOW_ENDED", "流程已结束或正在撤销")
    if flow["stage"] == "summary_review":
        raise Problem("SUMMARY_UNDER_REVIEW", "上一份发放汇总正在审核")
    if flow["stage"] in ("approved", "confirmed"):
        raise Problem("SUMMARY_APPROVED", "发放汇总已审核通过")


def _accepted(world: World, flow_id: str) -> tuple[int, int, int]:
    found = world.store.row(
        "SELECT count(*), coalesce(sum(amount_fen), 0), count(DISTINCT id_number) FROM flow_line"
        " WHERE flow_id = ? AND status = 'accepted'",
        flow_id,
    )
    assert found is not None
    return int(found[0]), int(found[1]), int(found[2])


def _judge_totals(world: World, flow_id: str, body: SummaryBody) -> None:
    count, fen, households = _accepted(world, flow_id)
    if count == 0:
        raise Problem("VALIDATION_FAILED", "流程没有已受理的申请，应撤销流程")
    faults = []
    for name, said, held in (
        ("application_count", body.application_count, count),
        ("total_fen", body.total_fen, fen),
        ("household_count", body.household_count, households),
    ):
        if said != held:
            faults.append(Fault("TOTAL_DIFFERS", f"平台为 {held}", f"/{name}"))
    faults += _share_faults(world, flow_id, "town_code", body.towns, "/towns")
    faults += _share_faults(world, flow_id, "bank_code", body.banks, "/banks")
    if faults:
        raise Problem("CONTROL_TOTAL_MISMATCH", "汇总与平台已受理的申请不一致", faults=faults)


def _share_faults(world: World, flow_id: str, column: str, shares: Sequence[Share], pointer: str) -> list[Fault]:
    held = {
        row[0]: (row[1], row[2])
        for row in world.store.rows(
            f"SELECT {column}, count(*), sum(amount_fen)"
            " FROM flow_line WHERE flow_id = ? AND status = 'accepted' GROUP BY 1",
            flow_id,
        )
    }
    faults = []
    if len({share.code for share in shares}) != len(shares):
        faults.append(Fault("SHARE_TWICE", "同一代码出现多次", pointer))
    for place, share in enumerate(shares):
        count, fen = held.pop(share.code, (0, 0))
        if (share.application_count, share.total_fen) != (count, fen):
            faults.append(Fault("SHARE_DIFFERS", f"平台为 {count} 条、{fen} 分", f"{pointer}/{place}"))
    faults += [Fault("SHARE_MISSING", f"缺少 {code}", pointer) for code in sorted(held)]
    return faults

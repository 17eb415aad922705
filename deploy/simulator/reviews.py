"""Policies and indicators handed in, and every review: policy, indicator, summary."""

import json

from .agenda import Decision
from .clock import DAY, stamp
from .events import Data, publish
from .problems import Problem, refuse_field
from .shapes import IndicatorBody, PolicyBody
from .store import Row
from .world import MARK, Answer, Call, World, new_id

SHORTEST, LONGEST = 1 * DAY, 3 * DAY
CLOSED = "流程已撤销"


def submit_policy(world: World, call: Call) -> Answer:
    body = PolicyBody.model_validate_json(call.body)
    world.need_county(call.client, body.county_code)
    world.need_year(body.fund_year)
    if body.policy_unit_code not in dict(world.catalog.policy_units_in(body.county_code)):
        refuse_field("/policy_unit_code", "UNKNOWN_POLICY_UNIT", "政策单位不在本区县的列表中")
    known = dict(world.catalog.items)
    for place, item in enumerate(body.item_codes):
        if item not in known:
            refuse_field(f"/item_codes/{place}", "UNKNOWN_ITEM", "补贴项目不在列表中")
    if not world.has_files(call.client, [body.file_id]):
        refuse_field("/file_id", "UNKNOWN_FILE", "政策文件尚未上传")
    _need_refused(world, call, "policy", body.replaces_policy_id, "/replaces_policy_id")
    return _hand_in(world, call, "policy", body, said=body.title)


def submit_indicator(world: World, call: Call) -> Answer:
    body = IndicatorBody.model_validate_json(call.body)
    world.need_county(call.client, body.county_code)
    world.need_year(body.fund_year)
    _judge_indicator(world, body)
    _need_refused(world, call, "indicator", body.replaces_indicator_id, "/replaces_indicator_id")
    said = f"{body.document_no} {body.fund_nature or ''}"
    return _hand_in(world, call, "indicator", body, said=said, total_fen=body.total_fen)


def get_review(world: World, call: Call) -> Answer:
    found = world.store.row(
        "SELECT * FROM review WHERE submission_id = ? AND client_id = ?",
        call.path["submission_id"],
        call.client.client_id,
    )
    if found is None:
        raise Problem("NOT_FOUND", "没有此项送审内容")
    return Answer(200, review_wire(found))


def store_review(
    world: World,
    *,
    kind: str,
    client_id: str,
    county: str,
    reference: str,
    body: str,
    said: str,
    fund_year: int | None = None,
    flow_id: str | None = None,
    total_fen: int | None = None,
) -> str:
    submission = new_id({"policy": "pol", "indicator": "ind", "summary": "sum"}[kind])
    world.store.run(
        "INSERT INTO review (submission_id, kind, client_id, county_code, client_reference, fund_year,"
        " flow_id, total_fen, body, said)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        submission,
        kind,
        client_id,
        county,
        reference,
        fund_year,
        flow_id,
        total_fen,
        body,
        said,
    )
    world.later(kind, submission, world.dice.uniform(SHORTEST, LONGEST))
    return submission


def decide_review(world: World, submission: str, plan: int, decision: Decision | None) -> None:
    """Approves unless what was handed in says 【退回】 or a person at the desk says otherwise."""
    found = world.store.row("SELECT * FROM review WHERE submission_id = ? AND status = 'pending'", submission)
    if found is None:
        return
    approve = decision.approve if decision else MARK not in found["said"]
    opinion = (decision.opinion if decision else None) or (
        "审核通过" if approve else "内容含有退回标记，请修改后重新提交"
    )
    close_review(world, submission, approve, opinion)
    if found["kind"] == "summary":
        world.store.run(
            "UPDATE flow SET stage = ? WHERE flow_id = ? AND stage = 'summary_review'",
            "approved" if approve else "rounds",
            found["flow_id"],
        )
    event = {"policy": "policy.reviewed", "indicator": "indicator.reviewed", "summary": "flow.summary.reviewed"}[
        found["kind"]
    ]
    after = world.store.row("SELECT * FROM review WHERE submission_id = ?", submission)
    assert after is not None
    publish(world, found["client_id"], found["flow_id"] or submission, event, review_wire(after))


def close_review(world: World, submission: str, approve: bool, opinion: str) -> None:
    world.store.run(
        "UPDATE review SET status = ?, opinion = ?, reviewed_at = ? WHERE submission_id = ?",
        "approved" if approve else "rejected",
        opinion,
        stamp(),
        submission,
    )


def review_wire(row: Row) -> Data:
    names = ("submission_id", "client_reference", "county_code", "status", "opinion", "reviewed_at")
    return {name: row[name] for name in names}


def approved(world: World, kind: str, county: str, fund_year: int, ids: list[str]) -> list[Row]:
    """Those of `ids` that are approved, of this county and fund year, in the given order."""
    found = [
        world.store.row(
            "SELECT * FROM review WHERE submission_id = ? AND kind = ? AND county_code = ? AND fund_year = ?"
            " AND status = 'approved'",
            one,
            kind,
            county,
            fund_year,
        )
        for one in ids
    ]
    return [row for row in found if row is not None]


def policy_items(rows: list[Row]) -> set[str]:
    return {item for row in rows for item in json.loads(row["body"])["item_codes"]}


def _hand_in(
    world: World, call: Call, kind: str, body: PolicyBody | IndicatorBody, *, said: str, total_fen: int | None = None
) -> Answer:
    submission = store_review(
        world,
        kind=kind,
        client_id=call.client.client_id,
        county=body.county_code,
        reference=body.client_reference,
        fund_year=body.fund_year,
        body=body.model_dump_json(),
        said=said,
        total_fen=total_fen,
    )
    return Answer(202, {"submission_id": submission, "client_reference": body.client_reference}, started=submission)


def _judge_indicator(world: World, body: IndicatorBody) -> None:
    lists = world.catalog
    if body.budget_unit_code not in dict(lists.budget_units_in(body.county_code)):
        refuse_field("/budget_unit_code", "UNKNOWN_BUDGET_UNIT", "预算单位不在本区县的列表中")
    if body.budget_project_code not in dict(lists.projects_in(body.county_code, body.fund_year)):
        refuse_field("/budget_project_code", "UNKNOWN_BUDGET_PROJECT", "预算项目不在本年度的列表中")
    if body.document_no not in {name for _, name in lists.documents_in(body.county_code, body.fund_year)}:
        refuse_field("/document_no", "UNKNOWN_DOCUMENT", "指标文号不在本年度的列表中")
    if body.central_fen + body.provincial_fen + body.municipal_fen + body.county_fen != body.total_fen:
        refuse_field("/total_fen", "SUM_MISMATCH", "总额应等于中央、省、市、县四级之和")


def _need_refused(world: World, call: Call, kind: str, replaced: str | None, pointer: str) -> None:
    if (
        replaced is not None
        and world.store.row(
            "SELECT 1 FROM review WHERE submission_id = ? AND client_id = ? AND kind = ? AND status = 'rejected'",
            replaced,
            call.client.client_id,
            kind,
        )
        is None
    ):
        refuse_field(pointer, "NOT_REFUSED", "只能替换审核不通过的内容")

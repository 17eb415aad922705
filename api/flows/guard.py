"""What every decision about a flow asks first: is it there, is its stage fit, are the lines, is it another person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.server.problems import conflict, not_found
from models.contracts import RunKind, workflow_id
from models.store.applications.acts import LeftOut
from models.store.orders.orders import lock_county_flow
from models.store.orders.rules import Candidate, FlowLineFilter, Verdict, where_of
from models.store.register.lock_rules import LockedAct, why_lines_locked
from models.store.selection import Predicate, all_of
from models.store.sql import fetch_int
from models.tables.flows import Flow
from models.words.refusals import Refusal
from models.words.stages import FlowStage

LISTED_ERRORS = 500


async def flow_for(session: AsyncSession, desk: Desk, flow_no: str) -> Flow:
    """The county's flow, locked until the decision is stored."""
    flow = await lock_county_flow(session, desk.county, flow_no)
    if flow is None:
        raise not_found("补贴流程")
    return flow


def flow_id(flow: Flow) -> int:
    assert flow.id is not None
    return flow.id


def run_id(flow: Flow) -> str:
    return workflow_id(RunKind.SUBSIDY_FLOW, flow.flow_no)


def require_stage(flow: Flow, stages: Iterable[FlowStage], act: str) -> None:
    fit = [stage for stage in FlowStage if stage in set(stages)]
    if flow.stage not in fit:
        allowed = "、".join(f"“{stage.label}”" for stage in fit)
        detail = f"流程 {flow.flow_no} 现在是“{flow.stage.label}”，只有在{allowed}时才能{act}；请刷新后核对"
        raise conflict(Refusal.FLOW_STAGE_UNFIT, "流程所处阶段不能办理", detail)


def require_lines(verdict: Verdict, *, named: bool, act: str, why: Mapping[str, str] | None = None) -> None:
    """A list that names an unfit line refuses the whole act; a filter takes the fit ones. `why`: see line_errors."""
    if named and verdict.unfit:
        detail = f"所列申请中有 {len(verdict.unfit)} 笔不能{act}，没有作任何改动；请按 errors 移出后重新提交"
        raise conflict(
            Refusal.LINES_UNFIT, "有申请不符合条件", detail, line_errors(verdict.unfit, verdict.left_out, why)
        )
    if not verdict.fit:
        detail = f"没有可以{act}的申请，请核对筛选条件"
        raise conflict(Refusal.NOTHING_FITS, "没有符合条件的申请", detail, [asdict(each) for each in verdict.left_out])


def line_errors(
    unfit: Sequence[Candidate], left_out: Sequence[LeftOut], why: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """`why` says more of single lines than their rule does, by application number."""
    titles, details = {str(each.code): each.title for each in left_out}, why or {}
    return [
        {
            "application_no": each.application_no,
            "code": each.unfit,
            "detail": details.get(each.application_no) or titles[each.unfit or ""],
        }
        for each in unfit[:LISTED_ERRORS]
    ]


async def locked_lines(session: AsyncSession, county_code: str, unfit: Sequence[Candidate]) -> dict[str, str]:
    """By which request each locked line of a refused order is held back."""
    codes = {each.application_no: each.unfit for each in unfit[:LISTED_ERRORS]}
    return await why_lines_locked(session, county_code, LockedAct.LINE_ORDER, codes)


async def known_flow(session: AsyncSession, desk: Desk, flow_no: str) -> int:
    """The id of the county's flow, for reading."""
    found = await fetch_int(
        session,
        "SELECT id FROM flow WHERE flow_no = :number AND county_code = :county",
        number=flow_no,
        county=desk.county,
    )
    if not found:
        raise not_found("补贴流程")
    return found


def chosen_flow_lines(flow: int, query: FlowLineFilter) -> Predicate:
    sql, values = where_of(query.criteria, "a")
    return all_of("flow_id", "flow", flow).also(sql, **values)

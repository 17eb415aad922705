"""The entry of an order with its lines, all or nothing (S1 2.7, 2.8)."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.chosen_lines import act_answer
from api.counter.desk import Desk
from api.flows.guard import flow_for, flow_id, locked_lines, require_lines, require_stage
from api.orders.order_corrections import checked_corrections, looks_of_corrections, with_corrected
from api.orders.order_forms import NewOrder, OrderSelection
from api.orders.order_views import OrderEntered, OrderWarning
from api.server.answers import refusals
from api.server.problems import conflict
from models.contracts import RunKind, Subject
from models.forms.catalogs import Catalogs
from models.store.applications.acts import LeftOut, choose
from models.store.flows.evidence import lacking
from models.store.locking import lock_county
from models.store.orders.orders import (
    NAME_RULES,
    OrderEntry,
    add_chosen_applications,
    add_flow_lines,
    add_order,
    cancellations_open,
    is_being_cancelled,
    living_lines,
    summary_is_approved,
)
from models.store.orders.rules import (
    FIT_STAGES,
    REST_OF_EVIDENCE,
    RULES,
    FlowLineFilter,
    FlowLineSelection,
    judge,
)
from models.store.register.lock_rules import LockedAct, why_lines_locked
from models.store.runs.runs import open_run
from models.store.selection import LineFilter, Selection, selected
from models.store.texts import open_text, seal_text
from models.tables.flows import Flow, Order
from models.wire.words import Outcome, ProblemCode
from models.words.calendar import china_today
from models.words.errors import ADVICE
from models.words.evidence import missing_words
from models.words.refusals import Refusal
from models.words.stages import OrderKind, OrderState

# What an entry is refused with, beside values that are wrong by themselves; a preview likewise.
REFUSALS = refusals(
    NOT_FOUND=404,
    FLOW_STAGE_UNFIT=409,
    FLOW_CANCELLING=409,
    SUMMARY_APPROVED=409,
    CANCELLATION_OPEN=409,
    LINES_UNFIT=409,
    NOTHING_FITS=409,
    CORRECTIONS_FAULTY=422,
    CATALOG_FETCHING=503,
)


async def take_order(desk: Desk, session: AsyncSession, wanted: NewOrder, catalogs: Catalogs | None) -> OrderEntered:
    """`catalogs` are the lists that corrections are held against."""
    if wanted.kind is OrderKind.NAME_CORRECTION:
        return await _enter_names(desk, session, wanted)
    flow = await flow_for(session, desk, wanted.flow_no or "")
    require_stage(flow, FIT_STAGES[wanted.kind], f"办理“{wanted.kind.label}”")
    if wanted.kind is OrderKind.CANCELLATION:
        return await _enter_cancellation(desk, session, wanted, flow)
    await refuse_while_cancelling(session, flow, wanted.kind)
    return await _enter_lines(desk, session, wanted, flow, catalogs)


async def refuse_while_cancelling(session: AsyncSession, flow: Flow, kind: OrderKind) -> None:
    if kind is not OrderKind.EVIDENCE and await is_being_cancelled(session, flow_id(flow)):
        detail = f"流程 {flow.flow_no} 的撤销指令已复核，正在执行，不能再办理“{kind.label}”"
        raise conflict(Refusal.FLOW_CANCELLING, "流程正在撤销", detail)


async def refuse_when_approved(session: AsyncSession, flow: Flow) -> None:
    """The platform's approval may be stored before the flow's stage says so."""
    if await summary_is_approved(session, flow_id(flow)):
        raise conflict(Refusal.SUMMARY_APPROVED, "不能再撤销", ADVICE[ProblemCode.SUMMARY_APPROVED])


async def _enter_cancellation(desk: Desk, session: AsyncSession, wanted: NewOrder, flow: Flow) -> OrderEntered:
    await refuse_when_approved(session, flow)
    if await cancellations_open(session, flow_id(flow)):
        detail = f"流程 {flow.flow_no} 已有一个撤销指令，请先由审核人复核或退回"
        raise conflict(Refusal.CANCELLATION_OPEN, "已有撤销指令", detail)
    count, total = await living_lines(session, flow_id(flow))
    order = await add_order(session, _entry(desk, wanted, flow, count, total))
    return await _entered(desk, session, order, [])


async def _enter_lines(
    desk: Desk, session: AsyncSession, wanted: NewOrder, flow: Flow, catalogs: Catalogs | None
) -> OrderEntered:
    named = wanted.selection is not None and wanted.selection.application_nos is not None
    rest = wanted.kind is OrderKind.EVIDENCE and wanted.selection is None
    rules = REST_OF_EVIDENCE if rest else RULES[wanted.kind]
    verdict = await judge(session, flow_id(flow), rules, _lines_of(wanted))
    if wanted.corrections is not None:
        verdict = await with_corrected(session, flow, wanted, verdict)
        named = True
    why = await locked_lines(session, desk.county, verdict.unfit) if named else None
    require_lines(verdict, named=named, act=f"办理“{wanted.kind.label}”", why=why)
    corrections = await checked_corrections(desk, session, wanted, verdict, catalogs)
    total = sum(corrections.get(line.application_no, ("", line.amount_fen))[1] for line in verdict.fit)
    order = await add_order(session, _entry(desk, wanted, flow, len(verdict.fit), total))
    await add_flow_lines(session, order, verdict.fit, corrections)
    warnings = looks_of_corrections(wanted)
    if wanted.kind is OrderKind.EVIDENCE:
        await open_run(session, evidence_run(order, flow))
        warnings += await _lacking(session, order, flow)
    return await _entered(desk, session, order, verdict.left_out, warnings)


async def _lacking(session: AsyncSession, order: Order, flow: Flow) -> list[OrderWarning]:
    """How many lines will be listed and not sent, by what they lack; each of them by name beforehand."""
    url = f"/flows/{flow.flow_no}/missing-evidence"
    return [
        {
            "code": Refusal.PHOTOS_MISSING,
            "detail": f"{len(ids)} 笔缺{missing_words(missing)}，将列出而不提交；明细见 {url}",
            "missing": list(missing),
            "count": len(ids),
        }
        for missing, ids in (await lacking(session, order.order_no)).items()
    ]


def _lines_of(wanted: NewOrder) -> FlowLineSelection | None:
    selection = wanted.selection
    if selection is None:
        numbers = [each.application_no for each in wanted.corrections or ()]
        return FlowLineSelection(application_nos=list(dict.fromkeys(numbers))) if numbers else None
    if selection.application_nos is not None:
        return FlowLineSelection(application_nos=selection.application_nos)
    criteria = selection.filter.criteria if selection.filter is not None else {}
    return FlowLineSelection(filter=FlowLineFilter.model_validate(criteria))


async def _enter_names(desk: Desk, session: AsyncSession, wanted: NewOrder) -> OrderEntered:
    assert wanted.selection is not None
    await lock_county(session, desk.county)
    selection = _applications_of(wanted.selection)
    choice = await choose(
        session, selected(desk.county, selection, desk.for_whom), NAME_RULES, selection.application_nos, order=0
    )
    if choice.left_out and selection.is_named:
        detail = "所列申请中有不能按平台更正姓名的，没有作任何改动；请按 errors 移出后重新提交"
        errors = await named_errors(session, desk.county, choice.left_out)
        raise conflict(Refusal.LINES_UNFIT, "有申请不符合条件", detail, errors)
    if not choice.count:
        detail = "没有可以按平台更正姓名的申请，请核对筛选条件"
        raise conflict(Refusal.NOTHING_FITS, "没有符合条件的申请", detail, [asdict(each) for each in choice.left_out])
    order = await add_order(session, _entry(desk, wanted, None, choice.count, choice.total_fen))
    await add_chosen_applications(session, order)
    return await _entered(desk, session, order, choice.left_out)


async def named_errors(session: AsyncSession, county_code: str, left_out: Sequence[LeftOut]) -> list[dict[str, object]]:
    codes: dict[str, str | None] = {number: each.code for each in left_out for number in each.application_nos}
    why = await why_lines_locked(session, county_code, LockedAct.NAME_CORRECTION, codes)
    return [
        {"application_no": number, "code": each.code, "detail": why.get(number, each.title)}
        for each in left_out
        for number in each.application_nos
    ]


def _applications_of(selection: OrderSelection) -> Selection:
    """By filter only those whose name the platform knows otherwise are meant."""
    if selection.application_nos is not None:
        return Selection(application_nos=selection.application_nos)
    criteria = selection.filter.criteria if selection.filter is not None else {}
    return Selection(filter=LineFilter.model_validate({**criteria, "match_outcome": Outcome.NAME_DIFFERS}))


def _entry(desk: Desk, wanted: NewOrder, flow: Flow | None, count: int, total: int) -> OrderEntry:
    return OrderEntry(
        county_code=desk.county,
        year=flow.fund_year if flow else china_today().year,
        kind=wanted.kind,
        reason_sealed=seal_text(desk.vault, desk.county, wanted.reason),
        entered_by=desk.person,
        line_count=count,
        total_fen=total,
        flow=flow,
        confirmed=wanted.kind is OrderKind.EVIDENCE,
    )


def evidence_run(order: Order, flow: Flow) -> Subject:
    return Subject(
        kind=RunKind.EVIDENCE,
        number=order.order_no,
        county_code=order.county_code,
        fund_year=flow.fund_year,
        batch_no=flow.batch_no,
    )


async def _entered(
    desk: Desk,
    session: AsyncSession,
    order: Order,
    left_out: Sequence[LeftOut],
    warnings: Sequence[OrderWarning] = (),
) -> OrderEntered:
    detail = {
        "kind": order.kind.value,
        "reason": open_text(desk.vault, desk.county, order.reason_sealed),
        "flow_id": order.flow_id,
    }
    await desk.trail(session, "orders.entered", order.order_no, detail, order.line_count, order.total_fen)
    return {
        **act_answer("orders.entered", order.line_count, order.total_fen, left_out),
        "order_no": order.order_no,
        "kind": order.kind,
        "state": order.state,
        "state_label": order.state.label,
        "needs_confirmation": order.state is OrderState.ENTERED,
        "warnings": list(warnings),
    }

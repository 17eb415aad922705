"""A flow as it is shown: head, figures, rounds with their results, and the end beside what came after it."""

from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.flows.difference import difference_of
from api.flows.summary_views import three_answers
from models.store.flows.figures import FlowFigures, flow_figures
from models.store.flows.summaries import summaries_of
from models.store.sql import fetch_int, loose
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.flows import Flow
from models.words.counties import county_name
from models.words.errors import ADVICE, ErrorType
from models.words.flow_words import MODES, REJECTIONS, SOURCES, status_of
from models.words.stages import DatasetStage, FlowStage, LineState, OrderKind, OrderState, PaymentState

View = dict[str, object]


def flow_head(flow: Flow) -> View:
    return {
        "flow_no": flow.flow_no,
        "fund_year": flow.fund_year,
        "batch_no": flow.batch_no,
        "policy_unit_code": flow.policy_unit_code,
        "stage": flow.stage,
        "stage_label": flow.stage.label,
        **status_of(flow.stage),
        "outcome": flow.outcome,
        "outcome_label": flow.outcome.label if flow.outcome else None,
        "balanced": flow.balanced,
        "holder": flow.holder,
        "holder_name": county_name(flow.holder) if flow.holder else None,
        "refusal_code": flow.refusal_code,
        "refusal": _advice(flow.refusal_code),
        "started_by": flow.started_by,
        "created_at": flow.created_at,
        "started_at": flow.started_at,
        "ended_at": flow.ended_at,
    }


def _advice(code: str | None) -> str | None:
    return ADVICE.get(ErrorType(code)) if code in set(ErrorType) else code


async def flow_details(session: AsyncSession, vault: Vault, flow: Flow) -> View:
    assert flow.id is not None
    figures = await flow_figures(session, flow.id)
    return {
        "figures": labelled(figures),
        "end": _end(flow),
        "after_end": await _after_end(session, flow.id),
        "difference": await difference_of(session, flow),
        "policies": await _policies(session, vault, flow.id),
        "indicators": await _indicators(session, flow.id),
        "rounds": await _rounds(session, flow.id),
        "open_orders": await _open_orders(session, flow.id),
        "summary": await _summary(session, flow.id),
        "contradictions": await fetch_int(
            session,
            "SELECT count(*) FROM contradiction WHERE number = :number AND state <> 'settled'",
            number=flow.flow_no,
        ),
    }


def labelled(figures: FlowFigures) -> View:
    """Counts and fen per state and payment, in the order of a line's life, with Chinese words."""
    states = [{"state": s, "label": s.label, **figures.states[s].model_dump()} for s in LineState]
    payments = [{"payment": p, "label": p.label, **figures.payments[p].model_dump()} for p in PaymentState]
    return {"lines": figures.lines.model_dump(), "states": states, "payments": payments}


def _end(flow: Flow) -> View | None:
    """Ours and the platform's figures as of the end; they stay whatever comes later."""
    if flow.stage is not FlowStage.ENDED or flow.end_figures is None:
        return None
    return {**flow.end_figures, "balanced": flow.balanced, "ended_at": flow.ended_at}


async def _after_end(session: AsyncSession, flow_id: int) -> list[View]:
    """Returns, late results and settlements: shown beside the end figures, never mixed into them."""
    rows = await loose(
        session,
        "SELECT p.source, p.status, count(*), sum(p.amount_fen)::bigint, max(p.taken_at) FROM payment p "
        "JOIN flow f ON f.id = p.flow_id WHERE p.flow_id = :flow AND f.stage = 'ended' AND (p.after_end"
        " OR p.page > CAST(f.end_claim ->> 'payment_pages' AS int)) GROUP BY 1, 2 ORDER BY 1, 2",
        flow=flow_id,
    )
    return [
        {
            "source": source,
            "source_label": SOURCES.get(source, source),
            "status": status,
            "label": PaymentState(status).label,
            "count": count,
            "fen": fen,
            "last_at": last_at,
        }
        for source, status, count, fen, last_at in rows
    ]


async def _policies(session: AsyncSession, vault: Vault, flow_id: int) -> list[View]:
    rows = await loose(
        session,
        "SELECT p.policy_no, p.policy_unit_name, p.county_code, p.title_sealed FROM flow_policy f"
        " JOIN policy p ON p.id = f.policy_id WHERE f.flow_id = :flow ORDER BY p.id",
        flow=flow_id,
    )
    return [
        {"policy_no": number, "title": open_text(vault, county, title), "policy_unit_name": unit}
        for number, unit, county, title in rows
    ]


async def _indicators(session: AsyncSession, flow_id: int) -> list[View]:
    """What this flow's lines hold of each indicator now."""
    rows = await loose(
        session,
        "SELECT i.indicator_no, i.document_no,"
        " coalesce(sum(l.amount_fen) FILTER (WHERE l.money = 'reserved'), 0)::bigint AS reserved_fen,"
        " coalesce(sum(l.amount_fen) FILTER (WHERE l.money = 'paid'), 0)::bigint AS paid_fen,"
        " coalesce(sum(l.amount_fen) FILTER (WHERE l.money = 'released'), 0)::bigint AS released_fen "
        "FROM flow_indicator f JOIN indicator i ON i.id = f.indicator_id "
        "LEFT JOIN flow_line l ON l.flow_id = f.flow_id AND l.indicator_id = i.id "
        "WHERE f.flow_id = :flow GROUP BY f.position, i.indicator_no, i.document_no ORDER BY f.position",
        flow=flow_id,
    )
    fields = ("indicator_no", "document_no", "reserved_fen", "paid_fen", "released_fen")
    return [dict(zip(fields, row, strict=True)) for row in rows]


_ROUND_FIELDS = (
    "reference",
    "mode",
    "order_no",
    "stage",
    "record_count",
    "total_fen",
    "created_at",
    "committed_at",
    "reviewed_at",
)


async def _rounds(session: AsyncSession, flow_id: int) -> list[View]:
    results = await _results(session, flow_id)
    rows = await loose(
        session,
        f"SELECT id, {', '.join(_ROUND_FIELDS)} FROM dataset WHERE flow_id = :flow ORDER BY id",
        flow=flow_id,
    )
    rounds = []
    for dataset_id, *values in rows:
        view: View = dict(zip(_ROUND_FIELDS, values, strict=True))
        words = {
            "mode_label": MODES.get(str(view["mode"])),
            "stage_label": DatasetStage(str(view["stage"])).label,
        }
        rounds.append({**view, **words, "results": results.get(int(dataset_id), [])})
    return rounds


async def _results(session: AsyncSession, flow_id: int) -> dict[int, list[View]]:
    rows = await loose(
        session,
        "SELECT l.dataset_id, l.outcome, l.reason_code, count(*), sum(l.amount_fen)::bigint FROM dataset d "
        "JOIN dataset_line l ON l.dataset_id = d.id WHERE d.flow_id = :flow AND l.outcome IS NOT NULL "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        flow=flow_id,
    )
    found: dict[int, list[View]] = {}
    for dataset_id, outcome, reason_code, count, fen in rows:
        words = LineState(outcome).label
        reason = REJECTIONS.get(reason_code, reason_code) if reason_code else None
        view: View = {"outcome": outcome, "label": words, "reason_code": reason_code, "reason": reason}
        found.setdefault(int(dataset_id), []).append({**view, "count": count, "fen": fen})
    return found


async def _open_orders(session: AsyncSession, flow_id: int) -> list[View]:
    rows = await loose(
        session,
        "SELECT order_no, kind, state, line_count, total_fen, entered_by, entered_at FROM operator_order "
        "WHERE flow_id = :flow AND state IN ('entered', 'confirmed') ORDER BY id",
        flow=flow_id,
    )
    return [
        {
            "order_no": number,
            "kind": kind,
            "kind_label": OrderKind(kind).label,
            "state": state,
            "state_label": OrderState(state).label,
            "line_count": count,
            "total_fen": fen,
            "entered_by": entered_by,
            "entered_at": entered_at,
        }
        for number, kind, state, count, fen, entered_by, entered_at in rows
    ]


async def _summary(session: AsyncSession, flow_id: int) -> View | None:
    newest, *_ = await summaries_of(session, flow_id)
    if newest.number is None:
        return None
    return {"number": newest.number, "stage": newest.stage, **three_answers(newest)}


async def line_sums(session: AsyncSession, flow_ids: Sequence[int]) -> Mapping[int, View]:
    rows = await loose(
        session,
        "SELECT flow_id, count(*), sum(amount_fen)::bigint, count(*) FILTER (WHERE payment = 'paid'),"
        " coalesce(sum(amount_fen) FILTER (WHERE payment = 'paid'), 0)::bigint "
        "FROM flow_line WHERE flow_id = ANY(:ids) GROUP BY 1",
        ids=list(flow_ids),
    )
    fields = ("line_count", "line_fen", "paid_count", "paid_fen")
    return {int(row[0]): dict(zip(fields, row[1:], strict=True)) for row in rows}

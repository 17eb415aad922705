"""The entries of a flow's history, each kind of fact from its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from api.flows.flow_parts import FlowRound
from api.way.history_rows import ClaimRow, ObjectionRow, OrderRow, PaidRow, TrailRow
from api.way.history_views import EntryOrder, EntryPart, HistoryEntry, Mark
from models.store.flows.figures import Figure
from models.store.flows.summaries import SummaryRow
from models.tables.flows import Flow
from models.words.code_words import CONTRADICTIONS, TAKEN, called
from models.words.flow_words import FlowEvent
from models.words.stages import DatasetStage, FlowOutcome, ObjectionState, OrderKind, OrderState, PaymentState

# What somebody wrote, opened; nothing for who doesn't read it.
Open = Callable[[str | None], str | None]
_TRAIL = {
    "lines.held": FlowEvent.HELD,
    "lines.freed": FlowEvent.FREED,
    "flows.deferred": FlowEvent.DEFERRED,
    "payments.settled": FlowEvent.SETTLED,
    "run_restarted": FlowEvent.RESTARTED,
}
_MARKS: Mapping[OrderState, Mark] = {
    OrderState.ENTERED: "now",
    OrderState.CONFIRMED: "now",
    OrderState.REFUSED: "bad",
    OrderState.FAILED: "bad",
    OrderState.DONE: "done",
}


def entry(
    event: FlowEvent,
    at: datetime,
    label: str | None = None,
    *,
    mark: Mark = "done",
    until: datetime | None = None,
    by: str | None = None,
    number: int | None = None,
    count: int | None = None,
    fen: int | None = None,
    said: str | None = None,
    parts: Sequence[EntryPart] = (),
    order: EntryOrder | None = None,
) -> HistoryEntry:
    return {
        "event": event,
        "label": label or event.label,
        "mark": mark,
        "at": at,
        "until": until,
        "by": by,
        "number": number,
        "count": count,
        "fen": fen,
        "said": said,
        "parts": list(parts),
        "order": order,
    }


def _part(label: str, count: int, fen: int | None, reason: str | None = None) -> EntryPart:
    return {"label": label, "reason": reason, "count": count, "fen": fen}


def of_start(flow: Flow, lines: Figure, policies: int, indicators: int) -> Iterator[HistoryEntry]:
    parts = [_part("补贴政策", policies, None), _part("指标", indicators, lines.fen)]
    yield entry(FlowEvent.STARTED, flow.created_at, by=flow.started_by, count=lines.count, fen=lines.fen, parts=parts)
    if flow.started_at is not None:
        yield entry(FlowEvent.TAKEN, flow.started_at)


def of_rounds(rounds: Sequence[FlowRound], orders: Mapping[str, EntryOrder]) -> Iterator[HistoryEntry]:
    for number, each in enumerate(rounds, 1):
        open_round = each["stage"] not in (DatasetStage.REVIEWED, DatasetStage.REFUSED)
        yield entry(
            FlowEvent.ROUND,
            each["committed_at"] or each["created_at"],
            each["mode_label"],
            mark="now" if open_round else "bad" if each["stage"] is DatasetStage.REFUSED else "done",
            until=each["reviewed_at"],
            number=number,
            count=each["record_count"],
            fen=each["total_fen"],
            parts=[_part(one["label"], one["count"], one["fen"], one["reason"]) for one in each["results"]],
            order=orders.get(each["order_no"] or ""),
        )


def orders_told(rows: Sequence[OrderRow], opened: Open) -> dict[str, EntryOrder]:
    return {row.order_no: _order(row, opened) for row in rows}


def _order(row: OrderRow, opened: Open) -> EntryOrder:
    kind, state = OrderKind(row.kind), OrderState(row.state)
    return {
        "order_no": row.order_no,
        "kind": kind,
        "kind_label": kind.label,
        "state": state,
        "state_label": state.label,
        "entered_by": row.entered_by,
        "entered_at": row.entered_at,
        "reason": opened(row.reason_sealed),
        "confirmed_by": row.confirmed_by,
        "confirmed_at": row.confirmed_at,
        "remark": opened(row.remark_sealed),
        "outcome": row.outcome,
    }


def of_orders(
    rows: Sequence[OrderRow], orders: Mapping[str, EntryOrder], rounds: Sequence[FlowRound]
) -> Iterator[HistoryEntry]:
    """Those that no round carries: it tells of its own."""
    sent = {each["order_no"] for each in rounds}
    for row in (row for row in rows if row.order_no not in sent):
        yield entry(
            FlowEvent.ORDER,
            row.entered_at,
            OrderKind(row.kind).label,
            mark=_MARKS.get(OrderState(row.state), "now"),
            until=row.finished_at or row.confirmed_at,
            by=row.entered_by,
            count=row.line_count,
            fen=row.total_fen,
            order=orders[row.order_no],
        )


def of_summary(row: SummaryRow, opened: Open) -> Iterator[HistoryEntry]:
    figures = row.figures or {}
    count, fen = figures.get("application_count"), figures.get("total_fen")
    if row.reviewed_at is not None:
        refused = row.review == "refused"
        event = FlowEvent.SUMMARY_REFUSED if refused else FlowEvent.SUMMARY_PASSED
        said, mark = opened(row.opinion_sealed), _bad(refused)
        yield entry(
            event, row.reviewed_at, mark=mark, by=row.reviewed_by, number=row.number, count=count, fen=fen, said=said
        )
    if row.submitted_at is not None:
        yield entry(FlowEvent.SUMMARY_SUBMITTED, row.submitted_at, by=row.submitted_by, number=row.number)
    if row.platform_reviewed_at is not None:
        rejected = row.platform_review == "rejected"
        event = FlowEvent.PLATFORM_REJECTED if rejected else FlowEvent.PLATFORM_APPROVED
        said = opened(row.platform_opinion_sealed)
        yield entry(event, row.platform_reviewed_at, mark=_bad(rejected), number=row.number, said=said)
    if row.confirmed_at is not None:
        yield entry(FlowEvent.CONFIRMED, row.confirmed_at, by=row.confirmed_by, number=row.number, count=count, fen=fen)


def _bad(bad: bool) -> Mark:
    return "bad" if bad else "done"


def of_decided_objections(rows: Sequence[ObjectionRow], opened: Open) -> Iterator[HistoryEntry]:
    for row in rows:
        upheld = row.state == ObjectionState.UPHELD
        yield entry(
            FlowEvent.OBJECTION_UPHELD if upheld else FlowEvent.OBJECTION_DISMISSED,
            row.decided_at,
            mark=_bad(upheld),
            by=row.decided_by,
            count=1,
            fen=row.amount_fen,
            said=opened(row.opinion_sealed),
        )


def of_payments(rows: Sequence[PaidRow]) -> Iterator[HistoryEntry]:
    for row in rows:
        yield entry(
            FlowEvent.AFTER_END if row.after_end else FlowEvent.PAYMENTS,
            row.since,
            until=row.until if row.until > row.since else None,
            count=row.paid + row.failed,
            fen=row.paid_fen + row.failed_fen,
            parts=[
                *([_part(PaymentState.PAID.label, row.paid, row.paid_fen)] if row.paid else []),
                *([_part(PaymentState.FAILED.label, row.failed, row.failed_fen)] if row.failed else []),
            ],
        )


def of_claims(rows: Sequence[ClaimRow]) -> Iterator[HistoryEntry]:
    for row in rows:
        parts = [_part(called(CONTRADICTIONS, row.kind), row.claims, None)]
        yield entry(FlowEvent.CONTRADICTED, row.since, mark=_bad(row.decided_at is None), parts=parts)
        if row.decided_at is not None:
            parts = [_part(called(TAKEN, row.taken or ""), row.claims, None)]
            yield entry(FlowEvent.DECIDED, row.decided_at, by=row.decided_by, parts=parts)


def of_trail(rows: Sequence[TrailRow]) -> Iterator[HistoryEntry]:
    for row in rows:
        event = _TRAIL[row.act]
        by = None if row.actor == "system" else row.actor
        yield entry(event, row.at, by=by, count=row.line_count, fen=row.total_fen)


def of_end(flow: Flow) -> Iterator[HistoryEntry]:
    if flow.ended_at is None or flow.outcome is None:
        return
    ours = (flow.end_figures or {}).get("ours", {})
    parts = [
        _part(state.label, ours[f"{state.value}_count"], ours.get(f"{state.value}_fen"))
        for state in (PaymentState.PAID, PaymentState.FAILED)
        if ours.get(f"{state.value}_count")
    ]
    bad = flow.balanced is False or flow.outcome is not FlowOutcome.DISBURSED
    yield entry(FlowEvent.ENDED, flow.ended_at, flow.outcome.label, mark=_bad(bad), parts=parts)

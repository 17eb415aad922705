"""Carrying out an operator's confirmed order on a flow: a round, a withdrawal, a cancellation (S1 2.7)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.tries import for_each, with_retries
from models.contracts import DatasetRef, NextOrder, Subject
from models.store.database import Database
from models.store.events.contradictions import Claim, keep_claim
from models.store.flows.rounds import current_round, open_new_round
from models.store.flows.rows import flow_by_number, lock_flow_of_run
from models.store.flows.withdrawals import withdraw_flow_lines
from models.store.locking import lock_indicators
from models.store.orders.apply_corrections import (
    BY_APPLICATION,
    CORRECTED,
    CorrectedLine,
    apply_corrections,
    fields_of,
    queries_of,
)
from models.store.pre_flight.kept import keep_foreseen
from models.store.register.account_locks import account_locked_sql
from models.store.register.lock_rules import LockedAct, why_locked
from models.store.sql import execute, fetch
from models.store.texts import open_text
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.flows import Flow, Order
from models.wire.answers import PAGE_LIMIT
from models.wire.requests import AccountQueries, Cancellation, Withdrawal
from models.wire.words import DatasetKind, ProblemCode
from models.words.errors import ADVICE
from models.words.refusals import Refusal
from models.words.stages import OrderKind, OrderState

ACCOUNT_FAULT = "新账号未通过银行验证，请核对开户行、账号和户名后重新更正"
OVERTAKEN_FAULT = "复核之后此人的账号已经变更，本次更正不再适用；请核对后重新录入"
# An operator's correction never overwrites what the person changed meanwhile.
OVERTAKEN_LINES = """
UPDATE order_line o SET fault_code = 'ACCOUNT_CHANGED', done = FALSE,
  fault = CASE WHEN {locked} THEN :locked ELSE :fault END FROM flow_line l
WHERE o.order_id = :order AND l.id = o.flow_line_id AND o.correction_sealed IS NOT NULL AND ({locked} OR EXISTS (
  SELECT 1 FROM register_account r JOIN register_change h ON h.register_account_id = r.id
  WHERE r.county_code = l.county_code AND r.person_index = l.person_index AND h.at > :since))
"""
Each = TypeVar("Each")


class _Line(NamedTuple):
    """A line that an order withdraws."""

    id: int
    application_no: str
    amount_fen: int


class FiguresDiffer(Exception):
    """The platform's figures aren't those of the instruction."""


class OrderActivities:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform

    @activity.defn
    async def open_round(self, subject: Subject) -> DatasetRef | None:
        """Fix the lines that go out by themselves (申请提交); with a round on its way nothing happens."""
        async with self._database.transaction() as session:
            flow = await lock_flow_of_run(session, subject.number)
            if await current_round(session, flow) is not None:
                return None
            dataset = await open_new_round(session, self._vault, flow, None)
            if dataset is not None:
                kind = DatasetKind.APPLICATION_SUBMISSION
                await keep_foreseen(session, flow.county_code, dataset.dataset_id, kind)
            return dataset

    @activity.defn
    async def open_ordered_round(self, subject: Subject, next_order: NextOrder) -> DatasetRef | None:
        """Fix the lines of an order's round; corrections are applied after the bank has seen new accounts."""
        order = await self._order(next_order)
        if order.state is not OrderState.CONFIRMED:
            return None
        if order.kind is OrderKind.MODIFIED:
            try:
                await self._verify_new_accounts(subject, order)
            except PlatformRefusal as refusal:
                await self._failed(order, refusal)
                return None
        async with self._database.transaction() as session:
            flow = await lock_flow_of_run(session, subject.number)
            if await current_round(session, flow) is not None:
                return None
            if order.kind is OrderKind.MODIFIED:
                await lock_indicators(session, flow)
                await self._correct(session, flow, order)
            dataset = await open_new_round(session, self._vault, flow, order)
            if dataset is None:
                await _finish(
                    session,
                    self._vault,
                    order,
                    OrderState.FAILED,
                    Refusal.NO_LINE_LEFT,
                    "所列申请已不符合本次提交的条件",
                )
        return dataset

    @activity.defn
    async def withdraw_lines(self, subject: Subject, next_order: NextOrder) -> None:
        """Take an order's lines out of the flow, first at the platform, page by page under the order's keys."""
        order = await self._order(next_order)
        if order.state is not OrderState.CONFIRMED:
            return
        async with self._database.reading() as session:
            flow = await flow_by_number(session, subject.number)
            sent = await _lines(session, order, "l.sent")
        try:
            await for_each(_numbered(sent), partial(self._withdraw_page, flow, order))
        except PlatformRefusal as refusal:
            await self._failed(order, refusal)
            return
        except FiguresDiffer:
            await self._differs(flow, order)
            return
        async with self._database.transaction() as session:
            await lock_indicators(session, await lock_flow_of_run(session, subject.number))
            await _withdrawn(session, order, [row.id for row in await _lines(session, order, "NOT l.sent")])
            await _finish(session, self._vault, order, OrderState.DONE, None, "已撤回")

    @activity.defn
    async def cancel_flow(self, subject: Subject, next_order: NextOrder | None) -> None:
        """Ask the platform to end the flow unpaid; without an order it is a flow of which no line is left."""
        async with self._database.reading() as session:
            flow = await flow_by_number(session, subject.number)
        order = None if next_order is None else await self._order(next_order)
        reason = "流程中已无待发放的申请" if order is None else self._reason(order)
        key = f"{flow.flow_no}/cancel" if order is None else f"{order.order_no}/cancel"
        assert flow.platform_id is not None
        try:
            await self._platform.cancel_flow(flow.county_code, flow.platform_id, Cancellation(reason=reason), key=key)
        except PlatformRefusal as refusal:
            if refusal.code is not ProblemCode.FLOW_ENDED:
                if order is None:
                    raise
                await self._failed(order, refusal)
                return
            # It is over there already: its end is on the way, or is asked for.
        async with self._database.transaction() as session:
            await execute(
                session, "UPDATE flow SET stage = 'cancelling' WHERE id = :id AND stage <> 'ended'", id=flow.id
            )
            if order is not None:
                await _finish(session, self._vault, order, OrderState.DONE, None, "已通知平台撤销，等待平台结束流程")

    def _reason(self, order: Order) -> str:
        return open_text(self._vault, order.county_code, order.reason_sealed)

    async def _order(self, next_order: NextOrder) -> Order:
        async with self._database.reading() as session:
            return (await session.exec(select(Order).where(Order.order_no == next_order.order_no))).one()

    async def _withdraw_page(self, flow: Flow, order: Order, numbered: tuple[int, Sequence[_Line]]) -> None:
        """All or none per page; the answer's figures are held against what was asked."""
        page, lines = numbered
        assert flow.platform_id is not None
        request = Withdrawal(application_nos=tuple(line.application_no for line in lines), reason=self._reason(order))
        key = f"{order.order_no}/withdraw/{page}"
        withdraw = partial(self._platform.withdraw_lines, flow.county_code, flow.platform_id, request, key=key)
        answer = await with_retries(withdraw)
        total = sum(line.amount_fen for line in lines)
        if (answer.withdrawn_count, answer.withdrawn_fen) != (len(lines), total):
            raise FiguresDiffer(key)
        async with self._database.transaction() as session:
            await lock_indicators(session, await lock_flow_of_run(session, flow.flow_no))
            await _withdrawn(session, order, [line.id for line in lines])

    async def _differs(self, flow: Flow, order: Order) -> None:
        """What the platform says it withdrew isn't what was asked: nothing is freed here until a person has looked."""
        claim = Claim(
            county_code=flow.county_code,
            number=flow.flow_no,
            kind="withdrawal_figures",
            line_key=order.order_no,
            applied={"line_count": order.line_count, "total_fen": order.total_fen},
            claimed={"order_no": order.order_no},
            inbox_id=None,
        )
        async with self._database.transaction() as session:
            await keep_claim(session, self._vault, claim)
            outcome = "平台撤回的笔数或金额与指令不符，请与平台核对后再处理"
            await _finish(session, self._vault, order, OrderState.FAILED, Refusal.FIGURES_DIFFER, outcome)

    async def _failed(self, order: Order, refusal: PlatformRefusal) -> None:
        async with self._database.transaction() as session:
            await _finish(session, self._vault, order, OrderState.FAILED, refusal.code.value, ADVICE[refusal.code])

    async def _verify_new_accounts(self, subject: Subject, order: Order) -> None:
        """Ask the bank about every corrected account; a line whose account fails stays as it was, with why."""
        async with self._database.reading() as session:
            lines = await fetch(session, CorrectedLine, CORRECTED + BY_APPLICATION, order=order.id)
        wanted = [line for line in lines if {"account_no", "bank_code"} & fields_of(self._vault, line).keys()]
        await for_each(_numbered(wanted), partial(self._verify_page, subject.county_code, order))

    async def _verify_page(self, county: str, order: Order, numbered: tuple[int, Sequence[CorrectedLine]]) -> None:
        page, lines = numbered
        queries = AccountQueries(accounts=queries_of(self._vault, lines))
        key = f"{order.order_no}/verify/{page}"
        answer = await with_retries(partial(self._platform.verify_accounts, county, queries, key=key))
        bad = [line.application_no for line, v in zip(lines, answer.verdicts, strict=True) if not v.valid]
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE order_line SET fault_code = 'ACCOUNT_INVALID', fault = :fault, done = FALSE"
                " WHERE order_id = :order AND application_no = ANY(:bad)",
                fault=ACCOUNT_FAULT,
                order=order.id,
                bad=bad,
            )

    async def _correct(self, session: AsyncSession, flow: Flow, order: Order) -> None:
        await execute(
            session,
            OVERTAKEN_LINES.format(locked=account_locked_sql("l")),
            order=order.id,
            since=order.confirmed_at,
            locked=why_locked(LockedAct.CORRECTION),
            fault=OVERTAKEN_FAULT,
        )
        unhindered = f"{CORRECTED} AND o.fault_code IS NULL{BY_APPLICATION}"
        lines = await fetch(session, CorrectedLine, unhindered, order=order.id)
        await apply_corrections(session, self._vault, lines, order.entered_by)


def _numbered(lines: Sequence[Each]) -> list[tuple[int, Sequence[Each]]]:
    """Pages from 1, as their keys name them."""
    return [(start // PAGE_LIMIT + 1, lines[start : start + PAGE_LIMIT]) for start in range(0, len(lines), PAGE_LIMIT)]


async def _lines(session: AsyncSession, order: Order, condition: str) -> list[_Line]:
    """An order's lines in their fixed order, so that a repeated page holds the same lines."""
    return await fetch(
        session,
        _Line,
        "SELECT l.id, l.application_no, l.amount_fen FROM order_line o JOIN flow_line l ON l.id = o.flow_line_id"
        f" WHERE o.order_id = :order AND ({condition}) IS TRUE ORDER BY l.application_id",
        order=order.id,
    )


async def _withdrawn(session: AsyncSession, order: Order, line_ids: list[int]) -> None:
    """Lines leave the flow for good, their money is free, their applications are withdrawn with the order's reason."""
    await withdraw_flow_lines(session, line_ids, order.reason_sealed)
    await execute(
        session,
        "UPDATE order_line SET done = TRUE WHERE (order_id = :order) IS TRUE AND flow_line_id = ANY(:ids)",
        order=order.id,
        ids=line_ids,
    )


async def _finish(
    session: AsyncSession, vault: Vault, order: Order, state: OrderState, code: str | None, outcome: str
) -> None:
    detail = {"kind": order.kind.value, "state": state.value, "code": code, "outcome": outcome}
    act = by_system(order.county_code, "order_carried_out", order.order_no, detail)
    await record(session, vault, replace(act, line_count=order.line_count, total_fen=order.total_fen))
    await execute(
        session,
        "UPDATE operator_order o SET state = :state, outcome_code = :code, outcome = :outcome, finished_at = now(),"
        " done_count = d.count, done_fen = d.fen FROM (SELECT count(*) AS count, coalesce(sum(amount_fen), 0) AS fen"
        " FROM order_line WHERE order_id = :id AND done) AS d WHERE o.id = :id AND o.state = 'confirmed'",
        id=order.id,
        state=state.value,
        code=code,
        outcome=outcome,
    )

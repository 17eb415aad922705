"""The start of a flow in one transaction: its row, a copy of each application of the batch, the money reserved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.store.batches.held import held_at_start
from models.store.flows.figures import FlowFigures, flow_figures
from models.store.flows.needs import (
    Ground,
    Lack,
    Missing,
    StartRefused,
    StartRequest,
    short_of_money,
    survey,
    take_over_publicity,
)
from models.store.lock_order import Rank
from models.store.locking import fetch_locked, lock_county
from models.store.numbers import Series, take_one
from models.store.registered import Resealed, ToSeal, sealed_anew
from models.store.runs.runs import open_run
from models.store.sql import copy_rows, execute, fetch, scratch
from models.store.vault import Vault
from models.tables.base import now
from models.tables.batches import Batch
from models.tables.flows import Flow
from models.tables.policies import Indicator
from models.words.stages import BatchStage, FlowStage

__all__ = ["Lack", "Missing", "StartRefused", "StartRequest", "Started", "allocate", "enter_flow"]


@dataclass(frozen=True, slots=True)
class Started:
    flow: Flow
    figures: FlowFigures


@dataclass(frozen=True, slots=True)
class Placing:
    """The indicator of each line that found one, in the order of the lines, and the lines that found none."""

    placed: list[tuple[int, int]]
    unplaced: list[int]


@dataclass(frozen=True, slots=True)
class JudgedStart:
    """What a start would stand on and where its money would go; `fen_of` each line, by its id."""

    ground: Ground
    placing: Placing
    fen_of: Mapping[int, int]


def allocate(lines: Sequence[tuple[int, int]], left: Sequence[tuple[int, int]]) -> Placing:
    """Each line (id, fen) goes whole to the first indicator (id, fen left) with enough left."""
    remaining = [[indicator_id, fen] for indicator_id, fen in left]
    placing = Placing([], [])
    for line_id, fen in lines:
        for place in remaining:
            if place[1] >= fen:
                place[1] -= fen
                placing.placed.append((line_id, place[0]))
                break
        else:
            placing.unplaced.append(line_id)
    return placing


async def enter_flow(
    session: AsyncSession, vault: Vault, request: StartRequest, *, publicity_days: int, today: date
) -> Started:
    """Start a county's flow or raise StartRefused with everything that is missing, in words."""
    await lock_county(session, request.county_code)
    judged = await judge_start(session, request, publicity_days=publicity_days, today=today, deciding=True)
    ground = judged.ground
    if ground.missing:
        raise StartRefused(ground.missing)
    await take_over_publicity(session, ground)
    flow = await _add_flow(session, request, ground)
    await _add_lines(session, vault, flow, judged.placing)
    await _move_batch(session, ground)
    await open_run(session, _subject(flow), FlowStage.STARTING.value)
    assert flow.id is not None
    return Started(flow, await flow_figures(session, flow.id))


async def judge_start(
    session: AsyncSession, request: StartRequest, *, publicity_days: int, today: date, deciding: bool
) -> JudgedStart:
    """Whether a flow could start, its money included: one judgement for the start and for who asks beforehand.

    Raises StartRefused only where there is no such batch. `deciding`: see `survey`.
    """
    ground = await survey(session, request, publicity_days, today, deciding=deciding)
    lines = await _lines_of(session, ground.batch, deciding=deciding)
    return JudgedStart(ground, _place(ground, lines), dict(lines))


class _Line(NamedTuple):
    id: int
    amount_fen: int


async def _lines_of(session: AsyncSession, batch: Batch, *, deciding: bool) -> list[_Line]:
    which = "SELECT id, amount_fen FROM application WHERE batch_id = :batch AND stage = 'in_batch' ORDER BY id"
    if deciding:
        return await fetch_locked(session, Rank.APPLICATION, _Line, which, batch=batch.id)
    return await fetch(session, _Line, which, batch=batch.id)


def _place(ground: Ground, lines: Sequence[_Line]) -> Placing:
    left = [(_id(each), each.total_fen - each.reserved_fen - each.paid_fen) for each in ground.indicators]
    placing = allocate(lines, left)
    if placing.unplaced:
        amounts = dict(lines)
        unplaced_fen = sum(amounts[line_id] for line_id in placing.unplaced)
        short = short_of_money(sum(amounts.values()), sum(fen for _, fen in left), unplaced_fen, len(placing.unplaced))
        ground.missing.append(short)
    return placing


def _id(indicator: Indicator) -> int:
    assert indicator.id is not None
    return indicator.id


async def _add_flow(session: AsyncSession, request: StartRequest, ground: Ground) -> Flow:
    batch = ground.batch
    assert batch.id is not None
    flow = Flow(
        flow_no=await take_one(session, Series.FLOW, request.county_code, batch.fund_year),
        county_code=request.county_code,
        fund_year=batch.fund_year,
        batch_id=batch.id,
        batch_no=batch.batch_no,
        policy_unit_code=ground.policy_unit_code,
        started_by=request.started_by,
    )
    session.add(flow)
    await session.flush()
    policies = [(flow.id, each.id, each.policy_unit_code) for each in ground.policies]
    await copy_rows(session, "flow_policy", ["flow_id", "policy_id", "policy_unit_code"], policies)
    places = [(flow.id, place, each.id) for place, each in enumerate(ground.indicators, 1)]
    await copy_rows(session, "flow_indicator", ["flow_id", "position", "indicator_id"], places)
    return flow


COPIED = (
    "application_no, county_code, applicant_kind, name_sealed, name_index, id_number_sealed, person_index,"
    " phone_sealed, town_code, village_code, group_name, household_registration, family_size, item_code, amount_fen,"
    " verification"
)
# It reserves the money: the trigger `flow_line_insert` adds the lines to their indicators, locked since `survey`, and a
# CHECK of theirs ends the start if one would fall below nothing.
# The platform counts accepted submissions, those of a cancelled flow too. They are counted once for the whole batch:
# line by line, on tables without statistics, every line would walk through the rounds of all counties. A line without
# an earlier one keeps its row, so that the planner knows how many there are.
_LINES = f"""
WITH earlier AS MATERIALIZED (
  SELECT p.application_id, count(DISTINCT s.flow_id) AS accepted FROM placed p
  LEFT JOIN dataset_line d ON d.application_id = p.application_id AND d.outcome = 'accepted'
  LEFT JOIN dataset s ON s.id = d.dataset_id GROUP BY p.application_id)
INSERT INTO flow_line (
  flow_id, application_id, indicator_id, attempt, repays_flow_id, bank_code, account_sealed, account_index,
  state, sent, money, payment_sequence, updated_at, {COPIED}
)
SELECT :flow, a.id, p.indicator_id, greatest(w.accepted, a.payments) + 1, CASE WHEN a.payments > 0 THEN (
         SELECT max(e.flow_id) FROM flow_line e WHERE e.application_id = a.id AND e.payment = 'failed') END,
       coalesce(r.bank_code, a.bank_code), coalesce(r.account_sealed, a.account_sealed),
       coalesce(r.account_index, a.account_index),
       CASE WHEN {held_at_start("a")} THEN 'held' ELSE 'unsent' END,
       false, 'reserved', 0, now(), {", ".join(f"a.{name.strip()}" for name in COPIED.split(","))}
FROM placed p JOIN application a ON a.id = p.application_id JOIN earlier w ON w.application_id = a.id
LEFT JOIN registered r ON r.application_id = a.id
ORDER BY a.id
"""


async def _add_lines(session: AsyncSession, vault: Vault, flow: Flow, placing: Placing) -> None:
    await scratch(session, "placed", {"application_id": "bigint", "indicator_id": "bigint"}, placing.placed)
    columns = {"application_id": "bigint", "bank_code": "text", "account_sealed": "text", "account_index": "text"}
    await scratch(session, "registered", columns, await _registered(session, vault))
    await execute(session, _LINES, flow=flow.id)


async def _registered(session: AsyncSession, vault: Vault) -> list[Resealed]:
    """Accounts that the register knows otherwise than the application, sealed anew to the application."""
    rows = await fetch(
        session,
        ToSeal,
        "SELECT a.id, a.application_no, r.county_code || '/' || r.person_index AS place, r.bank_code, r.account_sealed,"
        " r.account_index FROM placed p JOIN application a ON a.id = p.application_id "
        "JOIN register_account r ON r.county_code = a.county_code AND r.person_index = a.person_index "
        "WHERE r.account_sealed IS NOT NULL AND r.bank_code IS NOT NULL "
        "AND (r.account_index, r.bank_code) IS DISTINCT FROM (a.account_index, a.bank_code)",
    )
    return await sealed_anew(vault, rows)


async def _move_batch(session: AsyncSession, ground: Ground) -> None:
    await execute(
        session,
        "UPDATE application a SET stage = 'in_flow', version = a.version + 1, updated_at = now() "
        "FROM placed p WHERE p.application_id = a.id",
    )
    ground.batch.stage, ground.batch.updated_at = BatchStage.IN_FLOW, now()
    await session.flush()


def _subject(flow: Flow) -> Subject:
    return Subject(
        kind=RunKind.SUBSIDY_FLOW,
        number=flow.flow_no,
        county_code=flow.county_code,
        fund_year=flow.fund_year,
        batch_no=flow.batch_no,
    )

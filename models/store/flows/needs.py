"""What a county still lacks before a flow can start, all of it at once and in words (S1 2.7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.money import told_yuan
from models.store.lock_order import Rank
from models.store.locking import lock_batch, lock_rows
from models.store.sql import execute, fetch, fetch_int, fetch_one
from models.tables.batches import Batch
from models.tables.flows import Flow
from models.tables.policies import Indicator, Policy
from models.words.stages import BatchStage, FlowStage, ReviewStage


class Lack(StrEnum):
    FLOW_OPEN = "FLOW_OPEN"
    BATCH_UNKNOWN = "BATCH_UNKNOWN"
    BATCH_NOT_VERIFIED = "BATCH_NOT_VERIFIED"
    BATCH_EMPTY = "BATCH_EMPTY"
    PUBLICITY_MISSING = "PUBLICITY_MISSING"
    PUBLICITY_TOO_SHORT = "PUBLICITY_TOO_SHORT"
    POLICY_UNKNOWN = "POLICY_UNKNOWN"
    POLICY_NOT_APPROVED = "POLICY_NOT_APPROVED"
    POLICY_OTHER_YEAR = "POLICY_OTHER_YEAR"
    POLICY_UNITS_DIFFER = "POLICY_UNITS_DIFFER"
    ITEMS_NOT_COVERED = "ITEMS_NOT_COVERED"
    INDICATOR_UNKNOWN = "INDICATOR_UNKNOWN"
    INDICATOR_NOT_APPROVED = "INDICATOR_NOT_APPROVED"
    INDICATOR_OTHER_YEAR = "INDICATOR_OTHER_YEAR"
    MONEY_SHORT = "MONEY_SHORT"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that stands in the way, and what to do about it; `field` is the part of the request it is about."""

    code: Lack
    message: str
    field: str = "batch_no"


class _Counts(NamedTuple):
    lines: int
    repayments: int


class _Uncovered(NamedTuple):
    code: str
    name: str
    lines: int


class StartRefused(Exception):
    """A flow that can't start yet, with everything that is missing."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        self.missing = tuple(missing)
        super().__init__(", ".join(each.code for each in self.missing))


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What an operator names for a start; indicators in the order in which they are drawn on."""

    county_code: str
    batch_no: str
    policy_nos: Sequence[str]
    indicator_nos: Sequence[str]
    started_by: str


@dataclass(slots=True)
class Ground:
    """The rows that a flow would stand on, and what they lack; `publicity_of` is the batch whose publicity it takes."""

    batch: Batch
    policy_unit_code: str = ""
    publicity_of: Batch | None = None
    policies: list[Policy] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    repayments_only: bool = False
    missing: list[Missing] = field(default_factory=list)

    def lacks(self, code: Lack, message: str, field: str = "batch_no") -> None:
        self.missing.append(Missing(code, message, field))


async def survey(
    session: AsyncSession, request: StartRequest, publicity_days: int, today: date, *, deciding: bool
) -> Ground:
    """Look at everything but the money; raises only where there is no batch.

    `deciding`: a start follows, batch and indicators are locked until then.
    """
    open_flow = await _open_flow(session, request.county_code)
    which = (Batch.batch_no == request.batch_no, Batch.county_code == request.county_code)
    if deciding:
        batch = await lock_batch(session, *which)
    else:
        batch = (await session.exec(select(Batch).where(*which))).first()
    if batch is None:
        unknown = Missing(Lack.BATCH_UNKNOWN, f"没有批次 {request.batch_no}，请核对批次号")
        raise StartRefused([unknown, *open_flow])
    ground = Ground(batch, missing=open_flow)
    await _look_at_lines(session, ground)
    await _look_at_publicity(session, ground, publicity_days, today)
    await _look_at_policies(session, ground, request)
    await _look_at_indicators(session, ground, request, deciding=deciding)
    return ground


async def _open_flow(session: AsyncSession, county_code: str) -> list[Missing]:
    statement = select(Flow).where(Flow.county_code == county_code, Flow.stage != FlowStage.ENDED)
    flow = (await session.exec(statement)).first()
    if flow is None:
        return []
    words = f"本县流程 {flow.flow_no}（批次 {flow.batch_no}，{flow.stage.label}）尚未结束，同一区县一次只能有一个流程，"
    return [Missing(Lack.FLOW_OPEN, words + "请等它结束后再启动")]


async def _look_at_lines(session: AsyncSession, ground: Ground) -> None:
    batch = ground.batch
    if batch.stage is not BatchStage.VERIFIED:
        advice = "请先提交大数据校验并等待结果" if batch.stage is BatchStage.OPEN else "只有已校验的批次才能启动流程"
        ground.lacks(Lack.BATCH_NOT_VERIFIED, f"批次 {batch.batch_no} {batch.stage.label}，{advice}")
    counts = await fetch_one(
        session,
        _Counts,
        "SELECT count(*) AS lines, count(*) FILTER (WHERE payments > 0) AS repayments FROM application "
        "WHERE batch_id = :batch AND stage = 'in_batch'",
        batch=batch.id,
    )
    assert counts is not None
    ground.repayments_only = 0 < counts.lines == counts.repayments
    if not counts.lines:
        # once it is verified nothing joins it any more
        joins = batch.stage is BatchStage.OPEN
        advice = "请先把待结算的申请加入批次" if joins else "申请已全部退回或撤回，请另建批次"
        ground.lacks(Lack.BATCH_EMPTY, f"批次 {batch.batch_no} 中没有可以发放的申请，{advice}")


async def _look_at_publicity(session: AsyncSession, ground: Ground, days: int, today: date) -> None:
    """Repayments keep the publicity that they had when they were first paid."""
    batch = ground.batch
    images = await fetch_int(session, "SELECT count(*) FROM batch_image WHERE batch_id = :batch", batch=ground.batch.id)
    unset = batch.publicity_start is None or not batch.publicity_address or not images
    if unset and ground.repayments_only:
        ground.publicity_of = await _earlier_publicity(session, batch)
    if ground.publicity_of is not None:
        return
    if unset:
        gaps = {"公示开始日期": batch.publicity_start, "公示地址": batch.publicity_address, "公示信息图片": images}
        named = "、".join(name for name, value in gaps.items() if not value)
        ground.lacks(Lack.PUBLICITY_MISSING, f"批次 {batch.batch_no} 缺少{named}，请在补贴公示信息设置中补齐")
        return
    assert batch.publicity_start is not None
    until = batch.publicity_start + timedelta(days=days)
    if until > today and not ground.repayments_only:
        words = f"公示自 {batch.publicity_start} 开始，须满 {days} 天，最早可在 {until} 启动流程"
        ground.lacks(Lack.PUBLICITY_TOO_SHORT, words)


async def _earlier_publicity(session: AsyncSession, batch: Batch) -> Batch | None:
    """The publicised batch in which a batch of repayments last failed."""
    earlier = await fetch_int(
        session,
        "SELECT f.batch_id FROM application a JOIN flow_line l ON l.application_id = a.id AND l.payment = 'failed' "
        "JOIN flow f ON f.id = l.flow_id WHERE a.batch_id = :batch AND a.stage = 'in_batch' ORDER BY f.id DESC LIMIT 1",
        batch=batch.id,
    )
    before = await session.get(Batch, earlier)
    return before if before is not None and before.publicity_start is not None else None


async def take_over_publicity(session: AsyncSession, ground: Ground) -> None:
    """Give a batch of repayments the publicity that `survey` has found for it."""
    before, batch = ground.publicity_of, ground.batch
    if before is None:
        return
    batch.publicity_start, batch.publicity_address = before.publicity_start, before.publicity_address
    batch.publicity_by = before.publicity_by
    await session.flush()
    await execute(
        session,
        "INSERT INTO batch_image (batch_id, file_id, position) SELECT :batch, file_id, position FROM batch_image"
        " WHERE batch_id = :earlier ON CONFLICT (batch_id, file_id) DO UPDATE SET position = excluded.position",
        batch=batch.id,
        earlier=before.id,
    )


async def _look_at_policies(session: AsyncSession, ground: Ground, request: StartRequest) -> None:
    statement = select(Policy).where(
        Policy.county_code == request.county_code, col(Policy.policy_no).in_(request.policy_nos)
    )
    found = {policy.policy_no: policy for policy in await session.exec(statement)}
    for number in dict.fromkeys(request.policy_nos):
        policy = found.get(number)
        if policy is None:
            ground.lacks(Lack.POLICY_UNKNOWN, f"没有补贴政策 {number}，请核对编号", "policy_nos")
        elif policy.fund_year != ground.batch.fund_year:
            words = (
                f"政策 {number} 属 {policy.fund_year} 年度，批次属 {ground.batch.fund_year} 年度，请选用同年度的政策"
            )
            ground.lacks(Lack.POLICY_OTHER_YEAR, words, "policy_nos")
        elif policy.stage is not ReviewStage.APPROVED:
            words = f"政策 {number} {policy.stage.label}，请选用审核通过的政策"
            ground.lacks(Lack.POLICY_NOT_APPROVED, words, "policy_nos")
        else:
            ground.policies.append(policy)
    _look_at_units(ground)
    await _look_at_items(session, ground)


def _look_at_units(ground: Ground) -> None:
    """The platform is told one unit: that of the policies, whichever the county has chosen since."""
    names, units = dict[str, str](), dict[str, list[str]]()
    for policy in ground.policies:
        # the code is the unit; the platform may have called it otherwise in between
        names[policy.policy_unit_code] = policy.policy_unit_name
        units.setdefault(policy.policy_unit_code, []).append(policy.policy_no)
    if len(units) > 1:
        named = "；".join(f"{names[code]}（{code}）：{'、'.join(numbers)}" for code, numbers in units.items())
        words = f"所选政策不属于同一政策单位：{named}。一个补贴流程只能用同一政策单位的政策，请改选"
        ground.lacks(Lack.POLICY_UNITS_DIFFER, words, "policy_nos")
    for code in units:
        ground.policy_unit_code = code


async def _look_at_items(session: AsyncSession, ground: Ground) -> None:
    """A line whose item no policy of the flow covers would come back as ineligible."""
    rows = await fetch(
        session,
        _Uncovered,
        "SELECT a.item_code AS code, coalesce(min(item ->> 'name'), a.item_code) AS name, count(DISTINCT a.id) AS lines"
        " FROM application a "
        "LEFT JOIN catalog_list c ON c.county_code = a.county_code AND c.kind = 'subsidy-items' "
        " AND c.fund_year IN (0, a.fund_year) "
        "LEFT JOIN LATERAL jsonb_array_elements(c.items) AS item ON item ->> 'code' = a.item_code "
        "WHERE a.batch_id = :batch AND a.stage = 'in_batch' AND a.item_code <> ALL(CAST(:covered AS text[])) "
        "GROUP BY 1 ORDER BY 1",
        batch=ground.batch.id,
        covered=sorted({code for policy in ground.policies for code in policy.item_codes}),
    )
    if rows:
        named = "、".join(f"{name}（{code}，{lines} 笔）" for code, name, lines in rows)
        words = f"所选政策没有覆盖这些补贴项目：{named}，请加选覆盖它们的已通过政策"
        ground.lacks(Lack.ITEMS_NOT_COVERED, words, "policy_nos")


async def _look_at_indicators(session: AsyncSession, ground: Ground, request: StartRequest, *, deciding: bool) -> None:
    statement = (
        select(Indicator)
        .where(Indicator.county_code == request.county_code, col(Indicator.indicator_no).in_(request.indicator_nos))
        .order_by(col(Indicator.id))
    )
    rows = await lock_rows(session, Rank.INDICATOR, statement) if deciding else (await session.exec(statement)).all()
    found = {indicator.indicator_no: indicator for indicator in rows}
    for number in dict.fromkeys(request.indicator_nos):
        indicator = found.get(number)
        if indicator is None:
            ground.lacks(Lack.INDICATOR_UNKNOWN, f"没有指标 {number}，请核对编号", "indicator_nos")
        elif indicator.fund_year != ground.batch.fund_year:
            year = ground.batch.fund_year
            words = f"指标 {number} 属 {indicator.fund_year} 年度，批次属 {year} 年度，请选用同年度的指标"
            ground.lacks(Lack.INDICATOR_OTHER_YEAR, words, "indicator_nos")
        elif indicator.stage is not ReviewStage.APPROVED:
            words = f"指标 {number} {indicator.stage.label}，请选用审核通过的指标"
            ground.lacks(Lack.INDICATOR_NOT_APPROVED, words, "indicator_nos")
        else:
            ground.indicators.append(indicator)


def short_of_money(wanted_fen: int, left_fen: int, unplaced_fen: int, unplaced_count: int) -> Missing:
    """Names what is missing; a sum that would fit may still not fit line by line, since a line is never split."""
    have = f"本批次共 {told_yuan(wanted_fen)} 元，所选指标剩余 {told_yuan(left_fen)} 元"
    if wanted_fen > left_fen:
        need = f"，还差 {told_yuan(wanted_fen - left_fen)} 元"
    else:
        need = f"，但有 {unplaced_count} 笔共 {told_yuan(unplaced_fen)} 元在任何一个指标上都放不下（一笔不能拆分）"
    return Missing(Lack.MONEY_SHORT, f"{have}{need}，请加选指标或减少批次中的申请", "indicator_nos")

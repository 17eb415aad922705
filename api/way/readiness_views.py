"""How readiness is shown: a check each for county, lines, publicity, policies and money, with what each stands on."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.names import Names, names_of
from models.store.flows.needs import Lack
from models.store.flows.start import JudgedStart
from models.store.sql import fetch
from models.tables.batches import Batch
from models.tables.policies import Indicator
from models.words.flow_words import StartCheck

_ABOUT: Mapping[Lack, StartCheck] = {
    Lack.FLOW_OPEN: StartCheck.COUNTY,
    Lack.BATCH_UNKNOWN: StartCheck.LINES,
    Lack.BATCH_NOT_VERIFIED: StartCheck.LINES,
    Lack.BATCH_EMPTY: StartCheck.LINES,
    Lack.PUBLICITY_MISSING: StartCheck.PUBLICITY,
    Lack.PUBLICITY_TOO_SHORT: StartCheck.PUBLICITY,
    Lack.POLICY_UNKNOWN: StartCheck.POLICIES,
    Lack.POLICY_NOT_APPROVED: StartCheck.POLICIES,
    Lack.POLICY_OTHER_YEAR: StartCheck.POLICIES,
    Lack.POLICY_UNITS_DIFFER: StartCheck.POLICIES,
    Lack.ITEMS_NOT_COVERED: StartCheck.POLICIES,
    Lack.INDICATOR_UNKNOWN: StartCheck.MONEY,
    Lack.INDICATOR_NOT_APPROVED: StartCheck.MONEY,
    Lack.INDICATOR_OTHER_YEAR: StartCheck.MONEY,
    Lack.MONEY_SHORT: StartCheck.MONEY,
}


class LackTold(TypedDict):
    code: Lack
    detail: Annotated[str, Field(description="缺什么、怎么办")]


class ReadyCheck(TypedDict):
    check: StartCheck
    label: str
    passed: Annotated[bool, Field(description="是否具备")]
    lacks: list[LackTold]


class ReadyPublicity(TypedDict):
    start_date: Annotated[date | None, Field(description="公示开始日期；补发沿用原批次的")]
    days: Annotated[int, Field(description="须公示满几天")]
    earliest: Annotated[date | None, Field(description="最早可以启动的日期")]


class ReadyItem(TypedDict):
    """批次中的一个补贴项目，和所选政策中覆盖它的。"""

    item_code: str
    item: Annotated[str, Field(description="补贴项目")]
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]
    policy_nos: Annotated[list[str], Field(description="覆盖它的政策；没有的为空")]


class ReadyIndicator(TypedDict):
    """按给出的先后，各指标要占用的：一笔不拆分，落在第一个放得下的指标上。"""

    indicator_no: str
    document_no: Annotated[str, Field(description="指标文号")]
    left_fen: Annotated[int, Field(description="现在剩余（分）")]
    takes_count: Annotated[int, Field(description="将占用的笔数")]
    takes_fen: Annotated[int, Field(description="将占用的金额（分）")]


class FlowReadiness(TypedDict):
    """能否启动：与启动时的判断相同。"""

    batch_no: str
    ready: bool
    count: Annotated[int, Field(description="要发放的笔数")]
    total_fen: Annotated[int, Field(description="要发放的金额（分）")]
    left_fen: Annotated[int, Field(description="所选指标共剩余（分）")]
    short_fen: Annotated[int, Field(description="所选指标共差多少（分）；够的为 0")]
    unplaced_count: Annotated[int, Field(description="在任何一个指标上都放不下的笔数")]
    unplaced_fen: Annotated[int, Field(description="在任何一个指标上都放不下的金额（分）")]
    checks: list[ReadyCheck]
    publicity: ReadyPublicity
    items: list[ReadyItem]
    indicators: list[ReadyIndicator]


async def readiness_of(session: AsyncSession, judged: JudgedStart, days: int) -> FlowReadiness:
    ground, fen_of = judged.ground, judged.fen_of
    total, left = sum(fen_of.values()), sum(_left(each) for each in ground.indicators)
    unplaced = judged.placing.unplaced
    return {
        "batch_no": ground.batch.batch_no,
        "ready": not ground.missing,
        "count": len(fen_of),
        "total_fen": total,
        "left_fen": left,
        "short_fen": max(0, total - left),
        "unplaced_count": len(unplaced),
        "unplaced_fen": sum(fen_of[line] for line in unplaced),
        "checks": _checks(judged),
        "publicity": _publicity(ground.publicity_of or ground.batch, days, again=ground.repayments_only),
        "items": await _items(session, await names_of(session, ground.batch.county_code), judged),
        "indicators": _indicators(judged),
    }


def _left(indicator: Indicator) -> int:
    return indicator.total_fen - indicator.reserved_fen - indicator.paid_fen


def _checks(judged: JudgedStart) -> list[ReadyCheck]:
    lacks: defaultdict[StartCheck, list[LackTold]] = defaultdict(list)
    for each in judged.ground.missing:
        lacks[_ABOUT[each.code]].append({"code": each.code, "detail": each.message})
    return [
        {"check": check, "label": check.label, "passed": not lacks[check], "lacks": lacks[check]}
        for check in StartCheck
    ]


def _publicity(batch: Batch, days: int, *, again: bool) -> ReadyPublicity:
    """Repayments had their publicity when they were first paid."""
    start = batch.publicity_start
    earliest = start + timedelta(days=days) if start is not None and not again else start
    return {"start_date": start, "days": days, "earliest": earliest}


class _Item(NamedTuple):
    code: str
    lines: int
    fen: int


async def _items(session: AsyncSession, names: Names, judged: JudgedStart) -> list[ReadyItem]:
    rows = await fetch(
        session,
        _Item,
        "SELECT item_code AS code, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM application"
        " WHERE batch_id = :batch AND stage = 'in_batch' GROUP BY 1 ORDER BY 1",
        batch=judged.ground.batch.id,
    )
    return [
        {
            "item_code": row.code,
            "item": names.item(row.code),
            "count": row.lines,
            "fen": row.fen,
            "policy_nos": [each.policy_no for each in judged.ground.policies if row.code in each.item_codes],
        }
        for row in rows
    ]


def _indicators(judged: JudgedStart) -> list[ReadyIndicator]:
    takes: defaultdict[int, list[int]] = defaultdict(list)
    for line, indicator in judged.placing.placed:
        takes[indicator].append(judged.fen_of[line])
    return [
        {
            "indicator_no": each.indicator_no,
            "document_no": each.document_no,
            "left_fen": _left(each),
            "takes_count": len(takes[each.id or 0]),
            "takes_fen": sum(takes[each.id or 0]),
        }
        for each in judged.ground.indicators
    ]

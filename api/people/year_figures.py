"""看板: a county's fund year in figures."""

from collections.abc import Callable, Sequence
from datetime import date
from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from typing_extensions import TypedDict

from api.counter.desk import COUNTY, Desk, for_roles
from api.counter.names import Names, names_of
from api.figures.figures import FigureShare
from api.server.answers import refusals
from models.store.to_dos.year import MoneySums, Part, median_days, money_sums, parts_of_year
from models.words.calendar import china_today
from models.words.card_stages import PartStage
from models.words.flow_words import FAILURES
from models.words.staff import Role
from models.words.stages import AccountStatus, ApplicationStage, PaymentState

router = APIRouter(tags=["看板"])
Words = Callable[[str], str]
Overseers = Annotated[Desk, Depends(for_roles(*COUNTY, Role.AUDITOR))]


class MoneyFigures(TypedDict):
    """审核通过的指标：总额 = 已支付 + 已占用 + 剩余。"""

    total_fen: Annotated[int, Field(description="总额（分）")]
    paid_fen: Annotated[int, Field(description="已支付（分）")]
    reserved_fen: Annotated[int, Field(description="已占用（分）")]
    left_fen: Annotated[int, Field(description="剩余（分）")]


class DayFigures(TypedDict):
    day: date
    count: Annotated[int, Field(description="发放成功的笔数")]
    fen: Annotated[int, Field(description="发放成功的金额（分）")]


class UnusableAccounts(TypedDict):
    bank_code: Annotated[str, Field(description="开户行代码；没有的为空")]
    bank: Annotated[str, Field(description="开户行")]
    invalid: Annotated[int, Field(description="无效的账号数")]
    cleared: Annotated[int, Field(description="已清空的账号数")]


class YearFigures(TypedDict):
    """金额各表按金额从多到少；没有金额的，其 fen 为 0。"""

    fund_year: int
    applications: Annotated[list[FigureShare], Field(description="申请，按状态")]
    money: MoneyFigures
    payments: Annotated[list[FigureShare], Field(description="受理的申请，按发放结果")]
    paid_by_town: Annotated[list[FigureShare], Field(description="发放成功，按乡镇")]
    paid_by_bank: Annotated[list[FigureShare], Field(description="发放成功，按开户行")]
    failed_by_reason: Annotated[list[FigureShare], Field(description="发放失败，按原因")]
    failed_by_bank: Annotated[list[FigureShare], Field(description="发放失败，按开户行")]
    paid_days: Annotated[list[DayFigures], Field(description="每天发放成功的")]
    card_changes: Annotated[list[FigureShare], Field(description="当年申请的账号变更，按状态")]
    card_change_median_days: Annotated[float | None, Field(description="账号变更从申请到办结的天数中位数")]
    unusable_accounts: Annotated[list[UnusableAccounts], Field(description="现在无效、已清空的一卡通账号，按开户行")]


@router.get("/figures", summary="看板", responses=refusals(LINES_MOVED=410))
async def show_figures(
    desk: Overseers,
    fund_year: Annotated[int | None, Query(ge=2000, le=2099, description="资金年度，不填为今年")] = None,
) -> YearFigures:
    """Count and sum only: nobody is named."""
    year = fund_year or china_today().year
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        parts = await parts_of_year(session, desk.county, year)
        sums = await money_sums(session, desk.county, year)
        median = await median_days(session, desk.county, year)

    def shares(name: str, words: Words) -> list[FigureShare]:
        return [_share(part, words) for part in parts.get(name, ())]

    return {
        "fund_year": year,
        "applications": shares("applications", lambda code: ApplicationStage(code).label),
        "money": _money(sums),
        "payments": shares("payments", lambda code: PaymentState(code).label),
        "paid_by_town": shares("paid_by_town", names.place),
        "paid_by_bank": shares("paid_by_bank", names.bank),
        "failed_by_reason": shares("failed_by_reason", lambda code: FAILURES.get(code, code)),
        "failed_by_bank": shares("failed_by_bank", names.bank),
        "paid_days": sorted(map(_day, parts.get("paid_days", ())), key=itemgetter("day")),
        "card_changes": shares("card_changes", lambda code: PartStage(code).label),
        "card_change_median_days": round(median, 1) if median is not None else None,
        "unusable_accounts": _unusable(parts.get("unusable_accounts", ()), names),
    }


def _share(part: Part, words: Words) -> FigureShare:
    return {"code": part.code, "label": words(part.code), "count": part.counted, "fen": part.fen}


def _day(part: Part) -> DayFigures:
    return {"day": date.fromisoformat(part.code), "count": part.counted, "fen": part.fen}


def _money(sums: MoneySums) -> MoneyFigures:
    return {
        "total_fen": sums.total_fen,
        "paid_fen": sums.paid_fen,
        "reserved_fen": sums.reserved_fen,
        "left_fen": sums.total_fen - sums.paid_fen - sums.reserved_fen,
    }


def _unusable(parts: Sequence[Part], names: Names) -> list[UnusableAccounts]:
    """By bank; `code` is the status and the bank."""
    found: dict[str, UnusableAccounts] = {}
    for part in parts:
        status, _, bank = part.code.partition("/")
        row = found.setdefault(
            bank, {"bank_code": bank, "bank": names.bank(bank) if bank else "", "invalid": 0, "cleared": 0}
        )
        if status == AccountStatus.INVALID:
            row["invalid"] += part.counted
        elif status == AccountStatus.CLEARED:
            row["cleared"] += part.counted
    return sorted(found.values(), key=lambda row: (-row["invalid"] - row["cleared"], row["bank_code"]))

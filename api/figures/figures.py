"""Count and sum of what a list's filter finds, by town, bank, item, state and reason: footers, tables, bars."""

from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.names import Names
from models.store.selection import Predicate
from models.store.sql import fetch

Word = Callable[[str], str | None]


class FigureShare(TypedDict):
    """一个乡镇、银行、项目、状态或原因的笔数和金额。"""

    code: str
    label: str
    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


class Total(TypedDict):
    """筛选结果的笔数和金额。"""

    count: Annotated[int, Field(description="笔数")]
    fen: Annotated[int, Field(description="金额（分）")]


class Figures(Total):
    """筛选结果的合计；各表按金额从多到少，没有原因的不在 reasons 中。"""

    towns: Annotated[list[FigureShare], Field(description="按乡镇")]
    banks: Annotated[list[FigureShare], Field(description="按开户行")]
    items: Annotated[list[FigureShare], Field(description="按补贴项目")]
    states: Annotated[list[FigureShare], Field(description="按状态")]
    reasons: Annotated[list[FigureShare], Field(description="按原因")]


class _Sum(NamedTuple):
    """`level` tells which of the five a row is about: one bit is set for each that it isn't about."""

    level: int
    code: str | None
    lines: int
    fen: int


class _Whole(NamedTuple):
    lines: int
    fen: int


_WHOLE = """
SELECT count(*) AS lines, coalesce(sum(amount_fen), 0)::bigint AS fen
FROM (SELECT a.amount_fen FROM {table} a{chosen}) AS x
"""
_LEVELS = {15: "towns", 23: "banks", 27: "items", 29: "states", 30: "reasons"}
_TOTAL = 31
_SUMS = """
SELECT grouping(town_code, bank_code, item_code, state, reason) AS level,
  coalesce(town_code, bank_code, item_code, state, reason) AS code, count(*) AS lines,
  coalesce(sum(amount_fen), 0)::bigint AS fen
FROM ({source}{chosen}) AS x
GROUP BY GROUPING SETS ((), (town_code), (bank_code), (item_code), (state), (reason)) ORDER BY 1, fen DESC, code
"""


async def total_of(session: AsyncSession, table: str, chosen: Predicate) -> Total:
    """What a list's foot shows: sums by town, bank, item, state and reason take several times as long."""
    (whole,) = await fetch(session, _Whole, _WHOLE.format(table=table, chosen=chosen.summed), **chosen.values)
    return {"count": whole.lines, "fen": whole.fen}


async def figures_of(
    session: AsyncSession, names: Names, source: str, chosen: Predicate, state: Word, reason: Word
) -> Figures:
    """One statement. `source` selects town_code, bank_code, item_code, state, reason and amount_fen over `a`.

    `state` and `reason` give the Chinese for a code; one without a word is shown as the code.
    """
    rows = await fetch(session, _Sum, _SUMS.format(source=source, chosen=chosen.summed), **chosen.values)
    places = {"towns": names.place, "banks": names.bank, "items": names.item}
    words: Mapping[str, Word] = {**places, "states": state, "reasons": reason}
    found: dict[str, list[FigureShare]] = {name: [] for name in words}
    total = next(row for row in rows if row.level == _TOTAL)
    for row in rows:
        if row.level != _TOTAL and row.code is not None:
            name = _LEVELS[row.level]
            label = words[name](row.code) or row.code
            found[name].append({"code": row.code, "label": label, "count": row.lines, "fen": row.fen})
    return {
        "count": total.lines,
        "fen": total.fen,
        "towns": found["towns"],
        "banks": found["banks"],
        "items": found["items"],
        "states": found["states"],
        "reasons": found["reasons"],
    }

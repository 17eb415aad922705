"""Lists for the notice board, masked, a village a sheet: of whom a batch is about, of whom a flow has paid."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Annotated, Protocol, TypeVar

from fastapi import Query, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.applications.person import id_number_of, name_of
from api.counter.desk import Desk
from api.counter.names import Names
from api.prints.printed import count_of, print_form, yuan_of
from api.server.problems import Problem, conflict
from models.prints.templates import Template
from models.prints.village_list import Column, Village, VillageList
from models.store.selection import Word
from models.store.sql import Value, fetch
from models.store.vault import Vault
from models.words.counties import county_name
from models.words.refusals import Refusal

# Two seconds and 320 MiB of the typesetter.
MOST_ROWS = 5_000
# A row: its village, its amount, its cells.
Line = tuple[str, int, list[str]]
# What every such list is narrowed by and ordered by, over `a`.
_BY_VILLAGE = """
  AND (CAST(:town AS text) IS NULL OR a.town_code = :town)
  AND (CAST(:village AS text) IS NULL OR a.village_code = :village)
ORDER BY a.town_code, a.village_code, a.group_name NULLS FIRST, a.id LIMIT :most OFFSET :skip
"""
_Row = TypeVar("_Row")


class PrintedPlace(BaseModel):
    """One town, one village of it, or all."""

    town_code: Word | None = None
    village_code: Word | None = None


OfPlace = Annotated[PrintedPlace, Query()]


class PersonRow(Protocol):
    """What of a row stands in every such list."""

    @property
    def application_no(self) -> str: ...
    @property
    def name_sealed(self) -> str: ...
    @property
    def id_number_sealed(self) -> str: ...
    @property
    def town_code(self) -> str: ...
    @property
    def village_code(self) -> str: ...
    @property
    def group_name(self) -> str | None: ...
    @property
    def item_code(self) -> str: ...
    @property
    def amount_fen(self) -> int: ...


async def rows_of_place(
    session: AsyncSession,
    shape: type[_Row],
    statement: str,
    place: PrintedPlace,
    *,
    most: int = MOST_ROWS + 1,
    skip: int = 0,
    **values: Value,
) -> list[_Row]:
    """`statement` ends in its own WHERE; a row more than one print takes, where there are too many."""
    narrowed = {"town": place.town_code, "village": place.village_code, "most": most, "skip": skip}
    return list(await fetch(session, shape, f"{statement}{_BY_VILLAGE}", **values, **narrowed))


def line_of(vault: Vault, names: Names, row: PersonRow, *between: str) -> Line:
    """Masked; `between` stands between the group and the item."""
    cells = [
        name_of(vault, row.application_no, row.name_sealed),
        id_number_of(vault, row.application_no, row.id_number_sealed),
        row.group_name or "",
        *between,
        names.item(row.item_code),
        yuan_of(row.amount_fen),
    ]
    return f"{names.place(row.town_code)}　{names.place(row.village_code)}", row.amount_fen, cells


async def lines_of(rows: Sequence[_Row], show: Callable[[_Row], Line]) -> list[Line]:
    """Thousands of sealed values are opened beside the loop."""
    return await asyncio.to_thread(lambda: [show(row) for row in rows])


def village_list(
    county: str, number: str, dated: int, title: str, facts: list[list[str]], columns: list[Column], notice: str
) -> VillageList:
    """Without villages yet; `dated` is the file's only time."""
    return {
        "draft": False,
        "dated": dated,
        "title": title,
        "county": county_name(county),
        "number": number,
        "facts": [["区县", county_name(county)], *facts],
        "columns": columns,
        "villages": [],
        "notice": notice,
        "check_code": "",
        "qr": "",
    }


async def print_villages(
    desk: Desk, form: VillageList, lines: Sequence[Line], title: str, place: PrintedPlace
) -> Response:
    whole: VillageList = {**form, "villages": villages_of(lines)}
    called = form["number"], place.town_code or "", place.village_code or ""
    return await print_form(desk, Template.VILLAGE_LIST, whole, title, *called)


def column(label: str, width: int = 0, *, right: bool = False) -> Column:
    """`width` in mm; 0 takes what is left."""
    return {"label": label, "width": width, "right": right}


def villages_of(lines: Sequence[Line]) -> list[Village]:
    """In the order of the lines; refused where there are none, or more than one print takes."""
    if not lines:
        raise conflict(Refusal.NOTHING_TO_PRINT, "没有可以打印的内容", "没有符合条件的申请，请核对所选的乡镇和村")
    if len(lines) > MOST_ROWS:
        detail = f"一次最多打印 {MOST_ROWS} 行，请选择乡镇或村分几次打印"
        raise Problem(422, Refusal.PRINT_TOO_LARGE, "要打印的行数太多", detail)
    return [_village(place, list(found)) for place, found in groupby(lines, key=lambda line: line[0])]


def _village(place: str, lines: Sequence[Line]) -> Village:
    return {
        "place": place,
        "rows": [[str(number), *cells] for number, (_, _, cells) in enumerate(lines, 1)],
        "count": count_of(len(lines)),
        "total": yuan_of(sum(fen for _, fen, _ in lines)),
    }

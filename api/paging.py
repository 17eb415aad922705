"""Keyset paging: `after` is the id of the last row seen, so a list that grows is never skipped or shown twice."""

from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Depends, Query
from sqlalchemy.orm import InstrumentedAttribute
from sqlmodel import col
from sqlmodel.sql.expression import SelectOfScalar

MAX_LIMIT = 500
MAX_EXPORT = 200_000
T = TypeVar("T")
FilterYear = Annotated[int | None, Query(ge=2000, le=2099, description="资金年度")]


class Format(StrEnum):
    JSON = "json"
    XLSX = "xlsx"


class Page:
    """What part of a list is asked for; an export is the whole filtered list."""

    def __init__(
        self,
        after: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="上一页的 next")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="每页条数")] = 100,
        format: Annotated[Format, Query(description="xlsx 导出全部筛选结果")] = Format.JSON,  # noqa: A002
    ) -> None:
        self.after = after
        self.limit = limit
        self.format = format

    @property
    def export(self) -> bool:
        return self.format is Format.XLSX

    @property
    def rows(self) -> int:
        """How many rows to read: one more than shown tells whether there is a next page."""
        return MAX_EXPORT + 1 if self.export else self.limit + 1

    def newest_first(self, statement: SelectOfScalar[T], key: object) -> SelectOfScalar[T]:
        column = _column(key)
        if self.after is not None:
            statement = statement.where(column < self.after)
        return statement.order_by(column.desc()).limit(self.rows)

    def oldest_first(self, statement: SelectOfScalar[T], key: object) -> SelectOfScalar[T]:
        column = _column(key)
        if self.after is not None:
            statement = statement.where(column > self.after)
        return statement.order_by(column.asc()).limit(self.rows)


def _column(key: object) -> InstrumentedAttribute[int]:
    column = col(key)
    assert isinstance(column, InstrumentedAttribute)
    return column


Pages = Annotated[Page, Depends()]

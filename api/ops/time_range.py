"""Since and until, of what is listed by the time it happened: instants, or days of China."""

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import ColumnElement
from sqlmodel import col

from models.words.calendar import CHINA

Since = Annotated[AwareDatetime | date | None, Query(description="时刻，或者那一天开始")]
Until = Annotated[AwareDatetime | date | None, Query(description="时刻以前，或者到那一天为止")]


def between(at: datetime, since: datetime | date | None, until: datetime | date | None) -> list[ColumnElement[bool]]:
    """Conditions on a column of instants; a day that is named as the last one belongs to them."""
    conditions = []
    if since is not None:
        conditions.append(col(at) >= _instant(since))
    if until is not None:
        conditions.append(col(at) < _instant(until, days=1))
    return conditions


def _instant(given: datetime | date, days: int = 0) -> datetime:
    return given if isinstance(given, datetime) else datetime.combine(given + timedelta(days=days), time(), CHINA)

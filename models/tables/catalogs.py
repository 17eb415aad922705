"""The platform's catalogs as they were fetched: banks, towns, subsidy items."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, now


class CatalogFetched(SQLModel, table=True):
    """A list that a refresh has fetched and keeps until it has them all; `asked` as the run's row counts it."""

    __tablename__ = "catalog_fetched"

    workflow_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    fund_year: int
    asked: int
    items: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    fetched_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class CatalogList(SQLModel, table=True):
    """A list of the platform's as last fetched; fund_year 0 for lists that have none."""

    __tablename__ = "catalog_list"
    __table_args__ = (CheckConstraint("fund_year >= 0", name="fund_year"),)

    county_code: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    fund_year: int = Field(primary_key=True)
    items: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    fetched_at: datetime = Field(default_factory=now, sa_type=INSTANT)

"""Fund years whose lines have been moved out of the working database, and the parts that they were written in.

Written by `python -m deploy.years` alone, as the tables' owner; worker and API only read them.
"""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, now


class MovedYear(SQLModel, table=True):
    """One county's fund year that goes or has gone: from `begun_at` on nothing of it changes any more.

    `written_at`: all of it is in the bucket, read back and signed for by the manifest. `moved_at`: no line is here.
    """

    __tablename__ = "moved_year"

    county_code: str = Field(primary_key=True)
    fund_year: int = Field(primary_key=True)
    moved_by: str
    begun_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    written_at: datetime | None = Field(default=None, sa_type=INSTANT)
    moved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    manifest_key: str | None = None
    manifest_sha256: str | None = None
    lines: int = Field(default=0, sa_type=BigInteger)
    fen: int = Field(default=0, sa_type=BigInteger)
    paid_fen: int = Field(default=0, sa_type=BigInteger)


class MovedPart(SQLModel, table=True):
    """Some applications of the year with all that hangs on them, one object of the bucket.

    `application_ids` are those that are to go; empty once the whole year has gone.
    """

    __tablename__ = "moved_part"
    __table_args__ = (
        ForeignKeyConstraint(["county_code", "fund_year"], ["moved_year.county_code", "moved_year.fund_year"]),
    )

    county_code: str = Field(primary_key=True)
    fund_year: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    sha256: str
    size: int = Field(sa_type=BigInteger)
    lines: int = Field(sa_type=BigInteger)
    fen: int = Field(sa_type=BigInteger)
    paid_fen: int = Field(sa_type=BigInteger)
    application_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    moved_at: datetime | None = Field(default=None, sa_type=INSTANT)

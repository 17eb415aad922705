"""What the platform said was paid of a flow's lines, page by page (S1 2.8)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import PaymentStatus


class Payment(SQLModel, table=True):
    """One result of one line as the platform (or a reviewer with proof) gave it; never changed."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("flow_line_id", "sequence", "source"),
        CheckConstraint("(source = 'settled') = (settled_by IS NOT NULL)", name="settled_by_somebody"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    flow_id: int = Field(foreign_key="flow.id", index=True, sa_type=BigInteger)
    flow_line_id: int = Field(foreign_key="flow_line.id", sa_type=BigInteger)
    sequence: int
    status: PaymentStatus = Field(sa_type=enum_column(PaymentStatus))
    amount_fen: int = Field(sa_type=BigInteger)
    bank_serial_no: str | None = None
    reason_code: str | None = None
    reason_sealed: str | None = None
    at: datetime = Field(sa_type=INSTANT)
    page: int | None = None
    source: str = "platform"
    settled_by: str | None = None
    proof_file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigInteger)
    after_end: bool = False
    taken_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class PaymentPage(SQLModel, table=True):
    """A page of payment results that was taken in."""

    __tablename__ = "payment_page"

    flow_id: int = Field(primary_key=True, foreign_key="flow.id", sa_type=BigInteger)
    page: int = Field(primary_key=True)
    content_sha256: str
    inbox_id: int = Field(sa_type=BigInteger)
    taken_at: datetime = Field(default_factory=now, sa_type=INSTANT)

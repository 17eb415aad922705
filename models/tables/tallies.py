"""Sums beside the lines that they are of, kept by triggers (deploy/migrations/versions/0002_triggers.py).

What a page shows of a list, and a run's look asks for at each wake, costs the same for a long one. A row may have come
down to nothing.
"""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


class FlowTally(SQLModel, table=True):
    """How many lines of a flow stand where, in fen together, by what they hold of which indicator.

    Whoever changes a line holds the flow. `payment` is empty for what isn't accepted; `sendable`: how many of the lines
    go out by themselves (`SENDABLE` of models/store/flows/rounds.py).
    """

    __tablename__ = "flow_tally"

    flow_id: int = Field(primary_key=True, sa_type=BigInteger)
    indicator_id: int = Field(primary_key=True, sa_type=BigInteger)
    money: str = Field(primary_key=True)
    state: str = Field(primary_key=True)
    payment: str = Field(primary_key=True)
    lines: int = Field(sa_type=BigInteger)
    fen: int = Field(sa_type=BigInteger)
    sendable: int = Field(sa_type=BigInteger)


class DatasetTally(SQLModel, table=True):
    """How many lines of a list have which result, in fen together, by the platform's reason.

    Whoever changes a line holds the list. `outcome` is empty for what waits, `reason_code` for what has none.
    """

    __tablename__ = "dataset_tally"

    dataset_id: int = Field(primary_key=True, sa_type=BigInteger)
    outcome: str = Field(primary_key=True)
    reason_code: str = Field(primary_key=True)
    lines: int = Field(sa_type=BigInteger)
    fen: int = Field(sa_type=BigInteger)


class BatchTally(SQLModel, table=True):
    """A part of how many applications of a batch stand where, in fen together: its rows are to be summed.

    A batch's applications are changed by whom holds the batch, the county, or neither, so none waits for another one:
    who finds rows that nobody else is about puts them together with his own.
    """

    __tablename__ = "batch_tally"
    __table_args__ = (Index("ix_batch_tally_batch", "batch_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    batch_id: int = Field(sa_type=BigInteger)
    stage: str
    verification: str
    lines: int = Field(sa_type=BigInteger)
    fen: int = Field(sa_type=BigInteger)

"""What every table shares: constraint names, aware times, checked words."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, MetaData, TypeDecorator
from sqlmodel import SQLModel

from models.wire.vocabulary import Word

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION
metadata: MetaData = SQLModel.metadata

INSTANT = DateTime(timezone=True)


@dataclass(slots=True)
class DatabaseClock:
    """The database's clock, the one that all processes go by: a machine's own may be wrong by a day.

    Read with every new connection, half an hour apart at most while there is work, and carried on in between by what
    has gone by since the machine was started, which nobody sets. Before the first reading it is the machine's own.
    """

    read: datetime | None = None
    read_at: float = 0.0

    def set(self, at: datetime) -> None:
        self.read, self.read_at = at.astimezone(UTC), _gone_by()

    def now(self) -> datetime:
        if self.read is None:
            return datetime.now(UTC)
        return self.read + timedelta(seconds=_gone_by() - self.read_at)


CLOCK = DatabaseClock()


def _gone_by() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def now() -> datetime:
    """Now by the database's clock: for what is stored, and held against what is stored."""
    return CLOCK.now()


class _Words(TypeDecorator[Word]):
    """The toolkit's own type knows no way for a word that isn't there; the vocabulary says what becomes of it."""

    impl = Enum
    cache_ok = True

    def __init__(self, kind: type[Word]) -> None:
        self.kind = kind
        super().__init__(
            kind,
            native_enum=False,
            create_constraint=True,
            length=40,
            name=kind.__name__.lower(),
            values_callable=lambda members: [member.value for member in members],
        )

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Word | None]:
        kind = self.kind
        return lambda stored: None if stored is None else kind(stored)


def enum_column(kind: type[Word]) -> Any:
    """A text column that takes the words of one vocabulary only, held by a CHECK."""
    return _Words(kind)

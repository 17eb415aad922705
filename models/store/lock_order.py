"""The one order in which a transaction takes locks, and the guard that sees to it.

Two that want the same two locks in different orders wait for each other until the database ends one of them. So all
take them from top to bottom. `models.store.locking` has the functions that take them; a statement that changes rows
of a table takes that table's rank by itself, and is seen by `models.store.database`.

Below all of them is one more name, which triggers hold from the commit on (deploy/migrations/sql/0002_accounts.sql).
"""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

import structlog

_LOG = structlog.get_logger()


class Rank(IntEnum):
    """From top to bottom; names are held by their key, rows by their table."""

    ANSWER = 1  # name: the one answer of an Idempotency-Key
    DOOR = 2  # name: rate limits and settings, changed one at a time
    PERSON = 3  # name: what is asked for one person in a province
    RUN = 4  # name: what comes for a run takes effect in turn; its list, login, entry, events, contradictions follow it
    REQUEST = 5  # name: a card change with its parts, also where another run's news ends one
    COUNTY = 6  # name: acts on a county's applications take turns
    ADDITIONS = 7  # name: whoever adds applications to a county takes turns; an import's row follows it
    BATCH = 8
    FLOW = 9  # with it its lines, rounds, orders, summaries: only who holds the flow changes them
    INDICATOR = 10  # in the order of their ids, policies too; the balances trigger changes them with the lines
    APPLICATION = 11  # in the order of their ids
    SERIES = 12  # the next number of a county's series
    REGISTER = 13  # in the order of the people
    ACCOUNT_LOCK = 14
    SLOT = 15  # name: the province's one initialisation
    RUN_ROW = 16
    TRAIL = 17  # last: all who act in a county take turns from here


TABLES = {
    "batch": Rank.BATCH,
    "flow": Rank.FLOW,
    "indicator": Rank.INDICATOR,
    "application": Rank.APPLICATION,
    "number_series": Rank.SERIES,
    "register_account": Rank.REGISTER,
    "account_lock": Rank.ACCOUNT_LOCK,
    "run": Rank.RUN_ROW,
    "trail_head": Rank.TRAIL,
}
# A fresh row is nobody else's, but these are there already as a rule, and changed then.
_UPSERTED = ("number_series", "run", "trail_head", "register_account")
_CHANGES = re.compile(rf"\b(?:UPDATE|DELETE FROM) (\w+)\b|\bINSERT INTO ({'|'.join(_UPSERTED)})\b")


class WrongOrder(Exception):
    """A lock is taken after one that comes later: somebody could wait crosswise."""


@dataclass(slots=True)
class Strictness:
    """Whether a wrong order is an error at once, or a line in the log."""

    raises: bool = False


strictness = Strictness()


@dataclass(slots=True)
class Turns:
    """What one transaction has taken so far."""

    highest: Rank = Rank.ANSWER
    taken: set[tuple[Rank, str]] = field(default_factory=set)
    ranks: set[Rank] = field(default_factory=set)

    def take(self, rank: Rank, key: str = "") -> bool:
        """Note a lock; False for what is held already, which may be taken again at any time.

        Rows that a statement changes have no key: those of the rank were locked before, or are the first.
        """
        if (rank, key) in self.taken or (not key and rank in self.ranks):
            return False
        if rank < self.highest:
            self._refuse(rank)
        self.taken.add((rank, key))
        self.ranks.add(rank)
        self.highest = max(rank, self.highest)
        return True

    def _refuse(self, rank: Rank) -> None:
        """Nothing is broken yet, and what is asked would most likely be done: only tests end it here."""
        if strictness.raises:
            raise WrongOrder(f"{rank.name} after {self.highest.name}")
        _LOG.error("lock taken out of order", rank=rank.name, after=self.highest.name)


@lru_cache(maxsize=1024)
def ranks_of(statement: str) -> tuple[Rank, ...]:
    """The rows that a statement changes."""
    tables = (updated or upserted for updated, upserted in _CHANGES.findall(statement))
    return tuple(sorted({TABLES[table] for table in tables if table in TABLES}))

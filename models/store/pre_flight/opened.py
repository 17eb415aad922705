"""What only an opened line shows: whether the platform takes it by its contract, and a doubtful account number.

However many lines: some are opened at a time, and of what is found only the ids and the sums are kept.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import AccountNo, read_account_no
from models.store.applications.records import RecordLine, lines_beforehand, record_of
from models.store.pre_flight.foreseen import KindSum
from models.store.selection import Predicate
from models.store.sql import fetch
from models.store.vault import SealBroken, Vault
from models.wire.vocabulary import UnknownWord
from models.wire.words import CardType
from models.words.flow_words import Foreseen

OPENED = (Foreseen.CONTRACT, Foreseen.ACCOUNT_DIGIT)
_AT_A_TIME = 2_000


class OpenedLine(NamedTuple):
    """A line of which something is foreseen."""

    id: int
    kind: Foreseen
    fen: int


class _Named(NamedTuple):
    """`card_type` where somebody told it."""

    id: int
    card_type: str | None


async def sums_opened(session: AsyncSession, vault: Vault, sent: Predicate) -> Sequence[KindSum]:
    """Count and fen of each kind over all the lines."""
    lines: Counter[Foreseen] = Counter()
    fen: Counter[Foreseen] = Counter()
    async for line in _opened(session, vault, sent):
        lines[line.kind] += 1
        fen[line.kind] += line.fen
    return [KindSum(kind.value, lines[kind], fen[kind]) for kind in lines]


async def ids_opened(
    session: AsyncSession, vault: Vault, sent: Predicate, kind: Foreseen, most: int | None
) -> Sequence[int]:
    """Those lines of which this is foreseen, the first `most`: behind them nothing is opened."""
    found: list[int] = []
    async for line in _opened(session, vault, sent):
        if line.kind is kind:
            found.append(line.id)
        if len(found) == most:
            break
    return found


async def _opened(session: AsyncSession, vault: Vault, sent: Predicate) -> AsyncIterator[OpenedLine]:
    """By the very function that makes the records which are sent; in a thread, for others go on meanwhile."""
    whose = f"SELECT a.id, a.card_type FROM application a {sent.where} AND a.id > :opened ORDER BY a.id LIMIT :size"
    opened = 0
    while named := await fetch(session, _Named, whose, **sent.values, opened=opened, size=_AT_A_TIME):
        lines = await lines_beforehand(session, [each.id for each in named])
        for found in await asyncio.to_thread(_judged, vault, named, lines):
            yield found
        opened = named[-1].id


def _judged(vault: Vault, named: Sequence[_Named], lines: Sequence[RecordLine]) -> list[OpenedLine]:
    judged = ((each, line, _foreseen(vault, line, each.card_type)) for each, line in zip(named, lines, strict=True))
    return [OpenedLine(each.id, kind, line.amount_fen) for each, line, kind in judged if kind is not None]


def _foreseen(vault: Vault, line: RecordLine, told: str | None) -> Foreseen | None:
    try:
        record = record_of(vault, line, {})
    except (ValidationError, UnknownWord, SealBroken):
        return Foreseen.CONTRACT
    read = read_account_no(record.account_no, CardType(told) if told else None)
    return None if isinstance(read, AccountNo) and read.warning is None else Foreseen.ACCOUNT_DIGIT

"""What only an opened line shows: whether the platform takes it by its contract, and a doubtful account number.

However many lines: some are opened at a time, and of what is found only the ids and the sums are kept. A line that was
found in order isn't opened again before it is written anew: what is foreseen of a batch is looked at, kind by kind, and
judged once more by the act on it, and nearly all of a batch is in order.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import AccountNo, read_account_no
from models.store.applications.records import PERSONAL, RecordLine, lines_beforehand, record_of
from models.store.pre_flight.foreseen import KindSum
from models.store.selection import Predicate
from models.store.sql import fetch
from models.store.vault import SealBroken, Vault
from models.wire.vocabulary import UnknownWord
from models.wire.words import CardType
from models.words.flow_words import Foreseen

OPENED = (Foreseen.CONTRACT, Foreseen.ACCOUNT_DIGIT)
_AT_A_TIME = 2_000
_COMING = f"""
SELECT a.id, a.card_type, hash_record_extended(ROW({PERSONAL.format(t="a")}, a.card_type), 0) AS written
FROM application a {{where}} AND a.id > :opened ORDER BY a.id LIMIT :size
"""
# By `written`; sealed values differ wherever they were written. So many are 20 MiB at most.
_in_order: set[int] = set()
_MOST_REMEMBERED = 200_000


class OpenedLine(NamedTuple):
    """A line of which something is foreseen."""

    id: int
    kind: Foreseen
    fen: int


class _Coming(NamedTuple):
    """`card_type` where somebody told it; `written` tells all that is judged from anything else that was written."""

    id: int
    card_type: str | None
    written: int


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
    whose, opened = _COMING.format(where=sent.where), 0
    while coming := await fetch(session, _Coming, whose, **sent.values, opened=opened, size=_AT_A_TIME):
        if unknown := [each for each in coming if each.written not in _in_order]:
            lines = await lines_beforehand(session, [each.id for each in unknown])
            for found in await asyncio.to_thread(_judged, vault, unknown, lines):
                yield found
        opened = coming[-1].id


def _judged(vault: Vault, coming: Sequence[_Coming], lines: Sequence[RecordLine]) -> list[OpenedLine]:
    if len(_in_order) > _MOST_REMEMBERED:
        _in_order.clear()
    found = []
    for each, line in zip(coming, lines, strict=True):
        if kind := _foreseen(vault, line, each.card_type):
            found.append(OpenedLine(each.id, kind, line.amount_fen))
        else:
            _in_order.add(each.written)
    return found


def _foreseen(vault: Vault, line: RecordLine, told: str | None) -> Foreseen | None:
    try:
        record = record_of(vault, line, {})
    except (ValidationError, UnknownWord, SealBroken):
        return Foreseen.CONTRACT
    read = read_account_no(record.account_no, CardType(told) if told else None)
    return None if isinstance(read, AccountNo) and read.warning is None else Foreseen.ACCOUNT_DIGIT

"""What only an opened line shows: whether the platform takes it by its contract, and a doubtful account number."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import AccountNo, read_account_no
from models.store.applications.records import RecordLine, lines_beforehand, record_of
from models.store.selection import Predicate
from models.store.sql import fetch
from models.store.vault import SealBroken, Vault
from models.wire.vocabulary import UnknownWord
from models.wire.words import CardType
from models.words.flow_words import Foreseen

# More are not opened for one look: a second's work.
MOST_OPENED = 20_000
OPENED = (Foreseen.CONTRACT, Foreseen.ACCOUNT_DIGIT)
Found = Mapping[Foreseen, Sequence[RecordLine]]


class OpenedLines(NamedTuple):
    """The lines of which something is foreseen, still sealed; `lines` is how many were opened."""

    found: Found
    lines: int


class _Told(NamedTuple):
    application_no: str
    card_type: str


class ToOpen(NamedTuple):
    """Lines, and what card type those are told to have that are told one."""

    lines: Sequence[RecordLine]
    told: Mapping[str, str]


async def lines_to_open(session: AsyncSession, sent: Predicate) -> ToOpen:
    told = await fetch(
        session,
        _Told,
        f"SELECT a.application_no, a.card_type FROM application a {sent.where} AND a.card_type IS NOT NULL",
        **sent.values,
    )
    return ToOpen(await lines_beforehand(session, sent, MOST_OPENED), dict(told))


async def judge_opened(vault: Vault, to_open: ToOpen) -> OpenedLines:
    """By the very function that makes the records which are sent; in a thread, while others ask the database."""
    return OpenedLines(await asyncio.to_thread(_judged, vault, *to_open), len(to_open.lines))


def _judged(vault: Vault, lines: Sequence[RecordLine], told: Mapping[str, str]) -> Found:
    found: defaultdict[Foreseen, list[RecordLine]] = defaultdict(list)
    for line in lines:
        foreseen = _foreseen(vault, line, told.get(line.application_no))
        if foreseen is not None:
            found[foreseen].append(line)
    return found


def _foreseen(vault: Vault, line: RecordLine, told: str | None) -> Foreseen | None:
    try:
        record = record_of(vault, line, {})
    except (ValidationError, UnknownWord, SealBroken):
        return Foreseen.CONTRACT
    read = read_account_no(record.account_no, CardType(told) if told else None)
    return None if isinstance(read, AccountNo) and read.warning is None else Foreseen.ACCOUNT_DIGIT

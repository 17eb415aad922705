"""What only an opened line shows: whether the platform takes it by its contract, and a doubtful account number."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import account_warning
from models.store.applications.records import PERSONAL, RecordLine, record_of
from models.store.pre_flight.foreseen import LINES_OF
from models.store.selection import Predicate
from models.store.sql import fetch
from models.store.vault import SealBroken, Vault
from models.wire.words import CardType
from models.words.flow_words import Foreseen, PreFlightAct

# More are not opened for one look: a second's work.
MOST_OPENED = 20_000
Found = Mapping[Foreseen, Sequence[tuple[int, int]]]


class _Line(NamedTuple):
    """A line to open, with the columns of its record: at one reading."""

    application_no: str
    applicant_kind: str
    name_sealed: str
    id_number_sealed: str
    phone_sealed: str | None
    town_code: str
    village_code: str
    group_name: str | None
    bank_code: str
    account_sealed: str
    household_registration: str | None
    family_size: int | None
    item_code: str
    amount_fen: int
    verification: str
    id: int
    card_type: str | None

    @property
    def record(self) -> RecordLine:
        """As it would be sent the first time, without its picture."""
        return RecordLine(*self[:15], attempt=1, repays=None, indicator=None, photo=None)


class OpenedLines(NamedTuple):
    """Id and fen of each line by what is foreseen of it; `lines` is how many were opened."""

    found: Found
    lines: int


async def judge_opened(session: AsyncSession, vault: Vault, chosen: Predicate, act: PreFlightAct) -> OpenedLines:
    """By the very function that makes the records which are sent."""
    rows = await fetch(
        session,
        _Line,
        f"SELECT {PERSONAL.format(t='a')}, a.id, a.card_type FROM application a WHERE {chosen.sql} AND {LINES_OF[act]}"
        f" ORDER BY a.id LIMIT {MOST_OPENED}",
        **chosen.values,
    )
    return OpenedLines(await asyncio.to_thread(_judged, vault, rows), len(rows))


def _judged(vault: Vault, lines: Sequence[_Line]) -> Found:
    found: defaultdict[Foreseen, list[tuple[int, int]]] = defaultdict(list)
    for line in lines:
        foreseen = _foreseen(vault, line)
        if foreseen is not None:
            found[foreseen].append((line.id, line.amount_fen))
    return found


def _foreseen(vault: Vault, line: _Line) -> Foreseen | None:
    try:
        record = record_of(vault, line.record, {})
    except (ValidationError, SealBroken):
        return Foreseen.CONTRACT
    told = CardType(line.card_type) if line.card_type else None
    return Foreseen.ACCOUNT_DIGIT if account_warning(record.account_no, told) else None

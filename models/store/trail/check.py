"""Whether a county's trail is whole: every entry signed upon the one before, up to its head and to what S3 keeps."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch, fetch_int, fetch_one
from models.store.trail.entries import Head, TrailAct, linked
from models.store.vault import Proof, Vault
from models.words.stages import TrailBreak

# What is in memory at a time, and for how long nobody else has a turn.
PAGE = 500
_ENTRIES = """
SELECT county_code, sequence, actor, role, act, subject, line_count, total_fen, detail, at, chain FROM trail_entry
WHERE county_code = :county AND sequence > :after AND sequence <= :last ORDER BY sequence LIMIT :page
"""
# By one statement: an entry that is written meanwhile brings its head along.
_BEYOND = """
SELECT min(e.sequence) FROM trail_entry e LEFT JOIN trail_head h ON h.county_code = e.county_code
WHERE e.county_code = :county AND e.sequence > coalesce(h.sequence, 0)
"""


class _Entry(NamedTuple):
    county_code: str
    sequence: int
    actor: str
    role: str
    act: str
    subject: str
    line_count: int | None
    total_fen: int | None
    detail: str
    at: datetime
    chain: str


@dataclass(frozen=True)
class SignedHead:
    """The end of a county's trail at a moment, as it was signed and kept outside the database."""

    county_code: str
    sequence: int
    chain: str
    at: datetime
    signature: str


@dataclass(frozen=True)
class Break:
    """Where a trail doesn't hold first."""

    kind: TrailBreak
    sequence: int


def covered(head: SignedHead) -> bytes:
    """What a head's signature covers."""
    return json.dumps([head.county_code, head.sequence, head.chain, head.at.astimezone(UTC).isoformat()]).encode()


async def check_trail(session: AsyncSession, vault: Vault, county_code: str, signed: SignedHead | None) -> Break | None:
    """Walk a county's trail, a page at a time; None when all of it holds.

    `signed` has to be read before: the trail only grows. Each statement sees what is committed when it begins.
    """
    if signed is not None and not vault.holds(Proof.HEAD, covered(signed), signed.signature):
        return Break(TrailBreak.HEAD_FORGED, signed.sequence)
    last, chain = await _head(session, county_code)
    at, previous = 0, ""
    async for page in _pages(session, county_code, last):
        for entry in page:
            if (broken := _doubt(vault, entry, at, previous, signed)) is not None:
                return broken
            at, previous = entry.sequence, entry.chain
    beyond = await fetch_int(session, _BEYOND, county=county_code)
    if beyond:
        return Break(TrailBreak.HEAD_DIFFERS, beyond)
    if at < max(last, signed.sequence if signed else 0):
        return Break(TrailBreak.CUT if at else TrailBreak.GONE, at + 1)
    return None if chain == previous else Break(TrailBreak.HEAD_DIFFERS, at)


def _doubt(vault: Vault, entry: _Entry, at: int, previous: str, signed: SignedHead | None) -> Break | None:
    if entry.sequence != at + 1:
        return Break(TrailBreak.MISSING, at + 1)
    act = TrailAct(
        entry.county_code, entry.actor, entry.role, entry.act, entry.subject, {}, entry.line_count, entry.total_fen
    )
    data = linked(previous, act, entry.sequence, entry.detail, entry.at)
    if not vault.holds(Proof.ENTRY, data, entry.chain):
        return Break(TrailBreak.CHANGED, entry.sequence)
    if signed is not None and signed.sequence == entry.sequence and signed.chain != entry.chain:
        return Break(TrailBreak.NOT_AS_SIGNED, entry.sequence)
    return None


async def _head(session: AsyncSession, county_code: str) -> Head:
    row = await fetch_one(
        session, Head, "SELECT sequence, chain FROM trail_head WHERE county_code = :county", county=county_code
    )
    return row or Head(0, "")


async def _pages(session: AsyncSession, county_code: str, last: int) -> AsyncIterator[Sequence[_Entry]]:
    after = 0
    while page := await fetch(session, _Entry, _ENTRIES, county=county_code, after=after, last=last, page=PAGE):
        yield page
        after = page[-1].sequence

"""The trail: who did what when, before and after, each entry chained to the one before it in its county."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.stages import Role
from models.store.database import execute, fetch_one
from models.store.vault import Field, Vault
from models.tables import TrailEntry, TrailHead
from models.tables.base import now

SYSTEM = "system"


@dataclass(frozen=True)
class Act:
    """One thing done: `subject` is a business number, personal values belong into `detail` only."""

    county_code: str
    actor: str
    role: str
    act: str
    subject: str
    detail: Mapping[str, object]
    line_count: int | None = None
    total_fen: int | None = None


def by_system(county_code: str, act: str, subject: str, detail: Mapping[str, object]) -> Act:
    return Act(county_code, SYSTEM, Role.OPS.value, act, subject, detail)


async def record(session: AsyncSession, vault: Vault, act: Act) -> None:
    """Add an entry at the end of the county's trail; writers of one county take turns."""
    sequence, previous = await _next_place(session, act.county_code)
    at = now()
    detail = json.dumps(act.detail, ensure_ascii=False, default=str, sort_keys=True)
    sealed = vault.seal(Field.DETAIL, f"{act.county_code}/{sequence}", detail)
    chain = link(previous, act, sequence, sealed, at)
    await execute(
        session,
        "WITH head AS (UPDATE trail_head SET chain = :chain WHERE county_code = :county)"
        " INSERT INTO trail_entry (county_code, sequence, actor, role, act, subject, line_count, total_fen, detail, at,"
        " chain) VALUES (:county, :sequence, :actor, :role, :act, :subject, :count, :fen, :detail, :at, :chain)",
        county=act.county_code,
        sequence=sequence,
        actor=act.actor,
        role=act.role,
        act=act.act,
        subject=act.subject,
        count=act.line_count,
        fen=act.total_fen,
        detail=sealed,
        at=at,
        chain=chain,
    )


async def _next_place(session: AsyncSession, county_code: str) -> tuple[int, str]:
    row = await fetch_one(
        session,
        "INSERT INTO trail_head (county_code, sequence, chain) VALUES (:county, 1, '') "
        "ON CONFLICT (county_code) DO UPDATE SET sequence = trail_head.sequence + 1 RETURNING sequence, chain",
        county=county_code,
    )
    assert row is not None
    return int(str(row[0])), str(row[1])


def link(previous: str, act: Act, sequence: int, sealed: str, at: datetime) -> str:
    """The hash that ties an entry to the one before it."""
    parts = [previous, act.county_code, str(sequence), act.actor, act.role, act.act, act.subject]
    parts += [str(act.line_count), str(act.total_fen), sealed, at.isoformat()]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


async def verify(session: AsyncSession, county_code: str) -> int | None:
    """Walk a county's trail; gives the sequence of the first entry that doesn't fit, None when all do.

    Head and entries are read by one statement: an entry that is written meanwhile breaks nothing.
    """
    statement = (
        select(TrailHead, TrailEntry)
        .outerjoin(TrailEntry, col(TrailEntry.county_code) == TrailHead.county_code)
        .where(TrailHead.county_code == county_code)
        .order_by(col(TrailEntry.sequence))
    )
    rows = (await session.exec(statement)).all()
    if not rows:
        # The county's first entry may just have come, with its head.
        row = await fetch_one(
            session,
            "SELECT min(sequence) FROM trail_entry WHERE county_code = :county"
            " AND NOT EXISTS (SELECT FROM trail_head WHERE county_code = :county)",
            county=county_code,
        )
        return row[0] if row is not None else None
    previous, expected = "", 1
    for entry in (entry for _, entry in rows if entry is not None):
        act = Act(
            entry.county_code, entry.actor, entry.role, entry.act, entry.subject, {}, entry.line_count, entry.total_fen
        )
        if entry.sequence != expected or entry.chain != link(
            previous, act, entry.sequence, entry.detail, _utc(entry.at)
        ):
            return entry.sequence
        previous, expected = entry.chain, expected + 1
    head = rows[0][0]
    return None if (head.sequence, head.chain) == (expected - 1, previous) else expected


def _utc(at: datetime) -> datetime:
    return at.astimezone(now().tzinfo)

"""The trail: who did what when, before and after, each entry signed together with the one before it in its county."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Rank
from models.store.locking import fetch_locked
from models.store.sql import execute
from models.store.transaction import do_last
from models.store.vault import Field, Proof, Vault
from models.tables.base import now
from models.words.code_words import SYSTEM
from models.words.staff import Role


class Head(NamedTuple):
    """The end of a county's trail."""

    sequence: int
    chain: str


@dataclass(frozen=True)
class TrailAct:
    """One thing done: `subject` is a business number, personal values belong into `detail` only."""

    county_code: str
    actor: str
    role: str
    act: str
    subject: str
    detail: Mapping[str, object]
    line_count: int | None = None
    total_fen: int | None = None
    # a statement that gives the ids of the applications that it is about, in tables of the transaction
    lines: str | None = None


def by_system(county_code: str, act: str, subject: str, detail: Mapping[str, object]) -> TrailAct:
    """What nobody did; its role stays as all entries before were signed, and is read as 系统."""
    return TrailAct(county_code, SYSTEM, Role.OPS.value, act, subject, detail)


async def record(session: AsyncSession, vault: Vault, act: TrailAct) -> None:
    """Add an entry at the end of the county's trail, as the last thing before the commit: writers take turns there."""
    do_last(session, act.county_code, partial(_write, session, vault, act))


async def _write(session: AsyncSession, vault: Vault, act: TrailAct) -> None:
    last, previous = await _locked_head(session, act.county_code)
    sequence, at = last + 1, now()
    detail = json.dumps(act.detail, ensure_ascii=False, default=str, sort_keys=True)
    sealed = vault.seal(Field.DETAIL, f"{act.county_code}/{sequence}", detail)
    chain = vault.sign(Proof.ENTRY, linked(previous, act, sequence, sealed, at))
    await execute(
        session,
        "WITH head AS (UPDATE trail_head SET sequence = :sequence, chain = :chain WHERE county_code = :county)"
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
    if act.lines is not None:
        statement = (
            f"INSERT INTO trail_line (application_id, sequence) SELECT id, :sequence FROM ({act.lines}) AS x (id)"
        )
        await execute(session, statement, sequence=sequence)


async def _locked_head(session: AsyncSession, county_code: str) -> Head:
    head = await _lock_head(session, county_code)
    if head is None:
        await execute(
            session,
            "INSERT INTO trail_head (county_code, sequence, chain) VALUES (:county, 0, '') ON CONFLICT DO NOTHING",
            county=county_code,
        )
        head = await _lock_head(session, county_code)
        assert head is not None
    return head


async def _lock_head(session: AsyncSession, county_code: str) -> Head | None:
    statement = "SELECT sequence, chain FROM trail_head WHERE county_code = :county"
    return next(iter(await fetch_locked(session, Rank.TRAIL, Head, statement, county=county_code)), None)


def linked(previous: str, act: TrailAct, sequence: int, sealed: str, at: datetime) -> bytes:
    """What an entry's signature covers: all of it, and the signature of the entry before."""
    parts = [previous, act.county_code, sequence, act.actor, act.role, act.act, act.subject]
    return json.dumps([*parts, act.line_count, act.total_fen, sealed, at.astimezone(UTC).isoformat()]).encode()

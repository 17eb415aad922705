"""Restorations: the database came back as it was at an earlier moment, and the trail says so itself.

The entry stands in each county's trail, signed like every other, and names the heads in S3 that were signed of entries
that are gone: those alone are no sign of a cut.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch
from models.store.trail.entries import TrailAct, record
from models.store.vault import Field, Vault
from models.words.staff import Role

RESTORED, SUBJECT = "database.restored", "database"
_ENTRIES = """
SELECT sequence, actor, at, detail FROM trail_entry
WHERE county_code = :county AND subject = :subject AND act = :act ORDER BY sequence
"""


@dataclass(frozen=True)
class Loss:
    """From when to when all is lost, who brought the database back, and why."""

    restored_to: datetime
    lost_until: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class NotedRestoration:
    """One as the county's trail has it; `heads` are keys in S3."""

    sequence: int
    at: datetime
    by: str
    restored_to: datetime
    lost_until: datetime
    heads: tuple[str, ...]


class _Entry(NamedTuple):
    sequence: int
    actor: str
    at: datetime
    detail: str


async def note_restoration(
    session: AsyncSession, vault: Vault, county_code: str, loss: Loss, heads: Sequence[str]
) -> None:
    detail = {
        "restored_to": loss.restored_to.isoformat(),
        "lost_until": loss.lost_until.isoformat(),
        "reason": loss.reason,
        "heads": list(heads),
    }
    await record(session, vault, TrailAct(county_code, loss.by, Role.OPS.value, RESTORED, SUBJECT, detail))


async def restorations(session: AsyncSession, vault: Vault, county_code: str) -> list[NotedRestoration]:
    """Oldest first. Only who has the keys can seal a detail, and each is bound to its place: a forged one won't open.

    SealBroken for such a one.
    """
    rows = await fetch(session, _Entry, _ENTRIES, county=county_code, subject=SUBJECT, act=RESTORED)
    details = [vault.open(Field.DETAIL, f"{county_code}/{row.sequence}", row.detail) for row in rows]
    return [_noted(row, json.loads(detail)) for row, detail in zip(rows, details, strict=True)]


def _noted(row: _Entry, told: dict[str, str | list[str]]) -> NotedRestoration:
    return NotedRestoration(
        sequence=row.sequence,
        at=row.at,
        by=row.actor,
        restored_to=datetime.fromisoformat(str(told["restored_to"])),
        lost_until=datetime.fromisoformat(str(told["lost_until"])),
        heads=tuple(told["heads"]),
    )

"""Who was given whose data in clear, when and what for: a row a thing, written before the answer leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import execute
from models.tables.base import now
from models.words.staff import Role
from models.words.stages import DisclosedThing, DisclosurePurpose

_NOTE = """
INSERT INTO disclosure (county_code, at, actor, role, purpose, thing, number, within)
SELECT :county, :at, :actor, :role, :purpose, :thing, number, :within FROM unnest(CAST(:numbers AS varchar[])) AS number
"""


@dataclass(frozen=True)
class WholeAnswer:
    """What one answer shows whole; `within` is the list that the things were shown in."""

    thing: DisclosedThing
    numbers: Sequence[str]
    purpose: DisclosurePurpose
    within: str | None = None


async def note_disclosure(session: AsyncSession, county: str, actor: str, role: Role, shown: WholeAnswer) -> None:
    await execute(
        session,
        _NOTE,
        county=county,
        at=now(),
        actor=actor,
        role=role.value,
        purpose=shown.purpose.value,
        thing=shown.thing.value,
        numbers=list(shown.numbers),
        within=shown.within,
    )

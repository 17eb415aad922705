"""The county's policy unit: whoever hands a policy in, starts a flow or chooses another unit takes turns."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Rank
from models.store.locking import hold, lock_county
from models.store.sql import fetch
from models.tables.policies import PolicyUnit
from models.words.stages import FlowStage, ReviewStage

MOST_NAMED = 20


class _Open(NamedTuple):
    """A policy under review, or a flow and its stage."""

    number: str
    stage: str | None


async def unit_to_hand_in(session: AsyncSession, county_code: str) -> PolicyUnit | None:
    """The unit that a policy is handed in for; it stays until that has ended."""
    await hold(session, Rank.DOOR, f"policy-unit/{county_code}")
    return await session.get(PolicyUnit, county_code)


async def unit_to_change(session: AsyncSession, county_code: str) -> PolicyUnit | None:
    """The same for whoever chooses another one: no policy is handed in and no flow starts meanwhile."""
    unit = await unit_to_hand_in(session, county_code)
    await lock_county(session, county_code)
    return unit


async def what_is_open(session: AsyncSession, county_code: str) -> dict[str, str]:
    """What keeps the unit as it is: business number → words."""
    rows = await fetch(
        session,
        _Open,
        "(SELECT policy_no AS number, NULL AS stage FROM policy WHERE county_code = :county AND stage = 'in_review'"
        " ORDER BY id LIMIT :most)"
        " UNION ALL (SELECT flow_no, stage FROM flow WHERE county_code = :county AND stage <> 'ended')",
        county=county_code,
        most=MOST_NAMED,
    )
    return {number: _open_flow(number, stage) if stage else _in_review(number) for number, stage in rows}


def _open_flow(number: str, stage: str) -> str:
    return f"补贴流程 {number} 尚未结束（{FlowStage(stage).label}）"


def _in_review(number: str) -> str:
    return f"政策 {number} {ReviewStage.IN_REVIEW.label}"

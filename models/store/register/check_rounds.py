"""Rounds of account checks: opened one of a scope at a time, found by number, closed with their figures."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Rank
from models.store.locking import hold, lock_rows
from models.store.sql import fetch, fetch_one
from models.tables.base import now
from models.tables.cards import CheckRound
from models.wire.answers import PAGE_LIMIT
from models.words.card_stages import RoundStage

# In `figures` beside the counts: how many accounts the next page holds.
PAGE_SIZE = "page_size"


@dataclass(frozen=True)
class Scope:
    """Whose accounts a round walks: a province's, one county's, or one account."""

    province_code: str
    county_code: str | None = None
    account_id: int | None = None

    @property
    def place(self) -> str:
        """The code that the round's number and run belong to."""
        return self.county_code or self.province_code


async def hold_rounds(session: AsyncSession, scope: Scope) -> None:
    """Whoever opens a round in a province goes first through this door."""
    await hold(session, Rank.DOOR, f"account-check/{scope.province_code}")


async def open_round(
    session: AsyncSession, scope: Scope, round_no: str, trigger: str, asked_by: str
) -> CheckRound | None:
    """A new round; None while another one of the same scope is under way. Asked twice, the same round."""
    await hold_rounds(session, scope)
    known = (await session.exec(select(CheckRound).where(CheckRound.round_no == round_no))).first()
    if known is not None:
        return known
    if await round_under_way(session, scope) is not None:
        return None
    found = CheckRound(
        round_no=round_no,
        province_code=scope.province_code,
        county_code=scope.county_code,
        account_id=scope.account_id,
        trigger=trigger,
        asked_by=asked_by,
        figures={PAGE_SIZE: PAGE_LIMIT},
    )
    session.add(found)
    await session.flush()
    return found


async def round_under_way(session: AsyncSession, scope: Scope) -> str | None:
    """The number of an open round of exactly this scope."""
    return await fetch_one(
        session,
        str,
        "SELECT round_no FROM check_round WHERE stage = 'checking' AND province_code = :province"
        " AND county_code IS NOT DISTINCT FROM :county AND account_id IS NOT DISTINCT FROM CAST(:account AS bigint)",
        province=scope.province_code,
        county=scope.county_code,
        account=scope.account_id,
    )


async def round_exists(session: AsyncSession, round_no: str) -> bool:
    return await fetch_one(session, int, "SELECT 1 FROM check_round WHERE round_no = :no", no=round_no) is not None


async def round_by_number(session: AsyncSession, round_no: str, *, changing: bool = False) -> CheckRound:
    """With `changing` its name is held until the transaction ends."""
    statement = select(CheckRound).where(CheckRound.round_no == round_no)
    if changing:
        await hold(session, Rank.RUN, round_no)
        (found,) = await lock_rows(session, Rank.RUN, statement)
        return found
    # its figures are counted on by statements as well
    return (await session.exec(statement.execution_options(populate_existing=True))).one()


class _Figure(NamedTuple):
    word: str
    accounts: int


async def close_round(session: AsyncSession, found: CheckRound) -> None:
    """Every account has its verdict: counted by what the bank said, and by what it changed."""
    rows = await fetch(
        session,
        _Figure,
        "SELECT CASE WHEN valid THEN 'valid' ELSE coalesce(reason_code, 'other') END AS word, count(*) AS accounts"
        " FROM account_check WHERE round_id = :round GROUP BY 1 UNION ALL"
        " SELECT n.kind, count(*) FROM account_check c JOIN register_account r ON r.id = c.register_account_id"
        " JOIN notice n ON n.county_code = r.county_code AND n.person_index = r.person_index AND n.cause = :cause"
        " WHERE c.round_id = :round GROUP BY 1",
        round=found.id,
        cause=cause_of(found.round_no),
    )
    found.stage, found.ended_at = RoundStage.DONE, now()
    found.figures = dict(rows)
    await session.flush()


def cause_of(round_no: str) -> str:
    """What the round's notices name as their cause."""
    return f"check/{round_no}"

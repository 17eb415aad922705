"""Contradictions chosen by a filter, while another one comes in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.applying.contradiction_choice import (
    ContradictionFilter,
    ContradictionSelection,
    Decider,
    choose_contradictions,
)
from models.store.events.contradictions import Claim, keep_claim
from models.store.lock_order import Rank
from models.store.locking import hold
from tests.rows import COUNTY, REVIEWER, Office, open_office
from tests.two_writers import until_blocked


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def _contradict(office: Office, number: str) -> None:
    claim = Claim(COUNTY, number, "said twice", "", {"paid": 1}, {"paid": 2}, None)
    async with office.database.transaction() as session:
        await keep_claim(session, office.vault, claim)


async def test_what_comes_of_another_subject_meanwhile_is_not_chosen(office: Office) -> None:
    """Nobody has judged who made it, nor does the decision hold its run's name."""
    await _contradict(office, "first")
    selection = ContradictionSelection(filter=ContradictionFilter(kind="said twice"))

    async def chosen() -> list[str]:
        async with office.database.transaction() as session:
            found = await choose_contradictions(session, COUNTY, selection, "applied", Decider(REVIEWER, None))
            return sorted(found.fit)

    async with office.database.transaction() as session:
        await hold(session, Rank.RUN, "first")
        choosing = asyncio.create_task(chosen())
        await until_blocked(office.database, choosing)
        await _contradict(office, "second")
    assert await choosing == ["first"]

"""Hands of an account check: open a round, fetch what the platform invalidated, ask the bank page by page."""

from datetime import datetime, timedelta
from functools import partial

from temporalio import activity

from activities.platform.account_pages import bank_verdicts
from activities.platform.client import PlatformClient
from activities.platform.tries import with_retries
from models.contracts import Look, ProvinceRef, Subject
from models.store.cards.invalidation import invalidate
from models.store.cards.results import apply_invalidation
from models.store.database import Database
from models.store.register.accounts import AccountFinding, accounts_of, set_valid_again
from models.store.register.check_rounds import Scope, cause_of, close_round, open_round, round_by_number, round_exists
from models.store.register.checks import (
    Judged,
    ask_for_less,
    asked_page,
    close_page,
    has_verdict,
    judged_accounts,
    next_page,
    note_verdicts,
    page_key,
)
from models.store.register.invalidation_cursor import fetched_until, note_fetched
from models.store.runs.look import note_stage
from models.store.runs.runs import close_run, open_run
from models.store.sql import fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Vault
from models.tables.base import now
from models.tables.cards import CheckRound
from models.wire.answers import AccountVerdict, Invalidation, province_of
from models.wire.requests import AccountQuery
from models.wire.words import AccountReason
from models.words.card_stages import RoundStage
from models.words.stages import AccountStatus
from models.words.waiting import ROUND

SCHEDULED = "schedule"
# The list is asked for from before the last time on: what arrived late, or under another clock, is not passed over.
OVERLAP = timedelta(days=1)
# What makes an account 无效卡 or clears it; any other word of the bank is no verdict.
DECIDING = frozenset(AccountReason) - {AccountReason.OTHER}


class CheckActivities:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform

    @activity.defn
    async def begin_round(self, subject: Subject) -> Look:
        """The round of a tick of the schedule; done at once while an earlier one still walks the province."""
        async with self._database.transaction() as session:
            if not await round_exists(session, subject.number):
                scope = Scope(province_of(subject.county_code))
                if await open_round(session, scope, subject.number, SCHEDULED, "system") is None:
                    return _look(RoundStage.DONE, now())
                await open_run(session, subject, RoundStage.CHECKING.value)
            found = await round_by_number(session, subject.number)
            since, _ = await note_stage(session, subject.workflow_id, found.stage.value, ROUND[found.stage])
        return _look(found.stage, since)

    @activity.defn
    async def fetch_invalidations(self, subject: Subject) -> None:
        """First thing in a round, but in one about a single account: what the platform found by itself."""
        async with self._database.reading() as session:
            found = await round_by_number(session, subject.number)
        if found.account_id is None and found.stage is not RoundStage.DONE:
            await self._read_on(province_of(subject.county_code))

    @activity.defn
    async def read_invalidations(self, province: ProvinceRef) -> None:
        """The same, each hour by a Schedule."""
        await self._read_on(province.province_code)

    async def _read_on(self, province: str) -> None:
        """The safety net behind account.invalidated; a finding that came as an event already is told once."""
        started = now()
        async with self._database.reading() as session:
            since = await fetched_until(session, province)
        page, pages = 1, 1
        while page <= pages:
            answer = await with_retries(partial(self._platform.list_invalidations, province, since - OVERLAP, page))
            for item in answer.items:
                await self._apply(item, province)
            page, pages = page + 1, answer.pages
        async with self._database.transaction() as session:
            await note_fetched(session, province, started)

    async def _apply(self, item: Invalidation, province: str) -> None:
        if province_of(item.county_code) != province:
            return
        async with self._database.transaction() as session:
            await apply_invalidation(session, self._vault, item)

    @activity.defn
    async def check_page(self, subject: Subject) -> Look:
        """One page of the round under its key: asked once, every verdict kept once; the last one closes the round."""
        async with self._database.reading() as session:
            found = await round_by_number(session, subject.number)
            key = page_key(found)
            queries = await asked_page(session, self._vault, key)
        if not queries:
            async with self._database.transaction() as session:
                queries = await next_page(session, self._vault, found)
        if queries and found.stage is RoundStage.CHECKING:
            await self._judge(found, key, queries)
            return _look(RoundStage.CHECKING, found.created_at)
        return await self._close(subject)

    async def _judge(self, found: CheckRound, key: str, queries: tuple[AccountQuery, ...]) -> None:
        place = found.county_code or found.province_code
        verdicts = await bank_verdicts(self._platform, place, queries, key)
        if verdicts is None:
            async with self._database.transaction() as session:
                await ask_for_less(session, found.round_no, key)
            return
        await self._keep(found, key, queries, verdicts)

    async def _keep(
        self,
        found: CheckRound,
        key: str,
        queries: tuple[AccountQuery, ...],
        verdicts: tuple[AccountVerdict, ...],
    ) -> None:
        """What changes an account is a transaction of its own, with its verdict: no lock is held for a whole page."""
        async with self._database.reading() as session:
            judged = await judged_accounts(session, self._vault, found, queries, verdicts)
        # A verdict is as old as its question: what has been found since then is later word.
        at = await self._asked_at(key)
        for each in judged:
            if _changes(each):
                await self._change(found, each, at)
        async with self._database.transaction() as session:
            await note_verdicts(session, found, judged)
            await close_page(session, found.round_no, key)

    async def _asked_at(self, key: str) -> datetime:
        async with self._database.reading() as session:
            at = await fetch_one(session, datetime, "SELECT intended_at FROM instruction WHERE key = :key", key=key)
        return at or now()

    async def _change(self, found: CheckRound, each: Judged, at: datetime) -> None:
        """The verdict's row comes last: as everywhere a change under way is taken before the register's row."""
        async with self._database.transaction() as session:
            if await has_verdict(session, found, each):
                return
            cause = cause_of(found.round_no)
            if each.verdict.valid:
                (account,) = await accounts_of(session, [each.account_id])
                if (account.bank_code, account.account_index) == (each.bank_code, each.account_index):
                    await set_valid_again(session, self._vault, account, cause, at, found.asked_by)
            else:
                assert each.verdict.reason_code is not None
                reason = each.verdict.reason_code.value
                finding = AccountFinding(reason=reason, cause=cause, at=at, actor=found.asked_by)
                whose = (each.county_code, each.person_index, (each.bank_code, each.account_index))
                await invalidate(session, self._vault, *whose, finding)
            await note_verdicts(session, found, [each])

    async def _close(self, subject: Subject) -> Look:
        async with self._database.transaction() as session:
            found = await round_by_number(session, subject.number, changing=True)
            if found.stage is RoundStage.CHECKING:
                await close_round(session, found)
                detail = {"trigger": found.trigger, "checked": found.checked, "figures": found.figures}
                act = by_system(subject.county_code, "account_check.done", found.round_no, detail)
                await record(session, self._vault, act)
            since, _ = await note_stage(session, subject.workflow_id, found.stage.value, ROUND[found.stage])
            await close_run(session, subject.workflow_id, found.stage.value)
        return _look(found.stage, since)


def _changes(each: Judged) -> bool:
    if each.verdict.valid:
        return each.status == AccountStatus.INVALID
    return each.verdict.reason_code in DECIDING


def _look(stage: RoundStage, since: datetime) -> Look:
    done = stage is RoundStage.DONE
    return Look(stage=stage.value, waiting_for=ROUND[stage], since=since, ask_after_seconds=0, done=done)

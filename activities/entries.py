"""Hands of a 村社申报: the bank validates the account, the platform uses it, and where the entry stands (S2 1.1)."""

from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from models.contracts import EntryHanded, Look, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.database import Database
from models.store.events.inbox import put_asked
from models.store.register.entries import ENDED, end_entry, locked_entry
from models.store.register.entry_results import fail_at_platform
from models.store.register.register import register_row
from models.store.runs.look import ask_after, asks_anew, note_asked, note_stage, remember
from models.store.runs.runs import close_run
from models.store.sql import fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import VillageEntry
from models.wire.answers import AccountVerdict
from models.wire.requests import AccountChangeSubmission, AccountQuery
from models.wire.words import AccountChangeStatus, AccountReason, AccountSource, EventType, ProblemCode
from models.words.card_stages import EntryStage
from models.words.card_words import reason_words
from models.words.errors import ADVICE
from models.words.waiting import ENTRY

# The words of a no that is about this entry; every other one is the operators' of the system to set right.
ABOUT_THE_ENTRY = frozenset({ProblemCode.VALIDATION_FAILED, ProblemCode.NOT_FOUND})


class _InUse(NamedTuple):
    bank_code: str
    account_sealed: str


class VillageEntryActivities:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._settings = settings

    @activity.defn
    async def validate_entry(self, subject: Subject) -> None:
        """银行验证 under the entry's one key; an entry that has its verdict already passes."""
        entry = await self._entry(subject)
        if entry.stage is not EntryStage.VALIDATING:
            return
        query = AccountQuery(
            name=self._open(Field.NAME, entry, entry.name_sealed),
            id_number=self._open(Field.ID_NUMBER, entry, entry.id_number_sealed),
            bank_code=entry.bank_code,
            account_no=self._open(Field.ACCOUNT, entry, entry.account_sealed),
            card_type=entry.card_type,
        )
        try:
            verdict = await self._platform.verify_account(entry.county_code, query, key=f"{entry.entry_no}/verify")
        except PlatformRefusal as refusal:
            if refusal.code not in ABOUT_THE_ENTRY:
                raise
            await self._validated(subject, refusal.code.value, ADVICE[refusal.code])
            return
        await self._validated(subject, *_verdict(verdict))

    async def _validated(self, subject: Subject, code: str | None, words: str | None) -> None:
        async with self._database.transaction() as session:
            entry = await locked_entry(session, subject.number)
            if entry is None or entry.stage is not EntryStage.VALIDATING:
                return
            if words is None:
                entry.stage = EntryStage.ENTERED
            else:
                await end_entry(session, entry, EntryStage.FAILED, code, f"银行验证未通过：{words}，请核对后重新申报")
            detail = {"before": EntryStage.VALIDATING.value, "after": entry.stage.value, "reason_code": code}
            await session.flush()
            act = by_system(entry.county_code, "village_entry.validated", entry.entry_no, detail)
            await record(session, self._vault, act)

    @activity.defn
    async def apply_entry(self, subject: Subject) -> EntryHanded:
        """Hand a confirmed entry over under the key of its attempt; one that is handed over already passes."""
        entry = await self._entry(subject)
        if entry.stage is not EntryStage.APPLYING or entry.submission_id is not None:
            return EntryHanded(taken=True)
        request = await self._submission(entry)
        key = f"{entry.entry_no}/a{entry.attempt}"
        try:
            answer = await self._platform.apply_account_change(request, key=key)
        except PlatformRefusal as refusal:
            if refusal.code is ProblemCode.ACCOUNT_CHANGE_PENDING:
                return EntryHanded(taken=False, try_again_seconds=self._settings.platform_busy_retry_seconds)
            if refusal.code not in ABOUT_THE_ENTRY:
                raise
            await self._not_taken(subject, refusal.code)
            return EntryHanded(taken=False)
        async with self._database.transaction() as session:
            locked = await locked_entry(session, subject.number)
            if locked is not None and locked.submission_id is None:
                locked.submission_id = answer.submission_id
            await remember(session, subject.county_code, answer.submission_id, subject.number)
        return EntryHanded(taken=True)

    async def _submission(self, entry: VillageEntry) -> AccountChangeSubmission:
        old_bank, old_account = await self._old_account(entry)
        return AccountChangeSubmission(
            client_reference=entry.entry_no,
            attempt=entry.attempt,
            county_code=entry.county_code,
            name=self._open(Field.NAME, entry, entry.name_sealed),
            id_number=self._open(Field.ID_NUMBER, entry, entry.id_number_sealed),
            card_type=entry.card_type,
            new_bank_code=entry.bank_code,
            new_account_no=self._open(Field.ACCOUNT, entry, entry.account_sealed),
            source=AccountSource.VILLAGE_ENTRY,
            old_bank_code=old_bank,
            old_account_no=old_account,
            reason=self._open(Field.REASON, entry, entry.reason_sealed) if entry.reason_sealed else None,
        )

    async def _old_account(self, entry: VillageEntry) -> tuple[str | None, str | None]:
        """The 无效卡 that the entry replaces, if the register still holds one."""
        async with self._database.reading() as session:
            row = await fetch_one(
                session,
                _InUse,
                "SELECT bank_code, account_sealed FROM register_account WHERE county_code = :county"
                " AND person_index = :person AND account_sealed IS NOT NULL",
                county=entry.county_code,
                person=entry.person_index,
            )
        if row is None:
            return None, None
        place = register_row(entry.county_code, entry.person_index)
        return row.bank_code, self._vault.open(Field.ACCOUNT, place, row.account_sealed)

    async def _not_taken(self, subject: Subject, code: ProblemCode) -> None:
        async with self._database.transaction() as session:
            entry = await locked_entry(session, subject.number)
            if entry is not None and entry.stage is EntryStage.APPLYING:
                await fail_at_platform(session, self._vault, entry, code.value, f"平台未受理：{ADVICE[code]}")

    @activity.defn
    async def ask_about_entry(self, subject: Subject) -> None:
        """The safety net behind account.change.applied: the answer is stored like the event, the same one once."""
        entry = await self._entry(subject)
        if entry.stage is not EntryStage.APPLYING or entry.submission_id is None:
            return
        answer = None
        try:
            answer = await self._platform.get_account_change(entry.county_code, entry.submission_id)
        except PlatformRefusal as refusal:  # a no is an answer too
            activity.logger.warning("asked about %s: %s", subject.number, refusal)
        async with self._database.transaction() as session:
            if answer is not None and answer.status is not AccountChangeStatus.PENDING:
                data = answer.model_copy(update={"client_reference": entry.entry_no})
                kind, at = EventType.ACCOUNT_CHANGE_APPLIED, now()
                await put_asked(session, self._vault, entry.county_code, kind, entry.entry_no, data, at)
            await note_asked(session, subject.workflow_id)

    @activity.defn
    async def look_at_entry(self, subject: Subject) -> Look:
        """Apply what has come and tell where the entry stands; one that is over closes its run."""
        async with self._database.transaction() as session:
            await apply_pending_events(session, self._vault, subject)
            entry = await _find(session, subject.number)
            words = ENTRY[entry.stage]
            since, _ = await note_stage(session, subject.workflow_id, entry.stage.value, words)
            # its contradictions are asked about once it is over, by the run for what comes after
            ask_now = entry.stage is EntryStage.APPLYING and await asks_anew(session, subject.workflow_id)
            done = entry.stage in ENDED
            if done:
                await close_run(session, subject.workflow_id, entry.stage.value)
        return Look(
            stage=entry.stage.value,
            waiting_for=words,
            since=since,
            ask_after_seconds=ask_after(self._settings, since, now()),
            ask_now=ask_now,
            done=done,
        )

    async def _entry(self, subject: Subject) -> VillageEntry:
        async with self._database.reading() as session:
            return await _find(session, subject.number)

    def _open(self, field: Field, entry: VillageEntry, sealed: str) -> str:
        return self._vault.open(field, entry.entry_no, sealed)


async def _find(session: AsyncSession, entry_no: str) -> VillageEntry:
    statement = select(VillageEntry).where(VillageEntry.entry_no == entry_no)
    return (await session.exec(statement)).one()


def _verdict(verdict: AccountVerdict) -> tuple[str | None, str | None]:
    """Code and words of a bad one; the bank may give no reason at all."""
    if verdict.valid:
        return None, None
    return verdict.reason_code or AccountReason.OTHER.value, reason_words(verdict.reason_code)

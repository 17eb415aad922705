"""Hands of a card change: the bank's word, 上卡 per county, looking at the rows (S2)."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from models.contracts import CardLook, Handed, PartRef, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.cards.look import look_at_request
from models.store.cards.parts import LockedRequest, add_step, end_part, lock_part, lock_request
from models.store.database import Database
from models.store.runs.look import remember
from models.store.runs.runs import close_run
from models.store.sql import fetch
from models.store.trail.entries import by_system, record
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.cards import CardChange, CardChangePart
from models.wire.answers import AccountVerdict
from models.wire.requests import AccountChangeSubmission, AccountQuery
from models.wire.words import AccountReason, AccountSource, ProblemCode
from models.words.card_stages import PartStage, RequestStage
from models.words.card_words import reason_words
from models.words.errors import ADVICE

# These say something about the account; every other refusal is about us, and is tried until somebody has seen to it.
ABOUT_THE_ACCOUNT = frozenset({ProblemCode.VALIDATION_FAILED})


class CardActivities:
    def __init__(self, database: Database, vault: Vault, platform: PlatformClient, settings: Settings) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._settings = settings

    @activity.defn
    async def validate_request(self, subject: Subject) -> CardLook:
        """银行验证 under the request's one key, then where it stands; one that has its verdict already passes."""
        async with self._database.reading() as session:
            query = await self._query(session, subject.number)
        if query is None:
            return await self.look_at_card(subject)
        try:
            key = f"{subject.number}/verify"
            verdict = await self._platform.verify_account(subject.county_code, query, key=key)
            code = None if verdict.valid else _reason(verdict)
            words = reason_words(code)
        except PlatformRefusal as refusal:
            if refusal.code not in ABOUT_THE_ACCOUNT:
                raise
            code, words = refusal.code.value, ADVICE[refusal.code]
        async with self._database.transaction() as session:
            locked = await lock_request(session, subject.number)
            await self._validated(session, locked, code, words)
            return await look_at_request(session, subject, self._settings, locked)

    async def _query(self, session: AsyncSession, request_no: str) -> AccountQuery | None:
        statement = select(CardChange).where(
            CardChange.request_no == request_no, CardChange.stage == RequestStage.VALIDATING
        )
        request = (await session.exec(statement)).first()
        if request is None:
            return None
        return AccountQuery(
            name=self._open(Field.NAME, request, request.name_sealed),
            id_number=self._open(Field.ID_NUMBER, request, request.id_number_sealed),
            bank_code=request.bank_code,
            account_no=self._open(Field.ACCOUNT, request, request.account_sealed),
            card_type=request.card_type,
        )

    async def _validated(self, session: AsyncSession, locked: LockedRequest, code: str | None, words: str) -> None:
        """待审核, or 申请失败 with the bank's reason; a request that was taken back meanwhile stays as it is."""
        waiting = [part for part in locked.parts if part.stage is PartStage.VALIDATING]
        if locked.request.stage is not RequestStage.VALIDATING:
            return
        if code is not None:
            locked.request.failure_code, locked.request.failure = code, f"银行验证未通过：{words}"
            await add_step(session, locked, None, "bank_validation_failed", f"银行验证未通过：{words}")
            for part in waiting:
                await end_part(session, self._vault, locked, part, PartStage.FAILED, code, words)
            return
        locked.request.stage = RequestStage.IN_PROGRESS
        for part in waiting:
            part.stage = PartStage.IN_REVIEW
        await add_step(session, locked, None, "bank_validated", "银行验证通过，待审核")

    @activity.defn
    async def look_at_card(self, subject: Subject) -> CardLook:
        """Apply what has come, and tell what has to be done in which county."""
        async with self._database.transaction() as session:
            taken = await apply_pending_events(session, self._vault, subject)
            locked = await lock_request(session, subject.number)
            look = await look_at_request(session, subject, self._settings, locked)
            if taken:
                await self._record_results(session, locked, taken)
            return look

    async def _record_results(self, session: AsyncSession, locked: LockedRequest, taken: int) -> None:
        """Into the trails of the counties that were told something; of this transaction is what has its time."""
        told = await fetch(
            session,
            str,
            "SELECT DISTINCT county_code FROM inbox WHERE number = :number AND applied_at = now()",
            number=locked.request.request_no,
        )
        for part in (part for part in locked.parts if part.county_code in told):
            detail = {"stage": part.stage.value, "attempt": part.attempt, "events": taken}
            await record(session, self._vault, by_system(part.county_code, "card_change.result", part.part_no, detail))

    @activity.defn
    async def apply_part(self, subject: Subject, ref: PartRef) -> Handed:
        """上卡 under the key of the attempt; one that is handed over, decided or ordered anew already passes."""
        async with self._database.transaction() as session:
            request = await self._submission(session, ref)
        if request is None:
            return Handed()
        try:
            answer = await self._platform.apply_account_change(request, key=f"{ref.part_no}/a{ref.attempt}")
        except PlatformRefusal as refusal:
            if refusal.code is ProblemCode.ACCOUNT_CHANGE_PENDING:
                return Handed(try_again_seconds=self._settings.platform_busy_retry_seconds)
            if refusal.code not in ABOUT_THE_ACCOUNT:
                raise
            await self._not_taken(ref, refusal.code)
            return Handed()
        async with self._database.transaction() as session:
            _, part = await lock_part(session, ref.part_no)
            if part.attempt == ref.attempt and part.submission_id is None:
                part.submission_id = answer.submission_id
            await remember(session, ref.county_code, answer.submission_id, ref.part_no)
        return Handed()

    async def _submission(self, session: AsyncSession, ref: PartRef) -> AccountChangeSubmission | None:
        """What goes to the platform; from here on the part is 上卡中, whatever becomes of the call."""
        locked, part = await lock_part(session, ref.part_no)
        if part.attempt != ref.attempt or part.submission_id is not None:
            return None
        if part.stage not in (PartStage.APPROVED, PartStage.APPLYING):
            return None
        if part.stage is PartStage.APPROVED:
            part.stage = PartStage.APPLYING
            await add_step(session, locked, part.county_code, part.stage.value, "已提交上卡，等待平台结果")
        return self._request(locked, part)

    def _request(self, locked: LockedRequest, part: CardChangePart) -> AccountChangeSubmission:
        request = locked.request
        old = part.old_account_sealed
        return AccountChangeSubmission(
            client_reference=part.part_no,
            attempt=part.attempt,
            county_code=part.county_code,
            name=self._open(Field.NAME, request, request.name_sealed),
            id_number=self._open(Field.ID_NUMBER, request, request.id_number_sealed),
            card_type=request.card_type,
            new_bank_code=request.bank_code,
            new_account_no=self._open(Field.ACCOUNT, request, request.account_sealed),
            source=AccountSource.CITIZEN_CHANNEL,
            old_bank_code=part.old_bank_code,
            old_account_no=self._vault.open(Field.ACCOUNT, part.part_no, old) if old else None,
            reason=self._open(Field.REASON, request, request.reason_sealed) if request.reason_sealed else None,
        )

    async def _not_taken(self, ref: PartRef, code: ProblemCode) -> None:
        """The platform won't even take it: a failed 上卡 that leaves the old account in use."""
        async with self._database.transaction() as session:
            locked, part = await lock_part(session, ref.part_no)
            if part.attempt == ref.attempt and part.ended_at is None:
                await end_part(
                    session, self._vault, locked, part, PartStage.FAILED, code.value, f"平台未受理：{ADVICE[code]}"
                )

    @activity.defn
    async def apply_invalidation(self, subject: Subject) -> None:
        """An account.invalidated takes effect; its run is over with it."""
        async with self._database.transaction() as session:
            taken = await apply_pending_events(session, self._vault, subject)
            await close_run(session, subject.workflow_id, "done")
            if taken:
                detail = {"events": taken, "at": now().isoformat()}
                await record(
                    session, self._vault, by_system(subject.county_code, "account.invalidated", subject.number, detail)
                )

    def _open(self, field: Field, request: CardChange, sealed: str) -> str:
        return self._vault.open(field, request.request_no, sealed)


def _reason(verdict: AccountVerdict) -> str:
    return (verdict.reason_code or AccountReason.OTHER).value

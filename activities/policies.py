"""Hands of policy and indicator review: submit, look (S1 1.1.2, 2.3.2)."""

from typing import NamedTuple

from sqlmodel import select
from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.files import PlatformFiles
from models.contracts import ReviewLook, RunKind, Subject
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.database import Database
from models.store.lock_order import Rank
from models.store.locking import fetch_locked
from models.store.runs.look import ask_after, note_stage, remember
from models.store.runs.runs import close_run
from models.store.sql import execute
from models.store.texts import open_text, seal_text
from models.store.vault import Vault
from models.tables.base import now
from models.tables.policies import Indicator, Policy
from models.wire import requests
from models.wire.requests import PolicySubmission
from models.words.errors import ADVICE
from models.words.stages import ReviewStage
from models.words.waiting import REVIEW

TABLES = {RunKind.POLICY_REVIEW: "policy", RunKind.INDICATOR_REVIEW: "indicator"}


class _Stands(NamedTuple):
    stage: str
    submitted: bool


class ReviewActivities:
    def __init__(
        self, database: Database, vault: Vault, platform: PlatformClient, files: PlatformFiles, settings: Settings
    ) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._files = files
        self._settings = settings

    @activity.defn
    async def submit_policy(self, subject: Subject) -> None:
        """Hand a policy over under the key of its round; a policy that is handed over already passes."""
        async with self._database.reading() as session:
            policy = (await session.exec(select(Policy).where(Policy.policy_no == subject.number))).one()
        if policy.submission_id is not None or policy.stage is not ReviewStage.IN_REVIEW:
            return
        reference = f"{policy.policy_no}.{policy.round}"
        try:
            uploaded = await self._files.upload([policy.file_id])
            request = PolicySubmission(
                client_reference=reference,
                county_code=policy.county_code,
                fund_year=policy.fund_year,
                policy_unit_code=policy.policy_unit_code,
                title=open_text(self._vault, policy.county_code, policy.title_sealed),
                item_codes=tuple(policy.item_codes),
                file_id=uploaded[policy.file_id],
                replaces_policy_id=policy.refused_submission_id,
            )
            answer = await self._platform.submit_policy(request, key=f"{reference}/submit")
        except PlatformRefusal as refusal:
            await self._refuse(subject, policy.round, refusal)
            return
        await self._submitted(subject, policy.round, answer.submission_id)

    @activity.defn
    async def submit_indicator(self, subject: Subject) -> None:
        """Hand an indicator over under the key of its round; one that is handed over already passes."""
        async with self._database.reading() as session:
            row = (await session.exec(select(Indicator).where(Indicator.indicator_no == subject.number))).one()
        if row.submission_id is not None or row.stage is not ReviewStage.IN_REVIEW:
            return
        reference = f"{row.indicator_no}.{row.round}"
        request = requests.IndicatorSubmission(
            client_reference=reference,
            county_code=row.county_code,
            fund_year=row.fund_year,
            budget_unit_code=row.budget_unit_code,
            budget_project_code=row.budget_project_code,
            document_no=row.document_no,
            fund_nature=row.fund_nature,
            total_fen=row.total_fen,
            central_fen=row.central_fen,
            provincial_fen=row.provincial_fen,
            municipal_fen=row.municipal_fen,
            county_fen=row.county_fen,
            replaces_indicator_id=row.refused_submission_id,
        )
        try:
            answer = await self._platform.submit_indicator(request, key=f"{reference}/submit")
        except PlatformRefusal as refusal:
            await self._refuse(subject, row.round, refusal)
            return
        await self._submitted(subject, row.round, answer.submission_id)

    @activity.defn
    async def look_at_review(self, subject: Subject) -> ReviewLook:
        """Apply what has come and tell where the review stands; a decided one closes its run."""
        table = TABLES[subject.kind]
        async with self._database.transaction() as session:
            await apply_pending_events(session, self._vault, subject)
            # Held to the end: handed in again at this moment, its run must not be closed after that.
            statement = f"SELECT stage, submission_id IS NOT NULL AS submitted FROM {table} WHERE {table}_no = :no"
            (row,) = await fetch_locked(session, Rank.INDICATOR, _Stands, statement, no=subject.number)
            stage = ReviewStage(row.stage)
            since, ask_now = await note_stage(session, subject.workflow_id, stage.value, REVIEW[stage])
            done = stage is not ReviewStage.IN_REVIEW
            if done:
                await close_run(session, subject.workflow_id, stage.value)
            return ReviewLook(
                stage=stage.value,
                waiting_for=REVIEW[stage],
                since=since,
                ask_after_seconds=ask_after(self._settings, since, now()),
                ask_now=ask_now,
                done=done,
                to_submit=not done and not row.submitted,
            )

    async def _submitted(self, subject: Subject, round_no: int, submission_id: str) -> None:
        table = TABLES[subject.kind]
        async with self._database.transaction() as session:
            await execute(
                session,
                f"UPDATE {table} SET submission_id = :submission, updated_at = now()"
                f" WHERE {table}_no = :no AND round = :round AND submission_id IS NULL",
                submission=submission_id,
                no=subject.number,
                round=round_no,
            )
            await remember(session, subject.county_code, submission_id, subject.number)

    async def _refuse(self, subject: Subject, round_no: int, refusal: PlatformRefusal) -> None:
        """The platform wouldn't even take it: the same as a refused review, with its reason."""
        table = TABLES[subject.kind]
        async with self._database.transaction() as session:
            await execute(
                session,
                f"UPDATE {table} SET stage = 'rejected', opinion_sealed = :opinion, reviewed_at = now(),"
                f" updated_at = now() WHERE {table}_no = :no AND round = :round AND stage = 'in_review'",
                round=round_no,
                opinion=seal_text(self._vault, subject.county_code, f"平台未受理：{ADVICE[refusal.code]}"),
                no=subject.number,
            )

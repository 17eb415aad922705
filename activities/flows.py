"""Hands of the subsidy flow: start, look, confirm the payment (S1 2.7)."""

from collections.abc import Sequence

from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal, PlatformUnavailable
from activities.platform.files import PlatformFiles
from models.contracts import FlowLook, RunKind, StartResult, Subject, workflow_id
from models.settings import Settings
from models.store.applying.pending import apply_pending_events
from models.store.database import Database
from models.store.flows.end import give_back
from models.store.flows.look import look_at_flow
from models.store.flows.next_step import sentence_of
from models.store.flows.rows import current_summary, flow_by_number, lock_flow_of_run
from models.store.runs.look import note_stage, remember
from models.store.sql import execute, fetch
from models.store.texts import open_text, seal_text
from models.store.vault import Vault
from models.tables.batches import Batch
from models.tables.flows import Flow
from models.wire import requests
from models.wire.requests import Cancellation
from models.wire.words import ProblemCode
from models.words.stages import FlowStage, SummaryStage

IMAGES = "SELECT file_id FROM batch_image WHERE batch_id = :id ORDER BY position"


class FlowActivities:
    def __init__(
        self, database: Database, vault: Vault, platform: PlatformClient, files: PlatformFiles, settings: Settings
    ) -> None:
        self._database = database
        self._vault = vault
        self._platform = platform
        self._files = files
        self._settings = settings

    @activity.defn
    async def look_at_flow(self, subject: Subject) -> FlowLook:
        """Apply what has come and tell what the flow has to do next; safe to repeat at any time."""
        async with self._database.transaction() as session:
            await apply_pending_events(session, self._vault, subject)
            return await look_at_flow(session, self._vault, subject, self._settings)

    @activity.defn
    async def start_flow(self, subject: Subject) -> StartResult:
        """Start the flow at the platform under the flow's own key; a county that is taken waits."""
        flow = await self._flow(subject)
        if flow.platform_id is not None or flow.stage is FlowStage.ENDED:
            return StartResult(started=True)
        if not await self._starting(flow):
            return StartResult(started=True)
        try:
            answer = await self._platform.start_flow(await self._start_request(flow), key=f"{flow.flow_no}/start")
        except PlatformRefusal as refusal:
            return await self._not_started(flow, refusal)
        async with self._database.transaction() as session:
            started = await execute(
                session,
                "UPDATE flow SET platform_id = :pid, stage = 'settling', holder = NULL, started_at = now()"
                " WHERE id = :id AND platform_id IS NULL AND stage = 'starting'",
                pid=answer.flow_id,
                id=flow.id,
            )
            await remember(session, subject.county_code, answer.flow_id, subject.number)
        if not started:
            await self._end_what_nobody_wants(flow, answer.flow_id)
        return StartResult(started=True)

    async def _starting(self, flow: Flow) -> bool:
        """While a start is on its way its outcome is unknown, and the flow can't be called off; False once it ended."""
        async with self._database.transaction() as session:
            rows = await execute(
                session,
                "UPDATE flow SET stage = 'starting' WHERE id = :id AND platform_id IS NULL"
                " AND stage IN ('starting', 'waiting_county')",
                id=flow.id,
            )
        return rows > 0

    async def _end_what_nobody_wants(self, flow: Flow, platform_id: str) -> None:
        """A start that was still on its way when another attempt's refusal let the flow be called off."""
        async with self._database.reading() as session:
            now = await flow_by_number(session, flow.flow_no)
        if now.platform_id is None and now.stage is FlowStage.ENDED:
            reason = Cancellation(reason="启动未被受理期间已取消")
            await self._platform.cancel_flow(flow.county_code, platform_id, reason, key=f"{flow.flow_no}/cancel")

    async def _flow(self, subject: Subject) -> Flow:
        async with self._database.reading() as session:
            return await flow_by_number(session, subject.number)

    async def _start_request(self, flow: Flow) -> requests.FlowStart:
        async with self._database.reading() as session:
            policies = await fetch(
                session,
                str,
                "SELECT p.submission_id FROM flow_policy f JOIN policy p ON p.id = f.policy_id WHERE f.flow_id = :id"
                " ORDER BY p.id",
                id=flow.id,
            )
            indicators = await fetch(
                session,
                str,
                "SELECT i.submission_id FROM flow_indicator f JOIN indicator i ON i.id = f.indicator_id"
                " WHERE f.flow_id = :id ORDER BY f.position",
                id=flow.id,
            )
            images = await fetch(session, int, IMAGES, id=flow.batch_id)
            batch = await session.get(Batch, flow.batch_id)
        assert batch is not None
        publicity = await self._publicity(batch, images)
        return requests.FlowStart(
            client_reference=flow.flow_no,
            county_code=flow.county_code,
            batch_no=flow.batch_no,
            fund_year=flow.fund_year,
            policy_unit_code=flow.policy_unit_code,
            policy_ids=tuple(policies),
            indicator_ids=tuple(indicators),
            publicity=publicity,
        )

    async def _publicity(self, batch: Batch, images: Sequence[int]) -> requests.Publicity:
        assert batch.publicity_start is not None
        assert batch.publicity_address is not None, "the batch was checked when the flow was entered"
        uploaded = await self._files.upload(images)
        return requests.Publicity(
            start_date=batch.publicity_start,
            address=batch.publicity_address,
            image_file_ids=tuple(uploaded[file_id] for file_id in images),
        )

    async def _not_started(self, flow: Flow, refusal: PlatformRefusal) -> StartResult:
        """Another flow in the county: wait. Any other no ends this flow, and its lines are free again."""
        async with self._database.transaction() as session:
            flow = await lock_flow_of_run(session, flow.flow_no)
            if refusal.code is ProblemCode.COUNTY_FLOW_ACTIVE:
                if flow.stage is FlowStage.STARTING:
                    flow.stage, flow.holder = FlowStage.WAITING_COUNTY, refusal.holder or flow.county_code
                    await session.flush()
                run = workflow_id(RunKind.SUBSIDY_FLOW, flow.flow_no)
                await note_stage(session, run, flow.stage.value, sentence_of(flow, flow.stage))
                return StartResult(started=False, try_again_seconds=self._settings.platform_busy_retry_seconds)
            flow.refusal_code = refusal.code.value
            await give_back(session, self._vault, flow, "refused")
        return StartResult(started=False, refused=True)

    @activity.defn
    async def call_off(self, subject: Subject) -> None:
        """End a flow that the platform has never started: the last answer to its start was a no."""
        async with self._database.transaction() as session:
            flow = await lock_flow_of_run(session, subject.number)
            if flow.platform_id is not None or flow.stage is not FlowStage.WAITING_COUNTY:
                return
            await execute(
                session,
                "UPDATE operator_order SET state = 'done', outcome = '流程未在平台启动，已取消', finished_at = now()"
                " WHERE flow_id = :id AND kind = 'cancellation' AND state = 'confirmed'",
                id=flow.id,
            )
            flow.called_off = True
            await give_back(session, self._vault, flow, "cancelled")

    @activity.defn
    async def submit_summary(self, subject: Subject) -> None:
        """Hand the passed summary over under its number; refused figures go back to the county's review."""
        async with self._database.reading() as session:
            flow = await flow_by_number(session, subject.number)
            summary = await current_summary(session, flow)
        if summary is None or summary.stage is not SummaryStage.COUNTY_PASSED or flow.platform_id is None:
            return
        assert summary.form_file_id is not None
        assert summary.figures is not None
        reference = f"{flow.flow_no}.s{summary.number}"
        try:
            uploaded = await self._files.upload([summary.form_file_id])
            request = requests.Summary(
                client_reference=reference,
                total_fen=summary.figures["total_fen"],
                application_count=summary.figures["application_count"],
                household_count=summary.figures["household_count"],
                towns=tuple(requests.Share.model_validate(share) for share in summary.figures["towns"]),
                banks=tuple(requests.Share.model_validate(share) for share in summary.figures["banks"]),
                approval_form_file_id=uploaded[summary.form_file_id],
                opinion=open_text(self._vault, flow.county_code, summary.opinion_sealed) or "",
            )
            answer = await self._platform.submit_summary(
                flow.county_code, flow.platform_id, request, key=f"{reference}/submit"
            )
        except PlatformRefusal as refusal:
            await self._summary_not_taken(flow.county_code, summary.id, refusal)
            return
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE summary SET stage = 'submitted', submission_id = :submission"
                " WHERE id = :id AND stage = 'county_passed'",
                submission=answer.submission_id,
                id=summary.id,
            )
            await remember(session, subject.county_code, answer.submission_id, subject.number)

    async def _summary_not_taken(self, county_code: str, summary_id: int | None, refusal: PlatformRefusal) -> None:
        """A no sends it back to the county; where the platform has a summary of this flow already, that one stands.

        It was handed in within minutes that a restored database has lost. The platform takes only one whose figures
        are those of the lines that it has accepted, and holds the payment's confirmation against them once more.
        """
        if refusal.code is ProblemCode.SUMMARY_UNDER_REVIEW:
            pause = self._settings.platform_busy_retry_seconds
            raise PlatformUnavailable(refusal.operation, "another one", code=refusal.code, retry_after=pause)
        stands = refusal.code is ProblemCode.SUMMARY_APPROVED
        said = "平台此前已审核通过本流程的发放汇总" if stands else f"平台未受理：{refusal.code.value}"
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE summary SET stage = :stage, platform_opinion_sealed = :opinion,"
                " platform_reviewed_at = now() WHERE id = :id AND stage = 'county_passed'",
                stage=(SummaryStage.APPROVED if stands else SummaryStage.REJECTED).value,
                opinion=seal_text(self._vault, county_code, said),
                id=summary_id,
            )

    @activity.defn
    async def confirm_payment(self, subject: Subject) -> None:
        """确认发放 under the summary's number: the one instruction that makes money move, never sent with two keys."""
        async with self._database.reading() as session:
            flow = await flow_by_number(session, subject.number)
            summary = await current_summary(session, flow)
        assert flow.platform_id is not None
        if summary is None or summary.confirmed_at is None or summary.stage is not SummaryStage.APPROVED:
            return
        assert summary.figures is not None
        confirmation = requests.PaymentConfirmation(
            application_count=summary.figures["application_count"], total_fen=summary.figures["total_fen"]
        )
        key = f"{flow.flow_no}.s{summary.number}/confirm"
        try:
            await self._platform.confirm_payment(flow.county_code, flow.platform_id, confirmation, key=key)
        except PlatformRefusal as refusal:
            if refusal.code not in (ProblemCode.SUMMARY_APPROVED, ProblemCode.FLOW_ENDED):
                raise
            # The platform has the confirmation already; its payments will show what it paid.
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE summary SET stage = 'confirmed', confirmation_sent_at = now() WHERE id = :id",
                id=summary.id,
            )
            await execute(session, "UPDATE flow SET stage = 'paying' WHERE id = :id AND stage <> 'ended'", id=flow.id)

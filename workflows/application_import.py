"""批量导入: a county's file is checked row by row and taken in whole, or not at all (DOMAIN 3)."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.imports import ApplicationImports
    from models.contracts import ImportLook, Look, Subject
    from models.words.stages import ImportStage
    from models.words.waiting import IMPORT as WAITING_FOR
    from workflows.options import PATIENT, Options
    from workflows.run import RowDriven

# 100,000 rows take under a minute; the checking beats every half second, so a dead worker is noticed at once.
IMPORT = Options(
    start_to_close_timeout=timedelta(minutes=15), heartbeat_timeout=timedelta(seconds=30), retry_policy=PATIENT
)


@workflow.defn
class ApplicationImportWorkflow(RowDriven):
    """checking → to_confirm (an operator's word) → imported | refused, or without a stop where nothing was found."""

    @workflow.signal
    def import_decided(self, import_nos: list[str]) -> None:
        self._news.extend(import_nos)

    @workflow.run
    async def run(self, subject: Subject) -> ImportLook:
        checking = WAITING_FOR[ImportStage.CHECKING]
        begun = Look(stage=ImportStage.CHECKING, waiting_for=checking, since=workflow.now(), ask_after_seconds=0.0)
        self._enter(subject, begun)
        look = await self._go_on(subject)
        while not look.done or self._news:
            await self._pause(subject, look.ask_after_seconds)
            look = await self._go_on(subject)
        return look

    async def _go_on(self, subject: Subject) -> ImportLook:
        """Check and take in; the one activity changes the run's row in the transaction that takes the rows in."""
        self._news.clear()
        look = await workflow.execute_activity_method(ApplicationImports.import_applications, subject, **IMPORT)
        self._enter(subject, look)
        return look

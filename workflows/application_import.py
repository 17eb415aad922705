"""批量导入: a county's file is checked row by row and taken in whole, or not at all (DOMAIN 3)."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.application_imports import WAITING_FOR, ApplicationImports
    from models.stages import ImportStage, label
    from models.subsidy import ImportResult, Look, Subject
    from workflows.options import PATIENT, Options
    from workflows.rows import RowDriven

# 100,000 rows take under a minute; the checking beats every half second, so a dead worker is noticed at once.
IMPORT = Options(
    start_to_close_timeout=timedelta(minutes=15), heartbeat_timeout=timedelta(seconds=30), retry_policy=PATIENT
)


@workflow.defn
class ApplicationImportWorkflow(RowDriven):
    """checking → imported | refused; the one activity closes the run in the transaction that takes the rows in."""

    @workflow.run
    async def run(self, subject: Subject) -> ImportResult:
        self._say(subject, ImportStage.CHECKING, WAITING_FOR)
        result = await workflow.execute_activity_method(ApplicationImports.import_applications, subject, **IMPORT)
        stage = ImportStage.IMPORTED if result.imported else ImportStage.REFUSED
        self._say(subject, stage, label(stage))
        return result

    def _say(self, subject: Subject, stage: ImportStage, sentence: str) -> None:
        self._enter(subject, Look(stage=stage.value, waiting_for=sentence, since=workflow.now(), ask_after_seconds=0.0))

"""批量导入: a county's file is checked row by row and taken in whole, or not at all."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.imports import ApplicationImports
    from models.contracts import ImportLook, Subject
    from models.words.stages import ImportStage
    from models.words.waiting import IMPORT as WAITING_FOR
    from workflows.options import IMPORT
    from workflows.run import RowDriven


@workflow.defn
class ApplicationImportWorkflow(RowDriven):
    """checking → to_confirm (an operator's word) → imported | refused, or without a stop where nothing was found."""

    @workflow.run
    async def run(self, subject: Subject) -> ImportLook:
        self._show(subject, ImportStage.CHECKING, WAITING_FOR[ImportStage.CHECKING], workflow.now())
        look = await self._check_and_import(subject)
        while not look.done or self._woken:
            await self._pause(subject, look.ask_after_seconds)
            look = await self._check_and_import(subject)
        return look

    async def _check_and_import(self, subject: Subject) -> ImportLook:
        """The one activity changes the run's row in the transaction that takes the rows in."""
        return await self._look_by(ApplicationImports.import_applications, subject, first=None, otherwise=IMPORT)

"""提交材料: photos of paid lines are sent to the platform, as an operator ordered (S1 2.8)."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.evidence import EvidenceActivities
    from models.contracts import EvidenceResult, Subject
    from workflows.options import PUSH
    from workflows.run import RowDriven


@workflow.defn
class EvidenceWorkflow(RowDriven):
    """list what lacks photos → send the rest, a hundred lines a page → done."""

    @workflow.run
    async def run(self, subject: Subject) -> EvidenceResult:
        return await self._until_quiet(partial(self._send, subject))

    async def _send(self, subject: Subject) -> EvidenceResult:
        await self._locally_first(EvidenceActivities.list_missing_photos, subject)
        return await self._call(EvidenceActivities.send_evidence, subject, options=PUSH)

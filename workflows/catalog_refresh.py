"""The platform's lists are fetched for a county and a fund year (S1 2.3.1)."""

from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.catalogs import CatalogActivities
    from models.contracts import Subject
    from workflows.options import PAGE
    from workflows.run import RowDriven


@workflow.defn
class CatalogRefreshWorkflow(RowDriven):
    """fetch all lists → replace them together; once more when that is asked for meanwhile."""

    @workflow.run
    async def run(self, subject: Subject) -> None:
        await self._until_quiet(partial(self._call, CatalogActivities.refresh_catalogs, subject, options=PAGE))

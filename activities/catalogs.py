"""The platform's lists, fetched for a county and a fund year and kept for everyone who chooses from them."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal
from activities.platform.tries import for_each, with_retries
from models.contracts import Subject
from models.store.database import Database
from models.store.runs.runs import close_run, times_asked
from models.store.sql import execute, fetch
from models.wire import answers
from models.wire.answers import Catalog, CatalogItem, Towns

CatalogItems = Sequence[CatalogItem | answers.Town]
# Kind and fund year, 0 for lists of every year.
Place = tuple[str, int]
Question = tuple[Place, Callable[[], Awaitable[Catalog | Towns]]]
NO_YEAR = 0
LISTS_AT_ONCE = 4


_FETCHED = """
INSERT INTO catalog_fetched (workflow_id, kind, fund_year, asked, items, fetched_at)
VALUES (:run, :kind, :year, :asked, CAST(:items AS jsonb), now())
ON CONFLICT (workflow_id, kind) DO UPDATE SET fund_year = excluded.fund_year, asked = excluded.asked,
  items = excluded.items, fetched_at = excluded.fetched_at
"""
_REPLACED = """
INSERT INTO catalog_list (county_code, kind, fund_year, items, fetched_at)
SELECT :county, kind, fund_year, items, fetched_at FROM catalog_fetched WHERE workflow_id = :run AND asked = :asked
ON CONFLICT (county_code, kind, fund_year) DO UPDATE SET items = excluded.items, fetched_at = excluded.fetched_at
"""


class CatalogActivities:
    def __init__(self, database: Database, platform: PlatformClient) -> None:
        self._database = database
        self._platform = platform

    @activity.defn
    async def refresh_catalogs(self, subject: Subject) -> None:
        """Fetch all lists, then replace them together; asked for again, they are fetched again."""
        async with self._database.reading() as session:
            asked = await times_asked(session, subject.workflow_id)
        stage = "done"
        try:
            await self._fetch(subject, asked)
        except PlatformRefusal as refusal:
            # A year without lists: nothing to keep, and whoever asks next has them fetched anew.
            stage = refusal.code.value
        async with self._database.transaction() as session:
            run = subject.workflow_id
            if stage == "done":
                await execute(session, _REPLACED, county=subject.county_code, run=run, asked=asked)
            await execute(session, "DELETE FROM catalog_fetched WHERE workflow_id = :run", run=run)
            await close_run(session, run, stage, asked)

    async def _fetch(self, subject: Subject, asked: int) -> None:
        """Each list is kept as soon as it is here: another attempt fetches only what is missing."""
        kept = "SELECT kind FROM catalog_fetched WHERE workflow_id = :run AND asked = :asked"
        async with self._database.reading() as session:
            here = await fetch(session, str, kept, run=subject.workflow_id, asked=asked)
        questions = self._questions(subject.county_code, subject.fund_year or NO_YEAR)

        async def put(question: Question) -> None:
            (kind, of_year), ask = question
            items, run = _json((await with_retries(ask)).items), subject.workflow_id
            async with self._database.writing_once() as session:
                await execute(session, _FETCHED, run=run, kind=kind, year=of_year, asked=asked, items=items)

        await for_each([each for each in questions if each[0][0] not in here], put, LISTS_AT_ONCE)

    def _questions(self, county: str, year: int) -> list[Question]:
        ask = self._platform
        return [
            (("policy-units", NO_YEAR), partial(ask.list_policy_units, county)),
            (("budget-units", NO_YEAR), partial(ask.list_budget_units, county)),
            (("budget-projects", year), partial(ask.list_budget_projects, county, year)),
            (("indicator-documents", year), partial(ask.list_indicator_documents, county, year)),
            (("subsidy-items", year), partial(ask.list_subsidy_items, county, year)),
            (("towns", NO_YEAR), partial(ask.list_towns, county)),
            (("banks", NO_YEAR), partial(ask.list_banks, county)),
        ]


def _json(items: CatalogItems) -> str:
    return json.dumps([item.model_dump(mode="json") for item in items], ensure_ascii=False)

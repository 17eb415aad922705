"""The platform's lists, fetched for a county and a fund year and kept for everyone who chooses from them."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.platform_client import PlatformClient
from activities.platform_errors import PlatformRefusal
from activities.tries import for_each, patiently
from models.platform import Catalog, CatalogItem, Town, Towns
from models.store.database import Database, execute
from models.store.runs import close_run, times_asked
from models.subsidy import Subject

Items = Sequence[CatalogItem | Town]
# Kind and fund year, 0 for lists of every year.
Place = tuple[str, int]
NO_YEAR = 0
LISTS_AT_ONCE = 4


class CatalogActivities:
    def __init__(self, database: Database, platform: PlatformClient) -> None:
        self._database = database
        self._platform = platform

    @activity.defn
    async def refresh_catalogs(self, subject: Subject) -> None:
        """Fetch all lists, then replace them together; fetching again gives the platform's newest."""
        async with self._database.reading() as session:
            asked = await times_asked(session, subject.workflow_id)
        try:
            lists = await self._fetch(subject.county_code, subject.fund_year or NO_YEAR)
        except PlatformRefusal as refusal:
            # A year without lists: nothing to keep, and whoever asks next has them fetched anew.
            async with self._database.transaction() as session:
                await close_run(session, subject.workflow_id, refusal.code.value, asked)
            return
        async with self._database.transaction() as session:
            for (kind, of_year), items in lists.items():
                await _keep(session, subject.county_code, kind, of_year, items)
            await close_run(session, subject.workflow_id, "done", asked)

    async def _fetch(self, county: str, year: int) -> dict[Place, Items]:
        ask, lists = self._platform, dict[Place, Items]()
        questions: list[tuple[Place, Callable[[], Awaitable[Catalog | Towns]]]] = [
            (("policy-units", NO_YEAR), partial(ask.list_policy_units, county)),
            (("budget-units", NO_YEAR), partial(ask.list_budget_units, county)),
            (("budget-projects", year), partial(ask.list_budget_projects, county, year)),
            (("indicator-documents", year), partial(ask.list_indicator_documents, county, year)),
            (("subsidy-items", year), partial(ask.list_subsidy_items, county, year)),
            (("towns", NO_YEAR), partial(ask.list_towns, county)),
            (("banks", NO_YEAR), partial(ask.list_banks, county)),
        ]

        async def put(question: tuple[Place, Callable[[], Awaitable[Catalog | Towns]]]) -> None:
            place, asked = question
            lists[place] = (await patiently(asked)).items

        await for_each(questions, put, LISTS_AT_ONCE)
        return lists


async def _keep(session: AsyncSession, county: str, kind: str, year: int, items: Items) -> None:
    await execute(
        session,
        "INSERT INTO catalog_list (county_code, kind, fund_year, items, fetched_at)"
        " VALUES (:county, :kind, :year, CAST(:items AS jsonb), now())"
        " ON CONFLICT (county_code, kind, fund_year) DO UPDATE SET items = excluded.items, fetched_at = now()",
        county=county,
        kind=kind,
        year=year,
        items=json.dumps([item.model_dump(mode="json") for item in items], ensure_ascii=False),
    )

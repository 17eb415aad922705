"""The fixture `desk`; a test module takes it by `pytest_plugins = ["tests.import_fixtures"]`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from activities.imports import ApplicationImports
from deploy.stack.objects import Access
from tests.api_server import ApiServer, api_server
from tests.import_office import YEARS, Desk, seed_county_lists
from worker import at_work, build_workers


@asynccontextmanager
async def working(server: ApiServer, client: Client) -> AsyncIterator[None]:
    activities = ApplicationImports(server.database, server.vault, server.objects)
    async with at_work(build_workers(client, server.settings, [activities.import_applications])):
        yield


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, s3_settings: Access, temporal_client: Client) -> AsyncIterator[Desk]:
    year = next(YEARS)
    grace = {"worker_grace_seconds": 1, "platform_timeout_seconds": 0.5}
    queue: dict[str, Any] = {"temporal_task_queue": f"imports-{year}"} | grace
    async with api_server(database_url, tmp_path, s3_settings, temporal_client, **queue) as server:
        await seed_county_lists(server, year)
        async with working(server, temporal_client):
            yield Desk(server, year)

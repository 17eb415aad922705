"""The canary: runs that end are seen to end, and when none does /health says so although Temporal answers."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from api.relay.canary import Canary
from deploy.cluster.agreed import CANARY_NAMESPACE
from tests.api_server import api_server, settings_for
from tests.tiny_runs import eventually, fresh_queue
from workflows.canary_worker import keep_canary
from workflows.client import connect


async def test_health_says_when_no_run_ends(
    temporal_environment: Mapping[str, str], database_url: str, tmp_path: Path
) -> None:
    given = {name.lower(): value for name, value in temporal_environment.items()}
    given |= {"temporal_task_queue": fresh_queue(), "temporal_canary_namespace": CANARY_NAMESPACE}
    more = given | {"temporal_canary_seconds": 1}
    queue = str(given["temporal_task_queue"])
    worker = asyncio.create_task(keep_canary(temporal_environment, CANARY_NAMESPACE, queue))
    client = await connect(temporal_environment)
    async with api_server(database_url, tmp_path, temporal=client, **more) as server:

        async def says(stalled: bool) -> bool:
            health = (await server.http.get("/health")).json()
            seen = health["temporal_canary_seconds"] is not None
            return seen and (health["temporal_stalled"], health["temporal"]) == (stalled, True)

        await eventually(lambda: says(False), within_s=20)
        assert (await server.http.get("/health")).json()["status"] == "ok"
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker
        await eventually(lambda: says(True), within_s=30)
        assert (await server.http.get("/health")).json()["status"] == "degraded"


def test_it_is_off_where_it_has_no_namespace(tmp_path: Path) -> None:
    settings = settings_for("postgresql+psycopg://a:b@127.0.0.1:1/none", tmp_path)
    assert settings.temporal_canary_namespace is None
    assert Canary(settings, "somewhere").age is None

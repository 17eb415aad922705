"""After a restore: what the command puts right before anybody works, and how what was called back is learned."""

import asyncio
import os
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from temporalio.client import Client

from deploy.restored import main
from deploy.spoken import spoken
from deploy.stack import Stack, postgres
from deploy.stack.keys import write_platform_clients
from deploy.stack.objects import Access
from models.contracts import RunKind, Signal, workflow_id
from models.store import vault
from models.store.numbers import Series, take_one
from models.store.trail.entries import by_system, record
from models.tables.base import now
from tests.api_server import COUNTY, PROVINCE, api_server
from tests.county_office import Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
RESTORED = "INSERT INTO restoration (restored_to, lost_until, at) VALUES (now() - interval '10 minutes', now(), now())"
_buckets = count(1)


@pytest.fixture
def own_bucket(servers: Stack) -> str:
    """Other tests' databases have the same counties."""
    bucket = f"restored-{os.getpid()}-{next(_buckets)}"
    client = servers.layout.objects.client()
    client.create_bucket(Bucket=bucket)
    client.close()
    return bucket


async def test_the_command_puts_right_once_what_would_repeat_lost_minutes(
    servers: Stack,
    database_url: str,
    own_bucket: str,
    s3_settings: Access,
    temporal_client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clients, keys = tmp_path / "platform.json", tmp_path / "restored-vault.json"
    vault.create_vault_key_file(keys)
    write_platform_clients(clients, servers.layout.secrets, "http://127.0.0.1:9/v1")
    given = {"VAULT_KEY_FILE": str(keys), "S3_BUCKET": own_bucket, "TEMPORAL_TASK_QUEUE": own_bucket}
    given["PLATFORM_CLIENTS_FILE"] = str(clients)
    for name, value in (servers.layout.environment(database_url) | given).items():
        monkeypatch.setenv(name, value)
    year = now().year

    async def ran(*words: str) -> tuple[int, str, str]:
        argv = [*words, "--by", "li.wei", "--reason", "磁盘损坏"]
        code = await asyncio.to_thread(spoken, "restored", lambda: main(argv))
        return code, *capsys.readouterr()

    async with api_server(database_url, tmp_path, s3_settings, vault=vault.LocalVault.from_file(keys)) as server:
        async with server.database.transaction() as session:
            await take_one(session, Series.FLOW, COUNTY, year)
            await take_one(session, Series.LOGIN, PROVINCE, year)
            await record(session, server.vault, by_system(COUNTY, "noted", "x", {}))
        to, until = (now() + timedelta(seconds=pause) for pause in (1, 600))
        moments = ("--to", to.isoformat(), "--until", until.isoformat())
        assert "还有 worker 或 API" in (await ran(*moments))[2]
    assert "晚于 --to" in (await ran("--to", (to - timedelta(hours=1)).isoformat(), *moments[2:]))[2]
    assert "没有时区" in (await ran("--to", "2026-11-27T18:30:00"))[2]
    code, told, errors = await ran(*moments)
    assert code == 0, errors
    assert "个区县的留痕" in told
    # also long after it: what was noted then is younger than --to, too
    assert "已经记过" in (await ran("--to", (to - timedelta(hours=1)).isoformat(), *moments[2:]))[2]
    with servers.layout.cluster.connect(str(make_url(database_url).database), postgres.SUPERUSER) as connection:
        last = _last_numbers(connection)
    assert last[f"{COUNTY}-L{year}"] == 1, "a flow that is begun again is the platform's"
    assert last[f"{PROVINCE}-F{year}"] == 1_001, "nobody is given another's sign-in"
    assert last[f"{COUNTY}-K{year}"] == 1_000
    assert last[f"{COUNTY}-S{year}"] == 1_000_000


def _last_numbers(connection: psycopg.Connection) -> dict[str, int]:
    return {str(series): int(last) for series, last in connection.execute("SELECT series, last FROM number_series")}


@pytest.mark.helped
def test_what_was_called_back_in_the_lost_minutes_is_asked_for(province: Province) -> None:
    """The platform won't call again, and the next question by itself would be a day away."""
    office = Office(province)
    flow_no, _ = office.started(lines(2))
    province.platform.lose("flow.summary.reviewed")
    office.pass_in_county(flow_no)
    office.operator.post(f"/flows/{flow_no}/summary/submission")
    office.at(flow_no, "summary_submitted")
    province.wait(
        "the platform has decided",
        lambda: province.platform.ask("GET", "/events?status=lost"),
        lambda seen: seen["items"],
    )
    province.change(RESTORED)
    province.wake(workflow_id(RunKind.SUBSIDY_FLOW, flow_no), Signal.OPENED, [flow_no])
    office.at(flow_no, "summary_approved")
    asked = province.rows("SELECT event_type FROM inbox WHERE source = 'asked'")
    assert asked == [("flow.summary.reviewed",)]
    office.pay(flow_no)
    office.at(flow_no, "ended")

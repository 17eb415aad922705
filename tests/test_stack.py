"""The local stack: what is started answers on loopback only, and what is killed comes back with its data."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import boto3
import psutil
import psycopg
import pytest
from botocore.exceptions import ClientError
from temporalio.api.enums.v1 import EventType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from deploy.stack import SERVERS, Options, Stack, StackError, postgres, temporal
from deploy.stack.objects import Access
from workflows.client import connect

StackFactory = Callable[..., Stack]


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_killed_postgres_comes_back_with_what_it_had_committed(stack_factory: StackFactory) -> None:
    stack = stack_factory(parts=("postgres",))
    stack.create_database("kept")
    url = libpq(stack.layout.cluster.url("kept", postgres.OWNER))
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE seen (n int)")
        connection.execute("INSERT INTO seen VALUES (7)")
    stack.kill("postgres")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with subprocess.Popen(["true"], user=stack.layout.cluster.account) as dead:
        # as one that nobody has reaped yet: its starter was killed with it
        os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
        lock = postgres.storage(stack.layout.home) / "data" / "postmaster.pid"
        lock.write_text(lock.read_text().replace(lock.read_text().split()[0], str(dead.pid), 1))
        threading.Timer(1, dead.wait).start()
        stack.start("postgres")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM seen").fetchall() == [(7,)]


def test_killed_object_store_comes_back_with_its_objects(stack_factory: StackFactory) -> None:
    stack = stack_factory(parts=("s3",))
    client = stack.layout.objects.client()
    client.put_object(Bucket="onecard", Key="photo", Body=b"\xff\xd8photo")
    stack.kill("s3")
    stack.start("s3")
    assert client.get_object(Bucket="onecard", Key="photo")["Body"].read() == b"\xff\xd8photo"


async def test_killed_temporal_comes_back_with_its_runs_and_retention(stack_factory: StackFactory) -> None:
    stack = stack_factory(parts=("temporal",))
    environment = stack.layout.temporal.environment
    client = await connect(environment)
    handle = await client.start_workflow("NobodysWorkflow", id="waiting", task_queue="nobodys")
    await handle.signal("spoken", "well")
    stack.kill("temporal")
    stack.start("temporal")
    events = [event.event_type async for event in handle.fetch_history_events()]
    assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED in events
    assert temporal.retention(environment) == timedelta(days=90)


async def test_temporal_knows_our_search_attributes(temporal_client: Client) -> None:
    request = ListSearchAttributesRequest(namespace=temporal.NAMESPACE)
    listed = await temporal_client.operator_service.list_search_attributes(request)
    assert set(temporal.SEARCH_ATTRIBUTES) <= set(listed.custom_attributes)


def test_object_store_refuses_other_keys(s3_settings: Access) -> None:
    stranger = boto3.client(
        "s3",
        endpoint_url=s3_settings.endpoint_url,
        region_name=s3_settings.region,
        aws_access_key_id=s3_settings.access_key_id,
        aws_secret_access_key="not-the-secret",
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.put_object(Bucket=s3_settings.bucket, Key="x", Body=b"")
    stranger.close()


def test_databases_of_a_template_are_copies(servers: Stack) -> None:
    servers.start("postgres")
    cluster = servers.layout.cluster
    servers.create_database("pattern")
    with cluster.connect("pattern", postgres.OWNER) as connection:
        connection.execute("CREATE TABLE seen (n int)")
    servers.create_database("copy", template="pattern")
    with cluster.connect("copy", postgres.OWNER) as connection:
        connection.execute("INSERT INTO seen VALUES (1)")
    with cluster.connect("pattern", postgres.OWNER) as connection:
        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (0,)
    servers.drop_database("copy")
    servers.drop_database("pattern")


def test_everything_listens_on_loopback_only_and_is_gone_afterwards(tmp_path: Path) -> None:
    with Stack(tmp_path / "home", Options(durable=False)) as stack:
        stack.start(*SERVERS)
        parts = [psutil.Process(stack.pid(name)) for name in SERVERS]
        family = [member for part in parts for member in (part, *part.children(recursive=True))]
        listening = {address for member in family for address in _listening(member)}
    assert "127.0.0.1" in listening
    assert all(ip_address(one).is_loopback for one in listening)
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    assert list((tmp_path / "home" / "run").glob("*.pid.json")) == []
    stack.remove()
    assert not (tmp_path / "home").exists()


def _listening(member: psutil.Process) -> set[str]:
    """Where a process listens; PostgreSQL's short-lived workers may be gone by now."""
    try:
        return {c.laddr.ip for c in member.net_connections() if c.status == "LISTEN"}
    except psutil.NoSuchProcess:
        return set()


def test_a_second_stack_in_the_same_place_is_refused(tmp_path: Path) -> None:
    with Stack(tmp_path / "home"), pytest.raises(StackError, match="已在运行"):
        Stack(tmp_path / "home")


def test_a_failed_start_names_the_part_and_ends_it(tmp_path: Path) -> None:
    with Stack(tmp_path / "home", Options(temporal=temporal.Kind.DEV)) as stack:
        (tmp_path / "home" / "temporal" / "temporal.db").mkdir(parents=True)
        with pytest.raises(StackError, match="temporal 启动后即退出"):
            stack.start("temporal")
        assert stack.ended() == ["temporal"]


def test_a_stopped_part_still_ends(stack_factory: StackFactory) -> None:
    stack = stack_factory(parts=("postgres",))
    stack.signal("postgres", signal.SIGSTOP)
    stack.stop("postgres")
    assert not stack.is_running("postgres")


def test_secrets_are_for_their_owner_only(servers: Stack) -> None:
    servers.start("postgres")
    files = list((servers.layout.home / "keys").iterdir())
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_time_skipping_server_skips(time_skipping_env: WorkflowEnvironment) -> None:
    before = await time_skipping_env.get_current_time()
    await time_skipping_env.sleep(timedelta(days=60))
    assert await time_skipping_env.get_current_time() - before >= timedelta(days=60)

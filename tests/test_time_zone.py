"""Whatever zone the database has: instants are the same, and what people read of them is Beijing time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from temporalio.service import RPCError, RPCStatusCode

from deploy.stack import Stack
from models.words.waiting import since_when
from tests.county_office import Office
from tests.databases import Databases
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]


@pytest.fixture(params=["UTC", "Asia/Shanghai", "America/Los_Angeles"])
def database_url(request: pytest.FixtureRequest, servers: Stack, databases: Databases) -> Iterator[str]:
    """A database whose own zone is another one."""
    servers.start("postgres")
    name = databases.take()
    with servers.layout.cluster.connect(name) as admin:
        zone = psycopg.sql.Literal(request.param)
        admin.execute(psycopg.sql.SQL("ALTER DATABASE {} SET timezone = {}").format(psycopg.sql.Identifier(name), zone))
    yield servers.layout.cluster.url(name)
    databases.give_back(name)


def test_ops_read_since_when_in_beijing_time(province: Province, request: pytest.FixtureRequest) -> None:
    office = Office(province)
    province.platform.hold("policy")
    office.choose_policy_unit()
    file_id = office.county.admin.file_id("policy.pdf", office.form())
    new = {"fund_year": office.year, "title": "补贴政策", "item_codes": ["BT1001"], "file_id": file_id}
    policy_no = office.county.admin.post("/policies", new)["policy_no"]
    handle = province.temporal.get_workflow_handle(f"policy-review/{policy_no}")

    async def situation() -> str:
        try:
            told: str = await handle.query("situation")
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                # not begun yet
                return ""
            raise
        return told

    province.wait(
        "说明", lambda: {"told": province.portal.call(situation)}, lambda seen: "等待平台审核" in seen["told"]
    )
    [(since,)] = province.rows("SELECT since FROM run WHERE number = :no", no=policy_no)
    assert since.utcoffset() == _offset(request, since)
    beijing = since.astimezone(UTC) + timedelta(hours=8)
    assert f"（自北京时间 {beijing:%Y-%m-%d %H:%M} 起）" in province.portal.call(situation)


def _offset(request: pytest.FixtureRequest, at: datetime) -> timedelta:
    """The test means what it says: rows come in the database's zone."""
    hours = {"UTC": 0, "Asia/Shanghai": 8, "America/Los_Angeles": -7 if 3 < at.month < 11 else -8}
    return timedelta(hours=hours[request.node.callspec.params["database_url"]])


def test_an_instant_reads_the_same_from_every_zone() -> None:
    at = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    for hours in (-8, 0, 8):
        told = since_when("等待", at.astimezone(timezone(timedelta(hours=hours))))
        assert told == "等待（自北京时间 2027-01-01 00:30 起）"

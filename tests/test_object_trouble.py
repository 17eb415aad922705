"""The object store is slow or cuts off: never a row without its object, never a file other than the one stored."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from temporalio.client import Client

from deploy.stack.objects import Access
from models.store.sql import fetch_int
from models.words.staff import Role
from tests.api_server import COUNTY, ApiServer, api_server
from tests.import_fixtures import working
from tests.import_office import Desk, row, seed_county_lists, sheet
from tests.object_proxy import ObjectProxy, proxied
from tests.tiny_runs import eventually

KIB = 1024
YEAR = 2058


@dataclass(frozen=True)
class Door:
    server: ApiServer
    proxy: ObjectProxy
    behind: Access

    async def upload(self, data: bytes, key: str) -> httpx.Response:
        return await self.server.upload(Role.OPERATOR, data, "form.pdf", key=key)

    async def count(self, table: str) -> int:
        async with self.server.database.reading() as session:
            return await fetch_int(session, f"SELECT count(*) FROM {table}")

    def stored(self) -> set[str]:
        """Keys of this county's objects, asked of the store itself."""
        client = boto3.client(
            "s3",
            endpoint_url=self.behind.endpoint_url,
            region_name=self.behind.region,
            aws_access_key_id=self.behind.access_key_id,
            aws_secret_access_key=self.behind.secret_access_key,
        )
        listed = client.list_objects_v2(Bucket=self.behind.bucket, Prefix=f"{COUNTY}/")
        client.close()
        return {one["Key"] for one in listed.get("Contents", [])}


@pytest.fixture
async def door(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Door]:
    async with proxied(s3_settings) as (proxy, through), api_server(database_url, tmp_path, through) as server:
        yield Door(server, proxy, s3_settings)


def paper(kib: int = 200) -> bytes:
    return b"%PDF-1.4 " + secrets.token_bytes(kib * KIB) + b" %%EOF"


def key_of(data: bytes) -> str:
    return f"{COUNTY}/{hashlib.sha256(data).hexdigest()}"


async def test_an_upload_that_is_cut_off_leaves_nothing_and_goes_again_under_its_key(door: Door) -> None:
    data = paper()
    door.proxy.cut_uploads = 64 * KIB
    cut = await door.upload(data, "one")
    assert (cut.status_code, cut.json()["code"]) == (503, "UNAVAILABLE")
    assert door.proxy.spoiled > 1  # tried again by itself before it was given up
    assert await door.count("stored_file") == 0
    assert key_of(data) not in door.stored()
    door.proxy.heal()
    again = await door.upload(data, "one")
    assert again.status_code == 201
    assert key_of(data) in door.stored()
    read = await door.server.get(Role.OPERATOR, f"/files/{again.json()['file_id']}")
    assert read.content == data


async def test_an_object_is_there_before_its_row_however_long_the_store_takes(door: Door) -> None:
    data = paper()
    door.proxy.open.clear()
    uploading = asyncio.create_task(door.upload(data, "one"))
    await door.proxy.came.wait()
    for _ in range(3):  # meanwhile nobody else waits
        assert (await door.server.get(Role.OPERATOR, "/batches")).status_code == 200
    assert (await door.count("stored_file"), uploading.done()) == (0, False)
    door.proxy.heal()
    answer = await uploading
    assert (answer.status_code, await door.count("stored_file")) == (201, 1)
    assert key_of(data) in door.stored()


@pytest.mark.parametrize(("how", "code"), [("cut", "UNAVAILABLE"), ("shorten", "FILE_DAMAGED")])
async def test_a_download_that_is_not_whole_is_never_given_out(door: Door, how: str, code: str) -> None:
    """Cut, or shortened by something that says it is whole: only the seal and the hash know."""
    data = paper()
    file_id = (await door.upload(data, "one")).json()["file_id"]
    setattr(door.proxy, f"{how}_downloads", 64 * KIB)
    refused = await door.server.get(Role.OPERATOR, f"/files/{file_id}")
    assert (refused.status_code, refused.json()["code"]) == (503, code)
    assert door.proxy.spoiled == 1
    door.proxy.heal()
    assert (await door.server.get(Role.OPERATOR, f"/files/{file_id}")).content == data


async def test_an_import_reads_its_file_until_it_is_whole(
    database_url: str, tmp_path: Path, s3_settings: Access, temporal_client: Client
) -> None:
    """The run tries again by itself; no row comes of half a file."""
    data = sheet([row(place) for place in range(300)])
    assert len(data) > 4 * KIB
    queue: dict[str, Any] = {
        "temporal_task_queue": f"imports-{YEAR}",
        "worker_grace_seconds": 1,
        "platform_timeout_seconds": 0.5,
    }
    async with (
        proxied(s3_settings) as (proxy, through),
        api_server(database_url, tmp_path, through, temporal_client, **queue) as server,
        working(server, temporal_client),
    ):
        await seed_county_lists(server, YEAR)
        desk = Desk(server, YEAR)
        proxy.cut_downloads = 2 * KIB
        handed_in = await desk.hand_in(data)

        async def read_twice() -> bool:
            return proxy.spoiled > 1

        await eventually(read_twice)
        assert await desk.lines() == 0
        proxy.heal()
        seen = await desk.finished(handed_in)
        assert (seen["stage"], seen["rows_imported"], await desk.lines()) == ("imported", 300, 300)

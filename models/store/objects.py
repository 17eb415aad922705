"""The object store port: an object is there before anything refers to it, and sha-256 is checked on every read."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.places import Threads
from models.settings import Settings
from models.store.vault import Field, SealBroken, Vault
from models.tables.policies import StoredFile

THREADS = 12
# What the worker builds its S3 client with: a slow store is given up in time for another try.
S3_CONFIG: Mapping[str, Any] = {
    "connect_timeout": 3,
    "read_timeout": 20,
    "retries": {"mode": "standard", "max_attempts": 4},
    "max_pool_connections": THREADS,
    "s3": {"addressing_style": "path"},
}
# A person is told soon, and tries again.
S3_CONFIG_FOR_PEOPLE: Mapping[str, Any] = {
    **S3_CONFIG,
    "connect_timeout": 2,
    "read_timeout": 5,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
SEALED_TYPE = "application/octet-stream"


class ObjectDamaged(Exception):
    """What the object store gave back is not what was put there."""


def s3_arguments(settings: Settings) -> dict[str, Any]:
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    return {
        "endpoint_url": settings.s3_endpoint_url,
        "region_name": settings.s3_region,
        "aws_access_key_id": key.get_secret_value() if key else None,
        "aws_secret_access_key": secret.get_secret_value() if secret else None,
    }


class _Body(Protocol):
    def read(self) -> bytes: ...


class S3(Protocol):
    """The three calls of an S3 client that are needed."""

    def put_object(self, **put: str | bytes) -> object: ...

    def list_objects_v2(self, **asked: str) -> dict[str, Any]: ...

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, _Body]: ...  # noqa: N803


class ObjectStore:
    """Files of counties under content-addressed keys, sealed: they show people, their cards and their ids."""

    def __init__(self, client: S3, bucket: str, vault: Vault, wait_seconds: float | None = None) -> None:
        """Raises Busy where nobody could be heard by the store for `wait_seconds`; None waits."""
        self._threads = Threads("objects", THREADS, wait_seconds)
        self._client = client
        self._bucket = bucket
        self._vault = vault

    async def put(self, county_code: str, data: bytes, content_type: str, stored_by: str) -> StoredFile:
        """Store bytes and give the (unsaved) row that refers to them; storing the same bytes again is harmless."""
        digest = await self._threads.run(self._put, county_code, data)
        return StoredFile(
            county_code=county_code,
            object_key=f"{county_code}/{digest}",
            sha256=digest,
            content_type=content_type,
            size=len(data),
            stored_by=stored_by,
        )

    async def get(self, file: StoredFile) -> bytes:
        """The bytes of a stored file; raises ObjectDamaged when they aren't the ones that were stored."""
        return await self._threads.run(self._get, file.object_key, file.sha256)

    async def write_once(self, key: str, data: bytes, content_type: str) -> None:
        """Keep bytes in clear under a key that nothing is under yet; raises ClientError where something is."""
        await self._threads.run(self._write_once, key, data, content_type)

    async def read_plain(self, key: str) -> bytes:
        def read() -> bytes:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

        return await self._threads.run(read)

    async def keys(self, prefix: str) -> list[str]:
        return await self._threads.run(lambda: [key for page in self._pages(prefix) for key in _keys(page)])

    async def folders(self, prefix: str) -> list[str]:
        """Names of what is one step below, without the slash."""

        def names() -> list[str]:
            found = [one["Prefix"] for page in self._pages(prefix, "/") for one in page.get("CommonPrefixes", ())]
            return [name.removeprefix(prefix).rstrip("/") for name in found]

        return await self._threads.run(names)

    def _pages(self, prefix: str, delimiter: str = "") -> Iterator[dict[str, Any]]:
        asked: dict[str, str] = {"Bucket": self._bucket, "Prefix": prefix, "Delimiter": delimiter}
        while True:
            page = self._client.list_objects_v2(**asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def _write_once(self, key: str, data: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, IfNoneMatch="*")

    def _put(self, county_code: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        key = f"{county_code}/{digest}"
        sealed = self._vault.seal_bytes(Field.OBJECT, key, data)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=sealed, ContentType=SEALED_TYPE)
        return digest

    def _get(self, key: str, digest: str) -> bytes:
        sealed = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        try:
            data = self._vault.open_bytes(Field.OBJECT, key, sealed)
        except SealBroken as error:
            raise ObjectDamaged(key) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise ObjectDamaged(key)
        return data


def _keys(page: Mapping[str, Any]) -> list[str]:
    return [one["Key"] for one in page.get("Contents", ())]


async def save_file(session: AsyncSession, file: StoredFile) -> StoredFile:
    """Save the row of a stored file, or give the one that the county already has for these bytes."""
    values = file.model_dump(exclude={"id"})
    connection = await session.connection()
    await connection.execute(insert(StoredFile).values(**values).on_conflict_do_nothing(index_elements=["object_key"]))
    return (await session.exec(select(StoredFile).where(StoredFile.object_key == file.object_key))).one()

"""What was moved out, in an empty database of the same schema: whoever looks there looks as they always do.

Every page, search, export and masking is the API's own, and no second program reads what is private. The working
database isn't asked: bucket and keys suffice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.copies import Block, Spoiled, Sums, sums_of, unpacked
from deploy.years.moving import REVISION, NotMoved, manifests_of
from deploy.years.tables import HEADS, LINES
from models.store.database import Database
from models.store.objects import SEALED_TYPE, ObjectStore
from models.store.sql import copy_in, execute, fetch_int, fetch_one
from models.store.vault import Proof, Vault
from models.tables.policies import StoredFile


@dataclass(frozen=True)
class Shelf:
    """One county's moved year as the bucket has it."""

    vault: Vault
    objects: ObjectStore
    county: str
    year: int

    async def manifest(self) -> dict[str, Any]:
        """The newest whose signature holds: of an earlier one some part was written anew."""
        keys = sorted(await self.objects.keys(manifests_of(self.county, self.year)), reverse=True)
        if not keys:
            raise NotMoved(f"文件库里没有 {self.county} 的 {self.year} 年度：请核对区县、年度和 S3_BUCKET")
        signed = json.loads(await self.objects.read_plain(keys[0]))
        plain = str(signed["told"])
        if not self.vault.holds(Proof.MOVED_YEAR, plain.encode(), str(signed["signature"])):
            raise NotMoved(f"{keys[0]} 的签名不符：不是本系统写的，或密钥（VAULT_KEY_FILE）不是当时的")
        told: dict[str, Any] = json.loads(plain)
        return told

    async def blocks(self, part: dict[str, Any]) -> list[Block]:
        file = StoredFile(
            county_code=self.county,
            object_key=f"{self.county}/{part['sha256']}",
            sha256=part["sha256"],
            content_type=SEALED_TYPE,
            size=part["size"],
            stored_by="",
        )
        return unpacked(await self.objects.get(file))


async def put_back(database: Database, shelf: Shelf) -> Sums:
    """Harmless to repeat: a row that is there stays as it is."""
    told = await shelf.manifest()
    async with database.transaction() as session:
        await _require_own_place(session, shelf, str(told["revision"]))
    await _put(database, await shelf.blocks(told["heads"]))
    found = []
    for part in told["parts"]:
        blocks = await shelf.blocks(part)
        sums = sums_of(blocks)
        if sums != Sums(part["lines"], part["fen"], part["paid_fen"]):
            raise Spoiled(part["sha256"])
        await _put(database, blocks)
        found.append(sums)
    total = Sums(*(sum(column) for column in zip(*found, strict=True))) if found else Sums(0, 0, 0)
    if total != Sums(told["lines"], told["fen"], told["paid_fen"]):
        raise NotMoved(f"{shelf.county} 的 {shelf.year} 年度放回的合计与移出时所签的不符：请保留现场并查明")
    return total


async def _require_own_place(session: AsyncSession, shelf: Shelf, revision: str) -> None:
    """Never the working database: what is there must be what this command has put there."""
    here = await fetch_one(session, str, REVISION)
    if here != revision:
        raise NotMoved(f"移出时的表结构是 {revision}，--into 的数据库是 {here}：请用当时的版本建库放回，再升级")
    there = await fetch_int(
        session,
        "SELECT count(*) FROM application WHERE county_code = :county AND fund_year > :year",
        county=shelf.county,
        year=shelf.year,
    )
    runs = await fetch_int(session, "SELECT count(*) FROM run WHERE closed_at IS NULL")
    moved = await fetch_int(session, "SELECT count(*) FROM moved_year")
    if there or runs or moved:
        raise NotMoved("--into 的数据库在使用中（有以后的年度、未结束的运行或移出记录）：请给一个空的、已升级的数据库")


async def _put(database: Database, blocks: Sequence[Block]) -> None:
    """As they were, past the triggers that would book them anew; foreign keys hold all the same."""
    async with database.transaction() as session:
        for block in blocks:
            if block.table not in _KNOWN:
                raise Spoiled(block.table)
            if not block.rows:
                continue
            await execute(session, f"CREATE TEMPORARY TABLE put_back AS TABLE {block.table} WITH NO DATA")
            await copy_in(session, "put_back", block.columns, block.data)
            columns = ", ".join(block.columns)
            await execute(session, f"ALTER TABLE {block.table} DISABLE TRIGGER USER")
            await execute(
                session,
                f"INSERT INTO {block.table} ({columns}) SELECT {columns} FROM put_back ON CONFLICT DO NOTHING",
            )
            await execute(session, f"ALTER TABLE {block.table} ENABLE TRIGGER USER")
            await execute(session, "DROP TABLE put_back")


_KNOWN = frozenset(part.table for part in (*HEADS, *LINES))

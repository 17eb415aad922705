"""What was moved out, in an empty database of the same schema: whoever looks there looks as they always do.

Every page, search, export and masking is the API's own, and no second program reads what is private. The working
database isn't asked: bucket and keys suffice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.copies import Block, NotMoved, Spoiled, Sums, sums_of
from deploy.years.signing import fetched, manifest, manifests_of
from deploy.years.statements import REVISION
from deploy.years.tables import HEADS, LINES
from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.sql import copy_in, execute, fetch, fetch_int, fetch_one
from models.store.vault import Vault


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
        return await manifest(self.objects, self.vault, keys[0])

    async def blocks(self, part: dict[str, Any]) -> list[Block]:
        return await fetched(self.objects, self.county, part)


async def put_back(database: Database, shelf: Shelf) -> Sums:
    """Harmless to repeat: a row that is there stays as it is, but for what a later year knows of an earlier one."""
    told = await shelf.manifest()
    heads = await shelf.blocks(told["heads"])
    async with database.transaction() as session:
        await _require_own_place(session, shelf, str(told["revision"]))
        later = await _is_later(session, shelf, heads)
    await _put(database, heads, anew=later)
    total = await _put_parts(database, shelf, told["parts"])
    if total != Sums(told["lines"], told["fen"], told["paid_fen"]):
        raise NotMoved(f"{shelf.county} 的 {shelf.year} 年度放回的合计与移出时所签的不符：请保留现场并查明")
    await _set_sequences(database)
    return total


async def _put_parts(database: Database, shelf: Shelf, parts: Sequence[dict[str, Any]]) -> Sums:
    found = []
    for part in parts:
        blocks = await shelf.blocks(part)
        sums = sums_of(blocks)
        if sums != Sums(part["lines"], part["fen"], part["paid_fen"]):
            raise Spoiled(part["sha256"])
        await _put(database, blocks)
        found.append(sums)
    return Sums(*(sum(column) for column in zip(*found, strict=True))) if found else Sums(0, 0, 0)


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
        raise NotMoved(
            "--into 的数据库在使用中（有以后的年度、未结束的运行或移出记录）："
            "请给一个空的、已升级的数据库；一个区县要放回几个年度的，按年度先后放回"
        )


class _Head(NamedTuple):
    sequence: int
    chain: str


async def _is_later(session: AsyncSession, shelf: Shelf, heads: Sequence[Block]) -> bool:
    """Whether the county's trail comes as it is there, and goes on: then an earlier year was put back before.

    A county's trail is one chain, each entry's mark covers all that was before: nothing that was noted here, or
    elsewhere, can stand among what comes.
    """
    statement = "SELECT sequence, chain FROM trail_head WHERE county_code = :county"
    there = await fetch_one(session, _Head, statement, county=shelf.county)
    if there is None:
        return False
    marks = {int(number): chain for number, chain in _rows_of(heads, "trail_entry", "sequence", "chain")}
    if marks.get(there.sequence) != there.chain:
        raise NotMoved(
            f"--into 的数据库里已有 {shelf.county} 的其他留痕（在那里建人员、查阅所留，或较晚的年度所带）："
            "请用一个新的空库，把这个区县要查的年度按先后都放回，再用 python -m deploy.people 建人员"
        )
    return there.sequence < max(marks)


def _rows_of(blocks: Sequence[Block], table: str, *columns: str) -> Iterator[tuple[str, ...]]:
    for block in blocks:
        if block.table == table:
            yield from block.of(*columns)


async def _put(database: Database, blocks: Sequence[Block], *, anew: bool = False) -> None:
    """As they were, past the triggers that would book them anew; foreign keys hold all the same.

    Table by table; the head of the trail comes last of all heads, so whoever is killed before begins once more.
    """
    for block in blocks:
        if block.table not in _KNOWN:
            raise Spoiled(block.table)
        if block.rows:
            async with database.transaction() as session:
                await _put_block(session, block, anew=anew)


async def _put_block(session: AsyncSession, block: Block, *, anew: bool) -> None:
    """`anew`: rows that are there become what they are by now."""
    table, columns = block.table, ", ".join(block.columns)
    await execute(session, f"CREATE TEMPORARY TABLE put_back AS TABLE {table} WITH NO DATA")
    await copy_in(session, "put_back", block.columns, block.data)
    await execute(session, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    if anew and (whose := _TALLIES.get(table)):
        await execute(session, f"DELETE FROM {table} WHERE {whose} IN (SELECT {whose} FROM put_back)")
    statement = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM put_back ON CONFLICT DO NOTHING"
    added = await execute(session, statement)
    keys = " AND ".join(f"t.{key} = p.{key}" for key in await fetch(session, str, _KEY, table=table))
    if anew and added < block.rows:
        new = ", ".join(f"p.{column}" for column in block.columns)
        await execute(session, f"UPDATE {table} t SET ({columns}) = ROW({new}) FROM put_back p WHERE {keys}")
    await execute(session, f"ALTER TABLE {table} ENABLE TRIGGER USER")
    if added < block.rows:
        await _require_same(session, block, keys)
    await execute(session, "DROP TABLE put_back")


async def _require_same(session: AsyncSession, block: Block, keys: str) -> None:
    """What wasn't added is there as it is: another row under its key, or with its number, isn't it."""
    mine, there = (", ".join(f"{alias}.{column}" for column in block.columns) for alias in "pt")
    other = await fetch_int(
        session,
        f"SELECT count(*) FROM put_back p LEFT JOIN {block.table} t ON {keys}"
        f" WHERE row({mine})::text IS DISTINCT FROM row({there})::text",
    )
    if other:
        raise NotMoved(
            f"--into 的数据库里 {block.table} 有 {other} 行的编号被其他行占用：请给一个新的空库，先放回，再建人员"
        )


async def _set_sequences(database: Database) -> None:
    """What is added there comes after what was put back."""
    async with database.transaction() as session:
        for one in await fetch(session, _Sequence, _SEQUENCES):
            await execute(
                session,
                f"SELECT setval('{one.sequence}', max({one.column_name})) FROM {one.table_name}"
                f" HAVING max({one.column_name}) IS NOT NULL",
            )


class _Sequence(NamedTuple):
    sequence: str
    table_name: str
    column_name: str


_SEQUENCES = """
SELECT s.oid::regclass::text AS sequence, t.oid::regclass::text AS table_name, a.attname::text AS column_name
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
"""
_KEY = """
SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = CAST(:table AS regclass) AND i.indisprimary
"""
# Sums of one thing, in as many rows as it has states.
_TALLIES = {"flow_tally": "flow_id", "dataset_tally": "dataset_id", "batch_tally": "batch_id"}
_KNOWN = frozenset(part.table for part in (*HEADS, *LINES))

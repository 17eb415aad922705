"""A county's fund year leaves the working database: written and proved first, deleted then, part by part.

Whatever ends the command, what is done is rows (`moved_year`, `moved_part`): the next one goes on from there. Until the
year is signed nothing has gone. A part goes in a transaction of its own, and only if its rows are still, byte by byte,
what was written; where they aren't, it is written and the year signed once more.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.copies import Block, Spoiled, Sums, packed, read, sums_of, unpacked
from deploy.years.hindrances import CHOSEN, hindrances
from deploy.years.tables import HEADS, LINES
from models.fault_points import FaultPoint, reach
from models.settings import Settings
from models.store.applications.doubles import lock_additions
from models.store.database import LOCK_TIMEOUT, Database, sqlstate
from models.store.lock_order import Rank
from models.store.locking import fetch_locked, lock_county
from models.store.objects import SEALED_TYPE, ObjectStore
from models.store.sql import execute, fetch, fetch_int, fetch_one
from models.store.trail.entries import TrailAct, record
from models.store.vault import Proof, Vault
from models.tables.base import now
from models.tables.policies import StoredFile
from models.words.calendar import china_today
from models.words.stages import Role

FOLDER = "moved-years/"
MOVED = "year.moved_out"
# Of the schema: rows are put back into one of the same.
REVISION = "SELECT version_num FROM alembic_version"
MANIFEST_TYPE = "application/json"
# So many applications at a time: a second or two in which nobody waits for more than one of them.
PART = 1_000
_TRIES = 20
_SERIALIZATION = "40001"
_NEXT = f"""
SELECT a.id FROM application a WHERE {CHOSEN} AND a.id > coalesce((
  SELECT max(application_ids[cardinality(application_ids)]) FROM moved_part
  WHERE county_code = :county AND fund_year = :year), 0) ORDER BY a.id LIMIT :most
"""
_SUMS = """
SELECT count(*) AS lines, coalesce(sum(amount_fen), 0)::bigint AS fen, coalesce((SELECT sum(amount_fen) FROM flow_line
  WHERE application_id = ANY(:ids) AND money = 'paid'), 0)::bigint AS paid_fen FROM application WHERE id = ANY(:ids)
"""
_PART_SUMS = """
SELECT coalesce(sum(lines), 0)::bigint AS lines, coalesce(sum(fen), 0)::bigint AS fen,
  coalesce(sum(paid_fen), 0)::bigint AS paid_fen FROM moved_part WHERE county_code = :county AND fund_year = :year
"""
# What the pages of the year's flows show and go on to show.
_PAID_BY_FLOWS = """
SELECT coalesce(sum(t.fen), 0)::bigint FROM flow_tally t JOIN flow f ON f.id = t.flow_id
WHERE f.county_code = :county AND f.fund_year = :year AND t.money = 'paid'
"""
_PARTS = """
SELECT number, sha256, size, lines, fen, paid_fen FROM moved_part
WHERE county_code = :county AND fund_year = :year ORDER BY number
"""
_ARE_HERE = """
SELECT number, sha256, application_ids FROM moved_part
WHERE county_code = :county AND fund_year = :year AND moved_at IS NULL ORDER BY number
"""
_PUT_PART = """
INSERT INTO moved_part (county_code, fund_year, number, sha256, size, lines, fen, paid_fen, application_ids)
VALUES (CAST(:county AS varchar), :year, coalesce(CAST(:number AS integer), (SELECT coalesce(max(number), 0) + 1
  FROM moved_part WHERE county_code = :county AND fund_year = :year)), :sha256, :size, :lines, :fen, :paid_fen, :ids)
ON CONFLICT (county_code, fund_year, number) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
  lines = excluded.lines, fen = excluded.fen, paid_fen = excluded.paid_fen
"""
_SIGNED = """
UPDATE moved_year SET written_at = now(), manifest_key = :key, manifest_sha256 = :sha256, lines = :lines, fen = :fen,
  paid_fen = :paid_fen WHERE county_code = :county AND fund_year = :year
"""


class NotMoved(Exception):
    """Why not, where, and what to do."""

    said_fully = True


class _Part(NamedTuple):
    """One that is still here."""

    number: int
    sha256: str
    application_ids: list[int]


class _Written(NamedTuple):
    """One as the manifest has it."""

    number: int
    sha256: str
    size: int
    lines: int
    fen: int
    paid_fen: int


class _State(NamedTuple):
    written: bool
    moved: bool


@dataclass(frozen=True)
class Mover:
    """Who moves out whose year, and why; `database` is the tables' owner's."""

    database: Database
    vault: Vault
    objects: ObjectStore
    settings: Settings
    county: str
    year: int
    by: str
    reason: str

    @property
    def _which(self) -> dict[str, str | int]:
        return {"county": self.county, "year": self.year}

    async def move(self) -> Sums:
        """All of it, or what an earlier command has left of it; done once, however often it is asked for."""
        state = await self._begin()
        while not state.moved:
            if not state.written:
                while await self._write_next():
                    reach(FaultPoint.AFTER_PART_WRITTEN)
                await self._sign()
                reach(FaultPoint.AFTER_YEAR_SIGNED)
            if await self._move_parts():
                await self._finish()
            state = await self._state()
        async with self.database.reading() as session:
            return await self._sums(session, _PART_SUMS)

    async def _begin(self) -> _State:
        """From its commit on nothing is added to the year, and what comes for it is kept for a person."""
        async with self.database.transaction() as session:
            await lock_county(session, self.county)
            await lock_additions(session, self.county)
            for rank, table in ((Rank.BATCH, "batch"), (Rank.FLOW, "flow")):
                statement = f"SELECT id FROM {table} WHERE county_code = :county AND fund_year <= :year ORDER BY id"
                await fetch_locked(session, rank, int, statement, county=self.county, year=self.year)
            if await fetch_int(session, _COUNT.format(table="moved_year"), **self._which) == 0:
                await self._require_rest(session)
                await execute(
                    session,
                    "INSERT INTO moved_year (county_code, fund_year, moved_by, begun_at, lines, fen, paid_fen)"
                    " VALUES (:county, :year, :by, now(), 0, 0, 0)",
                    **self._which,
                    by=self.by,
                )
        return await self._state()

    async def _require_rest(self, session: AsyncSession) -> None:
        found = await hindrances(session, self.settings, self.county, self.year, china_today())
        if found:
            told = "；".join(f"{one.what}：{one.cases} 项，如 {one.example}" for one in found)
            raise NotMoved(f"{self.county} 的 {self.year} 年度还不能移出，没有作任何改动。{told}")

    async def _state(self) -> _State:
        statement = (
            "SELECT written_at IS NOT NULL AS written, moved_at IS NOT NULL AS moved FROM moved_year"
            " WHERE county_code = :county AND fund_year = :year"
        )
        async with self.database.reading() as session:
            state = await fetch_one(session, _State, statement, **self._which)
        assert state is not None
        return state

    async def _write_next(self) -> bool:
        async with self.database.reading() as session:
            ids = await fetch(session, int, _NEXT, **self._which, most=PART)
        if ids:
            await self._write(ids)
        return bool(ids)

    async def _write(self, ids: Sequence[int], number: int | None = None) -> None:
        """The part is in the bucket, has been read from there, and is what the rows say, before it is named."""
        async with self.database.snapshot() as session:
            blocks = await _read_lines(session, ids)
            here = await self._sums(session, _SUMS, ids=list(ids))
        file = await self._kept(blocks)
        if sums_of(blocks) != here:
            raise NotMoved(f"{self.county} 的 {self.year} 年度写出的合计与库中不符，没有移出：请重试，仍不符则查明")
        async with self.database.transaction() as session:
            sums = here._asdict()
            await execute(
                session,
                _PUT_PART,
                **self._which,
                number=number,
                sha256=file.sha256,
                size=file.size,
                ids=list(ids),
                **sums,
            )

    async def _kept(self, blocks: Sequence[Block]) -> StoredFile:
        """Sealed as every file of the county is; read back, or Spoiled."""
        file = await self.objects.put(self.county, packed(blocks), SEALED_TYPE, self.by)
        if unpacked(await self.objects.get(file)) != list(blocks):
            raise Spoiled(file.object_key)
        return file

    async def _sign(self) -> None:
        """The manifest names every part; the trail names the manifest. What is signed is what the flows' pages show."""
        async with self.database.snapshot() as session:
            heads = await read(session, HEADS, **self._which)
            total = await self._sums(session, _PART_SUMS)
            parts = await fetch(session, _Written, _PARTS, **self._which)
            paid = await fetch_int(session, _PAID_BY_FLOWS, **self._which)
            revision = await fetch_one(session, str, REVISION)
        if total.paid_fen != paid:
            raise NotMoved(
                f"{self.county} 的 {self.year} 年度写出的已发放为 {total.paid_fen} 分，流程合计为 {paid} 分："
                "没有移出，请先查明差额"
            )
        file = await self._kept(heads)
        told = {**self._which, "by": self.by, "at": now().isoformat(), "revision": revision, **total._asdict()}
        told |= {"heads": {"sha256": file.sha256, "size": file.size}, "parts": [part._asdict() for part in parts]}
        key, digest = await self._keep_manifest(told)
        detail = {"reason": self.reason, "manifest": key, "sha256": digest, "paid_fen": paid, "parts": len(parts)}
        act = TrailAct(
            self.county, self.by, Role.OPS.value, MOVED, f"{self.county}-{self.year}", detail, total.lines, total.fen
        )
        async with self.database.transaction() as session:
            await execute(session, _SIGNED, **self._which, key=key, sha256=digest, **total._asdict())
            await record(session, self.vault, act)

    async def _keep_manifest(self, told: dict[str, object]) -> tuple[str, str]:
        """In clear, as the heads of the trails are: nothing in it is personal, and it is found without the database."""
        plain = json.dumps(told, sort_keys=True)
        signed = json.dumps({"told": plain, "signature": self.vault.sign(Proof.MOVED_YEAR, plain.encode())}).encode()
        digest = hashlib.sha256(signed).hexdigest()
        key = f"{manifests_of(self.county, self.year)}{now():%Y%m%dT%H%M%S%fZ}.json"
        await self.objects.write_once(key, signed, MANIFEST_TYPE)
        if await self.objects.read_plain(key) != signed:
            raise Spoiled(key)
        return key, digest

    async def _move_parts(self) -> bool:
        """False when one wasn't any more what was written: the year is signed once more with what it is now."""
        async with self.database.reading() as session:
            parts = await fetch(session, _Part, _ARE_HERE, **self._which)
        for part in parts:
            if not await self._moved(part):
                await self._unsigned()
                await self._write(part.application_ids, part.number)
                return False
            reach(FaultPoint.AFTER_PART_MOVED)
        return True

    async def _moved(self, part: _Part) -> bool:
        """In one transaction that sees one moment; tried again where somebody else was about one of its rows."""
        for _ in range(_TRIES):
            try:
                async with self.database.transaction() as session:
                    await execute(session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    content = packed(await _read_lines(session, part.application_ids))
                    if hashlib.sha256(content).hexdigest() != part.sha256:
                        return False
                    await fetch_int(
                        session, "SELECT move_out_part(:county, :year, :number)", **self._which, number=part.number
                    )
                return True
            except DBAPIError as error:
                if sqlstate(error) not in (LOCK_TIMEOUT, _SERIALIZATION):
                    raise
                await asyncio.sleep(0.5)
        raise NotMoved(
            f"{self.county} 的 {self.year} 年度第 {part.number} 份的行一直有人在用：请稍后再运行，从这里继续"
        )

    async def _unsigned(self) -> None:
        async with self.database.transaction() as session:
            await execute(
                session,
                "UPDATE moved_year SET written_at = NULL WHERE county_code = :county AND fund_year = :year",
                **self._which,
            )

    async def _finish(self) -> None:
        async with self.database.transaction() as session:
            await execute(
                session, "DELETE FROM repeated_item WHERE county_code = :county AND fund_year = :year", **self._which
            )
            await execute(
                session,
                "UPDATE moved_year SET moved_at = now() WHERE county_code = :county AND fund_year = :year",
                **self._which,
            )

    async def _sums(self, session: AsyncSession, statement: str, **values: list[int]) -> Sums:
        which = {} if values else self._which
        sums = await fetch_one(session, Sums, statement, **which, **values)
        assert sums is not None
        return sums


_COUNT = "SELECT count(*) FROM {table} WHERE county_code = :county AND fund_year = :year"


def manifests_of(county: str, year: int) -> str:
    return f"{FOLDER}{county}/{year}/"


async def _read_lines(session: AsyncSession, ids: Sequence[int]) -> list[Block]:
    return await read(session, LINES, ids=f"ARRAY[{','.join(str(int(one)) for one in ids)}]::bigint[]")

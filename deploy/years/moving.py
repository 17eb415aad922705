"""A county's fund year leaves the working database: written and proved first, deleted then, part by part.

Whatever ends the command, what is done is rows (`moved_year`, `moved_part`): the next one goes on from there. Until the
year is signed nothing has gone. A part goes in a transaction of its own, and only if its rows are still, byte by byte,
what was written; where they aren't, it is written and the year signed once more.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years import statements
from deploy.years.copies import Block, NotMoved, Sums, ids_in_sql, packed, read, sums_of
from deploy.years.hindrances import hindrances
from deploy.years.signing import ToSign, fetched, keep_manifest, kept, manifest, to_sign
from deploy.years.tables import LINES
from deploy.years.turns import turn
from models.fault_points import FaultPoint, reach
from models.settings import Settings
from models.store.applications.doubles import lock_additions
from models.store.database import LOCK_TIMEOUT, Database, sqlstate
from models.store.lock_order import Rank
from models.store.locking import fetch_locked, lock_county
from models.store.objects import ObjectStore
from models.store.sql import Value, execute, fetch, fetch_int, fetch_one
from models.store.trail.entries import TrailAct, record
from models.store.vault import Vault
from models.tables.base import now
from models.words.calendar import china_today
from models.words.staff import Role

MOVED, KEPT = "year.moved_out", "year.kept"
# So many applications at a time: a second or two in which nobody waits for more than one of them.
PART = 1_000
_TRIES = 20
_SERIALIZATION = "40001"


class _Part(NamedTuple):
    """One that is still here."""

    number: int
    sha256: str
    application_ids: list[int]


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
        async with turn(self.database, self.county, self.year, self.by):
            state = await self._begin()
            while not state.moved:
                await self._go_on(state)
                state = await self._state()
            async with self.database.reading() as session:
                return await self._sums(session, statements.PART_SUMS)

    async def _go_on(self, state: _State) -> None:
        if not state.written:
            while await self._write_next():
                reach(FaultPoint.AFTER_PART_WRITTEN)
            await self._sign()
            reach(FaultPoint.AFTER_YEAR_SIGNED)
        if await self._move_parts():
            await self._finish()

    async def abandon(self) -> None:
        """As if nobody had begun, as long as nothing has gone; what is in the bucket stays there, needed by nobody."""
        async with turn(self.database, self.county, self.year, self.by), self.database.transaction() as session:
            await lock_county(session, self.county)
            await lock_additions(session, self.county)
            if await fetch_int(session, statements.IS_BEGUN, **self._which) == 0:
                raise NotMoved(f"{self.county} 的 {self.year} 年度没有在移出：无须撤回")
            if await fetch_int(session, statements.GONE, **self._which):
                raise NotMoved(f"{self.county} 的 {self.year} 年度已有明细移出，不能撤回：请再运行一次 move，把它移完")
            for statement in statements.ABANDON:
                await execute(session, statement, **self._which)
            await record(session, self.vault, self._act(KEPT, {"reason": self.reason}))

    def _act(self, act: str, detail: dict[str, object], total: Sums | None = None) -> TrailAct:
        subject = f"{self.county}-{self.year}"
        lines, fen = (total.lines, total.fen) if total else (None, None)
        return TrailAct(self.county, self.by, Role.OPS.value, act, subject, detail, lines, fen)

    async def _begin(self) -> _State:
        """From its commit on nothing is added to the year, and what comes for it is kept for a person."""
        async with self.database.transaction() as session:
            await lock_county(session, self.county)
            await lock_additions(session, self.county)
            for rank, table in ((Rank.BATCH, "batch"), (Rank.FLOW, "flow")):
                statement = f"SELECT id FROM {table} WHERE county_code = :county AND fund_year <= :year ORDER BY id"
                await fetch_locked(session, rank, int, statement, county=self.county, year=self.year)
            if await fetch_int(session, statements.IS_BEGUN, **self._which) == 0:
                await self._require_rest(session)
                await execute(session, statements.BEGIN, **self._which, by=self.by)
        return await self._state()

    async def _require_rest(self, session: AsyncSession) -> None:
        found = await hindrances(session, self.settings, self.county, self.year, china_today())
        if found:
            told = "；".join(f"{one.what}：{one.cases} 项，如 {one.example}" for one in found)
            raise NotMoved(f"{self.county} 的 {self.year} 年度还不能移出，没有作任何改动。{told}")

    async def _state(self) -> _State:
        async with self.database.reading() as session:
            state = await fetch_one(session, _State, statements.STATE, **self._which)
        assert state is not None
        return state

    async def _write_next(self) -> bool:
        async with self.database.reading() as session:
            ids = await fetch(session, int, statements.NEXT, **self._which, most=PART)
        if ids:
            await self._write(ids)
        return bool(ids)

    async def _write(self, ids: Sequence[int], number: int | None = None) -> None:
        """The part is in the bucket, has been read from there, and is what the rows say, before it is named."""
        async with self.database.snapshot() as session:
            blocks = await _read_lines(session, ids)
            here = await self._sums(session, statements.SUMS, ids=list(ids))
        file = await kept(self.objects, self.county, self.by, blocks)
        if sums_of(blocks) != here:
            raise NotMoved(f"{self.county} 的 {self.year} 年度写出的合计与库中不符，没有移出：请重试，仍不符则查明")
        put: dict[str, Value] = {"number": number, "sha256": file.sha256, "size": file.size, "ids": list(ids)}
        async with self.database.transaction() as session:
            if await execute(session, statements.PUT_PART, **self._which, **put, **here._asdict()) == 0:
                raise NotMoved(f"{self.county} 的 {self.year} 年度有申请已由另一个命令写出：请等它结束后再运行")

    async def _sign(self) -> None:
        former = await self._former_heads()
        async with self.database.snapshot() as session:
            found = await to_sign(session, self.county, self.year, former)
        file = await kept(self.objects, self.county, self.by, found.heads)
        told = self._told(found) | {"heads": {"sha256": file.sha256, "size": file.size}}
        key, digest = await keep_manifest(self.objects, self.vault, self.county, self.year, told)
        detail: dict[str, object] = {"reason": self.reason, "manifest": key, "sha256": digest}
        detail |= {"paid_fen": found.total.paid_fen, "parts": len(found.parts)}
        async with self.database.transaction() as session:
            await execute(session, statements.SIGNED, **self._which, key=key, sha256=digest, **found.total._asdict())
            await record(session, self.vault, self._act(MOVED, detail, found.total))

    async def _former_heads(self) -> list[Block]:
        """Of an earlier signature: what lines refer to that have gone since isn't told by those that are here."""
        async with self.database.reading() as session:
            key = await fetch_one(session, str, statements.FORMER, **self._which)
        if not key:
            return []
        told = await manifest(self.objects, self.vault, key)
        return await fetched(self.objects, self.county, told["heads"])

    def _told(self, found: ToSign) -> dict[str, object]:
        when = {"by": self.by, "at": now().isoformat(), "revision": found.revision}
        return {**self._which, **when, **found.total._asdict(), "parts": [part._asdict() for part in found.parts]}

    async def _move_parts(self) -> bool:
        """False when one wasn't any more what was written: the year is signed once more with what it is now."""
        async with self.database.reading() as session:
            parts = await fetch(session, _Part, statements.ARE_HERE, **self._which)
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
            await execute(session, statements.UNSIGNED, **self._which)

    async def _finish(self) -> None:
        async with self.database.transaction() as session:
            for statement in statements.FINISH:
                await execute(session, statement, **self._which)

    async def _sums(self, session: AsyncSession, statement: str, **values: list[int]) -> Sums:
        which = {} if values else self._which
        sums = await fetch_one(session, Sums, statement, **which, **values)
        assert sums is not None
        return sums


async def _read_lines(session: AsyncSession, ids: Sequence[int]) -> list[Block]:
    return await read(session, LINES, ids=ids_in_sql(ids))

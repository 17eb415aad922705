"""The journal of instructions in PostgreSQL: bytes and answers sealed, the first answer stays."""

from typing import NamedTuple

from activities.platform.journal import Intention
from models.store.database import Database
from models.store.sql import execute, fetch_one
from models.store.vault import Vault
from models.wire.words import Operation

# What the platform remembers for a day only is old news here after a day too: a bank's word of last week is none.
_FORGETTING = [Operation.VERIFY_ACCOUNT.value, Operation.VERIFY_ACCOUNTS.value]
_REMEMBERED = "24 hours"


class _Kept(NamedTuple):
    body: str
    answer: str | None
    operation: str


class PostgresJournal:
    """Each statement is committed by itself: the intent is durable before the call goes out."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def intend(self, key: str, county_code: str, operation: Operation, body: bytes) -> Intention:
        async with self._database.writing_once() as session:
            is_new = await execute(
                session,
                "INSERT INTO instruction (key, county_code, operation, body, body_sha256, intended_at) "
                "VALUES (:key, :county, :operation, :body, :digest, now()) ON CONFLICT (key) DO NOTHING",
                key=key,
                county=county_code,
                operation=operation.value,
                body=self._vault.seal_body(key, body),
                digest=self._vault.digest(body),
            )
            if is_new:
                return Intention(body, None)
            kept = await fetch_one(
                session,
                _Kept,
                "SELECT body, CASE WHEN operation <> ALL(:forgetting)"
                " OR answered_at > now() - CAST(:remembered AS interval) THEN answer END AS answer, operation"
                " FROM instruction WHERE key = :key",
                key=key,
                forgetting=_FORGETTING,
                remembered=_REMEMBERED,
            )
        assert kept is not None
        if kept.operation != operation.value:
            # the platform would call it a mismatch; here the first one's bytes would go out on the other's path
            raise ValueError(f"the key of a {kept.operation} is not that of a {operation.value} too")
        answer = None if kept.answer is None else self._vault.open_body(key, kept.answer)
        return Intention(self._vault.open_body(key, kept.body), answer)

    async def answered(self, key: str, answer: bytes) -> None:
        async with self._database.writing_once() as session:
            await execute(
                session,
                "UPDATE instruction SET answer = :answer, answered_at = now() WHERE key = :key AND (answer IS NULL"
                " OR operation = ANY(:forgetting) AND answered_at <= now() - CAST(:remembered AS interval))",
                key=key,
                answer=self._vault.seal_body(key, answer),
                forgetting=_FORGETTING,
                remembered=_REMEMBERED,
            )

    async def refused(self, key: str, code: str) -> None:
        async with self._database.writing_once() as session:
            await execute(
                session,
                "UPDATE instruction SET refusal_code = :code WHERE key = :key AND answer IS NULL",
                key=key,
                code=code,
            )

    async def odd_answer(
        self, county_code: str, operation: Operation, key: str | None, status: int, body: bytes
    ) -> None:
        async with self._database.writing_once() as session:
            await execute(
                session,
                "INSERT INTO odd_answer (county_code, operation, key, status, body_sha256, body, times, came_at)"
                " VALUES (:county, :operation, coalesce(:key, ''), :status, :digest, :body, 1, now())"
                " ON CONFLICT (county_code, operation, key, body_sha256) DO UPDATE SET times = odd_answer.times + 1,"
                " came_at = now()",
                digest=self._vault.digest(body),
                county=county_code,
                operation=operation.value,
                key=key,
                status=status,
                body=self._vault.seal_body(operation.value, body),
            )

"""The journal of instructions in PostgreSQL: bytes and answers sealed, the first answer stays."""

import base64
import hashlib

from activities.platform_journal import Intention
from models.platform_words import Operation
from models.store.database import Database, execute, fetch_one
from models.store.vault import Field, Vault


class PostgresJournal:
    """Each method is a transaction of its own: the intent is durable before the call goes out."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def intend(self, key: str, county_code: str, operation: Operation, body: bytes) -> Intention:
        async with self._database.transaction() as session:
            kept = await fetch_one(session, "SELECT body, answer FROM instruction WHERE key = :key", key=key)
            if kept is None:
                await execute(
                    session,
                    "INSERT INTO instruction (key, county_code, operation, body, body_sha256, intended_at) "
                    "VALUES (:key, :county, :operation, :body, :digest, now()) ON CONFLICT (key) DO NOTHING",
                    key=key,
                    county=county_code,
                    operation=operation.value,
                    body=self._seal(key, body),
                    digest=hashlib.sha256(body).hexdigest(),
                )
                kept = await fetch_one(session, "SELECT body, answer FROM instruction WHERE key = :key", key=key)
        assert kept is not None
        return Intention(self._open(key, kept[0]), None if kept[1] is None else self._open(key, kept[1]))

    async def answered(self, key: str, answer: bytes) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE instruction SET answer = :answer, answered_at = now() WHERE key = :key AND answer IS NULL",
                key=key,
                answer=self._seal(key, answer),
            )

    async def refused(self, key: str, code: str) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "UPDATE instruction SET refusal_code = :code WHERE key = :key AND answer IS NULL",
                key=key,
                code=code,
            )

    async def odd_answer(
        self, county_code: str, operation: Operation, key: str | None, status: int, body: bytes
    ) -> None:
        async with self._database.transaction() as session:
            await execute(
                session,
                "INSERT INTO odd_answer (county_code, operation, key, status, body_sha256, body, times, came_at)"
                " VALUES (:county, :operation, coalesce(:key, ''), :status, :digest, :body, 1, now())"
                " ON CONFLICT (county_code, operation, key, body_sha256) DO UPDATE SET times = odd_answer.times + 1,"
                " came_at = now()",
                digest=hashlib.sha256(body).hexdigest(),
                county=county_code,
                operation=operation.value,
                key=key,
                status=status,
                body=self._seal(operation.value, body),
            )

    def _seal(self, row: str, body: bytes) -> str:
        return self._vault.seal(Field.BODY, row, base64.b64encode(body).decode())

    def _open(self, row: str, sealed: str) -> bytes:
        return base64.b64decode(self._vault.open(Field.BODY, row, sealed))

"""The simulator's own SQLite file: one connection, one transaction at a time, so that every rule is judged alone."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

Value = str | int | float | bytes | None
Row = sqlite3.Row


class Store:
    def __init__(self, state: Path) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.files = state / "files"
        self.files.mkdir(exist_ok=True)
        self._connection = sqlite3.connect(state / "simulator.db", isolation_level=None, cached_statements=256)
        self._connection.row_factory = sqlite3.Row
        # WAL with NORMAL: a commit is in the file when the process is killed; only a dying machine could lose it.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=5000",
            "cache_size=-65536",
            "temp_store=2",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        schema = Path(__file__).with_name("schema.sql").read_text("utf-8")
        self._connection.executescript(f"BEGIN;{schema}COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def run(self, sql: str, *values: Value) -> int:
        return self._connection.execute(sql, values).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        self._connection.executemany(sql, rows)

    def row(self, sql: str, *values: Value) -> Row | None:
        found: Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, *values: Value) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def rows_named(self, sql: str, values: Mapping[str, Value]) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Value) -> int:
        found = self.row(sql, *values)
        return int(found[0] or 0) if found is not None else 0

    def setting(self, name: str) -> str | None:
        found = self.row("SELECT value FROM setting WHERE name = ?", name)
        return None if found is None else str(found["value"])

    def set_setting(self, name: str, value: str) -> None:
        self.run("INSERT INTO setting VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", name, value)

    def close(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()


def listed(values: Iterable[str]) -> str:
    """A list as one bound value, for `IN (SELECT value FROM json_each(?))`."""
    return json.dumps(list(values))


def write_file(path: Path, content: bytes) -> None:
    """Whole or not at all: a half-written file must never be found under its hash."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)

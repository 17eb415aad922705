"""Databases for tests: made once, emptied between tests, since making one takes longer than most tests."""

from collections import Counter
from contextlib import suppress
from itertools import count

import psycopg

from deploy.stack import Stack

# What a test may have changed besides rows; a database like that isn't used again, nor one that has grown big.
_CHANGED = """
SELECT EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'D')
    OR EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
               WHERE d.datname = current_database())
    OR pg_database_size(current_database()) > 64 * 1024 * 1024
    OR EXISTS (SELECT FROM pg_class WHERE 'autovacuum_enabled=false' = ANY(reloptions))
"""
_LOOK_AT_NOTHING = """
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
  LOOP EXECUTE 'ALTER TABLE ' || one || ' SET (autovacuum_enabled = false)'; END LOOP;
END $$
"""
# A test may take a rule away or put one in: such a database isn't used again either.
_RULES = """
SELECT (SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
_ALONE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_EMPTY = """
DO $$ DECLARE one text; BEGIN
  -- neither foreign keys nor what guards the trail stand in the way
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT oid::regclass FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
  LOOP EXECUTE 'DELETE FROM ' || one; END LOOP;
  PERFORM setval(oid::regclass, 1, FALSE) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
END $$
"""

# By database: how often a test has made it end one of two that wait crosswise. Everywhere else nobody ever does.
staged_deadlocks: Counter[str] = Counter()


def deadlocks_in(stack: Stack) -> int:
    """What the server has said of them since it was started."""
    log = stack.layout.logs / "postgres.log"
    return log.read_text(errors="replace").count("deadlock detected") if log.exists() else 0


class Databases:
    """Takes databases of one template and gives them out again when they are as new."""

    def __init__(self, servers: Stack, template: str) -> None:
        self._servers = servers
        self._template = template
        self._numbers = count(1)
        self._free: list[str] = []
        self._connections: dict[str, psycopg.Connection] = {}
        with servers.layout.cluster.connect(template) as connection:
            self._rules = connection.execute(_RULES).fetchone()

    def take(self) -> str:
        """The name of a database at the newest revision, without rows."""
        return self._free.pop() if self._free else self.make()

    def make(self) -> str:
        """One that nobody has used: the server knows nothing of how large its tables once were."""
        name = f"test_{next(self._numbers)}"
        self._servers.create_database(name, template=self._template)
        return name

    def make_unseen(self) -> str:
        """One whose tables nobody analyses either, but the test: how it plans depends on that test alone."""
        name = self.make()
        with self._servers.layout.cluster.connect(name) as connection:
            connection.execute(_LOOK_AT_NOTHING)
        return name

    def give_back(self, name: str) -> None:
        """Connections that are still there are ended; whoever holds one has forgotten it."""
        connection = self._alone(name)
        found = connection.execute(_DEADLOCKS).fetchone()
        assert found == (staged_deadlocks[name],), f"deadlocks in {name}: {found}"
        changed = connection.execute(_CHANGED).fetchone()
        if changed == (False,) and connection.execute(_RULES).fetchone() == self._rules:
            connection.execute(_EMPTY)
            self._free.append(name)
            return
        self._connections.pop(name).close()
        self._servers.drop_database(name)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _alone(self, name: str) -> psycopg.Connection:
        """The only connection there is; it lasts, for a new one has to learn all tables, which takes longest.

        A test may have ended it.
        """
        with suppress(KeyError, psycopg.OperationalError):
            self._connections[name].execute(_ALONE)
            return self._connections[name]
        self._connections[name] = connection = self._servers.layout.cluster.connect(name)
        connection.execute(_ALONE)
        return connection

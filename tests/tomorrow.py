"""Words that a newer version would write: in every column of a vocabulary, of every table."""

from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, DateTime, Integer, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from models.tables.metadata import metadata

WORD = "of_tomorrow"
VOCABULARIES = """
SELECT c.conrelid::regclass::text, a.attname, a.attndims > 0 FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'c' AND cardinality(c.conkey) = 1 AND pg_get_constraintdef(c.oid) LIKE '%ARRAY[%'
"""
OUR_RULES = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)
UNION ALL SELECT format('DROP INDEX %%s', indexrelid::regclass) FROM pg_index
WHERE indisunique AND indpred IS NOT NULL AND indrelid IN
  (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""
# Who has a role that only a newer version knows isn't let in at all.
DOOR = ("person", "staff_session")
# What paths call the ids of rows.
IDS = {
    "account_id": "register_account",
    "answer_id": "odd_answer",
    "contradiction_id": "contradiction",
    "draft_id": "application_draft",
    "file_id": "stored_file",
    "inbox_id": "inbox",
}
# Codes in paths that tell no row apart.
CODES = {"town_code": "application", "village_code": "application"}
Rows = list[tuple[Any, ...]]


class Tomorrow:
    """A newer version wrote these tables; `gone` gives this version's rows back, for who checks the books."""

    def __init__(self, database: psycopg.Connection, county_code: str, person_index: str) -> None:
        self._database = database
        self._places = {
            "county_code": county_code,
            "province_code": f"{county_code[:2]}0000",
            "person_index": person_index,
        }
        # whoever's state or roles are unknown may do nothing: nobody would be left to look
        found = [(table, column, many) for table, column, many in self._ask(VOCABULARIES)]
        self.columns = [(table, column, many) for table, column, many in found if table != "person"]
        self._made: set[str] = set()
        self._kept: dict[tuple[str, str], Rows] = {}

    def comes(self) -> None:
        """Its rules are others than ours; where a table has no row, it has one now."""
        tables = sorted({table for table, _, _ in self.columns})
        self._database.execute("SET session_replication_role = replica")
        for (statement,) in self._ask(OUR_RULES, tables):
            self._database.execute(statement)
        for table in metadata.sorted_tables:
            if table.name in tables and not self._ask(f"SELECT 1 FROM {table.name} LIMIT 1"):
                self._fill(table)
        for table, column, many in (each for each in self.columns if each[0] not in DOOR):
            self._kept[table, column] = self._ask(f"SELECT {column}, {_key(table, ', ')} FROM {table}")
            self._database.execute(f"UPDATE {table} SET {column} = %s".encode(), ([WORD] if many else WORD,))

    def goes(self) -> None:
        for table in self._made:
            self._database.execute(f"DELETE FROM {table}".encode())
        for (table, column), rows in self._kept.items():
            if table not in self._made:
                found = _key(table, " = %s AND ") + " = %s"
                with self._database.cursor() as cursor:
                    cursor.executemany(f"UPDATE {table} SET {column} = %s WHERE {found}".encode(), rows)

    def number(self, name: str) -> object:
        """Of the county's first row that has a number of this name (`flow_no`, `draft_id`)."""
        table, column = _place_of(name)
        county = self._places["county_code"]
        where = f" WHERE county_code = '{county}'" if "county_code" in metadata.tables[table].columns else ""
        [(found,)] = self._ask(f"SELECT min({column}) FROM {table}{where}")
        return found

    def _fill(self, table: Table) -> None:
        needed = [column for column in table.columns if not _itself(column) or column.name in self._places]
        row = {column.name: self._value(column) for column in needed}
        names, holes = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        self._database.execute(f"INSERT INTO {table.name} ({names}) VALUES ({holes})".encode(), row)
        self._made.add(table.name)

    def _value(self, column: Column[Any]) -> object:
        if column.foreign_keys:
            [key] = column.foreign_keys
            return self._ask(f"SELECT min({key.column.name}) FROM {key.column.table.name}")[0][0]
        return self._places.get(column.name, _plain(column))

    def _ask(self, statement: str, *values: object) -> Rows:
        return self._database.execute(statement.encode(), values or None).fetchall()


def _place_of(name: str) -> tuple[str, str]:
    """Table and column: the one whose rows are told apart by it, or the one that is called so."""
    if name in IDS:
        return IDS[name], "id"
    if name in CODES:
        return CODES[name], name
    for table in metadata.sorted_tables:
        column = table.columns.get(name)
        if column is not None and not column.foreign_keys and _is_key(table, name):
            return table.name, name
    raise AssertionError(f"which row has the {name} that a path asks for?")


def _is_key(table: Table, name: str) -> bool:
    unique = [{c.name for c in each.columns} for each in table.constraints if isinstance(each, UniqueConstraint)]
    unique += [{c.name for c in each.columns} for each in table.indexes if each.unique]
    return {name} in unique


def _itself(column: Column[Any]) -> bool:
    """The database numbers it, or it may be missing."""
    return (column.name == "id" and column.primary_key) or bool(column.nullable)


def _plain(column: Column[Any]) -> object:
    kind = column.type
    if isinstance(kind, (BigInteger, Integer)):
        return 1
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, DateTime):
        return datetime.now(UTC)
    if isinstance(kind, Date):
        return date(2026, 11, 1)
    if isinstance(kind, JSONB):
        return Jsonb({})
    if isinstance(kind, ARRAY):
        return []
    return "k1.AAAA" if column.name.endswith("_sealed") else "1"


def _key(table: str, between: str) -> str:
    return between.join(metadata.tables[table].primary_key.columns.keys())

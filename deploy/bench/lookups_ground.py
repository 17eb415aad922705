"""A province of a million applications in a database of its own: 25 counties of 40,000, made of one that is real."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from models.forms.identity import citizen_id_check_digit
from models.store.register.register import register_row
from models.store.texts import seal_text
from models.store.vault import Field, Vault, name_index

COUNTIES, PARTS, LINES_OF_PART = 25, 20, 2_000
YEAR = 2026
RECORDS, CARDS = 3_000, 1_000
TOWNS = [f"{place:03d}" for place in range(100, 120)]
BANKS = [f"BANK-{letter}" for letter in "ABCDEF"]
# What so few are of that a walk by number would go through the whole county to find them.
RARE_TOWN, RARE_BANK = "199", "BANK-R"
_SQL = Path(__file__).with_name("lookups_ground.sql")
_FIGURES = {
    "total_fen": 1,
    "application_count": 1,
    "household_count": 1,
    "towns": [{"code": "T", "name": "T", "application_count": 1, "total_fen": 1}],
    "banks": [{"code": "B", "name": "B", "application_count": 1, "total_fen": 1}],
    "indicators": [{"code": "I", "name": "I", "application_count": 1, "total_fen": 1}],
}
_ACTS = ("applications.imported", "applications.submitted", "list.asked", "flows.started", "batch.opened")


@dataclass(frozen=True)
class Size:
    """How many counties, and of each how many parts (of 20) with how many lines.

    What is before `first_part` was only ever entered: it has neither results nor payments. `records`: how many entries
    of the trail a county has, and how many callbacks.
    """

    counties: int = COUNTIES
    lines_of_part: int = LINES_OF_PART
    first_part: int = 1
    records: int = RECORDS

    @property
    def codes(self) -> list[str]:
        return [f"5001{place:02d}" for place in range(1, self.counties + 1)]

    @property
    def measured(self) -> str:
        """A county in the middle: others were before it and came after it."""
        return self.codes[self.counties // 2]

    @property
    def paid(self) -> int:
        """One of its applications that was paid, in flow 8."""
        return 7 * self.lines_of_part + 30


def fill(server: psycopg.Connection, vault: Vault, size: Size) -> None:
    """All rows of an empty database, by a superuser: neither triggers nor looks at foreign keys."""
    county = size.measured
    with server.transaction():
        server.execute("SET LOCAL session_replication_role = replica")
        _table(server, "county", "code text, place int", enumerate_codes(size))
        texts = (county, seal_text(vault, county, "一批"), json.dumps(_FIGURES), size.first_part, size.records)
        _table(server, "sealed_texts", "measured text, title text, figures jsonb, first_part int, records int", [texts])
        _table(server, "pattern", _PATTERN, applications(vault, size))
        _table(server, "pattern_trail", _TRAIL, trail(vault, county, size.records))
        _table(server, "pattern_card", _CARD, cards(vault, county))
        for statement in _SQL.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                server.execute(statement.encode())
        server.execute(
            _CATALOGS.encode(), {"towns": _named([county + town for town in (*TOWNS, RARE_TOWN)]), "banks": _banks()}
        )


_CATALOGS = """
INSERT INTO catalog_list SELECT code, kind, year, CAST(items AS jsonb), now() FROM county CROSS JOIN (VALUES
  ('towns', 0, CAST(%(towns)s AS text)), ('banks', 0, %(banks)s),
  ('subsidy-items', 2026, '[{"code": "ITEM-01", "name": "耕地地力保护补贴"}]')) AS lists (kind, year, items)
"""
_PATTERN = """part int, place int, application_no text, name_sealed text, name_index text, id_number_sealed text,
  person_index text, phone_sealed text, town_code text, village_code text, bank_code text, account_sealed text,
  account_index text, item_code text, amount_fen bigint, register_name text, register_id text, register_account text"""
_TRAIL = "sequence int, actor text, role text, act text, subject text, detail text"
_CARD = """place int, request_no text, person_index text, name_sealed text, name_index text, id_number_sealed text,
  bank_code text, account_sealed text, account_index text, entry_name text, entry_id text, entry_account text"""


def enumerate_codes(size: Size) -> list[tuple[str, int]]:
    return [(code, place) for place, code in enumerate(size.codes)]


def person_of(serial: int) -> tuple[str, str, str]:
    """Name, id number and account of one of a county's people."""
    born = date(1950, 1, 1) + timedelta(days=serial % 18_000)
    start = f"500101{born:%Y%m%d}{serial // 18_000:03d}"
    first, second = divmod(serial % 3_000, 60)
    name = f"王{chr(0x4E00 + first)}{chr(0x5000 + second)}"
    return name, start + citizen_id_check_digit(start + "0"), f"{serial:012d}"


def applications(vault: Vault, size: Size) -> Iterator[Sequence[object]]:
    county = size.measured
    for serial in range(PARTS * size.lines_of_part):
        part, place = divmod(serial, size.lines_of_part)
        name, id_number, account = person_of(serial)
        number = f"{county}-S{YEAR}-{serial + 1:07d}"
        index = vault.index(Field.ID_NUMBER, id_number)
        row = register_row(county, index)
        rare = place == size.lines_of_part - 1 and part % 2 == 1
        yield (
            part + 1,
            place,
            number,
            vault.seal(Field.NAME, number, name),
            name_index(vault, name),
            vault.seal(Field.ID_NUMBER, number, id_number),
            index,
            vault.seal(Field.PHONE, number, "13312345835"),
            county + (RARE_TOWN if rare else TOWNS[serial % len(TOWNS)]),
            f"{TOWNS[serial % len(TOWNS)]}V{serial % 200:03d}",
            RARE_BANK if rare else BANKS[serial % len(BANKS)],
            vault.seal(Field.ACCOUNT, number, account),
            vault.index(Field.ACCOUNT, account),
            "ITEM-01",
            10_000 + serial % 5_000,
            vault.seal(Field.NAME, row, name),
            vault.seal(Field.ID_NUMBER, row, id_number),
            vault.seal(Field.ACCOUNT, row, account),
        )


def trail(vault: Vault, county: str, entries: int) -> Iterator[Sequence[object]]:
    for sequence in range(1, entries + 1):
        detail = vault.seal(Field.DETAIL, f"{county}/{sequence}", '{"count": 1}')
        subject = f"{county}-P{YEAR}-{sequence % 12 + 1:04d}"
        yield sequence, f"op.{sequence % 20}", "operator", _ACTS[sequence % len(_ACTS)], subject, detail


def cards(vault: Vault, county: str) -> Iterator[Sequence[object]]:
    for place in range(1, CARDS + 1):
        name, id_number, account = person_of(place)
        number, entry = f"{county}-K{YEAR}-{place:06d}", f"{county}-E{YEAR}-{place:06d}"
        yield (
            place,
            number,
            vault.index(Field.ID_NUMBER, id_number),
            vault.seal(Field.NAME, number, name),
            name_index(vault, name),
            vault.seal(Field.ID_NUMBER, number, id_number),
            BANKS[place % len(BANKS)],
            vault.seal(Field.ACCOUNT, number, account),
            vault.index(Field.ACCOUNT, account),
            vault.seal(Field.NAME, entry, name),
            vault.seal(Field.ID_NUMBER, entry, id_number),
            vault.seal(Field.ACCOUNT, entry, account),
        )


def _table(server: psycopg.Connection, name: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
    server.execute(f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP".encode())
    with server.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
        for row in rows:
            copy.write_row(row)
    server.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _named(codes: Sequence[str]) -> str:
    return json.dumps([{"code": code, "name": f"镇{code[-3:]}", "villages": []} for code in codes], ensure_ascii=False)


def _banks() -> str:
    return json.dumps([{"code": code, "name": code} for code in (*BANKS, RARE_BANK)])

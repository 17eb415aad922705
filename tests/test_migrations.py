"""The tables of the newest revision are those that the product's code knows."""

import re
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from models.tables.metadata import metadata


def test_the_newest_revision_has_the_tables_that_the_code_knows(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_who_moves_money_names_the_trigger_that_books_it() -> None:
    """A line's `money` moves its indicator's figures by a trigger: beside each statement that changes it, by name."""
    root = Path(__file__).resolve().parents[1]
    moves = re.compile(r"(?<![.\w])(?<!AND )money = |INSERT INTO flow_line\b")
    found, silent = 0, []
    for file in (file for room in ("models/store", "activities", "api") for file in (root / room).rglob("*.py")):
        if "pages" in file.parts:
            continue
        lines = file.read_text().splitlines()
        for place in (place for place, line in enumerate(lines) if moves.search(line)):
            found += 1
            if not any("`flow_line_" in line for line in lines[max(0, place - 15) : place]):
                silent.append(f"{file.relative_to(root)}:{place + 1}")
    assert not silent
    assert found == 8

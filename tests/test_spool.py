"""A whole list's rows wait on the disk for their sheet: as they came, however many they are."""

import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from api.counter.export import _plain
from models.sheets.spool import Spool

FIELDS = ("name", "amount_fen", "at", "held", "banks", "note")


def test_rows_come_back_in_their_order_with_the_columns_of_the_file_only() -> None:
    spool = Spool(FIELDS, _plain)
    first = {"name": "张三\ud800", "amount_fen": 2**62, "at": datetime(2026, 11, 27, 16, 30, tzinfo=UTC), "id": "x"}
    spool.extend([(7, first), (6, {"held": True, "banks": ["农商", "邮储"], "note": ""})])
    spool.extend(iter([(5, {"held": False})]))
    shown = {"name": "张三\ud800", "amount_fen": 2**62, "at": "2026-11-28 00:30:00"}
    nothing: dict[str, object] = dict.fromkeys(FIELDS)
    expected = [
        (7, nothing | shown),
        (6, nothing | {"held": "是", "banks": "农商、邮储", "note": ""}),
        (5, nothing | {"held": "否"}),
    ]
    assert len(spool) == 3
    # read twice: once for who is noted as shown, once for the sheet
    assert [list(spool), list(spool)] == [expected, expected]


def test_a_countys_rows_take_no_memory() -> None:
    def rows(count: int) -> Iterator[tuple[int, Mapping[str, object]]]:
        for number in range(count):
            yield number, {field: f"{field} {number}" for field in FIELDS}

    tracemalloc.start()
    spool = Spool(FIELDS, _plain)
    for _ in range(10):
        spool.extend(rows(3_000))
    assert sum(1 for _ in spool) == 30_000
    assert tracemalloc.get_traced_memory()[1] < 3 * 1024 * 1024
    tracemalloc.stop()


def test_no_list_is_read_whole_for_its_file() -> None:
    """`Page.pieces` and `chunks` read in pieces, into a spool; who takes `page.rows` holds them all in memory."""
    root = Path(__file__).resolve().parents[1] / "api"
    # catalogs are in memory anyway; of applications alike, and of what is foreseen of some, the ids are found first
    known = {"catalogs.py": 1, "evidence.py": 1, "doubles.py": 2, "pre_flight.py": 1}
    rooms = [path for path in root.rglob("*.py") if path.parent.name not in ("counter", "pages")]
    found = {path.name: count for path in rooms if (count := path.read_text().count("page.rows"))}
    assert found == known

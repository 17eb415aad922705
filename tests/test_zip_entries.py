"""A zip's directory is bounded before zipfile makes objects of it, whatever the archive says of itself."""

import io
import struct
import time
import tracemalloc
import zipfile

import pytest

from models.photos.archive import ArchiveRefused, PhotoArchive
from models.sheets.archive import is_workbook, read_workbook
from models.sheets.rows import Limits
from models.sheets.zip_entries import LONGEST_EXTRA, count_entries
from models.words.faults import FileError

MIB = 1024 * 1024


def directory(entries: int, extra: bytes = b"") -> bytes:
    """A zip of 20 MiB at most that is nothing but its directory; its end doesn't say how many entries there are."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, len(extra), 0, 0, 0, 0, 0)
    content = (entry + b"a" + extra) * entries
    return content + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(content), 0, 0)


HOSTILE = {
    "entries": directory(440_000),
    "extra fields": directory(310, struct.pack("<HH", 0x9999, 0) * 16_383),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_directory_made_to_take_memory_and_time_takes_neither(name: str) -> None:
    data = HOSTILE[name]
    assert 19 * MIB < len(data) <= 20 * MIB
    tracemalloc.start()
    begun = time.thread_time()
    with pytest.raises(ArchiveRefused):
        PhotoArchive(io.BytesIO(data), None, 10 * MIB)
    with pytest.raises(FileError):
        read_workbook(data, Limits())
    assert not is_workbook(data)
    seconds, (_, peak) = time.thread_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 30 * MIB


@pytest.mark.parametrize("before", range(MIB - 120, MIB + 10, 7))
def test_an_entry_is_counted_once_wherever_it_lies(before: int) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a", b"x" * before)
        archive.writestr("b", b"")
    assert count_entries(target, 9) == 2


def test_a_false_start_hides_no_entry() -> None:
    data = directory(3)
    hidden = data.replace(b"PK\x01\x02", b"PK\x01\x02PK\x01\x02", 1)
    assert count_entries(io.BytesIO(hidden), 9) == 4
    with pytest.raises(ValueError, match="extra field"):
        count_entries(io.BytesIO(b"PK\x01\x02" + directory(1, b"x" * (LONGEST_EXTRA + 1))), 9)

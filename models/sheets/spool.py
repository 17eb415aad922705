"""Rows on the disk while they are needed: a whole county's would fill the memory of whoever holds them."""

import marshal
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeAlias, TypeVar

Plain = str | int | None
Row = tuple[int, Mapping[str, object]]
Item = TypeVar("Item")
# What `marshal` writes: numbers, texts, and tuples, lists and mappings of them.
Marshalled: TypeAlias = Any
# Rows written and read at once.
_TOGETHER = 500
# A short list never comes to the disk.
_IN_MEMORY = 256 * 1024


class DiskRows(Generic[Item]):
    """Rows in the order in which they came, as often as wanted; in a file without a name, gone with this.

    `plain` makes of a row what can be written, `made` makes it a row again.
    """

    def __init__(self, plain: Callable[[Item], Marshalled], made: Callable[[Marshalled], Item]) -> None:
        self._plain = plain
        self._made = made
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        # how long each piece is in the file, and those that are not in it yet
        self._sizes = array("L")
        self._coming: list[Marshalled] = []
        self._count = 0

    def append(self, row: Item) -> None:
        self._coming.append(self._plain(row))
        self._count += 1
        if len(self._coming) == _TOGETHER:
            self._put_away()

    def extend(self, rows: Iterable[Item]) -> None:
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        """From the first one on, once all are there; one thread at a time."""
        self._put_away()
        made, place = self._made, 0
        for size in self._sizes:
            self._file.seek(place)
            place += size
            # what this process has written itself
            for row in marshal.loads(self._file.read(size)):  # noqa: S302
                yield made(row)

    def _put_away(self) -> None:
        if self._coming:
            self._file.seek(0, SEEK_END)
            self._sizes.append(self._file.write(marshal.dumps(self._coming)))
            self._coming = []


class Spool:
    """Rows by their ids, each with some fields, as `plain` makes them."""

    def __init__(self, fields: Sequence[str], plain: Callable[[object], Plain]) -> None:
        self._names = names = tuple(fields)
        self._rows: DiskRows[tuple[int, Sequence[Plain]]] = DiskRows(tuple, tuple)
        self._kept = lambda row: (row[0], [plain(row[1].get(name)) for name in names])

    def extend(self, rows: Iterable[Row]) -> None:
        self._rows.extend(map(self._kept, rows))

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return ((number, dict(zip(self._names, values, strict=True))) for number, values in self._rows)

    def values(self) -> Iterator[Sequence[Plain]]:
        """Of each row its fields in their order."""
        return (values for _, values in self._rows)

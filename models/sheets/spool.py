"""Rows on the disk until their sheet is written: a whole county's would fill the memory of whoever serves it."""

import marshal
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from tempfile import TemporaryFile

Plain = str | int | None
Row = tuple[int, Mapping[str, object]]
# Rows written and read at once.
_TOGETHER = 500


class Spool:
    """Rows by their ids, each with some fields, as `plain` makes them; in a file without a name, gone with this."""

    def __init__(self, fields: Sequence[str], plain: Callable[[object], Plain]) -> None:
        self._fields = tuple(fields)
        self._plain = plain
        self._file = TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._sizes: list[int] = []
        self._count = 0

    def extend(self, rows: Iterable[Row]) -> None:
        fields, plain, rows = self._fields, self._plain, iter(rows)
        while piece := [
            (number, [plain(row.get(field)) for field in fields]) for number, row in islice(rows, _TOGETHER)
        ]:
            self._sizes.append(self._file.write(marshal.dumps(piece)))
            self._count += len(piece)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        """From the first one on, once all are there; one reader at a time."""
        self._file.seek(0)
        for size in self._sizes:
            # what this process has written itself
            for number, cells in marshal.loads(self._file.read(size)):  # noqa: S302
                yield number, dict(zip(self._fields, cells, strict=True))

"""An export's rows: the next are read while those before are shown, and nobody reads on once it has stopped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import pytest

from api.counter.chunks import CHUNK, one_ahead


@dataclass(frozen=True)
class Row:
    id: int


class Reader:
    """A database of so many rows, which may break after some pieces of them."""

    def __init__(self, rows: int, breaks_after: int | None = None) -> None:
        self._rows, self._breaks_after = rows, breaks_after

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        for place, first in enumerate(range(0, self._rows, CHUNK)):
            await self.read(place)
            yield [Row(number) for number in range(first, min(first + CHUNK, self._rows))]

    async def read(self, place: int) -> None:
        if place == self._breaks_after:
            raise ConnectionError


class SlowReader(Reader):
    """The second piece comes when it is let; what has happened stands in order."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.reading, self.let, self.happened = asyncio.Event(), asyncio.Event(), list[str]()

    async def read(self, place: int) -> None:
        if place == 1:
            self.reading.set()
            await self.let.wait()
            self.happened.append("read")


async def shown(reader: Reader) -> list[int]:
    async with aclosing(one_ahead(reader.pieces())) as pieces:
        return [row.id async for piece in pieces for row in piece]


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
async def test_every_row_comes_once_and_in_its_order(rows: int) -> None:
    assert await shown(Reader(rows)) == list(range(rows))


@pytest.mark.parametrize("pieces", [0, 1, 2])
async def test_what_breaks_the_reading_breaks_the_list(pieces: int) -> None:
    with pytest.raises(ConnectionError):
        await shown(Reader(4 * CHUNK, breaks_after=pieces))


async def test_who_stops_waits_for_the_reader() -> None:
    """The connection goes back with nobody reading on it."""
    reader = SlowReader(9 * CHUNK)

    async def stop() -> None:
        with suppress(ZeroDivisionError):
            async with aclosing(one_ahead(reader.pieces())) as pieces:
                async for _ in pieces:
                    await reader.reading.wait()
                    raise ZeroDivisionError
        reader.happened.append("stopped")

    async with asyncio.TaskGroup() as group:
        group.create_task(stop())
        await reader.reading.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        reader.let.set()
    assert reader.happened == ["read", "stopped"]

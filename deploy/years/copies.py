"""Rows as bytes: what PostgreSQL's COPY says of them, a block a table, each behind a line that tells what it is."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.tables import Part
from models.store.sql import copy_out, fetch

_COLUMNS = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


class NotMoved(Exception):
    """Why not, where, and what to do."""

    said_fully = True


class Spoiled(Exception):
    """What is there isn't what was written."""


class Sums(NamedTuple):
    """How many applications, their amounts together, and how much of it was paid."""

    lines: int
    fen: int
    paid_fen: int


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one table, in the text form of COPY: one a line, whatever is in them."""

    table: str
    columns: tuple[str, ...]
    data: bytes

    @property
    def rows(self) -> int:
        return self.data.count(b"\n")

    def of(self, *names: str) -> Iterator[tuple[str, ...]]:
        """These columns of each row."""
        places = [self.columns.index(name) for name in names]
        for line in self.data.splitlines():
            cells = line.split(b"\t")
            yield tuple(cells[place].decode() for place in places)


async def read(session: AsyncSession, parts: Sequence[Part], **chosen: str | int) -> list[Block]:
    """What the parts choose; the values stand in the statements, as COPY takes no others: numbers and codes of ours."""
    blocks = []
    for part in parts:
        columns = tuple(await fetch(session, str, _COLUMNS, table=part.table))
        rows = part.rows.format(**chosen)
        statement = f"SELECT {', '.join(columns)} FROM {part.table} WHERE {rows} ORDER BY {part.key}"
        blocks.append(Block(part.table, columns, await copy_out(session, statement)))
    return blocks


def ids_in_sql(ids: Iterable[int]) -> str:
    return f"ARRAY[{','.join(str(int(one)) for one in ids)}]::bigint[]"


def packed(blocks: Sequence[Block]) -> bytes:
    pieces = []
    for block in blocks:
        told = {"table": block.table, "columns": block.columns, "rows": block.rows, "bytes": len(block.data)}
        pieces += [json.dumps(told).encode(), b"\n", block.data]
    return zlib.compress(b"".join(pieces))


def unpacked(content: bytes) -> list[Block]:
    """Raises Spoiled where it isn't what `packed` makes."""
    blocks, at = [], 0
    try:
        plain = zlib.decompress(content)
        while at < len(plain):
            begin = plain.index(b"\n", at) + 1
            told = json.loads(plain[at:begin])
            at = begin + int(told["bytes"])
            blocks.append(Block(told["table"], tuple(told["columns"]), plain[begin:at]))
            if blocks[-1].rows != told["rows"] or len(blocks[-1].data) != told["bytes"]:
                raise Spoiled(told["table"])
    except (zlib.error, ValueError, KeyError) as error:
        raise Spoiled(str(error)) from error
    return blocks


def sums_of(blocks: Sequence[Block]) -> Sums:
    """By what is written, to the fen."""
    by_table = {block.table: block for block in blocks}
    amounts = [int(amount) for (amount,) in by_table["application"].of("amount_fen")]
    paid = [int(amount) for amount, money in by_table["flow_line"].of("amount_fen", "money") if money == "paid"]
    return Sums(len(amounts), sum(amounts), sum(paid))

"""What is written is whole by itself: whatever a row refers to is written, too, or nothing is signed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.copies import Block, ids_in_sql
from deploy.years.tables import HEADS, LINES, REFERRED, Part, Referred
from models.store.sql import fetch, fetch_int, fetch_one

# In the statements that choose rows values stand as they are, see `copies.read`.
_IDS = """ARRAY(SELECT unnest(application_ids) FROM moved_part
  WHERE county_code = '{county}' AND fund_year = {year} AND moved_at IS NULL)"""
_KEPT_IN = {"batches": "batch", "flows": "flow", "datasets": "dataset", "orders": "operator_order"}
_KEYS = """
SELECT c.conname::text AS name, s.relname::text AS source, t.relname::text AS target,
  ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place) AS columns,
  ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number ORDER BY k.place) AS keys
FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
WHERE c.contype = 'f' ORDER BY c.conname
"""


class _Key(NamedTuple):
    """A foreign key."""

    name: str
    source: str
    target: str
    columns: list[str]
    keys: list[str]


async def chosen_heads(
    session: AsyncSession, which: Mapping[str, str | int], former: Sequence[Block]
) -> dict[str, str]:
    """The values that `LINES` and `HEADS` are to be read by, for all of the year that is still here."""
    ids = _IDS.format(**which)
    kept = {name: ids_in_sql(_ids_of(former, table)) for name, table in _KEPT_IN.items()}
    found = await fetch_one(session, Referred, REFERRED.format(**which, ids=ids, **kept))
    assert found is not None
    return {name: ids_in_sql(referred) for name, referred in found._asdict().items()} | {"ids": ids}


def _ids_of(blocks: Sequence[Block], table: str) -> list[int]:
    return [int(one) for block in blocks if block.table == table for (one,) in block.of("id")]


async def not_written(session: AsyncSession, chosen: Mapping[str, str | int]) -> list[str]:
    """The foreign keys by which a written row refers to one that isn't, each with how many such there are."""
    keys = [key for key in await fetch(session, _Key, _KEYS) if _parts(key.source)]
    counted = [(key.name, await fetch_int(session, _missing(key, chosen))) for key in keys]
    return [f"{name} {count}" for name, count in counted if count]


def _missing(key: _Key, chosen: Mapping[str, str | int]) -> str:
    """By EXCEPT: a NOT IN of many rows is looked through once for each."""
    filled = " AND ".join(f"{column} IS NOT NULL" for column in key.columns)
    sources, targets = (_rows(_parts(table), chosen) for table in (key.source, key.target))
    return (
        f"SELECT count(*) FROM (SELECT {', '.join(key.columns)} FROM {key.source} WHERE ({sources}) AND {filled}"
        f" EXCEPT SELECT {', '.join(key.keys)} FROM {key.target} WHERE {targets}) AS missing"
    )


def _parts(table: str) -> list[Part]:
    return [part for part in (*HEADS, *LINES) if part.table == table]


def _rows(parts: Sequence[Part], chosen: Mapping[str, str | int]) -> str:
    return " OR ".join(f"({part.rows.format(**chosen)})" for part in parts) or "false"

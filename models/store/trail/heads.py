"""Signed heads: what a county's trail ended with, kept in S3, so that the database alone can't forget a trail's end."""

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from models.store.database import Database
from models.store.objects import ObjectStore
from models.store.sql import fetch, fetch_one
from models.store.trail.check import Break, SignedHead, covered
from models.store.trail.restorations import NotedRestoration, restorations
from models.store.vault import Proof, Vault
from models.tables.base import now
from models.words.stages import TrailBreak

FOLDER = "trail-heads/"
# In clear: nothing personal, and an auditor reads it without us.
CONTENT_TYPE = "application/json"
_COUNTIES = "SELECT county_code FROM trail_head ORDER BY county_code"
_LINKS = """
SELECT h.sequence, h.chain,
  (SELECT chain FROM trail_entry WHERE county_code = :county AND sequence = h.sequence) AS last,
  (SELECT chain FROM trail_entry WHERE county_code = :county AND sequence = :signed) AS signed
FROM (VALUES (1)) AS one LEFT JOIN trail_head h ON h.county_code = :county
"""


class _Links(NamedTuple):
    """The head, and the entries at it and where it was signed last; NULL for what isn't there."""

    sequence: int | None
    chain: str | None
    last: str | None
    signed: str | None


async def counties(database: Database, objects: ObjectStore) -> Sequence[str]:
    """Everyone who has a trail, or had one when a head was signed."""
    async with database.reading() as session:
        present = await fetch(session, str, _COUNTIES)
    return sorted({*present, *await objects.folders(FOLDER)})


async def last_head(
    database: Database, vault: Vault, objects: ObjectStore, county_code: str
) -> tuple[SignedHead | None, list[NotedRestoration]]:
    """The furthest head that was signed, and the restorations that explain heads which lie ahead of the trail."""
    # S3 first: the trail only grows, so what was signed or explained before is in it
    keys = await heads_of(objects, county_code)
    async with database.reading() as session:
        noted = await restorations(session, vault, county_code)
    return await _furthest(objects, county_code, keys, {key for one in noted for key in one.heads}), noted


async def heads_of(objects: ObjectStore, county_code: str) -> list[str]:
    return await objects.keys(f"{FOLDER}{county_code}/")


def ahead(keys: Sequence[str], sequence: int) -> list[str]:
    """Of a county's heads those that were signed of entries after this one."""
    return [key for key in keys if _sequence(key) > sequence]


async def _furthest(
    objects: ObjectStore, county_code: str, keys: Sequence[str], explained: Collection[str]
) -> SignedHead | None:
    """One that can't be read has no signature."""
    key = max((key for key in keys if key not in explained), key=_sequence, default=None)
    if key is None:
        return None
    try:
        told = json.loads(await objects.read_plain(key))
        at = datetime.fromisoformat(told["at"])
        return SignedHead(county_code, int(told["sequence"]), str(told["chain"]), at, str(told["signature"]))
    except (ValueError, KeyError, TypeError):
        return SignedHead(county_code, _sequence(key), "", datetime.fromtimestamp(0, UTC), "")


def _sequence(key: str) -> int:
    """`trail-heads/500001/20261126T180000Z-1234.json`; what isn't ours comes first."""
    number = key.rpartition("-")[2].removesuffix(".json")
    return int(number) if number.isdecimal() else -1


async def sign_head(database: Database, vault: Vault, objects: ObjectStore, county_code: str) -> Break | bool:
    """Keep where the county's trail is now, if it has moved; True when it has.

    Only on top of the last head: what was cut off since would be forgotten with a new one.
    """
    signed, _ = await last_head(database, vault, objects, county_code)
    async with database.reading() as session:
        row = await fetch_one(session, _Links, _LINKS, county=county_code, signed=signed.sequence if signed else 0)
    assert row is not None
    if signed is not None and not vault.holds(Proof.HEAD, covered(signed), signed.signature):
        return Break(TrailBreak.HEAD_FORGED, signed.sequence)
    if row.sequence is None or row.chain is None:
        return Break(TrailBreak.GONE, 1)
    if signed is not None:
        if row.sequence < signed.sequence:
            return Break(TrailBreak.CUT, row.sequence + 1)
        if row.signed != signed.chain:
            return Break(TrailBreak.NOT_AS_SIGNED, signed.sequence)
        if row.sequence == signed.sequence:
            return False
    if row.last != row.chain:
        return Break(TrailBreak.HEAD_DIFFERS, row.sequence)
    await _keep(vault, objects, SignedHead(county_code, row.sequence, row.chain, now(), ""))
    return True


async def _keep(vault: Vault, objects: ObjectStore, head: SignedHead) -> None:
    told = {
        "county_code": head.county_code,
        "sequence": head.sequence,
        "chain": head.chain,
        "at": head.at.isoformat(),
        "signature": vault.sign(Proof.HEAD, covered(head)),
    }
    key = f"{FOLDER}{head.county_code}/{head.at:%Y%m%dT%H%M%SZ}-{head.sequence}.json"
    await objects.write_once(key, json.dumps(told).encode(), CONTENT_TYPE)

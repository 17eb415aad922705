"""The manifest names every part, the trail names the manifest; what is signed is what the flows' pages show."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.years.closed import chosen_heads, not_written
from deploy.years.copies import Block, NotMoved, Spoiled, Sums, packed, read, unpacked
from deploy.years.statements import PAID_BY_FLOWS, PART_SUMS, PARTS, REVISION, WRITTEN_TWICE
from deploy.years.tables import HEADS
from models.store.objects import SEALED_TYPE, ObjectStore
from models.store.sql import fetch, fetch_int, fetch_one
from models.store.vault import Proof, Vault
from models.tables.base import now
from models.tables.policies import StoredFile

_FOLDER = "moved-years/"
_MANIFEST_TYPE = "application/json"


class _Written(NamedTuple):
    """A part as the manifest has it."""

    number: int
    sha256: str
    size: int
    lines: int
    fen: int
    paid_fen: int


class ToSign(NamedTuple):
    """All of the year as it is written; `told` goes into the manifest."""

    heads: list[Block]
    total: Sums
    parts: list[_Written]
    revision: str


async def to_sign(session: AsyncSession, county: str, year: int, former: Sequence[Block]) -> ToSign:
    """Of one moment; refused where it isn't whole, or isn't what the flows say."""
    which: dict[str, str | int] = {"county": county, "year": year}
    total = await fetch_one(session, Sums, PART_SUMS, **which)
    revision = await fetch_one(session, str, REVISION)
    assert total is not None
    assert revision is not None
    await _require_what_flows_show(session, which, total)
    chosen = which | await chosen_heads(session, which, former)
    if missing := await not_written(session, chosen):
        raise _unsigned(which, f"写出的行所指的有未写出的（{'、'.join(missing)}）")
    return ToSign(await read(session, HEADS, **chosen), total, await fetch(session, _Written, PARTS, **which), revision)


async def _require_what_flows_show(session: AsyncSession, which: dict[str, str | int], total: Sums) -> None:
    if twice := await fetch_int(session, WRITTEN_TWICE, **which):
        raise _unsigned(which, f"有 {twice} 笔申请写出了两次")
    paid = await fetch_int(session, PAID_BY_FLOWS, **which)
    if total.paid_fen != paid:
        raise _unsigned(which, f"写出的已发放为 {total.paid_fen} 分，流程合计为 {paid} 分")


def _unsigned(which: dict[str, str | int], why: str) -> NotMoved:
    county, year = which["county"], which["year"]
    return NotMoved(
        f"{county} 的 {year} 年度{why}：没有签名，没有再移出。请查明；"
        f"还没有移出一笔时可用 python -m deploy.years abandon {year} --county {county} 撤回，再重新移出"
    )


async def kept(objects: ObjectStore, county: str, by: str, blocks: Sequence[Block]) -> StoredFile:
    """Sealed as every file of the county is; read back, or Spoiled."""
    file = await objects.put(county, packed(blocks), SEALED_TYPE, by)
    if unpacked(await objects.get(file)) != list(blocks):
        raise Spoiled(file.object_key)
    return file


async def fetched(objects: ObjectStore, county: str, named: dict[str, Any]) -> list[Block]:
    """What a manifest names."""
    digest = str(named["sha256"])
    file = StoredFile(
        county_code=county,
        object_key=f"{county}/{digest}",
        sha256=digest,
        content_type=SEALED_TYPE,
        size=int(named["size"]),
        stored_by="",
    )
    return unpacked(await objects.get(file))


async def keep_manifest(
    objects: ObjectStore, vault: Vault, county: str, year: int, told: dict[str, object]
) -> tuple[str, str]:
    """In clear, as the heads of the trails are: nothing in it is personal, and it is found without the database."""
    plain = json.dumps(told, sort_keys=True)
    signed = json.dumps({"told": plain, "signature": vault.sign(Proof.MOVED_YEAR, plain.encode())}).encode()
    key = f"{manifests_of(county, year)}{now():%Y%m%dT%H%M%S%fZ}.json"
    await objects.write_once(key, signed, _MANIFEST_TYPE)
    if await objects.read_plain(key) != signed:
        raise Spoiled(key)
    return key, hashlib.sha256(signed).hexdigest()


async def manifest(objects: ObjectStore, vault: Vault, key: str) -> dict[str, Any]:
    signed = json.loads(await objects.read_plain(key))
    plain = str(signed["told"])
    if not vault.holds(Proof.MOVED_YEAR, plain.encode(), str(signed["signature"])):
        raise NotMoved(f"{key} 的签名不符：不是本系统写的，或密钥（VAULT_KEY_FILE）不是当时的")
    told: dict[str, Any] = json.loads(plain)
    return told


def manifests_of(county: str, year: int) -> str:
    return f"{_FOLDER}{county}/{year}/"

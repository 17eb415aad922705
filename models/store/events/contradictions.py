"""Contradictions: what we applied and what the platform claims, side by side, until a reviewer takes one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Rank
from models.store.locking import lock_rows
from models.store.sql import execute, fetch_int
from models.store.vault import Field, Vault
from models.tables.flows import Contradiction
from models.words.stages import ContradictionState

Content = Mapping[str, object]
RESULT_MISSING, PAYMENT_MISSING = "result_missing", "payment_missing"
# A changed page that leaves a line out says nothing of it that could be taken.
LEAVES_OUT = (RESULT_MISSING, PAYMENT_MISSING)


@dataclass(frozen=True, slots=True)
class Claim:
    """`line_key` names the line (`application_no#attempt`), a page, or nothing for the whole subject."""

    county_code: str
    number: str
    kind: str
    line_key: str
    applied: Content
    claimed: Content
    inbox_id: int | None


def seal_row(number: str, kind: str, line_key: str) -> str:
    return f"{number}/{kind}/{line_key}"


def open_content(vault: Vault, row: Contradiction, sealed: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(
        vault.open(Field.DETAIL, seal_row(row.number, row.kind, row.line_key), sealed)
    )
    return content


async def keep_claim(session: AsyncSession, vault: Vault, claim: Claim) -> bool:
    """Keep a claim beside what is applied; the same claim again is the same row (False)."""
    return await keep_all(session, vault, [claim]) == 1


async def keep_all(session: AsyncSession, vault: Vault, claims: Sequence[Claim]) -> int:
    """Keep any number of claims in one statement; gives how many are new."""
    if not claims:
        return 0
    return await execute(session, _KEEP, rows=json.dumps([_row(vault, claim) for claim in claims]))


_KEEP = """
INSERT INTO contradiction (county_code, number, kind, line_key, applied_sealed, claimed_sealed, claim_sha256, inbox_id,
  state, created_at)
SELECT r.*, 'open', now() FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(county_code text, number text, kind text,
  line_key text, applied_sealed text, claimed_sealed text, claim_sha256 text, inbox_id bigint)
ON CONFLICT (number, kind, line_key, claim_sha256) DO NOTHING
"""


def _row(vault: Vault, claim: Claim) -> dict[str, str | int | None]:
    place = seal_row(claim.number, claim.kind, claim.line_key)
    applied, claimed = _json(claim.applied), _json(claim.claimed)
    return {
        "county_code": claim.county_code,
        "number": claim.number,
        "kind": claim.kind,
        "line_key": claim.line_key,
        "applied_sealed": vault.seal(Field.DETAIL, place, applied),
        "claimed_sealed": vault.seal(Field.DETAIL, place, claimed),
        # which page says so makes no other claim of it
        "claim_sha256": vault.index(Field.DETAIL, _json({k: v for k, v in claim.claimed.items() if k != "page"})),
        "inbox_id": claim.inbox_id,
    }


async def decided(session: AsyncSession, number: str) -> list[Contradiction]:
    statement = (
        select(Contradiction)
        .where(Contradiction.number == number, Contradiction.state == ContradictionState.DECIDED)
        .order_by(col(Contradiction.id))
    )
    return list(await lock_rows(session, Rank.RUN, statement))


async def open_count(session: AsyncSession, number: str) -> int:
    return await fetch_int(
        session, "SELECT count(*) FROM contradiction WHERE number = :number AND state <> 'settled'", number=number
    )


def _json(content: Content) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, default=str)

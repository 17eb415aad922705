"""A flow's end held against the platform's figures, and what is kept of a difference."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.events import contradictions
from models.store.sql import fetch, fetch_int
from models.store.vault import Vault
from models.tables.flows import Flow

COMPARED = ("paid_count", "paid_fen", "failed_count", "failed_fen")
END_FIGURES = "end_figures"
_MANY_PAGES = 2**31 - 1
_AS_OF_END = """
SELECT status, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM (
  SELECT DISTINCT ON (p.flow_line_id) p.status, p.amount_fen FROM payment p
  JOIN flow_line l ON l.id = p.flow_line_id AND (l.state = 'accepted') IS TRUE
  WHERE p.flow_id = :id
  ORDER BY p.flow_line_id, coalesce(p.page, 0) <= :pages DESC, p.sequence DESC, p.id DESC
) AS newest GROUP BY status
"""


class _Sum(NamedTuple):
    status: str
    lines: int
    fen: int


async def as_of_end(session: AsyncSession, flow: Flow) -> dict[str, object]:
    """Our figures under the platform's names: a result of the pages that its end counts goes before a later one.

    Asked again later, a line that was settled or found in a late page meanwhile is counted too.
    """
    counts = dict.fromkeys(COMPARED, 0)
    pages = (flow.end_claim or {}).get("payment_pages") or _MANY_PAGES
    for status, count, fen in await fetch(session, _Sum, _AS_OF_END, id=flow.id, pages=pages):
        counts[f"{status}_count"], counts[f"{status}_fen"] = count, fen
    return dict(counts)


def agrees(flow: Flow, ours: dict[str, object]) -> bool:
    """What the platform's end doesn't say is nothing to differ from."""
    claim = flow.end_claim or {}
    return all(claim.get(field) in (None, ours[field]) for field in COMPARED)


async def unresolved_lines(session: AsyncSession, flow: Flow) -> int:
    return await fetch_int(
        session, "SELECT count(*) FROM flow_line WHERE flow_id = :id AND payment = 'unresolved'", id=flow.id
    )


async def keep_difference(session: AsyncSession, vault: Vault, flow: Flow) -> None:
    """When every line has its result and the sums still differ, no line explains it: a reviewer has to.

    Asked after the end and after everything that may resolve a line; kept once.
    """
    if flow.balanced is not False or await unresolved_lines(session, flow):
        return
    ours = await as_of_end(session, flow)
    if agrees(flow, ours):
        return
    claim = contradictions.Claim(
        county_code=flow.county_code,
        number=flow.flow_no,
        kind=END_FIGURES,
        line_key="",
        applied=ours,
        claimed={field: (flow.end_claim or {}).get(field) for field in COMPARED},
        inbox_id=None,
    )
    await contradictions.keep_claim(session, vault, claim)

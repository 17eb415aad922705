"""What a reviewer of an account has to know of others: lines on their way to the old one, who else uses the new one."""

from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.store.sql import fetch, fetch_int, fetch_one
from models.words.stages import LineState, PaymentState

LISTED_LINES = 100
# Lines whose copy of the account has left for the platform and isn't paid or refused yet.
IN_FLIGHT = (
    "FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE l.county_code = :county AND l.account_index = :account"
    " AND l.person_index = :person AND (l.payment = 'unresolved'"
    " OR (f.stage <> 'ended' AND (l.payment = 'awaiting' OR l.state = 'under_review')))"
)
USED_BY_ANOTHER = """
SELECT count(*) FROM (
  SELECT 1 FROM register_account r WHERE r.account_index = :account AND r.person_index <> :person
  UNION ALL SELECT 1 FROM card_change c WHERE c.ended_at IS NULL AND c.account_index = :account
    AND c.person_index <> :person
  UNION ALL SELECT 1 FROM village_entry v WHERE v.ended_at IS NULL AND v.account_index = :account
    AND v.person_index <> :person
) AS others
"""


class _Figures(NamedTuple):
    lines: int
    total_fen: int


class _Line(NamedTuple):
    flow_no: str
    application_no: str
    amount_fen: int
    state: LineState
    payment: PaymentState | None


class LineInFlight(TypedDict):
    flow_no: str
    application_no: str
    amount_fen: Annotated[int, Field(description="金额（分）")]
    state_label: str


class PaymentsInFlight(TypedDict):
    """在途发放: what the platform pays to the old account whatever is decided now."""

    count: Annotated[int, Field(description="在途笔数")]
    total_fen: Annotated[int, Field(description="在途金额（分）")]
    lines: Annotated[list[LineInFlight], Field(description=f"最多列出 {LISTED_LINES} 笔")]


async def payments_in_flight(
    session: AsyncSession, county_code: str, person_index: str, old_account_index: str | None
) -> PaymentsInFlight:
    """What the platform pays to the old account whatever is decided now."""
    if old_account_index is None:
        return {"count": 0, "total_fen": 0, "lines": []}
    whose = {"county": county_code, "account": old_account_index, "person": person_index}
    figures = await fetch_one(
        session,
        _Figures,
        f"SELECT count(*) AS lines, coalesce(sum(l.amount_fen), 0)::bigint AS total_fen {IN_FLIGHT}",
        **whose,
    )
    assert figures is not None, "a count is one row"
    lines = await fetch(
        session,
        _Line,
        "SELECT f.flow_no, l.application_no, l.amount_fen, l.state, l.payment"
        f" {IN_FLIGHT} ORDER BY l.id LIMIT {LISTED_LINES}",
        **whose,
    )
    return {"count": figures.lines, "total_fen": figures.total_fen, "lines": [_shown(line) for line in lines]}


def _shown(line: _Line) -> LineInFlight:
    return {
        "flow_no": line.flow_no,
        "application_no": line.application_no,
        "amount_fen": line.amount_fen,
        "state_label": (PaymentState(line.payment) if line.payment else LineState(line.state)).label,
    }


async def used_by_another(session: AsyncSession, account_index: str, person_index: str) -> bool:
    """That there is one, in whatever county; never who or where."""
    return await fetch_int(session, USED_BY_ANOTHER, account=account_index, person=person_index) > 0

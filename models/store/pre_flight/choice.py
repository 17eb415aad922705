"""What a start would name if the whole year stood open to it: policies that cover the batch, indicators with money."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch

# A start takes no more of either.
MOST = 100
_BATCH = "batch b WHERE b.batch_no = :no AND b.county_code = :county"
_APPROVED = "county_code = :county AND stage = 'approved' AND fund_year = (SELECT b.fund_year FROM " + _BATCH + ")"
# All of one unit, as the platform is told one: that which covers most; of each item the newest version.
_POLICIES = f"""
WITH needed AS (
  SELECT DISTINCT item_code FROM application WHERE stage = 'in_batch' AND batch_id = (SELECT b.id FROM {_BATCH})
), covering AS (
  SELECT p.id, p.policy_no, p.policy_unit_code, n.item_code
  FROM policy p CROSS JOIN LATERAL jsonb_array_elements_text(p.item_codes) AS i (code)
  JOIN needed n ON n.item_code = i.code WHERE {_APPROVED}
), newest AS (
  SELECT DISTINCT ON (item_code) id, policy_no FROM covering WHERE policy_unit_code = (
    SELECT policy_unit_code FROM covering GROUP BY 1 ORDER BY count(DISTINCT item_code) DESC, max(id) DESC LIMIT 1)
  ORDER BY item_code, id DESC
)
SELECT DISTINCT policy_no FROM newest ORDER BY 1 LIMIT {MOST}
"""
# Those that have most left, so that what doesn't fit on these fits on no others; drawn on in their order.
_INDICATORS = f"""
WITH richest AS (
  SELECT id, indicator_no FROM indicator WHERE {_APPROVED} AND total_fen > reserved_fen + paid_fen
  ORDER BY total_fen - reserved_fen - paid_fen DESC, id LIMIT {MOST}
)
SELECT indicator_no FROM richest ORDER BY id
"""


class StartMeans(NamedTuple):
    """By their numbers."""

    policies: Sequence[str]
    indicators: Sequence[str]


async def choice_of_year(session: AsyncSession, county_code: str, batch_no: str) -> StartMeans:
    which = {"county": county_code, "no": batch_no}
    return StartMeans(await fetch(session, str, _POLICIES, **which), await fetch(session, str, _INDICATORS, **which))

"""What a county has and lacks before its first season (上线准备), in one turn to the database."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_one

_HAS = """
WITH active AS (SELECT roles FROM person WHERE county_code = :county AND state = 'active')
SELECT
  (SELECT count(*) FROM active WHERE 'county_admin' = ANY(roles)) AS admins,
  (SELECT count(*) FROM active WHERE 'operator' = ANY(roles)) AS operators,
  (SELECT count(*) FROM active WHERE 'reviewer' = ANY(roles)) AS reviewers,
  (SELECT count(*) FROM active WHERE roles && ARRAY['operator', 'reviewer']::varchar[]) AS workers,
  EXISTS (SELECT FROM policy_unit WHERE county_code = :county) AS unit,
  (SELECT count(DISTINCT kind) FROM catalog_list WHERE county_code = :county AND fund_year IN (0, :year)) AS catalogs,
  EXISTS (SELECT FROM register_account WHERE county_code = :county AND status = 'valid') AS accounts,
  EXISTS (SELECT FROM inbox WHERE county_code = :county AND source = 'callback' AND state <> 'quarantined') AS called,
  t.tried_at, t.code, t.took_ms, t.ahead_seconds, t.asked_by
FROM (SELECT 1) AS one LEFT JOIN platform_trial t ON t.county_code = :county
"""


class CountyHas(NamedTuple):
    """`tried_at` and the rest of the last trial are NULL before the first."""

    admins: int
    operators: int
    reviewers: int
    workers: int
    unit: bool
    catalogs: int
    accounts: bool
    called: bool
    tried_at: datetime | None
    code: str | None
    took_ms: int | None
    ahead_seconds: float | None
    asked_by: str | None


async def what_county_has(session: AsyncSession, county_code: str, year: int) -> CountyHas:
    found = await fetch_one(session, CountyHas, _HAS, county=county_code, year=year)
    assert found is not None, "a statement of sub-selects has one row"
    return found

"""A county's fund year in figures: applications, payments, money, card changes, accounts that became unusable."""

from datetime import date
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch, fetch_one


class Part(NamedTuple):
    """`part` is which table of figures a row belongs to, `code` the row's own; `fen` 0 where there is no money."""

    part: str
    code: str
    counted: int
    fen: int


class PaidDay(NamedTuple):
    day: date
    counted: int
    fen: int


class MoneySums(NamedTuple):
    """Of approved indicators, in fen; left = total - reserved - paid."""

    total_fen: int
    reserved_fen: int
    paid_fen: int


# The year's accepted lines are walked through once, whatever they are summed by.
_PAYMENTS = """
WITH lines AS MATERIALIZED (
  SELECT l.payment, coalesce(l.payment_reason_code, 'other') AS reason, l.bank_code, l.town_code, l.amount_fen
  FROM flow f JOIN flow_line l ON l.flow_id = f.id AND l.state = 'accepted'
  WHERE f.county_code = :county AND f.fund_year = :year
)
SELECT 'payments' AS part, payment AS code, count(*) AS counted, sum(amount_fen)::bigint AS fen FROM lines GROUP BY 2
UNION ALL SELECT 'paid_by_town', town_code, count(*), sum(amount_fen)::bigint FROM lines WHERE payment = 'paid'
GROUP BY 2
UNION ALL SELECT 'paid_by_bank', bank_code, count(*), sum(amount_fen)::bigint FROM lines WHERE payment = 'paid'
GROUP BY 2
UNION ALL SELECT 'failed_by_reason', reason, count(*), sum(amount_fen)::bigint FROM lines WHERE payment = 'failed'
GROUP BY 2
UNION ALL SELECT 'failed_by_bank', bank_code, count(*), sum(amount_fen)::bigint FROM lines WHERE payment = 'failed'
GROUP BY 2
ORDER BY 1, 4 DESC, 2
"""
_PAID_DAYS = """
SELECT (l.payment_at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS counted, sum(l.amount_fen)::bigint AS fen
FROM flow f JOIN flow_line l ON l.flow_id = f.id AND l.state = 'accepted' AND l.payment = 'paid'
WHERE f.county_code = :county AND f.fund_year = :year AND l.payment_at IS NOT NULL GROUP BY 1 ORDER BY 1
"""
_APPLICATIONS = """
SELECT 'applications' AS part, stage AS code, count(*) AS counted, sum(amount_fen)::bigint AS fen FROM application
WHERE county_code = :county AND fund_year = :year GROUP BY 2 ORDER BY 2
"""
_MONEY = """
SELECT coalesce(sum(total_fen), 0)::bigint AS total_fen, coalesce(sum(reserved_fen), 0)::bigint AS reserved_fen,
  coalesce(sum(paid_fen), 0)::bigint AS paid_fen FROM indicator
WHERE county_code = :county AND fund_year = :year AND stage = 'approved'
"""
# A change that was named in vain for this county never was its business (`PARTS` of the desk).
_CARDS = """
SELECT 'card_changes' AS part, p.stage AS code, count(*) AS counted, 0::bigint AS fen FROM card_change_part p
WHERE p.county_code = :county AND extract(year FROM p.created_at AT TIME ZONE 'Asia/Shanghai') = :year
  AND NOT (p.stage = 'failed' AND p.attempt = 0 AND p.old_account_index IS NULL) GROUP BY 2
UNION ALL
SELECT 'unusable_accounts', status || '/' || coalesce(bank_code, ''), count(*), 0 FROM register_account
WHERE county_code = :county AND status <> 'valid' GROUP BY 2 ORDER BY 1, 2
"""
_MEDIAN = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM p.ended_at - p.created_at) / 86400)::float AS days
FROM card_change_part p WHERE p.county_code = :county AND p.ended_at IS NOT NULL
  AND extract(year FROM p.created_at AT TIME ZONE 'Asia/Shanghai') = :year
  AND p.stage IN ('applied', 'refused', 'failed')
  AND NOT (p.stage = 'failed' AND p.attempt = 0 AND p.old_account_index IS NULL)
"""


async def parts_of_year(session: AsyncSession, county: str, year: int) -> dict[str, list[Part]]:
    """Every table of figures by its name; what has no rows isn't there."""
    found: dict[str, list[Part]] = {}
    for statement in (_APPLICATIONS, _PAYMENTS, _CARDS):
        for part in await fetch(session, Part, statement, county=county, year=year):
            found.setdefault(part.part, []).append(part)
    return found


async def paid_days(session: AsyncSession, county: str, year: int) -> list[PaidDay]:
    return await fetch(session, PaidDay, _PAID_DAYS, county=county, year=year)


async def money_sums(session: AsyncSession, county: str, year: int) -> MoneySums:
    sums = await fetch_one(session, MoneySums, _MONEY, county=county, year=year)
    return sums or MoneySums(0, 0, 0)


async def median_days(session: AsyncSession, county: str, year: int) -> float | None:
    """Days from a card change's request to its end, the middle one."""
    return (await fetch(session, float, _MEDIAN, county=county, year=year))[0]

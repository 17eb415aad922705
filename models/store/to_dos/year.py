"""A county's fund year in figures: applications, payments, money, card changes, accounts that became unusable."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import TO_THE_END, fetch, fetch_one, looked_at


class Part(NamedTuple):
    """`part` is which table of figures a row belongs to, `code` the row's own; `fen` 0 where there is no money."""

    part: str
    code: str
    counted: int
    fen: int


class MoneySums(NamedTuple):
    """Of approved indicators, in fen; left = total - reserved - paid."""

    total_fen: int
    reserved_fen: int
    paid_fen: int


# The year's accepted lines are walked through once, and summed by all that they are told by: the rest is about these
# sums, a tenth of the lines or less.
_PAYMENTS = f"""
WITH sums AS MATERIALIZED (
  SELECT l.payment, coalesce(l.payment_reason_code, 'other') AS reason, l.bank_code, l.town_code,
    (l.payment_at AT TIME ZONE 'Asia/Shanghai')::date AS day, count(*) AS lines, sum(l.amount_fen) AS fen
  FROM flow f CROSS JOIN LATERAL (SELECT * FROM flow_line WHERE flow_id = f.id AND state = 'accepted'
    ORDER BY flow_id, id {TO_THE_END}) AS l WHERE f.county_code = :county AND f.fund_year = :year GROUP BY 1, 2, 3, 4, 5
)
SELECT 'payments' AS part, payment AS code, sum(lines)::bigint AS counted, sum(fen)::bigint AS fen FROM sums GROUP BY 2
UNION ALL SELECT 'paid_by_town', town_code, sum(lines)::bigint, sum(fen)::bigint FROM sums WHERE payment = 'paid'
GROUP BY 2
UNION ALL SELECT 'paid_by_bank', bank_code, sum(lines)::bigint, sum(fen)::bigint FROM sums WHERE payment = 'paid'
GROUP BY 2
UNION ALL SELECT 'failed_by_reason', reason, sum(lines)::bigint, sum(fen)::bigint FROM sums WHERE payment = 'failed'
GROUP BY 2
UNION ALL SELECT 'failed_by_bank', bank_code, sum(lines)::bigint, sum(fen)::bigint FROM sums WHERE payment = 'failed'
GROUP BY 2
UNION ALL SELECT 'paid_days', day::text, sum(lines)::bigint, sum(fen)::bigint FROM sums
WHERE payment = 'paid' AND day IS NOT NULL GROUP BY 2
ORDER BY 1, 4 DESC, 2
"""
_APPLICATIONS = f"""
SELECT 'applications' AS part, stage AS code, count(*) AS counted, sum(amount_fen)::bigint AS fen
FROM (SELECT stage, amount_fen FROM application WHERE county_code = ANY(ARRAY[:county])
  AND {looked_at("fund_year = :year")} ORDER BY county_code, id {TO_THE_END}) AS a GROUP BY 2 ORDER BY 2
"""
_MONEY = """
SELECT coalesce(sum(total_fen), 0)::bigint AS total_fen, coalesce(sum(reserved_fen), 0)::bigint AS reserved_fen,
  coalesce(sum(paid_fen), 0)::bigint AS paid_fen FROM indicator
WHERE county_code = :county AND fund_year = :year AND stage = 'approved'
"""
# A change that was named in vain for this county never was its business (`PARTS` of the desk).
_CARDS = f"""
SELECT 'card_changes' AS part, p.stage AS code, count(*) AS counted, 0::bigint AS fen FROM card_change_part p
WHERE p.county_code = :county AND extract(year FROM p.created_at AT TIME ZONE 'Asia/Shanghai') = :year
  AND NOT (p.stage = 'failed' AND p.attempt = 0 AND p.old_account_index IS NULL) GROUP BY 2
UNION ALL
SELECT 'unusable_accounts', status || '/' || coalesce(bank_code, ''), count(*), 0
FROM (SELECT status, bank_code FROM register_account WHERE county_code = ANY(ARRAY[:county])
  AND {looked_at("status <> 'valid'")} ORDER BY county_code, id {TO_THE_END}) AS r GROUP BY 2 ORDER BY 1, 2
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


async def money_sums(session: AsyncSession, county: str, year: int) -> MoneySums:
    sums = await fetch_one(session, MoneySums, _MONEY, county=county, year=year)
    return sums or MoneySums(0, 0, 0)


async def median_days(session: AsyncSession, county: str, year: int) -> float | None:
    """Days from a card change's request to its end, the middle one."""
    return (await fetch(session, float, _MEDIAN, county=county, year=year))[0]

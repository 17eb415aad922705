"""What keeps a county's fund year here: whatever of it may still change, with what to do about it."""

from datetime import date
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.sql import fetch


class Hindrance(NamedTuple):
    """`example` is a number of one of them."""

    what: str
    cases: int
    example: str


# What goes. An application that a later year's flow has taken, after it had failed, goes with that year; but the year's
# others stay until it is finished, too: it has to be compared with its doubles as long as it may still be paid.
CHOSEN = """
a.county_code = :county AND a.fund_year <= :year AND NOT EXISTS (
  SELECT FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE l.application_id = a.id AND f.fund_year > :year)
"""
_NUMBER = "LIKE concat(:county, '-_', :year, '-%')"
_FOUND = f"""
SELECT '申请没有办完，须撤回、补发或关闭（' || string_agg(DISTINCT a.stage, '、') || '）' AS what, count(*) AS cases,
  min(a.application_no) AS example
FROM application a WHERE a.county_code = :county AND a.fund_year <= :year
  AND a.stage NOT IN ('paid', 'evidence_sent', 'withdrawn', 'closed')
UNION ALL SELECT '更早年度的明细还在，须先移出那一年', count(*), min(application_no) FROM application a
WHERE a.county_code = :county AND a.fund_year < :year AND NOT EXISTS (
  SELECT FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE l.application_id = a.id AND f.fund_year >= :year)
UNION ALL SELECT '补贴流程没有结束', count(*), min(flow_no) FROM flow
WHERE county_code = :county AND fund_year <= :year AND stage <> 'ended'
UNION ALL SELECT '流程有差额，须由复核人核实', count(*), min(flow_no) FROM flow
WHERE county_code = :county AND fund_year <= :year AND outcome = 'disbursed' AND balanced IS NOT TRUE
UNION ALL SELECT '流程结束后还在核对退票（RETURNS_DAYS）', count(*), min(flow_no) FROM flow
WHERE county_code = :county AND fund_year <= :year AND ended_at > now() - make_interval(days => :returns_days)
UNION ALL SELECT '批次在办理中', count(*), min(batch_no) FROM batch
WHERE county_code = :county AND fund_year <= :year AND stage IN ('verifying', 'verified', 'in_flow')
UNION ALL SELECT '名单没有结果', count(*), min(reference) FROM dataset
WHERE county_code = :county AND stage NOT IN ('reviewed', 'refused') AND reference {_NUMBER}
UNION ALL SELECT '公示异议没有裁定', count(*), min(o.objection_no) FROM objection o
JOIN application a ON a.id = o.application_id WHERE {CHOSEN} AND o.state = 'open'
UNION ALL SELECT '矛盾来件没有裁定', count(*), min(number) FROM contradiction
WHERE county_code = :county AND state <> 'settled' AND number {_NUMBER}
UNION ALL SELECT '指令没有复核或执行完', count(*), min(order_no) FROM operator_order
WHERE county_code = :county AND state IN ('entered', 'confirmed') AND order_no {_NUMBER}
UNION ALL SELECT '批量导入没有办完', count(*), min(import_no) FROM application_import
WHERE county_code = :county AND fund_year <= :year AND stage IN ('checking', 'to_confirm')
UNION ALL SELECT '政策或指标在平台审核', count(*), min(number) FROM (
  SELECT policy_no AS number FROM policy WHERE county_code = :county AND fund_year <= :year AND stage = 'in_review'
  UNION ALL SELECT indicator_no FROM indicator WHERE county_code = :county AND fund_year <= :year
    AND (stage = 'in_review' OR reserved_fen <> 0)) AS reviewed
UNION ALL SELECT '运行没有结束', count(*), min(number) FROM run
WHERE county_code = :county AND closed_at IS NULL AND fund_year <= :year
UNION ALL SELECT '平台来件没有生效', count(*), min(number) FROM inbox
WHERE county_code = :county AND applied_at IS NULL AND state IN ('received', 'delivered', 'parked') AND number {_NUMBER}
UNION ALL SELECT '发给平台的指令没有答复', count(*), min(key) FROM instruction
WHERE county_code = :county AND answer IS NULL AND refusal_code IS NULL AND key {_NUMBER}
UNION ALL SELECT '账号变更没有办结', count(*), min(k.request_no) FROM account_lock k
WHERE k.county_code = :county AND k.ended_at IS NULL
  AND EXISTS (SELECT FROM application a WHERE {CHOSEN} AND a.person_index = k.person_index)
UNION ALL SELECT '流程的合计与明细不符，请先查明', count(*), min(flow_no) FROM (
  SELECT f.flow_no FROM flow f JOIN flow_tally t ON t.flow_id = f.id
  WHERE f.county_code = :county AND f.fund_year = :year GROUP BY f.id
  HAVING sum(t.lines) <> (SELECT count(*) FROM flow_line l WHERE l.flow_id = f.id)
    OR sum(t.fen) <> (SELECT coalesce(sum(l.amount_fen), 0) FROM flow_line l WHERE l.flow_id = f.id)) AS odd
UNION ALL SELECT '本年度流程已发放，却又在以后年度的流程中，请先查明', count(*), min(l.application_no)
FROM flow_line l JOIN flow f ON f.id = l.flow_id JOIN application a ON a.id = l.application_id
WHERE f.county_code = :county AND f.fund_year = :year AND l.money = 'paid' AND NOT ({CHOSEN})
UNION ALL SELECT '将移出的已发放与流程合计不符，请先查明', 1, CAST(:year AS text) WHERE (
  SELECT coalesce(sum(t.fen), 0) FROM flow_tally t JOIN flow f ON f.id = t.flow_id
  WHERE f.county_code = :county AND f.fund_year = :year AND t.money = 'paid') <> (
  SELECT coalesce(sum(l.amount_fen), 0) FROM flow_line l JOIN application a ON a.id = l.application_id
  WHERE {CHOSEN} AND l.money = 'paid')
"""


async def hindrances(session: AsyncSession, settings: Settings, county: str, year: int, today: date) -> list[Hindrance]:
    rows = await fetch(session, Hindrance, _FOUND, county=county, year=year, returns_days=settings.returns_days)
    return too_young(settings, year, today) + [row for row in rows if row.cases]


def too_young(settings: Settings, year: int, today: date) -> list[Hindrance]:
    first = year + settings.lines_kept_years + 1
    if today.year >= first:
        return []
    words = f"年度太近：{settings.lines_kept_years} 个整年之后（LINES_KEPT_YEARS），即 {first} 年起才能移出"
    return [Hindrance(words, 1, str(year))]

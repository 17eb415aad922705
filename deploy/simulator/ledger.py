"""The platform's own books: what was paid and returned, per application and in all, and whether it can be right."""

from .events import Data
from .world import World

# Paid counts every change to paid of an application in a flow, returned every change from paid back to failed.
_LINES = """
SELECT f.county_code, p.application_no, p.attempt, p.flow_id, f.client_reference, max(p.amount_fen) AS amount_fen,
  count(*) FILTER (WHERE p.status = 'paid') AS paid_count,
  count(*) FILTER (WHERE p.status = 'failed' AND EXISTS (SELECT 1 FROM payment q WHERE q.flow_id = p.flow_id
    AND q.application_no = p.application_no AND q.sequence = p.sequence - 1 AND q.status = 'paid'
      AND q.page IS NOT NULL)) AS returned_count
FROM payment p JOIN flow f USING (flow_id) WHERE p.page IS NOT NULL {where}
GROUP BY p.flow_id, p.application_no, p.attempt ORDER BY f.rowid, p.application_no
"""

_TOTALS = """
SELECT count(*) AS lines, coalesce(sum(paid_count), 0) AS payments, coalesce(sum(returned_count), 0) AS returns,
  coalesce(sum(paid_count * amount_fen), 0) AS paid_fen, coalesce(sum(returned_count * amount_fen), 0) AS returned_fen
FROM ({lines})
"""

_OVERPAID = """
SELECT county_code, application_no, sum((paid_count - returned_count) * amount_fen) AS net, max(amount_fen) AS amount
FROM ({lines}) GROUP BY county_code, application_no HAVING net > amount OR net < 0
"""


def ledger(world: World, county: str | None, *, with_lines: bool) -> Data:
    lines = _LINES.format(where="AND f.county_code = :county" if county else "")
    named = {"county": county}
    totals = world.store.rows_named(_TOTALS.format(lines=lines), named)[0]
    wrong = world.store.rows_named(_OVERPAID.format(lines=lines), named)
    said: Data = {name: totals[name] for name in totals.keys()}  # noqa: SIM118
    said["net_fen"] = totals["paid_fen"] - totals["returned_fen"]
    said["balanced"] = not wrong
    said["overpaid"] = [{"county_code": row["county_code"], "application_no": row["application_no"]} for row in wrong]
    said["flows"] = _flows(world, county)
    if with_lines:
        said["applications"] = [dict(row) for row in world.store.rows_named(lines, named)]
    return said


def _flows(world: World, county: str | None) -> list[Data]:
    rows = world.store.rows(
        "SELECT f.flow_id, f.client_reference, f.county_code, f.status, f.outcome, f.by_hand, f.payment_pages,"
        " count(l.application_no) AS lines, count(*) FILTER (WHERE l.status = 'accepted') AS accepted,"
        " count(*) FILTER (WHERE l.status = 'withdrawn') AS withdrawn, count(*) FILTER"
        " (WHERE l.pay_status = 'paid') AS paid_count,"
        " coalesce(sum(l.amount_fen) FILTER (WHERE l.pay_status = 'paid'), 0) AS paid_fen,"
        " count(*) FILTER (WHERE l.pay_status = 'failed') AS failed_count,"
        " coalesce(sum(l.amount_fen) FILTER (WHERE l.pay_status = 'failed'), 0) AS failed_fen,"
        " (SELECT count(*) FROM evidence e WHERE e.flow_id = f.flow_id) AS evidence"
        " FROM flow f LEFT JOIN flow_line l USING (flow_id) WHERE f.county_code = coalesce(?, f.county_code)"
        " GROUP BY f.flow_id ORDER BY f.rowid",
        county,
    )
    return [dict(row) for row in rows]

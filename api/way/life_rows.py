"""The facts of one application as its rows and the trail have them, each kind by one statement, all of one shape."""

from datetime import datetime
from typing import NamedTuple


class Fact(NamedTuple):
    """`rank` orders what happened at one moment; `sealed` is opened as the kind of fact says, see `life_views`."""

    at: datetime
    rank: int
    event: str
    by: str | None
    number: str | None
    # a code that says more: outcome, mode, reason, state
    code: str | None
    sealed: str | None
    sequence: int | None
    fen: int | None


# Acts alone are found by their subject, those on many by `trail_line`: numbers first, or the county's years are read.
OF_TRAIL = """
SELECT e.at, 1 AS rank, e.act AS event, e.actor AS by, CASE WHEN e.subject <> :number THEN e.subject END AS number,
  CAST(NULL AS text) AS code, e.detail AS sealed, e.sequence, CAST(NULL AS bigint) AS fen
FROM trail_entry e WHERE e.county_code = :county AND e.sequence = ANY(ARRAY(
    SELECT sequence FROM trail_entry WHERE county_code = :county AND subject = :number
    UNION SELECT sequence FROM trail_line WHERE application_id = :id))
  AND (e.act LIKE 'application%' OR e.act LIKE 'objection.%' OR e.act IN ('batch.joined', 'batch.left',
    'batch.verification_asked', 'list.asked', 'photo.stored', 'photos.stored', 'line_corrected'))
"""
OF_IMPORT = """
SELECT a.created_at AS at, 0 AS rank, 'imported' AS event, i.entered_by AS by, i.import_no AS number,
  CAST(NULL AS text) AS code, CAST(NULL AS text) AS sealed, CAST(NULL AS bigint) AS sequence, a.amount_fen AS fen
FROM application a CROSS JOIN LATERAL (SELECT * FROM application_import WHERE id = a.import_id LIMIT 1) AS i
WHERE a.id = :id AND :number = a.application_no AND :county = a.county_code
"""
# What the platform has said of a list: a match, a verification, a round of a flow.
OF_LISTS = """
SELECT coalesce(d.reviewed_at, d.committed_at, d.created_at) AS at, 2 AS rank, d.kind AS event,
  CAST(NULL AS text) AS by, coalesce(f.flow_no, d.reference) AS number,
  CASE WHEN d.reviewed_at IS NOT NULL THEN coalesce(l.reason_code, l.outcome) ELSE 'pending' END AS code,
  l.reason_sealed AS sealed, CAST(NULL AS bigint) AS sequence, l.amount_fen AS fen
FROM dataset_line l JOIN dataset d ON d.id = l.dataset_id LEFT JOIN flow f ON f.id = d.flow_id
WHERE l.application_id = :id AND l.application_no = :number AND d.county_code = :county
"""
OF_FLOWS = """
SELECT f.created_at AS at, 1 AS rank, 'flow' AS event, f.started_by AS by, f.flow_no AS number,
  CAST(NULL AS text) AS code, CAST(NULL AS text) AS sealed, CAST(NULL AS bigint) AS sequence, l.amount_fen AS fen
FROM flow_line l JOIN flow f ON f.id = l.flow_id
WHERE l.application_id = :id AND l.application_no = :number AND l.county_code = :county
UNION ALL
SELECT l.evidence_sent_at, 4, 'evidence', NULL, f.flow_no, NULL, NULL, NULL, NULL
FROM flow_line l JOIN flow f ON f.id = l.flow_id
WHERE l.application_id = :id AND l.evidence_sent_at IS NOT NULL
UNION ALL
SELECT l.updated_at, 3, 'line.' || l.state, NULL, f.flow_no, NULL, NULL, NULL, l.amount_fen
FROM flow_line l JOIN flow f ON f.id = l.flow_id
WHERE l.application_id = :id AND l.state IN ('withdrawn', 'deferred')
"""
OF_ORDERS = """
SELECT o.entered_at AS at, 1 AS rank, 'order' AS event, o.entered_by AS by, o.order_no AS number, o.kind AS code,
  o.reason_sealed AS sealed, CAST(NULL AS bigint) AS sequence, l.amount_fen AS fen
FROM order_line l CROSS JOIN LATERAL (SELECT * FROM operator_order WHERE id = l.order_id LIMIT 1) AS o
WHERE l.application_id = :id AND l.application_no = :number AND o.county_code = :county
UNION ALL
SELECT o.confirmed_at, 2, CASE WHEN o.state = 'refused' THEN 'order.refused' ELSE 'order.confirmed' END,
  o.confirmed_by, o.order_no, o.kind, o.remark_sealed, NULL, l.amount_fen
FROM order_line l CROSS JOIN LATERAL (SELECT * FROM operator_order WHERE id = l.order_id LIMIT 1) AS o
WHERE l.application_id = :id AND o.confirmed_at IS NOT NULL
"""
OF_PAYMENTS = """
SELECT p.taken_at AS at, 3 AS rank, 'payment.' || p.status AS event, p.settled_by AS by, f.flow_no AS number,
  p.reason_code AS code, p.reason_sealed AS sealed, CAST(NULL AS bigint) AS sequence, p.amount_fen AS fen
FROM payment p JOIN flow_line l ON l.id = p.flow_line_id JOIN flow f ON f.id = l.flow_id
WHERE l.application_id = :id AND l.application_no = :number AND l.county_code = :county
"""

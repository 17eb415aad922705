"""What is kept beside its lines, sums (models/tables/tallies.py) and where each stands, held against them."""

from models.store.flows.rounds import SENDABLE
from tests.flow_books import IS_MOVED

# Tallies that aren't what their lines come to, to the fen; applications that don't stand where they are.
UNLIKE_LINES = f"""
WITH moved_flows AS (
  SELECT f.id FROM flow f WHERE {IS_MOVED.format("f")}
), moved_lists AS (
  SELECT d.id FROM dataset d JOIN moved_year y ON y.county_code = d.county_code
    AND CAST(substring(d.reference FROM '-[A-Z]([0-9]{{4}})-') AS integer) <= y.fund_year
), moved_batches AS (
  SELECT b.id FROM batch b WHERE {IS_MOVED.format("b")}
), flows AS (
  SELECT l.flow_id, l.indicator_id, l.money::text, l.state::text, coalesce(l.payment, '')::text, count(*),
    sum(l.amount_fen)::bigint, count(*) FILTER (WHERE {SENDABLE}) FROM flow_line l
  WHERE l.flow_id NOT IN (TABLE moved_flows) GROUP BY 1, 2, 3, 4, 5
), tallied AS (
  SELECT flow_id, indicator_id, money::text, state::text, payment::text, lines, fen, sendable FROM flow_tally
  WHERE (lines <> 0 OR fen <> 0 OR sendable <> 0) AND flow_id NOT IN (TABLE moved_flows)
), lists AS (
  SELECT dataset_id, coalesce(outcome, '')::text, coalesce(reason_code, '')::text, count(*), sum(amount_fen)::bigint
  FROM dataset_line WHERE dataset_id NOT IN (TABLE moved_lists) GROUP BY 1, 2, 3
), of_lists AS (
  SELECT dataset_id, outcome::text, reason_code::text, lines, fen FROM dataset_tally
  WHERE (lines <> 0 OR fen <> 0) AND dataset_id NOT IN (TABLE moved_lists)
), batches AS (
  SELECT batch_id, stage::text, verification::text, count(*), sum(amount_fen)::bigint FROM application
  WHERE batch_id IS NOT NULL AND batch_id NOT IN (TABLE moved_batches) GROUP BY 1, 2, 3
), of_batches AS (
  SELECT batch_id, stage::text, verification::text, sum(lines)::bigint, sum(fen)::bigint FROM batch_tally
  WHERE batch_id NOT IN (TABLE moved_batches) GROUP BY 1, 2, 3 HAVING sum(lines) <> 0 OR sum(fen) <> 0
), applications AS (
  SELECT id, county_code, stage::text, amount_fen, stage_since, list_id, match_outcome::text, entered_by, edited_by,
    reviewed_by, returned_reason_sealed IS NOT NULL FROM application
), standings AS (
  SELECT application_id, county_code, stage::text, amount_fen, stage_since, list_id, match_outcome::text, entered_by,
    edited_by, reviewed_by, is_returned FROM application_standing
)
SELECT 'flow' AS kind, d.flow_id AS id FROM ((TABLE flows EXCEPT TABLE tallied) UNION ALL
  (TABLE tallied EXCEPT TABLE flows)) AS d
UNION ALL SELECT 'list', d.dataset_id FROM ((TABLE lists EXCEPT TABLE of_lists) UNION ALL
  (TABLE of_lists EXCEPT TABLE lists)) AS d
UNION ALL SELECT 'batch', d.batch_id FROM ((TABLE batches EXCEPT TABLE of_batches) UNION ALL
  (TABLE of_batches EXCEPT TABLE batches)) AS d
UNION ALL SELECT 'application', d.id FROM ((TABLE applications EXCEPT TABLE standings) UNION ALL
  (TABLE standings EXCEPT TABLE applications)) AS d
"""

"""Applications, batches, imports, policies and indicators that wait for somebody of the county."""

from collections.abc import Sequence
from datetime import date

from models.store.applications.makers import MADE_BY
from models.store.imports.imports import TO_CORRECT
from models.store.register.account_locks import account_locked_sql
from models.store.registered import REPAYABLE
from models.store.sql import TO_THE_END
from models.store.to_dos.found import Asker, Found, ToDoSearch

_SUMS = "count(*) AS counted, sum(amount_fen)::bigint AS total_fen, min(since) AS since, NULL::text AS number"
# One walk over the stages that somebody has to do something about, where they stand alone: what is under way elsewhere
# isn't read at all. Summed by columns first, and named then.
_APPLICATIONS = f"""
SELECT CASE stage
    WHEN 'draft' THEN 'drafts'
    WHEN 'in_review' THEN CASE WHEN unreviewed THEN 'material_review' ELSE 'to_publicise' END
    WHEN 'publicised' THEN 'to_initialise'
    WHEN 'unmatched' THEN 'unmatched_' || match_outcome
    WHEN 'matched' THEN 'settlement_material'
    WHEN 'pending_settlement' THEN 'to_batch'
    WHEN 'paid' THEN 'evidence' END AS kind,
  NOT (stage = 'in_review' AND unreviewed AND own) AS able, sum(lines)::bigint AS counted,
  sum(total_fen)::bigint AS total_fen, min(since) AS since, NULL::text AS number
FROM (
  SELECT a.stage, a.match_outcome, a.reviewed_by IS NULL AS unreviewed, a.list_id IS NULL AS unlisted, {MADE_BY} AS own,
    count(*) AS lines, sum(a.amount_fen) AS total_fen, min(a.stage_since) AS since
  FROM (SELECT * FROM application_standing WHERE county_code = ANY(ARRAY[:county]) AND stage = ANY(:stages)
    ORDER BY county_code, stage, application_id {TO_THE_END}) AS a GROUP BY 1, 2, 3, 4, 5
) AS open
WHERE (stage <> 'publicised' OR unlisted) AND (stage <> 'unmatched' OR match_outcome IS NOT NULL) GROUP BY 1, 2
"""
_STAGES = ["draft", "in_review", "publicised", "unmatched", "matched", "pending_settlement", "paid"]
_RETURNED = f"""
SELECT 'returned_drafts' AS kind, true AS able, {_SUMS} FROM (
  SELECT a.amount_fen, a.stage_since AS since FROM application_standing a WHERE a.county_code = :county
    AND a.stage = 'draft' AND a.is_returned
) AS open HAVING count(*) > 0
"""
_RETURNED_OWN = f"""
SELECT 'returned_drafts' AS kind, true AS able, {_SUMS} FROM (
  SELECT a.amount_fen, a.stage_since AS since FROM application_standing a WHERE a.county_code = :county
    AND a.stage = 'draft' AND a.is_returned AND a.entered_by = :actor
) AS open HAVING count(*) > 0
"""
_REPAYABLE = f"""
SELECT 'repayable' AS kind, true AS able, {_SUMS} FROM (
  SELECT a.amount_fen, a.stage_since AS since FROM application a JOIN application_standing s
    ON s.application_id = a.id WHERE s.county_code = :county AND s.stage = 'failed' AND {REPAYABLE}
) AS open HAVING count(*) > 0
"""
# A batch stands for its applications; one in which there are none yet waits for nobody: the first of them is asked for
# batch by batch, as a join all applications would be read. One of repayments alone keeps the publicity that it had.
_BATCHES = f"""
WITH batches AS (
  SELECT b.id, b.batch_no, b.stage, b.publicity_start, b.updated_at, NOT again.again AND (b.publicity_start IS NULL
      OR b.publicity_address IS NULL OR NOT EXISTS (SELECT FROM batch_image i WHERE i.batch_id = b.id)) AS unset,
    again.again OR b.publicity_start <= :public_since AS over
  FROM batch b CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM application a WHERE a.batch_id = b.id
    AND a.payments = 0 AND a.stage <> 'withdrawn') AS again) AS again
  WHERE b.county_code = :county AND b.stage IN ('open', 'verifying', 'verified')
    AND (SELECT true FROM application a WHERE a.batch_id = b.id AND a.stage <> 'withdrawn' LIMIT 1)
), kinds AS (
  SELECT 'to_verify' AS kind, * FROM batches WHERE stage = 'open'
  UNION ALL SELECT 'to_verify_again', * FROM batches b WHERE b.stage = 'verified' AND EXISTS (SELECT FROM application a
    WHERE a.batch_id = b.id AND a.stage = 'in_batch' AND a.verification_held AND NOT {account_locked_sql("a")})
  UNION ALL SELECT 'publicity_missing', * FROM batches WHERE unset
  UNION ALL SELECT 'publicity_running', * FROM batches WHERE NOT unset AND NOT over
  UNION ALL SELECT 'flow_ready', * FROM batches WHERE NOT unset AND over AND stage = 'verified'
    AND NOT EXISTS (SELECT FROM flow f WHERE f.county_code = :county AND f.stage <> 'ended')
)
SELECT kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen, min(updated_at) AS since,
  CASE WHEN count(*) = 1 THEN min(batch_no) END AS number FROM kinds GROUP BY 1
"""
_OBJECTIONS = """
SELECT 'objections' AS kind, x.entered_by <> :actor AND a.person_index IS DISTINCT FROM CAST(:own AS text) AS able,
  count(*) AS counted, sum(a.amount_fen)::bigint AS total_fen, min(x.entered_at) AS since, NULL::text AS number
FROM objection x JOIN application a ON a.id = x.application_id WHERE x.county_code = :county AND x.state = 'open'
GROUP BY 2
"""
_IMPORTS = f"""
SELECT 'import_' || stage AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(coalesce(finished_at, created_at)) AS since, NULL::text AS number FROM application_import
WHERE county_code = :county AND (stage = 'to_confirm' AND decision IS NULL
  OR entered_by = :actor AND {TO_CORRECT}) GROUP BY 1
"""
_POLICIES = """
SELECT 'policy_' || stage AS kind, true AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(updated_at) AS since, NULL::text AS number FROM policy
WHERE county_code = :county AND stage = 'rejected' GROUP BY 1
UNION ALL
SELECT 'indicator_' || stage, true, count(*), sum(total_fen)::bigint, min(updated_at), NULL FROM indicator
WHERE county_code = :county AND stage IN ('draft', 'rejected') GROUP BY 1
UNION ALL
SELECT 'policy_unit_missing', true, 1, NULL, NULL, NULL
WHERE NOT EXISTS (SELECT FROM policy_unit WHERE county_code = :county)
"""


def of_applications(asker: Asker) -> list[ToDoSearch]:
    """With the returned among the drafts: see `without_returned`."""
    county = {"county": asker.county}
    staged = ToDoSearch(_APPLICATIONS, {**county, "actor": asker.person, "stages": _STAGES})
    return [staged, ToDoSearch(_RETURNED, county), ToDoSearch(_REPAYABLE, county)]


def without_returned(found: Sequence[Found]) -> list[Found]:
    """Returned drafts are a kind of their own."""
    returned = next((each for each in found if each.kind == "returned_drafts"), None)
    if returned is None:
        return list(found)
    return [rest for each in found if (rest := _less(each, returned) if each.kind == "drafts" else each)]


def _less(drafts: Found, returned: Found) -> Found | None:
    left = drafts.counted - returned.counted
    fen = (drafts.total_fen or 0) - (returned.total_fen or 0)
    return drafts._replace(counted=left, total_fen=fen) if left else None


def of_own_applications(asker: Asker) -> ToDoSearch:
    """An applicant's own."""
    return ToDoSearch(_RETURNED_OWN, {"county": asker.county, "actor": asker.person})


def of_batches(asker: Asker, public_since: date) -> ToDoSearch:
    """`public_since`: the last day on which a publicity that is over may have begun."""
    return ToDoSearch(_BATCHES, {"county": asker.county, "public_since": public_since})


def of_objections(asker: Asker) -> ToDoSearch:
    """Nobody decides on what the person entered, or on what is about the own application."""
    values = {"county": asker.county, "actor": asker.person, "own": asker.person_index}
    return ToDoSearch(_OBJECTIONS, values)


def of_imports(asker: Asker) -> ToDoSearch:
    """Refused ones are their own enterer's."""
    return ToDoSearch(_IMPORTS, {"county": asker.county, "actor": asker.person})


def of_policies(asker: Asker) -> ToDoSearch:
    """And indicators."""
    return ToDoSearch(_POLICIES, {"county": asker.county})

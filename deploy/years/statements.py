"""What the move asks of the database and tells it: `:county` and `:year` everywhere."""

from deploy.years.hindrances import CHOSEN

# Of the schema: rows are put back into one of the same.
REVISION = "SELECT version_num FROM alembic_version"
IS_BEGUN = "SELECT count(*) FROM moved_year WHERE county_code = :county AND fund_year = :year"
STATE = """
SELECT written_at IS NOT NULL AS written, moved_at IS NOT NULL AS moved FROM moved_year
WHERE county_code = :county AND fund_year = :year
"""
BEGIN = """
INSERT INTO moved_year (county_code, fund_year, moved_by, begun_at, lines, fen, paid_fen)
VALUES (:county, :year, :by, now(), 0, 0, 0)
"""
NEXT = f"""
SELECT a.id FROM application a WHERE {CHOSEN} AND a.id > coalesce((
  SELECT max(application_ids[cardinality(application_ids)]) FROM moved_part
  WHERE county_code = :county AND fund_year = :year), 0) ORDER BY a.id LIMIT :most
"""
SUMS = """
SELECT count(*) AS lines, coalesce(sum(amount_fen), 0)::bigint AS fen, coalesce((SELECT sum(amount_fen) FROM flow_line
  WHERE application_id = ANY(:ids) AND money = 'paid'), 0)::bigint AS paid_fen FROM application WHERE id = ANY(:ids)
"""
PART_SUMS = """
SELECT coalesce(sum(lines), 0)::bigint AS lines, coalesce(sum(fen), 0)::bigint AS fen,
  coalesce(sum(paid_fen), 0)::bigint AS paid_fen FROM moved_part WHERE county_code = :county AND fund_year = :year
"""
# What the pages of the year's flows show and go on to show.
PAID_BY_FLOWS = """
SELECT coalesce(sum(t.fen), 0)::bigint FROM flow_tally t JOIN flow f ON f.id = t.flow_id
WHERE f.county_code = :county AND f.fund_year = :year AND t.money = 'paid'
"""
PARTS = """
SELECT number, sha256, size, lines, fen, paid_fen FROM moved_part
WHERE county_code = :county AND fund_year = :year ORDER BY number
"""
ARE_HERE = """
SELECT number, sha256, application_ids FROM moved_part
WHERE county_code = :county AND fund_year = :year AND moved_at IS NULL ORDER BY number
"""
# No row of the answer: another part has some of the applications, or another command has taken the number.
PUT_PART = """
INSERT INTO moved_part AS p (county_code, fund_year, number, sha256, size, lines, fen, paid_fen, application_ids)
SELECT CAST(:county AS varchar), :year, coalesce(CAST(:number AS integer), (SELECT coalesce(max(number), 0) + 1
  FROM moved_part WHERE county_code = :county AND fund_year = :year)), :sha256, :size, :lines, :fen, :paid_fen,
  CAST(:ids AS bigint[])
WHERE NOT EXISTS (SELECT FROM moved_part WHERE county_code = :county AND fund_year = :year
  AND number IS DISTINCT FROM CAST(:number AS integer) AND application_ids && CAST(:ids AS bigint[]))
ON CONFLICT (county_code, fund_year, number) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
  lines = excluded.lines, fen = excluded.fen, paid_fen = excluded.paid_fen
WHERE p.application_ids = excluded.application_ids
"""
WRITTEN_TWICE = """
SELECT count(*) FROM (SELECT unnest(application_ids) FROM moved_part
WHERE county_code = :county AND fund_year = :year GROUP BY 1 HAVING count(*) > 1) AS twice
"""
SIGNED = """
UPDATE moved_year SET written_at = now(), manifest_key = :key, manifest_sha256 = :sha256, lines = :lines, fen = :fen,
  paid_fen = :paid_fen WHERE county_code = :county AND fund_year = :year
"""
UNSIGNED = "UPDATE moved_year SET written_at = NULL WHERE county_code = :county AND fund_year = :year"
_IDS = "ARRAY(SELECT unnest(application_ids) FROM moved_part WHERE county_code = :county AND fund_year = :year)"
# Whoever looked at a line in the moment in which it went has left a mark of it.
FINISH = (
    "SELECT set_config('onecard.moving_out', 'on', true)",
    f"DELETE FROM trail_line WHERE application_id = ANY({_IDS})",
    f"DELETE FROM other_account WHERE county_code = :county AND id = ANY({_IDS})",
    "DELETE FROM repeated_item WHERE county_code = :county AND fund_year = :year",
    "UPDATE moved_part SET application_ids = '{}' WHERE county_code = :county AND fund_year = :year",
    "UPDATE moved_year SET moved_at = now() WHERE county_code = :county AND fund_year = :year",
)
GONE = """
SELECT (SELECT count(*) FROM moved_part WHERE county_code = :county AND fund_year = :year AND moved_at IS NOT NULL)
  + (SELECT count(*) FROM moved_year WHERE county_code = :county AND fund_year = :year AND moved_at IS NOT NULL)
"""
ABANDON = (
    "DELETE FROM moved_part WHERE county_code = :county AND fund_year = :year",
    "DELETE FROM moved_year WHERE county_code = :county AND fund_year = :year",
)
# For as long as the connection: a second command would write what the first has written.
TAKE_TURN = """
SELECT set_config('application_name', :by, false) IS NOT NULL AND pg_try_advisory_lock(hashtextextended(:key, 0))
"""
END_TURN = "SELECT pg_advisory_unlock(hashtextextended(:key, 0))"
WHOSE_TURN = """
SELECT a.application_name::text FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'
  AND l.granted AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(:key, 0)
"""
FORMER = "SELECT manifest_key FROM moved_year WHERE county_code = :county AND fund_year = :year"

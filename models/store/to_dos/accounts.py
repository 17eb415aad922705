"""Card changes, 村社申报 and loads that wait for a reviewer: never the own account, nor what the person entered."""

from models.store.register.loads import LOAD_TO_CORRECT
from models.store.to_dos.found import Asker, ToDoSearch

# A 上卡 that failed is done with once a later request of the person has come, or the register has another account.
# Each part's request by a look of its own: where a sample makes them seem many, all counties' requests would be read.
_CARDS = """
SELECT CASE p.stage WHEN 'in_review' THEN 'card_changes' ELSE 'cards_failed' END AS kind,
  c.person_index IS DISTINCT FROM CAST(:own AS text) AS able, count(*) AS counted, NULL::bigint AS total_fen,
  min(coalesce(p.ended_at, p.created_at)) AS since, NULL::text AS number
FROM card_change_part p CROSS JOIN LATERAL (SELECT * FROM card_change r WHERE r.id = p.request_id LIMIT 1) AS c
WHERE p.county_code = :county AND p.stage IN ('in_review', 'failed') AND (p.stage = 'in_review' OR p.attempt > 0
  AND NOT EXISTS (SELECT FROM card_change n JOIN card_change_part q ON q.request_id = n.id
    WHERE n.province_code = c.province_code AND n.person_index = c.person_index AND n.id > c.id
      AND q.county_code = p.county_code)
  AND NOT EXISTS (SELECT FROM register_account r JOIN register_change h ON h.register_account_id = r.id
    WHERE r.person_index = c.person_index AND r.county_code = p.county_code AND h.new_status = 'valid'
      AND h.new_account_sealed IS DISTINCT FROM h.old_account_sealed AND h.at > p.ended_at))
GROUP BY 1, 2
"""
_ENTRIES = """
SELECT 'village_entries' AS kind, entered_by <> :actor AND person_index IS DISTINCT FROM CAST(:own AS text) AS able,
  count(*) AS counted, NULL::bigint AS total_fen, min(created_at) AS since, NULL::text AS number
FROM village_entry WHERE county_code = :county AND stage = 'entered' GROUP BY 2
"""
# Who confirmed what had stopped a file is its maker, too; refused ones are their own enterer's.
_LOADS = f"""
SELECT CASE stage WHEN 'entered' THEN 'loads_to_decide' ELSE 'load_' || stage END AS kind,
  NOT (stage = 'entered' AND :actor IN (entered_by, coalesce(decided_by, entered_by))) AS able, count(*) AS counted,
  NULL::bigint AS total_fen, min(coalesce(finished_at, created_at)) AS since, NULL::text AS number
FROM register_load WHERE county_code = :county AND (stage IN ('to_confirm', 'entered')
  OR entered_by = :actor AND {LOAD_TO_CORRECT}) GROUP BY 1, 2
"""


def of_accounts(asker: Asker) -> list[ToDoSearch]:
    values = {"county": asker.county, "own": asker.person_index, "actor": asker.person}
    return [ToDoSearch(statement, values) for statement in (_CARDS, _ENTRIES, _LOADS)]

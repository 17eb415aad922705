"""Before and around flows: an objection holds its line, a load covers nothing that is newer than its file.

What is locked or held is so for as long as what it waits for, and no longer.
"""

from collections.abc import Callable, Iterator
from typing import Any

Rows = Callable[[str], list[tuple[Any, ...]]]
# Instants are those at which transactions begin: what two that overlap have seen of each other isn't told by them.
_SURELY = "interval '5 seconds'"
_LOADED = """
FROM register_load d JOIN register_change h ON h.source = '初始导入' AND h.as_of = d.asked_at
JOIN register_account r ON r.id = h.register_account_id AND r.county_code = d.county_code
"""
# One that was held at its verification too has never been verified: it waits for a person, who puts it off.
HELD_BY_NOTHING = """
SELECT l.application_no || ' in ' || f.flow_no FROM flow_line l JOIN flow f ON f.id = l.flow_id
WHERE l.state = 'held' AND l.verification <> 'held' AND f.stage IN ('settling', 'under_review')
  AND NOT EXISTS (SELECT FROM objection o WHERE o.application_no = l.application_no AND o.state = 'open')
  AND NOT EXISTS (SELECT FROM account_lock k WHERE k.county_code = l.county_code AND k.person_index = l.person_index
    AND k.ended_at IS NULL)
  AND NOT EXISTS (SELECT FROM register_account r WHERE r.county_code = l.county_code
    AND r.person_index = l.person_index AND r.status = 'cleared')
"""
_BREACHES = f"""
WITH locked AS (SELECT request_no, county_code FROM account_lock WHERE ended_at IS NULL),
opened AS (
  SELECT c.request_no, p.county_code FROM card_change_part p JOIN card_change c ON c.id = p.request_id
  WHERE p.ended_at IS NULL
  UNION ALL SELECT entry_no, county_code FROM village_entry WHERE ended_at IS NULL)
SELECT 'an account is locked by what is over', request_no FROM (TABLE locked EXCEPT TABLE opened) AS x
UNION ALL SELECT 'an account may be changed that is being changed', request_no
  FROM (TABLE opened EXCEPT TABLE locked) AS x
UNION ALL
SELECT 'a line went out though an objection holds it', o.objection_no FROM objection o
  JOIN dataset_line n ON n.application_id = o.application_id
  JOIN dataset s ON s.id = n.dataset_id AND s.kind = 'application_submission' AND s.created_at > o.entered_at
  WHERE o.state <> 'dismissed'
UNION ALL SELECT 'an objection was upheld and its application goes on', o.objection_no FROM objection o
  JOIN application a ON a.id = o.application_id WHERE o.state = 'upheld' AND a.stage <> 'withdrawn'
UNION ALL SELECT 'a load went over an account that was being changed', d.load_no {_LOADED}
  JOIN account_lock k ON k.county_code = r.county_code AND k.person_index = r.person_index
    AND k.since < h.at - {_SURELY} AND (k.ended_at IS NULL OR k.ended_at > h.at + {_SURELY})
UNION ALL SELECT 'a load went over a newer account', d.load_no {_LOADED}
  JOIN register_change e ON e.register_account_id = r.id AND e.id < h.id AND e.source <> '初始导入'
    AND coalesce(e.as_of, e.at) >= CAST(d.as_of AS timestamp) AT TIME ZONE 'Asia/Shanghai'
    AND (e.new_account_sealed, e.new_status) IS DISTINCT FROM (e.old_account_sealed, e.old_status)
UNION ALL SELECT 'a load took an account twice', d.load_no {_LOADED} GROUP BY d.load_no, r.id HAVING count(*) > 1
UNION ALL SELECT 'a load took others than it says', d.load_no FROM register_load d
  WHERE d.finished_at IS NOT NULL AND (SELECT count(*) FROM register_change h
    JOIN register_account r ON r.id = h.register_account_id AND r.county_code = d.county_code
    WHERE h.source = '初始导入' AND h.as_of = d.asked_at) <> CASE WHEN d.stage = 'loaded'
      THEN CAST(d.figures ->> 'new' AS int) + CAST(d.figures ->> 'changed' AS int) ELSE 0 END
"""


def found(rows: Rows, at_rest: bool) -> Iterator[str]:
    yield from (f"{what}: {number}" for what, number in rows(_BREACHES))
    if at_rest:
        yield from (f"held, and nothing holds it: {number}" for (number,) in rows(HELD_BY_NOTHING))

"""What an open change of an account, and an open 公示异议, keep as it is, from one look of a walk to the next.

A change keeps the person's account, and the person's lines from every list: what was seen when nothing moved is held
against what is seen later. An objection, which comes before its flow, keeps its line from every round of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeAlias

Rows: TypeAlias = Callable[[LiteralString, Mapping[str, object]], list[tuple[Any, ...]]]

_OPEN: LiteralString = """
SELECT concat_ws(' of ', k.request_no, k.county_code, k.person_index),
  (SELECT count(*) FROM dataset_line n JOIN application a ON a.id = n.application_id
   WHERE a.county_code = k.county_code AND a.person_index = k.person_index),
  (SELECT concat_ws(' ', r.bank_code, r.account_index) FROM register_account r
   WHERE r.county_code = k.county_code AND r.person_index = k.person_index)
FROM account_lock k WHERE k.ended_at IS NULL AND k.county_code = ANY(%(codes)s)
"""
_WENT_OUT: LiteralString = """
SELECT o.objection_no FROM objection o JOIN flow_line l ON l.application_id = o.application_id
JOIN flow f ON f.id = l.flow_id AND f.created_at > o.entered_at
WHERE o.state = 'open' AND o.county_code = ANY(%(codes)s) AND l.state IN ('under_review', 'rejected', 'accepted')
"""


@dataclass
class Holds:
    _seen: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def watch(self, rows: Rows, codes: list[str], still: bool) -> Iterator[str]:
        """What has changed of what is held; `still` says that nothing is under way now."""
        found = {str(what): (int(lists), account) for what, lists, account in rows(_OPEN, {"codes": codes})}
        for what, (lists, account) in found.items():
            before = self._seen.get(what, (lists, account))
            if lists > before[0]:
                yield f"{what} is open, and a line that it holds went out"
            if account != before[1]:
                yield f"{what} is open, and the account is another one"
        yield from (f"{number} is open, and its line went out" for (number,) in rows(_WENT_OUT, {"codes": codes}))
        self._seen = found if still else {what: one for what, one in self._seen.items() if what in found}

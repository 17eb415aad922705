"""Callbacks: each that the platform was told 2xx for is stored once and has its one effect, or lies before a person."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

from deploy.demo.people import Json
from tests.flow_books import IS_MOVED

Rows = Callable[[str], list[tuple[Any, ...]]]
Platform = Callable[[str], Json]
_INBOX = "SELECT event_id, event_type, state, applied_at IS NOT NULL, coalesce(effect, '') FROM inbox"
# A payment that was told and stands, by flow, line, attempt and sequence.
_PAYMENTS = """
SELECT f.flow_no, l.application_no, l.attempt, p.sequence, p.status, p.amount_fen FROM payment p
JOIN flow_line l ON l.id = p.flow_line_id JOIN flow f ON f.id = l.flow_id WHERE p.source = 'platform'
"""
# Of a year that is moved out its sums are here: `flow_books` holds them.
_MOVED = f"SELECT f.flow_no FROM flow f WHERE {IS_MOVED.format('f')}"
_CONTRADICTED = "SELECT number, split_part(line_key, '#', 1) FROM contradiction"
# However often it was told, a thing is done once.
_TWICE = """
SELECT 'an account changed more often than its parts were applied', p.part_no FROM card_change_part p
  JOIN card_change c ON c.id = p.request_id
  JOIN register_account r ON r.county_code = p.county_code AND r.person_index = c.person_index
  WHERE p.stage = 'applied' AND (SELECT count(*) FROM register_change h WHERE h.register_account_id = r.id
    AND h.new_account_sealed IS NOT NULL AND h.source = '渝快办') <>
  (SELECT count(*) FROM card_change_part q JOIN card_change d ON d.id = q.request_id
    WHERE q.county_code = p.county_code AND d.person_index = c.person_index AND q.stage = 'applied')
UNION ALL SELECT 'the register has another account than was applied last', p.part_no FROM register_account r
  JOIN LATERAL (SELECT q.part_no, d.account_index FROM card_change_part q JOIN card_change d ON d.id = q.request_id
    WHERE q.county_code = r.county_code AND d.person_index = r.person_index AND q.stage = 'applied'
    ORDER BY q.id DESC LIMIT 1) p ON p.account_index IS DISTINCT FROM r.account_index
  WHERE r.status <> 'cleared' AND '渝快办' = (SELECT h.source FROM register_change h WHERE h.register_account_id = r.id
    AND h.new_account_sealed IS DISTINCT FROM h.old_account_sealed ORDER BY h.id DESC LIMIT 1)
UNION ALL SELECT 'a page of payments taken twice', f.flow_no FROM payment_page g JOIN flow f ON f.id = g.flow_id
  GROUP BY f.flow_no, g.page HAVING count(*) > 1
UNION ALL SELECT 'a line withdrawn by two orders', l.application_no FROM order_line o
  JOIN operator_order d ON d.id = o.order_id AND d.kind = 'withdrawal' JOIN flow_line l ON l.id = o.flow_line_id
  WHERE o.done GROUP BY l.id HAVING count(*) > 1
UNION ALL SELECT 'paid, and might be paid again', a.application_no FROM application a
  JOIN flow_line l ON l.application_id = a.id AND l.payment = 'paid'
  WHERE a.stage NOT IN ('paid', 'evidence_sent', 'in_flow', 'withdrawn')
UNION ALL SELECT 'a reviewed list has a line without an outcome', d.reference FROM dataset d
  JOIN dataset_line n ON n.dataset_id = d.id WHERE d.stage = 'reviewed' AND n.outcome IS NULL
"""
ASIDE = ("unknown", "quarantined", "parked")


def found(rows: Rows, platform: Platform, at_rest: bool, lost: Collection[str] = ()) -> Iterator[str]:
    """Of `lost` callbacks the effect is looked for alone: what brought it about is another answer."""
    # the platform first: what it says is acknowledged was stored before
    told = [event for event in platform("/events?body=1")["items"] if event["deliveries"]]
    stored = {str(row[0]): row[1:] for row in rows(_INBOX)}
    yield from twice(rows)
    for event in told:
        if event["webhook_id"] not in stored and event["webhook_id"] not in lost:
            yield f"{event['type']} {event['webhook_id']} was acknowledged and is nowhere"
    for event_id, (kind, state, applied, effect) in stored.items():
        if applied != (state == "applied"):
            yield f"{kind} {event_id} is {state} and {'has' if applied else 'has no'} time of its effect"
        if at_rest and state not in ("applied", *ASIDE):
            yield f"{kind} {event_id} is {state} still ({effect})"
    if at_rest:
        applied = {event_id for event_id, row in stored.items() if row[2]}
        yield from _untold_payments(rows, told, applied.union(lost))


def twice(rows: Rows) -> Iterator[str]:
    """What was told again and done again; so at no moment."""
    yield from (f"{what}: {number}" for what, number in rows(_TWICE))


def _untold_payments(rows: Rows, told: list[Json], applied: set[str]) -> Iterator[str]:
    """Each payment of an applied page stands once and as it was told, unless a contradiction says otherwise."""
    standing = Counter(rows(_PAYMENTS))
    moved = {str(row[0]) for row in rows(_MOVED)}
    doubtful = {(str(number), str(line)) for number, line in rows(_CONTRADICTED)}
    for event in told:
        if event["type"] == "flow.payments" and event["webhook_id"] in applied:
            page = json.loads(event["body"])["data"]
            for one in page["payments"]:
                key = (page["client_reference"], one["application_no"])
                row = (*key, one["attempt"], one["sequence"], one["status"], one["amount_fen"])
                if standing[row] != 1 and key not in doubtful and key[0] not in moved:
                    yield f"{one['application_no']}.{one['sequence']} of {key[0]} stands {standing[row]} times"

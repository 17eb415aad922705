"""Money: what the platform's ledger says of each line, what our rows say, and what a county is shown."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from deploy.demo.people import Json

Rows = Callable[[str], list[tuple[Any, ...]]]
Platform = Callable[[str], Json]
# A person has decided it, or is to: the platform may say something else of these lines.
_LINES = """
SELECT f.flow_no, l.application_no, l.county_code, l.amount_fen, coalesce(l.payment, ''),
  (SELECT count(*) FROM payment p WHERE p.flow_line_id = l.id AND p.status = 'paid' AND p.source = 'platform'),
  EXISTS (SELECT 1 FROM payment p WHERE p.flow_line_id = l.id AND p.source <> 'platform')
    OR EXISTS (SELECT 1 FROM contradiction c WHERE c.number = f.flow_no
               AND (c.line_key = '' OR split_part(c.line_key, '#', 1) = l.application_no))
FROM flow_line l JOIN flow f ON f.id = l.flow_id
"""
# What is decided anew after a restoration may be worded otherwise than what the platform has: it says no.
_REFUSED_KEYS = """
SELECT key, refusal_code FROM instruction WHERE refusal_code LIKE 'IDEMPOTENCY%'
AND NOT EXISTS (SELECT FROM restoration)
"""


class _Line(NamedTuple):
    flow_no: str
    application_no: str
    county_code: str
    amount_fen: int
    payment: str
    paid: int
    is_decided: bool


def overpaid(rows: Rows, platform: Platform, at_rest: bool) -> Iterator[str]:
    """By the platform's ledger, and where our rows believe something else of a payment than it says."""
    # rows first: the ledger only grows, so what they say it has said before
    lines = [_Line(*row) for row in rows(_LINES)]
    books = platform("/ledger")
    counties = {line.county_code for line in lines}
    for one in books["overpaid"]:
        if one["county_code"] in counties:
            yield f"the platform has paid {one['application_no']} more than its amount"
    told = {(one["client_reference"], one["application_no"]): one for one in books["applications"]}
    for line in lines:
        yield from _differs(line, told.get((line.flow_no, line.application_no)), at_rest)
    for key, code in rows(_REFUSED_KEYS):
        yield f"{key} was sent with another content: {code}"


def _differs(line: _Line, said: Json | None, at_rest: bool) -> Iterator[str]:
    paid, returned = (said["paid_count"], said["returned_count"]) if said else (0, 0)
    name = f"{line.application_no} in {line.flow_no}"
    if said and said["amount_fen"] != line.amount_fen:
        yield f"{name}: {line.amount_fen} fen here, {said['amount_fen']} there"
    if line.is_decided:
        return
    if line.paid > paid:
        yield f"{name}: paid {line.paid} times here, {paid} times there"
    if at_rest and (line.payment == "paid") != (paid - returned == 1):
        yield f"{name}: {line.payment or 'not paid'} here, {paid} payments and {returned} returns there"


def unbalanced(rows: Rows, platform: Platform, flows: Iterable[Json], at_rest: bool) -> Iterator[str]:
    """DOMAIN 6.4 of each flow as its county is shown it, and held against the platform's own sums."""
    theirs = {one["client_reference"]: one for one in platform("/ledger")["flows"]}
    decided = {line.flow_no for line in (_Line(*row) for row in rows(_LINES)) if line.is_decided}
    for flow in flows:
        yield from _parts(flow)
        said = theirs.get(flow["flow_no"])
        if at_rest and said and flow["flow_no"] not in decided:
            yield from _sums(flow, said)


def _parts(flow: Json) -> Iterator[str]:
    figures = flow["figures"]
    accepted = next(one for one in figures["states"] if one["state"] == "accepted")
    for unit in ("count", "fen"):
        if sum(one[unit] for one in figures["states"]) != figures["lines"][unit]:
            yield f"{flow['flow_no']}: its lines are not the sum of their states in {unit}"
        if sum(one[unit] for one in figures["payments"]) != accepted[unit]:
            yield f"{flow['flow_no']}: accepted is not the sum of payments in {unit}"


def _sums(flow: Json, said: Json) -> Iterator[str]:
    figures = {one["payment"]: one for one in flow["figures"]["payments"]}
    for payment in ("paid", "failed"):
        ours = figures[payment]["count"], figures[payment]["fen"]
        there = said[f"{payment}_count"], said[f"{payment}_fen"]
        if flow["stage"] in ("paying", "ended") and said["outcome"] != "cancelled" and ours != there:
            yield f"{flow['flow_no']}: {payment} {ours} here, {there} there"

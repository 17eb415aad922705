"""An order's lines as they are read: the line, what its order would change, and the person's other applications."""

from typing import NamedTuple

from typing_extensions import TypedDict

from models.store.applications.rows import LIVE

MOST_OTHERS = 20
# What else the same person has in the county, of every item and year, the newest first; withdrawn and closed ones
# are nothing that could be paid beside it.
_OTHERS = f"""
LEFT JOIN LATERAL (
  SELECT max(o.count) AS count, jsonb_agg(to_jsonb(o) - 'id' - 'count' ORDER BY o.id DESC) AS told FROM (
    SELECT o.id, o.application_no, o.fund_year, o.item_code, o.amount_fen, o.stage, count(*) OVER () AS count
    FROM application o WHERE o.county_code = a.county_code AND o.person_index = a.person_index AND o.id <> a.id
      AND {LIVE.replace("a.", "o.")} ORDER BY o.id DESC LIMIT {MOST_OTHERS}
  ) AS o
) AS others ON true
"""
# An order's lines by application: what a correction changes is shown beside what it is now.
ORDER_LINES = f"""
SELECT a.*, others.told AS others, others.count AS others_count FROM (
  SELECT ol.application_id AS id, ol.order_id, ol.application_no, ol.amount_fen, ol.correction_sealed, ol.done,
    ol.fault_code, ol.fault, o.kind, o.state, coalesce(l.name_sealed, p.name_sealed) AS name_sealed, l.phone_sealed,
    coalesce(l.town_code, p.town_code) AS town_code, l.village_code, l.group_name,
    coalesce(l.bank_code, p.bank_code) AS bank_code, l.account_sealed, l.amount_fen AS line_fen,
    l.household_registration, l.family_size,
    p.county_code, p.person_index, p.applicant_kind, p.item_code,
    coalesce(l.verification, p.verification) AS verification, p.verification_reason_sealed, l.state AS line_state,
    l.payment, l.reason_code, l.reason_sealed
  FROM order_line ol JOIN operator_order o ON o.id = ol.order_id JOIN application p ON p.id = ol.application_id
  LEFT JOIN flow_line l ON l.id = ol.flow_line_id
) AS a {_OTHERS}
"""


class OtherRow(TypedDict):
    """Another application of the same person; `amount_fen` in fen."""

    stage: str
    fund_year: int
    item_code: str
    amount_fen: int
    application_no: str


class OrderLineRow(NamedTuple):
    """`amount_fen` is what the order is about, `line_fen` what the flow's line is now; both in fen."""

    id: int
    order_id: int
    application_no: str
    amount_fen: int
    correction_sealed: str | None
    done: bool | None
    fault_code: str | None
    fault: str | None
    kind: str
    state: str
    name_sealed: str
    phone_sealed: str | None
    town_code: str
    village_code: str | None
    group_name: str | None
    bank_code: str
    account_sealed: str | None
    line_fen: int | None
    household_registration: str | None
    family_size: int | None
    county_code: str
    person_index: str
    applicant_kind: str
    item_code: str
    verification: str
    verification_reason_sealed: str | None
    line_state: str | None
    payment: str | None
    reason_code: str | None
    reason_sealed: str | None
    others: list[OtherRow] | None
    others_count: int | None

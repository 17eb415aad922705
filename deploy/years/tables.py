"""What belongs to a county's fund year: `LINES` goes with the applications, `HEADS` stays and is written beside them.

In the order of their references, so that they can be put back one after the other.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Part(NamedTuple):
    """Of a table the rows that `rows` chooses, in the order of `key`: the same rows are the same bytes."""

    table: str
    rows: str
    key: str


_LINES_OF_FLOWS = "SELECT id FROM flow_line WHERE application_id = ANY({ids})"
_PLACES = "SELECT county_code, stage, id FROM application WHERE id = ANY({ids})"
_OWN = "SELECT county_code, id FROM application WHERE id = ANY({ids})"
# `{ids}`: the applications.
LINES: Sequence[Part] = (
    Part(
        "stored_file",
        "id IN (SELECT file_id FROM application_photo WHERE application_id = ANY({ids})"
        " UNION SELECT file_id FROM objection WHERE application_id = ANY({ids})"
        f" UNION SELECT proof_file_id FROM payment WHERE flow_line_id IN ({_LINES_OF_FLOWS}))",
        "id",
    ),
    Part("application", "id = ANY({ids})", "id"),
    Part("application_standing", f"(county_code, stage, application_id) IN ({_PLACES})", "application_id"),
    Part("other_account", f"(county_code, id) IN ({_OWN})", "id"),
    Part("application_photo", "application_id = ANY({ids})", "id"),
    Part("flow_line", "application_id = ANY({ids})", "id"),
    Part("dataset_line", "application_id = ANY({ids})", "dataset_id, position"),
    Part("foreseen_line", "application_id = ANY({ids})", "dataset_id, application_id, kind"),
    Part("order_line", "application_id = ANY({ids})", "order_id, application_id"),
    Part("objection", "application_id = ANY({ids})", "id"),
    Part("payment", f"flow_line_id IN ({_LINES_OF_FLOWS})", "id"),
    Part("trail_line", "application_id = ANY({ids})", "application_id, sequence"),
)

_BATCHES = "SELECT id FROM batch WHERE county_code = '{county}' AND fund_year <= {year}"
_FLOWS = "SELECT id FROM flow WHERE county_code = '{county}' AND fund_year <= {year}"
_LISTS = (
    f"SELECT id FROM dataset WHERE county_code = '{{county}}' AND (flow_id IS NULL OR flow_id IN ({_FLOWS}))"
    f" AND (batch_id IS NULL OR batch_id IN ({_BATCHES}))"
)
_ORDERS = (
    f"SELECT id FROM operator_order WHERE county_code = '{{county}}' AND (flow_id IS NULL OR flow_id IN ({_FLOWS}))"
    f" AND (batch_id IS NULL OR batch_id IN ({_BATCHES}))"
)
_OF_YEAR = "county_code = '{county}' AND fund_year <= {year}"
_FILES = (
    f"SELECT file_id FROM policy WHERE {_OF_YEAR} UNION SELECT file_id FROM application_import WHERE {_OF_YEAR}"
    f" UNION SELECT refused_file_id FROM application_import WHERE {_OF_YEAR}"
    f" UNION SELECT form_file_id FROM summary WHERE flow_id IN ({_FLOWS})"
    f" UNION SELECT file_id FROM batch_image WHERE batch_id IN ({_BATCHES})"
)
_NUMBERS = f"SELECT flow_no FROM flow WHERE {_OF_YEAR} UNION SELECT reference FROM dataset WHERE id IN ({_LISTS})"
# `{ids}`: the applications; `{batches}` and the like: what an earlier manifest of the year has beside lines that have
# gone since.
REFERRED = f"""
WITH line AS (
  SELECT flow_id, repays_flow_id FROM flow_line WHERE application_id = ANY({{ids}})
), list AS (
  SELECT id, flow_id, batch_id FROM dataset WHERE id IN ({_LISTS}) OR id = ANY({{datasets}})
    OR id IN (SELECT dataset_id FROM dataset_line WHERE application_id = ANY({{ids}})
      UNION SELECT dataset_id FROM foreseen_line WHERE application_id = ANY({{ids}}))
), command AS (
  SELECT id, flow_id, batch_id FROM operator_order WHERE id IN ({_ORDERS}) OR id = ANY({{orders}})
    OR id IN (SELECT order_id FROM order_line WHERE application_id = ANY({{ids}}))
), course AS (
  SELECT id, batch_id FROM flow WHERE id IN ({_FLOWS}) OR id = ANY({{flows}}) OR id IN (
    SELECT flow_id FROM line UNION SELECT repays_flow_id FROM line UNION SELECT flow_id FROM list
    UNION SELECT flow_id FROM command UNION SELECT flow_id FROM objection WHERE application_id = ANY({{ids}}))
), joined AS (
  {_BATCHES} UNION SELECT unnest({{batches}}) UNION SELECT batch_id FROM list UNION SELECT batch_id FROM command
  UNION SELECT batch_id FROM course UNION SELECT batch_id FROM application WHERE id = ANY({{ids}})
)
SELECT ARRAY(SELECT id FROM joined WHERE id IS NOT NULL ORDER BY id) AS batches,
  ARRAY(SELECT id FROM course ORDER BY id) AS flows, ARRAY(SELECT id FROM list ORDER BY id) AS datasets,
  ARRAY(SELECT id FROM command ORDER BY id) AS orders
"""


class Referred(NamedTuple):
    """By their ids."""

    batches: list[int]
    flows: list[int]
    datasets: list[int]
    orders: list[int]


# What the lines refer to, whatever year it is of (a line that failed may have joined a later year's batch and have been
# withdrawn there), and what the pages of the year show beside it: of earlier years too, for a line that failed in one
# and was paid in this one. `{batches}` and the like: the ids in `Referred`.
HEADS: Sequence[Part] = (
    Part("stored_file", f"id IN ({_FILES})", "id"),
    Part("catalog_list", "county_code = '{county}' AND fund_year IN (0, {year})", "kind, fund_year"),
    Part("batch", "id = ANY({batches})", "id"),
    Part("batch_image", f"batch_id IN ({_BATCHES})", "batch_id, file_id"),
    Part("beneficiary_list", _OF_YEAR, "id"),
    Part("application_import", _OF_YEAR, "id"),
    Part("indicator", _OF_YEAR, "id"),
    Part("policy", _OF_YEAR, "id"),
    Part("flow", "id = ANY({flows})", "id"),
    Part("flow_policy", f"flow_id IN ({_FLOWS})", "flow_id, policy_id"),
    Part("flow_indicator", f"flow_id IN ({_FLOWS})", "flow_id, position"),
    Part("dataset", "id = ANY({datasets})", "id"),
    Part("operator_order", "id = ANY({orders})", "id"),
    Part("summary", f"flow_id IN ({_FLOWS})", "id"),
    Part("payment_page", f"flow_id IN ({_FLOWS})", "flow_id, page"),
    Part("result_page", f"dataset_id IN ({_LISTS})", "id"),
    Part("flow_tally", f"flow_id IN ({_FLOWS})", "flow_id, indicator_id, money, state, payment"),
    Part("dataset_tally", "dataset_id = ANY({datasets})", "dataset_id, outcome, reason_code"),
    Part("batch_tally", "batch_id = ANY({batches})", "id"),
    Part("contradiction", f"number IN ({_NUMBERS})", "id"),
    Part("run", _OF_YEAR, "id"),
    Part("repeated_item", _OF_YEAR, "fund_year, person_index, item_code"),
    Part("trail_entry", "county_code = '{county}'", "sequence"),
    Part("trail_head", "county_code = '{county}'", "county_code"),
)

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
_OF_YEAR = "county_code = '{county}' AND fund_year <= {year}"
_FILES = (
    f"SELECT file_id FROM policy WHERE {_OF_YEAR} UNION SELECT file_id FROM application_import WHERE {_OF_YEAR}"
    f" UNION SELECT refused_file_id FROM application_import WHERE {_OF_YEAR}"
    f" UNION SELECT form_file_id FROM summary WHERE flow_id IN ({_FLOWS})"
    f" UNION SELECT file_id FROM batch_image WHERE batch_id IN ({_BATCHES})"
)
_NUMBERS = f"SELECT flow_no FROM flow WHERE {_OF_YEAR} UNION SELECT reference FROM dataset WHERE id IN ({_LISTS})"
# What the lines refer to and what their pages show beside them; of earlier years too, for a line that failed in one and
# was paid in this one.
HEADS: Sequence[Part] = (
    Part("stored_file", f"id IN ({_FILES})", "id"),
    Part("catalog_list", "county_code = '{county}' AND fund_year IN (0, {year})", "kind, fund_year"),
    Part("batch", _OF_YEAR, "id"),
    Part("batch_image", f"batch_id IN ({_BATCHES})", "batch_id, file_id"),
    Part("beneficiary_list", _OF_YEAR, "id"),
    Part("application_import", _OF_YEAR, "id"),
    Part("indicator", _OF_YEAR, "id"),
    Part("policy", _OF_YEAR, "id"),
    Part("flow", _OF_YEAR, "id"),
    Part("flow_policy", f"flow_id IN ({_FLOWS})", "flow_id, policy_id"),
    Part("flow_indicator", f"flow_id IN ({_FLOWS})", "flow_id, position"),
    Part("dataset", f"id IN ({_LISTS})", "id"),
    Part(
        "operator_order",
        f"county_code = '{{county}}' AND (flow_id IS NULL OR flow_id IN ({_FLOWS}))"
        f" AND (batch_id IS NULL OR batch_id IN ({_BATCHES}))",
        "id",
    ),
    Part("summary", f"flow_id IN ({_FLOWS})", "id"),
    Part("payment_page", f"flow_id IN ({_FLOWS})", "flow_id, page"),
    Part("result_page", f"dataset_id IN ({_LISTS})", "id"),
    Part("flow_tally", f"flow_id IN ({_FLOWS})", "flow_id, indicator_id, money, state, payment"),
    Part("dataset_tally", f"dataset_id IN ({_LISTS})", "dataset_id, outcome, reason_code"),
    Part("batch_tally", f"batch_id IN ({_BATCHES})", "id"),
    Part("contradiction", f"number IN ({_NUMBERS})", "id"),
    Part("run", _OF_YEAR, "id"),
    Part("repeated_item", _OF_YEAR, "fund_year, person_index, item_code"),
    Part("trail_entry", "county_code = '{county}'", "sequence"),
    Part("trail_head", "county_code = '{county}'", "county_code"),
)

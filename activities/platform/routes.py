"""Where each operation of the contract lives and which status is its success."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.wire.words import Operation


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    success: frozenset[int]


_COUNTY = "/counties/{county_code}"
_DATASET = "/datasets/{dataset_id}"
_FLOW = "/flows/{flow_id}"


def _get(path: str) -> Route:
    return Route("GET", path, frozenset({200}))


def _post(path: str, success: int) -> Route:
    return Route("POST", path, frozenset({success}))


ROUTES: Mapping[Operation, Route] = {
    Operation.LIST_POLICY_UNITS: _get(f"{_COUNTY}/policy-units"),
    Operation.LIST_BUDGET_UNITS: _get(f"{_COUNTY}/budget-units"),
    Operation.LIST_BUDGET_PROJECTS: _get(f"{_COUNTY}/budget-projects"),
    Operation.LIST_INDICATOR_DOCUMENTS: _get(f"{_COUNTY}/indicator-documents"),
    Operation.LIST_SUBSIDY_ITEMS: _get(f"{_COUNTY}/subsidy-items"),
    Operation.LIST_TOWNS: _get(f"{_COUNTY}/towns"),
    Operation.LIST_BANKS: _get("/banks"),
    Operation.UPLOAD_FILE: Route("PUT", "/files/{sha256}", frozenset({200, 201})),
    Operation.SUBMIT_POLICY: _post("/policies", 202),
    Operation.SUBMIT_INDICATOR: _post("/indicators", 202),
    Operation.GET_REVIEW: _get("/reviews/{submission_id}"),
    Operation.OPEN_DATASET: _post("/datasets", 201),
    Operation.PUT_PAGE: Route("PUT", f"{_DATASET}/pages/{{page}}", frozenset({204})),
    Operation.COMMIT_DATASET: _post(f"{_DATASET}/commit", 202),
    Operation.GET_DATASET: _get(_DATASET),
    Operation.GET_RESULT_PAGE: _get(f"{_DATASET}/results/{{page}}"),
    Operation.START_FLOW: _post("/flows", 201),
    Operation.GET_FLOW: _get(_FLOW),
    Operation.WITHDRAW_LINES: _post(f"{_FLOW}/withdrawals", 200),
    Operation.SUBMIT_SUMMARY: _post(f"{_FLOW}/summary", 202),
    Operation.CONFIRM_PAYMENT: _post(f"{_FLOW}/payment-confirmation", 202),
    Operation.CANCEL_FLOW: _post(f"{_FLOW}/cancellation", 202),
    Operation.GET_PAYMENT_PAGE: _get(f"{_FLOW}/payments/{{page}}"),
    Operation.SUBMIT_EVIDENCE: _post(f"{_FLOW}/evidence", 204),
    Operation.VERIFY_ACCOUNT: _post("/accounts/verify", 200),
    Operation.VERIFY_ACCOUNTS: _post("/accounts/verifications", 200),
    Operation.APPLY_ACCOUNT_CHANGE: _post("/account-changes", 202),
    Operation.GET_ACCOUNT_CHANGE: _get("/account-changes/{submission_id}"),
    Operation.LIST_INVALIDATIONS: _get("/account-invalidations"),
    Operation.OPEN_FACE_SESSION: _post("/identity/face-sessions", 201),
    Operation.GET_FACE_SESSION: _get("/identity/face-sessions/{face_session_id}"),
}

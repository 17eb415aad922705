"""Which request is which operation of the contract."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import accounts, datasets, evidence, faces, files, flows, lists, payments, reviews, summaries
from .world import Answer, Call, World

Handler = Callable[[World, Call], Answer]

COUNTY = "/counties/{county_code}"

_TABLE: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", f"{COUNTY}/policy-units", "listPolicyUnits", lists.list_policy_units),
    ("GET", f"{COUNTY}/budget-units", "listBudgetUnits", lists.list_budget_units),
    ("GET", f"{COUNTY}/budget-projects", "listBudgetProjects", lists.list_budget_projects),
    ("GET", f"{COUNTY}/indicator-documents", "listIndicatorDocuments", lists.list_indicator_documents),
    ("GET", f"{COUNTY}/subsidy-items", "listSubsidyItems", lists.list_subsidy_items),
    ("GET", f"{COUNTY}/towns", "listTowns", lists.list_towns),
    ("GET", "/banks", "listBanks", lists.list_banks),
    ("PUT", "/files/{sha256}", "uploadFile", files.upload_file),
    ("POST", "/policies", "submitPolicy", reviews.submit_policy),
    ("POST", "/indicators", "submitIndicator", reviews.submit_indicator),
    ("GET", "/reviews/{submission_id}", "getReview", reviews.get_review),
    ("POST", "/datasets", "openDataset", datasets.open_dataset),
    ("PUT", "/datasets/{dataset_id}/pages/{page}", "putPage", datasets.put_page),
    ("POST", "/datasets/{dataset_id}/commit", "commitDataset", datasets.commit_dataset),
    ("GET", "/datasets/{dataset_id}", "getDataset", datasets.get_dataset),
    ("GET", "/datasets/{dataset_id}/results/{page}", "getResultPage", datasets.get_result_page),
    ("POST", "/flows", "startFlow", flows.start_flow),
    ("GET", "/flows/{flow_id}", "getFlow", flows.get_flow),
    ("POST", "/flows/{flow_id}/withdrawals", "withdrawLines", flows.withdraw_lines),
    ("POST", "/flows/{flow_id}/summary", "submitSummary", summaries.submit_summary),
    ("POST", "/flows/{flow_id}/payment-confirmation", "confirmPayment", summaries.confirm_payment),
    ("POST", "/flows/{flow_id}/cancellation", "cancelFlow", flows.cancel_flow),
    ("GET", "/flows/{flow_id}/payments/{page}", "getPaymentPage", payments.get_payment_page),
    ("POST", "/flows/{flow_id}/evidence", "submitEvidence", evidence.submit_evidence),
    ("POST", "/accounts/verify", "verifyAccount", accounts.verify_account),
    ("POST", "/accounts/verifications", "verifyAccounts", accounts.verify_accounts),
    ("POST", "/account-changes", "applyAccountChange", accounts.apply_account_change),
    ("GET", "/account-changes/{submission_id}", "getAccountChange", accounts.get_account_change),
    ("GET", "/account-invalidations", "listInvalidations", accounts.list_invalidations),
    ("POST", "/identity/face-sessions", "openFaceSession", faces.open_face_session),
    ("GET", "/identity/face-sessions/{face_session_id}", "getFaceSession", faces.get_face_session),
)


@dataclass(frozen=True)
class Operation:
    method: str
    pattern: re.Pattern[str]
    name: str
    handler: Handler

    @property
    def needs_key(self) -> bool:
        return self.method != "GET" and self.name != "uploadFile"

    @property
    def forgets(self) -> bool:
        return self.name in ("verifyAccount", "verifyAccounts")


OPERATIONS = tuple(
    Operation(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), name, handler)
    for method, path, name, handler in _TABLE
)


def find(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    for operation in OPERATIONS:
        if operation.method == method:
            matched = operation.pattern.fullmatch(path)
            if matched is not None:
                return operation, matched.groupdict()
    return None

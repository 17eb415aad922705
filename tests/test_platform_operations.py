"""Each operation of the contract: its request line, its seal, its key and the answer's way into our shapes."""

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from activities.platform.client import PlatformClient
from activities.platform.routes import ROUTES
from models.wire import answers as shapes
from models.wire import requests
from models.wire.words import AccountSource, CardType, DatasetKind, DocumentKind, FaceChannel, MediaType, Operation
from tests.scripted_platform import ACCOUNT, COUNTY, PERSON, POLICY, Bench, bench, check_seal, record, reply

CHANGE = requests.AccountChangeSubmission(
    client_reference="c-1",
    attempt=1,
    county_code=COUNTY,
    name=PERSON[0],
    id_number=PERSON[1],
    card_type=CardType.BANK_CARD,
    new_bank_code="102",
    new_account_no=PERSON[2],
    source=AccountSource.CITIZEN_CHANNEL,
)
INDICATOR = requests.IndicatorSubmission(
    client_reference="i-1",
    county_code=COUNTY,
    fund_year=2026,
    budget_unit_code="11431025006562645B",
    budget_project_code="p",
    document_no="湘财预〔2021〕15号",
    total_fen=1,
    central_fen=1,
    provincial_fen=0,
    municipal_fen=0,
    county_fen=0,
)
START = requests.FlowStart(
    client_reference="f",
    county_code=COUNTY,
    batch_no="b",
    fund_year=2026,
    policy_unit_code="u",
    policy_ids=("p",),
    indicator_ids=("i",),
    publicity=requests.Publicity(start_date=date(2026, 11, 1), address="村委会", image_file_ids=("x",)),
)
SUMMARY = requests.Summary(
    client_reference="s",
    total_fen=1,
    application_count=1,
    household_count=1,
    towns=(requests.Share(code="t", name="镇", application_count=1, total_fen=1),),
    banks=(),
    approval_form_file_id="x",
    opinion="同意",
)
EVIDENCE = requests.Evidence(
    items=(
        requests.EvidenceItem(
            application_no="A-1", documents=(requests.Document(kind=DocumentKind.PORTRAIT, file_id="x"),)
        ),
    )
)
OPENING = requests.DatasetOpening(client_reference="l", kind=DatasetKind.BENEFICIARY_INIT, county_code=COUNTY)
PHOTO_HASH = hashlib.sha256(b"photo").hexdigest()
DATASET = {
    "dataset_id": "d",
    "client_reference": "l",
    "kind": "beneficiary_init",
    "county_code": COUNTY,
    "status": "open",
}
FLOW = {"flow_id": "f", "client_reference": "f", "county_code": COUNTY, "batch_no": "b", "status": "active"}
CATALOG = {"items": [{"code": "1", "name": "x"}]}
SUBMITTED = {"submission_id": "s"}
REVIEW = {"submission_id": "s", "client_reference": "r", "county_code": COUNTY, "status": "pending"}
RESULTS = {
    "dataset_id": "d",
    "client_reference": "l",
    "county_code": COUNTY,
    "page": 1,
    "result_pages": 1,
    "results": [{"application_no": "A-1", "outcome": "matched"}],
}
PAYMENTS = {"flow_id": "f", "client_reference": "f", "county_code": COUNTY, "page": 1, "payments": []}
FACE = {"face_session_id": "x", "url": "onecard://x", "expires_at": "2026-11-22T00:05:00+08:00"}

# operation: how it is called, what the contract says of its request line, its success
Act = Callable[[PlatformClient], Awaitable[object]]
OPERATIONS: dict[str, tuple[Act, str, int, object]] = {
    "listPolicyUnits": (lambda c: c.list_policy_units(COUNTY), "GET /counties/500001/policy-units", 200, CATALOG),
    "listBudgetUnits": (lambda c: c.list_budget_units(COUNTY), "GET /counties/500001/budget-units", 200, CATALOG),
    "listBudgetProjects": (
        lambda c: c.list_budget_projects(COUNTY, 2026),
        "GET /counties/500001/budget-projects?fund_year=2026",
        200,
        CATALOG,
    ),
    "listIndicatorDocuments": (
        lambda c: c.list_indicator_documents(COUNTY, 2026),
        "GET /counties/500001/indicator-documents?fund_year=2026",
        200,
        CATALOG,
    ),
    "listSubsidyItems": (
        lambda c: c.list_subsidy_items(COUNTY, 2026),
        "GET /counties/500001/subsidy-items?fund_year=2026",
        200,
        CATALOG,
    ),
    "listTowns": (
        lambda c: c.list_towns(COUNTY),
        "GET /counties/500001/towns",
        200,
        {"items": [{"code": "t", "name": "镇", "villages": [{"code": "v", "name": "村"}]}]},
    ),
    "listBanks": (lambda c: c.list_banks(COUNTY), "GET /banks", 200, CATALOG),
    "uploadFile": (
        lambda c: c.upload_file(COUNTY, b"photo", MediaType.PNG),
        f"PUT /files/{PHOTO_HASH}",
        201,
        {"file_id": "x"},
    ),
    "submitPolicy": (lambda c: c.submit_policy(POLICY, key="k"), "POST /policies", 202, SUBMITTED),
    "submitIndicator": (lambda c: c.submit_indicator(INDICATOR, key="k"), "POST /indicators", 202, SUBMITTED),
    "getReview": (lambda c: c.get_review(COUNTY, "s"), "GET /reviews/s", 200, REVIEW),
    "openDataset": (lambda c: c.open_dataset(OPENING, key="k"), "POST /datasets", 201, DATASET),
    "putPage": (lambda c: c.put_page(COUNTY, "d", 2, (record(),), key="k"), "PUT /datasets/d/pages/2", 204, None),
    "commitDataset": (
        lambda c: c.commit_dataset(
            COUNTY, "d", requests.DatasetCommit(page_count=1, record_count=1, total_fen=1), key="k"
        ),
        "POST /datasets/d/commit",
        202,
        DATASET,
    ),
    "getDataset": (lambda c: c.get_dataset(COUNTY, "d"), "GET /datasets/d", 200, DATASET),
    "getResultPage": (lambda c: c.get_result_page(COUNTY, "d", 1), "GET /datasets/d/results/1", 200, RESULTS),
    "startFlow": (lambda c: c.start_flow(START, key="k"), "POST /flows", 201, FLOW),
    "getFlow": (lambda c: c.get_flow(COUNTY, "f"), "GET /flows/f", 200, FLOW),
    "withdrawLines": (
        lambda c: c.withdraw_lines(
            COUNTY, "f", requests.Withdrawal(application_nos=("A-1",), reason="本人放弃"), key="k"
        ),
        "POST /flows/f/withdrawals",
        200,
        {"withdrawn_count": 1, "withdrawn_fen": 2000},
    ),
    "submitSummary": (
        lambda c: c.submit_summary(COUNTY, "f", SUMMARY, key="k"),
        "POST /flows/f/summary",
        202,
        SUBMITTED,
    ),
    "confirmPayment": (
        lambda c: c.confirm_payment(
            COUNTY, "f", requests.PaymentConfirmation(application_count=1, total_fen=1), key="k"
        ),
        "POST /flows/f/payment-confirmation",
        202,
        SUBMITTED,
    ),
    "cancelFlow": (
        lambda c: c.cancel_flow(COUNTY, "f", requests.Cancellation(reason="无人可发"), key="k"),
        "POST /flows/f/cancellation",
        202,
        SUBMITTED,
    ),
    "getPaymentPage": (lambda c: c.get_payment_page(COUNTY, "f", 1), "GET /flows/f/payments/1", 200, PAYMENTS),
    "submitEvidence": (
        lambda c: c.submit_evidence(COUNTY, "f", EVIDENCE, key="k"),
        "POST /flows/f/evidence",
        204,
        None,
    ),
    "verifyAccount": (
        lambda c: c.verify_account(COUNTY, ACCOUNT, key="k"),
        "POST /accounts/verify",
        200,
        {"valid": False, "reason_code": "name_mismatch"},
    ),
    "verifyAccounts": (
        lambda c: c.verify_accounts(COUNTY, requests.AccountQueries(accounts=(ACCOUNT,)), key="k"),
        "POST /accounts/verifications",
        200,
        {"verdicts": [{"valid": True}]},
    ),
    "applyAccountChange": (
        lambda c: c.apply_account_change(CHANGE, key="k"),
        "POST /account-changes",
        202,
        SUBMITTED,
    ),
    "getAccountChange": (lambda c: c.get_account_change(COUNTY, "s"), "GET /account-changes/s", 200, REVIEW),
    "listInvalidations": (
        lambda c: c.list_invalidations(COUNTY, datetime(2026, 11, 1, tzinfo=UTC)),
        "GET /account-invalidations?since=2026-11-01T00%3A00%3A00%2B00%3A00&page=1",
        200,
        {"items": [], "pages": 0},
    ),
    "openFaceSession": (
        lambda c: c.open_face_session(
            COUNTY, requests.FaceSessionOpening(client_reference="x", channel=FaceChannel.PC), key="k"
        ),
        "POST /identity/face-sessions",
        201,
        FACE,
    ),
    "getFaceSession": (
        lambda c: c.get_face_session(COUNTY, "x"),
        "GET /identity/face-sessions/x",
        200,
        {"face_session_id": "x", "status": "waiting"},
    ),
}


@pytest.fixture
async def at() -> AsyncIterator[Bench]:
    async with bench() as ready:
        yield ready


def test_every_operation_is_tried() -> None:
    assert set(OPERATIONS) == {operation.value for operation in Operation} == {name.value for name in ROUTES}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_operation_of_the_contract(at: Bench, name: str) -> None:
    act, line, status, answer = OPERATIONS[name]
    at.platform.replies = [reply(status, answer)]
    found = await act(at.client)
    sent = at.platform.seen[0]
    method, target = line.split(" ")
    assert (sent.method, sent.target) == (method, "/v1" + target)
    check_seal(sent)
    keyed = method != "GET" and name != "uploadFile"
    assert sent.headers.get("idempotency-key") == ("k" if keyed else None)
    assert at.journal.told == ([("intend", "k"), ("answered", "k")] if keyed else [])
    if isinstance(found, shapes.Wire):
        assert json.loads(found.model_dump_json(exclude_unset=True)) == {
            **json.loads(json.dumps(answer)),
            **times(found),
        }
    else:
        assert (found, answer) == (None, None)


def times(found: shapes.Wire) -> dict[str, object]:
    """A time may be written in another way than it came."""
    return {name: value.isoformat() for name, value in found if isinstance(value, datetime)}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_address_names_a_person(at: Bench, name: str) -> None:
    act, _, status, answer = OPERATIONS[name]
    at.platform.replies = [reply(status, answer)]
    await act(at.client)
    sent = at.platform.seen[0]
    assert not any(re.search(word, sent.target + str(sent.headers)) for word in PERSON)

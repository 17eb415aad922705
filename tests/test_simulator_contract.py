"""The platform's door: signatures, idempotency, lists, files and refusals, over real HTTP."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.simulator.county import County
from deploy.simulator.launch import clients_json
from deploy.simulator.probe import Probe
from deploy.simulator.trial import REQUEST_SECRETS, Trial, trial


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture(scope="module")
def county(platform: Trial) -> County:
    return platform.county("500001")


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    return str(problem["code"])


def test_both_live_secrets_sign_and_another_does_not(platform: Trial) -> None:
    for secret, status in [(REQUEST_SECRETS[0], 200), (REQUEST_SECRETS[1], 200), ("another", 401)]:
        probe = Probe(platform.launched.url, "client-50", secret)
        assert probe.get("/banks").status_code == status
        probe.http.close()


def test_a_signature_covers_method_target_body_and_time(platform: Trial) -> None:
    probe = platform.probes["50"]
    good = probe.signed("GET", "/v1/banks", b"")
    assert probe.http.get("/v1/banks", headers=good).status_code == 200
    assert code(probe.http.get("/v1/banks?x=1", headers=good), 401) == "UNAUTHORIZED"
    assert code(probe.http.get("/v1/banks", headers=probe.signed("PUT", "/v1/banks", b"")), 401) == "UNAUTHORIZED"
    assert code(probe.http.get("/v1/banks", headers=probe.signed("GET", "/v1/banks", b"x")), 401) == "UNAUTHORIZED"
    for shift in (-320, 320):
        stale = probe.signed("GET", "/v1/banks", b"", at=int(time.time()) + shift)
        assert code(probe.http.get("/v1/banks", headers=stale), 401) == "UNAUTHORIZED"
    assert probe.http.get(
        "/v1/banks", headers=probe.signed("GET", "/v1/banks", b"", at=int(time.time()) - 280)
    ).is_success


@pytest.mark.parametrize("name", ["X-Client-Id", "webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "nonsense", "²"])
def test_a_missing_or_malformed_header_is_401(platform: Trial, name: str, value: str | None) -> None:
    probe = platform.probes["50"]
    headers = {k.encode(): v.encode() for k, v in probe.signed("GET", "/v1/banks", b"").items() if k != name}
    if value is not None:
        headers[name.encode()] = value.encode()
    assert code(httpx.get(f"{platform.launched.url}/v1/banks", headers=headers), 401) == "UNAUTHORIZED"


def test_a_secret_changed_in_the_file_counts_at_once(tmp_path: Path) -> None:
    with trial(tmp_path) as own:
        client = {"client_id": "client-50", "province_code": "500000", "secrets": ["fresh"]}
        unused: dict[str, object] = {"callback_secrets": [], "callback_url": "http://127.0.0.1:1/"}
        clients_json([client | unused], own.clients_file)
        assert own.probes["50"].get("/banks").status_code == 401
        own.probes["50"].secret = "fresh"
        assert own.probes["50"].get("/banks").status_code == 200


@pytest.mark.parametrize("secret", [f"whsec_{'A' * 24}", "共享密钥共享密钥共享密钥"])
def test_a_requests_secret_is_its_text_as_it_stands(tmp_path: Path, secret: str) -> None:
    with trial(tmp_path) as own:
        unused: dict[str, object] = {"callback_secrets": [], "callback_url": "http://127.0.0.1:1/"}
        known = {"client_id": "client-50", "province_code": "500000", "secrets": [secret]}
        clients_json([known | unused], own.clients_file)
        own.probes["50"].secret = secret
        assert own.probes["50"].get("/banks").status_code == 200


def test_a_request_has_one_signature(platform: Trial) -> None:
    """Several, space-separated, are for callbacks while a secret rotates."""
    probe = platform.probes["50"]
    headers = probe.signed("GET", "/v1/banks", b"")
    headers["webhook-signature"] += " v1," + "A" * 43 + "="
    assert code(probe.http.get("/v1/banks", headers=headers), 401) == "UNAUTHORIZED"


def test_a_key_that_was_answered_on_one_path_is_a_mismatch_on_any_other(county: County) -> None:
    record = county.record("A1", ["500001198001010015", "张三丰", "ICBC", "62220200"])
    key, first, second = uuid.uuid4().hex, county.open("beneficiary_init"), county.open("beneficiary_init")
    page = {"records": [record]}
    assert county.probe.put(f"/datasets/{first}/pages/1", page, key).status_code == 204
    assert code(county.probe.put(f"/datasets/{first}/pages/2", page, key), 422) == "IDEMPOTENCY_MISMATCH"
    assert code(county.probe.put(f"/datasets/{second}/pages/1", page, key), 422) == "IDEMPOTENCY_MISMATCH"
    assert county.probe.put(f"/datasets/{first}/pages/1", page, key).status_code == 204


def test_a_key_of_128_is_one_and_a_file_wants_none(county: County) -> None:
    assert county.probe.post("/policies", county.policy_body(), "x" * 128).status_code == 202
    assert (
        county.probe.post("/policies", county.policy_body(), f"500001-Z2026-1.1/{uuid.uuid4()}:_.-").status_code == 202
    )
    content = b"%PDF-1.7 without a key"
    path = f"/files/{hashlib.sha256(content).hexdigest()}"
    assert county.probe.send("PUT", path, content, kind="application/pdf").status_code == 201


@pytest.mark.parametrize("secret", ["AAAAAAAAAAAAAAAAAAAAAAAA", "whsec_!!"])
def test_callback_secrets_are_whsec_and_base64(tmp_path: Path, secret: str) -> None:
    with trial(tmp_path) as own:
        client = {"client_id": "client-50", "province_code": "500000", "secrets": ["fresh"]}
        other: dict[str, object] = {"callback_secrets": [secret], "callback_url": "http://127.0.0.1:1/"}
        clients_json([client | other], own.clients_file)
        # such a file is no list of clients: the known ones stay
        assert own.probes["50"].get("/banks").status_code == 200


def test_a_remembered_answer_comes_again_word_for_word(county: County) -> None:
    body, key = county.policy_body(), uuid.uuid4().hex
    first, second = county.probe.post("/policies", body, key), county.probe.post("/policies", body, key)
    assert first.status_code == second.status_code == 202
    assert first.content == second.content
    other = county.probe.post("/policies", body | {"title": "另一份"}, key)
    assert code(other, 422) == "IDEMPOTENCY_MISMATCH"
    assert code(county.probe.post("/indicators", body, key), 422) == "IDEMPOTENCY_MISMATCH"


def test_keys_belong_to_the_client(platform: Trial, county: County) -> None:
    key, linwu = uuid.uuid4().hex, platform.county("431025")
    mine = county.probe.post("/policies", county.policy_body(), key).json()
    theirs = linwu.probe.post("/policies", linwu.policy_body(), key).json()
    assert mine["submission_id"] != theirs["submission_id"]


def test_a_refusal_is_not_remembered(county: County) -> None:
    key, body = uuid.uuid4().hex, county.indicator_body()
    assert code(county.probe.post("/indicators", body | {"county_fen": 1}, key), 422) == "VALIDATION_FAILED"
    assert county.probe.post("/indicators", body, key).status_code == 202


def test_a_second_request_while_the_first_runs_is_in_progress(platform: Trial, county: County) -> None:
    body, key = county.policy_body(), uuid.uuid4().hex
    platform.set("/settings", {"answer_delay_seconds": 1.0})
    try:
        impatient = Probe(platform.launched.url, "client-50", REQUEST_SECRETS[0], timeout=0.2)
        with impatient.http, pytest.raises(httpx.ReadTimeout):
            impatient.post("/policies", body, key)
        assert code(county.probe.post("/policies", body, key), 409) == "IN_PROGRESS"
    finally:
        platform.set("/settings", {"answer_delay_seconds": 0})


@pytest.mark.parametrize("key", [None, "", "has space", "x" * 129, "ä"])
def test_a_key_is_required_and_of_its_form(county: County, key: str | None) -> None:
    raw = b"{}"
    headers = {k.encode(): v.encode() for k, v in county.probe.signed("POST", "/v1/policies", raw).items()}
    if key is not None:
        headers[b"Idempotency-Key"] = key.encode()
    answer = county.probe.http.post("/v1/policies", content=raw, headers=headers)
    assert code(answer, 422) == "VALIDATION_FAILED"


def test_bank_answers_are_remembered_for_a_day_only(platform: Trial, county: County) -> None:
    query = {
        "name": "李国强",
        "id_number": "50000119800101001X",
        "bank_code": "ICBC",
        "account_no": "6222020000000000001",
    }
    key = uuid.uuid4().hex
    assert county.probe.post("/accounts/verify", query, key).json() == {
        "valid": False,
        "reason_code": "account_not_found",
    }
    platform.load("500001", ["50000119800101001X,李国强,ICBC,6222020000000000001,passed,paid"])
    assert county.probe.post("/accounts/verify", query, key).json()["valid"] is False
    assert code(county.probe.post("/accounts/verify", query | {"name": "李"}, key), 422) == "IDEMPOTENCY_MISMATCH"
    platform.set("/settings", {"verify_memory_seconds": 0})
    assert county.probe.post("/accounts/verify", query, key).json() == {"valid": True, "reason_code": None}
    platform.set("/settings", {"verify_memory_seconds": 86_400})


def test_another_provinces_county_is_forbidden(platform: Trial, county: County) -> None:
    assert code(county.probe.get("/counties/431025/towns"), 403) == "FORBIDDEN_COUNTY"
    body = county.policy_body() | {"county_code": "431025"}
    assert code(county.probe.post("/policies", body), 403) == "FORBIDDEN_COUNTY"
    linwu = platform.county("431025")
    theirs = linwu.probe.post("/policies", linwu.policy_body()).json()["submission_id"]
    assert code(county.probe.get(f"/reviews/{theirs}"), 404) == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/reviews/x",
        "/datasets/x",
        "/datasets/x/results/1",
        "/flows/x",
        "/flows/x/payments/1",
        "/account-changes/x",
        "/identity/face-sessions/x",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_404(county: County, path: str) -> None:
    assert code(county.probe.get(path), 404) == "NOT_FOUND"


def test_every_list_is_there_for_every_county_and_year(platform: Trial) -> None:
    for name in ("500001", "500003", "500104", "500105", "431025"):
        county = platform.county(name)
        assert "财政局" in "".join(county.listed("policy-units"))
        assert county.listed("budget-units")
        for year in (2020, 2035):
            for path in ("budget-projects", "indicator-documents", "subsidy-items"):
                assert county.probe.get(f"/counties/{name}/{path}?fund_year={year}").json()["items"]
        towns = county.probe.get(f"/counties/{name}/towns").json()["items"]
        assert all(town["code"].startswith(name) and town["villages"] for town in towns)
    assert {bank["code"] for bank in platform.probes["50"].get("/banks").json()["items"]} >= {"ICBC", "CRCB", "PSBC"}


def test_the_seeds_own_unit_and_document_are_in_its_lists(platform: Trial) -> None:
    linwu = platform.county("431025")
    assert "11431025006562645B" in linwu.listed("budget-units").values()
    documents = linwu.probe.get("/counties/431025/indicator-documents?fund_year=2023").json()["items"]
    assert "湘财预〔2021〕15号" in [document["name"] for document in documents]


@pytest.mark.parametrize("query", ["", "?fund_year=", "?fund_year=abcd", "?fund_year=2019", "?fund_year=2036"])
def test_a_fund_year_outside_the_lists_is_refused(county: County, query: str) -> None:
    assert code(county.probe.get(f"/counties/500001/subsidy-items{query}"), 422) == "VALIDATION_FAILED"


def test_a_file_is_stored_once_under_its_hash(platform: Trial, county: County) -> None:
    content = b"%PDF-1.7 once"
    path = f"/files/{hashlib.sha256(content).hexdigest()}"
    first, second = (county.probe.send("PUT", path, content, kind="application/pdf") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    stored = [file.read_bytes() for file in (platform.state / "files").rglob("*") if file.is_file()]
    assert stored.count(content) == 1


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "application/pdf"), (b"MZ", "application/pdf"), (b"%PDF-1.7", "image/png"), (b"%PDF-1.7", "text/plain")],
)
def test_a_file_of_another_kind_is_refused(county: County, content: bytes, kind: str) -> None:
    path = f"/files/{hashlib.sha256(content).hexdigest()}"
    assert code(county.probe.send("PUT", path, content, kind=kind), 422) == "FILE_REFUSED"


def test_a_file_under_another_hash_is_refused(county: County) -> None:
    answer = county.probe.send("PUT", f"/files/{'0' * 64}", b"%PDF-1.7", kind="application/pdf")
    assert code(answer, 422) == "FILE_REFUSED"
    assert code(county.probe.send("PUT", "/files/ABC", b"%PDF-1.7", kind="application/pdf"), 422) == "VALIDATION_FAILED"


def test_a_body_over_20_mib_is_too_large(county: County) -> None:
    content = b"%PDF-" + bytes(20 * 1024 * 1024)
    answer = county.probe.send("PUT", f"/files/{hashlib.sha256(content).hexdigest()}", content, kind="application/pdf")
    assert code(answer, 413) == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    "change",
    [
        {"fund_year": 2025.0},
        {"fund_year": "2025"},
        {"fund_year": 2050},
        {"item_codes": []},
        {"item_codes": ["NONE"]},
        {"policy_unit_code": "1"},
        {"file_id": "file_x"},
        {"county_code": "5000"},
        {"title": None},
        {"replaces_policy_id": "pol_x"},
    ],
)
def test_a_policy_outside_the_contract_is_refused(county: County, change: dict[str, object]) -> None:
    answer = county.probe.post("/policies", county.policy_body() | change)
    assert code(answer, 422) == "VALIDATION_FAILED"


@pytest.mark.parametrize(
    "change",
    [
        {"total_fen": 10.0},
        {"total_fen": True},
        {"total_fen": "100"},
        {"county_fen": -1},
        {"central_fen": 5},
        {"document_no": "无此文号"},
        {"budget_unit_code": "1"},
        {"budget_project_code": "1"},
        {"replaces_indicator_id": "x"},
    ],
)
def test_an_indicator_outside_the_contract_is_refused(county: County, change: dict[str, object]) -> None:
    answer = county.probe.post("/indicators", county.indicator_body() | change)
    assert code(answer, 422) == "VALIDATION_FAILED"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"county_code": 1}'])
def test_a_body_that_is_no_json_is_refused(county: County, raw: bytes) -> None:
    answer = county.probe.send("POST", "/policies", raw, key=uuid.uuid4().hex)
    assert code(answer, 422) == "VALIDATION_FAILED"


def test_a_problem_names_each_field_and_never_its_value(county: County) -> None:
    record = county.record("A1", ["500001198001010015", "张三丰", "ICBC", "62220200"], amount_fen=0)
    dataset = county.open("beneficiary_init")
    page = {"records": [record | {"id_number": "SECRET-ID"}, record | {"amount_fen": 1.5, "town_code": None}]}
    answer = county.probe.put(f"/datasets/{dataset}/pages/1", page)
    assert code(answer, 422) == "VALIDATION_FAILED"
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers >= {
        "/records/0/id_number",
        "/records/0/amount_fen",
        "/records/1/amount_fen",
        "/records/1/town_code",
    }
    assert "SECRET-ID" not in answer.text
    assert "张三丰" not in answer.text


def test_a_refused_policy_may_be_replaced(county: County) -> None:
    refused = county.probe.post("/policies", county.policy_body(title="方案【退回】")).json()["submission_id"]
    said = county.reviewed(refused)
    assert (said["status"], bool(said["opinion"]), bool(said["reviewed_at"])) == ("rejected", True, True)
    assert county.probe.get(f"/reviews/{refused}").json() == said
    again = county.probe.post("/policies", county.policy_body() | {"replaces_policy_id": refused}).json()[
        "submission_id"
    ]
    assert county.reviewed(again)["status"] == "approved"


def test_an_indicator_is_refused_by_its_fund_nature(county: County) -> None:
    refused = county.probe.post("/indicators", county.indicator_body(nature="政府性基金【退回】")).json()[
        "submission_id"
    ]
    assert county.reviewed(refused)["status"] == "rejected"
    body = county.indicator_body() | {"replaces_indicator_id": refused}
    assert county.reviewed(county.probe.post("/indicators", body).json()["submission_id"])["status"] == "approved"

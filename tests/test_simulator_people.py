"""Accounts, card changes, invalidations, face sessions and the clerk's desk, over real HTTP."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from deploy.demo.people import wait_for
from deploy.simulator.county import County
from deploy.simulator.probe import Json
from deploy.simulator.trial import Trial, ready, refused, trial

ROOT = Path(__file__).parents[1]
DATA = ROOT / "deploy" / "demo" / "data"
ACCOUNTS = (DATA / "bank-accounts-500001-2000.csv").read_text("utf-8-sig").splitlines()
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        running.admin.post("/registers/500001", content=(DATA / "register-500001-2000.csv").read_bytes())
        running.admin.post("/bank-accounts", content=(DATA / "bank-accounts-500001-2000.csv").read_bytes())
        yield running


@pytest.fixture
def county(platform: Trial) -> Iterator[County]:
    yield platform.county("500001")
    platform.at_desk()
    platform.set("/settings", {"face_session_seconds": 300})


def account(status: str, note: str) -> dict[str, str]:
    names = ACCOUNTS[0].split(",")
    rows = (dict(zip(names, line.split(",", len(names) - 1), strict=True)) for line in ACCOUNTS[1:])
    return next(row for row in rows if row["status"] == status and note in row["note"])


def query(row: dict[str, str], **other: str) -> dict[str, str]:
    return {
        "name": row["holder_name"],
        "id_number": row["holder_id_number"],
        "bank_code": row["bank_code"],
        "account_no": row["account_no"],
        "card_type": row["card_type"],
    } | other


def change(row: dict[str, str], **other: object) -> Json:
    return {
        "client_reference": f"C{next(NUMBERS)}",
        "attempt": 1,
        "county_code": "500001",
        "name": row["holder_name"],
        "id_number": row["holder_id_number"],
        "card_type": row["card_type"],
        "new_bank_code": row["bank_code"],
        "new_account_no": row["account_no"],
        "reason": "停用旧卡，启用新卡",
        "source": "渝快办",
    } | other


def apply_change(county: County, body: Json) -> Json:
    answer = county.probe.post("/account-changes", body)
    assert answer.status_code == 202, answer.text
    said = county.reviewed(answer.json()["submission_id"])
    assert county.probe.get(f"/account-changes/{said['submission_id']}").json() == said
    return said


def test_the_bank_says_of_each_account_what_it_is(county: County) -> None:
    good, frozen, closed = account("open", "a new good"), account("frozen", ""), account("closed", "closed")
    cases = [
        (query(good), None),
        (query(good, name="别人"), "name_mismatch"),
        (query(frozen), "account_frozen"),
        (query(closed), "account_closed"),
        (query(good, account_no="000000000000"), "account_not_found"),
    ]
    for body, reason in cases:
        assert county.probe.post("/accounts/verify", body).json() == {"valid": reason is None, "reason_code": reason}
    many = county.probe.post("/accounts/verifications", {"accounts": [body for body, _ in cases]}).json()
    assert [verdict["reason_code"] for verdict in many["verdicts"]] == [reason for _, reason in cases]
    for wrong in ([], [cases[0][0]] * 501):
        refused(county.probe.post("/accounts/verifications", {"accounts": wrong}), 422, "VALIDATION_FAILED")


def test_an_account_of_two_people_is_valid_for_both(county: County) -> None:
    register = [line.split(",") for line in (DATA / "register-500001-2000.csv").read_text("utf-8-sig").splitlines()[1:]]
    by_account: dict[str, list[list[str]]] = {}
    for row in register:
        if row[3] and row[5] == "paid":
            by_account.setdefault(row[3], []).append(row)
    shared = next(rows for rows in by_account.values() if len(rows) == 2)
    for id_number, name, bank, number, *_ in shared:
        body = {"name": name, "id_number": id_number, "bank_code": bank, "account_no": number}
        assert county.probe.post("/accounts/verify", body).json()["valid"] is True


def test_a_changed_account_counts_in_the_county_from_then_on(platform: Trial, county: County) -> None:
    row = account("open", "a new good")
    said = apply_change(county, change(row))
    assert (said["status"], said["reason_code"], said["old_account_usable"]) == ("applied", None, None)
    person = (row["holder_id_number"], row["holder_name"], row["bank_code"], row["account_no"])
    assert county.judged("beneficiary_init", [county.record("X1", person)])["X1"]["outcome"] == "matched"


@pytest.mark.parametrize("length", [8, 15, 20, 30])
def test_a_passbook_of_any_length_is_known_to_bank_and_platform(platform: Trial, county: County, length: int) -> None:
    old = account("open", "a new good")
    row = old | {"account_no": f"51{length:0{length - 2}d}", "card_type": "passbook"}
    platform.admin.post("/bank-accounts", content="\n".join((ACCOUNTS[0], ",".join(row.values()))).encode())
    assert county.probe.post("/accounts/verify", query(row)).json()["valid"] is True
    assert apply_change(county, change(row))["status"] == "applied"
    person = (row["holder_id_number"], row["holder_name"], row["bank_code"], row["account_no"])
    assert county.judged("beneficiary_init", [county.record("X1", person)])["X1"]["outcome"] == "matched"


def test_a_change_fails_for_the_banks_reason_and_says_whether_the_old_one_lives(county: County) -> None:
    closed, good, frozen = account("closed", "closed"), account("open", ""), account("frozen", "")
    old = {"old_bank_code": frozen["bank_code"], "old_account_no": frozen["account_no"]}
    said = apply_change(county, change(closed, **old))
    assert (said["status"], said["reason_code"], said["old_account_usable"]) == ("failed", "account_closed", False)
    old = {"old_bank_code": good["bank_code"], "old_account_no": good["account_no"]}
    said = apply_change(county, change(good, reason="换卡【退回】", **old))
    assert (said["status"], said["reason_code"], said["old_account_usable"]) == ("failed", "other", True)
    refused(county.probe.post("/account-changes", change(good, new_bank_code="NONE")), 422, "VALIDATION_FAILED")
    refused(county.probe.post("/account-changes", change(good, source="网上")), 422, "VALIDATION_FAILED")


def test_one_change_of_a_person_at_a_time_in_a_county(platform: Trial, county: County) -> None:
    row = account("open", "a new good")
    platform.at_desk("account_change")
    pending = county.probe.post("/account-changes", change(row)).json()["submission_id"]
    refused(county.probe.post("/account-changes", change(row)), 409, "ACCOUNT_CHANGE_PENDING")
    elsewhere = county.probe.post("/account-changes", change(row, county_code="500105"))
    assert elsewhere.status_code == 202
    assert county.probe.get(f"/account-changes/{pending}").json()["status"] == "pending"
    at_desk = platform.admin.get("/clerk").json()["items"]
    [told] = [str(one) for one in at_desk if one["ref"] == pending]
    assert all(words in told for words in ("500001", "渝快办：无 → ", "第 1 次"))
    assert not any(row[name] in told for name in ("holder_name", "holder_id_number", "account_no"))
    platform.decide(pending, approve=False, opinion="资料不符")
    assert (county.reviewed(pending)["status"], county.reviewed(pending)["reason"]) == ("failed", "资料不符")
    platform.decide(elsewhere.json()["submission_id"])
    platform.at_desk()
    assert apply_change(county, change(row, attempt=2))["status"] == "applied"


def invalidate(platform: Trial, row: dict[str, str], reason: str) -> Json:
    body = {
        "county_code": "500001",
        "id_number": row["holder_id_number"],
        "bank_code": row["bank_code"],
        "account_no": row["account_no"],
        "trigger": "scheduled",
        "reason_code": reason,
    }
    said: Json = platform.admin.post("/invalidate", json=body).raise_for_status().json()
    return said


def test_an_invalidation_is_told_and_listed_in_order_of_arrival(platform: Trial, county: County) -> None:
    rows = [dict(zip(ACCOUNTS[0].split(","), line.split(",", 6), strict=True)) for line in ACCOUNTS[1:4]]
    made = [invalidate(platform, row, "account_closed") for row in rows]
    county.receiver.wait_type("account.invalidated", 3)
    since = quote(str(made[1]["invalidated_at"]))
    page = county.probe.get(f"/account-invalidations?since={since}").json()
    assert (page["items"], page["pages"]) == (made[1:], 1)
    unquoted = county.probe.get(f"/account-invalidations?since={made[1]['invalidated_at']}&page=2").json()
    assert (unquoted["items"], unquoted["pages"]) == ([], 1)
    verdict = county.probe.post("/accounts/verify", query(rows[0])).json()
    assert verdict == {"valid": False, "reason_code": "account_closed"}
    elsewhere = platform.probes["43"].get(f"/account-invalidations?since={since}").json()
    assert (elsewhere["items"], elsewhere["pages"]) == ([], 0)


@pytest.mark.parametrize(
    "text", ["page=1", "since=", "since=yesterday", "since=2026-01-01T00:00:00", "since=2026-01-01Z&page=0"]
)
def test_a_listing_needs_a_moment_with_an_offset(county: County, text: str) -> None:
    refused(county.probe.get(f"/account-invalidations?{text}"), 422, "VALIDATION_FAILED")


def open_face(county: County, channel: str = "pc") -> Json:
    answer = county.probe.post("/identity/face-sessions", {"client_reference": f"L{next(NUMBERS)}", "channel": channel})
    assert answer.status_code == 201
    said: Json = answer.json()
    return said


def step(platform: Trial, session: Json, **body: str) -> httpx.Response:
    return platform.admin.post(f"/face-sessions/{session['face_session_id']}", json=body)


def test_a_face_session_is_scanned_passed_and_told(platform: Trial, county: County) -> None:
    session = open_face(county)
    path = f"/identity/face-sessions/{session['face_session_id']}"
    assert county.probe.get(path).json()["status"] == "waiting"
    step(platform, session, status="scanned").raise_for_status()
    assert county.probe.get(path).json()["status"] == "scanned"
    step(platform, session, status="passed", name="李梅", id_number="500001198001011829").raise_for_status()
    told = county.receiver.wait(lambda one: one.data.get("face_session_id") == session["face_session_id"])[0]
    assert (told.type, told.data["county_code"], told.data["name"]) == ("identity.face.completed", None, "李梅")
    assert county.probe.get(path).json() == told.data
    assert step(platform, session, status="failed").status_code == 422
    refused(platform.probes["43"].get(path), 404, "NOT_FOUND")


def test_a_face_session_fails_or_runs_out(platform: Trial, county: County) -> None:
    failed = open_face(county, "app")
    step(platform, failed, status="failed").raise_for_status()
    platform.set("/settings", {"face_session_seconds": 0.2})
    left = open_face(county)
    for session, status, reason in [(failed, "failed", "face_mismatch"), (left, "expired", "timeout")]:
        wanted = session["face_session_id"]
        told = county.receiver.wait(lambda one, w=wanted: one.data.get("face_session_id") == w)[0].data  # type: ignore[misc]
        assert (told["status"], told["reason_code"]) == (status, reason)


def test_the_link_of_a_face_session_opens_a_page_that_passes_it(county: County) -> None:
    session = open_face(county)
    url = str(session["url"])
    assert "身份证号" in httpx.get(url).text
    done = httpx.post(url, data={"status": "passed", "name": "王五", "id_number": "500001198001011837"})
    assert "会话已结束：已通过" in done.text
    told = county.receiver.wait(lambda one: one.data.get("face_session_id") == session["face_session_id"])[0]
    assert told.data["name"] == "王五"


def test_a_person_at_the_page_decides(platform: Trial, county: County) -> None:
    platform.at_desk("policy")
    submission = county.probe.post("/policies", county.policy_body(title="待人审核<b>")).json()["submission_id"]
    page = httpx.get(f"{platform.launched.url}/clerk").text
    assert submission in page
    assert "待人审核&lt;b&gt;" in page
    form = {"ref": submission, "decision": "reject", "opinion": "缺少附件"}
    assert httpx.post(f"{platform.launched.url}/clerk", data=form).status_code == 303
    assert (county.reviewed(submission)["status"], county.reviewed(submission)["opinion"]) == ("rejected", "缺少附件")
    assert httpx.post(f"{platform.launched.url}/clerk", data=form).status_code == 404


def clerk(platform: Trial, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.simulator.clerk", "--url", platform.launched.url, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20, check=False)


def test_a_person_at_the_command_line_decides(platform: Trial, county: County) -> None:
    platform.at_desk("indicator")
    submission = county.probe.post("/indicators", county.indicator_body()).json()["submission_id"]
    assert submission in clerk(platform, "list").stdout
    assert clerk(platform, "approve", submission, "--opinion", "同意").returncode == 0
    assert (county.reviewed(submission)["status"], county.reviewed(submission)["opinion"]) == ("approved", "同意")
    assert clerk(platform, "approve", submission).returncode == 1


def test_a_person_refuses_single_lines_of_a_round(platform: Trial) -> None:
    county = platform.county("500777")
    county.prepare()
    records = ready(platform, county, "paid", "paid")
    county.start()
    platform.at_desk("application_submission")
    dataset = county.push("application_submission", records, "initial")
    platform.decide(dataset, rejected_lines={str(records[0]["application_no"]): "照片不清"})
    said = list(county.results(dataset, 2).values())
    assert [(one["outcome"], one.get("reason")) for one in said] == [("rejected", "照片不清"), ("accepted", None)]


def test_what_waits_goes_on_when_nobody_plays_the_clerk_any_more(platform: Trial, county: County) -> None:
    platform.at_desk("policy")
    submission = county.probe.post("/policies", county.policy_body()).json()["submission_id"]
    wait_for("等待审核", lambda: {"waiting": waiting(platform)}, lambda seen: seen["waiting"] == [submission], 20)
    platform.at_desk()
    assert county.reviewed(submission)["status"] == "approved"


def waiting(platform: Trial) -> list[str]:
    """What lies before the clerk; it gets there when its turn has come."""
    board = platform.ask("/clerk")["items"]
    assert isinstance(board, list)
    return [one["ref"] for one in board if one["waiting"]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/settings", "{"),
        ("PUT", "/settings", '{"clerk": {"policy": "nobody"}}'),
        ("PUT", "/time-scale", '{"scale": -1}'),
        ("POST", "/invalidate", '{"county_code": "500001"}'),
        ("POST", "/face-sessions/x", '{"status": "asleep"}'),
        ("GET", "/faults?after=x", ""),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(platform: Trial, method: str, path: str, body: str) -> None:
    refused(platform.admin.request(method, path, content=body), 422, "VALIDATION_FAILED")


def test_a_register_without_its_columns_is_refused(platform: Trial) -> None:
    answer = platform.admin.post("/registers/500001", content="姓名,身份证号\n".encode("gb18030"))
    refused(answer, 422, "VALIDATION_FAILED")

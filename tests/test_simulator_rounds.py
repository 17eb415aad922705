"""Rounds, withdrawals and summaries: who is accepted, who comes back, what is refused."""

import itertools
from collections.abc import Iterator

import pytest

from deploy.simulator.county import County, Person, fen
from deploy.simulator.probe import Json
from deploy.simulator.trial import Trial, codes, ready, refused, trial

COUNTIES = (f"50{number:04d}" for number in itertools.count(3001))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def county(platform: Trial) -> Iterator[County]:
    """A county of its own for each test, with an approved policy and indicator."""
    fresh = platform.county(next(COUNTIES))
    fresh.prepare()
    yield fresh
    platform.set("/settings", {"clerk": {}, "returns_after_end": None})
    platform.set("/time-scale", {"scale": 0})


def test_every_line_of_a_person_with_several_comes_back_until_confirmed(platform: Trial, county: County) -> None:
    one, two = platform.people(county.code, "paid", "paid")
    records = county.verified(county.lines([one, one, two]))
    county.start()
    said = county.judged("application_submission", records, "initial")
    assert [entry.get("reason_code") for entry in said.values()] == ["duplicate_person", "duplicate_person", None]
    refused_round = county.try_round(records[2:], "confirmed")
    assert codes(refused(refused_round, 422, "LINE_NOT_ELIGIBLE")) == {"ALREADY_IN_FLOW"}
    again = county.judged("application_submission", records[:2], "modified")
    assert {entry["reason_code"] for entry in again.values()} == {"duplicate_person"}
    confirmed = county.judged("application_submission", records[:2], "confirmed")
    assert {entry["outcome"] for entry in confirmed.values()} == {"accepted"}
    later = county.verified([county.record(f"{county.code}-late", two)])
    assert (
        county.judged("application_submission", later, "initial")[f"{county.code}-late"]["reason_code"]
        == "duplicate_person"
    )
    county.probe.post(
        f"/flows/{county.flow_id}/withdrawals", {"application_nos": [records[2]["application_no"]], "reason": "撤"}
    )
    alone = county.judged("application_submission", later, "modified")
    assert alone[f"{county.code}-late"]["outcome"] == "accepted"


def test_only_what_passed_verification_is_initial(platform: Trial, county: County) -> None:
    persons = platform.people(county.code, "paid", "paid", verification="failed:疑似重复享受")
    records = county.lines(persons)
    said = county.judged("verification", records[:1])
    assert [(one["outcome"], one["reason"]) for one in said.values()] == [("failed", "疑似重复享受")]
    county.start()
    first = county.judged("application_submission", records, "initial")
    assert {one["reason_code"] for one in first.values()} == {"ineligible"}
    second = county.judged("application_submission", records, "unverified")
    assert {one["outcome"] for one in second.values()} == {"accepted"}


def test_a_line_is_judged_by_item_name_account_indicator_and_mark(platform: Trial, county: County) -> None:
    persons = platform.people(county.code, *["paid"] * 6)
    records = county.verified(county.lines(persons))
    records[0]["item_code"] = "BT2001"
    records[1]["name"] = "别名"
    records[2]["account_no"] = "622299999999"
    records[3]["amount_fen"] = 10**10 + 1
    records[4]["group"] = "三组【退回】"
    county.start()
    said = county.judged("application_submission", records, "initial")
    assert [one.get("reason_code") for one in said.values()] == [
        "ineligible",
        "information_mismatch",
        "account_invalid",
        "over_indicator",
        "other",
        None,
    ]
    corrected = county.lines(persons)[:5]
    fixed = county.judged("application_submission", corrected, "modified")
    assert {one["outcome"] for one in fixed.values()} == {"accepted"}


def test_an_organization_needs_no_verification(platform: Trial, county: County) -> None:
    org: Person = ("91500001BRNYTPLXGA", "金穗合作社", "CRCB", "510703893015")
    platform.load(county.code, [",".join((*org, "not_required", "paid"))])
    county.start()
    said = county.judged("application_submission", [county.record("O1", org, applicant_kind="organization")], "initial")
    assert said["O1"]["outcome"] == "accepted"


def test_a_round_refuses_who_may_not_be_in_it(platform: Trial, county: County) -> None:
    records = ready(platform, county, *["paid"] * 3)
    county.start()
    refusals: list[tuple[Json, str, str]] = [
        ({"attempt": 2}, "initial", "ATTEMPT_MISMATCH"),
        ({"indicator_id": "ind_x"}, "initial", "INDICATOR_NOT_IN_FLOW"),
        ({}, "modified", "NOT_REJECTED"),
        ({}, "confirmed", "NOT_A_DUPLICATE"),
        ({}, "repayment", "NOT_A_FAILED_PAYMENT"),
    ]
    for change, mode, code in refusals:
        said = refused(county.try_round([records[0] | change, *records[1:]], mode), 422, "LINE_NOT_ELIGIBLE")
        assert code in codes(said)
    county.judged("application_submission", records, "initial")
    assert codes(refused(county.try_round(records, "modified"), 422, "LINE_NOT_ELIGIBLE")) == {"ALREADY_IN_FLOW"}
    body = {"application_nos": [records[0]["application_no"]], "reason": "本人放弃"}
    county.probe.post(f"/flows/{county.flow_id}/withdrawals", body)
    assert codes(refused(county.try_round(records[:1]), 422, "LINE_NOT_ELIGIBLE")) == {"WITHDRAWN"}


def test_one_round_at_a_time_and_a_line_withdrawn_meanwhile(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "paid")
    county.start()
    early = county.open("application_submission", "initial")
    totals = county.fill(early, records[1:])
    platform.at_desk("application_submission")
    dataset = county.push("application_submission", records[:1], "initial")
    refused(county.probe.post(f"/datasets/{early}/commit", totals), 409, "ROUND_UNDER_REVIEW")
    body = {
        "client_reference": "x",
        "kind": "application_submission",
        "county_code": county.code,
        "batch_no": county.batch_no,
        "flow_id": county.flow_id,
        "mode": "initial",
    }
    refused(county.probe.post("/datasets", body), 409, "ROUND_UNDER_REVIEW")
    refused(
        county.probe.post(f"/flows/{county.flow_id}/summary", county.summary_body(records)), 409, "ROUND_UNDER_REVIEW"
    )
    wish = {"application_nos": [records[0]["application_no"]], "reason": "本人放弃"}
    answer = county.probe.post(f"/flows/{county.flow_id}/withdrawals", wish)
    assert answer.json() == {"withdrawn_count": 1, "withdrawn_fen": 10_000}
    platform.decide(dataset)
    said = county.results(dataset, 1)[str(records[0]["application_no"])]
    assert (said["outcome"], said["reason"]) == ("rejected", "已撤回")
    assert county.probe.post(f"/datasets/{early}/commit", totals).status_code == 202


def test_a_withdrawal_is_all_or_none(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    path, numbers = f"/flows/{county.flow_id}/withdrawals", [str(record["application_no"]) for record in records]
    said = refused(
        county.probe.post(path, {"application_nos": [numbers[0], "none"], "reason": "撤"}), 422, "LINE_NOT_ELIGIBLE"
    )
    assert codes(said) == {"NOT_IN_FLOW"}
    refused(county.probe.post(path, {"application_nos": numbers[:1] * 2, "reason": "撤"}), 422, "VALIDATION_FAILED")
    assert county.probe.post(path, {"application_nos": numbers, "reason": "撤"}).json()["withdrawn_count"] == 2
    refused(county.probe.post(path, {"application_nos": numbers, "reason": "撤"}), 422, "LINE_NOT_ELIGIBLE")


def test_a_summary_must_be_the_accepted_lines(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "paid")
    county.start()
    path = f"/flows/{county.flow_id}/summary"
    refused(county.probe.post(path, county.summary_body([])), 422, "VALIDATION_FAILED")
    county.judged("application_submission", records, "initial")
    right = county.summary_body(records)
    share = {"code": "ABC", "name": "农行", "application_count": 2, "total_fen": fen(records)}
    wrongs: tuple[Json, ...] = (
        {"total_fen": 1},
        {"application_count": 1},
        {"household_count": 3},
        {"towns": []},
        {"banks": [share]},
    )
    for wrong in wrongs:
        refused(county.probe.post(path, right | wrong), 422, "CONTROL_TOTAL_MISMATCH")
    refused(county.probe.post(path, right | {"approval_form_file_id": "file_x"}), 422, "VALIDATION_FAILED")
    assert county.summarise(records)["status"] == "approved"


def test_each_stage_of_a_summary_fixes_the_lines(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    totals = {"application_count": 2, "total_fen": fen(records)}
    base, wish = f"/flows/{county.flow_id}", {"application_nos": [records[1]["application_no"]], "reason": "撤"}
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 409, "SUMMARY_NOT_APPROVED")
    platform.at_desk("summary")
    submission = county.probe.post(f"{base}/summary", county.summary_body(records)).json()["submission_id"]
    dataset = {
        "client_reference": "x",
        "kind": "application_submission",
        "county_code": county.code,
        "batch_no": county.batch_no,
        "flow_id": county.flow_id,
        "mode": "initial",
    }
    for path, body in [
        (f"{base}/withdrawals", wish),
        ("/datasets", dataset),
        (f"{base}/summary", county.summary_body(records)),
    ]:
        refused(county.probe.post(path, body), 409, "SUMMARY_UNDER_REVIEW")
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 409, "SUMMARY_NOT_APPROVED")
    platform.decide(submission, approve=False, opinion="核减一户")
    assert (county.reviewed(submission)["status"], county.reviewed(submission)["opinion"]) == ("rejected", "核减一户")
    county.probe.post(f"{base}/withdrawals", wish).raise_for_status()
    platform.at_desk()
    assert county.summarise(records[:1])["status"] == "approved"
    for path, body in [
        (f"{base}/withdrawals", wish),
        ("/datasets", dataset),
        (f"{base}/summary", county.summary_body(records)),
        (f"{base}/cancellation", {"reason": "撤"}),
    ]:
        refused(county.probe.post(path, body), 409, "SUMMARY_APPROVED")
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 422, "CONTROL_TOTAL_MISMATCH")
    county.confirm(records[:1])
    county.ended()
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 409, "SUMMARY_APPROVED")
    for path, body in [
        (f"{base}/withdrawals", wish),
        ("/datasets", dataset),
        (f"{base}/summary", county.summary_body(records)),
        (f"{base}/cancellation", {"reason": "撤"}),
    ]:
        refused(county.probe.post(path, body), 409, "FLOW_ENDED")


def test_a_summary_whose_opinion_is_marked_comes_back(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    assert county.summarise(records, "请核对【退回】")["status"] == "rejected"
    assert county.summarise(records)["status"] == "approved"

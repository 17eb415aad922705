"""Payments, returns, repayment, evidence and cancellation, against the platform's own ledger."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.demo.people import wait_for
from deploy.simulator.county import County, Person, Record, fen
from deploy.simulator.probe import Json
from deploy.simulator.trial import Trial, codes, ready, refused, trial

DATA = Path(__file__).parents[1] / "deploy" / "demo" / "data"
COUNTIES = (f"50{number:04d}" for number in itertools.count(4001))


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


def batch_of(county: County) -> list[Record]:
    text = (DATA / "batch-500001-2000.csv").read_text("gb18030")
    towns = {
        town["name"]: (town["code"], {village["name"]: village["code"] for village in town["villages"]})
        for town in county.probe.get(f"/counties/{county.code}/towns").json()["items"]
    }
    banks = {bank["name"]: bank["code"] for bank in county.probe.get("/banks").json()["items"]}
    items = county.listed("subsidy-items", year=True)
    return [
        county.record(
            f"D{place}",
            (row["身份证号"], row["姓名"], banks[row["一卡通开户行"]], row["一卡通账号"]),
            int(row["补贴金额（元）"].replace(".", "")),
            town_code=towns[row["乡镇"]][0],
            village_code=towns[row["乡镇"]][1][row["村"]],
            item_code=items[row["补贴项目"]],
        )
        for place, row in enumerate(csv.DictReader(text.splitlines()))
    ]


def person_of(record: Record) -> Person:
    return str(record["id_number"]), str(record["name"]), str(record["bank_code"]), str(record["account_no"])


def test_the_shipped_batch_ends_as_its_facts_say(platform: Trial) -> None:
    county = platform.county("500001")
    platform.admin.post("/registers/500001", content=(DATA / "register-500001-2000.csv").read_bytes())
    platform.admin.post("/bank-accounts", content=(DATA / "bank-accounts-500001-2000.csv").read_bytes())
    county.prepare()
    records = batch_of(county)
    matched = county.judged("beneficiary_init", records)
    assert Counter(one["outcome"] for one in matched.values()) == {
        "matched": 1939,
        "name_differs": 24,
        "no_account": 19,
        "not_found": 18,
    }
    for record in records:
        record["name"] = matched[str(record["application_no"])].get("correct_name") or record["name"]
    living = [r for r in records if matched[str(r["application_no"])]["outcome"] in ("matched", "name_differs")]
    verdicts = county.judged("verification", living)
    passed = [r for r in living if verdicts[str(r["application_no"])]["outcome"] == "passed"]
    assert len(living) - len(passed) == 46
    county.start()
    first = county.judged("application_submission", passed, "initial")
    second = county.judged("application_submission", [r for r in living if r not in passed], "unverified")
    twice = [r for r in living if (first | second)[str(r["application_no"])].get("reason_code") == "duplicate_person"]
    assert len(twice) == 78
    third = county.judged("application_submission", twice, "confirmed")
    assert {one["outcome"] for one in third.values()} == {"accepted"}
    assert county.summarise(living)["status"] == "approved"
    county.confirm(living)
    ended = county.ended()
    assert (ended["paid_count"], ended["failed_count"]) == (1940, 23)
    county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["page"] == 8)
    flow = county.flow()
    assert (flow["paid_count"], flow["paid_fen"], flow["failed_count"]) == (1938, 212_301_700, 25)
    ledger = platform.ask("/ledger?county_code=500001")
    assert (ledger["net_fen"], ledger["returns"], ledger["balanced"]) == (212_301_700, 4, True)


def test_nothing_is_paid_before_the_confirmation(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    county.summarise(records)
    flow = county.flow()
    assert (flow["payment_pages"], flow["paid_count"]) == (0, 0)
    refused(county.probe.get(f"/flows/{county.flow_id}/payments/1"), 404, "NOT_READY")
    proof = {
        "items": [
            {
                "application_no": records[0]["application_no"],
                "documents": [{"kind": "portrait", "file_id": county.image_id}],
            }
        ]
    }
    refused(county.probe.post(f"/flows/{county.flow_id}/evidence", proof), 409, "LINE_NOT_PAID")


def test_payments_returns_and_their_sequences(platform: Trial, county: County) -> None:
    fates = [
        "paid",
        "failed:账户冻结",
        "failed:账户销户",
        "failed:超过限额",
        "returned:卡号与户名不一致",
        "returned:账户不存在",
        "late:系统故障",
    ]
    records = ready(platform, county, *fates)
    platform.set("/settings", {"returns_after_end": 1, "holds_changes": True})
    ended = county.pay(records)
    assert (ended["paid_count"], ended["failed_count"], ended["payment_pages"], ended["outcome"]) == (
        2,
        5,
        2,
        "disbursed",
    )
    flow = county.flow_id
    wait_for("held back", partial(platform.ask, "/health"), lambda seen: bool(seen["waiting_for_clerk"] == 2))
    assert county.flow()["payment_pages"] == 2
    platform.set("/settings", {"holds_changes": False})
    pages = county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == flow, 4)
    assert [page.data["page"] for page in pages] == [1, 2, 3, 4]
    for page in pages:
        assert county.probe.get(f"/flows/{flow}/payments/{page.data['page']}").json() == page.data
    first, *later = [page.data["payments"] for page in pages]
    assert isinstance(first, list)
    assert [entry["reason_code"] for entry in first] == [
        None,
        "account_frozen",
        "account_closed",
        "limit_exceeded",
        None,
        None,
        "bank_error",
    ]
    assert all(entry["sequence"] == 1 and entry["attempt"] == 1 for entry in first)
    seconds = [entry for page in later if isinstance(page, list) for entry in page]
    assert [(entry["status"], entry["sequence"], entry["reason_code"]) for entry in seconds] == [
        ("failed", 2, "name_mismatch"),
        ("failed", 2, "account_not_found"),
        ("paid", 2, None),
    ]
    live = county.flow()
    assert (live["paid_count"], live["failed_count"], live["payment_pages"]) == (2, 5, 4)
    ledger = platform.ask(f"/ledger?county_code={county.code}")
    assert (ledger["payments"], ledger["returns"], ledger["balanced"]) == (4, 2, True)


def test_pages_come_over_days_of_business_time(platform: Trial, county: County) -> None:
    records = ready(platform, county, *["paid"] * 501)
    county.start()
    county.judged("application_submission", records, "initial")
    county.summarise(records)
    platform.set("/time-scale", {"scale": 86_400 * 2.0})
    county.confirm(records)
    flow = county.flow_id
    pages = county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == flow, 2)
    assert [len(page.data["payments"]) for page in pages if isinstance(page.data["payments"], list)] == [500, 1]
    assert pages[1].at - pages[0].at > 0.5
    assert county.ended()["paid_count"] == 501


def test_an_account_outside_the_register_is_paid_as_the_bank_knows_it(platform: Trial, county: County) -> None:
    persons = platform.people(county.code, *["failed:账户冻结"] * 2)
    head = "bank_code,account_no,card_type,holder_name,holder_id_number,status"
    good, frozen = f"52{county.code}0001", f"52{county.code}0002"
    rows = [
        f"CRCB,{good},passbook,{persons[0][1]},{persons[0][0]},open",
        f"CRCB,{frozen},passbook,{persons[1][1]},{persons[1][0]},frozen",
    ]
    platform.admin.post("/bank-accounts", content="\n".join([head, *rows]).encode()).raise_for_status()
    moved: list[Person] = [(*persons[0][:2], "CRCB", good), (*persons[1][:2], "CRCB", frozen)]
    ended = county.pay(county.verified(county.lines(moved)))
    assert (ended["paid_count"], ended["failed_count"]) == (1, 1)


def test_a_failed_line_is_paid_again_only_in_a_later_flow(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "failed:账户冻结", "late:系统故障")
    county.pay(records)
    old = county.flow_id
    county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == old, 2)
    platform.load(
        county.code, [f"{records[1]['id_number']},{records[1]['name']},ICBC,{records[1]['account_no']},passed,paid"]
    )
    county.start()
    again = [records[1] | {"attempt": 2, "repays_flow_id": old}]
    refusals: list[tuple[Json, str, str]] = [
        ({"attempt": 1}, "repayment", "ATTEMPT_MISMATCH"),
        ({"repays_flow_id": county.flow_id}, "repayment", "NOT_A_FAILED_PAYMENT"),
        ({"amount_fen": 10**6}, "repayment", "NOT_A_FAILED_PAYMENT"),
        ({}, "initial", "ALREADY_SUBMITTED"),
    ]
    for change, mode, code in refusals:
        assert codes(refused(county.try_round([again[0] | change], mode), 422, "LINE_NOT_ELIGIBLE")) == {code}
    for paid in (records[0], records[2]):
        said = refused(county.try_round([paid | {"attempt": 2}], "repayment"), 422, "LINE_NOT_ELIGIBLE")
        assert codes(said) == {"NOT_A_FAILED_PAYMENT"}
    results = county.judged("application_submission", again, "repayment")
    assert {one["outcome"] for one in results.values()} == {"accepted"}
    county.summarise(again)
    county.confirm(again)
    assert county.ended()["paid_count"] == 1
    ledger = platform.ask(f"/ledger?county_code={county.code}")
    assert (ledger["payments"], ledger["net_fen"], ledger["balanced"]) == (3, fen(records), True)


def test_a_failed_line_sent_again_is_never_paid_late(platform: Trial, county: County) -> None:
    records = ready(platform, county, "late:系统故障")
    county.start()
    county.judged("application_submission", records, "initial")
    county.summarise(records)
    platform.set("/time-scale", {"scale": 86_400 * 4.0})
    county.confirm(records)
    county.ended()
    old = county.flow_id
    platform.set("/time-scale", {"scale": 1})
    county.start()
    platform.at_desk("application_submission")
    dataset = county.push("application_submission", [records[0] | {"attempt": 2}], "repayment")
    platform.set("/time-scale", {"scale": 0})
    platform.decide(dataset)
    county.results(dataset, 1)
    assert county.probe.get(f"/flows/{old}").json()["paid_count"] == 0


def test_a_returned_line_has_no_evidence_and_releases_its_indicator(platform: Trial, county: County) -> None:
    tight = platform.county(county.code)
    tight.prepare(total_fen=20_001)
    records = ready(platform, tight, "paid", "returned:卡号与户名不一致")
    tight.pay(records)
    flow = tight.flow_id
    tight.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == flow, 2)
    path = f"/flows/{flow}/evidence"
    items = [
        {"application_no": r["application_no"], "documents": [{"kind": "invoice", "file_id": tight.image_id}]}
        for r in records
    ]
    said = refused(tight.probe.post(path, {"items": items}), 409, "LINE_NOT_PAID")
    assert codes(said) == {"NOT_PAID"}
    bad = {"application_no": records[0]["application_no"], "documents": [{"kind": "invoice", "file_id": "file_x"}]}
    refused(tight.probe.post(path, {"items": [bad]}), 422, "VALIDATION_FAILED")
    for _ in range(2):
        assert tight.probe.post(path, {"items": items[:1]}).status_code == 204
    stored = platform.ask(f"/evidence/{flow}")["items"]
    assert isinstance(stored, list)
    assert [(one["application_no"], one["times"]) for one in stored] == [(records[0]["application_no"], 2)]
    refused(tight.probe.post(path, {"items": items * 51}), 422, "VALIDATION_FAILED")
    tight.start()
    fresh = tight.verified(
        [tight.record("N1", person_of(records[0]), 10_001), tight.record("N2", person_of(records[1]), 10_001)]
    )
    results = tight.judged("application_submission", fresh, "initial")
    assert [one.get("reason_code") for one in results.values()] == [None, "over_indicator"]


def test_a_cancelled_flow_closes_its_round_without_a_word(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    platform.set("/time-scale", {"scale": 3600 * 4.0})
    platform.at_desk("application_submission")
    dataset = county.push("application_submission", records, "initial")
    path = f"/flows/{county.flow_id}/cancellation"
    assert county.probe.post(path, {"reason": "批次有误"}).status_code == 202
    refused(county.probe.post(f"/flows/{county.flow_id}/summary", county.summary_body(records)), 409, "FLOW_ENDED")
    assert county.flow()["status"] == "active"
    assert county.probe.post(path, {"reason": "批次有误"}).status_code == 202
    ended = county.ended()
    assert (ended["status"], ended["outcome"], ended["paid_count"]) == ("ended", "cancelled", 0)
    page = county.probe.get(f"/datasets/{dataset}/results/1").json()
    assert [(one["outcome"], one["reason"]) for one in page["results"]] == [("rejected", "流程已撤销")]
    told = [one for one in county.receiver.arrived if one.data.get("dataset_id") == dataset]
    assert told == []
    refused(county.probe.post(path, {"reason": "再撤"}), 409, "FLOW_ENDED")
    refused(
        county.probe.post(f"/flows/{county.flow_id}/payment-confirmation", {"application_count": 0, "total_fen": 0}),
        409,
        "FLOW_ENDED",
    )
    platform.at_desk()
    platform.set("/time-scale", {"scale": 0})
    county.start()
    results = county.judged("application_submission", records, "initial")
    assert {one["outcome"] for one in results.values()} == {"accepted"}


def test_a_cancelled_flow_closes_its_summary_and_its_lines_go_on(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    platform.at_desk("summary")
    submission = county.probe.post(f"/flows/{county.flow_id}/summary", county.summary_body(records)).json()[
        "submission_id"
    ]
    county.probe.post(f"/flows/{county.flow_id}/cancellation", {"reason": "金额有误"}).raise_for_status()
    county.ended()
    said = county.probe.get(f"/reviews/{submission}").json()
    assert (said["status"], said["opinion"]) == ("rejected", "流程已撤销")
    platform.at_desk()
    again = [record | {"attempt": 2} for record in records]
    assert county.pay(again)["paid_count"] == 1

"""The platform's rules of a subsidy flow, each refusal and each judgement, over real HTTP."""

import csv
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.simulator.county import County, Record, fen
from deploy.simulator.probe import Json
from deploy.simulator.trial import Trial, trial

DATA = Path(__file__).parents[1] / "deploy" / "demo" / "data"
COUNTIES = (f"50{number:04d}" for number in itertools.count(2001))

Person = tuple[str, str, str, str]


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


def people(platform: Trial, county: County, *fates: str, verification: str = "passed") -> list[Person]:
    """One person of the county's register for each payment fate."""
    made = [
        (f"{county.code}19800101{place:03d}X", f"赵{place}·𬶋", "ICBC", f"62{county.code}{place:08d}")
        for place in range(len(fates))
    ]
    rows = [",".join((*person, verification, fate)) for person, fate in zip(made, fates, strict=True)]
    platform.load(county.code, rows)
    return made


def lines(county: County, persons: list[Person], **other: object) -> list[Record]:
    return [
        county.record(f"{county.code}-{place}", person, 10_000 + place, **other) for place, person in enumerate(persons)
    ]


def verified(county: County, records: list[Record]) -> list[Record]:
    county.judged("verification", records)
    return records


def ready(platform: Trial, county: County, *fates: str) -> list[Record]:
    return verified(county, lines(county, people(platform, county, *fates)))


def refused(answer: httpx.Response, status: int, code: str) -> Json:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    said: Json = answer.json()
    return said


def codes(said: Json) -> set[str]:
    errors = said["errors"]
    assert isinstance(errors, list)
    return {error["code"] for error in errors}


def try_round(county: County, records: list[Record], mode: str = "initial") -> httpx.Response:
    dataset = county.open("application_submission", mode)
    return county.probe.post(f"/datasets/{dataset}/commit", county.fill(dataset, records))


def persons_at_desk(platform: Trial, *kinds: str) -> None:
    platform.set("/settings", {"clerk": dict.fromkeys(kinds, "person")})


def decide(platform: Trial, ref: str, *, approve: bool = True, **other: object) -> None:
    platform.admin.post(f"/clerk/{ref}", json={"approve": approve, **other}).raise_for_status()


def test_the_shipped_batch_ends_as_its_facts_say(platform: Trial) -> None:
    county = platform.county("500001")
    platform.admin.post("/registers/500001", content=(DATA / "register-500001-2000.csv").read_bytes())
    platform.admin.post("/bank-accounts", content=(DATA / "bank-accounts-500001-2000.csv").read_bytes())
    county.prepare()
    records = batch_of(county)
    matched = county.judged("beneficiary_init", records)
    assert Counter(one["outcome"] for one in matched.values()) == {
        "matched": 1939, "name_differs": 24, "no_account": 19, "not_found": 18,
    }  # fmt: skip
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


def test_initialisation_answers_in_the_four_ways(platform: Trial, county: County) -> None:
    one, two, three, four = people(platform, county, *["paid"] * 4)
    platform.load(county.code, [f"{three[0]},{three[1]},ICBC,,passed,paid"])
    unknown = ("50000019000101001X", four[1], four[2], four[3])
    records = lines(county, [one, (two[0], "别名", *two[2:]), three, unknown])
    said = list(county.judged("beneficiary_init", records).values())
    assert [entry["outcome"] for entry in said] == ["matched", "name_differs", "no_account", "not_found"]
    assert (said[1]["correct_name"], said[2]["bank_name"]) == (two[1], "中国工商银行")
    other_bank = county.record("B1", (four[0], four[1], "CRCB", four[3]))
    assert county.judged("beneficiary_init", [other_bank])["B1"]["outcome"] == "no_account"


def test_one_initialisation_at_a_time_in_a_province(platform: Trial, county: County) -> None:
    records, linwu = lines(county, people(platform, county, "paid")), platform.county("431025")
    other = platform.county(next(COUNTIES))
    persons_at_desk(platform, "beneficiary_init")
    held = county.push("beneficiary_init", records)
    waiting = other.open("beneficiary_init")
    totals = other.fill(waiting, other_town(other, records))
    busy = refused(other.probe.post(f"/datasets/{waiting}/commit", totals, "same-key"), 409, "PROVINCE_BUSY")
    assert busy["holder"] == county.code
    assert other.probe.get(f"/datasets/{waiting}").json()["status"] == "open"
    elsewhere = linwu.push("beneficiary_init", other_town(linwu, records))
    decide(platform, held)
    county.results(held, 1)
    assert other.probe.post(f"/datasets/{waiting}/commit", totals, "same-key").status_code == 202
    for dataset in (waiting, elsewhere):
        decide(platform, dataset)


def other_town(county: County, records: list[Record]) -> list[Record]:
    town = f"{county.code}100"
    return [record | {"town_code": town, "village_code": f"{town}001"} for record in records]


def test_a_county_outside_may_hold_the_province(platform: Trial, county: County) -> None:
    records = lines(county, people(platform, county, "paid"))
    platform.set("/province-locks/500000", {"county_code": "500999"})
    dataset = county.open("beneficiary_init")
    totals = county.fill(dataset, records)
    assert refused(county.probe.post(f"/datasets/{dataset}/commit", totals), 409, "PROVINCE_BUSY")["holder"] == "500999"
    platform.admin.delete("/province-locks/500000").raise_for_status()
    assert county.probe.post(f"/datasets/{dataset}/commit", totals).status_code == 202


def test_the_control_totals_must_be_the_pages(platform: Trial, county: County) -> None:
    records = lines(county, people(platform, county, "paid", "paid"))
    dataset = county.open("verification")
    totals = county.fill(dataset, records, size=1)
    for name in ("page_count", "record_count", "total_fen"):
        wrong = totals | {name: int(str(totals[name])) + 1}
        refused(county.probe.post(f"/datasets/{dataset}/commit", wrong), 422, "CONTROL_TOTAL_MISMATCH")
    county.probe.put(f"/datasets/{dataset}/pages/4", {"records": records[:1]})
    gap = {"page_count": 3, "record_count": 3, "total_fen": fen(records) + fen(records[:1])}
    refused(county.probe.post(f"/datasets/{dataset}/commit", gap), 422, "CONTROL_TOTAL_MISMATCH")
    empty = {"page_count": 0, "record_count": 0, "total_fen": 0}
    refused(county.probe.post(f"/datasets/{county.open('verification')}/commit", empty), 422, "VALIDATION_FAILED")


def test_a_page_is_replaced_until_the_commit_closes_the_list(platform: Trial, county: County) -> None:
    records = lines(county, people(platform, county, "paid", "paid"))
    dataset = county.open("verification")
    county.fill(dataset, records)
    totals = county.fill(dataset, records[:1])
    refused(county.probe.get(f"/datasets/{dataset}/results/1"), 404, "NOT_READY")
    assert county.probe.post(f"/datasets/{dataset}/commit", totals).json()["record_count"] == 1
    results = county.results(dataset, 1)
    page = {"records": records}
    refused(county.probe.put(f"/datasets/{dataset}/pages/1", page), 409, "DATASET_CLOSED")
    refused(county.probe.post(f"/datasets/{dataset}/commit", totals), 409, "DATASET_CLOSED")
    again = county.probe.get(f"/datasets/{dataset}/results/1").json()
    assert (again["results"], again["result_pages"]) == (list(results.values()), 1)
    refused(county.probe.get(f"/datasets/{dataset}/results/2"), 404, "NOT_FOUND")


def test_a_page_holds_five_hundred_and_results_come_in_such_pages(platform: Trial, county: County) -> None:
    persons = people(platform, county, *["paid"] * 501)
    records, dataset = lines(county, persons), county.open("verification")
    refused(county.probe.put(f"/datasets/{dataset}/pages/1", {"records": records}), 422, "VALIDATION_FAILED")
    refused(county.probe.put(f"/datasets/{dataset}/pages/0", {"records": records[:1]}), 422, "VALIDATION_FAILED")
    assert len(county.judged("verification", records)) == 501


@pytest.mark.parametrize(
    ("change", "code"),
    [({"town_code": "1"}, "UNKNOWN_TOWN"), ({"village_code": "1"}, "UNKNOWN_VILLAGE"), ({"item_code": "X"}, "UNKNOWN_ITEM"),
     ({"bank_code": "XX"}, "UNKNOWN_BANK"), ({"applicant_kind": "organization"}, "NOT_PERSONAL")],
)  # fmt: skip
def test_a_record_of_unknown_codes_is_named(platform: Trial, county: County, change: Json, code: str) -> None:
    record = lines(county, people(platform, county, "paid"))[0] | change
    answer = county.probe.put(f"/datasets/{county.open('verification')}/pages/1", {"records": [record]})
    said = refused(answer, 422, "VALIDATION_FAILED")
    assert codes(said) == {code}
    assert record["application_no"] in answer.text


def test_an_application_twice_in_a_list_is_named(platform: Trial, county: County) -> None:
    records = lines(county, people(platform, county, "paid")) * 2
    dataset = county.open("verification")
    said = refused(county.probe.put(f"/datasets/{dataset}/pages/1", {"records": records}), 422, "VALIDATION_FAILED")
    assert codes(said) == {"DUPLICATE_APPLICATION"}
    totals = county.fill(dataset, records, size=1)
    said = refused(county.probe.post(f"/datasets/{dataset}/commit", totals), 422, "VALIDATION_FAILED")
    assert codes(said) == {"DUPLICATE_APPLICATION"}


def test_a_list_not_committed_in_time_is_dropped(platform: Trial, county: County) -> None:
    dataset = county.open("verification")
    platform.set("/settings", {"dataset_open_seconds": 0})
    refused(county.probe.get(f"/datasets/{dataset}"), 404, "NOT_FOUND")
    platform.set("/settings", {"dataset_open_seconds": 86_400})


def test_a_flow_needs_approved_policies_and_indicators(platform: Trial, county: County) -> None:
    persons_at_desk(platform, "policy", "indicator")
    pending_policy = county.probe.post("/policies", county.policy_body()).json()["submission_id"]
    pending_indicator = county.probe.post("/indicators", county.indicator_body()).json()["submission_id"]
    body = county.flow_body()
    for ids in ([pending_policy], [county.policy_id, "pol_x"], [county.indicator_id]):
        refused(county.probe.post("/flows", body | {"policy_ids": ids}), 422, "POLICY_NOT_APPROVED")
    for ids in ([pending_indicator], [county.policy_id]):
        refused(county.probe.post("/flows", body | {"indicator_ids": ids}), 422, "INDICATOR_NOT_APPROVED")
    refused(county.probe.post("/flows", body | {"fund_year": 2024}), 422, "POLICY_NOT_APPROVED")
    publicity = {"start_date": "2025-03-01", "address": "村口", "image_file_ids": ["file_x"]}
    refused(county.probe.post("/flows", body | {"publicity": publicity}), 422, "VALIDATION_FAILED")


def test_one_flow_at_a_time_in_a_county(platform: Trial, county: County) -> None:
    county.start()
    assert refused(county.probe.post("/flows", county.flow_body()), 409, "COUNTY_FLOW_ACTIVE")["holder"] == county.code
    county.probe.post(f"/flows/{county.flow_id}/cancellation", {"reason": "重新组织"})
    county.ended()
    by_hand = platform.admin.post("/flows", json={"county_code": county.code}).json()["flow_id"]
    assert refused(county.probe.post("/flows", county.flow_body()), 409, "COUNTY_FLOW_ACTIVE")["holder"] == county.code
    platform.admin.post(f"/flows/{by_hand}/end", json={"announce": True}).raise_for_status()
    told = county.receiver.wait(lambda one: one.data.get("flow_id") == by_hand)[0]
    assert (told.type, told.data["client_reference"]) == ("flow.ended", None)
    county.start()


def test_every_line_of_a_person_with_several_comes_back_until_confirmed(platform: Trial, county: County) -> None:
    one, two = people(platform, county, "paid", "paid")
    records = verified(county, lines(county, [one, one, two]))
    county.start()
    said = county.judged("application_submission", records, "initial")
    assert [entry.get("reason_code") for entry in said.values()] == ["duplicate_person", "duplicate_person", None]
    refused_round = try_round(county, records[2:], "confirmed")
    assert codes(refused(refused_round, 422, "LINE_NOT_ELIGIBLE")) == {"ALREADY_IN_FLOW"}
    again = county.judged("application_submission", records[:2], "modified")
    assert {entry["reason_code"] for entry in again.values()} == {"duplicate_person"}
    confirmed = county.judged("application_submission", records[:2], "confirmed")
    assert {entry["outcome"] for entry in confirmed.values()} == {"accepted"}
    later = verified(county, [county.record(f"{county.code}-late", two)])
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
    persons = people(platform, county, "paid", "paid", verification="failed:疑似重复享受")
    records = lines(county, persons)
    said = county.judged("verification", records[:1])
    assert [(one["outcome"], one["reason"]) for one in said.values()] == [("failed", "疑似重复享受")]
    county.start()
    first = county.judged("application_submission", records, "initial")
    assert {one["reason_code"] for one in first.values()} == {"ineligible"}
    second = county.judged("application_submission", records, "unverified")
    assert {one["outcome"] for one in second.values()} == {"accepted"}


def test_a_line_is_judged_by_item_name_account_indicator_and_mark(platform: Trial, county: County) -> None:
    persons = people(platform, county, *["paid"] * 6)
    records = verified(county, lines(county, persons))
    records[0]["item_code"] = "BT2001"
    records[1]["name"] = "别名"
    records[2]["account_no"] = "622299999999"
    records[3]["amount_fen"] = 10**10 + 1
    records[4]["group"] = "三组【退回】"
    county.start()
    said = county.judged("application_submission", records, "initial")
    assert [one.get("reason_code") for one in said.values()] == [
        "ineligible", "information_mismatch", "account_invalid", "over_indicator", "other", None,
    ]  # fmt: skip
    corrected = lines(county, persons)[:5]
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
    for change, mode, code in [
        ({"attempt": 2}, "initial", "ATTEMPT_MISMATCH"),
        ({"indicator_id": "ind_x"}, "initial", "INDICATOR_NOT_IN_FLOW"),
        ({}, "modified", "NOT_REJECTED"),
        ({}, "confirmed", "NOT_A_DUPLICATE"),
        ({}, "repayment", "NOT_A_FAILED_PAYMENT"),
    ]:
        said = refused(try_round(county, [records[0] | change, *records[1:]], mode), 422, "LINE_NOT_ELIGIBLE")
        assert code in codes(said)
    county.judged("application_submission", records, "initial")
    assert codes(refused(try_round(county, records, "modified"), 422, "LINE_NOT_ELIGIBLE")) == {"ALREADY_IN_FLOW"}
    body = {"application_nos": [records[0]["application_no"]], "reason": "本人放弃"}
    county.probe.post(f"/flows/{county.flow_id}/withdrawals", body)
    assert codes(refused(try_round(county, records[:1]), 422, "LINE_NOT_ELIGIBLE")) == {"WITHDRAWN"}


def test_one_round_at_a_time_and_a_line_withdrawn_meanwhile(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid", "paid")
    county.start()
    early = county.open("application_submission", "initial")
    totals = county.fill(early, records[1:])
    persons_at_desk(platform, "application_submission")
    dataset = county.push("application_submission", records[:1], "initial")
    refused(county.probe.post(f"/datasets/{early}/commit", totals), 409, "ROUND_UNDER_REVIEW")
    body = {"client_reference": "x", "kind": "application_submission", "county_code": county.code, "batch_no": county.batch_no,
            "flow_id": county.flow_id, "mode": "initial"}  # fmt: skip
    refused(county.probe.post("/datasets", body), 409, "ROUND_UNDER_REVIEW")
    refused(
        county.probe.post(f"/flows/{county.flow_id}/summary", county.summary_body(records)), 409, "ROUND_UNDER_REVIEW"
    )
    wish = {"application_nos": [records[0]["application_no"]], "reason": "本人放弃"}
    answer = county.probe.post(f"/flows/{county.flow_id}/withdrawals", wish)
    assert answer.json() == {"withdrawn_count": 1, "withdrawn_fen": 10_000}
    decide(platform, dataset)
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
    for wrong in (
        {"total_fen": 1},
        {"application_count": 1},
        {"household_count": 3},
        {"towns": []},
        {"banks": [share]},
    ):
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
    persons_at_desk(platform, "summary")
    submission = county.probe.post(f"{base}/summary", county.summary_body(records)).json()["submission_id"]
    dataset = {"client_reference": "x", "kind": "application_submission", "county_code": county.code,
               "batch_no": county.batch_no, "flow_id": county.flow_id, "mode": "initial"}  # fmt: skip
    for path, body in [
        (f"{base}/withdrawals", wish),
        ("/datasets", dataset),
        (f"{base}/summary", county.summary_body(records)),
    ]:
        refused(county.probe.post(path, body), 409, "SUMMARY_UNDER_REVIEW")
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 409, "SUMMARY_NOT_APPROVED")
    decide(platform, submission, approve=False, opinion="核减一户")
    assert (county.reviewed(submission)["status"], county.reviewed(submission)["opinion"]) == ("rejected", "核减一户")
    county.probe.post(f"{base}/withdrawals", wish).raise_for_status()
    persons_at_desk(platform)
    assert county.summarise(records[:1])["status"] == "approved"
    for path, body in [(f"{base}/withdrawals", wish), ("/datasets", dataset), (f"{base}/summary", county.summary_body(records)),
                       (f"{base}/cancellation", {"reason": "撤"})]:  # fmt: skip
        refused(county.probe.post(path, body), 409, "SUMMARY_APPROVED")
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 422, "CONTROL_TOTAL_MISMATCH")
    county.confirm(records[:1])
    county.ended()
    refused(county.probe.post(f"{base}/payment-confirmation", totals), 409, "SUMMARY_APPROVED")
    for path, body in [(f"{base}/withdrawals", wish), ("/datasets", dataset), (f"{base}/summary", county.summary_body(records)),
                       (f"{base}/cancellation", {"reason": "撤"})]:  # fmt: skip
        refused(county.probe.post(path, body), 409, "FLOW_ENDED")


def test_a_summary_whose_opinion_is_marked_comes_back(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    assert county.summarise(records, "请核对【退回】")["status"] == "rejected"
    assert county.summarise(records)["status"] == "approved"


def test_nothing_is_paid_before_the_confirmation(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    county.summarise(records)
    flow = county.flow()
    assert (flow["payment_pages"], flow["paid_count"]) == (0, 0)
    refused(county.probe.get(f"/flows/{county.flow_id}/payments/1"), 404, "NOT_READY")
    proof = {"items": [{"application_no": records[0]["application_no"], "documents": [
        {"kind": "portrait", "file_id": county.image_id}]}]}  # fmt: skip
    refused(county.probe.post(f"/flows/{county.flow_id}/evidence", proof), 409, "LINE_NOT_PAID")


def test_payments_returns_and_their_sequences(platform: Trial, county: County) -> None:
    fates = ["paid", "failed:账户冻结", "failed:账户销户", "failed:超过限额", "returned:卡号与户名不一致", "returned:账户不存在",
             "late:系统故障"]  # fmt: skip
    records = ready(platform, county, *fates)
    platform.set("/settings", {"returns_after_end": 1})
    ended = county.pay(records)
    assert (ended["paid_count"], ended["failed_count"], ended["payment_pages"], ended["outcome"]) == (
        2,
        5,
        2,
        "disbursed",
    )
    flow = county.flow_id
    pages = county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == flow, 4)
    assert [page.data["page"] for page in pages] == [1, 2, 3, 4]
    for page in pages:
        assert county.probe.get(f"/flows/{flow}/payments/{page.data['page']}").json() == page.data
    first, *later = [page.data["payments"] for page in pages]
    assert isinstance(first, list)
    assert [entry["reason_code"] for entry in first] == [
        None, "account_frozen", "account_closed", "limit_exceeded", None, None, "bank_error",
    ]  # fmt: skip
    assert all(entry["sequence"] == 1 and entry["attempt"] == 1 for entry in first)
    seconds = [entry for page in later if isinstance(page, list) for entry in page]
    assert [(entry["status"], entry["sequence"], entry["reason_code"]) for entry in seconds] == [
        ("failed", 2, "name_mismatch"), ("failed", 2, "account_not_found"), ("paid", 2, None),
    ]  # fmt: skip
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
    persons = people(platform, county, *["failed:账户冻结"] * 2)
    head = "bank_code,account_no,card_type,holder_name,holder_id_number,status"
    good, frozen = f"52{county.code}0001", f"52{county.code}0002"
    rows = [
        f"CRCB,{good},passbook,{persons[0][1]},{persons[0][0]},open",
        f"CRCB,{frozen},passbook,{persons[1][1]},{persons[1][0]},frozen",
    ]
    platform.admin.post("/bank-accounts", content="\n".join([head, *rows]).encode()).raise_for_status()
    moved: list[Person] = [(*persons[0][:2], "CRCB", good), (*persons[1][:2], "CRCB", frozen)]
    ended = county.pay(verified(county, lines(county, moved)))
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
    for change, mode, code in [
        ({"attempt": 1}, "repayment", "ATTEMPT_MISMATCH"),
        ({"repays_flow_id": county.flow_id}, "repayment", "NOT_A_FAILED_PAYMENT"),
        ({"amount_fen": 10**6}, "repayment", "NOT_A_FAILED_PAYMENT"),
        ({}, "initial", "ALREADY_SUBMITTED"),
    ]:
        assert codes(refused(try_round(county, [again[0] | change], mode), 422, "LINE_NOT_ELIGIBLE")) == {code}
    for paid in (records[0], records[2]):
        said = refused(try_round(county, [paid | {"attempt": 2}], "repayment"), 422, "LINE_NOT_ELIGIBLE")
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
    platform.set("/time-scale", {"scale": 86_400 * 10.0})
    county.confirm(records)
    county.ended()
    old = county.flow_id
    platform.set("/time-scale", {"scale": 1})
    county.start()
    persons_at_desk(platform, "application_submission")
    dataset = county.push("application_submission", [records[0] | {"attempt": 2}], "repayment")
    platform.set("/time-scale", {"scale": 0})
    decide(platform, dataset)
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
    fresh = verified(
        tight, [tight.record("N1", person_of(records[0]), 10_001), tight.record("N2", person_of(records[1]), 10_001)]
    )
    results = tight.judged("application_submission", fresh, "initial")
    assert [one.get("reason_code") for one in results.values()] == [None, "over_indicator"]


def person_of(record: Record) -> Person:
    return str(record["id_number"]), str(record["name"]), str(record["bank_code"]), str(record["account_no"])


def test_a_cancelled_flow_closes_its_round_without_a_word(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    platform.set("/time-scale", {"scale": 3600 * 8.0})
    persons_at_desk(platform, "application_submission")
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
    persons_at_desk(platform)
    county.start()
    results = county.judged("application_submission", records, "initial")
    assert {one["outcome"] for one in results.values()} == {"accepted"}


def test_a_cancelled_flow_closes_its_summary_and_its_lines_go_on(platform: Trial, county: County) -> None:
    records = ready(platform, county, "paid")
    county.start()
    county.judged("application_submission", records, "initial")
    persons_at_desk(platform, "summary")
    submission = county.probe.post(f"/flows/{county.flow_id}/summary", county.summary_body(records)).json()[
        "submission_id"
    ]
    county.probe.post(f"/flows/{county.flow_id}/cancellation", {"reason": "金额有误"}).raise_for_status()
    county.ended()
    said = county.probe.get(f"/reviews/{submission}").json()
    assert (said["status"], said["opinion"]) == ("rejected", "流程已撤销")
    persons_at_desk(platform)
    again = [record | {"attempt": 2} for record in records]
    assert county.pay(again)["paid_count"] == 1

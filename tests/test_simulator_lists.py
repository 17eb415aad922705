"""Lists sent page by page, the province's one place, the county's one flow: over real HTTP."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulator.county import County, Record, fen
from deploy.simulator.probe import Json
from deploy.simulator.trial import Trial, codes, refused, trial

DATA = Path(__file__).parents[1] / "deploy" / "demo" / "data"
COUNTIES = (f"50{number:04d}" for number in itertools.count(2001))


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


def other_town(county: County, records: list[Record]) -> list[Record]:
    town = f"{county.code}100"
    return [record | {"town_code": town, "village_code": f"{town}001"} for record in records]


def test_initialisation_answers_in_the_four_ways(platform: Trial, county: County) -> None:
    one, two, three, four = platform.people(county.code, *["paid"] * 4)
    platform.load(county.code, [f"{three[0]},{three[1]},ICBC,,passed,paid"])
    unknown = ("50000019000101001X", four[1], four[2], four[3])
    records = county.lines([one, (two[0], "别名", *two[2:]), three, unknown])
    said = list(county.judged("beneficiary_init", records).values())
    assert [entry["outcome"] for entry in said] == ["matched", "name_differs", "no_account", "not_found"]
    assert (said[1]["correct_name"], said[2]["bank_name"]) == (two[1], "中国工商银行")
    other_bank = county.record("B1", (four[0], four[1], "CRCB", four[3]))
    assert county.judged("beneficiary_init", [other_bank])["B1"]["outcome"] == "no_account"


def test_one_initialisation_at_a_time_in_a_province(platform: Trial, county: County) -> None:
    records, linwu = county.lines(platform.people(county.code, "paid")), platform.county("431025")
    other = platform.county(next(COUNTIES))
    platform.at_desk("beneficiary_init")
    held = county.push("beneficiary_init", records)
    waiting = other.open("beneficiary_init")
    totals = other.fill(waiting, other_town(other, records))
    busy = refused(other.probe.post(f"/datasets/{waiting}/commit", totals, "same-key"), 409, "PROVINCE_BUSY")
    assert busy["holder"] == county.code
    assert other.probe.get(f"/datasets/{waiting}").json()["status"] == "open"
    elsewhere = linwu.push("beneficiary_init", other_town(linwu, records))
    platform.decide(held)
    county.results(held, 1)
    assert other.probe.post(f"/datasets/{waiting}/commit", totals, "same-key").status_code == 202
    for dataset in (waiting, elsewhere):
        platform.decide(dataset)


def test_a_county_outside_may_hold_the_province(platform: Trial, county: County) -> None:
    records = county.lines(platform.people(county.code, "paid"))
    platform.set("/province-locks/500000", {"county_code": "500999"})
    dataset = county.open("beneficiary_init")
    totals = county.fill(dataset, records)
    assert refused(county.probe.post(f"/datasets/{dataset}/commit", totals), 409, "PROVINCE_BUSY")["holder"] == "500999"
    platform.admin.delete("/province-locks/500000").raise_for_status()
    assert county.probe.post(f"/datasets/{dataset}/commit", totals).status_code == 202


def test_the_control_totals_must_be_the_pages(platform: Trial, county: County) -> None:
    records = county.lines(platform.people(county.code, "paid", "paid"))
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
    records = county.lines(platform.people(county.code, "paid", "paid"))
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
    persons = platform.people(county.code, *["paid"] * 501)
    records, dataset = county.lines(persons), county.open("verification")
    refused(county.probe.put(f"/datasets/{dataset}/pages/1", {"records": records}), 422, "VALIDATION_FAILED")
    refused(county.probe.put(f"/datasets/{dataset}/pages/0", {"records": records[:1]}), 422, "VALIDATION_FAILED")
    assert len(county.judged("verification", records)) == 501


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"town_code": "1"}, "UNKNOWN_TOWN"),
        ({"village_code": "1"}, "UNKNOWN_VILLAGE"),
        ({"item_code": "X"}, "UNKNOWN_ITEM"),
        ({"bank_code": "XX"}, "UNKNOWN_BANK"),
        ({"applicant_kind": "organization"}, "NOT_PERSONAL"),
    ],
)
def test_a_record_of_unknown_codes_is_named(platform: Trial, county: County, change: Json, code: str) -> None:
    record = county.lines(platform.people(county.code, "paid"))[0] | change
    answer = county.probe.put(f"/datasets/{county.open('verification')}/pages/1", {"records": [record]})
    said = refused(answer, 422, "VALIDATION_FAILED")
    assert codes(said) == {code}
    assert str(record["application_no"]) in answer.text


def test_an_application_twice_in_a_list_is_named(platform: Trial, county: County) -> None:
    records = county.lines(platform.people(county.code, "paid")) * 2
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
    platform.at_desk("policy", "indicator")
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

"""Events as a real platform sends them: without our reference, of others, too early, lost."""

import pytest

from deploy.demo.people import Json
from tests.county_office import TOTAL_FEN, Office, lines
from tests.province import Province
from tests.test_flow_withdrawals import brought_to

pytest_plugins = ["tests.province_fixtures"]
ASKING = {"platform_first_ask_seconds": 0.4, "platform_ask_seconds": 0.4}
OF_A_FLOW = ("dataset.results", "flow.summary.reviewed", "flow.payments", "flow.ended")


def lost_one(province: Province, kind: str, about: str) -> Json:
    """The body of an event that was lost on its way."""
    seen = province.wait(kind, lambda: {"said": province.platform.events(kind, about)}, lambda got: got["said"])
    body: Json = seen["said"][-1]["body"]
    return body


def nameless(body: Json) -> Json:
    return body | {"data": body["data"] | {"client_reference": None}}


def test_events_without_our_reference_are_known_by_the_platforms_own_ids(province: Province) -> None:
    province.platform.lose(*OF_A_FLOW, "policy.reviewed", "indicator.reviewed")
    office = Office(province)
    batch_no, _ = office.batched(lines(2))
    office.operator.post(f"/batches/{batch_no}/verifications")
    province.post(nameless(lost_one(province, "dataset.results", f"{batch_no}-V1")))
    province.until("已校验", "SELECT stage FROM batch", "verified")
    office.publicise_batch(batch_no)
    flow_no = office.begin(batch_no)
    province.post(nameless(lost_one(province, "dataset.results", f"{flow_no}.r1")))
    office.at(flow_no, "county_review")
    office.hand_in(flow_no)
    province.post(nameless(lost_one(province, "flow.summary.reviewed", flow_no)))
    office.at(flow_no, "summary_approved")
    office.pay(flow_no)
    province.post(nameless(lost_one(province, "flow.payments", flow_no)))
    province.post(nameless(lost_one(province, "flow.ended", flow_no)))
    assert office.at(flow_no, "ended")["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2}
    assert province.rows("SELECT count(*) FROM inbox WHERE state <> 'applied'") == [(0,)]


def test_reviews_without_our_reference(province: Province) -> None:
    province.platform.lose("policy.reviewed", "indicator.reviewed")
    office = Office(province)
    office.choose_policy_unit()
    admin, operator = office.county.admin, office.operator
    file_id = admin.file_id("policy.pdf", office.form())
    new = {"fund_year": office.year, "title": "补贴政策", "item_codes": ["BT1001"], "file_id": file_id}
    policy_no = admin.post("/policies", new)["policy_no"]
    indicator_no = operator.post("/indicators", office._registration(TOTAL_FEN))["indicator_no"]
    operator.post("/indicator-submissions", {"indicator_nos": [indicator_no]})
    for kind, table, number in (("policy", "policies", policy_no), ("indicator", "indicators", indicator_no)):
        province.post(nameless(lost_one(province, f"{kind}.reviewed", number)))
        office.reviewed(kind, f"/{table}/{number}")
        assert operator.get(f"/{table}/{number}")["stage"] == "approved"


def test_an_event_of_another_county_is_set_aside(province: Province) -> None:
    """Our reference in the name of a neighbour: nothing of ours changes."""
    province.platform.lose("dataset.results")
    office, other = Office(province), province.county_code(2)
    batch_no, _ = office.batched(lines(2))
    office.operator.post(f"/batches/{batch_no}/verifications")
    said = lost_one(province, "dataset.results", f"{batch_no}-V1")
    assert province.post(said | {"data": said["data"] | {"county_code": other}}).status_code == 204
    province.until("隔离", "SELECT state FROM inbox WHERE event_type = 'dataset.results'", "quarantined")
    assert province.rows("SELECT effect FROM inbox WHERE event_type = 'dataset.results'") == [("OTHER_COUNTY",)]
    assert province.rows("SELECT DISTINCT verification FROM application") == [("pending",)]
    province.post(said)
    province.until("已校验", "SELECT stage FROM batch", "verified")


def test_an_early_event_is_parked_until_its_run_is_there(province: Province) -> None:
    province.platform.hold("policy")
    office = Office(province)
    data = {
        "submission_id": "pol_early",
        "client_reference": f"{office.code}-Z{office.year}-0001.1",
        "county_code": office.code,
        "status": "approved",
        "opinion": None,
        "reviewed_at": "2026-11-22T08:00:00+08:00",
    }
    province.post({"type": "policy.reviewed", "timestamp": "2026-11-22T08:00:00+08:00", "data": data})
    province.until("待对应", "SELECT state FROM inbox", "parked")
    office.choose_policy_unit()
    office.upload_policy(False)
    assert province.rows("SELECT state, effect FROM inbox") == [("applied", "approved")]


@pytest.mark.parametrize("province", [{"parked_days": 0.000_01}], indirect=True)
def test_what_stays_unknown_is_said_to_be_so(province: Province) -> None:
    data: Json = {"client_reference": "999999-L2026-0001", "county_code": province.county_code(), "flow_id": "flow_x"}
    data |= {"batch_no": "x", "status": "ended", "outcome": "cancelled", "payment_pages": 0}
    data |= {"paid_count": 0, "paid_fen": 0, "failed_count": 0, "failed_fen": 0}
    province.post({"type": "flow.ended", "timestamp": "2026-11-22T08:00:00+08:00", "data": data})
    province.until("无法对应", "SELECT state FROM inbox", "unknown")


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_everything_lost_of_a_flow_is_asked_for(province: Province) -> None:
    """Round, summary, payments, end: the flow goes on although no event of it ever comes."""
    province.platform.lose(*OF_A_FLOW)
    office = Office(province)
    flow_no, _ = office.ended(lines(2))
    assert office.flow(flow_no)["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2}
    asked = {row[0] for row in province.rows("SELECT event_type FROM inbox WHERE source = 'asked'")}
    assert asked == set(OF_A_FLOW)
    came = province.rows("SELECT DISTINCT event_type FROM inbox WHERE source <> 'asked'")
    assert not {row[0] for row in came} & set(OF_A_FLOW)


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_the_lost_end_of_a_cancelled_flow_is_asked_for(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.started(lines(2))
    province.platform.lose("flow.ended")
    office.ordered("cancellation", flow_no)
    assert office.at(flow_no, "ended")["outcome"] == "cancelled"


def test_results_of_a_cancelled_flow_are_kept_without_effect(province: Province) -> None:
    office = Office(province)
    flow_no, _ = brought_to(province, office, "under_review")
    office.ordered("cancellation", flow_no)
    office.at(flow_no, "ended")
    [(dataset,)] = province.rows("SELECT platform_id FROM dataset WHERE flow_id IS NOT NULL")
    numbers = [row[0] for row in province.rows("SELECT application_no FROM application ORDER BY id")]
    results = [{"application_no": number, "outcome": "accepted"} for number in numbers]
    data = {"dataset_id": dataset, "client_reference": f"{flow_no}.r1", "county_code": office.code}
    data |= {"page": 1, "result_pages": 1, "results": results}
    province.post({"type": "dataset.results", "timestamp": "2026-11-22T08:00:00+08:00", "data": data}, "evt-late")
    province.until("已收", "SELECT state FROM inbox WHERE event_id = 'evt-late'", "applied")
    assert office.counts(flow_no) == {"cancelled": 2}
    assert office.indicator() == (0, 0, TOTAL_FEN)
    assert {row[0] for row in province.rows("SELECT stage FROM application")} == {"pending_settlement"}

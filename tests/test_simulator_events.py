"""Events: signed, delivered until taken, and every kind of bad day, each written down when it really happened."""

import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import Iterator

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from deploy.simulator.county import County
from deploy.simulator.probe import Arrived, Json
from deploy.simulator.trial import CALLBACK_SECRETS, Trial, ready, trial

COUNTIES = (f"50{number:04d}" for number in itertools.count(5001))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("simulator"), seed=7) as running:
        running.set("/settings", {"late_seconds": 3.0, "reorder_seconds": 3.0, "hang_seconds": 0.3})
        yield running


@pytest.fixture
def county(platform: Trial) -> Iterator[County]:
    fresh = platform.county(next(COUNTIES))
    yield fresh
    platform.set("/faults", {})


def faulty(platform: Trial, kind: str, target: str, times: int = 1) -> None:
    platform.set("/faults", {"next": {kind: times}, "only": {kind: [target]}})


def done(platform: Trial, kind: str) -> int:
    counts = platform.ask("/faults")["counts"]
    assert isinstance(counts, dict)
    return int(counts.get(kind, 0))


def hand_in(county: County) -> str:
    return str(county.probe.post("/policies", county.policy_body()).json()["submission_id"])


def about(county: County, submission: str, count: int = 1) -> list[Arrived]:
    return county.receiver.wait(lambda one: one.data.get("submission_id") == submission, count)


def told(platform: Trial, lane: str) -> list[Json]:
    items = platform.ask("/events?body=1")["items"]
    assert isinstance(items, list)
    return [item for item in items if item["lane"] == lane]


def reviewed(platform: Trial, submission: str) -> str:
    """Once its event is there, with the fault that was drawn for it: of two that wait either may be reviewed first."""
    deadline = time.monotonic() + 10
    while not told(platform, submission):
        assert time.monotonic() < deadline, "not reviewed"
        time.sleep(0.02)
    return submission


def paid_flow(platform: Trial, county: County, *fates: str) -> str:
    county.prepare()
    county.pay(ready(platform, county, *fates))
    return county.flow_id


def test_an_event_is_signed_as_standard_webhooks_with_every_live_secret(county: County) -> None:
    arrived = about(county, hand_in(county))[0]
    assert len(arrived.headers["webhook-signature"].split()) == 2
    for secret in CALLBACK_SECRETS:
        assert Webhook(secret).verify(arrived.body, arrived.headers) == arrived.event
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{arrived.webhook_id}.{arrived.headers['webhook-timestamp']}.".encode() + arrived.body
        mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{mark}" in arrived.headers["webhook-signature"].split()
    assert set(arrived.event) == {"type", "timestamp", "data"}
    assert arrived.data["county_code"] == county.code


def test_an_event_goes_to_its_own_province_only(platform: Trial, county: County) -> None:
    submission = hand_in(county)
    about(county, submission)
    assert not [one for one in platform.receivers["43"].arrived if one.data.get("submission_id") == submission]


def test_an_event_comes_again_with_growing_delays_until_it_is_taken(platform: Trial, county: County) -> None:
    county.receiver.answers[:] = [500, 302, 404]
    submission = hand_in(county)
    four = about(county, submission, 4)
    assert len({one.webhook_id for one in four}) == 1
    assert len({one.body for one in four}) == 1
    gaps = [after.at - before.at for before, after in itertools.pairwise(four)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 0.15
    settled = wait_status(platform, submission, "delivered")
    assert (settled["attempts"], settled["deliveries"]) == (4, 1)


def wait_status(platform: Trial, lane: str, status: str) -> Json:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = told(platform, lane)
        if found and found[0]["status"] == status:
            return found[0]
    raise AssertionError(f"no event of {lane} became {status}")


def test_a_refused_event_holds_nobody_up(county: County) -> None:
    county.receiver.answers[:] = [503]
    first = hand_in(county)
    about(county, first)
    second = hand_in(county)
    about(county, second)
    about(county, first, 2)


def test_any_event_can_be_sent_again(platform: Trial, county: County) -> None:
    submission = hand_in(county)
    arrived = about(county, submission)[0]
    answer = platform.admin.post("/redeliver", json={"webhook_id": arrived.webhook_id})
    assert answer.json() == {"again": 1}
    assert {one.body for one in about(county, submission, 2)} == {arrived.body}


def test_duplicate_comes_twice_under_one_id(platform: Trial, county: County) -> None:
    before = done(platform, "duplicate")
    faulty(platform, "duplicate", "policy.reviewed")
    two = about(county, hand_in(county), 2)
    assert len({(one.webhook_id, one.body) for one in two}) == 1
    assert done(platform, "duplicate") == before + 1


def test_repeated_comes_twice_under_two_ids(platform: Trial, county: County) -> None:
    faulty(platform, "repeated", "policy.reviewed")
    two = about(county, hand_in(county), 2)
    assert len({one.webhook_id for one in two}) == 2
    assert len({one.body for one in two}) == 1


@pytest.mark.parametrize("kind", ["late", "reordered"])
def test_a_held_event_is_overtaken(platform: Trial, county: County, kind: str) -> None:
    faulty(platform, kind, "policy.reviewed")
    held = reviewed(platform, hand_in(county))
    next_one = hand_in(county)
    first, second = about(county, held)[0], about(county, next_one)[0]
    assert first.at > second.at
    assert done(platform, kind) == 1


def test_early_is_told_before_the_answer(platform: Trial, county: County) -> None:
    faulty(platform, "early", "submitPolicy")
    body = county.policy_body()
    answer = county.probe.post("/policies", body)
    answered = time.time()
    arrived = county.receiver.wait(lambda one: one.data.get("client_reference") == body["client_reference"])[0]
    assert arrived.at < answered
    assert answer.json()["submission_id"] == arrived.data["submission_id"]
    assert done(platform, "early") == 1


def test_early_pages_of_a_list_and_of_payments(platform: Trial, county: County) -> None:
    county.prepare()
    records = ready(platform, county, "paid")
    dataset = county.open("verification")
    totals = county.fill(dataset, records)
    faulty(platform, "early", "commitDataset")
    assert county.probe.post(f"/datasets/{dataset}/commit", totals).json()["status"] == "under_review"
    assert [one for one in county.receiver.arrived if one.data.get("dataset_id") == dataset]
    county.start()
    county.judged("application_submission", records, "initial")
    county.summarise(records)
    faulty(platform, "early", "confirmPayment")
    county.confirm(records)
    assert [
        one for one in county.receiver.arrived if one.type == "flow.payments" and one.data["flow_id"] == county.flow_id
    ]


def test_lost_is_known_by_asking_only(platform: Trial, county: County) -> None:
    faulty(platform, "lost", "policy.reviewed")
    lost = reviewed(platform, hand_in(county))
    about(county, hand_in(county))
    assert county.probe.get(f"/reviews/{lost}").json()["status"] == "approved"
    assert [event["status"] for event in told(platform, lost)] == ["lost"]
    assert not [one for one in county.receiver.arrived if one.data.get("submission_id") == lost]


def test_a_missing_page_is_there_when_asked_for(platform: Trial, county: County) -> None:
    county.prepare()
    records = ready(platform, county, *["paid"] * 501)
    faulty(platform, "missing_page", "dataset.results")
    dataset = county.push("verification", records)
    page = county.receiver.wait(lambda one: one.data.get("dataset_id") == dataset)[0].data
    assert (page["page"], page["result_pages"]) == (2, 2)
    missing = county.probe.get(f"/datasets/{dataset}/results/1").json()
    assert (missing["page"], len(missing["results"])) == (1, 500)
    assert done(platform, "missing_page") == 1


def test_contradicting_says_otherwise_under_a_new_id_and_get_keeps_the_truth(platform: Trial, county: County) -> None:
    faulty(platform, "contradicting", "policy.reviewed")
    submission = hand_in(county)
    first, second = about(county, submission, 2)
    assert first.webhook_id != second.webhook_id
    assert (first.data["status"], second.data["status"]) == ("approved", "rejected")
    assert county.probe.get(f"/reviews/{submission}").json() == first.data


def test_contradicting_payments_differ_at_the_same_sequence(platform: Trial, county: County) -> None:
    faulty(platform, "contradicting", "flow.payments")
    flow = paid_flow(platform, county, "paid", "failed:账户冻结")
    first, second = pages_of(county, flow, 2)
    assert first["page"] == second["page"]
    one, other = entries(first)[0], entries(second)[0]
    assert one["sequence"] == other["sequence"]
    assert (one["status"], one["amount_fen"]) != (other["status"], other["amount_fen"])
    assert entries(first)[1] == entries(second)[1]
    assert county.probe.get(f"/flows/{flow}/payments/1").json() == first
    assert platform.ask(f"/ledger?county_code={county.code}")["payments"] == 1


def pages_of(county: County, flow: str, count: int = 1) -> list[Json]:
    arrived = county.receiver.wait(lambda one: one.type == "flow.payments" and one.data["flow_id"] == flow, count)
    return [one.data for one in arrived]


def entries(page: Json) -> list[Json]:
    found = page["payments"]
    assert isinstance(found, list)
    return found


def test_results_and_the_end_contradict_too(platform: Trial, county: County) -> None:
    county.prepare()
    records = ready(platform, county, "paid")
    platform.set(
        "/faults", {"rates": {"contradicting": 1.0}, "only": {"contradicting": ["dataset.results", "flow.ended"]}}
    )
    county.start()
    dataset = county.push("application_submission", records, "initial")
    results = county.receiver.wait(lambda one: one.data.get("dataset_id") == dataset, 2)
    outcomes = [one.data["results"][0]["outcome"] for one in results if isinstance(one.data["results"], list)]
    assert outcomes == ["accepted", "rejected"]
    county.summarise(records)
    county.confirm(records)
    flow = county.flow_id
    ends = county.receiver.wait(lambda one: one.type == "flow.ended" and one.data["flow_id"] == flow, 2)
    first, second = (one.data for one in ends)
    assert second == first | {"paid_fen": first["paid_fen"] + 1}  # type: ignore[operator]


def test_an_overlapping_page_says_a_line_again(platform: Trial, county: County) -> None:
    platform.set("/faults", {"rates": {"overlapping": 1.0}})
    flow = paid_flow(platform, county, "paid", "returned:账户销户")
    pages = pages_of(county, flow, 2)
    assert entries(pages[1])[0] == entries(pages[0])[-1]
    assert entries(pages[1])[1]["sequence"] == 2
    assert platform.ask(f"/ledger?county_code={county.code}")["balanced"] is True


def test_trouble_before_the_work_leaves_nothing_behind(platform: Trial, county: County) -> None:
    body = county.policy_body()
    for kind in ("5xx", "429", "html_200", "redirect"):
        faulty(platform, kind, "submitPolicy")
        answer = county.probe.post("/policies", body, f"trouble-{county.code}")
        look(kind, answer)
        assert done(platform, kind) >= 1
    assert county.probe.post("/policies", body, f"trouble-{county.code}").status_code == 202
    reference = body["client_reference"]
    county.receiver.wait(lambda one: one.data.get("client_reference") == reference)
    items = platform.ask("/events?body=1&type=policy.reviewed")["items"]
    assert isinstance(items, list)
    assert len([item for item in items if f'"{reference}"' in item["body"]]) == 1


def look(kind: str, answer: httpx.Response) -> None:
    if kind == "5xx":
        assert answer.json()["code"] in ("INTERNAL", "UNAVAILABLE")
        assert answer.status_code in (500, 503)
    elif kind == "429":
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("RATE_LIMITED", "1")
    elif kind == "html_200":
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    else:
        assert (answer.status_code, bool(answer.headers["location"])) == (302, True)


def test_a_timeout_after_acceptance_did_the_work(platform: Trial, county: County) -> None:
    for turn in range(4):
        body, key = county.policy_body(), f"timeout-{county.code}-{turn}"
        faulty(platform, "timeout_after_accept", "submitPolicy")
        with pytest.raises(httpx.TransportError):
            county.probe.post("/policies", body, key)
        answer = county.probe.post("/policies", body, key)
        assert answer.status_code == 202
        reference = body["client_reference"]
        arrived = county.receiver.wait(lambda one, wanted=reference: one.data.get("client_reference") == wanted)  # type: ignore[misc]
        assert [one.data["submission_id"] for one in arrived] == [answer.json()["submission_id"]]


def test_half_an_answer_did_the_work(platform: Trial, county: County) -> None:
    body, key = county.policy_body(), f"half-{county.code}"
    faulty(platform, "half_json", "submitPolicy")
    half = county.probe.post("/policies", body, key)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(half.content)
    whole = county.probe.post("/policies", body, key)
    assert whole.content.startswith(half.content)
    assert len(whole.content) > len(half.content)


def test_rates_are_seeded_and_the_log_says_what_happened(platform: Trial, county: County) -> None:
    assert platform.ask("/faults")["seed"] == platform.launched.seed == 7
    platform.set("/faults", {"rates": {"5xx": 0.5}, "only": {"5xx": ["listBanks"]}})
    before = done(platform, "5xx")
    answers = [county.probe.get("/banks").status_code for _ in range(60)]
    failed = sum(status >= 500 for status in answers)
    assert 10 < failed < 50
    assert done(platform, "5xx") == before + failed


def test_an_unknown_kind_or_rate_is_refused(platform: Trial) -> None:
    for body in ({"rates": {"nonsense": 0.1}}, {"rates": {"late": 2}}, {"else": 1}):
        assert platform.admin.put("/faults", json=body).status_code == 422

"""The platform is asked because an event was lost, and stumbles over the question too: asked again, never believed."""

from collections import Counter

import pytest

from deploy.demo.people import Json, Refused
from tests.card_office import CardOffice
from tests.county_office import Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
ASKING = {"platform_first_ask_seconds": 0.4, "platform_ask_seconds": 0.4}
OF_A_FLOW = ("dataset.results", "flow.summary.reviewed", "flow.payments", "flow.ended")
# One question has three attempts before its run waits a minute: two troubles each.
OF_QUESTIONS = {
    "5xx": "getDataset",
    "half_json": "getResultPage",
    "429": "getReview",
    "redirect": "getReview",
    "html_200": "getPaymentPage",
}


def stumble(province: Province, lost: tuple[str, ...], troubles: dict[str, str]) -> Counter[str]:
    """These events never come, and each of these answers goes wrong once; what had gone wrong before."""
    only = {kind: [operation] for kind, operation in troubles.items()} | {"lost": list(lost)}
    faults: Json = {"rates": {"lost": 1.0}, "next": dict.fromkeys(troubles, 1), "only": only}
    before = Counter[str](province.platform.ask("GET", "/faults")["counts"])
    province.platform.ask("PUT", "/faults", faults)
    return before


def stumbled(province: Province, before: Counter[str]) -> dict[str, int]:
    after = Counter[str](province.platform.ask("GET", "/faults")["counts"])
    return {kind: count for kind, count in (after - before).items() if kind != "lost"}


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_flow_whose_questions_go_wrong_ends_right_all_the_same(province: Province) -> None:
    """Verification, round, summary, payments and end are all asked for, one answer of each kind is no answer."""
    office = Office(province)
    office.ground()
    before = stumble(province, OF_A_FLOW, OF_QUESTIONS)
    flow_no, _ = office.ended(lines(3))
    assert stumbled(province, before) == dict.fromkeys(OF_QUESTIONS, 1)
    assert office.flow(flow_no)["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    kept = province.rows("SELECT operation, status FROM odd_answer")
    assert set(kept) >= {("getResultPage", 200), ("getPaymentPage", 200)}
    assert province.rows("SELECT count(*) FROM contradiction") == [(0,)]


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_card_change_whose_question_goes_wrong_is_applied_once(province: Province) -> None:
    office = CardOffice(province)
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    before = stumble(
        province, ("account.change.applied",), {"half_json": "getAccountChange", "429": "getAccountChange"}
    )
    office.decide(request_no)
    assert office.ended(request_no)["result"] == "applied"
    assert stumbled(province, before) == {"half_json": 1, "429": 1}
    assert office.register(mei)[:2] == (new.account_no, "valid")
    assert province.rows("SELECT count(*), max(source) FROM inbox WHERE number = :no", no=request_no) == [(1, "asked")]


def test_totals_off_by_one_fen_are_shown_and_nothing_is_paid_again(province: Province) -> None:
    """The platform says one fen less than its own payments: not balanced, and no way leads to a second payment."""
    office = Office(province)
    flow_no, numbers = office.approved(lines(2))
    province.platform.lose("flow.ended")
    office.pay(flow_no)
    said = province.wait(
        "the end", lambda: {"said": province.platform.events("flow.ended", flow_no)}, lambda got: got["said"]
    )["said"][-1]["body"]
    province.post(said | {"data": said["data"] | {"paid_fen": said["data"]["paid_fen"] - 1}})
    seen = office.at(flow_no, "ended")
    assert (seen["balanced"], office.counts(flow_no)) == (False, {"accepted": 2, "paid": 2})
    later = office.open_batch("补发批次")
    selection = {"selection": {"application_nos": numbers}}
    ways = (
        (office.operator, f"/batches/{later}/applications", selection),
        (office.operator, "/application-closings", selection | {"reason": "差一分"}),
        (office.operator, "/orders", selection | {"kind": "repayment", "flow_no": flow_no, "reason": "差一分"}),
        (office.operator, f"/flows/{flow_no}/deferrals", selection | {"reason": "差一分"}),
    )
    for person, path, body in ways:
        with pytest.raises(Refused) as refused:
            person.post(path, body)
        assert refused.value.status in (409, 422), path
    paid = province.platform.ask("GET", f"/ledger?county_code={office.code}")["applications"]
    assert {one["application_no"]: (one["paid_count"], one["returned_count"]) for one in paid} == dict.fromkeys(
        numbers, (1, 0)
    )
    stages = province.rows("SELECT DISTINCT stage FROM application")
    assert stages == [("paid",)]

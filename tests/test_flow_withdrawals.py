"""Withdrawals and cancellations of a flow, and what they leave behind (S1 2.7)."""

import pytest

from tests.county_office import TOTAL_FEN, Line, Office, lines
from tests.province import Province
from tests.test_flow_waiting import again

pytest_plugins = ["tests.province_fixtures"]


def test_withdrawn_before_during_and_after_a_round(province: Province) -> None:
    office = Office(province)
    province.platform.hold("application_submission")
    batch_no, numbers = office.verified([*lines(4), Line(9, verification="failed:已死亡")])
    flow_no = office.begin(batch_no)
    office.seen(flow_no, lambda seen: seen["stage"] == "under_review" and province.platform.waiting(office.code))
    assert office.withdraw(flow_no, numbers[4])["done_count"] == 1
    assert office.withdraw(flow_no, numbers[0])["done_count"] == 1
    assert office.counts(flow_no) == {"under_review": 3, "withdrawn": 2}
    province.platform.hold()
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 3, "awaiting": 3, "withdrawn": 2}
    assert office.withdraw(flow_no, numbers[1])["done_fen"] == 10_002
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2, "withdrawn": 3}
    assert office.indicator() == (20_007, 0, TOTAL_FEN - 20_007)
    figures = office.pass_summary(flow_no, refused_first=False)
    assert (figures["application_count"], figures["total_fen"]) == (2, 20_007)
    assert office.operator.get(f"/applications/{numbers[1]}")["stage"] == "withdrawn"


def test_a_flow_of_which_no_line_is_left_is_cancelled_by_itself(province: Province) -> None:
    """An accepted line and a rejected one; at which stages it ends so is in test_next_step.py."""
    office = Office(province)
    flow_no, numbers = office.started([Line(1), Line(2, group="【退回】")])
    office.at(flow_no, "settling")
    office.withdraw(flow_no, *numbers)
    ended = office.at(flow_no, "ended")
    assert (ended["outcome"], ended["balanced"]) == ("cancelled", True)
    assert office.counts(flow_no) == {"withdrawn": 2}
    assert office.indicator() == (0, 0, TOTAL_FEN)


@pytest.mark.parametrize("at", ["settling", "under_review", "summary_submitted"])
def test_a_cancelled_flow_frees_its_lines_once_the_platform_has_ended_it(province: Province, at: str) -> None:
    """Nothing is free before; afterwards the batch is verified anew, starts again and pays."""
    office = Office(province)
    flow_no, batch_no = brought_to(province, office, at)
    province.platform.stand_still()
    assert office.ordered("cancellation", flow_no)["state"] == "done"
    office.at(flow_no, "cancelling")
    assert office.indicator()[0] == 20_003
    province.platform.go_on()
    assert office.at(flow_no, "ended")["outcome"] == "cancelled"
    assert (office.counts(flow_no), office.indicator()[0]) == ({"cancelled": 2}, 0)
    province.platform.hold()
    again(office, batch_no)
    second = office.begin(batch_no)
    if at == "settling":
        office.at(second, "settling")
        return
    office.at(second, "county_review")
    if at != "summary_submitted":
        return
    office.pass_summary(second, refused_first=False)
    office.pay(second)
    office.at(second, "ended")
    assert office.counts(second) == {"accepted": 2, "paid": 2}


def brought_to(province: Province, office: Office, stage: str) -> tuple[str, str]:
    entries = lines(2) if stage != "settling" else [Line(1, 10_001), Line(2, 10_002, group="【退回】")]
    if stage == "under_review":
        province.platform.hold("application_submission")
    if stage == "summary_submitted":
        province.platform.hold("summary")
    batch_no, _ = office.verified(entries)
    flow_no = office.begin(batch_no)
    if stage == "summary_submitted":
        office.hand_in(flow_no)
        province.until("汇总", "SELECT stage FROM summary", "submitted")
    if stage == "under_review":
        province.until("本轮", "SELECT stage FROM dataset WHERE flow_id IS NOT NULL", "under_review")
    office.at(flow_no, stage)
    return flow_no, batch_no


def test_an_approval_that_overtakes_a_confirmed_cancellation_makes_it_fail(province: Province) -> None:
    """The platform approves in the moment in which the county cancels: the cancellation is void, the flow goes on."""
    office = Office(province)
    flow_no, _ = brought_to(province, office, "summary_submitted")
    order_no = office.enter_order("cancellation", flow_no)
    province.platform.lose("flow.summary.reviewed")
    [waiting] = province.platform.waiting(office.code)
    province.platform.ask("POST", f"/clerk/{waiting['ref']}", {"approve": True})
    office.confirm_order(order_no)
    done = office.order_done(order_no)
    assert (done["state"], done["outcome_code"]) == ("failed", "SUMMARY_APPROVED")
    [lost] = province.platform.events("flow.summary.reviewed", flow_no)
    province.platform.deliver(lost)
    office.at(flow_no, "summary_approved")
    office.pay(flow_no)
    office.at(flow_no, "ended")

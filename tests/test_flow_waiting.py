"""A flow that waits: its county is taken at the platform, lines are held by an account change (S1 2.7)."""

from models.contracts import Signal
from tests.county_office import TOTAL_FEN, Line, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]


def taken_by_hand(province: Province, office: Office) -> str:
    """A flow of the county that somebody began at the platform itself."""
    return str(province.platform.ask("POST", "/flows", {"county_code": office.code})["flow_id"])


def unlock(province: Province, flow_no: str) -> None:
    """The account change has ended, and the flow is told as the card side will tell it."""
    province.change("UPDATE account_lock SET ended_at = now()")
    province.wake(f"subsidy-flow/{flow_no}", Signal.LINES_CHANGED, ["K1"])


def test_a_taken_county_is_waited_for_with_its_holder_shown(province: Province) -> None:
    office = Office(province)
    batch_no, _ = office.verified(lines(2))
    other = taken_by_hand(province, office)
    flow_no = office.begin(batch_no)
    waiting = office.at(flow_no, "waiting_county")
    assert waiting["holder"] == office.code
    assert office.code in waiting["run"]["waiting_for"]
    province.platform.ask("POST", f"/flows/{other}/end", {})
    office.at(flow_no, "county_review")
    assert office.flow(flow_no)["holder"] is None


def test_a_waiting_flow_is_called_off_and_its_batch_starts_later(province: Province) -> None:
    office = Office(province)
    batch_no, _ = office.verified(lines(2))
    other = taken_by_hand(province, office)
    flow_no = office.begin(batch_no)
    office.at(flow_no, "waiting_county")
    assert office.ordered("cancellation", flow_no)["state"] == "done"
    assert office.at(flow_no, "ended")["outcome"] == "cancelled"
    assert office.counts(flow_no) == {"cancelled": 2}
    assert office.indicator() == (0, 0, TOTAL_FEN)
    province.platform.ask("POST", f"/flows/{other}/end", {})
    again(office, batch_no)
    again_no = office.begin(batch_no)
    office.at(again_no, "county_review")
    assert office.counts(again_no) == {"accepted": 2, "awaiting": 2}


def again(office: Office, batch_no: str) -> None:
    """A cancelled flow's batch takes its lines back and is verified anew."""
    waiting = {"selection": {"filter": {"batch_no": batch_no, "stage": "pending_settlement"}}}
    office.operator.post(f"/batches/{batch_no}/applications", waiting)
    office.verify(batch_no)


def lock_account(province: Province, number: str) -> None:
    province.change(
        "INSERT INTO account_lock (county_code, person_index, request_no, since)"
        " SELECT county_code, person_index, 'K1', now() FROM application WHERE application_no = :no",
        no=number,
    )


def test_held_lines_are_deferred_to_the_next_batch_with_why(province: Province) -> None:
    office = Office(province)
    batch_no, numbers = office.verified(lines(3))
    lock_account(province, numbers[0])
    flow_no = office.begin(batch_no)
    office.at(flow_no, "settling")
    office.operator.post(f"/flows/{flow_no}/deferrals", {"reason": "换卡未办结，转下批"})
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2, "deferred": 1}
    assert office.indicator()[0] == 10_002 + 10_003
    application = office.operator.get(f"/applications/{numbers[0]}")
    assert (application["stage"], application["reason"]) == ("pending_settlement", "换卡未办结，转下批")
    office.pass_summary(flow_no, refused_first=False)
    office.pay(flow_no)
    office.at(flow_no, "ended")
    province.change("UPDATE account_lock SET ended_at = now()")
    next_batch = office.open_batch("下一批")
    office.operator.post(f"/batches/{next_batch}/applications", {"selection": {"application_nos": [numbers[0]]}})
    office.verify(next_batch)
    office.publicise_batch(next_batch)
    next_flow = office.begin(next_batch)
    office.at(next_flow, "county_review")
    assert office.counts(next_flow) == {"accepted": 1, "awaiting": 1}


def test_a_line_held_at_verification_was_never_verified_and_waits_for_the_next_batch(province: Province) -> None:
    """When its account change ends during the flow it can't go out: nobody has verified it."""
    office = Office(province)
    batch_no, numbers = office.batched([Line(1), Line(2)])
    lock_account(province, numbers[0])
    office.verify(batch_no)
    office.publicise_batch(batch_no)
    flow_no = office.begin(batch_no)
    office.at(flow_no, "settling")
    unlock(province, flow_no)
    province.until("已送达", "SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND signal = 'lines_changed'", 0)
    assert office.counts(flow_no) == {"accepted": 1, "awaiting": 1, "held": 1}
    office.operator.post(f"/flows/{flow_no}/deferrals", {"reason": "未经校验，转下批"})
    office.at(flow_no, "county_review")


def test_an_objection_holds_its_line_until_it_is_decided_and_the_flow_goes_on_by_itself(province: Province) -> None:
    """Dismissed, the line goes out with the next round; upheld, it is withdrawn. The others don't wait."""
    office = Office(province)
    batch_no, numbers = office.verified(lines(3))
    dismissed, upheld = [
        office.operator.post("/objections", {"application_no": number, "reason": "此户已不种地"})["objection_no"]
        for number in numbers[:2]
    ]
    flow_no = office.begin(batch_no)
    office.at(flow_no, "settling")
    assert office.counts(flow_no) == {"accepted": 1, "awaiting": 1, "held": 2}
    office.reviewer.post(f"/objections/{upheld}/decision", {"upheld": True, "opinion": "该户已迁出"})
    office.reviewer.post(f"/objections/{dismissed}/decision", {"upheld": False, "opinion": "仍在耕种"})
    province.check()
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2, "withdrawn": 1}
    assert office.indicator()[0] == 10_001 + 10_003
    application = office.operator.get(f"/applications/{numbers[1]}")
    assert (application["stage"], application["reason"]) == ("withdrawn", f"公示异议成立（{upheld}）：该户已迁出")
    office.pass_summary(flow_no, refused_first=False)
    office.pay(flow_no)
    assert office.at(flow_no, "ended")["balanced"] is True

"""Policies and indicators at the platform: refused and handed in again, lost and contrary answers (S1 1.1, 2.3)."""

import pytest

from deploy.demo.people import Json
from tests.county_office import TOTAL_FEN, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
ASKING = {"platform_first_ask_seconds": 0.4, "platform_ask_seconds": 0.4}


def test_refused_policy_and_indicator_are_changed_and_handed_in_again(province: Province) -> None:
    office = Office(province)
    ground = office.prepare_ground(TOTAL_FEN, refused_first=True)
    policy = office.operator.get(f"/policies/{ground.policy_no}")
    indicator = office.operator.get(f"/indicators/{ground.indicator_no}")
    assert (policy["stage"], policy["round"]) == ("approved", 2)
    assert (indicator["stage"], indicator["round"], indicator["left_fen"]) == ("approved", 2, TOTAL_FEN)
    keys = {row[0] for row in province.rows("SELECT key FROM instruction WHERE key LIKE '%/submit'")}
    assert keys == {f"{no}.{n}/submit" for no in (ground.policy_no, ground.indicator_no) for n in (1, 2)}


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_lost_reviews_are_asked_for(province: Province) -> None:
    province.platform.lose("policy.reviewed", "indicator.reviewed")
    office = Office(province)
    ground = office.prepare_ground(TOTAL_FEN, refused_first=False)
    for number in (ground.policy_no, ground.indicator_no):
        [row] = province.rows("SELECT source, state, effect FROM inbox WHERE number = :no", no=number)
        assert row == ("asked", "applied", "approved")


@pytest.mark.parametrize("fault", ["html_200", "half_json", "timeout_after_accept"])
def test_a_submission_without_a_clear_answer_is_sent_again_once_only(province: Province, fault: str) -> None:
    """The same key and bytes; the platform takes one, and a strange answer is kept for a person to look at."""
    province.platform.ask("PUT", "/settings", {"hang_seconds": 0.3})
    office = Office(province)
    office.choose_policy_unit()
    province.platform.next_fault(fault, "submitPolicy")
    number = office.upload_policy(False)
    assert office.operator.get(f"/policies/{number}")["stage"] == "approved"
    assert len(province.platform.events("policy.reviewed", f"{number}.1")) == 1
    odd = province.rows("SELECT count(*) FROM odd_answer WHERE operation = 'submitPolicy'")[0][0]
    assert odd == (1 if fault in ("html_200", "half_json") else 0)


def test_a_contrary_review_stands_beside_the_first_until_a_reviewer_takes_one(province: Province) -> None:
    office = Office(province)
    ground = office.prepare_ground(TOTAL_FEN, refused_first=False)
    [said] = province.platform.events("indicator.reviewed", f"{ground.indicator_no}.1")
    contrary: Json = {**said["body"], "data": {**said["body"]["data"], "status": "rejected", "opinion": "重复"}}
    assert province.post(contrary).status_code == 204
    path = "/contradictions"
    seen = province.wait(
        "矛盾", lambda: office.reviewer.get(path), lambda got: got["items"] and got["items"][0]["asked_at"]
    )
    [row] = seen["items"]
    assert (row["applied"]["status"], row["claimed"]["status"]) == ("approved", "rejected")
    assert office.operator.get(f"/indicators/{ground.indicator_no}")["stage"] == "approved"
    office.reviewer.post(f"{path}/{row['id']}/decision", {"take": "claimed", "reason": "已电话核实"})
    province.until("矛盾", "SELECT state FROM contradiction", "settled")
    assert office.operator.get(f"/indicators/{ground.indicator_no}")["stage"] == "rejected"


def test_a_start_that_the_money_does_not_reach_for_names_what_is_missing(province: Province) -> None:
    office = Office(province)
    ground = office.ground(total_fen=20_000)
    batch_no, _ = office.verified(lines(3))
    body = {"batch_no": batch_no, "policy_nos": [ground.policy_no], "indicator_nos": [ground.indicator_no]}
    refused = office.refused(lambda: office.operator.post("/flows", body))
    assert (refused.status, refused.problem["code"]) == (409, "FLOW_NOT_READY")
    [lack] = refused.problem["errors"]
    assert lack["code"] == "MONEY_SHORT"
    assert "100.06" in lack["detail"]

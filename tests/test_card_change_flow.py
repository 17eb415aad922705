"""A card change through Temporal and the platform's simulator, with what goes wrong on the way (S2)."""

from dataclasses import replace

import pytest

from models.store.vault import Field
from tests.card_office import CardOffice, applied_beside_a_busy_county, handed_in_elsewhere
from tests.county_office import Line, Office
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]

ASKING = {"platform_first_ask_seconds": 0.4, "platform_ask_seconds": 0.4}


@pytest.fixture
def office(province: Province) -> CardOffice:
    return CardOffice(province)


def test_a_card_goes_from_the_form_to_the_register(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    assert office.request(request_no)["waiting_for"] == "1 个区县等待审核人审核"
    assert office.register(mei) == (office.old.account_no, "valid", "申请录入")
    office.decide(request_no)
    office.at(request_no, "applied")
    assert office.ended(request_no)["result"] == "applied"
    assert office.register(mei) == (new.account_no, "valid", "渝快办")
    assert office.register(mei, office.counties[1])[0] == office.old.account_no
    assert office.notices(mei) == ["applied"]


def test_each_county_goes_its_own_way(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    first, second, third = office.counties
    office.settle(mei)
    request_no = office.in_review(mei, new, first, second, third)
    office.decide(request_no, True, first)
    office.at(request_no, "applied", first)
    office.decide(request_no, False, second)
    assert not office.request(request_no)["closed"]
    office.withdraw(request_no, mei)
    assert office.ended(request_no)["result"] == "partly_applied"
    assert [office.register(mei, county)[0] for county in office.counties] == [
        new.account_no,
        office.old.account_no,
        office.old.account_no,
    ]
    assert office.wish(mei, office.card(3), second) != request_no


@pytest.mark.parametrize(
    ("status", "code"),
    [("closed", "account_closed"), ("frozen", "account_frozen"), ("not_subsidy", "not_a_subsidy_account")],
)
def test_what_the_bank_refuses_is_kept_as_failed(office: CardOffice, status: str, code: str) -> None:
    mei, new = office.citizen(1), replace(office.new, status=status)
    office.settle(mei)
    office.bank_knows(mei, new)
    ended = office.ended(office.wish(mei, new))
    assert (ended["result"], ended["failure_code"]) == ("failed", code)
    assert office.register(mei) == (office.old.account_no, "valid", "申请录入")
    assert office.province.rows("SELECT 1 FROM account_lock WHERE ended_at IS NULL") == []


def test_another_persons_account_is_refused_by_the_bank(office: CardOffice) -> None:
    mei, other = office.citizen(1), office.citizen(2, "李四")
    new = replace(office.new, holder=other)
    office.settle(mei)
    office.bank_knows(mei, new)
    ended = office.ended(office.wish(mei, new))
    assert (ended["result"], ended["failure_code"]) == ("failed", "name_mismatch")


@pytest.mark.parametrize("fault", ["5xx", "html_200", "half_json", "redirect"])
def test_a_bank_in_trouble_is_asked_until_it_answers(office: CardOffice, fault: str) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    with office.troubled(fault, "verifyAccount", times=2):
        request_no = office.in_review(mei, new)
    assert office.part(request_no)["stage"] == "in_review"


def test_a_request_is_taken_back_while_the_bank_is_down(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    office.province.platform.ask("PUT", "/faults", {"rates": {"5xx": 1.0}, "only": {"5xx": ["verifyAccount"]}})
    request_no = office.wish(mei, new)
    asked = "SELECT count(*) > 0 FROM instruction WHERE key LIKE '%/verify' AND answer IS NULL"
    office.province.until("银行已被询问", asked, True)
    assert (office.request(request_no)["stage"], office.part(request_no)["stage"]) == ("validating", "validating")
    office.withdraw(request_no, mei)
    assert office.ended(request_no)["result"] == "withdrawn"
    office.province.platform.lose()


@pytest.mark.parametrize("fault", ["duplicate", "repeated", "early", "late"])
def test_a_result_that_comes_oddly_has_one_effect(office: CardOffice, fault: str) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    with office.troubled(fault, "account.change.applied", "applyAccountChange"):
        office.decide(request_no)
        assert office.ended(request_no)["result"] == "applied"
    assert office.notices(mei) == ["applied"]
    assert office.province.rows("SELECT 1 FROM contradiction") == []


@pytest.mark.parametrize("fault", ["timeout_after_accept", "half_json", "5xx"])
def test_an_answer_to_the_submission_that_is_lost_makes_no_second_one(office: CardOffice, fault: str) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    with office.troubled(fault, "applyAccountChange"):
        office.decide(request_no)
        assert office.ended(request_no)["result"] == "applied"
    assert len(office.province.platform.events("account.change.applied", request_no)) == 1


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_result_that_never_comes_is_asked_for(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    office.province.platform.lose("account.change.applied")
    request_no = office.in_review(mei, new)
    office.decide(request_no)
    assert office.ended(request_no)["result"] == "applied"
    sources = office.province.rows("SELECT DISTINCT source FROM inbox WHERE number = :no", no=request_no)
    assert sources == [("asked",)]


def test_a_contradicting_result_is_kept_and_asked_about(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    office.decide(request_no)
    office.ended(request_no)
    first = office.province.platform.events("account.change.applied", request_no)[0]["body"]
    said = {**first["data"], "status": "failed", "reason_code": "account_closed", "old_account_usable": False}
    assert office.province.post({**first, "data": said}).status_code == 204
    office.province.until("已再次询问", "SELECT count(*) FROM contradiction WHERE asked_at IS NOT NULL", 1)
    assert office.register(mei) == (new.account_no, "valid", "渝快办")
    assert office.request(request_no)["result"] == "applied"


def test_a_failed_one_is_tried_again_by_the_reviewer(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    office.bank_knows(mei, replace(new, status="frozen"))
    office.decide(request_no)
    failed = office.at(request_no, "failed")
    assert (failed["attempt"], failed["error_code"], failed["old_account_usable"]) == (1, "account_frozen", True)
    assert office.ended(request_no)["result"] == "failed"
    assert office.register(mei) == (office.old.account_no, "valid", "申请录入")
    office.bank_knows(mei, new)
    office.retry(request_no)
    assert office.at(request_no, "applied")["attempt"] == 2
    assert office.ended(request_no)["result"] == "applied"
    assert office.register(mei)[0] == new.account_no


def test_a_failed_one_clears_an_old_account_that_is_gone(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    office.settle(mei)
    request_no = office.in_review(mei, new)
    office.bank_knows(mei, replace(new, status="closed"), replace(office.old, status="closed"))
    office.decide(request_no)
    assert office.ended(request_no)["result"] == "failed"
    assert office.register(mei)[:2] == (None, "cleared")
    assert office.register(mei, office.counties[1])[:2] == (office.old.account_no, "valid")
    assert office.notices(mei) == ["cleared", "apply_failed"]


def test_a_change_that_is_pending_elsewhere_is_waited_for(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    county = office.counties[0]
    office.settle(mei)
    office.province.platform.hold("account_change")
    elsewhere = handed_in_elsewhere(office, county, office.card(7))
    request_no = office.in_review(mei, new)
    office.decide(request_no)
    office.at(request_no, "applying")
    office.province.until(
        "平台说在办", "SELECT refusal_code FROM instruction WHERE key LIKE '%/a1'", "ACCOUNT_CHANGE_PENDING"
    )
    office.province.platform.ask("POST", f"/clerk/{elsewhere}", {"approve": True})
    office.province.platform.hold()
    assert office.ended(request_no)["result"] == "applied"
    assert office.register(mei)[0] == new.account_no


@pytest.mark.helped
@pytest.mark.parametrize("province", [{"platform_first_ask_seconds": 1, "platform_ask_seconds": 1}], indirect=True)
def test_a_county_that_waits_keeps_nobody_from_asking_for_the_others(office: CardOffice) -> None:
    applied_beside_a_busy_county(office)
    busy, lost, _ = office.counties
    told = "SELECT count(*) FROM trail_entry WHERE act = 'card_change.result' AND county_code = :county"
    assert [office.province.rows(told, county=county) for county in (busy, lost)] == [[(0,)], [(1,)]]


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_what_became_of_a_change_that_an_invalidation_ended_is_asked_for(office: CardOffice) -> None:
    mei, county = office.citizen(1), office.counties[0]
    office.settle(mei)
    office.province.platform.hold("account_change")
    office.province.platform.lose("account.change.applied")
    request_no = office.in_review(mei, office.new)
    office.decide(request_no)
    handed = "SELECT count(submission_id) FROM card_change_part"
    office.province.until("已提交", handed, 1)
    invalidate(office, county, "account_closed")
    office.at(request_no, "failed")
    assert office.request(request_no)["result"] == "failed"
    [(submission_id,)] = office.province.rows("SELECT submission_id FROM card_change_part")
    still_open = "SELECT count(*) FROM run WHERE kind = 'card-change' AND closed_at IS NULL"
    assert office.province.rows(still_open) == [(1,)]
    office.province.platform.ask("POST", f"/clerk/{submission_id}", {"approve": True})
    office.province.until("矛盾", "SELECT count(*) FROM contradiction WHERE state = 'open'", 1)
    office.province.until("办结", still_open, 0)


def invalidate(office: CardOffice, county: str, reason: str) -> None:
    mei = office.citizen(1)
    wish = {"county_code": county, "id_number": mei.id_number, "bank_code": office.old.bank_code}
    wish |= {"account_no": office.old.account_no, "trigger": "manual", "reason_code": reason}
    office.province.platform.ask("POST", "/invalidate", wish)


def test_invalidation_in_the_middle_ends_the_countys_part(office: CardOffice) -> None:
    mei, new = office.citizen(1), office.new
    first, second, _ = office.counties
    office.settle(mei)
    request_no = office.in_review(mei, new, first, second)
    invalidate(office, first, "account_closed")
    office.at(request_no, "failed", first)
    assert office.register(mei, first)[:2] == (None, "cleared")
    assert office.register(mei, second)[:2] == (office.old.account_no, "valid")
    office.decide(request_no, True, second)
    assert office.ended(request_no)["result"] == "partly_applied"
    office.province.until("来件办结", "SELECT count(*) FROM run WHERE kind = 'account-event' AND closed_at IS NULL", 0)


def test_invalidation_without_a_change_makes_the_card_invalid(office: CardOffice) -> None:
    mei = office.citizen(1)
    office.settle(mei)
    invalidate(office, office.counties[0], "account_frozen")
    office.province.until(
        "无效卡",
        "SELECT status FROM register_account WHERE county_code = :county",
        "invalid",
        county=office.counties[0],
    )
    assert office.notices(mei) == ["invalidated"]
    assert office.register(mei, office.counties[1])[1] == "valid"


# --- where the two sides meet


def people(office: CardOffice, number: int) -> list[Line]:
    return [Line(office.first + place, 10_000 + place) for place in range(1, number + 1)]


def test_a_held_line_joins_with_the_new_account_when_the_part_has_ended(office: CardOffice) -> None:
    county = Office(office.province)
    batch_no, numbers = county.verified(people(office, 3))
    mei, new = office.citizen(1), office.new
    office.settle(mei, county.code)
    request_no = office.in_review(mei, new, county.code)
    flow_no = county.begin(batch_no)
    county.at(flow_no, "settling")
    assert county.counts(flow_no) == {"accepted": 2, "awaiting": 2, "held": 1}
    office.decide(request_no)
    office.ended(request_no)
    county.at(flow_no, "county_review")
    assert county.counts(flow_no) == {"accepted": 3, "awaiting": 3}
    assert [row["record_count"] for row in county.flow(flow_no)["rounds"]] == [2, 1]
    sealed = office.province.rows("SELECT account_sealed FROM flow_line WHERE application_no = :no", no=numbers[0])
    assert office.vault.open(Field.ACCOUNT, numbers[0], sealed[0][0]) == new.account_no


def test_a_request_that_is_refused_lets_the_line_go_with_the_old_account(office: CardOffice) -> None:
    county = Office(office.province)
    batch_no, _ = county.verified(people(office, 2))
    mei = office.citizen(1)
    office.settle(mei, county.code)
    request_no = office.in_review(mei, office.new, county.code)
    flow_no = county.begin(batch_no)
    county.at(flow_no, "settling")
    office.decide(request_no, False)
    county.at(flow_no, "county_review")
    assert county.counts(flow_no) == {"accepted": 2, "awaiting": 2}


def test_a_failed_payment_is_told_and_repayable_after_the_change(office: CardOffice) -> None:
    county = Office(office.province)
    entries = [
        Line(office.first + 1, payment="failed:账户已冻结"),
        Line(office.first + 2, payment="failed:账户已销户"),
        Line(office.first + 3),
    ]
    _, numbers = county.ended(entries)
    mei, new = office.citizen(1), office.new
    assert office.notices(mei) == ["payment_failed"]
    assert office.notices(office.citizen(2)) == ["payment_failed"]
    assert office.notices(office.citizen(3)) == []
    assert repayable(county) == []
    office.settle(mei, county.code)
    request_no = office.in_review(mei, new, county.code)
    office.decide(request_no)
    office.ended(request_no)
    assert repayable(county) == [numbers[0]]


def repayable(county: Office) -> list[str]:
    items = county.operator.pages("/applications", repayable="true")
    return [str(item["application_no"]) for item in items]

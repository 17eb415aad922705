"""Rounds of a flow: the initial one, then by order modified, confirmed and unverified ones (S1 2.7)."""

import json

from stdnum import luhn

from deploy.demo.drawings import drawing
from deploy.demo.people import Json
from tests.county_office import NAME, TOTAL_FEN, Line, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]


def other_card(place: int) -> str:
    digits = f"62220200{place:010d}"
    return digits + str(luhn.calc_check_digit(digits))


def bank_knows(province: Province, line: Line, account_no: str) -> None:
    rows = "bank_code,account_no,card_type,holder_name,holder_id_number,status\n"
    rows += f"ICBC,{account_no},social_security,{NAME},{line.id_number},open\n"
    province.platform.ask("POST", "/bank-accounts", content=rows)


def test_a_mixed_batch_goes_out_in_its_rounds_until_all_is_accepted(province: Province) -> None:
    office = Office(province)
    people = [Line(1), Line(2), Line(2, 20_000), Line(3, verification="failed:已死亡"), Line(4, organization=True)]
    flow_no, numbers = office.started(people)
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2, "rejected": 2, "unsent": 1}
    assert office.line(flow_no, numbers[4])["mode"] == "initial"
    sent = office.order("确认", "confirmed", "逐笔核实", flow_no=flow_no)
    assert (sent["line_count"], sent["done_count"], sent["done_fen"]) == (2, 2, 30_000)
    office.order("未过", "unverified", "入户核实", flow_no=flow_no)
    assert office.at(flow_no, "county_review")["figures"]["states"][4]["count"] == 5
    modes = [office.line(flow_no, number)["mode"] for number in numbers]
    assert modes == ["initial", "confirmed", "confirmed", "unverified", "initial"]
    assert [row["mode"] for row in office.flow(flow_no)["rounds"]] == ["initial", "confirmed", "unverified"]


def test_rejected_lines_are_corrected_and_go_out_again(province: Province) -> None:
    """All but the id, and a lower amount; the application and the register follow."""
    office = Office(province)
    people = [
        Line(1, known_as="周建华"),
        Line(2, has_account=False),
        Line(3, 50_000, group="【退回】"),
        Line(4, has_account=False),
        Line(5),
    ]
    bank_knows(province, people[1], other_card(2))
    flow_no, numbers = office.started(people)
    assert office.counts(flow_no) == {"accepted": 1, "awaiting": 1, "rejected": 4}
    reserved = office.indicator()[0]
    household = {"household_registration": "non_agricultural", "family_size": 5}
    photos = {"photos": {"bank_card": office.operator.file_id("卡.jpg", drawing("bank_card", "新卡"))}}
    corrections = [
        {"application_no": numbers[0], "name": "周建华", "phone": "13900005678", **household, **photos},
        {"application_no": numbers[1], "bank_code": "ICBC", "account_no": other_card(2)},
        {"application_no": numbers[2], "group": "7组", "amount_fen": 30_000},
        {"application_no": numbers[3], "bank_code": "ICBC", "account_no": other_card(4)},
    ]
    done = office.ordered("modified", flow_no, corrections=corrections)
    assert (done["state"], done["done_count"]) == ("done", 3)
    assert office.counts(flow_no) == {"accepted": 4, "awaiting": 4, "rejected": 1}
    assert office.indicator() == (reserved - 20_000, 0, TOTAL_FEN - reserved + 20_000)
    fault = next(
        row for row in office.operator.pages(f"/orders/{done['order_no']}/lines") if row["application_no"] == numbers[3]
    )
    assert fault["fault_code"] == "ACCOUNT_INVALID"
    [(bank, source)] = province.rows("SELECT bank_code, source FROM register_account")
    assert (bank, bool(source)) == ("ICBC", True)
    [sent] = [row for row in sent_records(province, flow_no, 2) if row["application_no"] == numbers[0]]
    assert (sent["name"], sent["phone"]) == ("周建华", "13900005678")
    assert {name: sent[name] for name in household} == household
    assert sent["bank_card_photo_file_id"]
    shown = office.operator.get(f"/applications/{numbers[0]}")
    assert {name: shown[name] for name in household} == household


def sent_records(province: Province, flow_no: str, round_no: int) -> list[Json]:
    """What went to the platform in a round, opened from the journal."""
    key = f"{flow_no}.r{round_no}/g1/p1"
    [(body,)] = province.rows("SELECT body FROM instruction WHERE key = :key", key=key)
    sent = province.vault.open_body(key, body)
    records: list[Json] = json.loads(sent)["records"]
    return records


def test_what_a_correction_may_not_change_is_refused(province: Province) -> None:
    office = Office(province)
    flow_no, [number] = office.started([Line(1, 50_000, group="【退回】")])
    for field, value in (("id_number", "510223197001020002"), ("amount_fen", 60_000), ("account_no", "123")):
        wrong = {"corrections": [{"application_no": number, field: value}]}
        refused = office.refused(lambda wrong=wrong: office.enter_order("modified", flow_no, **wrong))
        assert (refused.status, refused.problem["code"]) == (422, "CORRECTIONS_FAULTY"), field
    assert office.line(flow_no, number)["amount_fen"] == 50_000


def test_lines_that_the_platform_names_in_its_refusal_come_back_and_the_others_go_again(province: Province) -> None:
    """LINE_NOT_ELIGIBLE for a line whose attempt the platform counts otherwise: nothing of the round was taken."""
    office = Office(province)
    batch_no, numbers = office.verified(lines(3))
    province.change("UPDATE application SET payments = 4 WHERE application_no = :no", no=numbers[1])
    flow_no = office.begin(batch_no)
    office.at(flow_no, "settling")
    assert office.counts(flow_no) == {"accepted": 2, "awaiting": 2, "rejected": 1}
    line = office.line(flow_no, numbers[1])
    assert (line["state"], line["reason_code"]) == ("rejected", "other")
    assert "平台拒收" in line["reason"]
    assert [row["stage"] for row in office.flow(flow_no)["rounds"]] == ["refused", "reviewed"]

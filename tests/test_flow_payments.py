"""Payments before and after the end, the end held against the platform's figures, and repayment later (S1 2.8)."""

import pytest

from deploy.demo.people import Json, Refused
from models.store.register.register import register_row
from models.store.vault import Field
from tests.application_lines import citizen_id
from tests.county_office import NAME, TOTAL_FEN, Line, Office, lines
from tests.province import Province
from tests.test_flow_rounds import bank_knows, other_card

pytest_plugins = ["tests.province_fixtures"]
PATIENT = {"platform_missing_page_seconds": 3_600}


def page_said(province: Province, flow_no: str, page: int = 1) -> Json:
    """What the platform says, or would have said, of a page."""
    told = province.platform.events("flow.payments", flow_no)
    return next(one for one in told if one["body"]["data"]["page"] == page)


def end_said(province: Province, flow_no: str) -> Json:
    return province.platform.events("flow.ended", flow_no)[0]


def lost_end(province: Province, office: Office, flow_no: str) -> Json:
    """Confirm the payment; the end, and with it whatever is lost now, waits to be delivered by the test."""
    office.pay(flow_no)
    province.wait("结束", lambda: {"said": province.platform.events("flow.ended", flow_no)}, lambda got: got["said"])
    return end_said(province, flow_no)


def test_a_return_before_the_end_is_in_the_end_figures(province: Province) -> None:
    province.platform.ask("PUT", "/settings", {"returns_after_end": 0})
    office = Office(province)
    flow_no, numbers = office.ended([*lines(2), Line(3, 30_000, payment="returned:账户销户")])
    flow = office.flow(flow_no)
    assert (flow["balanced"], flow["end"]["ours"]["failed_fen"], flow["after_end"]) == (True, 30_000, [])
    assert office.counts(flow_no) == {"accepted": 3, "paid": 2, "failed": 1}
    assert office.indicator() == (0, 20_003, TOTAL_FEN - 20_003)
    line = office.line(flow_no, numbers[2])
    assert (line["payment_reason_code"], line["money"]) == ("account_closed", "released")


def test_a_return_after_the_end_stands_beside_the_end_figures(province: Province) -> None:
    province.platform.ask("PUT", "/settings", {"returns_after_end": 1})
    office = Office(province)
    flow_no, numbers = office.ended([*lines(2), Line(3, 30_000, payment="returned:账户销户")])
    seen = office.seen(flow_no, lambda seen: seen["after_end"])
    assert (seen["balanced"], seen["end"]["ours"]["paid_fen"]) == (True, 50_003)
    [after] = seen["after_end"]
    assert (after["status"], after["count"], after["fen"]) == ("failed", 1, 30_000)
    assert office.counts(flow_no) == {"accepted": 3, "paid": 2, "failed": 1}
    assert office.indicator() == (0, 20_003, TOTAL_FEN - 20_003)
    assert office.operator.get(f"/applications/{numbers[2]}")["stage"] == "failed"


def test_a_return_that_is_found_together_with_the_end_still_comes_after_it(province: Province) -> None:
    """A worker that was away for a weekend finds page, end and return at once: the end is balanced all the same."""
    province.platform.ask("PUT", "/settings", {"returns_after_end": 1})
    office = Office(province)
    flow_no, _ = office.approved([*lines(2), Line(3, 30_000, payment="returned:账户销户")])
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    pages = province.wait(
        "退票", lambda: {"said": province.platform.events("flow.payments", flow_no)}, lambda got: len(got["said"]) == 2
    )
    with province.keeping_off(flow_no):
        for event in (pages["said"][0], ended, pages["said"][1]):
            assert province.post(event["body"]).status_code == 204
    seen = office.seen(flow_no, lambda seen: seen["after_end"])
    assert (seen["balanced"], seen["end"]["ours"]["paid_count"]) == (True, 3)
    assert office.counts(flow_no) == {"accepted": 3, "paid": 2, "failed": 1}


def test_a_return_that_overtakes_the_end_is_no_part_of_the_end_figures(province: Province) -> None:
    """Events come in any order: the books are held against the pages that the end itself counts."""
    province.platform.ask("PUT", "/settings", {"returns_after_end": 1})
    office = Office(province)
    flow_no, _ = office.approved([*lines(2), Line(3, 30_000, payment="returned:账户销户")])
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    pages = province.wait(
        "退票", lambda: {"said": province.platform.events("flow.payments", flow_no)}, lambda got: len(got["said"]) == 2
    )
    for event in pages["said"]:
        province.platform.deliver(event)
    province.wait("退票入账", lambda: office.counts(flow_no), lambda seen: seen.get("failed") == 1)
    province.platform.deliver(ended)
    seen = office.seen(flow_no, lambda seen: seen["stage"] == "ended" and seen["after_end"])
    assert (seen["balanced"], seen["end"]["ours"]["paid_count"]) == (True, 3)
    assert office.counts(flow_no) == {"accepted": 3, "paid": 2, "failed": 1}


def test_a_late_payment_of_a_failed_line_is_paid_after_all(province: Province) -> None:
    """Also when the county has already put it into the next batch: it leaves that batch."""
    office = Office(province)
    flow_no, numbers = office.approved([Line(1), Line(2, payment="late:银行系统故障")])
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    province.platform.deliver(page_said(province, flow_no))
    province.platform.deliver(ended)
    office.at(flow_no, "ended")
    assert office.counts(flow_no) == {"accepted": 2, "paid": 1, "failed": 1}
    next_batch = office.open_batch("补发批次")
    office.operator.post(f"/batches/{next_batch}/applications", {"selection": {"application_nos": [numbers[1]]}})
    province.platform.deliver(page_said(province, flow_no, 2))
    office.seen(flow_no, lambda seen: seen["after_end"])
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2}
    assert office.operator.get(f"/applications/{numbers[1]}")["stage"] == "paid"
    assert office.operator.get(f"/batches/{next_batch}")["line_count"] == 0


def test_a_late_payment_after_a_later_flow_was_cancelled_is_no_failed_line_any_more(province: Province) -> None:
    """The later flow has paid nothing of it: nobody may put it into a batch again."""
    office = Office(province)
    province.platform.ask("PUT", "/settings", {"holds_changes": True})
    flow_no, numbers = office.ended([Line(1), Line(2, payment="late:银行系统故障")])
    batch_no = office.open_batch("补发批次")
    office.operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": [numbers[1]]}})
    office.verify(batch_no)
    office.publicise_batch(batch_no)
    second = office.begin(batch_no)
    office.at(second, "settling")
    office.ordered("cancellation", second)
    office.at(second, "ended")
    assert office.operator.get(f"/applications/{numbers[1]}")["stage"] == "failed"
    province.platform.ask("PUT", "/settings", {"holds_changes": False})
    office.seen(flow_no, lambda seen: seen["after_end"])
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2}
    assert office.operator.get(f"/applications/{numbers[1]}")["stage"] == "paid"
    assert office.indicator() == (0, 20_000, TOTAL_FEN - 20_000)


@pytest.mark.parametrize("province", [{"platform_missing_page_seconds": 0.2}], indirect=True)
def test_a_missing_page_is_fetched_before_the_end(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(3))
    province.platform.next_fault("missing_page", "flow.payments")
    office.pay(flow_no)
    assert office.at(flow_no, "ended")["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    [source] = province.rows("SELECT source FROM inbox WHERE event_type = 'flow.payments'")
    assert source == ("asked",)


@pytest.mark.parametrize("province", [PATIENT], indirect=True)
def test_an_end_that_comes_before_its_last_page_waits_for_it(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(3))
    province.platform.lose("flow.payments", "flow.ended")
    province.platform.deliver(lost_end(province, office, flow_no))
    province.until("结束语已收", "SELECT effect FROM inbox WHERE event_type = 'flow.ended'", "applied")
    assert office.flow(flow_no)["stage"] == "paying"
    assert office.counts(flow_no) == {"accepted": 3, "awaiting": 3}
    province.platform.deliver(page_said(province, flow_no))
    assert office.at(flow_no, "ended")["balanced"] is True


def test_an_end_that_differs_by_one_fen_is_not_balanced(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(3))
    province.platform.lose("flow.ended")
    ended = lost_end(province, office, flow_no)["body"]
    assert province.post(ended | {"data": ended["data"] | {"paid_fen": 30_007}}).status_code == 204
    seen = office.at(flow_no, "ended")
    assert (seen["balanced"], seen["end"]["ours"]["paid_fen"]) == (False, 30_006)
    assert seen["end"]["platform"]["paid_fen"] == 30_007
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    figures = {one["figure"]: one["difference"] for one in seen["difference"]["figures"]}
    assert figures == {"paid_count": 0, "paid_fen": -1, "failed_count": 0, "failed_fen": 0}
    assert (seen["difference"]["settled"], seen["difference"]["open_contradictions"]) == (False, 1)
    [claim] = office.reviewer.pages("/contradictions")
    assert (claim["kind"], claim["applied"]["paid_fen"], claim["claimed"]["paid_fen"]) == (
        "end_figures",
        30_006,
        30_007,
    )
    place = f"/contradictions/{claim['id']}/decision"
    with pytest.raises(Refused, match="409 FIGURES_ARE_SUMS"):
        office.reviewer.post(place, {"take": "claimed", "reason": "按平台"})
    office.reviewer.post(place, {"take": "applied", "reason": "平台函复多记一分"})
    after = office.seen(flow_no, lambda seen: seen["difference"]["settled"])
    assert (after["end"], after["balanced"]) == (seen["end"], False)
    [settlement] = after["difference"]["settlements"]
    assert (settlement["label"], settlement["by"]) == ("审核人裁定", after["difference"]["settled_by"])
    assert after["difference"]["settled_by"] == office.reviewer.pages("/contradictions")[0]["decided_by"]
    assert after["difference"]["settled_at"] > seen["ended_at"]


@pytest.mark.parametrize("by", ["proof", "late page"])
def test_a_line_without_a_result_is_settled_with_proof_or_by_a_late_page(province: Province, by: str) -> None:
    office = Office(province)
    flow_no, numbers = office.approved(lines(3))
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    said = page_said(province, flow_no)["body"]
    missing, *others = sorted(said["data"]["payments"], key=lambda one: one["application_no"] != numbers[1])
    assert province.post(said | {"data": said["data"] | {"payments": others}}).status_code == 204
    province.platform.deliver(ended)
    seen = office.at(flow_no, "ended")
    assert seen["balanced"] is False
    assert (seen["difference"]["unresolved"], seen["difference"]["settled"]) == (1, False)
    assert office.counts(flow_no) == {"accepted": 3, "paid": 2, "unresolved": 1}
    assert office.indicator() == (10_002, 20_004, TOTAL_FEN - 30_006)
    if by == "proof":
        proof = office.reviewer.file_id("proof.pdf", office.form())
        settled = {"selection": {"filter": {}}, "status": "paid", "reason": "银行回单", "proof_file_id": proof}
        assert office.reviewer.post(f"/flows/{flow_no}/settlements", settled)["count"] == 1
    else:
        late = said | {"data": said["data"] | {"page": 2, "payments": [missing]}}
        assert province.post(late).status_code == 204
    after = office.seen(flow_no, lambda seen: seen["after_end"])
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    assert after["end"] == seen["end"]
    difference = after["difference"]
    assert (difference["settled"], difference["unresolved"], difference["figures"][0]["difference"]) == (True, 0, -1)
    [settlement] = difference["settlements"]
    assert settlement["label"] == ("审核人凭证核实" if by == "proof" else "平台迟到的发放结果")
    assert (settlement["count"], difference["settled_by"] is None) == (1, by != "proof")
    assert office.indicator() == (0, 30_006, TOTAL_FEN - 30_006)


def change_account(province: Province, office: Office, line: Line, account_no: str) -> None:
    """The card side has put another account into the register."""
    person = province.vault.index(Field.ID_NUMBER, line.id_number)
    place = register_row(office.code, person)
    seal = province.vault.seal
    province.change(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed,"
        " bank_code, account_sealed, account_index, card_type, status, source, updated_at) VALUES (:county, :person,"
        " :name, 'x', :id_number, 'ICBC', :account, :index, 'bank_card', 'valid', '渝快办', now())",
        county=office.code,
        person=person,
        name=seal(Field.NAME, place, NAME),
        id_number=seal(Field.ID_NUMBER, place, citizen_id(line.place)),
        account=seal(Field.ACCOUNT, place, account_no),
        index=province.vault.index(Field.ACCOUNT, account_no),
    )


def test_failed_lines_are_repaid_in_a_later_flow_together_with_new_ones(province: Province) -> None:
    """The account comes from the register, the first flow stays as it was, and a late payment pays nobody twice."""
    office, failed = Office(province), Line(2, payment="failed:账户销户")
    flow_no, numbers = office.ended([Line(1), failed])
    first = office.flow(flow_no)
    change_account(province, office, failed, other_card(2))
    bank_knows(province, failed, other_card(2))
    batch_no, new = office.batched([Line(3)])
    office.operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": [numbers[1]]}})
    office.verify(batch_no)
    office.publicise_batch(batch_no)
    second = office.begin(batch_no)
    office.at(second, "settling")
    assert office.counts(second) == {"accepted": 1, "awaiting": 1, "unsent": 1}
    assert office.ordered("repayment", second)["done_count"] == 1
    office.at(second, "county_review")
    line = office.line(second, numbers[1])
    assert (line["attempt"], line["repays_flow_no"], line["bank_code"], line["mode"]) == (
        2,
        flow_no,
        "ICBC",
        "repayment",
    )
    office.pass_summary(second, refused_first=False)
    office.pay(second)
    office.at(second, "ended")
    assert office.counts(second) == {"accepted": 2, "paid": 2}
    said = page_said(province, flow_no)["body"]
    late = next(one for one in said["data"]["payments"] if one["status"] == "failed")
    late = late | {"status": "paid", "sequence": 2, "reason_code": None, "reason": None, "bank_serial_no": "X"}
    province.post(said | {"data": said["data"] | {"page": 2, "payments": [late]}})
    province.until("矛盾", "SELECT kind FROM contradiction", "payment_late")
    now = office.flow(flow_no)
    assert [now[part] for part in ("end", "after_end", "figures")] == [
        first[part] for part in ("end", "after_end", "figures")
    ]
    assert office.operator.get(f"/applications/{new[0]}")["stage"] == "paid"
    [claim] = office.reviewer.pages("/contradictions")
    office.reviewer.post(f"/contradictions/{claim['id']}/decision", {"take": "claimed", "reason": "按来件"})
    province.until("退回", "SELECT state || ' ' || (hindrance IS NOT NULL) FROM contradiction", "open true")


def test_a_flow_of_repayments_only_needs_no_verification(province: Province) -> None:
    office = Office(province)
    flow_no, numbers = office.ended([Line(1), Line(2, payment="failed:银行系统故障")])
    office.known([Line(2)])
    batch_no = office.open_batch("补发批次")
    office.operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": [numbers[1]]}})
    office.verify(batch_no)
    office.publicise_batch(batch_no)
    second = office.begin(batch_no)
    office.at(second, "settling")
    office.ordered("repayment", second)
    office.pass_summary(second, refused_first=False)
    office.pay(second)
    office.at(second, "ended")
    assert office.counts(second) == {"accepted": 1, "paid": 1}
    assert office.counts(flow_no) == {"accepted": 2, "paid": 1, "failed": 1}
    ledger = province.platform.ask("GET", f"/ledger?county_code={office.code}&lines=0")
    assert (ledger["balanced"], ledger["net_fen"]) == (True, office.indicator()[1])

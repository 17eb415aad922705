"""Two answers of the platform that can't both be true: side by side, asked again, decided by a reviewer."""

import pytest

from deploy.demo.people import Json, figure
from tests.county_office import Office, lines
from tests.province import Province
from tests.test_flow_payments import lost_end, page_said

pytest_plugins = ["tests.province_fixtures"]
NOW = "2026-11-22T08:00:00+08:00"
FAILED = {"status": "failed", "reason_code": "bank_error", "reason": "与前次不一致"}


def contradictions(office: Office) -> list[Json]:
    return office.reviewer.pages("/contradictions")


def paid_page(province: Province, office: Office, flow_no: str) -> Json:
    """Page 7, ahead of what the platform publishes itself: all lines paid, in the words that it will use."""
    [(flow_id,)] = province.rows("SELECT platform_id FROM flow WHERE flow_no = :no", no=flow_no)
    lines_of = "SELECT application_no, amount_fen FROM flow_line ORDER BY id"
    payments = [
        {"application_no": number, "attempt": 1, "sequence": 1, "status": "paid", "amount_fen": fen}
        | {"bank_serial_no": f"{number}-1", "reason_code": None, "reason": None, "at": NOW}
        for number, fen in province.rows(lines_of)
    ]
    data = {"flow_id": flow_id, "client_reference": flow_no, "county_code": office.code, "page": 7}
    return {"type": "flow.payments", "timestamp": NOW, "data": data | {"payments": payments}}


def claimed(province: Province, office: Office, said: Json) -> list[Json]:
    """A paid page is followed by three that say otherwise: a status, an amount, the page itself of two of its lines."""
    first, second, third = said["data"]["payments"]
    pages = (
        (8, [first | FAILED]),
        (9, [second | {"amount_fen": 99}]),
        (said["data"]["page"], [first | FAILED, second, third | FAILED]),
    )
    for page, entries in pages:
        answer = province.post(said | {"data": said["data"] | {"page": page, "payments": entries}})
        assert answer.status_code == 204
    seen = province.wait(
        "矛盾",
        lambda: {"items": contradictions(office)},
        lambda got: len(got["items"]) == 3 and all(one["asked_at"] for one in got["items"]),
    )
    items: list[Json] = seen["items"]
    return items


def decided(province: Province, office: Office, items: list[Json], take: str) -> None:
    for one in items:
        assert one["claimed"] != one["applied"]
        office.reviewer.post(f"/contradictions/{one['id']}/decision", {"take": take, "reason": "已与平台核对"})
    province.until("已处理", "SELECT count(*) FROM contradiction WHERE state <> 'settled'", 0)


def test_what_was_applied_stays_when_a_reviewer_says_so_and_the_end_is_balanced(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(3))
    province.platform.stand_still()
    office.pay(flow_no)
    said = paid_page(province, office, flow_no)
    province.post(said)
    office.seen(flow_no, lambda seen: figure(seen["figures"]["payments"], "paid")["count"] == 3)
    items = claimed(province, office, said)
    assert sorted(one["kind"] for one in items) == ["payment_amount", "payment_content", "payment_content"]
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    decided(province, office, items, "applied")
    province.platform.go_on()
    assert office.at(flow_no, "ended")["balanced"] is True
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}


def test_what_was_claimed_replaces_it_when_a_reviewer_says_so(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.ended(lines(3))
    items = claimed(province, office, page_said(province, flow_no)["body"])
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    decided(province, office, items, "claimed")
    assert office.counts(flow_no) == {"accepted": 3, "paid": 1, "failed": 2}
    assert office.flow(flow_no)["end"]["ours"]["paid_count"] == 3
    assert office.indicator()[:2] == (0, 10_002)


def test_a_flow_with_an_open_contradiction_does_not_end_as_balanced(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(3))
    province.platform.stand_still()
    office.pay(flow_no)
    said = paid_page(province, office, flow_no)
    province.post(said)
    items = claimed(province, office, said)
    province.platform.go_on()
    seen = office.at(flow_no, "ended")
    assert (seen["balanced"], seen["contradictions"]) == (False, 3)
    assert office.counts(flow_no) == {"accepted": 3, "paid": 3}
    decided(province, office, items, "applied")
    assert office.flow(flow_no)["contradictions"] == 0


def test_two_claims_of_one_result_are_not_both_taken(province: Province) -> None:
    """A page says paid, a line of it says failed: the second decision is handed back to the reviewer with why."""
    office = Office(province)
    flow_no, _ = office.ended(lines(2))
    said = page_said(province, flow_no)["body"]
    first, second = said["data"]["payments"]
    for page, entries in ((1, [first | {"bank_serial_no": "other"}, second]), (8, [first | FAILED])):
        province.post(said | {"data": said["data"] | {"page": page, "payments": entries}})
    seen = province.wait("矛盾", lambda: {"items": contradictions(office)}, lambda got: len(got["items"]) == 2)
    for one in seen["items"]:
        office.reviewer.post(f"/contradictions/{one['id']}/decision", {"take": "claimed", "reason": "按来件"})
    settled = "SELECT string_agg(state || (hindrance IS NOT NULL), ' ' ORDER BY state) FROM contradiction"
    province.until("退回一件", settled, "opentrue settledfalse")
    assert office.counts(flow_no)["accepted"] == 2
    left = next(one for one in contradictions(office) if one["state"] == "open")
    office.reviewer.post(f"/contradictions/{left['id']}/decision", {"take": "applied", "reason": "保留"})
    province.until("已处理", "SELECT count(*) FROM contradiction WHERE state <> 'settled'", 0)


def test_one_event_id_with_two_bodies_has_the_first_one_s_effect(province: Province) -> None:
    """Kept beside it for a person; acknowledged, so that the platform doesn't send it for days."""
    office = Office(province)
    flow_no, _ = office.approved(lines(2))
    province.platform.lose("flow.payments", "flow.ended")
    ended = lost_end(province, office, flow_no)
    said = page_said(province, flow_no)["body"]
    other = said | {"data": said["data"] | {"payments": [one | FAILED for one in said["data"]["payments"]]}}
    assert [province.post(body, "evt-same").status_code for body in (said, other, said)] == [204, 204, 204]
    province.platform.deliver(ended)
    office.at(flow_no, "ended")
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2}
    assert province.rows("SELECT count(*) FROM inbox_conflict") == [(1,)]
    assert province.rows("SELECT count(*) FROM inbox WHERE event_id = 'evt-same'") == [(1,)]


@pytest.mark.parametrize("take", ["applied", "claimed"])
def test_a_contrary_summary_review(province: Province, take: str) -> None:
    """The later word counts only when a reviewer takes it; then the county's review is open again."""
    office = Office(province)
    flow_no, _ = office.approved(lines(2))
    [said] = province.platform.events("flow.summary.reviewed", flow_no)
    province.post(said["body"] | {"data": said["body"]["data"] | {"status": "rejected", "opinion": "材料不符"}})
    seen = province.wait("矛盾", lambda: {"items": contradictions(office)}, lambda got: got["items"])
    assert office.flow(flow_no)["stage"] == "summary_approved"
    [one] = seen["items"]
    office.reviewer.post(f"/contradictions/{one['id']}/decision", {"take": take, "reason": "已与平台核对"})
    province.until("已处理", "SELECT state FROM contradiction", "settled")
    office.at(flow_no, "county_review" if take == "claimed" else "summary_approved")

"""A page that comes again with other content: as large as what differs, asked about once, decided together."""

import pytest

from deploy.demo.people import Json
from tests.county_office import Office, lines
from tests.province import Province
from tests.test_flow_claims import FAILED, contradictions, paid_page
from tests.test_flow_events import lost_one

pytest_plugins = ["tests.province_fixtures"]
LINES = 40
DEAD = {"outcome": "failed", "reason_code": "ineligible", "reason": "已死亡"}
ALL_ASKED = "SELECT count(*) FROM contradiction WHERE asked_at IS NULL"
ALL_SETTLED = "SELECT count(*) FROM contradiction WHERE state <> 'settled'"


def verifying(province: Province, office: Office) -> tuple[str, Json]:
    """A batch under verification, and its results, which were lost on their way."""
    province.platform.lose("dataset.results")
    batch_no, _ = office.batched(lines(LINES))
    office.operator.post(f"/batches/{batch_no}/verifications")
    return batch_no, lost_one(province, "dataset.results", f"{batch_no}-V1")


def with_line(said: Json, place: int, **other: object) -> Json:
    results = [*said["data"]["results"]]
    results[place] = results[place] | other
    return said | {"data": said["data"] | {"results": results}}


def asked_once(province: Province, count: int) -> None:
    """All that came with one page share one answer, and so its moment."""
    province.until("矛盾", "SELECT count(*) FROM contradiction", count)
    province.until("已问", ALL_ASKED, 0)
    assert province.rows("SELECT count(DISTINCT asked_at) FROM contradiction") == [(1,)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1), (1, 1, 0), (0, 0, 0, 1)])
@pytest.mark.parametrize("at_once", [True, False], ids=["one transaction", "one by one"])
def test_one_line_that_differs_is_one_contradiction(province: Province, order: tuple[int, ...], at_once: bool) -> None:
    office = Office(province)
    batch_no, said = verifying(province, office)
    bodies = (said, with_line(said, 7, **DEAD))
    if at_once:
        with province.keeping_off(batch_no):
            for which in order:
                assert province.post(bodies[which]).status_code == 204
    else:
        for come, which in enumerate(order, 1):
            province.post(bodies[which])
            province.until(
                "已收", "SELECT count(*) FROM inbox WHERE event_type = 'dataset.results' AND effect <> ''", come
            )
    province.until("已校验", "SELECT stage FROM batch", "verified")
    asked_once(province, 1)
    [row] = contradictions(office)
    first, second = ("passed", "failed") if order[0] == 0 else ("failed", "passed")
    assert (row["applied"]["outcome"], row["claimed"]["outcome"], row["asked"]["outcome"]) == (first, second, "passed")
    number = said["data"]["results"][7]["application_no"]
    assert row["line_key"].endswith(f"#{number}")
    stands = dict(province.rows("SELECT application_no, verification FROM application"))
    assert stands.pop(number) == first
    assert set(stands.values()) == {"passed"}


def test_lines_that_a_changed_page_leaves_out_or_adds_are_named(province: Province) -> None:
    office = Office(province)
    batch_no, said = verifying(province, office)
    results = said["data"]["results"]
    changed = [*results[1:], results[0] | {"application_no": f"{office.code}-S2026-999999"}]
    with province.keeping_off(batch_no):
        province.post(said)
        province.post(said | {"data": said["data"] | {"results": changed}})
    asked_once(province, 2)
    found = {row["kind"]: row for row in contradictions(office)}
    assert found["result_missing"]["line_key"].endswith(results[0]["application_no"])
    assert (found["result_missing"]["applied"]["outcome"], found["result_missing"]["claimed"]["outcome"]) == (
        "passed",
        None,
    )
    assert (found["result_line"]["applied"]["outcome"], found["result_line"]["claimed"]["outcome"]) == (None, "passed")
    path = f"/contradictions/{found['result_missing']['id']}/decision"
    refused = office.refused(lambda: office.reviewer.post(path, {"take": "claimed", "reason": "按来件"}))
    assert (refused.status, refused.problem["code"]) == (409, "NOTHING_CLAIMED")
    office.reviewer.post(path, {"take": "applied", "reason": "以首次为准"})


def test_one_line_in_two_pages_with_two_results_shows_what_was_applied(province: Province) -> None:
    """Not what stood before the first of them: they are taken in together."""
    office = Office(province)
    batch_no, said = verifying(province, office)
    halves = said["data"]["results"][: LINES // 2], said["data"]["results"][LINES // 2 :]
    pages = [
        said | {"data": said["data"] | {"page": place, "result_pages": 2, "results": results}}
        for place, results in ((1, halves[0]), (2, [halves[0][0] | DEAD, *halves[1]]))
    ]
    with province.keeping_off(batch_no):
        for page in pages:
            province.post(page)
    province.until("已校验", "SELECT stage FROM batch", "verified")
    [row] = contradictions(office)
    assert (row["applied"]["outcome"], row["claimed"]["outcome"]) == ("passed", "failed")
    assert province.rows("SELECT DISTINCT verification FROM application") == [("passed",)]


def test_hundreds_of_lines_are_decided_by_one_filter_or_one_list(province: Province) -> None:
    office = Office(province)
    batch_no, said = verifying(province, office)
    other = said | {"data": said["data"] | {"results": [one | DEAD for one in said["data"]["results"]]}}
    with province.keeping_off(batch_no):
        province.post(said)
        province.post(other)
    asked_once(province, LINES)
    ids = [row["id"] for row in contradictions(office)]
    wanted = {"take": "claimed", "reason": "已与平台核对"}
    two = {"selection": {"ids": ids[:2]}} | wanted
    assert office.reviewer.post("/contradiction-decisions", two)["count"] == 2
    rest = wanted | {"take": "applied", "selection": {"filter": {"number": f"{batch_no}-V1", "kind": "result_line"}}}
    told = office.reviewer.post("/contradiction-decisions", rest)
    assert (told["count"], [(group["code"], group["count"]) for group in told["left_out"]]) == (
        LINES - 2,
        [("CONTRADICTION_DECIDED", 2)],
    )
    province.until("已处理", ALL_SETTLED, 0)
    found = province.rows("SELECT verification, count(*) FROM application GROUP BY 1 ORDER BY 1")
    assert found == [("failed", 2), ("passed", LINES - 2)]
    again = office.refused(lambda: office.reviewer.post("/contradiction-decisions", two))
    assert (again.status, again.problem["code"]) == (409, "CONTRADICTIONS_UNFIT")


@pytest.mark.parametrize("at_once", [True, False], ids=["one transaction", "one by one"])
def test_a_changed_payment_page_names_the_lines_that_differ_with_both_sides(province: Province, at_once: bool) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(5))
    province.platform.stand_still()
    office.pay(flow_no)
    said = paid_page(province, office, flow_no)
    first, second, third, fourth, fifth = said["data"]["payments"]
    news = fifth | FAILED | {"sequence": 2, "reason": "退票"}
    changed = [first | FAILED, second | {"amount_fen": 99}, third, fifth, news]
    other = said | {"data": said["data"] | {"payments": changed}}
    if at_once:
        with province.keeping_off(flow_no):
            province.post(said)
            province.post(other)
            province.post(said)
            province.post(other)
    else:
        for come, body in enumerate((said, other), 1):
            province.post(body)
            province.until(
                "已收", "SELECT count(*) FROM inbox WHERE event_type = 'flow.payments' AND effect <> ''", come
            )
    asked_once(province, 4)
    assert office.counts(flow_no) == {"accepted": 5, "paid": 5}
    found = {row["kind"]: row for row in contradictions(office)}
    assert set(found) == {"payment_content", "payment_amount", "payment_missing", "payment_page"}
    sides = {
        kind: tuple((row[side].get("status"), row[side].get("amount_fen")) for side in ("applied", "claimed"))
        for kind, row in found.items()
    }
    amount = first["amount_fen"]
    assert sides["payment_content"] == (("paid", amount), ("failed", amount))
    assert sides["payment_amount"] == (("paid", second["amount_fen"]), ("paid", 99))
    assert sides["payment_missing"] == (("paid", fourth["amount_fen"]), (None, None))
    assert sides["payment_page"] == ((None, fifth["amount_fen"]), ("failed", fifth["amount_fen"]))
    assert found["payment_page"]["applied"]["payment"] == "paid"
    assert found["payment_page"]["claimed"]["sequence"] == 2
    office.reviewer.post(
        "/contradiction-decisions",
        {"selection": {"ids": [found["payment_page"]["id"]]}, "take": "claimed", "reason": "确有退票"},
    )
    office.reviewer.post(
        "/contradiction-decisions",
        {"selection": {"filter": {"number": flow_no, "state": "open"}}, "take": "applied", "reason": "以首次为准"},
    )
    province.until("已处理", ALL_SETTLED, 0)
    assert office.counts(flow_no) == {"accepted": 5, "paid": 4, "failed": 1}


def test_a_claim_that_cannot_be_opened_goes_back_to_the_reviewer_and_stops_nothing(province: Province) -> None:
    office = Office(province)
    batch_no, said = verifying(province, office)
    with province.keeping_off(batch_no):
        province.post(said)
        province.post(with_line(said, 7, **DEAD))
    asked_once(province, 1)
    [row] = contradictions(office)
    province.change("UPDATE contradiction SET claimed_sealed = 'k1.AAAA'")
    decision = {"selection": {"ids": [row["id"]]}, "reason": "已与平台核对"}
    office.reviewer.post("/contradiction-decisions", decision | {"take": "claimed"})
    province.until("退回", "SELECT count(*) FROM contradiction WHERE state = 'open' AND hindrance <> ''", 1)
    office.reviewer.post("/contradiction-decisions", decision | {"take": "applied"})
    province.until("已处理", ALL_SETTLED, 0)

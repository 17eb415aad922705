"""Initialisation with the province's slot, and verification of a batch (S1 2.4.1, 2.5)."""

from collections.abc import Callable

import pytest

from deploy.demo.people import Json
from tests.county_office import Line, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
ASKING = {"platform_first_ask_seconds": 0.4, "platform_ask_seconds": 0.4}


def begin_list(office: Office, batch_no: str) -> str:
    selection = {"filter": {"batch_no": batch_no, "stage": "publicised"}}
    return str(office.operator.post("/beneficiary-lists", {"selection": selection})["list_no"])


def look_at(office: Office, list_no: str) -> Callable[[], Json]:
    return lambda: office.operator.get(f"/beneficiary-lists/{list_no}")


def reviewed(province: Province, office: Office, list_no: str) -> Json:
    return province.wait(f"名单 {list_no}", look_at(office, list_no), lambda seen: seen["stage"] == "reviewed")


def lock_account(province: Province, number: str) -> None:
    province.change(
        "INSERT INTO account_lock (county_code, person_index, request_no, since)"
        " SELECT county_code, person_index, 'K1', now() FROM application WHERE application_no = :no",
        no=number,
    )


def test_the_four_results_in_the_seeds_words_and_names_corrected(province: Province) -> None:
    office = Office(province)
    people = [Line(1), Line(2, known_as="周建华"), Line(3, known=False), Line(4, has_account=False)]
    batch_no, numbers = office.publicised(people)
    done = office.initialise(batch_no)
    results = office.operator.pages(f"/beneficiary-lists/{done['list_no']}/results")
    assert {row["application_no"]: row["result"] for row in results} == dict(
        zip(
            numbers,
            ["匹配成功", "身份证存在，但姓名不同，正确姓名：周建华", "无此对象", "该对象无中国农业银行的惠民惠农账号"],
            strict=True,
        )
    )
    office.correct_names(batch_no)
    office.initialise(batch_no)
    stages = {row["application_no"]: row["stage"] for row in office.operator.pages("/applications", batch_no=batch_no)}
    assert [stages[number] for number in numbers] == ["matched", "matched", "unmatched", "unmatched"]
    known = province.rows("SELECT count(*) FROM register_account WHERE status = 'valid'")
    assert known == [(2,)]


def test_a_county_outside_holds_the_province(province: Province) -> None:
    """PROVINCE_BUSY is waited out with the holder shown; the list goes on by itself."""
    office, outside = Office(province), province.county_code(99)
    batch_no, _ = office.publicised(lines(2))
    province.platform.ask("PUT", f"/province-locks/{province.code}0000", {"county_code": outside})
    list_no = begin_list(office, batch_no)
    shown = province.wait(
        "名额",
        lambda: office.operator.get("/province-slot"),
        lambda seen: (seen.get("holder") or {}).get("outside_holder") == outside or outside in str(seen),
    )
    assert list_no in str(shown)
    assert look_at(office, list_no)()["stage"] != "reviewed"
    province.platform.ask("DELETE", f"/province-locks/{province.code}0000")
    reviewed(province, office, list_no)


def queue_up(province: Province) -> tuple[list[Office], list[str]]:
    """Three counties, one after the other; the first has the province's slot and its list waits for a clerk."""
    offices = [Office(province, place) for place in (1, 2, 3)]
    batches = [office.publicised(lines(2))[0] for office in offices]
    province.platform.hold("beneficiary_init")
    lists = []
    for office, batch_no in zip(offices, batches, strict=True):
        lists.append(begin_list(office, batch_no))
        province.until("排队", "SELECT count(*) FROM province_slot WHERE list_no = :list", 1, list=lists[-1])
    at_the_desk(province, offices[0])
    return offices, lists


def at_the_desk(province: Province, office: Office) -> str:
    """The reference of a county's list at the clerk's desk, once it is there."""
    seen = province.wait("审核台", lambda: {"items": province.platform.waiting(office.code)}, lambda got: got["items"])
    return str(seen["items"][0]["ref"])


def test_three_counties_queue_first_come_first_served(province: Province) -> None:
    offices, lists = queue_up(province)
    # what the platform has of a list that waits isn't opened again at each wake: this value opens nowhere
    waits = [office.code for office in offices[1:]]
    province.change("UPDATE application SET phone_sealed = 'k1.AAAA' WHERE county_code = ANY(:codes)", codes=waits)
    place = offices[2].operator.get("/province-slot")
    assert place["holder"]["county_code"] == offices[0].code
    assert [row["county_code"] for row in place["queue"]] == [offices[1].code, offices[2].code]
    for turn, office in enumerate(offices):
        reference = at_the_desk(province, office)
        assert not any(province.platform.waiting(other.code) for other in offices[turn + 1 :])
        province.platform.ask("POST", f"/clerk/{reference}", {"approve": True})
        reviewed(province, office, lists[turn])


def test_a_refused_commit_hands_the_slot_on(province: Province) -> None:
    """The second list's totals can't be right; the third goes on, and the second's lines are free for another list."""
    offices, lists = queue_up(province)
    province.change("UPDATE dataset SET total_fen = total_fen + 1 WHERE reference = :no", no=lists[1])
    province.platform.hold()
    reviewed(province, offices[2], lists[2])
    refused = look_at(offices[1], lists[1])()
    assert (refused["stage"], refused["refusal_code"]) == ("refused", "CONTROL_TOTAL_MISMATCH")
    assert offices[1].operator.pages("/applications", stage="publicised")
    again = offices[1].operator.post("/beneficiary-lists", {"selection": {"filter": {"stage": "publicised"}}})
    reviewed(province, offices[1], again["list_no"])


def test_verification_asks_for_persons_only_and_leaves_locked_ones_out(province: Province) -> None:
    office = Office(province)
    people = [Line(1), Line(2, verification="failed:已死亡"), Line(3, organization=True), Line(4)]
    batch_no, numbers = office.batched(people)
    lock_account(province, numbers[3])
    office.verify(batch_no)
    rows = office.operator.pages(f"/batches/{batch_no}/verification-results")
    seen = {row["application_no"]: row["verification"] for row in rows}
    assert [seen[number] for number in numbers] == ["passed", "failed", "not_required", "held"]
    assert "已死亡" in str(next(row for row in rows if row["application_no"] == numbers[1]))
    assert province.rows("SELECT record_count FROM dataset WHERE kind = 'verification'") == [(2,)]


def test_a_line_returned_before_the_start_goes_its_whole_way_anew(province: Province) -> None:
    """Reviewed, matched and verified again, in another batch and flow; the register's row is the one of before."""
    office = Office(province)
    office.ground()
    first, (back, other) = office.publicised(lines(2))
    office.initialise(first)
    office.settle_batch(first)
    office.verify(first)
    chosen = {"selection": {"application_nos": [back]}}
    returned = office.reviewer.post("/application-returns", chosen | {"reason": "银行卡照片不清"})
    assert (returned["stages_after"], returned["batches_left"]) == ({"draft": 1}, [first])
    second = office.open_batch("第二批")
    office.operator.post(f"/batches/{second}/applications", chosen)
    office.review_and_publicise(second)
    office.initialise(second)
    office.settle_batch(second)
    office.verify(second)
    office.publicise_batch(second)
    flow_no = office.begin(second)
    office.at(flow_no, "county_review")
    assert office.counts(flow_no) == {"accepted": 1, "awaiting": 1}
    assert office.line(flow_no, back)["attempt"] == 1
    assert [row["application_no"] for row in office.operator.pages("/applications", batch_no=first)] == [other]
    assert office.indicator()[0] == 10_001
    lists = province.rows(
        "SELECT kind, count(*) FROM dataset_line l JOIN dataset d ON d.id = l.dataset_id"
        " WHERE l.application_no = :no AND l.outcome IN ('matched', 'passed') GROUP BY 1 ORDER BY 1",
        no=back,
    )
    assert lists == [("beneficiary_init", 2), ("verification", 2)]
    assert province.rows("SELECT count(*) FROM register_change") == [(2,)]


@pytest.mark.helped
@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_lost_results_of_both_lists_are_asked_for(province: Province) -> None:
    province.platform.lose("dataset.results")
    office = Office(province)
    batch_no, _ = office.publicised(lines(2))
    office.initialise(batch_no)
    office.settle_batch(batch_no)
    office.verify(batch_no)
    assert province.rows("SELECT DISTINCT source, state, effect FROM inbox WHERE event_type = 'dataset.results'") == [
        ("asked", "applied", "applied")
    ]


def test_a_list_dropped_after_a_day_is_sent_anew(province: Province) -> None:
    """What the platform no longer knows goes out as a new generation, under keys of its own."""
    office = Office(province)
    batch_no, _ = office.publicised(lines(2))
    province.platform.ask("PUT", f"/province-locks/{province.code}0000", {"county_code": province.county_code(99)})
    list_no = begin_list(office, batch_no)
    province.until("占用", "SELECT outside_holder FROM province_slot", province.county_code(99))
    province.platform.ask("PUT", "/settings", {"dataset_open_seconds": 0.5})
    province.until("重发", "SELECT generation FROM dataset WHERE reference = :no AND generation > 1", 2, no=list_no)
    province.platform.ask("PUT", "/settings", {"dataset_open_seconds": 86_400})
    province.platform.ask("DELETE", f"/province-locks/{province.code}0000")
    reviewed(province, office, list_no)
    keys = {row[0] for row in province.rows("SELECT key FROM instruction WHERE key LIKE :p", p=f"{list_no}/g2/%")}
    assert keys == {f"{list_no}/g2/{step}" for step in ("open", "p1", "commit")}


def test_a_result_page_with_other_content_is_decided_by_a_reviewer(province: Province) -> None:
    office = Office(province)
    batch_no, numbers = office.batched(lines(2))
    office.verify(batch_no)
    [said] = province.platform.events("dataset.results", f"{batch_no}-V1")
    results = said["body"]["data"]["results"]
    changed = {**results[0], "outcome": "failed", "reason_code": "ineligible", "reason": "已死亡"}
    data = {**said["body"]["data"], "results": [changed, *results[1:]]}
    assert province.post({**said["body"], "data": data}).status_code == 204
    seen = province.wait(
        "矛盾", lambda: office.reviewer.get("/contradictions"), lambda got: got["items"] and got["items"][0]["asked_at"]
    )
    [row] = seen["items"]
    assert (row["applied"]["outcome"], row["claimed"]["outcome"]) == ("passed", "failed")
    office.reviewer.post(f"/contradictions/{row['id']}/decision", {"take": "claimed", "reason": "已与平台核对"})
    province.until("矛盾", "SELECT state FROM contradiction", "settled")
    [verified] = province.rows("SELECT verification FROM application WHERE application_no = :no", no=numbers[0])
    assert verified == ("failed",)

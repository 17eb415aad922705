"""发放汇总: live until passed, then frozen; two reviewers and an operator between opinion and money."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.wire.words import MediaType
from models.words.staff import Role
from models.words.stages import FlowStage
from tests.rows import (
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    add_summary,
    codes,
    count_of,
    open_office,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def settled_flow(office: Office, lines: list[Line] | None = None) -> tuple[str, list[str]]:
    """Every line accepted, the county's review is open."""
    ground = await add_ground(office, lines or [Line(amount_fen=100), Line(amount_fen=200), Line(amount_fen=400)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    await add_summary(office, flow_no)
    return flow_no, ground.numbers


async def form(office: Office, content_type: str = "application/pdf", county: str = COUNTY) -> int:
    async with office.database.transaction() as session:
        return await add_file(session, county, content_type)


async def passed_flow(office: Office) -> tuple[str, list[str]]:
    flow_no, numbers = await settled_flow(office)
    review = {"passed": True, "opinion": "同意发放", "form_file_id": await form(office)}
    answer = await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)
    assert answer.status_code == 200, answer.text
    return flow_no, numbers


async def approved_flow(office: Office) -> str:
    flow_no, _ = await passed_flow(office)
    assert (await office.post(f"/flows/{flow_no}/summary/submission")).status_code == 200
    await office.run("UPDATE summary SET stage = 'approved', platform_reviewed_at = now()")
    await office.run("UPDATE flow SET stage = 'summary_approved'")
    return flow_no


async def test_an_open_summary_is_live_and_a_passed_one_is_frozen(office: Office) -> None:
    flow_no, numbers = await settled_flow(office)
    before = (await office.get(f"/flows/{flow_no}/summary", OPS)).json()
    assert (before["number"], before["review_label"], before["frozen"]) == (1, "待审核", False)
    assert before["figures"]["total_fen"] == 700
    await set_lines(office, numbers[:1], "withdrawn", payment=None, money="released")
    live = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert live["figures"]["total_fen"] == 600
    review = {"passed": True, "opinion": "同意发放", "form_file_id": await form(office)}
    answer = await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)
    assert (answer.json()["act"], answer.json()["flow_stage"]) == ("summaries.reviewed", "county_passed")
    await set_lines(office, numbers[1:2], "rejected", payment=None)
    frozen = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert (frozen["frozen"], frozen["opinion"], frozen["reviewed_by"]) == (True, "同意发放", REVIEWER)
    assert frozen["figures"] == answer.json()["figures"] == live["figures"]
    assert frozen["figures"]["household_count"] == 2
    assert (frozen["status_label"], frozen["submission_label"]) == ("启动", "未提交")
    assert await count_of(office, "outbox WHERE signal = 'summary_decided'") == 1


async def test_form_and_opinion_are_required(office: Office) -> None:
    flow_no, _ = await settled_flow(office)
    path = f"/flows/{flow_no}/summary/review"
    foreign, sheet = await form(office, county=OTHER_COUNTY), await form(office, MediaType.XLSX.value)
    for review in (
        {"passed": True, "opinion": "同意"},
        {"passed": True, "form_file_id": await form(office)},
        {"passed": True, "opinion": " ", "form_file_id": await form(office)},
        {"passed": True, "opinion": "同意", "form_file_id": 999_999},
        {"passed": True, "opinion": "同意", "form_file_id": foreign},
        {"passed": True, "opinion": "同意", "form_file_id": sheet},
        {"passed": False},
    ):
        answer = await office.post(path, review, REVIEWER)
        assert answer.status_code == 422, review
    assert codes(await office.post(path, {"passed": True, "opinion": "x", "form_file_id": sheet}, REVIEWER)) == [
        "FILE_KIND"
    ]
    assert await count_of(office, "summary WHERE stage = 'open'") == 1


async def test_a_refusal_leaves_room_for_withdrawals_and_a_new_summary(office: Office) -> None:
    flow_no, numbers = await settled_flow(office)
    path = f"/flows/{flow_no}/summary/review"
    answer = await office.post(path, {"passed": False, "opinion": "有一笔重复"}, REVIEWER)
    assert (answer.json()["review_label"], answer.json()["flow_stage"]) == ("审核不通过", "county_review")
    again = await office.post(path, {"passed": False, "opinion": "x"}, REVIEWER)
    assert (again.status_code, again.json()["code"]) == (409, "SUMMARY_STAGE_UNFIT")
    wanted = {
        "kind": "withdrawal",
        "flow_no": flow_no,
        "reason": "重复",
        "selection": {"application_nos": numbers[:1]},
    }
    assert (await office.post("/orders", wanted)).status_code == 201
    await add_summary(office, flow_no)
    view = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert (view["number"], view["stage"]) == (2, "open")
    assert [(each["number"], each["opinion"]) for each in view["earlier"]] == [(1, "有一笔重复")]


async def test_a_passed_summary_may_be_sent_back_before_it_is_handed_in(office: Office) -> None:
    flow_no, numbers = await passed_flow(office)
    withdrawal = {
        "kind": "withdrawal",
        "flow_no": flow_no,
        "reason": "x",
        "selection": {"application_nos": numbers[:1]},
    }
    assert (await office.post("/orders", withdrawal)).json()["code"] == "FLOW_STAGE_UNFIT"
    path = f"/flows/{flow_no}/summary/review"
    answer = await office.post(path, {"passed": False, "opinion": "须先撤回一笔"}, SECOND)
    assert (answer.status_code, answer.json()["flow_stage"]) == (200, "county_review")
    assert (await office.post("/orders", withdrawal)).status_code == 201


async def test_unsettled_lines_and_orders_under_way_stop_the_review(office: Office) -> None:
    flow_no, numbers = await settled_flow(office)
    path = f"/flows/{flow_no}/summary/review"
    review = {"passed": True, "opinion": "同意", "form_file_id": await form(office)}
    await set_lines(office, numbers[:1], "rejected", payment=None)
    assert (await office.post(path, review, REVIEWER)).json()["code"] == "LINES_UNSETTLED"
    await set_lines(office, numbers[:1], "accepted")
    withdrawal = {
        "kind": "withdrawal",
        "flow_no": flow_no,
        "reason": "x",
        "selection": {"application_nos": numbers[:1]},
    }
    number = (await office.post("/orders", withdrawal)).json()["order_no"]
    await office.post(f"/orders/{number}/confirmation", {}, SECOND)
    assert (await office.post(path, review, REVIEWER)).json()["code"] == "ORDERS_UNDER_WAY"
    await office.run("UPDATE operator_order SET state = 'done'")
    await set_lines(office, numbers, "withdrawn", payment=None, money="released")
    assert (await office.post(path, review, REVIEWER)).json()["code"] == "NOTHING_ACCEPTED"


async def test_withdrawal_and_review_at_once_never_both(office: Office) -> None:
    """Whichever takes the flow's lock first makes the other's ground unfit."""
    outcomes = set()
    for county, delay in ((f"50{n:04d}", n % 2) for n in range(6)):
        ground = await add_ground(office, [Line(), Line()], county=county)
        flow_no = await add_flow(office, ground)
        await set_lines(office, ground.numbers, "accepted")
        await add_summary(office, flow_no)
        review = {"passed": True, "opinion": "同意", "form_file_id": await form(office, county=county)}
        wanted = {"kind": "withdrawal", "flow_no": flow_no, "reason": "x"} | {
            "selection": {"application_nos": ground.numbers[:1]}
        }
        number = (await office.post("/orders", wanted, county=county)).json()["order_no"]
        calls = [
            office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER, county),
            office.post(f"/orders/{number}/confirmation", {}, SECOND, county),
        ]
        answers = await asyncio.gather(*(calls[::-1] if delay else calls))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        outcomes |= {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert outcomes <= {"ORDERS_UNDER_WAY", "FLOW_STAGE_UNFIT"}


async def test_whoever_did_the_step_before_does_not_do_the_next(office: Office) -> None:
    flow_no, _ = await settled_flow(office)
    review = {"passed": True, "opinion": "同意", "form_file_id": await form(office)}
    starter = await office.post(f"/flows/{flow_no}/summary/review", review, OPERATOR, role=Role.REVIEWER)
    assert (starter.status_code, starter.json()["code"]) == (403, "SAME_PERSON")
    assert (await office.post(f"/flows/{flow_no}/summary/review", review, OPERATOR)).status_code == 403
    await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)
    submitted = await office.post(f"/flows/{flow_no}/summary/submission", {}, REVIEWER, role=Role.OPERATOR)
    assert submitted.json()["code"] == "SAME_PERSON"
    assert (await office.post(f"/flows/{flow_no}/summary/submission", {}, REVIEWER)).json()[
        "code"
    ] == "ROLE_NOT_ALLOWED"


async def test_submission_is_handed_to_the_run_once(office: Office) -> None:
    flow_no, _ = await passed_flow(office)
    path = f"/flows/{flow_no}/summary/submission"
    answers = await asyncio.gather(*(office.post(path) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await office.rows("SELECT stage, submitted_by FROM summary") == [("county_passed", OPERATOR)]
    assert await office.rows("SELECT stage FROM flow") == [("summary_submitted",)]
    assert await count_of(office, "outbox WHERE signal = 'summary_decided'") == 2
    view = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert view["submission_label"] == "已提交"
    late = await office.post(f"/flows/{flow_no}/summary/review", {"passed": False, "opinion": "x"}, SECOND)
    assert late.json()["code"] == "FLOW_STAGE_UNFIT"


async def test_a_second_reviewer_confirms_exactly_what_was_approved(office: Office) -> None:
    flow_no = await approved_flow(office)
    path = f"/flows/{flow_no}/summary/payment-confirmation"
    right = {"application_count": 3, "total_fen": 700}
    for wrong in ({**right, "total_fen": 699}, {**right, "application_count": 4}):
        answer = await office.post(path, wrong, SECOND)
        assert (answer.status_code, answer.json()["code"]) == (409, "FIGURES_DIFFER")
    assert (await office.post(path, {**right, "total_fen": "700"}, SECOND)).status_code == 422
    same = await office.post(path, right, REVIEWER)
    assert (same.status_code, same.json()["code"]) == (403, "SAME_PERSON")
    submitter = await office.post(path, right, OPERATOR, role=Role.REVIEWER)
    assert submitter.json()["code"] == "SAME_PERSON"
    assert await count_of(office, "outbox WHERE signal = 'payment_confirmed'") == 0
    confirmed = await office.post(path, right, SECOND)
    assert confirmed.status_code == 200, confirmed.text
    assert (confirmed.json()["act"], confirmed.json()["confirmed_by"]) == ("payments.confirmed", SECOND)
    assert await count_of(office, "outbox WHERE signal = 'payment_confirmed'") == 1
    again = await office.post(path, right, SECOND)
    assert again.json()["code"] == "ALREADY_CONFIRMED"


async def test_two_confirmations_at_once_one_counts(office: Office) -> None:
    flow_no = await approved_flow(office)
    path, right = f"/flows/{flow_no}/summary/payment-confirmation", {"application_count": 3, "total_fen": 700}
    people = [SECOND, *(f"rev.{n}" for n in range(4))]
    answers = await asyncio.gather(*(office.post(path, right, who, role=Role.REVIEWER) for who in people))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"ALREADY_CONFIRMED"}
    assert await count_of(office, "outbox WHERE signal = 'payment_confirmed'") == 1


async def test_lines_that_moved_under_an_approved_summary_stop_the_money(office: Office) -> None:
    flow_no = await approved_flow(office)
    await office.run(
        "UPDATE flow_line SET state = 'rejected', payment = NULL WHERE id = (SELECT min(id) FROM flow_line)"
    )
    path = f"/flows/{flow_no}/summary/payment-confirmation"
    for count, total in ((3, 700), (2, 600)):
        answer = await office.post(path, {"application_count": count, "total_fen": total}, SECOND)
        assert (answer.status_code, answer.json()["code"]) == (409, "FIGURES_MOVED")


@pytest.mark.parametrize(
    ("act", "who", "body", "fit"),
    [
        ("review", REVIEWER, {"passed": False, "opinion": "x"}, {"county_review", "county_passed"}),
        ("submission", OPERATOR, {}, {"county_passed"}),
        (
            "payment-confirmation",
            SECOND,
            {"application_count": 3, "total_fen": 700},
            {"summary_submitted", "summary_approved"},
        ),
    ],
)
async def test_each_step_has_its_stage(
    office: Office, act: str, who: str, body: dict[str, object], fit: set[str]
) -> None:
    flow_no, _ = await settled_flow(office)
    for stage in FlowStage:
        if stage in fit:
            continue
        await office.run("UPDATE flow SET stage = :stage", stage=stage.value)
        answer = await office.post(f"/flows/{flow_no}/summary/{act}", body, who)
        assert (answer.status_code, answer.json()["code"]) == (409, "FLOW_STAGE_UNFIT"), stage
    assert await count_of(office, "summary WHERE stage = 'open' AND reviewed_by IS NULL") == 1


async def test_before_the_run_has_opened_a_summary_figures_are_shown_live(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=100)])
    flow_no = await add_flow(office, ground, "county_review")
    view = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert (view["number"], view["figures"]["total_fen"]) == (None, 0)
    review = {"passed": False, "opinion": "x"}
    answer = await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)
    assert answer.json()["code"] == "SUMMARY_NOT_OPEN"


async def test_another_countys_summary_is_not_there(office: Office) -> None:
    flow_no = await approved_flow(office)
    acts: dict[str, tuple[str, dict[str, object]]] = {
        "review": (REVIEWER, {"passed": False, "opinion": "x"}),
        "submission": (OPERATOR, {}),
        "payment-confirmation": (SECOND, {"application_count": 3, "total_fen": 700}),
    }
    for act, (who, body) in acts.items():
        answer = await office.post(f"/flows/{flow_no}/summary/{act}", body, who, OTHER_COUNTY)
        assert answer.status_code == 404, act

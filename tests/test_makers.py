"""Maker and checker: every pair of acts over HTTP, a small county's season, and what the database refuses by itself."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from models.store.applications.photos import save_photos
from models.store.orders.apply_corrections import BY_APPLICATION, CORRECTED, CorrectedLine, apply_corrections
from models.store.sql import fetch, fetch_int
from models.tables.policies import StoredFile
from models.wire.words import DocumentKind
from models.words.makers import DONE, NAMES, NOT_BY, Act, closed_by, refusal_words
from models.words.staff import Role
from tests.rows import (
    OPERATOR,
    REVIEWER,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_file,
    add_flow,
    add_ground,
    add_summary,
    open_office,
    set_lines,
)
from tests.season import BY_REVIEWERS, EVERYBODY, ORDER, Season

WU = "wu.jun"
counties = count(500_101)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def test_the_table_has_words_for_all_that_it_closes() -> None:
    assert set(NOT_BY) == set(NAMES)
    assert {made for closed in NOT_BY.values() for made in closed} == set(DONE)
    for act, closed in NOT_BY.items():
        assert act not in closed
        assert closed_by(act, closed) == closed
        assert NAMES[act] in refusal_words(act, closed)
        assert all(DONE[made] in refusal_words(act, closed) for made in closed)
    assert all(NOT_BY.get(act, ()) == closed_by(act, Act) for act in Act)


def test_of_the_reviewers_acts_one_closes_one_other() -> None:
    """So whatever two reviewers have shared out so far, one of them may do the next act."""
    closes = [(made, act) for act, closed in NOT_BY.items() for made in closed]
    assert [pair for pair in closes if BY_REVIEWERS.issuperset(pair)] == [(Act.SUMMARY_REVIEWED, Act.PAYMENT_CONFIRMED)]


@pytest.mark.parametrize("made", ORDER[:-1])
async def test_every_later_check_is_open_or_closed_as_the_table_says(office: Office, made: Act) -> None:
    """One person does an act and then every later check that is open to her; a refusal names all her acts that close.

    So each pair is met: where another of her acts closes a check, the words are without those that don't.
    """
    season = Season(office, str(next(counties)), {made: WU}, about_entry=made is Act.ENTRY_ENTERED)
    await season.begin()
    done: set[Act] = set()
    for act in ORDER:
        closed = closed_by(act, done)
        answer = await season.do(act, WU if done and act in NOT_BY else None)
        if closed:
            _refused(answer, act, closed)
            answer = await season.do(act)
        elif act is made or (done and act in NOT_BY):
            done.add(act)
        assert answer is None or answer.status_code < 300, (made, act, answer.text)


def _refused(answer: httpx.Response | None, act: Act, closed: tuple[Act, ...]) -> None:
    assert answer is not None
    if act is Act.LINE_APPROVED:
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["code"]) == (409, "SELF_ENTERED")
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "SAME_PERSON"), (act, answer.text)
        assert answer.json()["detail"] == refusal_words(act, closed)


@pytest.mark.parametrize(
    ("orders", "summary", "payment", "settles", "contradiction"),
    [("a", "a", "b", "a", "b"), ("b", "a", "b", "b", "a"), ("a", "b", "a", "a", "a"), ("b", "b", "a", "b", "b")],
)
async def test_one_operator_and_two_reviewers_play_a_whole_season(
    office: Office, orders: str, summary: str, payment: str, settles: str, contradiction: str
) -> None:
    """With the county administrator, who uploads the policy; whoever confirmed the orders may confirm the payment."""
    people = {act: "operator.li" for act in ORDER if act not in BY_REVIEWERS}
    people |= {
        Act.POLICY_ENTERED: "admin.chen",
        Act.LINE_APPROVED: "reviewer.a",
        Act.OBJECTION_DECIDED: "reviewer.b",
        Act.ENTRY_DECIDED: "reviewer.b",
        Act.ORDER_DECIDED: f"reviewer.{orders}",
        Act.SUMMARY_REVIEWED: f"reviewer.{summary}",
        Act.PAYMENT_CONFIRMED: f"reviewer.{payment}",
        Act.PAYMENT_SETTLED: f"reviewer.{settles}",
        Act.CONTRADICTION_DECIDED: f"reviewer.{contradiction}",
    }
    await Season(office, str(next(counties)), people).play()


async def test_the_reviewer_of_a_refused_summary_may_confirm_the_next_ones_payment(office: Office) -> None:
    """Two reviewers, and the platform has rejected the first summary: nobody is locked out."""
    season = Season(office, str(next(counties)))
    await season.play(Act.SUMMARY_REVIEWED)
    flow_no = season.numbers["flow"]
    refused = await office.post(
        f"/flows/{flow_no}/summary/review", {"passed": False, "opinion": "再核"}, WU, season.county, role=Role.REVIEWER
    )
    assert refused.status_code == 200, refused.text
    await add_summary(office, flow_no)
    for act in (Act.SUMMARY_REVIEWED, Act.SUMMARY_SUBMITTED):
        answer = await season.do(act)
        assert answer is not None
        assert answer.status_code == 200, answer.text
    confirmed = await season.do(Act.PAYMENT_CONFIRMED, WU)
    assert confirmed is not None
    assert confirmed.status_code == 200, confirmed.text


WRITES = {
    Act.LINE_APPROVED: "UPDATE application SET reviewed_by = :who WHERE application_no = '{line}'",
    Act.OBJECTION_DECIDED: "UPDATE objection SET state = 'dismissed', decided_at = now(), decided_by = :who"
    " WHERE objection_no = '{objection}'",
    Act.ENTRY_DECIDED: "UPDATE village_entry SET confirmed_by = :who WHERE entry_no = '{entry}'",
    Act.LOAD_DECIDED: "UPDATE register_load SET confirmed_by = :who WHERE load_no = '{load}'",
    Act.ORDER_DECIDED: "UPDATE operator_order SET confirmed_by = :who WHERE order_no = '{order}'",
    Act.SUMMARY_REVIEWED: "UPDATE summary SET reviewed_by = :who WHERE flow_id = ({flow_id})",
    Act.SUMMARY_SUBMITTED: "UPDATE summary SET submitted_by = :who WHERE flow_id = ({flow_id})",
    Act.PAYMENT_CONFIRMED: "UPDATE summary SET confirmed_by = :who WHERE flow_id = ({flow_id})",
    Act.PAYMENT_SETTLED: "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, at, source,"
    " settled_by, after_end, taken_at) SELECT flow_id, id, 0, 'paid', amount_fen, now(), 'settled', :who, true, now()"
    " FROM flow_line WHERE application_no = '{line}'",
    Act.CONTRADICTION_DECIDED: "UPDATE contradiction SET decided_by = :who WHERE id = {contradiction of flow}",
}
OF_ENTRY = "UPDATE contradiction SET decided_by = :who WHERE id = {contradiction of entry}"


@pytest.mark.parametrize("act", NOT_BY)
async def test_the_database_refuses_what_a_route_forgot_to_ask(office: Office, act: Act) -> None:
    """Straight into the rows, by the product's own role: each maker is refused, anybody else is taken."""
    season = Season(office, str(next(counties)))
    await season.play(act)
    numbers = season.numbers | {"flow_id": f"SELECT id FROM flow WHERE flow_no = '{season.numbers.get('flow')}'"}
    for made in NOT_BY[act]:
        write = OF_ENTRY if made is Act.ENTRY_ENTERED and act is Act.CONTRADICTION_DECIDED else WRITES[act]
        with pytest.raises(IntegrityError):
            await office.run(write.format_map(numbers), who=EVERYBODY[made])
    assert await office.run(WRITES[act].format_map(numbers), who=WU) == 1


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE application SET entered_by = :who WHERE application_no = '{line}'",
        "UPDATE application SET edited_by = ARRAY[:who] WHERE application_no = '{line}'",
        "UPDATE application SET edited_by = '{{}}' WHERE application_no = '{line}' AND :who <> ''",
        "UPDATE operator_order SET entered_by = :who WHERE order_no = '{order}'",
        "UPDATE objection SET entered_by = :who WHERE objection_no = '{objection}'",
        "UPDATE village_entry SET entered_by = :who WHERE entry_no = '{entry}'",
        "UPDATE register_load SET entered_by = :who WHERE load_no = '{load}'",
        "UPDATE flow SET started_by = :who WHERE flow_no = '{flow}'",
        "UPDATE summary SET confirmed_by = :who WHERE flow_id = ({flow_id})",
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, at, source, after_end, taken_at)"
        " SELECT flow_id, id, 0, 'paid', amount_fen, now(), 'settled', true, now() FROM flow_line"
        " WHERE application_no = '{line}' AND :who <> ''",
    ],
)
async def test_who_made_something_is_never_written_over(office: Office, write: str) -> None:
    season = Season(office, str(next(counties)))
    await season.play(Act.PAYMENT_SETTLED)
    numbers = season.numbers | {"flow_id": f"SELECT id FROM flow WHERE flow_no = '{season.numbers['flow']}'"}
    with pytest.raises(IntegrityError):
        await office.run(write.format_map(numbers), who=WU)


async def test_every_editor_is_kept_and_each_once(office: Office) -> None:
    season = Season(office, str(next(counties)), {Act.LINE_EDITED: WU})
    await season.play(Act.LINE_APPROVED)
    assert await office.rows(
        "SELECT entered_by, edited_by FROM application WHERE application_no = :no", no=season.numbers["line"]
    ) == [("line.entered", [WU, "another.editor"])]


async def test_a_name_taken_from_the_platform_is_its_operators_edit(office: Office) -> None:
    """The order is of no flow, so only the line itself remembers who entered it."""
    line = Line(stage="unmatched", match_outcome="name_differs", correct_name="王晓梅")
    async with office.database.transaction() as session:
        await add_catalogs(session)
        [number] = await add_applications(session, office.vault, [line], None)
    body = {"kind": "name_correction", "reason": "按平台", "selection": {"application_nos": [number]}}
    order = (await office.post("/orders", body, WU, role=Role.OPERATOR)).json()["order_no"]
    assert (await office.post(f"/orders/{order}/confirmation", {}, REVIEWER)).status_code == 200
    assert await editors(office, number) == [WU]


async def test_a_correction_of_a_rejected_line_is_its_operators_edit(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=500)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "rejected")
    correction = {"application_no": ground.numbers[0], "amount_fen": 400}
    body = {"kind": "modified", "flow_no": flow_no, "reason": "更正", "corrections": [correction]}
    answer = await office.post("/orders", body, WU, role=Role.OPERATOR)
    assert answer.status_code == 201, answer.text
    async with office.database.transaction() as session:
        order = await fetch_int(session, "SELECT id FROM operator_order")
        rows = await fetch(session, CorrectedLine, f"{CORRECTED}{BY_APPLICATION}", order=order)
        await apply_corrections(session, office.vault, rows, WU)
    assert await editors(office, ground.numbers[0]) == [WU]


async def test_a_photo_is_an_edit_once_and_the_enterers_own_is_none(office: Office) -> None:
    async with office.database.transaction() as session:
        numbers = await add_applications(session, office.vault, [Line(stage="draft", verification="none")], None)
        image = await add_file(session, content_type="image/jpeg")
    for who in (WU, OPERATOR, WU):
        async with office.database.transaction() as session:
            stored = await session.get_one(StoredFile, image)
            await save_photos(session, [(numbers[0], DocumentKind.BANK_CARD, stored)], who)
    assert await editors(office, numbers[0]) == [WU]


async def editors(office: Office, number: str) -> object:
    [(found,)] = await office.rows("SELECT edited_by FROM application WHERE application_no = :no", no=number)
    return found

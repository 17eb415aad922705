"""Figures of a flow: every line counted once, in count and fen; the summary's shares add up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.store.flows.figures import Figure, FlowFigures, SummaryFigures, flow_figures, summary_figures
from models.store.sql import fetch_int
from models.words.stages import LineState, PaymentState
from tests.rows import Line, Office, add_flow, add_ground, count_of, open_office, set_lines


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def figures_of(office: Office) -> tuple[FlowFigures, dict[str, object]]:
    async with office.database.reading() as session:
        flow_id = await fetch_int(session, "SELECT max(id) FROM flow")
        return await flow_figures(session, flow_id), await summary_figures(session, flow_id)


async def test_every_state_and_payment_is_told_with_its_sum(office: Office) -> None:
    ground = await add_ground(office, [Line(amount_fen=2**n) for n in range(12)])
    await add_flow(office, ground)
    states = [state for state in LineState if state is not LineState.ACCEPTED]
    for place, state in enumerate(states):
        await set_lines(office, [ground.numbers[place]], state.value)
    for place, payment in enumerate(PaymentState, len(states)):
        await office.run(
            "UPDATE flow_line SET state = 'accepted', payment = :payment, money = :money WHERE application_no = :no",
            payment=payment.value,
            money="paid" if payment is PaymentState.PAID else "reserved",
            no=ground.numbers[place],
        )
    figures, summary = await figures_of(office)
    assert figures.lines == Figure(count=12, fen=2**12 - 1)
    for place, state in enumerate(states):
        expected = Figure(count=1, fen=2**place)
        if state is LineState.UNSENT:
            expected = expected + Figure(count=1, fen=2**11)
        assert figures.states[state] == expected, state
    for place, payment in enumerate(PaymentState, len(states)):
        assert figures.payments[payment] == Figure(count=1, fen=2**place)
    assert figures.states[LineState.ACCEPTED] == sum(figures.payments.values(), Figure())
    assert sum(figures.states.values(), Figure()) == figures.lines
    assert (summary["application_count"], summary["total_fen"]) == (4, figures.states[LineState.ACCEPTED].fen)


async def test_a_flow_without_lines_is_all_zero(office: Office) -> None:
    ground = await add_ground(office, [Line()])
    await add_flow(office, ground)
    async with office.database.reading() as session:
        figures, summary = await flow_figures(session, 0), await summary_figures(session, 0)
    assert figures.lines == Figure()
    assert set(figures.states.values()) == {Figure()}
    shares: dict[str, object] = {"towns": [], "banks": [], "indicators": []}
    assert summary == {"total_fen": 0, "application_count": 0, "household_count": 0, **shares}


def test_figures_that_do_not_add_up_can_not_be_built() -> None:
    states = {state: Figure() for state in LineState} | {LineState.ACCEPTED: Figure(count=1, fen=5)}
    payments = {payment: Figure() for payment in PaymentState} | {PaymentState.PAID: Figure(count=1, fen=5)}
    assert FlowFigures(lines=Figure(count=1, fen=5), states=states, payments=payments)
    with pytest.raises(ValidationError):
        FlowFigures(lines=Figure(count=1, fen=6), states=states, payments=payments)
    with pytest.raises(ValidationError):
        FlowFigures(lines=Figure(count=1, fen=5), states=states, payments={p: Figure() for p in PaymentState})
    with pytest.raises(ValidationError):
        SummaryFigures(total_fen=1, application_count=1, household_count=1, towns=[], banks=[], indicators=[])


async def test_summary_counts_households_once_and_names_towns_and_banks(office: Office) -> None:
    lines = [
        Line(amount_fen=100, person=1),
        Line(amount_fen=200, person=1, bank_code="BANK-B"),
        Line(amount_fen=400, person=2, town_code="500001101"),
        Line(amount_fen=800, person=3, town_code="T-unknown"),
        Line(amount_fen=1600, person=4),
    ]
    ground = await add_ground(office, lines, money=[300, 2_800])
    await add_flow(office, ground)
    await set_lines(office, ground.numbers[:4], "accepted")
    first, second = ground.indicator_nos
    project = "渝财预〔2026〕15号 预算项目"
    _, summary = await figures_of(office)
    assert summary == {
        "total_fen": 1500,
        "application_count": 4,
        "household_count": 3,
        "towns": [
            {"code": "500001100", "name": "红岩镇", "application_count": 2, "total_fen": 300},
            {"code": "500001101", "name": "青山乡", "application_count": 1, "total_fen": 400},
            {"code": "T-unknown", "name": "T-unknown", "application_count": 1, "total_fen": 800},
        ],
        "banks": [
            {"code": "BANK-A", "name": "农商银行", "application_count": 3, "total_fen": 1300},
            {"code": "BANK-B", "name": "邮储银行", "application_count": 1, "total_fen": 200},
        ],
        "indicators": [
            {"code": first, "name": project, "application_count": 2, "total_fen": 300},
            {"code": second, "name": project, "application_count": 2, "total_fen": 1200},
        ],
    }


async def test_one_code_of_two_lists_keeps_the_shares_whole(office: Office) -> None:
    """A town named in two fund years' lists must not be counted twice."""
    ground = await add_ground(office, [Line()])
    await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    await office.run(
        "INSERT INTO catalog_list (county_code, kind, fund_year, items, fetched_at) "
        "SELECT county_code, kind, 2026, items, now() FROM catalog_list WHERE kind IN ('towns', 'banks')"
    )
    assert await count_of(office, "catalog_list") == 5
    _, summary = await figures_of(office)
    assert (summary["application_count"], summary["household_count"]) == (1, 1)

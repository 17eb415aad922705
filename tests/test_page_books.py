"""What pages say of money is what the rows say, whatever was withdrawn, deferred, corrected, paid, or came back."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lxml import html

from models.words.stages import ApplicationStage, LineState, PaymentState
from tests.browser import Browser, Page
from tests.rows import (
    BANKS,
    OPERATOR,
    REVIEWER,
    TOWNS,
    YEAR,
    Ground,
    Line,
    Office,
    add_flow,
    add_ground,
    add_summary,
    open_office,
)

# What a line can have come to: state, payment, money.
FATES = (
    ("unsent", None, "reserved"),
    ("under_review", None, "reserved"),
    ("rejected", None, "reserved"),
    ("held", None, "reserved"),
    ("withdrawn", None, "released"),
    ("deferred", None, "released"),
    ("accepted", "awaiting", "reserved"),
    ("accepted", "paid", "paid"),
    ("accepted", "failed", "reserved"),
    ("accepted", "failed", "released"),
    ("accepted", "unresolved", "reserved"),
)
APPLICATIONS = tuple(stage for stage in ApplicationStage if stage not in ("in_flow", "in_batch"))


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


async def sums(office: Office, table: str, condition: str = "true") -> tuple[str, str]:
    """Count and yuan of rows, as pages write them."""
    ((count, fen),) = await office.rows(
        f"SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM {table} a WHERE {condition}"
    )
    return f"{int(str(count)):,}", yuan(int(str(fen)))


async def moved(office: Office, ground: Ground, chance: random.Random) -> None:
    """Another fate for every line, and for some a lowered amount."""
    for number in ground.numbers:
        state, payment, money = chance.choice(FATES)
        await office.run(
            "UPDATE flow_line SET state = :state, payment = :payment, money = :money, amount_fen = amount_fen - :less,"
            " payment_reason_code = :reason, payment_at = now() WHERE application_no = :no",
            state=state,
            payment=payment,
            money=money,
            less=chance.choice((0, 0, 7)),
            reason="account_closed" if payment == "failed" else None,
            no=number,
        )


def figures_of(page: Page) -> tuple[str, str]:
    [count], [money] = page.document.cssselect(".number"), page.document.cssselect(".money")
    return count.text_content(), money.text_content()


async def foot(browser: Browser, address: str) -> tuple[str, str]:
    answer = await browser.get(address)
    assert answer.status_code == 200, address
    return figures_of(Page(answer, html.document_fromstring(answer.text)))


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_figure_is_the_rows(office: Office, seed: int) -> None:
    chance = random.Random(seed)
    lines = [
        Line(chance.randrange(100, 10**7), town_code=chance.choice([*TOWNS]), bank_code=chance.choice([*BANKS]))
        for _ in range(24)
    ]
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    await add_summary(office, flow_no)
    browser = await Browser.at(office).sign_in(OPERATOR)
    for stage in ("settling", "ended"):
        await moved(office, ground, chance)
        await office.run("UPDATE flow SET stage = :stage", stage=stage)
        await agree(office, browser, flow_no)


async def agree(office: Office, browser: Browser, flow_no: str) -> None:
    of_flow = f"/console/flows/{flow_no}/lines/figures"
    assert await foot(browser, of_flow) == await sums(office, "flow_line")
    for state in LineState:
        assert await foot(browser, f"{of_flow}?state={state.value}") == await sums(
            office, "flow_line", f"state = '{state.value}'"
        ), state
    for payment in PaymentState:
        found = await foot(browser, f"/console/payments/figures?payment={payment.value}&flow_no={flow_no}")
        assert found == await sums(office, "flow_line", f"payment = '{payment.value}'"), payment
    for stage in APPLICATIONS:
        assert await foot(browser, f"/console/applications/sums?stage={stage.value}") == await sums(
            office, "application", f"stage = '{stage.value}'"
        ), stage
    board = await browser.open(f"/console/figures?fund_year={YEAR}")
    ((total, reserved, paid),) = await office.rows("SELECT total_fen, reserved_fen, paid_fen FROM indicator")
    left = int(str(total)) - int(str(reserved)) - int(str(paid))
    assert (await sums(office, "flow_line", "money = 'paid'"))[1] == yuan(int(str(paid)))
    assert (await sums(office, "flow_line", "money = 'reserved'"))[1] == yuan(int(str(reserved)))
    for fen in (int(str(total)), int(str(reserved)), int(str(paid)), left):
        assert yuan(fen) in board.main
    for group in ("town_code", "bank_code"):
        for (code,) in await office.rows(f"SELECT DISTINCT {group} FROM flow_line WHERE payment = 'paid'"):
            count, money = await sums(office, "flow_line", f"payment = 'paid' AND {group} = '{code}'")
            name = {**TOWNS, **BANKS}[str(code)]
            assert f"{name}{count}{money}" in board.main.replace(" ", ""), (group, board.main)
    summary = (await office.get(f"/flows/{flow_no}/summary")).json()
    count, money = await sums(office, "flow_line", "state = 'accepted'")
    told = summary["figures"]
    assert (f"{told['application_count']:,}", yuan(told["total_fen"])) == (count, money)
    assert money in (await browser.open(f"/console/summaries/{flow_no}")).main
    await to_dos_agree(office)


async def to_dos_agree(office: Office) -> None:
    """What is waiting is as much as the list where it stands has; who may do it splits it, and changes no sum."""
    for who in (OPERATOR, REVIEWER):
        told = (await office.get("/to-dos", who)).json()
        found: dict[tuple[str, str], list[int]] = {}
        for each in [*told["mine"], *told["others"], *told["abnormal"]]:
            path, query = each["filter"]["path"], each["filter"]["query"]
            if each["total_fen"] is not None and (path == "/applications" or path.endswith("/lines")):
                known = found.setdefault((path, json.dumps(query)), [0, 0])
                known[0] += each["count"]
                known[1] += each["total_fen"]
        for (path, asked), counted in found.items():
            figures = (await office.get(f"{path}/figures", who, **json.loads(asked))).json()
            assert [figures["count"], figures["fen"]] == counted, (path, asked)


async def test_who_is_sought_has_no_sum_of_everybody(office: Office) -> None:
    """The foot and the export would be those of the list without the person."""
    await add_ground(office, [Line(amount_fen=500), Line(amount_fen=700)])
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/applications?limit=50")
    assert page.document.cssselect(".sums")
    found = await browser.submit(page, "查找", name="没有此人")
    assert (found.status, found.document.cssselect(".sums"), found.has_link("导出 Excel")) == (200, [], False)

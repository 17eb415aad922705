"""What a list's lines and its pages of results and payments cost grows with them, never with their product.

The server's statistics are older than a list of thousands that has just come: a join would go by a list without lines.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest
from sqlalchemy import make_url
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.lists import ListActivities
from deploy.stack import Stack
from models.contracts import RunKind, Subject
from models.store.flows.payments import TakenPayments, apply_payments, lock_flow_and_indicators
from models.store.flows.rounds import open_new_round
from models.store.flows.start import StartRequest, enter_flow
from models.store.lists.results import TakenResults, apply_results
from models.store.locking import lock_applications
from models.store.runs.runs import open_run
from models.store.sql import fetch_int
from models.tables.base import now
from models.wire.answers import PaymentPage, ResultPage
from models.words.calendar import china_today
from tests.explained import Told, explain_all, hear_plans
from tests.rows import COUNTY, OPERATOR, OTHER_COUNTY, Ground, Line, Office, add_ground, open_office
from tests.tallies import UNLIKE_LINES

LINES, PAGE = 1_000, 100
AMOUNT = 49_500
# Rows that one statement may handle, in all its steps, for each line of the list.
MOST = 30
Json: TypeAlias = dict[str, object]
Work: TypeAlias = Callable[[AsyncSession], Awaitable[object]]


@pytest.fixture
def database_url(servers: Stack, database_url: str) -> str:
    """Its server tells each statement's plan, with what it came to, to who asked."""
    explain_all(servers.layout.cluster, str(make_url(database_url).database))
    return database_url


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def handled(office: Office) -> list[Told]:
    return hear_plans(office.database)


class Season:
    """A batch's way from its list to its payment, by what takes effect of it alone; each step's work is watched."""

    def __init__(self, office: Office, handled: list[Told], count: int, county: str) -> None:
        self._office, self._handled, self._count, self._county = office, handled, count, county
        self._lists = ListActivities(office.database, office.vault, office.app.state.parts.settings)

    async def play(self) -> None:
        ground = await add_ground(self._office, [Line(amount_fen=AMOUNT)] * self._count, county=self._county)
        await self._initialise(ground)
        await self._verify(ground)
        flow_no = await self._start(ground)
        for page in _pages(ground.numbers):
            await self._step(lambda session, page=page: self._pay(session, flow_no, page))  # type: ignore[misc]

    async def _initialise(self, ground: Ground) -> None:
        number = f"{self._county}-N1"
        await self._office.run(
            "INSERT INTO beneficiary_list (list_no, county_code, fund_year, line_count, total_fen, held_count,"
            " entered_by, created_at) VALUES (:number, :county, 2026, :count, 1, 0, 'x', now())",
            number=number, county=self._county, count=self._count,
        )  # fmt: skip
        await self._office.run(
            "UPDATE application SET stage = 'publicised', match_outcome = NULL,"
            " list_id = (SELECT max(id) FROM beneficiary_list) WHERE batch_id = :batch",
            batch=ground.batch_id,
        )
        await self._list(Subject(kind=RunKind.BENEFICIARY_INIT, number=number, county_code=self._county))
        await self._results(number, "matched", ground.numbers)

    async def _verify(self, ground: Ground) -> None:
        await self._office.run("UPDATE batch SET stage = 'verifying' WHERE id = :batch", batch=ground.batch_id)
        await self._office.run(
            "UPDATE application SET stage = 'in_batch', verification = 'pending' WHERE batch_id = :batch",
            batch=ground.batch_id,
        )
        number = f"{self._county}-V1"
        subject = Subject(kind=RunKind.VERIFICATION, number=number, county_code=self._county, batch_no=ground.batch_no)
        await self._list(subject)
        await self._results(number, "passed", ground.numbers)

    async def _list(self, subject: Subject) -> None:
        async with self._office.database.transaction() as session:
            await open_run(session, subject, "prepared")
        await self._lists.prepare_list(subject)
        self._judge()

    async def _start(self, ground: Ground) -> str:
        wanted = StartRequest(self._county, ground.batch_no, [ground.policy_no], ground.indicator_nos, OPERATOR)
        async with self._office.database.transaction() as session:
            started = await enter_flow(session, self._office.vault, wanted, publicity_days=7, today=china_today())
        self._judge()
        flow_no = started.flow.flow_no
        async with self._office.database.transaction() as session:
            flow = await lock_flow_and_indicators(session, flow_no)
            assert flow is not None
            sent = await open_new_round(session, self._office.vault, flow, None)
        self._judge()
        assert sent is not None
        await self._results(sent.reference, "accepted", ground.numbers)
        await self._office.run("UPDATE flow SET stage = 'paying' WHERE flow_no = :flow_no", flow_no=flow_no)
        return flow_no

    async def _results(self, reference: str, outcome: str, numbers: Sequence[str]) -> None:
        pages = _pages(numbers)
        for place, page in enumerate(pages, 1):
            said: Json = {"dataset_id": "D", "client_reference": reference, "county_code": self._county}
            said |= {"page": place, "result_pages": len(pages)}
            said["results"] = [{"application_no": number, "outcome": outcome} for number in page]
            taken = TakenResults(place, ResultPage.model_validate_json(json.dumps(said)))
            async with self._office.database.transaction() as session:
                assert await apply_results(session, self._office.vault, [taken]) == {place: "applied"}
            self._judge()

    async def _pay(self, session: AsyncSession, flow_no: str, numbers: Sequence[str]) -> None:
        flow = await lock_flow_and_indicators(session, flow_no)
        assert flow is not None
        place = await fetch_int(session, "SELECT count(*) + 1 FROM payment_page WHERE flow_id = :flow", flow=flow.id)
        paid = {"attempt": 1, "sequence": 1, "status": "paid", "amount_fen": AMOUNT, "at": now().isoformat()}
        said: Json = {"flow_id": "F", "client_reference": flow_no, "county_code": self._county, "page": place}
        said["payments"] = [{"application_no": number, "bank_serial_no": "S", **paid} for number in numbers]
        taken = TakenPayments(place, PaymentPage.model_validate_json(json.dumps(said)))
        assert await apply_payments(session, self._office.vault, flow, [taken]) == {place: "applied"}

    async def _step(self, work: Work) -> None:
        async with self._office.database.transaction() as session:
            await work(session)
        self._judge()

    def _judge(self) -> None:
        assert self._handled
        worst = max(self._handled, key=lambda each: each.rows)
        assert worst.rows <= MOST * max(self._count, PAGE), worst.statement
        self._handled.clear()


def _pages(numbers: Sequence[str]) -> list[Sequence[str]]:
    return [numbers[start : start + PAGE] for start in range(0, len(numbers), PAGE)]


@pytest.mark.unseen
@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics of a small list"])
async def test_a_large_list_is_walked_through_once_and_not_for_each_line(
    office: Office, owner: psycopg.Connection, handled: list[Told], analysed: bool
) -> None:
    await Season(office, handled, 5, OTHER_COUNTY).play()
    if analysed:
        owner.execute("ANALYZE")
    await Season(office, handled, LINES, COUNTY).play()
    paid = await office.rows("SELECT stage, payments, count(*) FROM application GROUP BY 1, 2")
    assert paid == [("paid", 1, LINES + 5)]
    assert await office.rows("SELECT state, payment, count(*) FROM flow_line GROUP BY 1, 2") == [
        ("accepted", "paid", LINES + 5)
    ]
    assert await office.rows("SELECT count(*) FROM register_account WHERE status = 'valid'") == [(LINES + 5,)]
    assert await office.rows(UNLIKE_LINES) == []


@pytest.mark.unseen
async def test_applications_are_locked_by_ids_found_first(
    office: Office, owner: psycopg.Connection, handled: list[Told]
) -> None:
    """Right after an import: found, gathered, looked up by their keys, sorted, locked; a join would sort them again."""
    ground = await add_ground(office, [Line()] * LINES)
    owner.execute(
        "INSERT INTO dataset (reference, kind, county_code, stage, generation, record_count, total_fen, created_at)"
        " VALUES ('L', 'verification', %s, 'prepared', 1, 1, 1, now())",
        (COUNTY,),
    )
    owner.execute(
        "INSERT INTO dataset_line SELECT dataset.id, a.id, a.id, application_no, 1 FROM dataset, application a"
    )
    async with office.database.transaction() as session:
        handled.clear()
        await lock_applications(session, "SELECT application_id FROM dataset_line")
    [told] = handled
    assert len(ground.numbers) == LINES < told.rows <= 5 * LINES + 1, told.statement

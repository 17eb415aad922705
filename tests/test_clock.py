"""Clocks a day wrong on API and worker, and days that are easily got wrong: right dates, clear refusals, no waiting."""

import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import time_machine
from sqlmodel import select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.orders import OrderActivities
from api.relay.relay import Relay
from api.relay.routing import Router
from deploy.stack import temporal
from models import tokens
from models.forms.identity import citizen_id_check_digit, parse_citizen_id
from models.store.clock import DAY_IN_CHINA, today_in_china
from models.store.flows.rows import lock_flow_of_run
from models.store.flows.start import StartRefused, StartRequest, enter_flow
from models.store.register.accounts import NewAccount, apply_change
from models.store.runs.runs import open_run
from models.store.sql import execute
from models.store.vault import Field
from models.tables.flows import Order
from models.words.calendar import china_today
from models.words.staff import Role
from tests.api_server import COUNTY, PROVINCE, YEAR, ApiServer, api_server
from tests.county_office import Office
from tests.platform_posts import policy_reviewed, seal
from tests.province import Province
from tests.rows import OPERATOR, REVIEWER, Line, add_ground, codes, open_office
from tests.statements import rows_of
from tests.test_orders_api import mixed_flow, order
from tests.tiny_runs import fresh_queue, fresh_subject, noted, tiny_worker

pytest_plugins = ["tests.province_fixtures"]
DAY = timedelta(days=1)
SKEWS = pytest.mark.parametrize("skew", [-DAY, DAY], ids=["behind", "ahead"])
NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)
# By UTC it is still the day before for eight hours.
TURNS = {
    NEW_YEAR - timedelta(seconds=1): date(2026, 12, 31),
    NEW_YEAR: date(2027, 1, 1),
    datetime(2027, 2, 28, 15, 59, 59, tzinfo=UTC): date(2027, 2, 28),
    datetime(2027, 2, 28, 16, tzinfo=UTC): date(2027, 3, 1),
    datetime(2028, 2, 28, 16, tzinfo=UTC): date(2028, 2, 29),
    datetime(2028, 2, 29, 15, 59, 59, tzinfo=UTC): date(2028, 2, 29),
    datetime(2028, 2, 29, 16, tzinfo=UTC): date(2028, 3, 1),
    datetime(2027, 1, 31, 23, 30, tzinfo=UTC): date(2027, 2, 1),
}
# Publicised on, the first day that is enough.
PUBLIC_SINCE = {
    date(2028, 2, 22): date(2028, 2, 29),
    date(2027, 2, 22): date(2027, 3, 1),
    date(2028, 2, 29): date(2028, 3, 7),
    date(2027, 1, 25): date(2027, 2, 1),
    date(2026, 12, 31): date(2027, 1, 7),
}


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


def skewed(by: timedelta) -> time_machine.travel:
    """This process's clock, the API's and worker's, is wrong by so much; every other program's is right."""
    return time_machine.travel(datetime.now(UTC) + by, tick=True)


# --- which day it is


@pytest.mark.parametrize(("moment", "day"), TURNS.items(), ids=str)
def test_the_day_is_chinas_whatever_the_machines_zone(moment: datetime, day: date) -> None:
    with time_machine.travel(moment, tick=False):
        assert china_today() == day


async def test_the_database_says_the_same_day(server: ApiServer) -> None:
    async with server.database.reading() as session:
        for zone in ("UTC", "America/Los_Angeles"):
            await execute(session, f"SET TIME ZONE '{zone}'")
            for moment, day in TURNS.items():
                rows = await rows_of(
                    session, f"SELECT {DAY_IN_CHINA.format(instant='CAST(:at AS timestamptz)')}", at=moment
                )
                assert rows[0][0] == day
            before, said, after = china_today(), await today_in_china(session), china_today()
            assert before <= said <= after


async def test_publicity_counts_days_over_month_end_and_leap_day(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path) as office:
        ground = await add_ground(office, [Line()])
        wanted = StartRequest(COUNTY, ground.batch_no, [ground.policy_no], ground.indicator_nos, OPERATOR)
        for since, enough in PUBLIC_SINCE.items():
            await office.run("UPDATE batch SET publicity_start = :start", start=since)
            async with office.database.transaction() as session:
                with pytest.raises(StartRefused) as refused:
                    await enter_flow(session, office.vault, wanted, publicity_days=7, today=enough - DAY)
            [missing] = refused.value.missing
            assert f"最早可在 {enough} 启动" in missing.message
            async with office.database.transaction() as session:
                await enter_flow(session, office.vault, wanted, publicity_days=7, today=enough)
                await session.rollback()


def test_a_birth_is_real_from_midnight_in_china() -> None:
    """Born on the first of January: no birthday yet at 23:59:59."""
    newborn = "11010520270101001" + citizen_id_check_digit("11010520270101001")
    with time_machine.travel(NEW_YEAR - timedelta(seconds=1), tick=False):
        assert parse_citizen_id(newborn, china_today()) != newborn
    with time_machine.travel(NEW_YEAR, tick=False):
        assert parse_citizen_id(newborn, china_today()) == newborn


@pytest.mark.parametrize("wrong", ["2027-02-29", "2027-04-31", "2027-13-01", "2100-02-29", "20270228", 1_800_000_000])
async def test_a_day_that_does_not_exist_is_refused_at_its_place(server: ApiServer, wrong: object) -> None:
    batch_no = (await server.post(Role.OPERATOR, "/batches", {"title": "批次", "fund_year": YEAR})).json()["batch_no"]
    body = {"start_date": wrong, "address": "公示栏", "image_file_ids": [1]}
    answer = await server.put(Role.OPERATOR, f"/batches/{batch_no}/publicity", body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/start_date"]


async def test_numbers_and_exports_turn_the_year_at_midnight_in_china(server: ApiServer) -> None:
    numbers = []
    for moment in (NEW_YEAR - timedelta(seconds=1), NEW_YEAR):
        with time_machine.travel(moment, tick=False):
            asked = await server.post(Role.OPERATOR, "/account-checks", {"county": COUNTY})
            numbers.append(asked.json()["round_no"])
            async with server.database.transaction() as session:
                await execute(session, "UPDATE check_round SET stage = 'done', ended_at = :at", at=moment)
    assert [number.split("-")[1][-4:] for number in numbers] == ["2026", "2027"]
    answer = await server.get(Role.REVIEWER, "/account-checks", format="xlsx")
    cells = {
        str(cell) for row in openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].values for cell in row
    }
    assert "2027-01-01 00:00:00" in cells


# --- clocks that are wrong


@SKEWS
async def test_money_goes_out_by_the_databases_day(database_url: str, tmp_path: Path, skew: timedelta) -> None:
    """An API whose clock is ahead starts no flow early, one that is behind none late."""
    async with open_office(database_url, tmp_path) as office:
        ground = await add_ground(office, [Line()])
        start = china_today() - timedelta(days=6 if skew > timedelta() else 7)
        await office.run("UPDATE batch SET publicity_start = :start", start=start)
        with skewed(skew):
            answer = await office.post("/flows", ground.start)
    if skew > timedelta():
        assert codes(answer) == ["PUBLICITY_TOO_SHORT"]
    else:
        assert answer.status_code == 201


@SKEWS
async def test_callbacks_are_refused_while_the_clock_is_wrong_and_taken_afterwards(
    server: ApiServer, skew: timedelta
) -> None:
    body = policy_reviewed(f"{COUNTY}-Z2026-0001.1")
    headers = seal(server.credentials, "evt-1", body)
    with skewed(skew):
        refused = await server.http.post(f"/callbacks/{PROVINCE}", content=body, headers=headers)
        stale = seal(server.credentials, "evt-2", body)  # by the wrong clock it looks fresh
    assert (refused.status_code, refused.json()["code"]) == (401, "SIGNATURE_REFUSED")
    assert "时钟" in refused.json()["detail"]
    assert (await server.http.post(f"/callbacks/{PROVINCE}", content=body, headers=stale)).status_code == 401
    assert await _count(server, "inbox") == 0
    again = await server.http.post(f"/callbacks/{PROVINCE}", content=body, headers=headers)
    assert (again.status_code, await _count(server, "inbox")) == (204, 1)


@pytest.mark.parametrize("skew", [timedelta(minutes=-4), timedelta(minutes=4), -DAY], ids=str)
async def test_a_stored_callback_is_routed_at_once_whatever_the_relays_clock(
    server: ApiServer, skew: timedelta
) -> None:
    body = policy_reviewed(f"{COUNTY}-Z2026-0001.1")
    headers = seal(server.credentials, "evt-1", body)
    await server.http.post(f"/callbacks/{PROVINCE}", content=body, headers=headers)
    with skewed(skew):
        router = Router(server.database, server.vault, server.settings)
        assert await router.route_due() == 1
    async with server.database.reading() as session:
        [(state, wait)] = await rows_of(session, "SELECT state, extract(epoch FROM next_try_at - now()) FROM inbox")
    assert state == "parked"
    assert -1 < wait < 10


@SKEWS
async def test_a_token_of_a_machine_with_another_clock(server: ApiServer, skew: timedelta) -> None:
    with skewed(skew / 2_880):  # half a minute
        near = server.bearer(Role.OPERATOR)
    with skewed(skew):
        far = server.bearer(Role.OPERATOR)
    assert (await server.http.get("/batches", headers=near)).status_code == 200
    refused = await server.http.get("/batches", headers=far)
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert tokens.LEEWAY_SECONDS < 300


@SKEWS
def test_a_worker_whose_clock_is_wrong_goes_on_when_it_is_right(province: Province, skew: timedelta) -> None:
    """The platform refuses what it signs: neither success nor refusal, and the same key until the clock is right."""
    office = Office(province)
    office.choose_policy_unit()
    file_id = office.county.admin.file_id("policy.pdf", office.form())
    new = {"fund_year": office.year, "title": "补贴政策", "item_codes": ["BT1001"], "file_id": file_id}
    with skewed(skew):
        policy_no = province.county().admin.post("/policies", new)["policy_no"]
        province.wait("tried twice", lambda: {"tries": _tries(province, policy_no)}, lambda seen: seen["tries"] > 1)
        assert province.rows("SELECT stage, submission_id FROM policy") == [("in_review", None)]
    province.until("审核通过", "SELECT stage FROM policy", "approved")
    keys = province.rows("SELECT key FROM instruction WHERE operation = 'submitPolicy'")
    assert keys == [(f"{policy_no}.1/submit",)]


def _tries(province: Province, policy_no: str) -> int:
    """None as long as the relay hasn't started the run."""

    async def look() -> int:
        try:
            found = await province.temporal.get_workflow_handle(f"policy-review/{policy_no}").describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return 0
        return max((one.attempt for one in found.raw_description.pending_activities), default=0)

    return province.portal.call(look)


@pytest.mark.parametrize(
    "skew",
    [
        -DAY,
        DAY,
    ],
    ids=["behind", "ahead"],
)
async def test_what_a_writer_with_a_wrong_clock_asks_for_is_carried_at_once(
    database_url: str, tmp_path: Path, temporal_client: Client, skew: timedelta
) -> None:
    """As when the worker's machine is wrong and the relay's is right."""
    queue, subject = fresh_queue(), fresh_subject()
    knobs: dict[str, Any] = {"temporal_task_queue": queue, "temporal_namespace": temporal.NAMESPACE}
    async with api_server(database_url, tmp_path, **knobs) as server, tiny_worker(temporal_client, queue):
        with skewed(skew):
            async with server.database.transaction() as session:
                await open_run(session, subject)
        await Relay(server.database, server.vault, server.settings, temporal_client).deliver_due()
        assert await noted(temporal_client, subject.workflow_id) == []


_INSTANTS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'timestamp with time zone' ORDER BY 1, 2
"""


@SKEWS
async def test_what_people_do_at_a_desk_with_a_wrong_clock_is_kept_with_the_right_time(
    database_url: str, tmp_path: Path, skew: timedelta
) -> None:
    """Every instant of every row, so that a later one by another machine is later here too."""
    async with open_office(database_url, tmp_path) as office:
        with skewed(skew):
            flow_no, named = await mixed_flow(office)
            corrections = [{"application_no": named["rejected"], "account_no": "000000000700"}]
            wanted = order("modified", flow_no, corrections=corrections)
            order_no = (await office.post("/orders", wanted)).json()["order_no"]
            assert (await office.post(f"/orders/{order_no}/confirmation", {}, REVIEWER)).status_code == 200
        columns = await office.rows(_INSTANTS)
        assert len(columns) > 60
        for table, column in columns:
            far = f"SELECT count(*) FROM {table} WHERE abs(extract(epoch FROM {column} - now())) > 3600"
            assert await office.rows(far) == [(0,)], (table, column)


@SKEWS
async def test_a_correction_never_overwrites_what_the_person_changed_after_its_confirmation(
    database_url: str, tmp_path: Path, skew: timedelta
) -> None:
    """Confirmed at a desk whose clock is wrong; then the person's own change is applied; then the run comes to it."""
    async with open_office(database_url, tmp_path) as office:
        flow_no, named = await mixed_flow(office)
        number = named["rejected"]
        wanted = order("modified", flow_no, corrections=[{"application_no": number, "account_no": "000000000700"}])
        order_no = (await office.post("/orders", wanted)).json()["order_no"]
        with skewed(skew):
            assert (await office.post(f"/orders/{order_no}/confirmation", {}, REVIEWER)).status_code == 200
        [(person,)] = await office.rows("SELECT person_index FROM application WHERE application_no = :no", no=number)
        new = NewAccount(COUNTY, str(person), "王梅", "1", "BANK-B", "000000000777", "passbook", "渝快办", "rev")
        async with office.database.transaction() as session:
            await apply_change(session, office.vault, new)
        hands = OrderActivities(office.database, office.vault, None)  # type: ignore[arg-type]
        async with office.database.transaction() as session:
            flow = await lock_flow_of_run(session, flow_no)
            confirmed = (await session.exec(select(Order).where(Order.order_no == order_no))).one()
            await hands._correct(session, flow, confirmed)
        faults = "SELECT fault_code FROM order_line"
        assert await office.rows(faults) == [("ACCOUNT_CHANGED",)]
        index = office.vault.index(Field.ACCOUNT, "000000000777")
        assert await office.rows("SELECT account_index FROM register_account") == [(index,)]


async def _count(server: ApiServer, table: str) -> int:
    async with server.database.reading() as session:
        return int((await rows_of(session, f"SELECT count(*) FROM {table}"))[0][0])


def test_what_is_held_against_a_stored_instant_is_the_databases_clock() -> None:
    """A machine's own clock is for what other machines sign, for the day on which a form is filled, and for pauses."""
    root = Path(__file__).resolve().parents[1]
    own = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(|\btime\.time\(")
    files = [file for room in ("models", "activities", "workflows", "api") for file in (root / room).rglob("*.py")]
    assert sorted(file.relative_to(root).as_posix() for file in files if own.search(file.read_text())) == [
        "activities/platform/http.py",  # the platform's signature and its Retry-After
        "activities/platform/trial.py",  # how far apart the platform's clock and ours are
        "api/pages/citizen_sign_in.py",  # how long is left, as a page shows it
        "api/pages/form_keys.py",  # how old a form is
        "api/pages/formats.py",  # how long something waits, as a page shows it
        "api/platform/callbacks.py",  # the signature of a callback
        "models/id_tokens.py",  # what the province's sign-in has signed
        "models/tables/base.py",  # before the database's clock has been read
        "models/tokens.py",  # when a token was issued
        "models/words/calendar.py",  # the day on which a form is filled
        "workflows/certificates.py",  # whether the certificate that is shown has ended
    ]

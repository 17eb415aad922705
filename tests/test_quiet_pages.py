"""Pages that stand open ask again and again: while nothing of their county is told, nobody goes to the database."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from deploy.stack import temporal
from models.store.people.persons import find_person
from models.store.people.sessions import open_session
from models.store.sql import execute, fetch
from models.tables.base import now
from models.words.stages import ReviewStage
from tests.api_server import COUNTY, OTHER_COUNTY, ApiServer, api_server
from tests.loopback import NO_TLS
from tests.rows import OPERATOR, ROLES, add_catalogs, add_policy
from tests.test_long_poll import Turns, hang_up, heard
from tests.tiny_runs import eventually, fresh_queue

ASKING = re.compile(r'hx-get="([^"]*)"[^>]*hx-trigger="[^"]*every \d+s')
# Tables with a county's rows whose changes aren't told themselves: what is told in their place, or why it may be late.
UNTOLD = {
    "account_lock": "a card change's part, or an entry, has another stage",
    "application": "by the hundred thousand; the act, list, page or flow that changes them is told",
    "application_draft": "on one person's own page only",
    "batch": "its stages have their number, which begins with the county; people's acts are in the trail",
    "application_standing": "comes with applications",
    "beneficiary_list": "people's acts are in the trail, its list is a dataset",
    "budget_choice": "people's acts are in the trail",
    "catalog_list": "names behind codes: a minute late",
    "check_round": "its accounts are the register's; its run is told",
    "disclosure": "stands in no page that asks",
    "evidence_requirement": "people's acts are in the trail",
    "flow_line": "by the hundred thousand; the act or page that changes them is told",
    "moved_part": "comes with its year",
    "moved_year": "signed in the trail before anything goes; from its beginning until then a minute late",
    "indicator": "its stages have their number; what lines reserve comes with their pages",
    "instruction": "what we asked the platform; its run waits",
    "matter_step": "a citizen's",
    "notice": "a citizen's",
    "objection": "people's acts are in the trail",
    "odd_answer": "told to ops, whose polls always read",
    "operator_order": "its states have their number; people's acts are in the trail",
    "other_account": "comes with applications and accounts",
    "policy": "its stages have their number; people's acts are in the trail",
    "platform_trial": "its run is told",
    "policy_unit": "people's acts are in the trail",
    "province_slot": "its holder's run waits for it",
    "public_list_switch": "people's acts are in the trail",
    "register_account": "changes come with a part, an entry, a list or a round",
    "repeated_item": "comes with applications",
    "shared_account": "comes with accounts",
    "stored_file": "comes with an act",
    "trail_entry": "its head is told",
}


@pytest.fixture
async def server(database_url: str, tmp_path: Path, temporal_client: Client) -> AsyncIterator[ApiServer]:
    settings: dict[str, Any] = {"temporal_task_queue": fresh_queue(), "temporal_namespace": temporal.NAMESPACE}
    async with api_server(database_url, tmp_path, temporal=temporal_client, **settings) as running:
        await heard(running)
        yield running


async def policy_under_review(server: ApiServer) -> str:
    async with server.database.transaction() as session:
        await add_catalogs(session)
        number = await add_policy(session, server.vault, stage=ReviewStage.IN_REVIEW)
        await execute(
            session,
            "INSERT INTO run (workflow_id, kind, number, county_code, stage, waiting_for, since, opened_at, restarts,"
            " asked) VALUES ('policy-review/' || :no, 'policy-review', :no, :county, 'in_review', '平台审核', now(),"
            " now(), 0, 1)",
            no=number,
            county=COUNTY,
        )
    return number


async def sign_in(server: ApiServer) -> httpx.AsyncClient:
    server.staff.add_known(OPERATOR, COUNTY)
    async with server.database.transaction() as session:
        person = await find_person(session, COUNTY, OPERATOR)
        assert person is not None
        secret = await open_session(session, person, ROLES[OPERATOR], now())
    cookies = {"onecard_staff": secret}
    return httpx.AsyncClient(base_url=server.http.base_url, cookies=cookies, verify=NO_TLS, trust_env=False, timeout=30)


async def settled(browser: httpx.AsyncClient, polls: list[str], turns: Turns) -> None:
    """Until what has been told so far is answered: a round of polls in which nobody has gone to the database."""

    async def quiet() -> bool:
        before = turns.count
        for poll in polls:
            await browser.get(poll)
        return turns.count == before

    await eventually(quiet)


async def test_a_poll_goes_to_the_database_once_something_of_its_county_is_told(server: ApiServer) -> None:
    number = await policy_under_review(server)
    async with await sign_in(server) as browser:
        page = await browser.get(f"/console/policies/{number}")
        polls = [html.unescape(address) for address in ASKING.findall(page.text)]
        assert {poll.partition("?")[0] for poll in polls} == {
            "/console/badge",
            "/console/leaving",
            f"/console/policies/{number}",
        }
        turns = Turns(server)
        await settled(browser, polls, turns)
        [live] = [poll for poll in polls if number in poll]
        quiet = turns.count
        assert (await browser.get(live)).status_code == 204
        # other pages of the same person ask the same
        assert (await browser.get(f"{live}&title=other")).status_code == 204
        await change(server, "UPDATE run SET waiting_for = 'x' WHERE county_code = :county", OTHER_COUNTY)
        assert (await browser.get(live)).status_code == 204
        assert turns.count == quiet + 1, "the change itself, and nobody else"
        await change(server, "UPDATE run SET waiting_for = '平台来件' WHERE county_code = :county", COUNTY)

        async def shown() -> bool:
            answer = await browser.get(live)
            return answer.status_code == 200 and "平台来件" in answer.text

        await eventually(shown)
        before = turns.count
        await browser.get(f"/console/policies/{number}")
        assert turns.count > before, "a page that is opened is read"


async def test_a_session_that_has_ended_elsewhere_asks_no_more(server: ApiServer) -> None:
    async with await sign_in(server) as browser:
        turns = Turns(server)
        await settled(browser, ["/console/leaving?live=1"], turns)
        await change(server, "UPDATE staff_session SET ended_at = now(), over_by = 'signed_out'")

        async def over() -> bool:
            return (await browser.get("/console/leaving?live=1")).status_code == 286

        await eventually(over)


async def test_pages_one_after_another_read_the_session_once_and_none_that_has_ended(server: ApiServer) -> None:
    async with await sign_in(server) as browser:

        async def is_in() -> bool:
            return "/console/sign-out" in (await browser.get("/console/help")).text

        assert await is_in()
        await settled(browser, ["/console/help"], Turns(server))
        await change(server, "UPDATE staff_session SET ended_at = now(), over_by = 'signed_out'")

        async def is_out() -> bool:
            return not await is_in()

        await eventually(is_out)


async def test_a_cookie_that_has_signed_out_opens_nothing_at_once(server: ApiServer) -> None:
    async with await sign_in(server) as browser:
        page = await browser.get("/console/help")
        key = page.text.partition('action="/console/sign-out"')[2].partition('value="')[2].partition('"')[0]
        kept, said = dict(browser.cookies), {"Sec-Fetch-Site": "same-origin"}
        left = await browser.post("/console/sign-out", data={"form_key": key}, headers=said)
        assert left.headers["location"] == "/console/signed-out"
        browser.cookies.update(kept)
        assert "/console/sign-out" not in (await browser.get("/console/help")).text


async def test_whoever_is_locked_elsewhere_asks_no_more(server: ApiServer) -> None:
    async with await sign_in(server) as browser:
        turns = Turns(server)
        await settled(browser, ["/console/badge?live=1&shown=0"], turns)
        await change(server, "UPDATE person SET state = 'locked'")

        async def over() -> bool:
            return (await browser.get("/console/badge?live=1&shown=0")).status_code == 286

        await eventually(over)


async def test_while_nothing_is_heard_every_poll_reads(server: ApiServer) -> None:
    async with await sign_in(server) as browser:
        turns = Turns(server)
        await settled(browser, ["/console/badge?live=1"], turns)
        await hang_up(server)
        before = turns.count
        # a line that is there again may have missed something: the first poll reads, whether it is or not
        await browser.get("/console/badge?live=1")
        assert turns.count > before


async def test_a_countys_tables_are_told_or_say_why_not(server: ApiServer) -> None:
    async with server.database.reading() as session:
        tables = await fetch(
            session,
            str,
            "SELECT table_name::text FROM information_schema.columns WHERE column_name = 'county_code'"
            " AND table_schema = 'public'",
        )
        told = await fetch(
            session,
            str,
            "SELECT DISTINCT t.tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE p.proname IN ('tell_county', 'tell_county_of')",
        )
    of_county = set(tables) - {"alembic_version"}
    assert len(told) > 10
    assert of_county - set(told) == UNTOLD.keys()


async def change(server: ApiServer, statement: str, county: str | None = None) -> None:
    """As another process would."""
    values = {"county": county} if county else {}
    async with server.database.transaction() as session:
        await execute(session, statement, **values)

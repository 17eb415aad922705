"""Addresses that nobody of ours wrote: numbers that would lead elsewhere, and what no header or page can hold."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from api.pages.routes import ROUTERS
from tests.browser import Browser
from tests.rows import OPERATOR, Office, add_catalogs, open_office

# A step back, a question of its own, a fragment, what is quoted twice, no text, another alphabet.
NUMBERS = ("%2e%2e", quote("a?b#c%2e%\r\nX: 1\0中文", safe=":"))
# Pages about something that is only read once a code was typed.
WITHOUT_LOOKING = ("/console/inbox/", "/console/odd-answers/")


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def pages_of_one() -> list[str]:
    routes = [route for router in ROUTERS for route in router.routes]
    paths = [str(getattr(route, "path", "")) for route in routes if "GET" in getattr(route, "methods", ())]
    return [path for path in paths if "{" in path and ":path" not in path and path.startswith("/console/")]


async def test_a_number_out_of_an_address_leads_nowhere_else(office: Office) -> None:
    """`/console/flows/..` would ask the API for another list, and show its answer as a flow; a NUL would break it."""
    async with office.database.transaction() as session:
        await add_catalogs(session)
    browser = await Browser.at(office).sign_in(OPERATOR)
    wrong = []
    for path in pages_of_one():
        for number in NUMBERS:
            place = re.sub(r"\{[^}]+\}", number, path)
            found = (await browser.get(place)).status_code
            if found not in ((200,) if path.startswith(WITHOUT_LOOKING) else (403, 404, 422)):
                wrong.append((place, found))
    assert wrong == []


async def test_a_link_from_elsewhere_is_asked_once_more_whatever_is_in_it(office: Office) -> None:
    browser = Browser.at(office)
    page = await browser.open(f"/console/flows/{NUMBERS[1]}?line=%22%3E", **{"Sec-Fetch-Site": "cross-site"})
    assert page.status == 200
    [again] = page.document.cssselect("meta[http-equiv=refresh]")
    assert again.get("content") == f"0; url={page.answer.url.raw_path.decode()}"
    assert page.answer.headers["hx-push-url"] == page.answer.url.raw_path.decode()


async def test_what_no_list_can_be_paged_by_is_the_usual_page(office: Office) -> None:
    async with office.database.transaction() as session:
        await add_catalogs(session)
    browser = await Browser.at(office).sign_in(OPERATOR)
    assert (await browser.open("/console/applications?limit=²")).status == 200

"""EN: every page and part of a page, as every role sees it, without a Chinese word of ours (CONSOLE 2.9, Words).

Journeys look at each of their pages in English too (tests/browser.py); here is what they don't come by, and what comes
of a button pressed too early.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from lxml import html

from deploy.stack.objects import Access
from models.words.staff import Role
from tests.api_server import seed_catalogs
from tests.browser import Browser, Page
from tests.english import chinese_left
from tests.everything import lay_everything, numbers_of
from tests.page_addresses import readable
from tests.rows import COUNTY, Office, open_office, s3_knobs
from tests.test_page_roles import PERSONS

# Addresses that lead away, and files.
_ELSEWHERE = re.compile(r"/(look|switch)$|/(export|file|template|refused-rows|code)$|/(photos|images|files)/")
# Buttons that end what this walk stands on.
_LEAVES = re.compile(r"/sign-out$|/logout$|/session|/console/sign-in|/people/.*/(lock|stop|reset)$")
# A sign-in begun, a draft half typed, what only leads on or has nothing to say: journeys see them.
_OF_JOURNEYS = {
    "/citizen/m/sign-in/{login_no}",
    "/console/applications/drafts/{draft_id}/{step}",
    "/console/applications/review",
    "/console/flows/{flow_no}/order",
    "/console/leaving",
    "/console/sign-in/oidc",
}
# Beside the roles.
CITIZEN, NOBODY = "citizen", "nobody"
# Who works on things: what can be done differs from one to the next.
WORKERS = (Role.OPERATOR.value, Role.REVIEWER.value)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, **s3_knobs(s3_settings)) as opened:
        yield opened


def filled(pattern: str, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The addresses of this kind; none where there is no such thing."""
    names = re.findall(r"\{(\w+)\}", pattern)
    for values in product(*[known.get(name, ()) for name in names]):
        yield pattern.format_map(dict(zip(names, values, strict=True)))


async def reader(office: Office, who: str, session: str) -> Browser:
    """Somebody whose switch is at EN."""
    browser = Browser.at(office)
    if who == CITIZEN:
        await browser.put_cookie("onecard_session", session, "/citizen")
    elif who != NOBODY:
        await browser.sign_in(PERSONS[Role(who)], role=Role(who))
    await browser.put_cookie("onecard_look", "en.normal.light", "/")
    return browser


def patterns(who: str) -> list[str]:
    found = [pattern for pattern in readable() if not _ELSEWHERE.search(pattern)]
    if who == NOBODY:
        return found
    return [pattern for pattern in found if pattern.startswith("/citizen") == (who == CITIZEN)]


async def test_every_page_is_in_english_for_everybody(office: Office) -> None:
    await seed_catalogs(office.database, COUNTY)
    session = await lay_everything(office)
    known = {**await numbers_of(office), "subject": list(PERSONS.values()), "room": ["joining"]}
    found: dict[tuple[str, str], str] = {}
    opened: set[str] = set()
    for who in (*(role.value for role in Role), CITIZEN, NOBODY):
        browser = await reader(office, who, session)
        for pattern in patterns(who):
            for address in islice(filled(pattern, known), 5 if who in WORKERS else 1):
                answer = await browser.http.get(address)
                for text in left(answer):
                    found.setdefault((pattern, text), f"{address} ({who}): {text}")
                if answer.status_code == 200:
                    opened.add(pattern)
    assert not found, "\n".join(found.values())
    assert {pattern for pattern in patterns(NOBODY) if pattern not in opened} <= _OF_JOURNEYS


def left(answer: httpx.Response) -> list[str]:
    if not answer.headers.get("content-type", "").startswith("text/html") or not answer.text.strip():
        return []
    return chinese_left(html.document_fromstring(answer.text))


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.REVIEWER, Role.COUNTY_ADMIN])
async def test_what_comes_of_a_button_is_in_english(office: Office, role: Role) -> None:
    """Each form of a page sent as it stands: previews, error summaries, refusals, and what was done."""
    session = await lay_everything(office)
    known = await numbers_of(office)
    browser = await reader(office, role.value, session)
    found: dict[tuple[str, str], str] = {}
    sent: set[tuple[str, str]] = set()
    for pattern in patterns(role.value):
        address = next(filled(pattern, known), "/console/help")
        answer = await browser.http.get(address)
        page = Page(answer, html.document_fromstring(answer.text or "<html></html>"))
        for form in page.document.cssselect("main form[method=post]") if answer.status_code == 200 else ():
            for button in form.cssselect("button") or [None]:
                act = (re.sub(r"\d+", "0", form.get("action")), "" if button is None else button.text_content().strip())
                if act in sent or _LEAVES.search(urlsplit(act[0]).path):
                    continue
                sent.add(act)
                answer = await browser.post(page, form, act[1], {})
                if answer.status_code == 303:
                    answer = await browser.http.get(answer.headers["location"])
                for text in left(answer):
                    found.setdefault((pattern, text), f"{address} {act[1]!r}: {text}")
    assert not found, "\n".join(found.values())
    assert len(sent) > 5

"""To-dos while two hundred pages of an office stand open: each asks what its own HTML says, as often as it says."""

import asyncio
import html
import math
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from deploy.bench.ground import county_play
from deploy.bench.lines import COUNTY
from deploy.stack.sign_in import demo_people, sign_in_locally
from deploy.stack.stack import Stack
from models.words.staff import Role

OPEN_PAGES, OPEN_SECONDS = 200, 15.0
# nobody has two hundred pages open: an office has
_OFFICE = (Role.COUNTY_ADMIN, Role.REVIEWER)
_ASKING = re.compile(r'hx-get="([^"]*)"[^>]*hx-trigger="[^"]*every (\d+)s')


@dataclass(frozen=True)
class Asking:
    """A part of an open page that asks for itself."""

    address: str
    every: float


def busy_to_dos(stack: Stack, cookie: dict[str, str]) -> float:
    """The 95th of the list of to-dos, in ms."""
    office = [person for person in demo_people([COUNTY]) if person.role in _OFFICE]
    cookies = [{"onecard_staff": sign_in_locally(stack.layout, person)} for person in office]
    with _live_page(stack) as page:
        return asyncio.run(_busy(stack.layout.api_url, cookie, cookies, page))


@contextmanager
def _live_page(stack: Stack) -> Iterator[str]:
    """A page on which something is under way: a policy that a platform at rest doesn't review."""
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        play = county_play(stack, http)
        stack.signal("simulator", signal.SIGSTOP)
        try:
            yield f"/console/policies/{play.hand_in_policy('两百个打开的页面')}"
        finally:
            stack.signal("simulator", signal.SIGCONT)


async def _busy(url: str, own: dict[str, str], cookies: list[dict[str, str]], page: str) -> float:
    people = [httpx.AsyncClient(base_url=url, cookies=each, timeout=60.0, trust_env=False) for each in cookies]
    parts = [await _parts(browser, page) for browser in people]
    ends = time.perf_counter() + OPEN_SECONDS
    open_parts = [
        asyncio.create_task(_asks(people[place % len(people)], part, part.every * place / OPEN_PAGES, ends))
        for place in range(OPEN_PAGES)
        for part in parts[place % len(people)]
    ]
    async with httpx.AsyncClient(base_url=url, cookies=own, timeout=60.0, trust_env=False) as browser:
        took = [await _to_dos(browser) for _ in iter(lambda: time.perf_counter() < ends, False)]
    await asyncio.gather(*open_parts)
    for client in people:
        await client.aclose()
    return sorted(took)[len(took) * 95 // 100] * 1000


async def _parts(browser: httpx.AsyncClient, page: str) -> list[Asking]:
    """As a browser finds them: a live part with the mark of what it shows, the badge, the session's end."""
    shown = await browser.get(page)
    shown.raise_for_status()
    parts = [Asking(html.unescape(address), float(every)) for address, every in _ASKING.findall(shown.text)]
    assert any(part.address.startswith(page) for part in parts), f"{page} has no live part"
    return parts


async def _asks(browser: httpx.AsyncClient, part: Asking, first: float, ends: float) -> None:
    """Pages were opened at different times: each begins somewhere in its turn."""
    await asyncio.sleep(first)
    while time.perf_counter() < ends:
        begun = time.perf_counter()
        answer = await browser.get(part.address)
        assert answer.status_code in (200, 204), answer.status_code
        await asyncio.sleep(max(0.0, part.every - (time.perf_counter() - begun)))


async def _to_dos(browser: httpx.AsyncClient) -> float:
    """Seconds; a refusal is no quick answer."""
    await asyncio.sleep(0.2)
    begun = time.perf_counter()
    answer = await browser.get("/console")
    return time.perf_counter() - begun if answer.status_code == 200 else math.inf

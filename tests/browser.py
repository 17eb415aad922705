"""A browser without scripts, for journeys over HTTP: opens pages, fills their forms, follows what they answer.

Each page it gets is also looked at: one h1, no inline style or script, nothing from elsewhere, labels on every field;
and once more in English, where nothing but data may be Chinese (tests/english.py).
In `make test-pages` the same journeys have a window of Chromium instead, which does the same (tests/window.py).
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import html

from models.words.staff import Role
from tests.english import chinese_left
from tests.page_laws import look_at
from tests.rows import COUNTY, Office

BASE = "https://console.test"
# Journeys are driven by Chromium: `make test-pages` says so.
IN_CHROMIUM = bool(os.environ.get("ONECARD_IN_CHROMIUM"))
File = tuple[str, bytes, str]
# By kind of page: Chinese of ours that a page in English was found without.
_said_in_english: set[tuple[str, str]] = set()
Values = Mapping[str, str | Sequence[str] | bool | File | Sequence[File]]


@dataclass
class Page:
    """One answer: its document, and how it came."""

    answer: httpx.Response
    document: html.HtmlElement

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def path(self) -> str:
        url = urlsplit(str(self.answer.url))
        return url.path + (f"?{url.query}" if url.query else "")

    @property
    def text(self) -> str:
        return " ".join(self.document.text_content().split())

    @property
    def main(self) -> str:
        """The text of the page itself, without its top and menu."""
        return " ".join(self.document.get_element_by_id("main").text_content().split())

    @property
    def title(self) -> str:
        """The page's own, without the count that the tab has once the badge was asked for."""
        return re.sub(r"^\([0-9,]+\) ", "", str(self.document.findtext(".//title")))

    @property
    def menu(self) -> list[str]:
        return [link.text_content().strip() for link in self.document.cssselect("nav.side a")]

    def link(self, words: str) -> str:
        """Where the link with these words leads."""
        found = [a.get("href") for a in self.document.cssselect("a") if words in a.text_content()]
        assert found, f"no link {words!r} on {self.path}: {self.main[:400]}"
        return str(found[0])

    def has_link(self, words: str) -> bool:
        return any(words in a.text_content() for a in self.document.cssselect("a"))

    def form(self, button: str = "", action: str = "") -> html.FormElement:
        """The form that has a button with these words, or that is sent to this path."""
        for form in self.document.forms:
            words = [b.text_content() for b in form.cssselect("button")]
            if (not button or any(button in word for word in words)) and action in (form.get("action") or ""):
                return form
        raise AssertionError(f"no form {button or action!r} on {self.path}: {self.main[:400]}")

    def button(self, words: str) -> html.HtmlElement | None:
        return next((b for b in self.document.cssselect("button") if words in b.text_content()), None)

    def rows(self, table: str = "table") -> list[dict[str, str]]:
        """A table's rows by the words of their columns."""
        [found, *_] = self.document.cssselect(table)
        heads = [" ".join(th.text_content().split()) for th in found.cssselect("thead th")]
        cells = [
            [" ".join(cell.text_content().split()) for cell in tr.cssselect("td, th")]
            for tr in found.cssselect("tbody tr")
        ]
        return [dict(zip(heads, row, strict=False)) for row in cells]

    @property
    def problem(self) -> str:
        """The words of the error summary, "" where there is none."""
        found = self.document.cssselect("section.notice.bad")
        return " ".join(found[0].text_content().split()) if found else ""

    @property
    def code(self) -> str:
        found = self.document.cssselect("section.notice.bad[data-code]")
        return str(found[0].get("data-code")) if found else ""

    @property
    def done(self) -> str:
        found = self.document.cssselect(".notice.ok")
        return " ".join(found[0].text_content().split()) if found else ""


@dataclass(frozen=True)
class Cookie:
    """What a browser keeps, and how."""

    value: str
    path: str
    secure: bool
    http_only: bool
    same_site: str
    lasting: bool


@dataclass
class Browser:
    """One person's browser at the office's pages; cookies are its own."""

    office: Office
    http: httpx.AsyncClient
    seen: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, office: Office, caller: tuple[str, int] = ("127.0.0.1", 1), *, phone: bool = False) -> "Browser":
        if IN_CHROMIUM:
            # Playwright is for those alone who want it
            from tests.window import Window

            return Window.on(office, phone=phone)
        # the app itself is asked: pages are no part of the API's document
        transport = httpx.ASGITransport(app=office.app, client=caller)
        return cls(office, httpx.AsyncClient(transport=transport, base_url=BASE))

    async def sign_in(self, who: str, county: str = COUNTY, role: Role | None = None) -> "Browser":
        """A session as if the person had just typed a code."""
        await self.put_cookie("onecard_staff", await self.office.sign_in(who, county, role), "/console")
        return self

    async def put_cookie(self, name: str, value: str, path: str) -> None:
        self.http.cookies.set(name, value, domain=urlsplit(BASE).hostname or "", path=path)

    async def cookies(self) -> dict[str, Cookie]:
        return {
            each.name: Cookie(
                str(each.value),
                each.path,
                each.secure,
                "httponly" in {name.lower() for name in each._rest},
                {name.lower(): value for name, value in each._rest.items()}.get("samesite", "").lower(),
                each.expires is not None,
            )
            for each in self.http.cookies.jar
        }

    async def open(self, path: str, **headers: str) -> Page:
        return await self._come(await self.http.get(path, headers=headers))

    async def arrive(self, path: str) -> Page:
        """By a link of another site: the cookie stays behind, and the page asks once more by itself."""
        kept, self.http.cookies = self.http.cookies, httpx.Cookies()
        page = await self.open(path, **{"Sec-Fetch-Site": "cross-site"})
        self.http.cookies = kept
        [again] = page.document.cssselect("meta[http-equiv=refresh]")
        assert again.get("content") == f"0; url={path}"
        return await self.open(path, **{"Sec-Fetch-Site": "same-origin"})

    async def get(self, path: str) -> httpx.Response:
        """A file or a fragment, as it is: asked beside the page."""
        return await self.http.get(path)

    async def submit(self, page: Page, button: str = "", action: str = "", **given: Any) -> Page:
        """Fills the form and presses the button; where it leads is followed."""
        return await self.send(page, page.form(button, action), button, given)

    async def send(self, page: Page, form: html.FormElement, button: str, given: Values) -> Page:
        answer = await self.post(page, form, button, given)
        if answer.status_code == 303:
            answer = await self.http.get(answer.headers["location"])
        return await self._come(answer)

    async def press_twice(self, page: Page, button: str, **given: Any) -> Page:
        """A doubled click: both forms are under way at once. Gives what the first of them led to."""
        form = page.form(button)
        answers = await asyncio.gather(*[self.post(page, form, button, given) for _ in range(2)])
        return await self._come(min(answers, key=lambda answer: answer.status_code))

    async def go_on(self, page: Page, button: str) -> Page:
        """After one has signed in anew beside a form whose session was over; `button` is the form's own."""
        return await self.submit(page, "继续办理")

    async def lose(self, page: Page, button: str, **given: Any) -> Page:
        """The line is cut while the form is under way: it arrives, the answer doesn't; the page stays as it is."""
        await self.post(page, page.form(button), button, given)
        return page

    async def news(self, page: Page, words: str) -> Page:
        """What the open page shows of itself after a while, without being touched: its live parts are asked."""
        for part in page.document.cssselect("[hx-get][hx-trigger*=every]"):
            answer = await self.http.get(part.get("hx-get"))
            shown = Page(answer, html.document_fromstring(f"<main id='main'>{answer.text}</main>"))
            if answer.status_code == 200 and words in shown.main:
                return shown
        raise AssertionError(f"nothing says {words!r} on {page.path}")

    async def post(
        self, page: Page, form: html.FormElement, button: str, given: Values, **headers: str
    ) -> httpx.Response:
        """Only the form sent, its answer not followed; headers are what a browser says of its own pages."""
        data, files = _filled(form, button, given)
        target = urljoin(str(page.answer.url), form.get("formaction") or form.get("action") or "")
        said = {"Sec-Fetch-Site": "same-origin", "Referer": str(page.answer.url), **headers}
        if (form.get("method") or "get").lower() == "get":
            return await self.http.get(target, params=data)
        return await self.http.post(target, data=data, files=files or None, headers=said)

    async def _come(self, answer: httpx.Response) -> Page:
        while answer.status_code == 303:
            answer = await self.http.get(answer.headers["location"])
        page = Page(answer, html.document_fromstring(answer.text or "<html></html>"))
        self.seen.append(page.path)
        look_at(page)
        self._look_in_english(page)
        return page

    def _look_in_english(self, page: Page) -> None:
        """The same page once more with its switch at EN, where it says something that no page has said before.

        At the test's end: a look may be noted, and what a test counts of those is its own.
        """
        if page.status != 200 or page.answer.request.method != "GET":
            return
        kind = re.sub(r"\d+", "0", urlsplit(page.path).path)
        said = {(kind, re.sub(r"\d+", "0", text)) for text in chinese_left(page.document)}
        if said <= _said_in_english:
            return
        _said_in_english.update(said)
        cookies = httpx.Cookies(self.http.cookies)
        cookies.set("onecard_look", "en.normal.light", domain=urlsplit(BASE).hostname or "", path="/")
        self.office.guests.push_async_callback(self._read_in_english, page.path, cookies)

    async def _read_in_english(self, path: str, cookies: httpx.Cookies) -> None:
        # a client of its own: what this answer says of cookies is nobody's
        other = httpx.AsyncClient(transport=self.http._transport, base_url=BASE, cookies=cookies)
        answer = await other.get(path)
        left = chinese_left(html.document_fromstring(answer.text)) if answer.status_code == 200 else []
        assert left == [], f"{path} in English: {left}"


def _filled(form: html.FormElement, button: str, given: Values) -> tuple[dict[str, Any], list[tuple[str, File]]]:
    data: dict[str, Any] = {}
    for name, value in form.form_values():
        data.setdefault(name, []).append(value)
    for pressed in form.cssselect("button[name]"):
        if button and button in pressed.text_content():
            data[pressed.get("name")] = [pressed.get("value") or ""]
    files: list[tuple[str, File]] = []
    names = {element.get("name") for element in form.cssselect("[name]")}
    for name, value in given.items():
        assert name in names, f"the form has no field {name}: {sorted(n for n in names if n)}"
        if isinstance(value, tuple):
            files.append((name, value))
        elif isinstance(value, list) and value and isinstance(value[0], tuple):
            files += [(name, one) for one in value]
        elif value is False:
            data.pop(name, None)
        else:
            data[name] = ["true" if value is True else value] if isinstance(value, str | bool) else list(value)
    multipart = form.get("enctype") == "multipart/form-data"
    if multipart and not files:
        files = [("", ("", b"", "application/octet-stream"))]
    return data, files

"""The browser of tests/browser.py as a window of Chromium: pages are opened, fields filled and buttons pressed in it.

A page is what the document holds when nothing is loading any more, so tests read of it what they read over HTTP.
Whoever goes on from a page that the window has left finds it as it lay there: another tab, in which nothing happened.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
from lxml import html
from playwright.async_api import Locator, Request, Response, Route
from playwright.async_api import Page as Tab

from tests.api_server import serving
from tests.browser import Browser, Cookie, Page, Values
from tests.chromium import Chromium, chromium, violations
from tests.hands import Hands, Keyboard
from tests.page_laws import look_at
from tests.rows import Office

# Headers of an answer as it lay there: what says how long it is, or packed, is no longer so.
_OF_TRANSPORT = ("content-length", "content-encoding", "transfer-encoding")
_STAND_STILL = """() => new Promise((done) => {
  const moving = () => document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling');
  const look = () => moving() ? setTimeout(look, 10) : done();
  look(); })"""
# A form was sent by script: what came has been put into the page, and what that asked for is there too.
_SETTLED = """() => new Promise((done) => {
  const look = () => window.formsSettled > 0 ? done() : setTimeout(look, 10);
  look(); })"""
_COUNT = """window.formsSettled = 0;
document.addEventListener('htmx:afterSettle', (event) => {
  if (event.detail.requestConfig?.triggeringEvent?.type === 'submit') window.formsSettled += 1; });"""
# The document with what was typed in it, as somebody would find it who comes back to it.
_AS_IT_STANDS = """() => { const copy = document.documentElement.cloneNode(true);
  const fields = (of) => of.querySelectorAll('input:not([type=file]), textarea, option');
  const copies = fields(copy);
  fields(document).forEach((field, place) => {
    const kept = copies[place];
    if (field.tagName === 'OPTION') kept.toggleAttribute('selected', field.selected);
    else if (['checkbox', 'radio'].includes(field.type)) kept.toggleAttribute('checked', field.checked);
    else if (field.tagName === 'TEXTAREA') kept.textContent = field.value;
    else kept.setAttribute('value', field.value); });
  return '<!doctype html>' + copy.outerHTML; }"""
_BY_SCRIPT = "form => Boolean(form.closest('[hx-boost=true], [hx-post], [hx-get]'))"
_ALLOW = "form => { for (const each of form.querySelectorAll('[disabled]')) each.disabled = false; }"


# axe has looked at a page built like this: of the same elements, with other words and numbers.
_looked_at: set[object] = set()
_OF_NO_LOOK = {
    "action",
    "content",
    "data-count",
    "href",
    "id",
    "name",
    "src",
    "value",
    "for",
    "hx-get",
    "aria-describedby",
}


def _built(element: html.HtmlElement) -> int:
    """Rows that follow one another and are alike count as one."""
    within: list[int] = []
    for child in element.iterchildren("*"):
        if (known := _built(child)) != (within[-1] if within else None):
            within.append(known)
    said = tuple(pair for pair in sorted(element.attrib.items()) if pair[0] not in _OF_NO_LOOK)
    return hash((element.tag, said, bool((element.text or "").strip()), tuple(within)))


async def _guest(office: Office) -> Chromium:
    """The office's own port and its windows, open until the office closes."""
    found: Chromium | None = getattr(office.app.state, "chromium", None)
    if found is None:
        origin = await office.guests.enter_async_context(serving(office.app))
        # to a browser this name is a secure place, at which it keeps secure cookies
        found = await office.guests.enter_async_context(chromium(origin.replace("127.0.0.1", "localhost")))
        office.app.state.chromium = found
    return found


@dataclass
class Window(Browser):
    """One person's window, with cookies of its own."""

    # of all windows of a test: `mouse`, `keyboard` alone, or `plain`, without scripts (tests/conftest.py)
    way: ClassVar[str] = "mouse"
    phone: bool = False
    scripts: bool = True
    hands: Hands = field(default_factory=Hands)
    _tab: Tab | None = None
    _shown: Page | None = None
    _came: Response | None = None

    @classmethod
    def on(cls, office: Office, *, phone: bool = False) -> "Window":
        hands = Keyboard() if cls.way == "keyboard" else Hands()
        return cls(office, office.http, phone=phone, scripts=cls.way != "plain", hands=hands)

    async def tab(self) -> Tab:
        if self._tab is None:
            self._tab = await (await _guest(self.office)).window(phone=self.phone, scripts=self.scripts)
            await self._tab.add_init_script(_COUNT)
            self._tab.on("response", self._on_answer)
        return self._tab

    def _on_answer(self, answer: Response) -> None:
        if answer.request.is_navigation_request():
            self._came = answer

    async def put_cookie(self, name: str, value: str, path: str) -> None:
        context = (await self.tab()).context
        await context.clear_cookies(name=name)
        kept = {"name": name, "value": value, "domain": "localhost", "path": path, "httpOnly": True, "secure": True}
        await context.add_cookies([{**kept, "sameSite": "Strict"}])  # type: ignore[list-item, typeddict-item]

    async def cookies(self) -> dict[str, Cookie]:
        return {
            each["name"]: Cookie(
                each["value"],
                each["path"],
                each["secure"],
                each["httpOnly"],
                each["sameSite"].lower(),
                each["expires"] != -1,
            )
            for each in await (await self.tab()).context.cookies()
        }

    async def open(self, path: str, **headers: str) -> Page:
        assert not headers, "what a browser says of itself is not ours to say"
        tab = await self.tab()
        if isinstance(self.hands, Keyboard) and (link := await self._link(path)) is not None:
            await self.hands.go_to(link)
            async with tab.expect_navigation() as led:
                await self.hands.push(link)
            return await self._snapshot(await led.value)
        answer = await tab.goto(path)
        assert answer is not None
        return await self._snapshot(answer)

    async def _link(self, path: str) -> Locator | None:
        """The one of the page that leads there, where it has one in sight that a navigation follows."""
        links = (await self.tab()).locator(f'a[href="{path}"]:not([target]):not([hx-boost] a):visible')
        return links.first if await links.count() else None

    async def arrive(self, path: str) -> Page:
        tab = await self.tab()
        elsewhere, target = "http://elsewhere.test/", f"{await self._origin()}{path}"
        await tab.route(elsewhere, lambda route: route.fulfill(content_type="text/html", body=_link(target)))
        await tab.goto(elsewhere)
        (await _guest(self.office)).loaded.remove(elsewhere)
        await tab.get_by_role("link").click()
        await tab.locator("nav.side").wait_for()
        return await self._snapshot(self._came)

    async def get(self, path: str) -> httpx.Response:
        answer = await (await self.tab()).request.get(path, max_redirects=0)
        return httpx.Response(answer.status, headers=_told(answer.headers), content=await answer.body())

    async def send(self, page: Page, form: html.FormElement, button: str, given: Values) -> Page:
        found = await self._filled(page, form, given)
        return await self._press(found, _button(found, button))

    async def press_twice(self, page: Page, button: str, **given: Any) -> Page:
        found = await self._filled(page, page.form(button), given)
        return await self._press(found, _button(found, button), clicks=2)

    async def go_on(self, page: Page, button: str) -> Page:
        """The form has stayed on the screen, and so has its button."""
        return await self.submit(page, button)

    async def lose(self, page: Page, button: str, **given: Any) -> Page:
        """The answer is thrown away on its way: the act was done, and the page says that the line was cut."""
        form = page.form(button)
        found, tab = await self._filled(page, form, given), await self.tab()
        line = await tab.context.new_cdp_session(tab)
        line.on("Fetch.requestPaused", lambda event: _cut(line, event))
        pattern = {"urlPattern": f"*{form.get('action')}", "requestStage": "Response"}
        await line.send("Fetch.enable", {"patterns": [pattern]})
        await self.hands.push(_button(found, button))
        await tab.get_by_text("网络中断，内容还在，请重试").wait_for()
        await line.detach()
        return page

    async def news(self, page: Page, words: str) -> Page:
        tab = await self.tab()
        assert self._shown is page, "only an open page has news"
        await tab.locator("#main").get_by_text(words).first.wait_for()
        return await self._snapshot(None)

    async def _filled(self, page: Page, form: html.FormElement, given: Values) -> Locator:
        """The form in the window, which stands at this page; what is folded away is opened."""
        if self._shown is not page:
            await self._bring_back(page)
        found = (await self.tab()).locator("form").nth(page.document.forms.index(form))
        await self.hands.unfold(found)
        for name, value in given.items():
            await self.hands.fill(found.locator(f'[name="{name}"]'), name, value)
        return found

    async def _press(self, form: Locator, button: Locator, clicks: int = 1) -> Page:
        tab = await self.tab()
        if not await button.is_enabled():
            # pressed all the same, in a page that somebody has altered
            await form.evaluate("form => form.closest('fieldset')?.removeAttribute('disabled')")
            await form.evaluate(_ALLOW)
        await self.hands.go_to(button)
        if not (self.scripts and await form.evaluate(_BY_SCRIPT)):
            async with tab.expect_navigation() as led:
                await self.hands.push(button, clicks)
            return await self._snapshot(await led.value)
        action = urlsplit(await form.evaluate("form => form.action")).path
        method = (await form.evaluate("form => form.method")).upper()
        await tab.evaluate("() => { window.formsSettled = 0; }")
        async with tab.expect_event("response", lambda each: _answers_to(each, method, action)) as coming:
            await self.hands.push(button, clicks)
        answer = await coming.value
        await tab.evaluate(_SETTLED)
        return await self._snapshot(answer)

    async def _snapshot(self, answer: Response | None) -> Page:
        tab = await self.tab()
        if self.scripts:
            await tab.evaluate(_STAND_STILL)
        content, former = await tab.evaluate(_AS_IT_STANDS), self._shown
        if answer is not None:
            status, headers = answer.status, _told(await answer.all_headers())
        else:
            assert former is not None
            status, headers = former.status, dict(former.answer.headers)
        said = httpx.Response(status, headers=headers, content=content.encode(), request=httpx.Request("GET", tab.url))
        page = self._shown = Page(said, html.document_fromstring(content))
        self.seen.append(page.path)
        look_at(page)
        if self.scripts and (built := _built(page.document)) not in _looked_at:
            (await _guest(self.office)).complaints += await violations(tab)
            _looked_at.add(built)
        return page

    async def _bring_back(self, page: Page) -> None:
        tab, address = await self.tab(), str(page.answer.url)

        async def as_it_lay(route: Route) -> None:
            await route.fulfill(status=page.status, headers=_told(dict(page.answer.headers)), body=page.answer.content)

        # until all is there: a browser that stops looking while a style is on its way may leave that waiting for ever
        await tab.route(address, as_it_lay)
        await tab.goto(address)
        await tab.unroute(address, as_it_lay)
        await tab.evaluate(_STAND_STILL)
        self._shown = page

    async def _origin(self) -> str:
        return (await _guest(self.office)).origin


def _told(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_TRANSPORT}


def _link(target: str) -> str:
    return f'<!doctype html><title>elsewhere</title><a href="{target}">there</a>'


def _button(form: Locator, words: str) -> Locator:
    return form.locator("button", has_text=words).first if words else form.locator("button").first


def _answers_to(answer: Response, method: str, action: str) -> bool:
    """Whether this is where the form led, at the end of what it was sent on to."""
    request: Request = answer.request
    while request.redirected_from is not None:
        request = request.redirected_from
    sent = (request.method, urlsplit(request.url).path) == (method, action)
    return sent and "live=1" not in request.url and answer.status // 100 != 3


async def _cut(line: Any, event: dict[str, Any]) -> None:
    await line.send("Fetch.failRequest", {"requestId": event["requestId"], "errorReason": "ConnectionReset"})

"""The local stack's start page: who may be played, a tour of a season, and where everything is. Loopback only.

It is served by the stack and never by the product: it opens sessions with the stack's own keys and database.
"""

import csv
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.demo.citizens import Browser
from deploy.demo.people import counties
from deploy.simulator.catalog import load_catalog
from deploy.simulator.pages import button, form_of, is_local, page
from deploy.simulator.problems import Problem
from deploy.stack.keys import COUNTIES
from deploy.stack.layout import Layout
from deploy.stack.ports import LOOPBACK
from deploy.stack.processes import StackError
from deploy.stack.sign_in import DemoPerson, demo_people, open_local_session
from deploy.stack.tour import CITIZEN, FILE, GOING_LIVE, PHONE, STEPS, Seen, Step, Turn, next_step, seen_of

STAFF_COOKIE, STAFF_PATH = "onecard_staff", "/console"
CITIZEN_COOKIE, CITIZEN_PATH = "onecard_session", "/citizen"
TOUR_COUNTY = "500003"
_READY_WITHIN_S = 10
# organizations have no year of birth there
_BORN = ("19", "20")
_HINT = (
    "<p>✓ 是已办的，▶ 是下一步。每一步从上到下按按钮，按钮以该人登录并打开页面；办完回到这里。"
    "演示人员没有验证器，这样登录的不会被要求输入六位验证码。</p>"
    '<p lang="en">✓ is done, ▶ is next. Press the buttons of a step from top to bottom: each signs its person'
    " in and opens the page; then come back here. The pages have English: “EN” at their top.</p>"
)


class StartPage:
    """The pages of one running stack."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._people = {person.subject: person for person in demo_people(COUNTIES)}

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/citizen", self.sign_in_citizen, methods=["POST"]),
            Route("/accounts.csv", self.accounts, methods=["GET"]),
        ]
        return _for_this_machine(Starlette(routes=routes))

    async def show(self, request: Request) -> Response:
        seen = await run_in_threadpool(self._seen)
        body = self._going_live(seen) + self._season(seen) + self._everybody() + self._places()
        return page("惠民惠农“一卡通”本机环境", body, nav="只在这台机器上：人和数据都是编的")

    async def sign_in(self, request: Request) -> Response:
        """A session as if the person had just typed a code, for as long as it lives: no act asks for one."""
        try:
            form = await form_of(request)
            person = self._people.get(form.get("subject", ""))
            if person is None:
                raise Problem("NOT_FOUND", "没有这个人")
        except Problem as problem:
            return page(problem.title, escape(problem.detail or ""), problem.status)
        secret = await open_local_session(self._layout, person)
        return self._sent(form.get("next", ""), STAFF_PATH, STAFF_COOKIE, secret)

    async def sign_in_citizen(self, request: Request) -> Response:
        """The whole way of a citizen: asks by the public API, and the phone passes the face."""
        try:
            form = await form_of(request)
        except Problem as problem:
            return page(problem.title, escape(problem.detail or ""), problem.status)
        secret = await run_in_threadpool(self._citizen_session)
        return self._sent(form.get("next", ""), CITIZEN_PATH, CITIZEN_COOKIE, secret)

    async def accounts(self, request: Request) -> Response:
        """What the platform has of the county already, as somebody takes it out there for 初始导入."""
        named = {"Content-Disposition": f'attachment; filename="accounts-{TOUR_COUNTY}.csv"'}
        return Response(account_file(self._layout), media_type="text/csv", headers=named)

    def _sent(self, place: str, path: str, cookie: str, secret: str) -> Response:
        """To the product's pages; a cookie takes no notice of ports."""
        within = place.startswith(f"{path}/") and "//" not in place and "\\" not in place
        home = STAFF_PATH if path == STAFF_PATH else f"{CITIZEN_PATH}/m/account"
        answer = RedirectResponse(self._layout.api_url + (place if within else home), 303)
        answer.set_cookie(cookie, secret, path=path, httponly=True, samesite="strict")
        return answer

    def _citizen_session(self) -> str:
        name, id_number = demo_citizen(self._layout)
        browser = Browser(self._layout.api_url)
        try:
            browser.sign_in(name, id_number)
            return str(browser.http.cookies[CITIZEN_COOKIE])
        finally:
            browser.close()

    def _seen(self) -> Seen | None:
        with httpx.Client(base_url=self._layout.api_url, timeout=20, trust_env=False) as http:
            return seen_of(counties(http, self._layout.tokens)[TOUR_COUNTY])

    # -- HTML

    def _going_live(self, seen: Seen | None) -> str:
        hint = (
            f"<h2>上线：第一季以前 · 区县 {_called_county(TOUR_COUNTY)}</h2>"
            "<p>新上线的区县先办这两件，各办一次；不办也可以先走下面的一季。</p>"
        )
        return f"<section>{hint}{self._table('going-live', GOING_LIVE, seen)}</section>"

    def _season(self, seen: Seen | None) -> str:
        head = f"<h2>一季的十二步 · 区县 {_called_county(TOUR_COUNTY)}</h2>"
        hint = _HINT if seen else "<p>系统还没有答复，稍后刷新。</p>"
        if seen and next_step(seen) is None:
            hint += (
                "<p>十二步都办完了。还可以看：李会计的待办（发放成功的要提交材料）、郑审计的操作留痕、"
                "陈主任的上线准备，都在下面以某人登录。</p>"
            )
        return f"<section>{head}{hint}{self._table('season', STEPS, seen)}</section>"

    def _table(self, name: str, steps: Sequence[Step], seen: Seen | None) -> str:
        """The steps with who takes them; the first that isn't done is marked."""
        following = next_step(seen, steps) if seen else 0
        rows = "".join(
            f"<tr{' aria-current=step' if place == following else ''}><td>"
            f"{'✓' if seen and step.is_done(seen) else '▶' if place == following else ''}</td><td>{place + 1}</td>"
            f"<td><strong>{escape(step.title)}</strong><br>{escape(step.what)}</td>"
            f"<td>{self._turns(step.turns, seen)}</td></tr>"
            for place, step in enumerate(steps)
        )
        return f'<table id="{name}"><tr><th><th><th>步骤<th>谁</tr>{rows}</table>'

    def _turns(self, turns: tuple[Turn, ...], seen: Seen | None) -> str:
        """A button each, in the order of the step."""
        return "<br>".join(self._turn(turn, turn.place(seen)) for turn in turns)

    def _turn(self, turn: Turn, path: str) -> str:
        does = f"：{turn.does}" if turn.does else ""
        if turn.who == PHONE:
            return f'<a href="{self._layout.simulator_url}{path}">手机（模拟）{does}</a>'
        if turn.who == FILE:
            return f'<a href="{path}" download>示例账号文件{does}</a>'
        if turn.who == CITIZEN:
            return button("/citizen", f"享受人 {demo_citizen(self._layout)[0]}{does}", {"next": path})
        person = self._people[f"{turn.who}-{TOUR_COUNTY}"]
        return button("/sign-in", _called(person) + does, {"subject": person.subject, "next": path})

    def _everybody(self) -> str:
        groups = "".join(
            f"<h3>{county} {escape(load_catalog().counties[county])}</h3>"
            + "".join(
                button("/sign-in", _called(each), {"subject": each.subject})
                for each in self._people.values()
                if each.county == county
            )
            for county in COUNTIES
        )
        citizen = button("/citizen", f"享受人 {demo_citizen(self._layout)[0]}", {})
        note = "<p>一个浏览器同时只有一个人：换人后，先前那人的页面会说“您现在以…登录”，不办任何事。</p>"
        return f"<section><h2>以某人登录</h2>{groups}<h3>享受人</h3>{citizen}{note}</section>"

    def _places(self) -> str:
        layout = self._layout
        places = (
            ("平台审核台（模拟器）", f"{layout.simulator_url}/clerk"),
            ("平台的速度与故障（模拟器）", f"{layout.simulator_url}/switches"),
            ("享受人的手机（模拟器）", f"{layout.simulator_url}/phone"),
            ("享受人的页面", f"{layout.api_url}/citizen/m"),
            ("Temporal UI", layout.temporal.ui_url),
            ("接口文档", f"{layout.api_url}/docs"),
        )
        items = "".join(f'<li><a href="{address}">{escape(words)}</a> {address}</li>' for words, address in places)
        return f"<section><h2>去处</h2><ul>{items}</ul><p>各角色的令牌在 {escape(str(layout.tokens))}。</p></section>"


def _called(person: DemoPerson) -> str:
    return f"{person.name}（{person.role.label}）"


def _called_county(code: str) -> str:
    return f"{code} {escape(load_catalog().counties[code])}"


def demo_citizen(layout: Layout) -> tuple[str, str]:
    """Name and id of whom the phone belongs to at first: the county's first by id that the platform would pay."""
    people = _register(layout)
    fit = [row for row in people if row["verification"] == "passed" and row["id_number"][6:8] in _BORN]
    first = min(fit, key=lambda row: row["id_number"])
    return first["name"], first["id_number"]


def account_file(layout: Layout) -> bytes:
    """The county's accounts in the form of 初始导入."""
    # nothing that `make down` has to wait for
    from models.forms.register_file import ACCOUNT_COLUMNS, OPTIONAL

    text, banks = io.StringIO(), dict(load_catalog().banks)
    lines = csv.writer(text)
    lines.writerow(header for column, header in ACCOUNT_COLUMNS.items() if column not in OPTIONAL)
    for row in _register(layout):
        lines.writerow((row["name"], row["id_number"], banks[row["bank_code"]], row["account_no"]))
    return text.getvalue().encode("utf-8-sig")


def _register(layout: Layout) -> list[dict[str, str]]:
    """Who the platform knows in the county."""
    [file] = [file for county, file in layout.options.registers if county == TOUR_COUNTY]
    with file.open(encoding="utf-8-sig") as text:
        return list(csv.DictReader(text))


def _for_this_machine(app: ASGIApp) -> ASGIApp:
    async def entry(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            if not is_local(host, (scope["client"] or ("",))[0]):
                await Response("只在本机", 403)(scope, receive, send)
                return
        await app(scope, receive, send)

    return entry


@contextmanager
def start_page(layout: Layout) -> Iterator[str]:
    """Serves the page in a thread of its own while the block lasts; gives its address."""
    config = uvicorn.Config(
        StartPage(layout).app(), LOOPBACK, layout.ports["start_page"], log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True, name="start page")
    thread.start()
    try:
        _wait_for(lambda: server.started or not thread.is_alive())
        if not server.started:
            raise StackError(f"起始页没有启动，端口 {layout.ports['start_page']} 可能被占用。")
        yield layout.start_page_url
    finally:
        server.should_exit = True
        thread.join(_READY_WITHIN_S)


def _wait_for(ready: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(_READY_WITHIN_S * 50):
        if ready():
            return
        pause.wait(0.02)

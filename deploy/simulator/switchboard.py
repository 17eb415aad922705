"""速度与故障: how fast the platform's days pass, what goes wrong there, and what a person reviews."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .agenda import Agenda
from .desk import KIND_WORDS
from .faults import Kind, Plan, parse_rates
from .pages import form_of, options, page, told
from .problems import Problem
from .world import Switches, World

SPEEDS = {"0": "不等待", "432000": "一秒五天", "86400": "一秒一天", "3600": "一秒一小时", "1": "与外界同速"}
# As in `make demo`.
A_BAD_DAY = "duplicate=0.2,repeated=0.1,reordered=0.2,early=0.1,late=0.1,lost=0.05,missing_page=0.1,5xx=0.03,429=0.03"
FAULTS = {
    "": "没有故障",
    A_BAD_DAY: "坏天气（make demo 的故障）",
    "5xx=0.3": "平台常常出错",
    "lost=0.5": "一半来件丢失",
}
FAULT_WORDS = {
    Kind.DUPLICATE: "同一来件两次",
    Kind.REPEATED: "内容相同的新来件",
    Kind.REORDERED: "次序颠倒",
    Kind.EARLY: "先于答复",
    Kind.LATE: "晚到",
    Kind.LOST: "丢失",
    Kind.CONTRADICTING: "自相矛盾",
    Kind.MISSING_PAGE: "缺页",
    Kind.OVERLAPPING: "页间重复",
    Kind.SERVER_ERROR: "平台出错",
    Kind.RATE_LIMITED: "请求太多",
    Kind.TIMEOUT_AFTER_ACCEPT: "收下后不答复",
    Kind.HTML_200: "以网页作答",
    Kind.HALF_JSON: "答复只有一半",
    Kind.REDIRECT: "转到别处",
}
WHO = {"auto": "自动审核", "person": "由人审核"}


def routes(world: World, agenda: Agenda) -> list[Route]:
    board = _Switchboard(world, agenda)
    return [
        Route("/switches", board.show, methods=["GET"]),
        Route("/switches/speed", told(board.set_speed), methods=["POST"]),
        Route("/switches/faults", told(board.set_faults), methods=["POST"]),
        Route("/switches/clerk", told(board.set_clerk), methods=["POST"]),
    ]


class _Switchboard:
    def __init__(self, world: World, agenda: Agenda) -> None:
        self._world = world
        self._agenda = agenda

    async def show(self, request: Request) -> Response:
        body = self._speed() + self._faults() + self._clerk() + self._condition()
        return page("速度与故障", body, beside=self._world.links)

    async def set_speed(self, request: Request) -> str:
        speed = (await form_of(request)).get("speed", "")
        if speed not in SPEEDS:
            raise Problem("VALIDATION_FAILED", "未知的速度")
        self._world.clock.set_scale(float(speed))
        self._world.wake()
        return "/switches"

    async def set_faults(self, request: Request) -> str:
        rates = (await form_of(request)).get("faults", "")
        if rates not in FAULTS:
            raise Problem("VALIDATION_FAILED", "未知的故障")
        self._world.faults.change(parse_rates(rates))
        return "/switches"

    async def set_clerk(self, request: Request) -> str:
        form = await form_of(request)
        clerk = {kind: form.get(kind, "auto") for kind in KIND_WORDS}
        if set(clerk.values()) - WHO.keys():
            raise Problem("VALIDATION_FAILED", "未知的审核方式")
        self._world.change_switches(Switches.model_validate({**self._world.switches.model_dump(), "clerk": clerk}))
        self._agenda.release()
        return "/switches"

    def _speed(self) -> str:
        scale = f"{self._world.clock.scale:g}"
        select = f'<select name="speed" aria-label="速度">{options(SPEEDS, scale)}</select>'
        return _form("平台的日子过得多快", "speed", select)

    def _faults(self) -> str:
        now = next((rates for rates in FAULTS if _same(parse_rates(rates), self._world.faults.plan)), None)
        choices = FAULTS if now is not None else {"-": "另行设定", **FAULTS}
        chosen = options(choices, now if now is not None else "-")
        counts = self._world.store.rows("SELECT kind, count(*) AS times FROM fault_log GROUP BY kind ORDER BY kind")
        done = "、".join(f"{FAULT_WORDS[Kind(row['kind'])]} {row['times']} 次" for row in counts) or "还没有"
        select = f'<select name="faults" aria-label="故障">{chosen}</select>'
        return _form("出什么故障", "faults", f"{select}<p>已经发生：{escape(done)}</p>")

    def _clerk(self) -> str:
        rows = "".join(
            f'<p><label>{words} <select name="{kind}">{options(WHO, self._world.switches.clerk.get(kind, "auto"))}'  # type: ignore[call-overload]
            "</select></label></p>"
            for kind, words in KIND_WORDS.items()
        )
        return _form("谁来审核", "clerk", rows)

    def _condition(self) -> str:
        store = self._world.store
        waiting = store.number("SELECT count(*) FROM agenda WHERE waiting = 1")
        coming = store.number("SELECT count(*) FROM agenda WHERE waiting = 0")
        undelivered = store.number("SELECT count(*) FROM event WHERE status = 'pending'")
        words = f"等人审核 {waiting} 件，将要发生 {coming} 件，未送达的来件 {undelivered} 件"
        return f'<section><h2>现在</h2><p>{words}。<a href="/clerk">去审核台</a></p></section>'


def _form(title: str, name: str, fields: str) -> str:
    return (
        f'<section><h2>{escape(title)}</h2><form method="post" action="/switches/{name}">{fields}'
        "<button>设定</button></form></section>"
    )


def _same(one: Plan, other: Plan) -> bool:
    return one.rates == {kind: rate for kind, rate in other.rates.items() if rate} and not any(other.next.values())

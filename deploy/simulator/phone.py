"""The citizen's phone: scans what is shown elsewhere or opens the face page, passes or fails as a chosen person."""

import time
from datetime import datetime
from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .clock import CHINA
from .faces import OPEN, move_face_session
from .pages import button, form_of, live, options, page, told
from .problems import Problem
from .store import Row
from .world import World

# Whose phone it is; the id of a made-up person.
_COOKIE = "phone_of"
_PEOPLE = """
SELECT county_code, id_number, name FROM (
  SELECT county_code, id_number, name, row_number() OVER (PARTITION BY county_code ORDER BY id_number) AS place
  FROM register WHERE verification = 'passed' AND substr(id_number, 7, 2) IN ('19', '20'))
WHERE place <= 8 ORDER BY county_code DESC, place
"""
_WAITING = """
SELECT * FROM face_session WHERE status IN ('waiting', 'scanned') AND expires_at > ? ORDER BY expires_at DESC
"""
_NO_CODE = "现在没有等待扫的码，也没有打开的人脸识别。"
_TYPED = (
    '<form method="post"><p>或按姓名和身份证号：<input name="name" aria-label="姓名"> '
    '<input name="id_number" aria-label="身份证号"> <button name="status" value="passed">通过</button></p></form>'
)
_BANK = "ICBC"
_STATES = {"waiting": "等待扫码", "scanned": "已扫码", "passed": "已通过", "failed": "未通过", "expired": "已超时"}
_HELD = {"open": "正常", "frozen": "冻结", "closed": "已销户", "not_subsidy": "不是惠民惠农账户"}
_ACTS = (("scanned", "扫码"), ("passed", "人脸通过"), ("failed", "人脸不通过"), ("cancelled", "取消"))


def routes(world: World) -> list[Route]:
    phone = _Phone(world)
    return [
        Route("/phone", phone.show, methods=["GET"]),
        Route("/phone/person", phone.choose, methods=["POST"]),
        Route("/phone/card", told(phone.open_card), methods=["POST"]),
        Route("/phone/{face_session_id}", told(phone.act), methods=["POST"]),
        Route("/face/{face_session_id}", phone.face, methods=["GET", "POST"]),
    ]


class _Phone:
    def __init__(self, world: World) -> None:
        self._world = world

    async def show(self, request: Request) -> Response:
        person = self._person(request)
        sessions = self._world.store.rows(_WAITING, time.time())
        codes = "".join(self._code(session) for session in sessions) or f"<p>{_NO_CODE}</p>"
        scanned = f"<section><h2>扫一扫</h2>{live('codes', codes)}</section>"
        # the platform's people come later than a page that was opened before
        body = live("person", self._chooser(person)) + scanned + live("cards", self._cards(person))
        return page("手机（模拟）", body, beside=self._world.links)

    async def choose(self, request: Request) -> Response:
        form = await form_of(request)
        answer = await told(_back_to_phone)(request)
        answer.set_cookie(_COOKIE, form.get("person", ""), httponly=True, samesite="strict")
        return answer

    async def act(self, request: Request) -> str:
        form = await form_of(request)
        self._step(request.path_params["face_session_id"], form, self._person(request))
        return "/phone"

    async def face(self, request: Request) -> Response:
        """What the app opens: the person stands before the camera."""
        session = request.path_params["face_session_id"]
        if request.method == "POST":
            try:
                self._step(session, await form_of(request), self._person(request))
            except Problem as problem:
                return page(problem.title, f"<p>{escape(problem.detail or '')}</p>", problem.status)
        found = self._world.store.row("SELECT status FROM face_session WHERE face_session_id = ?", session)
        person = self._person(request)
        if found is None:
            return page("人脸识别", "<p>没有此会话</p>", 404)
        if found["status"] not in OPEN:
            words = _STATES.get(found["status"], found["status"])
            ended = f"<p>会话已结束：{escape(words)}。请返回“一卡通”页面。</p>"
            return page("人脸识别", ended, beside=self._world.links)
        acts = self._acts(f"/face/{session}")
        return page("人脸识别", self._chooser(person) + f"<section>{acts}{_TYPED}</section>", beside=self._world.links)

    async def open_card(self, request: Request) -> str:
        """A new card of this person at the bank: what can be typed into 变更卡."""
        await form_of(request)
        person = self._person(request)
        if person is None:
            raise Problem("VALIDATION_FAILED", "请先选定这是谁的手机")
        self._world.store.run(
            "INSERT INTO bank_account (bank_code, account_no, card_type, holder_name, holder_id_number, status)"
            " VALUES (?, ?, 'bank_card', ?, ?, 'open')",
            _BANK,
            new_card(self._world.store.number("SELECT count(*) FROM bank_account")),
            person["name"],
            person["id_number"],
        )
        return "/phone"

    def _step(self, session: str, form: dict[str, str], person: Row | None) -> None:
        status = form.get("status", "")
        if status not in {act for act, _ in _ACTS}:
            raise Problem("VALIDATION_FAILED", "未知的操作")
        name, id_number = form.get("name"), form.get("id_number")
        if not (name or id_number) and person is not None:
            name, id_number = person["name"], person["id_number"]
        passed = status == "passed"
        reason = {"failed": "face_mismatch", "cancelled": "cancelled"}.get(status)
        with self._world.store.transaction():
            move_face_session(
                self._world,
                session,
                "failed" if status == "cancelled" else status,
                reason_code=reason,
                name=name if passed else None,
                id_number=id_number if passed else None,
            )
        self._world.wake()

    def _person(self, request: Request) -> Row | None:
        wanted = request.cookies.get(_COOKIE, "")
        people = self._people()
        return next((each for each in people if each["id_number"] == wanted), people[0] if people else None)

    def _people(self) -> list[Row]:
        return self._world.store.rows(_PEOPLE)

    def _chooser(self, person: Row | None) -> str:
        if person is None:
            return "<section><p>平台名册里还没有人。</p></section>"
        people = {row["id_number"]: f"{row['name']} {row['county_code']} {row['id_number']}" for row in self._people()}
        select = f'<select name="person" aria-label="本人">{options(people, person["id_number"])}</select>'
        form = f'<form method="post" action="/phone/person">{select} <button>选定</button></form>'
        return f"<section><h2>这是谁的手机</h2>{form}</section>"

    def _code(self, session: Row) -> str:
        until = datetime.fromtimestamp(session["expires_at"], CHINA).strftime("%H:%M:%S")
        kind = "电脑上的二维码" if session["channel"] == "pc" else "APP 人脸识别"
        words = f"{kind} · {session['client_reference']} · {_STATES[session['status']]} · {until} 前有效"
        return f"<p>{escape(words)}</p>{self._acts('/phone/' + session['face_session_id'])}"

    def _acts(self, action: str) -> str:
        return "".join(button(action, words, {"status": status}) for status, words in _ACTS)

    def _cards(self, person: Row | None) -> str:
        if person is None:
            return ""
        rows = self._world.store.rows(
            "SELECT bank_code, account_no, status FROM bank_account WHERE holder_id_number = ?", person["id_number"]
        )
        mine = "".join(
            f"<li>{escape(self._world.catalog.bank_names.get(row['bank_code'], row['bank_code']))}"
            f" {escape(row['account_no'])} {escape(_HELD.get(row['status'], row['status']))}</li>"
            for row in rows
        )
        opened = button("/phone/card", f"在 {self._world.catalog.bank_names[_BANK]} 开一张新卡", {})
        return f"<section><h2>本人在银行的账户</h2><ul>{mine}</ul>{opened}</section>"


async def _back_to_phone(request: Request) -> str:
    return "/phone"


def new_card(number: int) -> str:
    """A bank card of 19 digits with its Luhn digit."""
    start = f"622202{number:012d}"
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(start)))
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{start}{-total % 10}"

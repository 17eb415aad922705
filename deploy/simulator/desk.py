"""The clerk's desk as a small page: what waits for a person, and two buttons."""

from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .agenda import Agenda, Decision
from .events import Data
from .faces import OPEN, move_face_session
from .problems import Problem
from .store import Row
from .world import World

KIND_WORDS = {
    "policy": "补贴政策",
    "indicator": "指标内容",
    "summary": "发放汇总",
    "beneficiary_init": "数据初始化",
    "verification": "大数据校验",
    "application_submission": "申请提交",
    "account_change": "账号变更",
}

_PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.6 sans-serif;margin:2rem}}
td,th{{padding:.3rem .8rem;border-bottom:1px solid #ccc;text-align:left}}</style>
<h1>{title}</h1>{body}</html>"""


def board(world: World, agenda: Agenda) -> list[Data]:
    return [_item(world, entry) for entry in agenda.desk()]


def routes(world: World, agenda: Agenda) -> list[Route]:
    async def show(request: Request) -> Response:
        return HTMLResponse(_PAGE.format(title="一卡通发放系统 · 审核", body=_table(board(world, agenda))))

    async def decide(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        try:
            agenda.decide(form.get("ref", ""), Decision(form.get("decision") == "approve", form.get("opinion") or None))
        except Problem as problem:
            return HTMLResponse(_PAGE.format(title=problem.title, body=escape(problem.detail)), problem.status)
        return RedirectResponse("/clerk", 303)

    async def face(request: Request) -> Response:
        session = request.path_params["face_session_id"]
        if request.method == "POST":
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            try:
                with world.store.transaction():
                    _step(world, session, form)
            except Problem as problem:
                return HTMLResponse(_PAGE.format(title=problem.title, body=escape(problem.detail)), problem.status)
            world.wake()
        return HTMLResponse(_PAGE.format(title="人脸识别", body=_face_form(world, session)))

    return [
        Route("/clerk", show, methods=["GET"]),
        Route("/clerk", decide, methods=["POST"]),
        Route("/face/{face_session_id}", face, methods=["GET", "POST"]),
    ]


def _item(world: World, entry: Row) -> Data:
    ref, kind = entry["ref"], entry["kind"]
    said: Data = {
        "ref": ref,
        "kind": kind,
        "waiting": bool(entry["waiting"]),
        "due_in": world.clock.seconds_until(entry["due"]),
    }
    table, key = {
        "account_change": ("account_change", "submission_id"),
        "policy": ("review", "submission_id"),
        "indicator": ("review", "submission_id"),
        "summary": ("review", "submission_id"),
    }.get(kind, ("dataset", "dataset_id"))
    row = world.store.row(f"SELECT * FROM {table} WHERE {key} = ?", ref)
    if row is not None:
        said |= {"county_code": row["county_code"], "client_reference": row["client_reference"]}
        said["said"] = row["said"] if table == "review" else None
        said["record_count"] = row["record_count"] if table == "dataset" else None
    return said


def _table(items: list[Data]) -> str:
    if not items:
        return "<p>没有待审核的事项</p>"
    return f"<table><tr><th>事项<th>区县<th>编号<th>内容<th>状态<th>审核{''.join(_line(one) for one in items)}</table>"


def _line(one: Data) -> str:
    said = one.get("said") or one.get("record_count") or ""
    state = "等待审核" if one["waiting"] else "自动审核"
    cells = [KIND_WORDS[str(one["kind"])], one.get("county_code"), one.get("client_reference"), said, state]
    return (
        "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + '<td><form method="post">'
        f'<input type="hidden" name="ref" value="{escape(str(one["ref"]))}">'
        '<input name="opinion" placeholder="审核意见"> '
        '<button name="decision" value="approve">通过</button> '
        '<button name="decision" value="reject">不通过</button></form>'
    )


def _step(world: World, session: str, form: dict[str, str]) -> None:
    status = form.get("status", "")
    if status not in ("scanned", "passed", "failed"):
        raise Problem("VALIDATION_FAILED", "未知的操作")
    person = (form.get("name") or None, form.get("id_number") or None) if status == "passed" else (None, None)
    reason = "face_mismatch" if status == "failed" else None
    move_face_session(world, session, status, reason_code=reason, name=person[0], id_number=person[1])


def _face_form(world: World, session: str) -> str:
    found = world.store.row("SELECT status FROM face_session WHERE face_session_id = ?", session)
    if found is None:
        return "<p>没有此会话</p>"
    if found["status"] not in OPEN:
        return f"<p>会话已结束：{escape(found['status'])}</p>"
    return (
        '<form method="post"><p>姓名 <input name="name"> 身份证号 <input name="id_number"></p>'
        '<button name="status" value="scanned">已扫码</button> <button name="status" value="passed">通过</button> '
        '<button name="status" value="failed">不通过</button></form>'
    )

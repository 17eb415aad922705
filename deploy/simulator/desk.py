"""The clerk's desk as a small page: what waits for a person, and two buttons."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .agenda import Agenda, Decision
from .events import Data
from .pages import form_of, live, page, told
from .shapes import AccountChangeBody
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
_CARDS = {"bank_card": "银行卡", "passbook": "存折"}


def board(world: World, agenda: Agenda) -> list[Data]:
    return [_item(world, entry) for entry in agenda.desk()]


def routes(world: World, agenda: Agenda) -> list[Route]:
    async def show(request: Request) -> Response:
        return page("一卡通发放系统 · 审核", live("board", _table(board(world, agenda))), beside=world.links)

    async def decide(request: Request) -> str:
        form = await form_of(request)
        agenda.decide(form.get("ref", ""), Decision(form.get("decision") == "approve", form.get("opinion") or None))
        return "/clerk"

    return [
        Route("/clerk", show, methods=["GET"]),
        Route("/clerk", told(decide), methods=["POST"]),
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
        said["said"] = _said(world, table, row)
        said["record_count"] = row["record_count"] if table == "dataset" else None
    return said


def _said(world: World, table: str, row: Row) -> str | None:
    """What a review is about; of an account change neither whose it is nor any number."""
    if table == "review":
        return str(row["said"])
    if table == "dataset":
        return None
    body, names = AccountChangeBody.model_validate_json(row["body"]), world.catalog.bank_names
    old = names.get(body.old_bank_code or "", "无")
    return f"{body.source}：{old} → {names[body.new_bank_code]}，{_CARDS[body.card_type]}，第 {body.attempt} 次"


def _table(items: list[Data]) -> str:
    if not items:
        return "<p>没有待审核的事项</p>"
    return f"<table><tr><th>事项<th>区县<th>编号<th>内容<th>状态<th>审核{''.join(_line(one) for one in items)}</table>"


def _line(one: Data) -> str:
    said = one.get("said") or (f"{one['record_count']} 份" if one.get("record_count") else "")
    state = "等待审核" if one["waiting"] else "自动审核"
    cells = [KIND_WORDS[str(one["kind"])], one.get("county_code"), one.get("client_reference"), said, state]
    return (
        "<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in cells) + '<td><form method="post">'
        f'<input type="hidden" name="ref" value="{escape(str(one["ref"]))}">'
        '<input name="opinion" placeholder="审核意见"> '
        '<button name="decision" value="approve">通过</button> '
        '<button name="decision" value="reject">不通过</button></form>'
    )

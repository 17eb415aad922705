"""操作留痕: who did what when, by role, act, thing and time; and whether the chain of entries is whole."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import FROM_TO, Column, Filter, ListPage, export, show_list
from api.pages.window import Staff, Window
from models.words.code_words import ACTORS, ACTS, ROLES
from models.words.staff import Role

router = APIRouter(prefix="/console/trail", include_in_schema=False)
LIST = ListPage(
    chinese="操作留痕",
    english="Trail",
    path="/console/trail",
    api="/trail",
    key="sequence",
    columns=(
        Column("序号", "Number", "sequence", kind="number"),
        Column("时间", "Time", "at", kind="when"),
        Column("经办人", "Who", "actor_label", kind="person"),
        Column("身份", "Role", "role_label", kind="label"),
        Column("操作", "Act", "act_label", kind="label"),
        Column("对象", "Thing", "subject", kind="thing"),
        Column("笔数", "Lines", "line_count", kind="number"),
        Column("金额（元）", "Amount (yuan)", "total_fen", kind="money"),
    ),
    filters=(
        Filter("actor", "经办人", "Who", tuple((code, word, word) for code, word in ACTORS.items()), catalog="people"),
        Filter("role", "身份", "Role", tuple((code, label, label) for code, label in ROLES.items())),
        Filter("act", "操作", "Act", tuple((code, label, label) for code, label in ACTS.items())),
        Filter("subject", "对象", "Thing", kind="text"),
        *FROM_TO,
    ),
    help=(
        "每一次办理都记在这里，逐条相连，改不了也删不掉。校验留痕逐条核对，说出第一条不对的。"
        "“结束后来件”是流程结束以后平台才送来的发放结果。",
        "Every act is noted here, each entry chained to the one before it. Checking walks the chain and names the first"
        " entry that doesn't hold. “After the end”: results that came after a flow had ended.",
    ),
    template="trail.html",
)


@router.get("")
async def list_trail(window: Staff) -> Response:
    return await show_list(window, LIST, check=await _last_check(window), checks=window.signed.role is Role.AUDITOR)


@router.get("/export")
async def export_trail(window: Staff) -> Response:
    return export(window, LIST)


@router.post("/check")
async def check(window: Staff) -> Response:
    """Walks the chain once and notes in it what was found; the page then reads that entry, however often."""
    asked = window.ask.post("/trail/verifications")
    return await window.act(asked, "trail_checked", LIST.path, lambda: list_trail(window))


async def _last_check(window: Window) -> Any:
    """The entry of the last check, for whoever reads details; what it found is in it."""
    found = await window.ask.get("/trail", act="trail.checked", limit=1)
    entry = next(iter(found["items"]), None)
    return entry if entry and isinstance(entry.get("detail"), dict) else None

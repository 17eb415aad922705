"""平台来件 and 异常应答: what the platform told, and answers outside the contract; contents for a reviewer alone."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list
from api.pages.window import Staff, Window
from models.words.code_words import EVENTS, OPERATIONS
from models.words.staff import Role
from models.words.stages import InboxState

router = APIRouter(prefix="/console", include_in_schema=False)
INBOX = ListPage(
    chinese="平台来件",
    english="What the platform says",
    path="/console/inbox",
    api="/inbox",
    key="id",
    help=(
        "平台推送的每一件：先存下、再应答，只生效一次。无法对应和已隔离的要有人看。",
        "What the platform tells: stored before it is acknowledged, applied once. What fits nothing needs a person.",
    ),
    columns=(
        Column("序号", "No.", "id", link="/console/inbox/{id}"),
        Column("类别", "Kind", "event_label", kind="label"),
        Column("来源", "Source", "source_label", kind="label"),
        Column("收到时间", "Came", "received_at", kind="when"),
        Column("业务引用", "Reference", "reference"),
        Column("编号", "Number", "number"),
        Column("状态", "State", "state_label", kind="tag", tone="state"),
        Column("结果", "Result", "effect_label", kind="label"),
        Column("生效时间", "Applied", "applied_at", kind="when"),
        Column("同号异文", "Other bodies", "conflicts", kind="number"),
    ),
    filters=(
        Filter("state", "状态", "State", labelled(InboxState)),
        Filter("event_type", "类别", "Kind", tuple((code, word, word) for code, word in EVENTS.items())),
        Filter("number", "编号", "Number", kind="text"),
    ),
)
ODD = ListPage(
    chinese="异常应答",
    english="Odd answers",
    path="/console/odd-answers",
    api="/odd-answers",
    key="id",
    help=(
        "平台不合约定的应答：从不当作成功，用同一引用重试。",
        "Answers outside the contract: never taken for success, tried again under the same key.",
    ),
    columns=(
        Column("序号", "No.", "id", link="/console/odd-answers/{id}"),
        Column("操作", "Act", "operation_label", kind="label"),
        Column("业务引用", "Reference", "reference"),
        Column("应答码", "Status", "status"),
        Column("次数", "Times", "times", kind="number"),
        Column("最近时间", "Last", "came_at", kind="when"),
    ),
    filters=(
        Filter("operation", "操作", "Act", tuple((str(code), word, word) for code, word in OPERATIONS.items())),
        Filter("number", "编号", "Number", kind="text"),
    ),
)


@router.get("/inbox")
async def list_inbox(window: Staff) -> Response:
    return await show_list(window, INBOX)


@router.get("/inbox/export")
async def export_inbox(window: Staff) -> Response:
    return export(window, INBOX)


@router.get("/odd-answers")
async def list_odd(window: Staff) -> Response:
    return await show_list(window, ODD)


@router.get("/odd-answers/export")
async def export_odd(window: Staff) -> Response:
    return export(window, ODD)


@router.get("/inbox/{inbox_id}")
async def ask_for_event(window: Staff, inbox_id: str) -> Response:
    return _content(window, INBOX, inbox_id, None)


@router.post("/inbox/{inbox_id}")
async def show_event(window: Staff, inbox_id: str) -> Response:
    return _content(window, INBOX, inbox_id, await window.ask.get(f"/inbox/{inbox_id}/content"))


@router.get("/odd-answers/{answer_id}")
async def ask_for_answer(window: Staff, answer_id: str) -> Response:
    return _content(window, ODD, answer_id, None)


@router.post("/odd-answers/{answer_id}")
async def show_answer(window: Staff, answer_id: str) -> Response:
    return _content(window, ODD, answer_id, await window.ask.get(f"/odd-answers/{answer_id}/content"))


def _content(window: Window, page: ListPage, number: str, found: dict[str, Any] | None) -> Response:
    """Opened by a button: whoever reads one is noted."""
    texts = [] if found is None else [found["content"], *(other["content"] for other in found.get("others", ()))]
    written = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False, indent=2) for each in texts]
    may = window.signed.role is Role.REVIEWER
    return window.show("content.html", page=page, number=number, found=found, texts=written, may=may)

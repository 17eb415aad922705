"""矛盾来件: what stands and what the platform says otherwise, side by side; one of the two is taken, with a reason."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.lists import Column, Filter, ListPage, chosen_form, export, labelled, show_list
from api.pages.whole import whole_of
from api.pages.window import Staff, Window
from models.words.code_words import CONTRADICTIONS, TAKEN
from models.words.staff import Role
from models.words.stages import ContradictionState

router = APIRouter(prefix="/console/contradictions", include_in_schema=False)
PATH = "/console/contradictions"
LIST = ListPage(
    chinese="矛盾来件",
    english="Contradictions",
    path=PATH,
    api="/contradictions",
    key="id",
    template="claims.html",
    opens_with={"state": ContradictionState.OPEN.value},
    help=(
        "平台先后说法不一的：先前的结果不动，两种说法并排留着，审核人采信其一并写明理由。没有裁定，流程不能平账结束。",
        "Where the platform says otherwise than before: nothing is overwritten, a reviewer takes one of the two.",
    ),
    columns=(
        Column("序号", "No.", "id", link=f"{PATH}/{{id}}"),
        Column("编号", "Number", "number"),
        Column("类别", "Kind", "kind_label", kind="label"),
        Column("所涉一笔", "Line", "line_key"),
        Column("状态", "State", "state_label", kind="tag", tone="state"),
        Column("采信", "Taken", "taken_label", kind="label"),
        Column("未能执行", "Hindrance", "hindrance", kind="label"),
        Column("裁定人", "Decided by", "decided_by", kind="person"),
        Column("发现时间", "Found", "created_at", kind="when"),
    ),
    filters=(
        Filter("state", "状态", "State", labelled(ContradictionState)),
        Filter("kind", "类别", "Kind", tuple((str(code), word, word) for code, word in CONTRADICTIONS.items())),
        Filter("number", "编号", "Number", kind="text"),
    ),
)
_TAKE = tuple(
    (code, word, {"applied": "Keep the former", "claimed": "Take the later"}[code]) for code, word in TAKEN.items()
)


@router.get("")
async def list_claims(window: Staff) -> Response:
    decides = window.signed.role is Role.REVIEWER
    return await show_list(window, LIST, decides=decides, take=_TAKE, chosen=_chosen(window))


@router.get("/export")
async def export_claims(window: Staff) -> Response:
    return export(window, LIST)


@router.post("/acts")
async def preview_decisions(window: Staff) -> Response:
    """裁定所选: how many would be decided, and what is left out with why; nothing is decided yet."""
    body = {**_decision(window), **_selected(window), "preview": True, "reason": "预览"}
    try:
        told = await window.ask.search("/contradiction-decisions", body)
    except Refused as refused:
        if window.problem is not None:
            raise
        return await window.shown_again(refused, lambda: list_claims(window))
    kept = {"chosen": _chosen(window), "take": window.form.text("take")}
    return window.show("claims_preview.html", told=told, path=PATH, word=TAKEN[told["take"]], **kept)


@router.post("/decisions")
async def decide_many(window: Staff) -> Response:
    """One decision and one reason for all that were ticked, just as it was shown."""
    body = {**_decision(window), **_selected(window), "seen": window.form.maybe("seen")}
    return await window.act(
        window.ask.post("/contradiction-decisions", body),
        "claims_decided",
        PATH,
        lambda: preview_decisions(window),
    )


@router.get("/{contradiction_id}")
async def show_claim(window: Staff, contradiction_id: str) -> Response:
    """In clear for who may decide."""
    claim = await window.ask.get(f"/contradictions/{contradiction_id}")
    decides = claim["why_no_decision"] is None
    return _claim(window, await whole_of(window, f"/contradictions/{contradiction_id}", "review") if decides else claim)


@router.post("/{contradiction_id}/decision")
async def decide(window: Staff, contradiction_id: str) -> Response:
    asked = window.ask.post(f"/contradictions/{contradiction_id}/decision", _decision(window))
    return await window.act(
        asked, "claims_decided", f"{PATH}/{contradiction_id}", lambda: show_claim(window, contradiction_id)
    )


def _decision(window: Window) -> dict[str, object]:
    return {"take": window.form.maybe("take"), "reason": window.form.maybe("reason")}


def _selected(window: Window) -> dict[str, object]:
    return {"selection": {"ids": [int(each) for each in _chosen(window) if each.isascii() and each.isdigit()]}}


def _chosen(window: Window) -> list[str]:
    return chosen_form(window.form) if window.request.method == "POST" else []


def _claim(window: Window, claim: dict[str, Any]) -> Response:
    sides = {side: _written(claim.get(side)) for side in ("applied", "claimed", "asked")}
    decides = window.signed.role is Role.REVIEWER
    return window.show("claim.html", claim=claim, sides=sides, take=_TAKE, decides=decides, path=PATH)


def _written(said: Any) -> str:
    return said if isinstance(said, str) else "" if said is None else json.dumps(said, ensure_ascii=False, indent=2)

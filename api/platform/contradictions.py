"""Contradicting answers of the platform, side by side; a reviewer takes one, with a reason."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import select

from api.counter.desk import READERS, Desk, for_roles
from api.counter.export import View, listed
from api.counter.paging import Pages
from api.server.rendering import json_in
from models.store.events.contradictions import seal_row
from models.store.texts import open_text
from models.store.vault import Field, Vault
from models.tables.flows import Contradiction
from models.words.code_words import CONTRADICTIONS, TAKEN, called
from models.words.stages import ContradictionState, Role

router = APIRouter(tags=["矛盾来件"])
Readers = Annotated[Desk, Depends(for_roles(*READERS))]
_HEADERS = {
    "id": "序号",
    "number": "编号",
    "kind_label": "类别",
    "line_key": "明细",
    "state_label": "状态",
    "taken_label": "采信",
    "reason": "理由",
    "decided_by": "裁定人",
    "decided_at": "裁定时间",
    "created_at": "发现时间",
}


@router.get("/contradictions", summary="矛盾来件列表")
async def list_contradictions(
    desk: Readers,
    page: Pages,
    state: Annotated[ContradictionState | None, Query()] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
    kind: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """A reviewer sees both contents, the others that there is one."""
    statement = select(Contradiction).where(Contradiction.county_code == desk.county)
    if state is not None:
        statement = statement.where(Contradiction.state == state)
    if number is not None:
        statement = statement.where(Contradiction.number == number)
    if kind is not None:
        statement = statement.where(Contradiction.kind == kind)
    whole = desk.role is Role.REVIEWER

    def shown(row: Contradiction) -> tuple[int, View]:
        return row.id or 0, view_of(desk.shown, row, whole=whole)

    async with desk.database.snapshot() as session:
        return await listed(session, page, _HEADERS, (statement, Contradiction.id), shown)


def view_of(vault: Vault, row: Contradiction, *, whole: bool) -> dict[str, object]:
    view: dict[str, object] = {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "kind_label": called(CONTRADICTIONS, row.kind),
        "line_key": row.line_key,
        "state": row.state,
        "state_label": row.state.label,
        "taken": row.taken,
        "taken_label": called(TAKEN, row.taken),
        "hindrance": row.hindrance,
        "reason": open_text(vault, row.county_code, row.reason_sealed),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "asked_at": row.asked_at,
        "created_at": row.created_at,
    }
    if whole:
        view["applied"] = _content(vault, row, row.applied_sealed)
        view["claimed"] = _content(vault, row, row.claimed_sealed)
        view["asked"] = _content(vault, row, row.asked_sealed) if row.asked_sealed else None
    return view


def _content(vault: Vault, row: Contradiction, sealed: str) -> object:
    return json_in(vault.open(Field.DETAIL, seal_row(row.number, row.kind, row.line_key), sealed))

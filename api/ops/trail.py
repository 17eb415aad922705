"""The county's trail: who did what when, and whether the chain of entries is whole."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlmodel import col, select

from api.counter.desk import READERS, Desk, for_roles
from api.counter.export import View, listed
from api.counter.paging import Pages
from api.server.rendering import json_in
from models.forms.masking import masked
from models.store.database import Pool
from models.store.trail.check import check_trail
from models.store.trail.heads import last_head
from models.store.vault import Field, Vault
from models.tables.records import TrailEntry
from models.words.code_words import ACTORS, ACTS, ROLES, called
from models.words.stages import Role

router = APIRouter(tags=["留痕"])
Readers = Annotated[Desk, Depends(for_roles(*READERS))]
# The details of an act may name persons: in clear for who decides about them only.
_SEES_DETAIL = (Role.COUNTY_ADMIN, Role.REVIEWER)
_HEADERS = {
    "sequence": "序号",
    "at": "时间",
    "actor_label": "经办人",
    "role_label": "身份",
    "act_label": "操作",
    "subject": "对象",
    "line_count": "笔数",
    "total_fen": "金额（元）",
}


@router.get("/trail", summary="操作留痕")
async def list_trail(
    desk: Readers,
    page: Pages,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    act: Annotated[str | None, Query(max_length=80)] = None,
    actor: Annotated[str | None, Query(max_length=80)] = None,
    since: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
) -> Response:
    statement = select(TrailEntry).where(TrailEntry.county_code == desk.county)
    for field, value in {"subject": subject, "act": act, "actor": actor}.items():
        if value is not None:
            statement = statement.where(col(getattr(TrailEntry, field)) == value)
    statement = statement.where(*_between(since, until))
    whole = desk.role is Role.REVIEWER
    # the file has no details: they aren't even opened
    vault = desk.shown if desk.role in _SEES_DETAIL and not page.export else None

    def shown(row: TrailEntry) -> tuple[int, View]:
        return row.sequence, _view(row, vault, whole=whole)

    async with desk.database.snapshot() as session:
        return await listed(session, page, _HEADERS, (statement, TrailEntry.sequence), shown)


@router.get("/trail/verification", summary="留痕校验")
async def verify_trail(desk: Readers) -> dict[str, object]:
    """Walks the whole chain; `first_bad_sequence` is the first place where it doesn't hold, `kind` in which way."""
    # Read first: the trail only grows, so what was signed before must be in it.
    signed = await last_head(desk.objects, desk.county)
    # A million entries take a minute or two: people at their desks don't wait for the connection.
    async with desk.database.pool(Pool.EXPORTS).reading() as session:
        broken = await check_trail(session, desk.vault, desk.county, signed)
    return {
        "intact": broken is None,
        "first_bad_sequence": broken.sequence if broken else None,
        "kind": broken.kind.value if broken else None,
        "signed_sequence": signed.sequence if signed else None,
        "signed_at": signed.at if signed else None,
        "finding": f"第 {broken.sequence} 条起：{broken.kind.label}" if broken else "完整",
    }


def _between(since: datetime | None, until: datetime | None) -> list[bool]:
    conditions = []
    if since is not None:
        conditions.append(TrailEntry.at >= since)
    if until is not None:
        conditions.append(TrailEntry.at < until)
    return conditions


def _view(row: TrailEntry, vault: Vault | None, *, whole: bool) -> dict[str, object]:
    view: dict[str, object] = {
        "sequence": row.sequence,
        "at": row.at,
        "actor": row.actor,
        "actor_label": called(ACTORS, row.actor),
        "role": row.role,
        "role_label": called(ROLES, row.role),
        "act": row.act,
        "act_label": called(ACTS, row.act),
        "subject": row.subject,
        "line_count": row.line_count,
        "total_fen": row.total_fen,
    }
    if vault is not None:
        detail = json_in(vault.open(Field.DETAIL, f"{row.county_code}/{row.sequence}", row.detail))
        view["detail"] = detail if whole else masked(detail)
    return view

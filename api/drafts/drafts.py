"""What an applicant has begun to fill in: kept sealed at each step, seen by nobody else, gone once it is entered."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply
from api.counter.roles import Enterers
from api.server.answers import Items, refusals
from api.server.problems import conflict, not_found
from api.server.rendering import json_in
from models.store.selection import NO_NUL
from models.store.texts import open_text, seal_text
from models.tables.applications import ApplicationDraft
from models.tables.base import now
from models.wire.words import ApplicantKind
from models.words.refusals import Refusal

router = APIRouter(tags=["申请"])
MOST = 20
Written = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]


class DraftForm(BaseModel):
    """Fields of an application as they were typed; the amount is in yuan, as people write it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Written | None = None
    id_number: Written | None = None
    phone: Written | None = None
    town_code: Written | None = None
    village_code: Written | None = None
    group: Written | None = None
    bank_code: Written | None = None
    account_no: Written | None = None
    card_type: Written | None = None
    household_registration: Written | None = None
    family_size: Written | None = None
    item_code: Written | None = None
    amount: Written | None = None


class DraftBegun(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: ApplicantKind
    fund_year: Annotated[int, Field(strict=True, ge=2000, le=2099)]


class DraftFilled(BaseModel):
    """What was filled in at one step; what other steps hold stays. Nothing is checked before it is entered."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    form: DraftForm


class DraftView(TypedDict):
    draft_id: int
    kind: ApplicantKind
    fund_year: Annotated[int, Field(description="资金年度")]
    form: Annotated[dict[str, str], Field(description="已填写的内容，本人可见")]
    updated_at: datetime


class DraftGone(TypedDict):
    draft_id: int


@router.get("/application-drafts", summary="未填完的申请")
async def list_drafts(desk: Enterers) -> Items[DraftView]:
    """The caller's own, the latest first."""
    async with desk.database.reading() as session:
        statement = _own(desk).order_by(col(ApplicationDraft.updated_at).desc())
        return {"items": [_view(desk, row) for row in await session.exec(statement)]}


@router.post(
    "/application-drafts",
    summary="开始填写申请",
    status_code=201,
    response_model=DraftView,
    responses=refusals(TOO_MANY_DRAFTS=409),
)
async def begin_draft(desk: Enterers, begun: DraftBegun) -> Response:
    async def work(session: AsyncSession) -> Reply:
        counted = select(func.count()).select_from(_own(desk).subquery())
        if (await session.exec(counted)).one() >= MOST:
            detail = f"未填完的申请最多 {MOST} 份，请先填完或删除已有的"
            raise conflict(Refusal.TOO_MANY_DRAFTS, "未填完的申请太多", detail)
        row = ApplicationDraft(
            county_code=desk.county, subject=desk.person, form_sealed=_sealed(desk, {}), **dict(begun)
        )
        session.add(row)
        await session.flush()
        return Reply(201, _view(desk, row), f"/application-drafts/{row.id}")

    return await desk.once(work)


@router.get("/application-drafts/{draft_id}", summary="未填完的一份申请", responses=refusals(NOT_FOUND=404))
async def show_draft(desk: Enterers, draft_id: int) -> DraftView:
    async with desk.database.reading() as session:
        return _view(desk, await _find(desk, session, draft_id))


@router.put(
    "/application-drafts/{draft_id}",
    summary="保存填写的内容",
    response_model=DraftView,
    responses=refusals(NOT_FOUND=404),
)
async def fill_draft(desk: Enterers, draft_id: int, filled: DraftFilled) -> Response:
    async def work(session: AsyncSession) -> Reply:
        row = await _find(desk, session, draft_id)
        row.form_sealed = _sealed(desk, {**_opened(desk, row), **filled.form.model_dump(exclude_none=True)})
        row.updated_at = now()
        session.add(row)
        await session.flush()
        return Reply(200, _view(desk, row))

    return await desk.change(work)


@router.post(
    "/application-drafts/{draft_id}/removal",
    summary="删除未填完的申请",
    response_model=DraftGone,
    responses=refusals(NOT_FOUND=404),
)
async def remove_draft(desk: Enterers, draft_id: int) -> Response:
    async def work(session: AsyncSession) -> Reply:
        await session.delete(await _find(desk, session, draft_id))
        await session.flush()
        gone: DraftGone = {"draft_id": draft_id}
        return Reply(200, gone)

    return await desk.once(work)


def _own(desk: Desk) -> Any:
    return select(ApplicationDraft).where(
        ApplicationDraft.county_code == desk.county, ApplicationDraft.subject == desk.person
    )


async def _find(desk: Desk, session: AsyncSession, draft_id: int) -> ApplicationDraft:
    known = 0 < draft_id < 2**63
    row = (await session.exec(_own(desk).where(ApplicationDraft.id == draft_id))).first() if known else None
    if row is None:
        raise not_found("未填完的申请")
    assert isinstance(row, ApplicationDraft)
    return row


def _sealed(desk: Desk, form: dict[str, str]) -> str:
    return seal_text(desk.vault, desk.county, json.dumps(form, ensure_ascii=False))


def _opened(desk: Desk, row: ApplicationDraft) -> dict[str, str]:
    found = json_in(open_text(desk.vault, desk.county, row.form_sealed))
    return found if isinstance(found, dict) else {}


def _view(desk: Desk, row: ApplicationDraft) -> DraftView:
    assert row.id is not None
    return {
        "draft_id": row.id,
        "kind": ApplicantKind(row.kind),
        "fund_year": row.fund_year,
        "form": _opened(desk, row),
        "updated_at": row.updated_at,
    }

"""系统通知: what happened to a person's accounts, newest first (S2 1.1)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Shown
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.citizens.account import json_answer
from api.citizens.session import CitizenDesk, Citizens, own_pages_only
from api.citizens.words import BankView, CountyView, bank_names, bank_view, counties_of, county_view
from api.counter.idempotency import Reply
from api.counter.paging import MAX_LIMIT
from api.server.answers import Next
from models.store.register.notices import mark_read, unread_notices
from models.store.register.register import register_row
from models.store.vault import Field
from models.tables.cards import Notice
from models.words.card_stages import NoticeKind
from models.words.card_words import reason_words

LOST = frozenset({NoticeKind.INVALIDATED, NoticeKind.CLEARED})

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])


class NoticeView(BankView):
    notice_no: Annotated[str, Shown(description="读到哪一条，用于标为已读")]
    read: Annotated[bool, Shown(description="是否已读")]
    kind: NoticeKind
    title: str
    account_no: Annotated[str | None, Shown(description="账户")]
    applied_at: Annotated[datetime | None, Shown(description="申请时间")]
    county: CountyView
    result: Annotated[str | None, Shown(description="办理结果")]
    finished_at: Annotated[datetime | None, Shown(description="完结时间")]
    explanation: Annotated[str, Shown(description="说明")]
    error_code: str | None
    error: Annotated[str | None, Shown(description="错误信息")]
    invalid_since: Annotated[datetime | None, Shown(description="失效时间")]
    operated_at: Annotated[datetime, Shown(description="操作时间")]
    request_no: str | None


class Notices(TypedDict):
    items: list[NoticeView]
    next: Next
    unread: Annotated[int, Shown(description="未读条数")]


class ReadUpTo(BaseModel):
    """A notice that comes while the person is reading stays unread."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notice_no: Annotated[str, Shown(pattern=r"^[0-9]{1,18}$", description="已看到的最新一条")]


class Unread(TypedDict):
    unread: Annotated[int, Shown(description="未读条数")]


@router.get("/notices", summary="系统通知", response_model=Notices)
async def list_notices(
    desk: Citizens,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> Response:
    statement = select(Notice).where(
        Notice.person_index == desk.person.person_index,
        col(Notice.county_code).like(counties_of(desk.province)),
    )
    if after is not None:
        statement = statement.where(col(Notice.id) < after)
    async with desk.snapshot() as session:
        rows = (await session.exec(statement.order_by(col(Notice.id).desc()).limit(limit + 1))).all()
        banks = await bank_names(session, desk.province)
        unread = await unread_count(session, desk)
    items = [_view(desk, notice, banks) for notice in rows[:limit]]
    following = str(rows[limit - 1].id) if len(rows) > limit else None
    return json_answer({"items": items, "next": following, "unread": unread})


@router.post("/notices/read", summary="标为已读", response_model=Unread)
async def read_notices(seen: ReadUpTo, desk: Citizens) -> Response:
    """That notice and all before it; what is read stays in the list."""

    async def work(session: AsyncSession) -> Reply:
        await mark_read(session, desk.person.person_index, counties_of(desk.province), int(seen.notice_no))
        return Reply(200, Unread(unread=await unread_count(session, desk)))

    return await desk.once(work)


async def unread_count(session: AsyncSession, desk: CitizenDesk) -> int:
    return await unread_notices(session, desk.person.person_index, counties_of(desk.province))


def _view(desk: CitizenDesk, notice: Notice, banks: Mapping[str, str]) -> NoticeView:
    """The seed's fields: 银行名称, 账户, 申请时间, 区县, 办理结果, 完结时间, 说明, 操作时间, 失效时间, 错误信息."""
    place = register_row(notice.county_code, notice.person_index)
    account = desk.shown.open(Field.ACCOUNT, place, notice.account_sealed) if notice.account_sealed else None
    return {
        "notice_no": str(notice.id),
        "read": notice.read_at is not None,
        "kind": notice.kind,
        "title": notice.kind.label,
        **bank_view(banks, notice.bank_code),
        "account_no": account,
        "applied_at": notice.applied_at,
        "county": county_view(notice.county_code),
        "result": notice.result,
        "finished_at": notice.finished_at,
        "explanation": desk.shown.open(Field.REASON, place, notice.explanation_sealed),
        "error_code": notice.error_code,
        "error": reason_words(notice.error_code) if notice.error_code else None,
        "invalid_since": notice.operated_at if notice.kind in LOST else None,
        "operated_at": notice.operated_at,
        "request_no": notice.request_no,
    }

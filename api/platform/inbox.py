"""The platform's events as they came: everybody sees that there is one, a reviewer of its county what it says."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import defer
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.disclosures import note_whole
from api.counter.export import listed_together
from api.counter.paging import Pages
from api.counter.roles import Readers, Reviewers
from api.platform.inbox_views import HEADERS, InboxContent, InboxView, inbox_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from api.server.rendering import content_of
from models.store.events.inbox import body_row
from models.tables.records import Inbox, InboxConflict
from models.wire.answers import province_of
from models.words.staff import Role
from models.words.stages import DisclosedThing, DisclosurePurpose, InboxState

router = APIRouter(tags=["平台来件"])


@router.get("/inbox", summary="平台来件列表", response_model=Listed[InboxView])
async def list_inbox(
    desk: Readers,
    page: Pages,
    state: Annotated[InboxState | None, Query()] = None,
    event_type: Annotated[str | None, Query(max_length=80)] = None,
    number: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    """No content; ops also see the province's events that nobody could read yet."""
    statement = select(Inbox).where(_visible(desk)).options(defer(Inbox.body))  # type: ignore[arg-type]
    for field, value in {"state": state, "event_type": event_type, "number": number}.items():
        if value is not None:
            statement = statement.where(col(getattr(Inbox, field)) == value)

    async def shown(events: list[Inbox]) -> Iterable[tuple[int, InboxView]]:
        conflicts = await _conflicts(session, [row.id or 0 for row in events])
        return [(row.id or 0, inbox_view(row, conflicts.get(row.id or 0, 0))) for row in events]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, HEADERS, (statement, Inbox.id), shown)


@router.get("/inbox/{inbox_id}/content", summary="来件原文", responses=refusals(NOT_FOUND=404, CODE_NEEDED=403))
async def read_content(desk: Reviewers, inbox_id: int) -> InboxContent:
    """The event as it was sealed, and every other body that came under the same id; whoever reads it is noted.

    It wants a recent code.
    """
    desk.require_code()
    async with desk.database.snapshot() as session:
        row = await _find(session, desk.county, inbox_id)
        others = await session.exec(select(InboxConflict).where(InboxConflict.inbox_id == row.id))
        kept = list(others)
    await note_whole(desk, DisclosedThing.CALLBACK, str(inbox_id), DisclosurePurpose.CONTENT)
    return {
        **inbox_view(row, len(kept)),
        "content": _content(desk, row, row.body),
        "others": [{"received_at": one.received_at, "content": _content(desk, row, one.body)} for one in kept],
    }


def _visible(desk: Desk) -> ColumnElement[bool]:
    county = col(Inbox.county_code)
    if desk.role is Role.OPS or desk.county == province_of(desk.county):
        unread = county.is_(None) & (col(Inbox.province_code) == province_of(desk.county))
        return or_(county == desk.county, unread)
    return county == desk.county


async def _find(session: AsyncSession, county: str, inbox_id: int) -> Inbox:
    # an event that another province's platform sent about this county is nobody's to read here
    own = (col(Inbox.county_code) == county) & (col(Inbox.province_code) == province_of(county))
    # one that names no county and that nobody could read is for a reviewer of the province
    nobodys = col(Inbox.county_code).is_(None) & (col(Inbox.state) == InboxState.QUARANTINED)
    statement = select(Inbox).where(Inbox.id == inbox_id, or_(own, nobodys & (col(Inbox.province_code) == county)))
    row = (await session.exec(statement)).first() if 0 < inbox_id < 2**63 else None
    if row is None:
        raise not_found("来件")
    return row


async def _conflicts(session: AsyncSession, ids: Sequence[int]) -> dict[int, int]:
    statement = (
        select(InboxConflict.inbox_id, func.count())
        .where(col(InboxConflict.inbox_id).in_(ids))
        .group_by(col(InboxConflict.inbox_id))
    )
    return dict((await session.exec(statement)).all())


def _content(desk: Desk, row: Inbox, body: str) -> object:
    return content_of(desk.shown.open_body(body_row(row.province_code, row.event_id), body))

"""Applications one by one: entry, correction, list, search (S1 2.1, 2.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import Field
from typing_extensions import TypedDict

from api.applications.application_entry import (
    CORRECTION_REFUSALS,
    ENTRY_REFUSALS,
    ApplicationCorrection,
    EntryAnswer,
    NewApplication,
    correct,
    take_entry,
)
from api.applications.application_flows import SentInFlow, flows_of
from api.applications.application_rows import HEADERS, LINES, ApplicationRow
from api.applications.search import Sought, found_lines
from api.applications.views import ApplicationView, ApplicationViews, RegisteredView
from api.counter.catalogs import catalogs_for
from api.counter.chunks import ListOrder, read_lines
from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, WholeNames, note_whole
from api.counter.export import respond
from api.counter.names import names_of
from api.counter.paging import Page, Pages
from api.counter.roles import ApplicationQuery, ApplicationReaders, Enterers, Openers, find_line, one_line, own
from api.counter.sought import allow_search
from api.server.answers import Listed, Next, refusals
from api.server.problems import not_found
from api.years.searched import MovedYears, years_not_searched
from models.store.selection import LineFilter, Predicate, filtered
from models.store.sql import fetch, fetch_one
from models.wire.words import DocumentKind, Outcome
from models.words.stages import DisclosedThing

router = APIRouter(tags=["申请"])


class _Photo(NamedTuple):
    kind: str
    content_type: str
    size: int
    stored_at: datetime


class PhotoView(TypedDict):
    kind: Annotated[DocumentKind, Field(description="照片种类")]
    content_type: str
    size: Annotated[int, Field(description="字节数")]
    stored_at: datetime


class FoundApplications(TypedDict):
    """按人查到的申请。"""

    items: list[ApplicationView]
    next: Next
    moved_years: MovedYears


class WholeApplication(ApplicationView):
    flows: Annotated[list[SentInFlow], Field(description="历次发放，最新的在前")]
    registered_account: Annotated[RegisteredView | None, Field(description="此人在本县登记的一卡通账号")]
    account_note: Annotated[str | None, Field(description="所填账号值得核对之处")]
    photos: list[PhotoView]


@router.post(
    "/applications", status_code=201, response_model=EntryAnswer, responses=refusals(LINES_MOVED=410, **ENTRY_REFUSALS)
)
async def enter_application(desk: Enterers, entry: NewApplication) -> Response:
    """录入申请; the answer warns of other applications of the same person and item, which are legal."""
    catalogs = await catalogs_for(desk, entry.fund_year)
    return await desk.once(lambda session: take_entry(desk, session, entry, catalogs))


@router.put(
    "/applications/{application_no}",
    response_model=EntryAnswer,
    responses=refusals(LINES_MOVED=410, **CORRECTION_REFUSALS),
)
async def correct_application(desk: Enterers, application_no: str, correction: ApplicationCorrection) -> Response:
    """编辑申请; what was past the material review goes through it again."""
    async with desk.database.reading() as session:
        fund_year = (await find_line(desk, session, application_no)).fund_year
    catalogs = await catalogs_for(desk, fund_year)
    return await desk.change(lambda session: correct(desk, session, application_no, correction, catalogs))


@router.get(
    "/applications", summary="申请", response_model=Listed[ApplicationView], responses=refusals(LINES_MOVED=410)
)
async def list_applications(
    desk: ApplicationReaders,
    page: Pages,
    criteria: Annotated[ApplicationQuery, Query()],
    order: ListOrder = ListOrder.OLDEST,
) -> Response:
    """Masked; `format=xlsx` exports the whole filtered list.

    Asked for `match_outcome=name_differs`, names and 正确姓名 are whole to operator and reviewer, and noted.
    """
    return await _listed(desk, page, criteria, own(desk, filtered(desk.county, criteria, desk.for_whom)), order)


@router.post(
    "/applications/search",
    summary="按人查询申请",
    response_model=FoundApplications,
    responses=refusals(TOO_MANY_SEARCHES=429),
)
async def search_applications(
    desk: ApplicationReaders, page: Pages, sought: Sought, order: ListOrder = ListOrder.OLDEST
) -> Response:
    """By name, id or account, which never stand in an address; nothing is changed, so no Idempotency-Key."""
    await allow_search(desk, sought)
    beside = {"moved_years": await years_not_searched(desk, sought.filter.fund_year if sought.filter else None)}
    return await _listed(desk, page, sought.filter, found_lines(desk, sought), order, beside)


async def _listed(
    desk: Desk,
    page: Page,
    criteria: LineFilter | None,
    chosen: Predicate,
    order: ListOrder,
    beside: Mapping[str, object] | None = None,
) -> Response:
    differs = criteria is not None and criteria.match_outcome is Outcome.NAME_DIFFERS
    whole = WholeNames(desk, asked=differs)
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        view = ApplicationViews(desk.shown, names, whole_names=whole.of, may_know_lock=desk.may_know_lock)
        rows = await read_lines(session, page, chosen, view.view, HEADERS, LINES, ApplicationRow, order)
    await whole.note((criteria and criteria.list_no) or desk.county, page, rows)
    return await respond(page, HEADERS, rows, beside)


@router.get(
    "/applications/{application_no}",
    response_model=WholeApplication,
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def show_application(desk: ApplicationReaders, application_no: str) -> Response:
    """Everything about one application, masked."""
    return Reply(200, await _shown(desk, application_no, whole=False)).response()


@router.post(
    "/applications/{application_no}/disclosures",
    summary="申请的完整信息",
    response_model=WholeApplication,
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def disclose_application(desk: Openers, application_no: str, wanted: Disclosing) -> Response:
    """Everything in clear, once: to edit, to review, or to look; who asked is noted each time. No Idempotency-Key."""
    body = await _shown(desk, application_no, whole=True)
    await note_whole(desk, DisclosedThing.APPLICATION, application_no, wanted)
    return Reply(200, body).response()


async def _shown(desk: Desk, application_no: str, *, whole: bool) -> WholeApplication:
    async with desk.database.snapshot() as session:
        chosen = one_line(desk, application_no)
        row = await fetch_one(session, ApplicationRow, f"{LINES} WHERE {chosen.sql}", **chosen.values)
        if row is None:
            raise not_found("申请")
        names = await names_of(session, desk.county)
        view = ApplicationViews(desk.shown, names, whole=whole, may_know_lock=desk.may_know_lock)
        may_know = desk.may_know_lock(row.person_index)
        flows = await flows_of(session, desk.shown, names, row, whole=whole, may_know=may_know)
        photos = await fetch(
            session,
            _Photo,
            "SELECT p.kind, f.content_type, f.size, p.stored_at FROM application_photo p"
            " JOIN stored_file f ON f.id = p.file_id WHERE p.application_id = :id ORDER BY p.kind",
            id=row.id,
        )
    return {
        **view.view(row),
        "flows": flows,
        "registered_account": view.registered(row),
        "account_note": view.account_note(row),
        "photos": [_photo(photo) for photo in photos],
    }


def _photo(photo: _Photo) -> PhotoView:
    return {
        "kind": DocumentKind(photo.kind),
        "content_type": photo.content_type,
        "size": photo.size,
        "stored_at": photo.stored_at,
    }

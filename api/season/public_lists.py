"""公示网页: what a batch makes public, for anybody; nobody signs in, nobody searches, an address looks so often."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.names import names_of
from api.counter.parts import Parts, parts_of
from api.prints.village_lists import PrintedPlace, line_of, lines_of
from api.season.kept_pages import open_door_of
from api.season.public_views import (
    LINES_A_PAGE,
    PublicList,
    PublicVillageLines,
    head_of,
    lines_shown,
    rows_of_village,
    village_in,
    villages_in,
)
from api.server.addresses import address_index
from api.server.answers import Responses, headers, refusals, with_headers
from api.server.problems import Problem
from api.server.rendering import rendered
from models.store.batches.public_lists import PublicBatch, public_batch
from models.words.refusals import Refusal

router = APIRouter(tags=["公示网页"])
MOST_PAGES = 1_000
BatchNo = Annotated[str, Path(pattern=r"^[0-9]{6}-P[0-9]{4}-[0-9]{4,8}$")]
Code = Annotated[str, Path(min_length=1, max_length=80)]
View = dict[str, object]
_UNCHANGED: Responses = {304: {"description": "没有变：与 If-None-Match 所写的相同", "headers": headers("ETag")}}
_KEPT = with_headers(200, "ETag") | _UNCHANGED | refusals(NOT_FOUND=404, TOO_MANY_LOOKS=429)
# Reads what is shown of a batch; None where there is no such page.
Shown = Callable[[AsyncSession, Parts, PublicBatch], Awaitable[View | None]]
NOT_THERE = "可能尚未公示、没有开通网页公示，或补贴流程已启动；请核对地址，或向村（社区）、乡镇（街道）询问"


@router.get(
    "/public-lists/{batch_no}",
    summary="公示网页",
    response_model=PublicList,
    responses=_KEPT,
)
async def show_public_list(request: Request, batch_no: BatchNo) -> Response:
    """Village by village, from the publicity's start date until the flow starts, where the county shows it."""
    return await _kept(request, batch_no, (), _villages)


@router.get(
    "/public-lists/{batch_no}/{town_code}/{village_code}",
    summary="一个村的公示",
    response_model=PublicVillageLines,
    responses=_KEPT,
)
async def show_public_village(
    request: Request,
    batch_no: BatchNo,
    town_code: Code,
    village_code: Code,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    """A village's lines, masked and in the order of the printed list."""
    place = PrintedPlace(town_code=town_code, village_code=village_code)
    return await _kept(request, batch_no, (town_code, village_code, page), partial(_lines, place=place, page=page))


async def _kept(request: Request, batch_no: str, name: tuple[object, ...], shown: Shown) -> Response:
    parts, door = parts_of(request), open_door_of(request)
    door.looks.note(address_index(parts.vault, request))
    county = batch_no.partition("-")[0]
    page = await door.pages.get((batch_no, *name), county, lambda: _read(parts, batch_no, shown))
    if page is None:
        raise Problem(404, Refusal.NOT_FOUND, "没有可以查看的公示", NOT_THERE)
    tag = {"ETag": page.tag}
    if request.headers.get("if-none-match") == page.tag:
        return Response(status_code=304, headers=tag)
    return Response(page.content, headers=tag, media_type="application/json")


async def _read(parts: Parts, batch_no: str, shown: Shown) -> bytes | None:
    """All that the public reads shares its connections: no county's own people wait for it."""
    async with parts.database.share_of("public").to_show().snapshot() as session:
        batch = await public_batch(session, batch_no)
        view = None if batch is None else await shown(session, parts, batch)
    return None if view is None else rendered(view)


async def _villages(session: AsyncSession, parts: Parts, batch: PublicBatch) -> View:
    villages = await villages_in(session, await names_of(session, batch.county_code), batch)
    return {
        **head_of(parts.shown, batch, parts.settings.publicity_days),
        "count": sum(each["count"] for each in villages),
        "total_fen": sum(each["total_fen"] for each in villages),
        "villages": villages,
    }


async def _lines(
    session: AsyncSession, parts: Parts, batch: PublicBatch, *, place: PrintedPlace, page: int
) -> View | None:
    names = await names_of(session, batch.county_code)
    found = await village_in(session, names, batch, place)
    pages = -(-found["count"] // LINES_A_PAGE) if found else 0
    if page > pages:
        return None
    rows = await rows_of_village(session, batch, place, page)
    lines = lines_shown(await lines_of(rows, partial(line_of, parts.shown, names)), page)
    head = head_of(parts.shown, batch, parts.settings.publicity_days)
    return {**head, "of": found, "page": page, "pages": pages, "lines": lines}

"""公示表: whom a batch is about, masked, for the village's notice board (S1 2.6)."""

from functools import partial

from fastapi import APIRouter, Response
from sqlmodel import select

from api.counter.names import names_of
from api.counter.roles import CountyReaders
from api.prints.printed import day_of, seconds_of
from api.prints.public_rows import PUBLIC_NOTICE, PUBLIC_ROWS, PublicRow, last_public_day, public_title
from api.prints.village_lists import OfPlace, column, line_of, lines_of, print_villages, rows_of_place, village_list
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.prints.village_list import VillageList
from models.tables.batches import Batch
from models.wire.words import MediaType

router = APIRouter(tags=["申请结算批次"])

_COLUMNS = [
    column("序号", 12),
    column("姓名/组织名称"),
    column("证件号", 36),
    column("组", 20),
    column("补贴项目", 40),
    column("金额（元）", 28, right=True),
]


@router.get(
    "/batches/{batch_no}/public-list",
    summary="补贴公示表",
    response_class=Response,
    responses=file_answer(MediaType.PDF)
    | refusals(LINES_MOVED=410, NOT_FOUND=404, NOTHING_TO_PRINT=409, PRINT_TOO_LARGE=422),
)
async def public_list(desk: CountyReaders, batch_no: str, place: OfPlace) -> Response:
    """A sheet a village, A4: who, for what, how much; before the publicity's information is set, too."""
    async with desk.database.snapshot() as session:
        batch = (
            await session.exec(select(Batch).where(Batch.batch_no == batch_no, Batch.county_code == desk.county))
        ).first()
        if batch is None:
            raise not_found("批次")
        names = await names_of(session, desk.county)
        rows = await rows_of_place(session, PublicRow, PUBLIC_ROWS, place, batch=batch.id)
    lines = await lines_of(rows, partial(line_of, desk.shown, names))
    return await print_villages(desk, _form(batch, desk.settings.publicity_days), lines, "补贴公示表", place)


def _form(batch: Batch, days: int) -> VillageList:
    facts = [["公示时间", _span(batch, days)], ["公示地址", batch.publicity_address or "＿＿＿＿＿＿＿＿＿＿"]]
    dated, title = seconds_of(batch.created_at), public_title(batch.fund_year)
    return village_list(batch.county_code, batch.batch_no, dated, title, facts, _COLUMNS, PUBLIC_NOTICE)


def _span(batch: Batch, days: int) -> str:
    start = batch.publicity_start
    if start is None:
        return "＿＿＿年＿＿月＿＿日起"
    return f"{day_of(start)}至{day_of(last_public_day(start, days))}"

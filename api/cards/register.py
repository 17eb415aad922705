"""一卡通账号: the county's account register, as filled by matched applications."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict

from api.cards.register_views import (
    ACCOUNTS,
    CHECKS,
    HISTORY,
    MATTERS,
    REGISTER_HEADERS,
    AccountDetail,
    AccountRow,
    AccountView,
    ChangeRow,
    CheckRow,
    MatterRow,
    RegisterFilter,
    RegisterSought,
    RegisterViews,
    check_view,
    matter_view,
    of_register,
    sought_accounts,
)
from api.counter.chunks import list_lines
from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders, OperatorsAndReviewers
from api.counter.sought import allow_search
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.store.sql import fetch, fetch_one
from models.words.stages import DisclosedThing

router = APIRouter(tags=["一卡通账号"])


class RegisterQuery(RegisterFilter):
    """The same criteria as query parameters, beside those of paging."""

    model_config = ConfigDict(extra="ignore")


@router.get("/register", summary="一卡通账号", response_model=Listed[AccountView])
async def list_accounts(desk: CountyReaders, page: Pages, criteria: Annotated[RegisterQuery, Query()]) -> Response:
    """Masked; filters by bank, status and source."""
    async with desk.database.snapshot() as session:
        view = RegisterViews(desk.shown, await names_of(session, desk.county))
        chosen = of_register(desk.county, criteria)
        return await list_lines(session, page, chosen, view.view, REGISTER_HEADERS, ACCOUNTS, AccountRow)


@router.post(
    "/register/search",
    summary="按人查询一卡通账号",
    response_model=Listed[AccountView],
    responses=refusals(TOO_MANY_SEARCHES=429),
)
async def search_accounts(desk: CountyReaders, page: Pages, sought: RegisterSought) -> Response:
    """By name, id or account, which never stand in an address; nothing is changed, so no Idempotency-Key."""
    await allow_search(desk, sought)
    async with desk.database.snapshot() as session:
        view = RegisterViews(desk.shown, await names_of(session, desk.county))
        chosen = sought_accounts(desk.shown, desk.county, sought)
        return await list_lines(session, page, chosen, view.view, REGISTER_HEADERS, ACCOUNTS, AccountRow)


@router.get("/register/{account_id}", response_model=AccountDetail, responses=refusals(NOT_FOUND=404))
async def show_account(desk: CountyReaders, account_id: int) -> Response:
    """One person's account with its history, matters and checks, masked."""
    return Reply(200, await _shown(desk, account_id, whole=False)).response()


@router.post(
    "/register/{account_id}/disclosures",
    summary="一卡通账号的完整信息",
    response_model=AccountDetail,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_account(desk: OperatorsAndReviewers, account_id: int, wanted: Disclosing) -> Response:
    """The same in clear, once; who asked is noted each time. No Idempotency-Key."""
    body = await _shown(desk, account_id, whole=True)
    await note_whole(desk, DisclosedThing.REGISTER_ACCOUNT, str(account_id), wanted)
    return Reply(200, body).response()


async def _shown(desk: Desk, account_id: int, *, whole: bool) -> AccountDetail:
    async with desk.database.snapshot() as session:
        chosen = of_register(desk.county, None).also("a.id = :id", id=account_id)
        row = await fetch_one(session, AccountRow, f"{ACCOUNTS} WHERE {chosen.sql}", **chosen.values)
        if row is None:
            raise not_found("一卡通账号")
        history = await fetch(session, ChangeRow, HISTORY, id=account_id)
        matters = await fetch(session, MatterRow, MATTERS, id=account_id)
        checks = await fetch(session, CheckRow, CHECKS, id=account_id)
        view = RegisterViews(desk.shown, await names_of(session, desk.county), whole=whole)
    return {
        **view.view(row),
        "history": [view.change(row, change) for change in history],
        "matters": [matter_view(each) for each in matters],
        "checks": [check_view(each) for each in checks],
    }

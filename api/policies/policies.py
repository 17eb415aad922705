"""补贴政策: uploaded, reviewed by the platform, uploaded again after a refusal (S1 1.1.2)."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import select

from api.counter.desk import Desk
from api.counter.export import listed_together
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import Names, names_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import Admins, Readers
from api.counter.run_block import RunBlock, run_of, runs_of
from api.policies.policy_acts import NewPolicy, NewUpload, check_items, find_policy, upload, upload_anew
from api.policies.policy_views import HEADERS, ListedPolicy, PolicyWithRun, UploadedPolicy, policy_view
from api.server.answers import Listed, refusals
from models.contracts import RunKind
from models.store.clock import today_in_china
from models.tables.policies import Policy
from models.words.stages import ReviewStage

router = APIRouter(tags=["政策"])


@router.post(
    "/policies",
    status_code=201,
    summary="上传补贴政策",
    response_model=UploadedPolicy,
    responses=refusals(POLICY_UNIT_MISSING=409, CATALOG_FETCHING=503),
)
async def upload_policy(desk: Admins, new: NewPolicy) -> Response:
    """Of the current fund year, where none is named; another one is taken with a warning (S1 1.1.2)."""
    async with desk.database.reading() as session:
        current = (await today_in_china(session)).year
    fund_year = new.fund_year or current
    await check_items(desk, fund_year, new.item_codes)
    return await desk.once(lambda session: upload(desk, session, new, fund_year, current))


@router.post(
    "/policies/{policy_no}/uploads",
    status_code=201,
    summary="重新上传补贴政策",
    response_model=UploadedPolicy,
    responses=refusals(NOT_FOUND=404, POLICY_NOT_REJECTED=409, CATALOG_FETCHING=503),
)
async def upload_again(desk: Admins, policy_no: str, new: NewUpload) -> Response:
    """Only after a refusal; number and policy unit stay, the round grows."""
    async with desk.database.reading() as session:
        fund_year = (await find_policy(session, desk.county, policy_no)).fund_year
    if new.item_codes is not None:
        await check_items(desk, fund_year, new.item_codes)
    return await desk.once(lambda session: upload_anew(desk, session, policy_no, new))


@router.get("/policies", summary="补贴政策列表", response_model=Listed[ListedPolicy])
async def list_policies(
    desk: Readers,
    page: Pages,
    fund_year: FilterYear = None,
    stage: Annotated[ReviewStage | None, Query()] = None,
) -> Response:
    statement = select(Policy).where(Policy.county_code == desk.county)
    if fund_year is not None:
        statement = statement.where(Policy.fund_year == fund_year)
    if stage is not None:
        statement = statement.where(Policy.stage == stage)

    async def shown(rows: list[Policy]) -> Iterable[tuple[int, ListedPolicy]]:
        runs = await runs_of(desk, session, RunKind.POLICY_REVIEW, [row.policy_no for row in rows])
        return [(row.id or 0, _listed(desk, row, names, runs.get(row.policy_no))) for row in rows]

    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        return await listed_together(session, page, HEADERS, (statement, Policy.id), shown)


def _listed(desk: Desk, row: Policy, names: Names, run: RunBlock | None) -> ListedPolicy:
    return {**policy_view(desk.shown, row), "items": [names.item(code) for code in row.item_codes], "run": run}


@router.get("/policies/{policy_no}", summary="补贴政策", responses=refusals(NOT_FOUND=404))
async def read_policy(desk: Readers, policy_no: str, long_poll: LongPoll) -> PolicyWithRun:
    await long_poll.until_other(desk, stage_of("policy", "policy_no"), policy_no)
    async with desk.database.snapshot() as session:
        policy = await find_policy(session, desk.county, policy_no)
        run = await run_of(desk, session, RunKind.POLICY_REVIEW, policy_no)
    return {**policy_view(desk.shown, policy), "run": run}

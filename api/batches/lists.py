"""数据初始化: lists of publicised applications for the platform to match (S1 2.4.1)."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import PREVIEWED, ActAnswer, act_once
from api.applications.application_rows import ApplicationRow
from api.applications.chosen_lines import ActOnLines, act_answer_of_lines, choose_lines, judged_lines, trail_of_lines
from api.applications.views import ApplicationViews
from api.batches.list_views import (
    LIST_HEADERS,
    MATCH_HEADERS,
    RESULT_MEMBERS,
    RESULT_SOURCE,
    RESULTS_OF,
    STAGE_OF_LIST,
    InitialisationResult,
    ListView,
    list_views,
    result_view,
)
from api.counter.chunks import read_lines
from api.counter.desk import Desk, Reply
from api.counter.disclosures import WholeNames
from api.counter.export import listed_together, respond
from api.counter.long_poll import LongPoll
from api.counter.names import names_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import CountyReaders, Operators, OperatorsAndReviewers, Readers
from api.counter.run_block import RunBlock, run_of
from api.server.answers import Listed, refusals
from api.server.problems import conflict, not_found
from models.contracts import RunKind, Subject
from models.store.applications.acts import Choice, change_chosen
from models.store.applications.rules import INITIALISE_RULES
from models.store.numbers import Series, take_one
from models.store.registered import OTHER_ACCOUNT
from models.store.runs.runs import open_run
from models.store.selection import LineFilter, Selection, Word, among
from models.store.sql import fetch
from models.tables.batches import BeneficiaryList
from models.wire.words import Outcome
from models.words.faults import FaultCode
from models.words.refusals import Refusal
from models.words.stages import ApplicationStage, DatasetStage

router = APIRouter(tags=["数据初始化"])


class ListAnswer(ActAnswer):
    list_no: Annotated[str, Field(description="初始化名单")]
    run: RunBlock | None


@router.post(
    "/beneficiary-lists",
    status_code=202,
    response_model=ListAnswer,
    responses=refusals(LINES_UNFIT=409, NOTHING_SELECTED=409, SELECTION_CHANGED=409, SEVERAL_FUND_YEARS=409)
    | PREVIEWED,
)
async def initialise(desk: Operators, lines: ActOnLines) -> Response:
    """数据初始化; lines whose account is being changed are held back and counted."""
    return await act_once(desk, lines, lambda session: _initialise(desk, session, lines))


async def _initialise(desk: Desk, session: AsyncSession, asked: ActOnLines) -> Reply:
    choice = await choose_lines(desk, session, asked, INITIALISE_RULES, "数据初始化")
    answer = act_answer_of_lines("list.asked", choice)
    if not choice.count and not asked.preview:
        words = "、".join(f"{group.title} {group.count} 份" for group in choice.left_out) or "没有找到申请"
        raise conflict(Refusal.NOTHING_SELECTED, "没有可以初始化的申请", words)
    years = await _fund_years(session)
    await judged_lines(session, asked, answer)
    listed = await _add_list(desk, session, choice, years[0])
    await change_chosen(session, "list_id = :list_id", list_id=listed.id)
    subject = Subject(
        kind=RunKind.BENEFICIARY_INIT,
        number=listed.list_no,
        county_code=desk.county,
        fund_year=listed.fund_year,
    )
    await open_run(session, subject, DatasetStage.PREPARED.value)
    await trail_of_lines(
        desk, session, "list.asked", asked.selection, choice, None, listed.list_no, list_no=listed.list_no
    )
    run = await run_of(desk, session, RunKind.BENEFICIARY_INIT, listed.list_no)
    body: ListAnswer = {"list_no": listed.list_no, **answer, "run": run}
    return Reply(202, body, f"/beneficiary-lists/{listed.list_no}")


async def _fund_years(session: AsyncSession) -> list[int]:
    """A list is of one fund year, as the numbers and the search by year are."""
    years = await fetch(
        session,
        int,
        "SELECT DISTINCT a.fund_year FROM application a JOIN chosen c ON c.id = a.id WHERE c.left_out IS NULL",
    )
    if len(years) > 1:
        told = "、".join(map(str, years))
        raise conflict(Refusal.SEVERAL_FUND_YEARS, "所选申请属于几个资金年度", f"请按年度分开初始化：{told}")
    return years


async def _add_list(desk: Desk, session: AsyncSession, choice: Choice, fund_year: int) -> BeneficiaryList:
    held = sum(group.count for group in choice.left_out if group.code == FaultCode.ACCOUNT_LOCKED)
    listed = BeneficiaryList(
        list_no=await take_one(session, Series.LIST, desk.county, fund_year),
        county_code=desk.county,
        fund_year=fund_year,
        line_count=choice.count,
        total_fen=choice.total_fen,
        held_count=held,
        entered_by=desk.person,
    )
    session.add(listed)
    await session.flush()
    return listed


@router.get("/beneficiary-lists", summary="数据初始化名单", response_model=Listed[ListView])
async def list_lists(desk: Readers, page: Pages, fund_year: FilterYear = None) -> Response:
    statement = select(BeneficiaryList).where(BeneficiaryList.county_code == desk.county)
    if fund_year is not None:
        statement = statement.where(BeneficiaryList.fund_year == fund_year)
    async with desk.database.snapshot() as session:
        chosen = (statement, BeneficiaryList.id)
        return await listed_together(session, page, LIST_HEADERS, chosen, partial(list_views, desk, session))


@router.get(
    "/beneficiary-lists/preview",
    summary="数据初始化的预览",
    response_model=ActAnswer,
    responses=refusals(SEVERAL_FUND_YEARS=409),
)
async def preview_initialisation(
    desk: OperatorsAndReviewers, batch_no: Word | None = None, fund_year: FilterYear = None
) -> Response:
    """What 数据初始化 of all that is publicised would do, also for whoever only reads; nothing is changed."""
    publicised = LineFilter(stage=ApplicationStage.PUBLICISED, batch_no=batch_no, fund_year=fund_year)
    asked = ActOnLines(selection=Selection(filter=publicised), preview=True)
    return await act_once(desk, asked, lambda session: _initialise(desk, session, asked))


@router.get("/beneficiary-lists/{list_no}", response_model=ListView, responses=refusals(NOT_FOUND=404))
async def show_list(desk: Readers, list_no: str, long_poll: LongPoll) -> Response:
    """Counts per result, and what its run waits for."""
    await long_poll.until_other(desk, STAGE_OF_LIST, list_no)
    async with desk.database.snapshot() as session:
        listed = await _find(desk, session, list_no)
        ((_, view),) = await list_views(desk, session, [listed])
    return Reply(200, view).response()


@router.get(
    "/beneficiary-lists/{list_no}/results",
    summary="数据初始化结果",
    response_model=Listed[InitialisationResult],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_results(
    desk: CountyReaders,
    page: Pages,
    list_no: str,
    outcome: Annotated[Outcome | None, Query()] = None,
    other_account: bool | None = None,
) -> Response:
    """The four results in the words of the source, masked but for names that differ.

    Those, and 正确姓名, operator and reviewer see whole, here and in Excel; whose were shown to whom is noted.
    """
    whole = WholeNames(desk)
    async with desk.database.snapshot() as session:
        listed = await _find(desk, session, list_no)
        view = ApplicationViews(desk.shown, await names_of(session, desk.county), whole_names=whole.of)
        chosen = among(desk.county)
        if outcome is None:
            chosen = chosen.also(RESULT_MEMBERS, list=listed.id, reference=list_no)
        else:
            chosen = chosen.also(RESULTS_OF, outcome=outcome.value, reference=list_no)
        if other_account is not None:
            chosen = chosen.also(f"{OTHER_ACCOUNT} = :other", other=other_account)
        rows = await read_lines(
            session, page, chosen, partial(result_view, view), MATCH_HEADERS, RESULT_SOURCE, ApplicationRow
        )
    await whole.note(list_no, page, rows)
    return await respond(page, MATCH_HEADERS, rows)


async def _find(desk: Desk, session: AsyncSession, list_no: str) -> BeneficiaryList:
    statement = select(BeneficiaryList).where(
        BeneficiaryList.list_no == list_no, BeneficiaryList.county_code == desk.county
    )
    found = (await session.exec(statement)).first()
    if found is None:
        raise not_found("初始化名单")
    return found

"""指标内容: registered, corrected and submitted, several at once (S1 2.3.2)."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import ActOnMany, act_once, judged
from api.counter.catalogs import FundYear
from api.counter.desk import Desk, Reply
from api.counter.export import listed_together
from api.counter.long_poll import LongPoll, stage_of
from api.counter.paging import FilterYear, Pages
from api.counter.roles import Operators, Readers
from api.counter.run_block import RunBlock, run_of, runs_of
from api.policies.budget_choices import DOCUMENTS, PROJECTS, UNITS, choices_of
from api.policies.indicator_views import HEADERS, IndicatorsSubmitted, IndicatorView, IndicatorWithRun, view
from api.server.answers import Listed, refusals
from api.server.problems import conflict, field_problem, not_found
from models.contracts import RunKind, Subject
from models.forms.money import Fen, FenOrZero
from models.store.lock_order import Rank
from models.store.locking import lock_rows
from models.store.numbers import Series, take_one
from models.store.runs.runs import open_run
from models.tables.base import now
from models.tables.policies import Indicator
from models.words.refusals import Refusal
from models.words.stages import ReviewStage

router = APIRouter(tags=["指标"])
Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
EDITABLE = (ReviewStage.DRAFT, ReviewStage.REJECTED)


class Registration(BaseModel):
    """Amounts in fen; the four parts add up to the total."""

    model_config = ConfigDict(extra="forbid")

    fund_year: FundYear
    budget_unit_code: Word
    budget_project_code: Word
    document_no: Word
    fund_nature: Word | None = None
    total_fen: Fen
    central_fen: FenOrZero = 0
    provincial_fen: FenOrZero = 0
    municipal_fen: FenOrZero = 0
    county_fen: FenOrZero = 0

    @property
    def parts_fen(self) -> int:
        return self.central_fen + self.provincial_fen + self.municipal_fen + self.county_fen


class _BudgetNames(TypedDict):
    budget_unit_name: str
    budget_project_name: str


class IndicatorSubmission(ActOnMany):
    indicator_nos: Annotated[list[Word], Field(min_length=1, max_length=500)]


@router.post("/indicators", status_code=201, summary="登记指标", response_model=IndicatorView)
async def register_indicator(desk: Operators, new: Registration) -> Response:
    async def work(session: AsyncSession) -> Reply:
        names = await _checked(desk, session, new)
        indicator = Indicator(
            indicator_no=await take_one(session, Series.INDICATOR, desk.county, new.fund_year),
            county_code=desk.county,
            stage=ReviewStage.DRAFT,
            entered_by=desk.person,
            **new.model_dump(),
            **names,
        )
        session.add(indicator)
        await session.flush()
        detail = {"after": new.model_dump()}
        await desk.trail(session, "indicator_registered", indicator.indicator_no, detail, total_fen=new.total_fen)
        return Reply(201, view(desk.shown, indicator), f"/indicators/{indicator.indicator_no}")

    return await desk.once(work)


@router.put(
    "/indicators/{indicator_no}",
    summary="修改指标",
    response_model=IndicatorView,
    responses=refusals(NOT_FOUND=404, INDICATOR_NOT_EDITABLE=409),
)
async def edit_indicator(desk: Operators, indicator_no: str, new: Registration) -> Response:
    """A refused one becomes a draft again and is submitted anew."""

    async def work(session: AsyncSession) -> Reply:
        indicator = await _find(session, desk.county, indicator_no, for_update=True)
        if indicator.stage not in EDITABLE:
            detail = f"该指标现为“{indicator.stage.label}”，只有待提交和审核不通过的指标可以修改"
            raise conflict(Refusal.INDICATOR_NOT_EDITABLE, "现在不能修改", detail)
        if new.fund_year != indicator.fund_year:
            raise field_problem({"/fund_year": "资金年度登记后不能改，请另行登记该年度的指标"}, Refusal.NOT_CHANGEABLE)
        names = await _checked(desk, session, new)
        values = {**new.model_dump(), **names}
        before = {field: getattr(indicator, field) for field in values}
        for field, value in values.items():
            setattr(indicator, field, value)
        indicator.stage = ReviewStage.DRAFT
        indicator.updated_at = now()
        changes = {"before": before, "after": values}
        await desk.trail(session, "indicator_edited", indicator_no, changes, total_fen=new.total_fen)
        return Reply(200, view(desk.shown, indicator))

    return await desk.change(work)


@router.post(
    "/indicator-submissions",
    status_code=200,
    summary="提交指标",
    response_model=IndicatorsSubmitted,
    responses=refusals(INDICATOR_NOT_SUBMITTABLE=409, SELECTION_CHANGED=409),
)
async def submit_indicators(desk: Operators, submission: IndicatorSubmission) -> Response:
    """One that can't be submitted refuses the whole act; a preview tells which, and `seen` leaves it out."""
    numbers = list(dict.fromkeys(submission.indicator_nos))

    async def work(session: AsyncSession) -> Reply:
        rows, unfit = await _to_submit(session, desk.county, numbers)
        if (unfit and not submission.shown) or (not rows and not submission.preview):
            detail = "所列指标须全部为“待提交”；请去掉 errors 所列各项，或修改后再提交"
            raise conflict(Refusal.INDICATOR_NOT_SUBMITTABLE, "有指标不能提交", detail, unfit)
        answer = _submitted(rows, unfit)
        judged(submission, answer, [(row.id or 0, row.total_fen) for row in rows])
        for indicator in rows:
            await _submit(session, indicator)
        told = [row.indicator_no for row in rows]
        total = answer["total_fen"]
        await desk.trail(session, "indicators_submitted", told[0], {"indicator_nos": told}, len(rows), total)
        return Reply(200, answer)

    return await act_once(desk, submission, work)


def _submitted(rows: Sequence[Indicator], unfit: Sequence[dict[str, object]]) -> IndicatorsSubmitted:
    return {
        "act": "indicator_submission",
        "count": len(rows),
        "total_fen": sum(row.total_fen for row in rows),
        "left_out": [{"indicator_no": str(each["indicator_no"]), "why": str(each["detail"])} for each in unfit],
    }


@router.get("/indicators", summary="指标列表", response_model=Listed[IndicatorWithRun])
async def list_indicators(
    desk: Readers,
    page: Pages,
    fund_year: FilterYear = None,
    stage: Annotated[ReviewStage | None, Query()] = None,
    document_no: Annotated[str | None, Query(max_length=128)] = None,
) -> Response:
    statement = select(Indicator).where(Indicator.county_code == desk.county)
    if fund_year is not None:
        statement = statement.where(Indicator.fund_year == fund_year)
    if stage is not None:
        statement = statement.where(Indicator.stage == stage)
    if document_no is not None:
        statement = statement.where(Indicator.document_no == document_no)

    async def shown(rows: list[Indicator]) -> Iterable[tuple[int, IndicatorWithRun]]:
        runs = await runs_of(desk, session, RunKind.INDICATOR_REVIEW, [row.indicator_no for row in rows])
        return [(row.id or 0, _with_run(desk, row, runs.get(row.indicator_no))) for row in rows]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, HEADERS, (statement, Indicator.id), shown)


@router.get("/indicators/{indicator_no}", summary="指标", responses=refusals(NOT_FOUND=404))
async def read_indicator(desk: Readers, indicator_no: str, long_poll: LongPoll) -> IndicatorWithRun:
    await long_poll.until_other(desk, stage_of("indicator", "indicator_no"), indicator_no)
    async with desk.database.snapshot() as session:
        indicator = await _find(session, desk.county, indicator_no)
        run = await run_of(desk, session, RunKind.INDICATOR_REVIEW, indicator_no)
    return _with_run(desk, indicator, run)


def _with_run(desk: Desk, indicator: Indicator, run: RunBlock | None) -> IndicatorWithRun:
    return {**view(desk.shown, indicator), "run": run}


async def _checked(desk: Desk, session: AsyncSession, new: Registration) -> _BudgetNames:
    """The names of unit and project; 422 for what wasn't chosen before, isn't listed or doesn't add up."""
    chosen = await choices_of(session, desk.county, new.fund_year)
    natures = desk.settings.fund_nature_list
    faults: dict[str, str] = {}
    if new.fund_nature is not None and new.fund_nature not in natures:
        faults["/fund_nature"] = f"资金性质只能是：{'、'.join(natures)}"
    if new.budget_unit_code not in chosen[UNITS]:
        faults["/budget_unit_code"] = "不在本年度已设置的预算单位中，请先“设置预算单位”"
    if new.budget_project_code not in chosen[PROJECTS]:
        faults["/budget_project_code"] = "不在本年度已设置的预算项目中，请先“设置预算项目”"
    if new.document_no not in chosen[DOCUMENTS].values():
        faults["/document_no"] = "不在本年度已设置的指标文号中，请先“设置指标文号”"
    if new.parts_fen != new.total_fen:
        faults["/total_fen"] = "中央、省级、市级、县级四项之和不等于总金额，请核对各项金额"
    if faults:
        raise field_problem(faults)
    return {
        "budget_unit_name": chosen[UNITS][new.budget_unit_code],
        "budget_project_name": chosen[PROJECTS][new.budget_project_code],
    }


async def _find(session: AsyncSession, county: str, indicator_no: str, for_update: bool = False) -> Indicator:
    statement = select(Indicator).where(Indicator.indicator_no == indicator_no, Indicator.county_code == county)
    if for_update:
        rows = await lock_rows(session, Rank.INDICATOR, statement)
    else:
        rows = (await session.exec(statement)).all()
    if not rows:
        raise not_found("指标")
    return rows[0]


async def _to_submit(
    session: AsyncSession, county: str, numbers: Sequence[str]
) -> tuple[list[Indicator], list[dict[str, object]]]:
    """Those that can be submitted, and of each other one why not."""
    statement = (
        select(Indicator)
        .where(Indicator.county_code == county, col(Indicator.indicator_no).in_(numbers))
        .order_by(col(Indicator.id))
    )
    rows = {row.indicator_no: row for row in await lock_rows(session, Rank.INDICATOR, statement)}
    unfit = [error for place, number in enumerate(numbers) if (error := _unfit(place, number, rows.get(number)))]
    left_out = {error["indicator_no"] for error in unfit}
    return [row for row in rows.values() if row.indicator_no not in left_out], unfit


def _unfit(place: int, number: str, row: Indicator | None) -> dict[str, object] | None:
    error: dict[str, object] = {"pointer": f"/indicator_nos/{place}", "indicator_no": number}
    if row is None:
        return {**error, "code": Refusal.NOT_FOUND, "detail": "本区县没有这个指标"}
    if row.stage is ReviewStage.DRAFT:
        return None
    advice = "请先修改再提交" if row.stage is ReviewStage.REJECTED else "不用再提交"
    return {**error, "code": Refusal.NOT_DRAFT, "detail": f"现为“{row.stage.label}”，{advice}"}


async def _submit(session: AsyncSession, indicator: Indicator) -> None:
    indicator.round += 1
    indicator.refused_submission_id = indicator.submission_id or indicator.refused_submission_id
    indicator.submission_id = indicator.opinion_sealed = indicator.reviewed_at = None
    indicator.stage = ReviewStage.IN_REVIEW
    indicator.updated_at = now()
    await session.flush()
    subject = Subject(
        kind=RunKind.INDICATOR_REVIEW,
        number=indicator.indicator_no,
        county_code=indicator.county_code,
        fund_year=indicator.fund_year,
    )
    await open_run(session, subject, ReviewStage.IN_REVIEW.value)

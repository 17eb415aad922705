"""账号变更审核: the county's parts of citizens' card changes, their review, and a failed 上卡 tried again (S2 1.3)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.said import Said
from api.cards.card_rows import (
    PARTS,
    STEPS,
    PartFilter,
    PartRow,
    PartSought,
    StepRow,
    of_parts,
    sought_parts,
)
from api.cards.card_views import (
    HEADERS,
    DecidedPart,
    PartDetail,
    PartNo,
    PartView,
    PartViews,
)
from api.cards.in_flight import payments_in_flight, used_by_another
from api.counter.chunks import list_lines
from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.names import names_of
from api.counter.paging import Pages
from api.counter.roles import CountyReaders, OperatorsAndReviewers, Reviewers, why_not_this_reviewer
from api.counter.run_block import run_of
from api.counter.sought import allow_search
from api.server.answers import Listed, refusals
from api.server.problems import Problem, conflict, field_problem, not_found
from models.contracts import RunKind
from models.store.cards.decisions import ask_retry, decide_part
from models.store.cards.parts import CardRefusal, remark_of
from models.store.sql import fetch, fetch_one
from models.store.vault import Vault
from models.tables.cards import CardChangePart
from models.words.card_stages import PartStage
from models.words.card_words import step_words
from models.words.refusals import Refusal
from models.words.stages import DisclosedThing

router = APIRouter(tags=["账号变更审核"])
OWN = "本人的账号变更须由他人审核"


class _Hindrances(TypedDict):
    why_no_decision: str | None
    why_no_retry: str | None


class PartQuery(PartFilter):
    """The same criteria as query parameters, beside those of paging."""

    model_config = ConfigDict(extra="ignore")


class PartDecision(BaseModel):
    """审核结果 通过 | 不通过, 审核意见; the citizen reads the remark of a refusal."""

    model_config = ConfigDict(extra="forbid")

    passed: bool
    remark: Said | None = None


@router.get("/card-changes", summary="账号变更列表", response_model=Listed[PartView])
async def list_parts(desk: CountyReaders, page: Pages, criteria: Annotated[PartQuery, Query()]) -> Response:
    """Masked, oldest first; 显示完结 by `finished=true`."""
    async with desk.database.snapshot() as session:
        view = PartViews(desk.shown, await names_of(session, desk.county))
        return await list_lines(session, page, of_parts(desk.county, criteria), view.view, HEADERS, PARTS, PartRow)


@router.post(
    "/card-changes/search",
    summary="查询账号变更",
    response_model=Listed[PartView],
    responses=refusals(TOO_MANY_SEARCHES=429),
)
async def search_parts(desk: CountyReaders, page: Pages, sought: PartSought) -> Response:
    """By what never stands in an address; nothing is changed, so no Idempotency-Key."""
    await allow_search(desk, sought)
    async with desk.database.snapshot() as session:
        view = PartViews(desk.shown, await names_of(session, desk.county))
        chosen = sought_parts(desk.shown, desk.county, sought)
        return await list_lines(session, page, chosen, view.view, HEADERS, PARTS, PartRow)


@router.get(
    "/card-changes/{part_no}",
    summary="账号变更详情",
    response_model=PartDetail,
    responses=refusals(NOT_FOUND=404),
)
async def show_part(desk: CountyReaders, part_no: PartNo) -> Response:
    """变更前, 变更后, what is on its way to the old account, and whether somebody else uses the new one; masked."""
    return Reply(200, await _shown(desk, part_no, whole=False)).response()


@router.post(
    "/card-changes/{part_no}/disclosures",
    summary="账号变更的完整信息",
    response_model=PartDetail,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_part(desk: OperatorsAndReviewers, part_no: PartNo, wanted: Disclosing) -> Response:
    """The same in clear, with 变更理由, once; who asked is noted each time. No Idempotency-Key."""
    body = await _shown(desk, part_no, whole=True)
    await note_whole(desk, DisclosedThing.CARD_CHANGE, part_no, wanted)
    return Reply(200, body).response()


async def _shown(desk: Desk, part_no: str, *, whole: bool) -> PartDetail:
    async with desk.database.snapshot() as session:
        row = await _find(session, desk, part_no)
        view = PartViews(desk.shown, await names_of(session, desk.county), whole=whole)
        steps = await fetch(session, StepRow, STEPS, request=row.request_id, county=desk.county)
        whose = (row.county_code, row.person_index)
        return {
            **view.whole_view(row),
            "payments_in_flight": await payments_in_flight(session, *whose, row.old_account_index),
            "used_by_another": await used_by_another(session, row.account_index, row.person_index),
            "steps": [
                {"step": each.step, "words": step_words(each.step, each.words, view.remark(row)), "at": each.at}
                for each in steps
            ],
            "run": await run_of(desk, session, RunKind.CARD_CHANGE, row.request_no),
            **_hindrances(desk, row),
        }


@router.post(
    "/card-changes/{part_no}/decision",
    summary="审核账号变更",
    response_model=DecidedPart,
    responses=refusals(NOT_FOUND=404, OWN_ACCOUNT=403, NOT_IN_REVIEW=409, ALREADY_DECIDED=409),
)
async def decide_change(desk: Reviewers, part_no: PartNo, decision: PartDecision) -> Response:
    """通过 goes on to 上卡; 不通过 changes nothing. The first decision stands."""
    if not decision.passed and decision.remark is None:
        raise field_problem({"/remark": "审核不通过须填写审核意见，申请人据此更正后重新申请"}, Refusal.REMARK_MISSING)
    return await desk.once(lambda session: _decide(desk, session, part_no, decision))


@router.post(
    "/card-changes/{part_no}/retry",
    summary="再次上卡",
    response_model=DecidedPart,
    responses=refusals(
        NOT_FOUND=404, OWN_ACCOUNT=403, NOT_RETRYABLE=409, ACCOUNT_LOCKED=409, CARD_CHANGE_OPEN=409, OVERTAKEN=409
    ),
)
async def retry(desk: Reviewers, part_no: PartNo) -> Response:
    """A failed 上卡 under a new attempt."""

    async def work(session: AsyncSession) -> Reply:
        await _of_another(session, desk, part_no)
        try:
            part = await ask_retry(session, desk.vault, part_no, desk.person)
        except CardRefusal as refusal:
            raise refused(refusal, "不能再次上卡") from None
        await desk.trail(session, "card_change.retry", part_no, {"before": "failed", "attempt": part.attempt})
        return Reply(200, _answer(desk.vault, part))

    return await desk.once(work)


async def _decide(desk: Desk, session: AsyncSession, part_no: str, decision: PartDecision) -> Reply:
    await _of_another(session, desk, part_no)
    try:
        part = await decide_part(session, desk.vault, part_no, decision.passed, decision.remark, desk.person)
    except CardRefusal as refusal:
        raise refused(refusal, "不能审核") from None
    detail = {"before": "in_review", "after": part.stage.value, "remark": decision.remark}
    await desk.trail(session, "card_change.decided", part_no, detail)
    return Reply(200, _answer(desk.vault, part))


def _hindrances(desk: Desk, row: PartRow) -> _Hindrances:
    """As far as it is known before anybody asks: who may decide, and whether there is anything to decide."""
    who = why_not_this_reviewer(desk, row.person_index, OWN)
    stage = PartStage(row.stage)
    decided = None if stage is PartStage.IN_REVIEW else f"此件现为“{stage.label}”，不在待审核"
    failed = stage is PartStage.FAILED and row.attempt > 0
    retried = None if failed else f"此件现为“{stage.label}”，只有上卡失败的才能再次上卡"
    return {"why_no_decision": who or decided, "why_no_retry": who or retried}


async def _of_another(session: AsyncSession, desk: Desk, part_no: str) -> None:
    """The county's own part, of somebody else than the reviewer."""
    row = await _find(session, desk, part_no)
    if desk.person_index == row.person_index:
        raise Problem(403, Refusal.OWN_ACCOUNT, OWN, "请由本区县其他审核人办理此件")


async def _find(session: AsyncSession, desk: Desk, part_no: str) -> PartRow:
    chosen = "a.part_no = :no AND a.county_code = :county"
    row = await fetch_one(session, PartRow, f"{PARTS} WHERE {chosen}", no=part_no, county=desk.county)
    if row is None:
        raise not_found("账号变更")
    return row


def _answer(vault: Vault, part: CardChangePart) -> DecidedPart:
    return {
        "part_no": part.part_no,
        "stage": part.stage,
        "stage_label": part.stage.label,
        "attempt": part.attempt,
        "reviewed_by": part.reviewed_by,
        "reviewed_at": part.reviewed_at,
        "remark": remark_of(vault, part),
    }


def refused(refusal: CardRefusal, title: str) -> Problem:
    return not_found("账号变更") if refusal.code == Refusal.NOT_FOUND else conflict(refusal.code, title, refusal.words)

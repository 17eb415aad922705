"""账号核验 by hand: for one account or the whole county, and the rounds that walked it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk, Reply
from api.counter.export import listed_together
from api.counter.paging import Pages
from api.counter.roles import OperatorsAndReviewers, Readers
from api.counter.run_block import RunBlock, run_of, runs_of
from api.server.answers import Listed, refusals
from api.server.problems import conflict, field_problem, not_found
from models.contracts import RunKind, Subject
from models.store.numbers import Series, take_one
from models.store.register.check_rounds import PAGE_SIZE, Scope, hold_rounds, open_round, round_under_way
from models.store.runs.runs import open_run
from models.store.sql import fetch, fetch_one
from models.tables.cards import CheckRound
from models.wire.answers import province_of
from models.wire.words import AccountReason
from models.words.calendar import china_today
from models.words.card_stages import RoundStage
from models.words.card_words import reason_words
from models.words.refusals import Refusal
from models.words.staff import Role

router = APIRouter(tags=["账号核验"])
MANUAL = "manual"
_TRIGGERS = {MANUAL: "手动", "schedule": "定时"}
_FIGURES = {
    "valid": "有效",
    **{reason.value: reason_words(reason.value) for reason in AccountReason},
    "invalidated": "本轮变为无效",
    "cleared": "本轮清空",
    "valid_again": "本轮恢复有效",
}
HEADERS = {
    "round_no": "核验编号",
    "scope": "范围",
    "trigger_label": "方式",
    "stage_label": "状态",
    "checked": "已核验账号",
    "outcome": "结果",
    "asked_by": "发起人",
    "created_at": "开始时间",
    "ended_at": "完成时间",
}


class _Failed(NamedTuple):
    account_id: int
    reason_code: str | None
    at: datetime


class FailedAccount(TypedDict):
    account_id: Annotated[int, Field(description="登记账号的编号")]
    reason_code: str | None
    reason: str
    at: datetime


class CheckRoundView(TypedDict):
    round_no: Annotated[str, Field(description="核验编号")]
    county_code: Annotated[str | None, Field(description="全省核验为 null")]
    account_id: int | None
    scope: Annotated[str, Field(description="范围")]
    trigger: str
    trigger_label: Annotated[str, Field(description="方式")]
    stage: RoundStage
    stage_label: str
    pages: int
    checked: Annotated[int, Field(description="已核验账号")]
    figures: Annotated[dict[str, int], Field(description="各结果的户数")]
    outcome: Annotated[str | None, Field(description="结果")]
    asked_by: Annotated[str, Field(description="发起人")]
    created_at: Annotated[datetime, Field(description="开始时间")]
    ended_at: Annotated[datetime | None, Field(description="完成时间")]


class RoundWithRun(CheckRoundView):
    run: RunBlock | None


class RoundDetail(RoundWithRun):
    failed: Annotated[
        list[FailedAccount] | None, Field(description="本区县未通过的账号，最多 500 个；运维只看户数，为空")
    ]


class AskedRound(TypedDict):
    round_no: str
    stage: RoundStage
    stage_label: str
    run: RunBlock | None


class NewCheck(BaseModel):
    """One account of the register, or every account of the county."""

    model_config = ConfigDict(extra="forbid")

    account_id: Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)] | None = None
    county: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None


@router.post(
    "/account-checks",
    status_code=202,
    summary="发起账号核验",
    response_model=AskedRound,
    responses=refusals(NOT_FOUND=404, ACCOUNT_CLEARED=409, CHECK_UNDER_WAY=409),
)
async def ask(desk: OperatorsAndReviewers, new: NewCheck) -> Response:
    """The round goes on by itself; what it finds changes the register at once, with notices."""
    if (new.account_id is None) == (new.county is None):
        raise field_problem({"/account_id": "请给出一个账号（account_id）或本区县代码（county），二者取一"})
    if new.county not in (None, desk.county):
        raise field_problem({"/county": "只能核验本区县的账号"}, Refusal.OTHER_COUNTY)
    return await desk.once(lambda session: _ask(desk, session, new.account_id))


async def _ask(desk: Desk, session: AsyncSession, account_id: int | None) -> Reply:
    if account_id is not None:
        await _known_account(session, desk.county, account_id)
    scope = Scope(province_of(desk.county), desk.county, account_id)
    await hold_rounds(session, scope)
    number = await take_one(session, Series.CHECK_ROUND, desk.county, china_today().year)
    found = await open_round(session, scope, number, MANUAL, desk.person)
    if found is None:
        under_way = await round_under_way(session, scope)
        raise conflict(
            Refusal.CHECK_UNDER_WAY, "核验正在进行", f"同一范围的核验 {under_way} 尚未完成，请待其完成后查看结果"
        )
    subject = Subject(kind=RunKind.ACCOUNT_CHECK, number=number, county_code=desk.county)
    await open_run(session, subject, RoundStage.CHECKING.value)
    await desk.trail(session, "account_check.asked", number, {"account_id": account_id, "county": desk.county})
    run = await run_of(desk, session, RunKind.ACCOUNT_CHECK, number)
    body: AskedRound = {"round_no": number, "stage": found.stage, "stage_label": found.stage.label, "run": run}
    return Reply(202, body, f"/account-checks/{number}")


async def _known_account(session: AsyncSession, county: str, account_id: int) -> None:
    found = await fetch_one(
        session,
        bool,
        "SELECT account_sealed IS NOT NULL FROM register_account WHERE id = :id AND county_code = :county",
        id=account_id,
        county=county,
    )
    if found is None:
        raise not_found("一卡通账号")
    if not found:
        raise conflict(Refusal.ACCOUNT_CLEARED, "没有可核验的账号", "此人的账号信息已清空，请先由本人变更或村社申报")


@router.get("/account-checks", summary="账号核验列表", response_model=Listed[RoundWithRun])
async def list_rounds(desk: Readers, page: Pages, stage: Annotated[RoundStage | None, Query()] = None) -> Response:
    """The county's own rounds and those of the whole province, newest first."""
    statement = select(CheckRound).where(CheckRound.province_code == province_of(desk.county))
    own = or_(col(CheckRound.county_code) == desk.county, col(CheckRound.county_code).is_(None))
    statement = statement.where(own)
    if stage is not None:
        statement = statement.where(CheckRound.stage == stage)

    async def shown(rounds: list[CheckRound]) -> Iterable[tuple[int, RoundWithRun]]:
        runs = await runs_of(desk, session, RunKind.ACCOUNT_CHECK, [each.round_no for each in rounds])
        return [(each.id or 0, _with_run(each, runs.get(each.round_no))) for each in rounds]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, HEADERS, (statement, CheckRound.id), shown)


@router.get(
    "/account-checks/{round_no}",
    summary="账号核验详情",
    response_model=RoundDetail,
    responses=refusals(NOT_FOUND=404),
)
async def show_round(desk: Readers, round_no: str) -> Response:
    """With the county's accounts that didn't pass, by register id; ops hear how many, not which."""
    async with desk.database.snapshot() as session:
        statement = select(CheckRound).where(
            CheckRound.round_no == round_no, CheckRound.province_code == province_of(desk.county)
        )
        found = (await session.exec(statement)).first()
        if found is None or found.county_code not in (None, desk.county):
            raise not_found("账号核验")
        failed = await _failed_in(session, desk.county, found) if desk.role is not Role.OPS else None
        run = await run_of(desk, session, RunKind.ACCOUNT_CHECK, round_no)
    body: RoundDetail = {**_view(found), "failed": failed, "run": run}
    return Reply(200, body).response()


async def _failed_in(session: AsyncSession, county: str, found: CheckRound) -> list[FailedAccount]:
    rows = await fetch(
        session,
        _Failed,
        "SELECT c.register_account_id AS account_id, c.reason_code, c.at FROM account_check c"
        " JOIN register_account r ON r.id = c.register_account_id"
        " WHERE c.round_id = :round AND NOT c.valid AND r.county_code = :county"
        " ORDER BY 1 LIMIT 500",
        round=found.id,
        county=county,
    )
    return [
        {"account_id": account, "reason_code": code, "reason": reason_words(code), "at": at}
        for account, code, at in rows
    ]


def _with_run(found: CheckRound, run: RunBlock | None) -> RoundWithRun:
    return {**_view(found), "run": run}


def _view(found: CheckRound) -> CheckRoundView:
    figures = {name: count for name, count in found.figures.items() if name != PAGE_SIZE}
    one = "一个账号" if found.account_id is not None else "本区县"
    return {
        "round_no": found.round_no,
        "county_code": found.county_code,
        "account_id": found.account_id,
        "scope": "全省" if found.county_code is None else one,
        "trigger": found.trigger,
        "trigger_label": _TRIGGERS.get(found.trigger, found.trigger),
        "stage": found.stage,
        "stage_label": found.stage.label,
        "pages": found.pages,
        "checked": found.checked,
        # of a whole province a county sees what concerns all, not how the others fare
        "figures": figures if found.county_code is not None else {},
        "outcome": _outcome(figures) if found.county_code is not None else None,
        "asked_by": found.asked_by,
        "created_at": found.created_at,
        "ended_at": found.ended_at,
    }


def _outcome(figures: dict[str, int]) -> str:
    return "、".join(f"{words} {figures[name]}" for name, words in _FIGURES.items() if figures.get(name))

"""事项办理: a person's requests, 办理中 and 办理完结, with their steps; asking for a change, and 撤销 (S2 1.1, 1.2)."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.citizens.account import AUTHORISATION, json_answer
from api.citizens.card_views import MatterView, matter_views
from api.citizens.session import CitizenDesk, Citizens, own_pages_only
from api.counter.idempotency import Reply
from api.counter.paging import MAX_LIMIT
from api.server.answers import Listed, refusals
from api.server.problems import Problem, conflict, field_problem
from models.free_text import FREE_TEXT
from models.store.cards.limits import TooManyRequests, refuse_too_many
from models.store.cards.parts import CardRefusal
from models.store.cards.requests import CardWish, Incomplete, OneAtATime, open_request, withdraw_request
from models.store.trail.entries import TrailAct, record
from models.tables.cards import CardChange, CardChangePart
from models.wire.words import CardType, FaceChannel
from models.words.card_stages import PartStage
from models.words.faults import FaultCode
from models.words.refusals import Refusal

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])
CITIZEN = "citizen"
_STARRED = {
    "counties": "请选择区县",
    "card_type": "请选择卡类型",
    "account_no": "请填写银行账号",
    "bank_code": "请选择开户行",
    "authorised": f"请勾选授权说明：{AUTHORISATION}",
}
County = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class State(StrEnum):
    OPEN = "open"
    ENDED = "ended"


class ChangeForm(BaseModel):
    """What is missing is told in the page's own words, hence nothing is required here."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    counties: Annotated[list[County], Field(max_length=100)] = []
    card_type: CardType | None = None
    account_no: Annotated[str, Field(max_length=60)] = ""
    bank_code: Annotated[str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    reason: Annotated[str | None, Field(max_length=200), FREE_TEXT] = None
    authorised: StrictBool = False


@router.post(
    "/card-changes",
    status_code=201,
    summary="变更申请",
    response_model=MatterView,
    responses=refusals(CARD_CHANGE_OPEN=409, TOO_MANY_CHANGES=429),
)
async def ask_for_change(form: ChangeForm, desk: Citizens) -> Response:
    """201 also for a request that fails basic validation: it is kept and shown at once as 申请失败."""
    wish = wish_of(form, desk)

    async def work(session: AsyncSession) -> Reply:
        with in_words():
            await refuse_too_many(session, desk.citizen, desk.settings.citizen_failed_changes_per_person_day)
            request = await open_request(session, desk.vault, desk.citizen, wish)
        await session.flush()
        [view] = await matter_views(session, desk.shown, [request])
        await _note(session, desk, "card_change.asked", request, await _concerned(session, request))
        return Reply(201, view, f"/citizen/matters/{request.request_no}")

    return await desk.once(work)


@router.get("/matters", summary="事项办理", response_model=Listed[MatterView])
async def list_matters(
    desk: Citizens,
    state: Annotated[State | None, Query(description="open 办理中，ended 办理完结")] = None,
    after: Annotated[str | None, Query(max_length=40, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> Response:
    statement = select(CardChange).where(
        CardChange.province_code == desk.province, CardChange.person_index == desk.person.person_index
    )
    if state is not None:
        ended = col(CardChange.ended_at)
        statement = statement.where(ended.is_(None) if state is State.OPEN else ended.is_not(None))
    async with desk.snapshot() as session:
        if after is not None:
            # a number is nobody's secret, a row's id would tell how many requests there are
            place = select(CardChange.id).where(CardChange.request_no == after).scalar_subquery()
            statement = statement.where(col(CardChange.id) < place)
        rows = (await session.exec(statement.order_by(col(CardChange.id).desc()).limit(limit + 1))).all()
        items = await matter_views(session, desk.shown, rows[:limit])
    return json_answer({"items": items, "next": rows[limit - 1].request_no if len(rows) > limit else None})


@router.get(
    "/matters/{request_no}",
    summary="办理过程",
    response_model=MatterView,
    responses=refusals(NOT_FOUND=404),
)
async def show_matter(request_no: str, desk: Citizens) -> Response:
    async with desk.snapshot() as session:
        [view] = await matter_views(session, desk.shown, [await _own(session, desk, request_no)])
    return json_answer(view)


@router.post(
    "/matters/{request_no}/withdrawal",
    summary="撤销",
    response_model=MatterView,
    responses=refusals(NOT_FOUND=404, NOTHING_TO_WITHDRAW=409),
)
async def withdraw_change(request_no: str, desk: Citizens) -> Response:
    """Takes back every part that no reviewer has decided; a part that is decided goes on."""

    async def work(session: AsyncSession) -> Reply:
        await _own(session, desk, request_no)
        try:
            request = await withdraw_request(session, desk.vault, request_no, desk.person.person_index)
        except CardRefusal as refused:
            raise conflict(refused.code, "不能撤销", refused.words) from None
        await session.flush()
        [view] = await matter_views(session, desk.shown, [request])
        await _note(session, desk, "card_change.withdrawn", request, await _withdrawn(session, request))
        return Reply(200, view)

    return await desk.once(work)


async def _own(session: AsyncSession, desk: CitizenDesk, request_no: str) -> CardChange:
    statement = select(CardChange).where(
        CardChange.request_no == request_no,
        CardChange.province_code == desk.province,
        CardChange.person_index == desk.person.person_index,
    )
    request = (await session.exec(statement)).first()
    if request is None:
        raise Problem(404, Refusal.NOT_FOUND, "没有这个事项", "请在“事项办理”中核对；只能查看和办理本人的事项")
    return request


async def _concerned(session: AsyncSession, request: CardChange) -> list[str]:
    """A county that was named and knows nothing of the person learns nothing of the person."""
    statement = select(CardChangePart.county_code).where(
        CardChangePart.request_id == request.id, col(CardChangePart.old_account_index).is_not(None)
    )
    return list((await session.exec(statement.order_by(col(CardChangePart.county_code)))).all())


async def _withdrawn(session: AsyncSession, request: CardChange) -> list[str]:
    statement = select(CardChangePart.county_code).where(
        CardChangePart.request_id == request.id, CardChangePart.stage == PartStage.WITHDRAWN
    )
    return list((await session.exec(statement.order_by(col(CardChangePart.county_code)))).all())


def _too_many(refused: TooManyRequests) -> Problem:
    hours = max(1, round(refused.retry_after / 3600))
    detail = f"一天内未办成或撤销的变更申请过多，请核对账号信息，约 {hours} 小时后再申请；有疑问请联系所在村社或镇街"
    headers = {"Retry-After": str(int(refused.retry_after) + 1)}
    return Problem(429, Refusal.TOO_MANY_CHANGES, "申请过于频繁", detail, headers=headers)


@contextmanager
def in_words() -> Iterator[None]:
    """Why a request is not taken, as a refusal."""
    try:
        yield
    except Incomplete as missing:
        raise _incomplete(list(missing.fields)) from None
    except TooManyRequests as refused:
        raise _too_many(refused) from None
    except OneAtATime as refused:
        errors = [{"code": refused.code, "request_no": refused.request_no}] if refused.request_no else None
        raise conflict(refused.code, "已有变更正在办理", refused.words, errors) from None


def wish_of(form: ChangeForm, desk: CitizenDesk) -> CardWish:
    missing = [name for name in _STARRED if not _is_given(getattr(form, name))]
    if missing or form.card_type is None:
        raise _incomplete(missing)
    return CardWish(
        counties=form.counties,
        card_type=form.card_type,
        account_no=form.account_no,
        bank_code=form.bank_code,
        authorised=form.authorised,
        reason=(form.reason or "").strip() or None,
        channel=FaceChannel(desk.person.channel),
    )


def _is_given(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _incomplete(fields: list[str]) -> Problem:
    return field_problem({f"/{name}": _STARRED[name] for name in fields}, FaultCode.REQUIRED)


async def _note(session: AsyncSession, desk: CitizenDesk, act: str, request: CardChange, counties: list[str]) -> None:
    """Each county's trail has what concerns it; the person is named by the request only."""
    for county in counties:
        part_no = f"{request.request_no}.{county}"
        detail = {"request_no": request.request_no, "channel": desk.person.channel, "login_no": desk.person.login_no}
        entry = TrailAct(county, CITIZEN, CITIZEN, act, part_no, detail | {"stage": request.stage.value})
        await record(session, desk.vault, entry)

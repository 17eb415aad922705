"""The session and how long it lives; 登录记录: each sign-in of the person, newest first, of no county."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlmodel import col, select
from typing_extensions import TypedDict

from api.citizens.account import json_answer
from api.citizens.session import (
    CITIZENS,
    SESSION_COOKIE,
    CitizenDesk,
    Citizens,
    cookie,
    lives,
    not_signed_in,
    own_pages_only,
)
from api.counter.paging import MAX_LIMIT
from api.counter.parts import parts_of
from api.server.answers import Listed, refusals
from models.forms.identity import mask_name
from models.secrets import digest
from models.store.citizens.sessions import Living, look_at_session, person_behind
from models.tables.cards import FaceLogin
from models.wire.words import FaceChannel
from models.words.labelled import label_of

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])
_CHANNELS: Mapping[str, str] = {FaceChannel.APP.value: "APP", FaceChannel.PC.value: "PC"}


class SignInView(TypedDict):
    login_no: str
    channel: FaceChannel
    channel_label: str
    at: datetime | None
    current: Annotated[bool, Field(description="是否本次登录")]


class SessionView(TypedDict):
    login_no: str
    # the person, and not the session: what a form is bound to
    person: Annotated[str, Field(description="本人的代号，重新登录后不变；不含个人信息")]
    channel: FaceChannel
    name: Annotated[str, Field(description="打码")]
    opened_at: datetime | None
    ends_at: Annotated[datetime, Field(description="此后不再操作，到这时自动退出")]


@router.get("/session", summary="登录何时失效", response_model=SessionView, responses=refusals(NOT_SIGNED_IN=401))
async def show_session(request: Request) -> Response:
    """Asking prolongs nothing: a page may ask as often as it likes and the idle time runs on."""
    parts, found = parts_of(request), None
    secret = cookie(request, SESSION_COOKIE)
    if secret is not None:
        province, limits = parts.settings.citizen_province_code, lives(parts.settings)
        async with parts.database.share_of(CITIZENS).to_show().reading() as session:
            found = await look_at_session(session, digest(secret), province, limits)
    if not isinstance(found, Living):
        raise not_signed_in(parts.settings, found)
    login, person = found.login, person_behind(parts.shown, found.login)
    view: SessionView = {
        "login_no": login.login_no,
        "person": digest(f"form/{person.person_index}")[:16],
        "channel": FaceChannel(login.channel),
        "name": mask_name(person.name),
        "opened_at": login.opened_at,
        "ends_at": found.ends_at,
    }
    return json_answer(view)


@router.get("/sign-ins", summary="登录记录", response_model=Listed[SignInView])
async def list_sign_ins(
    desk: Citizens,
    after: Annotated[str | None, Query(max_length=40, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 20,
) -> Response:
    """What the person didn't do is seen here; nothing of it counts as unread."""
    statement = select(FaceLogin).where(
        FaceLogin.person_index == desk.person.person_index,
        FaceLogin.province_code == desk.province,
        col(FaceLogin.session_opened_at).is_not(None),
    )
    if after is not None:
        # a number is nobody's secret, a row's id would tell how many attempts there are
        place = select(FaceLogin.id).where(FaceLogin.login_no == after).scalar_subquery()
        statement = statement.where(col(FaceLogin.id) < place)
    async with desk.snapshot() as session:
        rows = (await session.exec(statement.order_by(col(FaceLogin.id).desc()).limit(limit + 1))).all()
    items = [_view(desk, login) for login in rows[:limit]]
    return json_answer({"items": items, "next": rows[limit - 1].login_no if len(rows) > limit else None})


def _view(desk: CitizenDesk, login: FaceLogin) -> SignInView:
    return {
        "login_no": login.login_no,
        "channel": login.channel,
        "channel_label": label_of(_CHANNELS, login.channel),
        "at": login.session_opened_at,
        "current": login.login_no == desk.person.login_no,
    }

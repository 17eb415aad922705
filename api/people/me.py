"""我的账号：本人是谁，最近的登录，验证码，密码，验证器，退出。"""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.counter.roles import Everyone
from api.people.me_acts import OwnActs
from api.people.me_views import CodeTaken, OwnSignIn, SessionOver, StaffView, own_sign_in
from api.people.people_views import NamesView
from api.people.sign_in_views import SignInStepView, role_choices
from api.people.sign_ins import Code, Secret
from api.server.answers import Items, refusals
from models.store.people.persons import find_person, person_name
from models.store.people.sessions import sessions_of
from models.words.counties import county_name, county_words

router = APIRouter(prefix="/staff", tags=["人员"])
_MOST_SIGN_INS = 20


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OwnCode(_Asked):
    code: Code


class ChangedPassword(_Asked):
    old: Secret
    new: Secret


class BoundCode(_Asked):
    ticket: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    code: Code


@router.get("/me", summary="本人、身份和区县")
async def show_me(desk: Everyone) -> StaffView:
    """The token's person, role and county, with the county's name."""
    async with desk.database.reading() as session:
        person = await find_person(session, desk.county, desk.person)
    assert person is not None
    return {
        "person": desk.person,
        "name": person_name(desk.shown, desk.county, desk.person, person.name_sealed),
        "role": desk.role,
        "role_label": desk.role.label,
        "roles": role_choices(person),
        "county_code": desk.county,
        "county_name": county_name(desk.county),
        "county": county_words(desk.county),
        "code_at": desk.principal.code_at,
        "has_authenticator": person.totp_sealed is not None,
        "passwords": desk.settings.passwords,
    }


@router.get("/me/sign-ins", summary="最近的登录")
async def list_own_sign_ins(desk: Everyone) -> Items[OwnSignIn]:
    async with desk.database.reading() as session:
        rows = await sessions_of(session, desk.county, desk.person, _MOST_SIGN_INS)
    return {"items": [own_sign_in(row) for row in rows]}


@router.get("/names", summary="工作人员的姓名")
async def list_names(desk: Everyone) -> NamesView:
    """By login, of everybody who acts or has acted in the county: what stands beside an act.

    An applicant gets those of the county's staff and the own, and no other applicant's.
    """
    return {"names": await desk.names()}


@router.post(
    "/codes",
    summary="输入验证码",
    response_model=CodeTaken,
    responses=refusals(SIGN_IN_LOCKED=429, SIGN_IN_REFUSED=422, PERSON_STATE_UNFIT=409),
)
async def type_code(desk: Everyone, typed: OwnCode) -> Response:
    """Acts on money, people and originals want one that is no older than five minutes."""
    return await OwnActs(desk).type_code(typed.code)


@router.post(
    "/me/password",
    summary="更改密码",
    response_model=SessionOver,
    responses=refusals(PASSWORDS_OFF=403, SIGN_IN_LOCKED=429, SIGN_IN_REFUSED=422, WEAK=422),
)
async def change_password(desk: Everyone, changed: ChangedPassword) -> Response:
    return await OwnActs(desk).change_password(changed.old, changed.new)


@router.post(
    "/me/authenticator",
    summary="更换验证器",
    response_model=SignInStepView,
    responses=refusals(CODE_NEEDED=403),
)
async def bind(desk: Everyone) -> Response:
    return await OwnActs(desk).bind()


@router.post(
    "/me/authenticator/confirmation",
    summary="确认新验证器",
    response_model=CodeTaken,
    responses=refusals(CODE_NEEDED=403, SIGN_IN_LOCKED=429, SIGN_IN_REFUSED=422, TICKET_OVER=409),
)
async def confirm_authenticator(desk: Everyone, bound: BoundCode) -> Response:
    return await OwnActs(desk).confirm(bound.ticket, bound.code)


@router.post("/sign-outs", summary="退出", response_model=SessionOver)
async def sign_staff_out(desk: Everyone) -> Response:
    return await OwnActs(desk).sign_out()

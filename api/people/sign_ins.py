"""登录：登录名和密码，然后六位验证码；首次登录先设密码、绑定验证器。"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.counter.idempotency import idempotency_key
from api.counter.parts import parts_of
from api.people.sessions import lives_of
from api.people.sign_in_acts import SIGN_INS, SignIn
from api.people.sign_in_views import SessionEndView, SignInStepView, session_end
from api.server.answers import refusals
from models.store.people.passwords import LONGEST
from models.store.people.sessions import why_over
from models.words.refusals import Refusal
from models.words.stages import Role

router = APIRouter(prefix="/staff/sign-ins", tags=["人员"])
Secret = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]
_LOCKED = {Refusal.SIGN_IN_REFUSED: 401, Refusal.SIGN_IN_LOCKED: 429}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NameAndPassword(_Asked):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    password: Secret


class FormerSession(_Asked):
    session: Secret


class NewPassword(_Asked):
    ticket: Secret
    password: Secret


class TypedCode(_Asked):
    ticket: Secret
    code: Code


class ChosenRole(_Asked):
    ticket: Secret
    role: Role


@router.post("", summary="登录名和密码", responses=refusals(**_LOCKED, TOO_MANY_LOGINS=429))
async def begin_sign_in(asked: NameAndPassword, request: Request) -> SignInStepView:
    """Whoever was invited gives the one-time code as the password; an unknown name hears what a wrong password does."""
    return await SignIn(request, parts_of(request)).begin(asked.name, asked.password)


@router.post("/ended", summary="为何已退出")
async def tell_why_over(asked: FormerSession, request: Request) -> SessionEndView:
    """Whoever holds a session's secret hears why it is over, which opens nothing."""
    idempotency_key(request)
    parts = parts_of(request)
    async with parts.database.share_of(SIGN_INS).reading() as session:
        return session_end(await why_over(session, asked.session, lives_of(parts.settings)))


@router.post("/password", summary="首次登录：设置密码", responses=refusals(TICKET_OVER=409))
async def set_password(asked: NewPassword, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).set_password(asked.ticket, asked.password)


@router.post("/code", summary="验证码", responses=refusals(**_LOCKED, TICKET_OVER=409))
async def take_typed_code(asked: TypedCode, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).check_code(asked.ticket, asked.code)


@router.post("/role", summary="选择身份", responses=refusals(TICKET_OVER=409))
async def choose_role(asked: ChosenRole, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).choose(asked.ticket, asked.role)

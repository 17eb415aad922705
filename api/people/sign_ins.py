"""登录：登录名和密码，然后六位验证码；首次登录先设密码、绑定验证器。"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from api.counter.idempotency import idempotency_key
from api.counter.parts import parts_of
from api.people.oidc_acts import OidcSignIn
from api.people.sessions import lives_of
from api.people.sign_in_acts import SIGN_INS, SignIn
from api.people.sign_in_views import OidcBegun, SessionEndView, SignInStepView, SignInWays, session_end
from api.server.answers import refusals
from models.store.people.passwords import LONGEST
from models.store.people.sessions import why_over
from models.words.refusals import Refusal
from models.words.staff import Role

router = APIRouter(prefix="/staff/sign-ins", tags=["人员"])
Secret = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]
Login = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]
_PROVIDER = {Refusal.PROVIDER_AWAY: 503, Refusal.PROVIDER_UNSET: 409}
_LOCKED = {Refusal.SIGN_IN_REFUSED: 401, Refusal.SIGN_IN_LOCKED: 429}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NameAndPassword(_Asked):
    name: Login
    password: Secret


class FormerSession(_Asked):
    session: Secret


class NewPassword(_Asked):
    ticket: Secret
    password: Secret


class TypedCode(_Asked):
    ticket: Secret
    code: Code


class CameBack(_Asked):
    attempt: Secret
    state: Secret
    # opaque, and as long as the provider likes
    code: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class Binding(_Asked):
    ticket: Secret
    name: Login
    code: Secret


class ChosenRole(_Asked):
    ticket: Secret
    role: Role


@router.get("", summary="登录方式")
async def show_ways(request: Request) -> SignInWays:
    return {"passwords": parts_of(request).settings.passwords}


@router.post("", summary="登录名和密码", responses=refusals(**_LOCKED, PASSWORDS_OFF=403, TOO_MANY_LOGINS=429))
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


@router.post("/password", summary="首次登录：设置密码", responses=refusals(PASSWORDS_OFF=403, TICKET_OVER=409))
async def set_password(asked: NewPassword, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).set_password(asked.ticket, asked.password)


@router.post("/code", summary="验证码", responses=refusals(**_LOCKED, TICKET_OVER=409))
async def take_typed_code(asked: TypedCode, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).check_code(asked.ticket, asked.code)


@router.post("/role", summary="选择身份", responses=refusals(TICKET_OVER=409))
async def choose_role(asked: ChosenRole, request: Request) -> SignInStepView:
    return await SignIn(request, parts_of(request)).choose(asked.ticket, asked.role)


@router.post("/oidc", summary="统一身份认证：开始", responses=refusals(TOO_MANY_LOGINS=429, **_PROVIDER))
async def begin_at_provider(request: Request) -> OidcBegun:
    """The address to go to, and the secret that its browser brings back: state, nonce and PKCE verifier come of it."""
    return await OidcSignIn(request, parts_of(request)).begin()


@router.post(
    "/oidc/return",
    summary="统一身份认证：回来",
    responses=refusals(SIGN_IN_REFUSED=401, TICKET_OVER=409, **_PROVIDER),
)
async def come_back_from_provider(asked: CameBack, request: Request) -> SignInStepView:
    """Whoever nobody knows here as yet binds the identity with the one-time code of an administrator (`bind`)."""
    return await OidcSignIn(request, parts_of(request)).come_back(asked.attempt, asked.state, asked.code)


@router.post(
    "/oidc/binding",
    summary="统一身份认证：绑定",
    responses=refusals(**_LOCKED, TOO_MANY_LOGINS=429, TICKET_OVER=409, PROVIDER_UNSET=409),
)
async def bind_identity(asked: Binding, request: Request) -> SignInStepView:
    return await OidcSignIn(request, parts_of(request)).bind(asked.ticket, asked.name, asked.code)

"""登录: face recognition by deep link in the app, by QR code on a PC; the session opens in the browser that asked."""

import io
import time
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import orjson
import segno
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Shown
from typing_extensions import TypedDict

from api.citizens.attempts import Attempts, attempts_of, forget
from api.citizens.session import (
    BROWSER_COOKIE,
    CITIZENS,
    SESSION_COOKIE,
    browser_hashes,
    cookie,
    give_cookie,
    idle_seconds,
    own_pages_only,
    take_cookie,
)
from api.counter.idempotency import idempotency_key
from api.counter.long_poll import LONGEST_WAIT_SECONDS, until_news
from api.counter.parts import Parts, parts_of
from api.server.addresses import address_index
from api.server.answers import refusals, shown_file, with_headers
from api.server.problems import Problem
from models.secrets import digest, fresh_secret
from models.store.citizens.logins import (
    OPEN_STAGES,
    TOO_MANY,
    Asking,
    TooManyAttempts,
    ends_at,
    is_past,
    logins_of_browser,
    open_login,
    stage_now,
)
from models.store.citizens.sessions import Opening, end_session, take_session
from models.store.vault import Field
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.wire.words import FaceChannel, FaceReason
from models.words.card_stages import LoginStage
from models.words.refusals import Refusal
from models.words.staff import SessionEnd

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])

_SVG = "image/svg+xml"
_QR_SCALE = 8
_REASONS = {
    FaceReason.FACE_MISMATCH.value: "人脸与身份信息不一致，请由本人重新识别",
    FaceReason.CANCELLED.value: "已在手机上取消，请重新获取",
    FaceReason.TIMEOUT.value: "超过时限未完成识别，请重新获取",
    TOO_MANY: "您一小时内登录次数过多，请稍后再试",
}
CAUTION = "请勿扫他人发来的码：扫码并通过人脸识别后，登录的是显示此码的浏览器"
_OTHER_REASON = "人脸识别暂时无法办理，请稍后重新获取"


class LoginChannel(StrEnum):
    APP = "app"
    PC = "pc"


class NewLogin(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: LoginChannel


class LoginView(TypedDict):
    login_no: str
    channel: FaceChannel
    stage: LoginStage
    stage_label: str
    explanation: Annotated[str | None, Shown(description="未通过的原因")]
    url: Annotated[str | None, Shown(description="人脸识别的地址，APP 中打开")]
    qr: Annotated[str | None, Shown(description="二维码的地址，电脑上显示")]
    app_name: Annotated[str, Shown(description="用哪个 APP 扫码")]
    caution: Annotated[str | None, Shown(description="二维码旁须显示的提醒")]
    expires_at: datetime
    signed_in: Annotated[bool, Shown(description="此浏览器是否已由这次登录")]


@router.post(
    "/logins",
    status_code=201,
    summary="发起人脸识别",
    response_model=LoginView,
    responses=with_headers(201, "Set-Cookie", "Location") | refusals(TOO_MANY_LOGINS=429),
)
async def ask_to_sign_in(new: NewLogin, request: Request) -> Response:
    """Every call is an attempt of its own with a fresh browser secret, so nobody can plant one; no answer is kept."""
    parts = parts_of(request)
    idempotency_key(request)
    secret = fresh_secret()
    asking = Asking(
        province_code=parts.settings.citizen_province_code,
        channel=FaceChannel(new.channel),
        browser_hash=digest(secret),
        address_index=address_index(parts.vault, request),
    )
    shown = browser_hashes(request)
    try:
        async with parts.database.share_of(CITIZENS).transaction() as session:
            earlier = await logins_of_browser(session, shown)
            login = await open_login(session, asking, parts.settings.citizen_logins_per_address_hour)
    except TooManyAttempts as refused:
        raise _too_many(refused) from None
    response = _answer(parts, login, 201)
    response.headers["Location"] = f"/citizen/logins/{login.login_no}"
    give_cookie(response, parts.settings, f"{BROWSER_COOKIE}{login.login_no}", secret)
    forget(response, parts, shown.keys() - {each.login_no for each in earlier if not is_past(each)})
    return response


@router.get(
    "/logins/{login_no}",
    summary="识别进展",
    response_model=LoginView,
    responses=with_headers(200, "Set-Cookie") | refusals(NOT_FOUND=404),
)
async def show_login(
    login_no: str,
    request: Request,
    wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="最多等几秒，有变化立即返回")] = 0.0,
    stage: Annotated[LoginStage | None, Query(description="已知的阶段；与之不同立即返回")] = None,
) -> Response:
    parts = parts_of(request)
    attempts = await _changed(parts, request, login_no, wait, stage)
    if attempts.passed is not None:
        return await _sign_in(parts, request, attempts.passed, login_no)
    return _answer(parts, attempts.own, signed_in=attempts.signed_in)


@router.get(
    "/logins/{login_no}/qr",
    summary="二维码",
    response_class=Response,
    responses=shown_file(_SVG) | refusals(NOT_FOUND=404, QR_NOT_READY=409, QR_EXPIRED=410),
)
async def show_code(login_no: str, request: Request) -> Response:
    """For the browser that asked; 410 once it is of no use, and a new one has to be asked for."""
    parts = parts_of(request)
    login = (await _attempts(parts, request, login_no)).own
    if login.channel != FaceChannel.PC:
        raise _no_login()
    stage = stage_now(login, now())
    if stage is LoginStage.OPENING:
        detail = "二维码正在生成，请一秒后再取"
        raise Problem(409, Refusal.QR_NOT_READY, "二维码尚未生成", detail, headers={"Retry-After": "1"})
    if stage not in OPEN_STAGES or login.url_sealed is None:
        raise Problem(410, Refusal.QR_EXPIRED, "二维码已失效", "请重新获取二维码")
    picture = io.BytesIO()
    url = parts.vault.open(Field.DETAIL, login.login_no, login.url_sealed)
    segno.make(url, error="m", micro=False).save(picture, kind="svg", scale=_QR_SCALE, title=CAUTION)
    return Response(picture.getvalue(), media_type=_SVG)


@router.post(
    "/logout",
    status_code=204,
    summary="退出",
    response_class=Response,
    responses=with_headers(204, "Set-Cookie"),
)
async def sign_out(request: Request) -> Response:
    parts = parts_of(request)
    idempotency_key(request)
    secret = cookie(request, SESSION_COOKIE)
    if secret is not None:
        async with parts.database.share_of(CITIZENS).transaction() as session:
            await end_session(session, digest(secret), SessionEnd.SIGNED_OUT)
    response = Response(status_code=204)
    take_cookie(response, parts.settings, SESSION_COOKIE)
    forget(response, parts, browser_hashes(request))
    return response


async def _attempts(parts: Parts, request: Request, login_no: str) -> Attempts:
    """The attempt with those beside it, for the browser that asked and for no other."""
    found = await attempts_of(parts, request, login_no)
    if found is None:
        raise _no_login()
    return found


async def _changed(parts: Parts, request: Request, login_no: str, wait: float, known: LoginStage | None) -> Attempts:
    """The attempt, once its stage is not the known one or the browser may be signed in, or after `wait` seconds."""
    deadline = time.monotonic() + wait
    with parts.stages.listen(*browser_hashes(request)) as listener:
        attempts = await _attempts(parts, request, login_no)
        known = known or attempts.stage
        while attempts.waits_as(known) and time.monotonic() < deadline:
            # nobody tells that a code's time is over
            left = (ends_at(attempts.own) - now()).total_seconds()
            until = min(deadline, time.monotonic() + left) if left > 0 else deadline
            if not await until_news(request, parts.stages, listener, until):
                break
            attempts = await _attempts(parts, request, login_no)
    return attempts


async def _sign_in(parts: Parts, request: Request, passed: FaceLogin, login_no: str) -> Response:
    """The session cookie, once; a session that this browser had before ends."""
    secret, before = fresh_secret(), cookie(request, SESSION_COOKIE)
    opening = Opening(digest(secret), digest(before) if before else None, idle_seconds(parts.settings))
    async with parts.database.share_of(CITIZENS).transaction() as session:
        opened = await take_session(session, passed.login_no, opening, parts.settings.citizen_logins_per_person_hour)
    response = _answer(parts, (await _attempts(parts, request, login_no)).own, signed_in=opened)
    if opened:
        give_cookie(response, parts.settings, SESSION_COOKIE, secret)
    return response


def _answer(parts: Parts, login: FaceLogin, status: int = 200, *, signed_in: bool = False) -> Response:
    stage = stage_now(login, now())
    open_now = stage in OPEN_STAGES
    sealed = login.url_sealed if open_now else None
    body: LoginView = {
        "login_no": login.login_no,
        "channel": login.channel,
        "stage": stage,
        "stage_label": _label(login, stage),
        "explanation": _explanation(login, stage),
        "url": parts.vault.open(Field.DETAIL, login.login_no, sealed) if sealed else None,
        "qr": f"/citizen/logins/{login.login_no}/qr" if login.channel == FaceChannel.PC and open_now else None,
        "app_name": parts.settings.citizen_app_name,
        "caution": CAUTION if login.channel == FaceChannel.PC and open_now else None,
        "expires_at": ends_at(login),
        "signed_in": signed_in,
    }
    return Response(orjson.dumps(body), status, media_type="application/json")


def _label(login: FaceLogin, stage: LoginStage) -> str:
    if login.channel == FaceChannel.APP:
        words = {
            LoginStage.WAITING: "等待人脸识别",
            LoginStage.SCANNED: "人脸识别中",
            LoginStage.EXPIRED: "人脸识别已超时",
        }
        return words.get(stage, stage.label)
    return stage.label


def _explanation(login: FaceLogin, stage: LoginStage) -> str | None:
    if stage is LoginStage.EXPIRED:
        return _REASONS[FaceReason.TIMEOUT.value]
    return _REASONS.get(login.reason_code or "", _OTHER_REASON) if stage is LoginStage.FAILED else None


def _too_many(refused: TooManyAttempts) -> Problem:
    minutes = max(1, round(refused.retry_after / 60))
    detail = f"此网络一小时内登录次数过多，请约 {minutes} 分钟后再试"
    headers = {"Retry-After": str(int(refused.retry_after) + 1)}
    return Problem(429, Refusal.TOO_MANY_LOGINS, "登录过于频繁", detail, headers=headers)


def _no_login() -> Problem:
    return Problem(404, Refusal.NOT_FOUND, "没有这次登录", "请在发起登录的浏览器中操作，或重新获取二维码")

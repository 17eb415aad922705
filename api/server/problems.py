"""Refusals as RFC 9457 problem documents: a stable code, Chinese words, and never a value that was sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Self, TypeGuard

import psycopg
import structlog
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.places import Busy
from models.store.database import DEADLOCK, LOCK_TIMEOUT, STATEMENT_TIMEOUT, sqlstate
from models.store.objects import ObjectDamaged
from models.store.vault import SealBroken
from models.tokens import BadToken
from models.wire.vocabulary import UnknownWord, only_known_words
from models.words.refusals import Refusal, RefusalCode

MEDIA_TYPE = "application/problem+json"
# What only people can mend is not asked for every few seconds.
_WHEN_MENDED = {"Retry-After": "600"}
_LOG = structlog.get_logger()
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
_AUTHOR_ERRORS = {"value_error", "assertion_error"}
_WORDS: Mapping[str, str] = {
    "missing": "缺少此项，请补充",
    "extra_forbidden": "没有这一项，请去掉或核对名称",
    "json_invalid": "内容不是正确的 JSON",
    "string_too_short": "至少须有 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "格式不对",
    "string_type": "须为文字",
    "int_type": "须为整数，不带引号和小数",
    "int_parsing": "须为整数",
    "int_from_float": "须为整数，不带小数",
    "bool_type": "须为 true 或 false",
    "greater_than": "数值太小",
    "greater_than_equal": "数值太小",
    "less_than": "数值太大",
    "less_than_equal": "数值太大",
    "too_short": "至少须有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "list_type": "须为列表",
    "model_attributes_type": "须为 JSON 对象",
    "dict_type": "须为 JSON 对象",
}
BUSY_DETAIL = "同时办理的人较多，没有作任何改动，请稍后用同一 Idempotency-Key 重试"
_STATUSES: Mapping[int, tuple[RefusalCode, str, str]] = {
    400: (Refusal.BAD_REQUEST, "请求读不出来", "请求内容不完整或格式不对，请核对后重新提交"),
    404: (Refusal.NOT_FOUND, "没有这一项", "请核对地址和编号；别的区县的数据在这里查不到"),
    405: (Refusal.METHOD_NOT_ALLOWED, "此地址不支持这种操作", "请核对请求方法，可用的操作见 /docs"),
    408: (Refusal.REQUEST_TIMEOUT, "内容没有按时传完", "请检查网络后用同一 Idempotency-Key 重试；大文件请分几次提交"),
    413: (Refusal.PAYLOAD_TOO_LARGE, "内容太大", "请缩小文件或分几次提交"),
    415: (Refusal.UNSUPPORTED_MEDIA_TYPE, "内容的类型不对", "请按 /docs 所示的类型提交"),
    503: (Refusal.BUSY, "系统繁忙", BUSY_DETAIL),
}


class Problem(Exception):
    """A refusal for the person asking: what, where, why, and what to do. Holds no personal data."""

    def __init__(
        self,
        status: int,
        code: RefusalCode | BadToken,
        title: str,
        detail: str,
        errors: Sequence[Mapping[str, object]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def hanging_up(self) -> Self:
        """The same, with the connection ended behind it."""
        self.headers = {**(self.headers or {}), "Connection": "close"}
        return self

    def response(self) -> JSONResponse:
        document: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        headers = dict(self.headers) if self.headers else None
        return JSONResponse(document, self.status, headers=headers, media_type=MEDIA_TYPE)


def not_found(what: str) -> Problem:
    """`what` names the kind of thing, e.g. 政策; the same answer for what is another county's."""
    return Problem(404, Refusal.NOT_FOUND, f"没有这个{what}", f"请核对{what}的编号；只能查看和办理本区县的{what}")


def conflict(
    code: RefusalCode, title: str, detail: str, errors: Sequence[Mapping[str, object]] | None = None
) -> Problem:
    return Problem(409, code, title, detail, errors)


def field_problem(errors: Mapping[str, str], code: RefusalCode = Refusal.VALIDATION_FAILED) -> Problem:
    """422 for values that fit their type but not the rows; keys are JSON pointers."""
    listed = [{"pointer": pointer, "code": code, "detail": detail} for pointer, detail in errors.items()]
    return Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", "请按 errors 所列的位置更正后重新提交", listed)


def busy() -> Problem:
    return Problem(503, Refusal.BUSY, "系统繁忙", BUSY_DETAIL, headers={"Retry-After": "2"})


def install(app: FastAPI) -> None:
    """Every refusal and error of the app leaves as a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(IntegrityError, _on_conflict)
    app.add_exception_handler(DataError, _on_unstorable)
    for away in (OperationalError, InterfaceError, InternalError, psycopg.OperationalError):
        app.add_exception_handler(away, _on_database)
    for outside in (OSError, BotoCoreError, ClientError):
        app.add_exception_handler(outside, _on_database)
    for busy in (PoolTimeout, Busy):
        app.add_exception_handler(busy, _on_busy)
    app.add_exception_handler(ObjectDamaged, _on_damaged)
    app.add_exception_handler(SealBroken, _on_broken_seal)
    app.add_exception_handler(UnknownWord, _on_unknown_word)
    app.add_middleware(LastResort)


def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return error.response()


def _on_unstorable(_: Request, error: Exception) -> JSONResponse:
    """A value that no row can hold: NUL in a text, a number beyond its column."""
    detail = "内容中有无法保存的字符（如空字符）或超出范围的数字，请更正后重新提交"
    return Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", detail).response()


def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [_entry(found, error.body) for found in error.errors()]
    detail = "请按 errors 所列的位置更正后重新提交"
    return Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", detail, errors).response()


def _entry(found: Mapping[str, object], body: object) -> dict[str, object]:
    kind = str(found["type"])
    place = found["loc"]
    assert isinstance(place, tuple)
    entry: dict[str, object] = {"code": kind.upper(), "detail": _words(kind, found)}
    if place[0] == "body":
        # the position inside broken JSON is no pointer
        steps = () if kind == "json_invalid" else _steps(place[1:], body, missing=kind == "missing")
        return {"pointer": "".join(f"/{_step(step)}" for step in steps), **entry}
    return {"parameter": _step(place[-1]), "in": str(place[0]), **entry}


def _steps(place: Sequence[object], body: object, missing: bool) -> list[object]:
    """The way to it in what was sent: the kind of a union that was read there is named too, and is no key of it."""
    at, steps = body, []
    for number, step in enumerate(place, 1):
        absent = isinstance(at, dict) and step not in at
        if absent and not (missing and number == len(place)):
            continue
        steps.append(step)
        at = at.get(step) if isinstance(at, dict) else at[step] if isinstance(at, list) and _is_in(step, at) else None
    return steps


def _is_in(step: object, rows: Sequence[object]) -> TypeGuard[int]:
    return isinstance(step, int) and step < len(rows)


def _step(step: object) -> str:
    """A key that somebody sent may itself be somebody's number."""
    return str(step) if isinstance(step, int) or _PLAIN_KEY.fullmatch(str(step)) else "*"


def _words(kind: str, found: Mapping[str, object]) -> str:
    context = found.get("ctx")
    details = context if isinstance(context, dict) else {}
    if kind in _AUTHOR_ERRORS:
        # only our own validators raise these, and they name no value
        return str(details.get("error", "值不合要求"))
    if found.get("input") in ("", None) and kind not in ("missing", "json_invalid"):
        return "未填写，请补充"
    if kind in ("enum", "literal_error"):
        return f"只能是以下之一：{details.get('expected', '')}"
    return _WORDS.get(kind, "值不合要求，请核对类型和格式").format_map(details)


def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    fallback = (Refusal.HTTP_ERROR, "请求无法处理", "请核对请求后重试")
    return Problem(error.status_code, *_STATUSES.get(error.status_code, fallback), headers=error.headers).response()


def _on_conflict(_: Request, error: Exception) -> JSONResponse:
    _LOG.warning("write refused by a constraint", error=type(error).__name__)
    detail = "同一数据刚刚有了变化，请刷新后核对再办理"
    return Problem(409, Refusal.CONFLICT, "与已有数据冲突", detail).response()


def _on_database(request: Request, error: Exception) -> JSONResponse:
    state = sqlstate(error)
    if state in (LOCK_TIMEOUT, DEADLOCK):
        return _on_busy(request, error)
    if state == STATEMENT_TIMEOUT:
        _LOG.warning("too slow", error=type(error).__name__)
        detail = "办理时间过长已中止，没有作任何改动；请缩小范围（如按乡镇、批次筛选）后重试，反复出现请联系运维"
        return Problem(503, Refusal.TOO_SLOW, "办理超时", detail, headers={"Retry-After": "10"}).response()
    _LOG.error("storage away", error=type(error).__name__)
    detail = "数据库或文件库暂时不可用，没有作任何改动，请稍后用同一 Idempotency-Key 重试"
    return Problem(503, Refusal.UNAVAILABLE, "暂时无法办理", detail, headers={"Retry-After": "5"}).response()


def _on_busy(_: Request, error: Exception) -> JSONResponse:
    """All places for this kind of work are taken, or what it changes is; nothing is wrong with what was asked."""
    _LOG.warning("busy", error=type(error).__name__)
    return busy().response()


def _on_damaged(_: Request, error: Exception) -> JSONResponse:
    _LOG.error("stored object differs from what was stored", error=type(error).__name__)
    detail = "文件库里的文件与存入时不一致，请联系运维从备份恢复，或重新上传"
    return Problem(503, Refusal.FILE_DAMAGED, "文件已损坏", detail, headers=_WHEN_MENDED).response()


def _on_broken_seal(_: Request, error: Exception) -> JSONResponse:
    """An act can't go on with a value that is gone; where it is only looked at, it is shown as such."""
    _LOG.error("act needs a value that can't be opened", which=str(error))
    detail = f"存储的内容已损坏或密钥不符（{error}），没有作任何改动；请联系运维从备份恢复"
    return Problem(503, Refusal.VALUE_UNREADABLE, "有内容无法读取", detail, headers=_WHEN_MENDED).response()


def _on_unknown_word(_: Request, error: Exception) -> JSONResponse:
    """A row of a newer version, met by an act of this one: no guess is made of what it means."""
    _LOG.error("act needs a word that this version doesn't know", which=str(error))
    detail = f"有记录是新版本写入的，本版本不认识（{error}），没有作任何改动；请联系运维把各进程更新到同一版本"
    return Problem(503, Refusal.VALUE_UNREADABLE, "有内容无法读取", detail, headers=_WHEN_MENDED).response()


class LastResort:
    """ASGI middleware for what nobody expected.

    Starlette's own would hand the error on to the server, whose log shows its text; that may quote a person's data.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noticed(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            # a page asks several times in one request: what it was shown is no leave to send such words back
            with only_known_words():
                await self._app(scope, receive, noticed)
        except ClientDisconnect:
            return  # who asked has hung up within the body: nothing was done, and nobody hears an answer
        except Exception as error:
            if scope["type"] != "http":
                raise
            _LOG.error("unexpected error", method=scope["method"], error=type(error).__name__, at=_place(error))
            if not started:
                await _unexpected().response()(scope, receive, send)


def _unexpected() -> Problem:
    return Problem(500, Refusal.INTERNAL, "系统内部出错", "没有作任何改动，请稍后重试；反复出现请联系运维")


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""

"""/openapi.json: the routes' own words, completed with what every answer of a kind has in common.

A contract (tests/test_contract.py): no status, code, header or media type leaves the API that isn't in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from api.server.answers import CODES, DISPOSITION, XLSX, ProblemDocument
from api.server.limits import CITIZENS
from api.server.problems import MEDIA_TYPE
from models.tokens import BadToken
from models.words.refusals import Refusal

Told = dict[str, Any]
# A POST only because what is sought never stands in an address, or is too long for one: nothing is changed.
CHANGE_NOTHING = ("/search", "/preview")
DESCRIPTION = """\
每次拒绝都是 application/problem+json 问题文档（RFC 9457），code 稳定不变，title 与 detail 为中文。
金额单位均为分（*_fen，整数）；时间为 ISO 8601，带时区。
办理类的 POST 须带 Idempotency-Key：同一值重复提交只办理一次，得到同一答复。
享受人页面（/citizen）以 Cookie 登录；平台来件（/callbacks）以签名为凭；其余均须 Bearer 令牌。
答复中无法读取的字段，其名称列在 unreadable 中。
"""
ACT_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "防重标识：1 到 200 个可见字符；重试同一请求时用同一个值",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
}
HEADERS: Mapping[str, Told] = {
    "Retry-After": {
        "description": "多少秒后再试",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}},
    "Location": {"description": "所办事项的地址", "schema": {"type": "string"}},
    "Idempotency-Replayed": {"description": "true：此前已经办理，这是当时的答复", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "文件名", "schema": {"type": "string"}},
}
_UNREADABLE: Told = {"type": "array", "items": {"type": "string"}, "description": "无法读取的字段"}
_EVERY_503 = (Refusal.BUSY, Refusal.UNAVAILABLE, Refusal.TOO_SLOW, Refusal.FILE_DAMAGED, Refusal.VALUE_UNREADABLE)


def describe(title: str, version: str, routes: Sequence[BaseRoute]) -> Told:
    """The whole document; takes half a second, so once a process."""
    told = get_openapi(title=title, version=version, description=DESCRIPTION, routes=routes)
    parts = told.setdefault("components", {})
    parts["headers"] = dict(HEADERS)
    schemas = parts.setdefault("schemas", {})
    for left in ("HTTPValidationError", "ValidationError"):
        schemas.pop(left, None)
    problem = TypeAdapter(ProblemDocument).json_schema(ref_template="#/components/schemas/{model}")
    schemas["ProblemDocument"] = problem | {"additionalProperties": False}
    for path, method, operation in operations(told):
        _complete(path, method, operation)
        for answer in _good_answers(operation):
            _close(answer, schemas)
    return told


def operations(told: Told) -> Iterator[tuple[str, str, Told]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(path: str, method: str, operation: Told) -> None:
    """Its headers, and each refusal with all its codes."""
    secured, changes = bool(operation.get("security")), method != "get" and not path.endswith(CHANGE_NOTHING)
    is_act = secured and method == "post" and changes
    if is_act:
        operation.setdefault("parameters", []).append(ACT_KEY)
    if _gives_sheets(operation):
        content = operation["responses"]["200"]["content"]
        content[XLSX] = {"schema": {"type": "string", "format": "binary"}}
        operation["responses"]["200"]["headers"] = DISPOSITION
    for status, answer in operation["responses"].items():
        if is_act and status.startswith("2"):
            names = ("Idempotency-Replayed", "Location") if status in ("201", "202") else ("Idempotency-Replayed",)
            answer.setdefault("headers", {}).update(_headers(*names))
    own = {status: answer.pop(CODES) for status, answer in operation["responses"].items() if CODES in answer}
    operation["responses"].pop("422", None)
    for status, codes in (*_of_kind(path, operation, is_act, changes), *own.items()):
        _add(operation["responses"], status, codes)


def _gives_sheets(operation: Told) -> bool:
    return any(parameter["name"] == "format" for parameter in operation.get("parameters", ()))


def _of_kind(path: str, operation: Told, is_act: bool, changes: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """What routes of a kind refuse alike."""
    if path.startswith(CITIZENS):
        yield "403", [Refusal.OTHER_SITE]
        if operation.get("security"):
            yield "401", [Refusal.NOT_SIGNED_IN]
    elif operation.get("security"):
        yield "401", [why.value for why in BadToken]
        yield "403", [Refusal.ROLE_NOT_ALLOWED]
    if operation.get("security"):
        yield "429", [Refusal.TOO_MANY_REQUESTS]
        yield "503", _EVERY_503
    if operation.get("parameters") or "requestBody" in operation:
        yield "422", [Refusal.VALIDATION_FAILED]
    if "requestBody" in operation:
        yield "400", [Refusal.BAD_REQUEST]
        yield "408", [Refusal.REQUEST_TIMEOUT]
        yield "413", [Refusal.PAYLOAD_TOO_LARGE]
    if is_act:
        yield "400", [Refusal.IDEMPOTENCY_KEY_MISSING]
        yield "422", [Refusal.IDEMPOTENCY_MISMATCH]
    if changes:
        yield "409", [Refusal.CONFLICT]
    if _gives_sheets(operation):
        yield "422", [Refusal.EXPORT_TOO_LARGE]


def _add(responses: Told, status: str, codes: Iterable[str]) -> None:
    """One more code of a status; its document is written at the first."""
    answer = responses.setdefault(status, {})
    if "content" not in answer:
        answer |= {"description": "", "content": {MEDIA_TYPE: {"schema": _problem()}}}
        if names := {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}.get(status):
            answer["headers"] = _headers(*names)
    known = answer["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"]
    known += [code for code in codes if code not in known]
    answer["description"] = f"{HTTPStatus(int(status)).phrase}: {', '.join(known)}"


def _problem() -> Told:
    return {"$ref": "#/components/schemas/ProblemDocument", "properties": {"code": {"enum": []}}}


def _headers(*names: str) -> Told:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _good_answers(operation: Told) -> Iterator[Told]:
    for status, answer in operation["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            if status.startswith("2") and media_type == "application/json":
                yield content.get("schema", {})


def _close(answer: Told, schemas: Told) -> None:
    """An answer has the fields that are told and no others; a row, or one of a page, may name unreadable ones."""
    for shown in (answer, *_rows(answer, schemas)):
        properties = _resolved(shown, schemas).get("properties")
        if properties is not None:
            properties.setdefault("unreadable", _UNREADABLE)
    reached: list[Told] = [answer]
    while reached:
        schema = reached.pop()
        if "$ref" in schema:
            schema = _resolved(schema, schemas)
            if schema.get("additionalProperties") is False:
                continue
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        reached += _inner(schema)


def _rows(answer: Told, schemas: Told) -> Iterator[Told]:
    items = _resolved(answer, schemas).get("properties", {}).get("items", {})
    if "items" in items:
        yield items["items"]


def _inner(schema: Told) -> Iterator[Told]:
    yield from schema.get("properties", {}).values()
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(word, ())
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            yield schema[word]


def _resolved(schema: Told, schemas: Told) -> Told:
    reference = schema.get("$ref")
    found: Told = schemas[reference.rpartition("/")[2]] if reference else schema
    return found

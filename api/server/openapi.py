"""/openapi.json: the routes' own words, completed with what every answer of a kind has in common.

A contract (tests/test_contract.py): no status, code, header or media type leaves the API that isn't in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from api.server.answers import CODES, XLSX, ProblemDocument, headers
from api.server.limits import CALLBACKS, CITIZEN_PATHS, STAFF_SIGN_INS
from api.server.problems import MEDIA_TYPE
from models.tokens import BadToken
from models.words.refusals import Refusal

Told = dict[str, Any]
# A POST only because what is sought never stands in an address, is too long for one, or is noted each time it is
# given: nothing that people work on is changed.
CHANGE_NOTHING = ("/search", "/preview", "/disclosures")
DESCRIPTION = """\
每次拒绝都是 application/problem+json 问题文档（RFC 9457），code 稳定不变，title 与 detail 为中文。
金额单位均为分（*_fen，整数）；时间为 ISO 8601，带时区。
办理类的 POST 须带 Idempotency-Key：同一值重复提交只办理一次，得到同一答复。
享受人页面（/citizen）以 Cookie 登录；平台来件（/callbacks）以签名为凭；其余均须 Bearer 令牌。
工作人员登录（/staff/sign-ins）不须令牌。
答复中无法读取的字段，其名称列在 unreadable 中。
"""
ACT_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "防重标识：1 到 200 个可见字符；重试同一请求时用同一个值",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
}
PREVIEWED_WITHOUT: Told = {"required": False, "description": "防重标识：办理时必填，预览（preview: true）不须"}
HEADERS: Mapping[str, Told] = {
    "Retry-After": {
        "description": "多少秒后再试",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}},
    "Location": {"description": "所办事项的地址", "schema": {"type": "string"}},
    "Idempotency-Replayed": {"description": "true：此前已经办理，这是当时的答复", "schema": {"type": "string"}},
    "Set-Cookie": {"description": "享受人的浏览器凭证，或其收回", "schema": {"type": "string"}},
    "ETag": {"description": "内容的标记：相同即没有变", "schema": {"type": "string"}},
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
        _complete(_Kind(path, method, operation), schemas)
        for answer in _good_answers(operation):
            _close(answer, schemas)
    return told


def operations(told: Told) -> Iterator[tuple[str, str, Told]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@dataclass(frozen=True)
class _Kind:
    """What of an operation decides what it answers beside its own words."""

    path: str
    method: str
    operation: Told

    @property
    def secured(self) -> bool:
        return bool(self.operation.get("security"))

    @property
    def of_platform(self) -> bool:
        """It is no person's act: what it answers is told by its route alone."""
        return self.path.startswith(CALLBACKS)

    @property
    def of_citizens(self) -> bool:
        return self.path.startswith(CITIZEN_PATHS)

    @property
    def has_body(self) -> bool:
        return "requestBody" in self.operation

    @property
    def changes(self) -> bool:
        return self.method != "get" and not self.path.endswith(CHANGE_NOTHING)

    @property
    def keeps_its_answer(self) -> bool:
        return self.method == "post" and self.changes and self.secured

    @property
    def needs_a_key(self) -> bool:
        """Signing in and out too, though a session is no answer to be kept."""
        return self.keeps_its_answer or (self.method == "post" and self.changes and (self.of_citizens or self.signs_in))

    @property
    def signs_in(self) -> bool:
        """What staff ask before they have a token."""
        return self.path.startswith(STAFF_SIGN_INS)

    @property
    def gives_sheets(self) -> bool:
        return any(parameter["name"] == "format" for parameter in self.operation.get("parameters", ()))


def _body(operation: Told) -> Told:
    """The schema of what is sent; what may be left out stands beside null."""
    found: Told = operation["requestBody"]["content"].get("application/json", {}).get("schema", {})
    return next((each for each in found.get("anyOf", ()) if "$ref" in each), found)


def _complete(kind: _Kind, schemas: Told) -> None:
    """Its headers, and each refusal with all its codes."""
    operation = kind.operation
    answers: dict[str, Told] = operation["responses"]
    if kind.needs_a_key:
        previews = kind.has_body and "preview" in _resolved(_body(operation), schemas).get("properties", {})
        operation.setdefault("parameters", []).append(ACT_KEY | PREVIEWED_WITHOUT if previews else ACT_KEY)
    if kind.gives_sheets:
        answers["200"]["content"][XLSX] = {"schema": {"type": "string", "format": "binary"}}
        answers["200"].setdefault("headers", {}).update(headers("Content-Disposition"))
    for status, answer in answers.items():
        if kind.keeps_its_answer and status.startswith("2"):
            names = ["Idempotency-Replayed"] if status == "200" else ["Idempotency-Replayed", "Location"]
            answer.setdefault("headers", {}).update(headers(*names))
    own = {status: answer.pop(CODES) for status, answer in answers.items() if CODES in answer}
    # FastAPI's own words for what is refused here in others
    answers.pop("422", None)
    for status, codes in (*_refusals_of(kind), *own.items()):
        _add(answers, status, codes)


def _refusals_of(kind: _Kind) -> Iterator[tuple[str, Sequence[str]]]:
    """What all operations of a kind refuse alike."""
    if kind.of_platform:
        return
    if kind.of_citizens:
        yield "403", [Refusal.OTHER_SITE]
    if kind.secured:
        yield "401", [Refusal.NOT_SIGNED_IN] if kind.of_citizens else [why.value for why in BadToken]
        yield "403", [] if kind.of_citizens else [Refusal.ROLE_NOT_ALLOWED]
        yield "429", [Refusal.TOO_MANY_REQUESTS]
    if kind.secured or kind.of_citizens or kind.signs_in:
        yield "503", _EVERY_503
    if kind.operation.get("parameters") or kind.has_body:
        yield "422", [Refusal.VALIDATION_FAILED]
    if kind.has_body:
        yield "400", [Refusal.BAD_REQUEST]
        yield "408", [Refusal.REQUEST_TIMEOUT]
        yield "413", [Refusal.PAYLOAD_TOO_LARGE]
    if kind.needs_a_key:
        yield "400", [Refusal.IDEMPOTENCY_KEY_MISSING]
    if kind.keeps_its_answer:
        yield "422", [Refusal.IDEMPOTENCY_MISMATCH]
    if kind.changes:
        yield "409", [Refusal.CONFLICT]
    if kind.gives_sheets:
        yield "422", [Refusal.EXPORT_TOO_LARGE]


def _add(responses: Told, status: str, codes: Iterable[str]) -> None:
    """One more code of a status; its document is written at the first."""
    answer = responses.setdefault(status, {})
    if "content" not in answer:
        answer |= {"description": "", "content": {MEDIA_TYPE: {"schema": _problem()}}}
        if names := {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}.get(status):
            answer["headers"] = headers(*names)
    known = answer["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"]
    known += [code for code in codes if code not in known]
    answer["description"] = f"{HTTPStatus(int(status)).phrase}: {'；'.join(map(_in_words, known))}"


def _in_words(code: str) -> str:
    """What a program goes by, with what it means; a field's fault is told by its own detail."""
    return f"{code} {Refusal(code).label}" if code in set(Refusal) else code


def _problem() -> Told:
    return {"$ref": "#/components/schemas/ProblemDocument", "properties": {"code": {"enum": []}}}


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

"""/openapi.json is a contract: what it says of answers, and that answers are so."""

import re
from types import SimpleNamespace

import orjson
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.main import openapi
from api.server.openapi import operations
from models.store.flows.needs import Lack
from models.tokens import BadToken
from models.wire.words import ProblemCode
from models.words.errors import PlatformTrouble
from models.words.faults import FaultCode
from models.words.refusals import Refusal
from tests.contract import HeldToContract, has_shape, lies


def test_the_document_refers_to_nothing_that_is_not_in_it() -> None:
    told = openapi()
    for reference in set(re.findall(r"'\$ref': '#/([^']+)'", str(told))):
        part = told
        for step in reference.split("/"):
            part = part[step]


def test_every_refusal_is_a_problem_document_with_its_codes() -> None:
    for path, _, operation in operations(openapi()):
        for status, answer in operation["responses"].items():
            if status.startswith("4") or (status == "503" and path != "/health"):
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema["properties"]["code"]["enum"], (path, status)
                assert set(answer["content"]) == {"application/problem+json"}, (path, status)
            if status in ("429", "503") and path != "/health":
                assert "Retry-After" in answer["headers"], (path, status)


def test_a_callback_is_told_what_it_may_be_answered_and_no_more() -> None:
    """It has no key, names nothing that could be missing, and the same again is no conflict."""
    answers = openapi()["paths"]["/callbacks/{province_code}"]["post"]["responses"]
    told = {
        status: set(answer["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"])
        for status, answer in answers.items()
        if status != "204"
    }
    assert told == {
        "401": {Refusal.SIGNATURE_REFUSED},
        "408": {Refusal.REQUEST_TIMEOUT},
        "413": {Refusal.PAYLOAD_TOO_LARGE},
        "503": {Refusal.BUSY, Refusal.UNAVAILABLE, Refusal.TOO_SLOW},
    }


def test_every_code_that_is_told_is_one_of_the_lists() -> None:
    lists = (Refusal, FaultCode, BadToken, Lack, ProblemCode, PlatformTrouble)
    known = {code.value for codes in lists for code in codes}
    told = {
        code
        for _, _, operation in operations(openapi())
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for code in content["schema"].get("properties", {}).get("code", {}).get("enum", ())
    }
    assert not told - known


def test_every_act_names_its_key_and_what_a_repeat_is_told() -> None:
    acts = 0
    for path, method, operation in operations(openapi()):
        keys = [each for each in operation.get("parameters", ()) if each["name"] == "Idempotency-Key"]
        named = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        kept = bool(keys) and "security" in operation
        assert all(("Idempotency-Replayed" in answer.get("headers", {})) == kept for answer in named), path
        # a preview does nothing, so that nothing of it is kept
        previewed = bool(keys) and "preview: true" in keys[0]["description"]
        assert not keys or (method == "post" and keys[0]["required"] != previewed), path
        acts += len(keys)
    assert acts > 40


def test_every_route_tells_its_answer_and_what_it_finds_missing() -> None:
    for path, method, operation in operations(openapi()):
        assert has_shape(operation), f"{method} {path} has no response_model"
        numbers = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
        looked_up = set(numbers) - {"kind", "item_code", "province_code"}
        assert not looked_up or "404" in operation["responses"], f"{method} {path} names no 404"


FACE = {"bank_code": "A", "bank": "甲", "account_no": "1", "card_type": None, "card_type_label": None}
COUNTY_VIEW = {"code": "500001", "name": "甲", "words": "甲"}
USING = {"status": "valid", "status_label": "有效", "reason_code": None, "reason": None, "since": None, "locked": False}
CHOSEN = {**COUNTY_VIEW, **USING, **FACE}
PROBLEM = {"type": "about:blank", "title": "甲", "status": 503, "code": "BUSY", "detail": "乙"}
PROBLEM_TYPE = "application/problem+json"
SOON = {"Retry-After": "2"}


@pytest.mark.parametrize(
    ("status", "body", "media_type", "headers", "lie"),
    [
        (200, {"items": [CHOSEN]}, "application/json", {}, ""),
        (200, {"items": [CHOSEN | {"unreadable": ["bank"]}]}, "application/json", {}, ""),
        (200, {"items": [CHOSEN | {"more": 1}]}, "application/json", {}, "items/0"),
        (200, {"items": [CHOSEN | {"locked": "no"}]}, "application/json", {}, "items/0/locked"),
        (200, {"items": [FACE]}, "application/json", {}, "items/0"),
        (200, {"items": []}, "application/xml", {}, "media type"),
        (200, {"items": []}, "application/json", {"X-More": "1"}, "headers are not told"),
        (201, {"items": []}, "application/json", {}, "status"),
        (503, PROBLEM, PROBLEM_TYPE, SOON, ""),
        (503, PROBLEM, PROBLEM_TYPE, {}, "Retry-After"),
        (503, PROBLEM | {"code": "NEW"}, PROBLEM_TYPE, SOON, "code"),
        (503, PROBLEM | {"also": "this"}, PROBLEM_TYPE, SOON, "also"),
    ],
)
async def test_an_answer_that_is_not_as_told_is_found(
    status: int, body: object, media_type: str, headers: dict[str, str], lie: str
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = SimpleNamespace(path="/citizen/counties")
        await Response(orjson.dumps(body), status, headers, media_type)(scope, receive, send)

    async def nothing(*_: object) -> None: ...

    await HeldToContract(app)({"type": "http", "method": "GET"}, nothing, nothing)  # type: ignore[arg-type]
    found = "".join(lies)
    lies.clear()
    assert bool(found) == bool(lie)
    assert lie in found

"""/openapi.json is a contract: what it says of answers, and that answers are so."""

import re

from api.main import openapi
from api.server.openapi import operations


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


def test_every_act_names_its_key_and_what_a_repeat_is_told() -> None:
    acts = 0
    for path, method, operation in operations(openapi()):
        keys = [each for each in operation.get("parameters", ()) if each["name"] == "Idempotency-Key"]
        named = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        kept = bool(keys) and "security" in operation
        assert all(("Idempotency-Replayed" in answer.get("headers", {})) == kept for answer in named), path
        assert not keys or (method == "post" and keys[0]["required"]), path
        acts += len(keys)
    assert acts > 40

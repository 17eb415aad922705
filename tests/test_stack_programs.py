"""The whole stack: every part may be killed and started again, and the system answers as before."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from deploy.stack import PARTS, Options, Stack
from deploy.stack.keys import COUNTIES
from models.tokens import load_key, read


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("whole")
    with Stack(home, Options(durable=False)) as whole:
        whole.start()
        yield whole
    whole.remove()


def health(url: str) -> tuple[object, object]:
    said = httpx.get(f"{url}/health", timeout=10).json()
    return said["database"], said["temporal"]


def test_each_part_may_be_killed_and_started_again(stack: Stack) -> None:
    pids = {name: stack.pid(name) for name in PARTS}
    for name in PARTS:
        stack.kill(name)
        assert not stack.is_running(name)
        stack.start(name)
    assert {name for name in PARTS if stack.pid(name) != pids[name]} == set(PARTS)
    assert health(stack.layout.api_url) == (True, True)
    assert stack.ended() == []


def test_second_copies_run_beside_the_first(stack: Stack) -> None:
    stack.add_worker("worker-2", {"WORKER_GRACE_SECONDS": "1", "PLATFORM_TIMEOUT_SECONDS": "0.5"})
    second = stack.add_api("api-2")
    stack.kill("api")
    stack.kill("worker")
    try:
        assert health(second) == (True, True)
        assert stack.is_running("worker-2")
    finally:
        stack.stop("worker-2")
        stack.stop("api-2")
        stack.start()


def test_tokens_open_the_api_for_each_role_and_county(stack: Stack) -> None:
    tokens = json.loads(stack.layout.tokens.read_text())
    assert set(tokens) == set(COUNTIES)
    key = load_key(stack.layout.token_key)
    reviewers = [read(key, people[name]) for people in tokens.values() for name in ("reviewer", "second_reviewer")]
    assert len({reviewer.person_index for reviewer in reviewers} - {None}) == len(reviewers)
    for people in tokens.values():
        assert len(set(people.values())) == len(people)
        operator = {"Authorization": f"Bearer {people['operator']}"}
        assert httpx.get(f"{stack.layout.api_url}/flows", headers=operator).status_code == 200
    assert httpx.get(f"{stack.layout.api_url}/flows").status_code == 401


def test_api_believes_the_seal_that_the_simulator_was_given(stack: Stack) -> None:
    clients = json.loads(stack.layout.simulator_clients.read_text())
    assert {client["province_code"] for client in clients} == {"500000", "430000"}
    for client in clients:
        now, body = datetime.now(UTC), "{}"
        seals = {
            name: Webhook(secret).sign("evt_1", now, body)
            for name, secret in (
                ("right", client["callback_secrets"][0]),
                ("wrong", "whsec_" + "d3Jvbmcgc2VjcmV0IG9mIHNvbWVib2R5IGVsc2U="),
            )
        }
        answers = {
            name: httpx.post(
                client["callback_url"],
                content=body,
                headers={
                    "webhook-id": "evt_1",
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": seal,
                    "content-type": "application/json",
                },
            ).status_code
            for name, seal in seals.items()
        }
        assert answers["wrong"] == 401
        assert answers["right"] == 204

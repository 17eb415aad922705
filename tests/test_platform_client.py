"""The adapter against a real, scripted HTTP server: what counts as an answer, and what is only trouble."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from activities.platform.errors import PlatformRefusal, PlatformUnavailable, refusal_to_application_error
from activities.platform.tries import with_retries
from models.wire import answers as shapes
from models.wire import requests
from models.wire.words import MediaType, Operation, ProblemCode
from models.words.errors import PlatformTrouble
from tests.scripted_platform import (
    ACCOUNT,
    COUNTY,
    PERSON,
    POLICY,
    Bench,
    MemoryJournal,
    bench,
    check_seal,
    client_at,
    problem,
    record,
    reply,
)

ACCEPTED = {"submission_id": "s-1", "client_reference": "policy/1"}


@pytest.fixture
async def at() -> AsyncIterator[Bench]:
    async with bench() as ready:
        yield ready


async def test_an_instruction_is_written_down_then_sent_then_answered(at: Bench) -> None:
    at.platform.replies = [reply(202, ACCEPTED)]
    accepted = await at.client.submit_policy(POLICY, key="policy/1:1")
    assert accepted == shapes.Accepted(submission_id="s-1", client_reference="policy/1")
    assert at.journal.told == [("intend", "policy/1:1"), ("answered", "policy/1:1")]
    sent = at.platform.seen[0]
    assert (sent.method, sent.target, sent.headers["idempotency-key"]) == ("POST", "/v1/policies", "policy/1:1")
    assert sent.headers["content-type"] == "application/json"
    assert at.journal.kept["policy/1:1"] == (sent.body, json.dumps(ACCEPTED).encode())
    assert json.loads(sent.body)["title"] == "耕地地力保护补贴"


async def test_a_seal_covers_the_target_as_it_was_sent(at: Bench) -> None:
    at.platform.replies = [
        reply(200, {"items": [], "pages": 0}),
        reply(404, b""),
        reply(200, {"items": [{"code": "1", "name": "项目"}]}),
    ]
    await at.client.list_invalidations(COUNTY, datetime(2026, 11, 1, tzinfo=UTC), page=2)
    with pytest.raises(PlatformUnavailable):
        await at.client.get_flow(COUNTY, "a/b c?#é%2F")
    assert (await at.client.list_budget_projects(COUNTY, 2026)).items[0].name == "项目"
    targets = [sent.target for sent in at.platform.seen]
    assert targets[0] == "/v1/account-invalidations?since=2026-11-01T00%3A00%3A00%2B00%3A00&page=2"
    assert targets[1] == "/v1/flows/a%2Fb%20c%3F%23%C3%A9%252F"
    assert targets[2] == "/v1/counties/500001/budget-projects?fund_year=2026"
    for sent in at.platform.seen:
        check_seal(sent)
    assert len({sent.headers["webhook-id"] for sent in at.platform.seen}) == 3
    assert at.journal.told == []


async def test_one_connection_serves_many_calls(at: Bench) -> None:
    at.platform.replies = [reply(200, {"items": []})]
    for _ in range(5):
        await at.client.list_banks(COUNTY)
    assert (len(at.platform.connections), len(at.platform.seen)) == (1, 5)


async def test_an_answered_key_is_not_sent_again(at: Bench) -> None:
    at.platform.replies = [reply(202, ACCEPTED)]
    first = await at.client.submit_policy(POLICY, key="k")
    assert await at.client.submit_policy(POLICY, key="k") == first
    assert len(at.platform.seen) == 1


async def test_an_answered_page_is_not_sent_again(at: Bench) -> None:
    at.platform.replies = [reply(204)]
    for _ in range(2):
        await at.client.put_page(COUNTY, "d-1", 3, (record(),), key="k")
    assert len(at.platform.seen) == 1
    assert at.journal.kept["k"][1] == b""


async def test_a_retry_sends_the_bytes_of_the_first_time(at: Bench) -> None:
    at.platform.replies = [reply(503), reply(202, ACCEPTED)]
    with pytest.raises(PlatformUnavailable):
        await at.client.submit_policy(POLICY, key="k")
    await at.client.submit_policy(POLICY.model_copy(update={"title": "changed since"}), key="k")
    first, second = at.platform.seen
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


async def test_after_a_refusal_the_same_key_is_judged_anew(at: Bench) -> None:
    dataset = {"dataset_id": "d-1", "client_reference": "l", "kind": "beneficiary_init", "county_code": COUNTY}
    at.platform.replies = [
        problem("PROVINCE_BUSY", 409, holder="500003"),
        reply(202, {**dataset, "status": "under_review"}),
    ]
    totals = requests.DatasetCommit(page_count=1, record_count=1, total_fen=1)
    with pytest.raises(PlatformRefusal) as refused:
        await at.client.commit_dataset(COUNTY, "d-1", totals, key="k")
    assert (refused.value.code, refused.value.holder, refused.value.status) == (
        ProblemCode.PROVINCE_BUSY,
        "500003",
        409,
    )
    assert (await at.client.commit_dataset(COUNTY, "d-1", totals, key="k")).status == "under_review"
    assert [what for what, _ in at.journal.told] == ["intend", "PROVINCE_BUSY", "intend", "answered"]


HTML = b"<html>ok</html>"
TROUBLES = {
    "500": (reply(500, HTML, "text/html"), PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "503": (reply(503, headers="retry-after: 7\r\n"), PlatformTrouble.PLATFORM_UNAVAILABLE, 7.0, False),
    "500 with a problem": (problem("INTERNAL", 500), PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "500 with the words of success": (reply(500, ACCEPTED), PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "429": (problem("RATE_LIMITED", 429, "retry-after: 1\r\n"), ProblemCode.RATE_LIMITED, 1.0, False),
    "429 with a strange wait": (reply(429, headers="retry-after: soon\r\n"), ProblemCode.RATE_LIMITED, None, False),
    "in progress": (problem("IN_PROGRESS", 409), ProblemCode.IN_PROGRESS, None, False),
    "401": (problem("UNAUTHORIZED", 401), ProblemCode.UNAUTHORIZED, None, False),
    "403 without a problem": (reply(403, HTML, "text/html"), ProblemCode.FORBIDDEN_COUNTY, None, False),
    "connection closed": (b"", PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "no HTTP": (b"SSH-2.0-x\r\n\r\nconnection: close", PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "answer cut off": (reply(202, ACCEPTED, cut=5), PlatformTrouble.PLATFORM_UNAVAILABLE, None, False),
    "bad gzip": (
        reply(202, b"xx", headers="content-encoding: gzip\r\n"),
        PlatformTrouble.PLATFORM_UNAVAILABLE,
        None,
        False,
    ),
    "half JSON": (reply(202, b'{"submission_id": "s'), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "HTML with 200": (reply(200, HTML, "text/html"), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "HTML with 202": (reply(202, HTML, "text/html"), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "JSON said to be HTML": (reply(202, ACCEPTED, "text/html"), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "another success": (reply(200, ACCEPTED), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "204": (reply(204), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "empty": (reply(202), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "without its id": (reply(202, {"client_reference": "policy/1"}), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "somebody else's": (
        reply(202, {**ACCEPTED, "client_reference": "policy/2"}),
        PlatformTrouble.PLATFORM_ODD_ANSWER,
        None,
        True,
    ),
    "redirect": (
        reply(307, ACCEPTED, headers="location: /v1/elsewhere\r\n"),
        PlatformTrouble.PLATFORM_ODD_ANSWER,
        None,
        True,
    ),
    "404 of a proxy": (reply(404, HTML, "text/html"), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "409 without a problem": (reply(409, {"error": "x"}), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
    "unknown code": (problem("NEW_RULE", 409), PlatformTrouble.PLATFORM_ODD_ANSWER, None, True),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_trouble_is_never_success_and_never_a_refusal(at: Bench, name: str) -> None:
    raw, code, retry_after, odd = TROUBLES[name]
    at.platform.replies = [raw, reply(202, ACCEPTED)]
    with pytest.raises(PlatformUnavailable) as caught:
        await at.client.submit_policy(POLICY, key="k")
    assert (caught.value.code, caught.value.retry_after) == (code, retry_after)
    assert [what for what, _ in at.journal.told] == ["intend"]
    assert [kept[:3] for kept in at.journal.odd] == [(COUNTY, Operation.SUBMIT_POLICY, "k")] * odd
    error = refusal_to_application_error(caught.value)
    assert (error.type, error.non_retryable) == (code, False)
    assert (error.next_retry_delay.total_seconds() if error.next_retry_delay else None) == retry_after
    assert (await with_retries(partial(at.client.submit_policy, POLICY, key="k"))).submission_id == "s-1"
    assert {sent.target for sent in at.platform.seen} == {"/v1/policies"}


async def test_after_a_429_no_call_of_the_client_goes_out_before_its_time(at: Bench) -> None:
    at.platform.replies = [problem("RATE_LIMITED", 429, "retry-after: 1\r\n"), reply(200, {"items": []})]
    with pytest.raises(PlatformUnavailable):
        await at.client.list_banks(COUNTY)
    with pytest.raises(PlatformUnavailable) as left_alone:
        await at.client.list_towns(COUNTY)
    assert len(at.platform.seen) == 1
    assert left_alone.value.code is ProblemCode.RATE_LIMITED
    assert 0 < (left_alone.value.retry_after or 0) <= 1
    assert (await with_retries(partial(at.client.list_towns, COUNTY))).items == ()


async def test_an_odd_answer_is_kept_as_it_came(at: Bench) -> None:
    at.platform.replies = [reply(200, HTML, "text/html")]
    with pytest.raises(PlatformUnavailable):
        await at.client.get_review(COUNTY, "s-1")
    assert at.journal.odd == [(COUNTY, Operation.GET_REVIEW, None, 200, HTML)]


async def test_silence_ends_and_the_same_key_finds_the_late_answer() -> None:
    async with bench(total_seconds=1.0) as at:
        at.platform.replies, at.platform.hold = [reply(202, ACCEPTED)], asyncio.Event()
        with pytest.raises(PlatformUnavailable) as caught:
            await at.client.submit_policy(POLICY, key="k")
        assert caught.value.code == PlatformTrouble.PLATFORM_UNAVAILABLE
        at.platform.hold.set()
        assert (await at.client.submit_policy(POLICY, key="k")).submission_id == "s-1"
        assert at.platform.seen[0].body == at.platform.seen[1].body


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, so that no wait between two bytes is ever long; ends when the caller has gone."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    gone = asyncio.ensure_future(reader.read())
    while not gone.done():
        writer.write(b" ")
        await asyncio.wait([gone], timeout=0.02)
    gone.exception()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_trickle_ends_too() -> None:
    callers: list[asyncio.Future[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: callers.append(asyncio.ensure_future(trickle(reader, writer))), "127.0.0.1", 0
    )
    async with server, httpx.AsyncClient(trust_env=False, timeout=1.0) as http:
        client = client_at(http, server.sockets[0].getsockname()[1], MemoryJournal(), total_seconds=0.3)
        with pytest.raises(PlatformUnavailable, match="TimeoutError"):
            await client.list_banks(COUNTY)
    await asyncio.gather(*callers)


async def test_nobody_listening_is_trouble() -> None:
    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(PlatformUnavailable, match="ConnectError"):
            await client_at(http, port, MemoryJournal(), 5.0).list_banks(COUNTY)


async def test_a_cancelled_call_leaves_its_key_open(at: Bench) -> None:
    at.platform.replies, at.platform.hold = [reply(202, ACCEPTED)], asyncio.Event()
    call = asyncio.ensure_future(at.client.submit_policy(POLICY, key="k"))
    await asyncio.wait_for(at.platform.came.wait(), 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert at.journal.told == [("intend", "k")]
    at.platform.hold.set()
    assert (await at.client.submit_policy(POLICY, key="k")).submission_id == "s-1"


async def test_an_endless_answer_is_cut(at: Bench) -> None:
    at.platform.replies = [reply(200, b" " * (shapes.BODY_LIMIT + 1))]
    with pytest.raises(PlatformUnavailable):
        await at.client.list_banks(COUNTY)


async def test_too_large_a_body_is_refused_before_it_is_sent(at: Bench) -> None:
    with pytest.raises(PlatformRefusal) as refused:
        await at.client.upload_file(COUNTY, b"x" * (shapes.BODY_LIMIT + 1), MediaType.PDF)
    assert refused.value.code == ProblemCode.PAYLOAD_TOO_LARGE
    assert at.platform.seen == []


async def test_a_province_without_access_waits_for_its_configuration(at: Bench) -> None:
    with pytest.raises(PlatformUnavailable) as caught:
        await at.client.get_flow("430102", "f-1")
    assert caught.value.code == PlatformTrouble.PLATFORM_NOT_CONFIGURED


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "键", "a\r\nx: y"])
async def test_a_key_outside_the_contract_is_a_bug_of_ours(at: Bench, key: str) -> None:
    with pytest.raises(ValueError, match="128"):
        await at.client.submit_policy(POLICY, key=key)
    assert at.journal.told == []


@pytest.mark.parametrize("flow_id", [".", ".."])
async def test_an_id_never_climbs_the_path(at: Bench, flow_id: str) -> None:
    with pytest.raises(ValueError, match="dot"):
        await at.client.get_flow(COUNTY, flow_id)


TEMPORARY = {"IN_PROGRESS", "UNAUTHORIZED", "FORBIDDEN_COUNTY", "RATE_LIMITED", "INTERNAL", "UNAVAILABLE"}


@pytest.mark.parametrize("code", [code for code in ProblemCode if code.value not in TEMPORARY])
async def test_every_business_no_ends_the_activity_under_its_own_name(at: Bench, code: ProblemCode) -> None:
    at.platform.replies = [problem(code, 409)]
    with pytest.raises(PlatformRefusal) as refused:
        await at.client.submit_policy(POLICY, key="k")
    error = refusal_to_application_error(refused.value)
    assert (error.type, error.non_retryable, error.next_retry_delay) == (code.value, True, None)


async def test_what_goes_to_temporal_names_places_but_nobody(at: Bench) -> None:
    name, id_number, account_no, phone = PERSON
    faults = [
        {"code": "BAD_NAME", "detail": name, "application_no": "A-2026-000001", "pointer": "/records/0/name"},
        {"code": "BAD_ACCOUNT", "detail": account_no, "pointer": "/records/17/account_no", "application_no": None},
        {"code": "BAD_ID", "detail": id_number, "pointer": f"/records/{id_number}"},
        {"code": "BAD_PHONE", "detail": phone, "application_no": name},
    ]
    at.platform.replies = [problem("VALIDATION_FAILED", 422, errors=faults)]
    with pytest.raises(PlatformRefusal) as refused:
        await at.client.submit_policy(POLICY, key="k")
    assert refused.value.application_nos == ("A-2026-000001", name)
    assert name in str(refused.value.detail)
    error = refusal_to_application_error(refused.value)
    details = error.details[0]
    assert isinstance(details, shapes.RefusalDetails)
    assert details.application_nos == ("A-2026-000001",)
    assert "BAD_NAME A-2026-000001" in error.message
    assert "BAD_ACCOUNT /records/17/account_no" in error.message
    for text in (error.message, str(refused.value), repr(refused.value), details.model_dump_json(), repr(error)):
        assert not any(word in text for word in PERSON)


async def test_five_hundred_faults_make_a_short_message(at: Bench) -> None:
    faults = [{"code": "DUPLICATE", "detail": "x", "application_no": f"A-{n}"} for n in range(500)]
    at.platform.replies = [problem("LINE_NOT_ELIGIBLE", 422, errors=faults)]
    with pytest.raises(PlatformRefusal) as refused:
        await at.client.submit_policy(POLICY, key="k")
    error = refusal_to_application_error(refused.value)
    assert len(error.message) < 500
    assert "500" in error.message
    assert len(error.details[0].application_nos) == 500


@pytest.mark.parametrize(("asked", "answered"), [(2, 1), (1, 2)])
async def test_a_verdict_for_each_account_or_none(at: Bench, asked: int, answered: int) -> None:
    at.platform.replies = [reply(200, {"verdicts": [{"valid": True}] * answered})]
    with pytest.raises(PlatformUnavailable) as caught:
        await at.client.verify_accounts(COUNTY, requests.AccountQueries(accounts=(ACCOUNT,) * asked), key="k")
    assert caught.value.code == PlatformTrouble.PLATFORM_ODD_ANSWER
    assert at.journal.kept["k"][1] is None


@pytest.mark.parametrize("change", [{"flow_id": "f-2"}, {"page": 2}, {"county_code": "500003"}])
async def test_another_page_than_asked_for_is_odd(at: Bench, change: dict[str, object]) -> None:
    page: dict[str, object] = {
        "flow_id": "f-1",
        "client_reference": None,
        "county_code": COUNTY,
        "page": 1,
        "payments": [],
    }
    at.platform.replies = [reply(200, {**page, **change}), reply(200, page)]
    with pytest.raises(PlatformUnavailable) as caught:
        await at.client.get_payment_page(COUNTY, "f-1", 1)
    assert caught.value.code == PlatformTrouble.PLATFORM_ODD_ANSWER
    assert (await at.client.get_payment_page(COUNTY, "f-1", 1)).payments == ()


async def test_ready_records_are_sent_as_they_are(at: Bench) -> None:
    at.platform.replies = [reply(204)]
    records = (record(1), record(2))
    await at.client.put_page(COUNTY, "d-1", 1, records, key="a")
    await at.client.put_page(COUNTY, "d-1", 1, requests.records_json(records), key="b")
    first, second = at.platform.seen
    assert first.body == second.body
    assert [line["name"] for line in json.loads(first.body)["records"]] == ["王梅", "王梅"]

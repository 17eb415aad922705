"""The platform's callbacks: stored before they are acknowledged, once, and refused for every wrong seal."""

import asyncio
import io
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from activities.platform.rows_journal import PostgresJournal
from api.main import build_database
from api.relay.routing import Router
from deploy.stack import Stack
from models.store.events.inbox import body_row
from models.store.sql import execute
from models.store.vault import LocalVault, create_vault_key_file
from models.tables.base import now
from models.tables.records import Inbox, InboxConflict
from models.wire.words import Operation
from models.words.staff import Role
from models.words.stages import InboxState
from tests.api_server import COUNTY, OTHER_COUNTY, PROVINCE, ApiServer, api_server, settings_for
from tests.platform_posts import account_invalidated, policy_reviewed, post_event, seal

# what gets through an HTTP server's own check of headers
HEADER = st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="".join(map(chr, range(127, 161))))
ROOT = Path(__file__).resolve().parents[1]
REFERENCE = f"{COUNTY}-Z2026-0001.1"


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        yield running


async def test_an_event_is_durable_and_sealed_when_it_is_acknowledged(server: ApiServer) -> None:
    body = account_invalidated()
    answer = await post_event(server, "evt-1", body)
    assert (answer.status_code, answer.content) == (204, b"")
    (row,) = await _rows(server)
    assert (row.province_code, row.event_id, row.state, row.source) == (
        PROVINCE,
        "evt-1",
        InboxState.RECEIVED,
        "callback",
    )
    assert "11010519491231002X" not in row.body
    assert server.vault.open_body(f"{PROVINCE}/evt-1", row.body) == body


async def test_the_same_event_many_times_at_once_is_one_row(server: ApiServer) -> None:
    body = policy_reviewed(REFERENCE)
    answers = await asyncio.gather(*(post_event(server, "evt-1", body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {204}
    assert len(await _rows(server)) == 1
    assert await _conflicts(server) == []


async def test_another_body_under_a_known_id_is_kept_beside_and_changes_nothing(server: ApiServer) -> None:
    first, other = policy_reviewed(REFERENCE), policy_reviewed(REFERENCE, "rejected")
    for body in (first, other, other, first):
        assert (await post_event(server, "evt-1", body)).status_code == 204
    (row,) = await _rows(server)
    (kept,) = await _conflicts(server)
    assert server.vault.open_body(f"{PROVINCE}/evt-1", row.body) == first
    assert server.vault.open_body(f"{PROVINCE}/evt-1", kept.body) == other


async def test_every_wrong_seal_is_401_and_leaves_nothing(server: ApiServer) -> None:
    body = policy_reviewed(REFERENCE)
    good = seal(server.credentials, "evt-1", body)
    old, early = datetime.now(UTC) - timedelta(minutes=6), datetime.now(UTC) + timedelta(minutes=6)
    wrong: Sequence[dict[str, str]] = [
        {},
        {key: value for key, value in good.items() if key != "webhook-signature"},
        {key: value for key, value in good.items() if key != "webhook-id"},
        good | {"webhook-signature": "v1,AAAA"},
        good | {"webhook-signature": ""},
        good | {"webhook-timestamp": "now"},
        good | {"webhook-timestamp": "9" * 11},
        good | {"webhook-id": "evt-2"},
        good | {"webhook-id": "x" * 201},
        seal(server.credentials, "evt-1", body, old),
        seal(server.credentials, "evt-1", body, early),
        seal(server.credentials, "evt-1", policy_reviewed(REFERENCE, "rejected")),
    ]
    for headers in wrong:
        answer = await server.http.post(f"/callbacks/{PROVINCE}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE_REFUSED")
    assert (await post_event(server, "evt-1", body, "430000")).status_code == 401
    assert (await post_event(server, "evt-1", body, "%00")).status_code == 401
    assert await _rows(server) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    event_id=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    stamp=st.one_of(st.text(HEADER, max_size=12), st.just("1")),
    signature=st.text(HEADER, max_size=60),
)
async def test_whatever_comes_unsigned_is_401(
    server: ApiServer, body: bytes, event_id: str, stamp: str, signature: str
) -> None:
    headers = [
        (b"webhook-id", event_id.encode()),
        (b"webhook-timestamp", stamp.encode("latin-1")),
        (b"webhook-signature", signature.encode("latin-1")),
    ]
    request = httpx.Request("POST", server.http.base_url.join(f"/callbacks/{PROVINCE}"), headers=headers, content=body)
    assert (await server.http.send(request)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"{", b"[]", "\x00中文𬶋".encode(), b'{"type": "unheard.of"}'])
async def test_sealed_nonsense_is_kept_for_a_person(server: ApiServer, body: bytes) -> None:
    """It came from the platform, so losing it would be worse than not understanding it."""
    assert (await post_event(server, "evt-1", body)).status_code == 204
    assert len(await _rows(server)) == 1


async def test_over_20_mib_is_413_and_just_under_is_taken(server: ApiServer) -> None:
    limit = 20 * 1024 * 1024
    large = await post_event(server, "evt-1", b" " * (limit + 1))
    fits = await post_event(server, "evt-2", b" " * limit)
    assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert fits.status_code == 204


async def test_no_acknowledgement_without_a_durable_row(server: ApiServer, servers: Stack) -> None:
    await _read_only(server, servers, True)
    refused = await post_event(server, "evt-1", policy_reviewed(REFERENCE))
    await _read_only(server, servers, False)
    assert (refused.status_code, refused.json()["code"]) == (503, "UNAVAILABLE")
    assert (await post_event(server, "evt-1", policy_reviewed(REFERENCE))).status_code == 204


async def _read_only(server: ApiServer, servers: Stack, on: bool) -> None:
    """As a database does that failed over or runs out of disk."""
    with servers.layout.cluster.connect() as connection:
        name = server.database.engine.url.database
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {on}'.encode())
    # the setting is for new connections
    await server.database.dispose()


async def test_what_an_event_says_is_for_the_countys_reviewer_only(server: ApiServer) -> None:
    await post_event(server, "evt-1", policy_reviewed(REFERENCE))
    await post_event(server, "evt-1", policy_reviewed(REFERENCE, "rejected"))
    async with server.database.transaction() as session:
        await execute(session, "UPDATE inbox SET county_code = :county, number = 'x'", county=COUNTY)
    (row,) = await _rows(server)
    listed = (await server.get(Role.OPS, "/inbox")).json()["items"]
    assert [(one["id"], one["conflicts"], one["state_label"]) for one in listed] == [(row.id, 1, "已收到")]
    assert listed[0]["source_label"] == "平台推送"
    assert "content" not in listed[0]
    path = f"/inbox/{row.id}/content"
    content = (await server.get(Role.REVIEWER, path)).json()
    assert content["content"]["data"]["status"] == "approved"
    assert [other["content"]["data"]["status"] for other in content["others"]] == ["rejected"]
    noted = (await server.get(Role.REVIEWER, "/disclosures")).json()["items"]
    assert [(one["thing"], one["number"], one["purpose"]) for one in noted] == [("callback", str(row.id), "content")]
    assert (await server.get(Role.OPS, path)).status_code == 403
    assert (await server.get(Role.OPERATOR, path)).status_code == 403
    assert (await server.get(Role.REVIEWER, path, OTHER_COUNTY)).status_code == 404
    assert (await server.get(Role.OPS, "/inbox", OTHER_COUNTY)).json()["items"] == []


async def test_what_nobody_could_read_is_for_the_reviewer_of_the_county_it_names_else_of_the_province(
    server: ApiServer,
) -> None:
    named = b'{"type": "policy.reviewed", "data": {"county_code": "%s"}}'
    await post_event(server, "evt-1", named % COUNTY.encode())
    await post_event(server, "evt-2", named % b"430001")
    await post_event(server, "evt-3", b"not even JSON")
    await Router(server.database, server.vault, server.settings).route_due()
    ours, foreign, wild = (row.id for row in await _rows(server))

    async def read(inbox_id: int | None, county: str, role: Role = Role.REVIEWER) -> tuple[int, object]:
        answer = await server.get(role, f"/inbox/{inbox_id}/content", county)
        return answer.status_code, answer.json().get("content")

    assert await read(ours, COUNTY) == (200, {"type": "policy.reviewed", "data": {"county_code": COUNTY}})
    for county, inbox_id in ((OTHER_COUNTY, ours), (COUNTY, wild), (COUNTY, foreign), ("430000", foreign)):
        assert (await read(inbox_id, county))[0] == 404
    assert await read(wild, PROVINCE) == (200, "not even JSON")
    assert (await read(foreign, PROVINCE))[0] == 200
    assert (await read(wild, PROVINCE, Role.OPS))[0] == 403
    listed = (await server.get(Role.REVIEWER, "/inbox", PROVINCE, state="quarantined")).json()["items"]
    assert [(one["id"], one["effect"]) for one in listed] == [(wild, "UNREADABLE"), (foreign, "UNREADABLE")]


async def test_ops_opens_a_body_that_nobody_may_read_as_the_manual_says(database_url: str, tmp_path: Path) -> None:
    manual = (ROOT / "deploy" / "README.md").read_text()
    [command] = re.findall(r"```\n(python -c \"\n.*?open_body.*?\" )17\n```", manual, flags=re.DOTALL)
    key_file = tmp_path / "vault.key"
    create_vault_key_file(key_file)
    vault = LocalVault.from_file(key_file)
    sealed = vault.seal_body(body_row(PROVINCE, "evt-1"), '{"姓名": "王三"}'.encode())
    database = build_database(settings_for(database_url, tmp_path))
    async with database.transaction() as session:
        row = Inbox(province_code=PROVINCE, event_id="evt-1", body_sha256="0", body=sealed, next_try_at=now())
        session.add(row)
        await session.flush()
        inbox_id = row.id
    await database.dispose()
    told = {"DATABASE_URL": database_url, "VAULT_KEY_FILE": str(key_file), "PATH": str(Path(sys.executable).parent)}
    ran = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", f"{command}{inbox_id}"],
        cwd=ROOT,
        env=told | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ('{"姓名": "王三"}\n', "")


async def test_an_odd_answer_is_listed_for_ops_and_read_by_the_countys_reviewer(server: ApiServer) -> None:
    journal = PostgresJournal(server.database, server.vault)
    asked = (COUNTY, Operation.SUBMIT_POLICY, f"{REFERENCE}/submit", 200)
    for body in (b"<html>", b"<html>", b'{"half": 1}'):
        await journal.odd_answer(*asked, body)
    await journal.odd_answer(OTHER_COUNTY, Operation.GET_FLOW, None, 302, b"\xff")
    second, first = (await server.get(Role.OPS, "/odd-answers")).json()["items"]
    assert (first["operation"], first["reference"], first["status"], first["times"]) == (
        "submitPolicy",
        f"{REFERENCE}/submit",
        200,
        2,
    )
    assert "content" not in first
    path = f"/odd-answers/{first['id']}/content"
    assert (await server.get(Role.REVIEWER, path)).json()["content"] == "<html>"
    half = await server.get(Role.REVIEWER, f"/odd-answers/{second['id']}/content")
    assert half.json()["content"] == {"half": 1}
    assert (await server.get(Role.OPS, path)).status_code == (await server.get(Role.OPERATOR, path)).status_code == 403
    assert (await server.get(Role.REVIEWER, path, OTHER_COUNTY)).status_code == 404
    [other] = (await server.get(Role.OPS, "/odd-answers", OTHER_COUNTY)).json()["items"]
    assert (other["reference"], other["status"]) == (None, 302)
    page = (await server.get(Role.OPS, "/odd-answers", limit=1)).json()
    assert [one["id"] for one in page["items"]] == [second["id"]]
    rest = (await server.get(Role.OPS, "/odd-answers", limit=1, after=page["next"])).json()["items"]
    assert [one["id"] for one in rest] == [first["id"]]
    found = await server.get(Role.OPS, "/odd-answers", number=REFERENCE, operation="submitPolicy")
    assert len(found.json()["items"]) == 2
    assert (await server.get(Role.OPS, "/odd-answers", number="%")).json()["items"] == []
    exported = openpyxl.load_workbook(
        io.BytesIO((await server.get(Role.OPS, "/odd-answers", format="xlsx")).content)
    ).worksheets[0]
    assert [row[1] for row in exported.values] == ["操作", "提交政策", "提交政策"]


async def _rows(server: ApiServer) -> list[Inbox]:
    async with server.database.reading() as session:
        return list(await session.exec(select(Inbox)))


async def _conflicts(server: ApiServer) -> list[InboxConflict]:
    async with server.database.reading() as session:
        return list(await session.exec(select(InboxConflict)))

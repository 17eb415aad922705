"""The counter itself: who gets in, how refusals look, one answer per key, limits, pages and exports."""

import asyncio
import hashlib
import inspect
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlmodel import func, select

from api.pages.routes import ROUTERS as PAGES
from api.routers import ROUTERS
from api.server.openapi import CHANGE_NOTHING
from deploy.stack import Stack
from models.contracts import RunKind, Subject
from models.file_owners import FileOf
from models.store.policies.file_uses import use_files
from models.store.runs.runs import open_run
from models.store.sql import execute
from models.tables.policies import PolicyUnit, StoredFile
from models.tables.records import IdempotentAnswer, Run, TrailEntry
from models.words.staff import Role
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server, seed_catalogs

PROBLEM = "application/problem+json"


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        await seed_catalogs(running.database)
        yield running


def test_every_route_but_a_few_asks_for_a_token() -> None:
    """Read from the routes themselves, so a new one can't be forgotten."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    open_paths = {
        route.path for route in routes if not any("for_roles" in str(one.call) for one in route.dependant.dependencies)
    }
    assert len(routes) > 25
    citizens = {path for path in open_paths if path.startswith("/citizen/")}
    signing_in = {path for path in open_paths if path.startswith("/staff/sign-ins")}
    public = {"/public-lists/{batch_no}", "/public-lists/{batch_no}/{town_code}/{village_code}"}
    assert open_paths - citizens - signing_in == {"/health", "/callbacks/{province_code}"} | public
    guarded = {route.path for route in routes if any("own_pages_only" in str(one.call) for one in _dependencies(route))}
    assert citizens == guarded, "a citizen's page asks for the browser and the session instead of a token"


def test_no_request_is_sent_to_a_thread_for_what_it_depends_on() -> None:
    """FastAPI does so with what isn't awaited: on a busy machine each waits its turn there, whatever it costs."""
    routes = [route for router in (*ROUTERS, *PAGES) for route in router.routes if isinstance(route, APIRoute)]
    asked = {one.call for route in routes for one in _all_dependencies(route.dependant)} - {None}
    assert len(asked) > 500
    assert {call for call in asked if not _is_awaited(call)} == set()


def _is_awaited(call: object) -> bool:
    own = getattr(call, "__call__", call)  # noqa: B004
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (call, own))


def _all_dependencies(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for one in dependant.dependencies:
        yield from _all_dependencies(one)


def _dependencies(route: APIRoute) -> list[Dependant]:
    return route.dependant.dependencies


async def test_without_a_usable_token_nobody_gets_in(server: ApiServer) -> None:
    now = int(datetime.now(UTC).timestamp())
    claims = {"sub": "a", "role": "operator", "county": COUNTY, "exp": now + 60}
    forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("another key of at least this length"))
    for given in (
        None,
        "Bearer",
        "Basic eDp5",
        f"Bearer {forged}",
        "Bearer x.y.z",
    ):
        answer = await server.http.get("/runs", headers={"Authorization": given} if given else {})
        assert answer.status_code == 401, given
        assert answer.headers["content-type"] == PROBLEM
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "UNAUTHORIZED"


async def test_a_role_that_may_not_is_told_who_may(server: ApiServer) -> None:
    answer = await server.put(Role.OPERATOR, "/policy-unit", {"code": f"{COUNTY}101"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "ROLE_NOT_ALLOWED"
    assert "县管理员" in answer.json()["detail"]


async def test_unknown_places_and_methods_are_problems_in_chinese(server: ApiServer) -> None:
    nowhere = await server.get(Role.OPERATOR, "/nowhere")
    wrong = await server.http.delete("/policies")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "NOT_FOUND")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert nowhere.headers["content-type"] == wrong.headers["content-type"] == PROBLEM


async def test_faults_are_pointed_at_and_values_never_come_back(server: ApiServer) -> None:
    secret = "500001199001011234"
    body = {"fund_year": secret, "title": "", "item_codes": [1], "file_id": "7", secret: 1}
    answer = await server.post(Role.COUNTY_ADMIN, "/policies", body)
    assert answer.status_code == 422
    assert secret not in answer.text
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/fund_year", "/title", "/item_codes/0", "/file_id", "/*"}


@pytest.mark.parametrize("body", [b"{", b"", b"[" * 100_000, b'{"fund_year": 1e999}', b"\xff\xfe", b"null", b'"x"'])
async def test_broken_json_is_a_refusal(server: ApiServer, body: bytes) -> None:
    headers = server.bearer(Role.COUNTY_ADMIN) | {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer = await server.http.post("/policies", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM


async def test_too_large_a_body_is_refused_declared_or_not(server: ApiServer) -> None:
    headers = server.bearer(Role.COUNTY_ADMIN) | {"Content-Type": "application/json", "Idempotency-Key": "k"}
    large = b"[" + b" " * 1024 * 1024 + b"]"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    declared = await server.http.post("/policies", content=large, headers=headers)
    streamed = await server.http.post("/policies", content=chunks(), headers=headers)
    for answer in (declared, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_post_needs_its_key(server: ApiServer) -> None:
    answer = await server.http.post(
        "/catalog-refreshes", json={"fund_year": YEAR}, headers=server.bearer(Role.OPERATOR)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")


async def test_a_repeat_gets_the_first_answer_and_does_nothing(server: ApiServer) -> None:
    first = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
    second = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
    assert first.status_code == second.status_code == 202
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await _count(server, TrailEntry) == 1


async def test_a_key_belongs_to_its_request_and_its_caller(server: ApiServer) -> None:
    await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
    other = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR + 1}, key="one")
    stranger = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR + 1}, OTHER_COUNTY, key="one")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert stranger.status_code == 202


def _acts() -> set[str]:
    """Every POST that an answer is kept of, with an address to try it at."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    posts = {route.path for route in routes if "POST" in (route.methods or ())}
    acts = {path for path in posts if not path.endswith(CHANGE_NOTHING)}
    acts -= {path for path in acts if path.startswith(("/citizen/", "/callbacks/", "/staff/sign-ins"))}
    return {re.sub(r"{[^}]+}", "1", path) for path in acts}


async def _at_a_desk_of(server: ApiServer, role: Role, path: str, key: str | None) -> httpx.Response:
    headers = server.bearer(role) | ({"Idempotency-Key": key} if key else {})
    return await server.http.post(path, content=b"{}", headers=headers | {"Content-Type": "application/json"})


async def _put_answer(server: ApiServer, role: Role, path: str) -> None:
    caller = f"{COUNTY}/{role.value}/{role.value}"
    digest = server.vault.digest(hashlib.sha256(f"POST {path}?\n".encode() + b"{}").digest())
    body = server.vault.seal_body(f"{caller}/{path}", b'{"answered":"before"}')
    async with server.database.transaction() as session:
        session.add(IdempotentAnswer(caller=caller, key=path, request_sha256=digest, status=201, body=body))


async def test_every_act_looks_for_its_key_before_it_judges(server: ApiServer) -> None:
    """Whatever a form, a file, a list or a row says by now: an answer that was given is given again."""
    acts = _acts()
    assert {"/policies", "/policies/1/uploads", "/orders", "/application-imports", "/photo-archives", "/files"} <= acts
    for path in sorted(acts):
        asked = [(role, await _at_a_desk_of(server, role, path, None)) for role in Role]
        mine = [(role, answer) for role, answer in asked if answer.status_code != 403]
        assert {answer.json()["code"] for _, answer in mine} == {"IDEMPOTENCY_KEY_MISSING"}, path
        role = mine[0][0]
        await _put_answer(server, role, path)
        again = await _at_a_desk_of(server, role, path, path)
        assert (again.status_code, again.json()) == (201, {"answered": "before"}), path
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_repeat_is_answered_when_the_lists_are_gone(server: ApiServer) -> None:
    body = {"fund_year": YEAR, "title": "政策", "item_codes": ["BT1001"], "file_id": await _policy_file(server)}
    first = await server.post(Role.COUNTY_ADMIN, "/policies", body, key="one")
    assert first.status_code == 201, first.text
    async with server.database.transaction() as session:
        await execute(session, "DELETE FROM catalog_list")
    again = await server.post(Role.COUNTY_ADMIN, "/policies", body, key="one")
    assert (again.status_code, again.content) == (201, first.content)
    other = await server.post(Role.COUNTY_ADMIN, "/policies", body, key="two")
    assert (other.status_code, other.json()["code"]) == (503, "CATALOG_FETCHING")


async def _policy_file(server: ApiServer) -> int:
    told = {"object_key": "k", "sha256": "0" * 64, "size": 1, "content_type": "application/pdf"}
    file = StoredFile(county_code=COUNTY, stored_by="county_admin", **told)
    async with server.database.transaction() as session:
        session.add(PolicyUnit(county_code=COUNTY, code=f"{COUNTY}101", name="农业农村局", chosen_by="county_admin"))
        session.add(file)
        await session.flush()
        assert file.id is not None
        await use_files(session, FileOf.PERSON, [(file.id, "county_admin")])
        return file.id


async def test_ten_at_once_with_one_key_are_one_act(server: ApiServer) -> None:
    answers = await asyncio.gather(
        *(server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="same") for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 9
    assert await _count(server, TrailEntry) == await _count(server, IdempotentAnswer) == 1


async def test_a_refusal_leaves_the_key_free(server: ApiServer) -> None:
    body = {"fund_year": YEAR, "title": "政策", "item_codes": ["BT1001"], "file_id": 1}
    assert (await server.post(Role.COUNTY_ADMIN, "/policies", body, key="one")).status_code == 409
    assert await _count(server, IdempotentAnswer) == 0


async def test_stored_answers_are_sealed(server: ApiServer) -> None:
    await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
    async with server.database.reading() as session:
        stored = (await session.exec(select(IdempotentAnswer))).one()
    assert "number" not in stored.body


async def test_pages_follow_one_another_without_gap_or_repeat(server: ApiServer) -> None:
    await _open_runs(server, 7)
    seen: list[str] = []
    after: str | None = None
    while True:
        page = (await server.get(Role.OPS, "/runs", limit=3, after=after or 2**40)).json()
        seen += [run["number"] for run in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"{COUNTY}-Z{YEAR}-{place:04d}" for place in range(7, 0, -1)]


async def test_an_export_is_the_whole_filtered_list(server: ApiServer) -> None:
    await _open_runs(server, 7)
    answer = await server.get(Role.OPS, "/runs", format="xlsx", limit=2, kind="policy-review")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:2] == ("编号", "类别")
    assert len(rows) == 8
    none = await server.get(Role.OPS, "/runs", format="xlsx", kind="evidence")
    assert openpyxl.load_workbook(io.BytesIO(none.content)).active is not None


async def test_a_run_is_shown_with_its_link_and_only_to_its_county(server: ApiServer) -> None:
    await _open_runs(server, 1)
    (told,) = (await server.get(Role.OPERATOR, "/runs", open=True)).json()["items"]
    (run,) = (await server.get(Role.OPS, "/runs", open=True)).json()["items"]
    assert run == told | {"url": run["url"]}
    assert run["url"] == (
        f"{server.settings.temporal_ui_url}/namespaces/default/workflows/policy-review%2F{COUNTY}-Z{YEAR}-0001"
    )
    assert (run["stage"], run["stage_label"]) == ("in_review", "待审核")
    assert (await server.get(Role.OPERATOR, "/runs", OTHER_COUNTY)).json()["items"] == []


async def test_the_trail_shows_details_to_whom_they_concern(server: ApiServer) -> None:
    await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR})
    await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR})
    seen = (await server.get(Role.REVIEWER, "/trail")).json()["items"]
    assert [entry["detail"] for entry in seen] == [{"fund_year": YEAR}] * 2
    assert all("detail" not in entry for entry in (await server.get(Role.OPS, "/trail")).json()["items"])


async def test_health_without_temporal_is_degraded_and_says_what_waits(server: ApiServer) -> None:
    await _open_runs(server, 1)
    answer = await server.http.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["database"], body["temporal"]) == ("degraded", True, False)
    assert body["oldest_undelivered_outbox_seconds"] >= 0
    assert body["oldest_undelivered_inbox_seconds"] is None


async def test_with_the_database_away_nothing_is_taken_and_it_recovers(server: ApiServer, servers: Stack) -> None:
    url = server.database.engine.url
    name = str(url.database)
    server.bearer(Role.OPERATOR)
    _admit(servers, name, False)
    try:
        answer = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert (await server.http.get("/health")).status_code == 503
    finally:
        _admit(servers, name, True)
    again = await server.post(Role.OPERATOR, "/catalog-refreshes", {"fund_year": YEAR}, key="one")
    assert again.status_code == 202


async def test_the_docs_describe_every_route(server: ApiServer) -> None:
    paths = json.loads((await server.http.get("/openapi.json")).content)["paths"]
    assert {
        "/policies",
        "/indicators",
        "/callbacks/{province_code}",
        "/contradictions/{contradiction_id}/decision",
    } <= set(paths)
    assert (await server.http.get("/docs")).status_code == 200


async def _open_runs(server: ApiServer, count: int) -> None:
    async with server.database.transaction() as session:
        for place in range(1, count + 1):
            number = f"{COUNTY}-Z{YEAR}-{place:04d}"
            subject = Subject(kind=RunKind.POLICY_REVIEW, number=number, county_code=COUNTY, fund_year=YEAR)
            await open_run(session, subject, "in_review")
        for run in await session.exec(select(Run)):
            run.since -= timedelta(hours=1)


async def _count(server: ApiServer, table: type[object]) -> int:
    async with server.database.reading() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


def _admit(servers: Stack, name: str, admitted: bool) -> None:
    """Close or open the database's door, from another database of the same server."""
    with servers.layout.cluster.connect() as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {admitted}'.encode())
        if not admitted:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

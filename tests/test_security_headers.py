"""What every answer tells a browser: refusals, errors, streams and the documentation page too."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from models.words.staff import Role
from tests.api_server import YEAR, ApiServer, api_server, seed_catalogs

EXPECTED = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SCRIPT = re.compile(rb"<script(?: src=\"([^\"]*)\")?>(.*?)</script>", re.DOTALL)


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, citizen_cookies_secure=False, request_seconds=2.0) as running:
        await seed_catalogs(running.database)
        yield running


def check(answer: httpx.Response) -> None:
    where = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
    for name, value in EXPECTED.items():
        assert answer.headers.get_list(name) == [value], f"{where}: {name}"
    [policy] = answer.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert "'unsafe-eval'" not in policy, where


async def test_every_route_says_it_to_whoever_asks_without_a_token(server: ApiServer) -> None:
    document = (await server.http.get("/openapi.json")).json()
    asked = 0
    for path, methods in document["paths"].items():
        for method in methods:
            check(await server.http.request(method, re.sub(r"\{[^}]+\}", "1", path)))
            asked += 1
    assert asked > 80


@pytest.mark.parametrize(
    ("said", "status"), [(b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431), (b"GET", 408)]
)
async def test_what_the_server_answers_before_there_is_a_request_says_it(
    server: ApiServer, said: bytes, status: int
) -> None:
    url = server.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(said)
    head, _, _ = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    first, *lines = head.split("\r\n")
    assert first.split()[1] == str(status)
    headers = httpx.Headers([tuple(line.split(": ", 1)) for line in lines])
    check(httpx.Response(status, headers=headers, request=httpx.Request("GET", url)))


async def test_answers_refusals_and_streams_say_it(server: ApiServer) -> None:
    seen = [
        await server.get(Role.OPERATOR, "/catalogs/banks", fund_year=YEAR),
        await server.get(Role.OPERATOR, "/catalogs/banks", fund_year=YEAR, format="xlsx"),
        await server.post(Role.OPERATOR, "/batches", {"fund_year": YEAR, "title": "第一批"}),
        await server.get(Role.OPERATOR, "/batches/none"),
        await server.get(Role.APPLICANT, "/batches"),
        await server.get(Role.OPERATOR, "/batches", limit="x"),
        await server.http.get("/batches"),
        await server.http.get("/no-such-thing"),
        await server.http.get("/batches/"),
        await server.http.request("DELETE", "/batches"),
        await server.http.post("/batches", content=b"x" * 1_100_000),
        await server.http.get("/health"),
    ]
    assert {answer.status_code for answer in seen} == {200, 201, 401, 403, 404, 405, 413, 422} | {307}
    for answer in seen:
        check(answer)
        assert "strict-transport-security" not in answer.headers
    assert seen[1].headers["content-type"].startswith("application/vnd.openxmlformats")


async def test_what_nobody_expected_says_it(server: ApiServer) -> None:
    async def break_down() -> None:
        raise RuntimeError

    server.app.add_api_route("/breaks-down", break_down)
    answer = await server.http.get("/breaks-down")
    assert answer.status_code == 500
    check(answer)


async def test_the_documentation_page_works_under_its_own_policy(server: ApiServer) -> None:
    """Every script of the page, in a file or within, is one that its policy lets run, and nothing else is."""
    page = await server.http.get("/docs")
    check(page)
    [scripts] = re.findall(r"script-src ([^;]*)", page.headers["content-security-policy"])
    allowed = scripts.split()
    found = SCRIPT.findall(page.content)
    assert page.content.count(b"<script") == len(found) == 2
    for source, inline in found:
        if source:
            check(await server.http.get(source.decode()))
            assert source.startswith(b"/")
            assert "'self'" in allowed
        else:
            digest = base64.b64encode(hashlib.sha256(inline).digest()).decode()
            assert f"'sha256-{digest}'" in allowed
    assert len(allowed) == 2
    for link in re.findall(r'href="([^"]*)"', page.text):
        assert (await server.http.get(link)).status_code == 200
    for needed in ("style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "connect-src 'self'"):
        assert needed in page.headers["content-security-policy"]


async def test_where_cookies_are_held_to_https_the_browser_is_too(database_url: str, tmp_path: Path) -> None:
    async with api_server(database_url, tmp_path) as running:
        for path in ("/health", "/nowhere"):
            answer = await running.http.get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            check(answer)

"""统一身份认证 in the place of passwords: the way there and back through the pages, and all that is no sign-in."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from api.oidc.provider import Attempt
from tests.browser import Browser, Page
from tests.oidc_provider import CLIENT, RETURN, SECRET, Provider, hmac_signed, provider, unsigned
from tests.rows import ADMIN, SECOND_ADMIN, Office, citizen_id, count_of, open_office
from tests.sign_ins import PASSWORD, Phone, step

BUTTON = "用统一身份认证登录"
CAME = {"sec-fetch-site": "cross-site"}


@pytest.fixture
async def idp() -> AsyncIterator[Provider]:
    async with provider() as opened:
        yield opened


@asynccontextmanager
async def signing_in_by(idp: Provider, database_url: str, folder: Path, **knobs: object) -> AsyncIterator[Office]:
    known = {"oidc_issuer": idp.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    async with open_office(database_url, folder, **known, oidc_redirect_url=RETURN, **knobs) as opened:
        yield opened
        assert opened.parts.provider is not None
        await opened.parts.provider.close()


@pytest.fixture
async def office(idp: Provider, database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with signing_in_by(idp, database_url, tmp_path) as opened:
        yield opened


async def invited(office: Office, login: str, person: int = 1) -> str:
    who = {"subject": login, "name": "吴芳", "id_number": citizen_id(person), "roles": ["operator"]}
    answer = await office.post("/staff/invitations", who, ADMIN)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def there_and_back(browser: Browser, idp: Provider, start: str = "/console/sign-in") -> Page:
    """The button, the provider's page, and the page that one comes back to."""
    gone = await browser.submit(await browser.open(start), BUTTON)
    return await browser.open(await idp.sign_in(gone.link("继续")), **CAME)


async def begun(office: Office, idp: Provider) -> dict[str, str]:
    """By the API: what the browser that has begun brings back from the provider."""
    begun = (await step(office, "/oidc")).json()
    came = parse_qs(urlsplit(await idp.sign_in(begun["address"])).query)
    return {"attempt": begun["attempt"], "state": came["state"][0], "code": came["code"][0]}


async def back(office: Office, brought: dict[str, str]) -> httpx.Response:
    return await step(office, "/oidc/return", **brought)


async def bound(office: Office, idp: Provider, login: str = "wu.fang") -> Phone:
    """Somebody who has signed in before."""
    code = await invited(office, login)
    ticket = (await back(office, await begun(office, idp))).json()["ticket"]
    asked = (await step(office, "/oidc/binding", ticket=ticket, name=login, code=code)).json()
    phone = Phone(asked["authenticator"]["secret"])
    done = (await step(office, "/code", ticket=asked["ticket"], code=phone.code())).json()
    assert done["session"]
    return phone


async def test_an_invited_clerk_binds_the_identity_once_and_then_signs_in_by_it(office: Office, idp: Provider) -> None:
    code = await invited(office, "wu.fang")
    browser = Browser.at(office)
    page = await browser.open("/console/flows?stage=paying")
    assert [each.get("name") for each in page.document.cssselect("main input:not([type=hidden])")] == []
    page = await there_and_back(browser, idp, page.path)
    [asked] = idp.asked
    assert (asked["code_challenge_method"], asked["prompt"], asked["scope"]) == ("S256", "login", "openid")
    assert (asked["max_age"], len(asked["code_challenge"])) == ("300", 43)
    assert "首次登录" in page.title
    page = await browser.submit(page, "绑定", name="wu.fang", code="ABCD-EFGH-JKMN")
    assert (page.status, page.code) == (401, "SIGN_IN_REFUSED")
    page = await browser.submit(page, "绑定", name="WU.fang", code=code.lower())
    phone = Phone(str(page.document.cssselect("code")[0].text_content()))
    page = await browser.submit(page, "完成登录", code=phone.code())
    assert page.path == "/console/flows?stage=paying"
    assert "吴芳（县操作员）" in page.text
    assert "更改密码" not in (await browser.open("/console/me")).main

    # again: no code, no binding; the page goes on by itself, since a 303 would be the provider's link
    await browser.submit(page, action="/console/sign-out")
    page = await there_and_back(browser, idp, "/console/sign-in?next=/console/imports")
    assert page.document.cssselect("meta[http-equiv=refresh]")[0].get("content") == "0; url=/console/imports"
    [cookie] = [each for each in browser.http.cookies.jar if each.name.startswith("onecard")]
    assert (cookie.name, cookie.path, cookie.secure) == ("onecard_staff", "/console", True)
    assert cookie._rest["SameSite"].lower() == "strict"
    assert "吴芳" in (await browser.open("/console/imports")).text
    assert await count_of(office, "staff_session WHERE ended_at IS NULL AND code_at IS NULL") == 1

    person = await (await Browser.at(office).sign_in(ADMIN)).open("/console/people/wu.fang")
    assert "已绑定统一身份认证" in person.main
    kept = str([await office.rows(f"SELECT row_to_json(t)::text FROM {t} t") for t in ("person", "oidc_attempt")])
    assert idp.who not in kept
    acts = [act for (act,) in await office.rows("SELECT act FROM trail_entry ORDER BY id")]
    assert acts[:4] == ["person.invited", "person.sign_in_refused", "person.oidc_bound", "person.signed_in"]


async def test_passwords_are_off(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    for path, body in (
        ("", {"name": "wu.fang", "password": PASSWORD}),
        ("/password", {"ticket": "x", "password": "x"}),
    ):
        refused = await step(office, path, **body)
        assert (refused.status_code, refused.json()["code"]) == (403, "PASSWORDS_OFF"), path
    changed = await office.post("/staff/me/password", {"old": PASSWORD, "new": "another long one"})
    assert (changed.status_code, changed.json()["code"]) == (403, "PASSWORDS_OFF")
    assert (await office.http.get("/staff/sign-ins")).json() == {"passwords": False}


async def test_without_a_provider_there_is_none(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path) as office:
        assert (await office.http.get("/staff/sign-ins")).json() == {"passwords": True}
        assert (await step(office, "/oidc")).json()["code"] == "PROVIDER_UNSET"


def with_public_key(idp: Provider, claims: dict[str, Any]) -> str:
    return hmac_signed(idp, claims, idp.key.as_pem(private=False))


def with_client_secret(idp: Provider, claims: dict[str, Any]) -> str:
    return hmac_signed(idp, claims, SECRET.encode())


def with_own_key(idp: Provider, claims: dict[str, Any]) -> str:
    """Of the provider's key it has the name only, and it brings another."""
    other = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": idp.key.kid, "jwk": other.as_dict(private=False), "jku": f"{idp.url}/elsewhere"}
    return jwt.encode(header, claims, other)


def spoilt(idp: Provider, claims: dict[str, Any]) -> str:
    head, _, rest = jwt.encode({"alg": "RS256", "kid": idp.key.kid}, claims, idp.key).partition(".")
    return f"{head}.{rest[:-8]}AAAAAAAA"


HOSTILE: list[dict[str, Any]] = [
    {"claims": {"nonce": "0" * 64}},
    {"claims": {"nonce": None}},
    {"claims": {"aud": "another"}},
    {"claims": {"aud": [CLIENT, "another"]}},
    {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
    {"claims": {"iss": "http://127.0.0.1:9"}},
    {"claims": {"exp": int(time.time()) - 61}},
    {"claims": {"exp": None}},
    {"claims": {"auth_time": int(time.time()) - 400}},
    {"claims": {"auth_time": None}},
    {"claims": {"auth_time": True}},
    {"claims": {"sub": None}},
    {"claims": {"sub": ""}},
    {"claims": {"sub": 17}},
    {"claims": {"sub": "x" * 256}},
    {"signer": unsigned},
    {"signer": with_public_key},
    {"signer": with_client_secret},
    {"signer": with_own_key},
    {"signer": spoilt},
    {"signer": lambda *_: "no token"},
    {"signer": lambda *_: "x" * 20_000},
]


async def test_a_token_that_proves_nothing_signs_nobody_in(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    good = Provider().signer
    opened = await count_of(office, "staff_session")
    for each in HOSTILE:
        idp.claims, idp.signer = each.get("claims", {}), each.get("signer", good)
        refused = await back(office, await begun(office, idp))
        assert (refused.status_code, refused.json()["code"]) == (401, "SIGN_IN_REFUSED"), each
    assert await count_of(office, "staff_session") == opened
    assert await count_of(office, "oidc_attempt") == 0
    assert await count_of(office, "trail_entry WHERE act = 'person.sign_in_refused'") == len(HOSTILE)
    idp.claims, idp.signer = {"aud": [CLIENT, "another"], "azp": CLIENT, "extra": {"x": []}}, good
    assert (await back(office, await begun(office, idp))).json()["session"]


async def test_what_a_browser_brings_fits_together_and_is_good_once(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    before = idp.calls.count("/token")
    mine, other = await begun(office, idp), await begun(office, idp)
    for mixed in (mine | {"state": other["state"]}, mine | {"state": "é"}, mine | {"attempt": "x" * 43}):
        refused = await back(office, mixed)
        assert (refused.status_code, refused.json()["code"]) == (409, "TICKET_OVER"), mixed
    assert idp.calls.count("/token") == before, "nothing is asked for what doesn't fit"
    # a code of another attempt: its verifier doesn't fit, and it is used up there
    assert (await back(office, mine | {"code": other["code"]})).status_code == 401
    assert (await back(office, mine)).json()["code"] == "TICKET_OVER"
    assert (await back(office, other)).status_code == 401
    mine = await begun(office, idp)
    assert (await back(office, mine)).json()["session"]
    assert (await back(office, mine)).json()["code"] == "TICKET_OVER"
    late = await begun(office, idp)
    await office.run("UPDATE oidc_attempt SET made_at = now() - interval '16 minutes'")
    assert (await back(office, late)).json()["code"] == "TICKET_OVER"


async def test_the_providers_keys_change(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    assert (await back(office, await begun(office, idp))).json()["session"]
    assert idp.calls.count("/keys") == 1, "kept"
    former = idp.key
    idp.rotate()
    assert (await back(office, await begun(office, idp))).json()["session"]
    assert idp.calls.count("/keys") == 2
    signer, idp.signer = idp.signer, lambda _, claims: jwt.encode({"alg": "RS256", "kid": former.kid}, claims, former)
    assert (await back(office, await begun(office, idp))).status_code == 401, "a key that was taken back"
    idp.signer = signer
    idp.described = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert office.parts.provider is not None
    office.parts.provider._described = None
    assert (await back(office, await begun(office, idp))).json()["session"]


AWAY: list[tuple[str, Callable[[Provider], Response]]] = [
    ("/.well-known/openid-configuration", lambda _: Response(status_code=500)),
    ("/.well-known/openid-configuration", lambda _: Response("<html>维护中</html>")),
    ("/.well-known/openid-configuration", lambda idp: RedirectResponse(f"{idp.url}/keys")),
    ("/.well-known/openid-configuration", lambda _: JSONResponse({"issuer": "http://elsewhere"})),
    ("/token", lambda _: JSONResponse({"error": "invalid_client"}, 401)),
    ("/token", lambda _: JSONResponse({"access_token": "x"})),
    ("/token", lambda idp: RedirectResponse(f"{idp.url}/authorize", 307)),
    ("/keys", lambda _: Response("x" * 300_000)),
    ("/keys", lambda _: JSONResponse({"keys": []})),
]


async def test_a_provider_that_is_away_is_said_and_nothing_is_half_done(office: Office, idp: Provider) -> None:
    """At the button, and on the way back."""
    browser = Browser.at(office)
    for path, answer in AWAY:
        provider = office.parts.provider
        assert provider is not None
        provider._described = provider._keys = None
        idp.broken = {path: answer(idp)}
        page = await browser.open("/console/sign-in")
        page = await browser.submit(page, BUTTON)
        if page.status == 200:
            page = await browser.open(await idp.sign_in(page.link("继续")), **CAME)
        assert (page.status, page.code) == (503, "PROVIDER_AWAY"), path
        assert "统一身份认证没有应答" in page.problem
        assert page.button(BUTTON) is not None
        assert page.document.cssselect("meta[http-equiv=refresh]") == [], "it can't be brought twice"
        assert await count_of(office, "oidc_attempt") == await count_of(office, "staff_session") == 0
        assert [each.name for each in browser.http.cookies.jar if each.name.startswith("onecard")] == []
    assert office.parts.provider is not None
    idp.broken = {}
    for endpoint in ("http://elsewhere.test/token", "http://127.0.0.1:9/token"):
        office.parts.provider._described, idp.described = None, {"token_endpoint": endpoint}
        begun = await step(office, "/oidc")
        if endpoint.startswith("http://elsewhere"):
            assert begun.json()["code"] == "PROVIDER_AWAY", "no secret leaves without TLS"
        else:
            state = parse_qs(urlsplit(begun.json()["address"]).query)["state"][0]
            away = await back(office, {"attempt": begun.json()["attempt"], "state": state, "code": "x"})
            assert (away.status_code, away.json()["code"]) == (503, "PROVIDER_AWAY"), "nobody listens there"


HURRIED = 0.7


async def _stuck() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def _dripping() -> AsyncIterator[bytes]:
    """Always something, so that no wait for the next byte is long."""
    while True:
        yield b" "
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_a_provider_that_hangs_is_said_within_the_limit(office: Office, idp: Provider, path: str) -> None:
    """Stuck in the midst of its answer, or dripping for ever: the page says so while its reader still waits."""
    provider = office.parts.provider
    assert provider is not None
    provider._seconds = HURRIED
    for body in (_stuck, _dripping):
        provider._described = provider._keys = None
        browser = Browser.at(office)
        page = await browser.open("/console/sign-in")
        idp.broken = {path: StreamingResponse(body())}
        if path in ("/token", "/keys"):
            came = await idp.sign_in((await browser.submit(page, BUTTON)).link("继续"))
            asked = browser.open(came, **CAME)
        else:
            asked = browser.submit(page, BUTTON)
        since = time.monotonic()
        page = await asked
        assert HURRIED < time.monotonic() - since < HURRIED + 2
        assert (page.status, page.code) == (503, "PROVIDER_AWAY")
        assert "统一身份认证没有应答" in page.problem
        assert await count_of(office, "oidc_attempt") == await count_of(office, "staff_session") == 0


async def test_answers_that_are_slow_one_by_one_end_together(office: Office, idp: Provider) -> None:
    """Each within its own limit: the return as a whole has one too."""
    provider = office.parts.provider
    assert provider is not None
    brought = await begun(office, idp)
    provider._seconds, provider._described = HURRIED, None
    idp.slow = 0.8 * HURRIED
    at = time.monotonic()
    away = await back(office, brought)
    assert (away.status_code, away.json()["code"]) == (503, "PROVIDER_AWAY")
    assert time.monotonic() - at < 2 * HURRIED + 1


async def test_who_is_locked_or_has_left_does_not_come_in(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    browser = Browser.at(office)
    assert (await office.post("/staff/people/wu.fang/lock", {}, ADMIN)).status_code == 200
    page = await there_and_back(browser, idp)
    assert (page.status, page.code) == (401, "SIGN_IN_REFUSED")
    assert "已锁定或停用" in page.problem
    await office.post("/staff/people/wu.fang/unlock", {}, ADMIN)
    assert (await back(office, await begun(office, idp))).json()["session"]

    # who has left is bound no more, and comes back by a code of an administrator
    await office.post("/staff/people/wu.fang/stop", {}, ADMIN)
    page = await there_and_back(browser, idp)
    assert "首次登录" in page.title
    page = await browser.submit(page, "绑定", name="wu.fang", code="ABCD-EFGH-JKMN")
    assert (page.status, page.code) == (401, "SIGN_IN_REFUSED")
    code = (await office.post("/staff/people/wu.fang/reset", {}, ADMIN)).json()["code"]
    page = await browser.submit(page, "绑定", name="wu.fang", code=code)
    assert page.document.cssselect("img.qr"), "its authenticator is forgotten too"


async def test_an_identity_is_one_persons(office: Office, idp: Provider) -> None:
    """Two pages that lie open, two invitations, one identity: the second is told, and its code is still good."""
    codes = [await invited(office, login, place) for place, login in enumerate(("wu.fang", "wu.fang2"), 1)]
    tickets = [(await back(office, await begun(office, idp))).json()["ticket"] for _ in codes]
    first = await step(office, "/oidc/binding", ticket=tickets[0], name="wu.fang", code=codes[0])
    assert first.json()["step"] == "enrol"
    second = await step(office, "/oidc/binding", ticket=tickets[1], name="wu.fang2", code=codes[1])
    assert (second.status_code, second.json()["code"]) == (409, "CONFLICT")
    used = await step(office, "/oidc/binding", ticket=tickets[0], name="wu.fang2", code=codes[1])
    assert used.json()["code"] == "TICKET_OVER"
    idp.who = "u-0002"
    ticket = (await back(office, await begun(office, idp))).json()["ticket"]
    again = await step(office, "/oidc/binding", ticket=ticket, name="wu.fang", code=codes[0])
    assert (again.status_code, again.json()["code"]) == (401, "SIGN_IN_REFUSED"), "a code binds once"
    assert (await step(office, "/oidc/binding", ticket=ticket, name="wu.fang2", code=codes[1])).json()["ticket"]
    # a reviewer's code comes of two administrators, as before
    await office.run("UPDATE person SET roles = '{reviewer}' WHERE subject = 'wu.fang'")
    wanted = (await office.post("/staff/people/wu.fang/reset", {}, ADMIN)).json()
    assert (wanted["waiting"], wanted["code"], wanted["person"]["oidc_bound"]) == (True, None, True)
    path = f"/staff/people/wu.fang/changes/{wanted['person']['change']['change_id']}/confirmation"
    assert (await office.post(path, {}, SECOND_ADMIN)).json()["person"]["oidc_bound"] is False


async def test_other_sites_begin_nothing_and_lead_nowhere(office: Office, idp: Provider) -> None:
    await bound(office, idp)
    browser = Browser.at(office)
    page = await browser.open("/console/sign-in?next=//evil.test/console")
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        refused = await browser.post(page, page.form(BUTTON), BUTTON, {}, **foreign)
        assert (refused.status_code, 'data-code="OTHER_SITE"' in refused.text) == (403, True)
    # somebody else's answer of the provider, as a link: this browser has begun nothing
    theirs = await begun(office, idp)
    link = f"/console/sign-in/oidc?code={theirs['code']}&state={theirs['state']}"
    page = await browser.open(link, **CAME)
    assert (page.status, page.code) == (401, "SIGN_IN_REFUSED")
    gone = await browser.submit(await browser.open("/console/sign-in?next=https://evil.test/console"), BUTTON)
    page = await browser.open(link, **CAME)
    assert (page.status, page.code) == (409, "TICKET_OVER")
    assert gone.document.cssselect("meta[http-equiv=refresh]")[0].get("content").startswith(f"0; url={idp.url}/")

    for elsewhere in ("https://evil.test/console", "//evil.test/console", "/console\\evil", "/console/../../x:y"):
        browser.http.cookies.clear()
        await browser.submit(await browser.open("/console/sign-in"), BUTTON)
        [cookie] = [each for each in browser.http.cookies.jar if each.name == "onecard_sign_in"]
        assert (cookie.path, cookie.secure, cookie._rest["SameSite"].lower()) == ("/console/sign-in/oidc", True, "lax")
        attempt = str(cookie.value).partition(".")[0]
        cookie.value = f"{attempt}.{quote(elsewhere, safe='')}"
        came = await idp.sign_in(await _address(office, attempt))
        page = await browser.open(came, **CAME)
        led = page.document.cssselect("meta[http-equiv=refresh]")[0].get("content")
        assert led.startswith("0; url=/console"), led
    cancelled = await browser.open("/console/sign-in/oidc?error=access_denied&state=x", **CAME)
    assert (cancelled.status, cancelled.code) == (401, "SIGN_IN_REFUSED")
    assert "可能已取消" in cancelled.problem


async def _address(office: Office, attempt: str) -> str:
    """The provider's address of an attempt that is under way."""
    assert office.parts.provider is not None
    return await office.parts.provider.address(Attempt(attempt))

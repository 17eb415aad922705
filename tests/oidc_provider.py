"""A province's 统一身份认证 over HTTP on loopback: discovery, keys, authorization code with PKCE, ID tokens.

It is strict where a real one is: client, redirect, code and verifier must fit, and a code is good once. What it then
says is what a test has set: hostile claims, another key, another algorithm, or nothing at all.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.api_server import serving
from tests.loopback import NO_TLS

CLIENT, SECRET = "onecard 500001", "s3cret: with/odd+signs"
RETURN = "https://console.test/console/sign-in/oidc"
Signer = Callable[["Provider", dict[str, Any]], str]


def _signed(provider: "Provider", claims: dict[str, Any]) -> str:
    header = {"alg": "RS256" if isinstance(provider.key, RSAKey) else "ES256", "kid": provider.key.kid}
    return jwt.encode(header, claims, provider.key, algorithms=["RS256", "ES256"])


@dataclass
class Provider:
    """`who` is whoever sits before it; `claims` overrides what a token says, None leaves a claim out."""

    url: str = ""
    # where its people are sent back to, as it was registered
    returns: str = RETURN
    who: str = "u-0001"
    key: RSAKey | ECKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    claims: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    signer: Signer = _signed
    # answered with instead, by path
    broken: dict[str, Response] = field(default_factory=dict)
    # seconds before each answer
    slow: float = 0.0
    asked: list[dict[str, str]] = field(default_factory=list)
    # paths, as they were asked for
    calls: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        places = {
            "/.well-known/openid-configuration": self._describe,
            "/keys": self._keys,
            "/authorize": self._authorize,
            "/token": self._token,
        }
        routes = [
            Route(path, self._or_broken(path, answer), methods=["GET", "POST"]) for path, answer in places.items()
        ]
        return Starlette(routes=routes)

    def rotate(self) -> None:
        self.key = ECKey.generate_key("P-256", auto_kid=True)

    def public(self) -> dict[str, Any]:
        return dict(self.key.as_dict(private=False, use="sig"))

    async def sign_in(self, address: str) -> str:
        """What a browser does there: the person signs in, and is sent back; gives the address."""
        async with httpx.AsyncClient(verify=NO_TLS) as http:
            answer = await http.get(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def _or_broken(self, path: str, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def asked(request: Request) -> Response:
            self.calls.append(path)
            await asyncio.sleep(self.slow)
            broken = self.broken.get(path)
            return broken if broken is not None else await answer(request)

        return asked

    async def _describe(self, _: Request) -> Response:
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return JSONResponse(told | self.described)

    async def _keys(self, _: Request) -> Response:
        # others' keys stand beside it: one for encryption, one that nobody can read, one of a kind to come
        beside = [{"kty": "RSA", "use": "enc", "kid": "e"}, {"kty": "EC", "kid": "odd"}, {"kty": "ML-DSA"}]
        return JSONResponse({"keys": [*beside, self.public()]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        assert (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == (CLIENT, self.returns, "code")
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked | {"who": self.who}
        return RedirectResponse(f"{self.returns}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form.get("code", ""), None)
        proof = _base64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or asked["code_challenge"] != proof or form["redirect_uri"] != self.returns:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": asked["who"],
            "aud": CLIENT,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
        }
        said = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.signer(self, said)})

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if "client_secret_post" in self.described.get("token_endpoint_auth_methods_supported", ()):
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        pair = "onecard+500001:s3cret%3A+with%2Fodd%2Bsigns"
        return request.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"


def unsigned(_: Provider, claims: dict[str, Any]) -> str:
    return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def hmac_signed(provider: Provider, claims: dict[str, Any], key: bytes) -> str:
    """What no library lets one make with a public key."""
    head = f"{_encoded({'alg': 'HS256', 'kid': provider.key.kid})}.{_encoded(claims)}"
    return f"{head}.{_base64(hmac.new(key, head.encode(), hashlib.sha256).digest())}"


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(some: bytes) -> str:
    return base64.urlsafe_b64encode(some).rstrip(b"=").decode()


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Serves on a free port until the test is done."""
    made = Provider()
    async with serving(made.app(), 20) as url:
        made.url = url.rstrip("/")
        yield made

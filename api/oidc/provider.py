"""A province's 统一身份认证 over HTTP (OpenID Connect): its own description, its keys, a code for an ID token."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import structlog
from joserfc.jwk import KeySet
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from models.id_tokens import LOGIN_GOOD_SECONDS, Expected, IdTokenRefused, UnknownKey, keys_in, subject_of
from models.secrets import digest, fresh_secret

_LOG = structlog.get_logger()
_DISCOVERY = "/.well-known/openid-configuration"
_LARGEST_ANSWER = 256 * 1024
# For one answer, to its last byte; all that a return asks together may take twice that: a person waits for it.
_SECONDS = 8.0
# A key that the provider takes back is believed for so long at most; a new one is looked for at once.
_KEPT_SECONDS = 3600.0
_BASIC, _POST = "client_secret_basic", "client_secret_post"
Shape = TypeVar("Shape", bound=BaseModel)


class ProviderAway(Exception):
    """It doesn't answer, or not as it should; nothing was done."""


class ProviderRefused(Exception):
    """It answers that this is nobody's sign-in, or what it answers proves nothing."""


@dataclass(frozen=True)
class OidcClient:
    """As whom the provider knows this installation."""

    issuer: str
    client_id: str
    redirect_url: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class Attempt:
    """A sign-in under way: of one secret, which its browser alone has, comes all that must fit together again."""

    secret: str = field(repr=False)

    @classmethod
    def fresh(cls) -> "Attempt":
        return cls(fresh_secret())

    @property
    def state(self) -> str:
        return digest(f"state:{self.secret}")

    @property
    def nonce(self) -> str:
        return digest(f"nonce:{self.secret}")

    @property
    def verifier(self) -> str:
        return digest(f"verifier:{self.secret}")

    @property
    def challenge(self) -> str:
        """S256 (RFC 7636)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class _Described(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = Field(default=[_BASIC])


class _Given(BaseModel):
    id_token: str


class _Error(BaseModel):
    error: str


_JSON = TypeAdapter(dict[str, object])


class Provider:
    """Raises ProviderAway and ProviderRefused; `http` follows no redirects."""

    def __init__(self, http: httpx.AsyncClient, registration: OidcClient, seconds: float = _SECONDS) -> None:
        self._http = http
        self._known = registration
        self._seconds = seconds
        self._described: tuple[float, _Described] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def address(self, attempt: Attempt) -> str:
        """Where the person signs in; asked for anew even where the provider's own session is open."""
        described = await self._description()
        asked = {
            "response_type": "code",
            "client_id": self._known.client_id,
            "redirect_uri": self._known.redirect_url,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            "prompt": "login",
            "max_age": str(LOGIN_GOOD_SECONDS),
        }
        joint = "&" if "?" in described.authorization_endpoint else "?"
        return f"{described.authorization_endpoint}{joint}{urlencode(asked)}"

    async def index_text(self, code: str, attempt: Attempt) -> str:
        """Who has signed in: issuer and subject, which together name one person for ever."""
        try:
            async with asyncio.timeout(2 * self._seconds):
                return f"{self._known.issuer}\n{await self._subject(code, attempt)}"
        except IdTokenRefused as refused:
            _LOG.warning("an ID token was refused", why=str(refused))
            raise ProviderRefused from refused
        except TimeoutError as error:
            raise _away("its answers together take too long") from error

    async def _subject(self, code: str, attempt: Attempt) -> str:
        described = await self._description()
        token = await self._exchange(described, code, attempt)
        return await self._verified(
            described, token, Expected(self._known.issuer, self._known.client_id, attempt.nonce)
        )

    async def _verified(self, described: _Described, token: str, expected: Expected) -> str:
        try:
            return subject_of(token, await self._key_set(described), expected)
        except UnknownKey:
            # the provider has changed its keys
            self._keys = None
            return subject_of(token, await self._key_set(described), expected)

    async def _description(self) -> _Described:
        if self._described is None or time.monotonic() - self._described[0] > _KEPT_SECONDS:
            answer = await self._ask("GET", self._known.issuer.rstrip("/") + _DISCOVERY)
            described = _read(answer, _Described)
            if described.issuer != self._known.issuer:
                raise _away("it describes another issuer")
            for address in (described.authorization_endpoint, described.token_endpoint, described.jwks_uri):
                self._require_safe(address)
            self._described = time.monotonic(), described
        return self._described[1]

    def _require_safe(self, address: str) -> None:
        """Encrypted; a provider on this very machine, for trying out, names addresses on it."""
        asked, issuer = urlsplit(address), urlsplit(self._known.issuer)
        if asked.scheme != "https" and (asked.scheme, asked.hostname) != (issuer.scheme, issuer.hostname):
            raise _away("it names an address without TLS")

    async def _key_set(self, described: _Described) -> KeySet:
        if self._keys is None or time.monotonic() - self._keys[0] > _KEPT_SECONDS:
            keys = keys_in(_document(await self._ask("GET", described.jwks_uri)))
            if not keys:
                raise _away("it publishes no usable key")
            self._keys = time.monotonic(), keys
        return self._keys[1]

    async def _exchange(self, described: _Described, code: str, attempt: Attempt) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._known.redirect_url,
            "code_verifier": attempt.verifier,
        }
        headers, more = self._own(described.token_endpoint_auth_methods_supported)
        answer = await self._ask("POST", described.token_endpoint, form | more, headers)
        if answer.status_code == 400 and _read(answer, _Error).error == "invalid_grant":
            raise ProviderRefused
        return _read(answer, _Given).id_token

    def _own(self, methods: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """What proves to the provider that we ask: a header, or fields of the form."""
        name, secret = self._known.client_id, self._known.client_secret
        if _POST in methods and _BASIC not in methods:
            return {}, {"client_id": name, "client_secret": secret}
        pair = f"{quote_plus(name)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, {}

    async def _ask(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Read to a limit of size and time; answers of any status."""
        asked = {"Accept": "application/json", **(headers or {})}
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._http.stream(method, address, data=form, headers=asked) as answer,
            ):
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _LARGEST_ANSWER:
                        raise _away("its answer is too large")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise _away(type(error).__name__) from error
        return httpx.Response(answer.status_code, content=bytes(body))


def _document(answer: httpx.Response) -> dict[str, object]:
    if answer.status_code != 200:
        raise _away(f"status {answer.status_code}")
    try:
        return _JSON.validate_json(answer.content)
    except ValidationError as error:
        raise _away("its answer is no JSON object") from error


def _read(answer: httpx.Response, shape: type[Shape]) -> Shape:
    """Of a good answer; an error's shape is read whatever the status."""
    if answer.status_code != 200 and shape is not _Error:
        raise _away(f"status {answer.status_code}")
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError as error:
        raise _away("its answer lacks what it must say") from error


def _away(why: str) -> ProviderAway:
    _LOG.warning("the sign-in provider can't be used", why=why)
    return ProviderAway(why)

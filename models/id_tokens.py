"""ID tokens of a province's 统一身份认证 (OpenID Connect Core 3.1.3.7): believed as signed by its keys, and for us."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

# Signed with a key of the provider's own: what a shared secret or nothing signs, anybody may have made.
ALGORITHMS = ("RS256", "PS256", "ES256")
_KEY_TYPES = frozenset({"RSA", "EC"})
# A provider whose clock is a little wrong.
LEEWAY_SECONDS = 60
# Who comes back must just have shown who they are: a provider's session that is open on a shared computer is no proof.
LOGIN_GOOD_SECONDS = 300
_LONGEST_TOKEN, _LONGEST_SUBJECT = 16 * 1024, 255


class IdTokenRefused(Exception):
    """The token proves nothing; the text says why, without quoting it."""


class UnknownKey(IdTokenRefused):
    """Signed with a key that wasn't published when the keys were read."""


@dataclass(frozen=True)
class Expected:
    """What the token must say."""

    issuer: str
    client_id: str
    nonce: str


def keys_in(document: object) -> KeySet:
    """A JWK set's public keys for signatures; what can't be one of them is left out."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    return KeySet(list(_usable(listed if isinstance(listed, list) else [])))


def _usable(listed: Iterable[object]) -> Iterable[Key]:
    for each in listed:
        if not isinstance(each, dict) or each.get("kty") not in _KEY_TYPES or each.get("use", "sig") != "sig":
            continue
        try:
            yield JWKRegistry.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def subject_of(token: str, keys: KeySet, expected: Expected) -> str:
    """Who it is about, by the provider's own name; raises IdTokenRefused."""
    if len(token) > _LONGEST_TOKEN:
        raise IdTokenRefused("too long")
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        _registry(expected).validate(claims)
    except InvalidKeyIdError as error:
        raise UnknownKey("no such key") from error
    except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        claim = f" {error.claim}" if isinstance(error, ClaimError) and hasattr(error, "claim") else ""
        raise IdTokenRefused(f"{type(error).__name__}{claim}") from error
    return _subject(claims, expected)


def _registry(expected: Expected) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        nonce={"essential": True, "value": expected.nonce},
        sub={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
        auth_time={"essential": True},
    )


def _subject(claims: Mapping[str, object], expected: Expected) -> str:
    """What the registry doesn't look at: for whom it was made, and when the person signed in there."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise IdTokenRefused("azp")
    signed_in = claims["auth_time"]
    if isinstance(signed_in, bool) or not isinstance(signed_in, int | float):
        raise IdTokenRefused("auth_time")
    age = time.time() - signed_in
    if not -LEEWAY_SECONDS <= age <= LOGIN_GOOD_SECONDS + LEEWAY_SECONDS:
        raise IdTokenRefused("signed in too long ago")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise IdTokenRefused("sub")
    return subject

"""Seals on what we send and on what the platform sends back; pure, the clock is passed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, TypeAdapter
from standardwebhooks.webhooks import Webhook

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_CALLBACK_ID = re.compile(r"[\x21-\x7e]{1,200}")
_UNIX_SECONDS = re.compile(r"[0-9]{1,11}")


class SignatureRefused(Exception):
    """The callback is unsigned, stale, malformed or sealed with a secret that isn't live."""


def _base64_secret(secret: SecretStr) -> SecretStr:
    prefix, encoded = secret.get_secret_value()[: len(_PREFIX)], secret.get_secret_value()[len(_PREFIX) :]
    if prefix != _PREFIX:
        # else a request's secret put in the wrong place would pass as base64 and refuse every callback
        raise ValueError("without whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        # the parser's own words would end in a log, with the secret
        raise ValueError("not base64") from None
    if len(key) < 16:
        raise ValueError("shorter than 16 bytes")
    return secret


RequestSecret = Annotated[SecretStr, Field(min_length=16)]
CallbackSecret = Annotated[SecretStr, AfterValidator(_base64_secret)]


class PlatformCredentials(BaseModel):
    """One province's access. The first secret signs; all callback secrets are live at once while one rotates.

    A request's secret is its text as it stands, a callback's is `whsec_` and base64, as Standard Webhooks has it.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$")]
    client_id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
    secrets: Annotated[tuple[RequestSecret, ...], Field(min_length=1)]
    callback_secrets: Annotated[tuple[CallbackSecret, ...], Field(min_length=1)]


_Province = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}0000$")]
_CLIENTS: TypeAdapter[dict[_Province, PlatformCredentials]] = TypeAdapter(
    dict[_Province, PlatformCredentials], config=ConfigDict(hide_input_in_errors=True)
)


def parse_clients(raw: bytes) -> dict[str, PlatformCredentials]:
    """The clients file: a JSON object of credentials by province code."""
    return _CLIENTS.validate_json(raw)


@dataclass(frozen=True, slots=True)
class SealedCallback:
    callback_id: str
    sent_at_unix: int


def _seal(key: str | bytes, message_id: str, at: datetime, content: str) -> str:
    # not Webhook.verify: it reads the clock of the machine and takes fractions of seconds
    return Webhook(key).sign(msg_id=message_id, timestamp=at.astimezone(UTC), data=content)


def sign_request(
    credentials: PlatformCredentials, method: str, target: str, body_sha256: str, message_id: str, now: datetime
) -> dict[str, str]:
    """Headers of one request; `target` is the path as sent, prefix and query included, `body_sha256` is hex."""
    key = credentials.secrets[0].get_secret_value().encode()
    return {
        "X-Client-Id": credentials.client_id,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": _seal(key, message_id, now, f"{method} {target}.{body_sha256}"),
    }


def sha256_hex(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def check_heads(headers: Mapping[str, str], now: datetime) -> SealedCallback:
    """What a callback's headers say, before its body is read; SignatureRefused where they can't be right.

    `headers` is looked up in lower case, as Starlette's is in any.
    """
    callback_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _CALLBACK_ID.fullmatch(callback_id) or not _UNIX_SECONDS.fullmatch(sent_at):
        raise SignatureRefused("webhook-id or webhook-timestamp is missing or malformed")
    if not headers.get("webhook-signature"):
        raise SignatureRefused("webhook-signature is missing")
    if abs(now.timestamp() - int(sent_at)) > TOLERANCE_SECONDS:
        raise SignatureRefused("webhook-timestamp is outside the tolerance")
    return SealedCallback(callback_id, int(sent_at))


def verify_callback(
    credentials: PlatformCredentials, headers: Mapping[str, str], body: bytes, now: datetime
) -> SealedCallback:
    """Raises SignatureRefused and nothing else."""
    said = check_heads(headers, now)
    try:
        at, content = datetime.fromtimestamp(said.sent_at_unix, tz=UTC), body.decode()
    except ValueError:
        raise SignatureRefused("the body is no text") from None
    live = (secret.get_secret_value() for secret in credentials.callback_secrets)
    signatures = headers["webhook-signature"]
    if not any(_matches(_seal(secret, said.callback_id, at, content), signatures) for secret in live):
        raise SignatureRefused("no live secret made this signature")
    return said


def _matches(expected: str, signatures: str) -> bool:
    wanted = expected.encode()
    return any(hmac.compare_digest(wanted, given.encode("utf-8", "replace")) for given in signatures.split(" "))

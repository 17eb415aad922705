"""The platform's clients, one per province: their secrets, callback addresses and the signatures both ways."""

import base64
import binascii
import hashlib
import hmac
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from .problems import Problem

TOLERANCE_SECONDS = 300


def _callback_secret(secret: str) -> str:
    try:
        base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not secret.startswith("whsec_"):
        raise ValueError("without whsec_")
    return secret


class Client(BaseModel):
    model_config = ConfigDict(frozen=True)

    client_id: str
    province_code: str
    secrets: list[str]
    callback_url: str
    callback_secrets: list[Annotated[str, AfterValidator(_callback_secret)]]

    def owns(self, county_code: str) -> bool:
        return county_code[:2] == self.province_code[:2]


class Clients:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._by_id: dict[str, Client] = {}
        self.reload()

    def reload(self) -> None:
        """Raises when the file is no list of clients; the known ones stay."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._read_at:
            found = TypeAdapter(list[Client]).validate_json(self._path.read_bytes())
            self._by_id, self._read_at = {client.client_id: client for client in found}, changed

    def get(self, client_id: str) -> Client | None:
        # A secret or an address changed in the file counts at once; a half-written file doesn't.
        with suppress(OSError, ValidationError):
            self.reload()
        return self._by_id.get(client_id)

    def of_county(self, county_code: str) -> Client | None:
        return next((client for client in self._by_id.values() if client.owns(county_code)), None)

    def authenticate(self, headers: dict[str, str], method: str, target: str, body: bytes) -> Client:
        client = self.get(headers.get("x-client-id", ""))
        if client is None:
            raise Problem("UNAUTHORIZED", "未知的 X-Client-Id")
        sent_at = headers.get("webhook-timestamp", "")
        if not sent_at.isascii() or not sent_at.isdigit() or abs(time.time() - int(sent_at[:15])) > TOLERANCE_SECONDS:
            raise Problem("UNAUTHORIZED", "webhook-timestamp 缺失或超出正负 300 秒")
        message_id = headers.get("webhook-id", "")
        if not message_id:
            raise Problem("UNAUTHORIZED", "缺少 webhook-id")
        signed = f"{message_id}.{sent_at}.{method} {target}.{hashlib.sha256(body).hexdigest()}".encode()
        # one signature, by any of the live secrets; each is UTF-8 text as it stands
        given = headers.get("webhook-signature", "").encode()
        if not any(hmac.compare_digest(given, v1_signature(s.encode(), signed)) for s in client.secrets):
            raise Problem("UNAUTHORIZED", "webhook-signature 不正确")
        return client


def v1_signature(key: bytes, message: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest())


def callback_headers(client: Client, webhook_id: str, body: bytes) -> dict[str, str]:
    """Standard Webhooks: one signature per live secret, so that a receiver may rotate."""
    sent_at = str(int(time.time()))
    signed = f"{webhook_id}.{sent_at}.".encode() + body
    signatures = [v1_signature(_callback_key(secret), signed).decode() for secret in client.callback_secrets]
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(signatures),
    }


def _callback_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))

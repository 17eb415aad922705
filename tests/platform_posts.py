"""What the platform sends us: events with a true seal."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from models.wire.signing import PlatformCredentials
from tests.api_server import COUNTY, PROVINCE, ApiServer


def seal(credentials: PlatformCredentials, event_id: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    secret = credentials.callback_secrets[0].get_secret_value()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id=event_id, timestamp=at, data=body.decode()),
        "content-type": "application/json",
    }


def policy_reviewed(reference: str | None, status: str = "approved", county: str = COUNTY, **data: Any) -> bytes:
    return _event(
        "policy.reviewed",
        {
            "submission_id": "sub-1",
            "client_reference": reference,
            "county_code": county,
            "status": status,
            "opinion": None,
            "reviewed_at": datetime.now(UTC).isoformat(),
        }
        | data,
    )


def account_invalidated(county: str = COUNTY) -> bytes:
    data = {
        "county_code": county,
        "id_number": "11010519491231002X",
        "bank_code": "ICBC",
        "account_no": "6222021234567890128",
        "trigger": "manual",
        "reason_code": "account_closed",
        "invalidated_at": datetime.now(UTC).isoformat(),
    }
    return _event("account.invalidated", data)


async def post_event(server: ApiServer, event_id: str, body: bytes, province: str = PROVINCE) -> httpx.Response:
    headers = seal(server.credentials, event_id, body)
    return await server.http.post(f"/callbacks/{province}", content=body, headers=headers)


def _event(kind: str, data: dict[str, Any]) -> bytes:
    said = {"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False).encode()

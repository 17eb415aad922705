"""Seals: requests are signed as the platform checks them, and no false callback passes."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from standardwebhooks.webhooks import Webhook

from models.wire.signing import (
    PlatformCredentials,
    SignatureRefused,
    parse_clients,
    sha256_hex,
    sign_request,
    verify_callback,
)

NOW = datetime(2026, 11, 22, 9, 30, 15, 700_000, tzinfo=UTC)
OLD, NEW, STRANGE = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
CREDENTIALS = PlatformCredentials.model_validate(
    {
        "base_url": "http://127.0.0.1:9100/v1",
        "client_id": "onecard-500000",
        "secrets": ["the-request-secret-of-today", "the-request-secret-of-before"],
        "callback_secrets": [NEW, OLD],
    }
)
BODY = '{"type":"flow.ended","name":"𬶋·梅"}'.encode()


def sealed(secret: str = NEW, body: bytes = BODY, at: datetime = NOW, callback_id: str = "evt_1") -> dict[str, str]:
    """By an own reading of the specification, not by the library that the code under test wraps."""
    sent_at = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{callback_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": callback_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def test_a_request_is_signed_over_method_target_and_body() -> None:
    target, body = "/v1/counties/500001/budget-projects?fund_year=2026", b'{"a":1}'
    headers = sign_request(CREDENTIALS, "POST", target, sha256_hex(body), "req_1", NOW)
    message = f"req_1.{int(NOW.timestamp())}.POST {target}.{hashlib.sha256(body).hexdigest()}"
    digest = hmac.new(b"the-request-secret-of-today", message.encode(), hashlib.sha256).digest()
    assert headers == {
        "X-Client-Id": "onecard-500000",
        "webhook-id": "req_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


@pytest.mark.parametrize("zone_hours", [0, 8, -11])
def test_the_zone_of_the_clock_changes_nothing(zone_hours: int) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=zone_hours)))
    assert sign_request(CREDENTIALS, "GET", "/v1/banks", sha256_hex(b""), "r", elsewhere) == sign_request(
        CREDENTIALS, "GET", "/v1/banks", sha256_hex(b""), "r", NOW
    )
    assert verify_callback(CREDENTIALS, sealed(), BODY, elsewhere).callback_id == "evt_1"


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_each_live_secret_is_accepted(secret: str) -> None:
    found = verify_callback(CREDENTIALS, sealed(secret), BODY, NOW)
    assert (found.callback_id, found.sent_at_unix) == ("evt_1", int(NOW.timestamp()))


def test_one_right_signature_among_others_is_enough() -> None:
    headers = sealed(OLD)
    headers["webhook-signature"] = (
        f"v1a,xyz {sealed(STRANGE)['webhook-signature']} nonsense {headers['webhook-signature']}"
    )
    assert verify_callback(CREDENTIALS, headers, BODY, NOW).callback_id == "evt_1"


def test_the_library_signs_what_we_accept() -> None:
    now = datetime.now(UTC)
    headers = sealed(at=now)
    headers["webhook-signature"] = Webhook(NEW).sign("evt_1", now, BODY.decode())
    assert verify_callback(CREDENTIALS, headers, BODY, now)
    Webhook(NEW).verify(BODY, sealed(at=now))


@pytest.mark.parametrize("seconds", [-300, 299])
def test_within_the_tolerance(seconds: int) -> None:
    at = datetime.fromtimestamp(int(NOW.timestamp()), tz=UTC)
    assert verify_callback(CREDENTIALS, sealed(at=at + timedelta(seconds=seconds)), BODY, at)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_stale_or_early_is_refused(seconds: int) -> None:
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, sealed(at=NOW + timedelta(seconds=seconds)), BODY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é=="},
        {"webhook-signature": "v1,abc"},
        {"webhook-signature": "v1,\ud800"},
        {"webhook-signature": sealed(STRANGE)["webhook-signature"]},
        {"webhook-signature": "v2," + sealed()["webhook-signature"][3:]},
        {"webhook-id": ""},
        {"webhook-id": "evt_2"},
        {"webhook-id": "evt 1"},
        {"webhook-id": "é"},
        {"webhook-id": "x" * 201},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "inf"},
        {"webhook-timestamp": f"{int(NOW.timestamp())}.5"},
        {"webhook-timestamp": f"-{int(NOW.timestamp())}"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "١٧٠٠٠٠٠٠٠٠"},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    ],
)
def test_malformed_or_wrong_headers_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, {**sealed(), **change}, BODY, NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_unsigned_is_refused(missing: str) -> None:
    headers = sealed()
    del headers[missing]
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, headers, BODY, NOW)


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY[:-1], b"\xff\xfe" + BODY])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, sealed(), body, NOW)


def test_a_body_that_is_no_text_is_refused_even_when_signed() -> None:
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, sealed(body=b"\xff\xfe"), b"\xff\xfe", NOW)


# A busy machine says nothing about the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
header_text = st.text(max_size=60) | st.sampled_from(list(sealed().values()) + list(sealed(STRANGE).values()))


@UNHURRIED
@given(st.dictionaries(st.sampled_from(list(sealed())), header_text), st.binary(max_size=80) | st.just(BODY))
def test_nothing_but_a_refusal_or_the_true_seal(headers: dict[str, str], body: bytes) -> None:
    try:
        found = verify_callback(CREDENTIALS, headers, body, NOW)
    except SignatureRefused:
        return
    assert (headers, body, found.callback_id) == (sealed(), BODY, "evt_1")


@UNHURRIED
@given(st.integers(min_value=0, max_value=len(BODY) - 1), st.integers(min_value=1, max_value=255))
def test_no_changed_byte_passes(index: int, change: int) -> None:
    forged = BODY[:index] + bytes([BODY[index] ^ change]) + BODY[index + 1 :]
    with pytest.raises(SignatureRefused):
        verify_callback(CREDENTIALS, sealed(), forged, NOW)


@pytest.mark.parametrize("secret", [NEW, "共享密钥共享密钥共享密钥共享密钥", " with blanks around it "])
def test_a_requests_secret_is_its_text_as_it_stands(secret: str) -> None:
    """Whatever it looks like: only a callback's is base64 behind whsec_."""
    credentials = CREDENTIALS.model_copy(update={"secrets": (SecretStr(secret),)})
    headers = sign_request(credentials, "GET", "/v1/banks", sha256_hex(b""), "req_1", NOW)
    message = f"req_1.{int(NOW.timestamp())}.GET /v1/banks.{hashlib.sha256(b'').hexdigest()}"
    digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def clients_file(**change: object) -> bytes:
    entry = {
        "base_url": "https://platform.example/v1",
        "client_id": "onecard-430000",
        "secrets": ["0123456789abcdef"],
        "callback_secrets": [NEW],
    }
    return json.dumps({"430000": {**entry, **change}}).encode()


def test_the_clients_file_is_read_by_province() -> None:
    assert parse_clients(clients_file())["430000"].client_id == "onecard-430000"


@pytest.mark.parametrize(
    "change",
    [
        {"secrets": []},
        {"secrets": ["too-short"]},
        {"callback_secrets": []},
        {"callback_secrets": ["whsec_very!secret!words!here"]},
        {"callback_secrets": ["whsec_AAAA"]},
        {"callback_secrets": [NEW.removeprefix("whsec_")]},
        {"base_url": "ftp://platform.example"},
        {"base_url": "https://someone:else@platform.example/v1"},
        {"base_url": "https://platform.example/v1?x=1"},
        {"client_id": "two words"},
    ],
)
def test_a_bad_clients_file_is_refused_without_its_secrets(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_clients(clients_file(**change))
    assert "very!secret" not in str(refused.value)
    assert NEW not in str(refused.value)


def test_a_county_is_no_province() -> None:
    with pytest.raises(ValidationError):
        parse_clients(clients_file().replace(b'"430000"', b'"430102"', 1))


def test_credentials_dont_print_their_secrets() -> None:
    assert "request-secret" not in repr(CREDENTIALS)
    assert NEW not in repr(CREDENTIALS)

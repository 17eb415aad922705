"""Tokens: what one must say to open anything, for how long, and that one person has one name."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jwt

from api.citizens.cards import CITIZEN
from models import tokens
from models.tokens import LONGEST_HOURS, RESERVED, BadToken, TokenRefused
from models.words.code_words import SYSTEM
from models.words.staff import Role
from tests.api_server import COUNTY, api_server

FULL_WIDTH = "Ｗａｎｇ.Ｊｕｎ"
IN_2100 = 4_102_444_800


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "token.key"
    tokens.create_token_key_file(path)
    return path


def claims(**changes: object) -> dict[str, object]:
    """What `mint` writes; None takes a claim away."""
    issued = int(datetime.now(UTC).timestamp())
    full = {
        "iss": "onecard",
        "aud": "onecard-api",
        "sub": "wang.jun",
        "role": "operator",
        "county": COUNTY,
        "iat": issued,
        "exp": issued + 3600,
    }
    return {name: value for name, value in (full | changes).items() if value is not None}


def signed(path: Path, content: Mapping[str, object], algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, dict(content), tokens.load_key(path), algorithms=[algorithm])


def why_refused(path: Path, token: str) -> BadToken:
    with pytest.raises(TokenRefused) as refused:
        tokens.read(tokens.load_key(path), token)
    return refused.value.why


def test_a_minted_token_says_what_it_must_and_is_read(key_file: Path) -> None:
    person = tokens.read(
        tokens.load_key(key_file), tokens.mint(key_file, "wang.jun", Role.REVIEWER, COUNTY, 12, code=False)
    )
    assert (person.subject, person.role, person.county_code) == ("wang.jun", Role.REVIEWER, COUNTY)
    assert person.code_at is None
    assert tokens.read(tokens.load_key(key_file), signed(key_file, claims())).subject == "wang.jun"


@pytest.mark.parametrize("written", ["Wang.Jun", "WANG.JUN", FULL_WIDTH, "wang.jun"])
def test_one_person_has_one_name_however_it_is_written(key_file: Path, written: str) -> None:
    person = tokens.read(tokens.load_key(key_file), tokens.mint(key_file, written, Role.OPERATOR, COUNTY))
    assert person.subject == "wang.jun"
    if written != "wang.jun":
        assert why_refused(key_file, signed(key_file, claims(sub=written))) is BadToken.NOT_FOLDED


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_nobody_acts_under_a_name_that_is_no_person(key_file: Path, name: str) -> None:
    for written in (name, name.upper()):
        with pytest.raises(ValueError, match="保留"):
            tokens.mint(key_file, written, Role.OPERATOR, COUNTY)
    assert why_refused(key_file, signed(key_file, claims(sub=name))) is BadToken.RESERVED


def test_what_the_trail_calls_no_person_is_reserved() -> None:
    assert {SYSTEM, CITIZEN} <= RESERVED


@pytest.mark.parametrize("hours", [LONGEST_HOURS + 0.1, 24 * 365, float("inf"), float("nan")])
def test_a_token_beyond_the_longest_life_is_not_minted(key_file: Path, hours: float) -> None:
    with pytest.raises(ValueError, match="最长"):
        tokens.mint(key_file, "wang.jun", Role.OPERATOR, COUNTY, hours)


@pytest.mark.parametrize("life", [LONGEST_HOURS * 3600 + 1, 10**12, float("inf"), float("nan"), 10**400])
def test_a_token_beyond_the_longest_life_is_not_read(key_file: Path, life: float) -> None:
    issued = int(datetime.now(UTC).timestamp()) - 10
    tokens.mint(key_file, "wang.jun", Role.OPERATOR, COUNTY, LONGEST_HOURS)
    why = why_refused(key_file, signed(key_file, claims(iat=issued, exp=issued + life)))
    assert why in (BadToken.TOO_LONG, BadToken.UNUSABLE, BadToken.CLAIMS)


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("iss", "aud", "sub", "role", "county", "iat", "exp")),
        {"iss": "another-system"},
        {"aud": "another-api"},
        {"aud": ["another-api", "third-api"]},
        {"iat": IN_2100, "exp": IN_2100 + 3600},
        {"nbf": IN_2100},
        {"exp": "tomorrow"},
        {"role": "system"},
        {"county": "5000011"},
        {"county": "all"},
        {"sub": ["wang.jun"]},
        {"sub": "wang jun"},
        {"sub": ""},
        {"code": "yesterday evening"},
    ],
    ids=json.dumps,
)
def test_a_token_that_lacks_a_claim_or_is_for_others_opens_nothing(
    key_file: Path, changes: Mapping[str, object]
) -> None:
    assert why_refused(key_file, signed(key_file, claims(**changes))) is BadToken.CLAIMS


def test_another_key_or_algorithm_opens_nothing(key_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    tokens.create_token_key_file(other)
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in ({"alg": "none"}, claims()))
    plain = ".".join([part.rstrip("=") for part in parts] + [""])
    for token in (signed(other, claims()), signed(key_file, claims(), "HS512"), plain, "", "x.y.z", "a" * 10_000):
        assert why_refused(key_file, token) is BadToken.UNUSABLE


def test_a_key_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.key"
    path.write_text("secret")
    with pytest.raises(ValueError, match="太短"):
        tokens.load_key(path)


async def test_the_counter_says_what_is_wrong_with_a_token(database_url: str, tmp_path: Path) -> None:
    async with api_server(database_url, tmp_path) as server:
        path = server.settings.token_key_file
        stale = tokens.mint(path, "wang.jun", Role.OPERATOR, COUNTY, hours=-1)
        given = {
            "TOKEN_EXPIRED": stale,
            "TOKEN_CLAIMS": signed(path, claims(exp=None)),
            "TOKEN_TOO_LONG": signed(path, claims(exp=int(datetime.now(UTC).timestamp()) + 10**7)),
            "SUBJECT_NOT_FOLDED": signed(path, claims(sub="Wang.Jun")),
            "SUBJECT_RESERVED": signed(path, claims(sub="system")),
            "UNAUTHORIZED": "x.y.z",
        }
        for code, token in given.items():
            answer = await server.http.get("/runs", headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["code"]) == (401, code)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "令牌" in answer.json()["detail"]

"""Bearer tokens: who somebody is, in which role and county; signed with a local key file."""

import os
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.words.staff import Role

ALGORITHM = "HS256"
# A key that signs for somebody else too doesn't open this door.
ISSUER, AUDIENCE = "onecard", "onecard-api"
# No list of taken-back tokens is kept: each is held against its person's row.
LONGEST_HOURS = 24
# A token that was minted on another machine, whose clock is a little ahead.
LEEWAY_SECONDS = 60
SHORTEST_KEY_BYTES = 32
# Names by which rows call what is no person: nobody acts under them.
RESERVED = frozenset({"system", "citizen", "platform", "anonymous", "nobody"})
_REGISTRY = jwt.JWTClaimsRegistry(
    leeway=LEEWAY_SECONDS,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    sub={"essential": True},
    iat={"essential": True},
    exp={"essential": True},
    role={"essential": True},
    county={"essential": True},
)


class BadToken(StrEnum):
    """Why a token opens nothing; all but the first are told only of tokens that our key has signed."""

    UNUSABLE = "UNAUTHORIZED"
    EXPIRED = "TOKEN_EXPIRED"
    CLAIMS = "TOKEN_CLAIMS"
    TOO_LONG = "TOKEN_TOO_LONG"
    BARRED = "PERSON_BARRED"
    NOT_FOLDED = "SUBJECT_NOT_FOLDED"
    RESERVED = "SUBJECT_RESERVED"


class TokenRefused(Exception):
    """The token is missing, forged, expired or says nothing usable."""

    def __init__(self, why: BadToken = BadToken.UNUSABLE) -> None:
        super().__init__(why.value)
        self.why = why


class Principal(BaseModel):
    """Who is asking; `county_code` is the only county whose rows exist for this person."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    subject: str = Field(min_length=1, max_length=80, pattern=r"^[a-z0-9._@-]+$")
    role: Role
    county_code: str = Field(pattern=r"^[0-9]{6}$")
    # When the person last typed a code of the second factor; some acts want a recent one.
    code_at: datetime | None = None


def fold(subject: str) -> str:
    """One writing for one person: else `wang` would check what `Wang` made."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", subject).casefold())


def create_token_key_file(path: Path) -> None:
    """Make a fresh signing key, readable by its owner only; an existing file is left alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))


def load_key(path: Path) -> OctKey:
    """The signing key; ValueError for one that could be guessed."""
    key = path.read_text().strip()
    if len(key.encode()) < SHORTEST_KEY_BYTES:
        raise ValueError(f"TOKEN_KEY_FILE 中的密钥太短，至少 {SHORTEST_KEY_BYTES} 字节")
    return OctKey.import_key(key)


def mint(path: Path, subject: str, role: Role, county: str, hours: float = 12, *, code: bool = True) -> str:
    """A token of the local stack for one person in one role and county; ValueError for one that would be refused.

    `code`: as if the person had just typed a code of the second factor, for as long as the token lives.
    """
    if not hours <= LONGEST_HOURS:
        raise ValueError(f"令牌最长 {LONGEST_HOURS} 小时，请改小 hours")
    at = datetime.now(UTC) + timedelta(hours=hours) if code else None
    person = Principal(subject=fold(subject), role=role, county_code=county, code_at=at)
    if person.subject in RESERVED:
        raise ValueError(f"{person.subject} 是系统保留的名称，不能作为人员标识")
    return sign(load_key(path), person, hours)


def sign(key: OctKey, person: Principal, hours: float) -> str:
    """A token for this person, in the person's role and county."""
    issued = seconds_now()
    claims: dict[str, str | int] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": person.subject,
        "role": person.role.value,
        "county": person.county_code,
        "iat": issued,
        "exp": issued + int(timedelta(hours=hours).total_seconds()),
    }
    if person.code_at:
        claims["code"] = int(person.code_at.timestamp())
    return jwt.encode({"alg": ALGORITHM}, claims, key)


def seconds_now() -> int:
    """By the clock that tokens are signed and read by."""
    return int(datetime.now(UTC).timestamp())


def read(key: OctKey, token: str) -> Principal:
    """The person behind a token; raises TokenRefused for whatever is wrong with it."""
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        _REGISTRY.validate(claims)
        _check(str(claims["sub"]), claims["exp"] - claims["iat"])
        return Principal(
            subject=claims["sub"],
            role=claims["role"],
            county_code=claims["county"],
            code_at=claims.get("code"),
        )
    except ExpiredTokenError as error:
        raise TokenRefused(BadToken.EXPIRED) from error
    except (ClaimError, ValidationError) as error:
        raise TokenRefused(BadToken.CLAIMS) from error
    except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenRefused from error


def _check(subject: str, seconds: float) -> None:
    # the other way round: a life that is no number is no life
    if not seconds <= LONGEST_HOURS * 3600:
        raise TokenRefused(BadToken.TOO_LONG)
    if subject != fold(subject):
        raise TokenRefused(BadToken.NOT_FOLDED)
    if subject in RESERVED:
        raise TokenRefused(BadToken.RESERVED)

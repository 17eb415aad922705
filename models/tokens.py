"""Bearer tokens: who somebody is, in which role and county; signed with a local key file."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.stages import Role

ALGORITHM = "HS256"
# A token that was minted on another machine, whose clock is a little ahead.
LEEWAY_SECONDS = 60


class TokenRefused(Exception):
    """The token is missing, forged, expired or says nothing usable."""


class Principal(BaseModel):
    """Who is asking; `county_code` is the only county whose rows exist for this person."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9._@-]+$")
    role: Role
    county_code: str = Field(pattern=r"^[0-9]{6}$")
    # Who the caller is as a beneficiary, where the county's login knows it: nobody decides about the own account.
    person_index: str | None = Field(None, pattern=r"^[0-9a-f]{32}$", repr=False)


def create_key_file(path: Path) -> None:
    """Make a fresh signing key, readable by its owner only; an existing file is left alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))


def load_key(path: Path) -> OctKey:
    return OctKey.import_key(path.read_text().strip())


def mint(path: Path, subject: str, role: Role, county: str, hours: float = 12, person_index: str | None = None) -> str:
    """A signed token for one person in one role and county."""
    now = datetime.now(UTC)
    claims = {
        "sub": subject,
        "role": role.value,
        "county": county,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=hours)).timestamp()),
    } | ({"person": person_index} if person_index else {})
    return jwt.encode({"alg": ALGORITHM}, claims, load_key(path))


def read(key: OctKey, token: str) -> Principal:
    """The person behind a token; raises TokenRefused for whatever is wrong with it."""
    try:
        claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        jwt.JWTClaimsRegistry(leeway=LEEWAY_SECONDS, exp={"essential": True}).validate(claims)
        return Principal(
            subject=claims["sub"],
            role=claims["role"],
            county_code=claims["county"],
            person_index=claims.get("person"),
        )
    except (JoseError, ValidationError, KeyError, ValueError, TypeError) as error:
        raise TokenRefused from error

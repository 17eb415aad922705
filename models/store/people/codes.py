"""Codes of the second factor: six digits that change every half minute (RFC 6238), each taken once."""

import hmac

import pyotp
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.people.persons import name_row
from models.store.sql import execute
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.people import Person

DIGITS = 6
ISSUER = "一卡通对接"
_SECONDS = 30
# A phone whose clock is a little wrong.
_STEPS = (0, -1, 1)


def fresh_totp() -> str:
    return pyotp.random_base32()


def uri_of(secret: str, person: Person) -> str:
    """What the QR code says to the person's authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{person.subject}@{person.county_code}", issuer_name=ISSUER)


def seal_totp(vault: Vault, person: Person, secret: str) -> str:
    return vault.seal(Field.TOTP, name_row(person.county_code, person.subject), secret)


def open_totp(vault: Vault, person: Person, sealed: str) -> str:
    return vault.open(Field.TOTP, name_row(person.county_code, person.subject), sealed)


def step_of(secret: str, code: str) -> int | None:
    """Which half minute's code it is; None for none of now, the one before, the one after."""
    this = int(now().timestamp()) // _SECONDS
    shown = {this + by: pyotp.TOTP(secret).at((this + by) * _SECONDS) for by in _STEPS}
    return next((step for step, right in shown.items() if hmac.compare_digest(right.encode(), code.encode())), None)


async def take_code(session: AsyncSession, vault: Vault, person: Person, code: str) -> bool:
    """Whether the code is right, and nobody has used it or a later one before."""
    if person.totp_sealed is None:
        return False
    step = step_of(open_totp(vault, person, person.totp_sealed), code)
    if step is None:
        return False
    taken = await execute(
        session,
        "UPDATE person SET totp_step = :step WHERE id = :id AND coalesce(totp_step, 0) < :step",
        step=step,
        id=person.id,
    )
    return taken == 1

"""Sign-ins at the province's provider: begun by a browser, proven once, and whose row a proven identity is."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.secrets import digest, fresh_secret
from models.store.lock_order import Rank
from models.store.locking import lock_row
from models.store.people.sign_ins import TICKET_MINUTES
from models.store.sql import execute, fetch_one
from models.store.vault import Field, Vault
from models.tables.people import OidcAttempt, Person
from models.words.staff import PersonState

_YOUNG = f"made_at > now() - interval '{TICKET_MINUTES} minutes'"
_TAKE = f"DELETE FROM oidc_attempt WHERE secret_hash = :hash AND oidc_index IS NULL AND {_YOUNG}"
_TAKE_PROVEN = (
    f"DELETE FROM oidc_attempt WHERE secret_hash = :hash AND oidc_index IS NOT NULL AND {_YOUNG} RETURNING oidc_index"
)


def oidc_index(vault: Vault, identity: str) -> str:
    """A provider's name for somebody may be an id number: kept as an index only."""
    return vault.index(Field.TEXT, f"oidc:{identity}")


async def begin_attempt(session: AsyncSession, secret: str) -> None:
    session.add(OidcAttempt(secret_hash=digest(secret)))
    await session.flush()


async def take_attempt(session: AsyncSession, secret: str) -> bool:
    """Once: whoever comes back with it a second time begins anew."""
    return await execute(session, _TAKE, hash=digest(secret)) == 1


async def keep_proven(session: AsyncSession, index: str) -> str:
    """The secret by which somebody, whose row isn't known as yet, binds the identity to it."""
    secret = fresh_secret()
    session.add(OidcAttempt(secret_hash=digest(secret), oidc_index=index))
    await session.flush()
    return secret


async def proven(session: AsyncSession, secret: str) -> str | None:
    """The identity that waits for its person."""
    kept = f"SELECT oidc_index FROM oidc_attempt WHERE secret_hash = :hash AND oidc_index IS NOT NULL AND {_YOUNG}"
    return await fetch_one(session, str, kept, hash=digest(secret))


async def take_proven(session: AsyncSession, secret: str) -> str | None:
    return await fetch_one(session, str, _TAKE_PROVEN, hash=digest(secret))


async def bound_person(session: AsyncSession, index: str) -> Person | None:
    """Whose identity it is; locked."""
    return await lock_row(session, Rank.DOOR, select(Person).where(Person.oidc_index == index))


async def lock_login(session: AsyncSession, person: Person) -> Person | None:
    """As it stands now."""
    return await lock_row(session, Rank.DOOR, select(Person).where(Person.id == person.id))


async def bind_to(session: AsyncSession, person: Person, index: str) -> None:
    """From now on this identity signs in as this person; the one-time code is used up, a password forgotten."""
    person.oidc_index, person.state = index, PersonState.ACTIVE
    person.password_hash = person.invitation_hash = person.invitation_ends_at = None
    await session.flush()

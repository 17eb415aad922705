"""Signing in, step by step: failures are counted by the name that was typed, whether anybody has it or not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.secrets import digest, fresh_secret
from models.store.lock_order import Rank
from models.store.locking import lock_row
from models.store.sql import execute, fetch_one
from models.tables.base import now
from models.tables.people import Person, SignInTicket
from models.words.staff import PersonState, SignInStep

MOST_FAILURES = 5
LOCKED_MINUTES = 15
# From one step to the next: somebody looks for a phone and installs an app.
TICKET_MINUTES = 15
# Counted before it is judged, so that a hundred at once are no more than five; taken back when it was right.
_COUNT = f"""
INSERT INTO sign_in_tally AS t (name_index, tries, last_at) VALUES (:name, 1, now())
ON CONFLICT (name_index) DO UPDATE SET
  tries = CASE WHEN t.locked_until > now() THEN t.tries + 1
                  WHEN t.locked_until IS NOT NULL OR t.last_at < now() - interval '1 day' THEN 1
                  ELSE t.tries + 1 END,
  locked_until = CASE WHEN t.locked_until > now() THEN t.locked_until
                      WHEN t.locked_until IS NULL AND t.last_at >= now() - interval '1 day'
                           AND t.tries + 1 >= {MOST_FAILURES} THEN now() + interval '{LOCKED_MINUTES} minutes' END,
  last_at = now()
RETURNING CASE WHEN tries > {MOST_FAILURES} THEN locked_until END AS locked_until
"""
_TAKE_BACK = "UPDATE sign_in_tally SET tries = tries - 1, locked_until = NULL WHERE name_index = :name"


class LockedOut(Exception):
    """Too many failures under this name; `retry_after` in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many failures to sign in")
        self.retry_after = retry_after


@dataclass(frozen=True)
class HeldTicket:
    """A ticket as it was found, with its person."""

    ticket: SignInTicket
    person: Person


async def count_attempt(session: AsyncSession, name_index: str) -> None:
    """By a statement of its own, committed before anything is looked at; raises LockedOut."""
    locked = await fetch_one(session, datetime, _COUNT, name=name_index)
    if locked is not None:
        raise LockedOut((locked - now()).total_seconds())


async def take_attempt_back(session: AsyncSession, name_index: str) -> None:
    await execute(session, _TAKE_BACK, name=name_index)


async def forget_attempts(session: AsyncSession, name_index: str) -> None:
    await execute(session, "DELETE FROM sign_in_tally WHERE name_index = :name", name=name_index)


async def find_login(session: AsyncSession, subject: str) -> Person | None:
    """Whose login it is; of the local stack's people, who may bear one name in several counties, the only one."""
    found = (await session.exec(select(Person).where(Person.subject == subject).order_by(col(Person.is_local)))).all()
    return found[0] if found and (len(found) == 1 or not found[0].is_local) else None


def is_invitation(person: Person, typed: str) -> bool:
    """However the code's letters and groups were typed."""
    ends, letters = person.invitation_ends_at, "".join(character for character in typed.upper() if character.isalnum())
    return person.invitation_hash == digest(letters) and ends is not None and now() < ends


async def open_ticket(
    session: AsyncSession, person: Person, step: SignInStep, totp_sealed: str | None, code_at: datetime | None = None
) -> str:
    """The secret by which the next step knows the person; `code_at` is when a code was typed before it."""
    assert person.id is not None
    secret = fresh_secret()
    ticket = SignInTicket(
        secret_hash=digest(secret), person_id=person.id, step=step, totp_sealed=totp_sealed, code_at=code_at
    )
    session.add(ticket)
    await session.flush()
    return secret


async def find_ticket(session: AsyncSession, secret: str, *steps: SignInStep) -> HeldTicket | None:
    """Locked after its person, at one of these steps and not too old, of somebody who may still sign in.

    The person first, as an administrator's act does, which takes the person's tickets away.
    """
    oldest = now() - timedelta(minutes=TICKET_MINUTES)
    which = select(SignInTicket).where(SignInTicket.secret_hash == digest(secret), SignInTicket.made_at > oldest)
    whose = select(Person).join(SignInTicket).where(SignInTicket.secret_hash == digest(secret))
    found = (await session.exec(whose)).first()
    if found is None:
        return None
    person = await lock_row(session, Rank.DOOR, select(Person).where(Person.id == found.id))
    if person is None or person.state not in (PersonState.ACTIVE, PersonState.INVITED):
        return None
    ticket = await lock_row(session, Rank.DOOR, which)
    return HeldTicket(ticket, person) if ticket is not None and ticket.step in steps else None


async def close_ticket(session: AsyncSession, ticket: SignInTicket) -> None:
    await session.delete(ticket)
    await session.flush()

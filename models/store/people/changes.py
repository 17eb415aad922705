"""What administrators do to people: invite, give roles, lock, stop, reset; by two of them where it lets one decide."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.secrets import digest
from models.store.lock_order import Rank
from models.store.locking import hold, lock_row
from models.store.people.persons import name_row
from models.store.people.sessions import end_all
from models.store.sql import execute
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.people import Person, PersonChange
from models.words.staff import PersonChangeKind, PersonState, Role, SessionEnd

# Who decides about money, or about people: given by two.
PRIVILEGED = frozenset({Role.REVIEWER, Role.COUNTY_ADMIN})
INVITATION_HOURS = 72
# Without what is misread: 0 and O, 1, I and L.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH, _GROUP = 12, 4


@dataclass(frozen=True)
class NewPerson:
    county_code: str
    subject: str
    name: str
    person_index: str
    roles: Collection[Role]


def needs_second(before: Collection[str], after: Collection[str]) -> bool:
    """Whether it gives one of the roles that decide."""
    return any(role.value in after and role.value not in before for role in PRIVILEGED)


async def hold_people(session: AsyncSession, county_code: str) -> None:
    """A county's administrators take turns: two never confirm one change, nor invite one person twice."""
    await hold(session, Rank.DOOR, f"people/{county_code}")


async def lock_person(session: AsyncSession, county_code: str, subject: str) -> Person | None:
    which = select(Person).where(Person.county_code == county_code, Person.subject == subject)
    return await lock_row(session, Rank.DOOR, which)


async def login_taken(session: AsyncSession, county_code: str, subject: str) -> bool:
    mine = or_(col(Person.county_code) == county_code, ~col(Person.is_local))
    return (await session.exec(select(Person.id).where(Person.subject == subject, mine))).first() is not None


async def known_as(session: AsyncSession, county_code: str, person_index: str) -> str | None:
    """The login under which a person is in the county already."""
    which = select(Person.subject).where(Person.county_code == county_code, Person.person_index == person_index)
    return (await session.exec(which)).first()


async def add_person(session: AsyncSession, vault: Vault, new: NewPerson, by: str) -> Person:
    """Invited, and without a code as yet."""
    person = Person(
        county_code=new.county_code,
        subject=new.subject,
        name_sealed=vault.seal(Field.NAME, name_row(new.county_code, new.subject), new.name),
        person_index=new.person_index,
        roles=sorted(role.value for role in new.roles),
        created_by=by,
    )
    session.add(person)
    await session.flush()
    return person


async def give_code(session: AsyncSession, person: Person) -> str:
    """A fresh one-time code, shown once to whoever hands it over; an earlier one is void."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    person.invitation_hash = digest(letters)
    person.invitation_ends_at = now() + timedelta(hours=INVITATION_HOURS)
    await session.flush()
    return "-".join(letters[at : at + _GROUP] for at in range(0, _CODE_LENGTH, _GROUP))


async def reset(session: AsyncSession, person: Person) -> str:
    """Password and authenticator are forgotten, whatever the state was; the code to begin anew with."""
    person.state = PersonState.INVITED
    person.password_hash = person.totp_sealed = person.oidc_index = None
    await _shut_out(session, person)
    return await give_code(session, person)


async def set_state(session: AsyncSession, person: Person, state: PersonState) -> None:
    person.state = state
    if state is PersonState.STOPPED:
        # who comes back, to whichever county, binds the identity anew
        person.invitation_hash = person.invitation_ends_at = person.oidc_index = None
    await _shut_out(session, person, SessionEnd.LOCKED)


async def set_roles(session: AsyncSession, person: Person, roles: Collection[str]) -> None:
    person.roles = sorted(roles)
    await _shut_out(session, person)


async def _shut_out(session: AsyncSession, person: Person, end: SessionEnd = SessionEnd.CHANGED) -> None:
    """What is open under the person's former rights is over."""
    assert person.id is not None
    await session.flush()
    await end_all(session, person.id, end)
    await execute(session, "DELETE FROM sign_in_ticket WHERE person_id = :id", id=person.id)


async def open_change(
    session: AsyncSession, person: Person, kind: PersonChangeKind, roles: Collection[str], by: str
) -> PersonChange:
    assert person.id is not None
    change = PersonChange(person_id=person.id, kind=kind, roles=sorted(roles), asked_by=by)
    session.add(change)
    await session.flush()
    return change


async def change_of(session: AsyncSession, person: Person) -> PersonChange | None:
    """What waits for a second administrator."""
    which = select(PersonChange).where(PersonChange.person_id == person.id, col(PersonChange.decided_at).is_(None))
    return (await session.exec(which)).first()


async def decide(session: AsyncSession, person: Person, change: PersonChange, by: str, *, confirm: bool) -> str | None:
    """The second administrator's word; the code to hand over, where one is given."""
    change.decided_by, change.decided_at, change.is_confirmed = by, now(), confirm
    await session.flush()
    match (change.kind, confirm):
        case (PersonChangeKind.INVITATION, True):
            return await give_code(session, person)
        case (PersonChangeKind.INVITATION, False):
            await set_state(session, person, PersonState.STOPPED)
        case (PersonChangeKind.RESET, True):
            return await reset(session, person)
        case (PersonChangeKind.ROLES, True):
            await set_roles(session, person, change.roles)
    return None

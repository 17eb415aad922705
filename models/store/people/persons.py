"""The people of a county's staff: who they are, and whether they may act."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import execute, fetch_one
from models.store.vault import Field, Vault
from models.tables.base import now
from models.tables.people import Person
from models.words.stages import PersonState, Role

_STANDING = """
SELECT state::text AS state, roles, person_index FROM person WHERE county_code = :county AND subject = :subject
"""
# Who was known before keeps the name and the roles that the row has, and gains what the token says.
_PUT_LOCAL = """
INSERT INTO person AS p
  (county_code, subject, name_sealed, person_index, roles, state, is_local, created_by, created_at)
VALUES (:county, :subject, :name, :person, :roles, 'active', TRUE, 'system', :at)
ON CONFLICT (county_code, subject) DO UPDATE SET
  roles = ARRAY(SELECT DISTINCT unnest(p.roles || EXCLUDED.roles) ORDER BY 1),
  person_index = coalesce(EXCLUDED.person_index, p.person_index)
WHERE p.is_local
"""


class Standing(NamedTuple):
    """What a request's bearer is held against."""

    state: str
    roles: list[str]
    person_index: str | None


@dataclass(frozen=True)
class LocalPerson:
    """Somebody of the local stack, of tests, demo or bench."""

    county_code: str
    subject: str
    roles: Collection[Role]
    name: str
    person_index: str | None = None


def name_row(county_code: str, subject: str) -> str:
    """What a person's sealed values are bound to."""
    return f"person/{county_code}/{subject}"


def person_name(vault: Vault, county_code: str, subject: str, sealed: str) -> str:
    return vault.open(Field.NAME, name_row(county_code, subject), sealed)


async def standing_of(session: AsyncSession, county_code: str, subject: str) -> Standing | None:
    return await fetch_one(session, Standing, _STANDING, county=county_code, subject=subject)


async def find_person(session: AsyncSession, county_code: str, subject: str) -> Person | None:
    statement = select(Person).where(Person.county_code == county_code, Person.subject == subject)
    return (await session.exec(statement)).first()


async def put_local_person(session: AsyncSession, vault: Vault, person: LocalPerson) -> None:
    """Whom the local stack's mint makes a token for; somebody who was invited is left alone."""
    county, subject = person.county_code, person.subject
    await execute(
        session,
        _PUT_LOCAL,
        county=county,
        subject=subject,
        name=vault.seal(Field.NAME, name_row(county, subject), person.name),
        person=person.person_index,
        roles=sorted(role.value for role in person.roles),
        at=now(),
    )


def may_act(standing: Standing | None, role: Role) -> bool:
    return standing is not None and standing.state == PersonState.ACTIVE.value and role.value in standing.roles

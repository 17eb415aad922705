"""The people of a county's staff: who they are, and whether they may act."""

from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch, fetch_one
from models.store.vault import Field, Vault
from models.tables.people import Person
from models.words.stages import PersonState, Role

_STANDING = """
SELECT state::text AS state, roles, person_index FROM person WHERE county_code = :county AND subject = :subject
"""


class Standing(NamedTuple):
    """What a request's bearer is held against."""

    state: str
    roles: list[str]
    person_index: str | None


class _Named(NamedTuple):
    subject: str
    name_sealed: str


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


async def names_of_people(session: AsyncSession, vault: Vault, county_code: str) -> dict[str, str]:
    """Of all who act or have acted in the county, by login; one whose seal is broken is shown as such by its vault."""
    rows = await fetch(
        session, _Named, "SELECT subject, name_sealed FROM person WHERE county_code = :county", county=county_code
    )
    return {row.subject: person_name(vault, county_code, row.subject, row.name_sealed) for row in rows}


def may_act(standing: Standing | None, role: Role) -> bool:
    return standing is not None and standing.state == PersonState.ACTIVE.value and role.value in standing.roles

"""The people of a county's staff: who they are, and whether they may act."""

from typing import NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.selection import ForWhom
from models.store.sql import fetch, fetch_one
from models.store.vault import Field, SealBroken, Vault
from models.tables.people import Person
from models.words.staff import PersonState, Role

_STANDING = """
SELECT state::text AS state, roles, person_index FROM person WHERE county_code = :county AND subject = :subject
"""
# An applicant knows the county's staff and the own login, and hears of no other applicant.
_NAMES = """
SELECT subject, name_sealed FROM person
WHERE county_code = :county AND (:everybody OR subject = :own OR roles <> ARRAY['applicant']::varchar[])
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


async def names_of_people(session: AsyncSession, vault: Vault, county_code: str, asking: ForWhom) -> dict[str, str]:
    """Of all who act or have acted in the county, by login; one whose seal is broken is shown as such by its vault."""
    everybody = asking.role is not Role.APPLICANT
    rows = await fetch(session, _Named, _NAMES, county=county_code, own=asking.person, everybody=everybody)
    return {row.subject: person_name(vault, county_code, row.subject, row.name_sealed) for row in rows}


def with_login(subject: str, name: str | None) -> str:
    """How a file or a refusal names somebody who acts: 王小梅（wang.xm）; of whom no name is known, the login."""
    return f"{name}（{subject}）" if name else subject


async def called_person(session: AsyncSession, vault: Vault, county_code: str, subject: str | None) -> str:
    """The same of one person, for the words of a refusal; a name that can't be opened is none."""
    chosen = "SELECT subject, name_sealed FROM person WHERE county_code = :county AND subject = :subject"
    row = await fetch_one(session, _Named, chosen, county=county_code, subject=subject)
    try:
        name = row and person_name(vault, county_code, row.subject, row.name_sealed)
    except SealBroken:
        name = None
    return with_login(subject or "", name)


def may_act(standing: Standing | None, role: Role) -> bool:
    return standing is not None and standing.state == PersonState.ACTIVE.value and role.value in standing.roles

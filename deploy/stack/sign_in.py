"""A session of a demo person of a local stack, opened without password and code: nothing of this is in the product.

It needs the stack's own keys and its database, which nobody has who isn't on this machine.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import create_async_engine

from deploy.stack.layout import Layout
from models.store.database import Database
from models.store.people.persons import LocalPerson, find_person, put_local_person
from models.store.people.sessions import open_session
from models.store.vault import LocalVault
from models.tables.base import now
from models.words.stages import Role


@dataclass(frozen=True)
class DemoPerson:
    """One of the people that the stack's tokens are for; `name` is how pages call them."""

    subject: str
    role: Role
    name: str
    county: str


_NAMES = {
    "county_admin": "陈管理",
    "operator": "李操作",
    "reviewer": "王审核",
    "second_reviewer": "赵复核",
    "applicant": "周申请",
    "ops": "孙运维",
    "auditor": "钱审计",
}


def demo_people(counties: Collection[str]) -> list[DemoPerson]:
    """Everybody of the local stack, by county."""
    roles = {role.value: role for role in Role} | {"second_reviewer": Role.REVIEWER}
    return [
        DemoPerson(f"{subject}-{county}", role, _NAMES[subject], county)
        for county in counties
        for subject, role in roles.items()
    ]


async def open_local_session(layout: Layout, person: DemoPerson) -> str:
    """The secret for the cookie of a fresh session, as if the person had just typed a code."""
    engine = create_async_engine(layout.database_url)
    vault = LocalVault.from_file(layout.vault_key)
    try:
        async with Database(engine).transaction() as session:
            known = LocalPerson(person.county, person.subject, [person.role], person.name)
            await put_local_person(session, vault, known)
            row = await find_person(session, person.county, person.subject)
            assert row is not None
            return await open_session(session, row, person.role, now())
    finally:
        await engine.dispose()


def sign_in_locally(layout: Layout, person: DemoPerson) -> str:
    return asyncio.run(open_local_session(layout, person))

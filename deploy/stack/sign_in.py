"""A session of a demo person of a local stack, opened without password and code: nothing of this is in the product.

It needs the stack's own keys and its database, which nobody has who isn't on this machine.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from deploy.stack.keys import DEMO_PEOPLE, role_of
from deploy.stack.layout import Layout
from models.words.staff import Role

# No session lives longer.
_LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class DemoPerson:
    """One of the people that the stack's tokens are for; `name` is how pages call them."""

    subject: str
    role: Role
    name: str
    county: str


def demo_people(counties: Collection[str]) -> list[DemoPerson]:
    """Everybody of the local stack, by county."""
    return [
        DemoPerson(f"{name}-{county}", role_of(name), words, county)
        for county in counties
        for name, words in DEMO_PEOPLE.items()
    ]


async def open_local_session(layout: Layout, person: DemoPerson) -> str:
    """The secret for the cookie of a fresh session; for as long as it lives, as if a code had just been typed."""
    # all tables and SQLAlchemy with them: half of what `make down` would take, which signs nobody in
    from sqlalchemy.ext.asyncio import create_async_engine

    from models.store.database import Database
    from models.store.people.persons import find_person
    from models.store.people.sessions import open_session
    from models.tables.base import now

    engine = create_async_engine(layout.database_url)
    try:
        async with Database(engine).transaction() as session:
            row = await find_person(session, person.county, person.subject)
            assert row is not None
            return await open_session(session, row, person.role, now() + _LONGEST)
    finally:
        await engine.dispose()


def sign_in_locally(layout: Layout, person: DemoPerson) -> str:
    return asyncio.run(open_local_session(layout, person))

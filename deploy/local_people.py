"""The local stack's people: rows written straight into its database, so that a token may be minted in their names.

Anywhere else people are invited, and sign in.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psycopg

from models.store.people.persons import name_row
from models.store.vault import Field, Vault
from models.tokens import fold
from models.words.staff import Role

# Who was known before keeps the name and gains what is said now; somebody who was invited is left alone.
_PUT = """
INSERT INTO person AS p
  (county_code, subject, name_sealed, person_index, roles, state, is_local, created_by, created_at)
VALUES (%(county)s, %(subject)s, %(name)s, %(person)s, %(roles)s, 'active', TRUE, 'system', now())
ON CONFLICT (county_code, subject) DO UPDATE SET
  roles = ARRAY(SELECT DISTINCT unnest(p.roles || EXCLUDED.roles) ORDER BY 1),
  person_index = coalesce(EXCLUDED.person_index, p.person_index)
WHERE p.is_local
"""


@dataclass(frozen=True)
class LocalPerson:
    county_code: str
    subject: str
    roles: Collection[Role]
    name: str
    person_index: str | None = None


def put_local_people(connection: psycopg.Connection, vault: Vault, people: Iterable[LocalPerson]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_PUT, [_row(vault, person) for person in people])


def driver_url(url: str) -> str:
    """DATABASE_URL as the driver alone reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _row(vault: Vault, person: LocalPerson) -> dict[str, object]:
    county, subject = person.county_code, fold(person.subject)
    return {
        "county": county,
        "subject": subject,
        "name": vault.seal(Field.NAME, name_row(county, subject), person.name),
        "person": person.person_index,
        "roles": sorted(role.value for role in person.roles),
    }

"""The people of tests: whoever a test makes a token for has a row."""

from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from deploy.local_people import LocalPerson, driver_url, put_local_people
from models import tokens
from models.store.vault import Vault
from models.words.staff import Role

# Of those whom tests.rows knows by name.
NAMES = {
    "op.li": "李操作",
    "rev.wang": "王审核",
    "rev.zhao": "赵审核",
    "adm.chen": "陈管理",
    "adm.zhou": "周管理",
    "ops.sun": "孙运维",
    "aud.zheng": "郑审计",
}


@dataclass
class Staff:
    """Mints, and writes each person once, in every role, on a connection of its own."""

    database_url: str
    vault: Vault
    token_file: Path
    known: set[LocalPerson] = field(default_factory=set)
    connection: psycopg.Connection | None = None

    def token(self, who: str, role: Role, county: str, person_index: str | None = None, *, code: bool = True) -> str:
        token = tokens.mint(self.token_file, who, role, county, code=code)
        self.add_known(who, county, person_index)
        return token

    def add_known(self, who: str, county: str, person_index: str | None = None) -> None:
        self.add(LocalPerson(county, who, tuple(Role), NAMES.get(who, who), person_index))

    def add(self, person: LocalPerson) -> None:
        if person not in self.known:
            put_local_people(self._connection(), self.vault, [person])
            self.known.add(person)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def _connection(self) -> psycopg.Connection:
        if self.connection is None:
            self.connection = psycopg.connect(driver_url(self.database_url), autocommit=True)
        return self.connection

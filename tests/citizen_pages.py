"""Citizens at their pages, in process: accounts and requests as rows, a session as the face recognition leaves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from models.secrets import digest, fresh_secret
from models.store.cards.requests import Citizen
from models.store.vault import Field
from models.tables.base import now
from models.tables.cards import FaceLogin
from models.tables.catalogs import CatalogList
from models.words.card_stages import LoginStage
from tests.browser import Browser
from tests.card_ground import BANK, FIRST, OTHER_BANK, PROVINCE, SECOND, THIRD, Cards, person
from tests.rows import Office, open_office

_serial = count(1)
BANKS = {BANK: "中国工商银行", OTHER_BANK: "中国农业银行"}


@dataclass
class Village:
    """The API with its pages over a database of one's own, and what its people's cards look like."""

    office: Office
    cards: Cards

    def citizen(self, number: int) -> Citizen:
        return person(self.office.vault, number)

    async def session(self, citizen: Citizen, channel: str = "app") -> str:
        """The secret of a session that came of a face recognition."""
        secret, number = fresh_secret(), f"500000-F2026-{next(_serial):06d}"
        login = FaceLogin(
            login_no=number,
            province_code=PROVINCE,
            channel=channel,
            browser_hash=digest(number),
            address_index="here",
            stage=LoginStage.PASSED,
            person_index=citizen.person_index,
            name_sealed=self.office.vault.seal(Field.NAME, number, citizen.name),
            id_number_sealed=self.office.vault.seal(Field.ID_NUMBER, number, citizen.id_number),
            session_hash=digest(secret),
            session_opened_at=now(),
            last_seen_at=now(),
            ended_at=now(),
        )
        async with self.office.database.transaction() as session:
            session.add(login)
        return secret

    async def browser(self, citizen: Citizen, channel: str = "app") -> Browser:
        browser = Browser.at(self.office, phone=channel == "app")
        await browser.put_cookie("onecard_session", await self.session(citizen, channel), "/citizen")
        return browser


@asynccontextmanager
async def open_village(database_url: str, folder: Path, **knobs: object) -> AsyncIterator[Village]:
    async with open_office(database_url, folder, **knobs) as office:
        items = [{"code": code, "name": name} for code, name in BANKS.items()]
        async with office.database.transaction() as session:
            for county in (FIRST, SECOND, THIRD):
                session.add(CatalogList(county_code=county, kind="banks", fund_year=0, items=items))
        yield Village(office, Cards(office.database, office.vault))

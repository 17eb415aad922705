"""Citizens of a test's province: who they are, what their counties' registers and the banks know of them."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from deploy.demo.citizens import Browser
from deploy.demo.people import Json, wait_for
from models.forms.account_numbers import card_type_of
from models.store.register.accounts import AccountFinding, NewAccount, account_for_update, apply_change, set_invalid
from models.store.register.register import FROM_APPLICATION
from models.store.vault import Field
from models.tables.base import now
from models.tables.catalogs import CatalogList
from models.wire.words import AccountReason
from models.words.stages import AccountStatus
from tests.application_lines import card, citizen_id
from tests.province import Province

BANKS = (("ICBC", "中国工商银行"), ("ABC", "中国农业银行"), ("CRCB", "重庆农村商业银行"))
REASON = "停用旧卡，启用新卡"


@dataclass(frozen=True)
class Someone:
    """A made-up person; `place` makes another one of each number."""

    place: int
    name: str = "周梅"

    @property
    def id_number(self) -> str:
        return citizen_id(self.place)

    @property
    def old_card(self) -> str:
        return card(self.place)

    @property
    def new_card(self) -> str:
        return card(500_000 + self.place)


def account_held(
    province: Province, person: Someone, county: str, account_no: str | None = None, bank: str = "CRCB"
) -> None:
    """The county's register holds a valid account of this person, and the county knows its banks."""
    new = NewAccount(
        county_code=county,
        person_index=index_of(province, person),
        name=person.name,
        id_number=person.id_number,
        bank_code=bank,
        account_no=account_no or person.old_card,
        card_type=card_type_of(account_no or person.old_card).value,
        source=FROM_APPLICATION,
        actor="system",
    )

    async def put() -> None:
        async with province.database.transaction() as session:
            await apply_change(session, province.vault, new)
            if await session.get(CatalogList, (county, "banks", 0)) is None:
                items = [{"code": code, "name": name} for code, name in BANKS]
                session.add(CatalogList(county_code=county, kind="banks", fund_year=0, items=items))

    province.portal.call(put)


def account_is(province: Province, person: Someone, county: str, status: AccountStatus) -> None:
    gone = ", bank_code = NULL, account_sealed = NULL, account_index = NULL" if status is AccountStatus.CLEARED else ""
    province.change(
        f"UPDATE register_account SET status = :status{gone} WHERE person_index = :person AND county_code = :county",
        status=status.value,
        person=index_of(province, person),
        county=county,
    )


def found_invalid(province: Province, person: Someone, county: str, reason: AccountReason) -> datetime:
    """What a check or the platform found just now about this person's account there; gives the moment."""
    at = now()

    async def find() -> None:
        async with province.database.transaction() as session:
            account = await account_for_update(session, county, index_of(province, person))
            assert account is not None
            assert await set_invalid(
                session, province.vault, account, AccountFinding(reason.value, f"{county}/{at}", at)
            )

    province.portal.call(find)
    return at


def bank_knows(province: Province, account_no: str, holder: Someone, status: str = "open", bank: str = "ICBC") -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status"))
    rows.writerow((bank, account_no, card_type_of(account_no).value, holder.name, holder.id_number, status))
    province.platform.ask("POST", "/bank-accounts", content=text.getvalue())


def index_of(province: Province, person: Someone) -> str:
    return province.vault.index(Field.ID_NUMBER, person.id_number)


@contextmanager
def browser_of(province: Province, person: Someone, channel: str = "app") -> Iterator[Browser]:
    """A browser in which this person has signed in."""
    browser = Browser(province.url)
    try:
        browser.sign_in(person.name, person.id_number, channel)
        yield browser
    finally:
        browser.close()


def form(counties: list[str], account_no: str, **changes: object) -> Json:
    filled = {
        "counties": counties,
        "card_type": "bank_card",
        "account_no": account_no,
        "bank_code": "ICBC",
        "reason": REASON,
        "authorised": True,
    }
    return filled | changes


def matter_when(browser: Browser, request_no: str, *stages: str) -> Json:
    """The matter, once every county stands at one of the stages."""
    return wait_for(
        "事项办理",
        lambda: browser.get(f"/citizen/matters/{request_no}"),
        lambda seen: all(county["stage"] in stages for county in seen["counties"]),
        30,
    )

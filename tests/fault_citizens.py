"""A citizen of each county of the fault suite, who changes the card while the county plays (S2)."""

import asyncio
import csv
import io
from dataclasses import dataclass

import httpx
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.demo.citizens import Browser
from deploy.demo.people import County, wait_for
from models.store.database import ENGINE_OPTIONS, Database
from models.store.register.accounts import NewAccount, apply_change
from models.store.vault import Field, LocalVault
from tests.application_lines import card, citizen_id
from tests.whole_stack import Whole

BANK, NAME = "ICBC", "周建国"
# Nobody of the lines' people.
_FIRST = 9_000


@dataclass
class Citizen:
    """Signed in once; has two accounts at the bank and changes from the one to the other and back."""

    county: County
    place: int
    browser: Browser
    turn: int = 0

    def account(self, turn: int) -> str:
        return card(self.place * 2 + turn % 2)

    def change_card(self) -> str:
        """From the form over the bank and the reviewer to 上卡; gives the request's number."""
        number = self.ask_for_change()
        self.have_it_applied(number)
        return number

    def ask_for_change(self) -> str:
        """To the reviewer's desk."""
        self.turn += 1
        body = {
            "counties": [self.county.code],
            "card_type": "bank_card",
            "account_no": self.account(self.turn),
            "bank_code": BANK,
            "reason": "停用旧卡，启用新卡",
            "authorised": True,
        }
        number = str(self.browser.post("/citizen/card-changes", body)["request_no"])
        path = f"/citizen/matters/{number}"
        wait_for("银行验证", lambda: self.browser.get(path), lambda seen: bool(seen["stage"] != "validating"))
        return number

    def have_it_applied(self, number: str) -> None:
        path = f"/citizen/matters/{number}"
        decision = {"passed": True, "remark": "资料属实，同意变更"}
        self.county.reviewer.post(f"/card-changes/{number}.{self.county.code}/decision", decision)
        ended = wait_for("账号变更", lambda: self.browser.get(path), lambda seen: bool(seen["stage"] == "ended"))
        assert ended["result"] == "applied", ended
        asked = self.account(self.turn)
        assert asked in repr(self.browser.get("/citizen/account")), "the account page shows another account"


def settle(whole: Whole, county: str) -> Citizen:
    """In the county's register with one of two accounts that the bank knows, and signed in by the face."""
    place = _FIRST + int(county[-2:])
    citizen = Citizen(whole.people[county], place, Browser(whole.stack.layout.api_url))
    _tell_bank(whole, citizen)
    asyncio.run(_put_account(whole, citizen))
    citizen.browser.sign_in(NAME, citizen_id(place))
    return citizen


def _tell_bank(whole: Whole, citizen: Citizen) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status"))
    for turn in (0, 1):
        rows.writerow((BANK, citizen.account(turn), "bank_card", NAME, citizen_id(citizen.place), "open"))
    url = f"{whole.stack.layout.simulator_url}/admin/bank-accounts"
    httpx.post(url, content=text.getvalue().encode(), timeout=30, trust_env=False).raise_for_status()


async def _put_account(whole: Whole, citizen: Citizen) -> None:
    layout = whole.stack.layout
    vault = LocalVault.from_file(layout.vault_key)
    database = Database(create_async_engine(layout.database_url, **ENGINE_OPTIONS))
    new = NewAccount(
        county_code=citizen.county.code,
        person_index=vault.index(Field.ID_NUMBER, citizen_id(citizen.place)),
        name=NAME,
        id_number=citizen_id(citizen.place),
        bank_code=BANK,
        account_no=citizen.account(0),
        card_type="bank_card",
        source="申请录入",
        actor="system",
    )
    try:
        async with database.transaction() as session:
            await apply_change(session, vault, new)
    finally:
        await database.dispose()

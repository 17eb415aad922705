"""Holders of cards who wish to change them: on the county's register, known to the banks, requests given in."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import httpx
import uvloop
from sqlalchemy.ext.asyncio import create_async_engine
from stdnum import luhn

from deploy.bench.lines import COUNTY, Line, accounts_file, fine_lines
from deploy.demo.people import wait_for
from deploy.stack.keys import PROVINCES
from deploy.stack.postgres import DATABASE
from deploy.stack.stack import Stack
from models.store.cards.requests import CardWish, Citizen, open_request
from models.store.database import ENGINE_OPTIONS, Database
from models.store.register.register import FROM_APPLICATION, REGISTER_COLUMNS, register_row
from models.store.sql import copy_rows
from models.store.vault import Field, LocalVault, name_index
from models.tables.base import now
from models.wire.words import CardType

NEW_BANK = ("ABC", "中国农业银行")
IN_REVIEW = (
    "SELECT count(*) FROM card_change_part p JOIN card_change c ON c.id = p.request_id"
    " WHERE p.stage = 'in_review' AND c.request_no = ANY(%s)"
)
TIMEOUT_SECONDS = 1_800.0
_OPENED_AT_ONCE = 8  # below the product's pool, as many as an API process would have under way


@dataclass(frozen=True)
class Holder:
    """A person with the account in use and the one that is wished."""

    citizen: Citizen
    old: Line = field(repr=False)
    new: Line = field(repr=False)


class CardDesk:
    """Does with rows what an API in front of these people would do: on its event loop, its connections kept."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.vault = LocalVault.from_file(stack.layout.vault_key)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        options = {**ENGINE_OPTIONS, "pool_size": _OPENED_AT_ONCE, "max_overflow": 0}
        self._database = Database(create_async_engine(stack.layout.database_url, **options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._database.dispose())
        self._runner.close()

    def invite(self, seed: int, count: int) -> list[Holder]:
        """New holders: register rows by COPY, both accounts open at their banks."""
        holders = [self._holder(line) for line in fine_lines(seed, count)]
        known = accounts_file([line for holder in holders for line in (holder.old, holder.new)])
        url = f"{self._stack.layout.simulator_url}/admin/bank-accounts"
        httpx.post(url, content=known, timeout=120.0, trust_env=False).raise_for_status()
        self._runner.run(self._register(holders))
        return holders

    def to_review(self, holders: Sequence[Holder]) -> tuple[list[str], float]:
        """Numbers of a request of each, and seconds from the first one given in until all wait for the reviewer."""
        begun = time.perf_counter()
        numbers = self._runner.run(self._open(holders))
        self.until(len(numbers), IN_REVIEW, numbers)
        return numbers, time.perf_counter() - begun

    def until(self, count: int, statement: str, numbers: list[str]) -> None:
        """Look until the statement about these numbers gives `count`."""
        with self._stack.layout.cluster.connect(DATABASE) as connection:

            def look() -> dict[str, int]:
                row = connection.execute(statement, (numbers,)).fetchone()
                return {"figures": row[0] if row else 0}

            wait_for(f"{count} 笔", look, lambda seen: seen["figures"] == count, TIMEOUT_SECONDS)

    def _holder(self, line: Line) -> Holder:
        stem = f"6228{line.account_no[4:18]}"
        new = replace(line, bank=NEW_BANK, account_no=stem + luhn.calc_check_digit(stem))
        person = self.vault.index(Field.ID_NUMBER, line.id_number)
        return Holder(Citizen(PROVINCES[0], person, line.name, line.id_number), line, new)

    async def _register(self, holders: Sequence[Holder]) -> None:
        columns = (*REGISTER_COLUMNS, "status", "source", "updated_at")
        async with self._database.transaction() as session:
            await copy_rows(session, "register_account", columns, [self._row(holder) for holder in holders])

    def _row(self, holder: Holder) -> tuple[str | datetime, ...]:
        line, person = holder.old, holder.citizen.person_index
        place = register_row(COUNTY, person)
        return (
            COUNTY,
            person,
            self.vault.seal(Field.NAME, place, line.name),
            name_index(self.vault, line.name),
            self.vault.seal(Field.ID_NUMBER, place, line.id_number),
            line.bank[0],
            self.vault.seal(Field.ACCOUNT, place, line.account_no),
            self.vault.index(Field.ACCOUNT, line.account_no),
            CardType.BANK_CARD.value,
            "valid",
            FROM_APPLICATION,
            now(),
        )

    async def _open(self, holders: Sequence[Holder]) -> list[str]:
        gate = asyncio.Semaphore(_OPENED_AT_ONCE)

        async def one(holder: Holder) -> str:
            async with gate, self._database.transaction() as session:
                return (await open_request(session, self.vault, holder.citizen, _wish(holder))).request_no

        return list(await asyncio.gather(*(one(holder) for holder in holders)))


def _wish(holder: Holder) -> CardWish:
    return CardWish(
        counties=(COUNTY,),
        card_type=CardType.BANK_CARD,
        account_no=holder.new.account_no,
        bank_code=holder.new.bank[0],
        authorised=True,
        reason="停用旧卡，启用新卡",
    )

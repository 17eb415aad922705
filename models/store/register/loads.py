"""初始导入: a load's row, found and locked, and the rows of its file, sealed as the register will have them."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import TypeAlias

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.register_file import FileAccount
from models.store.lock_order import Rank
from models.store.locking import hold, lock_row
from models.store.register.register import register_row
from models.store.sql import Value, copy_rows, execute, fetch_one
from models.store.vault import Field, Vault, name_index
from models.tables.base import now
from models.tables.loads import RegisterLoad
from models.words.calendar import CHINA
from models.words.card_stages import LoadStage

Columns: TypeAlias = tuple[Value, ...]
_ROW = (
    *("load_id", "file_row", "person_index", "name_sealed", "name_index", "id_number_sealed", "bank_code"),
    *("account_sealed", "account_index", "card_type"),
)
# Refused ones wait for their enterer until a corrected file is handed in, or somebody has said 知道了.
LOAD_TO_CORRECT = (
    "register_load.stage = 'refused' AND register_load.decision IS DISTINCT FROM 'dropped'"
    " AND register_load.acknowledged_at IS NULL AND NOT EXISTS (SELECT FROM register_load AS later"
    " WHERE later.county_code = register_load.county_code AND later.corrects_id = register_load.id)"
)


async def hold_loads(session: AsyncSession, county_code: str) -> None:
    """Whoever hands a file in goes first through this door: a county has one load open."""
    await hold(session, Rank.DOOR, f"register-load/{county_code}")


async def open_load_no(session: AsyncSession, county_code: str) -> str | None:
    statement = "SELECT load_no FROM register_load WHERE county_code = :county AND finished_at IS NULL"
    return await fetch_one(session, str, statement, county=county_code)


async def loaded_as_of(session: AsyncSession, county_code: str) -> date | None:
    """The day of the newest data that the county's register was loaded with; what is older is no news."""
    statement = "SELECT max(as_of) AS as_of FROM register_load WHERE county_code = :county AND stage = 'loaded'"
    return await fetch_one(session, date, statement, county=county_code)


async def load_by_number(session: AsyncSession, load_no: str) -> RegisterLoad:
    statement = select(RegisterLoad).where(RegisterLoad.load_no == load_no)
    # its figures are counted on by statements as well
    return (await session.exec(statement.execution_options(populate_existing=True))).one()


async def locked_load(session: AsyncSession, load_no: str, county_code: str | None = None) -> RegisterLoad | None:
    """As it is now, locked until the transaction ends; what people decide and what its run does take turns."""
    await hold(session, Rank.RUN, load_no)
    statement = select(RegisterLoad).where(RegisterLoad.load_no == load_no)
    if county_code is not None:
        statement = statement.where(col(RegisterLoad.county_code) == county_code)
    return await lock_row(session, Rank.RUN, statement)


async def end_load(session: AsyncSession, load: RegisterLoad, stage: LoadStage) -> None:
    load.stage, load.finished_at = stage, now()
    session.add(load)
    await session.flush()


async def begin_asking(session: AsyncSession, load: RegisterLoad) -> None:
    load.stage, load.asked_at = LoadStage.ASKING, now()
    session.add(load)
    await session.flush()


def newer_since(as_of: date) -> datetime:
    """The moment from which on what has happened is newer than the file: the beginning of its day in China."""
    return datetime(as_of.year, as_of.month, as_of.day, tzinfo=CHINA)


def sealed_rows(vault: Vault, load: RegisterLoad, accounts: Iterator[FileAccount], most: int) -> list[Columns]:
    """The next rows to be stored; callers with a loop do it in a thread."""
    assert load.id is not None
    return [_sealed(vault, load.county_code, load.id, each) for each in islice(accounts, most)]


def _sealed(vault: Vault, county_code: str, load_id: int, each: FileAccount) -> Columns:
    person = vault.index(Field.ID_NUMBER, each.id_number)
    place = register_row(county_code, person)
    return (
        load_id,
        each.row,
        person,
        vault.seal(Field.NAME, place, each.name),
        name_index(vault, each.name),
        vault.seal(Field.ID_NUMBER, place, each.id_number),
        each.bank_code,
        vault.seal(Field.ACCOUNT, place, each.account_no),
        vault.index(Field.ACCOUNT, each.account_no),
        each.card_type.value,
    )


async def store_rows(session: AsyncSession, rows: Iterable[Columns]) -> int:
    return await copy_rows(session, "register_load_row", _ROW, rows)


async def same_file(session: AsyncSession, load: RegisterLoad) -> str | None:
    """The number of an earlier load of the same bytes; those that were refused don't count."""
    return await fetch_one(
        session,
        str,
        "SELECT d.load_no FROM register_load d JOIN stored_file s ON s.id = d.file_id WHERE d.county_code = :county"
        " AND d.stage = 'loaded' AND d.id <> :id AND s.sha256 = (SELECT sha256 FROM stored_file WHERE id = :file)"
        " ORDER BY d.id DESC LIMIT 1",
        county=load.county_code,
        id=load.id,
        file=load.file_id,
    )


async def leave_out_person(session: AsyncSession, load: RegisterLoad, person_index: str, code: str) -> None:
    """Nobody decides about the own account: somebody else's load may bring it."""
    await execute(
        session,
        "UPDATE register_load_row SET outcome = 'left_out', code = :code WHERE load_id = :load"
        " AND person_index = :person AND outcome IN ('new', 'changed')",
        load=load.id,
        person=person_index,
        code=code,
    )

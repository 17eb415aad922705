"""What the county's rows say against the rows of a file: numbers in use, accounts that are being changed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.application_form import ApplicationForm, columns
from models.forms.spreadsheet import CheckedFile, Forms
from models.store.applications.rows import is_reserved, used_numbers
from models.store.numbers import Series, take
from models.store.register.account_locks import Lock
from models.store.register.lock_rules import LockedAct, differing_field, why_locked
from models.store.registered import OTHER_WORDS, rows_registered_otherwise
from models.store.vault import Field, Vault
from models.tables.applications import ApplicationImport
from models.words.faults import CellFault, FaultCode

NUMBER_COLUMN = "申请编号"
ACCOUNT_COLUMN = "一卡通账号"
_NUMBERS_AT_ONCE = 5_000


def with_locked(vault: Vault, county_code: str, checked: CheckedFile, locked: Mapping[str, Lock]) -> CheckedFile:
    """While a person's account is being changed, no file brings another one or another name in."""
    if not locked:
        return checked
    faults = []
    for item in checked.forms:
        lock = locked.get(vault.index(Field.ID_NUMBER, item.form.id_number))
        field = differing_field(vault, county_code, lock, item.form) if lock is not None else None
        if lock is not None and field is not None:
            why = why_locked(LockedAct.IMPORT, [lock.request_no])
            faults.append(CellFault(item.row, columns(item.form.kind)[field], FaultCode.ACCOUNT_LOCKED, why))
    return _with_faults(checked, faults)


async def with_other_accounts(session: AsyncSession, county_code: str, checked: CheckedFile) -> CheckedFile:
    """Rows whose account isn't the one that will be paid are taken in, and told; after `findings`.

    They are told first: of many warnings only so many are kept, and a file of passbooks may have one for every row.
    """
    rows = await rows_registered_otherwise(session, county_code)
    told = [CellFault(row, ACCOUNT_COLUMN, FaultCode.OTHER_ACCOUNT, OTHER_WORDS) for row in rows]
    return replace(checked, warnings=(*told, *checked.warnings))


async def with_used_numbers(session: AsyncSession, checked: CheckedFile) -> CheckedFile:
    """A number of the file that exists already, or could become one of ours, refuses its row."""
    faults = []
    numbers = checked.forms.numbers()
    while given := dict(islice(numbers, _NUMBERS_AT_ONCE)):
        used = await used_numbers(session, list(given.values()))
        faults += [
            CellFault(row, NUMBER_COLUMN, FaultCode.APPLICATION_NO_TWICE, _why_not(number in used))
            for row, number in given.items()
            if number in used or is_reserved(number)
        ]
    return _with_faults(checked, faults)


def _with_faults(checked: CheckedFile, faults: list[CellFault]) -> CheckedFile:
    if not faults:
        return checked
    return replace(checked, faults=tuple(sorted([*checked.faults, *faults], key=lambda fault: fault.row)))


def _why_not(used: bool) -> str:
    if used:
        return "申请编号已被使用过，请改为其他编号，或留空由系统编号"
    return "申请编号与系统编号的格式相同，请改为其他编号，或留空由系统编号"


async def fresh_numbers(session: AsyncSession, row: ApplicationImport, forms: Forms) -> Iterator[str]:
    """For rows that bring no number, in the order of the file."""
    missing = len(forms) - sum(1 for _ in forms.numbers())
    return await take(session, Series.APPLICATION, row.county_code, row.fund_year, missing) if missing else iter(())


def numbered(forms: Forms, fresh: Iterator[str]) -> Iterator[tuple[str, ApplicationForm]]:
    return ((item.form.application_no or next(fresh), item.form) for item in forms)

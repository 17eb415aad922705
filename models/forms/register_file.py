"""A county's file of accounts that exist at the platform already (初始导入): every row an account, or its faults."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

from models.forms import identity
from models.forms.account_numbers import card_type_of, parse_card_type, read_account_no
from models.forms.application_form import made_regular
from models.forms.application_row import CheckedRow, cell_text
from models.forms.catalogs import Catalogs
from models.forms.headers import FileTable, HeaderError, NamedRow, Progress, by_row, read_table, why_unreadable
from models.forms.same_rows import ReadRow, fellows, plain_row, repeated
from models.sheets.rows import Limits
from models.sheets.spool import DiskRows
from models.wire.words import CardType
from models.words.calendar import china_today
from models.words.faults import CellFault, Fault, FaultCode, FieldFault, FileError

# The headers that the register's own list has, so that one that was taken out may come back.
ACCOUNT_COLUMNS: Mapping[str, str] = {
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "card_type": "卡类型",
}
OPTIONAL = frozenset({"card_type"})


@dataclass(frozen=True, slots=True)
class FileAccount:
    """A row without fault: a person's or an organization's account, as it is kept."""

    row: int
    name: str
    id_number: str
    bank_code: str
    account_no: str
    card_type: CardType


@dataclass(frozen=True, slots=True)
class CheckedAccounts:
    """What a file holds; its rows lie on the disk. `to_confirm` stops a file without faults as 待确认."""

    rows: DiskRows[ReadRow]
    at_fault: Set[int] = frozenset()
    faults: tuple[CellFault, ...] = ()
    warnings: tuple[CellFault, ...] = ()
    to_confirm: tuple[CellFault, ...] = ()
    row_count: int = 0

    def accounts(self) -> Iterator[FileAccount]:
        """The rows without fault, in the file's order."""
        return (_account(number, values) for number, values in self.rows if number not in self.at_fault)


def no_accounts(*faults: CellFault) -> CheckedAccounts:
    """A file of which no row was looked at."""
    return CheckedAccounts(_on_disk(), faults=faults)


def check_accounts(
    data: bytes,
    banks: Catalogs,
    limits: Limits | None = None,
    progress: Progress | None = None,
    *,
    today: date | None = None,
) -> CheckedAccounts:
    """Every row as an account or with its faults; a file that can't be read has one fault in row 0."""
    try:
        table = read_table(data, ACCOUNT_COLUMNS, OPTIONAL, "账号", limits)
    except (FileError, HeaderError) as error:
        return no_accounts(*why_unreadable(error))
    checked = _Pass(banks, today or china_today()).all(table, progress)
    hidden = table.hidden(ACCOUNT_COLUMNS, "登记")
    return replace(checked, to_confirm=by_row([*hidden, *checked.to_confirm]))


class _Pass:
    """One pass through a file; of each row two numbers are kept, all else of it is on the disk."""

    def __init__(self, banks: Catalogs, today: date) -> None:
        self._banks = banks
        self._today = today
        self._rows = _on_disk()
        self._faults: list[CellFault] = []
        self._warnings: list[CellFault] = []
        self._people = array("q")
        self._numbers = array("q")

    def all(self, table: FileTable, progress: Progress | None) -> CheckedAccounts:
        for row in table.rows(progress):
            self._note(row)
        twice, shared = self._held_together()
        self._faults += _person_twice(twice)
        at_fault = {fault.row for fault in self._faults}
        found = by_row(_account_shared(shared))
        return CheckedAccounts(
            self._rows, at_fault, by_row(self._faults), by_row(self._warnings), found, row_count=len(table)
        )

    def _note(self, row: NamedRow) -> None:
        checked = self._check(row)
        self._faults += [*(_in_cell(row.number, each) for each in checked.faults), *row.faults]
        self._warnings += [_in_cell(row.number, each) for each in checked.notices]
        if person := checked.values.get("id_number"):
            self._people.append(hash(person))
        if account := checked.values.get("account_no"):
            self._numbers.append(hash((checked.values.get("bank_code"), account)))
        self._rows.append((row.number, checked.values))

    def _check(self, row: NamedRow) -> CheckedRow:
        """All faults of a row at once, each with our name of its column."""
        checked, texts = CheckedRow(), {}
        for column, header in ACCOUNT_COLUMNS.items():
            text = cell_text(column, header, row.cells.get(column, ""))
            if isinstance(text, Fault):
                checked.take(column, column, text)
            elif text or column in OPTIONAL:
                texts[column] = text
            else:
                checked.take(column, column, Fault(FaultCode.REQUIRED, f"{header}未填写，请补填"))
        self._take(checked, texts)
        return checked

    def _take(self, checked: CheckedRow, texts: Mapping[str, str]) -> None:
        if "bank" in texts:
            checked.take("bank", "bank_code", self._banks.bank(texts["bank"]))
        told = parse_card_type(texts["card_type"]) if texts.get("card_type") else None
        if isinstance(told, Fault):
            checked.take("card_type", "card_type", told)
        elif "account_no" in texts:
            self._take_account(checked, texts["account_no"], told)
        if "id_number" in texts:
            self._take_holder(checked, texts["id_number"], texts.get("name"))

    def _take_account(self, checked: CheckedRow, text: str, told: CardType | None) -> None:
        read = read_account_no(text, told)
        checked.take("account_no", "account_no", read if isinstance(read, Fault) else read.value)
        if isinstance(read, Fault):
            return
        checked.values["card_type"] = card_type_of(read.value, told)
        if read.warning:
            checked.notices = (*checked.notices, FieldFault("account_no", read.warning.code, read.warning.message))

    def _take_holder(self, checked: CheckedRow, id_text: str, name_text: str | None) -> None:
        """A citizen's id or a credit code: the number tells which, and how the name beside it is read."""
        id_number, personal = parse_holder_id(id_text, self._today)
        checked.take("id_number", "id_number", id_number)
        if personal and isinstance(id_number, str) and (warning := identity.citizen_id_warning(id_number)):
            checked.notices = (*checked.notices, FieldFault("id_number", warning.code, warning.message))
        if name_text is None:
            return
        name = identity.parse_person_name(name_text) if personal else identity.parse_organization_name(name_text)
        checked.take("name", "name", name)
        if isinstance(name, str) and name != name_text:
            checked.notices = (*checked.notices, *made_regular({"name": name_text}))

    def _held_together(self) -> "_Together":
        """Looked at exactly are the rows that share a person or an account with another: nearly none."""
        people, numbers = repeated(self._people), repeated(self._numbers)
        twice: defaultdict[object, list[int]] = defaultdict(list)
        shared: defaultdict[object, list[int]] = defaultdict(list)
        if people or numbers:
            for number, values in self._rows:
                person, account = values.get("id_number"), (values.get("bank_code"), values.get("account_no"))
                if person and hash(person) in people:
                    twice[person].append(number)
                if account[1] and hash(account) in numbers:
                    shared[account].append(number)
        return twice, shared


_Together = tuple[Mapping[object, list[int]], Mapping[object, list[int]]]


def parse_holder_id(text: str, today: date) -> tuple[str | Fault, bool]:
    """A citizen id or a unified social credit code, and whether it is a person's; a fault is that of what it seems."""
    citizen = identity.parse_citizen_id(text, today)
    if isinstance(citizen, str):
        return citizen, True
    credit = identity.parse_credit_code(text)
    if isinstance(credit, str):
        return credit, False
    bare = "".join(text.split()).upper()
    is_code = len(bare) == 18 and any(letter.isalpha() for letter in bare[:17])
    return (credit, False) if is_code else (citizen, True)


def _person_twice(groups: Mapping[object, list[int]]) -> list[CellFault]:
    """One account a person and county: the register has one row for each."""
    text = "此人在第 {} 行也有账号，一人在本县只登记一个，请只保留一行"
    header = ACCOUNT_COLUMNS["id_number"]
    return [CellFault(row, header, FaultCode.PERSON_TWICE, text.format(rows)) for row, rows in fellows(groups)]


def _account_shared(groups: Mapping[object, list[int]]) -> list[CellFault]:
    """Several people with one account may be a family's, or a row copied down: a person says which."""
    text = "与第 {} 行是同一个账号（不同的人），请确认是共用，不是填错"
    header = ACCOUNT_COLUMNS["account_no"]
    return [CellFault(row, header, FaultCode.ACCOUNT_SHARED, text.format(rows)) for row, rows in fellows(groups)]


def _in_cell(row: int, fault: FieldFault) -> CellFault:
    return CellFault(row, ACCOUNT_COLUMNS[fault.field], fault.code, fault.message)


def _on_disk() -> DiskRows[ReadRow]:
    return DiskRows(plain_row, tuple)


def _account(number: int, values: Mapping[str, object]) -> FileAccount:
    name, id_number, bank, account = (
        cast("str", values[key]) for key in ("name", "id_number", "bank_code", "account_no")
    )
    return FileAccount(number, name, id_number, bank, account, CardType(str(values["card_type"])))

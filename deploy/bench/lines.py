"""Invented lines of a county as its file brings them, and what the platform and the banks know of these people."""

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, islice, repeat

from stdnum import luhn

from models.forms.application_form import OPTIONAL_COLUMNS, columns
from models.forms.identity import citizen_id_check_digit
from models.sheets.writer import write_sheet
from models.wire.words import ApplicantKind

COUNTY = "500001"
# Of every 2,000 lines as many as in the demo's batch; a second line of a person makes both duplicates.
FATES = {"name_differs": 24, "not_found": 18, "no_account": 19, "unverified": 46, "pay_fails": 21, "second_line": 40}
OF_LINES = 2_000
REGISTER = ("id_number", "name", "bank_code", "account_no", "verification", "payment")

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
_GIVEN = "伟芳娜敏静秀丽强磊洋艳勇军杰娟涛超明霞平刚桂英华玉兰红梅建国文斌"
_BANKS = (
    ("ICBC", "中国工商银行"),
    ("ABC", "中国农业银行"),
    ("CRCB", "重庆农村商业银行"),
    ("PSBC", "中国邮政储蓄银行"),
)
_PLACES = (("金江镇", "新田村"), ("双溪镇", "石桥村"), ("麦地乡", "大岭村"), ("南强乡", "水东村"))
_ITEMS = ("耕地地力保护补贴", "农机购置与应用补贴", "实际种粮农民一次性补贴")
_FIRST_BIRTH = date(1945, 1, 1)
_BIRTH_DAYS = 20_000


@dataclass(frozen=True)
class Line:
    """One line of the file with the fate that the platform's register gives it."""

    name: str
    id_number: str
    phone: str
    place: tuple[str, str]
    bank: tuple[str, str]
    account_no: str
    item: str
    amount_fen: int
    fate: str


def invent(seed: int, count: int, county: str = COUNTY) -> list[Line]:
    """Lines of people who occur under no other seed and in no other county; the same two give the same lines."""
    dice = random.Random(f"{county}-{seed}")  # noqa: S311
    people = _people(dice, seed, county)
    lines: list[Line] = []
    for fate in _fates(dice, count):
        if fate == "second_line":
            first = dice.choice([line for line in lines[-200:] if line.fate == "fine"])
            lines.append(replace(first, amount_fen=400_000 + len(lines), fate=fate))
        else:
            lines.append(_line(dice, next(people), fate))
    return lines


def fine_lines(seed: int, count: int) -> list[Line]:
    """People whose data is in order, a line each."""
    dice = random.Random(seed)  # noqa: S311
    return [_line(dice, person, "fine") for person in islice(_people(dice, seed, COUNTY), count)]


def application_file(lines: list[Line]) -> bytes:
    """The lines as an xlsx for the import."""
    headers = [header for name, header in columns(ApplicantKind.PERSONAL).items() if name not in OPTIONAL_COLUMNS]
    rows = (
        (
            *(line.name, line.id_number, line.phone, *line.place, "3组", line.bank[1], line.account_no),
            *("农业", 4, line.item, f"{Decimal(line.amount_fen) / 100:.2f}"),
        )
        for line in lines
    )
    return write_sheet(headers, rows, "补贴申请")


def register_file(lines: list[Line]) -> bytes:
    """What the platform knows of these people."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(REGISTER)
    writer.writerows(_known(line) for line in lines if line.fate not in ("not_found", "second_line"))
    return text.getvalue().encode()


def accounts_file(lines: list[Line]) -> bytes:
    """What the banks know: nothing of the two kinds of people who have no account."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status", "note"))
    for line in lines:
        if line.fate not in ("not_found", "no_account", "second_line"):
            writer.writerow((line.bank[0], line.account_no, "bank_card", _real_name(line), line.id_number, "open", ""))
    return text.getvalue().encode()


def _fates(dice: random.Random, count: int) -> list[str]:
    """Second lines come after the people whose they are."""
    shares = {fate: share * count // OF_LINES for fate, share in FATES.items()}
    fates = list(chain.from_iterable(repeat(fate, share) for fate, share in shares.items() if fate != "second_line"))
    seconds = shares["second_line"]
    fates += ["fine"] * (count - len(fates) - seconds)
    dice.shuffle(fates)
    for place in range(seconds):
        fates.insert((place + 1) * len(fates) // (seconds + 1) + place, "second_line")
    return fates


def _people(dice: random.Random, seed: int, county: str) -> Iterator[tuple[str, str, int]]:
    """Name, id and a serial number; ids of different seeds differ in their last places, those of counties in front."""
    for serial in range(_BIRTH_DAYS * 10):
        born = _FIRST_BIRTH + timedelta(days=serial % _BIRTH_DAYS)
        seventeen = f"{county}{born:%Y%m%d}{(seed % 100) * 10 + serial // _BIRTH_DAYS:03d}"
        name = dice.choice(_SURNAMES) + "".join(dice.choices(_GIVEN, k=2))
        number = (int(county[2:]) * 100 + seed % 100) * 10_000_000 + serial
        yield name, seventeen + citizen_id_check_digit(seventeen), number


def _line(dice: random.Random, person: tuple[str, str, int], fate: str) -> Line:
    name, id_number, serial = person
    stem = f"6217{serial:014d}"
    return Line(
        name=name,
        id_number=id_number,
        phone=f"139{serial % 10**8:08d}",
        place=dice.choice(_PLACES),
        bank=dice.choice(_BANKS),
        account_no=stem + luhn.calc_check_digit(stem),
        item=dice.choice(_ITEMS),
        amount_fen=dice.randrange(5_000, 400_000),
        fate=fate,
    )


def _real_name(line: Line) -> str:
    return line.name + "明" if line.fate == "name_differs" else line.name


def _known(line: Line) -> tuple[str, ...]:
    account = "" if line.fate == "no_account" else line.account_no
    verification = "failed:不符合条件" if line.fate == "unverified" else "passed"
    payment = "failed:账户销户" if line.fate == "pay_fails" else "paid"
    return line.id_number, _real_name(line), line.bank[0], account, verification, payment

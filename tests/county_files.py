"""Small files of the two demo counties, cut from the demo's data, and what they must come to."""

import csv
import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import python_calamine

DATA = Path(__file__).resolve().parents[1] / "deploy" / "demo" / "data"
Line = dict[str, str]
# How many lines of each kind a cut file holds; the rest are lines without any trouble.
KINDS = {"name_differs": 6, "not_found": 3, "no_account": 3, "unverified": 8, "failing": 6, "returned": 4, "twice": 10}


@dataclass(frozen=True, slots=True)
class Expected:
    """Worked out from the files alone: a person's row in the platform's register says how each line ends."""

    lines: int
    paid_lines: int
    paid_fen: int
    failed_lines: int
    withdrawn_lines: int


@dataclass(frozen=True, slots=True)
class CountyFile:
    name: str
    data: bytes
    kind: str
    lines: tuple[Line, ...]

    @property
    def secrets(self) -> set[str]:
        """Whatever must stand nowhere but in sealed columns and with the platform."""
        columns = ("姓名", "身份证号", "手机号", "一卡通账号", "组织名称", "统一社会信用代码", "联系电话", "对公账号")
        return {line[column] for line in self.lines for column in columns if line.get(column)}


def personal_500001(count: int) -> CountyFile:
    """A file with every kind of trouble, always the same lines for the same count."""
    dice = random.Random(f"500001/{count}")
    known = _register("register-500001-2000.csv")
    lines = _csv_lines(DATA / "batch-500001-2000.csv")
    times = Counter(line["身份证号"] for line in lines)
    by_kind: dict[str, list[Line]] = {}
    for line in lines:
        kind = "twice" if times[line["身份证号"]] == 2 else _trouble(line, known)
        by_kind.setdefault(kind, []).append(line)
    # Both lines of a person go together, and only of persons whom the platform knows.
    by_kind["twice"] = sorted(by_kind["twice"], key=lambda line: line["身份证号"])
    chosen = [line for kind, some in KINDS.items() for line in _some(by_kind[kind], some, kind, dice, known)]
    chosen += dice.sample(by_kind["fine"], count - len(chosen))
    return _csv_file("people-500001.csv", chosen)


def organizations_500001() -> CountyFile:
    name = "batch-500001-org-24.xlsx"
    rows = python_calamine.load_workbook(DATA / name).get_sheet_by_index(0).to_python()
    heads = [str(cell) for cell in rows[0]]
    lines = tuple(dict(zip(heads, map(str, row), strict=True)) for row in rows[1:])
    return CountyFile(name, (DATA / name).read_bytes(), "organization", lines)


def personal_500003(start: int = 0, end: int = 60) -> CountyFile:
    return _csv_file("people-500003.csv", _csv_lines(DATA / "batch-500003-60.csv")[start:end])


def expected(*files: CountyFile) -> Expected:
    county = "500003" if "500003" in files[0].name else "500001"
    registers = [path.name for path in DATA.glob(f"register-{county}-*.csv")]
    known = {key: row for name in registers for key, row in _register(name).items()}
    ends = [(_trouble(line, known), _fen(line)) for file in files for line in file.lines]
    failed = [fen for kind, fen in ends if kind in ("failing", "returned")]
    withdrawn = [fen for kind, fen in ends if kind in ("not_found", "no_account")]
    total = sum(fen for _, fen in ends)
    return Expected(
        lines=len(ends),
        paid_lines=len(ends) - len(failed) - len(withdrawn),
        paid_fen=total - sum(failed) - sum(withdrawn),
        failed_lines=len(failed),
        withdrawn_lines=len(withdrawn),
    )


def _trouble(line: Line, known: dict[str, Line]) -> str:
    row = known.get(_id(line))
    if row is None:
        return "not_found"
    if not row["account_no"]:
        return "no_account"
    fate = row["payment"].partition(":")[0]
    if fate in ("failed", "returned"):
        return "failing" if fate == "failed" else "returned"
    if row["name"] != _name(line):
        return "name_differs"
    return "unverified" if row["verification"].startswith("failed") else "fine"


def _some(lines: list[Line], some: int, kind: str, dice: random.Random, known: dict[str, Line]) -> Iterator[Line]:
    if kind != "twice":
        yield from dice.sample(lines, some)
        return
    passed = [line for line in lines if _trouble(line, known) == "fine"]
    pairs = list(zip(passed[::2], passed[1::2], strict=False))
    same: Callable[[tuple[Line, Line]], bool] = lambda pair: _id(pair[0]) == _id(pair[1])  # noqa: E731
    for pair in [pair for pair in pairs if same(pair)][: some // 2]:
        yield from pair


def _id(line: Line) -> str:
    return line.get("身份证号") or line["统一社会信用代码"]


def _name(line: Line) -> str:
    return line.get("姓名") or line["组织名称"]


def _fen(line: Line) -> int:
    yuan, _, cents = line["补贴金额（元）"].partition(".")
    return int(yuan) * 100 + int((cents + "00")[:2])


def _register(name: str) -> dict[str, Line]:
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return {row["id_number"]: row for row in csv.DictReader(file)}


def _csv_lines(path: Path) -> list[Line]:
    with path.open(encoding="gb18030", newline="") as file:
        return list(csv.DictReader(file))


def _csv_file(name: str, lines: list[Line]) -> CountyFile:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows(lines)
    return CountyFile(name, text.getvalue().encode("gb18030"), "personal", tuple(lines))

"""初始导入 of a county: its accounts from the file into the register, beside an import of as many lines."""

import time
from dataclasses import dataclass

import httpx

from deploy.bench.ground import Batch, county_play
from deploy.bench.lines import Line
from deploy.bench.memory import peak_rss_mib
from deploy.bench.report_rows import Row
from deploy.demo.people import Person
from deploy.stack.stack import Stack
from models.forms.register_file import ACCOUNT_COLUMNS
from models.sheets.writer import write_sheet
from models.words.calendar import china_today

ACCOUNTS = 100_000


@dataclass(frozen=True)
class FirstLoad:
    """Seconds of the check, of the bank's pages, and of the taking; of the import, and the worker's peak memory."""

    accounts: int
    checked: float
    asked: float
    taken: float
    imported: float
    worker_peak_mib: float

    @property
    def ratio(self) -> float:
        """Without the bank's answers."""
        return (self.checked + self.taken) / self.imported


def measure(stack: Stack, batch: Batch) -> FirstLoad:
    people = list({line.id_number: line for line in batch.lines}.values())
    with httpx.Client(base_url=stack.layout.api_url, timeout=120.0, trust_env=False) as http:
        play = county_play(stack, http)
        county = play.county
        fields = {"as_of": china_today().isoformat()}
        begun = time.perf_counter()
        load_no = county.operator.upload("/register-loads", "账号.xlsx", _file(people), **fields)["load_no"]
        path = f"/register-loads/{load_no}"
        checked = _until(county.operator, path, "checking") - begun
        if county.operator.get(path)["stage"] == "to_confirm":
            county.operator.post(f"{path}/continuation", {"reason": "共用"})
        begun = time.perf_counter()
        asked = _until(county.operator, path, "asking") - begun
        begun = time.perf_counter()
        county.reviewer.post(f"{path}/confirmation", {})
        taken = _until(county.reviewer, path, "taking") - begun
        assert county.reviewer.get(path)["stage"] == "loaded"
        peak = peak_rss_mib(stack.pid("worker"))
        begun = time.perf_counter()
        play.imported(play.hand_in(play.open_batch("测速批次"), batch.path.name, batch.file), goes_on="测速")
        return FirstLoad(len(people), checked, asked, taken, time.perf_counter() - begun, peak)


def _file(people: list[Line]) -> bytes:
    rows = [(line.name, line.id_number, line.bank[1], line.account_no, None) for line in people]
    return write_sheet(list(ACCOUNT_COLUMNS.values()), rows)


def _until(person: Person, path: str, stage: str) -> float:
    """The moment at which it isn't at this stage any more."""
    person.wait("初始导入", path, lambda seen: seen["stage"] != stage, 1_800)
    return time.perf_counter()


def first_load_rows(found: FirstLoad) -> list[Row]:
    what = f"初始导入 {found.accounts:,} 个账号"
    parts = f"校对 {found.checked:.1f} 秒 + 登记 {found.taken:.1f} 秒"
    beside = f"导入同样多的申请 {found.imported:.1f} 秒（{found.ratio:.2f} 倍）"
    pages = f"{found.asked:.1f} 秒，{found.accounts / found.asked:,.0f} 个/秒"
    return [
        Row(what, parts, beside, "≤ 1 倍", found.ratio <= 1),
        Row("逐页银行核验", pages, "", "", None),
        Row("worker 内存峰值", f"{found.worker_peak_mib:.0f} MiB", "", "", None),
    ]

"""The demo goes on: people change their cards, and whose payment had failed is paid in the county's next flow (S2)."""

import csv
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.citizens import Browser
from deploy.demo.people import Json, figure, wait_for
from deploy.demo.play import REFUSE_ME, Ground, Play

DATA = Path(__file__).parent / "data"
NEW, CLOSED = "a new good account of this person", "closed"
APPLIED = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """A person and the account that this person would rather be paid on."""

    name: str
    id_number: str
    bank_code: str
    account_no: str
    card_type: str


class Changes:
    """Citizens at their phones and screens, and the reviewer who decides."""

    def __init__(self, play: Play, base_url: str) -> None:
        self.play = play
        self.base_url = base_url
        self.results: list[str] = []

    def all(self) -> list[str]:
        """Every outcome once, three of them applied; gives the ids of those who can now be paid."""
        failing, fine, closed = people()
        for place, wish in enumerate(failing[:APPLIED]):
            self._change(wish, "applied", channel="pc" if place == 0 else "app")
        self._change(fine[0], "refused")
        self._change(fine[1], "withdrawn")
        self._change(closed[0], "failed")
        self._change(fine[2], "failed", reason=f"停用旧卡，启用新卡{REFUSE_ME}")
        self.play.report.step("账号变更：通过、不通过、撤销、验证失败、上卡失败", len(self.results))
        return [wish.id_number for wish in failing[:APPLIED]]

    def figures(self) -> dict[str, int]:
        return {name: self.results.count(name) for name in ("applied", "refused", "withdrawn", "failed")}

    def _change(self, wish: Wish, outcome: str, *, channel: str = "app", reason: str = "停用旧卡，启用新卡") -> None:
        browser = Browser(self.base_url)
        try:
            browser.sign_in(wish.name, wish.id_number, channel)
            matter = browser.post("/citizen/card-changes", self._form(wish, reason))
            path = f"/citizen/matters/{matter['request_no']}"
            checked = wait_for("银行验证", lambda: browser.get(path), lambda seen: seen["stage"] != "validating")
            if checked["stage"] == "in_progress":
                self._decide(browser, checked, outcome)
            ended = wait_for("账号变更", lambda: browser.get(path), lambda seen: seen["stage"] == "ended")
            assert ended["result"] == outcome, ended
            self.results.append(ended["result"])
        finally:
            browser.close()

    def _form(self, wish: Wish, reason: str) -> Json:
        return {
            "counties": [self.play.county.code],
            "card_type": wish.card_type,
            "account_no": wish.account_no,
            "bank_code": wish.bank_code,
            "reason": reason,
            "authorised": True,
        }

    def _decide(self, browser: Browser, matter: Json, outcome: str) -> None:
        number = matter["request_no"]
        if outcome == "withdrawn":
            browser.post(f"/citizen/matters/{number}/withdrawal")
            return
        passed = outcome != "refused"
        body = {"passed": passed, "remark": "资料属实，同意变更" if passed else "资料不全，不予变更"}
        self.play.county.reviewer.post(f"/card-changes/{number}.{self.play.county.code}/decision", body)


def second_flow(play: Play, ground: Ground, ids: list[str]) -> Json:
    """The next flow of the county: organizations for the first time, failed payments once more."""
    operator = play.county.operator
    batch_no = play.open_batch("组织申请与补发")
    name = "batch-500001-org-24.xlsx"
    play.import_file(batch_no, name, (DATA / name).read_bytes(), "organization")
    play.review_and_publicise(batch_no)
    play.initialise(batch_no)
    play.settle_batch(batch_no)
    numbers = [number for each in ids for number in _failed_lines(play, each)]
    operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": numbers}})
    play.report.step("补发申请纳入批次", len(numbers))
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    flow_no = play.start_flow(batch_no, ground)
    play.order("补发", "repayment", "账号变更后补发", flow_no=flow_no, selection={"application_nos": numbers})
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=False))
    ended = play.wait_for_end(flow_no)
    paid = figure(ended["figures"]["payments"], "paid")
    return {
        "lines": ended["figures"]["lines"]["count"],
        "paid_lines": paid["count"],
        "paid_fen": paid["fen"],
        "flow_status": ended["status"],
    }


def _failed_lines(play: Play, id_number: str) -> list[str]:
    found = play.county.operator.post("/applications/search", {"id_number": id_number, "filter": {"stage": "failed"}})
    return [str(line["application_no"]) for line in found["items"]]


def people() -> tuple[list[Wish], list[Wish], list[Wish]]:
    """Whose payment fails and who has a new account; others with a new one; and with a closed one."""
    with (DATA / "register-500001-2000.csv").open(encoding="utf-8") as file:
        register = {row["id_number"]: row for row in csv.DictReader(file)}
    with (DATA / "bank-accounts-500001-2000.csv").open(encoding="utf-8") as file:
        noted = [row for row in csv.DictReader(file) if "; try it for " in row["note"]]
    changes: dict[str, list[Wish]] = {"failing": [], NEW: [], CLOSED: []}
    for row in noted:
        kind, _, id_number = row["note"].partition("; try it for ")
        person = register[id_number]
        wish = Wish(person["name"], id_number, row["bank_code"], row["account_no"], row["card_type"])
        fails = person["payment"].startswith("failed")
        if kind in changes:
            changes["failing" if kind == NEW and fails else kind].append(wish)
    fine = [wish for wish in changes[NEW] if register[wish.id_number]["payment"] == "paid"]
    return changes["failing"], fine, changes[CLOSED]


def paid_again_fen(ids: list[str]) -> int:
    """What the repaid people and the organizations are together, from the county's own files."""
    with (DATA / "batch-500001-2000.csv").open(encoding="gb18030") as file:
        mine = [row["补贴金额（元）"] for row in csv.DictReader(file) if row["身份证号"] in ids]
    return ORGANIZATIONS_FEN + sum(round(float(yuan) * 100) for yuan in mine)


ORGANIZATIONS_FEN = 114_522_400

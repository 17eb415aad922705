"""What record_histories plays on the card side: every kind of run to its different ends."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from deploy.demo.citizens import Browser, phone
from deploy.demo.drawings import drawing
from deploy.demo.people import County, Json, wait_for
from deploy.demo.play import REFUSE_ME
from models.words.calendar import china_today
from tests.card_ground import card
from tests.county_files import DATA, CountyFile
from tests.register_files import accounts_file
from tests.whole_stack import Whole

HOME, OTHER = "500001", "500003"
BANK, REASON = "ICBC", "停用旧卡，启用新卡"
NEW_CARDS = tuple(card(700_000 + place) for place in range(12))


@dataclass(frozen=True)
class Citizen:
    name: str
    id_number: str
    bank_code: str
    old_card: str


def known_citizens(file: CountyFile) -> list[Citizen]:
    """Those of the file whom platform and bank know without any trouble."""
    with (DATA / "register-500001-2000.csv").open(encoding="utf-8-sig", newline="") as register:
        known = {row["id_number"]: row for row in csv.DictReader(register)}
    rows = [(line["姓名"], known[line["身份证号"]]) for line in file.lines if line["身份证号"] in known]
    fine = [row for name, row in rows if (row["name"], row["payment"]) == (name, "paid") and row["account_no"]]
    return [Citizen(row["name"], row["id_number"], row["bank_code"], row["account_no"]) for row in fine]


class CardSide:
    """Citizens, village operators and reviewers of a stack whose register holds the file's people."""

    def __init__(self, whole: Whole, file: CountyFile) -> None:
        self.whole = whole
        self.home, self.other = whole.people[HOME], whole.people[OTHER]
        self.api_url = whole.stack.layout.api_url
        self._citizens = iter(known_citizens(file))
        self._cards = iter(NEW_CARDS)

    def play(self) -> None:
        self.sign_ins_that_fail()
        mover = next(self._citizens)
        self.village_entries(mover)
        self.applied_in_two_counties(mover)
        self.decided_otherwise()
        self.failed_and_tried_again()
        self.invalidated_in_the_middle()
        self.account_checks()
        self.first_loads(mover)
        self.whole.until("all runs closed", lambda: not self._open_runs(), seconds=90)

    def _open_runs(self) -> list[tuple[object, ...]]:
        kinds = ["face-login", "card-change", "village-entry", "account-check", "account-event", "register-load"]
        return self.whole.rows("SELECT workflow_id FROM run WHERE kind = ANY(%s) AND closed_at IS NULL", kinds)

    def sign_ins_that_fail(self) -> None:
        browser = Browser(self.api_url)
        try:
            login = browser.ask_to_sign_in("pc")
            phone(login["url"], "scanned")
            browser.progress(login["login_no"], "waiting")
            phone(login["url"], "failed")
            wait_for(
                "人脸识别未通过",
                lambda: browser.get(f"/citizen/logins/{login['login_no']}"),
                lambda seen: seen["stage"] == "failed",
            )
        finally:
            browser.close()

    def village_entries(self, mover: Citizen) -> None:
        """One refused by the reviewer, one applied: the mover has an account in two counties then."""
        self.other.operator.get("/catalogs/banks", fund_year=china_today().year)
        self._bank_knows(mover, mover.old_card, mover.bank_code)
        first = self._enter(mover)
        self.other.reviewer.post(f"/village-entries/{first}/refusal", {"remark": "照片看不清"})
        self._entry_at(first, "refused")
        second = self._enter(mover)
        self.other.reviewer.post(f"/village-entries/{second}/confirmation", {"remark": "属实"})
        self._entry_at(second, "applied")

    def first_loads(self, mover: Citizen) -> None:
        """One that stops as 待确认 and is refused by the reviewer, one that is loaded; and a trial of the platform."""
        other = next(self._citizens)
        rows = [(one.name, one.id_number, one.bank_code, one.old_card, None) for one in (mover, other)]
        shared = [*rows[:1], (*rows[1][:2], *rows[0][2:])]
        for accounts, ends in ((shared, "not_taken"), (rows, "loaded")):
            number = self.other.operator.upload(
                "/register-loads", "a.xlsx", accounts_file(accounts), as_of=china_today().isoformat()
            )["load_no"]
            if ends == "not_taken":
                self._load_at(number, "to_confirm")
                self.other.operator.post(f"/register-loads/{number}/continuation", {"reason": "共用"})
            self._load_at(number, "entered")
            act, body = ("refusal", {"remark": "不符"}) if ends == "not_taken" else ("confirmation", {})
            self.other.reviewer.post(f"/register-loads/{number}/{act}", body)
            self._load_at(number, ends)
        self.other.admin.post("/platform-trials")
        path = "/going-live"
        wait_for("试连平台", lambda: self.other.admin.get(path), lambda seen: seen["trial"] is not None)

    def _load_at(self, load_no: str, stage: str) -> None:
        path = f"/register-loads/{load_no}"
        wait_for("初始导入", lambda: self.other.reviewer.get(path), lambda seen: seen["stage"] == stage)

    def _enter(self, citizen: Citizen) -> str:
        photo = self.other.operator.file_id("card.jpg", drawing("card", citizen.old_card[-4:]))
        body = {"name": citizen.name, "id_number": citizen.id_number, "card_type": "bank_card", "reason": "尚无账号"}
        body |= {"bank_code": citizen.bank_code, "account_no": citizen.old_card}
        number = str(self.other.operator.post("/village-entries", body | {"photo_file_id": photo})["entry_no"])
        self._entry_at(number, "entered")
        return number

    def _entry_at(self, entry_no: str, stage: str) -> None:
        path = f"/village-entries/{entry_no}"
        wait_for("村社申报", lambda: self.other.reviewer.get(path), lambda seen: seen["stage"] == stage)

    def applied_in_two_counties(self, mover: Citizen) -> None:
        """Both counties' 上卡 side by side, one decided before the other."""
        with self._signed_in(mover) as browser:
            number = self._change(browser, mover, [HOME, OTHER])
            self._decide(self.home, number)
            self._at(browser, number, lambda seen: _stages(seen)[HOME] == "applied")
            self._decide(self.other, number)
            self._ended(browser, number, "applied")

    def decided_otherwise(self) -> None:
        """Refused by the reviewer; taken back; refused by the bank."""
        for outcome in ("refused", "withdrawn", "failed"):
            citizen = next(self._citizens)
            with self._signed_in(citizen) as browser:
                number = self._change(browser, citizen, [HOME], known=outcome != "failed")
                if outcome == "refused":
                    self._decide(self.home, number, passed=False)
                elif outcome == "withdrawn":
                    browser.post(f"/citizen/matters/{number}/withdrawal")
                self._ended(browser, number, outcome)

    def failed_and_tried_again(self) -> None:
        citizen = next(self._citizens)
        with self._signed_in(citizen) as browser:
            number = self._change(browser, citizen, [HOME], reason=REASON + REFUSE_ME)
            self._decide(self.home, number)
            self._ended(browser, number, "failed")
            self.home.reviewer.post(f"/card-changes/{number}.{HOME}/retry")
            self.whole.until(
                "the second attempt",
                lambda: self.whole.one(
                    "SELECT 1 FROM card_change_part WHERE part_no = %s AND attempt = 2 AND stage = 'failed'",
                    f"{number}.{HOME}",
                ),
            )

    def invalidated_in_the_middle(self) -> None:
        citizen = next(self._citizens)
        with self._signed_in(citizen) as browser:
            number = self._change(browser, citizen, [HOME])
            wish = {"county_code": HOME, "id_number": citizen.id_number, "account_no": citizen.old_card}
            wish |= {"bank_code": citizen.bank_code, "trigger": "manual", "reason_code": "account_closed"}
            self.whole.platform("POST", "/invalidate", wish)
            self._ended(browser, number, "failed")

    def account_checks(self) -> None:
        """One account, then the county."""
        account = self.home.reviewer.get("/register", limit=1, status="valid")["items"][0]["account_id"]
        for what in ({"account_id": account}, {"county": HOME}):
            path = f"/account-checks/{self.home.operator.post('/account-checks', what)['round_no']}"
            wait_for("账号核验", lambda path=path: self.home.reviewer.get(path), lambda seen: seen["stage"] == "done")  # type: ignore[misc]

    @contextmanager
    def _signed_in(self, citizen: Citizen) -> Iterator[Browser]:
        browser = Browser(self.api_url)
        try:
            browser.sign_in(citizen.name, citizen.id_number)
            yield browser
        finally:
            browser.close()

    def _change(
        self, browser: Browser, citizen: Citizen, counties: list[str], reason: str = REASON, known: bool = True
    ) -> str:
        """Given in, and past the bank if it knows the new card."""
        new_card = next(self._cards)
        if known:
            self._bank_knows(citizen, new_card)
        body = {"counties": counties, "card_type": "bank_card", "account_no": new_card, "bank_code": BANK}
        matter = browser.post("/citizen/card-changes", body | {"reason": reason, "authorised": True})
        number = str(matter["request_no"])
        self._at(browser, number, lambda seen: seen["stage"] != "validating")
        return number

    def _decide(self, county: County, request_no: str, passed: bool = True) -> None:
        body = {"passed": passed, "remark": "已核对" if passed else "资料不全"}
        county.reviewer.post(f"/card-changes/{request_no}.{county.code}/decision", body)

    def _at(self, browser: Browser, request_no: str, ready: Callable[[Json], bool]) -> Json:
        return wait_for("账号变更", lambda: browser.get(f"/citizen/matters/{request_no}"), ready)

    def _ended(self, browser: Browser, request_no: str, result: str) -> None:
        seen = self._at(browser, request_no, lambda seen: seen["stage"] == "ended")
        assert seen["result"] == result, seen

    def _bank_knows(self, citizen: Citizen, account_no: str, bank_code: str = BANK) -> None:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status"))
        rows.writerow((bank_code, account_no, "bank_card", citizen.name, citizen.id_number, "open"))
        url = f"{self.whole.stack.layout.simulator_url}/admin/bank-accounts"
        httpx.post(url, content=text.getvalue(), trust_env=False, timeout=30).raise_for_status()


def _stages(matter: Json) -> dict[str, str]:
    return {county["code"]: county["stage"] for county in matter["counties"]}

"""初始导入 over HTTP: what stops a file, who may say what of it, the bank's pages, and what is never covered."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from deploy.stack.objects import Access
from models.store.register.loads import end_load, locked_load
from models.store.retention import clear_old
from models.store.runs.look import note_decided
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from models.words.calendar import china_today
from models.words.card_stages import LoadStage
from models.words.staff import Role
from models.words.waiting import LOAD
from tests.application_lines import card, citizen_id
from tests.load_bank import Hands, hands_at, subject_of
from tests.page_ground import at, office_with_files
from tests.register_files import HEADERS, Row, accounts_csv, accounts_file
from tests.rows import (
    ADMIN,
    AUDITOR,
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    YEAR,
    Line,
    Office,
    account_no,
    add_applications,
    count_of,
)
from tests.rows import citizen_id as citizen_of
from tests.standing_accounts import standing_account
from tests.tiny_runs import eventually
from tests.two_writers import until_blocked

TODAY = china_today().isoformat()
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def hands(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Hands]:
    async with office_with_files(database_url, tmp_path, s3_settings) as office, hands_at(office) as opened:
        yield opened


def row(place: int, **changes: str | None) -> Row:
    values: dict[str, str | None] = {
        "name": "周建国",
        "id_number": citizen_id(place),
        "bank": "中国工商银行",
        "account_no": card(place),
        "card_type": None,
    }
    return list((values | changes).values())


async def handed(hands: Hands, *rows: Row, as_of: str = TODAY, **more: str) -> str:
    return await handed_file(hands, accounts_file(rows), as_of, **more)


async def handed_file(hands: Hands, data: bytes, as_of: str = TODAY, **more: str) -> str:
    answer = await hands.hand_in_file(data, as_of, **more)
    assert answer.status_code == 202, answer.text
    load_no = str(answer.json()["load_no"])
    await hands.check(load_no)
    return load_no


async def shown(hands: Hands, load_no: str, who: str = REVIEWER) -> dict[str, object]:
    answer = await hands.office.get(f"/register-loads/{load_no}", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def entered(hands: Hands, *rows: Row, as_of: str = TODAY) -> str:
    load_no = await handed(hands, *rows, as_of=as_of)
    await hands.ask(load_no)
    return load_no


async def confirmed(hands: Hands, load_no: str, who: str = REVIEWER) -> int:
    answer = await hands.office.post(f"/register-loads/{load_no}/confirmation", {}, who)
    if answer.status_code == 200:
        await hands.take(load_no)
    return answer.status_code


async def put(
    office: Office, place: int, account: str | None = None, status: str = "valid", person: str | None = None
) -> str:
    """An account in the register for long: gives the person's index."""
    account_of = standing_account(
        office.vault, COUNTY, person or citizen_id(place), "周建国", "ICBC", account or card(place), status
    )
    async with office.database.transaction() as session:
        session.add(account_of)
        return account_of.person_index


async def accounts(office: Office) -> dict[str, tuple[str, str, str]]:
    """Account, status and source by id number."""
    rows = await office.rows(
        "SELECT county_code, person_index, id_number_sealed, account_sealed, status, source FROM register_account"
    )
    found = {}
    for county, person, id_number, account, status, source in rows:
        place = f"{county}/{person}"
        number = office.vault.open(Field.ACCOUNT, place, str(account))
        found[office.vault.open(Field.ID_NUMBER, place, str(id_number))] = (number, str(status), str(source))
    return found


# --- the file


async def test_every_cell_at_fault_is_told_and_comes_back_to_be_corrected(hands: Hands) -> None:
    company = {
        "name": "金江合作社",
        "id_number": "91500001BRNYTPLXGA",
        "account_no": "510722667712",
        "card_type": "存折",
    }
    bad = [
        row(1, id_number=citizen_id(1)[:-1] + ("1" if citizen_id(1)[-1] != "1" else "2")),
        row(2, account_no="6202270601910664643"),
        row(3, bank="无此银行", card_type="信用卡"),
        row(4, name=""),
        row(5),
        row(6, id_number=citizen_id(5)),
        row(7, **company),
        row(8, name="=1+1"),
    ]
    load_no = await handed(hands, *bad)
    seen = await shown(hands, load_no)
    assert (seen["stage"], seen["rows_total"], seen["rows_refused"]) == ("refused", 8, 7)
    told = {(each["row"], each["column"], each["code"]) for each in seen["faults"]}  # type: ignore[attr-defined]
    assert told == {
        (2, "身份证号/信用代码", "ID_CHECK_DIGIT"),
        (3, "一卡通账号", "ACCOUNT_CHECK_DIGIT"),
        (4, "一卡通开户行", "BANK_UNKNOWN"),
        (4, "卡类型", "CARD_TYPE_UNKNOWN"),
        (5, "姓名/组织名称", "REQUIRED"),
        (6, "身份证号/信用代码", "PERSON_TWICE"),
        (7, "身份证号/信用代码", "PERSON_TWICE"),
        (9, "姓名/组织名称", "CHARACTERS"),
    }
    assert citizen_id(5) not in str(seen)
    answer = await hands.office.get(f"/register-loads/{load_no}/refused-rows", OPERATOR)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert (book.active.max_row, [cell.value for cell in book.active[1]][-2:]) == (8, ["原行号", "拒绝原因"])
    assert await hands.office.rows("SELECT thing, purpose FROM disclosure") == [("register_load", "export")]
    assert await count_of(hands.office, "register_load_row") == 0
    # the same file comes back corrected, its columns of reasons and all; what it corrects is nobody's to-do any more
    todo = "/register-loads"
    assert len((await hands.office.get(todo, OPERATOR, to_do="true")).json()["items"]) == 1
    second = await handed(hands, row(5), row(7, **company), corrects=load_no)
    assert (await hands.office.get(todo, OPERATOR, to_do="true")).json()["items"] == []
    assert (await shown(hands, load_no))["corrected_by"] == [second]
    assert (await shown(hands, second))["stage"] == "asking"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\x03\x04not a zip", "FILE_DAMAGED"),
        (",".join(HEADERS).encode(), "NO_ROWS"),
        ("甲,乙,丙\r\n1,2,3".encode(), "HEADER_MISSING"),
        (accounts_csv([]).replace(",一卡通开户行".encode(), b"") + b"\r\n1,2,3,4", "COLUMN_MISSING"),
    ],
    ids=["damaged", "empty", "other columns", "column missing"],
)
async def test_a_file_that_is_none_is_refused_with_why(hands: Hands, data: bytes, code: str) -> None:
    answer = await hands.hand_in_file(data, TODAY)
    load_no = answer.json()["load_no"]
    await hands.check(load_no)
    seen = await shown(hands, load_no)
    assert (seen["stage"], {each["code"] for each in seen["faults"]}) == ("refused", {code})  # type: ignore[attr-defined]
    assert seen["problem"]
    empty = await hands.hand_in_file(b"", TODAY)
    assert (empty.status_code, empty.json()["code"]) == (422, "FILE_EMPTY")


async def test_what_is_odd_stops_the_file_until_an_operator_says_that_it_is_meant(hands: Hands) -> None:
    """One account of two people, a file that was loaded before; nothing is asked at the bank until then."""
    office = hands.office
    file = accounts_csv([row(1), row(2, account_no=card(1))])
    load_no = await handed_file(hands, file)
    seen = await shown(hands, load_no)
    assert (seen["stage"], seen["rows_to_confirm"], hands.bank.pages) == ("to_confirm", 2, [])
    assert {each["code"] for each in seen["to_confirm"]} == {"ACCOUNT_SHARED"}  # type: ignore[attr-defined]
    assert (await office.get("/to-dos", OPERATOR)).json()["mine"][0]["kind"] == "load_to_confirm"
    early = await office.post(f"/register-loads/{load_no}/confirmation", {}, REVIEWER)
    assert (early.status_code, early.json()["code"]) == (409, "LOAD_NOT_WAITING")
    assert (await office.post(f"/register-loads/{load_no}/continuation", {"reason": "夫妻共用"})).status_code == 200
    again = await office.post(f"/register-loads/{load_no}/continuation", {"reason": "夫妻共用"})
    assert (again.status_code, again.json()["code"]) == (409, "LOAD_NOT_WAITING")
    await hands.ask(load_no)
    assert (await shown(hands, load_no))["new"] == 2
    assert await confirmed(hands, load_no) == 200
    second = await handed_file(hands, file)
    found = (await shown(hands, second))["to_confirm"]
    assert {each["code"] for each in found} == {"FILE_KNOWN", "ACCOUNT_SHARED"}  # type: ignore[attr-defined]
    dropped = await office.post(f"/register-loads/{second}/withdrawal", {"reason": "传错了"})
    assert (dropped.json()["stage"], dropped.json()["decision_reason"]) == ("refused", "传错了")
    assert (await office.get("/register-loads", OPERATOR, to_do="true")).json()["items"] == []


# --- the bank


async def test_pages_are_asked_once_whatever_breaks_between_them(hands: Hands) -> None:
    hands.bank.bad, hands.bank.largest = {card(3): "account_closed"}, 4
    load_no = await handed(hands, *(row(place) for place in range(1, 11)))
    # three attempts of the activity, two at once in the end
    await hands.office.run("UPDATE register_load SET page_size = 6")
    hands.bank.away = 1
    await hands.ask_until_away(load_no)
    assert (await shown(hands, load_no))["rows_asked"] == 0
    hands.bank.largest = 4
    await asyncio.gather(hands.ask(load_no), hands.ask_until_away(load_no))
    seen = await shown(hands, load_no)
    assert (seen["stage"], seen["rows_asked"], seen["new"], seen["refused"]) == ("entered", 10, 9, 1)
    asked = sorted(account for page in {tuple(page) for page in hands.bank.pages} for account in page)
    assert asked == sorted(card(place) for place in range(1, 11))
    [refused] = (await hands.office.get(f"/register-loads/{load_no}/rows", REVIEWER, outcome="refused")).json()["items"]
    assert (refused["row"], refused["why"], refused["name"]) == (4, "账户已销户", "**国")


async def test_a_load_that_is_dropped_asks_no_more(hands: Hands) -> None:
    load_no = await handed(hands, row(1))
    answer = await hands.office.post(f"/register-loads/{load_no}/withdrawal", {"reason": "数据有误"})
    dropped = answer.json()
    assert (dropped["stage"], dropped["run"]["waiting_for"], dropped["run"]["next"]) == ("refused", "", None)
    # its run has only to close, and nobody is waited for meanwhile
    told = (await hands.office.get("/to-dos")).json()
    assert [each["label"] for each in told["others"] if each["kind"] == "runs"] == []
    assert (await hands.office.get("/runs", overdue="false")).json()["items"][0]["next_by"] is None
    await hands.ask(load_no)
    await hands.take(load_no)
    assert (hands.bank.pages, await count_of(hands.office, "register_account")) == ([], 0)


async def test_a_look_that_comes_upon_an_act_says_what_the_act_has_made_of_it(hands: Hands) -> None:
    office, load_no = hands.office, await entered(hands, row(1))
    async with office.database.transaction() as session:
        load = await locked_load(session, load_no)
        assert load is not None
        await end_load(session, load, LoadStage.NOT_TAKEN)
        await note_decided(session, subject_of(load_no).workflow_id, load.stage.value)
        looking = asyncio.create_task(hands.look(load_no))
        await until_blocked(office.database, looking)
    look = await looking
    assert (look.stage, look.done) == ("not_taken", True)


# --- the register


async def test_differences_are_told_and_nothing_newer_is_covered(hands: Hands) -> None:
    office = hands.office
    await put(office, 1)
    await put(office, 2, card(102))
    await put(office, 3, status="invalid")
    newer = await put(office, 4, card(104))
    locked = await put(office, 5, card(105))
    await office.run(
        "INSERT INTO register_change (register_account_id, source, actor, new_status, at)"
        " SELECT id, '渝快办', 'x', 'valid', now() FROM register_account WHERE person_index = :person",
        person=newer,
    )
    await lock(office, locked)
    load_no = await entered(hands, *(row(place) for place in range(1, 7)))
    rows = (await office.get(f"/register-loads/{load_no}/rows", REVIEWER)).json()["items"]
    assert [(each["row"], each["outcome"]) for each in rows] == [
        *((2, "same"), (3, "changed"), (4, "changed"), (5, "left_out"), (6, "left_out"), (7, "new"))
    ]
    assert (rows[1]["old_account_no"], rows[2]["old_status_label"]) == (f"****{card(102)[-4:]}", "无效")
    # since it was compared: a change of one begins, another one gets an account
    await lock(office, person_of(office, 3))
    await put(office, 6, card(106))
    assert await confirmed(hands, load_no) == 200
    seen = await shown(hands, load_no)
    assert (seen["stage"], seen["new"], seen["changed"], seen["left_out"]) == ("loaded", 0, 1, 4)
    held = await accounts(office)
    assert held[citizen_id(2)] == (card(2), "valid", "初始导入")
    assert held[citizen_id(3)] == (card(3), "invalid", "申请录入")
    assert held[citizen_id(4)][0] == card(104)
    assert held[citizen_id(5)][0] == card(105)
    assert held[citizen_id(6)] == (card(106), "valid", "申请录入")
    [history] = await office.rows(
        "SELECT c.source, c.actor, c.old_status, c.new_status FROM register_change c JOIN register_account r ON"
        " r.id = c.register_account_id WHERE c.source = '初始导入'"
    )
    assert history == ("初始导入", REVIEWER, "valid", "valid")


def person_of(office: Office, place: int) -> str:
    return office.vault.index(Field.ID_NUMBER, citizen_id(place))


async def lock(office: Office, person: str) -> None:
    async with office.database.transaction() as session:
        await lock_in(session, person)


async def test_a_change_that_begins_while_the_load_is_taken_is_not_covered(hands: Hands) -> None:
    """Its lock is there when the register is written, and not committed yet when the load looked first."""
    office = hands.office
    await put(office, 1, card(101))
    await put(office, 2, card(102))
    load_no = await entered(hands, row(1), row(2))
    answer = await office.post(f"/register-loads/{load_no}/confirmation", {}, REVIEWER)
    assert (answer.status_code, answer.json()["run"]["waiting_for"]) == (200, LOAD[LoadStage.TAKING])
    async with office.database.transaction() as session:
        await fetch_int(session, "SELECT count(*) FROM register_account")
        await lock_in(session, person_of(office, 1))
        taking = asyncio.create_task(hands.take(load_no))
        await waits(office)
    await taking
    held = await accounts(office)
    assert (held[citizen_id(1)][0], held[citizen_id(2)][0]) == (card(101), card(2))
    seen = await shown(hands, load_no)
    assert (seen["changed"], seen["left_out"]) == (1, 1)


async def lock_in(session: AsyncSession, person: str) -> None:
    await execute(
        session,
        "INSERT INTO account_lock (county_code, person_index, request_no, since)"
        " VALUES (:county, :person, 'K-1', now())",
        county=COUNTY,
        person=person,
    )


async def waits(office: Office) -> None:
    """Until somebody waits for the table of locks."""
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'account_lock'::regclass"
    await eventually(lambda: office.rows(waiting))


async def test_taken_twice_or_by_two_at_once_it_is_there_once(hands: Hands) -> None:
    load_no = await entered(hands, *(row(place) for place in range(1, 6)))
    assert (await hands.office.post(f"/register-loads/{load_no}/confirmation", {}, REVIEWER)).status_code == 200
    await asyncio.gather(hands.take(load_no), hands.take(load_no))
    await hands.take(load_no)
    assert await count_of(hands.office, "register_account") == await count_of(hands.office, "register_change") == 5


async def test_what_the_bank_refused_in_a_load_is_foreseen_of_that_account(hands: Hands) -> None:
    """The register never had it, so no check of the register tells of it; until there is later word."""
    office = hands.office
    hands.bank.bad = {account_no(1): "account_frozen"}
    load_no = await entered(
        hands, *(row(place, id_number=citizen_of(place), account_no=account_no(place)) for place in (1, 2))
    )
    assert await confirmed(hands, load_no) == 200
    line = Line(100, person=1, bank_code="ICBC", stage="publicised", verification="none", match_outcome=None)
    lines = [line, replace(line, person=2), replace(line, bank_code="BANK-A")]
    async with office.database.transaction() as session:
        numbers = await add_applications(session, office.vault, lines, None)
    asked = {"act": "initialisation", "fund_year": str(YEAR), "kind": "account_invalid"}
    [told] = (await office.get("/pre-flight/lines", REVIEWER, **asked)).json()["items"]
    assert (told["application_no"], told["because"]) == (numbers[0], f"{TODAY} 账户已冻结")
    browser = await at(office, REVIEWER)
    page = await browser.open(f"/console/pre-flight/{YEAR}/initialisation/account_invalid")
    assert "须换账号的：村社申报" in page.main
    page = await browser.submit(page, "审核退回", everything="true")
    assert "1" in page.main
    await put(office, 1, account_no(1), person=citizen_of(1))
    assert len((await office.get("/pre-flight/lines", REVIEWER, **asked)).json()["items"]) == 1
    await office.run(
        "INSERT INTO register_change (register_account_id, source, actor, new_status, at) SELECT id, '渝快办', 'x',"
        " 'valid', now() FROM register_account ORDER BY id DESC LIMIT 1"
    )
    assert (await office.get("/pre-flight/lines", REVIEWER, **asked)).json()["items"] == []


# --- people


async def test_two_persons_and_nobody_for_the_own_account(hands: Hands) -> None:
    office = hands.office
    load_no = await entered(hands, row(1), row(2))
    answer = await office.post(f"/register-loads/{load_no}/confirmation", {}, OPERATOR, role=Role.REVIEWER)
    assert (answer.status_code, answer.json()["code"]) == (403, "SAME_PERSON")
    for who in (OPERATOR, ADMIN):
        answer = await office.post(f"/register-loads/{load_no}/confirmation", {}, who)
        assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_NOT_ALLOWED")
    assert (await office.get(f"/register-loads/{load_no}", REVIEWER, OTHER_COUNTY)).status_code == 404
    assert (await office.get("/register-loads", AUDITOR)).status_code == 403
    assert (await office.post(f"/register-loads/{load_no}/confirmation", {}, REVIEWER, OTHER_COUNTY)).status_code == 404
    nothing = await office.post(f"/register-loads/{load_no}/refusal", {}, REVIEWER)
    assert nothing.status_code == 422
    both = await asyncio.gather(
        office.post(f"/register-loads/{load_no}/confirmation", {}, REVIEWER),
        office.post(f"/register-loads/{load_no}/refusal", {"remark": "不对"}, SECOND),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_one_load_at_a_time_and_none_older_than_the_register(hands: Hands) -> None:
    office = hands.office
    tomorrow = (china_today() + timedelta(days=1)).isoformat()
    future = await hands.hand_in([row(1)], tomorrow)
    assert (future.status_code, future.json()["code"]) == (422, "VALIDATION_FAILED")
    load_no = await entered(hands, row(1))
    both = await hands.hand_in([row(2)], TODAY)
    assert (both.status_code, both.json()["code"], load_no in both.json()["detail"]) == (409, "LOAD_OPEN", True)
    refused = await office.post(f"/register-loads/{load_no}/refusal", {"remark": "缺两个镇"}, REVIEWER)
    assert (refused.json()["stage"], refused.json()["remark"]) == ("not_taken", "缺两个镇")
    assert await count_of(office, "register_account") == 0
    second = await entered(hands, row(1))
    assert await confirmed(hands, second) == 200
    old = await hands.hand_in([row(2)], (china_today() - timedelta(days=1)).isoformat())
    assert (old.status_code, old.json()["code"]) == (409, "LOAD_OUTDATED")
    # of the same day again: what the first load brought is not newer than the file
    third = await entered(hands, row(1, account_no=card(101)))
    assert (await shown(hands, third))["changed"] == 1


# --- pages


@pytest.mark.journey(32)
async def test_a_journey_from_the_file_to_the_register(hands: Hands) -> None:
    """Entered by one, confirmed by another, each difference a click away; to-dos lead there."""
    office = hands.office
    hands.bank.bad = {card(2): "account_frozen"}
    browser = await at(office, OPERATOR)
    page = await browser.open((await browser.open("/console/register-loads")).link("新的初始导入"))
    assert (await browser.get(page.link("下载模板"))).headers["content-type"] == XLSX
    missing = await browser.submit(page, "上传并校对")
    assert (missing.status, "请选择要导入的" in missing.problem) == (422, True)
    file = ("账号.csv", accounts_csv([row(1), row(2), row(3)]), "text/csv")
    page = await browser.submit(missing, "上传并校对", as_of=TODAY, file=file)
    assert "文件已上传" in page.done
    load_no = page.path.split("/")[3].partition("?")[0]
    await hands.check(load_no)
    await office.run("UPDATE register_load SET rows_asked = 1")
    asking = await browser.open(f"/console/register-loads/{load_no}")
    assert "银行已核验 1 / 3" in asking.main
    await office.run("UPDATE register_load SET rows_asked = 0")
    await hands.ask(load_no)
    own = await browser.open(f"/console/register-loads/{load_no}")
    assert own.button("保存") is None
    reviewer = await at(office, REVIEWER)
    home = await reviewer.open("/console")
    listed = await reviewer.open(home.link("待复核的初始导入"))
    page = await reviewer.open(listed.link(load_no))
    [refused] = [a.get("href") for a in page.document.cssselect("dl.facts a") if a.text_content() == "1"]
    rows = await reviewer.open(refused)
    assert [each["原因"] for each in rows.rows()] == ["账户已冻结"]
    unsaid = await reviewer.submit(page, "保存", passed="false", remark="")
    assert unsaid.status == 422
    done = await reviewer.submit(unsaid, "保存", passed="true", remark="与平台一致")
    assert "复核结果已保存" in done.done
    await hands.take(load_no)
    loaded = await reviewer.open(f"/console/register-loads/{load_no}")
    assert "已登记 2 个账号" in loaded.main
    register = await reviewer.open("/console/register?source=初始导入")
    assert len(register.rows()) == 2


async def test_what_an_old_load_took_goes_and_what_it_left_as_it_was_stays(hands: Hands) -> None:
    """Its figures and its file stay too, as an import's do; the account's own history has what was taken."""
    hands.bank.bad = {card(2): "account_closed"}
    old = await entered(hands, row(1), row(2))
    assert await confirmed(hands, old) == 200
    young = await entered(hands, row(1), row(3))
    assert await confirmed(hands, young) == 200
    long_ago = "UPDATE register_load SET finished_at = now() - interval '91 days' WHERE load_no = :no"
    await hands.office.run(long_ago, no=old)
    async with hands.office.database.transaction() as session:
        assert not await clear_old(session, hands.office.parts.settings, "register_load_row")
    rows = await hands.office.rows(
        "SELECT d.load_no, w.outcome FROM register_load_row w JOIN register_load d ON d.id = w.load_id ORDER BY w.id"
    )
    assert rows == [(old, "refused"), (young, "same"), (young, "new")]
    told = await shown(hands, old)
    assert (told["new"], told["refused"]) == (1, 1)
    assert await count_of(hands.office, "register_change WHERE source = '初始导入'") == 2

"""The change form: what is missing, what fails either validation, double clicks, two devices, 撤销."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.demo.citizens import Browser
from deploy.demo.people import Json, Refused
from models.contracts import RunKind, Signal, workflow_id
from models.store.cards.decisions import decide_part
from models.words.card_stages import PartStage
from models.words.stages import AccountStatus
from tests.application_lines import card
from tests.citizens import Someone, account_held, account_is, bank_knows, browser_of, form, index_of, matter_when
from tests.province import Province
from tests.test_logins import refusal

pytest_plugins = ["tests.province_fixtures"]
MEI, YONG = Someone(2029), Someone(2030, "吴勇")
FORM = "/citizen/card-changes"
STARRED = ("counties", "card_type", "account_no", "bank_code", "authorised")


def refused(mine: Browser, body: Json) -> Json:
    with pytest.raises(Refused) as raised:
        mine.post(FORM, body)
    return {"status": raised.value.status} | raised.value.problem


def decided(province: Province, part_no: str, passed: bool, remark: str | None = None) -> None:
    """What a reviewer of the county does."""

    async def decide() -> None:
        async with province.database.transaction() as session:
            await decide_part(session, province.vault, part_no, passed, remark, "reviewer")

    province.portal.call(decide)


def bank_away(province: Province) -> None:
    """Requests stay 验证中."""
    province.platform.ask("PUT", "/faults", {"rates": {"5xx": 1.0}, "only": {"5xx": ["verifyAccount"]}})


def kept(province: Province) -> int:
    return int(province.rows("SELECT count(*) FROM card_change")[0][0])


@pytest.mark.parametrize("missing", STARRED)
def test_without_a_starred_field_nothing_is_saved(province: Province, missing: str) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    filled = form([county], MEI.new_card)
    blank: dict[str, object] = {
        "counties": [],
        "card_type": None,
        "account_no": "  ",
        "bank_code": "",
        "authorised": False,
    }
    with browser_of(province, MEI) as mine:
        for body in ({k: v for k, v in filled.items() if k != missing}, filled | {missing: blank[missing]}):
            problem = refused(mine, body)
            assert (problem["status"], problem["code"]) == (422, "VALIDATION_FAILED")
            assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(f"/{missing}", "REQUIRED")]
        assert refusal(mine.post, f"{FORM}/preview", filled | {missing: blank[missing]}) == (422, "VALIDATION_FAILED")
        everything = refused(mine, {})
        assert [error["pointer"] for error in everything["errors"]] == [f"/{name}" for name in STARRED]
        assert "本人持有账号且同意对当前账号进行状态查询等验证" in everything["errors"][-1]["detail"]
        assert mine.get("/citizen/matters")["items"] == []
    assert kept(province) == 0
    assert province.rows("SELECT count(*) FROM account_lock") == [(0,)]


@pytest.mark.parametrize(
    "body",
    [
        {"authorised": "yes"},
        {"authorised": 1},
        {"counties": "500001"},
        {"counties": ["50000A"]},
        {"counties": ["500001"] * 101},
        {"card_type": "gold"},
        {"account_no": "6" * 61},
        {"account_no": 6222021234567890128},
        {"bank_code": "IC\u0000BC"},
        {"reason": "长" * 201},
        {"holder": "吴勇"},
    ],
)
def test_a_form_of_another_shape_is_refused(province: Province, body: Json) -> None:
    with browser_of(province, MEI) as mine:
        problem = refused(mine, form([province.county_code()], MEI.new_card) | body)
        assert (problem["status"], problem["code"]) == (422, "VALIDATION_FAILED")
        assert "6222021234567890128" not in str(problem)
    assert kept(province) == 0


def _wrong_digit(account_no: str) -> str:
    return account_no[:-1] + str((int(account_no[-1]) + 1) % 10)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"account_no": _wrong_digit(MEI.new_card)}, "ACCOUNT_CHECK_DIGIT", "校验位不符"),
        ({"account_no": "".join(chr(ord(d) + 0xFEE0) for d in MEI.new_card)}, "FULL_WIDTH", "全角"),
        ({"account_no": MEI.new_card[:7]}, "ACCOUNT_FORMAT", "8 至 30 位"),
        ({"account_no": "6222_0212_3456_7890"}, "ACCOUNT_FORMAT", "8 至 30 位"),
        ({"account_no": MEI.old_card, "bank_code": "CRCB"}, "SAME_ACCOUNT", "新账号与现用账号相同"),
        ({"bank_code": "NOBANK"}, "BANK_UNKNOWN", "开户行"),
        ({"counties": ["999999"]}, "COUNTY_NOT_IN_USE", "使用区县"),
    ],
)
def test_what_fails_basic_validation_is_kept_and_shown_at_once(
    province: Province, changes: Json, code: str, words: str
) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    with browser_of(province, MEI) as mine:
        weighed = mine.post(f"{FORM}/preview", form([county], MEI.new_card) | changes)
        assert words in weighed["fault"]
        assert kept(province) == 0, "a preview saves nothing"
        shown = mine.post(FORM, form([county], MEI.new_card) | changes)
        assert (shown["state_label"], shown["result_label"]) == ("已办理", "申请失败")
        assert shown["failure_code"] == code
        assert words in shown["failure"]
        assert shown["finished_at"] is not None
        assert shown["may_withdraw"] is False
        assert shown["steps"][-1]["words"].startswith("基本验证未通过")
        [listed] = mine.get("/citizen/matters", state="ended")["items"]
        assert listed == mine.get(f"/citizen/matters/{shown['request_no']}")
        assert mine.get("/citizen/matters", state="open")["items"] == []
        assert mine.get("/citizen/account")["cards"][0]["may_change"] is True
    assert province.rows("SELECT count(*) FROM account_lock WHERE ended_at IS NULL") == [(0,)]
    assert province.rows("SELECT count(*) FROM run WHERE kind = 'card-change'") == [(0,)]


@pytest.mark.parametrize("status", [AccountStatus.CLEARED, None])
def test_a_county_without_an_account_cannot_be_chosen(province: Province, status: AccountStatus | None) -> None:
    first, second = province.county_code(1), province.county_code(2)
    account_held(province, MEI, first)
    if status is not None:
        account_held(province, MEI, second)
        account_is(province, MEI, second, status)
    with browser_of(province, MEI) as mine:
        shown = mine.post(FORM, form([first, second], MEI.new_card))
    assert (shown["result"], shown["failure_code"]) == ("failed", "COUNTY_NOT_IN_USE")
    assert province.rows("SELECT county_code FROM trail_entry WHERE actor = 'citizen'") == [(first,)]
    assert {county["stage"] for county in shown["counties"]} == {"failed"}


@pytest.mark.parametrize(
    ("holder", "status", "words"),
    [
        (YONG, "open", "户名不一致"),
        (MEI, "closed", "已销户"),
        (MEI, "frozen", "已冻结"),
        (None, "", "账号不存在"),
    ],
)
def test_what_the_bank_will_not_have_is_kept_as_failed(
    province: Province, holder: Someone | None, status: str, words: str
) -> None:
    county, number = province.county_code(), card(int(province.code) * 1000 + len(words))
    account_held(province, MEI, county)
    if holder is not None:
        bank_knows(province, number, holder, status)
    with browser_of(province, MEI) as mine:
        asked = mine.post(FORM, form([county], number))
        assert (asked["state_label"], asked["stage_label"]) == ("申请中", "验证中")
        seen = matter_when(mine, asked["request_no"], "failed")
        assert (seen["state_label"], seen["result_label"]) == ("已办理", "申请失败")
        assert words in seen["failure"]
        [face] = mine.get("/citizen/account")["cards"]
        assert (face["account_no"], face["status"], face["may_change"]) == (MEI.old_card, "valid", True)


def test_a_card_in_groups_as_it_is_printed_is_the_card(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    bank_knows(province, MEI.new_card, MEI)
    printed = " ".join(MEI.new_card[place : place + 4] for place in range(0, len(MEI.new_card), 4))
    with browser_of(province, MEI) as mine:
        asked = mine.post(FORM, form([county], f" {printed}\u3000"))
        assert (asked["state_label"], asked["account_no"]) == ("申请中", MEI.new_card)
        number = asked["request_no"]
        matter_when(mine, number, "in_review")
        mine.post(f"/citizen/matters/{number}/withdrawal")
        old = "-".join(MEI.old_card[place : place + 4] for place in range(0, len(MEI.old_card), 4))
        assert mine.post(FORM, form([county], old) | {"bank_code": "CRCB"})["failure_code"] == "SAME_ACCOUNT"


def test_a_good_request_waits_for_its_reviewers_and_is_applied(province: Province) -> None:
    first, second = province.county_code(1), province.county_code(2)
    for county in (first, second):
        account_held(province, MEI, county)
    bank_knows(province, MEI.new_card, MEI)
    with browser_of(province, MEI) as mine:
        asked = mine.post(FORM, form([first, second], MEI.new_card))
        number = asked["request_no"]
        assert (asked["bank"], asked["account_no"], asked["reason"]) == (
            "中国工商银行",
            MEI.new_card,
            "停用旧卡，启用新卡",
        )
        seen = matter_when(mine, number, "in_review")
        assert {county["stage_label"] for county in seen["counties"]} == {"待审核"}
        account = mine.get("/citizen/account")
        assert (account["open_matter"], account["cards"][0]["account_no"]) == (number, MEI.old_card)
        assert account["cards"][0]["may_change"] is False
        decided(province, f"{number}.{first}", True)
        decided(province, f"{number}.{second}", False, "照片不清")
        wake(province, number)
        seen = matter_when(mine, number, "applied", "refused")
        assert (seen["result_label"], seen["state_label"]) == ("部分区县变更成功", "已办理")
        told = {county["code"]: (county["stage_label"], county["explanation"]) for county in seen["counties"]}
        assert told == {first: ("上卡成功", None), second: ("审核不通过", "照片不清")}
        times = [step["at"] for step in seen["steps"]]
        assert times == sorted(times)
        assert len(times) >= 5
        faces = {face["account_no"]: face for face in mine.get("/citizen/account")["cards"]}
        assert [one["code"] for one in faces[MEI.new_card]["counties"]] == [first]
        assert [one["code"] for one in faces[MEI.old_card]["counties"]] == [second]
        titles = {one["title"] for one in mine.get("/citizen/notices")["items"]}
        assert titles == {"账号变更成功", "账号变更审核不通过"}
    sql = "SELECT act, subject FROM trail_entry WHERE actor = 'citizen' ORDER BY subject"
    assert province.rows(sql) == [("card_change.asked", f"{number}.{county}") for county in (first, second)]


def wake(province: Province, number: str) -> None:
    province.wake(workflow_id(RunKind.CARD_CHANGE, number), Signal.OPENED, [number])


def test_a_slow_bank_leaves_the_citizen_informed(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    bank_knows(province, MEI.new_card, MEI)
    bank_away(province)
    with browser_of(province, MEI) as mine:
        number = mine.post(FORM, form([county], MEI.new_card))["request_no"]
        province.until("asked", "SELECT count(*) FROM instruction WHERE operation = 'verifyAccount'", 1)
        seen = mine.get(f"/citizen/matters/{number}")
        assert (seen["stage_label"], seen["result_label"]) == ("验证中", "申请中")
        province.platform.lose()
        assert matter_when(mine, number, "in_review")["may_withdraw"] is True


def test_a_double_click_asks_once(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    with browser_of(province, MEI) as mine:
        body, key, gate = form([county], MEI.new_card), secrets.token_hex(8), threading.Barrier(4)
        jar = dict(mine.http.cookies)

        def click(_: int) -> httpx.Response:
            gate.wait()
            headers = {"Idempotency-Key": key}
            return httpx.post(province.url + FORM, json=body, cookies=jar, headers=headers, trust_env=False, timeout=30)

        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(click, range(4)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["request_no"] for answer in answers}) == 1
        other = mine.http.post(FORM, json=body | {"reason": "别的"}, headers={"Idempotency-Key": key})
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert kept(province) == 1


def test_two_devices_at_once_make_one_request(province: Province) -> None:
    county = province.county_code()
    bank_away(province)
    account_held(province, MEI, county)
    with browser_of(province, MEI, "app") as phone, browser_of(province, MEI, "pc") as desk:
        gate = threading.Barrier(6)

        def ask(place: int) -> int:
            device = (phone, desk)[place % 2]
            gate.wait()
            headers = {"Idempotency-Key": secrets.token_hex(8)}
            answer = httpx.post(
                province.url + FORM,
                json=form([county], card(600_000 + place)),
                cookies=dict(device.http.cookies),
                headers=headers,
                trust_env=False,
                timeout=30,
            )
            if answer.status_code == 409:
                assert answer.json()["code"] == "CARD_CHANGE_OPEN"
            return answer.status_code

        with ThreadPoolExecutor(6) as threads:
            assert sorted(threads.map(ask, range(6))) == [201, 409, 409, 409, 409, 409]
        assert desk.get("/citizen/matters", state="open") == phone.get("/citizen/matters", state="open")
        problem = refused(phone, form([county], MEI.new_card))
        [open_now] = desk.get("/citizen/matters", state="open")["items"]
        assert problem["errors"][0]["request_no"] == open_now["request_no"]
    assert kept(province) == 1


@pytest.mark.parametrize("province", [{"citizen_failed_changes_per_person_day": 2}], indirect=True)
def test_a_person_may_ask_in_vain_so_many_times_a_day(province: Province) -> None:
    county = province.county_code()
    for one in (MEI, YONG):
        account_held(province, one, county)
    bank_away(province)
    with browser_of(province, MEI) as mine, browser_of(province, YONG) as other:
        mine.post(FORM, form([county], MEI.old_card, bank_code="CRCB"))
        number = mine.post(FORM, form([county], MEI.new_card))["request_no"]
        mine.post(f"/citizen/matters/{number}/withdrawal")
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        said = mine.http.post(FORM, json=form([county], MEI.new_card), headers=headers)
        assert (said.status_code, said.json()["code"]) == (429, "TOO_MANY_CHANGES")
        assert 86_000 < int(said.headers["retry-after"]) <= 86_401
        assert kept(province) == 2
        assert other.post(FORM, form([county], YONG.new_card))["state_label"] == "申请中"
        province.change("UPDATE card_change SET created_at = created_at - interval '24 hours' WHERE id = 1")
        assert mine.post(FORM, form([county], MEI.new_card))["state_label"] == "申请中"


def test_a_request_is_taken_back_and_the_next_may_come(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    bank_knows(province, MEI.new_card, MEI)
    with browser_of(province, MEI) as mine:
        number = mine.post(FORM, form([county], MEI.new_card))["request_no"]
        matter_when(mine, number, "in_review")
        seen = mine.post(f"/citizen/matters/{number}/withdrawal")
        assert (seen["result_label"], seen["may_withdraw"]) == ("已撤销", False)
        with pytest.raises(Refused) as again:
            mine.post(f"/citizen/matters/{number}/withdrawal")
        assert (again.value.status, again.value.problem["code"]) == (409, "NOTHING_TO_WITHDRAW")
        [face] = mine.get("/citizen/account")["cards"]
        assert (face["account_no"], face["may_change"], face["counties"][0]["locked"]) == (MEI.old_card, True, False)
        assert mine.post(FORM, form([county], MEI.new_card))["state_label"] == "申请中"
        assert len(mine.get("/citizen/matters")["items"]) == 2
    province.until("run closed", "SELECT closed_at IS NOT NULL FROM run WHERE number = :no", True, no=number)


def test_withdrawing_leaves_what_a_reviewer_has_decided(province: Province) -> None:
    first, second = province.county_code(1), province.county_code(2)
    for county in (first, second):
        account_held(province, MEI, county)
    bank_knows(province, MEI.new_card, MEI)
    with browser_of(province, MEI) as mine:
        number = mine.post(FORM, form([first, second], MEI.new_card))["request_no"]
        matter_when(mine, number, "in_review")
        decided(province, f"{number}.{first}", True)
        seen = mine.post(f"/citizen/matters/{number}/withdrawal")
        told = {county["code"]: county["stage"] for county in seen["counties"]}
        assert told[second] == PartStage.WITHDRAWN
        assert told[first] in (PartStage.APPROVED, PartStage.APPLYING, PartStage.APPLIED)
        seen = matter_when(mine, number, "applied", "withdrawn")
        assert seen["result_label"] == "部分区县变更成功"


def test_a_matter_is_there_for_its_person_only(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    account_held(province, YONG, county)
    bank_away(province)
    with browser_of(province, MEI) as mine, browser_of(province, YONG) as other:
        number = mine.post(FORM, form([county], MEI.new_card))["request_no"]
        with pytest.raises(Refused) as unseen:
            other.get(f"/citizen/matters/{number}")
        with pytest.raises(Refused) as untouched:
            other.post(f"/citizen/matters/{number}/withdrawal")
        for nothing in (unseen.value, untouched.value):
            assert (nothing.status, nothing.problem["code"]) == (404, "NOT_FOUND")
        assert other.get("/citizen/matters")["items"] == []
        assert mine.get(f"/citizen/matters/{number}")["may_withdraw"] is True


def test_matters_page_by_page(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    with browser_of(province, MEI) as mine:
        numbers = [mine.post(FORM, form([county], MEI.old_card, bank_code="CRCB"))["request_no"] for _ in range(5)]
        page = mine.get("/citizen/matters", limit=2)
        rest = mine.get("/citizen/matters", limit=10, after=page["next"])
    shown = [matter["request_no"] for matter in page["items"] + rest["items"]]
    assert shown == numbers[::-1]
    assert rest["next"] is None


def test_nothing_personal_of_a_request_is_stored_in_clear(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    with browser_of(province, MEI) as mine:
        number = mine.post(FORM, form([county], MEI.new_card))["request_no"]
    for table in (
        "card_change",
        "card_change_part",
        "matter_step",
        "idempotent_answer",
        "trail_entry",
        "outbox",
        "run",
    ):
        rows = str(province.rows(f"SELECT * FROM {table}"))
        assert rows != "[]", table
        assert not any(secret in rows for secret in (MEI.name, MEI.id_number, MEI.new_card, MEI.old_card)), table
    assert index_of(province, MEI) in str(province.rows("SELECT person_index FROM card_change"))
    assert number.startswith(f"{province.code}0000-K")

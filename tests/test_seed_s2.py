"""S2 played sentence by sentence, each named by its place in `seed_s2.py`: citizens and counties of one province."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pytest

from deploy.demo.citizens import LOGINS, Browser, phone
from deploy.demo.people import County, Json, Refused, wait_for
from models.words.counties import county_words
from tests.application_lines import card, personal
from tests.citizens import REASON, Someone, account_held, bank_knows, browser_of, form, matter_when
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
FORM, AUTHORISATION = "/citizen/card-changes", "本人持有账号且同意对当前账号进行状态查询等验证"
UNBOUND = ("您尚未绑定“一卡通”账号", "请联系所在村社/镇(乡)街道申报账号信息")
# The banks remember everybody: each case has its own people, and its own counties.
_people, _places = count(40_000), count(1)


@pytest.fixture
def mei() -> Someone:
    return Someone(next(_people))


@pytest.fixture
def counties(shared_province: Province) -> tuple[County, County]:
    return shared_province.county(next(_places)), shared_province.county(next(_places))


@pytest.fixture
def held(shared_province: Province, mei: Someone, counties: tuple[County, County]) -> Someone:
    """A person whose old card is in use in both counties, and whose new one the bank knows."""
    return settled(shared_province, mei, counties)


def settled(province: Province, person: Someone, counties: Sequence[County]) -> Someone:
    for county in counties:
        account_held(province, person, county.code)
    bank_knows(province, person.old_card, person, bank="CRCB")
    bank_knows(province, person.new_card, person)
    return person


def found(county: County, person: Someone) -> Json:
    """The person's row of the county's register, opened."""
    [item] = county.reviewer.post("/register/search", {"id_number": person.id_number})["items"]
    return county.reviewer.whole(f"/register/{item['account_id']}")


def check(province: Province, county: County, person: Someone, status: str) -> None:
    """The bank closes or freezes the card, and somebody of the county has it checked."""
    bank_knows(province, person.old_card, person, status, bank="CRCB")
    number = county.operator.post("/account-checks", {"account_id": found(county, person)["account_id"]})["round_no"]
    wait_for(
        "核验", lambda: county.operator.get(f"/account-checks/{number}"), lambda seen: bool(seen["stage"] == "done")
    )


def decide(county: County, request_no: str, **decision: object) -> None:
    county.reviewer.post(f"/card-changes/{request_no}.{county.code}/decision", {"passed": True} | decision)


def faces(mine: Browser) -> dict[str, Json]:
    """The card faces by their number."""
    return {str(face["account_no"]): face for face in mine.get("/citizen/account")["cards"]}


def masked(person: Someone) -> tuple[str, str, str, str]:
    """Name, sex, birth date and id as the figures mask them."""
    sex = "男" if int(person.id_number[16]) % 2 else "女"
    return "**梅", sex, f"{person.id_number[6:10]}-**-**", f"*********{person.id_number[-4:]}"


def person_shown(account: Json) -> tuple[str, ...]:
    return tuple(str(account[name]) for name in ("name", "sex", "birth_date", "id_number"))


@dataclass(frozen=True)
class Change:
    """One person's change from the form to the register, and what the person saw on the way."""

    person: Someone
    county: County
    asked: Json
    pending: Json
    pending_account: Json
    second: Refused
    listed_open: list[Json]
    desk_list: list[Json]
    desk: Json
    matter: Json
    account: Json
    listed_ended: list[Json]
    register: Json


@contextmanager
def changing(province: Province, channel: str) -> Iterator[tuple[Browser, Someone, County]]:
    person, county = Someone(next(_people)), province.county(next(_places))
    settled(province, person, [county])
    # whose account comes from an application
    account_held(province, Someone(next(_people), "吴勇"), county.code)
    with browser_of(province, person, channel) as mine:
        yield mine, person, county


def played(province: Province, channel: str) -> Change:
    """Asked for, waited for, approved by the county's reviewer, applied."""
    with changing(province, channel) as (mine, person, county):
        asked = mine.post(FORM, form([county.code], person.new_card))
        number = asked["request_no"]
        pending = matter_when(mine, number, "in_review")
        pending_account = mine.get("/citizen/account")
        with pytest.raises(Refused) as second:
            mine.post(FORM, form([county.code], card(900_000 + person.place)))
        listed_open = mine.get("/citizen/matters", state="open")["items"]
        desk_list = county.reviewer.get("/card-changes")["items"]
        desk = county.reviewer.whole(f"/card-changes/{number}.{county.code}")
        decide(county, number)
        return Change(
            person,
            county,
            asked,
            pending,
            pending_account,
            second.value,
            listed_open,
            desk_list,
            desk,
            matter=matter_when(mine, number, "applied"),
            account=mine.get("/citizen/account"),
            listed_ended=mine.get("/citizen/matters", state="ended")["items"],
            register=found(county, person),
        )


@pytest.fixture(scope="module")
def app(shared_province: Province) -> Change:
    return played(shared_province, "app")


@pytest.fixture(scope="module")
def pc(shared_province: Province) -> Change:
    return played(shared_province, "pc")


# --- 1.1 渝快办 APP


def test_s2_1_1_2(shared_province: Province, held: Someone) -> None:
    mine = Browser(shared_province.url)
    with pytest.raises(Refused) as stranger:
        mine.get("/citizen/account")
    assert stranger.value.status == 401
    attempt = mine.ask_to_sign_in("app")
    assert (attempt["stage_label"], attempt["qr"]) == ("等待人脸识别", None)
    phone(attempt["url"], "passed", held.name, held.id_number)
    ended(mine, attempt["login_no"])
    assert person_shown(mine.get("/citizen/account")) == masked(held)
    mine.close()


def ended(mine: Browser, login_no: str) -> Json:
    def over(seen: Json) -> bool:
        return bool(seen["stage"] in ("passed", "failed", "expired"))

    return wait_for("登录", lambda: mine.get(f"{LOGINS}/{login_no}", wait=5), over)


def sees_the_account(change: Change, channel: str) -> None:
    """Masked who it is, whole which account."""
    account = change.pending_account
    assert (account["channel"], person_shown(account)) == (channel, masked(change.person))
    [face] = account["cards"]
    assert (face["bank"], face["account_no"]) == ("重庆农村商业银行", change.person.old_card)
    assert (face["status_label"], face["message"]) == ("有效", None)


def sees_no_account(province: Province, county: County, person: Someone, channel: str) -> None:
    with browser_of(province, person, channel) as mine:
        account = mine.get("/citizen/account")
        assert (account["cards"], all(words in account["message"] for words in UNBOUND)) == ([], True)
        asked = mine.post(FORM, form([county.code], person.new_card))
        assert (asked["result_label"], asked["failure_code"]) == ("申请失败", "COUNTY_NOT_IN_USE")


def test_s2_1_1_3a_and_f1(app: Change) -> None:
    sees_the_account(app, "app")


def test_s2_1_1_3b(shared_province: Province, counties: tuple[County, County], mei: Someone) -> None:
    county = counties[0]
    settled(shared_province, mei, [county])
    check(shared_province, county, mei, "frozen")
    with browser_of(shared_province, mei) as mine:
        [face] = faces(mine).values()
    assert (face["account_no"], face["status_label"], face["may_change"]) == (mei.old_card, "无效", True)
    assert face["message"].startswith("无效卡")


def test_s2_1_1_3c_and_5_and_f4(shared_province: Province, counties: tuple[County, County], mei: Someone) -> None:
    sees_no_account(shared_province, counties[0], mei, "app")


def test_s2_1_1_4_and_8d(app: Change) -> None:
    assert (app.asked["state_label"], app.asked["account_no"]) == ("申请中", app.person.new_card)
    assert [county["stage_label"] for county in app.pending["counties"]] == ["待审核"]


def test_s2_1_1_6_and_7_and_f2_and_f3_and_f5(
    shared_province: Province, held: Someone, counties: tuple[County, County]
) -> None:
    province_row = f"{shared_province.code}0000"
    account_held(shared_province, held, province_row)
    codes = sorted([province_row, *(county.code for county in counties)])
    with browser_of(shared_province, held) as mine:
        [face] = faces(mine).values()
        listed = mine.get("/citizen/counties")["items"]
        below = [mine.get(f"/citizen/{page}")["items"] for page in ("matters", "notices")]
    assert (face["bank"], face["account_no"], face["may_change"]) == ("重庆农村商业银行", held.old_card, True)
    assert [county["code"] for county in face["counties"]] == codes
    assert [(county["code"], county["words"]) for county in listed] == [(code, county_words(code)) for code in codes]
    assert below == [[], []]


def test_s2_1_1_8a(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    chosen, other = counties
    with browser_of(shared_province, held) as mine:
        asked = mine.post(FORM, form([chosen.code], held.new_card))
        assert [county["code"] for county in asked["counties"]] == [chosen.code]
        matter_when(mine, asked["request_no"], "in_review")
        decide(chosen, asked["request_no"])
        matter_when(mine, asked["request_no"], "applied")
        seen = {number: [county["code"] for county in face["counties"]] for number, face in faces(mine).items()}
    assert seen == {held.new_card: [chosen.code], held.old_card: [other.code]}


def test_s2_1_1_8b_and_f7(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    with browser_of(shared_province, held) as mine:
        offered = mine.get("/citizen/banks")
        assert offered["authorisation"] == AUTHORISATION
        assert [kind["name"] for kind in offered["card_types"]] == ["银行卡", "存折"]
        assert "重庆农村商业银行" in [bank["name"] for bank in offered["items"]]
        with pytest.raises(Refused) as empty:
            mine.post(FORM, {})
        starred = ["/counties", "/card_type", "/account_no", "/bank_code"]
        assert [error["pointer"] for error in empty.value.problem["errors"]] == [*starred, "/authorised"]
        with pytest.raises(Refused) as unticked:
            mine.post(FORM, form([counties[0].code], held.new_card, authorised=False))
        assert [error["pointer"] for error in unticked.value.problem["errors"]] == ["/authorised"]
        assert mine.get("/citizen/matters")["items"] == []
        without_reason = form([counties[0].code], held.new_card, reason=None)
        assert mine.post(FORM, without_reason)["state_label"] == "申请中"


def test_s2_1_1_8c(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    somebody_else = Someone(next(_people), "吴勇")
    bank_knows(shared_province, somebody_else.old_card, somebody_else)
    wrong_digit = held.new_card[:-1] + str((int(held.new_card[-1]) + 1) % 10)
    with browser_of(shared_province, held) as mine:
        formal = mine.post(FORM, form([counties[0].code], wrong_digit))
        assert (formal["result_label"], formal["failure_code"]) == ("申请失败", "ACCOUNT_CHECK_DIGIT")
        banked = mine.post(FORM, form([counties[0].code], somebody_else.old_card))
        assert banked["stage_label"] == "验证中"
        seen = matter_when(mine, banked["request_no"], "failed")
        assert (seen["result_label"], "户名不一致" in seen["failure"]) == ("申请失败", True)
        assert list(faces(mine)) == [held.old_card]


def test_s2_1_1_9(app: Change) -> None:
    for matter in (app.pending, app.matter):
        assert (matter["bank"], matter["account_no"]) == ("中国工商银行", app.person.new_card)
    times = [step["at"] for step in app.matter["steps"]]
    assert (times, len(times) > len(app.pending["steps"]) > 0) == (sorted(times), True)


def test_s2_1_1_10a(app: Change) -> None:
    assert [matter["request_no"] for matter in app.listed_open] == [app.asked["request_no"]]
    assert app.second.problem["code"] == "CARD_CHANGE_OPEN"


def test_s2_1_1_10b(app: Change) -> None:
    assert [face["account_no"] for face in app.pending_account["cards"]] == [app.person.old_card]


def test_s2_1_1_11a(app: Change) -> None:
    assert (app.matter["state_label"], app.matter["result_label"]) == ("已办理", "变更成功")


def test_s2_1_1_11b(app: Change) -> None:
    [face] = app.account["cards"]
    assert (face["bank"], face["account_no"]) == ("中国工商银行", app.person.new_card)


def test_s2_1_1_12a_and_12d_and_f12(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    gone, other = counties
    before = datetime.now(UTC)
    check(shared_province, gone, held, "closed")
    with browser_of(shared_province, held) as mine:
        [face] = faces(mine).values()
        [notice] = mine.get("/citizen/notices")["items"]
    assert [county["code"] for county in face["counties"]] == [other.code]
    told = (notice["bank"], notice["account_no"], notice["county"]["words"])
    assert told == ("重庆农村商业银行", held.old_card, county_words(gone.code))
    assert notice["error"] == "账户已销户"
    assert notice["explanation"].startswith("账户已销户")
    assert before <= datetime.fromisoformat(notice["invalid_since"]) <= datetime.now(UTC)
    assert datetime.fromisoformat(notice["operated_at"]) >= before


def test_s2_1_1_f8(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    goes_to_review(shared_province, held, counties[0], f"51072{held.place:05d}", "app")


def test_s2_1_1_f9_and_f10(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    with browser_of(shared_province, held) as mine:
        for number in ("333", "23222222222"):
            asked = mine.post(FORM, form([counties[0].code], number, bank_code="ABC"))
            matter_when(mine, asked["request_no"], "failed")
        listed = mine.get("/citizen/matters", state="ended")["items"]
    assert [matter["account_no"] for matter in listed] == ["23222222222", "333"]
    for matter in listed:
        assert (matter["bank"], matter["state_label"], matter["result_label"]) == ("中国农业银行", "已办理", "申请失败")
        assert [county["words"] for county in matter["counties"]] == [county_words(counties[0].code)]
        assert matter["applied_at"] <= matter["finished_at"]


def test_s2_1_1_f11(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    with browser_of(shared_province, held) as mine:
        number = mine.post(FORM, form([counties[0].code], held.new_card))["request_no"]
        [matter] = mine.get("/citizen/matters", state="open")["items"]
        assert (matter["bank"], matter["account_no"]) == ("中国工商银行", held.new_card)
        assert (matter["result_label"], matter["may_withdraw"], bool(matter["applied_at"])) == ("申请中", True, True)
        assert [county["code"] for county in matter["counties"]] == [counties[0].code]
        assert mine.post(f"/citizen/matters/{number}/withdrawal")["result_label"] == "已撤销"


# --- 1.2 渝快办 PC 端


def test_s2_1_2_2a(shared_province: Province) -> None:
    mine = Browser(shared_province.url)
    attempt = mine.ask_to_sign_in("pc")
    assert b"<svg" in mine.code(attempt["login_no"])
    opened = shared_province.rows("SELECT created_at FROM face_login WHERE login_no = :no", no=attempt["login_no"])
    seconds = (datetime.fromisoformat(attempt["expires_at"]) - opened[0][0]).total_seconds()
    assert 295 < seconds <= 305
    mine.close()


def test_s2_1_2_2b(shared_province: Province, held: Someone) -> None:
    mine, other = Browser(shared_province.url), Browser(shared_province.url)
    attempt = mine.ask_to_sign_in("pc")
    phone(attempt["url"], "passed", held.name, held.id_number)
    assert ended(mine, attempt["login_no"])["signed_in"] is True
    assert person_shown(mine.get("/citizen/account")) == masked(held)
    with pytest.raises(Refused) as elsewhere:
        other.get("/citizen/account")
    assert elsewhere.value.status == 401
    mine.close()
    other.close()


def test_s2_1_2_3a_and_f1a(pc: Change) -> None:
    sees_the_account(pc, "pc")


def test_s2_1_2_3c_and_5_and_f3(shared_province: Province, counties: tuple[County, County], mei: Someone) -> None:
    sees_no_account(shared_province, counties[0], mei, "pc")


def test_s2_1_2_4(pc: Change) -> None:
    assert (pc.asked["state_label"], pc.asked["account_no"]) == ("申请中", pc.person.new_card)


def test_s2_1_2_6a_and_f5_and_f7(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    number = f"5107{held.place:08d}"
    bank_knows(shared_province, number, held)
    wanted = form([counties[0].code], number, card_type="passbook", reason="换卡申请")
    with browser_of(shared_province, held, "pc") as mine:
        assert mine.get("/citizen/banks")["authorisation"] == AUTHORISATION
        for missing in ("counties", "account_no", "authorised"):
            with pytest.raises(Refused) as refused:
                mine.post(FORM, {name: value for name, value in wanted.items() if name != missing})
            assert [error["pointer"] for error in refused.value.problem["errors"]] == [f"/{missing}"]
        request_no = mine.post(FORM, wanted)["request_no"]
        matter_when(mine, request_no, "in_review")
        mine.post(f"/citizen/matters/{request_no}/withdrawal")


def test_s2_1_2_6b(pc: Change) -> None:
    assert pc.asked["stage_label"] == "验证中"
    assert [step["step"] for step in pc.pending["steps"]] == ["submitted", "bank_validated"]
    assert [county["stage_label"] for county in pc.pending["counties"]] == ["待审核"]


def test_s2_1_2_7a(pc: Change) -> None:
    [matter] = pc.listed_open
    assert (matter["account_no"], matter["result_label"]) == (pc.person.new_card, "申请中")


def test_s2_1_2_7b(pc: Change) -> None:
    assert len(pc.listed_open) == 1
    assert pc.second.problem["code"] == "CARD_CHANGE_OPEN"


def test_s2_1_2_8(pc: Change) -> None:
    [matter] = pc.listed_ended
    assert (matter["request_no"], matter["result_label"]) == (pc.asked["request_no"], "变更成功")


def test_s2_1_2_3b_and_f2(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    with browser_of(shared_province, held, "pc") as mine:
        [valid] = faces(mine).values()
        for county in counties:
            check(shared_province, county, held, "frozen")
        [invalid] = faces(mine).values()
    assert [valid["status_label"], invalid["status_label"]] == ["有效", "无效"]
    assert invalid["message"].startswith("无效卡")
    for face in (valid, invalid):
        assert (face["bank"], face["account_no"]) == ("重庆农村商业银行", held.old_card)
        shown = [(county["code"], bool(county["name"])) for county in face["counties"]]
        assert shown == [(county.code, True) for county in counties]


def goes_to_review(province: Province, person: Someone, county: County, number: str, channel: str) -> None:
    """A number of no card's length, under 银行卡: the bank has the word."""
    bank_knows(province, number, person, bank="CRCB")
    with browser_of(province, person, channel) as mine:
        asked = mine.post(FORM, form([county.code], number, bank_code="CRCB"))
        seen = matter_when(mine, asked["request_no"], "in_review")
    assert (seen["account_no"], seen["card_type_label"], seen["bank"]) == (number, "银行卡", "重庆农村商业银行")
    assert f"所填为 {len(number)} 位" in seen["account_note"]


def test_s2_1_2_f6(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    goes_to_review(shared_province, held, counties[0], f"5107228{held.place:05d}", "pc")


# --- 1.3 一卡通系统


def test_s2_1_3_1_1_and_f4(app: Change) -> None:
    old, new = app.desk["before"], app.desk["after"]
    for side in (old, new):
        assert (side["name"], side["id_number"]) == (app.person.name, app.person.id_number)
    assert (old["bank"], old["account_no"]) == ("重庆农村商业银行", app.person.old_card)
    assert (new["bank"], new["account_no"]) == ("中国工商银行", app.person.new_card)
    assert (app.desk["reason"], app.desk["stage_label"]) == (REASON, "待审核")


def test_s2_1_3_1_2(app: Change) -> None:
    assert app.register["source"] == "渝快办"


def test_s2_1_3_1_3(app: Change) -> None:
    assert len(app.county.reviewer.get("/register")["items"]) == 2
    listed = app.county.reviewer.get("/register", source="渝快办")["items"]
    assert [item["account_id"] for item in listed] == [app.register["account_id"]]
    last = app.register["history"][0]
    assert (last["source"], last["old_account_no"], last["new_account_no"]) == (
        "渝快办",
        app.person.old_card,
        app.person.new_card,
    )


def test_s2_1_3_1_4a(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    county = counties[0]
    places = {"town_code": f"{county.code}100", "village_code": f"{county.code}100001"}
    entry = personal(1, name=held.name, id_number=held.id_number, account_no=held.old_card, bank_code="CRCB", **places)
    for lists in ("banks", "towns", "subsidy-items"):
        county.operator.get(f"/catalogs/{lists}", fund_year=2026)
    number = county.operator.post("/applications", {"fund_year": 2026, "form": entry})["application_no"]
    with browser_of(shared_province, held) as mine:
        request_no = mine.post(FORM, form([county.code], held.new_card))["request_no"]
        stopped = {
            "name": "周小梅",
            "account_no": held.new_card,
            "bank_code": "ICBC",
            "id_number": Someone(1).id_number,
        }
        for field, value in stopped.items():
            with pytest.raises(Refused) as refused:
                county.operator.put(f"/applications/{number}", {"version": 1, "form": entry | {field: value}})
            assert refused.value.problem["code"] == "ACCOUNT_LOCKED"
        matter_when(mine, request_no, "in_review")
        mine.post(f"/citizen/matters/{request_no}/withdrawal")
    changed = {"version": 1, "form": entry | {"account_no": held.new_card, "bank_code": "ICBC"}}
    assert county.operator.put(f"/applications/{number}", changed)["version"] == 2


def test_s2_1_3_1_5a(app: Change) -> None:
    assert (app.register["account_no"], app.register["status_label"]) == (app.person.new_card, "有效")


def test_s2_1_3_1_5b(pc: Change) -> None:
    assert [face["account_no"] for face in pc.account["cards"]] == [pc.person.new_card]


def test_s2_1_3_1_6_and_f5(shared_province: Province, held: Someone, counties: tuple[County, County]) -> None:
    with browser_of(shared_province, held) as mine:
        number = mine.post(FORM, form([counties[0].code], held.new_card))["request_no"]
        matter_when(mine, number, "in_review")
        decide(counties[0], number, passed=False, remark="照片不清")
        seen = matter_when(mine, number, "refused")
        assert (seen["result_label"], seen["counties"][0]["explanation"]) == ("审核不通过", "照片不清")
        assert list(faces(mine)) == [held.old_card]


def test_s2_1_3_1_f1_and_f2(app: Change) -> None:
    reviewer, person = app.county.reviewer, app.person

    def sought(finished: bool, **what: object) -> list[str]:
        body = what | {"filter": {"finished": finished}}
        return [item["request_no"] for item in reviewer.post("/card-changes/search", body)["items"]]

    for what in (
        {"name": person.name},
        {"id_number": person.id_number},
        {"account_no": person.new_card},
        {"account_no": person.old_card},
        {"applicant_name": person.name},
    ):
        assert (sought(True, **what), sought(False, **what)) == ([app.asked["request_no"]], []), what
    for bank, numbers in (("ICBC", [app.asked["request_no"]]), ("CRCB", [app.asked["request_no"]]), ("ABC", [])):
        listed = reviewer.get("/card-changes", bank_code=bank, finished=True)["items"]
        assert [item["request_no"] for item in listed] == numbers, bank


def test_s2_1_3_1_f3(app: Change) -> None:
    [row] = app.desk_list
    assert (row["serial"], row["business"], row["stage_label"]) == (1, "渝快办-账号变更", "待审核")
    assert (row["applicant"], row["name"], row["id_number"]) == ("**梅", "**梅", masked(app.person)[3])
    assert (row["bank"], row["account_no"]) == ("中国工商银行", f"****{app.person.new_card[-4:]}")
    assert datetime.fromisoformat(row["applied_at"])

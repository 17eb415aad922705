"""村社申报: an operator's entry from the bank's word to the platform's, with the lock respected both ways."""

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from PIL import Image

from deploy.demo.people import County, Json, Person, Refused
from models.tables.catalogs import CatalogList
from models.words.staff import Role
from models.words.stages import AccountStatus
from tests.citizens import BANKS, Someone, account_held, account_is, bank_knows, browser_of, form, index_of
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
# The banks remember everybody: each test has its own person.
_places = count(2029)
WAITING = "entered"
SETTLED = ("applied", "failed", "refused")


@pytest.fixture
def mei() -> Someone:
    return Someone(next(_places))


def photo() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 25), "white").save(data, "PNG")
    return data.getvalue()


def lists_known(province: Province, county: str) -> None:
    async def put() -> None:
        async with province.database.transaction() as session:
            items = [{"code": code, "name": name} for code, name in BANKS]
            await session.merge(CatalogList(county_code=county, kind="banks", fund_year=0, items=items))

    province.portal.call(put)


def office(province: Province, place: int = 1) -> County:
    county = province.county(place)
    lists_known(province, county.code)
    return county


def paper(county: County, person: Someone, **changes: object) -> Json:
    filled: Json = {
        "name": person.name,
        "id_number": person.id_number,
        "card_type": "bank_card",
        "bank_code": "ICBC",
        "account_no": person.new_card,
        "photo_file_id": county.operator.file_id("card.png", photo()),
        "reason": "尚无一卡通账号",
    }
    return filled | changes


def enter(county: County, person: Someone, **changes: object) -> str:
    return str(county.operator.post("/village-entries", paper(county, person, **changes))["entry_no"])


def seen(province: Province, county: County, entry_no: str, *stages: str) -> Json:
    return province.wait(
        f"entry at {stages}",
        lambda: county.reviewer.whole(f"/village-entries/{entry_no}"),
        lambda shown: shown["stage"] in stages,
    )


def register(province: Province, county: County, person: Someone) -> Json:
    items: list[Json] = county.reviewer.post("/register/search", {"id_number": person.id_number})["items"]
    return county.reviewer.whole(f"/register/{items[0]['account_id']}") if items else {}


def code_of(refusal: Refused) -> str:
    return str(refusal.problem["code"])


def refusal(county: County, body: Json) -> str:
    with pytest.raises(Refused) as said:
        county.operator.post("/village-entries", body)
    assert said.value.problem["detail"]
    return code_of(said.value)


def open_locks(province: Province) -> int:
    return int(province.rows("SELECT count(*) FROM account_lock WHERE ended_at IS NULL")[0][0])


def notices(province: Province, person: Someone) -> list[str]:
    index = index_of(province, person)
    return [row[0] for row in province.rows("SELECT kind FROM notice WHERE person_index = :p ORDER BY id", p=index)]


def test_an_entry_goes_from_the_bank_over_a_reviewer_to_the_register(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    printed = "-".join(mei.new_card[place : place + 4] for place in range(0, len(mei.new_card), 4))
    typed = paper(county, mei, name=f"{mei.name[0]}\u3000{mei.name[1:]}", account_no=printed)
    answer = county.operator.post("/village-entries", typed)
    assert [(told["pointer"], told["code"]) for told in answer["warnings"]] == [("/name", "BLANKS_DROPPED")]
    number = answer["entry_no"]
    assert (answer["stage"], answer["run"]["workflow_id"]) == ("validating", f"village-entry/{number}")
    assert open_locks(province) == 1
    waiting = seen(province, county, number, WAITING)
    assert (waiting["stage_label"], waiting["name"], waiting["account_no"]) == ("待复核", mei.name, mei.new_card)
    assert (waiting["register"], waiting["used_by_another"]) == (None, False)
    assert county.reviewer.content(waiting["photo"])
    assert register(province, county, mei) == {}
    assert county.reviewer.post(f"/village-entries/{number}/confirmation", {"remark": "属实"})["stage"] == "applying"
    done = seen(province, county, number, *SETTLED)
    assert (done["stage"], done["run"]["stage_label"]) == ("applied", "上卡成功")
    held = register(province, county, mei)
    assert (held["account_no"], held["bank"], held["status"], held["source"], held["held"]) == (
        *(mei.new_card, "中国工商银行", "valid", "村社申报"),
        False,
    )
    assert [(one["source"], one["actor"]) for one in held["history"]] == [("村社申报", f"reviewer-{county.code}")]
    assert [(one["number"], one["source"], one["stage_label"]) for one in held["matters"]] == [
        (number, "村社申报", "上卡成功")
    ]
    assert (open_locks(province), notices(province, mei)) == (0, ["applied"])
    [event] = province.platform.events("account.change.applied", number)
    assert event["body"]["data"]["client_reference"] == number


def test_it_replaces_an_invalid_card_and_the_history_says_from_what(province: Province, mei: Someone) -> None:
    county = office(province)
    account_held(province, mei, county.code)
    account_is(province, mei, county.code, AccountStatus.INVALID)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    assert seen(province, county, number, WAITING)["register"]["status"] == "invalid"
    county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    assert seen(province, county, number, *SETTLED)["stage"] == "applied"
    change = register(province, county, mei)["history"][0]
    assert (change["old_account_no"], change["old_status_label"]) == (mei.old_card, "无效")
    assert (change["new_account_no"], change["new_status"]) == (mei.new_card, "valid")


@pytest.mark.parametrize(
    ("status", "own", "code"),
    [
        ("closed", True, "account_closed"),
        ("frozen", True, "account_frozen"),
        ("not_subsidy", True, "not_a_subsidy_account"),
        ("open", False, "name_mismatch"),
        (None, True, "account_not_found"),
    ],
)
def test_what_the_bank_refuses_ends_with_its_reason(
    province: Province, mei: Someone, status: str | None, own: bool, code: str
) -> None:
    county = office(province)
    if status is not None:
        bank_knows(province, mei.new_card, mei if own else Someone(mei.place + 10_000, "吴勇"), status)
    number = enter(county, mei)
    failed = seen(province, county, number, *SETTLED, WAITING)
    assert (failed["stage"], failed["failure_code"]) == ("failed", code)
    assert failed["failure"].startswith("银行验证未通过")
    assert (register(province, county, mei), open_locks(province), notices(province, mei)) == ({}, 0, [])
    with pytest.raises(Refused) as said:
        county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    assert code_of(said.value) == "ENTRY_NOT_WAITING"


def test_a_refused_entry_changes_nothing_and_leaves_the_person_free(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    with pytest.raises(Refused) as said:
        county.reviewer.post(f"/village-entries/{number}/refusal", {})
    assert said.value.status == 422
    county.reviewer.post(f"/village-entries/{number}/refusal", {"remark": "照片看不清"})
    done = seen(province, county, number, *SETTLED)
    assert (done["stage"], done["remark"], done["confirmed_by"]) == ("refused", "照片看不清", f"reviewer-{county.code}")
    stored = province.rows("SELECT row_to_json(v)::text FROM village_entry v")
    assert done["reason"]
    assert not any(words in str(stored) for words in ("照片看不清", str(done["reason"]), mei.name))
    assert (register(province, county, mei), open_locks(province)) == ({}, 0)
    province.until("the run", "SELECT closed_at IS NOT NULL FROM run WHERE number = :no", True, no=number)
    assert enter(county, mei) != number


def test_nobody_confirms_the_own_entry_or_the_own_account(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    same = Person(province.http, province.staff.token(f"operator-{county.code}", Role.REVIEWER, county.code))
    index = index_of(province, mei)
    concerned = Person(province.http, province.staff.token("rev.mei", Role.REVIEWER, county.code, index))
    for person, code in ((same, "SAME_PERSON"), (concerned, "OWN_ACCOUNT")):
        with pytest.raises(Refused) as said:
            person.post(f"/village-entries/{number}/confirmation", {})
        assert (said.value.status, code_of(said.value)) == (403, code)
    assert seen(province, county, number, WAITING)["confirmed_by"] is None


def test_two_reviewers_at_once_decide_once(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)

    def decide(act: tuple[Person, str, Json]) -> str:
        person, way, body = act
        try:
            return str(person.post(f"/village-entries/{number}/{way}", body)["stage"])
        except Refused as said:
            return code_of(said)

    acts = [(county.reviewer, "confirmation", {}), (county.second_reviewer, "refusal", {"remark": "不属实"})]
    with ThreadPoolExecutor(2) as both:
        answers = sorted(both.map(decide, acts))
    assert answers in (["ENTRY_NOT_WAITING", "applying"], ["ENTRY_NOT_WAITING", "refused"])
    done = seen(province, county, number, *SETTLED)
    assert done["stage"] == ("applied" if "applying" in answers else "refused")
    assert bool(register(province, county, mei)) is (done["stage"] == "applied")


def test_who_has_a_usable_account_is_sent_to_the_citizen_channel(province: Province, mei: Someone) -> None:
    county = office(province)
    account_held(province, mei, county.code)
    assert refusal(county, paper(county, mei)) == "ACCOUNT_USABLE"
    account_is(province, mei, county.code, AccountStatus.CLEARED)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    account_held(province, mei, county.code)
    with pytest.raises(Refused) as said:
        county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    assert code_of(said.value) == "ACCOUNT_USABLE"


def test_every_fault_of_the_form_is_named_at_once(province: Province, mei: Someone) -> None:
    county = office(province)
    wrong = {
        "id_number": mei.id_number[:-1] + ("0" if mei.id_number[-1] != "0" else "1"),
        "account_no": mei.new_card.translate({48 + digit: 0xFF10 + digit for digit in range(10)}),
        "bank_code": "NOBANK",
        "name": "周1",
    }
    with pytest.raises(Refused) as said:
        county.operator.post("/village-entries", paper(county, mei) | wrong)
    errors = {error["pointer"]: error["code"] for error in said.value.problem["errors"]}
    assert errors == {
        "/id_number": "ID_CHECK_DIGIT",
        "/account_no": "FULL_WIDTH",
        "/bank_code": "BANK_UNKNOWN",
        "/name": "CHARACTERS",
    }
    assert mei.new_card not in str(said.value.problem)
    for change, pointer in (({"photo_file_id": 999}, "/photo_file_id"), ({"account_no": "5107226"}, "/account_no")):
        with pytest.raises(Refused) as said:
            county.operator.post("/village-entries", paper(county, mei) | change)
        assert [error["pointer"] for error in said.value.problem["errors"]] == [pointer]
    without = paper(county, mei)
    without.pop("photo_file_id")
    assert refusal(county, without) == "VALIDATION_FAILED"
    assert province.rows("SELECT 1 FROM village_entry") == []


def test_a_card_change_under_way_keeps_an_entry_out_and_the_other_way_round(province: Province, mei: Someone) -> None:
    county, second = office(province), office(province, 2)
    for place in (county, second):
        account_held(province, mei, place.code)
    account_is(province, mei, second.code, AccountStatus.INVALID)
    bank_knows(province, mei.new_card, mei)
    with browser_of(province, mei) as mine:
        number = mine.post("/citizen/card-changes", form([county.code, second.code], mei.new_card))["request_no"]
        with pytest.raises(Refused) as said:
            second.operator.post("/village-entries", paper(second, mei))
        assert code_of(said.value) == "ACCOUNT_LOCKED"
        assert f"账号变更（{number}）尚未办结" in said.value.problem["detail"]
        mine.post(f"/citizen/matters/{number}/withdrawal")
        entry_no = enter(second, mei)
        assert refusal(second, paper(second, mei)) == "ACCOUNT_LOCKED"
        failed = mine.post("/citizen/card-changes", form([second.code], mei.new_card))
        shown = mine.get(f"/citizen/matters/{failed['request_no']}")
    assert shown["result"] == "failed"
    seen(province, second, entry_no, WAITING)
    assert open_locks(province) == 1


def test_a_person_entered_at_two_desks_at_once_is_entered_once(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    papers = [paper(county, mei) for _ in range(5)]

    def send(body: Json) -> str:
        try:
            return str(county.operator.post("/village-entries", body)["stage"])
        except Refused as said:
            return code_of(said)

    with ThreadPoolExecutor(5) as desks:
        answers = sorted(desks.map(send, papers))
    assert answers == ["ACCOUNT_LOCKED"] * 4 + ["validating"]


def test_a_failed_upload_leaves_the_register_and_tells_the_person(province: Province, mei: Someone) -> None:
    county = office(province)
    account_held(province, mei, county.code)
    account_is(province, mei, county.code, AccountStatus.INVALID)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei, reason="换卡【退回】")
    seen(province, county, number, WAITING)
    county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    failed = seen(province, county, number, *SETTLED)
    assert (failed["stage"], failed["failure_code"]) == ("failed", "other")
    assert failed["failure"].startswith("村社申报的账号上卡失败")
    held = register(province, county, mei)
    assert (held["account_no"], held["status"]) == (mei.old_card, "invalid")
    assert (notices(province, mei), open_locks(province)) == (["apply_failed"], 0)


@pytest.mark.helped
@pytest.mark.parametrize("province", [{"platform_first_ask_seconds": 0.5, "platform_ask_seconds": 0.5}], indirect=True)
def test_a_lost_result_is_asked_for(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    province.platform.lose("account.change.applied")
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    assert seen(province, county, number, *SETTLED)["stage"] == "applied"
    assert province.rows("SELECT source FROM inbox WHERE number = :no", no=number) == [("asked",)]


def test_a_result_twice_has_one_effect_and_another_one_is_kept_aside(province: Province, mei: Someone) -> None:
    county = office(province)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    county.reviewer.post(f"/village-entries/{number}/confirmation", {})
    seen(province, county, number, *SETTLED)
    [event] = province.platform.events("account.change.applied", number)
    again = event["body"]
    assert province.post(again).status_code == 204
    again["data"] |= {"status": "failed", "reason_code": "account_closed"}
    assert province.post(again).status_code == 204
    count = "SELECT count(*) FROM contradiction WHERE number = :no AND state = 'open'"
    province.until("kept aside", count, 1, no=number)
    held = register(province, county, mei)
    assert (held["status"], len(held["history"]), notices(province, mei)) == ("valid", 1, ["applied"])
    [kept] = county.reviewer.get("/contradictions", number=number)["items"]
    wish = {"take": "claimed", "reason": "平台来函说明未登记"}
    county.reviewer.post(f"/contradictions/{kept['id']}/decision", wish)
    province.until("settled", "SELECT state FROM contradiction WHERE number = :no", "settled", no=number)
    assert seen(province, county, number, "failed")["failure"] == "按平台来件改为上卡失败"
    assert register(province, county, mei)["status"] == "cleared"
    assert notices(province, mei) == ["applied", "cleared", "apply_failed"]


def test_another_countys_entry_is_not_there(province: Province, mei: Someone) -> None:
    county, second = office(province), office(province, 2)
    bank_knows(province, mei.new_card, mei)
    number = enter(county, mei)
    seen(province, county, number, WAITING)
    assert second.reviewer.get("/village-entries")["items"] == []
    with pytest.raises(Refused) as said:
        second.reviewer.get(f"/village-entries/{number}")
    assert said.value.status == 404
    with pytest.raises(Refused) as said:
        second.reviewer.post(f"/village-entries/{number}/confirmation", {})
    assert said.value.status == 404
    listed = county.admin.get("/village-entries", stage=WAITING)["items"]
    assert [(one["entry_no"], one["name"]) for one in listed] == [(number, "**梅")]
    assert county.admin.content("/village-entries?format=xlsx").startswith(b"PK")

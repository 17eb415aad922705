"""My account: what is shown masked and what in full, the three states, counties in use, notices, and nobody else's."""

import json
from datetime import datetime

import pytest

from deploy.demo.citizens import Browser
from deploy.demo.people import Json
from models.store.register.notices import News, notify
from models.wire.words import AccountReason
from models.words.card_stages import NoticeKind
from models.words.counties import county_name, county_words
from models.words.stages import AccountStatus
from tests.application_lines import card
from tests.citizens import Someone, account_held, account_is, browser_of, form, found_invalid, index_of
from tests.province import Province
from tests.test_logins import refusal

pytest_plugins = ["tests.province_fixtures"]
MEI, YONG = Someone(1029), Someone(2, "吴勇")


@pytest.mark.parametrize("channel", ["app", "pc"])
def test_a_valid_account_is_shown_in_full_and_its_person_masked(province: Province, channel: str) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    with browser_of(province, MEI, channel) as mine:
        shown = mine.get("/citizen/account")
    born, last = MEI.id_number[6:10], MEI.id_number[-4:]
    assert (shown["name"], shown["birth_date"], shown["id_number"]) == ("**梅", f"{born}-**-**", f"*********{last}")
    assert shown["sex"] == ("男" if int(MEI.id_number[16]) % 2 else "女")
    assert (shown["message"], shown["open_matter"], shown["channel"]) == (None, None, channel)
    [face] = shown["cards"]
    assert (face["bank"], face["account_no"], face["card_type_label"]) == ("重庆农村商业银行", MEI.old_card, "银行卡")
    assert (face["status_label"], face["message"], face["may_change"], face["why_not"]) == ("有效", None, True, None)
    assert [(one["code"], one["status_label"]) for one in face["counties"]] == [(county, "有效")]
    assert MEI.id_number not in json.dumps(shown)
    assert MEI.name not in json.dumps(shown, ensure_ascii=False)


def test_an_invalid_card_is_shown_and_may_be_changed(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    account_is(province, MEI, county, AccountStatus.INVALID)
    with browser_of(province, MEI) as mine:
        [face] = mine.get("/citizen/account")["cards"]
    assert (face["status"], face["status_label"], face["may_change"]) == ("invalid", "无效", True)
    assert face["message"].startswith("无效卡")
    assert face["account_no"] == MEI.old_card


def test_where_a_card_is_invalid_why_and_since_when_is_said_of_each_county(province: Province) -> None:
    first, second = province.county_code(1), province.county_code(2)
    for county in (first, second):
        account_held(province, MEI, county)
    with browser_of(province, MEI) as mine:
        frozen = found_invalid(province, MEI, second, AccountReason.ACCOUNT_FROZEN)
        [face] = mine.get("/citizen/account")["cards"]
        assert (face["status"], face["status_label"], face["may_change"]) == ("partly_invalid", "部分区县无效", True)
        assert face["message"].startswith("部分区县无效")
        assert county_words(second) in face["message"]
        assert county_words(first) not in face["message"]
        assert _why(face) == {first: ("有效", None, None), second: ("无效", "账户已冻结", frozen)}
        mismatch = found_invalid(province, MEI, first, AccountReason.NAME_MISMATCH)
        [face] = mine.get("/citizen/account")["cards"]
        assert (face["status"], face["message"][:3]) == ("invalid", "无效卡")
        assert _why(face) == {first: ("无效", "账号与户名不一致", mismatch), second: ("无效", "账户已冻结", frozen)}
        listed = {one["code"]: one["reason"] for one in mine.get("/citizen/counties")["items"]}
        assert listed == {first: "账号与户名不一致", second: "账户已冻结"}
        account_held(province, MEI, second)
        [face] = mine.get("/citizen/account")["cards"]
        assert _why(face)[second] == ("有效", None, None)


def _why(face: Json) -> dict[str, tuple[str, str | None, datetime | None]]:
    return {
        one["code"]: (one["status_label"], one["reason"], one["since"] and datetime.fromisoformat(one["since"]))
        for one in face["counties"]
    }


@pytest.mark.parametrize("cleared", [False, True])
def test_without_an_account_the_page_says_where_to_go(province: Province, cleared: bool) -> None:
    county = province.county_code()
    account_held(province, Someone(2, "吴勇"), county)
    if cleared:
        account_held(province, MEI, county)
        account_is(province, MEI, county, AccountStatus.CLEARED)
    with browser_of(province, MEI) as mine:
        shown = mine.get("/citizen/account")
        assert mine.get("/citizen/counties")["items"] == []
    assert shown["cards"] == []
    assert shown["message"] == "您尚未绑定“一卡通”账号，请联系所在村社/镇(乡)街道申报账号信息"


def test_one_face_per_account_with_its_counties(province: Province) -> None:
    first, second, third = (province.county_code(place) for place in (1, 2, 3))
    other = card(77)
    account_held(province, MEI, first)
    account_held(province, MEI, second)
    account_held(province, MEI, third, other, "ABC")
    account_is(province, MEI, second, AccountStatus.INVALID)
    account_held(province, MEI, f"{int(province.code) + 1}0001", card(78))
    with browser_of(province, MEI) as mine:
        cards = mine.get("/citizen/account")["cards"]
        counties = mine.get("/citizen/counties")["items"]
        banks = mine.get("/citizen/banks")
    faces = {face["account_no"]: face for face in cards}
    assert set(faces) == {MEI.old_card, other}
    assert [one["code"] for one in faces[MEI.old_card]["counties"]] == [first, second]
    assert [one["status"] for one in faces[MEI.old_card]["counties"]] == ["valid", "invalid"]
    assert faces[MEI.old_card]["status"] == "partly_invalid"
    assert [one["code"] for one in faces[other]["counties"]] == [third]
    assert [(one["code"], one["account_no"]) for one in counties] == [
        (first, MEI.old_card),
        (second, MEI.old_card),
        (third, other),
    ]
    assert _choices(faces[MEI.old_card]) == [(first, True), (second, True), (third, False)]
    assert _choices(faces[other]) == [(third, True), (first, False), (second, False)]
    assert {"code": "ICBC", "name": "中国工商银行"} in banks["items"]
    assert [one["name"] for one in banks["card_types"]] == ["银行卡", "存折"]


def _choices(face: Json) -> list[tuple[str, bool]]:
    return [(choice["code"], choice["preselected"]) for choice in face["choices"]]


def test_what_is_asked_for_by_one_card_leaves_out_who_has_the_new_one_already(province: Province) -> None:
    """The card clicked is in use in two counties; the third was added, and uses the new account already."""
    first, second, third = (province.county_code(place) for place in (1, 2, 3))
    for county in (first, second):
        account_held(province, MEI, county)
    account_held(province, MEI, third, MEI.new_card, "ICBC")
    province.platform.ask("PUT", "/faults", {"rates": {"5xx": 1.0}, "only": {"5xx": ["verifyAccount"]}})
    with browser_of(province, MEI) as mine:
        clicked = next(face for face in mine.get("/citizen/account")["cards"] if face["account_no"] == MEI.old_card)
        chosen = [choice["code"] for choice in clicked["choices"]]
        weighed = mine.post("/citizen/card-changes/preview", form(chosen, MEI.new_card))
        assert ([one["code"] for one in weighed["counties"]], weighed["fault"]) == ([first, second], None)
        assert {(one["old_bank"], one["old_account_no"]) for one in weighed["counties"]} == {
            ("重庆农村商业银行", MEI.old_card)
        }
        assert [(one["code"], "已是这一账号" in one["why"]) for one in weighed["left_out"]] == [(third, True)]
        asked = mine.post("/citizen/card-changes", form(chosen, MEI.new_card))
        shown = mine.get(f"/citizen/matters/{asked['request_no']}")
    assert [one["code"] for one in shown["counties"]] == [first, second]
    assert {(one["old_bank"], one["old_account_no"]) for one in shown["counties"]} == {
        ("重庆农村商业银行", MEI.old_card)
    }
    [named] = shown["left_out"]
    assert (named["code"], "已是这一账号" in named["why"]) == (third, True)
    told = shown["steps"][0]
    assert (told["step"], told["county"]) == ("left_out", county_words(third))


def test_a_card_under_way_in_the_village_cannot_be_changed(province: Province) -> None:
    county = province.county_code()
    account_held(province, MEI, county)
    province.change(
        "INSERT INTO account_lock (county_code, person_index, request_no, since)"
        " VALUES (:county, :person, 'N1', now())",
        county=county,
        person=index_of(province, MEI),
    )
    with browser_of(province, MEI) as mine:
        [face] = mine.get("/citizen/account")["cards"]
    assert (face["may_change"], face["counties"][0]["locked"]) == (False, True)
    [choice] = face["choices"]
    assert (choice["preselected"], choice["may_choose"], "村社" in choice["why_not"]) == (False, False, True)
    assert "村社" in face["why_not"]


def test_notices_newest_first_page_by_page_and_only_the_own(province: Province) -> None:
    county = province.county_code()
    told = [(YONG, "check/x")] + [(MEI, f"check/{n}") for n in range(5)]

    async def tell() -> None:
        async with province.database.transaction() as session:
            for person, cause in told:
                news = News(
                    county_code=county,
                    person_index=index_of(province, person),
                    kind=NoticeKind.INVALIDATED,
                    cause=cause,
                    explanation=f"账户已冻结，{cause}",
                    bank_code="CRCB",
                    account_no=person.old_card,
                    error_code="account_frozen",
                )
                assert await notify(session, province.vault, news)

    province.portal.call(tell)
    with browser_of(province, MEI) as mine:
        page = mine.get("/citizen/notices", limit=3)
        rest = mine.get("/citizen/notices", limit=3, after=page["next"])
        assert (page["unread"], mine.get("/citizen/account")["unread"]) == (5, 5)
        # read as far as the second: what came after it stays unread
        assert mine.post("/citizen/notices/read", {"notice_no": page["items"][1]["notice_no"]}) == {"unread": 1}
        assert mine.post("/citizen/notices/read", {"notice_no": rest["items"][1]["notice_no"]}) == {"unread": 1}
        assert [one["read"] for one in mine.get("/citizen/notices")["items"]] == [False, True, True, True, True]
        assert mine.get("/citizen/account")["unread"] == 1
        assert refusal(mine.post, "/citizen/notices/read", {"notice_no": "x"}) == (422, "VALIDATION_FAILED")
        assert mine.get("/citizen/matters")["items"] == []
    assert province.rows("SELECT count(*) FROM notice WHERE read_at IS NOT NULL") == [(4,)], "nobody else's"
    shown = page["items"] + rest["items"]
    assert [one["explanation"] for one in shown] == [f"账户已冻结，check/{n}" for n in (4, 3, 2, 1, 0)]
    assert rest["next"] is None
    newest = shown[0]
    assert (newest["title"], newest["account_no"], newest["error_code"]) == ("账号无效", MEI.old_card, "account_frozen")
    assert newest["county"]["code"] == county
    assert newest["operated_at"] is not None


def test_nothing_is_shown_to_somebody_who_has_not_signed_in(province: Province) -> None:
    stranger = Browser(province.url)
    for path in ("account", "counties", "banks", "matters", "matters/500000-K2026-0001", "notices", "session"):
        answer = stranger.http.get(f"/citizen/{path}", headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.json()["code"]) == (401, "NOT_SIGNED_IN"), path
    for path in ("card-changes", "matters/500000-K2026-0001/withdrawal", "notices/read"):
        assert stranger.http.post(f"/citizen/{path}", json={}, headers={"Idempotency-Key": "k"}).status_code == 401
    for forged in ("x", "x" * 5000, "é"):
        headers = [(b"Cookie", f"onecard_session={forged}".encode())]
        assert stranger.http.get("/citizen/account", headers=headers).status_code == 401
    stranger.close()


def test_counties_have_the_names_of_the_standard() -> None:
    assert (county_name("500104"), county_name("500105"), county_name("500000")) == ("大渡口区", "江北区", "重庆市")
    assert county_words("431025") == "[431025] 临武县"
    assert county_words("120110") == "[120110] 东丽区"
    assert (county_name("999999"), county_words("999999")) == ("999999", "[999999]")

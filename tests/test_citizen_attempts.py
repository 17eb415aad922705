"""Attempts of one browser beside each other, what a session's life is, and the list of sign-ins."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from deploy.demo.citizens import LOGINS, Browser, phone
from deploy.demo.people import Json, Refused, wait_for
from tests.application_lines import citizen_id
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
NAME, OTHER = "周梅", "吴勇"
SESSION, BROWSER = "onecard_session", "onecard_browser_"


@contextmanager
def browser(province: Province) -> Iterator[Browser]:
    one = Browser(province.url)
    try:
        yield one
    finally:
        one.close()


def passed(province: Province, login: Json, name: str, place: int) -> None:
    phone(login["url"], "passed", name, citizen_id(place))
    stage = "SELECT stage FROM face_login WHERE login_no = :no"
    province.until("passed", stage, "passed", no=login["login_no"])


def signed_in_by(one: Browser, login_no: str) -> Json:
    """The attempt, asked for as its page does, once the browser is signed in."""
    return wait_for("登录", lambda: one.get(f"{LOGINS}/{login_no}", wait=5), lambda seen: bool(seen["signed_in"]))


def opened(province: Province) -> list[tuple[object, ...]]:
    return province.rows("SELECT login_no FROM face_login WHERE session_hash IS NOT NULL ORDER BY id")


def test_of_two_tabs_the_one_whose_code_is_scanned_signs_in(province: Province) -> None:
    with browser(province) as one:
        first, second = one.ask_to_sign_in("pc"), one.ask_to_sign_in("pc")
        assert one.code(first["login_no"]) != one.code(second["login_no"])
        passed(province, first, NAME, 31)
        seen = one.get(f"{LOGINS}/{first['login_no']}")
        assert (seen["login_no"], seen["stage"], seen["signed_in"]) == (first["login_no"], "passed", True)
        assert one.get("/citizen/account")["name"] == "**梅"
        other = one.get(f"{LOGINS}/{second['login_no']}")
        assert (other["login_no"], other["stage"], other["signed_in"]) == (second["login_no"], "waiting", True)
    assert opened(province) == [(first["login_no"],)]


def test_a_refreshed_code_does_not_lose_the_one_that_passed(province: Province) -> None:
    """The page asks about its newest attempt only; the phone had the code before in hand."""
    with browser(province) as one:
        first = one.ask_to_sign_in("pc")
        second = one.ask_to_sign_in("pc")
        passed(province, first, NAME, 32)
        seen = signed_in_by(one, second["login_no"])
        assert (seen["login_no"], seen["stage"]) == (second["login_no"], "waiting")
        assert one.get("/citizen/account")["name"] == "**梅"
    assert opened(province) == [(first["login_no"],)]


def test_a_page_that_waits_hears_of_the_tab_beside_it(province: Province) -> None:
    with browser(province) as one:
        first, second = one.ask_to_sign_in("pc"), one.ask_to_sign_in("app")
        passed(province, second, NAME, 33)
        assert one.get(f"{LOGINS}/{first['login_no']}", wait=20, stage="waiting")["signed_in"] is True


@pytest.mark.parametrize("province", [{"citizen_logins_per_person_hour": 2}], indirect=True)
def test_an_attempt_that_opened_nothing_counts_against_nobody(province: Province) -> None:
    """Passed at the platform, never fetched by its browser: of two sign-ins an hour none is used up."""
    for _ in range(3):
        with browser(province) as gone:
            passed(province, gone.ask_to_sign_in("pc"), NAME, 34)
    for _ in range(2):
        with browser(province) as one:
            one.sign_in(NAME, citizen_id(34), "pc")
    with browser(province) as one:
        login = one.ask_to_sign_in("pc")
        passed(province, login, NAME, 34)
        seen = one.get(f"{LOGINS}/{login['login_no']}")
        assert (seen["stage"], seen["signed_in"]) == ("failed", False)


def test_whoever_used_the_browser_before_is_not_signed_in_again(province: Province) -> None:
    """What passed before the next attempt was asked for stands beside nothing."""
    with browser(province) as one:
        before = one.ask_to_sign_in("pc")
        passed(province, before, NAME, 35)
        mine = one.ask_to_sign_in("pc")
        assert one.get(f"{LOGINS}/{mine['login_no']}")["signed_in"] is False
        passed(province, mine, OTHER, 36)
        assert signed_in_by(one, mine["login_no"])["stage"] == "passed"
        assert one.get("/citizen/account")["name"] == "**勇"


def test_an_attempt_planted_from_elsewhere_signs_nobody_in(province: Province) -> None:
    with browser(province) as victim, browser(province) as thief:
        planted = thief.ask_to_sign_in("pc")
        province.change(
            "UPDATE face_login SET address_index = 'elsewhere' WHERE login_no = :no", no=planted["login_no"]
        )
        victim.http.cookies.update(thief.http.cookies)
        mine = victim.ask_to_sign_in("pc")
        passed(province, planted, OTHER, 37)
        assert victim.get(f"{LOGINS}/{mine['login_no']}")["signed_in"] is False
        assert SESSION not in victim.http.cookies


def test_secrets_that_are_of_no_use_leave_the_browser(province: Province) -> None:
    with browser(province) as one:
        over = one.ask_to_sign_in("pc")
        phone(over["url"], "failed")
        ended = "SELECT ended_at IS NOT NULL FROM face_login WHERE login_no = :no"
        province.until("failed", ended, True, no=over["login_no"])
        living = one.ask_to_sign_in("pc")
        assert one.get(f"{LOGINS}/{over['login_no']}")["stage"] == "failed", "the other tab is still told"
        province.change("UPDATE face_login SET ended_at = ended_at - interval '6 minutes'")
        living = [living, one.ask_to_sign_in("pc")]
        shown = {name for name in one.http.cookies if name.startswith(BROWSER)}
        assert shown == {BROWSER + each["login_no"] for each in living}
        one.sign_out()
        assert list(one.http.cookies) == []


def test_a_code_says_that_it_is_for_who_stands_before_it(province: Province) -> None:
    with browser(province) as one:
        code = one.ask_to_sign_in("pc")
        assert code["caution"].startswith("请勿扫他人发来的码")
        assert "请勿扫他人发来的码" in one.code(code["login_no"]).decode()
        assert one.ask_to_sign_in("app")["caution"] is None


def test_each_sign_in_is_seen_by_the_person_and_by_nobody_else(province: Province) -> None:
    with browser(province) as phone_of, browser(province) as pc, browser(province) as other:
        other.sign_in(OTHER, citizen_id(39))
        phone_of.sign_in(NAME, citizen_id(38), "app")
        unfinished = pc.ask_to_sign_in("pc")
        phone(unfinished["url"], "failed")
        pc.sign_in(NAME, citizen_id(38), "pc")
        seen = pc.get("/citizen/sign-ins")
        told = [(each["channel"], each["channel_label"], each["current"]) for each in seen["items"]]
        assert told == [("pc", "PC", True), ("app", "APP", False)]
        assert set(seen["items"][0]) == {"login_no", "channel", "channel_label", "at", "current"}
        at = province.rows("SELECT session_opened_at FROM face_login WHERE channel = 'pc' AND session_hash IS NOT NULL")
        assert [each["at"] for each in seen["items"]][:1] == [at[0][0].isoformat()]  # type: ignore[attr-defined]
        page = pc.get("/citizen/sign-ins", limit=1)
        rest = pc.get("/citizen/sign-ins", limit=1, after=page["next"])
        assert (page["items"] + rest["items"], rest["next"]) == (
            [each | {"current": each["channel"] == "pc"} for each in seen["items"]],
            None,
        )
        assert pc.get("/citizen/notices")["items"] == [], "apart from 系统通知"
        assert len(other.get("/citizen/sign-ins")["items"]) == 1
    assert httpx.get(f"{province.url}/citizen/sign-ins", trust_env=False).status_code == 401


@pytest.mark.parametrize("province", [{"citizen_session_hours": 2.0}], indirect=True)
def test_a_session_ends_after_its_longest_life_however_much_is_done(province: Province) -> None:
    age = "UPDATE face_login SET session_opened_at = session_opened_at - CAST(:age AS interval), last_seen_at = now()"
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(40))
        province.change(age, age="119 minutes")
        assert one.get("/citizen/account")["name"] == "**梅"
        province.change(age, age="2 minutes")
        with pytest.raises(Refused) as refused:
            one.get("/citizen/account")
        assert (refused.value.status, refused.value.problem["code"]) == (401, "NOT_SIGNED_IN")
        assert "2 小时" in refused.value.problem["detail"]
        province.change("UPDATE face_login SET session_opened_at = now(), last_seen_at = now()")
        with pytest.raises(Refused):
            one.get("/citizen/account")

"""Signing in by app and by QR code: every end of an attempt, the one browser, idle time and limits."""

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import httpx
import pytest

from deploy.demo.citizens import LOGINS, Browser, phone
from deploy.demo.people import Json, Refused, wait_for
from tests.application_lines import citizen_id
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]
NAME, COMPLETED = "周梅", "identity.face.completed"
ASKING = {"platform_ask_seconds": 0.3}
SESSION, BROWSER = "onecard_session", "onecard_browser_"


@contextmanager
def browser(province: Province) -> Iterator[Browser]:
    one = Browser(province.url)
    try:
        yield one
    finally:
        one.close()


def ended(one: Browser, login_no: str) -> Json:
    return wait_for(
        "登录",
        lambda: one.get(f"{LOGINS}/{login_no}", wait=5),
        lambda seen: seen["stage"] in ("passed", "failed", "expired"),
    )


def row(province: Province, login_no: str) -> tuple[object, ...]:
    [found] = province.rows(
        "SELECT stage, reason_code, url_sealed, person_index IS NOT NULL FROM face_login WHERE login_no = :no",
        no=login_no,
    )
    return found


def refusal(act: object, *arguments: object) -> tuple[int, str]:
    assert callable(act)
    with pytest.raises(Refused) as refused:
        act(*arguments)
    return refused.value.status, str(refused.value.problem.get("code"))


@pytest.mark.parametrize("channel", ["app", "pc"])
def test_a_passed_face_opens_the_session(province: Province, channel: str) -> None:
    with browser(province) as one:
        login = one.ask_to_sign_in(channel)
        assert (login["stage"], login["signed_in"], login["url"].startswith("http")) == ("waiting", False, True)
        assert login["login_no"].startswith(f"{province.code}0000-F")
        assert (login["qr"] is None) == (channel == "app")
        assert refusal(one.get, "/citizen/account") == (401, "NOT_SIGNED_IN")
        phone(login["url"], "passed", NAME, citizen_id(1))
        assert ended(one, login["login_no"])["signed_in"] is True
        assert one.get("/citizen/account")["name"] == "**梅"
        assert ended(one, login["login_no"])["signed_in"] is True
        one.http.cookies.delete(SESSION)
        assert ended(one, login["login_no"])["signed_in"] is False, "a session is given once"
    assert row(province, login["login_no"]) == ("passed", None, None, True)
    province.until("run closed", "SELECT closed_at IS NOT NULL FROM run WHERE number = :no", True, no=login["login_no"])
    [inbox] = province.rows("SELECT source, state, effect FROM inbox WHERE number = :no", no=login["login_no"])
    assert inbox == ("callback", "applied", "passed")


def test_the_qr_code_is_a_picture_of_the_link(province: Province) -> None:
    with browser(province) as one, browser(province) as other:
        login = one.ask_to_sign_in("pc")
        answer = one.http.get(login["qr"])
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/svg+xml", "no-store")
        assert b"<svg" in answer.content
        assert login["url"].encode() not in answer.content
        other.ask_to_sign_in("pc")
        assert other.http.get(login["qr"]).status_code == 404
        assert httpx.get(province.url + login["qr"], trust_env=False).status_code == 404
        phone(login["url"], "failed")
        assert ended(one, login["login_no"])["stage"] == "failed"
        assert one.http.get(login["qr"]).status_code == 410


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"status": "failed"}, "人脸与身份信息不一致，请由本人重新识别"),
        ({"status": "failed", "reason_code": "cancelled"}, "已在手机上取消，请重新获取"),
        ({"status": "passed"}, "人脸识别暂时无法办理，请稍后重新获取"),
        ({"status": "passed", "name": NAME, "id_number": "500001198001010000"}, "人脸识别暂时无法办理，请稍后重新获取"),
    ],
)
def test_a_face_that_did_not_pass_opens_nothing(province: Province, wish: Json, words: str) -> None:
    with browser(province) as one:
        login = one.ask_to_sign_in("pc")
        province.platform.ask("POST", f"/face-sessions/{login['url'].rpartition('/')[2]}", wish)
        seen = ended(one, login["login_no"])
        assert (seen["stage"], seen["explanation"], seen["signed_in"], seen["url"]) == ("failed", words, False, None)
        assert SESSION not in one.http.cookies
        assert refusal(one.get, "/citizen/account")[0] == 401
        assert one.ask_to_sign_in("pc")["stage"] == "waiting"


@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_scanned_is_shown_by_asking(province: Province) -> None:
    with browser(province) as one:
        login = one.ask_to_sign_in("pc")
        phone(login["url"], "scanned")
        seen = one.progress(login["login_no"], "waiting")
        assert (seen["stage"], seen["stage_label"]) == ("scanned", "已扫码，人脸识别中")
        phone(login["url"], "passed", NAME, citizen_id(2))
        assert ended(one, login["login_no"])["signed_in"] is True


@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_a_lost_result_is_asked_for(province: Province) -> None:
    province.platform.lose(COMPLETED)
    with browser(province) as one:
        assert one.sign_in(NAME, citizen_id(3), "pc")["name"] == "**梅"
    assert province.rows("SELECT source, effect FROM inbox WHERE event_type = :type", type=COMPLETED) == [
        ("asked", "passed")
    ]


@pytest.mark.parametrize("channel", ["app", "pc"])
def test_an_unused_code_expires_and_a_new_one_takes_its_place(province: Province, channel: str) -> None:
    province.platform.ask("PUT", "/settings", {"face_session_seconds": 0.6})
    with browser(province) as one:
        login = one.ask_to_sign_in(channel)
        province.platform.ask("PUT", "/settings", {"face_session_seconds": 300})
        seen = ended(one, login["login_no"])
        assert (seen["stage"], seen["url"], seen["explanation"]) == ("expired", None, "超过时限未完成识别，请重新获取")
        province.until("expired", "SELECT stage FROM face_login WHERE login_no = :no", "expired", no=login["login_no"])
        if channel == "pc":
            assert one.http.get(f"{LOGINS}/{login['login_no']}/qr").status_code == 410
        again = one.ask_to_sign_in(channel)
        assert again["login_no"] != login["login_no"]
        assert ended(one, login["login_no"])["stage"] == "expired"
        phone(again["url"], "passed", NAME, citizen_id(4))
        assert ended(one, again["login_no"])["signed_in"] is True


@pytest.mark.parametrize("province", [ASKING], indirect=True)
def test_an_attempt_whose_end_nobody_tells_is_over_all_the_same(province: Province) -> None:
    """The platform loses the event and is not there to be asked: after the minute of grace it is over."""
    province.platform.lose(COMPLETED)
    with browser(province) as one:
        login = one.ask_to_sign_in("pc")
        province.platform.ask("PUT", "/faults", {"rates": {"5xx": 1.0}, "only": {"5xx": ["getFaceSession"]}})
        province.change(
            "UPDATE face_login SET expires_at = now() - interval '59 seconds' WHERE login_no = :no",
            no=login["login_no"],
        )
        assert ended(one, login["login_no"])["stage"] == "expired"
        assert row(province, login["login_no"])[0] == "waiting"
        province.until("expired", "SELECT stage FROM face_login WHERE login_no = :no", "expired", no=login["login_no"])
        phone(login["url"], "passed", NAME, citizen_id(5))
        [event] = province.platform.events(COMPLETED, login["login_no"])
        province.platform.deliver(event)
        province.until("late", "SELECT effect FROM inbox WHERE number = :no", "late", no=login["login_no"])
        assert ended(one, login["login_no"])["stage"] == "expired"


@pytest.mark.parametrize("fault", ["5xx", "html_200", "timeout_after_accept", "half_json", "early"])
def test_a_bad_moment_of_the_platform_costs_the_citizen_nothing(province: Province, fault: str) -> None:
    province.platform.ask("PUT", "/settings", {"hang_seconds": 0.3})
    province.platform.next_fault(fault, "openFaceSession")
    with browser(province) as one:
        assert one.sign_in(NAME, citizen_id(6))["name"] == "**梅"
    assert province.rows("SELECT count(*) FROM instruction WHERE operation = 'openFaceSession'") == [(1,)]


def test_a_repeated_and_a_contrary_result_change_nothing(province: Province) -> None:
    province.platform.ask("PUT", "/faults", {"next": {"duplicate": 1, "repeated": 1}, "only": {}})
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(7))
        [(login_no, person)] = province.rows("SELECT login_no, person_index FROM face_login")
        [event, *_] = province.platform.events(COMPLETED, login_no)
        data = {**event["body"]["data"], "name": "吴勇", "id_number": citizen_id(8)}
        assert province.post({**event["body"], "data": data}).status_code == 204
        foreign = {**data, "face_session_id": "face-of-somebody-else"}
        assert province.post({**event["body"], "data": foreign}).status_code == 204
        sql = "SELECT count(*) FROM inbox WHERE number = :no AND effect IN ('late', 'other session')"
        province.wait("applied", lambda: {"n": province.rows(sql, no=login_no)[0][0]}, lambda seen: seen["n"] >= 2)
        assert one.get("/citizen/account")["name"] == "**梅"
        assert province.rows("SELECT stage, person_index FROM face_login") == [("passed", person)]


def test_nobody_else_gets_at_an_attempt(province: Province) -> None:
    """A guessed number, with no cookie, an own one or a planted one, is a number that isn't there."""
    with browser(province) as victim, browser(province) as thief:
        login = victim.ask_to_sign_in("pc")
        path = f"{LOGINS}/{login['login_no']}"
        assert refusal(thief.get, path) == (404, "NOT_FOUND")
        thief.ask_to_sign_in("pc")
        assert refusal(thief.get, path) == (404, "NOT_FOUND")
        phone(login["url"], "passed", NAME, citizen_id(9))
        province.until("passed", "SELECT stage FROM face_login WHERE login_no = :no", "passed", no=login["login_no"])
        assert refusal(thief.get, path) == (404, "NOT_FOUND")
        assert SESSION not in thief.http.cookies
        assert ended(victim, login["login_no"])["signed_in"] is True


def test_a_planted_browser_secret_is_never_taken_over(province: Province) -> None:
    with browser(province) as victim, browser(province) as thief:
        planted = thief.ask_to_sign_in("app")
        victim.http.cookies.update(thief.http.cookies)
        mine = victim.ask_to_sign_in("app")
        phone(mine["url"], "passed", NAME, citizen_id(10))
        assert ended(victim, mine["login_no"])["signed_in"] is True
        assert refusal(thief.get, f"{LOGINS}/{mine['login_no']}")[0] == 404
        assert planted["login_no"] != mine["login_no"]


def test_a_session_opens_once_and_replaces_the_one_before(province: Province) -> None:
    with browser(province) as one:
        login = one.ask_to_sign_in("app")
        phone(login["url"], "passed", NAME, citizen_id(11))
        province.until("passed", "SELECT stage FROM face_login WHERE login_no = :no", "passed", no=login["login_no"])
        jar = dict(one.http.cookies)
        gate = threading.Barrier(6)

        def fetch(_: int) -> httpx.Response:
            gate.wait()
            return httpx.get(f"{province.url}{LOGINS}/{login['login_no']}", cookies=jar, trust_env=False)

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(fetch, range(6)))
        cookies = [answer.cookies[SESSION] for answer in answers if SESSION in answer.cookies]
        assert len(cookies) == 1
        one.http.cookies.set(SESSION, cookies[0], domain="127.0.0.1", path="/citizen")
        first = one.get("/citizen/account")
        assert first["name"] == "**梅"
        one.sign_in("吴勇", citizen_id(12))
        old = httpx.get(f"{province.url}/citizen/account", cookies={SESSION: cookies[0]}, trust_env=False)
        assert old.status_code == 401


def test_cookies_say_what_browsers_need_to_know(province: Province) -> None:
    with browser(province) as one:
        asked = one.http.post(LOGINS, json={"channel": "app"}, headers={"Idempotency-Key": uuid.uuid4().hex})
        words, no = asked.headers["set-cookie"].lower(), asked.json()["login_no"].lower()
        assert all(word in words for word in (f"{BROWSER}{no}=", "httponly", "samesite=strict", "path=/citizen"))
        secret = one.http.cookies[BROWSER + asked.json()["login_no"]]
        assert len(secret) >= 43
        stored = province.rows("SELECT browser_hash FROM face_login")
        assert stored == [(hashlib.sha256(secret.encode()).hexdigest(),)]
        no_key = one.http.post(LOGINS, json={"channel": "app"})
        assert (no_key.status_code, no_key.json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")
        foreign = {"Idempotency-Key": "k", "Sec-Fetch-Site": "cross-site"}
        refused = one.http.post(LOGINS, json={"channel": "app"}, headers=foreign)
        assert (refused.status_code, refused.json()["code"]) == (403, "OTHER_SITE")


@pytest.mark.parametrize("province", [{"citizen_cookies_secure": True}], indirect=True)
def test_cookies_travel_over_tls_only(province: Province) -> None:
    with browser(province) as one:
        asked = one.http.post(LOGINS, json={"channel": "app"}, headers={"Idempotency-Key": "k"})
        assert "secure" in asked.headers["set-cookie"].lower()


def test_half_an_hour_of_silence_ends_the_session(province: Province) -> None:
    age = "UPDATE face_login SET last_seen_at = last_seen_at - CAST(:age AS interval)"
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(13))
        province.change(age, age="29 minutes")
        assert one.get("/citizen/account")["name"] == "**梅"
        province.change(age, age="29 minutes")
        assert one.get("/citizen/account")["name"] == "**梅"
        province.change(age, age="31 minutes")
        assert refusal(one.get, "/citizen/account") == (401, "NOT_SIGNED_IN")
        province.change("UPDATE face_login SET last_seen_at = now()")
        assert refusal(one.get, "/citizen/account") == (401, "NOT_SIGNED_IN")


def test_asking_how_long_a_session_lives_prolongs_nothing(province: Province) -> None:
    age = "UPDATE face_login SET last_seen_at = last_seen_at - interval '10 minutes'"
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(18))
        told = one.get("/citizen/session")
        assert (told["name"], told["channel"]) == ("**梅", "app")
        ends = [told["ends_at"]]
        for _ in range(2):
            province.change(age)
            ends.append(one.get("/citizen/session")["ends_at"])
        first, second, third = (datetime.fromisoformat(each) for each in ends)
        assert (first - second, second - third) == (timedelta(minutes=10), timedelta(minutes=10))
        one.get("/citizen/account")
        assert datetime.fromisoformat(one.get("/citizen/session")["ends_at"]) > first, "an act prolongs it"
        # never beyond its longest life
        province.change("UPDATE face_login SET session_opened_at = session_opened_at - interval '11 hours 50 minutes'")
        longest = datetime.fromisoformat(one.get("/citizen/session")["ends_at"])
        assert longest < datetime.fromisoformat(ends[0]) - timedelta(minutes=15)


def test_who_finds_the_session_over_is_told_why(province: Province) -> None:
    with browser(province) as one, browser(province) as other:
        one.sign_in(NAME, citizen_id(19), "app")
        kept = dict(one.http.cookies)
        other.sign_in(NAME, citizen_id(19), "pc")
        assert one.get("/citizen/account")["name"] == "**梅", "a phone and a PC stay beside each other"
        other.sign_in(NAME, citizen_id(19), "app")
        assert _over(province, kept) == ("SESSION_ELSEWHERE", "已在别处登录")
        kept = dict(other.http.cookies)
        province.change("UPDATE face_login SET last_seen_at = last_seen_at - interval '31 minutes'")
        # whether somebody looked or acted first
        assert _over(province, kept, "session") == _over(province, kept) == _over(province, kept, "session")
        assert _over(province, kept) == ("SESSION_IDLE", "长时间未操作")
        other.sign_in(NAME, citizen_id(19))
        kept = dict(other.http.cookies)
        other.sign_out()
        assert _over(province, kept) == ("SESSION_SIGNED_OUT", "已退出")
        assert _over(province, {}) is None


def _over(province: Province, cookies: dict[str, str], path: str = "account") -> tuple[str, str] | None:
    answer = httpx.get(f"{province.url}/citizen/{path}", cookies=cookies, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_SIGNED_IN")
    return next(((each["code"], each["detail"]) for each in answer.json().get("errors", [])), None)


def test_signing_out_ends_the_session_everywhere(province: Province) -> None:
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(14))
        kept = dict(one.http.cookies)
        one.sign_out()
        assert SESSION not in one.http.cookies
        answer = httpx.get(f"{province.url}/citizen/account", cookies=kept, trust_env=False)
        assert answer.status_code == 401


@pytest.mark.parametrize("province", [{"citizen_logins_per_address_hour": 3}], indirect=True)
def test_an_address_has_so_many_attempts_an_hour(province: Province) -> None:
    with browser(province) as one:
        gate = threading.Barrier(5)

        def ask(place: int) -> httpx.Response:
            gate.wait()
            headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Forwarded-For": f"203.0.113.{place}"}
            return httpx.post(province.url + LOGINS, json={"channel": "pc"}, headers=headers, trust_env=False)

        with ThreadPoolExecutor(5) as threads:
            answers = list(threads.map(ask, range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 429, 429]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["code"] == "TOO_MANY_LOGINS"
        assert 3500 < int(refused.headers["retry-after"]) <= 3601
        province.change("UPDATE face_login SET created_at = created_at - interval '61 minutes'")
        assert one.ask_to_sign_in("pc")["stage"] == "waiting"


@pytest.mark.parametrize("province", [{"citizen_logins_per_person_hour": 2}], indirect=True)
def test_a_person_has_so_many_attempts_an_hour_on_all_devices(province: Province) -> None:
    for _ in range(2):
        with browser(province) as one:
            one.sign_in(NAME, citizen_id(15))
    with browser(province) as one:
        login = one.ask_to_sign_in("app")
        phone(login["url"], "passed", NAME, citizen_id(15))
        seen = ended(one, login["login_no"])
        assert (seen["stage"], seen["explanation"]) == ("failed", "您一小时内登录次数过多，请稍后再试")
        assert SESSION not in one.http.cookies
        one.sign_in("吴勇", citizen_id(16))
        province.change("UPDATE face_login SET created_at = created_at - interval '61 minutes'")
        one.sign_in(NAME, citizen_id(15))


def test_nothing_of_a_person_leaves_this_process(province: Province) -> None:
    with browser(province) as one:
        one.sign_in(NAME, citizen_id(17), "pc")
        session = one.http.cookies[SESSION]
    [(login_no, *stored)] = province.rows(
        "SELECT login_no, name_sealed, id_number_sealed, person_index, session_hash, face_session_id FROM face_login"
    )
    assert not any(secret in json.dumps(stored) for secret in (NAME, citizen_id(17), session))

    async def history() -> str:
        told = await province.temporal.get_workflow_handle(f"face-login/{login_no}").fetch_history()
        return told.to_json()

    said = province.portal.call(history)
    assert login_no in said
    assert not any(secret in said for secret in (NAME, citizen_id(17), str(stored[-1])))

"""Journey 1 of the console over the API: invited, password, authenticator, code; what is wrong is told to nobody."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.people.sessions import Sessions
from models.words.staff import Role, SessionEnd
from tests.rows import ADMIN, AUDITOR, COUNTY, OPERATOR, OTHER_COUNTY, SECOND_ADMIN, Office, citizen_id, open_office
from tests.sign_ins import PASSWORD, Phone, again, first_time, step
from tests.test_people import over

CLERK = {"subject": "Wu.Fang", "name": "吴芳", "id_number": citizen_id(1), "roles": ["operator"]}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def invite(office: Office, who: str = ADMIN, **changes: object) -> httpx.Response:
    return await office.post("/staff/invitations", CLERK | changes, who)


async def invited(office: Office, **changes: object) -> str:
    answer = await invite(office, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def acts(office: Office, county: str = COUNTY) -> list[str]:
    return [
        str(act)
        for (act,) in await office.rows(
            "SELECT act FROM trail_entry WHERE county_code = :county ORDER BY sequence", county=county
        )
    ]


async def asked_as(office: Office, secret: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """By whoever has the session."""
    sessions = Sessions(office.parts)
    signed = await sessions.who(secret)
    assert signed is not None
    headers = {"Authorization": f"Bearer {sessions.token(signed)}"}
    if body is None:
        return await office.http.get(path, headers=headers)
    return await office.http.post(path, json=body, headers=headers | {"Idempotency-Key": f"own-{path}-{body}"})


async def test_an_invited_clerk_sets_a_password_binds_a_phone_and_is_in(office: Office) -> None:
    code = await invited(office)
    phone, answer = await first_time(office, "wu.fang", code.lower().replace("-", " "))
    assert (answer["step"], answer["ticket"]) == (None, None)
    me = (await asked_as(office, answer["session"], "/staff/me")).json()
    assert (me["person"], me["name"], me["role"]) == ("wu.fang", "吴芳", "operator")
    assert await acts(office) == ["person.invited", "person.signed_in"]

    # the invitation and the code are used up, the phone's next one opens a session that ends this one
    assert (await step(office, "", name="wu.fang", password=code)).json()["code"] == "SIGN_IN_REFUSED"
    begun = (await step(office, "", name="WU.FANG", password=PASSWORD)).json()
    used = await step(office, "/code", ticket=begun["ticket"], code=phone.code())
    assert (used.status_code, used.json()["code"]) == (401, "SIGN_IN_REFUSED")
    later = await again(office, "wu.fang", phone)
    assert await over(office, answer["session"]) is SessionEnd.ELSEWHERE
    assert (await asked_as(office, later["session"], "/staff/me/sign-ins")).json()["items"][1]["over_by"] == "elsewhere"
    assert (await asked_as(office, later["session"], "/staff/sign-outs", {})).status_code == 200
    assert await Sessions(office.parts).who(later["session"]) is None
    assert await over(office, later["session"]) is SessionEnd.SIGNED_OUT


async def test_nothing_secret_is_kept_as_it_was_typed(office: Office) -> None:
    code = await invited(office)
    phone, answer = await first_time(office, "wu.fang", code)
    for table in ("person", "staff_session", "sign_in_ticket", "sign_in_tally", "idempotent_answer", "trail_entry"):
        kept = str(await office.rows(f"SELECT row_to_json(t)::text FROM {table} t"))
        for secret in (
            code,
            code.replace("-", ""),
            PASSWORD,
            phone.secret,
            answer["session"],
            "吴芳",
            CLERK["id_number"],
        ):
            assert str(secret) not in kept, table


async def test_five_failures_lock_a_name_whether_anybody_has_it_or_not(office: Office) -> None:
    phone, _ = await first_time(office, "wu.fang", await invited(office))
    told: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for name in ("wu.fang", "nobody.here"):
        answers = [await step(office, "", name=name, password="a wrong password") for _ in range(6)]
        told[name] = [(answer.status_code, answer.json()) for answer in answers]
        assert [status for status, _ in told[name]] == [401] * 5 + [429]
    assert told["wu.fang"] == told["nobody.here"]
    right = await step(office, "", name="wu.fang", password=PASSWORD)
    assert (right.status_code, right.json()["code"]) == (429, "SIGN_IN_LOCKED")
    assert 800 < int(right.headers["Retry-After"]) <= 901
    assert (await acts(office)).count("person.sign_in_refused") == 5
    assert await acts(office, "500000") == ["person.sign_in_refused"] * 5

    await office.run("UPDATE sign_in_tally SET locked_until = now() - interval '1 second'")
    begun = (await step(office, "", name="wu.fang", password=PASSWORD)).json()
    for _ in range(4):  # the second factor is counted under the same name
        wrong = await step(office, "/code", ticket=begun["ticket"], code="000000")
        assert wrong.status_code == 401
    assert (await again(office, "wu.fang", phone))["session"]
    assert await office.rows("SELECT tries FROM sign_in_tally WHERE locked_until IS NULL") == []


async def test_a_stranger_who_locks_a_name_stops_nobody_who_is_in(office: Office) -> None:
    """Acts that want a code go on, and the administrator's reset opens the name again, as the refusal says."""
    phone, answer = await first_time(office, "wu.fang", await invited(office))
    for _ in range(6):
        locked = await step(office, "", name="wu.fang", password="a wrong password")
    assert (locked.status_code, "请县管理员重置" in locked.json()["detail"]) == (429, True)
    phone.ahead = 1
    assert (await asked_as(office, answer["session"], "/staff/codes", {"code": phone.code()})).status_code == 200
    assert (await step(office, "", name="wu.fang", password=PASSWORD)).status_code == 429
    reset = await office.post("/staff/people/wu.fang/reset", {}, ADMIN)
    _, later = await first_time(office, "wu.fang", reset.json()["code"])
    for at in range(5):
        code = {"code": f"{at:06d}"}
        assert (await asked_as(office, later["session"], "/staff/codes", code)).json()["code"] == "VALIDATION_FAILED"
    sixth = await asked_as(office, later["session"], "/staff/codes", {"code": "999999"})
    assert sixth.json()["code"] == "SIGN_IN_LOCKED"


async def test_an_unknown_name_costs_the_same_work(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hashing and one entry in a trail each; what differs else is under a millisecond."""
    await first_time(office, "wu.fang", await invited(office))
    hashed: list[str] = []
    real = office.parts.hashing.one

    def counted() -> Any:
        hashed.append("one")
        return real()

    monkeypatch.setattr(office.parts.hashing, "one", counted)
    entries = "SELECT count(*) FROM trail_entry WHERE act = 'person.sign_in_refused'"
    for name in ("wu.fang", "nobody.here", "\N{FULLWIDTH LATIN SMALL LETTER A}", "x" * 80):
        before = len(hashed), await office.rows(entries)
        assert (await step(office, "", name=name, password="a wrong password")).status_code == 401
        ((were,),) = before[1]
        assert (len(hashed), await office.rows(entries)) == (before[0] + 1, [(int(str(were)) + 1,)])


async def test_an_address_has_so_many_attempts(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, staff_sign_ins_per_address_hour=3) as office:
        answers = [await step(office, "", name=f"n{at}", password="wrong password") for at in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert answers[-1].json()["code"] == "TOO_MANY_LOGINS"


async def test_a_weak_password_is_refused_and_the_ticket_stays(office: Office) -> None:
    begun = (await step(office, "", name="wu.fang", password=await invited(office))).json()
    for password in ("short", "1234567890", "wu.fang-2026", "aaaaaaaaaaaa", "Password123"):
        weak = await step(office, "/password", ticket=begun["ticket"], password=password)
        assert (weak.status_code, weak.json()["errors"][0]["code"]) == (422, "WEAK"), password
    assert (await step(office, "/password", ticket=begun["ticket"], password=PASSWORD)).status_code == 200


async def test_steps_come_in_their_order_each_once_and_soon(office: Office) -> None:
    code = await invited(office, roles=["operator", "auditor"])
    begun = (await step(office, "", name="wu.fang", password=code)).json()
    assert (await step(office, "/role", ticket=begun["ticket"], role="operator")).json()["code"] == "TICKET_OVER"
    bound = (await step(office, "/password", ticket=begun["ticket"], password=PASSWORD)).json()
    assert (await step(office, "/password", ticket=begun["ticket"], password=PASSWORD)).json()["code"] == "TICKET_OVER"
    phone = Phone(bound["authenticator"]["secret"])
    chosen = (await step(office, "/code", ticket=bound["ticket"], code=phone.code())).json()
    assert [choice["role"] for choice in chosen["roles"]] == ["operator", "auditor"]
    assert (await step(office, "/role", ticket=chosen["ticket"], role="reviewer")).status_code == 422
    await office.run("UPDATE sign_in_ticket SET made_at = now() - interval '15 minutes'")
    assert (await step(office, "/role", ticket=chosen["ticket"], role="auditor")).json()["code"] == "TICKET_OVER"
    await office.run("UPDATE sign_in_ticket SET made_at = now()")
    session = (await step(office, "/role", ticket=chosen["ticket"], role="auditor")).json()["session"]
    signed = await Sessions(office.parts).who(session)
    assert signed is not None
    assert signed.role is Role.AUDITOR
    await office.run("UPDATE person SET invitation_ends_at = now(), state = 'invited' WHERE subject = 'wu.fang'")
    assert (await step(office, "", name="wu.fang", password=code)).status_code == 401


async def test_a_reviewer_is_made_by_two_administrators(office: Office) -> None:
    asked = await invite(office, roles=["operator", "reviewer"])
    assert (asked.json()["waiting"], asked.json()["code"]) == (True, None)
    change = asked.json()["person"]["change"]
    path = f"/staff/people/wu.fang/changes/{change['change_id']}"
    own = await office.post(f"{path}/confirmation", {}, ADMIN)
    assert (own.status_code, own.json()["code"]) == (403, "SAME_PERSON")
    code = (await office.post(f"{path}/confirmation", {}, SECOND_ADMIN)).json()["code"]
    assert (await office.post(f"{path}/refusal", {}, SECOND_ADMIN)).json()["code"] == "CHANGE_DECIDED"
    phone, answer = await first_time(office, "wu.fang", code)
    assert answer["step"] == "role"

    # taking a role away needs one, giving it back two; each ends what is open
    session = (await step(office, "/role", ticket=answer["ticket"], role="reviewer")).json()["session"]
    taken = await office.post("/staff/people/wu.fang/roles", {"roles": ["operator"]}, ADMIN)
    assert (taken.json()["waiting"], taken.json()["person"]["roles"]) == (False, ["operator"])
    assert await over(office, session) is SessionEnd.CHANGED
    given = await office.post("/staff/people/wu.fang/roles", {"roles": ["reviewer"]}, SECOND_ADMIN)
    assert given.json()["person"]["roles"] == ["operator"]
    twice = await office.post("/staff/people/wu.fang/roles", {"roles": ["county_admin"]}, SECOND_ADMIN)
    assert twice.json()["code"] == "CHANGE_OPEN"
    path = f"/staff/people/wu.fang/changes/{given.json()['person']['change']['change_id']}"
    assert (await office.post(f"{path}/refusal", {}, ADMIN)).json()["person"]["roles"] == ["operator"]
    given = await office.post("/staff/people/wu.fang/roles", {"roles": ["reviewer"]}, SECOND_ADMIN)
    path = f"/staff/people/wu.fang/changes/{given.json()['person']['change']['change_id']}"
    assert (await office.post(f"{path}/confirmation", {}, ADMIN)).json()["person"]["roles"] == ["reviewer"]

    # a reset too: whoever had the phone is out when the second has confirmed
    session = (await again(office, "wu.fang", phone))["session"]
    wanted = await office.post("/staff/people/wu.fang/reset", {}, ADMIN)
    assert (wanted.json()["waiting"], wanted.json()["code"]) == (True, None)
    assert await Sessions(office.parts).who(session) is not None
    path = f"/staff/people/wu.fang/changes/{wanted.json()['person']['change']['change_id']}"
    code = (await office.post(f"{path}/confirmation", {}, SECOND_ADMIN)).json()["code"]
    assert await Sessions(office.parts).who(session) is None
    assert (await step(office, "", name="wu.fang", password=PASSWORD)).status_code == 401
    assert (await first_time(office, "wu.fang", code))[1]["session"]


async def test_who_is_locked_or_stopped_is_out_at_once(office: Office) -> None:
    phone, answer = await first_time(office, "wu.fang", await invited(office))
    sessions, session = Sessions(office.parts), answer["session"]
    signed = await sessions.who(session)
    assert signed is not None
    bearer = {"Authorization": f"Bearer {sessions.token(signed)}"}
    assert (await office.http.get("/flows", headers=bearer)).status_code == 200
    assert (await office.post("/staff/people/wu.fang/lock", {}, ADMIN)).json()["person"]["state"] == "locked"
    barred = await office.http.get("/flows", headers=bearer)
    assert (barred.status_code, barred.json()["code"]) == (401, "PERSON_BARRED")
    assert await sessions.who(session) is None
    assert (await step(office, "", name="wu.fang", password=PASSWORD)).status_code == 401
    assert (await office.post("/staff/people/wu.fang/lock", {}, ADMIN)).json()["code"] == "PERSON_STATE_UNFIT"
    assert (await office.post("/staff/people/wu.fang/unlock", {}, ADMIN)).status_code == 200
    assert (await again(office, "wu.fang", phone))["session"]
    assert (await office.post("/staff/people/wu.fang/stop", {}, ADMIN)).json()["person"]["state"] == "stopped"
    assert (await step(office, "", name="wu.fang", password=PASSWORD)).status_code == 401
    code = (await office.post("/staff/people/wu.fang/reset", {}, ADMIN)).json()["code"]
    assert (await first_time(office, "wu.fang", code))[1]["session"]


async def test_another_processs_lock_is_seen_within_half_a_minute(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = office.headers(OPERATOR, COUNTY, None)
    assert (await office.http.get("/flows", headers=headers)).status_code == 200
    await office.run("UPDATE person SET state = 'locked' WHERE subject = :who", who=OPERATOR)
    assert (await office.http.get("/flows", headers=headers)).status_code == 200
    kept = office.parts.standings._kept
    kept |= {whose: (until - 30.0, standing) for whose, (until, standing) in kept.items()}
    assert (await office.http.get("/flows", headers=headers)).status_code == 401


async def test_what_nobody_sees_of_a_name_is_not_kept(office: Office) -> None:
    await invited(office, name="赵\u202e核审")
    [person] = [one for one in (await office.get("/staff/people", ADMIN)).json()["items"] if "赵" in one["name"]]
    assert person["name"] == "赵核审"


async def test_people_are_an_administrators_and_never_the_own_row(office: Office) -> None:
    code = await invited(office)
    assert (await invite(office)).json()["code"] == "LOGIN_TAKEN"
    same = await invite(office, subject="wu.fang2")
    assert (same.status_code, same.json()["code"]) == (409, "PERSON_KNOWN")
    assert (await invite(office, subject="x.y", id_number="50010119800101")).status_code == 422
    for name in ("<script>", "=1+1", "王\n审核"):
        odd = await invite(office, subject="x.y", name=name, id_number=citizen_id(3))
        assert (odd.status_code, odd.json()["errors"][0]["pointer"]) == (422, "/name"), name
    assert (await invite(office, subject="platform", id_number=citizen_id(2))).json()["code"] == "LOGIN_TAKEN"
    for act in ("lock", "stop", "reset"):
        own = await office.post(f"/staff/people/{ADMIN}/{act}", {}, ADMIN)
        assert (own.status_code, own.json()["code"]) == (403, "OWN_ROW")
    own = await office.post(f"/staff/people/{ADMIN}/roles", {"roles": ["reviewer"]}, ADMIN)
    assert own.json()["code"] == "OWN_ROW"
    for who, status in ((OPERATOR, 403), (AUDITOR, 200), (ADMIN, 200)):
        assert (await office.get("/staff/people", who)).status_code == status
        assert (await office.get("/staff/people/wu.fang", who)).status_code == status
    assert (await invite(office, AUDITOR)).status_code == 403
    listed = (await office.get("/staff/people", ADMIN, state="invited", role="operator")).json()["items"]
    assert [(person["subject"], person["name"]) for person in listed] == [("wu.fang", "吴芳")]
    assert code not in str(listed)
    assert (await office.get("/staff/people/wu.fang", ADMIN, OTHER_COUNTY)).status_code == 404
    assert (await office.post("/staff/people/wu.fang/lock", {}, ADMIN, OTHER_COUNTY)).status_code == 404
    assert (await office.get("/staff/names", OPERATOR)).json()["names"]["wu.fang"] == "吴芳"


async def test_what_moves_people_wants_a_recent_code(office: Office) -> None:
    """A session that is five minutes old types one: it is good for five minutes, and once."""
    phone, answer = await first_time(office, "wu.fang", await invited(office))
    await office.run("UPDATE person SET roles = '{county_admin}' WHERE subject = 'wu.fang'")
    await office.run("UPDATE staff_session SET role = 'county_admin', code_at = now() - interval '301 seconds'")
    lock = f"/staff/people/{ADMIN}/lock"
    office.staff.add_known(ADMIN, COUNTY)
    old = await asked_as(office, answer["session"], lock, {})
    assert (old.status_code, old.json()["code"]) == (403, "CODE_NEEDED")
    wrong = await asked_as(office, answer["session"], "/staff/codes", {"code": phone.code()})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "SIGN_IN_REFUSED")
    phone.ahead = 1
    assert (await asked_as(office, answer["session"], "/staff/codes", {"code": phone.code()})).status_code == 200
    assert (await asked_as(office, answer["session"], lock, {})).status_code == 200
    assert (await acts(office))[-3:] == ["person.code_refused", "person.code_taken", "person.locked"]


async def test_a_changed_password_ends_what_is_open(office: Office) -> None:
    phone, answer = await first_time(office, "wu.fang", await invited(office))
    session, new = answer["session"], "another long password"
    wrong = await asked_as(office, session, "/staff/me/password", {"old": "not the one", "new": new})
    assert wrong.json()["errors"][0]["pointer"] == "/old"
    weak = await asked_as(office, session, "/staff/me/password", {"old": PASSWORD, "new": "1234567890"})
    assert weak.json()["errors"][0]["code"] == "WEAK"
    changed = await asked_as(office, session, "/staff/me/password", {"old": PASSWORD, "new": new})
    assert changed.json() == {"over": True}
    assert await over(office, session) is SessionEnd.CHANGED
    assert (await step(office, "", name="wu.fang", password=PASSWORD)).status_code == 401
    session = (await again(office, "wu.fang", phone, new))["session"]

    bound = (await asked_as(office, session, "/staff/me/authenticator", {})).json()
    other = Phone(bound["authenticator"]["secret"])
    done = {"ticket": bound["ticket"], "code": other.code()}
    assert (await asked_as(office, session, "/staff/me/authenticator/confirmation", done)).status_code == 200
    assert (await again(office, "wu.fang", other, new))["session"]

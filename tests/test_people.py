"""The people of a county's staff and the sessions that they work in."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api.people.sessions import Sessions
from deploy.local_people import LocalPerson
from models.store.people.persons import find_person
from models.store.people.sessions import end_all, open_session, why_over
from models.store.retention import KINDS, clear_old
from models.tables.base import now
from models.words.staff import Role, SessionEnd
from tests.rows import ADMIN, COUNTY, Office, open_office


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def signed_in(office: Office, subject: str, role: Role, code_at: datetime | None = None) -> str:
    """The secret of a session that somebody has opened."""
    office.staff.add(LocalPerson(COUNTY, subject, (role,), "李会计"))
    async with office.database.transaction() as session:
        row = await find_person(session, COUNTY, subject)
        assert row is not None
        return await open_session(session, row, role, code_at)


async def over(office: Office, secret: str) -> SessionEnd | None:
    async with office.database.reading() as session:
        return await why_over(session, secret, Sessions(office.parts).lives)


async def test_a_session_is_a_persons_until_its_time_is_over(office: Office) -> None:
    sessions, typed = Sessions(office.parts), now()
    secret = await signed_in(office, "li.kuaiji", Role.OPERATOR, typed)
    signed = await sessions.who(secret)
    assert signed is not None
    assert (signed.subject, signed.name, signed.role, signed.county_code) == (
        "li.kuaiji",
        "李会计",
        Role.OPERATOR,
        COUNTY,
    )
    assert signed.code_at == typed
    answer = await office.http.get("/staff/me", headers={"Authorization": f"Bearer {sessions.token(signed)}"})
    assert (answer.status_code, answer.json()["person"]) == (200, "li.kuaiji")

    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '20 minutes'")
    unmoved, moved = await sessions.who(secret, prolong=False), await sessions.who(secret)
    assert unmoved is not None
    assert moved is not None
    assert (unmoved.ends_at - now()).total_seconds() < 601 < 1790 < (moved.ends_at - now()).total_seconds()
    await office.run("UPDATE staff_session SET last_seen_at = now() - interval '31 minutes'")
    assert await sessions.who(secret) is None
    assert await over(office, secret) is SessionEnd.IDLE
    await office.run("UPDATE staff_session SET last_seen_at = now(), opened_at = now() - interval '10 hours'")
    assert await sessions.who(secret) is None
    assert await over(office, secret) is SessionEnd.LONGEST


async def test_a_person_has_one_session_and_none_once_barred(office: Office) -> None:
    sessions = Sessions(office.parts)
    first = await signed_in(office, "li.kuaiji", Role.OPERATOR)
    second = await signed_in(office, "li.kuaiji", Role.OPERATOR)
    assert await sessions.who(first) is None
    assert await over(office, first) is SessionEnd.ELSEWHERE
    assert await sessions.who(second) is not None
    assert await office.rows("SELECT secret_hash FROM staff_session WHERE secret_hash = :it", it=second) == []
    for bars, end in (
        ("state = 'locked'", SessionEnd.LOCKED),
        ("state = 'stopped'", SessionEnd.LOCKED),
        ("roles = ARRAY['auditor']", SessionEnd.CHANGED),
    ):
        await office.run(f"UPDATE person SET {bars}")
        assert await sessions.who(second) is None, bars
        assert await over(office, second) is end, bars
        await office.run("UPDATE person SET state = 'active', roles = ARRAY['operator']")
    assert await sessions.who(second) is not None
    async with office.database.transaction() as session:
        person = await find_person(session, COUNTY, "li.kuaiji")
        assert person is not None
        assert person.id is not None
        await end_all(session, person.id, SessionEnd.CHANGED)
    assert await sessions.who(second) is None


async def test_what_signing_in_leaves_behind_goes_after_its_days(office: Office) -> None:
    """Of ended sessions each person's last one stays, as does what is open, and all of the trail."""
    for _ in range(3):
        last = await signed_in(office, "li.kuaiji", Role.OPERATOR)
    await signed_in(office, "qian.kuaiji", Role.OPERATOR)
    await office.run("UPDATE staff_session SET ended_at = now() - interval '401 days', over_by = 'idle'")
    kept = await signed_in(office, "zhao.kuaiji", Role.OPERATOR)
    await office.run("UPDATE staff_session SET opened_at = now() - interval '500 days' WHERE ended_at IS NULL")
    for days in (29, 31):
        at = f"now() - interval '{days} days'"
        await office.run(f"INSERT INTO sign_in_tally (name_index, tries, last_at) VALUES ('{days}', 1, {at})")
        await office.run(f"INSERT INTO oidc_attempt (secret_hash, made_at) VALUES ('{days}', {at})")
        await office.run(f"INSERT INTO search_tally (caller, searches, since) VALUES ('{days}', 1, {at})")
        await office.run(
            "INSERT INTO sign_in_ticket (secret_hash, person_id, step, made_at)"
            f" SELECT '{days}', id, 'code', {at} FROM person WHERE subject = 'li.kuaiji'"
        )
    trail = await office.rows("SELECT count(*) FROM trail_entry")
    async with office.database.transaction() as session:
        assert [await clear_old(session, office.parts.settings, kind) for kind in KINDS] == [False] * len(KINDS)
    for table, column in (
        ("sign_in_tally", "name_index"),
        ("search_tally", "caller"),
        ("sign_in_ticket", "secret_hash"),
        ("oidc_attempt", "secret_hash"),
    ):
        assert await office.rows(f"SELECT {column} FROM {table}") == [("29",)], table
    left = await office.rows("SELECT p.subject FROM staff_session s JOIN person p ON p.id = person_id ORDER BY s.id")
    assert left == [("li.kuaiji",), ("qian.kuaiji",), ("zhao.kuaiji",)]
    assert await over(office, last) is SessionEnd.IDLE
    assert await Sessions(office.parts).who(kept) is None, "open for longer than a day, and kept to be seen"
    assert await office.rows("SELECT count(*) FROM trail_entry") == trail


@pytest.mark.parametrize("cookie", ["", "x" * 201, "x", "\ud800", "\0"])
async def test_what_is_no_secret_opens_nothing(office: Office, cookie: str) -> None:
    assert await Sessions(office.parts).who(cookie) is None


async def test_a_person_whom_only_a_newer_version_can_read_makes_no_list_an_error(
    office: Office, owner: psycopg.Connection
) -> None:
    """An unknown state, an unknown role, a broken seal: shown as such in their row."""
    await office.sign_in("op.li")
    asked = ("/staff/people", "/staff/people/op.li", "/staff/names")
    for [name] in owner.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'person'::regclass AND contype = 'c'"
    ).fetchall():
        owner.execute(sql.SQL("ALTER TABLE person DROP CONSTRAINT {}").format(sql.Identifier(name)))
    for spoilt in ("state = 'tomorrow'", "state = 'active', roles = roles || ARRAY['tomorrow']", "name_sealed = 'x'"):
        owner.execute(sql.SQL("UPDATE person SET {} WHERE subject = 'op.li'").format(sql.SQL(spoilt)))
        assert [(await office.get(path, ADMIN)).status_code for path in asked] == [200, 200, 200], spoilt

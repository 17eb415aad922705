"""What must not be learned: by a copy of the database, by one who guesses, by one who fills in somebody else's id."""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from models.forms.masking import masked
from models.store.sql import execute, fetch_int
from models.store.vault import Field
from models.tables.metadata import metadata
from models.words.staff import Role
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server, seed_catalogs
from tests.application_lines import card, citizen_id, enter, lock_account, personal
from tests.platform_posts import policy_reviewed, post_event
from tests.statements import rows_of

MOST = 5


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, searches_per_person_hour=MOST) as running:
        await seed_catalogs(running.database)
        yield running


async def everything_stored(server: ApiServer) -> str:
    async with server.database.reading() as session:
        tables = await rows_of(session, "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
        rows = [row for (table,) in tables for row in await rows_of(session, f"SELECT t::text FROM {table} t")]
    return "\n".join(str(row[0]) for row in rows)


async def test_no_plain_hash_tells_what_was_asked_or_said(server: ApiServer) -> None:
    """All but the account known, its digits are tried in seconds against a plain hash."""
    body = {"fund_year": YEAR, "form": personal(1)}
    sent = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = server.bearer(Role.OPERATOR) | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    assert (await server.http.post("/applications", content=sent, headers=headers)).status_code == 201
    said = policy_reviewed(f"{COUNTY}-Z{YEAR}-0001.1")
    other = policy_reviewed(f"{COUNTY}-Z{YEAR}-0001.1", "rejected")
    for event in (said, other):
        assert (await post_event(server, "evt-1", event)).status_code == 204
    stored = await everything_stored(server)
    assert "evt-1" in stored
    asked = b"POST /applications?\n"
    for content in (sent, asked + sent, said, other, json.dumps(body["form"]).encode(), card(1).encode()):
        assert hashlib.sha256(content).hexdigest() not in stored
    assert card(1) not in stored


async def test_the_trail_is_masked_and_a_reviewer_may_ask_for_one_entry_whole(server: ApiServer) -> None:
    await enter(server, personal(1))
    (entry,) = (await server.get(Role.COUNTY_ADMIN, "/trail")).json()["items"]
    form = entry["detail"]["form"]
    assert (form["name"], form["id_number"]) == ("**国", "*********" + citizen_id(1)[-4:])
    assert (form["account_no"], form["phone"]) == ("****" + card(1)[-4:], "138****1234")
    assert form["item_code"] == "BT1001"
    assert (await server.get(Role.REVIEWER, "/trail")).json()["items"] == [entry]
    whole = await server.whole(Role.REVIEWER, f"/trail/{entry['sequence']}")
    assert whole["detail"]["form"]["id_number"] == citizen_id(1)


def test_numbers_in_what_people_write_are_masked_and_ours_are_not() -> None:
    told = {
        "reason": f"账号{card(1)}有误，见500001-L2026-0001",
        "before": [{"phone": "13800001234"}],
        "amount_fen": 12345678,
    }
    shown: Any = masked(told)
    assert shown["reason"] == f"账号****{card(1)[-4:]}有误，见500001-L2026-0001"
    assert (shown["before"], shown["amount_fen"]) == ([{"phone": "138****1234"}], 12345678)


@pytest.mark.parametrize("path", ["/applications/search", "/register/search", "/card-changes/search"])
async def test_searches_by_a_number_are_counted_per_person(server: ApiServer, path: str) -> None:
    async def search(person: str, county: str = COUNTY, role: Role = Role.OPERATOR, **sought: str) -> Any:
        return await server.post(role, path, sought, county, person=person)

    for place in range(MOST):
        role = Role.REVIEWER if place % 2 else Role.OPERATOR
        sought = {"account_no": card(place)} if place % 2 else {"id_number": citizen_id(place)}
        assert (await search("li", role=role, **sought)).status_code == 200
    for _ in range(2):
        refused = await search("li", id_number=citizen_id(9))
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_SEARCHES")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    assert (await search("li", name="周建国")).status_code == 200
    assert (await search("wang", id_number=citizen_id(9))).status_code == 200
    assert (await search("li", OTHER_COUNTY, id_number=citizen_id(9))).status_code == 200
    async with server.database.transaction() as session:
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry WHERE act = 'search.too_many'") == 1
        await execute(session, "UPDATE search_tally SET since = since - interval '1 hour'")
    assert (await search("li", id_number=citizen_id(9))).status_code == 200


async def test_who_fills_in_a_strangers_id_does_not_learn_of_an_account_change(server: ApiServer) -> None:
    """The same answers as if there were none; the staff hear of it with the request, and so does the person."""
    there = (await enter(server, personal(1)))["application_no"]
    await lock_account(server, there)
    body = {"fund_year": YEAR, "form": personal(1, account_no=card(9))}
    staff = await server.post(Role.OPERATOR, "/applications", body)
    assert (staff.status_code, staff.json()["code"]) == (409, "ACCOUNT_LOCKED")
    assert "K1" in staff.json()["detail"]

    index = server.vault.index(Field.ID_NUMBER, citizen_id(1))
    own = server.staff.token("zhou", Role.APPLICANT, COUNTY, index)
    headers = {"Authorization": f"Bearer {own}", "Idempotency-Key": "own"}
    told = await server.http.post("/applications", json=body, headers=headers)
    assert (told.status_code, told.json()["code"]) == (409, "ACCOUNT_LOCKED")
    assert "K1" in told.json()["detail"]

    stranger = {"role": Role.APPLICANT, "person": "guesser"}
    free = await server.post(path="/applications", body={"fund_year": YEAR, "form": personal(2)}, **stranger)
    guessed = await server.post(path="/applications", body=body, **stranger)
    assert guessed.status_code == free.status_code == 201
    assert guessed.json().keys() == free.json().keys()
    number = guessed.json()["application_no"]
    changed = {"version": 1, "form": personal(1, account_no=card(8))}
    bearer = server.bearer(Role.APPLICANT, person="guesser")
    assert (await server.http.put(f"/applications/{number}", json=changed, headers=bearer)).status_code == 200
    assert (await server.http.get(f"/applications/{number}", headers=bearer)).json()["held"] is False
    listed = (await server.http.get("/applications", headers=bearer)).json()["items"]
    assert [line["held"] for line in listed] == [False, False]
    # the lock holds: staff see it, and no list takes the line
    assert (await server.get(Role.OPERATOR, f"/applications/{number}")).json()["held"] is True


@pytest.mark.parametrize("group", ["12345678组", "6组 13800001234", "６２１７００００", "5001 0119 5602", "123-456-78"])
async def test_a_group_with_eight_digits_in_a_row_is_refused(server: ApiServer, group: str) -> None:
    answer = await server.post(Role.OPERATOR, "/applications", {"fund_year": YEAR, "form": personal(1, group=group)})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], "八位以上" in error["detail"]) == ("/form/group", True)


@pytest.mark.parametrize("group", ["6组", "1234567组", "第12组3号", "2026-1组"])
async def test_usual_groups_are_taken(server: ApiServer, group: str) -> None:
    answer = await server.post(Role.OPERATOR, "/applications", {"fund_year": YEAR, "form": personal(1, group=group)})
    assert answer.status_code == 201


async def test_what_people_write_is_sealed_and_shown_to_those_it_concerns(server: ApiServer) -> None:
    """Titles and reasons name people: whoever has a copy of the rows reads none of them."""
    title, reason = "王建国等人补发批次", "王建国已亡故，由其子王小国代领"
    opened = await server.post(Role.OPERATOR, "/batches", {"title": title, "fund_year": YEAR})
    batch = (await server.get(Role.OPERATOR, f"/batches/{opened.json()['batch_no']}")).json()
    assert batch["title"] == title
    (listed,) = (await server.get(Role.REVIEWER, "/batches")).json()["items"]
    assert listed["title"] == title
    number = (await enter(server, personal(1)))["application_no"]
    asked = {"selection": {"application_nos": [number]}, "reason": reason}
    assert (await server.post(Role.OPERATOR, "/application-withdrawals", asked)).status_code == 200
    assert (await server.get(Role.REVIEWER, f"/applications/{number}")).json()["reason"] == reason
    stored = await everything_stored(server)
    assert number in stored
    for secret in (title, reason, "王建国"):
        assert secret not in stored
        assert json.dumps(secret).strip('"') not in stored


def test_no_column_of_free_text_is_plain() -> None:
    """Whoever adds one has to think about it: the plain ones are words of ours, or public."""
    typed = re.compile(r"reason|remark|opinion|title|comment|note|explanation|words|failure|detail|address")
    plain = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if typed.search(column.name) and not column.name.endswith(("_sealed", "_code", "_index"))
    }
    assert plain == {
        # hung out in the village
        "batch.publicity_address",
        # ours: by the platform's code
        "card_change.failure",
        "village_entry.failure",
        "dataset.refusal_detail",
        "matter_step.words",
        # sealed as a whole under its entry
        "trail_entry.detail",
    }

"""Applications over HTTP: entry, correction, every act of their life, lists, search, and who may see what."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import python_calamine

from models.store.sql import execute, fetch_int
from models.store.trail.check import Break, check_trail
from models.store.trail.entries import by_system, record
from models.words.staff import Role
from models.words.stages import TrailBreak
from tests.api_server import COUNTY, OTHER_COUNTY, YEAR, ApiServer, api_server, seed_catalogs
from tests.application_lines import (
    act,
    card,
    citizen_id,
    enter,
    lock_account,
    organization,
    personal,
    put_card_photos,
    put_lines,
    request,
    stages,
)
from tests.statements import rows_of

ENTRIES = 60


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path) as running:
        await seed_catalogs(running.database)
        yield running


async def test_an_entry_is_a_sealed_draft_shown_masked_and_whole_when_asked_for(server: ApiServer) -> None:
    number = (await enter(server, personal(1)))["application_no"]
    assert number == f"{COUNTY}-S{YEAR}-0000001"
    (listed,) = (await server.get(Role.REVIEWER, "/applications")).json()["items"]
    assert (listed["name"], listed["stage_label"], listed["town"]) == ("**国", "草稿", "城关镇")
    assert listed["id_number"] == "*********" + citizen_id(1)[-4:]
    assert listed["account_no"] == "****" + card(1)[-4:]
    assert listed["phone"] == "138****1234"
    path = f"/applications/{number}"
    alone = await server.whole(Role.REVIEWER, path)
    assert (alone["name"], alone["id_number"], alone["account_no"]) == ("周建国", citizen_id(1), card(1))
    assert alone["household_label"] == "农业"
    assert (await server.get(Role.REVIEWER, path)).json() == {
        **alone,
        **{field: listed[field] for field in ("name", "id_number", "account_no", "phone")},
    }
    async with server.database.reading() as session:
        stored = " ".join(str(value) for row in await rows_of(session, "SELECT * FROM application") for value in row)
        assert not any(value in stored for value in ("周建国", citizen_id(1), card(1), "13800001234"))


async def test_an_organization_has_no_household(server: ApiServer) -> None:
    number = (await enter(server, organization(1)))["application_no"]
    alone = (await server.get(Role.OPERATOR, f"/applications/{number}")).json()
    assert (alone["applicant_kind"], alone["household_registration"], alone["family_size"]) == (
        "organization",
        None,
        None,
    )


async def test_every_fault_of_a_form_is_told_with_its_place_and_nothing_is_stored(server: ApiServer) -> None:
    form = personal(1, id_number="500001195602159894", bank_code="XXX", amount_fen=0, name="")
    answer = await server.post(Role.OPERATOR, "/applications", {"fund_year": YEAR, "form": form})
    assert answer.status_code == 422
    faults = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert faults == {
        "/form/name": "REQUIRED",
        "/form/id_number": "ID_CHECK_DIGIT",
        "/form/bank_code": "BANK_UNKNOWN",
        "/form/amount_fen": "AMOUNT_NOT_POSITIVE",
    }
    assert "500001195602159894" not in answer.text
    assert await stages(server) == {}


@pytest.mark.parametrize("amount", [True, 1.5, "100", 10**16, -1])
async def test_amounts_are_strict_fen(server: ApiServer, amount: object) -> None:
    body = {"fund_year": YEAR, "form": personal(1, amount_fen=amount)}
    assert (await server.post(Role.OPERATOR, "/applications", body)).status_code == 422


async def test_a_second_application_of_the_same_item_is_warned_of_not_refused(server: ApiServer) -> None:
    first = await enter(server, personal(1))
    second = await enter(server, personal(1, amount_fen=77))
    other_item = await enter(server, personal(1, item_code="BT1002"))
    assert first["warnings"] == other_item["warnings"] == []
    (warning,) = second["warnings"]
    number = first["application_no"]
    assert (warning["code"], warning["application_nos"]) == ("SAME_ITEM", [number])
    there = {"application_no": number, "stage": "draft", "stage_label": "草稿", "amount_fen": 10_001}
    assert warning["applications"] == [there]
    assert f"{number}（草稿，100.01 元）" in warning["detail"]
    body = {"version": 1, "form": personal(1, item_code="BT1002", amount_fen=78)}
    edited = await server.put(Role.OPERATOR, f"/applications/{second['application_no']}", body)
    assert edited.json()["warnings"][0]["application_nos"] == [other_item["application_no"]]


async def test_next_years_a_withdrawn_and_a_closed_one_are_no_doubles(server: ApiServer) -> None:
    numbers = [(await enter(server, personal(1)))["application_no"] for _ in range(3)]
    async with server.database.transaction() as session:
        for change, number in zip(
            ("stage = 'withdrawn'", "stage = 'closed'", "fund_year = 2025"), numbers, strict=True
        ):
            await execute(session, f"UPDATE application SET {change} WHERE application_no = :number", number=number)
    assert (await enter(server, personal(1)))["warnings"] == []


async def test_an_applicant_hears_of_the_own_ones_only(server: ApiServer) -> None:
    """Nor of how many others there are: whose else they are is nobody's business."""
    await enter(server, personal(1))
    mine = {"role": Role.APPLICANT, "channel": "mobile", "person": "wang"}
    first = await enter(server, personal(1), **mine)
    assert first["warnings"] == []
    second = await enter(server, personal(1), **mine)
    (warning,) = second["warnings"]
    assert warning["application_nos"] == [first["application_no"]]
    assert "等" not in warning["detail"]
    (theirs,) = (await enter(server, personal(1)))["warnings"]
    assert (len(theirs["application_nos"]), "等 3 份" in theirs["detail"]) == (3, True)


async def test_a_number_of_the_countys_own_is_kept_and_never_given_twice(server: ApiServer) -> None:
    assert (await enter(server, personal(1, application_no="A-17")))["application_no"] == "A-17"
    for given in ("A-17", f"{COUNTY}-S{YEAR}-0000009"):
        body = {"fund_year": YEAR, "form": personal(2, application_no=given)}
        answer = await server.post(Role.OPERATOR, "/applications", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "APPLICATION_NO_USED")


async def test_catalogs_that_were_never_fetched_are_asked_for_once(server: ApiServer) -> None:
    for _ in range(2):
        body = {"fund_year": YEAR, "form": personal(1)}
        answer = await server.post(Role.OPERATOR, "/applications", body, county=OTHER_COUNTY)
        assert (answer.status_code, answer.json()["code"]) == (503, "CATALOG_FETCHING")
        assert answer.headers["retry-after"]
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM outbox") == 1


async def test_the_whole_life_before_a_flow(server: ApiServer) -> None:
    numbers = [(await enter(server, personal(place)))["application_no"] for place in (1, 2, 3)]
    await put_card_photos(server)
    done = await act(server, Role.OPERATOR, "/application-submissions", {"stage": "draft"})
    assert (done["act"], done["count"], done["total_fen"], done["left_out"]) == (
        "applications.submitted",
        3,
        30_006,
        [],
    )
    await act(server, Role.REVIEWER, "/application-returns", numbers[2:], reason="银行卡照片不清")
    returned = (await server.get(Role.OPERATOR, f"/applications/{numbers[2]}")).json()
    assert (returned["stage"], returned["reason"]) == ("draft", "银行卡照片不清")
    approved = await act(server, Role.REVIEWER, "/application-approvals", {"stage": "in_review"})
    assert approved["count"] == 2
    published = await act(server, Role.OPERATOR, "/application-publicisings", {"stage": "in_review"})
    assert published["count"] == 2
    await _set(server, "stage = 'matched', match_outcome = 'matched'", numbers[0])
    material = await act(server, Role.OPERATOR, "/settlement-materials", {"fund_year": YEAR})
    assert material["count"] == 1
    assert {group["code"]: group["count"] for group in material["left_out"]} == {"NOT_MATCHED": 2}
    await act(server, Role.OPERATOR, "/application-withdrawals", [numbers[1]], reason="已领取其他补贴")
    assert await stages(server) == {"pending_settlement": 1, "withdrawn": 1, "draft": 1}
    async with server.database.reading() as session:
        acts = [row[0] for row in await rows_of(session, "SELECT act FROM trail_entry ORDER BY id")]
        assert acts[-1] == "applications.withdrawn"
        assert await check_trail(session, server.vault, COUNTY, None) is None


async def test_a_trail_that_is_written_meanwhile_is_whole_and_a_changed_one_is_not(
    server: ApiServer, owner: psycopg.Connection
) -> None:
    """Read up to the head that was there at the beginning: an entry more is no broken chain."""

    async def write() -> None:
        for place in range(ENTRIES):
            async with server.database.transaction() as session:
                await record(session, server.vault, by_system(COUNTY, "noted", str(place), {}))

    async def found() -> Break | None:
        async with server.database.reading() as session:
            return await check_trail(session, server.vault, COUNTY, None)

    writers = [asyncio.create_task(write()) for _ in range(2)]
    looks = 0
    while not all(writer.done() for writer in writers):
        assert await found() is None
        looks += 1
    await asyncio.gather(*writers)
    assert looks > 2
    owner.execute("ALTER TABLE trail_entry DISABLE TRIGGER USER")  # it refuses every change
    owner.execute("UPDATE trail_entry SET actor = 'nobody' WHERE sequence = 7")
    owner.execute("ALTER TABLE trail_entry ENABLE TRIGGER USER")
    assert await found() == Break(TrailBreak.CHANGED, 7)


async def test_a_named_line_that_is_unfit_refuses_the_whole_act(server: ApiServer) -> None:
    numbers = await put_lines(server, 3, "draft")
    await _set(server, "stage = 'in_flow', batch_id = (SELECT id FROM batch)", numbers[0], with_batch=True)
    asked = request([*numbers, "A-404"], "重复")
    answer = await server.post(Role.OPERATOR, "/application-withdrawals", asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "LINES_UNFIT")
    assert {error["application_no"]: error["code"] for error in answer.json()["errors"]} == {
        numbers[0]: "APPLICATION_IN_FLOW",
        "A-404": "UNKNOWN_APPLICATION",
    }
    assert await stages(server) == {"draft": 2, "in_flow": 1}


async def test_in_a_flow_nobody_returns_or_edits(server: ApiServer) -> None:
    (number,) = await put_lines(server, 1, "draft")
    await _set(server, "stage = 'in_flow', batch_id = (SELECT id FROM batch)", number, with_batch=True)
    back = await server.post(Role.REVIEWER, "/application-returns", request([number], "x"))
    edited = await server.put(Role.OPERATOR, f"/applications/{number}", {"version": 1, "form": personal(0)})
    assert back.json()["errors"][0]["code"] == "APPLICATION_IN_FLOW"
    assert (edited.status_code, edited.json()["code"]) == (409, "APPLICATION_IN_FLOW")


async def test_nobody_approves_the_own_entry(server: ApiServer) -> None:
    await enter(server, personal(1), person="li")
    await put_card_photos(server)
    await act(server, Role.OPERATOR, "/application-submissions", {"stage": "draft"})
    own = await act(server, Role.REVIEWER, "/application-approvals", {"stage": "in_review"}, person="li")
    assert (own["count"], own["left_out"][0]["code"]) == (0, "SELF_ENTERED")
    other = await act(server, Role.REVIEWER, "/application-approvals", {"stage": "in_review"}, person="wu")
    assert other["count"] == 1


async def test_a_single_entry_needs_the_bank_cards_picture_and_an_imported_one_is_told_to_lack_it(
    server: ApiServer,
) -> None:
    single = (await enter(server, personal(1)))["application_no"]
    firm = (await enter(server, organization(2), role=Role.APPLICANT, channel="mobile"))["application_no"]
    imported = await put_lines(server, 2, "draft")
    refused = await server.post(Role.OPERATOR, "/application-submissions", request([single]))
    assert [each["code"] for each in refused.json()["errors"]] == ["BANK_CARD_PHOTO_MISSING"]
    done = await act(server, Role.OPERATOR, "/application-submissions", {"stage": "draft"})
    assert (done["count"], done["left_out"][0]["application_nos"]) == (2, [single, firm])
    await put_card_photos(server)
    async with server.database.transaction() as session:
        await execute(
            session,
            "DELETE FROM application_photo USING application a WHERE a.id = application_id AND application_no = :no",
            no=imported[1],
        )
    assert (await act(server, Role.OPERATOR, "/application-submissions", {"stage": "draft"}))["count"] == 2
    query = {"stage": "in_review", "bank_card_photo": "false"}
    listed = (await server.get(Role.REVIEWER, "/applications", **query)).json()["items"]
    assert [(row["application_no"], row["bank_card_photo_label"]) for row in listed] == [(imported[1], "缺银行卡照片")]
    approved = await act(server, Role.REVIEWER, "/application-approvals", {"stage": "in_review"})
    (warning,) = approved["warnings"]
    assert (approved["count"], warning["count"], warning["application_nos"]) == (4, 1, [imported[1]])


async def test_without_approval_nothing_is_publicised(server: ApiServer) -> None:
    await put_lines(server, 2, "in_review")
    done = await act(server, Role.OPERATOR, "/application-publicisings", {"stage": "in_review"})
    assert (done["count"], done["left_out"][0]["code"]) == (0, "NOT_APPROVED")


async def test_a_failed_line_is_closed_only_after_its_flow(server: ApiServer) -> None:
    numbers = await put_lines(server, 2, "failed", payments=1)
    await _put_flow_line(server, numbers[0])
    done = await act(server, Role.OPERATOR, "/application-closings", {"stage": "failed"}, reason="本人放弃")
    assert (done["count"], done["left_out"][0]["code"]) == (1, "FLOW_NOT_ENDED")
    assert await stages(server) == {"failed": 1, "closed": 1}


async def test_acts_that_need_a_reason_say_so(server: ApiServer) -> None:
    for role, path in (
        (Role.REVIEWER, "/application-returns"),
        (Role.OPERATOR, "/application-withdrawals"),
        (Role.OPERATOR, "/application-closings"),
    ):
        answer = await server.post(role, path, request({"stage": "draft"}))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "REASON_MISSING"


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"filter": {}},
        {"filter": {"stag": "draft"}},
        {"application_nos": []},
        {"application_nos": ["1"], "filter": {}},
    ],
)
async def test_a_selection_says_what_it_means(server: ApiServer, selection: object) -> None:
    answer = await server.post(Role.OPERATOR, "/application-submissions", {"selection": selection})
    assert answer.status_code == 422


async def test_a_number_is_found_as_it_is_printed_and_one_that_is_not_understood_is_said_to_be(
    server: ApiServer,
) -> None:
    number = (await enter(server, personal(3, name="欧阳 春")))["application_no"]
    an_id, an_account = citizen_id(3), card(3)
    headers = server.bearer(Role.REVIEWER)
    for sought in (
        {"id_number": f"{an_id[:6]} {an_id[6:14]}-{an_id[14:].lower()}"},
        {"account_no": " ".join(an_account[place : place + 4] for place in range(0, len(an_account), 4))},
        {"name": "欧阳春"},
        {"name": " 欧\u3000阳 春"},
    ):
        found = await server.http.post("/applications/search", json=sought, headers=headers)
        assert [line["application_no"] for line in found.json()["items"]] == [number]
    for path in ("/applications/search", "/register/search", "/card-changes/search"):
        for name, value, said in (
            ("account_no", f"{an_account[:-1]}o", "“o”（U+006F）"),
            ("id_number", f"{an_id[:-1]}\u212a", "“\u212a”（U+212A）"),
            ("account_no", f"{an_account[:4]}\uff10{an_account[5:]}", "“\uff10”（U+FF10）"),
            ("account_no", f"{an_account}\u200b", "（U+200B）"),
            ("id_number", f"{an_id[:-1]}O", "“O”（U+004F）"),
            ("id_number", an_id[:-1], "17 位"),
            ("name", "欧\u200b阳", "U+200B"),
        ):
            answer = await server.http.post(path, json={name: value}, headers=headers)
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["pointer"]) == (422, f"/{name}")
            assert said in error["detail"]
            assert value not in answer.text


async def test_a_name_that_is_kept_in_another_form_is_told(server: ApiServer) -> None:
    entered = await enter(server, personal(4, name="李 梅", group="6 组"))
    told = [(each["pointer"], each["code"]) for each in entered["warnings"]]
    assert told == [("/form/name", "BLANKS_DROPPED"), ("/form/group", "BLANKS_DROPPED")]
    shown = await server.whole(Role.OPERATOR, f"/applications/{entered['application_no']}")
    assert (shown["name"], shown["group"]) == ("李梅", "6组")
    body = {"version": 1, "form": personal(4, name="李\uf90a")}
    corrected = await server.put(Role.OPERATOR, f"/applications/{entered['application_no']}", body)
    assert [each["code"] for each in corrected.json()["warnings"]] == ["CHARACTERS_MAPPED"]
    answer = await server.post(
        Role.OPERATOR, "/applications", {"fund_year": YEAR, "form": personal(5, name="李\u3164")}
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "CHARACTERS")
    assert "U+3164" in answer.json()["errors"][0]["detail"]


async def test_texts_that_no_database_takes_are_refused(server: ApiServer) -> None:
    for selection, reason in (({"batch_no": "a\x00b"}, "x"), ({"stage": "draft"}, "a\x00b"), (["a\x00b"], "x")):
        answer = await server.post(Role.OPERATOR, "/application-withdrawals", request(selection, reason))
        assert answer.status_code == 422
    headers = server.bearer(Role.OPERATOR)
    sought = await server.http.post("/applications/search", json={"name": "a\x00b"}, headers=headers)
    assert sought.status_code == 422


async def test_a_correction_past_the_review_goes_through_it_again(server: ApiServer) -> None:
    number = (await enter(server, personal(1)))["application_no"]
    await _set(server, "stage = 'unmatched', match_outcome = 'name_differs', reviewed_by = 'wu', list_id = 5", number)
    body = {"version": 1, "form": personal(1, name="周建囯", account_no="622848000012")}
    answer = await server.put(Role.OPERATOR, f"/applications/{number}", body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["stage"], answer.json()["version"]) == ("in_review", 2)
    shown = await server.whole(Role.OPERATOR, f"/applications/{number}")
    assert (shown["name"], shown["account_no"], shown["reviewed_by"], shown["match_outcome"]) == (
        "周建囯",
        "622848000012",
        None,
        None,
    )
    again = await server.put(Role.OPERATOR, f"/applications/{number}", body)
    assert again.json()["code"] == "IN_REVIEW"


async def test_what_changed_since_it_was_looked_at_is_not_overwritten(server: ApiServer) -> None:
    number = (await enter(server, personal(1)))["application_no"]
    path = f"/applications/{number}"
    first, second = await asyncio.gather(
        server.put(Role.OPERATOR, path, {"version": 1, "form": personal(1, family_size=2)}),
        server.put(Role.OPERATOR, path, {"version": 1, "form": personal(1, family_size=3)}),
    )
    assert sorted((first.status_code, second.status_code)) == [200, 409]
    assert {first.json().get("code"), second.json().get("code")} == {None, "VERSION_CHANGED"}


async def test_a_line_under_initialisation_waits_for_its_result(server: ApiServer) -> None:
    number = (await enter(server, personal(1)))["application_no"]
    await _set(server, "stage = 'publicised', list_id = 5", number)
    answer = await server.put(Role.OPERATOR, f"/applications/{number}", {"version": 1, "form": personal(1)})
    assert (answer.status_code, answer.json()["code"]) == (409, "IN_INITIALISATION")


async def test_while_a_card_change_is_under_way_bank_and_account_stay(server: ApiServer) -> None:
    number = (await enter(server, personal(1)))["application_no"]
    await lock_account(server, number)
    path = f"/applications/{number}"
    for changes in ({"account_no": card(9)}, {"bank_code": "ICBC"}, {"id_number": citizen_id(9)}):
        answer = await server.put(Role.OPERATOR, path, {"version": 1, "form": personal(1, **changes)})
        assert (answer.status_code, answer.json()["code"]) == (409, "ACCOUNT_LOCKED")
    moved = await server.put(Role.OPERATOR, path, {"version": 1, "form": personal(1, phone="13900001234")})
    assert moved.status_code == 200


async def test_applicants_see_and_touch_the_own_ones_only(server: ApiServer) -> None:
    own = (await enter(server, personal(1), role=Role.APPLICANT, channel="mobile", person="wang"))["application_no"]
    other = (await enter(server, personal(2)))["application_no"]
    headers = server.bearer(Role.APPLICANT, person="wang")
    listed = (await server.http.get("/applications", headers=headers)).json()["items"]
    assert [(line["application_no"], line["channel"]) for line in listed] == [(own, "mobile")]
    assert (await server.http.get(f"/applications/{other}", headers=headers)).status_code == 404
    body = {"version": 1, "form": personal(2)}
    assert (await server.http.put(f"/applications/{other}", json=body, headers=headers)).status_code == 404
    await put_card_photos(server)
    named = await server.post(Role.APPLICANT, "/application-submissions", request([other]), person="wang")
    assert named.json()["errors"][0]["code"] == "UNKNOWN_APPLICATION"
    everything = await act(server, Role.APPLICANT, "/application-submissions", {"stage": "draft"}, person="wang")
    assert everything["count"] == 1
    assert await stages(server) == {"in_review": 1, "draft": 1}
    refused = await server.post(Role.APPLICANT, "/application-approvals", request([own]), person="wang")
    assert refused.status_code == 403


async def test_another_countys_rows_are_not_there(server: ApiServer) -> None:
    await seed_catalogs(server.database, OTHER_COUNTY)
    (number,) = await put_lines(server, 1, "draft")
    assert (await server.get(Role.OPERATOR, f"/applications/{number}", OTHER_COUNTY)).status_code == 404
    assert (await server.get(Role.OPERATOR, "/applications", OTHER_COUNTY)).json()["items"] == []
    body = {"version": 1, "form": personal(0)}
    assert (await server.put(Role.OPERATOR, f"/applications/{number}", body, OTHER_COUNTY)).status_code == 404
    acted = await server.post(Role.OPERATOR, "/application-submissions", request([number]), OTHER_COUNTY)
    assert acted.json()["errors"][0]["code"] == "UNKNOWN_APPLICATION"
    sought = await server.post(Role.OPERATOR, "/applications/search", {"name": "周建国"}, OTHER_COUNTY)
    assert sought.json()["items"] == []
    assert (await server.get(Role.OPS, "/applications")).status_code == 403


async def test_lists_page_without_gaps_and_filter(server: ApiServer) -> None:
    numbers = await put_lines(server, 7, "draft")
    await act(server, Role.OPERATOR, "/application-submissions", numbers[:4])
    seen: list[str] = []
    after = None
    while True:
        page = (await server.get(Role.OPERATOR, "/applications", limit=3, **({"after": after} if after else {}))).json()
        seen += [line["application_no"] for line in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == numbers
    filtered = (await server.get(Role.OPERATOR, "/applications", stage="in_review", bank_code="ABC")).json()["items"]
    assert [line["application_no"] for line in filtered] == numbers[:4]
    assert (await server.get(Role.OPERATOR, "/applications", stage="nowhere")).status_code == 422


async def test_a_person_is_found_by_name_id_and_account(server: ApiServer) -> None:
    await enter(server, personal(1, name="阿依古丽·买买提"))
    wanted = (await enter(server, personal(2, name="𬶋小明")))["application_no"]
    for sought in (
        {"name": "𬶋小明"},
        {"id_number": citizen_id(2)},
        {"account_no": card(2)},
        {"name": "𬶋小明", "account_no": card(2), "filter": {"stage": "draft"}},
    ):
        found = await server.http.post("/applications/search", json=sought, headers=server.bearer(Role.REVIEWER))
        assert [line["application_no"] for line in found.json()["items"]] == [wanted]
    nothing = await server.http.post("/applications/search", json={}, headers=server.bearer(Role.REVIEWER))
    assert nothing.status_code == 422


async def test_twenty_thousand_lines_are_one_statement_and_one_trail_entry(server: ApiServer) -> None:
    count = 20_000
    await put_lines(server, count, "draft")
    begun = time.perf_counter()
    done = await act(server, Role.OPERATOR, "/application-submissions", {"stage": "draft"})
    seconds = time.perf_counter() - begun
    assert (done["count"], done["total_fen"]) == (count, count * 10_000 + count * (count - 1) // 2)
    assert seconds < 6
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM trail_entry") == 1
    begun = time.perf_counter()
    exported = await server.get(Role.OPERATOR, "/applications", format="xlsx")
    print(f"act {seconds:.2f} s, export {time.perf_counter() - begun:.2f} s")
    sheet = python_calamine.load_workbook(io.BytesIO(exported.content)).get_sheet_by_index(0)
    assert len(sheet.to_python()) == count + 1


async def _set(server: ApiServer, change: str, application_no: str, *, with_batch: bool = False) -> None:
    """Bring a line where others (the platform, a flow) would have brought it."""
    async with server.database.transaction() as session:
        if with_batch:
            await execute(
                session,
                "INSERT INTO batch (batch_no, county_code, fund_year, title_sealed, stage, verification_round,"
                " created_by, created_at, updated_at)"
                " VALUES ('B1', :county, :year, 'x', 'in_flow', 1, 'o', now(), now())",
                county=COUNTY,
                year=YEAR,
            )
        await execute(session, f"UPDATE application SET {change} WHERE application_no = :no", no=application_no)


async def _put_flow_line(server: ApiServer, application_no: str) -> None:
    """The line stands in a flow that still pays."""
    async with server.database.transaction() as session:
        await execute(
            session,
            "WITH b AS (INSERT INTO batch (batch_no, county_code, fund_year, title_sealed, stage, verification_round,"
            " created_by, created_at, updated_at) VALUES ('B1', :county, :year, 'x', 'in_flow', 1, 'o', now(), now())"
            " RETURNING id), i AS (INSERT INTO indicator (indicator_no, county_code, fund_year, budget_unit_code,"
            " budget_unit_name, budget_project_code, budget_project_name, document_no, total_fen, central_fen,"
            " provincial_fen, municipal_fen, county_fen, reserved_fen, paid_fen, stage, round, entered_by, created_at,"
            " updated_at) VALUES ('I1', :county, :year, 'u', 'u', 'p', 'p', 'd', 9000000, 9000000, 0, 0, 0, 0, 0,"
            " 'approved', 1, 'o', now(), now()) RETURNING id), f AS (INSERT INTO flow (flow_no, county_code, fund_year,"
            " batch_id, batch_no, policy_unit_code, stage, round_no, summary_no, called_off, started_by,"
            " created_at) SELECT 'L1', :county, :year, b.id, 'B1', 'u', 'paying', 1, 1, false, 'o', now() FROM b"
            " RETURNING id) INSERT INTO flow_line (flow_id, application_id, application_no, attempt, county_code,"
            " applicant_kind, name_sealed, name_index, id_number_sealed, person_index, town_code, village_code,"
            " bank_code, account_sealed, account_index, item_code, amount_fen, indicator_id, verification, state,"
            " sent, money,"
            " payment, payment_sequence, updated_at) SELECT f.id, a.id, a.application_no, 1, a.county_code,"
            " a.applicant_kind, a.name_sealed, a.name_index, a.id_number_sealed, a.person_index, a.town_code,"
            " a.village_code,"
            " a.bank_code, a.account_sealed, a.account_index, a.item_code, a.amount_fen, i.id, 'passed', 'accepted',"
            " true, 'released', 'failed', 1, now() FROM f, i, application a WHERE a.application_no = :no",
            county=COUNTY,
            year=YEAR,
            no=application_no,
        )

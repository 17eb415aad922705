"""The county's desk of card changes: the source's columns and filters, before and after, decisions, shared accounts."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from api.citizens.card_views import matter_views
from deploy.demo.people import Json
from models.store.cards.requests import Citizen
from models.store.events.contradictions import Claim, keep_claim
from models.store.register.entries import EntryForm, end_entry, open_entry
from models.store.vault import Field
from models.tables.cards import CardChange, VillageEntry
from models.tables.catalogs import CatalogList
from models.wire.words import AccountChangeStatus, CardType
from models.words.card_stages import EntryStage
from models.words.staff import Role
from models.words.waiting import CARD_UNANSWERED
from tests.card_ground import BANK, FIRST, OTHER_BANK, REVIEWER, SECOND, THIRD, Cards, card, part_no, person
from tests.rows import (
    OPERATOR,
    OPS,
    Line,
    Office,
    account_no,
    add_file,
    add_flow,
    add_ground,
    citizen_id,
    codes,
    open_office,
    set_lines,
)
from tests.rows import SECOND as SECOND_REVIEWER

OLD, NEW, NEWER = card(1), card(2), card(3)
LISTS = "/card-changes"
Contradicted = Callable[[Office, Cards, Citizen], Awaitable[None]]


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        names = [{"code": code, "name": name} for code, name in ((BANK, "中国工商银行"), (OTHER_BANK, "中国农业银行"))]
        async with opened.database.transaction() as session:
            for county in (FIRST, SECOND, THIRD):
                session.add(CatalogList(county_code=county, kind="banks", fund_year=0, items=names))
        yield opened


@pytest.fixture
def cards(office: Office) -> Cards:
    return Cards(office.database, office.vault)


@pytest.fixture
async def mei(cards: Cards) -> Citizen:
    citizen = person(cards.vault, 1)
    await cards.settle(citizen, OLD, FIRST, SECOND)
    return citizen


async def decide(
    office: Office, request: CardChange, county: str = FIRST, who: str = REVIEWER, **decision: object
) -> httpx.Response:
    body = {"passed": True} | decision
    return await office.post(f"{LISTS}/{part_no(request, county)}/decision", body, who, county)


async def run_shown(office: Office, request: CardChange, county: str = FIRST) -> Json:
    run: Json = (await shown(office, request, county))["run"]  # type: ignore[assignment]
    return run


async def shown(office: Office, request: CardChange, county: str = FIRST, who: str = REVIEWER) -> dict[str, object]:
    answer = await office.get(f"{LISTS}/{part_no(request, county)}", who, county)
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def found(office: Office, **sought: object) -> list[str]:
    answer = await office.post(f"{LISTS}/search", sought, REVIEWER, FIRST)
    assert answer.status_code == 200, answer.text
    return [item["part_no"] for item in answer.json()["items"]]


# --- the list


async def test_the_list_has_the_sources_columns_and_hides_what_is_finished(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    [item] = (await office.get(LISTS, REVIEWER, FIRST)).json()["items"]
    told = {key: item[key] for key in ("serial", "business", "stage_label", "applicant", "name", "id_number", "bank")}
    assert told == {
        "serial": 1,
        "business": "渝快办-账号变更",
        "stage_label": "待审核",
        "applicant": "**1",
        "name": "**1",
        "id_number": f"*********{mei.id_number[-4:]}",
        "bank": "中国农业银行",
    }
    assert (item["part_no"], item["account_no"]) == (part_no(request, FIRST), f"****{NEW[-4:]}")
    assert item["applied_at"]
    await decide(office, request, passed=False, remark="户名不符")
    assert (await office.get(LISTS, REVIEWER, FIRST)).json()["items"] == []
    finished = (await office.get(LISTS, REVIEWER, FIRST, finished="true")).json()["items"]
    assert [(one["stage_label"], one["remark"], one["reviewed_by"]) for one in finished] == [
        ("审核不通过", "户名不符", REVIEWER)
    ]
    assert len((await office.get(LISTS, REVIEWER, SECOND)).json()["items"]) == 1
    assert (await office.get(LISTS, REVIEWER, THIRD)).json()["items"] == []


async def test_filters_and_search_find_by_bank_name_id_and_both_accounts(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    other, early = person(cards.vault, 2), person(cards.vault, 3)
    for citizen, old in ((other, card(4)), (early, card(6))):
        await cards.settle(citizen, old, FIRST, bank=OTHER_BANK)
    second = await cards.in_review(other, card(5), FIRST)
    third = await cards.open(early, card(7), FIRST, bank=BANK)
    mine, theirs, at_bank = ([part_no(each, FIRST)] for each in (request, second, third))
    shown_by = (
        ({}, mine + theirs),
        ({"finished": "true"}, mine + theirs),
        ({"stage": "in_review"}, mine + theirs),
        ({"stage": "validating"}, at_bank),
        ({"stage": "failed"}, []),
        # the old bank of the one, the new one of both
        ({"bank_code": BANK}, mine),
        ({"bank_code": OTHER_BANK}, mine + theirs),
        ({"bank_code": BANK, "stage": "validating"}, at_bank),
    )
    for query, numbers in shown_by:
        listed = (await office.get(LISTS, REVIEWER, FIRST, **query)).json()["items"]
        assert [item["part_no"] for item in listed] == numbers, query
    assert await found(office, id_number=early.id_number) == []
    assert await found(office, id_number=early.id_number, filter={"stage": "validating"}) == at_bank
    assert await found(office, id_number=mei.id_number) == mine
    assert await found(office, name="王梅1") == await found(office, applicant_name="王梅1") == mine
    assert await found(office, account_no=NEW) == await found(office, account_no=OLD) == mine
    assert await found(office, id_number=mei.id_number, name="王梅2") == []
    assert await found(office, name="王梅1", applicant_name="王梅2") == []
    assert await found(office, account_no=NEW, filter={"bank_code": BANK}) == mine
    assert await found(office, account_no=NEW, filter={"bank_code": "BANK-X"}) == []
    assert (await office.post(f"{LISTS}/search", {}, REVIEWER, FIRST)).status_code == 422
    sought = await office.post(f"{LISTS}/search", {"id_number": mei.id_number}, REVIEWER, THIRD)
    assert sought.json()["items"] == []


async def test_the_list_goes_to_excel_whole(office: Office, cards: Cards) -> None:
    for number in range(10, 13):
        citizen = person(cards.vault, number)
        await cards.settle(citizen, card(number), FIRST)
        await cards.in_review(citizen, card(number + 100), FIRST)
    first = (await office.get(LISTS, REVIEWER, FIRST, limit="2")).json()
    second = (await office.get(LISTS, REVIEWER, FIRST, limit="2", after=first["next"])).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    sheet = openpyxl.load_workbook(io.BytesIO((await office.get(LISTS, OPERATOR, FIRST, format="xlsx")).content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:6] == ("序号", "业务编号", "业务类型", "数据状态", "申请人", "申请时间")
    assert [row[0] for row in rows[1:]] == [1, 2, 3]


# --- one part


async def test_before_and_after_stand_side_by_side_in_clear_for_who_decides(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    whole = await office.whole(f"{LISTS}/{part_no(request, FIRST)}", REVIEWER, FIRST)
    assert whole["before"] == {
        "name": "王梅1",
        "id_number": mei.id_number,
        "bank_code": BANK,
        "bank": "中国工商银行",
        "account_no": OLD,
    }
    after = whole["after"]
    assert isinstance(after, dict)
    assert (after["bank"], after["account_no"], after["card_type_label"]) == ("中国农业银行", NEW, "银行卡")
    assert (whole["reason"], whole["used_by_another"]) == ("停用旧卡", False)
    assert whole["payments_in_flight"] == {"count": 0, "total_fen": 0, "lines": []}
    masked = await shown(office, request)
    assert NEW not in str(masked)
    assert mei.id_number not in str(masked)
    assert masked["reason"] is None
    assert (await office.get(f"{LISTS}/{part_no(request, FIRST)}", REVIEWER, SECOND)).status_code == 404
    assert (await office.get(f"{LISTS}/{part_no(request, FIRST)}", OPS, FIRST)).status_code == 403


async def test_payments_on_their_way_to_the_old_account_are_shown(office: Office, cards: Cards) -> None:
    """Of this person, to this account, in flows that are open: whatever is decided, these go to the old one."""
    lines = [Line(person=7), Line(person=7, amount_fen=1_000), Line(person=7), Line(person=8)]
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "accepted")
    await set_lines(office, ground.numbers[1:2], "under_review")
    await set_lines(office, ground.numbers[2:3], "rejected")
    await set_lines(office, ground.numbers[3:], "accepted")
    citizen = Citizen("500000", cards.vault.index(Field.ID_NUMBER, citizen_id(7)), "王小梅", citizen_id(7))
    await cards.settle(citizen, account_no(7), FIRST)
    request = await cards.in_review(citizen, NEW, FIRST)
    flight = (await shown(office, request))["payments_in_flight"]
    assert isinstance(flight, dict)
    assert (flight["count"], flight["total_fen"]) == (2, 50_500)
    assert [(one["flow_no"], one["application_no"]) for one in flight["lines"]] == [
        (flow_no, number) for number in ground.numbers[:2]
    ]
    await office.run("UPDATE flow SET stage = 'ended'")
    assert (await shown(office, request))["payments_in_flight"] == {"count": 0, "total_fen": 0, "lines": []}
    await office.run("UPDATE flow_line SET payment = 'unresolved' WHERE application_no = :no", no=ground.numbers[0])
    unknown = (await shown(office, request))["payments_in_flight"]
    assert isinstance(unknown, dict)
    assert [one["application_no"] for one in unknown["lines"]] == ground.numbers[:1]


@pytest.mark.parametrize("place", [FIRST, THIRD, "430001"])
async def test_that_another_person_uses_the_new_account_is_said_and_no_more(
    office: Office, cards: Cards, mei: Citizen, place: str
) -> None:
    await cards.settle(person(cards.vault, 9), NEW, place)
    request = await cards.in_review(mei, NEW, FIRST)
    whole = await shown(office, request)
    assert whole["used_by_another"] is True
    assert "王梅9" not in str(whole)
    assert place == FIRST or place not in str(whole)


async def test_the_own_other_county_is_nobody_else(office: Office, cards: Cards, mei: Citizen) -> None:
    await cards.settle(mei, NEW, THIRD)
    assert (await shown(office, await cards.in_review(mei, NEW, FIRST)))["used_by_another"] is False


async def test_another_persons_open_request_uses_the_account_too(office: Office, cards: Cards, mei: Citizen) -> None:
    other = person(cards.vault, 2)
    await cards.settle(other, card(4), THIRD)
    await cards.open(other, NEW, THIRD)
    assert (await shown(office, await cards.in_review(mei, NEW, FIRST)))["used_by_another"] is True


# --- decisions


async def test_a_passed_part_goes_on_and_wakes_its_run(office: Office, cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    before = await office.rows("SELECT count(*) FROM outbox")
    moment = await run_shown(office, request, SECOND)
    answer = await decide(office, request, remark="已核对")
    assert (answer.status_code, answer.json()["stage"], answer.json()["stage_label"]) == (200, "approved", "审核通过")
    assert await cards.stages(request) == {FIRST: "approved", SECOND: "in_review"}
    # the run's row says it with the act, each county what it waits for itself
    waits = "1 个区县审核通过，正在提交上卡；1 个区县等待审核人审核"
    assert await office.rows("SELECT waiting_for FROM run") == [(waits,)]
    runs = [await run_shown(office, request, county) for county in (FIRST, SECOND)]
    assert [run["waiting_for"] for run in runs] == ["审核通过，正在提交上卡", "等待审核人审核"]
    # and since when: one county's days don't begin anew with another's decision
    assert (runs[0]["since"] > moment["since"], runs[1]["since"]) == (True, moment["since"])
    assert (await cards.register(mei, FIRST))[0] == OLD
    assert await office.rows("SELECT count(*) FROM outbox") == [(int(str(before[0][0])) + 1,)]
    [(actor, act)] = await office.rows(
        "SELECT actor, act FROM trail_entry WHERE subject = :no", no=part_no(request, FIRST)
    )
    assert (actor, act) == (REVIEWER, "card_change.decided")


async def test_a_refusal_needs_its_remark_and_changes_nothing(office: Office, cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    answer = await decide(office, request, passed=False)
    assert (answer.status_code, codes(answer)) == (422, ["REMARK_MISSING"])
    assert (await decide(office, request, passed=False, remark="  ")).status_code == 422
    assert (await decide(office, request, passed=False, remark="户名不符")).json()["stage"] == "refused"
    assert await office.rows("SELECT waiting_for FROM run") == [("",)]
    assert (await run_shown(office, request))["next"] is None
    assert (await cards.register(mei, FIRST))[0] == OLD
    assert await cards.locks() == set()


async def test_the_last_decision_says_what_the_platform_still_owes(office: Office, cards: Cards, mei: Citizen) -> None:
    """Of a 上卡 whose part an invalidation has ended meanwhile: the run stays open for it."""
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    await office.run(
        "UPDATE card_change_part SET stage = 'failed', ended_at = now(), attempt = 1, submission_id = 'acc-2'"
        " WHERE county_code = :county",
        county=SECOND,
    )
    assert (await decide(office, request, passed=False, remark="户名不符")).json()["stage"] == "refused"
    assert await office.rows("SELECT waiting_for FROM run") == [(CARD_UNANSWERED,)]
    assert (await run_shown(office, request))["next"]["by"] == "platform"


async def test_what_a_reviewer_writes_is_stored_sealed_and_read_by_who_is_concerned(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    words = f"与{mei.name}本人核对，卡号不符"
    request = await cards.in_review(mei, NEW, FIRST)
    answer = await decide(office, request, passed=False, remark=words)
    assert (answer.status_code, answer.json()["remark"]) == (200, words)
    for table in ("card_change_part", "matter_step", "notice", "trail_entry", "idempotent_answer"):
        stored = await office.rows(f"SELECT row_to_json(t)::text FROM {table} AS t")
        assert stored
        assert not any(secret in str(stored) for secret in (words, mei.name))
    whole = await shown(office, request)
    assert (whole["remark"], whole["steps"][-1]["words"]) == (words, f"审核不通过：{words}")  # type: ignore[index]
    async with office.database.reading() as session:
        [matter] = await matter_views(session, office.vault, [request])
    assert matter["counties"][0]["explanation"] == words  # type: ignore[index]
    assert matter["steps"][-1]["words"] == f"审核不通过：{words}"  # type: ignore[index]


async def test_a_decision_is_made_once_whoever_comes_second(office: Office, cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    answers = await asyncio.gather(
        decide(office, request), decide(office, request, who=SECOND_REVIEWER, passed=False, remark="不符")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    late = next(answer for answer in answers if answer.status_code == 409)
    assert late.json()["code"] == "ALREADY_DECIDED"
    again = await decide(office, request)
    assert (again.status_code, again.json()["code"]) == (409, "ALREADY_DECIDED")


async def test_the_same_key_gets_the_same_answer(office: Office, cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    path = f"{LISTS}/{part_no(request, FIRST)}/decision"
    answers = [await office.post(path, {"passed": True}, REVIEWER, FIRST, key="once") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (answers[1].status_code, answers[1].headers["Idempotency-Replayed"]) == (200, "true")


async def test_only_a_reviewer_of_the_county_who_is_somebody_else_decides(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    assert (await decide(office, request, who=OPERATOR)).status_code == 403
    path = f"{LISTS}/{part_no(request, FIRST)}/decision"
    assert (await office.post(path, {"passed": True}, REVIEWER, SECOND)).status_code == 404
    token = office.staff.token("rev.mei", Role.REVIEWER, FIRST, mei.person_index)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "own"}
    for act, body in (("decision", {"passed": True}), ("retry", {})):
        answer = await office.http.post(f"{LISTS}/{part_no(request, FIRST)}/{act}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "OWN_ACCOUNT")
    assert await cards.stages(request) == {FIRST: "in_review"}
    assert (await decide(office, request)).status_code == 200


async def _contradicted_change(office: Office, cards: Cards, mei: Citizen) -> None:
    """The platform calls a 上卡 failed and then applied."""
    request = await cards.in_review(mei, NEW, FIRST)
    await decide(office, request)
    await cards.told(request, FIRST, submission_id="acc-1", status=AccountChangeStatus.FAILED)
    assert await cards.told(request, FIRST, submission_id="acc-1") == "contradiction"


async def _contradicted_entry(office: Office, cards: Cards, mei: Citizen) -> None:
    form = EntryForm(CardType.BANK_CARD, BANK, 0, mei.name, mei.id_number, NEW)

    async def enter(session: AsyncSession) -> VillageEntry:
        photo = await add_file(session, THIRD, "image/png")
        return await open_entry(session, office.vault, THIRD, replace(form, photo_file_id=photo), OPERATOR)

    entry = await cards.act(enter)

    async def work(session: AsyncSession) -> None:
        await end_entry(session, entry, EntryStage.FAILED, "other", "上卡失败")
        sides = {"applied": {"status": "failed"}, "claimed": {"status": "applied"}}
        claim = Claim(THIRD, entry.entry_no, "village_entry_result", entry.entry_no, **sides, inbox_id=None)
        assert await keep_claim(session, office.vault, claim)

    await cards.act(work)


@pytest.mark.parametrize(("contradicted", "county"), [(_contradicted_change, FIRST), (_contradicted_entry, THIRD)])
async def test_nobody_decides_what_the_platform_said_of_the_own_account(
    office: Office, cards: Cards, mei: Citizen, contradicted: Contradicted, county: str
) -> None:
    await contradicted(office, cards, mei)
    [item] = (await office.get("/contradictions", REVIEWER, county)).json()["items"]
    path, body = f"/contradictions/{item['id']}/decision", {"take": "claimed", "reason": "已核对"}
    token = office.staff.token("rev.mei", Role.REVIEWER, county, mei.person_index)
    own = await office.http.post(
        path, json=body, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "own"}
    )
    assert (own.status_code, own.json()["code"]) == (403, "OWN_ACCOUNT")
    many = body | {"selection": {"ids": [item["id"]]}}
    own = await office.http.post(
        "/contradiction-decisions",
        json=many,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "own-of-many"},
    )
    assert (own.status_code, [each["code"] for each in own.json()["errors"]]) == (409, ["OWN_ACCOUNT"])
    other = await office.post("/contradiction-decisions", many, REVIEWER, FIRST if county == THIRD else THIRD)
    assert (other.status_code, [each["code"] for each in other.json()["errors"]]) == (409, ["UNKNOWN_CONTRADICTION"])
    assert (await office.post(path, body, REVIEWER, county)).status_code == 200


async def test_before_the_bank_has_spoken_and_after_the_end_nothing_is_decided(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.open(mei, NEW, FIRST)
    early = await decide(office, request)
    assert (early.status_code, early.json()["code"]) == (409, "NOT_IN_REVIEW")
    unknown = await office.post(f"{LISTS}/500000-K2026-9999.{FIRST}/decision", {"passed": True}, REVIEWER, FIRST)
    assert unknown.status_code == 404


async def test_a_failed_upload_is_tried_again_by_a_reviewer_only_then(
    office: Office, cards: Cards, mei: Citizen
) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    path = f"{LISTS}/{part_no(request, FIRST)}/retry"
    early = await office.post(path, {}, REVIEWER, FIRST)
    assert (early.status_code, early.json()["code"]) == (409, "NOT_RETRYABLE")
    await decide(office, request)
    await cards.told(request, FIRST, status=AccountChangeStatus.FAILED, reason="系统繁忙，王梅1的卡未能登记")
    failed = await office.whole(f"{LISTS}/{part_no(request, FIRST)}", REVIEWER, FIRST)
    assert (failed["stage"], failed["error"], failed["attempt"]) == ("failed", "系统繁忙，王梅1的卡未能登记", 1)
    assert (await shown(office, request, who="adm.chen"))["error"] is None
    assert (await office.post(path, {}, OPERATOR, FIRST)).status_code == 403
    answer = await office.post(path, {}, REVIEWER, FIRST)
    assert (answer.status_code, answer.json()["stage"], answer.json()["attempt"]) == (200, "approved", 2)
    assert await cards.locks() == {FIRST}
    assert (await shown(office, request))["retry_asked_by"] == REVIEWER


# --- the register


async def test_an_account_shows_its_history_and_matters(office: Office, cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    await decide(office, request)
    await cards.told(request, FIRST)
    [item] = (await office.get("/register", REVIEWER, FIRST, source="渝快办")).json()["items"]
    whole = await office.whole(f"/register/{item['account_id']}", REVIEWER, FIRST)
    assert (whole["account_no"], whole["status_label"], whole["source"]) == (NEW, "有效", "渝快办")
    last = whole["history"][0]
    assert (last["source"], last["actor"]) == ("渝快办", REVIEWER)
    assert (last["old_account_no"], last["new_account_no"], last["new_status_label"]) == (OLD, NEW, "有效")
    assert [(one["number"], one["stage_label"]) for one in whole["matters"]] == [(part_no(request, FIRST), "上卡成功")]
    assert (await office.get("/register", REVIEWER, SECOND, source="渝快办")).json()["items"] == []


async def test_accounts_that_more_than_one_person_uses_are_listed(office: Office, cards: Cards, mei: Citizen) -> None:
    son, stranger, alone = (person(cards.vault, number) for number in (2, 3, 4))
    await cards.settle(son, OLD, FIRST)
    await cards.settle(stranger, OLD, THIRD)
    await cards.settle(alone, card(8), FIRST)
    [here] = (await office.get("/register/shared", REVIEWER, FIRST)).json()["items"]
    assert (here["account_no"], here["people"], here["elsewhere"]) == (f"****{OLD[-4:]}", 2, True)
    assert [one["name"] for one in here["persons"]] == ["**1", "**2"]
    [there] = (await office.get("/register/shared", REVIEWER, THIRD)).json()["items"]
    assert (there["people"], there["elsewhere"], len(there["persons"])) == (1, True, 1)
    export = await office.get("/register/shared", OPERATOR, FIRST, format="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(export.content)).active
    assert sheet is not None
    assert [str(cell.value) for cell in sheet[2]][-1] == "是"
    await office.run(
        "UPDATE register_account SET status = 'cleared', account_index = NULL, account_sealed = NULL"
        " WHERE person_index IN (:a, :b)",
        a=son.person_index,
        b=stranger.person_index,
    )
    assert (await office.get("/register/shared", REVIEWER, FIRST)).json()["items"] == []

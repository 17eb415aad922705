"""Orders over HTTP: who may name which line when, corrections, and two people for every order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.orders.apply_corrections import BY_APPLICATION, CORRECTED, CorrectedLine, apply_corrections
from models.store.orders.corrections import open_correction
from models.store.register.accounts import NewAccount, account_for_update, apply_change
from models.store.sql import execute, fetch
from models.store.trail.entries import by_system, record
from models.store.vault import Field
from models.words.staff import Role
from models.words.stages import OrderKind
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_applications,
    add_batch,
    add_catalogs,
    add_flow,
    add_ground,
    codes,
    count_of,
    lock_account,
    open_office,
    set_lines,
)

# A card number whose Luhn digit holds, and one whose doesn't.
GOOD_CARD, BAD_CARD = "6212260000000000000", "6212260000000000009"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def mixed_flow(office: Office) -> tuple[str, dict[str, str]]:
    """A settling flow with one line of each kind; gives its number and the lines by what they are."""
    kinds = ("accepted", "rejected", "duplicate", "unverified", "repayment", "held", "withdrawn", "under_review")
    lines = [
        Line(
            amount_fen=1000 * place,
            verification="failed" if kind == "unverified" else "passed",
            payments=1 if kind == "repayment" else 0,
        )
        for place, kind in enumerate(kinds, 1)
    ]
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground)
    named = dict(zip(kinds, ground.numbers, strict=True))
    async with office.database.transaction() as session:
        # that an earlier flow failed to pay it is what makes a line a repayment; this flow stands for that one
        await execute(
            session,
            "UPDATE flow_line SET repays_flow_id = flow_id WHERE application_no = :number",
            number=named["repayment"],
        )
    await set_lines(office, [named["accepted"]], "accepted")
    await set_lines(office, [named["rejected"]], "rejected", reason_code="account_invalid")
    await set_lines(office, [named["duplicate"]], "rejected", reason_code="duplicate_person")
    for kind in ("held", "under_review"):
        await set_lines(office, [named[kind]], kind)
    await set_lines(office, [named["withdrawn"]], "withdrawn", money="released")
    return flow_no, named


def order(kind: str, flow_no: str, *numbers: str, **more: object) -> dict[str, object]:
    body: dict[str, object] = {"kind": kind, "flow_no": flow_no, "reason": "经核实", **more}
    return body | ({"selection": {"application_nos": list(numbers)}} if numbers else {})


FITTING = {
    "modified": {"rejected", "duplicate"},
    "confirmed": {"duplicate"},
    "unverified": {"unverified"},
    "repayment": {"repayment"},
    "withdrawal": {"accepted", "rejected", "duplicate", "unverified", "repayment", "held", "under_review"},
    "evidence": set[str](),
}


@pytest.mark.parametrize("kind", sorted(FITTING))
async def test_each_kind_takes_the_lines_it_is_for(office: Office, kind: str) -> None:
    flow_no, named = await mixed_flow(office)
    if kind == "evidence":
        await office.run("UPDATE flow SET stage = 'paying'")
    for what, number in named.items():
        answer = await office.post("/orders", order(kind, flow_no, number))
        expected = 201 if what in FITTING[kind] else 409
        assert answer.status_code == expected, (what, answer.text)
        if expected == 409:
            assert answer.json()["code"] == "LINES_UNFIT"
            assert answer.json()["errors"][0]["application_no"] == number
    assert await count_of(office, "operator_order") == len(FITTING[kind])


async def test_an_order_is_entered_by_one_and_confirmed_by_another(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    entered = await office.post("/orders", order("withdrawal", flow_no, named["accepted"], named["rejected"]))
    assert entered.status_code == 201
    body = entered.json()
    assert (body["count"], body["total_fen"], body["state"], body["left_out"]) == (2, 3000, "entered", [])
    assert await count_of(office, "outbox WHERE signal = 'order_confirmed'") == 0
    path = f"/orders/{body['order_no']}/confirmation"
    assert (await office.post(path, who=OPERATOR)).json()["code"] == "ROLE_NOT_ALLOWED"
    same = await office.post(path, who=OPERATOR, role=Role.REVIEWER)
    assert (same.status_code, same.json()["code"]) == (403, "SAME_PERSON")
    confirmed = await office.post(path, {"remark": "同意"}, REVIEWER)
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["state"] == "confirmed"
    assert await office.rows("SELECT workflow_id, ids FROM outbox WHERE signal = 'order_confirmed'") == [
        (f"subsidy-flow/{flow_no}", [body["order_no"]])
    ]
    again = await office.post(path, {}, SECOND)
    assert (again.status_code, again.json()["code"]) == (409, "ORDER_DECIDED")
    shown = (await office.get(f"/orders/{body['order_no']}")).json()
    assert (shown["entered_by"], shown["confirmed_by"], shown["remark"]) == (OPERATOR, REVIEWER, "同意")
    assert shown["run"]["workflow_id"] == f"subsidy-flow/{flow_no}"
    acts = await office.rows("SELECT act, actor FROM trail_entry ORDER BY id")
    assert acts == [("orders.entered", OPERATOR), ("orders.confirmed", REVIEWER)]


async def test_two_reviewers_at_once_one_confirms(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    number = (await office.post("/orders", order("withdrawal", flow_no, named["accepted"]))).json()["order_no"]
    path = f"/orders/{number}/confirmation"
    answers = await asyncio.gather(*(office.post(path, {}, who) for who in (REVIEWER, SECOND) * 3))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert await count_of(office, "outbox WHERE signal = 'order_confirmed'") == 1
    assert await count_of(office, "trail_entry WHERE act = 'orders.confirmed'") == 1


async def test_a_line_is_in_one_open_order(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    wanted = order("withdrawal", flow_no, named["rejected"])
    answers = await asyncio.gather(*(office.post("/orders", wanted) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    blocked = await office.post("/orders", order("modified", flow_no, named["rejected"]))
    assert codes(blocked) == ["IN_OPEN_ORDER"]
    number = next(answer for answer in answers if answer.status_code == 201).json()["order_no"]
    refused = await office.post(f"/orders/{number}/refusal", {"remark": "不应撤回"}, REVIEWER)
    assert refused.json()["state_label"] == "复核不通过"
    assert (await office.post("/orders", order("modified", flow_no, named["rejected"]))).status_code == 201


async def test_a_refusal_needs_a_remark_and_another_person(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    number = (await office.post("/orders", order("withdrawal", flow_no, named["rejected"]))).json()["order_no"]
    path = f"/orders/{number}/refusal"
    assert (await office.post(path, {"remark": ""}, REVIEWER)).status_code == 422
    assert (await office.post(path, {"remark": "x"}, OPERATOR, role=Role.REVIEWER)).json()["code"] == "SAME_PERSON"
    assert (await office.post(path, {"remark": "x"}, REVIEWER, OTHER_COUNTY)).status_code == 404


async def test_lines_are_judged_again_when_confirmed(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    numbers = []
    for kind, line in (("modified", "rejected"), ("confirmed", "duplicate"), ("unverified", "unverified")):
        numbers.append((await office.post("/orders", order(kind, flow_no, named[line]))).json()["order_no"])
    await set_lines(office, [named["rejected"]], "withdrawn", money="released")
    await lock_account(office, named["duplicate"])
    await office.run("UPDATE flow SET stage = 'county_passed'")
    last = await office.post(f"/orders/{numbers[2]}/confirmation", {}, REVIEWER)
    assert last.json()["code"] == "FLOW_STAGE_UNFIT"
    await office.run("UPDATE flow SET stage = 'settling'")
    expected = (["NOT_REJECTED"], ["ACCOUNT_LOCKED"])
    for number, fault in zip(numbers[:2], expected, strict=True):
        answer = await office.post(f"/orders/{number}/confirmation", {}, REVIEWER)
        assert (answer.status_code, codes(answer)) == (409, fault)
    assert (await office.post(f"/orders/{numbers[2]}/confirmation", {}, REVIEWER)).status_code == 200


async def test_a_filter_takes_what_fits_and_tells_what_it_left_out(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    await lock_account(office, named["duplicate"])
    body = order("modified", flow_no, selection={"filter": {"state": "rejected"}})
    answer = (await office.post("/orders", body)).json()
    assert (answer["count"], answer["total_fen"]) == (1, 2000)
    assert [(each["code"], each["count"], each["application_nos"]) for each in answer["left_out"]] == [
        ("ACCOUNT_LOCKED", 1, [named["duplicate"]])
    ]
    nothing = await office.post("/orders", order("modified", flow_no, selection={"filter": {"bank_code": "BANK-B"}}))
    assert nothing.json()["code"] == "NOTHING_FITS"


async def test_kinds_with_a_meaning_of_their_own_need_no_selection(office: Office) -> None:
    flow_no, _ = await mixed_flow(office)
    for kind in ("confirmed", "unverified", "repayment"):
        answer = await office.post("/orders", order(kind, flow_no))
        assert (answer.status_code, answer.json()["count"]) == (201, 1), kind
    for kind in ("modified", "withdrawal"):
        assert (await office.post("/orders", order(kind, flow_no))).status_code == 422
    everything = order("withdrawal", flow_no, selection={"filter": {}})
    assert (await office.post("/orders", everything)).status_code == 422


@pytest.mark.parametrize(
    "stage", ["starting", "waiting_county", "county_passed", "summary_submitted", "summary_approved", "paying", "ended"]
)
async def test_lines_change_only_while_the_stage_is_fit(office: Office, stage: str) -> None:
    flow_no, named = await mixed_flow(office)
    await office.run("UPDATE flow SET stage = :stage", stage=stage)
    answer = await office.post("/orders", order("withdrawal", flow_no, named["accepted"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "FLOW_STAGE_UNFIT")


async def test_corrections_are_sealed_with_the_order_and_shown_to_the_reviewer(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    number = named["rejected"]
    correction = {
        "application_no": number,
        "name": " 王 小美 ",
        "bank_code": "BANK-B",
        "account_no": GOOD_CARD,
        "group": "",
        "amount_fen": 1500,
    }
    answer = await office.post("/orders", order("modified", flow_no, corrections=[correction]))
    assert answer.status_code == 201, answer.text
    assert (answer.json()["count"], answer.json()["total_fen"]) == (1, 1500)
    told = [(warning["pointer"], warning["code"]) for warning in answer.json()["warnings"]]
    assert told == [("/corrections/0/name", "BLANKS_DROPPED")]
    kept = await office.rows("SELECT correction_sealed, amount_fen FROM order_line")
    assert GOOD_CARD not in str(kept)
    assert open_correction(office.vault, number, str(kept[0][0])) == {
        "name": "王小美",
        "bank_code": "BANK-B",
        "account_no": GOOD_CARD,
        "group": None,
        "amount_fen": 1500,
    }
    lines = (await office.get(f"/orders/{answer.json()['order_no']}/lines", REVIEWER)).json()["items"]
    assert lines[0]["correction"]["name"] == {"before": "王小梅", "after": "王小美"}
    assert lines[0]["correction"]["amount_fen"] == {"before": 2000, "after": 1500}
    assert {"金额（元）：20.00 → 15.00", "开户行：农商银行 → 邮储银行"} <= set(lines[0]["changes"])
    assert any(each.startswith("组：") and each.endswith("（空）") for each in lines[0]["changes"])
    assert (await office.get(f"/orders/{answer.json()['order_no']}/lines", OPS)).status_code == 403
    untouched = await office.rows("SELECT amount_fen, bank_code FROM flow_line WHERE application_no = :n", n=number)
    assert untouched == [(2000, "BANK-A")]


async def test_every_fault_of_every_correction_is_said_at_once(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    corrections = [
        {
            "application_no": named["rejected"],
            "name": "王4",
            "phone": "12",
            "account_no": BAD_CARD,
            "bank_code": "BANK-X",
            "town_code": "T-X",
            "amount_fen": 2001,
            "id_number": "500101195001010014",
        },
        {"application_no": named["duplicate"], "amount_fen": 0, "village_code": "V-X"},
        {"application_no": named["duplicate"]},
    ]
    answer = await office.post("/orders", order("modified", flow_no, corrections=corrections))
    assert (answer.status_code, answer.json()["code"]) == (422, "CORRECTIONS_FAULTY")
    found = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert found == {
        ("/corrections/0/name", "CHARACTERS"),
        ("/corrections/0/phone", "PHONE_FORMAT"),
        ("/corrections/0/account_no", "ACCOUNT_CHECK_DIGIT"),
        ("/corrections/0/bank_code", "BANK_UNKNOWN"),
        ("/corrections/0/town_code", "TOWN_UNKNOWN"),
        ("/corrections/0/amount_fen", "AMOUNT_RAISED"),
        ("/corrections/0/id_number", "ID_FIXED"),
        ("/corrections/1/amount_fen", "AMOUNT_NOT_POSITIVE"),
        ("/corrections/1/village_code", "VILLAGE_UNKNOWN"),
        ("/corrections/2/application_no", "LINE_TWICE"),
    }
    assert BAD_CARD not in answer.text
    assert "500101195001010014" not in answer.text
    assert await count_of(office, "operator_order") == 0


async def test_corrections_and_a_filter_go_together(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    corrections = [{"application_no": named["rejected"], "amount_fen": 500}]
    body = order("modified", flow_no, corrections=corrections, selection={"filter": {"state": "rejected"}})
    answer = (await office.post("/orders", body)).json()
    assert (answer["count"], answer["total_fen"]) == (2, 3500)


async def test_a_locked_account_cannot_be_corrected(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    await lock_account(office, named["rejected"])
    corrections = [{"application_no": named["rejected"], "account_no": GOOD_CARD}]
    answer = await office.post("/orders", order("modified", flow_no, corrections=corrections))
    assert codes(answer) == ["ACCOUNT_LOCKED"]
    assert "账号变更" in answer.json()["errors"][0]["detail"]


async def test_corrections_take_the_trail_after_the_register(office: Office) -> None:
    """Whoever holds an account and then writes the trail isn't met by corrections that come the other way round."""
    flow_no, named = await mixed_flow(office)
    corrections = [
        {"application_no": named[kind], "account_no": f"{place:012d}"}
        for place, kind in enumerate(("rejected", "duplicate"), 700)
    ]
    await office.post("/orders", order("modified", flow_no, corrections=corrections))
    [(person,)] = await office.rows(
        "SELECT person_index FROM application WHERE application_no = :no", no=named["duplicate"]
    )
    new = NewAccount(COUNTY, str(person), "王梅", "1", "BANK-B", "000000000777", "passbook", "村社申报", "rev")
    async with office.database.transaction() as session:
        await apply_change(session, office.vault, new)

    async def correct() -> None:
        async with office.database.transaction() as session:
            lines = await fetch(session, CorrectedLine, CORRECTED + BY_APPLICATION, order=1)
            await apply_corrections(session, office.vault, lines, OPERATOR)

    async with office.database.transaction() as session:
        await account_for_update(session, COUNTY, str(person))
        correcting = asyncio.create_task(correct())
        while not await count_of(office, "pg_locks WHERE NOT granted"):
            assert not correcting.done()
        async with asyncio.timeout(10):
            await record(session, office.vault, by_system(COUNTY, "seen", "x", {}))
    await correcting
    assert await count_of(office, "trail_entry WHERE act = 'line_corrected'") == 2


async def test_only_modified_takes_corrections(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    corrections = [{"application_no": named["duplicate"], "amount_fen": 1}]
    answer = await office.post("/orders", order("confirmed", flow_no, named["duplicate"], corrections=corrections))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/corrections")


@pytest.mark.parametrize(
    ("stage", "fits"),
    [
        ("starting", True),
        ("waiting_county", True),
        ("settling", True),
        ("under_review", True),
        ("county_passed", True),
        ("summary_submitted", True),
        ("summary_approved", False),
        ("paying", False),
        ("cancelling", False),
        ("ended", False),
    ],
)
async def test_a_flow_is_cancelled_until_its_summary_is_approved(office: Office, stage: str, fits: bool) -> None:
    flow_no, _ = await mixed_flow(office)
    await office.run("UPDATE flow SET stage = :stage", stage=stage)
    answer = await office.post("/orders", order("cancellation", flow_no))
    assert answer.status_code == (201 if fits else 409)
    if not fits:
        return
    assert (answer.json()["count"], answer.json()["total_fen"]) == (7, 29_000)
    second = await office.post("/orders", order("cancellation", flow_no))
    assert second.json()["code"] == "CANCELLATION_OPEN"
    confirmed = await office.post(f"/orders/{answer.json()['order_no']}/confirmation", {}, REVIEWER)
    assert confirmed.status_code == 200
    assert await count_of(office, "outbox WHERE signal = 'order_confirmed'") == 1


async def test_an_approval_that_is_just_in_stops_a_cancellation(office: Office) -> None:
    """The summary's row says approved before the flow's stage does."""
    flow_no, _ = await mixed_flow(office)
    await office.run("UPDATE flow SET stage = 'summary_submitted'")
    number = (await office.post("/orders", order("cancellation", flow_no))).json()["order_no"]
    await office.run("INSERT INTO summary (flow_id, number, stage) SELECT id, 1, 'approved' FROM flow")
    answer = await office.post(f"/orders/{number}/confirmation", {}, REVIEWER)
    assert (answer.status_code, answer.json()["code"]) == (409, "SUMMARY_APPROVED")


async def test_nothing_else_is_ordered_while_the_flow_is_being_cancelled(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    waiting = (await office.post("/orders", order("withdrawal", flow_no, named["accepted"]))).json()["order_no"]
    number = (await office.post("/orders", order("cancellation", flow_no))).json()["order_no"]
    await office.post(f"/orders/{number}/confirmation", {}, REVIEWER)
    refused = await office.post("/orders", order("withdrawal", flow_no, named["rejected"]))
    assert refused.json()["code"] == "FLOW_CANCELLING"
    late = await office.post(f"/orders/{waiting}/confirmation", {}, REVIEWER)
    assert late.json()["code"] == "FLOW_CANCELLING"


async def test_evidence_is_an_operators_order_over_paid_lines(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line(), Line()])
    flow_no = await add_flow(office, ground, "ended")
    await set_lines(office, ground.numbers[:2], "accepted", payment="paid", money="paid")
    chosen = await office.post("/orders", order("evidence", flow_no, ground.numbers[0]))
    assert chosen.status_code == 201
    assert (chosen.json()["state"], chosen.json()["needs_confirmation"]) == ("confirmed", False)
    shown = (await office.get(f"/orders/{chosen.json()['order_no']}")).json()
    assert shown["confirmed_by"] is None
    assert shown["run"]["workflow_id"] == f"evidence/{chosen.json()['order_no']}"
    rest = (await office.post("/orders", order("evidence", flow_no))).json()
    assert rest["count"] == 1
    await office.run("UPDATE operator_order SET state = 'done'")
    await office.run("UPDATE flow_line SET evidence_sent_at = now() WHERE payment = 'paid'")
    none = await office.post("/orders", order("evidence", flow_no))
    assert (none.status_code, none.json()["code"]) == (409, "NOTHING_FITS")
    replacing = await office.post("/orders", order("evidence", flow_no, ground.numbers[0]))
    assert (replacing.status_code, replacing.json()["count"]) == (201, 1)
    assert codes(await office.post("/orders", order("evidence", flow_no, ground.numbers[0]))) == ["IN_OPEN_ORDER"]
    again = await office.post(f"/orders/{chosen.json()['order_no']}/confirmation", {}, REVIEWER)
    assert again.json()["code"] == "ORDER_DECIDED"


async def unmatched(office: Office, correct_names: list[str | None]) -> list[str]:
    lines = [
        Line(
            stage="unmatched",
            verification="none",
            match_outcome="name_differs" if name else "not_found",
            correct_name=name,
        )
        for name in correct_names
    ]
    async with office.database.transaction() as session:
        await add_catalogs(session)
        batch = await add_batch(session, office.vault)
        return await add_applications(session, office.vault, lines, batch.id)


async def test_names_become_what_the_platform_says(office: Office) -> None:
    numbers = await unmatched(office, ["王晓梅", "王小玫", None])
    body = {"kind": "name_correction", "reason": "按平台反馈更正", "selection": {"filter": {"town_code": "500001100"}}}
    entered = (await office.post("/orders", body)).json()
    assert (entered["count"], entered["state"], entered["left_out"]) == (2, "entered", [])
    lines = (await office.get(f"/orders/{entered['order_no']}/lines", REVIEWER)).json()["items"]
    assert lines[0]["correction"] == {"name": {"before": "王小梅", "after": "王晓梅"}}
    own = await office.post(f"/orders/{entered['order_no']}/confirmation", {}, OPERATOR, role=Role.REVIEWER)
    assert own.json()["code"] == "SAME_PERSON"
    done = (await office.post(f"/orders/{entered['order_no']}/confirmation", {}, REVIEWER)).json()
    assert (done["state"], done["done_count"]) == ("done", 2)
    rows = await office.rows(
        "SELECT application_no, name_sealed, stage, match_outcome, correct_name_sealed, list_id FROM application "
        "ORDER BY id"
    )
    opened = [office.vault.open(Field.NAME, str(row[0]), str(row[1])) for row in rows]
    assert opened == ["王晓梅", "王小玫", "王小梅"]
    for place, name in enumerate(opened):
        sought = (await office.post("/applications/search", {"name": name})).json()["items"]
        assert [item["application_no"] for item in sought] == [numbers[place]], "found by the name that it has now"
    assert {row[2:] for row in rows[:2]} == {("publicised", None, None, None)}
    assert rows[2][2] == "unmatched"
    assert await count_of(office, "outbox") == 0
    wrong = await office.post("/orders", {**body, "selection": {"application_nos": numbers[2:]}})
    assert codes(wrong) == ["NO_CORRECT_NAME"]


async def test_a_name_corrected_otherwise_meanwhile_stops_the_order(office: Office) -> None:
    numbers = await unmatched(office, ["王晓梅", "王小玫"])
    body = {"kind": "name_correction", "reason": "x", "selection": {"application_nos": numbers}}
    number = (await office.post("/orders", body)).json()["order_no"]
    assert codes(await office.post("/orders", body)) == ["IN_OPEN_ORDER", "IN_OPEN_ORDER"]
    await office.run("UPDATE application SET stage = 'in_review' WHERE application_no = :n", n=numbers[0])
    answer = await office.post(f"/orders/{number}/confirmation", {}, REVIEWER)
    assert (answer.status_code, codes(answer)) == (409, ["NO_CORRECT_NAME"])
    assert await count_of(office, "application WHERE stage = 'publicised'") == 0


async def test_the_name_that_was_read_is_taken_or_none(office: Office) -> None:
    [number] = await unmatched(office, ["王晓梅"])
    body = {"kind": "name_correction", "reason": "x", "selection": {"application_nos": [number]}}
    order_no = (await office.post("/orders", body)).json()["order_no"]
    other = office.vault.seal(Field.NAME, number, "王小玫")
    await office.run("UPDATE application SET correct_name_sealed = :other", other=other)
    [line] = (await office.get(f"/orders/{order_no}/lines", REVIEWER)).json()["items"]
    assert line["correction"] == {"name": {"before": "王小梅", "after": "王晓梅"}}, "what was ordered"
    answer = await office.post(f"/orders/{order_no}/confirmation", {}, REVIEWER)
    assert (answer.status_code, codes(answer)) == (409, ["CORRECT_NAME_CHANGED"])
    assert await office.rows("SELECT stage FROM application") == [("unmatched",)]


async def test_orders_are_listed_by_kind_state_and_flow(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    first = (await office.post("/orders", order("withdrawal", flow_no, named["accepted"]))).json()["order_no"]
    second = (await office.post("/orders", order("unverified", flow_no))).json()["order_no"]
    items = (await office.get("/orders", flow_no=flow_no)).json()["items"]
    assert [item["order_no"] for item in items] == [second, first]
    assert [item["kind_label"] for item in items] == ["大数据校验不通过数据提交", "撤回"]
    one = (await office.get("/orders", kind="withdrawal", state="entered", limit="1")).json()["items"]
    assert [item["order_no"] for item in one] == [first]
    assert (await office.get("/orders", county=OTHER_COUNTY)).json()["items"] == []
    assert (await office.get(f"/orders/{first}", county=OTHER_COUNTY)).status_code == 404
    assert (await office.get("/orders", format="xlsx")).content[:2] == b"PK"
    assert (await office.get(f"/orders/{first}/lines", format="xlsx")).content[:2] == b"PK"


async def test_orders_of_another_countys_flow_are_refused_as_unknown(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    body = order("withdrawal", flow_no, named["accepted"])
    assert (await office.post("/orders", body, county=OTHER_COUNTY)).status_code == 404
    assert (await office.post("/orders", body, REVIEWER)).status_code == 403
    missing = await office.post("/orders", {"kind": "withdrawal", "reason": "x", "selection": {"filter": {}}})
    assert {error["pointer"] for error in missing.json()["errors"]} == {"/flow_no", "/selection/filter"}


async def test_a_repeated_order_is_one_order(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    body = order("withdrawal", flow_no, named["accepted"])
    first = await office.post("/orders", body, key="same")
    again = await office.post("/orders", body, key="same")
    assert first.json() == again.json()
    other = await office.post("/orders", order("withdrawal", flow_no, named["rejected"]), key="same")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert await count_of(office, "operator_order") == 1


def test_every_kind_has_been_tried() -> None:
    assert set(FITTING) | {"cancellation", "name_correction"} == {kind.value for kind in OrderKind}


async def test_rejected_lines_are_whole_for_who_corrects_them_and_nobody_else(office: Office) -> None:
    flow_no, named = await mixed_flow(office)
    await lock_account(office, named["duplicate"])
    path = f"/flows/{flow_no}/correctible-lines"
    lines = {each["application_no"]: each for each in (await office.get(path)).json()["items"]}
    assert set(lines) == {named["rejected"], named["duplicate"]}
    rejected = lines[named["rejected"]]
    assert (rejected["name"], rejected["phone"], rejected["reason"]) == ("王小梅", "13312345835", "账号无效")
    assert (len(rejected["account_no"]), rejected["id_number"][:4], rejected["why"]) == (12, "****", None)
    assert "账号" in lines[named["duplicate"]]["why"]
    noted = "SELECT actor, within, count(*) FROM disclosure WHERE purpose = 'edit' GROUP BY 1, 2"
    assert await office.rows(noted) == [(OPERATOR, flow_no, 2)]
    for who in (REVIEWER, ADMIN, OPS):
        assert (await office.get(path, who)).status_code == 403
    assert (await office.get(path, county=OTHER_COUNTY)).status_code == 404

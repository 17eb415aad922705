"""预检: what is known before the platform is asked, per line; and how right it was once the platform has answered."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.store.pre_flight.foreseen import CONDITIONS, KINDS
from models.store.pre_flight.kept import keep_foreseen
from models.store.sql import fetch_int
from models.wire.words import DatasetKind
from models.words.flow_words import FORETOLD, Foreseen, PreFlightAct
from tests.browser import Browser
from tests.rows import (
    ADMIN,
    AUDITOR,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Ground,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_ground,
    count_of,
    lock_account,
    open_office,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def told(office: Office, ground: Ground, act: str, who: str = OPERATOR) -> dict[str, Any]:
    answer = await office.get("/pre-flight", who, batch_no=ground.batch_no, act=act)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def kinds(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {each["kind"]: (each["count"], each["total_fen"]) for each in found["foreseen"]}


async def numbers(office: Office, ground: Ground, act: str, kind: str) -> list[str]:
    asked = {"batch_no": ground.batch_no, "act": act, "kind": kind}
    return [each["application_no"] for each in (await office.get("/pre-flight/lines", **asked)).json()["items"]]


async def add_answered(office: Office, lines: Sequence[Line]) -> None:
    """Applications of which an earlier list has said what the platform thinks."""
    async with office.database.transaction() as session:
        await add_catalogs(session)
        await add_applications(session, office.vault, lines, None)


def test_what_is_foretold_is_judged_by_the_same_conditions() -> None:
    """One table, two users: what is kept as a list goes out is what the page has told."""
    acts = {
        DatasetKind.BENEFICIARY_INIT: PreFlightAct.INITIALISATION,
        DatasetKind.VERIFICATION: PreFlightAct.VERIFICATION,
        DatasetKind.APPLICATION_SUBMISSION: PreFlightAct.START,
    }
    for kind, foretold in FORETOLD.items():
        assert set(foretold) <= set(KINDS[acts[kind]])
        assert set(foretold) <= CONDITIONS


async def test_before_initialisation_former_answers_and_banks_are_told(office: Office) -> None:
    publicised = {"stage": "publicised", "verification": "none", "match_outcome": None}
    lines = [Line(100 * (place + 1), person=place, **publicised) for place in range(6)]  # type: ignore[arg-type]
    lines[4] = Line(500, person=4, bank_code="BANK-X", **publicised)  # type: ignore[arg-type]
    ground = await add_ground(office, lines, money=[10_000])
    unmatched = {"stage": "unmatched", "verification": "none", "item_code": "ITEM-09"}
    await add_answered(
        office,
        [
            Line(1, person=0, match_outcome="name_differs", **unmatched),  # type: ignore[arg-type]
            Line(1, person=1, match_outcome="not_found", **unmatched),  # type: ignore[arg-type]
            Line(1, person=2, match_outcome="no_account", **unmatched),  # type: ignore[arg-type]
            # another bank's word says nothing of this one
            Line(1, person=3, match_outcome="no_account", bank_code="BANK-B", **unmatched),  # type: ignore[arg-type]
        ],
    )
    await lock_account(office, ground.numbers[5])
    found = await told(office, ground, "initialisation")
    assert (found["count"], found["total_fen"]) == (6, 2_100)
    assert kinds(found) == {
        "held": (1, 600),
        "name_differs": (1, 100),
        "not_found": (1, 200),
        "no_account": (1, 300),
        "bank_unlisted": (1, 500),
    }
    [differs] = [each for each in found["foreseen"] if each["kind"] == "name_differs"]
    assert differs["foretells"] == "身份证存在，但姓名不同"
    assert await numbers(office, ground, "initialisation", "not_found") == [ground.numbers[1]]
    # what the act leaves out is what it was told to be held
    body = {"selection": {"filter": {"batch_no": ground.batch_no, "stage": "publicised"}}, "preview": True}
    preview = (await office.post("/beneficiary-lists", body)).json()
    assert [(each["code"], each["count"]) for each in preview["left_out"]] == [("ACCOUNT_LOCKED", 1)]


async def test_before_the_start_several_lines_failed_ones_and_objections_are_told(office: Office) -> None:
    lines = [Line(100, person=1), Line(200, person=1), Line(400, person=2, verification="failed"), Line(800, person=3)]
    ground = await add_ground(office, lines)
    await office.post("/objections", {"application_no": ground.numbers[3], "reason": "有异议"})
    found = kinds(await told(office, ground, "start"))
    assert found == {"held": (1, 800), "unverified": (1, 400), "several_lines": (2, 300), "same_item": (2, 300)}
    started = (await office.post("/flows", ground.start)).json()
    held = started["figures"]["states"]["held"]
    assert (held["count"], held["fen"]) == found["held"]


async def test_after_the_answer_it_says_how_right_it_was(office: Office) -> None:
    """Two foreseen as duplicates: one comes true, one doesn't; and one is refused that nobody had foreseen."""
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=1), Line(400, person=2)])
    await office.post("/flows", ground.start)
    async with office.database.transaction() as session:
        dataset = await fetch_int(
            session,
            "WITH d AS (INSERT INTO dataset (reference, kind, county_code, flow_id, mode, stage, generation,"
            " record_count, total_fen, created_at) SELECT flow_no || '.r1', 'application_submission', county_code, id,"
            " 'initial', 'prepared', 1, 3, 700, now() FROM flow RETURNING id), l AS (INSERT INTO dataset_line"
            " (dataset_id, position, application_id, application_no, amount_fen) SELECT d.id, l.id, l.application_id,"
            " l.application_no, l.amount_fen FROM d, flow_line l) SELECT id FROM d",
        )
    for _ in range(2):
        async with office.database.transaction() as session:
            await keep_foreseen(session, COUNTY, dataset, DatasetKind.APPLICATION_SUBMISSION)
    said = ["'rejected', reason_code = 'duplicate_person'", "'accepted'", "'rejected', reason_code = 'ineligible'"]
    for number, outcome in zip(ground.numbers, said, strict=True):
        await office.run(f"UPDATE dataset_line SET outcome = {outcome} WHERE application_no = :no", no=number)
    [answered] = (await told(office, ground, "start"))["answered"]
    assert (answered["lines"], answered["answered"], answered["refused"], answered["unforeseen"]) == (3, 3, 2, 1)
    assert [(each["kind"], each["foreseen"], each["answered"], each["came_true"]) for each in answered["kinds"]] == [
        ("several_lines", 2, 2, 1)
    ]


async def test_the_contract_and_doubtful_numbers_are_seen_by_opening(office: Office) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    found = await told(office, ground, "start")
    assert (found["opened"], kinds(found)) == (2, {})
    # a record that the platform's contract doesn't take
    await office.run("UPDATE application SET town_code = '' WHERE application_no = :no", no=ground.numbers[1])
    found = await told(office, ground, "start")
    assert kinds(found)["contract"] == (1, 200)
    assert await numbers(office, ground, "start", "contract") == [ground.numbers[1]]


async def test_operators_and_reviewers_read_it_and_nobody_else(office: Office) -> None:
    ground = await add_ground(office, [Line(100)])
    for who, status in ((OPERATOR, 200), (REVIEWER, 200), (ADMIN, 403), (AUDITOR, 403), (OPS, 403)):
        assert (await office.get("/pre-flight", who, batch_no=ground.batch_no, act="start")).status_code == status
    assert (
        await office.get("/pre-flight", OPERATOR, OTHER_COUNTY, batch_no=ground.batch_no, act="start")
    ).status_code == 404


async def test_all_lines_of_one_kind_are_ticked_at_once(office: Office) -> None:
    lines = [Line(100, person=person, item_code=item) for person in range(60) for item in ("ITEM-01", "ITEM-02")]
    ground = await add_ground(office, [*lines, Line(400, person=70)])
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/pre-flight/{ground.batch_no}/start/{Foreseen.SEVERAL_LINES.value}")
    assert len(page.rows()) == 50
    page = await browser.submit(page, "撤回", everything="true")
    assert "120" in page.main
    await browser.submit(page, "确认办理", reason="重复填报")
    assert await count_of(office, "application WHERE stage = 'withdrawn'") == 120
    assert kinds(await told(office, ground, "start")) == {}


async def test_a_line_says_what_it_is_known_by(office: Office) -> None:
    """The other application, or the last word of the bank on the account and when it came."""
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=1), Line(400, person=2)])
    await office.run(
        "WITH r AS (INSERT INTO register_account (county_code, person_index, name_sealed, name_index,"
        " id_number_sealed, bank_code, account_sealed, account_index, status, source, updated_at) SELECT county_code,"
        " person_index, name_sealed, name_index, id_number_sealed, bank_code, account_sealed, account_index, 'invalid',"
        " 'application', now() FROM application WHERE application_no = :no RETURNING id) INSERT INTO register_change"
        " (register_account_id, source, actor, new_status, at, as_of, reason_code) SELECT id, 'check', 'system',"
        " 'invalid', now(), '2026-11-02 10:00+08', 'account_frozen' FROM r",
        no=ground.numbers[2],
    )
    assert kinds(await told(office, ground, "start"))["account_invalid"] == (1, 400)
    asked = {"batch_no": ground.batch_no, "act": "start"}
    [frozen] = (await office.get("/pre-flight/lines", **asked, kind="account_invalid")).json()["items"]
    assert (frozen["application_no"], frozen["because"]) == (ground.numbers[2], "2026-11-02 账户已冻结")
    first, second = (await office.get("/pre-flight/lines", **asked, kind="several_lines")).json()["items"]
    assert (first["because"], second["because"]) == (f"申请 {ground.numbers[1]}", f"申请 {ground.numbers[0]}")


async def test_what_no_batch_has_yet_is_looked_at_by_its_year(office: Office) -> None:
    """Most applications are matched before they join a batch: all that is publicised in a fund year."""
    await add_answered(
        office,
        [
            Line(100, person=1, stage="publicised", verification="none", match_outcome=None),
            Line(200, person=2, stage="publicised", verification="none", match_outcome=None),
            Line(1, person=2, stage="unmatched", verification="none", match_outcome="not_found", item_code="ITEM-09"),
        ],
    )
    asked = {"act": "initialisation", "fund_year": "2026"}
    found = (await office.get("/pre-flight", **asked)).json()
    assert (found["count"], found["total_fen"], kinds(found)) == (2, 300, {"not_found": (1, 200)})
    assert (await office.get("/pre-flight/numbers", **asked, kind="not_found")).json()["count"] == 1
    for wrong in ({"act": "start", "fund_year": "2026"}, {"act": "start"}):
        assert (await office.get("/pre-flight", **wrong)).status_code == 422
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open("/console/pre-flight?batch_no=2026")
    assert [row["份数"] for row in page.rows()] == ["1"]
    reviewer = await Browser.at(office).sign_in(REVIEWER)
    page = await reviewer.open("/console/pre-flight/2026/initialisation/not_found")
    page = await reviewer.submit(page, "审核退回", everything="true")
    await reviewer.submit(page, "确认办理", reason="请核对证件号")
    assert await count_of(office, "application WHERE stage = 'draft'") == 1


async def test_a_batch_that_is_verified_once_more_is_foreseen_as_it_would_be_sent(office: Office) -> None:
    """Only what was held: the page and the act find the same lines, those that are locked still apart."""
    ground = await add_ground(office, [Line(100), Line(200, verification="held"), Line(400, verification="held")])
    await lock_account(office, ground.numbers[2])
    found = await told(office, ground, "verification")
    assert (found["count"], kinds(found)) == (2, {"held": (1, 400)})
    preview = (await office.post(f"/batches/{ground.batch_no}/verifications", {"preview": True})).json()
    assert (preview["count"], preview["total_fen"]) == (1, 200)
    assert await count_of(office, "application WHERE verification = 'held'") == 2
    sent = (await office.post(f"/batches/{ground.batch_no}/verifications")).json()
    assert (sent["pending"], sent["held"]) == (1, 1)


@pytest.mark.journey(34)
async def test_the_page_leads_from_what_is_foreseen_to_what_can_be_done(office: Office) -> None:
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=1), Line(400, person=2)])
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/pre-flight?batch_no={ground.batch_no}")
    assert "指标余额足够" in page.main
    rows = {row["原因"]: row for row in page.rows()}
    assert rows["同一人在本批次有多份申请"]["平台预计的答复"] == "一人多条申请"
    page = await browser.open(f"/console/pre-flight/{ground.batch_no}/start/{Foreseen.SEVERAL_LINES.value}")
    assert [row["申请编号"] for row in page.rows()] == ground.numbers[:2]
    page = await browser.submit(page, "撤回", chosen=ground.numbers[1])
    page = await browser.submit(page, "确认办理", reason="重复填报")
    assert page.path.startswith(f"/console/pre-flight?batch_no={ground.batch_no}")
    assert "同一人在本批次有多份申请" not in page.main
    reviewer = await Browser.at(office).sign_in(REVIEWER)
    for act in PreFlightAct:
        page = await reviewer.open(f"/console/pre-flight?batch_no={ground.batch_no}&act={act.value}")
        assert page.status == 200

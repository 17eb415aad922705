"""预检: what is known before the platform is asked, per line; and how right it was once the platform has answered."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.store.pre_flight.foreseen import CONDITIONS, KINDS, KindSum
from models.store.pre_flight.kept import SENT_BY, keep_foreseen
from models.store.pre_flight.opened import sums_opened
from models.store.pre_flight.sent import Asked, what_is_sent
from models.store.sql import fetch_int
from models.store.vault import LocalVault, create_vault_key_file
from models.wire.words import DatasetKind
from models.words.flow_words import FORETOLD, Foreseen, PreFlightAct
from models.words.staff import Role
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
    add_indicator,
    add_policy,
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


async def add_dataset(office: Office, kind: DatasetKind, reference: str, mode: str = "initial") -> int:
    """A list of all applications, as it goes out."""
    async with office.database.transaction() as session:
        return await fetch_int(
            session,
            "WITH d AS (INSERT INTO dataset (reference, kind, county_code, mode, stage, generation, record_count,"
            " total_fen, created_at) VALUES (:no, :kind, :county, :mode, 'prepared', 1, 1, 1, now()) RETURNING id),"
            " l AS (INSERT INTO dataset_line (dataset_id, position, application_id, application_no, amount_fen)"
            " SELECT d.id, a.id, a.id, a.application_no, a.amount_fen FROM d, application a) SELECT id FROM d",
            no=reference,
            kind=kind.value,
            county=COUNTY,
            mode=mode if kind is DatasetKind.APPLICATION_SUBMISSION else None,
        )


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
    held = (await office.get("/pre-flight/lines", batch_no=ground.batch_no, act="start", kind="held")).json()["items"]
    assert [each["because"] for each in held] == ["公示异议待裁定"]
    started = (await office.post("/flows", ground.start)).json()
    held = started["figures"]["states"]["held"]
    assert (held["count"], held["fen"]) == found["held"]


async def test_after_the_answer_it_says_how_right_it_was(office: Office) -> None:
    """Two foreseen as duplicates: one comes true, one doesn't; and one is refused that nobody had foreseen."""
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=1), Line(400, person=2)])
    await office.post("/flows", ground.start)
    dataset = await add_dataset(office, DatasetKind.APPLICATION_SUBMISSION, "F-1.r1")
    for _ in range(2):
        async with office.database.transaction() as session:
            await keep_foreseen(session, COUNTY, dataset, DatasetKind.APPLICATION_SUBMISSION)
    # what an order sent anew, nobody had foreseen anything of
    await add_dataset(office, DatasetKind.APPLICATION_SUBMISSION, "F-1.r2", "modified")
    said = ["'rejected', reason_code = 'duplicate_person'", "'accepted'", "'rejected', reason_code = 'ineligible'"]
    for number, outcome in zip(ground.numbers, said, strict=True):
        await office.run(f"UPDATE dataset_line SET outcome = {outcome} WHERE application_no = :no", no=number)
    [answered] = (await told(office, ground, "start"))["answered"]
    assert (answered["lines"], answered["answered"], answered["refused"], answered["unforeseen"]) == (3, 3, 2, 1)
    assert [(each["kind"], each["foreseen"], each["answered"], each["came_true"]) for each in answered["kinds"]] == [
        ("several_lines", 2, 2, 1)
    ]
    page = await (await Browser.at(office).sign_in(REVIEWER)).open(f"/console/pre-flight?batch_no={ground.batch_no}")
    assert "没有通过 2，其中没有预计到 1" in page.main


@pytest.mark.parametrize(
    ("act", "good", "bad"),
    [
        (PreFlightAct.INITIALISATION, "matched", "not_found"),
        (PreFlightAct.VERIFICATION, "passed", "failed"),
        (PreFlightAct.START, "accepted", "rejected"),
    ],
)
async def test_where_nothing_was_foreseen_the_answer_is_told_too(
    office: Office, act: PreFlightAct, good: str, bad: str
) -> None:
    """Each moment: how many lines have an answer, how many are refused, and that nobody had foreseen it."""
    ground = await add_ground(office, [Line(100), Line(200)])
    dataset = await add_dataset(office, SENT_BY[act], "N-1")
    async with office.database.transaction() as session:
        await keep_foreseen(session, COUNTY, dataset, SENT_BY[act])
    [waiting] = (await told(office, ground, act.value, REVIEWER))["answered"]
    assert (waiting["lines"], waiting["answered"], waiting["kinds"]) == (2, 0, [])
    for number, outcome in zip(ground.numbers, (good, bad), strict=True):
        await office.run("UPDATE dataset_line SET outcome = :said WHERE application_no = :no", said=outcome, no=number)
    [answered] = (await told(office, ground, act.value, REVIEWER))["answered"]
    assert [answered[name] for name in ("lines", "answered", "refused", "unforeseen")] == [2, 2, 1, 1]
    page = await (await Browser.at(office).sign_in(REVIEWER)).open(
        f"/console/pre-flight?batch_no={ground.batch_no}&act={act.value}"
    )
    assert "平台已答复 2 / 2，没有通过 1，其中没有预计到 1" in page.main


async def test_who_only_reads_sees_the_acts_own_judgement(office: Office) -> None:
    """A reviewer, before each act: what it would do and leave out, or why it would be refused, as the operator does."""
    lines = [Line(100, stage="publicised", verification="none", match_outcome=None), Line(200), Line(400)]
    ground = await add_ground(office, lines)
    await office.run("UPDATE batch SET stage = 'open'")
    previews = {"initialisation": "/beneficiary-lists/preview", "verification": "verifications/preview"}
    initialisation = await office.get(previews["initialisation"], REVIEWER, batch_no=ground.batch_no)
    assert (initialisation.json()["count"], initialisation.json()["total_fen"]) == (1, 100)
    place = f"/batches/{ground.batch_no}/{previews['verification']}"
    refused = await office.get(place, REVIEWER)
    asked = await office.post(f"/batches/{ground.batch_no}/verifications", {"preview": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "BATCH_NOT_WHOLE")
    assert refused.json()["detail"] == asked.json()["detail"]
    browser = await Browser.at(office).sign_in(REVIEWER)
    path = f"/console/pre-flight?batch_no={ground.batch_no}&act="
    assert "现在可以办理 1 份" in (await browser.open(f"{path}initialisation")).main
    assert refused.json()["detail"] in (await browser.open(f"{path}verification")).main
    await office.run("UPDATE application SET stage = 'in_batch', verification = 'none'")
    await lock_account(office, ground.numbers[2])
    assert (await office.get(place, REVIEWER)).json() == (await office.get(place, OPERATOR)).json()
    page = await browser.open(f"{path}verification")
    assert "现在可以办理 2 份" in page.main
    assert "账号变更中，暂缓" in page.main
    assert await count_of(office, "application WHERE verification <> 'none'") == 0
    for who in (ADMIN, AUDITOR, OPS):
        assert (await office.get(place, who)).status_code == 403
    assert (await office.get(place, REVIEWER, OTHER_COUNTY)).status_code == 404


async def test_the_contract_and_doubtful_numbers_are_seen_by_opening(office: Office, tmp_path: Path) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    found = await told(office, ground, "start")
    assert kinds(found) == {}
    # a record that the platform's contract doesn't take
    await office.run("UPDATE application SET town_code = '' WHERE application_no = :no", no=ground.numbers[1])
    found = await told(office, ground, "start")
    assert kinds(found)["contract"] == (1, 200)
    assert await numbers(office, ground, "start", "contract") == [ground.numbers[1]]
    # the other one, which is as it was, isn't opened again: not even keys that open nothing find anything wrong with it
    create_vault_key_file(tmp_path / "strange.json")
    strange = LocalVault.from_file(tmp_path / "strange.json")
    async with office.database.snapshot() as session:
        sent = await what_is_sent(session, COUNTY, Asked(PreFlightAct.START, ground.batch_no, None))
        assert sent is not None
        assert await sums_opened(session, strange, sent.lines) == [KindSum("contract", 1, 200)]


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


async def test_an_act_on_all_of_a_kind_does_what_was_shown_or_nothing(office: Office) -> None:
    """Judged anew as it is done; nobody's of another county, and of an unknown batch nothing."""
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=1), Line(400, person=2)])
    kind = {"act": "start", "kind": "several_lines", "batch_no": ground.batch_no}
    asked = {"selection": {"foreseen": kind}, "reason": "重复填报"}
    seen = (await office.post("/application-withdrawals", {**asked, "preview": True})).json()
    assert (seen["count"], seen["total_fen"]) == (2, 300)
    strange = {**asked, "selection": {"foreseen": {**kind, "batch_no": "500001-P2026-9999"}}, "preview": True}
    assert (await office.post("/application-withdrawals", strange)).json()["count"] == 0
    for unclear in ({"batch_no": None}, {"fund_year": 2026}, {"batch_no": None, "fund_year": 2026}):
        unsaid = {**asked, "selection": {"foreseen": {**kind, **unclear}}, "preview": True}
        assert (await office.post("/application-withdrawals", unsaid)).status_code == 422
    await office.post("/application-withdrawals", {"selection": {"application_nos": ground.numbers[:1]}, "reason": "x"})
    stranger = await office.post("/application-withdrawals", {**asked, "preview": True}, role=Role.APPLICANT)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "ROLE_NOT_ALLOWED")
    late = await office.post("/application-withdrawals", {**asked, "seen": seen["seen"]})
    assert (late.status_code, late.json()["code"]) == (409, "SELECTION_CHANGED")
    # opened ones likewise, in as many steps as there are pages
    await office.run("UPDATE application SET town_code = '' WHERE stage = 'in_batch'")
    contract = {"selection": {"foreseen": {**kind, "kind": "contract"}}, "reason": "更正"}
    page = await office.get("/pre-flight/lines", REVIEWER, **{**kind, "kind": "contract"}, limit="1")
    after = {"after": str(page.json()["next"])}
    rest = await office.get("/pre-flight/lines", REVIEWER, **{**kind, "kind": "contract"}, limit="1", **after)
    both = [*page.json()["items"], *rest.json()["items"]]
    assert [each["application_no"] for each in both] == ground.numbers[1:]
    assert rest.json()["next"] is None
    done = await office.post("/application-returns", contract, REVIEWER)
    assert (done.json()["count"], done.json()["batches_left"]) == (2, [ground.batch_no])


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
    asked = {"batch_no": ground.batch_no, "act": "verification", "kind": "held"}
    [locked] = (await office.get("/pre-flight/lines", **asked)).json()["items"]
    assert (locked["application_no"], locked["because"]) == (ground.numbers[2], "账号变更中")
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


async def test_a_start_is_judged_by_all_that_the_year_has_approved(office: Office) -> None:
    """However much that is: here what covers the batch and pays it is the oldest of more than a page knows."""
    ground = await add_ground(office, [Line(60), Line(50)])
    async with office.database.transaction() as session:
        for _ in range(101):
            # another unit's, of another item; and drawn on to the last fen
            await add_policy(session, office.vault, policy_unit_code="U-2", item_codes=["ITEM-02"])
            await add_indicator(session, 10, paid_fen=10)
        newer = await add_policy(session, office.vault)
    asked = {"batch_no": ground.batch_no, "of_year": "true"}
    found = (await office.get("/flow-readiness", REVIEWER, **asked)).json()
    assert found["ready"], found["checks"]
    assert [each["policy_nos"] for each in found["items"]] == [[newer]]
    assert [(each["indicator_no"], each["takes_fen"]) for each in found["indicators"]] == [
        (ground.indicator_nos[0], 110)
    ]
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/pre-flight?batch_no={ground.batch_no}&act=start")
    assert page.main.count("✓") == len(found["checks"])
    # and whoever starts it can choose what is oldest
    page = await browser.open(f"/console/flows/start?batch_no={ground.batch_no}")
    assert ground.policy_no in page.main
    assert ground.indicator_nos[0] in page.main

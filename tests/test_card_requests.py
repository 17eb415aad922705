"""Card changes as rows: one clear outcome whatever happens at one moment (S2)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from models.store.cards.decisions import ask_retry, decide_part
from models.store.cards.own_accounts import own_accounts
from models.store.cards.parts import CardRefusal
from models.store.cards.requests import CardWish, Citizen, Incomplete, OneAtATime, open_request, withdraw_request
from models.store.register.register import register_row
from models.store.vault import Field
from models.tables.cards import CardChange
from models.wire.words import AccountChangeStatus, AccountReason
from models.words.card_stages import PartStage, RequestResult, RequestStage
from models.words.stages import AccountStatus
from tests.card_ground import (
    BANK,
    FIRST,
    OTHER_BANK,
    REVIEWER,
    SECOND,
    THIRD,
    Cards,
    card,
    card_province,
    part_no,
    person,
    wish,
)

OLD, NEW, NEWER = card(1), card(2), card(3)
FAILED, APPLIED = AccountChangeStatus.FAILED, AccountChangeStatus.APPLIED


@pytest.fixture
async def cards(database_url: str) -> AsyncIterator[Cards]:
    async with card_province(database_url) as running:
        yield running


@pytest.fixture
async def mei(cards: Cards) -> Citizen:
    """A person with one account in three counties."""
    citizen = person(cards.vault, 1)
    await cards.settle(citizen, OLD, FIRST, SECOND, THIRD)
    return citizen


async def decide(cards: Cards, request: CardChange, county: str, passed: bool, who: str = REVIEWER) -> None:
    await cards.act(lambda s: decide_part(s, cards.vault, part_no(request, county), passed, "已核对", who))


async def withdraw(cards: Cards, request: CardChange, citizen: Citizen) -> None:
    await cards.act(lambda s: withdraw_request(s, cards.vault, request.request_no, citizen.person_index))


async def retry(cards: Cards, request: CardChange, county: str) -> None:
    await cards.act(lambda s: ask_retry(s, cards.vault, part_no(request, county), REVIEWER))


async def refused(act: Awaitable[object]) -> str:
    with pytest.raises(CardRefusal) as refusal:
        await act
    assert refusal.value.words
    return refusal.value.code


async def at_once(*acts: Awaitable[object]) -> list[str | None]:
    """The code of each act's refusal, None where it took effect."""
    answers = await asyncio.gather(*acts, return_exceptions=True)
    for answer in answers:
        assert not isinstance(answer, BaseException) or isinstance(answer, CardRefusal), answer
    return [answer.code if isinstance(answer, CardRefusal) else None for answer in answers]


# --- saving


async def test_a_request_waits_for_the_bank_with_its_accounts_locked(cards: Cards, mei: Citizen) -> None:
    request = await cards.open(mei, NEW, FIRST, SECOND)
    assert request.stage is RequestStage.VALIDATING
    assert await cards.stages(request) == {FIRST: "validating", SECOND: "validating"}
    assert await cards.locks() == {FIRST, SECOND}
    assert await cards.rows("SELECT workflow_id, closed_at FROM run") == [(f"card-change/{request.request_no}", None)]
    assert await cards.rows("SELECT count(*) FROM outbox WHERE delivered_at IS NULL") == [(1,)]
    assert (await cards.register(mei, FIRST))[0] == OLD


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (wish(NEW[:-1] + str((int(NEW[-1]) + 1) % 10), FIRST), "ACCOUNT_CHECK_DIGIT"),
        (wish(NEW.translate({48 + digit: 0xFF10 + digit for digit in range(10)}), FIRST), "FULL_WIDTH"),
        (wish("5107226", FIRST), "ACCOUNT_FORMAT"),
        (wish(NEW, FIRST, bank="NOBANK"), "BANK_UNKNOWN"),
        (wish(OLD, FIRST, bank=BANK), "SAME_ACCOUNT"),
        (wish(NEW, FIRST, "500105"), "COUNTY_NOT_IN_USE"),
        (wish(NEW, "430001"), "COUNTY_NOT_IN_USE"),
    ],
)
async def test_what_fails_basic_validation_is_kept_as_failed_at_once(
    cards: Cards, mei: Citizen, wanted: CardWish, code: str
) -> None:
    request = await cards.request(await cards.wish(mei, wanted))
    assert (request.stage, request.result) == (RequestStage.ENDED, RequestResult.FAILED)
    assert (request.failure_code, bool(request.failure)) == (code, True)
    assert request.ended_at is not None
    assert set((await cards.stages(request)).values()) == {"failed"}
    assert await cards.locks() == set()
    assert await cards.rows("SELECT 1 FROM run") == []
    assert (await cards.open(mei, NEW, FIRST)).stage is RequestStage.VALIDATING


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (wish(NEW, FIRST, authorised=False), ("authorised",)),
        (wish(" ", bank=""), ("counties", "account_no", "bank_code")),
    ],
)
async def test_without_a_starred_field_nothing_is_saved(
    cards: Cards, mei: Citizen, wanted: CardWish, missing: tuple[str, ...]
) -> None:
    with pytest.raises(Incomplete) as refusal:
        await cards.wish(mei, wanted)
    assert refusal.value.fields == missing
    assert await cards.rows("SELECT 1 FROM card_change") == []


async def test_two_devices_at_once_make_one_request(cards: Cards, mei: Citizen) -> None:
    answers = await at_once(*(cards.open(mei, card(10 + device), FIRST) for device in range(6)))
    assert sorted(answers, key=str) == ["CARD_CHANGE_OPEN"] * 5 + [None]
    assert await cards.rows("SELECT count(*) FROM card_change") == [(1,)]


async def test_the_open_request_is_named_to_the_second_device(cards: Cards, mei: Citizen) -> None:
    request = await cards.open(mei, NEW, FIRST)
    with pytest.raises(OneAtATime) as refusal:
        await cards.open(mei, NEWER, SECOND)
    assert refusal.value.request_no == request.request_no


async def test_the_index_itself_lets_no_second_one_in(cards: Cards, mei: Citizen) -> None:
    """Not the code alone: a second open row of a person can't be written."""
    await cards.open(mei, NEW, FIRST)
    with pytest.raises(Exception, match="uq_card_change_open"):
        await cards.run(
            "INSERT INTO card_change (request_no, province_code, person_index, name_sealed, name_index,"
            " id_number_sealed, card_type, bank_code, account_sealed, account_index, authorised, channel, stage,"
            " created_at) SELECT"
            " request_no || 'x', province_code, person_index, name_sealed, name_index, id_number_sealed, card_type,"
            " bank_code, account_sealed, account_index, authorised, channel, stage, now() FROM card_change"
        )


async def test_an_account_that_a_village_entry_holds_is_refused_with_why(cards: Cards, mei: Citizen) -> None:
    await cards.run(
        "INSERT INTO account_lock (county_code, person_index, request_no, since) VALUES (:county, :person, 'N', now())",
        county=SECOND,
        person=mei.person_index,
    )
    request = await cards.request(await cards.open(mei, NEW, FIRST, SECOND))
    assert (request.failure_code, request.result) == ("ACCOUNT_LOCKED", RequestResult.FAILED)
    assert await cards.locks() == {SECOND}


async def left_out(cards: Cards, request: CardChange) -> list[tuple[object, ...]]:
    return await cards.rows(
        "SELECT county_code FROM matter_step WHERE request_id = :id AND step = 'left_out' ORDER BY id", id=request.id
    )


async def test_a_county_that_uses_the_new_account_already_is_left_out_and_named(cards: Cards, mei: Citizen) -> None:
    await cards.settle(mei, NEW, SECOND, bank=OTHER_BANK)
    request = await cards.open(mei, NEW, SECOND, THIRD, FIRST)
    assert request.stage is RequestStage.VALIDATING
    assert await cards.stages(request) == {FIRST: "validating", THIRD: "validating"}
    assert await cards.locks() == {FIRST, THIRD}
    assert await left_out(cards, request) == [(SECOND,)]
    for county in (FIRST, THIRD):
        assert (await cards.parts(request))[county].old_account_index == cards.vault.index(Field.ACCOUNT, OLD)


async def test_only_when_no_county_remains_is_it_the_old_account(cards: Cards, mei: Citizen) -> None:
    await cards.settle(mei, NEW, SECOND, THIRD, bank=OTHER_BANK)
    request = await cards.request(await cards.open(mei, NEW, SECOND, THIRD))
    assert (request.result, request.failure_code) == (RequestResult.FAILED, "SAME_ACCOUNT")
    assert await cards.stages(request) == {SECOND: "failed", THIRD: "failed"}
    assert await left_out(cards, request) == []


async def test_the_same_number_at_another_bank_is_another_account(cards: Cards, mei: Citizen) -> None:
    """Numbers of passbooks are given out by each bank for itself."""
    request = await cards.open(mei, OLD, FIRST, bank=OTHER_BANK)
    assert (request.stage, await cards.locks()) == (RequestStage.VALIDATING, {FIRST})


async def test_who_is_left_out_is_named_also_when_the_rest_fails(cards: Cards, mei: Citizen) -> None:
    await cards.settle(mei, NEW, SECOND, bank=OTHER_BANK)
    await cards.run(
        "INSERT INTO account_lock (county_code, person_index, request_no, since) VALUES (:county, :person, 'N', now())",
        county=FIRST,
        person=mei.person_index,
    )
    request = await cards.request(await cards.open(mei, NEW, FIRST, SECOND))
    assert (request.failure_code, await cards.stages(request)) == ("ACCOUNT_LOCKED", {FIRST: "failed"})
    assert await left_out(cards, request) == [(SECOND,)]


# --- decisions


async def test_a_decision_is_taken_once(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    await decide(cards, request, FIRST, True)
    assert await refused(decide(cards, request, FIRST, True)) == "ALREADY_DECIDED"
    assert await refused(decide(cards, request, FIRST, False)) == "ALREADY_DECIDED"
    assert await cards.stages(request) == {FIRST: "approved"}


async def test_two_reviewers_at_once_make_one_decision(cards: Cards, mei: Citizen) -> None:
    for number in range(4):
        citizen = person(cards.vault, 100 + number)
        await cards.settle(citizen, OLD, FIRST)
        request = await cards.in_review(citizen, NEW, FIRST)
        answers = await at_once(
            decide(cards, request, FIRST, True, "rev.one"), decide(cards, request, FIRST, False, "rev.two")
        )
        part = (await cards.parts(request))[FIRST]
        assert sorted(answers, key=str) == ["ALREADY_DECIDED", None]
        winner = ("rev.one", PartStage.APPROVED) if answers[0] is None else ("rev.two", PartStage.REFUSED)
        assert (part.reviewed_by, part.stage) == winner


async def test_a_withdrawal_against_a_decision_has_one_outcome(cards: Cards) -> None:
    for number in range(6):
        citizen = person(cards.vault, 200 + number)
        await cards.settle(citizen, OLD, FIRST)
        request = await cards.in_review(citizen, NEW, FIRST)
        acts = [decide(cards, request, FIRST, True), withdraw(cards, request, citizen)]
        answers = await at_once(*(reversed(acts) if number % 2 else acts))
        decided, withdrawn = reversed(answers) if number % 2 else answers
        stage = (await cards.stages(request))[FIRST]
        if decided is None:
            assert (stage, withdrawn) == ("approved", "NOTHING_TO_WITHDRAW")
        else:
            assert (stage, decided, withdrawn) == ("withdrawn", "NOT_IN_REVIEW", None)
            assert (await cards.request(request)).result is RequestResult.WITHDRAWN


async def test_a_request_can_be_taken_back_while_the_bank_is_asked(cards: Cards, mei: Citizen) -> None:
    request = await cards.open(mei, NEW, FIRST, SECOND)
    await withdraw(cards, request, mei)
    assert (await cards.request(request)).result is RequestResult.WITHDRAWN
    assert await cards.locks() == set()
    assert await refused(withdraw(cards, request, mei)) == "NOTHING_TO_WITHDRAW"


async def test_nobody_takes_back_what_is_somebody_elses(cards: Cards, mei: Citizen) -> None:
    request = await cards.open(mei, NEW, FIRST)
    other = person(cards.vault, 2)
    assert await refused(withdraw(cards, request, other)) == "NOT_FOUND"
    assert await cards.stages(request) == {FIRST: "validating"}


# --- parts of their own


async def test_each_county_goes_its_own_way(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND, THIRD)
    await decide(cards, request, FIRST, True)
    await decide(cards, request, SECOND, False)
    await withdraw(cards, request, mei)
    assert await cards.stages(request) == {FIRST: "approved", SECOND: "refused", THIRD: "withdrawn"}
    assert await cards.locks() == {FIRST}
    assert (await cards.request(request)).ended_at is None
    assert await refused(cards.open(mei, NEWER, SECOND)) == "CARD_CHANGE_OPEN"
    assert await cards.told(request, FIRST) == "applied"
    ended = await cards.request(request)
    assert (ended.stage, ended.result) == (RequestStage.ENDED, RequestResult.PARTLY_APPLIED)
    assert await cards.register(mei, FIRST) == (NEW, AccountStatus.VALID, "渝快办")
    assert await cards.register(mei, SECOND) == (OLD, AccountStatus.VALID, "申请录入")
    assert (await cards.open(mei, NEWER, SECOND)).stage is RequestStage.VALIDATING


Step = Callable[[Cards, CardChange, str], Awaitable[object]]


async def _applied(cards: Cards, request: CardChange, county: str) -> None:
    await decide(cards, request, county, True)
    await cards.told(request, county)


async def _failed(cards: Cards, request: CardChange, county: str) -> None:
    await decide(cards, request, county, True)
    await cards.told(request, county, status=FAILED, reason_code=AccountReason.OTHER)


async def _refused(cards: Cards, request: CardChange, county: str) -> None:
    await decide(cards, request, county, False)


@pytest.mark.parametrize(
    ("ways", "result"),
    [
        ((_applied, _applied), RequestResult.APPLIED),
        ((_applied, _failed), RequestResult.PARTLY_APPLIED),
        ((_refused, _applied), RequestResult.PARTLY_APPLIED),
        ((_refused, _refused), RequestResult.REFUSED),
        ((_refused, _failed), RequestResult.FAILED),
        ((_failed, _failed), RequestResult.FAILED),
    ],
)
async def test_the_result_tells_what_became_of_all_parts(
    cards: Cards, mei: Citizen, ways: tuple[Step, Step], result: RequestResult
) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    for way, county in zip(ways, (FIRST, SECOND), strict=True):
        assert (await cards.request(request)).result is None
        await way(cards, request, county)
    assert (await cards.request(request)).result is result
    assert await cards.locks() == set()


# --- 上卡


async def approved(cards: Cards, citizen: Citizen, *counties: str, account_no: str = NEW) -> CardChange:
    request = await cards.in_review(citizen, account_no, *counties)
    for county in counties:
        await decide(cards, request, county, True)
    return request


async def test_applied_is_in_the_register_with_its_history(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST)
    history = await cards.rows(
        "SELECT c.source, c.actor, c.old_status, c.new_status, c.old_account_sealed IS NOT NULL FROM register_change c"
        " JOIN register_account r ON r.id = c.register_account_id WHERE r.county_code = :county ORDER BY c.id",
        county=FIRST,
    )
    assert history[-1] == ("渝快办", REVIEWER, "valid", "valid", True)
    assert await cards.notices(mei) == [(FIRST, "applied")]
    faces = await cards.act(lambda s: own_accounts(s, cards.vault, "500000", mei.person_index))
    assert {face.account_no: [place.county_code for place in face.counties] for face in faces} == {
        NEW: [FIRST],
        OLD: [SECOND, THIRD],
    }


@pytest.mark.parametrize("usable", [True, None])
async def test_a_failed_one_keeps_an_old_account_that_is_usable(
    cards: Cards, mei: Citizen, usable: bool | None
) -> None:
    request = await approved(cards, mei, FIRST)
    effect = await cards.told(
        request, FIRST, status=FAILED, reason_code=AccountReason.NAME_MISMATCH, old_account_usable=usable
    )
    assert effect == "failed"
    assert await cards.register(mei, FIRST) == (OLD, AccountStatus.VALID, "申请录入")
    assert await cards.notices(mei) == [(FIRST, "apply_failed")]
    assert (await cards.parts(request))[FIRST].error_code == "name_mismatch"


async def test_a_failed_one_clears_an_old_account_that_is_not(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    said = {"status": FAILED, "reason_code": AccountReason.ACCOUNT_NOT_FOUND, "old_account_usable": False}
    await cards.told(request, FIRST, **said)
    account, status, _ = await cards.register(mei, FIRST)
    assert (account, status) == (None, AccountStatus.CLEARED)
    assert await cards.register(mei, SECOND) == (OLD, AccountStatus.VALID, "申请录入")
    assert await cards.notices(mei) == [(FIRST, "cleared"), (FIRST, "apply_failed")]
    rows = await cards.rows(
        "SELECT explanation_sealed, error_code, operated_at IS NOT NULL FROM notice WHERE kind = 'cleared'"
    )
    told = cards.vault.open(Field.REASON, register_row(FIRST, mei.person_index), str(rows[0][0]))
    assert "账号不存在" in told
    assert rows[0][1:] == ("account_not_found", True)


async def test_the_same_result_again_is_no_news(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    assert await cards.told(request, FIRST, submission_id="acc-same") == "applied"
    again = {"submission_id": "acc-same", "reason": "重复"}
    assert await cards.told(request, FIRST, **again) == "again"
    assert await cards.notices(mei) == [(FIRST, "applied")]
    assert await cards.rows("SELECT count(*) FROM contradiction") == [(0,)]


async def test_a_result_without_our_reference_is_known_by_its_submission(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST, SECOND)
    for county, submission in ((FIRST, "acc-1"), (SECOND, "acc-2")):
        number = part_no(request, county)
        await cards.run(
            "INSERT INTO platform_reference (province_code, platform_id, number) VALUES ('500000', :id, :number)",
            id=submission,
            number=number,
        )
        await cards.run("UPDATE card_change_part SET submission_id = :id WHERE part_no = :no", id=submission, no=number)
    assert await cards.told(request, SECOND, submission_id="acc-2", client_reference=None) == "applied"
    assert await cards.stages(request) == {FIRST: "approved", SECOND: "applied"}
    assert await cards.told(request, SECOND, submission_id="acc-9", client_reference=None) == "unknown part"


async def test_the_citizen_sees_every_step_with_its_time(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    await decide(cards, request, FIRST, True)
    await cards.told(
        request, FIRST, status=FAILED, reason_code=AccountReason.ACCOUNT_CLOSED, reason="户名 王某某 已销户"
    )
    await withdraw(cards, request, mei)
    steps = await cards.rows("SELECT county_code, step, words FROM matter_step WHERE at IS NOT NULL ORDER BY id")
    assert [step[:2] for step in steps] == [
        (None, "submitted"),
        (FIRST, "approved"),
        (FIRST, "failed"),
        (SECOND, "withdrawn"),
    ]
    assert steps[2][2] == "申请失败：账户已销户"


async def take(cards: Cards, request: CardChange) -> None:
    """A reviewer takes the claim; it takes effect with the run's next look."""
    await cards.run("UPDATE contradiction SET state = 'decided', taken = 'claimed', decided_by = 'rev'")
    await cards.told(request, FIRST, status=AccountChangeStatus.PENDING)


async def test_a_contradicting_result_is_kept_beside_until_somebody_takes_it(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST, submission_id="acc-1", status=FAILED, reason_code=AccountReason.OTHER)
    assert await cards.told(request, FIRST, submission_id="acc-1") == "contradiction"
    assert await cards.stages(request) == {FIRST: "failed"}
    assert (await cards.register(mei, FIRST))[0] == OLD
    await take(cards, request)
    assert await cards.rows("SELECT state, hindrance FROM contradiction") == [("settled", None)]
    assert await cards.stages(request) == {FIRST: "applied"}
    assert (await cards.request(request)).result is RequestResult.APPLIED
    assert (await cards.register(mei, FIRST))[0] == NEW


async def taken_back(cards: Cards, request: CardChange) -> None:
    """Applied; then the platform says that it wasn't, and a reviewer takes that."""
    await cards.told(request, FIRST, submission_id="acc-1")
    said = {"submission_id": "acc-1", "status": FAILED, "reason_code": AccountReason.OTHER, "old_account_usable": True}
    assert await cards.told(request, FIRST, **said) == "contradiction"
    await take(cards, request)


async def test_an_applied_one_that_is_claimed_failed_gives_the_old_account_back(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await taken_back(cards, request)
    assert await cards.stages(request) == {FIRST: "failed"}
    assert await cards.register(mei, FIRST) == (OLD, AccountStatus.VALID, "申请录入")
    history = await cards.rows("SELECT source FROM register_change ORDER BY id DESC LIMIT 2")
    assert history == [("平台通知",), ("渝快办",)]
    assert await cards.notices(mei) == [(FIRST, "applied"), (FIRST, "apply_failed")]


async def test_one_that_was_taken_back_can_be_tried_again(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await taken_back(cards, request)
    await retry(cards, request, FIRST)
    assert (await cards.parts(request))[FIRST].attempt == 2
    assert await cards.told(request, FIRST, submission_id="acc-2") == "applied"
    assert await cards.register(mei, FIRST) == (NEW, AccountStatus.VALID, "渝快办")


async def test_a_failed_one_that_is_claimed_applied_is_told_so_and_has_no_error(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    said = {"status": FAILED, "reason_code": AccountReason.ACCOUNT_FROZEN, "old_account_usable": True}
    await cards.told(request, FIRST, submission_id="acc-1", **said)
    await cards.told(request, FIRST, submission_id="acc-1")
    await take(cards, request)
    part = (await cards.parts(request))[FIRST]
    assert (part.stage, part.error_code, part.error_sealed) == (PartStage.APPLIED, None, None)
    assert await cards.notices(mei) == [(FIRST, "apply_failed"), (FIRST, "applied")]


async def test_a_claim_that_was_overtaken_is_not_taken(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST, submission_id="acc-1", status=FAILED)
    await cards.told(request, FIRST, submission_id="acc-1")
    await cards.settle(mei, NEWER, FIRST)
    await take(cards, request)
    rows = await cards.rows("SELECT state, hindrance IS NOT NULL FROM contradiction")
    assert rows == [("open", True)]
    assert (await cards.register(mei, FIRST))[0] == NEWER


async def test_a_failed_one_is_tried_again_under_a_new_attempt(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST, submission_id="acc-1", status=FAILED, old_account_usable=True)
    answers = await at_once(*(retry(cards, request, FIRST) for _ in range(3)))
    assert sorted(answers, key=str) == ["NOT_RETRYABLE"] * 2 + [None]
    part = (await cards.parts(request))[FIRST]
    assert (part.stage, part.attempt, part.submission_id, part.ended_at) == (PartStage.APPROVED, 2, None, None)
    assert (await cards.request(request)).stage is RequestStage.IN_PROGRESS
    assert await cards.locks() == {FIRST}
    earlier = {"submission_id": "acc-1", "status": FAILED, "reason": "迟到"}
    assert await cards.told(request, FIRST, **earlier) == "earlier attempt"
    assert await cards.told(request, FIRST, submission_id="acc-2") == "applied"
    assert (await cards.request(request)).result is RequestResult.APPLIED


async def test_what_never_went_to_the_platform_is_not_tried_again(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    await decide(cards, request, FIRST, False)
    assert await refused(retry(cards, request, FIRST)) == "NOT_RETRYABLE"


async def test_a_retry_against_a_new_request_leaves_one_open(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST, status=FAILED)
    answers = await at_once(retry(cards, request, FIRST), cards.open(mei, NEWER, FIRST))
    assert sorted(answers, key=str) == ["CARD_CHANGE_OPEN", None]
    assert await cards.rows("SELECT count(*) FROM card_change WHERE ended_at IS NULL") == [(1,)]


async def test_a_retry_after_a_later_change_is_refused(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.told(request, FIRST, status=FAILED)
    later = await cards.in_review(mei, NEWER, FIRST)
    await decide(cards, later, FIRST, True)
    await cards.told(later, FIRST)
    assert await refused(retry(cards, request, FIRST)) == "OVERTAKEN"


async def test_a_result_for_what_was_never_sent_is_kept_aside(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST)
    assert await cards.told(request, FIRST) == "contradiction"
    assert await cards.stages(request) == {FIRST: "in_review"}
    assert await cards.told(request, FIRST, county_code=SECOND) == "other county"


# --- invalidation


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        (AccountReason.ACCOUNT_FROZEN, AccountStatus.INVALID, "invalidated"),
        (AccountReason.NAME_MISMATCH, AccountStatus.INVALID, "invalidated"),
        (AccountReason.NOT_A_SUBSIDY_ACCOUNT, AccountStatus.INVALID, "invalidated"),
        (AccountReason.ACCOUNT_CLOSED, AccountStatus.CLEARED, "cleared"),
        (AccountReason.ACCOUNT_NOT_FOUND, AccountStatus.CLEARED, "cleared"),
    ],
)
async def test_invalidation_takes_effect_and_is_told_once(
    cards: Cards, mei: Citizen, reason: AccountReason, status: AccountStatus, kind: str
) -> None:
    at = datetime.now(UTC)
    assert await cards.invalidated(mei, OLD, FIRST, reason, at) == "invalidated"
    assert await cards.invalidated(mei, OLD, FIRST, reason, at) in ("again", "not the account in use")
    account, now_status, _ = await cards.register(mei, FIRST)
    assert (account is None, now_status) == (status is AccountStatus.CLEARED, status)
    assert await cards.notices(mei) == [(FIRST, kind)]


async def test_another_account_than_the_one_in_use_is_left_alone(cards: Cards, mei: Citizen) -> None:
    assert await cards.invalidated(mei, NEW, FIRST, AccountReason.ACCOUNT_CLOSED) == "not the account in use"
    stranger = person(cards.vault, 3)
    assert await cards.invalidated(stranger, OLD, FIRST, AccountReason.ACCOUNT_CLOSED) == "not the account in use"
    assert await cards.register(mei, FIRST) == (OLD, AccountStatus.VALID, "申请录入")


async def test_invalidation_in_the_middle_ends_that_county_only(cards: Cards, mei: Citizen) -> None:
    request = await cards.in_review(mei, NEW, FIRST, SECOND)
    assert await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN) == "change ended"
    assert await cards.stages(request) == {FIRST: "failed", SECOND: "in_review"}
    assert (await cards.register(mei, FIRST))[1] is AccountStatus.INVALID
    assert await cards.locks() == {SECOND}
    assert await refused(decide(cards, request, FIRST, True)) == "NOT_IN_REVIEW"


async def test_an_invalidation_while_the_bank_is_asked_speaks_for_the_whole_only_at_the_end(
    cards: Cards, mei: Citizen
) -> None:
    request = await cards.open(mei, NEW, FIRST, SECOND)
    await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN)
    going_on = await cards.request(request)
    assert (going_on.ended_at, going_on.failure_code, going_on.failure) == (None, None, None)
    steps = await cards.rows("SELECT county_code, step FROM matter_step ORDER BY id")
    assert steps[1:] == [(FIRST, "failed")]
    await cards.invalidated(mei, OLD, SECOND, AccountReason.ACCOUNT_CLOSED)
    ended = await cards.request(request)
    assert (ended.result, ended.failure_code) == (RequestResult.FAILED, "account_closed")
    assert "账户已销户" in str(ended.failure)


async def test_the_new_account_may_be_the_one_that_ends_it(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    closed = AccountReason.ACCOUNT_CLOSED
    assert await cards.invalidated(mei, NEW, FIRST, closed, bank=OTHER_BANK) == "change ended"
    assert await cards.stages(request) == {FIRST: "failed"}
    assert await cards.register(mei, FIRST) == (OLD, AccountStatus.VALID, "申请录入")


async def test_a_card_that_was_invalid_before_does_not_end_its_own_change(cards: Cards, mei: Citizen) -> None:
    """无效卡 is shown and its change possible: being found invalid once more is no news."""
    await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN)
    request = await cards.in_review(mei, NEW, FIRST)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN, later) == "again"
    assert await cards.stages(request) == {FIRST: "in_review"}


async def test_whoever_corrects_the_bank_alone_has_another_account(cards: Cards, mei: Citizen) -> None:
    """The number stays: what is found of it at the bank of before neither ends the change nor touches the new one."""
    await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN)
    request = await approved(cards, mei, FIRST, account_no=OLD)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN, later) == "again"
    assert await cards.told(request, FIRST, status=APPLIED) == "applied"
    closed = await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_CLOSED, later)
    assert closed == "not the account in use"
    assert await cards.register(mei, FIRST) == (OLD, AccountStatus.VALID, "渝快办")
    assert await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_FROZEN, later, OTHER_BANK) == "invalidated"


async def test_invalidation_against_a_decision_has_one_outcome(cards: Cards) -> None:
    for number in range(6):
        citizen = person(cards.vault, 300 + number)
        await cards.settle(citizen, OLD, FIRST)
        request = await cards.in_review(citizen, NEW, FIRST)
        acts = [
            decide(cards, request, FIRST, True),
            cards.invalidated(citizen, OLD, FIRST, AccountReason.ACCOUNT_CLOSED),
        ]
        await asyncio.gather(*(reversed(acts) if number % 2 else acts), return_exceptions=True)
        part = (await cards.parts(request))[FIRST]
        assert part.stage is PartStage.FAILED
        assert (await cards.request(request)).result is RequestResult.FAILED
        assert (await cards.register(citizen, FIRST))[1] is AccountStatus.CLEARED


async def test_a_platform_that_applies_after_all_is_kept_beside(cards: Cards, mei: Citizen) -> None:
    request = await approved(cards, mei, FIRST)
    await cards.invalidated(mei, OLD, FIRST, AccountReason.ACCOUNT_CLOSED)
    assert await cards.told(request, FIRST, status=APPLIED) == "contradiction"
    assert (await cards.register(mei, FIRST))[1] is AccountStatus.CLEARED
    await take(cards, request)
    assert await cards.register(mei, FIRST) == (NEW, AccountStatus.VALID, "渝快办")


async def test_every_open_wish_is_for_the_person_who_is_signed_in(cards: Cards, mei: Citizen) -> None:
    """A county of another person's account is none of the own."""
    other = person(cards.vault, 9)
    await cards.settle(other, NEWER, "500105")
    request = await cards.act(lambda s: open_request(s, cards.vault, mei, wish(NEW, "500105")))
    assert request.failure_code == "COUNTY_NOT_IN_USE"

"""Acts on several previewed: what they would do and leave out; nothing changed, and then done just as it was shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.rows import (
    COUNTY,
    OPERATOR,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_applications,
    add_batch,
    add_file,
    add_flow,
    add_ground,
    lock_account,
    open_office,
    set_lines,
)

ALL_BUT_TIMES = "SELECT application_no, stage, batch_id, list_id, verification, version, reviewed_by FROM application"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def put(office: Office, *lines: Line, batch_id: int | None = None) -> list[str]:
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, batch_id)


async def open_batch(office: Office) -> tuple[str, int]:
    async with office.database.transaction() as session:
        batch = await add_batch(session, office.vault)
    assert batch.id is not None
    await office.run("UPDATE batch SET stage = 'open', verification_round = 0 WHERE id = :id", id=batch.id)
    return batch.batch_no, batch.id


async def state(office: Office) -> list[object]:
    """Everything that an act could have changed."""
    counts = "SELECT (SELECT count(*) FROM trail_entry), (SELECT count(*) FROM idempotent_answer),"
    counts += " (SELECT count(*) FROM run), (SELECT count(*) FROM beneficiary_list), (SELECT count(*) FROM payment)"
    lines = "SELECT application_no, state, payment, money FROM flow_line ORDER BY id"
    return [await office.rows(f"{ALL_BUT_TIMES} ORDER BY id"), await office.rows(counts), await office.rows(lines)]


async def preview(office: Office, path: str, body: dict[str, Any], who: str = OPERATOR) -> dict[str, Any]:
    """Without a key; nothing is otherwise afterwards."""
    before = await state(office)
    headers = office.headers(who, COUNTY, None)
    del headers["Idempotency-Key"]
    answer = await office.http.post(path, json=body | {"preview": True}, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told["preview"] is True
    assert await state(office) == before
    return told


def groups(told: dict[str, Any]) -> dict[str, list[str]]:
    return {group["code"]: group["application_nos"] for group in told["left_out"]}


async def done_as_shown(office: Office, path: str, body: dict[str, Any], who: str = OPERATOR) -> dict[str, Any]:
    """Previewed and then done: count, sum and what is left out agree."""
    told = await preview(office, path, body, who)
    answer = await office.post(path, body | {"seen": told["seen"]}, who)
    assert answer.status_code in (200, 202), answer.text
    done: dict[str, Any] = answer.json()
    if "total_fen" in done and "left_out" in done:
        assert (done["count"], done["total_fen"]) == (told["count"], told["total_fen"])
        assert {code: len(numbers) for code, numbers in groups(told).items()} == {
            group["code"]: group["count"] for group in done["left_out"]
        }
    assert "preview" not in done
    return done


def named(*numbers: str, **more: object) -> dict[str, Any]:
    return {"selection": {"application_nos": list(numbers)}, **more}


async def test_what_is_left_out_is_listed_and_what_was_seen_is_done(office: Office) -> None:
    first, second, other = await put(
        office, Line(7_00, stage="matched"), Line(5_00, stage="matched"), Line(stage="paid")
    )
    body = named(first, second, other, "500001-S2026-9999999")
    told = await preview(office, "/settlement-materials", body)
    assert (told["count"], told["total_fen"]) == (2, 12_00)
    assert groups(told) == {"NOT_MATCHED": [other], "UNKNOWN_APPLICATION": ["500001-S2026-9999999"]}
    # who hasn't seen what is left out is refused as before
    refused = await office.post("/settlement-materials", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "LINES_UNFIT")
    # and who has seen something else than is so now
    await office.run("UPDATE application SET stage = 'publicised' WHERE application_no = :no", no=second)
    late = await office.post("/settlement-materials", body | {"seen": told["seen"]})
    assert (late.status_code, late.json()["code"]) == (409, "SELECTION_CHANGED")
    done = await done_as_shown(office, "/settlement-materials", body)
    assert (done["count"], done["total_fen"]) == (1, 7_00)


async def test_what_was_changed_since_it_was_seen_is_not_done(office: Office) -> None:
    """Count and sum are the same: another account, or another picture of the card, is another thing to approve."""
    (number,) = await put(office, Line(stage="in_review"))
    async with office.database.transaction() as session:
        file = await add_file(session, content_type="image/png")
    changes = (
        "UPDATE application SET bank_code = 'BANK-B', version = version + 1 WHERE application_no = :no",
        "INSERT INTO application_photo (application_id, kind, file_id, stored_at)"
        f" SELECT id, 'bank_card', {file}, now() FROM application WHERE application_no = :no",
    )
    for change in changes:
        told = await preview(office, "/application-approvals", named(number), REVIEWER)
        await office.run(change, no=number)
        late = await office.post("/application-approvals", named(number, seen=told["seen"]), REVIEWER)
        assert (late.status_code, late.json()["code"]) == (409, "SELECTION_CHANGED"), change
    await done_as_shown(office, "/application-approvals", named(number), REVIEWER)


async def test_a_filter_lists_all_that_it_leaves_out(office: Office) -> None:
    kept = await put(office, Line(stage="publicised"), *[Line(stage="draft")] * 30)
    told = await preview(office, "/beneficiary-lists", {"selection": {"filter": {"fund_year": 2026}}})
    assert told["count"] == 1
    assert groups(told) == {"NOT_PUBLICISED": kept[1:]}
    empty = await preview(office, "/beneficiary-lists", named(*kept[1:]))
    assert empty["count"] == 0


async def test_every_act_on_lines(office: Office) -> None:
    batch_no, batch_id = await open_batch(office)
    draft, review, approved = await put(office, Line(stage="draft"), Line(stage="in_review"), Line(stage="in_review"))
    await office.run("UPDATE application SET reviewed_by = 'rev.zhao' WHERE application_no = :no", no=approved)
    await office.run("UPDATE application SET channel = 'import' WHERE application_no = :no", no=draft)
    assert (await preview(office, "/application-returns", named(review), REVIEWER))["stages_after"] == {"draft": 1}
    assert (await preview(office, "/application-approvals", named(review), REVIEWER))["warnings"]
    await done_as_shown(office, "/application-submissions", named(draft))
    await done_as_shown(office, "/application-approvals", named(review), SECOND)
    await done_as_shown(office, "/application-publicisings", named(approved))
    await done_as_shown(office, "/application-returns", named(approved, reason="照片不清"), REVIEWER)
    # what is missing of the reason may still be said on the page that shows the preview
    await preview(office, "/application-withdrawals", named(draft))
    await done_as_shown(office, "/application-withdrawals", named(draft, reason="重复"))
    (failed,) = await put(office, Line(stage="failed", payments=1))
    await done_as_shown(office, "/application-closings", named(failed, reason="已故"))
    settled, *_ = await put(office, Line(stage="pending_settlement"), Line(stage="paid"))
    told = await preview(office, f"/batches/{batch_no}/applications", {"selection": {"filter": {"fund_year": 2026}}})
    assert told["doubles"]["count"] == 0
    await done_as_shown(office, f"/batches/{batch_no}/applications", named(settled))
    await done_as_shown(office, f"/batches/{batch_no}/removals", named(settled))
    assert batch_id


async def test_lists_and_verifications(office: Office) -> None:
    batch_no, batch_id = await open_batch(office)
    publicised, locked = await put(office, Line(stage="publicised"), Line(stage="publicised"))
    await lock_account(office, locked)
    done = await done_as_shown(office, "/beneficiary-lists", named(publicised, locked))
    assert done["list_no"]
    lines = await put(
        office,
        Line(3_00, verification="none"),
        Line(verification="none", applicant_kind="organization"),
        Line(verification="none"),
        batch_id=batch_id,
    )
    await lock_account(office, lines[2])
    path = f"/batches/{batch_no}/verifications"
    told = await preview(office, path, {})
    assert (told["count"], told["total_fen"]) == (1, 3_00)
    assert groups(told) == {"NOTHING_TO_VERIFY": [lines[1]], "ACCOUNT_LOCKED": [lines[2]]}
    await done_as_shown(office, path, {})
    frozen = await office.post(path, {"preview": True})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "BATCH_FROZEN")


async def test_lines_of_a_flow(office: Office) -> None:
    ground = await add_ground(office, [Line(9_00), Line(8_00)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "held")
    path = f"/flows/{flow_no}/deferrals"
    told = await preview(office, path, {"reason": "下批再办", "selection": {"application_nos": ground.numbers}})
    assert (told["count"], told["total_fen"], list(groups(told).values())) == (1, 9_00, [ground.numbers[1:]])
    await done_as_shown(office, path, {"reason": "下批再办"})


async def test_only_a_true_preview_needs_no_key(office: Office) -> None:
    (number,) = await put(office, Line(stage="matched"))
    headers = office.headers(OPERATOR, COUNTY, None)
    del headers["Idempotency-Key"]
    for said, code in ((False, 400), ("true", 400), (1, 400)):
        answer = await office.http.post("/settlement-materials", json=named(number, preview=said), headers=headers)
        assert answer.status_code == code, answer.text
    # an act that knows no preview isn't carried out for being asked for one
    foreign = await office.http.post(
        "/batches", json={"fund_year": 2026, "title": "x", "preview": True}, headers=headers
    )
    assert foreign.status_code == 422
    assert (await office.rows("SELECT count(*) FROM batch"))[0] == (0,)

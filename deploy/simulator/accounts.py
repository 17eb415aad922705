"""Accounts: bank validation, account changes (上卡), invalidations."""

from datetime import datetime

import orjson

from .agenda import Decision
from .clock import DAY
from .events import Data, publish
from .payments import reason_code
from .problems import Problem, refuse_field
from .shapes import AccountChangeBody, AccountQueries, AccountQuery
from .store import Row
from .world import MARK, Answer, Call, World, new_id

PAGE = 500
APPLIED_AFTER = 1 * DAY


def verify_account(world: World, call: Call) -> Answer:
    return Answer(200, _verdict(world, AccountQuery.model_validate_json(call.body)))


def verify_accounts(world: World, call: Call) -> Answer:
    body = AccountQueries.model_validate_json(call.body)
    return Answer(200, {"verdicts": [_verdict(world, query) for query in body.accounts]})


def apply_account_change(world: World, call: Call) -> Answer:
    body = AccountChangeBody.model_validate_json(call.body)
    world.need_county(call.client, body.county_code)
    if body.new_bank_code not in world.catalog.bank_codes:
        refuse_field("/new_bank_code", "UNKNOWN_BANK", "开户行不在列表中")
    if _pending(world, body.county_code, body.id_number):
        raise Problem("ACCOUNT_CHANGE_PENDING", "请等上一次账号变更有结果后再提交")
    submission = new_id("acc")
    world.store.run(
        "INSERT INTO account_change (submission_id, client_id, county_code, client_reference, id_number, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        submission,
        call.client.client_id,
        body.county_code,
        body.client_reference,
        body.id_number,
        body.model_dump_json(),
    )
    world.later("account_change", submission, APPLIED_AFTER)
    return Answer(202, {"submission_id": submission, "client_reference": body.client_reference}, started=submission)


def get_account_change(world: World, call: Call) -> Answer:
    found = world.store.row(
        "SELECT * FROM account_change WHERE submission_id = ? AND client_id = ?",
        call.path["submission_id"],
        call.client.client_id,
    )
    if found is None:
        raise Problem("NOT_FOUND", "没有此账号变更")
    return Answer(200, _change_wire(found))


def decide_change(world: World, submission: str, plan: int, decision: Decision | None) -> None:
    found = world.store.row("SELECT * FROM account_change WHERE submission_id = ? AND status = 'pending'", submission)
    if found is None:
        return
    body = AccountChangeBody.model_validate_json(found["body"])
    refusal = _change_refusal(world, body, decision)
    usable = None if refusal is None else _old_usable(world, body)
    world.store.run(
        "UPDATE account_change SET status = ?, reason_code = ?, reason = ?, old_account_usable = ?"
        " WHERE submission_id = ?",
        "applied" if refusal is None else "failed",
        *(refusal or (None, None)),
        usable,
        submission,
    )
    if refusal is None:
        _register_account(world, body)
    after = world.store.row("SELECT * FROM account_change WHERE submission_id = ?", submission)
    assert after is not None
    publish(world, found["client_id"], submission, "account.change.applied", _change_wire(after))


def list_invalidations(world: World, call: Call) -> Answer:
    since = _moment(call.query.get("since", ""))
    page = call.query.get("page", "1")
    if not (page.isascii() and page.isdigit() and 1 <= int(page) <= 1_000_000):
        raise Problem("VALIDATION_FAILED", "page 应为从 1 开始的整数")
    client = call.client.client_id
    count = world.store.number("SELECT count(*) FROM invalidation WHERE client_id = ? AND at >= ?", client, since)
    rows = world.store.rows(
        "SELECT body FROM invalidation WHERE client_id = ? AND at >= ? ORDER BY arrival LIMIT ? OFFSET ?",
        client,
        since,
        PAGE,
        (int(page) - 1) * PAGE,
    )
    return Answer(200, {"pages": -(-count // PAGE), "items": [orjson.Fragment(row["body"]) for row in rows]})


def _verdict(world: World, query: AccountQuery) -> Data:
    reason = account_reason(world, query.name, query.id_number, query.bank_code, query.account_no)
    return {"valid": reason is None, "reason_code": reason}


def account_reason(world: World, name: str, id_number: str, bank: str, account: str) -> str | None:
    """None when the account is open, a subsidy account and this person's. What the bank says comes first."""
    held = world.store.row("SELECT * FROM bank_account WHERE bank_code = ? AND account_no = ?", bank, account)
    known = world.store.row(
        "SELECT name, payment FROM register WHERE id_number = ? AND bank_code = ? AND account_no = ? LIMIT 1",
        id_number,
        bank,
        account,
    )
    if held is not None and held["status"] != "open":
        return {"closed": "account_closed", "frozen": "account_frozen"}.get(held["status"], "not_a_subsidy_account")
    if known is not None:
        return _known_reason(name, known)
    if held is None:
        return "account_not_found"
    return None if (held["holder_name"], held["holder_id_number"]) == (name, id_number) else "name_mismatch"


def _known_reason(name: str, known: Row) -> str | None:
    if known["name"] != name:
        return "name_mismatch"
    fate, _, reason = known["payment"].partition(":")
    if fate != "failed":
        return None
    code = reason_code(reason)
    return code if code in ("name_mismatch", "account_not_found", "account_closed", "account_frozen") else None


def _change_refusal(world: World, body: AccountChangeBody, decision: Decision | None) -> tuple[str, str] | None:
    if decision is not None and not decision.approve:
        return "other", decision.opinion or "审核不通过"
    if MARK in (body.reason or ""):
        return "other", "变更理由含有退回标记"
    reason = account_reason(world, body.name, body.id_number, body.new_bank_code, body.new_account_no)
    words = {
        "name_mismatch": "账号与户名不一致",
        "account_not_found": "账号不存在",
        "account_closed": "账户已销户",
        "account_frozen": "账户已冻结",
        "not_a_subsidy_account": "非惠民惠农账户",
    }
    return None if reason is None else (reason, words[reason])


def _old_usable(world: World, body: AccountChangeBody) -> int | None:
    if not body.old_bank_code or not body.old_account_no:
        return None
    return int(account_reason(world, body.name, body.id_number, body.old_bank_code, body.old_account_no) is None)


def _register_account(world: World, body: AccountChangeBody) -> None:
    """From now on the county knows the new account; without the bank's row of an account a person is still a person."""
    store = world.store
    known = store.row(
        "SELECT verification FROM register WHERE county_code = ? AND id_number = ? LIMIT 1",
        body.county_code,
        body.id_number,
    )
    store.run(
        "INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, 'paid') ON CONFLICT DO NOTHING",
        body.county_code,
        body.id_number,
        body.new_bank_code,
        body.new_account_no,
        body.name,
        known["verification"] if known is not None else "passed",
    )


def _pending(world: World, county: str, id_number: str) -> bool:
    sql = "SELECT 1 FROM account_change WHERE county_code = ? AND id_number = ? AND status = 'pending'"
    return world.store.row(sql, county, id_number) is not None


def _change_wire(row: Row) -> Data:
    names = ("submission_id", "client_reference", "county_code", "status", "reason_code", "reason")
    usable = row["old_account_usable"]
    return {name: row[name] for name in names} | {"old_account_usable": None if usable is None else bool(usable)}


def _moment(text: str) -> float:
    try:
        # A plus sign in a query arrives as a space when it was sent unquoted.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Problem("VALIDATION_FAILED", "since 应为带时区的 RFC 3339 时间") from None
    if moment.tzinfo is None:
        raise Problem("VALIDATION_FAILED", "since 应带时区")
    return moment.timestamp()

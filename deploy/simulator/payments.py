"""Paying: what becomes of each line, page by page over days, returns before and after the end."""

import orjson

from .agenda import Decision
from .clock import DAY, HOUR, stamp
from .events import Data, publish
from .faults import Kind
from .flows import end_flow, need_flow
from .problems import Problem
from .store import Row
from .world import Answer, Call, World

PAGE = 500
PAYING_DAYS = 3 * DAY
RETURN_WITHIN = 90 * DAY

_REASONS = (
    ("销户", "account_closed"),
    ("注销", "account_closed"),
    ("冻结", "account_frozen"),
    ("止付", "account_frozen"),
    ("不存在", "account_not_found"),
    ("无此账", "account_not_found"),
    ("户名", "name_mismatch"),
    ("姓名", "name_mismatch"),
    ("限额", "limit_exceeded"),
    ("超限", "limit_exceeded"),
    ("银行", "bank_error"),
    ("系统", "bank_error"),
)

# The row of the very account says how it goes; any other account of the holder is as the bank knows it.
_FATES = """
SELECT l.application_no, l.attempt, l.amount_fen, coalesce(
  (SELECT g.payment FROM register g WHERE g.county_code = l.county_code AND g.id_number = l.id_number
   AND g.bank_code = l.bank_code AND g.account_no = l.account_no),
  (SELECT CASE WHEN b.status = 'closed' THEN 'failed:账户销户' WHEN b.status = 'frozen' THEN 'failed:账户冻结'
     WHEN b.holder_id_number <> l.id_number OR b.holder_name <> l.name THEN 'failed:卡号与户名不一致'
     WHEN b.status = 'open' THEN 'paid' ELSE 'failed:非惠民惠农账户' END
   FROM bank_account b WHERE b.bank_code = l.bank_code AND b.account_no = l.account_no),
  'failed:账户不存在') AS fate
FROM flow_line l WHERE l.flow_id = ? AND l.status = 'accepted' ORDER BY l.accepted_no
"""


def plan_payments(world: World, flow: Row) -> None:
    """Decides every line's fate once and puts its pages on the agenda; nothing is known outside before its page."""
    flow_id = flow["flow_id"]
    lines = world.store.rows(_FATES, flow_id)
    pages = max(1, -(-len(lines) // PAGE))
    _store(world, flow_id, [_first(row, 1 + place // PAGE) for place, row in enumerate(lines)])
    for plan in range(1, pages + 1):
        world.later("payment_page", flow_id, PAYING_DAYS * plan / pages, plan)
    returned = [row for row in lines if row["fate"].startswith("returned")]
    after = world.switches.returns_after_end
    after = len(returned) // 2 if after is None else min(after, len(returned))
    before = len(returned) - after
    end = PAYING_DAYS + 2 * HOUR
    plan = pages
    if before:
        plan = _plan_changes(world, flow_id, returned[:before], plan, (PAYING_DAYS + 1 * DAY, PAYING_DAYS + 2 * DAY))
        end = PAYING_DAYS + 2 * DAY + 2 * HOUR
    world.later("flow_end", flow_id, end)
    late = [row for row in lines if row["fate"].startswith("late")]
    days = (end + 5 * DAY, end + 40 * DAY)
    assert days[-1] < end + RETURN_WITHIN
    _plan_changes(world, flow_id, returned[before:] + late, plan, days)


def publish_page(world: World, flow_id: str, plan: int, decision: Decision | None) -> None:
    flow = world.store.row("SELECT * FROM flow WHERE flow_id = ?", flow_id)
    assert flow is not None
    planned = [row for row in world.store.rows(_PLANNED, flow_id, plan) if not _is_void(world, flow, row)]
    if not planned:
        return
    page, at = flow["payment_pages"] + 1, stamp()
    entries = [*_overlap(world, flow_id, page, len(planned)), *(_entry(row, at) for row in planned)]
    data: Data = {
        "flow_id": flow_id,
        "client_reference": flow["client_reference"],
        "county_code": flow["county_code"],
        "page": page,
        "payments": entries,
    }
    world.store.run("INSERT INTO payment_page VALUES (?, ?, ?)", flow_id, page, orjson.dumps(data))
    world.store.run("UPDATE flow SET payment_pages = ? WHERE flow_id = ?", page, flow_id)
    world.store.run_many(
        "UPDATE payment SET page = ? WHERE flow_id = ? AND plan = ? AND application_no = ?",
        ((page, flow_id, plan, row["application_no"]) for row in planned),
    )
    world.store.run_many(
        "UPDATE flow_line SET pay_status = ?, pay_sequence = ? WHERE flow_id = ? AND application_no = ?",
        ((row["status"], row["sequence"], flow_id, row["application_no"]) for row in planned),
    )
    publish(world, flow["client_id"], flow_id, "flow.payments", data)


def _overlap(world: World, flow_id: str, page: int, size: int) -> list[object]:
    """As a fault: a line of the page before is said again, in the same words."""
    if page == 1 or size >= PAGE or not world.faults.strikes(Kind.OVERLAPPING, "flow.payments"):
        return []
    before = world.store.row("SELECT body FROM payment_page WHERE flow_id = ? AND page = ?", flow_id, page - 1)
    assert before is not None
    world.faults.note(Kind.OVERLAPPING, "flow.payments", flow_id)
    return list(orjson.loads(before["body"])["payments"][-1:])


def end_paid(world: World, flow_id: str, plan: int, decision: Decision | None) -> None:
    end_flow(world, flow_id, "disbursed")


def get_payment_page(world: World, call: Call) -> Answer:
    flow = need_flow(world, call.client.client_id, call.path["flow_id"])
    text = call.path["page"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000_000):
        raise Problem("VALIDATION_FAILED", "页号应为从 1 开始的整数")
    found = world.store.row("SELECT body FROM payment_page WHERE flow_id = ? AND page = ?", flow["flow_id"], int(text))
    if found is None:
        raise Problem("NOT_READY", "这一页尚未公布")
    return Answer(200, orjson.Fragment(found["body"]))


def reason_code(reason: str) -> str:
    return next((code for word, code in _REASONS if word in reason), "other")


_PLANNED = "SELECT * FROM payment WHERE flow_id = ? AND plan = ? ORDER BY application_no"

Payment = tuple[int, str, int, int, str, int, str | None, str | None, str | None]


def _first(row: Row, plan: int) -> Payment:
    fate, _, reason = row["fate"].partition(":")
    if fate in ("failed", "late"):
        return (
            plan,
            row["application_no"],
            row["attempt"],
            1,
            "failed",
            row["amount_fen"],
            None,
            reason_code(reason),
            reason,
        )
    return plan, row["application_no"], row["attempt"], 1, "paid", row["amount_fen"], _serial(row), None, None


def _second(row: Row, plan: int) -> Payment:
    fate, _, reason = row["fate"].partition(":")
    if fate == "late":
        return plan, row["application_no"], row["attempt"], 2, "paid", row["amount_fen"], _serial(row), None, None
    reason = reason or "退票"
    return (
        plan,
        row["application_no"],
        row["attempt"],
        2,
        "failed",
        row["amount_fen"],
        _serial(row),
        reason_code(reason),
        reason,
    )


def _plan_changes(world: World, flow_id: str, rows: list[Row], plan: int, moments: tuple[float, float]) -> int:
    """Second results of lines, in pages at two moments; answers the last plan number used."""
    middle = (len(rows) + 1) // 2
    for moment, part in zip(moments, (rows[:middle], rows[middle:]), strict=True):
        for start in range(0, len(part), PAGE):
            plan += 1
            _store(world, flow_id, [_second(row, plan) for row in part[start : start + PAGE]])
            world.later("payment_page", flow_id, moment, plan)
    return plan


def _store(world: World, flow_id: str, payments: list[Payment]) -> None:
    world.store.run_many(
        "INSERT INTO payment (flow_id, plan, application_no, attempt, sequence, status, amount_fen,"
        " bank_serial_no, reason_code, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((flow_id, *payment) for payment in sorted(payments)),
    )


def _is_void(world: World, flow: Row, row: Row) -> bool:
    """A failed line that was sent again in a later flow is never paid late."""
    if row["status"] != "paid" or row["sequence"] == 1:
        return False
    return (
        world.store.row(
            "SELECT 1 FROM flow_line WHERE county_code = ? AND application_no = ? AND flow_id <> ? AND attempt > ?"
            " AND status IN ('under_review', 'accepted')",
            flow["county_code"],
            row["application_no"],
            flow["flow_id"],
            row["attempt"],
        )
        is not None
    )


def _entry(row: Row, at: str) -> Data:
    names = ("application_no", "attempt", "sequence", "status", "amount_fen", "bank_serial_no", "reason_code", "reason")
    return {name: row[name] for name in names} | {"at": at}


def _serial(row: Row) -> str:
    return f"{row['application_no']}-{row['attempt']}"

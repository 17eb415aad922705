"""The platform's judgement of a list: match of persons, verification, acceptance of a round."""

from collections import Counter

from .agenda import Decision
from .events import Data
from .results import publish_results
from .store import Row
from .world import MARK, World

# A person's account: in the county's register, or open at the bank in the person's own name.
_NAME = "(SELECT g.name FROM register g WHERE g.county_code = :county AND g.id_number = r.id_number LIMIT 1)"

_MATCH = f"""
SELECT r.application_no, r.bank_code, {_NAME} AS known, r.name,
  EXISTS (SELECT 1 FROM register g WHERE g.county_code = :county AND g.id_number = r.id_number
    AND g.bank_code = r.bank_code
          AND g.account_no <> '')
  OR EXISTS (SELECT 1 FROM bank_account b WHERE b.holder_id_number = r.id_number AND b.holder_name = r.name
             AND b.bank_code = r.bank_code AND b.status = 'open') AS has_account
FROM record r WHERE r.dataset_id = :dataset ORDER BY r.page, r.place
"""

_VERIFY = """
SELECT r.application_no, coalesce((SELECT g.verification FROM register g WHERE g.county_code = :county
  AND g.id_number = r.id_number
  LIMIT 1), 'failed:无此对象') AS verdict
FROM record r WHERE r.dataset_id = :dataset ORDER BY r.page, r.place
"""

_ROUND = f"""
SELECT r.application_no, r.applicant_kind, r.name, r.amount_fen, r.indicator_id, r.remark, {_NAME} AS known,
  l.status, EXISTS (SELECT 1 FROM flow_item i WHERE i.flow_id = :flow AND i.item_code = r.item_code) AS covered,
  EXISTS (SELECT 1 FROM register g WHERE g.county_code = :county AND g.id_number = r.id_number
    AND g.bank_code = r.bank_code
          AND g.account_no = r.account_no)
  OR EXISTS (SELECT 1 FROM bank_account b WHERE b.bank_code = r.bank_code AND b.account_no = r.account_no
             AND b.holder_id_number = r.id_number AND b.status IN ('open', 'frozen')) AS has_account,
  (SELECT v.outcome FROM verified v WHERE v.county_code = :county AND v.application_no = r.application_no) AS verified,
  (SELECT count(*) FROM flow_line p INDEXED BY flow_line_person WHERE p.flow_id = :flow
    AND p.id_number = r.id_number AND p.status <> 'withdrawn'
   AND p.mode <> 'repayment') AS lines_of_person
FROM record r JOIN flow_line l ON l.flow_id = :flow AND l.application_no = r.application_no
WHERE r.dataset_id = :dataset ORDER BY r.page, r.place
"""

_USED = """
SELECT l.indicator_id, sum(l.amount_fen) AS fen FROM flow_line l JOIN flow f USING (flow_id)
WHERE l.indicator_id IN (SELECT DISTINCT indicator_id FROM record WHERE dataset_id = :dataset) AND l.status = 'accepted'
  AND (f.status = 'active' OR l.pay_status = 'paid') GROUP BY l.indicator_id
"""

Refusal = tuple[str, str]


def judge_init(world: World, dataset: str, plan: int, decision: Decision | None) -> None:
    found = _under_review(world, dataset)
    banks = world.catalog.bank_names
    rows = world.store.rows_named(_MATCH, {"county": found["county_code"], "dataset": dataset})
    publish_results(world, found, [_match(row, banks) for row in rows])


def judge_verification(world: World, dataset: str, plan: int, decision: Decision | None) -> None:
    found = _under_review(world, dataset)
    rows = world.store.rows_named(_VERIFY, {"county": found["county_code"], "dataset": dataset})
    refused = decision is not None and not decision.approve
    results = [
        _verdict(
            row["application_no"],
            f"failed:{decision.opinion or '校验不通过'}" if refused and decision else row["verdict"],
        )
        for row in rows
    ]
    world.store.run_many(
        "INSERT OR REPLACE INTO verified VALUES (?, ?, ?)",
        ((found["county_code"], str(one["application_no"]), str(one["outcome"])) for one in results),
    )
    publish_results(world, found, results)


def judge_round(world: World, dataset: str, plan: int, decision: Decision | None) -> None:
    found = _under_review(world, dataset)
    names = {"county": found["county_code"], "flow": found["flow_id"], "dataset": dataset}
    rows = world.store.rows_named(_ROUND, names)
    left = _left(world, dataset)
    results: list[Data] = []
    accepted: list[str] = []
    rejected: list[tuple[int, str]] = []
    for row in rows:
        refusal = _refusal(row, found["mode"], decision) or _over(row, left)
        results.append(_line_result(row["application_no"], refusal))
        if refusal is None:
            accepted.append(row["application_no"])
        elif row["status"] == "under_review":
            rejected.append((int(refusal[0] == "duplicate_person"), row["application_no"]))
    _settle(world, found["flow_id"], accepted, rejected)
    publish_results(world, found, results)


def _under_review(world: World, dataset: str) -> Row:
    found = world.store.row("SELECT * FROM dataset WHERE dataset_id = ? AND status = 'under_review'", dataset)
    assert found is not None
    return found


def _match(row: Row, banks: dict[str, str]) -> Data:
    said: Data = {"application_no": row["application_no"]}
    if row["known"] is None:
        return said | {"outcome": "not_found", "reason": "无此对象"}
    if row["known"] != row["name"]:
        words = f"身份证存在，但姓名不同，正确姓名：{row['known']}"
        return said | {"outcome": "name_differs", "correct_name": row["known"], "reason": words}
    if not row["has_account"]:
        bank = banks.get(row["bank_code"], row["bank_code"])
        return said | {"outcome": "no_account", "bank_name": bank, "reason": f"该对象无{bank}的惠民惠农账号"}
    return said | {"outcome": "matched", "reason": "匹配成功"}


def _verdict(number: str, verdict: str) -> Data:
    outcome, _, reason = verdict.partition(":")
    if outcome != "failed":
        return {"application_no": number, "outcome": "passed"}
    return {
        "application_no": number,
        "outcome": "failed",
        "reason_code": "ineligible",
        "reason": reason or "校验不通过",
    }


def _refusal(row: Row, mode: str, decision: Decision | None) -> Refusal | None:
    if row["status"] == "withdrawn":
        return "other", "已撤回"
    if decision is not None and not decision.approve:
        return "other", decision.opinion or "审核不通过"
    if decision is not None and row["application_no"] in (decision.rejected_lines or {}):
        return "other", (decision.rejected_lines or {})[row["application_no"]]
    if MARK in (row["remark"] or ""):
        return "other", "申请内容含有退回标记"
    return _mismatch(row) or _ineligible(row, mode) or _duplicate(row, mode)


def _mismatch(row: Row) -> Refusal | None:
    if row["known"] is None:
        return "information_mismatch", "无此对象"
    if row["known"] != row["name"]:
        return "information_mismatch", f"身份证存在，但姓名不同，正确姓名：{row['known']}"
    return None if row["has_account"] else ("account_invalid", "账号不是该对象可用的惠民惠农账号")


def _ineligible(row: Row, mode: str) -> Refusal | None:
    if not row["covered"]:
        return "ineligible", "补贴项目不在本流程的政策范围内"
    # S1 2.7: an initial submission holds only what passed the verification.
    if mode == "initial" and row["applicant_kind"] == "personal" and row["verified"] != "passed":
        return "ineligible", "大数据校验未通过，应以大数据校验不通过数据提交"
    return None


def _duplicate(row: Row, mode: str) -> Refusal | None:
    if mode in ("confirmed", "repayment") or row["lines_of_person"] < 2:
        return None
    return "duplicate_person", "本流程中该对象有多条申请，请确认需发放"


def _over(row: Row, left: Counter[str]) -> Refusal | None:
    if left[row["indicator_id"]] < row["amount_fen"]:
        return "over_indicator", "超出指标可用金额"
    left[row["indicator_id"]] -= row["amount_fen"]
    return None


def _left(world: World, dataset: str) -> Counter[str]:
    totals = world.store.rows(
        "SELECT submission_id, total_fen FROM review WHERE submission_id IN"
        " (SELECT DISTINCT indicator_id FROM record WHERE dataset_id = ?)",
        dataset,
    )
    left = Counter({str(row["submission_id"]): int(row["total_fen"]) for row in totals})
    for used in world.store.rows_named(_USED, {"dataset": dataset}):
        left[used["indicator_id"]] -= used["fen"]
    return left


def _settle(world: World, flow_id: str, accepted: list[str], rejected: list[tuple[int, str]]) -> None:
    first = (
        world.store.number("SELECT coalesce(max(accepted_no), 0) + 1 FROM flow_line WHERE accepted_no IS NOT NULL")
        if accepted
        else 0
    )
    world.store.run_many(
        "UPDATE flow_line SET status = 'accepted', accepted_no = ? WHERE flow_id = ? AND application_no = ?",
        ((first + place, flow_id, number) for place, number in enumerate(accepted)),
    )
    world.store.run_many(
        "UPDATE flow_line SET status = 'rejected', was_duplicate = max(was_duplicate, ?)"
        " WHERE flow_id = ? AND application_no = ?",
        ((duplicate, flow_id, number) for duplicate, number in rejected),
    )


def _line_result(number: str, refusal: Refusal | None) -> Data:
    if refusal is None:
        return {"application_no": number, "outcome": "accepted"}
    return {"application_no": number, "outcome": "rejected", "reason_code": refusal[0], "reason": refusal[1]}

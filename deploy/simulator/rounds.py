"""A round of lines handed over to a flow: who may be in it. All or none, said line by line."""

from .flows import flow_indicators, need_lines_free, round_under_review
from .problems import Fault, Problem
from .store import Row, listed
from .world import World

_ANY_MODE = """
SELECT r.application_no AS no, CASE
  WHEN here.status = 'withdrawn' THEN 'WITHDRAWN'
  WHEN here.status IN ('accepted', 'under_review') THEN 'ALREADY_IN_FLOW'
  WHEN r.attempt <> 1 + (SELECT count(*) FROM flow_line a WHERE a.county_code = :county
                         AND a.application_no = r.application_no AND a.accepted_no IS NOT NULL) THEN 'ATTEMPT_MISMATCH'
  WHEN r.indicator_id NOT IN (SELECT value FROM json_each(:indicators)) THEN 'INDICATOR_NOT_IN_FLOW'
  WHEN :mode = 'modified' AND here.status IS NULL THEN 'NOT_REJECTED'
  WHEN :mode = 'confirmed' AND coalesce(here.was_duplicate, 0) = 0 THEN 'NOT_A_DUPLICATE'
  {rule}
END AS code
FROM record r LEFT JOIN flow_line here ON here.flow_id = :flow AND here.application_no = r.application_no
WHERE r.dataset_id = :dataset AND code IS NOT NULL ORDER BY r.page, r.place LIMIT 500
"""

_FIRST_TIME = """
  WHEN EXISTS (SELECT 1 FROM flow_line o JOIN flow f USING (flow_id) WHERE o.county_code = :county
               AND o.application_no = r.application_no AND o.flow_id <> :flow AND o.status = 'accepted'
               AND coalesce(f.outcome, '') <> 'cancelled') THEN 'ALREADY_SUBMITTED'
"""

_REPAYMENT = """
  WHEN coalesce((SELECT o.pay_status FROM flow_line o JOIN flow f USING (flow_id) WHERE o.county_code = :county
                 AND o.application_no = r.application_no AND o.flow_id <> :flow AND o.status = 'accepted'
                 AND f.status = 'ended' AND f.outcome = 'disbursed'
                 AND o.flow_id = coalesce(r.repays_flow_id, o.flow_id) AND o.amount_fen >= r.amount_fen
                 AND o.accepted_no = (SELECT max(l.accepted_no) FROM flow_line l WHERE l.county_code = :county
                   AND l.application_no = r.application_no
                     AND l.pay_status IS NOT NULL)), '') <> 'failed' THEN 'NOT_A_FAILED_PAYMENT'
"""

_WORDS = {
    "WITHDRAWN": "已从本流程撤回的申请不能再回到本流程",
    "ALREADY_IN_FLOW": "申请已在本流程中受理或正在审核",
    "ATTEMPT_MISMATCH": "attempt 应为该申请已受理的提交次数加一",
    "INDICATOR_NOT_IN_FLOW": "指标不属于本流程",
    "NOT_REJECTED": "修改申请提交只能包含审核不通过的申请",
    "NOT_A_DUPLICATE": "确认需发放提交只能包含因一人多条而审核不通过的申请",
    "ALREADY_SUBMITTED": "申请已在其他流程中受理，失败的只能补发",
    "NOT_A_FAILED_PAYMENT": "补发只能包含在已结束流程中最近一次发放失败的申请，金额不高于原金额",
}

_TAKE = """
INSERT INTO flow_line (flow_id, application_no, county_code, attempt, mode, dataset_id, indicator_id,
  applicant_kind, name, id_number,
                       town_code, item_code, amount_fen, bank_code, account_no, status)
SELECT ?, application_no, ?, attempt, ?, dataset_id, indicator_id, applicant_kind, name, id_number,
       town_code, item_code, amount_fen, bank_code, account_no, 'under_review'
FROM record WHERE dataset_id = ? ORDER BY application_no
ON CONFLICT (flow_id, application_no) DO UPDATE SET attempt = excluded.attempt, mode = excluded.mode,
  dataset_id = excluded.dataset_id,
  indicator_id = excluded.indicator_id, applicant_kind = excluded.applicant_kind, name = excluded.name,
  id_number = excluded.id_number, town_code = excluded.town_code,
    item_code = excluded.item_code,
  amount_fen = excluded.amount_fen, bank_code = excluded.bank_code, account_no = excluded.account_no,
    status = 'under_review'
"""


def need_round_open(world: World, flow: Row) -> None:
    need_lines_free(world, flow)
    if round_under_review(world, flow["flow_id"]) is not None:
        raise Problem("ROUND_UNDER_REVIEW", "请等上一轮审核完成后再提交")


def hand_over_round(world: World, dataset: Row) -> None:
    flow = world.store.row("SELECT * FROM flow WHERE flow_id = ?", dataset["flow_id"])
    assert flow is not None
    need_round_open(world, flow)
    rule = _REPAYMENT if dataset["mode"] == "repayment" else _FIRST_TIME
    refused = world.store.rows_named(
        _ANY_MODE.format(rule=rule),
        {
            "county": flow["county_code"],
            "flow": flow["flow_id"],
            "mode": dataset["mode"],
            "dataset": dataset["dataset_id"],
            "indicators": listed(flow_indicators(flow)),
        },
    )
    if refused:
        faults = [Fault(row["code"], _WORDS[row["code"]], application_no=row["no"]) for row in refused]
        raise Problem("LINE_NOT_ELIGIBLE", "有申请不能以此方式提交，整轮没有受理", faults=faults)
    world.store.run(_TAKE, flow["flow_id"], flow["county_code"], dataset["mode"], dataset["dataset_id"])

"""What may happen to an application when: each act's rules, in the words that people are told."""

from dataclasses import dataclass

from models.store.applications.makers import MADE_BY
from models.store.register.account_locks import account_locked_sql
from models.store.register.lock_rules import LockedAct, lock_rule
from models.store.selection import HAS_CARD_PHOTO, Rule
from models.store.sql import one_of
from models.words.refusals import Refusal
from models.words.stages import ApplicationStage as Stage

LOCKED_PERSON = account_locked_sql("a")
IN_OPEN_FLOW = (
    "EXISTS (SELECT 1 FROM flow_line l JOIN flow f ON f.id = l.flow_id"
    " WHERE l.application_id = a.id AND f.stage <> 'ended')"
)
CLEAR_MATCH = (
    "list_id = NULL, match_outcome = NULL, correct_name_sealed = NULL, correct_name_index = NULL,"
    " match_bank_name = NULL"
)

IN_FLOW = Rule(
    Refusal.APPLICATION_IN_FLOW, "已进入发放流程，流程中不能审核退回、编辑或撤回；请在流程内办理", "a.stage = 'in_flow'"
)
HELD = lock_rule(LockedAct.INITIALISATION, "a")
FLOW_OPEN = Rule(Refusal.FLOW_NOT_ENDED, "所在的发放流程尚未结束，结束后再办理", IN_OPEN_FLOW)


def not_in(*stages: Stage) -> str:
    return f"a.stage NOT IN ({', '.join(repr(stage.value) for stage in stages)})"


@dataclass(frozen=True)
class LineAct:
    """One act on a selection: who is left out why, and what changes for the rest."""

    name: str
    title: str
    rules: tuple[Rule, ...]
    change: str
    after: Stage
    needs_reason: bool = False


SUBMIT = LineAct(
    "applications.submitted",
    "提交资料审核",
    (
        Rule(Refusal.NOT_DRAFT, "不是草稿，不能提交资料审核", not_in(Stage.DRAFT)),
        # imported lines come by the thousand, their photos later: the review is told instead
        Rule(
            Refusal.BANK_CARD_PHOTO_MISSING,
            "缺银行卡照片，请先上传银行卡照片，再提交资料审核",
            f"a.channel <> 'import' AND NOT {HAS_CARD_PHOTO}",
        ),
    ),
    "stage = 'in_review', reviewed_by = NULL, reviewed_at = NULL, returned_reason_sealed = NULL",
    Stage.IN_REVIEW,
)
APPROVE = LineAct(
    "applications.approved",
    "资料审核通过",
    (
        Rule(Refusal.NOT_IN_REVIEW, "不在资料审核中", not_in(Stage.IN_REVIEW)),
        Rule(Refusal.ALREADY_APPROVED, "资料审核已通过，待公示", "a.reviewed_by IS NOT NULL"),
        Rule(Refusal.SELF_ENTERED, "由本人录入，须由另一人审核", MADE_BY),
    ),
    # not the transaction's instant: a photo may have come while this one waited for its lock
    "reviewed_by = :actor, reviewed_at = clock_timestamp()",
    Stage.IN_REVIEW,
)


def ordered(line: str, order: str) -> str:
    """True in SQL where `line`, over `order_line ol`, finds one whose order `o` is as `order` says.

    Looked for along the line alone: from open orders, each line would be held against all of theirs.
    """
    return one_of(
        "FROM order_line ol CROSS JOIN LATERAL (SELECT FROM operator_order o WHERE o.id = ol.order_id"
        f" AND {order} LIMIT 1) AS o WHERE {line}"
    )


# A list that nobody has prepared yet counts too: its lines are fixed as they are chosen.
LIST_AWAY = (
    "a.list_id IS NOT NULL AND (a.stage = 'publicised' OR EXISTS (SELECT FROM beneficiary_list n JOIN dataset d"
    " ON d.reference = n.list_no WHERE n.id = a.list_id AND d.stage NOT IN ('reviewed', 'refused')))"
)
BATCH_AWAY = "a.stage = 'in_batch' AND b.stage NOT IN ('open', 'verified')"
_NAME_ORDERED = ordered("ol.application_id = a.id", "o.kind = 'name_correction' AND o.state = 'entered'")
NAME_ORDERED = f"a.stage = 'unmatched' AND {_NAME_ORDERED}"
RETURN_RULES = (
    IN_FLOW,
    Rule(
        Refusal.PAID_BEFORE,
        "已发放过或曾尝试发放，不能退回为草稿；尚在批次中的，审核退回只使它退出批次",
        "a.payments > 0 AND a.stage <> 'in_batch'",
    ),
    Rule(
        Refusal.NOT_RETURNABLE,
        "草稿、已发放、发放失败、已撤回或已关闭的申请不能退回",
        not_in(
            Stage.IN_REVIEW,
            Stage.PUBLICISED,
            Stage.UNMATCHED,
            Stage.MATCHED,
            Stage.PENDING_SETTLEMENT,
            Stage.IN_BATCH,
        ),
    ),
    Rule(Refusal.IN_INITIALISATION, "所在的初始化名单已提交平台，待平台审核完成后再退回或修改", LIST_AWAY),
    Rule(Refusal.BATCH_FROZEN, "所在批次正在大数据校验，待校验完成后再退回或修改", BATCH_AWAY),
    Rule(Refusal.IN_OPEN_ORDER, "已在尚未复核的更正姓名指令中，请先由审核人复核或退回该指令", NAME_ORDERED),
)
# An applicant takes back what is the own: not what a reviewer is looking at, not what a flow has paid or tried to pay.
EDIT_RULES = (
    *RETURN_RULES,
    Rule(
        Refusal.IN_REVIEW,
        "审核人正在审核，请等待审核结果，或请审核人退回后再修改",
        "a.stage = 'in_review' AND a.reviewed_by IS NULL",
    ),
    Rule(Refusal.PAID_BEFORE, "已发放过或曾尝试发放，不能再修改；补发使用登记账号，请联系县操作员", "a.payments > 0"),
)
# Of a draft nothing is returned.
EDIT_RULES_OF_APPLICANT = tuple(
    Rule(rule.code, rule.title, f"a.stage <> 'draft' AND ({rule.unfit})") for rule in EDIT_RULES
)
# An operator corrects in place; what is past the match goes back through a reviewer first.
CORRECT_RULES = (
    IN_FLOW,
    Rule(Refusal.IN_REVIEW, "申请正在资料审核，请先由审核人退回，再修改", "a.stage = 'in_review'"),
    Rule(
        Refusal.NOT_CORRECTABLE,
        "当前状态不能直接编辑；尚未进入流程的请先由审核人退回，再修改",
        not_in(Stage.DRAFT, Stage.PUBLICISED, Stage.UNMATCHED, Stage.MATCHED),
    ),
    Rule(
        Refusal.IN_INITIALISATION,
        "申请正在数据初始化，请等待平台反馈结果后再修改",
        "a.stage = 'publicised' AND a.list_id IS NOT NULL",
    ),
)
# Review, match and verification are done anew, the register's row stays (S1 2.7). A line that a flow has paid or tried
# to pay keeps them and only leaves its batch: the platform knows its number as that of this payment.
_ANEW = {
    "stage": ("'failed'", "'draft'"),
    "returned_reason_sealed": ("a.returned_reason_sealed", "CAST(:reason AS text)"),
    "deferred_reason_sealed": ("CAST(:reason AS text)", "NULL"),
    "verification": ("a.verification", "'none'"),
} | {
    column: (f"a.{column}", "NULL")
    for column in (
        "reviewed_by",
        "reviewed_at",
        "list_id",
        "match_outcome",
        "correct_name_sealed",
        "correct_name_index",
        "match_bank_name",
        "verification_reason_sealed",
        "settlement_material_at",
    )
}
RETURN = LineAct(
    "applications.returned",
    "审核退回",
    RETURN_RULES,
    "batch_id = NULL"
    + "".join(
        f", {column} = CASE WHEN a.payments > 0 THEN {kept} ELSE {anew} END" for column, (kept, anew) in _ANEW.items()
    ),
    Stage.DRAFT,
    needs_reason=True,
)
PUBLICISE = LineAct(
    "applications.publicised",
    "公示",
    (
        Rule(Refusal.NOT_IN_REVIEW, "不在资料审核中", not_in(Stage.IN_REVIEW)),
        Rule(Refusal.NOT_APPROVED, "资料审核尚未通过，请先由审核人审核", "a.reviewed_by IS NULL"),
    ),
    f"stage = 'publicised', {CLEAR_MATCH}",
    Stage.PUBLICISED,
)
HAND_IN_MATERIAL = LineAct(
    "applications.settlement_material",
    "提交结算资料",
    (Rule(Refusal.NOT_MATCHED, "不是匹配成功的申请，不能提交结算资料", not_in(Stage.MATCHED)),),
    "stage = 'pending_settlement', settlement_material_at = now()",
    Stage.PENDING_SETTLEMENT,
)
WITHDRAW = LineAct(
    "applications.withdrawn",
    "撤回申请",
    (
        IN_FLOW,
        Rule(Refusal.ALREADY_WITHDRAWN, "已经撤回", "a.stage = 'withdrawn'"),
        Rule(
            Refusal.PAST_FLOW,
            "已在发放流程中办理完毕或已关闭，不能撤回",
            "a.stage IN ('paid', 'evidence_sent', 'failed', 'closed')",
        ),
        Rule(
            Refusal.BATCH_FROZEN,
            "所在批次正在大数据校验，内容已冻结；待校验完成后再撤回",
            BATCH_AWAY,
        ),
    ),
    "stage = 'withdrawn', withdrawn_reason_sealed = :reason",
    Stage.WITHDRAWN,
    needs_reason=True,
)
CLOSE = LineAct(
    "applications.closed",
    "关闭申请",
    (IN_FLOW, Rule(Refusal.NOT_FAILED, "不是发放失败的申请，不能关闭", not_in(Stage.FAILED)), FLOW_OPEN),
    "stage = 'closed', withdrawn_reason_sealed = :reason",
    Stage.CLOSED,
    needs_reason=True,
)

JOIN_BATCH_RULES = (
    IN_FLOW,
    Rule(
        Refusal.STAGE_UNFIT,
        "已发放、已撤回或已关闭，不能入批次",
        "a.stage IN ('paid', 'evidence_sent', 'withdrawn', 'closed')",
    ),
    Rule(
        Refusal.ALREADY_IN_BATCH,
        "已经在本批次",
        "a.batch_id = :batch_id AND a.stage NOT IN ('pending_settlement', 'failed')",
    ),
    Rule(
        Refusal.IN_OTHER_BATCH,
        "已入（或已计划入）另一个批次，请先从那个批次移出",
        "a.stage <> 'failed' AND a.batch_id <> :batch_id AND b.stage <> 'done'",
    ),
    Rule(
        Refusal.OTHER_FUND_YEAR,
        "资金年度与批次不同",
        "a.fund_year <> :fund_year AND a.stage <> 'failed'",
    ),
    FLOW_OPEN,
)
# A failed line comes in for repayment; a handed-in one joins; every other one is only planned.
JOIN_BATCH = (
    "batch_id = :batch_id,"
    " stage = CASE WHEN a.stage IN ('pending_settlement', 'failed') THEN 'in_batch' ELSE a.stage END,"
    " deferred_reason_sealed = CASE WHEN a.stage IN ('pending_settlement', 'failed') THEN NULL"
    " ELSE a.deferred_reason_sealed END"
)
LEAVE_BATCH_RULES = (
    Rule(Refusal.NOT_IN_BATCH, "不在本批次", "a.batch_id IS DISTINCT FROM :batch_id"),
    Rule(
        Refusal.STAGE_UNFIT,
        "已撤回、已发放或已关闭的申请仍计入批次，不能移出",
        "a.stage IN ('withdrawn', 'in_flow', 'paid', 'evidence_sent', 'failed', 'closed')",
    ),
)
LEAVE_BATCH = (
    "batch_id = NULL, stage = CASE WHEN a.stage <> 'in_batch' THEN a.stage"
    " WHEN a.payments > 0 THEN 'failed' ELSE 'pending_settlement' END"
)
INITIALISE_RULES = (
    Rule(Refusal.NOT_PUBLICISED, "不是已公示的申请，不能数据初始化", not_in(Stage.PUBLICISED)),
    Rule(Refusal.IN_INITIALISATION, "已在另一份初始化名单中，等待平台结果", "a.list_id IS NOT NULL"),
    HELD,
)


def to_verify(*, again: bool) -> str:
    """Of a batch, which lines 大数据校验 is about; `again`, of a verified one, those that were held.

    A repaid line keeps what it had. Whose account is locked is marked as held and not sent.
    """
    lines = "a.stage = 'in_batch' AND (a.payments = 0 OR a.verification IN ('none', 'held'))"
    return f"{lines} AND a.verification = 'held'" if again else lines

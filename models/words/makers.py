"""Maker and checker: which act is closed to whoever did which other one, in one table.

Routes ask it through `models.store.applications.makers`, triggers and checks of the database hold the same; a test
walks every pair.
A county with one operator and two reviewers is never locked out: what an operator does closes only what reviewers do,
and of the reviewers' acts only the summary's review closes another one, the payment's confirmation.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Act(StrEnum):
    """What leaves a person's name in a county's rows and isn't the citizen's or the platform's."""

    POLICY_ENTERED = "policy_entered"
    INDICATOR_ENTERED = "indicator_entered"
    LINE_ENTERED = "line_entered"
    LINE_EDITED = "line_edited"
    LINE_APPROVED = "line_approved"
    BATCH_PREPARED = "batch_prepared"
    OBJECTION_ENTERED = "objection_entered"
    OBJECTION_DECIDED = "objection_decided"
    ENTRY_ENTERED = "entry_entered"
    ENTRY_DECIDED = "entry_decided"
    LOAD_ENTERED = "load_entered"
    LOAD_DECIDED = "load_decided"
    CARD_DECIDED = "card_decided"
    FLOW_STARTED = "flow_started"
    ORDER_ENTERED = "order_entered"
    ORDER_DECIDED = "order_decided"
    SUMMARY_REVIEWED = "summary_reviewed"
    SUMMARY_SUBMITTED = "summary_submitted"
    PAYMENT_CONFIRMED = "payment_confirmed"
    PAYMENT_SETTLED = "payment_settled"
    CONTRADICTION_DECIDED = "contradiction_decided"


# Who makes what a flow pays. A photo counts as an edit: it is what the material review looks at.
_MADE = (Act.LINE_ENTERED, Act.LINE_EDITED, Act.FLOW_STARTED)

# An act that isn't named here is open to everybody whose role allows it: policies and indicators are reviewed by the
# platform, a batch adds nothing to its lines, a deferral only puts them off, a card change is the citizen's and decided
# by anybody else, and whoever confirmed an order may confirm the payment.
NOT_BY: Mapping[Act, tuple[Act, ...]] = {
    Act.LINE_APPROVED: (Act.LINE_ENTERED, Act.LINE_EDITED),
    Act.OBJECTION_DECIDED: (Act.OBJECTION_ENTERED,),
    Act.ENTRY_DECIDED: (Act.ENTRY_ENTERED,),
    # who confirmed what had stopped a file entered it too
    Act.LOAD_DECIDED: (Act.LOAD_ENTERED,),
    Act.ORDER_DECIDED: (Act.ORDER_ENTERED,),
    Act.SUMMARY_REVIEWED: (Act.FLOW_STARTED,),
    Act.SUMMARY_SUBMITTED: (Act.SUMMARY_REVIEWED,),
    Act.PAYMENT_CONFIRMED: (*_MADE, Act.ORDER_ENTERED, Act.SUMMARY_REVIEWED, Act.SUMMARY_SUBMITTED),
    # Money and results that one person's word moves: never the word of who made the line.
    Act.PAYMENT_SETTLED: _MADE,
    Act.CONTRADICTION_DECIDED: (*_MADE, Act.ENTRY_ENTERED),
}
NAMES: Mapping[Act, str] = {
    Act.LINE_APPROVED: "资料审核",
    Act.OBJECTION_DECIDED: "裁定公示异议",
    Act.ENTRY_DECIDED: "复核村社申报",
    Act.LOAD_DECIDED: "复核初始导入",
    Act.ORDER_DECIDED: "复核指令",
    Act.SUMMARY_REVIEWED: "审核发放汇总",
    Act.SUMMARY_SUBMITTED: "提交发放汇总",
    Act.PAYMENT_CONFIRMED: "确认发放",
    Act.PAYMENT_SETTLED: "核实无结果的发放",
    Act.CONTRADICTION_DECIDED: "裁定矛盾来件",
}
DONE: Mapping[Act, str] = {
    Act.LINE_ENTERED: "录入或导入了其中的申请",
    Act.LINE_EDITED: "修改过其中的申请或照片",
    Act.FLOW_STARTED: "启动了本流程",
    Act.ORDER_ENTERED: "录入了其中的指令",
    Act.OBJECTION_ENTERED: "录入了此异议",
    Act.ENTRY_ENTERED: "录入了此申报",
    Act.LOAD_ENTERED: "提交或确认了此文件",
    Act.SUMMARY_REVIEWED: "审核了本次汇总",
    Act.SUMMARY_SUBMITTED: "提交了本次汇总",
}


def closed_by(act: Act, done: Iterable[Act]) -> tuple[Act, ...]:
    """Which of the acts that a person did close this one to the person, in the table's order."""
    did = set(done)
    return tuple(made for made in NOT_BY.get(act, ()) if made in did)


def refusal_words(act: Act, closed: Iterable[Act]) -> str:
    return f"您{'、'.join(DONE[made] for made in closed)}，{NAMES[act]}须由另一个人办理；请由本区县其他有权限的人员办理"

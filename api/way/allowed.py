"""What may be done with one application now: each act with why it can't be done, by the acts' own rules."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter
from pydantic import Field
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.roles import ApplicationReaders, one_line
from api.server.answers import Items, refusals
from api.server.problems import not_found
from models.store.applications import rules
from models.store.applications.acts import verdicts
from models.store.batches.objections import OBJECT_RULES
from models.store.selection import Rule
from models.words.staff import Role

router = APIRouter(tags=["申请办理"])


class _Button(NamedTuple):
    label: str
    roles: tuple[Role, ...]
    rules: Sequence[Rule]


O, R, P = Role.OPERATOR, Role.REVIEWER, Role.APPLICANT  # noqa: E741
_ACTS: Mapping[str, _Button] = {
    "edit": _Button("编辑", (O, P), rules.CORRECT_RULES),
    "submit": _Button("提交资料审核", (O, P), rules.SUBMIT.rules),
    "approve": _Button("通过", (R,), rules.APPROVE.rules),
    "return": _Button("审核退回", (R,), rules.RETURN.rules),
    "publicise": _Button("公示", (O,), rules.PUBLICISE.rules),
    "material": _Button("提交结算资料", (O,), rules.HAND_IN_MATERIAL.rules),
    "withdraw": _Button("撤回", (O, P), rules.WITHDRAW.rules),
    "close": _Button("关闭", (O,), rules.CLOSE.rules),
    "object": _Button("录入公示异议", (O,), OBJECT_RULES),
}


class ApplicationAct(TypedDict):
    """一个按钮：本人现在能不能办，为什么不能。"""

    act: str
    label: str
    allowed: Annotated[bool, Field(description="本人现在能否办理")]
    why: Annotated[str | None, Field(description="不能办理的原因")]


@router.get(
    "/applications/{application_no}/acts",
    response_model=Items[ApplicationAct],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def application_acts(desk: ApplicationReaders, application_no: str) -> Items[ApplicationAct]:
    """For who asks, as things stand; the act judges again."""
    wanted = {act: _rules_of(desk, act) for act in _ACTS}
    async with desk.database.snapshot() as session:
        why = await verdicts(session, one_line(desk, application_no), wanted, actor=desk.person)
    if why is None:
        raise not_found("申请")
    return {"items": [_told(desk, act, why[act]) for act in _ACTS]}


def _rules_of(desk: Desk, act: str) -> Sequence[Rule]:
    """An applicant's edit past draft is a return."""
    return rules.EDIT_RULES_OF_APPLICANT if act == "edit" and desk.role is P else _ACTS[act].rules


def _told(desk: Desk, act: str, why: str | None) -> ApplicationAct:
    button = _ACTS[act]
    if desk.role not in button.roles:
        why = f"由{'或'.join(role.label for role in button.roles)}办理"
    return {"act": act, "label": button.label, "allowed": why is None, "why": why}

"""Acts on applications: one request, one reason, one statement, whatever the number of lines (DOMAIN 3, Life)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.counter.roles import Enterers, Operators, Reviewers, own
from api.server.problems import Problem, conflict
from models.store.applications import rules as line_rules
from models.store.applications.acts import EXAMPLES_OF_NAMED, Choice, LeftOut, Rule, change_chosen, choose
from models.store.applications.rules import LineAct
from models.store.database import Value, fetch
from models.store.locking import lock_county
from models.store.registered import OTHER_ACCOUNT
from models.store.selection import HAS_CARD_PHOTO, NO_NUL, Selection, selected
from models.store.texts import seal_text

router = APIRouter(tags=["申请办理"])

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_NUL)]

APPROVED_ALL_THE_SAME = (
    ("BANK_CARD_PHOTO_MISSING", f"NOT {HAS_CARD_PHOTO}", "其中 {} 份缺银行卡照片（批量导入），请核对并补传照片"),
    ("OTHER_ACCOUNT", OTHER_ACCOUNT, "其中 {} 份所填账号不是登记的可用账号，发放以登记账号为准，请核对"),
)


class ActRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    selection: Selection
    reason: Reason | None = None


@router.post("/application-submissions")
async def submit(desk: Enterers, request: ActRequest) -> Response:
    """提交资料审核."""
    return await _act(desk, request, line_rules.SUBMIT)


@router.post("/application-approvals")
async def approve(desk: Reviewers, request: ActRequest) -> Response:
    """资料审核通过, by another person than who entered it."""
    return await desk.once(lambda session: _approve(desk, session, request))


@router.post("/application-publicisings")
async def publicise(desk: Operators, request: ActRequest) -> Response:
    """公示."""
    return await _act(desk, request, line_rules.PUBLICISE)


@router.post("/settlement-materials")
async def hand_in_material(desk: Operators, request: ActRequest) -> Response:
    """提交结算资料."""
    return await _act(desk, request, line_rules.HAND_IN_MATERIAL)


@router.post("/application-withdrawals")
async def withdraw(desk: Enterers, request: ActRequest) -> Response:
    """撤回申请, before the flow."""
    return await _act(desk, request, line_rules.WITHDRAW)


@router.post("/application-closings")
async def close(desk: Operators, request: ActRequest) -> Response:
    """关闭发放失败的申请."""
    return await _act(desk, request, line_rules.CLOSE)


def require_reason(request: ActRequest, act: LineAct) -> None:
    if act.needs_reason and request.reason is None:
        errors = [{"pointer": "/reason", "code": "REASON_MISSING", "detail": "请填写原因"}]
        raise Problem(422, "VALIDATION_FAILED", "填写的内容有误", f"{act.title}须说明原因", errors)


async def _act(desk: Desk, request: ActRequest, act: LineAct) -> Response:
    require_reason(request, act)

    async def work(session: AsyncSession) -> Reply:
        return Reply(200, answer(act.name, await _carry_out(desk, session, request, act)))

    return await desk.once(work)


async def _approve(desk: Desk, session: AsyncSession, request: ActRequest) -> Reply:
    """What was approved and is worth a look all the same: the reviewer is told how many, and which."""
    choice = await _carry_out(desk, session, request, line_rules.APPROVE)
    warnings: list[dict[str, object]] = []
    for code, condition, words in APPROVED_ALL_THE_SAME:
        rows = await fetch(
            session,
            "SELECT a.application_no FROM chosen c JOIN application a ON a.id = c.id WHERE c.left_out IS NULL"
            f" AND {condition} ORDER BY a.id",
        )
        if rows:
            numbers = [row.application_no for row in rows[:EXAMPLES_OF_NAMED]]
            told: dict[str, object] = {"code": code, "detail": words.format(len(rows))}
            warnings.append(told | {"count": len(rows), "application_nos": numbers})
    return Reply(200, answer(line_rules.APPROVE.name, choice) | {"warnings": warnings})


async def _carry_out(desk: Desk, session: AsyncSession, request: ActRequest, act: LineAct) -> Choice:
    choice = await choose_lines(desk, session, request.selection, act.rules, act.title, actor=desk.person)
    await change_chosen(
        session, act.change, actor=desk.person, reason=seal_text(desk.vault, desk.county, request.reason)
    )
    await trail_of_lines(desk, session, act.name, request.selection, choice, request.reason, after=act.after.value)
    return choice


async def choose_lines(
    desk: Desk,
    session: AsyncSession,
    selection: Selection,
    rules: Sequence[Rule],
    title: str,
    **values: Value,
) -> Choice:
    """Lock the chosen lines; one that was named and doesn't fit refuses the whole act."""
    await lock_county(session, desk.county)
    chosen = own(desk, selected(desk.county, selection))
    choice = await choose(session, chosen, rules, selection.application_nos, **values)
    if selection.is_named and choice.left_out:
        raise unfit(title, choice.left_out)
    return choice


def unfit(title: str, left_out: Sequence[LeftOut]) -> Problem:
    errors = [
        {"application_no": number, "code": group.code, "detail": group.title}
        for group in left_out
        for number in group.application_nos
    ]
    count = sum(group.count for group in left_out)
    detail = f"有 {count} 份申请不能办理，没有作任何改动；请按 errors 所列移出或更正后重新提交"
    return conflict("LINES_UNFIT", f"不能{title}", detail, errors)


def answer(act: str, choice: Choice) -> dict[str, object]:
    """What every act on lines is answered with."""
    return {
        "act": act,
        "count": choice.count,
        "total_fen": choice.total_fen,
        "left_out": [asdict(group) for group in choice.left_out],
    }


async def trail_of_lines(
    desk: Desk,
    session: AsyncSession,
    act: str,
    selection: Selection,
    choice: Choice,
    reason: str | None,
    subject: str | None = None,
    **after: object,
) -> None:
    """One entry for the whole act: what was chosen, the stages before, what came after."""
    detail: Mapping[str, object] = {
        "selection": selection.model_dump(mode="json", exclude_none=True),
        "reason": reason,
        "before": choice.stages,
        "after": after,
        "left_out": {group.code: group.count for group in choice.left_out},
    }
    await desk.trail(session, act, subject or _subject(desk, selection), detail, choice.count, choice.total_fen)


def _subject(desk: Desk, selection: Selection) -> str:
    """The business number that the act is looked up by."""
    if selection.application_nos is not None and len(selection.application_nos) == 1:
        return selection.application_nos[0]
    if selection.filter is not None:
        numbers = (selection.filter.batch_no, selection.filter.list_no, selection.filter.import_no)
        return next((number for number in numbers if number), desk.county)
    return desk.county

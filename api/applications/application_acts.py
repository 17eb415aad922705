"""Acts on applications: one request, one reason, one statement, whatever the number of lines."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import ActAnswer, act_once
from api.acts.said import Said
from api.applications.chosen_lines import (
    ActOnLines,
    act_answer_of_lines,
    choose_lines,
    judged_lines,
    trail_of_lines,
)
from api.counter.desk import Desk, Reply
from api.counter.roles import Enterers, Operators, Reviewers
from api.server.answers import refusals
from api.server.problems import Problem
from models.store.applications import rules as line_rules
from models.store.applications.acts import EXAMPLES_OF_NAMED, Choice, change_chosen
from models.store.applications.rules import LineAct
from models.store.registered import OTHER_ACCOUNT
from models.store.selection import HAS_CARD_PHOTO
from models.store.sql import fetch
from models.store.texts import seal_text
from models.words.faults import FaultCode
from models.words.refusals import Refusal

router = APIRouter(tags=["申请办理"])


APPROVED_ALL_THE_SAME = (
    (Refusal.BANK_CARD_PHOTO_MISSING, f"NOT {HAS_CARD_PHOTO}", "其中 {} 份缺银行卡照片（批量导入），请核对并补传照片"),
    (FaultCode.OTHER_ACCOUNT, OTHER_ACCOUNT, "其中 {} 份所填账号不是登记的可用账号，发放以登记账号为准，请核对"),
)


class ActRequest(ActOnLines):
    reason: Said | None = None


class ApprovalWarning(TypedDict):
    code: str
    detail: Annotated[str, Field(description="请核对什么")]
    count: Annotated[int, Field(description="申请份数")]
    application_nos: Annotated[list[str], Field(description="其中的前几份")]


class ApprovalAnswer(ActAnswer):
    warnings: Annotated[list[ApprovalWarning], Field(description="已通过、仍须核对的")]


@router.post(
    "/application-submissions", response_model=ActAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def submit(desk: Enterers, request: ActRequest) -> Response:
    """提交资料审核."""
    return await _act(desk, request, line_rules.SUBMIT)


@router.post(
    "/application-approvals", response_model=ApprovalAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def approve(desk: Reviewers, request: ActRequest) -> Response:
    """资料审核通过, by another person than who entered it."""
    return await act_once(desk, request, lambda session: _approve(desk, session, request))


@router.post(
    "/application-publicisings", response_model=ActAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def publicise(desk: Operators, request: ActRequest) -> Response:
    """公示."""
    return await _act(desk, request, line_rules.PUBLICISE)


@router.post(
    "/settlement-materials", response_model=ActAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def hand_in_material(desk: Operators, request: ActRequest) -> Response:
    """提交结算资料."""
    return await _act(desk, request, line_rules.HAND_IN_MATERIAL)


@router.post(
    "/application-withdrawals", response_model=ActAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def withdraw_applications(desk: Enterers, request: ActRequest) -> Response:
    """撤回申请, before the flow."""
    return await _act(desk, request, line_rules.WITHDRAW)


@router.post(
    "/application-closings", response_model=ActAnswer, responses=refusals(LINES_UNFIT=409, SELECTION_CHANGED=409)
)
async def close(desk: Operators, request: ActRequest) -> Response:
    """关闭发放失败的申请."""
    return await _act(desk, request, line_rules.CLOSE)


def require_reason(request: ActRequest, act: LineAct) -> None:
    if act.needs_reason and request.reason is None and not request.preview:
        errors = [{"pointer": "/reason", "code": Refusal.REASON_MISSING, "detail": "请填写原因"}]
        raise Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", f"{act.title}须说明原因", errors)


async def _act(desk: Desk, request: ActRequest, act: LineAct) -> Response:
    require_reason(request, act)

    async def work(session: AsyncSession) -> Reply:
        choice = await _choose(desk, session, request, act)
        answer = act_answer_of_lines(act.name, choice)
        await judged_lines(session, request, answer)
        await _carry_out(desk, session, request, act, choice)
        return Reply(200, answer)

    return await act_once(desk, request, work)


async def _approve(desk: Desk, session: AsyncSession, request: ActRequest) -> Reply:
    """What was approved and is worth a look all the same: the reviewer is told how many, and which."""
    choice = await _choose(desk, session, request, line_rules.APPROVE)
    warnings: list[ApprovalWarning] = []
    for code, condition, words in APPROVED_ALL_THE_SAME:
        numbers = await fetch(
            session,
            str,
            "SELECT a.application_no FROM chosen c JOIN application a ON a.id = c.id WHERE c.left_out IS NULL"
            f" AND {condition} ORDER BY a.id",
        )
        if numbers:
            found = len(numbers)
            first = numbers[:EXAMPLES_OF_NAMED]
            warnings.append({"code": code, "detail": words.format(found), "count": found, "application_nos": first})
    answer: ApprovalAnswer = {**act_answer_of_lines(line_rules.APPROVE.name, choice), "warnings": warnings}
    await judged_lines(session, request, answer)
    await _carry_out(desk, session, request, line_rules.APPROVE, choice)
    return Reply(200, answer)


async def _choose(desk: Desk, session: AsyncSession, request: ActRequest, act: LineAct) -> Choice:
    return await choose_lines(desk, session, request, act.rules, act.title, actor=desk.person)


async def _carry_out(desk: Desk, session: AsyncSession, request: ActRequest, act: LineAct, choice: Choice) -> None:
    await change_chosen(
        session, act.change, actor=desk.person, reason=seal_text(desk.vault, desk.county, request.reason)
    )
    await trail_of_lines(desk, session, act.name, request.selection, choice, request.reason, after=act.after.value)

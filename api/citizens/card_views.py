"""How a person's request is shown: what was asked for, where each county stands, and its steps with their times."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field as Shown
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.citizens.words import BankView, CountyView, bank_names, bank_view, card_type_label, county_view
from models.forms.account_numbers import account_note
from models.store.cards.parts import remark_of
from models.store.cards.requests import LEFT_OUT, UNDECIDED
from models.store.vault import Field, Vault
from models.tables.cards import CardChange, CardChangePart, MatterStep
from models.wire.words import CardType
from models.words.card_stages import PartStage, RequestResult, RequestStage
from models.words.card_words import step_words
from models.words.counties import county_words

UNDER_WAY, SETTLED = "申请中", "已办理"


class _AskedFor(BankView):
    request_no: str
    account_no: Annotated[str, Shown(description="变更后的账号")]
    account_note: Annotated[str | None, Shown(description="账号与账号类型不符等提示")]
    card_type: CardType
    card_type_label: str | None
    reason: Annotated[str | None, Shown(description="变更理由")]
    applied_at: datetime


class _Standing(TypedDict):
    stage: RequestStage
    stage_label: str
    state_label: Annotated[str, Shown(description=f"{UNDER_WAY}或{SETTLED}")]
    result: RequestResult | None
    result_label: str
    finished_at: datetime | None
    failure_code: str | None
    failure: Annotated[str | None, Shown(description="申请失败的原因")]
    may_withdraw: Annotated[bool, Shown(description="可否撤销")]


class MatterPart(CountyView):
    """One county's part."""

    old_bank: str | None
    old_account_no: Annotated[str | None, Shown(description="被替换的账号")]
    stage: PartStage
    stage_label: str
    explanation: str | None
    finished_at: datetime | None


class LeftOutCounty(CountyView):
    why: Annotated[str, Shown(description="为何不在此次变更之列")]


class MatterStepView(TypedDict):
    at: datetime
    county: str | None
    step: str
    words: str


class MatterView(_AskedFor, _Standing):
    counties: list[MatterPart]
    left_out: list[LeftOutCounty]
    steps: list[MatterStepView]


async def matter_views(session: AsyncSession, vault: Vault, requests: Sequence[CardChange]) -> list[MatterView]:
    """Requests of one person, in the order given; the fields of the seed's pages and the parts behind them."""
    ids = [request.id for request in requests]
    banks = await bank_names(session, requests[0].province_code) if requests else {}
    parts: dict[int, list[CardChangePart]] = defaultdict(list)
    steps: dict[int, list[MatterStepView]] = defaultdict(list)
    left_out: dict[int, list[LeftOutCounty]] = defaultdict(list)
    remarks: dict[tuple[int, str | None], str | None] = {}
    chosen = select(CardChangePart).where(col(CardChangePart.request_id).in_(ids))
    for part in await session.exec(chosen.order_by(col(CardChangePart.county_code))):
        parts[part.request_id].append(part)
        remarks[part.request_id, part.county_code] = remark_of(vault, part)
    taken = select(MatterStep).where(col(MatterStep.request_id).in_(ids)).order_by(col(MatterStep.id))
    for step in await session.exec(taken):
        steps[step.request_id].append(_step(step, remarks.get((step.request_id, step.county_code))))
        if step.step == LEFT_OUT and step.county_code:
            left_out[step.request_id].append({**county_view(step.county_code), "why": step.words})
    return [
        {
            **_asked_for(vault, request, banks),
            **_standing(request, parts[request.id or 0]),
            "counties": [_part(vault, request, part, banks) for part in parts[request.id or 0]],
            "left_out": left_out[request.id or 0],
            "steps": steps[request.id or 0],
        }
        for request in requests
    ]


def _asked_for(vault: Vault, request: CardChange, banks: Mapping[str, str]) -> _AskedFor:
    number = request.request_no
    reason = vault.open(Field.REASON, number, request.reason_sealed) if request.reason_sealed else None
    account_no = vault.open(Field.ACCOUNT, number, request.account_sealed)
    return {
        "request_no": number,
        **bank_view(banks, request.bank_code),
        "account_no": account_no,
        "account_note": account_note(account_no, request.card_type),
        "card_type": CardType(request.card_type),
        "card_type_label": card_type_label(request.card_type),
        "reason": reason,
        "applied_at": request.created_at,
    }


def _standing(request: CardChange, parts: Sequence[CardChangePart]) -> _Standing:
    """申请中 until the last county has ended; then 已办理 with its result."""
    ended = request.ended_at is not None
    return {
        "stage": request.stage,
        "stage_label": request.stage.label,
        "state_label": SETTLED if ended else UNDER_WAY,
        "result": request.result,
        "result_label": request.result.label if request.result else UNDER_WAY,
        "finished_at": request.ended_at,
        "failure_code": request.failure_code,
        "failure": request.failure,
        "may_withdraw": not ended and any(part.stage in UNDECIDED for part in parts),
    }


def _part(vault: Vault, request: CardChange, part: CardChangePart, banks: Mapping[str, str]) -> MatterPart:
    """One county, with the account that is replaced there."""
    old = part.old_account_sealed
    return {
        **county_view(part.county_code),
        "old_bank": bank_view(banks, part.old_bank_code)["bank"],
        "old_account_no": vault.open(Field.ACCOUNT, part.part_no, old) if old else None,
        "stage": part.stage,
        "stage_label": part.stage.label,
        "explanation": _explanation(vault, request, part),
        "finished_at": part.ended_at,
    }


def _explanation(vault: Vault, request: CardChange, part: CardChangePart) -> str | None:
    if part.stage is PartStage.REFUSED:
        return remark_of(vault, part)
    if part.stage is PartStage.FAILED and part.error_sealed:
        return vault.open(Field.REASON, request.request_no, part.error_sealed)
    return None


def _step(step: MatterStep, remark: str | None) -> MatterStepView:
    county = county_words(step.county_code) if step.county_code else None
    return {"at": step.at, "county": county, "step": step.step, "words": step_words(step.step, step.words, remark)}

"""上传补贴政策: the first time, and again after a refusal (S1 1.1.2)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.catalogs import CatalogKind, FundYear, names_in
from api.counter.desk import Desk, Reply
from api.counter.uploads import usable_file
from api.policies.policy_views import UploadedPolicy, UploadWarning, policy_view
from api.server.problems import conflict, field_problem, not_found
from models.contracts import RunKind, Subject
from models.file_owners import FileOf
from models.free_text import FREE_TEXT
from models.store.lock_order import Rank
from models.store.locking import lock_row
from models.store.numbers import Series, take_one
from models.store.policies.file_uses import use_files
from models.store.policies.unit import unit_to_hand_in
from models.store.runs.runs import open_run
from models.store.texts import open_text, seal_text
from models.tables.base import now
from models.tables.policies import Policy, PolicyUnit
from models.wire.words import MediaType
from models.words.refusals import Refusal
from models.words.stages import ReviewStage

Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$"), FREE_TEXT
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=128)]
ItemCodes = Annotated[list[Code], Field(min_length=1, max_length=200)]
FILE_KINDS = frozenset({MediaType.PDF, MediaType.PNG, MediaType.JPEG})


class NewPolicy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fund_year: FundYear | None = Field(None, description="不填为当前资金年度")
    title: Title
    item_codes: ItemCodes
    file_id: StrictInt


class NewUpload(BaseModel):
    """After a refusal: another file, and a better title or other items where these were the reason."""

    model_config = ConfigDict(extra="forbid")

    file_id: StrictInt
    title: Title | None = None
    item_codes: ItemCodes | None = None


async def upload(desk: Desk, session: AsyncSession, new: NewPolicy, fund_year: int, current: int) -> Reply:
    unit = await unit_to_hand_in(session, desk.county)
    if unit is None:
        raise conflict(Refusal.POLICY_UNIT_MISSING, "尚未设置政策单位", "请先设置本县政策单位，再上传补贴政策")
    policy = await _new_policy(desk, session, new, fund_year, unit)
    session.add(policy)
    await _send(session, policy)
    after = new.model_dump() | {"fund_year": fund_year, "policy_unit_code": unit.code}
    await desk.trail(session, "policy_uploaded", policy.policy_no, {"after": after})
    answer: UploadedPolicy = {**policy_view(desk.shown, policy), "warnings": _other_year(fund_year, current)}
    return Reply(201, answer, f"/policies/{policy.policy_no}")


async def upload_anew(desk: Desk, session: AsyncSession, policy_no: str, new: NewUpload) -> Reply:
    unit = await unit_to_hand_in(session, desk.county)
    policy = await find_policy(session, desk.county, policy_no, for_update=True)
    _check_refused(policy)
    file = await usable_file(desk, session, new.file_id, FILE_KINDS)
    assert file.id is not None
    await use_files(session, FileOf.POLICY, [(file.id, policy_no)])
    before = {
        "title": open_text(desk.vault, desk.county, policy.title_sealed),
        "item_codes": policy.item_codes,
        "file_id": policy.file_id,
    }
    policy.file_id = file.id
    policy.title_sealed = seal_text(desk.vault, desk.county, new.title) or policy.title_sealed
    policy.item_codes = list(dict.fromkeys(new.item_codes or policy.item_codes))
    _begin_round(policy)
    await _send(session, policy)
    detail = {"before": before, "after": new.model_dump(), "round": policy.round}
    await desk.trail(session, "policy_uploaded_again", policy_no, detail)
    answer: UploadedPolicy = {**policy_view(desk.shown, policy), "warnings": _other_unit(policy, unit)}
    return Reply(201, answer, f"/policies/{policy_no}")


async def _new_policy(desk: Desk, session: AsyncSession, new: NewPolicy, fund_year: int, unit: PolicyUnit) -> Policy:
    file = await usable_file(desk, session, new.file_id, FILE_KINDS)
    assert file.id is not None
    number = await take_one(session, Series.POLICY, desk.county, fund_year)
    await use_files(session, FileOf.POLICY, [(file.id, number)])
    return Policy(
        policy_no=number,
        county_code=desk.county,
        fund_year=fund_year,
        policy_unit_code=unit.code,
        policy_unit_name=unit.name,
        title_sealed=seal_text(desk.vault, desk.county, new.title),
        item_codes=list(dict.fromkeys(new.item_codes)),
        file_id=file.id,
        stage=ReviewStage.IN_REVIEW,
        entered_by=desk.person,
    )


def _begin_round(policy: Policy) -> None:
    policy.round += 1
    policy.refused_submission_id = policy.submission_id or policy.refused_submission_id
    policy.submission_id = policy.opinion_sealed = policy.reviewed_at = None
    policy.stage = ReviewStage.IN_REVIEW
    policy.updated_at = now()


async def check_items(desk: Desk, fund_year: int, codes: list[str]) -> None:
    known = await names_in(desk, CatalogKind.SUBSIDY_ITEMS, fund_year)
    faults = {f"/item_codes/{place}": code for place, code in enumerate(codes) if code not in known}
    if faults:
        words = f"补贴项目不在 {fund_year} 年度名单中，请从 /catalogs/subsidy-items 中选择"
        raise field_problem(dict.fromkeys(faults, words), Refusal.UNKNOWN_CODE)


def _other_year(fund_year: int, current: int) -> list[UploadWarning]:
    if fund_year == current:
        return []
    detail = f"上传的是 {fund_year} 年度的政策，当前资金年度是 {current}；请核对，无误则不用处理"
    return [{"pointer": "/fund_year", "code": Refusal.OTHER_FUND_YEAR, "detail": detail}]


def _other_unit(policy: Policy, unit: PolicyUnit | None) -> list[UploadWarning]:
    """A refused policy goes on under the unit that it was first handed in for."""
    if unit is None or unit.code == policy.policy_unit_code:
        return []
    detail = (
        f"该政策仍以原政策单位“{policy.policy_unit_name}”报送，本县现在的政策单位是“{unit.name}”；"
        "要以现在的政策单位报送，请作为新政策上传"
    )
    return [{"pointer": "", "code": Refusal.OTHER_POLICY_UNIT, "detail": detail}]


async def find_policy(session: AsyncSession, county: str, policy_no: str, for_update: bool = False) -> Policy:
    statement = select(Policy).where(Policy.policy_no == policy_no, Policy.county_code == county)
    if for_update:
        policy = await lock_row(session, Rank.INDICATOR, statement)
    else:
        policy = (await session.exec(statement)).first()
    if policy is None:
        raise not_found("政策")
    return policy


def _check_refused(policy: Policy) -> None:
    if policy.stage is not ReviewStage.REJECTED:
        detail = f"该政策现为“{policy.stage.label}”，只有审核不通过的政策可以重新上传"
        raise conflict(Refusal.POLICY_NOT_REJECTED, "现在不能重新上传", detail)


async def _send(session: AsyncSession, policy: Policy) -> None:
    await session.flush()
    subject = Subject(
        kind=RunKind.POLICY_REVIEW,
        number=policy.policy_no,
        county_code=policy.county_code,
        fund_year=policy.fund_year,
    )
    await open_run(session, subject, ReviewStage.IN_REVIEW.value)

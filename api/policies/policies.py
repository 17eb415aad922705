"""补贴政策: uploaded, reviewed by the platform, uploaded again after a refusal (S1 1.1.2)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.catalogs import CatalogKind, FundYear, names_in
from api.counter.desk import READERS, Desk, Reply, for_roles
from api.counter.export import respond
from api.counter.long_poll import LongPoll, stage_of
from api.counter.names import names_of
from api.counter.paging import FilterYear, Pages
from api.counter.run_block import run_of, runs_of
from api.counter.uploads import usable_file
from api.server.problems import conflict, field_problem, not_found
from models.contracts import RunKind, Subject
from models.store.clock import today_in_china
from models.store.numbers import Series, take_one
from models.store.policies.unit import unit_to_hand_in
from models.store.runs.runs import open_run
from models.store.texts import open_text, seal_text
from models.store.vault import Vault
from models.tables.base import now
from models.tables.policies import Policy, PolicyUnit
from models.wire.words import MediaType
from models.words.stages import ReviewStage, Role

router = APIRouter(tags=["政策"])
Admins = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN))]
Readers = Annotated[Desk, Depends(for_roles(*READERS))]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=128)]
ItemCodes = Annotated[list[Code], Field(min_length=1, max_length=200)]
FILE_KINDS = frozenset({MediaType.PDF, MediaType.PNG, MediaType.JPEG})
_HEADERS = {
    "policy_no": "政策编号",
    "fund_year": "资金年度",
    "policy_unit_name": "政策单位",
    "title": "政策名称",
    "items": "补贴项目",
    "stage_label": "状态",
    "round": "第几次上传",
    "opinion": "平台意见",
    "reviewed_at": "审核时间",
    "entered_by": "上传人",
    "created_at": "上传时间",
}


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


@router.post("/policies", status_code=201, summary="上传补贴政策")
async def upload_policy(desk: Admins, new: NewPolicy) -> Response:
    """Of the current fund year, where none is named; another one is taken with a warning (S1 1.1.2)."""
    async with desk.database.reading() as session:
        current = (await today_in_china(session)).year
    fund_year = new.fund_year or current
    await _check_items(desk, fund_year, new.item_codes)

    async def work(session: AsyncSession) -> Reply:
        unit = await unit_to_hand_in(session, desk.county)
        if unit is None:
            raise conflict("POLICY_UNIT_MISSING", "尚未设置政策单位", "请先设置本县政策单位，再上传补贴政策")
        file = await usable_file(session, desk.county, new.file_id, FILE_KINDS)
        assert file.id is not None
        policy = Policy(
            policy_no=await take_one(session, Series.POLICY, desk.county, fund_year),
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
        session.add(policy)
        await _send(session, policy)
        await desk.trail(
            session,
            "policy_uploaded",
            policy.policy_no,
            {"after": new.model_dump() | {"fund_year": fund_year, "policy_unit_code": unit.code}},
        )
        answer = _view(desk.shown, policy) | {"warnings": _other_year(fund_year, current)}
        return Reply(201, answer, f"/policies/{policy.policy_no}")

    return await desk.once(work)


@router.post("/policies/{policy_no}/uploads", status_code=201, summary="重新上传补贴政策")
async def upload_again(desk: Admins, policy_no: str, new: NewUpload) -> Response:
    """Only after a refusal; number and policy unit stay, the round grows."""
    async with desk.database.reading() as session:
        fund_year = (await _find(session, desk.county, policy_no)).fund_year
    if new.item_codes is not None:
        await _check_items(desk, fund_year, new.item_codes)

    async def work(session: AsyncSession) -> Reply:
        unit = await unit_to_hand_in(session, desk.county)
        policy = await _find(session, desk.county, policy_no, for_update=True)
        _check_refused(policy)
        file = await usable_file(session, desk.county, new.file_id, FILE_KINDS)
        assert file.id is not None
        before = {
            "title": open_text(desk.vault, desk.county, policy.title_sealed),
            "item_codes": policy.item_codes,
            "file_id": policy.file_id,
        }
        policy.file_id = file.id
        policy.title_sealed = seal_text(desk.vault, desk.county, new.title) or policy.title_sealed
        policy.item_codes = list(dict.fromkeys(new.item_codes or policy.item_codes))
        policy.round += 1
        policy.refused_submission_id = policy.submission_id or policy.refused_submission_id
        policy.submission_id = policy.opinion_sealed = policy.reviewed_at = None
        policy.stage = ReviewStage.IN_REVIEW
        policy.updated_at = now()
        await _send(session, policy)
        detail = {"before": before, "after": new.model_dump(), "round": policy.round}
        await desk.trail(session, "policy_uploaded_again", policy_no, detail)
        answer = _view(desk.shown, policy) | {"warnings": _other_unit(policy, unit)}
        return Reply(201, answer, f"/policies/{policy_no}")

    return await desk.once(work)


@router.get("/policies", summary="补贴政策列表")
async def list_policies(
    desk: Readers,
    page: Pages,
    fund_year: FilterYear = None,
    stage: Annotated[ReviewStage | None, Query()] = None,
) -> Response:
    statement = select(Policy).where(Policy.county_code == desk.county)
    if fund_year is not None:
        statement = statement.where(Policy.fund_year == fund_year)
    if stage is not None:
        statement = statement.where(Policy.stage == stage)
    async with desk.database.snapshot() as session:
        rows = (await session.exec(page.newest_first(statement, Policy.id))).all()
        runs = await runs_of(session, desk.settings, RunKind.POLICY_REVIEW, [row.policy_no for row in rows])
        names = await names_of(session, desk.county)
    views = [
        _view(desk.shown, row)
        | {"items": [names.item(code) for code in row.item_codes], "run": runs.get(row.policy_no)}
        for row in rows
    ]
    return await respond(page, _HEADERS, [(row.id or 0, view) for row, view in zip(rows, views, strict=True)])


@router.get("/policies/{policy_no}", summary="补贴政策")
async def read_policy(desk: Readers, policy_no: str, long_poll: LongPoll) -> dict[str, object]:
    await long_poll.until_other(desk, stage_of("policy", "policy_no"), policy_no)
    async with desk.database.snapshot() as session:
        policy = await _find(session, desk.county, policy_no)
        run = await run_of(session, desk.settings, RunKind.POLICY_REVIEW, policy_no)
    return _view(desk.shown, policy) | {"run": run}


async def _check_items(desk: Desk, fund_year: int, codes: list[str]) -> None:
    known = await names_in(desk, CatalogKind.SUBSIDY_ITEMS, fund_year)
    faults = {f"/item_codes/{place}": code for place, code in enumerate(codes) if code not in known}
    if faults:
        words = f"补贴项目不在 {fund_year} 年度名单中，请从 /catalogs/subsidy-items 中选择"
        raise field_problem(dict.fromkeys(faults, words), "UNKNOWN_CODE")


def _other_year(fund_year: int, current: int) -> list[dict[str, object]]:
    if fund_year == current:
        return []
    detail = f"上传的是 {fund_year} 年度的政策，当前资金年度是 {current}；请核对，无误则不用处理"
    return [{"pointer": "/fund_year", "code": "OTHER_FUND_YEAR", "detail": detail}]


def _other_unit(policy: Policy, unit: PolicyUnit | None) -> list[dict[str, object]]:
    """A refused policy goes on under the unit that it was first handed in for."""
    if unit is None or unit.code == policy.policy_unit_code:
        return []
    detail = (
        f"该政策仍以原政策单位“{policy.policy_unit_name}”报送，本县现在的政策单位是“{unit.name}”；"
        "要以现在的政策单位报送，请作为新政策上传"
    )
    return [{"pointer": "", "code": "OTHER_POLICY_UNIT", "detail": detail}]


async def _find(session: AsyncSession, county: str, policy_no: str, for_update: bool = False) -> Policy:
    statement = select(Policy).where(Policy.policy_no == policy_no, Policy.county_code == county)
    policy = (await session.exec(statement.with_for_update() if for_update else statement)).first()
    if policy is None:
        raise not_found("政策")
    return policy


def _check_refused(policy: Policy) -> None:
    if policy.stage is not ReviewStage.REJECTED:
        detail = f"该政策现为“{policy.stage.label}”，只有审核不通过的政策可以重新上传"
        raise conflict("POLICY_NOT_REJECTED", "现在不能重新上传", detail)


async def _send(session: AsyncSession, policy: Policy) -> None:
    await session.flush()
    subject = Subject(
        kind=RunKind.POLICY_REVIEW,
        number=policy.policy_no,
        county_code=policy.county_code,
        fund_year=policy.fund_year,
    )
    await open_run(session, subject, ReviewStage.IN_REVIEW.value)


def _view(vault: Vault, policy: Policy) -> dict[str, object]:
    return {
        "policy_no": policy.policy_no,
        "fund_year": policy.fund_year,
        "policy_unit_code": policy.policy_unit_code,
        "policy_unit_name": policy.policy_unit_name,
        "title": open_text(vault, policy.county_code, policy.title_sealed),
        "item_codes": policy.item_codes,
        "file_id": policy.file_id,
        "stage": policy.stage,
        "stage_label": policy.stage.label,
        "round": policy.round,
        "opinion": open_text(vault, policy.county_code, policy.opinion_sealed),
        "reviewed_at": policy.reviewed_at,
        "entered_by": policy.entered_by,
        "created_at": policy.created_at,
        "updated_at": policy.updated_at,
    }

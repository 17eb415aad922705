"""上线准备: what a county still lacks before its first season, who mends it, and a trial of the platform."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.catalogs import CatalogKind
from api.counter.desk import Desk, Reply
from api.counter.roles import GoingLiveReaders
from api.counter.run_block import RunBlock, run_of
from models.contracts import RunKind, Subject
from models.store.runs.runs import open_run
from models.store.sql import execute
from models.store.to_dos.going_live import CountyHas, what_county_has
from models.words.calendar import china_today
from models.words.errors import trouble_words
from models.words.staff import Role
from models.words.stages import GoingLive

router = APIRouter(tags=["上线准备"])
# Signatures are good for five minutes at the platform: far from them nothing begins to fail by itself.
MOST_AHEAD_SECONDS = 60.0
# A payment takes two reviewers, what makes one of them two administrators.
NEEDED = {Role.COUNTY_ADMIN: 2, Role.OPERATOR: 1, Role.REVIEWER: 2}
# Whoever entered a line confirms nothing of it, and whoever reviewed the summary doesn't release it.
WORKERS = 3
# Those of the platform that are asked for by kind; villages come with their towns.
_CATALOGS = len(CatalogKind) - 1
_MENDED_BY: dict[GoingLive, tuple[Role, ...]] = {
    GoingLive.PEOPLE: (Role.COUNTY_ADMIN,),
    GoingLive.POLICY_UNIT: (Role.COUNTY_ADMIN,),
    GoingLive.CATALOGS: (Role.COUNTY_ADMIN, Role.OPERATOR, Role.REVIEWER),
    GoingLive.REGISTER: (Role.OPERATOR, Role.REVIEWER),
    GoingLive.PLATFORM: (Role.COUNTY_ADMIN, Role.OPS),
    GoingLive.CALLBACKS: (Role.OPS,),
}


class GoingLiveCheck(TypedDict):
    check: GoingLive
    label: Annotated[str, Field(description="要具备什么")]
    passed: Annotated[bool, Field(description="已具备")]
    lacks: Annotated[list[str], Field(description="还缺什么、怎么办")]
    by: Annotated[list[Role], Field(description="由哪种身份的人办理")]
    by_label: str


class TrialResult(TypedDict):
    tried_at: datetime
    asked_by: Annotated[str, Field(description="由谁试连")]
    passed: bool
    took_ms: Annotated[int, Field(description="平台用了多少毫秒")]
    ahead_seconds: Annotated[float | None, Field(description="平台的钟比本系统快多少秒；平台没有说的为空")]
    words: Annotated[str, Field(description="结果")]


class CountyReadiness(TypedDict):
    ready: Annotated[bool, Field(description="全部具备")]
    checks: list[GoingLiveCheck]
    trial: Annotated[TrialResult | None, Field(description="最近一次试连平台")]
    run: Annotated[RunBlock | None, Field(description="试连的运行")]


class TrialAsked(TypedDict):
    number: str
    run: RunBlock | None


@router.get("/going-live", summary="上线准备")
async def county_readiness(desk: GoingLiveReaders) -> CountyReadiness:
    """Everything at once, each with who mends it; figures only, nobody's data."""
    async with desk.database.snapshot() as session:
        has = await what_county_has(session, desk.county, china_today().year)
        run = await run_of(desk, session, RunKind.PLATFORM_TRIAL, _trial(desk).number)
    checks = [_check(check, lacks) for check, lacks in _lacks(has).items()]
    return {"ready": all(each["passed"] for each in checks), "checks": checks, "trial": _result(has), "run": run}


@router.post("/platform-trials", status_code=202, summary="试连平台", response_model=TrialAsked)
async def try_platform_out(desk: GoingLiveReaders) -> Response:
    """A question that changes nothing: whether it is answered, and by which clock; the result stands in 上线准备."""
    return await desk.once(lambda session: _ask(desk, session))


async def _ask(desk: Desk, session: AsyncSession) -> Reply:
    subject = _trial(desk)
    await execute(session, _ASKED, county=desk.county, person=desk.person)
    await open_run(session, subject)
    await desk.trail(session, "platform_trial_asked", subject.number, {})
    body: TrialAsked = {"number": subject.number, "run": await run_of(desk, session, subject.kind, subject.number)}
    return Reply(202, body)


# What came of the last one stands until the next one has its answer.
_ASKED = """
INSERT INTO platform_trial (county_code, asked_by, tried_at, took_ms, code) VALUES (:county, :person, now(), 0, '')
ON CONFLICT (county_code) DO UPDATE SET asked_by = excluded.asked_by
"""


def _trial(desk: Desk) -> Subject:
    return Subject(kind=RunKind.PLATFORM_TRIAL, number=f"{desk.county}-T", county_code=desk.county)


def _check(check: GoingLive, lacks: list[str]) -> GoingLiveCheck:
    by = _MENDED_BY[check]
    return {
        "check": check,
        "label": check.label,
        "passed": not lacks,
        "lacks": lacks,
        "by": list(by),
        "by_label": "、".join(role.label for role in by),
    }


def _lacks(has: CountyHas) -> dict[GoingLive, list[str]]:
    result = _result(has)
    trial = "还没有试连过平台" if result is None else result["words"]
    return {
        GoingLive.PEOPLE: _people(has),
        GoingLive.POLICY_UNIT: [] if has.unit else ["还没有选择本县的政策单位"],
        GoingLive.CATALOGS: [] if has.catalogs >= _CATALOGS else ["平台的名单还没有取齐，请更新平台目录"],
        GoingLive.REGISTER: [] if has.accounts else ["还没有登记任何可用的账号，请把平台上已有的账号导入"],
        GoingLive.PLATFORM: [] if result is not None and result["passed"] else [trial],
        GoingLive.CALLBACKS: [] if has.called else ["还没有收到过平台发给本县的来件，请核对登记在平台的回调地址"],
    }


def _people(has: CountyHas) -> list[str]:
    active = {Role.COUNTY_ADMIN: has.admins, Role.OPERATOR: has.operators, Role.REVIEWER: has.reviewers}
    missing = [
        f"{role.label}须有 {needed} 人可以登录，现有 {active[role]} 人"
        for role, needed in NEEDED.items()
        if active[role] < needed
    ]
    if has.workers < WORKERS:
        missing.append(
            f"操作员和审核人合起来须有 {WORKERS} 个人，现有 {has.workers} 人：经办的人不能复核，确认发放须再换一人"
        )
    return missing


def _result(has: CountyHas) -> TrialResult | None:
    """None before the first, and while its answer is waited for."""
    if has.tried_at is None or has.asked_by is None or has.took_ms is None or has.code == "":
        return None
    ahead = has.ahead_seconds
    right = ahead is None or abs(ahead) <= MOST_AHEAD_SECONDS
    words = trouble_words(has.code) if has.code else _clock_words(ahead)
    return {
        "tried_at": has.tried_at,
        "asked_by": has.asked_by,
        "passed": has.code is None and right,
        "took_ms": has.took_ms,
        "ahead_seconds": ahead,
        "words": words,
    }


def _clock_words(ahead: float | None) -> str:
    if ahead is None:
        return "平台应答正常；平台没有说它的时间，签名已被认可，时钟相差不到五分钟"
    if abs(ahead) <= MOST_AHEAD_SECONDS:
        return "平台应答正常，时钟一致"
    way = "快" if ahead > 0 else "慢"
    return f"平台应答正常，但平台的钟比本系统{way} {abs(ahead):.0f} 秒，请运维校准时钟；相差五分钟以上签名即不被认可"

"""What people do about a load of the register: hand it in, say what is meant, review it, note that it was refused."""

from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.counter.roles import require_other
from api.counter.run_block import run_of
from api.imports.handed_in import note_refused
from api.season.load_views import LoadTaken, find_load, whole_load
from api.server.problems import Problem, conflict, field_problem
from models.contracts import RunKind, Signal, Subject
from models.store.clock import today_in_china
from models.store.numbers import Series, take_one
from models.store.objects import save_file
from models.store.register.loads import (
    begin_asking,
    end_load,
    hold_loads,
    leave_out_person,
    loaded_as_of,
    open_load_no,
)
from models.store.runs.look import note_decided
from models.store.runs.runs import open_run, wake
from models.store.vault import Field as Sealed
from models.tables.base import now
from models.tables.loads import RegisterLoad
from models.tables.policies import StoredFile
from models.words.card_stages import LoadStage
from models.words.makers import Act
from models.words.refusals import Refusal
from models.words.stages import ImportVerdict
from models.words.waiting import LOAD

LOAD_DROPPED = "操作员放弃了这次初始导入，文件的所有行都没有登记"
# While nothing is decided an operator may take the file back.
_OPEN = (LoadStage.TO_CONFIRM, LoadStage.ASKING, LoadStage.ENTERED)


async def accept_load(
    desk: Desk, session: AsyncSession, stored: StoredFile, as_of: date, corrects: str | None
) -> Reply:
    """One open at a time, and none older than what the register was loaded with."""
    await hold_loads(session, desk.county)
    await _refuse_unless_acceptable(desk, session, as_of)
    former = await _refused_load(desk, session, corrects) if corrects else None
    saved = await save_file(session, stored)
    assert saved.id is not None
    number = await take_one(session, Series.REGISTER_LOAD, desk.county, as_of.year)
    load = RegisterLoad(
        load_no=number,
        county_code=desk.county,
        as_of=as_of,
        file_id=saved.id,
        corrects_id=former.id if former else None,
        entered_by=desk.person,
    )
    session.add(load)
    await open_run(session, _subject(load), load.stage.value)
    told = {"sha256": stored.sha256, "size": stored.size, "as_of": as_of.isoformat(), "corrects": corrects}
    await desk.trail(session, "register_load.handed_in", number, told)
    run = await run_of(desk, session, RunKind.REGISTER_LOAD, number)
    body: LoadTaken = {"load_no": number, "stage": load.stage, "run": run}
    return Reply(202, body, f"/register-loads/{number}")


async def _refuse_unless_acceptable(desk: Desk, session: AsyncSession, as_of: date) -> None:
    if as_of > await today_in_china(session):
        raise field_problem({"/as_of": "数据日期不能晚于今天，请按从平台取出数据的那一天填写"})
    if number := await open_load_no(session, desk.county):
        detail = f"本县的初始导入 {number} 尚未办结；请办结或放弃后再提交新的文件"
        raise conflict(Refusal.LOAD_OPEN, "已有一次初始导入在办", detail)
    newest = await loaded_as_of(session, desk.county)
    if newest is not None and as_of < newest:
        detail = f"登记的账号已按 {newest:%Y-%m-%d} 的数据导入过，更早的数据不再登记；请改用这一天或以后的数据"
        raise conflict(Refusal.LOAD_OUTDATED, "数据日期太早", detail)


async def _refused_load(desk: Desk, session: AsyncSession, load_no: str) -> RegisterLoad:
    load = await find_load(desk, session, load_no)
    _require_refused(load)
    return load


def _require_refused(load: RegisterLoad) -> None:
    if load.stage is not LoadStage.REFUSED:
        detail = f"初始导入 {load.load_no} 现在是“{load.stage.label}”，只有“未导入”的才须改正；请刷新后核对"
        raise conflict(Refusal.LOAD_NOT_REFUSED, "初始导入没有被拒", detail)


async def decide_findings(
    desk: Desk, session: AsyncSession, load_no: str, decision: ImportVerdict, reason: str
) -> Reply:
    """仍要登记 what had stopped the file, or 放弃 it, also while the bank is asked or a reviewer is waited for."""
    load = await find_load(desk, session, load_no, changing=True)
    before = load.stage
    confirms = decision is ImportVerdict.CONFIRMED
    if before is not LoadStage.TO_CONFIRM and (confirms or before not in _OPEN):
        raise _not_waiting(load, "待确认" if confirms else "待确认、银行核验中或待复核")
    load.decision, load.decided_by, load.decided_at = decision, desk.person, now()
    load.decision_reason_sealed = desk.vault.seal(Sealed.REASON, load_no, reason)
    if confirms:
        await begin_asking(session, load)
    else:
        load.problem = LOAD_DROPPED
        await end_load(session, load, LoadStage.REFUSED)
    await _tell_run(session, load)
    told = {"before": before, "after": load.stage, "reason": reason, "found": load.to_confirm_count}
    await desk.trail(session, f"register_load.{decision}", load_no, told, load.rows_total)
    return Reply(200, await whole_load(desk, session, load))


async def review_load(desk: Desk, session: AsyncSession, load_no: str, remark: str | None, *, passed: bool) -> Reply:
    """Another person than who entered or confirmed it; the own account of the reviewer is left out."""
    load = await find_load(desk, session, load_no, changing=True)
    if load.stage is not LoadStage.ENTERED:
        raise _not_waiting(load, LoadStage.ENTERED.label)
    made = desk.person in (load.entered_by, load.decided_by)
    require_other(Act.LOAD_DECIDED, [Act.LOAD_ENTERED] if made else [])
    load.confirmed_by, load.confirmed_at = desk.person, now()
    load.remark_sealed = desk.vault.seal(Sealed.REASON, load_no, remark) if remark else None
    if not passed:
        await end_load(session, load, LoadStage.NOT_TAKEN)
    else:
        load.stage = LoadStage.TAKING
        session.add(load)
        await session.flush()
        if desk.person_index is not None:
            await leave_out_person(session, load, desk.person_index, Refusal.OWN_ACCOUNT.value)
    await _tell_run(session, load)
    told = {"before": LoadStage.ENTERED, "after": load.stage, "remark": remark, "figures": load.figures}
    await desk.trail(session, "register_load.decided", load_no, told, load.rows_total)
    return Reply(200, await whole_load(desk, session, load))


async def acknowledge_load(desk: Desk, session: AsyncSession, load_no: str) -> Reply:
    load = await find_load(desk, session, load_no, changing=True)
    _require_refused(load)
    await note_refused(desk, session, load, "register_load.noted", load_no)
    return Reply(200, await whole_load(desk, session, load))


def _not_waiting(load: RegisterLoad, wanted: str) -> Problem:
    detail = f"初始导入 {load.load_no} 现在是“{load.stage.label}”，只有“{wanted}”的才能这样办理；请刷新后核对"
    return conflict(Refusal.LOAD_NOT_WAITING, "初始导入不在等待这一步", detail)


async def _tell_run(session: AsyncSession, load: RegisterLoad) -> None:
    run_id = _subject(load).workflow_id
    await wake(session, run_id, Signal.LOAD_DECIDED, [load.load_no])
    await note_decided(session, run_id, load.stage.value, LOAD[load.stage] if load.finished_at is None else "")


def _subject(load: RegisterLoad) -> Subject:
    return Subject(kind=RunKind.REGISTER_LOAD, number=load.load_no, county_code=load.county_code)

"""Entering an application and correcting one: the checks of its form, of its stage, and of the lock."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.applications.application_returns import require_editable, return_for_edit
from api.applications.form_warnings import EntryWarning, form_warnings, looks, other_account
from api.counter.desk import Desk, Reply
from api.counter.roles import find_line, own
from api.server.problems import Problem, conflict, field_problem, not_found
from api.years.guard import require_year
from models.forms.application_form import ApplicationForm, check_form
from models.forms.catalogs import Catalogs
from models.store.applications.doubles import SameItem, lock_additions, same_item
from models.store.applications.rows import Entered, insert_rows, is_reserved, new_row, sealed_columns, used_numbers
from models.store.applications.rules import EDIT_RULES
from models.store.lock_order import Rank
from models.store.locking import SHARED, fetch_locked, lock_county
from models.store.numbers import Series, take_one
from models.store.register.account_locks import locked_people
from models.store.register.lock_rules import LockedAct, differing_field, same_name, why_locked
from models.store.selection import Word, of_county
from models.store.vault import Field as Column
from models.store.vault import Vault
from models.tables.applications import Application
from models.tables.base import now
from models.words.faults import FaultCode, FormError
from models.words.refusals import Refusal
from models.words.staff import Role
from models.words.stages import ApplicationStage, BatchStage, Channel

PLAIN_COLUMNS = (
    *("town_code", "village_code", "group_name", "bank_code", "card_type", "household_registration", "family_size"),
    *("item_code", "amount_fen"),
)
Form = Annotated[ApplicationForm, Field(discriminator="kind")]


class NewApplication(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    fund_year: Annotated[int, Field(strict=True, ge=2000, le=2099)]
    channel: Literal[Channel.PC, Channel.MOBILE] = Channel.PC
    batch_no: Word | None = None
    form: Form


class ApplicationCorrection(BaseModel):
    """`version` is the one that was looked at: what changed since is not overwritten."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    version: Annotated[int, Field(strict=True, ge=1)]
    form: Form


ENTRY_REFUSALS = {
    Refusal.CATALOG_FETCHING: 503,
    Refusal.NOT_FOUND: 404,
    Refusal.BATCH_FROZEN: 409,
    Refusal.OTHER_FUND_YEAR: 409,
    Refusal.APPLICATION_NO_USED: 409,
    FaultCode.ACCOUNT_LOCKED: 409,
}
CORRECTION_REFUSALS = {
    Refusal.CATALOG_FETCHING: 503,
    Refusal.NOT_FOUND: 404,
    Refusal.APPLICATION_IN_FLOW: 409,
    Refusal.VERSION_CHANGED: 409,
    Refusal.KIND_FIXED: 409,
    Refusal.NUMBER_FIXED: 409,
    Refusal.IN_REVIEW: 409,
    Refusal.NOT_CORRECTABLE: 409,
    Refusal.IN_INITIALISATION: 409,
    FaultCode.ACCOUNT_LOCKED: 409,
    **{rule.code: 409 for rule in EDIT_RULES},
}


class EntryAnswer(TypedDict):
    application_no: Annotated[str, Field(description="申请编号")]
    stage: Annotated[ApplicationStage, Field(description="申请现在的状态")]
    version: Annotated[int, Field(description="版本，编辑时原样提交")]
    warnings: Annotated[list[EntryWarning], Field(description="请核对的事项；没有因此拒绝")]


async def take_entry(desk: Desk, session: AsyncSession, entry: NewApplication, catalogs: Catalogs) -> Reply:
    """Store a draft; gives its number and what to think about."""
    if entry.batch_no and desk.role is Role.APPLICANT:
        raise field_problem({"/batch_no": "结算批次由县操作员安排，请留空"})
    form = _checked(entry.form, catalogs)
    await lock_additions(session, desk.county)
    await require_year(session, desk.county, entry.fund_year)
    batch_id = await open_batch_id(desk, session, entry.batch_no, entry.fund_year) if entry.batch_no else None
    number = await _number(desk, session, form.application_no, entry.fund_year)
    others = await _others(desk, session, form, entry.fund_year)
    entered = Entered(desk.county, entry.fund_year, entry.channel, desk.person, batch_id)
    await _refuse_other_account(desk, session, form)
    row = new_row(desk.vault, entered, number, form)
    other = await other_account(desk, session, row, catalogs)
    await insert_rows(session, [row])
    await desk.trail(session, "application.entered", number, {"form": form.model_dump()}, 1, form.amount_fen)
    body: EntryAnswer = {
        "application_no": number,
        "stage": ApplicationStage.DRAFT,
        "version": 1,
        "warnings": [*form_warnings(form, others), *other, *looks(entry.form, form)],
    }
    return Reply(201, body, f"/applications/{number}")


async def correct(
    desk: Desk, session: AsyncSession, application_no: str, correction: ApplicationCorrection, catalogs: Catalogs
) -> Reply:
    """Take the new form in; a line past the review goes back to it and loses its match, an applicant's to draft."""
    await lock_county(session, desk.county)
    await lock_additions(session, desk.county)
    line = await find_line(desk, session, application_no, changing=True)
    form = _checked(correction.form, catalogs)
    _may_correct(desk, line, correction, form)
    stage, returned = line.stage, list[EntryWarning]()
    if desk.role is Role.APPLICANT and stage is not ApplicationStage.DRAFT:
        returned = [await return_for_edit(desk, session, line)]
        line = await find_line(desk, session, application_no, changing=True)
    columns = sealed_columns(desk.vault, line.application_no, form)
    await _hold_lock(desk, session, line, form, columns)
    before = _values(desk.vault, line) | {"stage": stage.value}
    await _change(desk, session, line, columns)
    others = await _others(desk, session, form, line.fund_year, but=line.application_no)
    other = await other_account(desk, session, columns, catalogs)
    told = {"before": before, "after": form.model_dump(), "stage": line.stage.value, "returned": returned}
    await desk.trail(session, "application.corrected", line.application_no, told, 1, form.amount_fen)
    body: EntryAnswer = {
        "application_no": line.application_no,
        "stage": line.stage,
        "version": line.version,
        "warnings": [*returned, *form_warnings(form, others), *other, *looks(correction.form, form)],
    }
    return Reply(200, body)


class _Joining(NamedTuple):
    id: int
    stage: str
    fund_year: int


async def open_batch_id(desk: Desk, session: AsyncSession, batch_no: str, fund_year: int) -> int:
    """The id of the county's batch when lines of this fund year may still join it."""
    rows = await fetch_locked(
        session,
        Rank.BATCH,
        _Joining,
        "SELECT id, stage, fund_year FROM batch WHERE batch_no = :number AND county_code = :county",
        SHARED,
        number=batch_no,
        county=desk.county,
    )
    if not rows:
        raise not_found("批次")
    (row,) = rows
    if row.stage != BatchStage.OPEN:
        raise conflict(Refusal.BATCH_FROZEN, "批次内容已冻结", "批次已提交大数据校验，不能再加入申请；请另建批次")
    if row.fund_year != fund_year:
        raise conflict(
            Refusal.OTHER_FUND_YEAR, "资金年度不同", f"该批次属于 {row.fund_year} 年度，请改选批次或资金年度"
        )
    return row.id


def _checked(form: ApplicationForm, catalogs: Catalogs) -> ApplicationForm:
    try:
        return check_form(form, catalogs)
    except FormError as error:
        errors = [
            {"pointer": f"/form/{fault.field}", "code": fault.code, "detail": fault.message} for fault in error.faults
        ]
        detail = "请按 errors 所列的位置更正后重新提交"
        raise Problem(422, Refusal.VALIDATION_FAILED, "填写的内容有误", detail, errors) from None


async def _number(desk: Desk, session: AsyncSession, given: str | None, fund_year: int) -> str:
    if given is None:
        return await take_one(session, Series.APPLICATION, desk.county, fund_year)
    if is_reserved(given) or await used_numbers(session, [given]):
        detail = "申请编号已被使用或属于系统编号，请改为其他编号，或留空由系统编号"
        raise conflict(Refusal.APPLICATION_NO_USED, "申请编号不能使用", detail)
    return given


def _may_correct(desk: Desk, line: Application, correction: ApplicationCorrection, form: ApplicationForm) -> None:
    if line.stage is ApplicationStage.IN_FLOW:
        detail = "流程中不能编辑；平台审核不通过的申请请用“修改申请提交”更正"
        raise conflict(Refusal.APPLICATION_IN_FLOW, "申请已进入发放流程", detail)
    if desk.role is not Role.APPLICANT:
        require_editable(line)
    if line.version != correction.version:
        raise conflict(Refusal.VERSION_CHANGED, "申请已被他人修改", f"当前版本是 {line.version}，请刷新后重新修改")
    if form.kind.value != line.applicant_kind:
        raise conflict(Refusal.KIND_FIXED, "申请类型不能改", "个人和组织不能互换，请撤回后重新录入")
    if form.application_no not in (None, line.application_no):
        raise conflict(Refusal.NUMBER_FIXED, "申请编号不能改", "请保留原编号")


async def _refuse_other_account(desk: Desk, session: AsyncSession, form: ApplicationForm) -> None:
    """While a card change is under way, no application brings another account or name in."""
    person = desk.vault.index(Column.ID_NUMBER, form.id_number)
    lock = (await locked_people(session, desk.county, [person])).get(person)
    if lock is not None and differing_field(desk.vault, desk.county, lock, form):
        _refuse_locked(desk, {person: lock.request_no}, LockedAct.ENTRY)


def _refuse_locked(desk: Desk, requests: Mapping[str, str], act: LockedAct) -> None:
    """`requests`: whose account is being changed, by which request.

    An applicant may fill in anybody's id, and hears of the own change only; a stranger's lock holds all the same, when
    the line would go out.
    """
    known = [number for person, number in sorted(requests.items()) if desk.may_know_lock(person)]
    if known:
        raise conflict(FaultCode.ACCOUNT_LOCKED, "账号变更中", why_locked(act, known))


async def _hold_lock(
    desk: Desk, session: AsyncSession, line: Application, form: ApplicationForm, columns: Mapping[str, object]
) -> None:
    """While a card change is under way, bank, account, name and id stay as they are."""
    same = all(columns[name] == getattr(line, name) for name in ("bank_code", "account_index", "person_index"))
    if same and same_name(desk.vault.open(Column.NAME, line.application_no, line.name_sealed), form.name):
        return
    locked = await locked_people(session, line.county_code, [line.person_index, str(columns["person_index"])])
    requests = {person: lock.request_no for person, lock in locked.items()}
    _refuse_locked(desk, requests, LockedAct.EDIT)


def _values(vault: Vault, line: Application) -> dict[str, object]:
    """What a correction may change, as it is, for the trail."""
    number = line.application_no
    values: dict[str, object] = {
        "name": vault.open(Column.NAME, number, line.name_sealed),
        "id_number": vault.open(Column.ID_NUMBER, number, line.id_number_sealed),
        "phone": vault.open(Column.PHONE, number, line.phone_sealed) if line.phone_sealed else None,
        "account_no": vault.open(Column.ACCOUNT, number, line.account_sealed),
    }
    return values | {name: getattr(line, name) for name in PLAIN_COLUMNS}


async def _change(desk: Desk, session: AsyncSession, line: Application, columns: Mapping[str, object]) -> None:
    """Write the new values; what was past the material review goes through it again."""
    for name, value in columns.items():
        setattr(line, name, value)
    if desk.person not in (line.entered_by, *line.edited_by):
        line.edited_by = [*line.edited_by, desk.person]
    if line.stage is not ApplicationStage.DRAFT:
        line.stage = ApplicationStage.IN_REVIEW
        line.reviewed_by = line.reviewed_at = None
        line.list_id = line.match_outcome = line.match_bank_name = None
        line.correct_name_sealed = line.correct_name_index = None
    line.version += 1
    line.updated_at = now()
    session.add(line)
    await session.flush()


async def _others(
    desk: Desk, session: AsyncSession, form: ApplicationForm, fund_year: int, but: str = ""
) -> Sequence[SameItem]:
    """What is there for the same person, item and fund year; an applicant hears of the own ones only."""
    person = desk.vault.index(Column.ID_NUMBER, form.id_number)
    same = of_county(desk.county).also(
        "a.person_index = :person AND a.item_code = :item", person=person, item=form.item_code
    )
    return await same_item(
        session, own(desk, same.also("a.fund_year = :year AND a.application_no <> :but", year=fund_year, but=but))
    )

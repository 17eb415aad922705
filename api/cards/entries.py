"""村社申报: an operator enters an account for a person without a usable one, a reviewer confirms (S2 1.1)."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query, Response
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.said import Confirmation, Refusing
from api.cards.entry_views import (
    HEADERS,
    DecidedEntry,
    EnteredAccount,
    EntryDetail,
    EntryError,
    EntryView,
    HeldAccount,
    NewEntry,
    checked,
    entry_view,
    entry_warnings,
    is_waiting,
)
from api.cards.in_flight import used_by_another
from api.counter.catalogs import CatalogKind, names_in
from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.export import listed
from api.counter.names import Names, names_of
from api.counter.paging import Pages
from api.counter.roles import (
    CountyStaff,
    Operators,
    OperatorsAndReviewers,
    Reviewers,
    require_other,
    why_not_this_reviewer,
)
from api.counter.run_block import run_of
from api.counter.uploads import usable_file
from api.server.answers import Listed, refusals
from api.server.problems import Problem, conflict, not_found
from models.contracts import RunKind, Signal, workflow_id
from models.file_owners import FileOf
from models.forms.identity import mask_account_no
from models.store.policies.file_uses import use_files
from models.store.register.entries import (
    ENDED,
    EntryForm,
    EntryRefused,
    end_entry,
    locked_entry,
    open_entry,
    refuse_usable,
)
from models.store.register.register import register_row
from models.store.runs.look import note_decided
from models.store.runs.runs import wake
from models.store.sql import fetch_one
from models.store.vault import Field
from models.tables.base import now
from models.tables.cards import VillageEntry
from models.wire.words import MediaType
from models.words.calendar import china_today
from models.words.card_stages import EntryStage
from models.words.makers import Act
from models.words.refusals import Refusal
from models.words.stages import AccountStatus, DisclosedThing
from models.words.waiting import ENTRY

router = APIRouter(tags=["村社申报"])
PHOTO_TYPES = frozenset({MediaType.JPEG, MediaType.PNG})


OWN = "本人的账号申报须由他人复核"
_HELD = """
SELECT status, bank_code, account_sealed FROM register_account WHERE county_code = :county AND person_index = :person
"""


class _Held(NamedTuple):
    status: AccountStatus
    bank_code: str | None
    account_sealed: str | None


@router.post(
    "/village-entries",
    status_code=201,
    summary="录入村社申报",
    response_model=EnteredAccount,
    responses=refusals(ACCOUNT_LOCKED=409, ACCOUNT_USABLE=409, CATALOG_FETCHING=503),
)
async def enter_account(desk: Operators, new: NewEntry) -> Response:
    """The account is locked from now on; the bank validates it, then a reviewer decides."""
    banks = await names_in(desk, CatalogKind.BANKS, china_today().year)
    form = checked(new, banks)
    return await desk.once(lambda session: _enter(desk, session, form, entry_warnings(new)))


async def _enter(desk: Desk, session: AsyncSession, form: EntryForm, warnings: list[EntryError]) -> Reply:
    await usable_file(desk, session, form.photo_file_id, PHOTO_TYPES, "/photo_file_id")
    try:
        entry = await open_entry(session, desk.vault, desk.county, form, desk.person)
    except EntryRefused as refusal:
        raise conflict(refusal.code, "不能申报", refusal.words) from None
    await use_files(session, FileOf.VILLAGE_ENTRY, [(form.photo_file_id, entry.entry_no)])
    detail = {"name": form.name, "id_number": form.id_number, "bank_code": form.bank_code}
    after = {"account_no": form.account_no, "photo_file_id": form.photo_file_id}
    await desk.trail(session, "village_entry.entered", entry.entry_no, detail | after)
    run = await run_of(desk, session, RunKind.VILLAGE_ENTRY, entry.entry_no)
    body: EnteredAccount = {
        "entry_no": entry.entry_no,
        "stage": entry.stage,
        "stage_label": entry.stage.label,
        "run": run,
        "warnings": warnings,
    }
    return Reply(201, body, f"/village-entries/{entry.entry_no}")


@router.get("/village-entries", summary="村社申报列表", response_model=Listed[EntryView])
async def list_entries(desk: CountyStaff, page: Pages, stage: Annotated[EntryStage | None, Query()] = None) -> Response:
    """Masked, newest first."""
    statement = select(VillageEntry).where(VillageEntry.county_code == desk.county)
    if stage is not None:
        statement = statement.where(VillageEntry.stage == stage)
    async with desk.database.snapshot() as session:
        names = await names_of(session, desk.county)
        chosen = (statement, VillageEntry.id)
        return await listed(
            session, page, HEADERS, chosen, lambda entry: (entry.id or 0, entry_view(desk.shown, names, entry))
        )


@router.get(
    "/village-entries/{entry_no}",
    summary="村社申报详情",
    response_model=EntryDetail,
    responses=refusals(NOT_FOUND=404),
)
async def show_entry(desk: CountyStaff, entry_no: str) -> Response:
    """With its photo, what the register holds for the person, and whether somebody else uses the account; masked."""
    return Reply(200, await _shown(desk, entry_no, whole=False)).response()


@router.post(
    "/village-entries/{entry_no}/disclosures",
    summary="村社申报的完整信息",
    response_model=EntryDetail,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_entry(desk: OperatorsAndReviewers, entry_no: str, wanted: Disclosing) -> Response:
    """The same in clear, once; who asked is noted each time. No Idempotency-Key."""
    body = await _shown(desk, entry_no, whole=True)
    await note_whole(desk, DisclosedThing.VILLAGE_ENTRY, entry_no, wanted)
    return Reply(200, body).response()


async def _shown(desk: Desk, entry_no: str, *, whole: bool) -> EntryDetail:
    async with desk.database.snapshot() as session:
        statement = select(VillageEntry).where(
            VillageEntry.entry_no == entry_no, VillageEntry.county_code == desk.county
        )
        entry = (await session.exec(statement)).first()
        if entry is None:
            raise not_found("村社申报")
        names = await names_of(session, desk.county)
        held = await fetch_one(session, _Held, _HELD, county=desk.county, person=entry.person_index)
        return {
            **entry_view(desk.shown, names, entry, whole=whole),
            "photo": f"/files/{entry.photo_file_id}",
            "register": None if held is None else _held_view(desk, names, entry.person_index, held, whole=whole),
            "used_by_another": await used_by_another(session, entry.account_index, entry.person_index),
            "run": await run_of(desk, session, RunKind.VILLAGE_ENTRY, entry_no),
            "why_no_decision": _why_no_decision(desk, entry),
        }


def _held_view(desk: Desk, names: Names, person: str, held: _Held, *, whole: bool) -> HeldAccount:
    plain = None
    if held.account_sealed is not None:
        plain = desk.shown.open(Field.ACCOUNT, register_row(desk.county, person), held.account_sealed)
    return {
        "status": held.status,
        "status_label": AccountStatus(held.status).label,
        "bank": names.bank(held.bank_code),
        "account_no": plain if plain is None or whole else mask_account_no(plain),
    }


def _why_no_decision(desk: Desk, entry: VillageEntry) -> str | None:
    if entry.entered_by == desk.person:
        return "录入人不能复核"
    waiting = None if is_waiting(entry) else f"此件现为“{entry.stage.label}”，不在待复核"
    return why_not_this_reviewer(desk, entry.person_index, OWN) or waiting


@router.post(
    "/village-entries/{entry_no}/confirmation",
    summary="复核通过村社申报",
    response_model=DecidedEntry,
    responses=refusals(NOT_FOUND=404, ENTRY_NOT_WAITING=409, SAME_PERSON=403, OWN_ACCOUNT=403, ACCOUNT_USABLE=409),
)
async def confirm(desk: Reviewers, entry_no: str, confirmation: Confirmation) -> Response:
    """Another person than the one who entered; the platform uses the account from its answer on."""

    async def work(session: AsyncSession) -> Reply:
        entry = await _open_entry(desk, session, entry_no)
        try:
            await refuse_usable(session, desk.county, entry.person_index)
        except EntryRefused as refusal:
            raise conflict(refusal.code, "录入之后情况有变", f"{refusal.words}；此件请复核不通过") from None
        entry.stage, entry.attempt = EntryStage.APPLYING, entry.attempt + 1
        return await _decided(desk, session, entry, confirmation.remark)

    return await desk.once(work)


@router.post(
    "/village-entries/{entry_no}/refusal",
    summary="复核不通过村社申报",
    response_model=DecidedEntry,
    responses=refusals(NOT_FOUND=404, ENTRY_NOT_WAITING=409, SAME_PERSON=403, OWN_ACCOUNT=403),
)
async def refuse(desk: Reviewers, entry_no: str, refusal: Refusing) -> Response:
    """Nothing changes but the entry; the person's account is free for another one."""

    async def work(session: AsyncSession) -> Reply:
        entry = await _open_entry(desk, session, entry_no)
        await end_entry(session, entry, EntryStage.REFUSED)
        return await _decided(desk, session, entry, refusal.remark)

    return await desk.once(work)


async def _open_entry(desk: Desk, session: AsyncSession, entry_no: str) -> VillageEntry:
    entry = await locked_entry(session, entry_no, desk.county)
    if entry is None:
        raise not_found("村社申报")
    if not is_waiting(entry):
        detail = (
            f"申报 {entry_no} 现在是“{entry.stage.label}”，只有“{EntryStage.ENTERED.label}”的才能复核；请刷新后核对"
        )
        raise conflict(Refusal.ENTRY_NOT_WAITING, "此件不在待复核", detail)
    require_other(Act.ENTRY_DECIDED, [Act.ENTRY_ENTERED] if entry.entered_by == desk.person else [])
    if desk.person_index == entry.person_index:
        raise Problem(403, Refusal.OWN_ACCOUNT, OWN, "请由本区县其他审核人办理此件")
    return entry


async def _decided(desk: Desk, session: AsyncSession, entry: VillageEntry, remark: str | None) -> Reply:
    entry.confirmed_by, entry.confirmed_at = desk.person, now()
    entry.remark_sealed = desk.vault.seal(Field.REASON, entry.entry_no, remark) if remark else None
    session.add(entry)
    await session.flush()
    run_id = workflow_id(RunKind.VILLAGE_ENTRY, entry.entry_no)
    await wake(session, run_id, Signal.ORDER_CONFIRMED, [entry.entry_no])
    await note_decided(session, run_id, entry.stage.value, "" if entry.stage in ENDED else ENTRY[entry.stage])
    detail = {"before": EntryStage.ENTERED.value, "after": entry.stage.value, "remark": remark}
    await desk.trail(session, "village_entry.decided", entry.entry_no, detail)
    body: DecidedEntry = {
        "entry_no": entry.entry_no,
        "stage": entry.stage,
        "stage_label": entry.stage.label,
        "confirmed_by": entry.confirmed_by,
        "confirmed_at": entry.confirmed_at,
        "remark": remark,
    }
    return Reply(200, body)

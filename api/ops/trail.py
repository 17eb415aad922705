"""The county's trail: who did what when, and whether the chain of entries is whole."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.counter.disclosures import Disclosing, note_whole
from api.counter.export import listed
from api.counter.paging import Pages
from api.counter.roles import Auditors, Readers, Reviewers
from api.ops.time_range import Since, Until, between
from api.ops.trail_views import HEADERS, TrailVerification, TrailView, trail_view, verification_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.store.database import Pool
from models.store.trail.check import check_trail
from models.store.trail.heads import last_head
from models.tables.records import TrailEntry
from models.words.code_words import SYSTEM
from models.words.staff import Role
from models.words.stages import DisclosedThing

router = APIRouter(tags=["留痕"])
# The details of an act may name persons: masked, and for the county only.
_SEES_DETAIL = (Role.COUNTY_ADMIN, Role.REVIEWER, Role.AUDITOR)


@router.get("/trail", summary="操作留痕", response_model=Listed[TrailView])
async def list_trail(
    desk: Readers,
    page: Pages,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    act: Annotated[str | None, Query(max_length=80)] = None,
    actor: Annotated[str | None, Query(max_length=80)] = None,
    role: Annotated[str | None, Query(max_length=80, description="经办时的身份")] = None,
    since: Since = None,
    until: Until = None,
) -> Response:
    statement = select(TrailEntry).where(TrailEntry.county_code == desk.county)
    for field, value in {"subject": subject, "act": act, "actor": actor}.items():
        if value is not None:
            statement = statement.where(col(getattr(TrailEntry, field)) == value)
    if role == SYSTEM:
        statement = statement.where(TrailEntry.actor == SYSTEM)
    elif role is not None:
        statement = statement.where(TrailEntry.role == role, TrailEntry.actor != SYSTEM)
    statement = statement.where(*between(TrailEntry.at, since, until))
    # the file has no details: they aren't even opened
    vault = desk.shown if desk.role in _SEES_DETAIL and not page.export else None

    def shown(row: TrailEntry) -> tuple[int, TrailView]:
        return row.sequence, trail_view(row, vault, whole=False)

    async with desk.database.snapshot() as session:
        return await listed(session, page, HEADERS, (statement, TrailEntry.sequence), shown)


@router.post(
    "/trail/{sequence}/disclosures",
    summary="留痕的完整内容",
    response_model=TrailView,
    responses=refusals(NOT_FOUND=404),
)
async def disclose_details(desk: Reviewers, sequence: int, wanted: Disclosing) -> Response:
    """One entry with its details in clear, once; who asked is noted each time. No Idempotency-Key."""
    statement = select(TrailEntry).where(TrailEntry.county_code == desk.county, TrailEntry.sequence == sequence)
    async with desk.database.reading() as session:
        row = (await session.exec(statement)).first() if 0 < sequence < 2**63 else None
    if row is None:
        raise not_found("留痕")
    await note_whole(desk, DisclosedThing.TRAIL_ENTRY, str(sequence), wanted)
    return Reply(200, trail_view(row, desk.shown, whole=True)).response()


@router.get("/trail/verification", summary="留痕校验")
async def verify_trail(desk: Readers) -> TrailVerification:
    """Walks the whole chain; `first_bad_sequence` is the first place where it doesn't hold, `kind` in which way."""
    return await _verified(desk)


@router.post("/trail/verifications", status_code=201, summary="校验留痕并记入留痕", response_model=TrailVerification)
async def note_verification(desk: Auditors) -> Response:
    """The same, and that it was done, by whom and with which result: the last of the trail's own entries."""
    await desk.give_stored_answer()
    found = await _verified(desk)

    async def work(session: AsyncSession) -> Reply:
        await desk.trail(session, "trail.checked", "trail", found)
        return Reply(201, found)

    return await desk.once(work)


async def _verified(desk: Desk) -> TrailVerification:
    # Read first: the trail only grows, so what was signed before must be in it.
    exports = desk.database.pool(Pool.EXPORTS)
    signed, restorations = await last_head(exports, desk.vault, desk.objects, desk.county)
    # A million entries take a minute or two: people at their desks don't wait for the connection.
    async with exports.reading() as session:
        broken = await check_trail(session, desk.vault, desk.county, signed)
    return verification_view(broken, signed, restorations)

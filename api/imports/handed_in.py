"""What all files of rows share once they were handed in: what corrects what, 被拒行, 知道了, and sheets given out."""

from datetime import datetime
from typing import Annotated, NamedTuple, Protocol

from fastapi import Response
from pydantic import Field
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from api.counter.disclosures import note_whole
from api.server.answers import XLSX
from api.server.file_names import attachment
from api.server.problems import not_found
from api.server.rendering import json_in
from models.store.sql import fetch
from models.store.vault import Field as Sealed
from models.tables.base import now
from models.tables.policies import StoredFile
from models.words.stages import DisclosedThing, DisclosurePurpose, ImportVerdict


class RowFault(TypedDict):
    row: Annotated[int, Field(description="行号；0 表示整个文件")]
    column: Annotated[str, Field(description="列名")]
    code: str
    message: Annotated[str, Field(description="错在哪里，怎么改")]


# Where the stored list of faults can't be opened, its place says so.
Faults = Annotated[list[RowFault] | str, Field(description="逐行说明，最多 1000 项；无法读取时是一句话")]


class HandedIn(Protocol):
    """A file's row, of whatever its rows are."""

    id: int | None
    county_code: str
    corrects_id: int | None
    rows_total: int
    rows_checked: int
    rows_refused: int
    problem: str | None
    to_confirm_count: int
    rows_to_confirm: int
    decision: ImportVerdict | None
    decided_by: str | None
    decided_at: datetime | None
    entered_by: str
    created_at: datetime
    finished_at: datetime | None
    refused_file_id: int | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


class HandedInView(TypedDict):
    """How far a file is, and what was decided of what had stopped it."""

    rows_total: Annotated[int, Field(description="总行数")]
    rows_checked: Annotated[int, Field(description="已校对的行数")]
    rows_refused: Annotated[int, Field(description="被拒的行数")]
    problem: Annotated[str | None, Field(description="未导入的原因")]
    to_confirm_count: Annotated[int, Field(description="待确认的事项数")]
    rows_to_confirm: Annotated[int, Field(description="待确认的行数")]
    decision: Annotated[str | None, Field(description="confirmed 确认，dropped 放弃")]
    decided_by: Annotated[str | None, Field(description="确认或放弃人")]
    decided_at: datetime | None
    entered_by: Annotated[str, Field(description="导入人")]
    created_at: datetime
    finished_at: datetime | None


class Corrections(TypedDict):
    corrects: Annotated[str | None, Field(description="改正的是哪一次未导入的")]
    corrected_by: Annotated[list[str], Field(description="由哪几次导入改正")]
    acknowledged_by: Annotated[str | None, Field(description="未导入，由谁知悉")]
    acknowledged_at: datetime | None


class _Other(NamedTuple):
    number: str
    later: bool


def handed_in_view(row: HandedIn) -> HandedInView:
    return {
        "rows_total": row.rows_total,
        "rows_checked": row.rows_checked,
        "rows_refused": row.rows_refused,
        "problem": row.problem,
        "to_confirm_count": row.to_confirm_count,
        "rows_to_confirm": row.rows_to_confirm,
        "decision": row.decision,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "entered_by": row.entered_by,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


async def corrections(session: AsyncSession, row: HandedIn, table: str, number: str) -> Corrections:
    """The one before and those after, by the column `number` of `table`; and who has noted that it was refused."""
    found = await fetch(
        session,
        _Other,
        f"SELECT {number} AS number, corrects_id IS NOT NULL AND corrects_id = :id AS later FROM {table}"
        " WHERE county_code = :county AND (corrects_id = :id OR id = :former) ORDER BY id",
        county=row.county_code,
        id=row.id,
        former=row.corrects_id or 0,
    )
    return {
        "corrects": next((each.number for each in found if not each.later), None),
        "corrected_by": [each.number for each in found if each.later],
        "acknowledged_by": row.acknowledged_by,
        "acknowledged_at": row.acknowledged_at,
    }


def faults_in(desk: Desk, number: str, sealed: str | None) -> Faults:
    return json_in(desk.shown.open(Sealed.FAULTS, number, sealed)) if sealed else []


def said_in(desk: Desk, number: str, sealed: str | None) -> str | None:
    return desk.shown.open(Sealed.REASON, number, sealed) if sealed else None


async def note_refused(desk: Desk, session: AsyncSession, row: HandedIn, act: str, number: str) -> None:
    """Once; whoever says it again is answered the same."""
    if row.acknowledged_at is not None:
        return
    row.acknowledged_by, row.acknowledged_at = desk.person, now()
    session.add(row)
    await session.flush()
    await desk.trail(session, act, number, {"problem": row.problem}, row.rows_total)


async def stored_refused_rows(session: AsyncSession, row: HandedIn) -> StoredFile:
    if row.refused_file_id is None:
        raise not_found("拒绝行文件")
    return (await session.exec(select(StoredFile).where(StoredFile.id == row.refused_file_id))).one()


async def give_refused_rows(
    desk: Desk, stored: StoredFile, thing: DisclosedThing, number: str, called: str
) -> Response:
    """With the reason per cell, to be corrected and handed in again; whoever takes them is noted."""
    data = await desk.objects.get(stored)
    await note_whole(desk, thing, number, DisclosurePurpose.EXPORT)
    return sheet(data, called, number)


def sheet(content: bytes, *called: str) -> Response:
    """An Excel file of one person's, kept by no cache."""
    headers = {**attachment("xlsx", *called), "Cache-Control": "private, no-store"}
    return Response(content, media_type=XLSX, headers=headers)

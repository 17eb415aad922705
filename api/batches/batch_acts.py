"""What is done to a batch: lines join and leave, publicity is set."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.acts.preview import ActAnswer
from api.applications.chosen_lines import (
    ActOnLines,
    act_answer_of_lines,
    choose_lines,
    hold_county,
    judged_lines,
    trail_of_lines,
)
from api.applications.double_views import DoublesBlock, doubles_block
from api.batches.batch_views import find_batch
from api.counter.desk import Desk, Reply
from api.counter.uploads import pictures_among
from api.server.problems import conflict, field_problem
from models.file_owners import FileOf
from models.free_text import FREE_TEXT
from models.store.applications.acts import change_chosen
from models.store.applications.rules import JOIN_BATCH, JOIN_BATCH_RULES, LEAVE_BATCH, LEAVE_BATCH_RULES
from models.store.policies.file_uses import use_files
from models.store.selection import NO_NUL, among
from models.store.sql import execute, one_of
from models.tables.base import now
from models.tables.batches import Batch
from models.words.refusals import Refusal
from models.words.stages import BatchStage

EARLIEST = date(2000, 1, 1)
MOST_IMAGES = 20


class Publicity(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start_date: date
    address: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=NO_NUL), FREE_TEXT
    ]
    image_file_ids: Annotated[list[int], Field(min_length=1, max_length=MOST_IMAGES)]


class JoinAnswer(ActAnswer):
    doubles: Annotated[DoublesBlock, Field(description="批次内可能重复的申请")]


class PublicitySet(TypedDict):
    batch_no: str
    start_date: Annotated[date, Field(description="公示开始日期")]
    address: Annotated[str, Field(description="公示地址")]
    image_file_ids: Annotated[list[int], Field(description="公示图片的文件编号")]


async def join(desk: Desk, session: AsyncSession, batch_no: str, asked: ActOnLines) -> Reply:
    await hold_county(desk, session, asked)
    batch = await _open_batch(desk, session, batch_no)
    choice = await choose_lines(
        desk, session, asked, JOIN_BATCH_RULES, "入批次", batch_id=batch.id, fund_year=batch.fund_year
    )
    joined = among(desk.county).also(one_of("FROM chosen c WHERE c.id = a.id AND c.left_out IS NULL"))
    beside = await doubles_block(session, desk.county, joined, f"/batches/{batch_no}/doubles")
    answer: JoinAnswer = {**act_answer_of_lines("batch.joined", choice), "doubles": beside}
    await judged_lines(session, asked, answer)
    await change_chosen(session, JOIN_BATCH, batch_id=batch.id)
    after = {"batch_no": batch_no, "doubles": beside["count"]}
    await trail_of_lines(desk, session, "batch.joined", asked.selection, choice, None, batch_no, **after)
    return Reply(200, answer)


async def leave(desk: Desk, session: AsyncSession, batch_no: str, asked: ActOnLines) -> Reply:
    await hold_county(desk, session, asked)
    batch = await _open_batch(desk, session, batch_no)
    choice = await choose_lines(desk, session, asked, LEAVE_BATCH_RULES, "移出批次", batch_id=batch.id)
    answer = act_answer_of_lines("batch.left", choice)
    await judged_lines(session, asked, answer)
    await change_chosen(session, LEAVE_BATCH)
    await trail_of_lines(desk, session, "batch.left", asked.selection, choice, None, batch_no, batch_no=None)
    return Reply(200, answer)


async def set_publicity(desk: Desk, session: AsyncSession, batch_no: str, publicity: Publicity) -> Reply:
    """Replaces what was set before; fixed once a flow leans on it."""
    batch = await find_batch(desk, session, batch_no, changing=True)
    if batch.stage in (BatchStage.IN_FLOW, BatchStage.DONE):
        detail = "批次已启动补贴流程，公示信息不能再修改"
        raise conflict(Refusal.BATCH_IN_FLOW, "公示信息已固定", detail)
    if publicity.start_date < EARLIEST:
        raise field_problem({"/start_date": "日期不合理，请填写公示开始日期"})
    await _need_images(desk, session, publicity.image_file_ids)
    publicity.image_file_ids = list(dict.fromkeys(publicity.image_file_ids))
    before = {"start_date": batch.publicity_start, "address": batch.publicity_address}
    batch.publicity_start, batch.publicity_address = publicity.start_date, publicity.address
    batch.publicity_by, batch.updated_at = desk.person, now()
    session.add(batch)
    await session.flush()
    await _set_images(session, batch, publicity.image_file_ids)
    await use_files(session, FileOf.PUBLICITY, [(file_id, batch_no) for file_id in publicity.image_file_ids])
    after = publicity.model_dump(mode="json")
    await desk.trail(session, "batch.publicity_set", batch_no, {"before": before, "after": after})
    answer: PublicitySet = {
        "batch_no": batch_no,
        "start_date": publicity.start_date,
        "address": publicity.address,
        "image_file_ids": publicity.image_file_ids,
    }
    return Reply(200, answer)


async def _set_images(session: AsyncSession, batch: Batch, file_ids: list[int]) -> None:
    await execute(session, "DELETE FROM batch_image WHERE batch_id = :batch", batch=batch.id)
    await execute(
        session,
        "INSERT INTO batch_image (batch_id, file_id, position) SELECT :batch, file, place"
        " FROM unnest(CAST(:files AS bigint[])) WITH ORDINALITY AS image (file, place)",
        batch=batch.id,
        files=file_ids,
    )


async def _open_batch(desk: Desk, session: AsyncSession, batch_no: str) -> Batch:
    batch = await find_batch(desk, session, batch_no, changing=True)
    if batch.stage is not BatchStage.OPEN:
        detail = f"批次当前“{batch.stage.label}”，内容已冻结，不能加入或移出申请"
        raise conflict(Refusal.BATCH_FROZEN, "批次内容已冻结", detail)
    return batch


async def _need_images(desk: Desk, session: AsyncSession, file_ids: list[int]) -> None:
    known = await pictures_among(desk, session, file_ids)
    unknown = {
        f"/image_file_ids/{place}": "没有这个图片文件，请先用 POST /files 上传 PNG 或 JPEG 图片"
        for place, file_id in enumerate(file_ids)
        if file_id not in known
    }
    if unknown:
        raise field_problem(unknown)

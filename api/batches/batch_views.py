"""How a batch is shown: its figures per stage and per verification, by SQL."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.run_block import run_of
from api.server.problems import not_found
from models.contracts import RunKind
from models.store.locking import lock_batch
from models.store.register.account_locks import locked
from models.store.sql import fetch_int, loose
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.batches import Batch
from models.words.stages import ApplicationStage, BatchStage, Verification

BATCH_HEADERS: Mapping[str, str] = {
    "batch_no": "结算批次",
    "title": "名称",
    "fund_year": "资金年度",
    "stage_label": "状态",
    "line_count": "申请份数",
    "total_fen": "金额（元）",
    "publicity_start": "公示开始日期",
    "publicity_address": "公示地址",
    "created_by": "建立人",
    "created_at": "建立时间",
}
Figures = list[dict[str, object]]


async def find_batch(desk: Desk, session: AsyncSession, batch_no: str, *, changing: bool = False) -> Batch:
    """The county's batch, locked when it is to be changed."""
    which = (Batch.batch_no == batch_no, Batch.county_code == desk.county)
    if changing:
        batch = await lock_batch(session, *which)
    else:
        batch = (await session.exec(select(Batch).where(*which))).first()
    if batch is None:
        raise not_found("批次")
    return batch


async def batch_views(
    session: AsyncSession, vault: Vault, batches: Sequence[Batch]
) -> list[tuple[int, dict[str, object]]]:
    """Batches with their figures per stage, read in one statement."""
    figures = await _stage_figures(session, [_id(batch) for batch in batches])
    return [(_id(batch), _view(vault, batch, figures[_id(batch)])) for batch in batches]


async def whole_batch(desk: Desk, session: AsyncSession, batch: Batch) -> dict[str, object]:
    (_, view), *_ = await batch_views(session, desk.shown, [batch])
    number = f"{batch.batch_no}-V{batch.verification_round}"
    images = await loose(
        session, "SELECT file_id FROM batch_image WHERE batch_id = :batch ORDER BY position", batch=batch.id
    )
    flows = await loose(session, "SELECT flow_no FROM flow WHERE batch_id = :batch ORDER BY id", batch=batch.id)
    return {
        **view,
        "verification": await _verification_figures(session, _id(batch)),
        "verification_round": batch.verification_round,
        "verify_again": await _free_again(session, batch),
        "publicity": {
            "start_date": batch.publicity_start,
            "address": batch.publicity_address,
            "image_file_ids": [row.file_id for row in images],
            "set_by": batch.publicity_by,
        },
        "flow_nos": [row.flow_no for row in flows],
        "run": await run_of(session, desk.settings, RunKind.VERIFICATION, number),
    }


def _view(vault: Vault, batch: Batch, stages: Figures) -> dict[str, object]:
    return {
        "batch_no": batch.batch_no,
        "title": open_text(vault, batch.county_code, batch.title_sealed),
        "fund_year": batch.fund_year,
        "stage": batch.stage,
        "stage_label": BatchStage(batch.stage).label,
        "line_count": sum(int(str(row["count"])) for row in stages),
        "total_fen": sum(int(str(row["total_fen"])) for row in stages),
        "stages": stages,
        "publicity_start": batch.publicity_start,
        "publicity_address": batch.publicity_address,
        "created_by": batch.created_by,
        "created_at": batch.created_at,
    }


async def _stage_figures(session: AsyncSession, ids: Sequence[int]) -> Mapping[int, Figures]:
    rows = await loose(
        session,
        "SELECT batch_id, stage, count(*) AS count, sum(amount_fen)::bigint AS total_fen FROM application"
        " WHERE batch_id = ANY(:ids) GROUP BY 1, 2 ORDER BY 1, 2",
        ids=list(ids),
    )
    figures: defaultdict[int, Figures] = defaultdict(list)
    for row in rows:
        words = ApplicationStage(row.stage).label
        figures[row.batch_id].append({"stage": row.stage, "label": words, "count": row[2], "total_fen": row.total_fen})
    return figures


async def _verification_figures(session: AsyncSession, batch_id: int) -> Figures:
    rows = await loose(
        session,
        "SELECT verification, count(*), sum(amount_fen)::bigint FROM application"
        " WHERE batch_id = :batch AND stage <> 'withdrawn' GROUP BY 1 ORDER BY 1",
        batch=batch_id,
    )
    return [
        {"verification": word, "label": Verification(word).label, "count": count, "total_fen": total}
        for word, count, total in rows
    ]


async def _free_again(session: AsyncSession, batch: Batch) -> int:
    """Lines that were held at the verification and whose account is settled since: one more verification takes them."""
    if batch.stage is not BatchStage.VERIFIED:
        return 0
    return await fetch_int(
        session,
        "SELECT count(*) FROM application a WHERE a.batch_id = :batch AND a.stage = 'in_batch'"
        f" AND a.verification = 'held' AND NOT {locked('a')}",
        batch=batch.id,
    )


def _id(batch: Batch) -> int:
    assert batch.id is not None
    return batch.id

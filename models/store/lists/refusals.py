"""A list that the platform won't take: its lines come back to the county with the reason."""

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lists.lines import send_back
from models.store.locking import lock_applications
from models.store.runs.slots import release_slot
from models.store.sql import execute
from models.store.vault import Vault
from models.tables.batches import Dataset
from models.wire.answers import RefusalDetails
from models.words.errors import ADVICE
from models.words.stages import DatasetStage

LINES_OF_LIST = "SELECT application_id FROM dataset_line WHERE dataset_id = :id"


async def take_back(session: AsyncSession, vault: Vault, dataset: Dataset, refusal: RefusalDetails) -> None:
    """Refuse the list as a whole; named lines are at fault, the others stand where they stood before.

    The list is held by the caller, with what goes on with its results.
    """
    advice = ADVICE[refusal.code]
    dataset.stage, dataset.refusal_code, dataset.refusal_detail = DatasetStage.REFUSED, refusal.code, advice
    await session.flush()
    if dataset.kind == "beneficiary_init":
        await _take_back_init(session, dataset)
    elif dataset.kind == "verification":
        await _take_back_verification(session, dataset)
    else:
        await _take_back_round(session, vault, dataset, refusal)


async def _take_back_init(session: AsyncSession, dataset: Dataset) -> None:
    await lock_applications(session, LINES_OF_LIST, id=dataset.id)
    await execute(
        session,
        "UPDATE application a SET list_id = NULL, updated_at = now() FROM dataset_line l"
        " WHERE l.dataset_id = :id AND a.id = l.application_id AND (a.stage = 'publicised') IS TRUE",
        id=dataset.id,
    )
    await release_slot(session, dataset.county_code, dataset.reference)


async def _take_back_verification(session: AsyncSession, dataset: Dataset) -> None:
    await lock_applications(session, LINES_OF_LIST, id=dataset.id)
    await execute(
        session,
        "UPDATE application a SET verification = 'none', updated_at = now() FROM dataset_line l"
        " WHERE l.dataset_id = :id AND a.id = l.application_id AND a.verification = 'pending'",
        id=dataset.id,
    )
    await execute(
        session,
        "UPDATE batch SET stage = 'open', updated_at = now() WHERE id = :batch AND stage = 'verifying'",
        batch=dataset.batch_id,
    )


async def _take_back_round(session: AsyncSession, vault: Vault, dataset: Dataset, refusal: RefusalDetails) -> None:
    """Without named lines all are sent back, so that a person looks before the same round goes out again."""
    said = f"平台拒收：{ADVICE[refusal.code]}"
    named = list(refusal.application_nos) or None
    sent_back = await send_back(session, vault, dataset, "other", said, named)
    if not sent_back:
        await send_back(session, vault, dataset, "other", said)
    await execute(
        session,
        "UPDATE flow_line f SET state = CASE WHEN f.reason_code IS NULL THEN 'unsent' ELSE 'rejected' END,"
        " updated_at = now() FROM dataset_line l WHERE l.dataset_id = :dataset AND (f.flow_id = :flow) IS TRUE"
        " AND f.application_id = l.application_id AND (f.state = 'under_review') IS TRUE",
        dataset=dataset.id,
        flow=dataset.flow_id,
    )
    await execute(
        session,
        "UPDATE operator_order SET state = 'failed', outcome_code = :code, outcome = :outcome, finished_at = now()"
        " WHERE order_no = :order_no AND state = 'confirmed'",
        code=refusal.code,
        outcome=said,
        order_no=dataset.order_no,
    )

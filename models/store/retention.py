"""What nobody needs any more goes after its days, a batch at a time.

The books stay: runs, instructions, the trail, payments, and every callback, whose event id must be unique for ever.
"""

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.sql import execute

BATCH = 1_000
_OLD: Mapping[str, str] = {
    "outbox_kept_days": "outbox WHERE delivered_at < {before}",
    # begun by an applicant, and left
    "drafts_kept_days": "application_draft WHERE updated_at < {before}",
    # a key that is used again after that is a new request
    "answers_kept_days": "idempotent_answer WHERE created_at < {before}",
    # limits count the last hour, a session lives as long as somebody uses it
    "logins_kept_days": "face_login WHERE ended_at < {before} AND coalesce(last_seen_at, ended_at) < {before}",
    # accounts that didn't pass stay with their round, whose figures stay too
    "verdicts_kept_days": "account_check WHERE valid AND round_id IN (SELECT id FROM check_round"
    " WHERE ended_at < {before})",
}
KINDS = tuple(_OLD)


async def clear_old(session: AsyncSession, settings: Settings, kind: str) -> bool:
    """Delete up to a batch of one kind (of `KINDS`); True when there may be more."""
    rows = _OLD[kind].format(before="now() - make_interval(days => :days)")
    table = rows.partition(" ")[0]
    deleted = await execute(
        session,
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {rows} LIMIT {BATCH}))",
        days=getattr(settings, kind),
    )
    return deleted == BATCH

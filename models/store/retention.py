"""What nobody needs any more goes after its days, a batch at a time.

The books stay: runs, instructions, the trail, payments, and every callback, whose event id must be unique for ever.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.settings import Settings
from models.store.sql import execute

BATCH = 1_000


class Old(NamedTuple):
    """`days` is the setting that says how long, `rows` which of a table's rows go after that."""

    days: str
    rows: str


# By table.
_OLD: Mapping[str, Old] = {
    "outbox": Old("outbox_kept_days", "delivered_at < {before}"),
    # begun by an applicant, and left
    "application_draft": Old("drafts_kept_days", "updated_at < {before}"),
    # a key that is used again after that is a new request
    "idempotent_answer": Old("answers_kept_days", "created_at < {before}"),
    # limits count the last hour, a session lives as long as somebody uses it
    "face_login": Old("logins_kept_days", "ended_at < {before} AND coalesce(last_seen_at, ended_at) < {before}"),
    # good for a quarter of an hour, a day, an hour
    "sign_in_ticket": Old("logins_kept_days", "made_at < {before}"),
    "oidc_attempt": Old("logins_kept_days", "made_at < {before}"),
    "sign_in_tally": Old("logins_kept_days", "last_at < {before}"),
    "search_tally": Old("logins_kept_days", "since < {before}"),
    # each person's last one stays: it says when somebody was here last
    "staff_session": Old(
        "staff_sessions_kept_days",
        "ended_at < {before} AND EXISTS (SELECT 1 FROM staff_session later"
        " WHERE later.person_id = staff_session.person_id AND later.id > staff_session.id)",
    ),
    # accounts that didn't pass stay with their round, whose figures stay too
    "account_check": Old(
        "verdicts_kept_days", "valid AND round_id IN (SELECT id FROM check_round WHERE ended_at < {before})"
    ),
    # what a load did is the register's history; rows that were left as they are stay with the load, as its figures do
    "register_load_row": Old(
        "verdicts_kept_days",
        "(outcome IS NULL OR outcome IN ('new', 'changed', 'same'))"
        " AND load_id IN (SELECT id FROM register_load WHERE finished_at < {before})",
    ),
}
KINDS = tuple(_OLD)


async def clear_old(session: AsyncSession, settings: Settings, kind: str) -> bool:
    """Delete up to a batch of one kind (of `KINDS`); True when there may be more."""
    old = _OLD[kind]
    rows = old.rows.format(before="now() - make_interval(days => :days)")
    deleted = await execute(
        session,
        f"DELETE FROM {kind} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {kind} WHERE {rows} LIMIT {BATCH}))",
        days=getattr(settings, old.days),
    )
    return deleted == BATCH

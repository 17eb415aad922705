"""Starting a run again from its row when its execution is gone."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.runs.runs import wake
from models.store.sql import fetch_one
from models.store.trail.entries import by_system, record
from models.store.vault import Vault

_FIRST_PAUSE_SECONDS = 30.0


class _Restarted(NamedTuple):
    county_code: str
    number: str
    restarts: int


async def restart_run(session: AsyncSession, vault: Vault, workflow_id: str, longest_pause: float) -> bool:
    """Post the start anew and note it in the trail; False for a run that ended, or was restarted a moment ago.

    `missing_since` stands from the last restart until the run is seen running or has moved on: one that ends
    again at once is started ever more rarely.
    """
    row = await fetch_one(
        session,
        _Restarted,
        "UPDATE run SET restarts = restarts + 1, missing_since = now() WHERE workflow_id = :id AND closed_at IS NULL"
        " AND (missing_since IS NULL OR missing_since < since OR missing_since < now()"
        " - make_interval(secs => least(:longest, :first * 2 ^ least(restarts, 20))))"
        " RETURNING county_code, number, restarts",
        id=workflow_id,
        longest=longest_pause,
        first=_FIRST_PAUSE_SECONDS,
    )
    if row is None:
        return False
    await wake(session, workflow_id)
    detail = {"workflow_id": workflow_id, "restarts": row.restarts}
    await record(session, vault, by_system(row.county_code, "run_restarted", row.number, detail))
    return True

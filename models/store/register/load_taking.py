"""What a load means for the register, row by row, and its taking: set statements, whatever a county has.

Never over an account that is being changed, nor over what has come since the file's day: such rows are left out with
why. The rows are sealed to the register's own keys, so nothing is opened here.
"""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Signal, workflow_id
from models.store.lock_order import Rank
from models.store.register.loads import end_load, newer_since
from models.store.register.register import FROM_LOAD
from models.store.runs.runs import wake
from models.store.sql import execute, fetch, fetch_int
from models.store.transaction import turns_of
from models.tables.base import now
from models.tables.loads import RegisterLoad
from models.words.card_stages import LoadOutcome, LoadStage
from models.words.faults import FaultCode

_LOCKED = (
    "EXISTS (SELECT FROM account_lock k WHERE k.county_code = :county AND k.person_index = w.person_index"
    " AND k.ended_at IS NULL)"
)
# What another load brought is as old as its own file, and no file older than that is taken at all.
_NEWER = (
    "EXISTS (SELECT FROM register_change c WHERE c.register_account_id = r.id AND c.source <> :load_source"
    " AND coalesce(c.as_of, c.at) >= CAST(:day AS timestamptz))"
)
_SAME = (
    "r.status = 'valid' AND (r.bank_code, r.account_index, r.card_type, r.name_index)"
    " = (w.bank_code, w.account_index, w.card_type, w.name_index)"
)
_COMPARED = f"""
UPDATE register_load_row w SET outcome = s.outcome,
  code = CASE s.outcome WHEN 'refused' THEN w.code WHEN 'left_out' THEN s.code END,
  old_bank_code = s.bank_code, old_account_sealed = s.account_sealed, old_status = s.status
FROM (
  SELECT w.id, r.bank_code, r.account_sealed, r.status,
    CASE WHEN NOT w.valid THEN 'refused' WHEN {_SAME} THEN 'same' WHEN {_LOCKED} OR {_NEWER} THEN 'left_out'
      WHEN r.id IS NULL THEN 'new' ELSE 'changed' END AS outcome,
    CASE WHEN {_LOCKED} THEN CAST(:locked AS text) ELSE :newer END AS code
  FROM register_load_row w
  LEFT JOIN register_account r ON r.person_index = w.person_index AND r.county_code = :county
  WHERE w.load_id = :load
) AS s WHERE w.id = s.id
"""
# What the register has had since it was compared is later word than what the reviewer saw; any sealing differs.
_OVERTAKEN = f"""
UPDATE register_load_row w SET outcome = 'left_out',
  code = CASE WHEN {_LOCKED} THEN CAST(:locked AS text) ELSE :newer END
WHERE w.load_id = :load AND w.outcome = ANY(:outcomes) AND ({_LOCKED} OR EXISTS (
  SELECT FROM register_account r WHERE r.person_index = w.person_index AND r.county_code = :county
    AND (r.bank_code, r.account_sealed, r.status)
      IS DISTINCT FROM (w.old_bank_code, w.old_account_sealed, w.old_status)))
"""
# In the order of the people, as everywhere: those that are there are locked by the conflict, and left as they are.
_INSERTED = """
WITH inserted AS (
  INSERT INTO register_account AS r (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code,
    account_sealed, account_index, card_type, status, source, updated_at)
  SELECT :county, w.person_index, w.name_sealed, w.name_index, w.id_number_sealed, w.bank_code, w.account_sealed,
    w.account_index, w.card_type, 'valid', :load_source, now()
  FROM register_load_row w WHERE w.load_id = :load AND w.outcome IN ('new', 'changed') ORDER BY w.person_index
  ON CONFLICT (person_index, county_code) DO UPDATE SET status = r.status WHERE FALSE
  RETURNING r.id, r.bank_code, r.account_sealed
)
INSERT INTO register_change (register_account_id, source, actor, new_bank_code, new_account_sealed, new_status, at,
  as_of)
SELECT i.id, :load_source, :actor, i.bank_code, i.account_sealed, 'valid', now(), CAST(:asked AS timestamptz)
FROM inserted i
"""
_CHANGED = "register_load_row w JOIN register_account r ON r.person_index = w.person_index AND r.county_code = :county"
_KEPT = f"""
INSERT INTO register_change (register_account_id, source, actor, old_bank_code, old_account_sealed, new_bank_code,
  new_account_sealed, old_status, new_status, at, as_of)
SELECT r.id, :load_source, :actor, r.bank_code, r.account_sealed, w.bank_code, w.account_sealed, r.status, 'valid',
  now(), CAST(:asked AS timestamptz)
FROM {_CHANGED} WHERE w.load_id = :load AND w.outcome = 'changed'
"""
_REPLACED = """
UPDATE register_account r SET name_sealed = w.name_sealed, name_index = w.name_index,
  id_number_sealed = w.id_number_sealed, bank_code = w.bank_code, account_sealed = w.account_sealed,
  account_index = w.account_index, card_type = w.card_type, status = 'valid', source = :load_source, updated_at = now()
FROM register_load_row w
WHERE r.person_index = w.person_index AND r.county_code = :county AND w.load_id = :load AND w.outcome = 'changed'
"""
# Lines that were held for want of an account may go.
_WAITING_FLOWS = """
SELECT DISTINCT f.flow_no FROM flow f JOIN flow_line l ON l.flow_id = f.id JOIN application a ON a.id = l.application_id
JOIN register_load_row w ON w.person_index = a.person_index
WHERE f.county_code = :county AND f.stage <> 'ended' AND l.state IN ('unsent', 'held', 'rejected', 'under_review')
  AND w.load_id = :load AND w.outcome = 'changed' AND w.old_status = 'cleared'
"""


class LoadOvertaken(Exception):
    """A change of somebody's account has begun while the load was being taken: it is taken anew, without that one."""


class _Figure(NamedTuple):
    outcome: str
    accounts: int


async def compare_load(session: AsyncSession, load: RegisterLoad) -> bool:
    """What each row would do to the register; False while the bank still has to say its word on one."""
    unasked = "SELECT 1 FROM register_load_row WHERE load_id = :load AND valid IS NULL LIMIT 1"
    if await fetch_int(session, unasked, load=load.id):
        return False
    load.compared_at = now()
    await session.flush()
    await execute(
        session,
        _COMPARED,
        load=load.id,
        county=load.county_code,
        load_source=FROM_LOAD,
        day=newer_since(load.as_of),
        locked=FaultCode.ACCOUNT_LOCKED.value,
        newer=FaultCode.ACCOUNT_NEWER.value,
    )
    load.figures = await load_figures(session, load)
    load.stage = LoadStage.ENTERED
    session.add(load)
    await session.flush()
    return True


async def load_figures(session: AsyncSession, load: RegisterLoad) -> dict[str, int]:
    rows = await fetch(
        session,
        _Figure,
        "SELECT outcome, count(*) AS accounts FROM register_load_row WHERE load_id = :load GROUP BY 1",
        load=load.id,
    )
    found = dict(rows)
    return {outcome.value: found.get(outcome.value, 0) for outcome in LoadOutcome}


async def take_accounts(session: AsyncSession, load: RegisterLoad) -> None:
    """What the reviewer saw, as far as nothing has come since, in one transaction; raises LoadOvertaken.

    `load` is locked by the caller. Changes that begin meanwhile wait for the last moment of it alone.
    """
    whose = {"load": load.id, "county": load.county_code}
    named = {"load_source": FROM_LOAD, "actor": load.confirmed_by, "asked": load.asked_at}
    await _leave_out(session, load, LoadOutcome.NEW, LoadOutcome.CHANGED)
    inserted = await execute(session, _INSERTED, **whose, **named)
    # their rows are locked from here on
    await _leave_out(session, load, LoadOutcome.CHANGED)
    await execute(session, _KEPT, **whose, **named)
    await execute(session, _REPLACED, **whose, load_source=FROM_LOAD)
    await _refuse_if_overtaken(session, load, inserted)
    load.figures = await load_figures(session, load)
    await end_load(session, load, LoadStage.LOADED)
    for flow_no in await fetch(session, str, _WAITING_FLOWS, **whose):
        await wake(session, workflow_id(RunKind.SUBSIDY_FLOW, flow_no), Signal.LINES_CHANGED, [load.load_no])


async def _leave_out(session: AsyncSession, load: RegisterLoad, *outcomes: LoadOutcome) -> None:
    await execute(
        session,
        _OVERTAKEN,
        load=load.id,
        county=load.county_code,
        outcomes=[outcome.value for outcome in outcomes],
        locked=FaultCode.ACCOUNT_LOCKED.value,
        newer=FaultCode.ACCOUNT_NEWER.value,
    )


async def _refuse_if_overtaken(session: AsyncSession, load: RegisterLoad, inserted: int) -> None:
    """Somebody else's row came first, or a change has begun: from here to the commit none can."""
    new = "SELECT count(*) FROM register_load_row w WHERE w.load_id = :load AND w.outcome = 'new'"
    if await fetch_int(session, new, load=load.id) != inserted:
        raise LoadOvertaken
    turns_of(session).take(Rank.ACCOUNT_LOCK)
    await execute(session, "LOCK TABLE account_lock IN SHARE MODE")
    locked = (
        f"SELECT count(*) FROM register_load_row w WHERE w.load_id = :load AND w.outcome = ANY(:taken) AND {_LOCKED}"
    )
    taken = [LoadOutcome.NEW.value, LoadOutcome.CHANGED.value]
    if await fetch_int(session, locked, load=load.id, county=load.county_code, taken=taken):
        raise LoadOvertaken

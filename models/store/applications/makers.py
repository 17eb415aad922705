"""What a person did about a flow and its lines, as the table of maker and checker asks (models.words.makers)."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.locking import lock_applications
from models.store.sql import Shape, Value, execute, fetch, fetch_one
from models.words.makers import NOT_BY, Act


class _OfFlow(NamedTuple):
    """Fields of this and the next two are acts."""

    flow_started: bool
    summary_reviewed: bool
    summary_submitted: bool
    order_entered: bool
    line_entered: bool
    line_edited: bool


class _OfDataset(NamedTuple):
    line_entered: bool
    line_edited: bool


class _OfEntry(NamedTuple):
    entry_entered: bool


# `flow_line` copies an application when the flow starts; who entered and edited it stays with the application.
_OF_FLOW = """
SELECT f.started_by = :person AS flow_started,
       coalesce(s.reviewed_by = :person, false) AS summary_reviewed,
       coalesce(s.submitted_by = :person, false) AS summary_submitted,
       EXISTS (SELECT FROM operator_order o WHERE o.flow_id = f.id AND o.entered_by = :person) AS order_entered,
       EXISTS (SELECT FROM flow_line l JOIN application a ON a.id = l.application_id
               WHERE l.flow_id = f.id AND a.entered_by = :person) AS line_entered,
       EXISTS (SELECT FROM flow_line l JOIN application a ON a.id = l.application_id
               WHERE l.flow_id = f.id AND :person = ANY(a.edited_by)) AS line_edited
FROM flow f LEFT JOIN summary s ON s.flow_id = f.id AND s.number = f.summary_no
WHERE f.flow_no = :number
"""
_OF_DATASET = """
SELECT coalesce(bool_or(a.entered_by = :person), false) AS line_entered,
       coalesce(bool_or(:person = ANY(a.edited_by)), false) AS line_edited
FROM dataset d JOIN dataset_line n ON n.dataset_id = d.id JOIN application a ON a.id = n.application_id
WHERE d.reference = :number
"""
# The same the other way round: who did one of some acts. A flow's lines are gone through only where they count.
_WHO = """
SELECT DISTINCT person FROM (
  SELECT f.started_by AS person FROM flow f WHERE f.flow_no = :number AND 'flow_started' = ANY(:acts)
  UNION ALL SELECT s.reviewed_by FROM flow f JOIN summary s ON s.flow_id = f.id AND s.number = f.summary_no
  WHERE f.flow_no = :number AND 'summary_reviewed' = ANY(:acts)
  UNION ALL SELECT s.submitted_by FROM flow f JOIN summary s ON s.flow_id = f.id AND s.number = f.summary_no
  WHERE f.flow_no = :number AND 'summary_submitted' = ANY(:acts)
  UNION ALL SELECT o.entered_by FROM flow f JOIN operator_order o ON o.flow_id = f.id
  WHERE f.flow_no = :number AND 'order_entered' = ANY(:acts)
  UNION ALL SELECT a.entered_by FROM flow f JOIN flow_line l ON l.flow_id = f.id
  JOIN application a ON a.id = l.application_id WHERE f.flow_no = :number AND 'line_entered' = ANY(:acts)
  UNION ALL SELECT unnest(a.edited_by) FROM flow f JOIN flow_line l ON l.flow_id = f.id
  JOIN application a ON a.id = l.application_id WHERE f.flow_no = :number AND 'line_edited' = ANY(:acts)
  UNION ALL SELECT e.entered_by FROM village_entry e WHERE e.entry_no = :number AND 'entry_entered' = ANY(:acts)
  UNION ALL SELECT unnest(ARRAY[d.entered_by, d.decided_by]) FROM register_load d
  WHERE d.load_no = :number AND 'load_entered' = ANY(:acts)
) AS done WHERE person IS NOT NULL ORDER BY person
"""
_OF_ENTRY = "SELECT entered_by = :person AS entry_entered FROM village_entry WHERE entry_no = :number"

# Whoever entered a line is known already; names are kept in the order in which they came.
ADD_EDITOR = (
    "edited_by = CASE WHEN a.entered_by = :editor OR :editor = ANY(a.edited_by) THEN a.edited_by"
    " ELSE a.edited_by || CAST(:editor AS varchar) END"
)
MADE_BY = "(a.entered_by = :actor OR :actor = ANY(a.edited_by))"


async def acts_in_flow(session: AsyncSession, flow_no: str, person: str) -> set[Act]:
    """What the person did about a flow, its lines, its orders and its current summary."""
    return await _acts(session, _OfFlow, _OF_FLOW, flow_no, person)


async def acts_about(session: AsyncSession, number: str, person: str) -> set[Act]:
    """The same about whatever a number names: a flow, a list or round at the platform, a 村社申报."""
    acts = await _acts(session, _OfFlow, _OF_FLOW, number, person)
    acts |= await _acts(session, _OfDataset, _OF_DATASET, number, person)
    return acts | await _acts(session, _OfEntry, _OF_ENTRY, number, person)


async def excepted(session: AsyncSession, act: Act, number: str) -> list[str]:
    """Who may not do an act on a flow or a 村社申报, for what they did before."""
    acts = [made.value for made in NOT_BY.get(act, ())]
    return await fetch(session, str, _WHO, number=number, acts=acts) if acts else []


async def add_editor(session: AsyncSession, editor: str, which: str, **values: Value) -> None:
    """Note who changed applications `a`; those that know the person already are not written again."""
    new = f"{which} AND a.entered_by <> :editor AND :editor <> ALL(a.edited_by)"
    await lock_applications(session, f"SELECT a.id FROM application a WHERE {new}", editor=editor, **values)
    await execute(session, f"UPDATE application a SET {ADD_EDITOR} WHERE {new}", editor=editor, **values)


async def _acts(session: AsyncSession, shape: type[Shape], statement: str, number: str, person: str) -> set[Act]:
    row = await fetch_one(session, shape, statement, number=number, person=person)
    if row is None:
        return set()
    return {act for act in Act if getattr(row, act.value, False)}

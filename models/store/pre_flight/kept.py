"""What was foreseen of a list as it went out, and how much of it the platform's answer has borne out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.pre_flight.foreseen import banks_known, judgement
from models.store.sql import Value, execute, fetch
from models.wire.words import DatasetKind
from models.words.flow_words import FORETOLD, Foreseen, PreFlightAct

SENT_BY: Mapping[PreFlightAct, DatasetKind] = {
    PreFlightAct.INITIALISATION: DatasetKind.BENEFICIARY_INIT,
    PreFlightAct.VERIFICATION: DatasetKind.VERIFICATION,
    PreFlightAct.START: DatasetKind.APPLICATION_SUBMISSION,
}
# The platform's word on a line: why it was refused, else its outcome.
_SAID = "CASE WHEN d.outcome = 'rejected' THEN d.reason_code ELSE d.outcome END"
_REFUSED = "d.outcome NOT IN ('matched', 'passed', 'accepted')"
# What an order sends anew nobody has foreseen anything of.
_FORETOLD = "(s.mode IS NULL OR s.mode = 'initial')"
_OF_DATASET = "dataset_line d JOIN application a ON a.id = d.application_id WHERE d.dataset_id = :dataset"
_LISTS = f"""
WITH lists AS MATERIALIZED (
  SELECT s.id, s.reference, s.kind FROM dataset s WHERE s.kind = :kind AND {_FORETOLD} AND {{whose}}
  ORDER BY s.id DESC LIMIT 5
), told AS (
  SELECT DISTINCT f.dataset_id, f.application_id FROM foreseen_line f WHERE f.dataset_id IN (SELECT id FROM lists)
)
SELECT l.id, l.reference, l.kind, count(*) AS lines, count(d.outcome) AS answered,
  count(*) FILTER (WHERE {_REFUSED}) AS refused,
  count(*) FILTER (WHERE {_REFUSED} AND f.application_id IS NULL) AS unforeseen
FROM lists l JOIN dataset_line d ON d.dataset_id = l.id
LEFT JOIN told f ON f.dataset_id = d.dataset_id AND f.application_id = d.application_id
GROUP BY 1, 2, 3 ORDER BY 1 DESC
"""


async def keep_foreseen(session: AsyncSession, county_code: str, dataset_id: int, kind: DatasetKind) -> None:
    """Of a list's lines as they were fixed; a list that is fixed anew keeps what was foreseen first."""
    values = await banks_known(session, county_code) if kind is DatasetKind.BENEFICIARY_INIT else {}
    await execute(
        session,
        f"{judgement(_OF_DATASET, FORETOLD[kind])} INSERT INTO foreseen_line (dataset_id, application_id, kind)"
        " SELECT :dataset, id, kind FROM told ON CONFLICT DO NOTHING",
        dataset=dataset_id,
        county=county_code,
        **values,
    )


class BorneOut(NamedTuple):
    """Of one list and kind: how many lines it was foreseen of, how many have an answer, of how many it came true."""

    dataset_id: int
    kind: str
    foreseen: int
    answered: int
    came_true: int


class AnsweredList(NamedTuple):
    """A list that went out: how many the platform said no to, and of how many of those nothing was foreseen."""

    id: int
    reference: str
    kind: str
    lines: int
    answered: int
    refused: int
    unforeseen: int


class AnswersOf(NamedTuple):
    """Whose lists: a condition over `dataset s`, and what it binds."""

    whose: str
    values: Mapping[str, Value]


def answers_of_batch(batch_id: int) -> AnswersOf:
    """An initialisation's list is that of the batch's applications."""
    whose = "SELECT d.dataset_id FROM application a JOIN dataset_line d ON d.application_id = a.id"
    return AnswersOf(f"s.id IN ({whose} WHERE a.batch_id = :batch)", {"batch": batch_id})


def answers_of_year(county_code: str, fund_year: int | None) -> AnswersOf:
    whose = "SELECT n.list_no FROM beneficiary_list n WHERE n.county_code = :county AND n.fund_year = :year"
    return AnswersOf(f"s.reference IN ({whose})", {"county": county_code, "year": fund_year})


async def answered_lists(session: AsyncSession, answers: AnswersOf, kind: DatasetKind) -> Sequence[AnsweredList]:
    """The newest five."""
    statement = _LISTS.format(whose=answers.whose)
    return await fetch(session, AnsweredList, statement, kind=kind.value, **answers.values)


async def borne_out(session: AsyncSession, dataset_ids: Sequence[int], kind: DatasetKind) -> Sequence[BorneOut]:
    wanted = " ".join(f"WHEN '{one.value}' THEN '{said}'" for one, said in FORETOLD[kind].items())
    return await fetch(
        session,
        BorneOut,
        "SELECT f.dataset_id, f.kind, count(*) AS foreseen, count(d.outcome) AS answered,"
        f" count(*) FILTER (WHERE {_SAID} = CASE f.kind {wanted} END) AS came_true FROM foreseen_line f"
        " JOIN dataset_line d ON d.dataset_id = f.dataset_id AND d.application_id = f.application_id"
        " WHERE f.dataset_id = ANY(:datasets) GROUP BY 1, 2 ORDER BY 1, 2",
        datasets=list(dataset_ids),
    )


def word_of(kind: DatasetKind, foreseen: Foreseen) -> str | None:
    """The platform's word that is foretold, if one is."""
    return FORETOLD[kind].get(foreseen)

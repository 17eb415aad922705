"""What was foreseen of a list as it went out, and how much of it the platform's answer has borne out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.pre_flight.foreseen import BY_SQL, banks_known
from models.store.sql import execute, fetch
from models.wire.words import DatasetKind
from models.words.flow_words import FORETOLD, Foreseen, PreFlightAct

SENT_BY: Mapping[PreFlightAct, DatasetKind] = {
    PreFlightAct.INITIALISATION: DatasetKind.BENEFICIARY_INIT,
    PreFlightAct.VERIFICATION: DatasetKind.VERIFICATION,
    PreFlightAct.START: DatasetKind.APPLICATION_SUBMISSION,
}
# The platform's word on a line: why it was refused, else its outcome.
_SAID = "CASE WHEN d.outcome = 'rejected' THEN d.reason_code ELSE d.outcome END"
# What the conditions read of a line: no sealed value is carried along.
_JUDGED = (
    "a.id, a.county_code, a.person_index, a.name_index, a.bank_code, a.account_index, a.fund_year, a.batch_id, a.stage,"
    " a.payments"
)
_GOOD = "('matched', 'passed', 'accepted')"


async def keep_foreseen(session: AsyncSession, county_code: str, dataset_id: int, kind: DatasetKind) -> None:
    """Of a list's lines as they were fixed; a list that is fixed anew keeps what was foreseen first."""
    values = await banks_known(session, county_code) if kind is DatasetKind.BENEFICIARY_INIT else {}
    each = " UNION ALL ".join(
        f"SELECT a.id, '{one.value}' AS kind FROM sent a WHERE {BY_SQL[one]}" for one in FORETOLD[kind]
    )
    await execute(
        session,
        f"WITH sent AS MATERIALIZED (SELECT {_JUDGED} FROM dataset_line d JOIN application a ON a.id = d.application_id"
        " WHERE d.dataset_id = :dataset) INSERT INTO foreseen_line (dataset_id, application_id, kind)"
        f" SELECT :dataset, f.id, f.kind FROM ({each}) AS f ON CONFLICT DO NOTHING",
        dataset=dataset_id,
        **values,
    )


class BorneOut(NamedTuple):
    """Of one kind: how many lines it was foreseen of, how many have an answer, of how many it came true."""

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


async def answered_lists(session: AsyncSession, batch_id: int, kind: DatasetKind) -> Sequence[AnsweredList]:
    """The newest five of a batch; an initialisation's is that of the batch's applications."""
    return await fetch(
        session,
        AnsweredList,
        "WITH lists AS (SELECT s.id, s.reference, s.kind FROM dataset s WHERE s.kind = :kind AND s.id IN ("
        " SELECT DISTINCT d.dataset_id FROM dataset_line d JOIN application a ON a.id = d.application_id"
        " WHERE a.batch_id = :batch) ORDER BY s.id DESC LIMIT 5)"
        " SELECT l.id, l.reference, l.kind, count(*) AS lines, count(d.outcome) AS answered,"
        f" count(*) FILTER (WHERE d.outcome NOT IN {_GOOD}) AS refused,"
        f" count(*) FILTER (WHERE d.outcome NOT IN {_GOOD} AND NOT EXISTS (SELECT FROM foreseen_line f"
        "   WHERE f.dataset_id = d.dataset_id AND f.application_id = d.application_id)) AS unforeseen"
        " FROM lists l JOIN dataset_line d ON d.dataset_id = l.id GROUP BY 1, 2, 3 ORDER BY 1 DESC",
        batch=batch_id,
        kind=kind.value,
    )


async def borne_out(session: AsyncSession, dataset_id: int, kind: DatasetKind) -> Sequence[BorneOut]:
    wanted = " ".join(f"WHEN '{one.value}' THEN '{said}'" for one, said in FORETOLD[kind].items())
    return await fetch(
        session,
        BorneOut,
        "SELECT f.kind, count(*) AS foreseen, count(d.outcome) AS answered,"
        f" count(*) FILTER (WHERE {_SAID} = CASE f.kind {wanted} END) AS came_true FROM foreseen_line f"
        " JOIN dataset_line d ON d.dataset_id = f.dataset_id AND d.application_id = f.application_id"
        " WHERE f.dataset_id = :dataset GROUP BY 1 ORDER BY 1",
        dataset=dataset_id,
    )


def word_of(kind: DatasetKind, foreseen: Foreseen) -> str | None:
    """The platform's word that is foretold, if one is."""
    return FORETOLD[kind].get(foreseen)

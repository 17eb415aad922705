"""What an act would send, of a batch or of all that is publicised in a fund year, and of it the lines of one kind."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.pre_flight.foreseen import ids_judged, sent_by
from models.store.pre_flight.kept import AnswersOf, answers_of_batch, answers_of_year
from models.store.pre_flight.opened import OPENED, ids_opened
from models.store.selection import ForeseenLines, ForWhom, LineFilter, Predicate, among, filtered, of_county
from models.store.sql import fetch_int, fetch_one
from models.store.vault import Vault
from models.words.flow_words import Foreseen, PreFlightAct
from models.words.staff import Role
from models.words.stages import ApplicationStage, BatchStage

# No condition on stage or year asks who it is for.
_ANYBODY = ForWhom("", Role.OPERATOR)
_AT_A_TIME = 5_000


class Asked(NamedTuple):
    """Of a batch what is about to be done, or of a fund year the initialisation of all that is publicised."""

    act: PreFlightAct
    batch_no: str | None
    fund_year: int | None


class Sent(NamedTuple):
    """What the act would send, and whose lists tell how right it was before."""

    act: PreFlightAct
    lines: Predicate
    answers: AnswersOf


class _Batch(NamedTuple):
    id: int
    stage: str


async def what_is_sent(session: AsyncSession, county_code: str, asked: Asked) -> Sent | None:
    """None where the county has no such batch."""
    if asked.batch_no is None:
        publicised = LineFilter(stage=ApplicationStage.PUBLICISED, fund_year=asked.fund_year)
        lines = filtered(county_code, publicised, _ANYBODY)
        answers = answers_of_year(county_code, asked.fund_year)
        return Sent(asked.act, sent_by(asked.act, lines, again=False), answers)
    statement = "SELECT id, stage FROM batch WHERE batch_no = :no AND county_code = :county"
    batch = await fetch_one(session, _Batch, statement, no=asked.batch_no, county=county_code)
    if batch is None:
        return None
    lines = of_county(county_code).also("a.batch_id = :batch", batch=batch.id)
    again = batch.stage == BatchStage.VERIFIED
    return Sent(asked.act, sent_by(asked.act, lines, again=again), answers_of_batch(batch.id))


async def ids_of_kind(
    session: AsyncSession, vault: Vault, sent: Sent, kind: Foreseen, *, after: int = 0, most: int | None = None
) -> Sequence[int]:
    """The lines behind `after` of which this is foreseen, `most` of them or all."""
    if kind in OPENED:
        return await ids_opened(session, vault, sent.lines.also("a.id > :behind", behind=after), kind, most)
    if most is not None:
        return await _judged(session, sent, kind, after, most)
    return await ids_judged(session, sent.lines, sent.act, kind)


async def _judged(session: AsyncSession, sent: Sent, kind: Foreseen, after: int, most: int) -> Sequence[int]:
    """Some lines at a time: for a page not all of a batch is judged."""
    found: list[int] = []
    while len(found) < most and (upto := await _next(session, sent, after)):
        some = sent.lines.also("a.id > :behind AND a.id <= :upto", behind=after, upto=upto)
        found += await ids_judged(session, some, sent.act, kind)
        after = upto
    return found[:most]


async def _next(session: AsyncSession, sent: Sent, after: int) -> int:
    """The last of the next lines; 0 where there is none."""
    coming = f"SELECT a.id FROM application a {sent.lines.where} AND a.id > :behind ORDER BY a.id LIMIT {_AT_A_TIME}"
    return await fetch_int(session, f"SELECT max(id) FROM ({coming}) AS coming", **sent.lines.values, behind=after)


async def lines_foreseen(session: AsyncSession, vault: Vault, county_code: str, chosen: ForeseenLines) -> Predicate:
    """What an act on all lines of one kind is about, as they are judged now."""
    asked = Asked(chosen.act, chosen.batch_no, chosen.fund_year)
    sent = await what_is_sent(session, county_code, asked)
    ids = await ids_of_kind(session, vault, sent, chosen.kind) if sent else ()
    return among(county_code).also("a.id = ANY(:foreseen)", foreseen=list(ids))

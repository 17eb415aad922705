"""Acts on many applications at once: choose and lock the lines, say which are left out and why, change the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.locking import lock_applications_into
from models.store.selection import MOST_NUMBERS, Predicate, Rule
from models.store.sql import Value, execute, fetch
from models.words.refusals import Refusal, RefusalCode

EXAMPLES = 20
EXAMPLES_OF_NAMED = 500
UNKNOWN_TITLE = "没有这个申请编号，请核对"
FIT = "SELECT id FROM chosen WHERE left_out IS NULL"
TOUCH = "version = a.version + 1, updated_at = now()"


@dataclass(frozen=True)
class LeftOut:
    code: RefusalCode
    title: str
    count: int
    application_nos: list[str]


class _StageSum(NamedTuple):
    stage: str
    lines: int
    fen: int


class _LeftOut(NamedTuple):
    left_out: str
    lines: int
    numbers: list[str]


@dataclass(frozen=True)
class Choice:
    """What the temporary table `chosen` holds: lines that fit (`left_out IS NULL`) and lines that don't."""

    count: int
    total_fen: int
    stages: dict[str, int]
    left_out: list[LeftOut]


async def choose(
    session: AsyncSession, predicate: Predicate, rules: Sequence[Rule], named: Sequence[str] | None, **values: Value
) -> Choice:
    """Lock the lines in the temporary table `chosen`; `named` numbers that aren't there count as left out."""
    await lock_applications_into(session, "chosen", _judged(predicate, rules), **{**predicate.values, **values})
    return await _choice(session, rules, named, EXAMPLES if named is None else EXAMPLES_OF_NAMED)


async def look_at(
    session: AsyncSession, predicate: Predicate, rules: Sequence[Rule], named: Sequence[str] | None, **values: Value
) -> Choice:
    """The same for somebody who only wants to know: nothing is locked, and what is left out is listed."""
    statement = f"CREATE TEMPORARY TABLE chosen ON COMMIT DROP AS {_judged(predicate, rules)}"
    await execute(session, statement, **{**predicate.values, **values})
    return await _choice(session, rules, named, MOST_NUMBERS)


def _judged(predicate: Predicate, rules: Sequence[Rule]) -> str:
    return (
        f"SELECT a.id, a.version, a.application_no, a.amount_fen, a.stage, {_verdict(rules)} AS left_out"
        f" FROM application a LEFT JOIN batch b ON b.id = a.batch_id{predicate.where}"
    )


async def _choice(session: AsyncSession, rules: Sequence[Rule], named: Sequence[str] | None, examples: int) -> Choice:
    await execute(session, "CREATE UNIQUE INDEX ON chosen (id)")
    await execute(session, "ANALYZE chosen")
    left_out = await _left_out(session, rules, examples) + await _unknown(session, named, examples)
    rows = await fetch(
        session,
        _StageSum,
        "SELECT stage, count(*) AS lines, sum(amount_fen)::bigint AS fen FROM chosen WHERE left_out IS NULL GROUP BY 1",
    )
    stages = {row.stage: row.lines for row in rows}
    return Choice(sum(stages.values()), sum(row.fen for row in rows), stages, left_out)


class _Verdicts(NamedTuple):
    codes: list[str | None]


class _Fit(NamedTuple):
    id: int
    state: str


async def fit_of_chosen(session: AsyncSession) -> list[_Fit]:
    """Every line that fits, as it is now: a change makes another version, another photo has another file."""
    return await fetch(
        session,
        _Fit,
        "SELECT c.id, c.version || '/' || coalesce((SELECT sum(p.file_id) FROM application_photo p"
        " WHERE p.application_id = c.id), 0) AS state FROM chosen c WHERE c.left_out IS NULL",
    )


async def verdicts(
    session: AsyncSession, predicate: Predicate, rules: Mapping[str, Sequence[Rule]], **values: Value
) -> dict[str, str | None] | None:
    """Why each act can't be done with one application, None where it can; None where there is none."""
    judged = ", ".join(_verdict(each) for each in rules.values())
    rows = await fetch(
        session,
        _Verdicts,
        f"SELECT ARRAY[{judged}] AS codes FROM application a LEFT JOIN batch b ON b.id = a.batch_id"
        f" WHERE {predicate.sql}",
        **{**predicate.values, **values},
    )
    if not rows:
        return None
    titles = {act: {str(rule.code): rule.title for rule in each} for act, each in rules.items()}
    return {act: titles[act][code] if code else None for act, code in zip(rules, rows[0].codes, strict=True)}


async def change_chosen(session: AsyncSession, change: str, **values: Value) -> int:
    """Change every line that fits, in one statement; gives their number."""
    return await execute(
        session,
        f"UPDATE application a SET {change}, {TOUCH} FROM chosen c WHERE c.id = a.id AND c.left_out IS NULL",
        **values,
    )


def _verdict(rules: Sequence[Rule]) -> str:
    if not rules:
        return "CAST(NULL AS text)"
    cases = " ".join(f"WHEN {rule.unfit} THEN '{rule.code}'" for rule in rules)
    return f"CASE {cases} END"


async def _left_out(session: AsyncSession, rules: Sequence[Rule], examples: int) -> list[LeftOut]:
    found_by = {str(rule.code): rule for rule in rules}
    rows = await fetch(
        session,
        _LeftOut,
        "SELECT left_out, count(*) AS lines, (array_agg(application_no ORDER BY id))[1:"
        f"{examples}] AS numbers FROM chosen WHERE left_out IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    return [LeftOut(found_by[code].code, found_by[code].title, lines, numbers) for code, lines, numbers in rows]


async def _unknown(session: AsyncSession, named: Sequence[str] | None, examples: int) -> list[LeftOut]:
    if named is None:
        return []
    numbers = await fetch(
        session,
        str,
        "SELECT DISTINCT n FROM unnest(CAST(:named AS text[])) AS n "
        "WHERE n NOT IN (SELECT application_no FROM chosen) ORDER BY 1",
        named=list(named),
    )
    return [LeftOut(Refusal.UNKNOWN_APPLICATION, UNKNOWN_TITLE, len(numbers), numbers[:examples])] if numbers else []

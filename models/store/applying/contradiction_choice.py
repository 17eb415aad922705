"""A choice of contradictions, by id or by a filter: which of them can be decided, and the decision noted on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.applications.makers import acts_about
from models.store.events.contradictions import LEAVES_OUT
from models.store.flows.difference import END_FIGURES
from models.store.lock_order import Rank
from models.store.locking import changing, fetch_locked, hold
from models.store.selection import MOST_NUMBERS, NO_NUL
from models.store.sql import Value, execute, fetch
from models.words.makers import Act, closed_by
from models.words.refusals import Refusal
from models.words.stages import ContradictionState

Word = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=NO_NUL)]
Id = Annotated[int, Field(ge=1, lt=2**63)]
# In the order in which they are judged; the person concerned decides nothing of the own account.
HINDRANCES: Mapping[str, str] = {
    Refusal.OWN_ACCOUNT: "本人账号的矛盾来件须由他人裁定",
    Refusal.SAME_PERSON: "须由没有经办其中申请、流程或申报的人裁定",
    Refusal.CONTRADICTION_DECIDED: "已经裁定，不能再改",
    Refusal.FIGURES_ARE_SUMS: "我方数字是逐笔结果之和，不能改成平台的总数",
    Refusal.NOTHING_CLAIMED: "来件只是缺少这一行，没有可以采信的内容",
    Refusal.UNKNOWN_CONTRADICTION: "没有这件矛盾来件，请核对序号",
}
_JUDGED = f"""
SELECT c.id, c.number, CASE
  WHEN EXISTS (SELECT FROM card_change x WHERE x.request_no = c.number AND x.person_index = CAST(:person AS text))
    OR EXISTS (SELECT FROM village_entry x WHERE x.entry_no = c.number AND x.person_index = CAST(:person AS text))
    THEN 'OWN_ACCOUNT'
  WHEN c.state <> 'open' THEN 'CONTRADICTION_DECIDED'
  WHEN :take = 'claimed' AND c.kind = '{END_FIGURES}' THEN 'FIGURES_ARE_SUMS'
  WHEN :take = 'claimed' AND c.kind = ANY(:leaves_out) THEN 'NOTHING_CLAIMED'
END AS hindrance
FROM contradiction c WHERE c.county_code = :county AND """


def why_no_claim(kind: str) -> str | None:
    """Why the later word of this kind can't be taken, whoever decides."""
    if kind == END_FIGURES:
        return HINDRANCES[Refusal.FIGURES_ARE_SUMS]
    return HINDRANCES[Refusal.NOTHING_CLAIMED] if kind in LEAVES_OUT else None


class ContradictionFilter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Word | None = None
    kind: Word | None = None
    state: ContradictionState | None = None

    @property
    def criteria(self) -> dict[str, str]:
        return self.model_dump(mode="json", exclude_none=True)


class ContradictionSelection(BaseModel):
    """Those that are named one by one, or all that a filter finds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_NUMBERS)] | None = None
    filter: ContradictionFilter | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("请给出序号清单或筛选条件，二者取一")
        if self.filter is not None and not self.filter.criteria:
            raise ValueError("请至少给出一个筛选条件")
        return self


@dataclass(frozen=True)
class Decider:
    """Who decides: the name that acts are signed with, and who that is among the beneficiaries, where it is known."""

    subject: str
    index: str | None


@dataclass(frozen=True)
class Chosen:
    """`fit` by number; `left_out` by code."""

    fit: Mapping[str, list[int]]
    left_out: Mapping[str, list[int]]

    @property
    def count(self) -> int:
        return sum(map(len, self.fit.values()))


class _Judged(NamedTuple):
    id: int
    number: str
    hindrance: str | None


async def choose_contradictions(
    session: AsyncSession, county: str, selection: ContradictionSelection, take: str, person: Decider
) -> Chosen:
    """Judge and lock them, with their subjects' names held: a run that is just closing sees the decision, or is seen
    as closed."""
    condition, values = _condition(selection)
    values |= {"county": county}
    numbers = f"SELECT DISTINCT number FROM contradiction c WHERE c.county_code = :county AND {condition}"
    names = sorted(await fetch(session, str, numbers, **values))
    for number in names:
        await hold(session, Rank.RUN, number)
    closed = {
        number
        for number in names
        if closed_by(Act.CONTRADICTION_DECIDED, await acts_about(session, number, person.subject))
    }
    # of another subject, one may have come while the names were waited for: nobody has judged who made that
    judged = f"{_JUDGED}{condition} AND c.number = ANY(:names) ORDER BY c.id"
    values |= {"names": names, "leaves_out": list(LEAVES_OUT)}
    rows = await fetch_locked(
        session, Rank.RUN, _Judged, judged, changing("c"), take=take, person=person.index, **values
    )
    fit: dict[str, list[int]] = {}
    left_out: dict[str, list[int]] = {}
    for row in rows:
        hindrance = row.hindrance or (Refusal.SAME_PERSON if row.number in closed else None)
        group, name = (left_out, hindrance) if hindrance else (fit, row.number)
        group.setdefault(name, []).append(row.id)
    unknown = sorted(set(selection.ids or ()) - {row.id for row in rows})
    return Chosen(fit, left_out | ({Refusal.UNKNOWN_CONTRADICTION: unknown} if unknown else {}))


def _condition(selection: ContradictionSelection) -> tuple[str, dict[str, Value]]:
    if selection.filter is None:
        return "c.id = ANY(:ids)", {"ids": sorted(set(selection.ids or ()))}
    criteria = selection.filter.criteria
    return " AND ".join(f"c.{name} = :{name}" for name in criteria), dict(criteria)


async def note_decision(session: AsyncSession, ids: Sequence[int], take: str, reason_sealed: str, person: str) -> None:
    """Note the decision; the run carries it out."""
    await execute(
        session,
        "UPDATE contradiction SET state = 'decided', taken = :take, reason_sealed = :reason, decided_by = :person,"
        " decided_at = now() WHERE id = ANY(:ids)",
        ids=list(ids),
        take=take,
        reason=reason_sealed,
        person=person,
    )

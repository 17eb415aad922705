"""Lines that an act is about: chosen and locked, told in the answer, and written into the trail."""

from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.acts.preview import ActAnswer, ActOnMany, LeftOutLines, judged
from api.counter.desk import Desk, require_role
from api.counter.roles import own
from api.server.problems import Problem, conflict
from models.store.applications.acts import FIT, Choice, LeftOut, choose, fit_of_chosen, look_at
from models.store.locking import lock_county
from models.store.pre_flight.sent import lines_foreseen
from models.store.selection import Predicate, Rule, Selection, selected
from models.store.sql import Value
from models.words.refusals import Refusal
from models.words.staff import Role


class ActOnLines(ActOnMany):
    selection: Selection


async def hold_county(desk: Desk, session: AsyncSession, asked: ActOnMany) -> None:
    """A preview waits for nobody, and nobody for it."""
    if not asked.preview:
        await lock_county(session, desk.county)


async def choose_lines(
    desk: Desk,
    session: AsyncSession,
    asked: ActOnLines,
    rules: Sequence[Rule],
    title: str,
    **values: Value,
) -> Choice:
    """Lock the chosen lines; one that was named and doesn't fit refuses the whole act.

    A preview locks nothing and lists what doesn't fit, named or not; once that was seen it is left out, as long as
    there is something to do at all.
    """
    selection = asked.selection
    await hold_county(desk, session, asked)
    chosen = own(desk, await _meant(desk, session, selection))
    named = selection.application_nos
    choice = await (look_at if asked.preview else choose)(session, chosen, rules, named, **values)
    if selection.is_named and choice.left_out and not (asked.preview or (asked.seen and choice.count)):
        raise unfit(title, choice.left_out)
    return choice


async def _meant(desk: Desk, session: AsyncSession, selection: Selection) -> Predicate:
    if selection.foreseen is not None:
        # what the register and others' applications tell is for who reads 预检
        require_role(desk.role, (Role.OPERATOR, Role.REVIEWER))
        return await lines_foreseen(session, desk.vault, desk.county, selection.foreseen)
    return selected(desk.county, selection, desk.for_whom)


async def judged_lines(session: AsyncSession, asked: ActOnMany, answer: ActAnswer) -> None:
    """`judged`, of the lines that `choose_lines` has found fit."""
    judged(asked, answer, await fit_of_chosen(session) if asked.shown else ())


def act_answer_of_lines(act: str, choice: Choice) -> ActAnswer:
    return act_answer(act, choice.count, choice.total_fen, choice.left_out)


def act_answer(act: str, count: int, total_fen: int, left_out: Sequence[LeftOut]) -> ActAnswer:
    return {"act": act, "count": count, "total_fen": total_fen, "left_out": [_left_out(group) for group in left_out]}


def _left_out(group: LeftOut) -> LeftOutLines:
    return {
        "code": group.code,
        "title": group.title,
        "count": group.count,
        "application_nos": group.application_nos,
    }


async def trail_of_lines(
    desk: Desk,
    session: AsyncSession,
    act: str,
    selection: Selection,
    choice: Choice,
    reason: str | None,
    subject: str | None = None,
    **after: object,
) -> None:
    """One entry for the whole act: what was chosen, the stages before, what came after."""
    detail: Mapping[str, object] = {
        "selection": selection.model_dump(mode="json", exclude_none=True),
        "reason": reason,
        "before": choice.stages,
        "after": after,
        "left_out": {group.code: group.count for group in choice.left_out},
    }
    whose = subject or _subject(desk, selection)
    await desk.trail(session, act, whose, detail, choice.count, choice.total_fen, FIT)


def unfit(title: str, left_out: Sequence[LeftOut]) -> Problem:
    errors = [
        {"application_no": number, "code": group.code, "detail": group.title}
        for group in left_out
        for number in group.application_nos
    ]
    count = sum(group.count for group in left_out)
    detail = f"有 {count} 份申请不能办理，没有作任何改动；请按 errors 所列移出或更正后重新提交"
    return conflict(Refusal.LINES_UNFIT, f"不能{title}", detail, errors)


def _subject(desk: Desk, selection: Selection) -> str:
    """The business number that the act is looked up by."""
    if selection.application_nos is not None and len(selection.application_nos) == 1:
        return selection.application_nos[0]
    if selection.foreseen is not None:
        return selection.foreseen.batch_no or desk.county
    if selection.filter is not None:
        numbers = (selection.filter.batch_no, selection.filter.list_no, selection.filter.import_no)
        return next((number for number in numbers if number), desk.county)
    return desk.county

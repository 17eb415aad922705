"""Who may do what: the sets of roles by name, and of applications an applicant's own ones only."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends
from pydantic import ConfigDict
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import COUNTY, EVERYONE, READERS, Desk, for_roles
from api.server.problems import Problem, not_found
from models.store.lock_order import Rank
from models.store.locking import lock_rows
from models.store.selection import OF_REGISTER, LineFilter, Predicate, among
from models.tables.applications import Application
from models.words.makers import Act, closed_by, refusal_words
from models.words.refusals import Refusal
from models.words.staff import Role

# One name for each set of roles; a route takes the desk by it.
Everyone = Annotated[Desk, Depends(for_roles(*EVERYONE))]
Readers = Annotated[Desk, Depends(for_roles(*READERS, Role.AUDITOR))]
RunReaders = Annotated[Desk, Depends(for_roles(*READERS))]
CountyReaders = Annotated[Desk, Depends(for_roles(*COUNTY, Role.AUDITOR))]
CountyStaff = Annotated[Desk, Depends(for_roles(*COUNTY))]
CountyAndApplicants = Annotated[Desk, Depends(for_roles(*COUNTY, Role.APPLICANT))]
ApplicationReaders = Annotated[Desk, Depends(for_roles(*COUNTY, Role.APPLICANT, Role.AUDITOR))]
OperatorsAndReviewers = Annotated[Desk, Depends(for_roles(Role.OPERATOR, Role.REVIEWER))]
# Who may ask for the whole data of an application; an applicant for those of the own ones.
Openers = Annotated[Desk, Depends(for_roles(Role.OPERATOR, Role.REVIEWER, Role.APPLICANT))]
Enterers = Annotated[Desk, Depends(for_roles(Role.OPERATOR, Role.APPLICANT))]
Operators = Annotated[Desk, Depends(for_roles(Role.OPERATOR))]
Reviewers = Annotated[Desk, Depends(for_roles(Role.REVIEWER))]
DisclosureReaders = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN, Role.REVIEWER, Role.AUDITOR))]
PeopleReaders = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN, Role.AUDITOR))]
GoingLiveReaders = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN, Role.OPS))]
Auditors = Annotated[Desk, Depends(for_roles(Role.AUDITOR))]
Admins = Annotated[Desk, Depends(for_roles(Role.COUNTY_ADMIN))]


class ApplicationQuery(LineFilter):
    """The same criteria as query parameters, beside those of paging."""

    model_config = ConfigDict(extra="ignore")


def own(desk: Desk, chosen: Predicate) -> Predicate:
    """An applicant sees and touches what the applicant entered, nobody else's, and hears of no stranger's account."""
    if desk.role is not Role.APPLICANT:
        return chosen
    if OF_REGISTER & chosen.values.keys():
        chosen = chosen.also("a.person_index = :own_person", own_person=desk.person_index)
    return chosen.also("a.entered_by = :own", own=desk.person)


def one_line(desk: Desk, application_no: str) -> Predicate:
    return own(desk, among(desk.county).also("a.application_no = :number", number=application_no))


async def find_line(desk: Desk, session: AsyncSession, application_no: str, *, changing: bool = False) -> Application:
    """The application, locked when it is to be changed; 404 for what isn't the caller's."""
    which = select(Application).where(
        Application.application_no == application_no, Application.county_code == desk.county
    )
    if desk.role is Role.APPLICANT:
        which = which.where(col(Application.entered_by) == desk.person)
    rows = await lock_rows(session, Rank.APPLICATION, which) if changing else (await session.exec(which)).all()
    found = next(iter(rows), None)
    if found is None:
        raise not_found("申请")
    return found


def why_not_this_reviewer(desk: Desk, person_index: str, own: str) -> str | None:
    """Why this caller may not decide about that person's account; `own` says it of the own one."""
    if desk.role is not Role.REVIEWER:
        return f"由{Role.REVIEWER.label}办理"
    return own if desk.person_index == person_index else None


def require_other(act: Act, done: Iterable[Act]) -> None:
    """Maker and checker: 403 for whoever did one of the acts that the table closes this one by."""
    if closed := closed_by(act, done):
        raise Problem(403, Refusal.SAME_PERSON, "须换人办理", refusal_words(act, closed))

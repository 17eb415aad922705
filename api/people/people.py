"""人员：县管理员邀请、给角色、锁定、停用、重置；审核人和县管理员的由两名管理员办理。"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Limited
from sqlalchemy import any_, literal
from sqlmodel import col, select

from api.counter.export import listed_together
from api.counter.paging import Pages
from api.counter.roles import Admins, PeopleReaders
from api.people.people_acts import Invited, PeopleActs
from api.people.people_views import HEADERS, HandedOver, PersonView, more_of_people, person_view
from api.server.answers import Listed, refusals
from api.server.problems import not_found
from models.free_text import FREE_TEXT
from models.store.people.persons import find_person
from models.store.selection import NO_NUL
from models.tables.people import Person
from models.words.refusals import Refusal
from models.words.staff import PersonState, Role

router = APIRouter(prefix="/staff", tags=["人员"])
Login = Annotated[str, Path(max_length=80, description="登录名")]
Roles = Annotated[list[Role], Limited(min_length=1, max_length=len(Role))]
_ACT = {Refusal.NOT_FOUND: 404, Refusal.CODE_NEEDED: 403, Refusal.OWN_ROW: 403}
# What an administrator's acts on a person answer alike, by what else refuses them.
_act = partial(router.post, response_model=HandedOver)
_act_on_state = partial(_act, responses=refusals(**_ACT, PERSON_STATE_UNFIT=409))
_act_on_change = partial(_act, responses=refusals(**_ACT, SAME_PERSON=403, CHANGE_DECIDED=409))


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Invitation(_Asked):
    subject: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9._@-]{2,80}$")]
    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=NO_NUL), FREE_TEXT
    ]
    id_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    roles: Roles


class GivenRoles(_Asked):
    roles: Roles


@router.get("/people", summary="人员", response_model=Listed[PersonView])
async def list_people(
    desk: PeopleReaders,
    page: Pages,
    state: Annotated[PersonState | None, Query()] = None,
    role: Annotated[Role | None, Query()] = None,
) -> Response:
    statement = select(Person).where(Person.county_code == desk.county)
    if state is not None:
        statement = statement.where(Person.state == state)
    if role is not None:
        statement = statement.where(literal(role.value) == any_(col(Person.roles)))

    async def shown(people: list[Person]) -> Iterable[tuple[int, PersonView]]:
        more = await more_of_people(session, _ids(people))
        return [(person.id or 0, person_view(desk.shown, person, more[person.id or 0])) for person in people]

    async with desk.database.snapshot() as session:
        return await listed_together(session, page, HEADERS, (statement, Person.id), shown)


@router.get("/people/{subject}", summary="一名人员", responses=refusals(NOT_FOUND=404))
async def show_person(desk: PeopleReaders, subject: Login) -> PersonView:
    async with desk.database.snapshot() as session:
        person = await find_person(session, desk.county, subject)
        if person is None or person.id is None:
            raise not_found("人员")
        return person_view(desk.shown, person, (await more_of_people(session, [person.id]))[person.id])


@router.post(
    "/invitations",
    status_code=201,
    summary="邀请",
    response_model=HandedOver,
    responses=refusals(CODE_NEEDED=403, LOGIN_TAKEN=409, PERSON_KNOWN=409),
)
async def invite(desk: Admins, invitation: Invitation) -> Response:
    """A reviewer's or an administrator's code is given once a second administrator has confirmed."""
    invited = Invited(invitation.subject, invitation.name, invitation.id_number, invitation.roles)
    return await PeopleActs(desk).invite(invited)


@_act("/people/{subject}/roles", summary="变更角色", responses=refusals(**_ACT, CHANGE_OPEN=409))
async def give_roles(desk: Admins, subject: Login, given: GivenRoles) -> Response:
    """All roles that the person has from then on; `reviewer` and `county_admin` are given by two."""
    return await PeopleActs(desk).give_roles(subject, given.roles)


@_act_on_state("/people/{subject}/lock", summary="锁定")
async def lock(desk: Admins, subject: Login) -> Response:
    return await PeopleActs(desk).set_state(subject, PersonState.LOCKED, "person.locked", PersonState.ACTIVE)


@_act_on_state("/people/{subject}/unlock", summary="解除锁定")
async def unlock(desk: Admins, subject: Login) -> Response:
    return await PeopleActs(desk).set_state(subject, PersonState.ACTIVE, "person.unlocked", PersonState.LOCKED)


@_act_on_state("/people/{subject}/stop", summary="停用")
async def stop(desk: Admins, subject: Login) -> Response:
    """Somebody who has left; a reset brings the person back."""
    before = PersonState.INVITED, PersonState.ACTIVE, PersonState.LOCKED
    return await PeopleActs(desk).set_state(subject, PersonState.STOPPED, "person.stopped", *before)


@_act("/people/{subject}/reset", summary="重置登录", responses=refusals(**_ACT, CHANGE_OPEN=409))
async def reset_login(desk: Admins, subject: Login) -> Response:
    """Password and authenticator are forgotten, a fresh one-time code is given."""
    return await PeopleActs(desk).reset(subject)


@_act_on_change("/people/{subject}/changes/{change_id}/confirmation", summary="确认人员变更")
async def confirm_change(desk: Admins, subject: Login, change_id: int) -> Response:
    return await PeopleActs(desk).decide(subject, change_id, confirm=True)


@_act_on_change("/people/{subject}/changes/{change_id}/refusal", summary="不同意人员变更")
async def refuse_change(desk: Admins, subject: Login, change_id: int) -> Response:
    return await PeopleActs(desk).decide(subject, change_id, confirm=False)


def _ids(people: Sequence[Person]) -> list[int]:
    return [person.id for person in people if person.id is not None]

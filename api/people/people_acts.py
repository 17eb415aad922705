"""An administrator's acts on people, each in one transaction: never on the own row, and noted in the trail."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply
from api.people.attempts import tried_name
from api.people.people_views import HandedOver, more_of_people, person_view
from api.server.problems import Problem, conflict, field_problem, not_found
from models.forms.identity import parse_citizen_id, parse_person_name
from models.store.clock import today_in_china
from models.store.people.changes import (
    PRIVILEGED,
    NewPerson,
    add_person,
    change_of,
    decide,
    give_code,
    hold_people,
    known_as,
    lock_person,
    login_taken,
    needs_second,
    open_change,
    reset,
    set_roles,
    set_state,
)
from models.store.people.sign_ins import forget_attempts
from models.store.vault import Field
from models.tables.people import Person, PersonChange
from models.tokens import RESERVED, fold
from models.words.faults import Fault
from models.words.refusals import Refusal
from models.words.staff import PersonChangeKind, PersonState, Role

Work = Callable[[AsyncSession, Person], Awaitable[str | None]]


@dataclass(frozen=True)
class Invited:
    subject: str
    name: str
    id_number: str
    roles: Collection[Role]


class PeopleActs:
    def __init__(self, desk: Desk) -> None:
        desk.require_code()
        self._desk = desk

    async def invite(self, invited: Invited) -> Response:
        async def work(session: AsyncSession) -> Reply:
            await hold_people(session, self._desk.county)
            person = await add_person(session, self._desk.vault, await self._new(session, invited), self._desk.person)
            code = None
            if needs_second([], person.roles):
                await self._ask(session, person, PersonChangeKind.INVITATION, person.roles)
            else:
                code = await give_code(session, person)
            await self._trail(session, person, "person.invited")
            return await self._answer(session, person, code, status=201)

        return await self._desk.once(work)

    async def give_roles(self, subject: str, roles: Collection[Role]) -> Response:
        async def work(session: AsyncSession, person: Person) -> str | None:
            wanted = [role.value for role in roles]
            if needs_second(person.roles, wanted):
                await self._ask(session, person, PersonChangeKind.ROLES, wanted)
                return None
            await set_roles(session, person, wanted)
            await self._trail(session, person, "person.roles_given")
            return None

        return await self._act(subject, work)

    async def set_state(self, subject: str, state: PersonState, act: str, *before: PersonState) -> Response:
        async def work(session: AsyncSession, person: Person) -> str | None:
            if person.state not in before:
                words = f"此人现在是“{person.state.label}”，不能改为“{state.label}”，请刷新后核对"
                raise conflict(Refusal.PERSON_STATE_UNFIT, "人员的状态不能办理", words)
            await set_state(session, person, state)
            await self._trail(session, person, act)
            return None

        return await self._act(subject, work)

    async def reset(self, subject: str) -> Response:
        async def work(session: AsyncSession, person: Person) -> str | None:
            if PRIVILEGED & {Role(role) for role in person.roles}:
                await self._ask(session, person, PersonChangeKind.RESET, person.roles)
                return None
            code = await reset(session, person)
            await self._trail(session, person, "person.reset")
            return code

        return await self._act(subject, work)

    async def decide(self, subject: str, change_id: int, *, confirm: bool) -> Response:
        async def work(session: AsyncSession, person: Person) -> str | None:
            change = await self._open(session, person, change_id)
            code = await decide(session, person, change, self._desk.person, confirm=confirm)
            done = {
                PersonChangeKind.INVITATION: "person.invited",
                PersonChangeKind.ROLES: "person.roles_given",
                PersonChangeKind.RESET: "person.reset",
            }[change.kind]
            await self._trail(session, person, done if confirm else "person.change_refused", asked_by=change.asked_by)
            return code

        return await self._act(subject, work)

    async def _act(self, subject: str, change: Work) -> Response:
        async def work(session: AsyncSession) -> Reply:
            await hold_people(session, self._desk.county)
            person = await lock_person(session, self._desk.county, subject)
            if person is None:
                raise not_found("人员")
            if person.subject == self._desk.person:
                detail = "本人的角色、状态和登录由本区县另一名县管理员办理"
                raise Problem(403, Refusal.OWN_ROW, "本人的登录须由他人办理", detail)
            code = await change(session, person)
            return await self._answer(session, person, code)

        answer = await self._desk.once(work)
        self._desk.standings.forget(self._desk.county, subject)
        return answer

    async def _new(self, session: AsyncSession, invited: Invited) -> NewPerson:
        county, subject = self._desk.county, fold(invited.subject)
        number = parse_citizen_id(invited.id_number, await today_in_china(session))
        if isinstance(number, Fault):
            raise field_problem({"/id_number": number.message}, number.code)
        # it stands beside every act: nothing in it that turns the writing round or can't be seen
        name = parse_person_name(invited.name)
        if isinstance(name, Fault):
            raise field_problem({"/name": name.message}, name.code)
        if subject in RESERVED or await login_taken(session, county, subject):
            detail = "这个登录名已有人使用，请换一个，例如加上所在单位的简称"
            raise conflict(Refusal.LOGIN_TAKEN, "登录名已被使用", detail)
        index = self._desk.vault.index(Field.ID_NUMBER, number)
        if known := await known_as(session, county, index):
            detail = f"此人在本区县已有登录名 {known}；一人一个登录名，请在其名下增加角色或重置登录"
            raise conflict(Refusal.PERSON_KNOWN, "此人已在人员名单中", detail)
        return NewPerson(county, subject, name, index, invited.roles)

    async def _ask(self, session: AsyncSession, person: Person, kind: PersonChangeKind, roles: Collection[str]) -> None:
        if await change_of(session, person) is not None:
            detail = "此人已有一项变更待另一管理员确认，请待其办理后再提出"
            raise conflict(Refusal.CHANGE_OPEN, "此人已有一项变更待确认", detail)
        await open_change(session, person, kind, roles, self._desk.person)
        await self._trail(session, person, "person.change_asked", kind=kind.value, wanted=list(roles))

    async def _open(self, session: AsyncSession, person: Person, change_id: int) -> PersonChange:
        change = await change_of(session, person)
        if change is None or change.id != change_id:
            raise conflict(Refusal.CHANGE_DECIDED, "此项变更已经办理", "此项变更已由他人办理或已被取代，请刷新后核对")
        if change.asked_by == self._desk.person:
            raise Problem(403, Refusal.SAME_PERSON, "须换人办理", "此项变更由您提出，须由本区县另一名县管理员确认")
        return change

    async def _trail(self, session: AsyncSession, person: Person, act: str, **more: object) -> None:
        await self._desk.trail(session, act, person.subject, {"roles": person.roles, **more})

    async def _answer(self, session: AsyncSession, person: Person, code: str | None, status: int = 200) -> Reply:
        assert person.id is not None
        if code is not None:
            # whoever was locked out for wrong ones begins anew with it
            await forget_attempts(session, tried_name(self._desk.vault, person.subject))
        more = (await more_of_people(session, [person.id]))[person.id]
        view = person_view(self._desk.vault, person, more)
        body: HandedOver = {"person": view, "waiting": view["change"] is not None, "code": code}
        return Reply(status, body, f"/staff/people/{person.subject}" if status == 201 else None)

"""A person's acts on the own login: a code typed anew, password and authenticator changed, signing out."""

import asyncio

from fastapi import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk, Reply, Work
from api.people.attempts import count_try, own_acts
from api.people.me_views import CodeTaken, SessionOver
from api.people.sign_in_views import AuthenticatorView, asked, authenticator_view
from api.server.addresses import address_index
from api.server.problems import Problem, conflict, field_problem
from models.store.people.changes import lock_person
from models.store.people.codes import fresh_totp, open_totp, seal_totp, step_of, take_code
from models.store.people.passwords import hash_of, is_password, weakness
from models.store.people.persons import find_person
from models.store.people.sessions import end_all, note_code
from models.store.people.sign_ins import close_ticket, find_ticket, forget_attempts, open_ticket
from models.tables.base import now
from models.tables.people import Person
from models.words.refusals import Refusal
from models.words.staff import SessionEnd, SignInStep

OVER: SessionOver = {"over": True}


class OwnActs:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._address = address_index(desk.vault, desk.request)
        self._index = own_acts(desk.vault, desk.county, desk.person)

    async def type_code(self, code: str) -> Response:
        """From now on acts that want a recent code are open for five minutes."""
        await count_try(self._desk.database, self._index)

        async def work(session: AsyncSession) -> Reply:
            person = await self._row(session)
            if person.totp_sealed is None:
                detail = "您还没有绑定验证器；请退出后重新登录，按提示绑定"
                raise conflict(Refusal.PERSON_STATE_UNFIT, "还没有绑定验证器", detail)
            if not await take_code(session, self._desk.vault, person, code):
                raise _wrong("/code", "验证码不对或已用过，请输入验证器上现在显示的六位数")
            await forget_attempts(session, self._index)
            body: CodeTaken = {"code_at": await note_code(session, _id(person))}
            await self._trail(session, "person.code_taken")
            return Reply(200, body)

        return await self._once(work)

    async def change_password(self, old: str, new: str) -> Response:
        """Every session of the person is over: who knew the old one is out."""
        if not self._desk.settings.passwords:
            detail = "本系统用统一身份认证登录，没有本地密码；密码请在统一身份认证中更改"
            raise Problem(403, Refusal.PASSWORDS_OFF, "本地密码已停用", detail)
        if fault := weakness(new, self._desk.person):
            raise field_problem({"/new": fault.message}, fault.code)
        await count_try(self._desk.database, self._index)
        async with self._desk.database.reading() as session:
            kept = await find_person(session, self._desk.county, self._desk.person)
        async with self._desk.hashing.one():
            right = kept is not None and await asyncio.to_thread(is_password, old, kept.password_hash)
            made = await asyncio.to_thread(hash_of, new)

        async def work(session: AsyncSession) -> Reply:
            person = await self._row(session)
            if not right or kept is None or person.password_hash != kept.password_hash:
                raise _wrong("/old", "现在的密码不对，请核对后再试")
            person.password_hash = made
            await forget_attempts(session, self._index)
            await end_all(session, _id(person), SessionEnd.CHANGED)
            await self._trail(session, "person.password_changed")
            return Reply(200, OVER)

        return await self._once(work)

    async def bind(self) -> Response:
        """A fresh authenticator to scan; the former one holds until a code of this one is typed."""
        self._desk.require_code()

        async def work(session: AsyncSession) -> Reply:
            person, secret = await self._row(session), fresh_totp()
            sealed = seal_totp(self._desk.vault, person, secret)
            ticket = await open_ticket(session, person, SignInStep.ENROL, sealed)
            shown: AuthenticatorView = authenticator_view(secret, person)
            return Reply(200, {**asked(SignInStep.ENROL, ticket), "authenticator": shown})

        return await self._desk.once(work)

    async def confirm(self, ticket: str, code: str) -> Response:
        self._desk.require_code()
        await count_try(self._desk.database, self._index)

        async def work(session: AsyncSession) -> Reply:
            entered = await find_ticket(session, ticket, SignInStep.ENROL)
            if entered is None or entered.person.subject != self._desk.person:
                raise conflict(Refusal.TICKET_OVER, "已超时", "更换验证器须在一刻钟内完成，请重新开始")
            person, sealed = entered.person, entered.ticket.totp_sealed
            assert sealed is not None
            step = step_of(open_totp(self._desk.vault, person, sealed), code)
            if step is None:
                raise _wrong("/code", "验证码不对，请输入新验证器上现在显示的六位数")
            person.totp_sealed, person.totp_step = sealed, step
            await close_ticket(session, entered.ticket)
            await forget_attempts(session, self._index)
            await self._trail(session, "person.totp_changed")
            return Reply(200, {"code_at": now()})

        return await self._once(work)

    async def sign_out(self) -> Response:
        async def work(session: AsyncSession) -> Reply:
            person = await self._row(session)
            await end_all(session, _id(person), SessionEnd.SIGNED_OUT)
            await self._trail(session, "person.signed_out")
            return Reply(200, OVER)

        return await self._desk.once(work)

    async def _once(self, work: Work) -> Response:
        """A wrong password or code changes nothing, and is in the trail."""
        try:
            return await self._desk.once(work)
        except Problem as problem:
            if problem.errors and problem.errors[0].get("code") == Refusal.SIGN_IN_REFUSED:
                async with self._desk.database.transaction() as session:
                    await self._trail(session, "person.code_refused")
            raise

    async def _row(self, session: AsyncSession) -> Person:
        person = await lock_person(session, self._desk.county, self._desk.person)
        assert person is not None
        return person

    async def _trail(self, session: AsyncSession, act: str) -> None:
        await self._desk.trail(session, act, self._desk.person, {"address": self._address})


def _wrong(pointer: str, words: str) -> Problem:
    return field_problem({pointer: words}, Refusal.SIGN_IN_REFUSED)


def _id(person: Person) -> int:
    assert person.id is not None
    return person.id

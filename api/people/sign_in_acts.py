"""The steps of a sign-in, each in a transaction; whoever fails at one hears the same, whatever was wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.idempotency import idempotency_key
from api.counter.parts import Parts
from api.people.attempts import count_try, tried_name
from api.people.sign_in_views import SignInStepView, asked, authenticator_view, opened, role_choices
from api.server.addresses import address_index
from api.server.problems import Problem, field_problem
from models.store.database import Database
from models.store.people.codes import fresh_totp, open_totp, seal_totp, step_of, take_code
from models.store.people.passwords import hash_of, is_password, weakness
from models.store.people.sessions import open_session
from models.store.people.sign_ins import (
    HeldTicket,
    close_ticket,
    find_login,
    find_ticket,
    forget_attempts,
    is_invitation,
    open_ticket,
    take_attempt_back,
)
from models.store.search_limit import TooManySearches, count_search
from models.store.trail.entries import TrailAct, record
from models.tables.base import now
from models.tables.people import Person
from models.tokens import fold
from models.words.refusals import Refusal
from models.words.staff import PersonState, Role, SignInStep

# As a county: those who sign in never have every connection.
SIGN_INS = "sign-ins"
NOBODY = "nobody"
_WRONG_WORDS = "登录名、密码或验证码不对，或此人不能登录；请核对后再试，忘记密码请县管理员重置"
Step = Callable[[AsyncSession, HeldTicket], Awaitable[SignInStepView]]


class SignIn:
    """One request of somebody who isn't signed in yet."""

    def __init__(self, request: Request, parts: Parts) -> None:
        idempotency_key(request)
        self.parts = parts
        self.vault = parts.vault
        self.database: Database = parts.database.share_of(SIGN_INS)
        self.address = address_index(parts.vault, request)

    async def begin(self, name: str, password: str) -> SignInStepView:
        """Name and password, or the one-time code of an invitation in the password's place."""
        self._require_passwords()
        subject = fold(name)
        await self.limit_address()
        index = tried_name(self.vault, subject)
        await count_try(self.database, index)
        async with self.database.reading() as session:
            person = await find_login(session, subject)
        step = await self._judge(person, password)
        if person is None or step is None:
            raise await self.refused(person)
        async with self.database.transaction() as session:
            await take_attempt_back(session, index)
            return await self.ask(session, person, step)

    async def go_on(self, ticket: str, steps: tuple[SignInStep, ...], work: Step) -> SignInStepView:
        """The next step of whoever has a ticket for it."""
        async with self.database.transaction() as session:
            entered = await find_ticket(session, ticket, *steps)
            if entered is None:
                detail = "登录须在一刻钟内逐步完成，每一步只能办理一次；请从登录名和密码重新开始"
                raise Problem(409, Refusal.TICKET_OVER, "登录已超时", detail)
            return await work(session, entered)

    async def set_password(self, ticket: str, password: str) -> SignInStepView:
        self._require_passwords()
        return await self.go_on(ticket, (SignInStep.PASSWORD,), partial(self._set_password, password))

    async def check_code(self, ticket: str, code: str) -> SignInStepView:
        """Counted as the password was, by the person's name: what is tried here is the second factor."""
        steps = (SignInStep.CODE, SignInStep.ENROL) if self.parts.settings.passwords else (SignInStep.ENROL,)
        async with self.database.reading() as session:
            entered = await find_ticket(session, ticket, *steps)
        if entered is not None:
            await count_try(self.database, tried_name(self.vault, entered.person.subject))
        answer = await self.go_on(ticket, steps, partial(self._check_code, code))
        if entered is not None and answer is _WRONG:
            raise await self.refused(entered.person)
        return answer

    async def choose(self, ticket: str, role: Role) -> SignInStepView:
        return await self.go_on(ticket, (SignInStep.ROLE,), partial(self._choose, role))

    async def _judge(self, person: Person | None, password: str) -> SignInStep | None:
        """What the person does next; None where nothing fits. One hashing, whoever it is."""
        kept = person.password_hash if person else None
        async with self.parts.hashing.one():
            right = await asyncio.to_thread(is_password, password, kept)
        if person is None:
            return None
        if person.state is PersonState.INVITED:
            return SignInStep.PASSWORD if is_invitation(person, password) else None
        if person.state is not PersonState.ACTIVE or not right:
            return None
        return SignInStep.CODE if person.totp_sealed else SignInStep.ENROL

    async def ask(self, session: AsyncSession, person: Person, step: SignInStep) -> SignInStepView:
        if step is not SignInStep.ENROL:
            return asked(step, await open_ticket(session, person, step, None))
        secret = fresh_totp()
        ticket = await open_ticket(session, person, step, seal_totp(self.vault, person, secret))
        return {**asked(step, ticket), "authenticator": authenticator_view(secret, person)}

    async def _set_password(self, password: str, session: AsyncSession, entered: HeldTicket) -> SignInStepView:
        person = entered.person
        if fault := weakness(password, person.subject):
            raise field_problem({"/password": fault.message}, fault.code)
        async with self.parts.hashing.one():
            person.password_hash = await asyncio.to_thread(hash_of, password)
        await close_ticket(session, entered.ticket)
        return await self.ask(session, person, SignInStep.ENROL)

    async def _check_code(self, code: str, session: AsyncSession, entered: HeldTicket) -> SignInStepView:
        person, ticket = entered.person, entered.ticket
        if ticket.step is SignInStep.ENROL:
            assert ticket.totp_sealed is not None
            step = step_of(open_totp(self.vault, person, ticket.totp_sealed), code)
            if step is None:
                return _WRONG
            person.totp_sealed, person.totp_step, person.state = ticket.totp_sealed, step, PersonState.ACTIVE
            person.invitation_hash = person.invitation_ends_at = None
            await session.flush()
        elif not await take_code(session, self.vault, person, code):
            return _WRONG
        await forget_attempts(session, tried_name(self.vault, person.subject))
        await close_ticket(session, ticket)
        return await self.enter(session, person, now())

    async def enter(self, session: AsyncSession, person: Person, code_at: datetime | None) -> SignInStepView:
        """Into the only role, or on to the choice of one; `code_at` is when a code was typed on the way."""
        choices = role_choices(person)
        if len(choices) == 1:
            return await self._open(session, person, choices[0]["role"], code_at)
        ticket = await open_ticket(session, person, SignInStep.ROLE, None, code_at)
        return {**asked(SignInStep.ROLE, ticket), "roles": choices}

    async def _choose(self, role: Role, session: AsyncSession, entered: HeldTicket) -> SignInStepView:
        if role.value not in entered.person.roles:
            raise field_problem({"/role": "您没有这个身份，请从所列的身份中选择"})
        await close_ticket(session, entered.ticket)
        return await self._open(session, entered.person, role, entered.ticket.code_at)

    async def _open(
        self, session: AsyncSession, person: Person, role: Role, code_at: datetime | None
    ) -> SignInStepView:
        """The session's secret is fresh: nothing that anybody had before opens it."""
        secret = await open_session(session, person, role, code_at)
        await self.trail(session, person, role, "person.signed_in")
        return opened(secret)

    def _require_passwords(self) -> None:
        if not self.parts.settings.passwords:
            detail = "本系统用本省统一身份认证登录，本地密码已停用；请打开登录页，用统一身份认证登录"
            raise Problem(403, Refusal.PASSWORDS_OFF, "本地密码已停用", detail)

    async def limit_address(self) -> None:
        try:
            async with self.database.writing_once() as session:
                most = self.parts.settings.staff_sign_ins_per_address_hour
                await count_search(session, f"sign-in/{self.address}", most)
        except TooManySearches as refused:
            minutes = max(1, round(refused.retry_after / 60))
            detail = f"同一地址一小时内登录次数过多，请约 {minutes} 分钟后再试"
            headers = {"Retry-After": str(int(refused.retry_after) + 1)}
            raise Problem(429, Refusal.TOO_MANY_LOGINS, "登录过于频繁", detail, headers=headers) from None

    async def refused(self, person: Person | None, detail: str = _WRONG_WORDS) -> Problem:
        """One refusal for whatever was wrong, and one entry in a trail, the person's county's or the province's."""
        async with self.database.transaction() as session:
            role = Role(person.roles[0]) if person else None
            await self.trail(session, person, role, "person.sign_in_refused")
        return Problem(401, Refusal.SIGN_IN_REFUSED, "登录未通过", detail, headers={"WWW-Authenticate": "Bearer"})

    async def trail(self, session: AsyncSession, person: Person | None, role: Role | None, act: str) -> None:
        county = person.county_code if person else self.parts.settings.citizen_province_code
        who = person.subject if person else NOBODY
        detail: Mapping[str, object] = {"address": self.address}
        await record(session, self.vault, TrailAct(county, who, role.value if role else NOBODY, act, who, detail))


# Nothing is changed, and the ticket stays: told apart by identity, never answered.
_WRONG: SignInStepView = {"step": None, "step_label": None, "ticket": None}

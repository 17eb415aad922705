"""Signing in at the province's 统一身份认证: who somebody is comes from there, who may do what stays here."""

import hmac
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.parts import Parts
from api.oidc.provider import Attempt, Provider, ProviderAway, ProviderRefused
from api.people.attempts import count_try
from api.people.sign_in_acts import SignIn
from api.people.sign_in_views import OidcBegun, SignInStepView, asked
from api.server.problems import Problem, conflict
from models.store.people.oidc import (
    begin_attempt,
    bind_to,
    bound_person,
    keep_proven,
    lock_login,
    oidc_index,
    proven,
    take_attempt,
    take_proven,
)
from models.store.people.sign_ins import find_login, forget_attempts, is_invitation
from models.tables.people import Person
from models.tokens import fold
from models.words.refusals import Refusal
from models.words.staff import PersonState, Role, SignInStep

Answer = TypeVar("Answer")
_AWAY_SECONDS = 30


class OidcSignIn:
    """One request of somebody who comes from the provider, or goes there."""

    def __init__(self, request: Request, parts: Parts) -> None:
        self._sign_in = SignIn(request, parts)
        self._database = self._sign_in.database
        self._vault = parts.vault
        if parts.provider is None:
            detail = "本系统用登录名、密码和验证码登录，请打开登录页重新开始"
            raise conflict(Refusal.PROVIDER_UNSET, "没有启用统一身份认证", detail)
        self._provider: Provider = parts.provider

    async def begin(self) -> OidcBegun:
        """Nothing is kept while the provider is away."""
        await self._sign_in.limit_address()
        attempt = Attempt.fresh()
        address = await self._asked(self._provider.address(attempt))
        async with self._database.transaction() as session:
            await begin_attempt(session, attempt.secret)
        return {"address": address, "attempt": attempt.secret}

    async def come_back(self, secret: str, state: str, code: str) -> SignInStepView:
        """Of the browser that began, once: the code is asked about by nobody else, and not again."""
        attempt = Attempt(secret)
        async with self._database.transaction() as session:
            fits = hmac.compare_digest(state.encode(), attempt.state.encode())
            if not fits or not await take_attempt(session, secret):
                raise _over()
        index = oidc_index(self._vault, await self._asked(self._provider.index_text(code, attempt)))
        async with self._database.transaction() as session:
            person = await bound_person(session, index)
            if person is None:
                return asked(SignInStep.BIND, await keep_proven(session, index))
            if person.state is PersonState.ACTIVE:
                return await self._go_on(session, person)
        raise await self._sign_in.refused(person, "您在本系统的登录已锁定或停用，请联系本区县的县管理员")

    async def bind(self, ticket: str, name: str, code: str) -> SignInStepView:
        """The identity that was just proven, to the row of whoever holds the one-time code of an administrator.

        Tries are counted by the identity: nobody locks another's name.
        """
        await self._sign_in.limit_address()
        async with self._database.reading() as session:
            trying = await proven(session, ticket)
        if trying is None:
            raise _over()
        await count_try(self._database, trying)
        async with self._database.transaction() as session:
            found = await find_login(session, fold(name))
            person = await lock_login(session, found) if found else None
            if person is not None and person.state is PersonState.INVITED and is_invitation(person, code):
                identity = await take_proven(session, ticket)
                if identity is None:
                    raise _over()
                await bind_to(session, person, identity)
                await forget_attempts(session, trying)
                await self._sign_in.trail(session, person, Role(person.roles[0]), "person.oidc_bound")
                return await self._go_on(session, person)
        detail = "登录名或一次性登录码不对，或已过期；请核对后再试，需要新的登录码请联系本区县的县管理员"
        raise await self._sign_in.refused(person, detail)

    async def _go_on(self, session: AsyncSession, person: Person) -> SignInStepView:
        """Whoever has no authenticator binds one: acts on money and people want its codes, whoever signed them in."""
        if person.totp_sealed is None:
            return await self._sign_in.ask(session, person, SignInStep.ENROL)
        return await self._sign_in.enter(session, person, None)

    async def _asked(self, question: Awaitable[Answer]) -> Answer:
        try:
            return await question
        except ProviderAway:
            detail = "本省统一身份认证没有应答，现在不能登录；没有作任何改动，请稍后再试，已登录的人员不受影响"
            headers = {"Retry-After": str(_AWAY_SECONDS)}
            raise Problem(503, Refusal.PROVIDER_AWAY, "统一身份认证暂时不可用", detail, headers=headers) from None
        except ProviderRefused:
            raise await self._sign_in.refused(None, "统一身份认证的登录没有通过核对，请重新登录") from None


def _over() -> Problem:
    detail = "登录须从本页开始，并在一刻钟内由同一浏览器办完，每一步只能办理一次；请重新开始"
    return Problem(409, Refusal.TICKET_OVER, "登录已超时", detail)

"""The desk that one request is handled at: who asks, for which county, and the parts to answer with."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Response, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.idempotency import Answered, Reply, Work, answer_before, answer_once, only_previews
from api.counter.paging import Format
from api.counter.parts import Parts, only_looks, parts_of
from api.server.bearer import principal_in
from api.server.openapi import CHANGE_NOTHING
from api.server.problems import Problem
from api.years.guard import refuse_moved
from models.store.database import Database, Pool
from models.store.people.persons import called_person, names_of_people
from models.store.selection import ForWhom
from models.store.trail.entries import TrailAct, record
from models.tables.base import now
from models.tokens import Principal
from models.words.refusals import Refusal
from models.words.staff import Role

__all__ = ["COUNTY", "EVERYONE", "READERS", "Desk", "Reply", "Work", "for_roles"]

COUNTY = (Role.COUNTY_ADMIN, Role.OPERATOR, Role.REVIEWER)
READERS = (*COUNTY, Role.OPS)
EVERYONE = tuple(Role)
_ROLE_NAMES: Mapping[Role, str] = {
    Role.COUNTY_ADMIN: "县管理员",
    Role.OPERATOR: "县操作员",
    Role.REVIEWER: "审核人",
    Role.APPLICANT: "申请人",
    Role.OPS: "运维",
    Role.AUDITOR: "审计人员",
}
# How long a typed code of the second factor is good for acts that want one.
CODE_GOOD = timedelta(minutes=5)
LARGE_BYTES = 1024 * 1024
_BEARER = HTTPBearer(auto_error=False, description="make up 打印的令牌，或 python -m deploy.token 签发的令牌")


class Desk:
    """Everything a route needs; rows are always looked up by `county`, so another county's are simply not there."""

    def __init__(self, request: Request, parts: Parts, principal: Principal, person_index: str | None) -> None:
        self.request = request
        self.principal = principal
        # who the caller is as a beneficiary, where it is known: nobody decides about the own account
        self.person_index = person_index
        database = _connections(request, parts).share_of(principal.county_code)
        self.database = database.to_show() if only_looks(request) else database
        self.vault = parts.vault
        # what is only looked at is opened by this one
        self.shown = parts.shown
        self.objects = parts.objects
        self.drawing = parts.drawing
        self.shrinking = parts.shrinking
        self.typesetting = parts.typesetting
        self._whole_files = parts.whole_files
        self.settings = parts.settings
        self.standings = parts.standings
        self.hashing = parts.hashing
        self.stages = parts.stages
        self.county = principal.county_code

    @property
    def person(self) -> str:
        return self.principal.subject

    @property
    def role(self) -> Role:
        return self.principal.role

    @property
    def for_whom(self) -> ForWhom:
        return ForWhom(self.person, self.role)

    @property
    def caller(self) -> str:
        return f"{self.county}/{self.role.value}/{self.person}"

    def require_code(self) -> None:
        """403 where the person's last code of the second factor is older than five minutes, or there is none."""
        at = self.principal.code_at
        if at is None or now() - at > CODE_GOOD:
            detail = "这项操作须先核对本人：请输入验证器上的六位验证码，五分钟内有效，然后再次办理"
            raise Problem(403, Refusal.CODE_NEEDED, "须先输入验证码", detail)

    async def called(self, session: AsyncSession, subject: str | None) -> str:
        """Somebody of the county's staff as a refusal names them."""
        return await called_person(session, self.vault, self.county, subject)

    async def names(self) -> dict[str, str]:
        """Of the county's staff by login: one question, for an answer that names many."""
        async with self.database.reading() as session:
            return await names_of_people(session, self.shown, self.county, self.for_whom)

    def may_know_lock(self, person_index: str) -> bool:
        """Whether this caller hears that a person's account is being changed: the county's staff, and the person."""
        return self.role is not Role.APPLICANT or self.person_index == person_index

    def room_for(self, file: UploadFile) -> AbstractAsyncContextManager[None]:
        """While a file lies whole in memory: large ones come one after the other, 503 for who waits too long."""
        return self._whole_files.one() if (file.size or 0) > LARGE_BYTES else nullcontext()

    async def once(self, work: Work) -> Response:
        """The work of a POST in one transaction; a repeat with the same key gets the same answer and does nothing."""
        return await self.database.run(
            lambda session: answer_once(session, self.vault, self.caller, self.request, work)
        )

    async def give_stored_answer(self) -> None:
        """Before anything is judged, fetched or stored: a repeat gets its answer, a missing key is refused."""
        async with self.database.reading() as session:
            answered = await answer_before(session, self.vault, self.caller, self.request)
        if answered is not None:
            raise Answered(answered)

    async def change(self, work: Work) -> Response:
        """The work of a PUT in one transaction: repeating it is harmless by itself."""
        return (await self.database.run(work)).response()

    async def trail(
        self,
        session: AsyncSession,
        act: str,
        subject: str,
        detail: Mapping[str, object],
        line_count: int | None = None,
        total_fen: int | None = None,
        lines: str | None = None,
    ) -> None:
        """Note who did what, in the transaction that does it; last, since the county's writers take turns from here."""
        entry = TrailAct(self.county, self.person, self.role.value, act, subject, detail, line_count, total_fen, lines)
        await record(session, self.vault, entry)


def require_role(role: Role, roles: Sequence[Role]) -> None:
    """403 for who has none of these."""
    if role not in roles:
        allowed = "、".join(_ROLE_NAMES[each] for each in roles)
        detail = f"这项操作由{allowed}办理，当前身份是{_ROLE_NAMES[role]}"
        raise Problem(403, Refusal.ROLE_NOT_ALLOWED, "没有办理权限", detail)


def for_roles(*roles: Role) -> Callable[..., AsyncIterator[Desk]]:
    """A dependency: the desk of a caller who has one of these roles; the repeat of a POST comes no further."""

    # the scheme is named for the documentation; what it found is read like the middleware reads it
    async def found(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> AsyncIterator[Desk]:
        parts = parts_of(request)
        principal = principal_in(parts.token_key, request.headers.get("authorization", ""))
        standing = await parts.standings.check(principal)
        require_role(principal.role, roles)
        with parts.open_requests.one(request, principal.county_code, principal.subject):
            desk = Desk(request, parts, principal, standing.person_index)
            request.state.county = desk.county
            await refuse_moved(request, parts.database, desk.county)
            # before its rows are read: one person's list never holds two connections
            request.state.names = await desk.names() if _exports(request) else {}
            looks = request.url.path.endswith(CHANGE_NOTHING) or await only_previews(request)
            if request.method == "POST" and not looks:
                await desk.give_stored_answer()
            yield desk

    return found


def _connections(request: Request, parts: Parts) -> Database:
    """A whole list has connections of its own: nobody else waits until it is written."""
    return parts.database.pool(Pool.EXPORTS) if _exports(request) else parts.database


def _exports(request: Request) -> bool:
    return request.query_params.get("format") == Format.XLSX

"""What goes with one transaction beside its statements: the locks that it has taken, and what it does last."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.lock_order import Turns

_KEY = "transaction"


@dataclass(frozen=True, slots=True)
class _Last:
    """Something done before the commit; `savepoint` is the one that it was asked for in."""

    place: str
    work: Callable[[], Awaitable[None]]
    savepoint: SessionTransaction | None


@dataclass(slots=True)
class _Beside:
    turns: Turns = field(default_factory=Turns)
    last: list[_Last] = field(default_factory=list)


def begin(session: AsyncSession) -> None:
    session.info[_KEY] = _Beside()


def turns_of(session: AsyncSession) -> Turns:
    """What the transaction has taken; outside of one nothing is held beyond its statement."""
    beside: _Beside | None = session.info.get(_KEY)
    return beside.turns if beside else Turns()


def do_last(session: AsyncSession, place: str, work: Callable[[], Awaitable[None]]) -> None:
    """Before the commit, after everything else: what locks a place that many share. Places come in one order."""
    beside: _Beside = session.info[_KEY]
    beside.last.append(_Last(place, work, session.sync_session.get_nested_transaction()))


async def finish(session: AsyncSession) -> None:
    await session.flush()
    beside: _Beside = session.info[_KEY]
    for each in sorted(beside.last, key=lambda each: each.place):
        await each.work()


def _forget(session: Session, ended: SessionTransaction) -> None:
    """What was to be done for something that was taken back isn't done."""
    beside: _Beside | None = session.info.get(_KEY)
    if beside is not None:
        beside.last = [each for each in beside.last if each.savepoint is not ended]


event.listen(Session, "after_soft_rollback", _forget)

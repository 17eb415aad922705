"""As whom this process is at the database: one that could switch off what guards the trail doesn't work there."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from models.store.database import Database
from models.store.sql import fetch_one

ASK_AGAIN_SECONDS = 2.0
# A member of the owner's role can do what the owner can; a superuser counts as a member of every role.
POWERS = """
SELECT current_user::text AS role, (EXISTS (
  SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
  AND pg_has_role(current_user, relowner, 'MEMBER')
) OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) AS mighty
"""


class _Powers(NamedTuple):
    role: str
    mighty: bool


def refusal(role: str) -> str:
    return (
        f"数据库用户 {role} 拥有数据表或是超级用户，可以改动留痕，不能用来运行："
        f"请让 DATABASE_URL 用 onecard_app，DATABASE_OWNER_URL 只用于升级（见 deploy/README.md）。"
        f" / {role} owns tables or is a superuser; worker and API run as onecard_app."
    )


async def unfit_role(database: Database, stop: Callable[[], None]) -> str:
    """Ask until the database answers; a role that is too mighty stops the program, with these words."""
    while True:
        try:
            async with database.reading() as session:
                powers = await fetch_one(session, _Powers, POWERS)
            break
        except (SQLAlchemyError, OSError):
            await asyncio.sleep(ASK_AGAIN_SECONDS)
    assert powers is not None
    if not powers.mighty:
        return ""
    stop()
    return refusal(powers.role)


def leave_if_unfit(role: "asyncio.Task[str]") -> None:
    """At the orderly end of a program: with an exit code and the words, when that was why."""
    if role.done() and not role.cancelled() and role.result():
        raise SystemExit(role.result())
    role.cancel()

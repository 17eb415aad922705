"""Passwords and codes are tried a few times only, by the name that they are tried under."""

from api.server.problems import Problem
from models.store.database import Database
from models.store.people.sign_ins import LOCKED_MINUTES, MOST_FAILURES, LockedOut, count_attempt
from models.store.vault import Field, Vault
from models.words.refusals import Refusal


def tried_name(vault: Vault, subject: str) -> str:
    """What was typed as a name may be a password: kept as an index only."""
    return vault.index(Field.TEXT, f"sign-in:{subject}")


def own_acts(vault: Vault, county_code: str, subject: str) -> str:
    """What somebody signed in types is counted apart: a stranger who locks the name locks nobody out of an act."""
    return vault.index(Field.TEXT, f"own-acts:{county_code}/{subject}")


async def count_try(database: Database, index: str) -> None:
    """Before it is judged, by a transaction of its own; 429 while the name is locked."""
    try:
        async with database.writing_once() as session:
            await count_attempt(session, index)
    except LockedOut as refused:
        detail = f"同一登录名连续 {MOST_FAILURES} 次未通过，锁定 {LOCKED_MINUTES} 分钟；届时再试，或请县管理员重置"
        headers = {"Retry-After": str(int(refused.retry_after) + 1)}
        raise Problem(429, Refusal.SIGN_IN_LOCKED, "暂时锁定", detail, headers=headers) from None

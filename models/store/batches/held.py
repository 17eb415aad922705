"""暂缓, one word whatever holds a line back: its person's account, or an objection to what was public."""

from models.store.batches.objections import objection_open_sql
from models.store.register.account_locks import account_locked_sql, account_unusable
from models.words.flow_words import HeldBy


def kept_back(alias: str) -> str:
    """True in SQL where a line, or its application, can't go out for now."""
    return f"({account_unusable(alias)} OR {objection_open_sql(alias)})"


def held_at_start(alias: str) -> str:
    """True in SQL where a flow that starts takes an application in as held; one not verified for a lock waits too."""
    return f"({alias}.verification = 'held' OR {kept_back(alias)})"


def why_held(alias: str) -> str:
    """Why a held line of a flow is held, in SQL: a HeldBy; NULL when its run is about to free it, or it isn't held."""
    return f"CASE WHEN {alias}.state = 'held' THEN {why_kept_back(alias)} END"


def why_kept_back(alias: str) -> str:
    """The same of whatever would be held at a start."""
    return (
        f"CASE WHEN {alias}.verification = 'held' THEN '{HeldBy.UNVERIFIED}'"
        f" WHEN {objection_open_sql(alias)} THEN '{HeldBy.OBJECTION}'"
        f" WHEN {account_locked_sql(alias)} THEN '{HeldBy.ACCOUNT_CHANGE}'"
        f" WHEN {account_unusable(alias)} THEN '{HeldBy.ACCOUNT_CLEARED}' END"
    )

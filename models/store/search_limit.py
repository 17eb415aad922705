"""How often one person may search by an id or an account within an hour: who tries numbers finds what is masked."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import fetch_one

# One row a person, counted by one statement: several APIs share it, and requests side by side each count.
_COUNT = """
INSERT INTO search_tally AS t (caller, since, searches) VALUES (:caller, now(), :by)
ON CONFLICT (caller) DO UPDATE SET
  since = CASE WHEN t.since > now() - interval '1 hour' THEN t.since ELSE now() END,
  searches = CASE WHEN t.since > now() - interval '1 hour' THEN t.searches + :by ELSE :by END
RETURNING searches, extract(epoch FROM since + interval '1 hour' - now())::float8 AS left
"""


class _Tally(NamedTuple):
    searches: int
    left: float


class TooManySearches(Exception):
    """`retry_after`: seconds until the next may be made; `first`: the first that was too many."""

    def __init__(self, retry_after: float, *, first: bool) -> None:
        super().__init__("too many searches of one person")
        self.retry_after = retry_after
        self.first = first


async def count_search(session: AsyncSession, caller: str, most: int, by: int = 1) -> None:
    """Raise TooManySearches beyond so many an hour; a list of numbers is several at once."""
    row = await fetch_one(session, _Tally, _COUNT, caller=caller, by=by)
    assert row is not None
    if row.searches > most:
        raise TooManySearches(row.left, first=row.searches - by <= most)

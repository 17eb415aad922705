"""Who stands behind a page's cookie, and the token by which the page asks in that person's name."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from api.counter.parts import Parts
from models import tokens
from models.settings import Settings
from models.store.people.sessions import LONGEST_COOKIE, StaffLives, session_of
from models.words.counties import county_name
from models.words.staff import Role

STAFF_COOKIE = "onecard_staff"
STAFF_PATH = "/console"
# A page asks at once.
_TOKEN_HOURS, _SAME_SECONDS = 60 / 3600, 10


@dataclass(frozen=True)
class Signed:
    """Who is signed in; `code_at`: when the person last typed a code, `ends_at`: when the session ends untouched."""

    session_id: int
    subject: str
    role: Role
    county_code: str
    county_name: str
    person_index: str | None = field(repr=False)
    code_at: datetime | None
    ends_at: datetime
    name: str = field(repr=False)


def lives_of(settings: Settings) -> StaffLives:
    return StaffLives(timedelta(minutes=settings.staff_idle_minutes), timedelta(hours=settings.staff_session_hours))


class Sessions:
    """What `api/main` hands to the pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.lives = lives_of(parts.settings)
        # of page after page the same one
        self._minted = lru_cache(maxsize=1_000)(self._mint)

    async def who(self, cookie: str, *, prolong: bool = True) -> Signed | None:
        """The person of a live session, which begins its idle time anew unless told otherwise."""
        if not (cookie.isascii() and 0 < len(cookie) <= LONGEST_COOKIE):
            return None
        async with self._parts.database.writing_once() as session:
            found = await session_of(session, self._parts.vault, cookie, self.lives, prolong=prolong)
        if found is None:
            return None
        return Signed(
            session_id=found.session_id,
            subject=found.subject,
            role=found.role,
            county_code=found.county_code,
            county_name=county_name(found.county_code),
            person_index=found.person_index,
            code_at=found.code_at,
            ends_at=found.ends_at,
            name=found.name,
        )

    def token(self, signed: Signed) -> str:
        """A Bearer token of 60 s in the person's name, with the time of the last code."""
        person = tokens.Principal(
            subject=signed.subject, role=signed.role, county_code=signed.county_code, code_at=signed.code_at
        )
        return self._minted(person, tokens.seconds_now() // _SAME_SECONDS)

    def _mint(self, person: tokens.Principal, _time: int) -> str:
        return tokens.sign(self._parts.token_key, person, _TOKEN_HOURS)

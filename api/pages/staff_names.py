"""Names beside acts: what the API says by login is read by name; nothing is asked or decided by a name."""

from collections.abc import Mapping
from contextlib import suppress

from api.pages.asking import Ask, Refused
from api.pages.door import Door, Signed
from models.words.staff import Role


async def staff_names(door: Door, signed: Signed, ask: Ask) -> Mapping[str, str]:
    """By login, as far as this person may know them; a page is there without them, and says the logins."""

    async def names() -> list[Mapping[str, str]]:
        return [(await ask.get("/staff/names"))["names"]]

    whose = signed.subject if signed.role is Role.APPLICANT else ""
    with suppress(Refused):
        [found] = await door.kept.get(f"{signed.county_code}/names/{whose}", names)
        return found
    return {}

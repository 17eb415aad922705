"""Personal data in clear: every route masks for everybody, and what is shown whole is noted before it leaves.

`POST …/disclosures` is the one door to somebody's whole data; lists where two names must be told apart, photos, and
files of refused rows are noted alike.
"""

import asyncio
from itertools import islice
from typing import Literal

from pydantic import BaseModel, ConfigDict

from api.counter.desk import Desk
from api.counter.export import ListedRows
from api.counter.paging import Page
from models.store.people.disclosures import WholeAnswer, note_disclosure
from models.words.staff import Role
from models.words.stages import DisclosedThing, DisclosurePurpose


class Disclosing(BaseModel):
    """What the whole data are wanted for: 查看 (told in the trail too), 编辑, or 审核."""

    model_config = ConfigDict(extra="forbid")

    purpose: Literal["look", "edit", "review"] = "look"


async def note_whole(
    desk: Desk, thing: DisclosedThing, number: str, wanted: Disclosing | DisclosurePurpose, within: str | None = None
) -> None:
    """After it was read and its connection given back; what no task asked for stands in the trail as well."""
    purpose = wanted if isinstance(wanted, DisclosurePurpose) else DisclosurePurpose(wanted.purpose)
    async with desk.database.transaction() as session:
        shown = WholeAnswer(thing, [number], purpose, within)
        await note_disclosure(session, desk.county, desk.person, desk.role, shown)
        if purpose is DisclosurePurpose.LOOK:
            await desk.trail(session, "disclosed", number, {"thing": thing.value})


class WholeNames:
    """Operator and reviewer of the county need them to decide; everybody else sees masks, and nothing is noted."""

    _MAY = frozenset({Role.OPERATOR, Role.REVIEWER})

    def __init__(self, desk: Desk, *, asked: bool = True) -> None:
        """`asked`: whether the list is of such lines at all; else everybody reads masks."""
        self._desk = desk
        self._may = asked and desk.role in self._MAY
        self._shown: set[str] = set()

    def of(self, application_no: str) -> bool:
        """Whether this line's names are shown whole; if so it counts as shown."""
        if not self._may:
            return False
        self._shown.add(application_no)
        return True

    async def note(
        self,
        within: str,
        page: Page,
        rows: ListedRows,
        purpose: DisclosurePurpose = DisclosurePurpose.NAMES,
    ) -> None:
        """Of the rows that are given out, those that were shown whole; `within` is the number of the list.

        After the list was read and its connection given back: one person's list never holds two.
        """
        if not self._shown:
            return
        numbers = await asyncio.to_thread(self._given, page, rows)
        if not numbers:
            return
        given_for = DisclosurePurpose.EXPORT if page.export else purpose
        shown = WholeAnswer(DisclosedThing.APPLICATION, numbers, given_for, within)
        async with self._desk.database.transaction() as session:
            await note_disclosure(session, self._desk.county, self._desk.person, self._desk.role, shown)

    def _given(self, page: Page, rows: ListedRows) -> list[str]:
        given = rows if page.export else islice(rows, page.limit)
        return [str(view["application_no"]) for _, view in given if view["application_no"] in self._shown]

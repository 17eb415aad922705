"""Names that a list shows whole, to whom and of which lines: noted in the trail before the answer leaves."""

from collections.abc import Mapping, Sequence

from api.counter.desk import Desk
from api.counter.paging import Page
from models.words.stages import Role


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
        self, subject: str, page: Page, rows: Sequence[tuple[int, Mapping[str, object]]], act: str = "names.disclosed"
    ) -> None:
        """Of the rows that are given out, those whose names were whole; `subject` is the business number of the list.

        After the list was read and its connection given back: one person's list never holds two.
        """
        given = rows if page.export else rows[: page.limit]
        numbers = [str(view["application_no"]) for _, view in given if view["application_no"] in self._shown]
        if not numbers:
            return
        detail = {"application_nos": numbers, "export": page.export}
        async with self._desk.database.transaction() as session:
            await self._desk.trail(session, act, subject, detail, len(numbers))

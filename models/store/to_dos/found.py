"""What is open in a county, by kind: how many, what sum, since when, and whether it is open to who asks."""

from datetime import datetime
from typing import NamedTuple


class Found(NamedTuple):
    """`able` is false for what the person may not do, for what the person did before; `number` names the flow."""

    kind: str
    able: bool
    counted: int
    total_fen: int | None
    since: datetime | None
    number: str | None


class Asker(NamedTuple):
    """Who asks for to-dos, and in which county."""

    county: str
    person: str
    person_index: str | None = None

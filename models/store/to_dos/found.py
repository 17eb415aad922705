"""What is open in a county, by kind: how many, what sum, since when, and whether it is open to who asks."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.sql import Value, fetch


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


class ToDoSearch(NamedTuple):
    """A statement whose rows are `Found`, with its values; a value of one name is the same in all of them."""

    statement: str
    values: Mapping[str, Value]


async def found_by(session: AsyncSession, *questions: ToDoSearch) -> list[Found]:
    """All of them in one turn to the database: the first page of the day asks a dozen."""
    statement = "\nUNION ALL\n".join(f"({question.statement})" for question in questions)
    values = {name: value for question in questions for name, value in question.values.items()}
    return await fetch(session, Found, statement, **values)

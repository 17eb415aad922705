"""Statements with the plan that each went by and what it came to, as the server tells whoever ran them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from sqlalchemy import event

from deploy.stack.postgres import Cluster
from models.store.database import Database

Step: TypeAlias = Mapping[str, object]
_EXPLAIN = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}
_REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck")


@dataclass(frozen=True)
class Told:
    """`pages` of 8 KiB were read, from wherever, as often as they were; `rows` were handled, in all steps together."""

    statement: str
    plan: Step

    @property
    def pages(self) -> int:
        return _pages(self.plan)

    @property
    def rows(self) -> int:
        return sum(_rows(step) for _, step in _steps(self.plan))

    @property
    def held_against_sets(self) -> int:
        """How often a row was held against one of a set that was gathered before, which no count of rows tells."""
        gathered = {step.get("Subplan Name"): _rows(step) for _, step in _steps(self.plan)}
        sets = [(step, re.findall(r"ANY \(\((InitPlan \d+)", str(step.get("Filter")))) for _, step in _steps(self.plan)]
        return sum(_rows(step) * gathered.get(name, 0) for step, names in sets for name in names)

    def rows_of(self, table: str) -> int:
        return sum(_rows(step) for _, step in _steps(self.plan) if step.get("Relation Name") == table)

    def __str__(self) -> str:
        return "\n".join([self.statement, *(_line(depth, step) for depth, step in _steps(self.plan))])


def explain_all(cluster: Cluster, database: str) -> None:
    """Whoever connects to it from now on is told."""
    with cluster.connect() as server:
        for setting, value in _EXPLAIN.items():
            server.execute(f"ALTER DATABASE {database} SET {setting} = '{value}'".encode())


def hear_plans(database: Database) -> list[Told]:
    """A list that grows with each statement of connections that are opened from now on."""
    heard: list[Told] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        _, is_plan, told = (diagnostic.message_primary or "").partition("plan:\n")
        if is_plan:
            plan = json.loads(told)
            heard.append(Told(plan["Query Text"], plan["Plan"]))

    @event.listens_for(database.engine.sync_engine, "connect")
    def listen(connection: object, _record: object) -> None:
        connection.driver_connection.add_notice_handler(hear)  # type: ignore[attr-defined]

    return heard


def _steps(step: Step, depth: int = 0) -> Iterator[tuple[int, Step]]:
    yield depth, step
    below = step.get("Plans", [])
    assert isinstance(below, list)
    for each in below:
        yield from _steps(each, depth + 1)


def _number(step: Step, name: str) -> float:
    return float(str(step.get(name, 0)))


def _pages(step: Step) -> int:
    return round(_number(step, "Shared Hit Blocks") + _number(step, "Shared Read Blocks"))


def _rows(step: Step) -> int:
    return round(_number(step, "Actual Loops") * sum(_number(step, name) for name in ("Actual Rows", *_REMOVED)))


def _line(depth: int, step: Step) -> str:
    names = (step.get(name) for name in ("Node Type", "Subplan Name", "Relation Name", "Alias", "Index Name"))
    told = " ".join(str(name) for name in names if name)
    return f"{'  ' * depth}{told}: {_rows(step)} rows, {step['Actual Loops']} times, {_pages(step)} pages"

"""Runs: each open row has a run that lives and can go on; who waits, waits for somebody who still has a word to say."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.demo.people import Json

Rows = Callable[[str], list[tuple[Any, ...]]]
Platform = Callable[[str], Json]
RUNNING, MISSING = "RUNNING", "MISSING"
# As often as a step may fail before somebody calls it stuck; whatever broke it is mended by then.
MOST_TRIES = 3
_RUNS = "SELECT workflow_id, closed_at IS NULL, stage, waiting_for FROM run ORDER BY id"
_UNDELIVERED = "SELECT workflow_id, coalesce(signal, 'start'), tries FROM outbox WHERE delivered_at IS NULL"
_UNAPPLIED = "SELECT id FROM inbox WHERE state IN ('received', 'delivered') LIMIT 1"
_UNCARRIED = """
SELECT 'order', order_no FROM operator_order WHERE state = 'confirmed'
UNION ALL SELECT 'contradiction', number FROM contradiction WHERE state = 'decided' AND hindrance IS NULL
"""
# What a run waits for that neither a person nor time will bring: the platform's word (models/words/waiting.py). One
# that waits for nothing has only to close.
_BY_PLATFORM = (
    "等待平台审核",
    "等待平台反馈",
    "等待平台发放结果",
    "等待平台结束流程",
    "等待平台上卡结果",
    "等待银行验证",
    "正在",
)


@dataclass(frozen=True)
class Execution:
    """The newest execution of a run as Temporal has it, and how often its present step was tried."""

    status: str
    tries: int = 0
    failure: str = ""


def moves(rows: Rows, platform: Platform) -> bool:
    """Whether something is under way that will end by itself.

    The platform is asked before and after: what goes over to it between two questions is seen by neither.
    """
    return bool(_works(platform) or rows(_UNDELIVERED) or rows(_UNAPPLIED) or _works(platform))


def _works(platform: Platform) -> bool:
    health = platform("/health")
    return bool(health["agenda"] or health["undelivered"])


def stuck(
    rows: Rows, platform: Platform, executions: Callable[[Collection[str]], Mapping[str, Execution]]
) -> Iterator[str]:
    runs = rows(_RUNS)
    found = executions([str(row[0]) for row in runs])
    health = platform("/health")
    silent = not any(health[name] for name in ("agenda", "undelivered", "waiting_for_clerk"))
    for workflow_id, is_open, stage, waiting_for in runs:
        one = found.get(workflow_id, Execution(MISSING))
        if is_open and one.status != RUNNING:
            yield f"{workflow_id} is open ({stage}) and {one.status} in Temporal"
        if not is_open and one.status == RUNNING:
            yield f"{workflow_id} is closed ({stage}) and still runs"
        if is_open and one.tries > MOST_TRIES:
            yield f"{workflow_id} tries a step the {one.tries}th time: {one.failure}"
        if is_open and silent and (not waiting_for or any(word in waiting_for for word in _BY_PLATFORM)):
            yield f"{workflow_id} ({stage}): {waiting_for}, and nobody has a word to say"
    for workflow_id, signal, tries in rows(_UNDELIVERED):
        yield f"{signal} for {workflow_id} is not delivered after {tries} tries"
    for what, number in rows(_UNCARRIED):
        yield f"{what} of {number} is not carried out"
    if health["stuck"]:
        yield f"the platform itself has {health['stuck']} things stuck"

"""Small workflows under the real names: they note what reaches them, so the relay can be watched from outside."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from models.contracts import RunKind, Subject

Found = TypeVar("Found")
END = "end"


class _Notes:
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.times_opened = 0

    @workflow.signal
    def opened(self, numbers: list[str]) -> None:
        self.times_opened += 1

    @workflow.signal
    def callbacks_arrived(self, ids: list[str]) -> None:
        self.ids += ids

    @workflow.signal
    def contradiction_decided(self, ids: list[str]) -> None:
        self.ids += ids

    @workflow.query
    def noted(self) -> list[str]:
        return self.ids

    @workflow.query
    def openings(self) -> int:
        return self.times_opened

    async def until_end(self) -> list[str]:
        await workflow.wait_condition(lambda: END in self.ids)
        return self.ids


@workflow.defn(name="PolicyReviewWorkflow")
class TinyPolicyRun(_Notes):
    @workflow.run
    async def run(self, subject: Subject) -> list[str]:
        return await self.until_end()


@workflow.defn(name="PaymentCorrectionWorkflow")
class TinyCorrectionRun(_Notes):
    @workflow.run
    async def run(self, subject: Subject) -> list[str]:
        return await self.until_end()


@workflow.defn(name="IndicatorReviewWorkflow")
class TinyFailingRun:
    """Ends at once, as a run does whose row can't be worked on."""

    @workflow.run
    async def run(self, subject: Subject) -> None:
        raise ApplicationError("at once", non_retryable=True)


def fresh_queue() -> str:
    return f"tiny-{secrets.token_hex(4)}"


def fresh_subject(kind: RunKind = RunKind.POLICY_REVIEW, county: str = "500001") -> Subject:
    """All tests share one Temporal: numbers are of this test alone."""
    number = f"{county}-Z2026-{secrets.randbelow(10**9):09d}"
    return Subject(kind=kind, number=number, county_code=county, fund_year=2026)


@asynccontextmanager
async def tiny_worker(client: Client, queue: str) -> AsyncIterator[None]:
    workflows = [TinyPolicyRun, TinyCorrectionRun, TinyFailingRun]
    async with Worker(client, task_queue=queue, workflows=workflows, workflow_runner=UnsandboxedWorkflowRunner()):
        yield


async def noted(client: Client, workflow_id: str) -> list[str]:
    ids: list[str] = await client.get_workflow_handle(workflow_id).query("noted", result_type=list[str])
    return ids


async def eventually(look: Callable[[], Awaitable[Found | None]], within_s: float = 20) -> Found:
    """What `look` finds, as soon as it finds something true."""
    deadline = time.monotonic() + within_s
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.05)

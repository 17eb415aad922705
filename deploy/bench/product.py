"""The product pays a batch: driven through its API, timed from the import to flow.ended."""

import asyncio
import time
from dataclasses import dataclass

import httpx

from deploy.bench.ground import Batch, county_play, more_ground
from deploy.bench.memory import peak_rss_mib
from deploy.demo.people import Json, figure
from deploy.demo.play import Ground, Play
from deploy.stack.stack import Stack
from workflows.client import connect


@dataclass(frozen=True)
class Outcome:
    """One run: its seconds, what it came to, and what it took of the worker and of Temporal."""

    flow_no: str
    seconds: float
    lines: int
    paid_lines: int
    paid_fen: int
    worker_peak_mib: float
    history_events: int
    steps: list[tuple[str, float]]


def pay(stack: Stack, batch: Batch, warm: Batch) -> Outcome:
    """A fresh worker pays the batch; policy, indicator and lists are there before the clock starts.

    It has paid the few lines of `warm` before: a worker is up for weeks, its first statements are no flow's.
    """
    stack.stop("worker")
    stack.start("worker")
    with httpx.Client(base_url=stack.layout.api_url, timeout=60.0, trust_env=False) as http:
        play = county_play(stack, http)
        pay_batch(play, more_ground(play, warm.total_fen * 2), warm)
        ground = more_ground(play, batch.total_fen * 2)
        play.report.rows.clear()
        begun = time.perf_counter()
        flow = pay_batch(play, ground, batch)
        seconds = time.perf_counter() - begun
    paid = figure(flow["figures"]["payments"], "paid")
    return Outcome(
        flow_no=flow["flow_no"],
        seconds=seconds,
        lines=len(batch.lines),
        paid_lines=paid["count"],
        paid_fen=paid["fen"],
        worker_peak_mib=peak_rss_mib(stack.pid("worker")),
        history_events=asyncio.run(_events(stack, f"subsidy-flow/{flow['flow_no']}")),
        steps=[(row.step, row.seconds) for row in play.report.rows],
    )


def pay_batch(play: Play, ground: Ground, batch: Batch) -> Json:
    """From the file to flow.ended: the flow as it stands then."""
    batch_no = play.open_batch(f"测速批次 {batch.seed}")
    play.import_file(batch_no, batch.path.name, batch.file)
    play.review_and_publicise(batch_no)
    play.initialise(batch_no)
    play.correct_names(batch_no)
    play.initialise(batch_no)
    play.settle_batch(batch_no)
    play.withdraw_unmatched(batch_no)
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    flow_no = play.start_flow(batch_no, ground)
    play.settle_lines(flow_no)
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=False))
    return play.wait_for_end(flow_no)


async def _events(stack: Stack, workflow_id: str) -> int:
    client = await connect(stack.layout.temporal.environment)
    described = await client.get_workflow_handle(workflow_id).describe()
    return described.history_length

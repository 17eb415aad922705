"""The worker of the bare workflow, each activity one statement, and the calls that start it.

`python -m deploy.bench.bare_cards`, settings from the shell: the worker, on a task queue of its own.
"""

import asyncio
import signal

import psycopg
import uvloop
from psycopg_pool import AsyncConnectionPool
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from deploy.bench.bare_card import NOTE, BareCard, BareCardWorkflow
from models.gc_tuning import tune_gc
from models.settings import Settings
from workflows.client import connect

TASK_QUEUE = "bare-cards"
READY = "bare worker is ready"
TABLE = "CREATE TABLE IF NOT EXISTS bare_card (number text NOT NULL, activity integer NOT NULL)"
_STARTS_AT_ONCE = 16  # as many calls as the relay makes


class BareActivities:
    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection]) -> None:
        self._pool = pool

    @activity.defn(name=NOTE)
    async def note(self, number: str, place: int) -> None:
        async with self._pool.connection() as connection:
            await connection.execute("INSERT INTO bare_card VALUES (%s, %s)", (number, place))


async def start(client: Client, cards: list[BareCard]) -> None:
    """Signal-with-start for each, further messages after it."""
    gate = asyncio.Semaphore(_STARTS_AT_ONCE)

    async def one(card: BareCard) -> None:
        async with gate:
            handle = await client.start_workflow(
                BareCardWorkflow.run,
                card,
                id=f"bare-card/{card.number}",
                task_queue=TASK_QUEUE,
                start_signal="opened",
                start_signal_args=[[card.number]],
            )
            for _ in range(card.messages - 1):
                await handle.signal("opened", [card.number])

    await asyncio.gather(*(one(card) for card in cards))


async def serve(settings: Settings) -> None:
    """Until SIGTERM; as many activities at once as the product's worker."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(settings.temporal_environment)
    url = settings.database_url.get_secret_value().replace("+psycopg", "")
    async with AsyncConnectionPool(url, min_size=4, max_size=settings.database_pool_size, open=False) as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        note = BareActivities(pool).note
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[BareCardWorkflow],
            activities=[note],
            max_concurrent_activities=20,
        ):
            print(READY, flush=True)
            await stop.wait()


def main() -> None:
    tune_gc()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Settings()))


if __name__ == "__main__":
    main()

"""How long the watch's look takes over what is open now; settings from the shell."""

import asyncio
import json
import time

from api.main import build_database
from api.relay.watch import Watch
from models.settings import Settings
from models.store.database import Pool
from models.store.vault import LocalVault
from workflows.client import connect

LOOKS = 4


async def looked(settings: Settings) -> list[float]:
    """Seconds of each look: the first one lists all that runs."""
    database = build_database(settings)
    client = await connect(settings.temporal_environment)
    watch = Watch(database.pool(Pool.RELAY), LocalVault.from_file(settings.vault_key_file), settings, client)
    seconds = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        await watch.look()
        seconds.append(time.perf_counter() - begun)
    await database.dispose()
    return seconds


if __name__ == "__main__":
    print(json.dumps(asyncio.run(looked(Settings()))))

"""Until when a province's platform wants to be left alone: told to one worker, kept to by all."""

import time

from models.store.database import Database
from models.store.sql import execute, fetch_one

# A call that follows another looks nothing up; another worker hears of a pause this much later at most.
LOOK_AGAIN_SECONDS = 1.0
_LEFT = (
    "SELECT extract(epoch FROM until - clock_timestamp())::float8 FROM platform_pause WHERE province_code = :province"
)
_TOLD = """
INSERT INTO platform_pause (province_code, until)
VALUES (:province, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (province_code) DO UPDATE SET until = greatest(platform_pause.until, excluded.until)"""


class OwnPauses:
    """Known to this process only."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    async def seconds_left(self, province_code: str) -> float:
        return max(0.0, self._until.get(province_code, 0.0) - time.monotonic())

    async def leave_alone(self, province_code: str, seconds: float) -> None:
        self._until[province_code] = max(self._until.get(province_code, 0.0), time.monotonic() + seconds)


class SharedPauses(OwnPauses):
    """In a row a province, by the database's clock."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._looked_at: dict[str, float] = {}

    async def seconds_left(self, province_code: str) -> float:
        if time.monotonic() - self._looked_at.get(province_code, -LOOK_AGAIN_SECONDS) >= LOOK_AGAIN_SECONDS:
            self._looked_at[province_code] = time.monotonic()  # before it is known: those beside it don't look too
            async with self._database.reading() as session:
                left = await fetch_one(session, float, _LEFT, province=province_code)
            await super().leave_alone(province_code, left or 0.0)
        return await super().seconds_left(province_code)

    async def leave_alone(self, province_code: str, seconds: float) -> None:
        await super().leave_alone(province_code, seconds)
        async with self._database.writing_once() as session:
            await execute(session, _TOLD, province=province_code, seconds=seconds)

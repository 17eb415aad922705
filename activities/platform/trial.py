"""试连平台: whether the platform answers our signed question, how fast, and whether its clock is ours."""

import time
from datetime import UTC, datetime

from temporalio import activity

from activities.platform.client import PlatformClient
from activities.platform.errors import PlatformRefusal, PlatformUnavailable
from models.contracts import Subject
from models.store.database import Database
from models.store.runs.runs import close_run, times_asked
from models.store.sql import execute

_NOTED = """
UPDATE platform_trial SET tried_at = now(), code = :code, took_ms = :took, ahead_seconds = :ahead
WHERE county_code = :county
"""


class TrialActivities:
    def __init__(self, database: Database, platform: PlatformClient) -> None:
        self._database = database
        self._platform = platform

    @activity.defn
    async def try_platform(self, subject: Subject) -> None:
        """Once: what goes wrong is the result, which somebody looks at, and no reason to try again."""
        async with self._database.reading() as session:
            asked = await times_asked(session, subject.workflow_id)
        began, code, ahead = time.monotonic(), None, None
        try:
            at = await self._platform.try_out(subject.county_code)
            ahead = None if at is None else (at - datetime.now(UTC)).total_seconds()
        except (PlatformRefusal, PlatformUnavailable) as trouble:
            code = trouble.code.value
        took = int((time.monotonic() - began) * 1000)
        async with self._database.transaction() as session:
            await execute(session, _NOTED, code=code, took=took, ahead=ahead, county=subject.county_code)
            await close_run(session, subject.workflow_id, code or "done", asked)

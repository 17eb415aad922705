"""The Schedule of account checks: one per province, made or brought up to date by every worker that starts."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from models.subsidy import RunKind, Subject
from workflows.account_check import AccountCheckWorkflow

# 18:00 UTC is 02:00 in China: the banks are quiet and nobody waits at a desk.
NIGHT = timedelta(hours=18)
# Provinces don't all ask the banks in the same minute.
JITTER = timedelta(minutes=10)
PAUSE_SECONDS = 5.0


def schedule_id(province_code: str) -> str:
    return f"account-checks/{province_code}"


def account_checks(province_code: str, task_queue: str, hours: float) -> Schedule:
    """What every province's Schedule says; nothing is left to Temporal's defaults."""
    every = timedelta(hours=hours)
    subject = Subject(kind=RunKind.ACCOUNT_CHECK, number=province_code, county_code=province_code)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            AccountCheckWorkflow.run,
            subject,
            # Temporal adds the time of the tick: that is the round's number
            id=f"{RunKind.ACCOUNT_CHECK.value}/{province_code}-H",
            task_queue=task_queue,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=NIGHT % every)], jitter=JITTER),
        policy=SchedulePolicy(
            # a round that still walks will have asked about every account: a second one beside it asks twice
            overlap=ScheduleOverlapPolicy.SKIP,
            # after an outage one missed round is made up for; older ones would only ask the same again
            catchup_window=every,
            # a round ends as failed only when somebody ends it: tomorrow's must run all the same, without anybody
            pause_on_failure=False,
        ),
        state=ScheduleState(note="一卡通账号定时核验；由系统维护，可暂停，暂停不会被覆盖"),
    )


async def keep_schedule(client: Client, province_code: str, task_queue: str, hours: float) -> None:
    """Make the province's Schedule, or bring it up to date; one that somebody paused stays paused."""
    wanted = account_checks(province_code, task_queue, hours)

    def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        state = found.description.schedule.state
        schedule = Schedule(action=wanted.action, spec=wanted.spec, policy=wanted.policy, state=state)
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(schedule_id(province_code), wanted)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(schedule_id(province_code)).update(renewed)


async def keep_schedules(client: Client, provinces: Sequence[str], task_queue: str, hours: float) -> None:
    """For every province; tried until it is done, beside the worker's own work."""
    for province in provinces:
        while True:
            try:
                await keep_schedule(client, province, task_queue, hours)
                break
            except RPCError as error:
                print(f"Schedule of {province} not kept yet: {error.status.name}", flush=True)
                await asyncio.sleep(PAUSE_SECONDS)

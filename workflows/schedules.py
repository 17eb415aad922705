"""The Schedules, made or brought up to date by every worker that starts: each province's, and the trails' heads."""

import asyncio
from collections.abc import Mapping, Sequence
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

from models.contracts import ProvinceRef, RunKind, Subject
from workflows.account_check import AccountCheckWorkflow
from workflows.client import priority_of, summary_of
from workflows.invalidation_list import InvalidationsWorkflow
from workflows.options import WORKFLOW_TASK_TIMEOUT
from workflows.trail_heads import TrailHeadsWorkflow

# 18:00 UTC is 02:00 in China: the banks are quiet and nobody waits at a desk.
NIGHT = timedelta(hours=18)
# Provinces don't all ask the banks in the same minute.
JITTER = timedelta(minutes=10)
TRAIL_HEADS = "trail-heads"
HOUR = timedelta(hours=1)
INVALIDATIONS = "invalidations"
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
            task_timeout=WORKFLOW_TASK_TIMEOUT,
            priority=priority_of(subject),
            static_summary=summary_of(subject),
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


def trail_heads(task_queue: str) -> Schedule:
    """The signing of every county's head; one Schedule for all of them."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            TrailHeadsWorkflow.run,
            id=f"{TRAIL_HEADS}/hourly",
            task_queue=task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUR)]),
        policy=SchedulePolicy(
            # one that waits for the object store will sign what stands when that is back
            overlap=ScheduleOverlapPolicy.SKIP,
            catchup_window=HOUR,
            # a trail that doesn't hold fails every hour until somebody has seen to it; the other counties go on
            pause_on_failure=False,
        ),
        state=ScheduleState(note="留痕末尾每小时签存；由系统维护，可暂停，暂停不会被覆盖"),
    )


def invalidations(province_code: str, task_queue: str, hours: float) -> Schedule:
    """How soon a lost account.invalidated is learned of at the latest: no jitter, each province its own minute."""
    every = timedelta(hours=hours)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            InvalidationsWorkflow.run,
            ProvinceRef(province_code=province_code),
            id=f"{INVALIDATIONS}/{province_code}",
            task_queue=task_queue,
            task_timeout=WORKFLOW_TASK_TIMEOUT,
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every=every, offset=timedelta(minutes=int(province_code[:2])) % every)]
        ),
        policy=SchedulePolicy(
            # one that waits for the platform will read on to what is new by then
            overlap=ScheduleOverlapPolicy.SKIP,
            # it reads on from where it was: after an outage one tick is enough
            catchup_window=every,
            pause_on_failure=False,
        ),
        state=ScheduleState(note="平台失效账号清单定时核对；由系统维护，可暂停，暂停不会被覆盖"),
    )


async def keep_schedule(client: Client, name: str, wanted: Schedule) -> None:
    """Make the Schedule, or bring it up to date; one that somebody paused stays paused."""

    def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        state = found.description.schedule.state
        schedule = Schedule(action=wanted.action, spec=wanted.spec, policy=wanted.policy, state=state)
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(name, wanted)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(name).update(renewed)


def schedules_of(
    provinces: Sequence[str], task_queue: str, check_hours: float, invalidations_hours: float
) -> dict[str, Schedule]:
    """All that a worker keeps, by their ids."""
    wanted = {TRAIL_HEADS: trail_heads(task_queue)}
    for province in provinces:
        wanted[schedule_id(province)] = account_checks(province, task_queue, check_hours)
        wanted[f"{INVALIDATIONS}/{province}"] = invalidations(province, task_queue, invalidations_hours)
    return wanted


async def keep_schedules(client: Client, wanted: Mapping[str, Schedule]) -> None:
    """Tried until it is done, beside the worker's own work."""
    for name, schedule in wanted.items():
        while True:
            try:
                await keep_schedule(client, name, schedule)
                break
            except RPCError as error:
                print(f"Schedule {name} not kept yet: {error.status.name}", flush=True)
                await asyncio.sleep(PAUSE_SECONDS)

"""A lost account.invalidated is learned of within the hour: the platform's own list is read on from its cursor."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import ScheduleDescription, ScheduleHandle, ScheduleOverlapPolicy

from models.settings import Settings
from tests.platform_door import Door
from tests.province import Province
from tests.test_checks import held, invalidate, notices, people, status_of
from workflows.schedules import INVALIDATIONS, invalidations, keep_schedule

pytest_plugins = ["tests.province_fixtures"]
# The banks remember everybody: these are nobody else's.
FIRST = 11_000


@contextmanager
def scheduled(province: Province) -> Iterator[ScheduleHandle]:
    code, queue = f"{province.code}0000", province.settings.temporal_task_queue
    name = f"{INVALIDATIONS}/{code}"
    wanted = invalidations(code, queue, province.settings.invalidations_hours)
    province.portal.call(keep_schedule, province.temporal, name, wanted)
    handle = province.temporal.get_schedule_handle(name)
    try:
        yield handle
    finally:
        province.portal.call(handle.delete)


def test_it_is_read_each_hour_whatever_becomes_of_the_last_reading(province: Province) -> None:
    assert Settings.model_fields["invalidations_hours"].default == 1.0
    with scheduled(province) as handle:
        told: ScheduleDescription = province.portal.call(handle.describe)
    policy, [interval] = told.schedule.policy, told.schedule.spec.intervals
    assert (interval.every, interval.offset) == (timedelta(hours=1), timedelta(minutes=int(province.code) % 60))
    assert told.schedule.spec.jitter in (None, timedelta(0))
    assert (policy.overlap, policy.pause_on_failure) == (ScheduleOverlapPolicy.SKIP, False)
    first, second = told.info.next_action_times[:2]
    assert (first - datetime.now(UTC), second - first) <= (timedelta(hours=1), timedelta(hours=1))


def test_what_no_event_told_takes_effect_once_and_no_bank_is_asked(door: Door, province: Province) -> None:
    county = province.county()
    frozen, closed = people(FIRST, 2)
    for person in (frozen, closed):
        held(province, county.code, person)
    province.platform.lose("account.invalidated")
    invalidate(province, frozen, county.code, "account_frozen")
    invalidate(province, closed, county.code, "account_closed")
    door.refuse("GET /v1/account-invalidations", 500, "INTERNAL", times=2)
    with scheduled(province) as handle:
        read(province, handle)
        assert [status_of(province, person, county.code) for person in (frozen, closed)] == ["invalid", "cleared"]
        province.platform.lose()
        for event in province.platform.events("account.invalidated", county.code):
            province.platform.deliver(event)
        province.until("events applied", "SELECT count(*) FROM inbox WHERE applied_at IS NULL", 0)
        [(before,)] = province.rows("SELECT since FROM invalidation_cursor")
        read(province, handle)
    assert (notices(province, frozen), notices(province, closed)) == (["invalidated"], ["cleared"])
    assert province.rows("SELECT count(*) FROM check_round") == [(0,)]
    assert door.times("/v1/accounts/verif") == []
    assert province.rows("SELECT since > :before FROM invalidation_cursor", before=before) == [(True,)]


def read(province: Province, handle: ScheduleHandle) -> None:
    """One tick, to its end."""
    known = len(province.portal.call(handle.describe).info.recent_actions)
    province.portal.call(handle.trigger)

    def actions() -> dict[str, object]:
        return {"actions": province.portal.call(handle.describe).info.recent_actions}

    seen = province.wait("a tick", actions, lambda found: len(found["actions"]) > known)
    started = seen["actions"][-1].action
    run = province.temporal.get_workflow_handle(started.workflow_id, run_id=started.first_execution_run_id)
    province.portal.call(run.result)

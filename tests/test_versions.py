"""A newer build beside the one at work: short runs end where they began, long ones go on on the newer one."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from temporalio.api.enums.v1 import EventType

import worker
from deploy import versions
from tests.county_office import Office
from tests.newer_build import NewerPolicyReview
from tests.platform_door import Door
from tests.province import Province
from tests.tiny_runs import eventually
from workflows.policy_review import PolicyReviewWorkflow
from workflows.versions import SHORT, Builds, Newcomer

pytest_plugins = ["tests.province_fixtures"]
OLD, NEW = "1.0.0", "1.1.0"
BUILD = pytest.mark.parametrize("province", [{"worker_build_id": NEW}], indirect=True)
LISTS = "GET /v1/counties/.*/budget-units"
NEVER = 3_600.0
BuildBeside = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def newer_code() -> Iterator[pytest.MonkeyPatch]:
    """Of the province's own workers; undone for those beside them."""
    kinds = [NewerPolicyReview if kind is PolicyReviewWorkflow else kind for kind in worker.WORKFLOWS]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "WORKFLOWS", kinds)
        yield patched


def _wait_until_current(province: Province, build: str, gone_after: float = NEVER) -> None:
    async def wait() -> None:
        await Newcomer(build, gone_after).wait(lambda: _builds(province), 0.1)
        # the worker's own newcomer may have been quicker
        assert await _builds(province).all_told()

    province.portal.call(wait)


def _becomes_current(province: Province, build: str) -> bool:
    """Once Temporal knows it, and however impatient it is."""
    builds, newcomer = _builds(province), Newcomer(build, gone_after=0.0)

    async def looked() -> list[bool]:
        known = build in [each.name for each in await builds.all()]
        return [await newcomer.look(builds)] if known else []

    (became,) = province.portal.call(eventually, looked)
    return bool(became)


def _builds(province: Province) -> Builds:
    return Builds(province.temporal, province.settings.temporal_task_queue)


def _make_current(province: Province, build: str) -> None:
    """As soon as its workers are there."""

    async def made() -> bool:
        try:
            return bool(await versions.make_current(_builds(province), build))
        except versions.Refused:
            return False

    province.portal.call(eventually, made)


def _done_by(province: Province, kind: str) -> list[str]:
    """The builds that have done a run's turns, in order; none has failed."""
    ((workflow_id,),) = province.rows("SELECT workflow_id FROM run WHERE kind = :kind", kind=kind)

    async def read() -> list[str]:
        events = (await province.temporal.get_workflow_handle(workflow_id).fetch_history()).events
        assert not [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
        done = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
        return [event.workflow_task_completed_event_attributes.deployment_version.build_id for event in done]

    return province.portal.call(read)


def _begin_policy(office: Office) -> str:
    office.province.platform.hold("policy")
    office.county.admin.post("/policies", office._policy())
    platform = office.province.platform
    look = lambda: {"waiting": platform.waiting(office.code)}  # noqa: E731
    (waiting,) = office.province.wait("handed over", look, lambda seen: seen["waiting"])["waiting"]
    return str(waiting["ref"])


def _approve_policy(province: Province, reference: str) -> None:
    """The platform's word comes as a callback."""
    province.platform.ask("POST", f"/clerk/{reference}", {"approve": True})
    province.until("policy", "SELECT stage FROM policy", "approved")


@BUILD
def test_a_newer_build_takes_the_long_runs_and_leaves_the_short_ones(
    newer_code: pytest.MonkeyPatch, door: Door, province: Province, build_beside: BuildBeside
) -> None:
    office, builds, call = Office(province), _builds(province), province.portal.call
    newer_code.undo()
    with build_beside(OLD):
        _wait_until_current(province, OLD)
        office.choose_policy_unit()
        reference = _begin_policy(office)
        with door.holding(LISTS) as stuck:
            office.county.admin.post("/catalog-refreshes", {"fund_year": office.year})
            assert stuck.wait(10)
            _make_current(province, NEW)
            _approve_policy(province, reference)
            (line,) = [line for line in call(versions.told, builds) if line.startswith(OLD)]
            assert "收尾中" in line
            assert "还有 1 个运行" in line
            assert call(versions.delete_drained, builds) == ["没有已收尾的版本。"]
        province.until("the list", "SELECT count(*) FROM run WHERE kind = 'catalog-refresh' AND stage <> 'done'", 0)
        call(eventually, lambda: _is_drained(builds))
        (kept,) = call(versions.delete_drained, builds)
        assert "没有删除" in kept
    call(eventually, lambda: _deletes(builds, f"{OLD} 已删除。"))
    assert [build.name for build in call(builds.all)] == [NEW]
    assert set(_done_by(province, "catalog-refresh")) == {OLD}
    before, after = _done_by(province, "policy-review")[:2], _done_by(province, "policy-review")[2:]
    assert (set(before), set(after)) == ({OLD}, {NEW})


async def _deletes(builds: Builds, told: str) -> bool:
    """Temporal remembers for five seconds who polls."""
    return await versions.delete_drained(builds) == [told]


async def _is_served(builds: Builds, name: str) -> bool:
    return any(build.name == name and not build.missing for build in await builds.all())


async def _is_drained(builds: Builds) -> bool:
    return any(build.is_drained for build in await builds.all())


@BUILD
def test_a_build_whose_workers_have_gone_gives_way_and_never_comes_back_by_itself(
    province: Province, build_beside: BuildBeside
) -> None:
    builds, call = _builds(province), province.portal.call
    with pytest.raises(versions.Refused, match=r"没有版本 2\.0\.0"):
        call(versions.make_current, builds, "2.0.0")
    with build_beside(OLD):
        _wait_until_current(province, OLD)
        call(eventually, lambda: _is_served(builds, OLD))
        assert not _becomes_current(province, NEW)
        office = Office(province)
        office.choose_policy_unit()
        reference = _begin_policy(office)
    _wait_until_current(province, NEW, gone_after=0.2)
    _approve_policy(province, reference)
    assert _done_by(province, "policy-review")[-1] == NEW
    with build_beside(OLD):
        assert not _becomes_current(province, OLD)


def test_the_first_build_takes_what_has_begun_without_one(province: Province, build_beside: BuildBeside) -> None:
    office = Office(province)
    office.choose_policy_unit()
    reference = _begin_policy(office)
    with build_beside(NEW):
        _wait_until_current(province, NEW)
        _approve_policy(province, reference)
        done = _done_by(province, "policy-review")
        assert (done[0], done[-1]) == ("", NEW)


def test_every_short_run_is_one_of_ours() -> None:
    assert {kind.__name__ for kind in worker.WORKFLOWS} > SHORT

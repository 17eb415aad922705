"""Two of the fault suite's cases in every run of the tests; `make faults` plays them all."""

from models.fault_points import FaultPoint
from tests import faults_platform, faults_processes
from tests.fault_ground import Scene

pytest_plugins = ["tests.fault_fixtures"]


def test_an_api_that_is_gone_with_a_callback_stored_and_not_acknowledged(scene: Scene) -> None:
    faults_processes.test_api_killed(scene, FaultPoint.AFTER_INBOX_COMMIT)


def test_a_line_to_the_platform_that_breaks_off(scene: Scene) -> None:
    faults_platform.test_line(scene, "truncating")

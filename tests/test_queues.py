"""Work of different patience: what is stuck in one queue keeps nobody waiting in another."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from deploy.demo.citizens import Browser, phone
from models.contracts import Queue
from tests.application_lines import citizen_id
from tests.county_office import Office
from tests.platform_door import Door
from tests.province import Province
from tests.test_logins import ended
from workflows.options import LIMITS, QueueLimits

pytest_plugins = ["tests.province_fixtures"]
OPEN = "SELECT count(*) FROM run WHERE kind = 'catalog-refresh' AND stage <> 'done'"
LISTS = "GET /v1/counties/.*/budget-units"


@pytest.fixture(scope="module", autouse=True)
def one_place_for_lists() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(LIMITS, Queue.BULK, QueueLimits(places=1, pollers=1))  # type: ignore[arg-type]
        yield


def test_a_stuck_list_keeps_neither_a_citizen_nor_an_instruction_waiting(door: Door, province: Province) -> None:
    office = Office(province)
    office.choose_policy_unit()
    with door.holding(LISTS) as stuck:
        office.county.admin.post("/catalog-refreshes", {"fund_year": office.year})
        assert stuck.wait(10)
        with closing(Browser(province.url)) as one:
            login = one.ask_to_sign_in("app")
            phone(login["url"], "passed", "周梅", citizen_id(1))
            assert ended(one, login["login_no"])["signed_in"] is True
        office.upload_policy(False)
        assert province.rows(OPEN) == [(1,)]
    province.until("the list", OPEN, 0)

"""The first load of a register, while things break between its steps.

A worker dies between the bank's pages, the bank answers late, two attempts are alive at once, and an API is gone before
anybody was told of the reviewer's word.
"""

import csv
import io
from functools import partial
from itertools import count
from typing import NamedTuple

import httpx
import pytest

from models.fault_points import FaultPoint
from models.wire.answers import PAGE_LIMIT
from models.words.calendar import china_today
from tests.application_lines import card, citizen_id
from tests.fault_citizens import BANK, NAME
from tests.fault_ground import SMALL, Scene
from tests.register_files import accounts_file

pytest_plugins = ["tests.fault_fixtures"]
PAGES = 3
ROWS = (PAGES - 1) * PAGE_LIMIT + 100
ASKED = ["verifyAccounts"]
# Nobody of the lines' people, nor a citizen; each case has its own.
_places = count(20_000, ROWS)


class Load(NamedTuple):
    number: str
    first: int


@pytest.mark.parametrize("point", [FaultPoint.BEFORE_CALL, FaultPoint.AFTER_ACCEPTED, FaultPoint.BEFORE_RECORDED])
def test_worker_killed(scene: Scene, point: FaultPoint) -> None:
    """DURABILITY: worker SIGKILL before the call, after the platform accepted, before the result is recorded."""
    scene.arm("worker", f"{point}=kill@{scene.dice.randint(1, PAGES)}")
    load = _handed_in(scene)
    scene.until("the worker dies", lambda: scene.gone("worker"))
    scene.did(f"worker SIGKILL {point}")
    scene.run("worker", {})
    _loaded(scene, load)


def test_bank_answers_late(scene: Scene) -> None:
    """DURABILITY: platform: answer after the timeout. The page is asked again by its key, its answer kept once."""
    before = scene.fault_counts()
    # longer than we wait for an answer
    scene.whole.platform("PUT", "/settings", {"hang_seconds": 6})
    scene.faults(next={"timeout_after_accept": 2}, only={"timeout_after_accept": ASKED})
    _loaded(scene, _handed_in(scene))
    scene.injected.update(scene.fault_counts() - before)


def test_bank_answers_two(scene: Scene) -> None:
    """DURABILITY: worker SIGSTOP beyond its heartbeat, then SIGCONT: both attempts have the bank's answer."""
    scene.whole.platform("PUT", "/settings", {"answer_delay_seconds": 1.5, "delayed_operations": ASKED})
    load = _handed_in(scene)
    asked = "SELECT count(*) FROM instruction WHERE key = %s AND answered_at IS NOT NULL"
    page = f"{load.number}/p1"
    scene.until("a page under way", lambda: scene.whole.one("SELECT 1 FROM instruction WHERE key = %s", page))
    scene.freeze("worker")
    scene.whole.platform("PUT", "/settings", {"answer_delay_seconds": 0})
    scene.copy("worker-2")
    scene.until("the other attempt", lambda: scene.whole.one(asked, page), seconds=180)
    scene.wake("worker")
    _loaded(scene, load)


def test_api_killed_before_its_signal(scene: Scene) -> None:
    """DURABILITY: API SIGKILL: what it has acknowledged, and nobody in Temporal was told of, is carried out."""
    load = _handed_in(scene)
    _at(scene, load, "entered")
    scene.doors["temporal"].closed = True
    scene.whole.people[SMALL].reviewer.post(f"/register-loads/{load.number}/confirmation", {})
    scene.kill("api")
    untold = "SELECT count(*) FROM outbox WHERE workflow_id LIKE %s AND delivered_at IS NULL"
    assert scene.whole.one(untold, f"%/{load.number}") == 1
    scene.doors["temporal"].closed = False
    scene.stack.start("api")
    _loaded(scene, load)


def _handed_in(scene: Scene) -> Load:
    """By an operator; the bank knows all its accounts."""
    first = next(_places)
    people = [(citizen_id(place), card(place)) for place in range(first, first + ROWS)]
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("bank_code", "account_no", "card_type", "holder_name", "holder_id_number", "status"))
    rows.writerows((BANK, account, "bank_card", NAME, id_number, "open") for id_number, account in people)
    url = f"{scene.stack.layout.simulator_url}/admin/bank-accounts"
    httpx.post(url, content=text.getvalue().encode(), timeout=30, trust_env=False).raise_for_status()
    file = accounts_file([(NAME, id_number, "中国工商银行", account, "银行卡") for id_number, account in people])
    operator, day = scene.whole.people[SMALL].operator, china_today().isoformat()
    return Load(str(operator.upload("/register-loads", "accounts.xlsx", file, as_of=day)["load_no"]), first)


def _at(scene: Scene, load: Load, *stages: str) -> None:
    stage = partial(scene.whole.one, "SELECT stage FROM register_load WHERE load_no = %s", load.number)
    scene.until(f"the load at {stages}", lambda: stage() in stages, seconds=120)


def _loaded(scene: Scene, load: Load) -> None:
    """Confirmed by a reviewer, unless it is; each account is there once, each page was asked under one key."""
    _at(scene, load, "entered", "taking", "loaded")
    path = f"/register-loads/{load.number}"
    reviewer = scene.whole.people[SMALL].reviewer
    if reviewer.get(path)["stage"] == "entered":
        reviewer.post(f"{path}/confirmation", {})
    _at(scene, load, "loaded")
    shown = reviewer.get(path)
    assert (shown["new"], shown["rows_asked"], shown["refused"]) == (ROWS, ROWS, 0), shown
    keys = "SELECT count(*) FROM instruction WHERE key LIKE %s AND answered_at IS NOT NULL"
    assert scene.whole.one(keys, f"{load.number}/p%") == PAGES

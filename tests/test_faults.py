"""What else breaks, on one stack: servers that vanish, workers that are replaced, a platform that lies and repeats."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from deploy.demo.drawings import drawing
from deploy.demo.people import Json
from deploy.demo.play import Ground
from deploy.stack import Options, Stack
from deploy.stack.processes import end_leftovers
from deploy.stack.stack import remove_home
from tests.conftest import STACKS
from tests.county_files import Expected, expected, personal_500001, personal_500003
from tests.posting import send
from tests.whole_stack import QUICK, TOTAL_FEN, Burst, Whole, balances, nothing_left_over, opened, pay_next, trail_holds

BIG, SMALL = "500001", "500003"
SEED = 20_261
SPEED = 5
# Of events and of answers; what gets lost is fetched by asking, here after some seconds instead of a day.
FAULTS = {
    "duplicate": 0.3,
    "repeated": 0.2,
    "reordered": 0.3,
    "early": 0.2,
    "late": 0.2,
    "lost": 0.2,
    "missing_page": 0.1,
    "overlapping": 0.3,
    "5xx": 0.1,
    "429": 0.03,
    "html_200": 0.05,
    "half_json": 0.05,
    "redirect": 0.03,
    "timeout_after_accept": 0.1,
}
# Instructions stumble; a question that fails is asked again only after a minute, too long for a test.
INSTRUCTIONS = [
    *("uploadFile", "openDataset", "putPage", "commitDataset", "startFlow"),
    *("submitSummary", "confirmPayment"),
]
OF_ANSWERS = ("5xx", "429", "html_200", "half_json", "redirect", "timeout_after_accept")
ASKING = {"PLATFORM_FIRST_ASK_SECONDS": "3", "PLATFORM_ASK_SECONDS": "3"}


@dataclass(frozen=True)
class Scene:
    whole: Whole
    grounds: dict[str, Ground]
    second_api: str

    def pays(self, county: str, start: int = 0, end: int = 0) -> tuple[Callable[[], str], Expected]:
        file = personal_500003(start, end) if county == SMALL else personal_500001(end)
        return partial(pay_next, self.whole.play(county), self.grounds[county], file), expected(file)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """Two workers and two API processes on the same rows from the start."""
    print(f"seed {SEED}")
    home = STACKS / "faults"
    end_leftovers(home)
    remove_home(home)
    options = Options(durable=False, env=QUICK | ASKING, time_scale=SPEED * 86_400, seed=SEED)
    with Stack(home, options) as stack:
        stack.start()
        stack.add_worker("worker-2")
        second = stack.add_api("api-2")
        with opened(stack) as whole:
            # lost events and missing pages are what this platform is for, and everything is asked about every 3 seconds
            whole.loses_events = True
            with ThreadPoolExecutor() as pool:
                made = [
                    pool.submit(whole.play(county).prepare_ground, TOTAL_FEN, refused_first=False)
                    for county in (BIG, SMALL)
                ]
                grounds = dict(zip((BIG, SMALL), (one.result(60) for one in made), strict=True))
            yield Scene(whole, grounds, second)
    remove_home(home)


def test_a_platform_that_loses_repeats_and_stumbles_while_workers_are_replaced(scene: Scene) -> None:
    """Both counties at once; every few seconds one of the two workers is asked to go and another one comes."""
    whole = scene.whole
    whole.platform("PUT", "/settings", {"late_seconds": 1.5, "hang_seconds": 0.3})
    whole.platform("PUT", "/faults", {"rates": FAULTS, "only": dict.fromkeys(OF_ANSWERS, INSTRUCTIONS)})
    (pay_big, end_big), (pay_small, end_small) = scene.pays(BIG, end=50), scene.pays(SMALL, 0, 20)
    playing = [whole.begin(pay_big), whole.begin(pay_small)]
    turn = 0
    while not all(play.done() for play in playing) and turn < 6:
        name = ("worker", "worker-2")[turn % 2]
        whole.stack.stop(name)
        whole.stack.add_worker(name)
        turn += 1
    big, small = (play.result(timeout=120) for play in playing)
    whole.platform("PUT", "/faults", {"rates": {}})
    whole.days_a_second(20)
    balances(whole, BIG, big, end_big)
    balances(whole, SMALL, small, end_small)
    whole.days_a_second(SPEED)
    nothing_left_over(whole)
    done = whole.platform("GET", "/faults")["counts"]
    print(f"faults done: {done}; workers replaced: {turn}")
    assert sum(done.values()) > 20
    trail_holds(whole, BIG, SMALL)


def test_one_callback_many_times_at_once_a_burst_at_the_end_and_an_api_that_dies_in_between(scene: Scene) -> None:
    """The page comes when nobody can be told: Temporal is away, then both API processes die with it in the inbox."""
    whole = scene.whole
    pay, end = scene.pays(SMALL, 40, 50)
    whole.platform("PUT", "/faults", {"next": {"lost": 2}, "only": {"lost": ["flow.payments", "flow.ended"]}})
    before = {event["webhook_id"] for event in _lost(whole)}
    playing = whole.begin(pay)
    page, ended = whole.until("both events lost", lambda: _lost_pair(whole, before)) or ({}, {})
    whole.stack.kill("temporal")
    answers = Burst(16).run(partial(_send, scene, page["webhook_id"], page["body"]))
    assert set(answers) == {204}
    assert whole.rows("SELECT count(*) FROM inbox WHERE event_id = %s", page["webhook_id"]) == [(1,)]
    whole.stack.kill("api")
    whole.stack.kill("api-2")
    assert whole.rows("SELECT applied_at FROM inbox WHERE event_id = %s", page["webhook_id"]) == [(None,)]
    whole.stack.start("temporal")
    whole.stack.start("api")
    scene.whole.stack.add_api("api-2")
    ids = [f"{ended['webhook_id']}-{number}" for number in range(60)]
    with ThreadPoolExecutor(max_workers=12) as pool:
        assert set(pool.map(lambda event_id: _send(scene, event_id, ended["body"]), ids)) == {204}
    flow_no = playing.result(timeout=90)
    balances(whole, SMALL, flow_no, end)
    nothing_left_over(whole)
    assert whole.rows("SELECT count(*) FROM inbox WHERE event_id = ANY(%s) AND applied_at IS NOT NULL", ids) == [(60,)]
    twice = "SELECT flow_line_id FROM payment JOIN flow f ON f.id = flow_id WHERE f.flow_no = %s"
    assert whole.rows(twice + " GROUP BY 1 HAVING count(*) > 1", flow_no) == []


def test_a_contradiction_waits_for_a_person_and_no_file_is_named_before_it_is_stored(scene: Scene) -> None:
    """The object store is away while the county uploads; then the platform says something else about a payment."""
    whole = scene.whole
    whole.stack.kill("s3")
    operator = whole.people[SMALL].operator
    upload = {"files": {"file": ("form.jpg", drawing("notice", "form"), "image/jpeg")}}
    headers = operator._headers | {"Idempotency-Key": "while-away"}
    away = whole.http.post("/files", headers=headers, **upload)  # type: ignore[arg-type]
    assert (away.status_code, away.json()["code"]) == (503, "UNAVAILABLE")
    pay, end = scene.pays(SMALL, 50, 60)
    only = {"contradicting": ["flow.payments"]}
    whole.platform("PUT", "/faults", {"next": {"contradicting": 1}, "only": only})
    playing = whole.begin(pay)
    whole.stack.start("s3")
    again = whole.http.post("/files", headers=headers, **upload)  # type: ignore[arg-type]
    assert again.status_code == 201
    flow_no = playing.result(timeout=90)
    reviewer = whole.people[SMALL].reviewer
    (open_one,) = whole.until("side by side", lambda: reviewer.get("/contradictions", number=flow_no)["items"])
    assert open_one["applied"] != open_one["claimed"]
    reviewer.post(f"/contradictions/{open_one['id']}/decision", {"take": "applied", "reason": "以首次通知为准"})
    balances(whole, SMALL, flow_no, end)
    nothing_left_over(whole)
    _every_row_has_its_object(whole)


def _lost(whole: Whole) -> list[Json]:
    items: list[Json] = whole.platform("GET", "/events", status="lost", body=1)["items"]
    return items


def _lost_pair(whole: Whole, before: set[str]) -> tuple[Json, Json] | None:
    fresh = {event["type"]: event for event in _lost(whole) if event["webhook_id"] not in before}
    return (fresh["flow.payments"], fresh["flow.ended"]) if len(fresh) == 2 else None


def _send(scene: Scene, event_id: str, body: str) -> int:
    """As the platform would, to one of the two API processes."""
    return send(scene.whole.stack, event_id, body, random.choice((None, scene.second_api)))


def _every_row_has_its_object(whole: Whole) -> None:
    client = whole.stack.layout.objects.client()
    keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="onecard").get("Contents", [])}
    client.close()
    named = {row[0] for row in whole.rows("SELECT object_key FROM stored_file")}
    assert named
    assert named <= keys

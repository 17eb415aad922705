"""All databases come back as they were minutes ago, while the platform has gone on: nothing is paid twice."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import pytest

from deploy.bench.card_people import CardDesk
from deploy.bench.card_waiting import CLOSED, decide, ends
from deploy.demo.play import Play
from tests.application_lines import citizen_id
from tests.county_files import Expected
from tests.fault_citizens import NAME
from tests.fault_ground import BIG, HURRY, SMALL, Scene
from tests.point_in_time import PointInTime
from tests.whole_stack import balances, first_round_out, prepared_batch
from workflows.client import connect
from workflows.schedules import TRAIL_HEADS

pytest_plugins = ["tests.fault_fixtures"]
OVER = ("ended", "summary_approved")
SEED, OPEN_RUNS, AT_PLATFORM, LOST_REQUESTS = 611, 1_000, 100, 20
_HANDED = """
SELECT count(*) FROM card_change_part p JOIN card_change c ON c.id = p.request_id
WHERE p.submission_id IS NOT NULL AND c.request_no = ANY(%s)
"""


class Season(NamedTuple):
    """A county's batch, and its flow once it has one."""

    play: Play
    end: Expected
    batch_no: str
    flow_no: str = ""


def _prepared(scene: Scene, county: str) -> Season:
    play = scene.whole.play(county)
    file, end = scene.file(county)
    return Season(play, end, prepared_batch(play, file))


def _started(scene: Scene, season: Season) -> Season:
    play = season.play
    flow_no = first_round_out(play, play.start_flow(season.batch_no, scene.grounds[play.county.code]))
    play.settle_lines(flow_no)
    return season._replace(flow_no=flow_no)


def _approved(scene: Scene, season: Season) -> None:
    season.play.pass_summary(season.flow_no, refused_first=False)


def _paid(scene: Scene, season: Season) -> None:
    play = season.play
    play.confirm_payment(season.flow_no, play.pass_summary(season.flow_no, refused_first=False))
    play.wait_for_end(season.flow_no)


@pytest.mark.parametrize("lost", [_approved, _paid], ids=["approved", "paid"])
def test_minutes_back(scene: Scene, lost: Callable[[Scene, Season], None]) -> None:
    """At the moment one county's flow stands at its review, the other's isn't begun, two cards wait for a reviewer."""
    scene.may_be_helped = True
    scene.whole.days_a_second(HURRY)
    time = PointInTime(scene.whole, scene.checker)
    begun, unknown = _started(scene, _prepared(scene, BIG)), _prepared(scene, SMALL)
    requests = {county: citizen.ask_for_change() for county, citizen in scene.citizens.items()}
    time.mark()

    lost(scene, begun)
    lost(scene, first := _started(scene, unknown))
    scene.citizens[BIG].have_it_applied(requests[BIG])
    _prepared(scene, BIG)
    _sign_heads(scene)
    scene.whole.until("the platform has said all", scene.whole.quiet)

    print(time.bring_back())
    scene.did("databases minutes back")
    again = time.command("--to", time.moment.isoformat(), "--until", time.lost_until.isoformat())
    assert (again.returncode, "已经记过" in again.stderr) == (1, True)
    scene.stack.start("worker", "api")
    for citizen in scene.citizens.values():
        citizen.browser.sign_in(NAME, citizen_id(citizen.place))
    for county, number in requests.items():
        scene.citizens[county].have_it_applied(number)
    _go_on(scene, begun)
    second = _begun_again(scene, unknown)
    assert second.flow_no == first.flow_no, "the platform would have two flows"
    _go_on(scene, second)
    for season in (begun, second):
        balances(scene.whole, season.play.county.code, season.flow_no, season.end)
    told = scene.whole.people[BIG].admin.get("/trail/verification")
    assert (told["intact"], [one["heads_ahead"] for one in told["restorations"]][-1:]) == (True, [1]), told


def test_a_thousand_open_runs(scene: Scene) -> None:
    """Some are at the platform, which answers in the lost minutes; some are decided then, some asked for; most wait."""
    scene.may_be_helped = True
    time, stack = PointInTime(scene.whole, scene.checker), scene.stack
    with CardDesk(stack) as desk:
        numbers, _ = desk.to_review(desk.invite(SEED, OPEN_RUNS))
        handed, decided = numbers[:AT_PLATFORM], numbers[AT_PLATFORM : 2 * AT_PLATFORM]
        scene.whole.platform("PUT", "/time-scale", {"scale": 1})
        decide(stack, handed)
        desk.until(_passed(handed), _HANDED, handed)
        time.mark()
        scene.whole.days_a_second(HURRY)
        decide(stack, decided)
        desk.until(len(numbers[: 2 * AT_PLATFORM]), CLOSED, numbers[: 2 * AT_PLATFORM])
        lost, _ = desk.to_review(desk.invite(SEED + 1, LOST_REQUESTS))
    print(time.bring_back())
    scene.did("open runs", OPEN_RUNS - len(handed) + _passed(handed))
    begun = perf_counter()
    stack.start("worker", "api")
    with CardDesk(stack) as desk:
        desk.until(len(handed), CLOSED, handed)
        scene.did("second until the answers of the lost minutes were here", int(perf_counter() - begun))
        decide(stack, decided)
        desk.until(len(decided), CLOSED, decided)
        scene.did("second until those were decided anew", int(perf_counter() - begun))
        assert (sum(ends(stack, handed)), sum(ends(stack, decided))) == (len(handed), len(decided))
        again, _ = desk.to_review(desk.invite(SEED + 2, 1))
    assert not {*again} & {*lost}, "a number means two things"


def _passed(numbers: list[str]) -> int:
    """How many of them go to the platform: every tenth is refused."""
    return len(numbers) - len(numbers) // 10


def _begun_again(scene: Scene, season: Season) -> Season:
    """By the same people, as they had begun it in the lost minutes."""
    operator, ground = season.play.county.operator, scene.grounds[season.play.county.code]
    body = {"batch_no": season.batch_no, "policy_nos": [ground.policy_no], "indicator_nos": [ground.indicator_no]}
    return season._replace(flow_no=str(operator.post("/flows", body)["flow_no"]))


def _go_on(scene: Scene, season: Season) -> None:
    """What the platform has paid is learned by asking; what it hasn't is reviewed and confirmed anew."""
    play, flow_no = season.play, season.flow_no
    while play.at_stage(flow_no, "county_review", *OVER)["stage"] == "county_review":
        play._hand_in_summary(flow_no, "再次同意发放")
        play.at_stage(flow_no, "county_review", *OVER)
    if play.flow(flow_no)["stage"] == "summary_approved":
        play.confirm_payment(flow_no, play.county.operator.get(f"/flows/{flow_no}/summary")["figures"])
    play.wait_for_end(flow_no)


def _sign_heads(scene: Scene) -> None:
    """As it is done each hour."""

    async def trigger() -> None:
        client = await connect(scene.stack.layout.temporal.environment)
        await client.get_schedule_handle(TRAIL_HEADS).trigger()

    asyncio.run(trigger())
    admin = scene.whole.people[BIG].admin
    scene.whole.until("signed", lambda: admin.get("/trail/verification")["signed_sequence"])

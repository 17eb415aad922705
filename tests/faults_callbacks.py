"""Callbacks come many times, out of order, early, late, never, in contradiction, for others, with gaps and overlaps."""

import json
from collections import defaultdict
from functools import partial
from itertools import pairwise

import pytest

from deploy.demo.people import Json
from models.wire.words import Operation
from tests.fault_ground import ASKED, BIG, SMALL, Scene
from tests.posting import send
from tests.whole_stack import UNDECIDED, Burst

pytest_plugins = ["tests.fault_fixtures"]
ENV = ASKED
ASK_SECONDS = float(ASKED["PLATFORM_ASK_SECONDS"])
AT_ONCE = 16
STUMBLES = ("5xx", "half_json", "html_200", "redirect")
QUESTIONS = [each.value for each in Operation if each.value.startswith("get")]


@pytest.mark.parametrize("kind", ["duplicate", "repeated", "early", "overlapping"])
def test_order_and_number(scene: Scene, kind: str) -> None:
    """DURABILITY: callbacks: xN, early, an overlapping page. One effect."""
    _play(scene, {kind: 1.0})


def test_reordered(scene: Scene) -> None:
    """DURABILITY: callbacks: reordered. One effect, although a flow's end comes before its payments."""
    before = _overtakings(scene)
    _play(scene, {"reordered": 1.0}, only={"reordered": ["flow.payments"]})
    assert _overtakings(scene) > before, "all have come in their order"


def test_late(scene: Scene) -> None:
    """DURABILITY: callbacks: late. They come when the platform has been asked already, and say it once more."""
    asked = "SELECT count(*) FROM inbox WHERE source = 'asked'"
    before = scene.whole.one(asked)
    scene.whole.platform("PUT", "/settings", {"late_seconds": 1.5 * ASK_SECONDS})
    _play(scene, {"late": 0.5})
    assert scene.whole.one(asked) > before, "nothing was so late that the platform was asked"


def _play(scene: Scene, rates: dict[str, float], **plan: object) -> None:
    before = scene.fault_counts()
    scene.whole.platform("PUT", "/settings", {"returns_after_end": 1})
    scene.faults(rates=rates, **plan)
    scene.finish(scene.begin(BIG), scene.begin(SMALL))
    scene.injected.update(scene.fault_counts() - before)


def _overtakings(scene: Scene) -> int:
    """How often an event has come before one of the same flow or list that had been told earlier."""
    lanes: defaultdict[str, list[float]] = defaultdict(list)
    for event in _events(scene):
        lanes[event["lane"]].append(event["delivered_at"])
    return sum(later < earlier for lane in lanes.values() for earlier, later in pairwise(lane))


@pytest.mark.parametrize("kind", ["lost", "missing_page"])
def test_gaps(scene: Scene, kind: str) -> None:
    """DURABILITY: callbacks: never, a page missing. Gaps fetched."""
    before = scene.fault_counts()
    scene.faults(rates={kind: 0.5})
    scene.finish(scene.begin())
    scene.injected.update(scene.fault_counts() - before)


def test_questions(scene: Scene) -> None:
    """DURABILITY: platform: 5xx, half a JSON, HTML with 200, redirect, now of what is asked for what never came."""
    before = scene.fault_counts()
    scene.faults(rates={"lost": 0.5, **dict.fromkeys(STUMBLES, 0.1)}, only=dict.fromkeys(STUMBLES, QUESTIONS))
    scene.finish(scene.begin(BIG), scene.begin(SMALL))
    scene.injected.update(scene.fault_counts() - before)
    assert any(scene.injected[kind] for kind in STUMBLES), "nothing was asked"


def test_many_at_once(scene: Scene) -> None:
    """DURABILITY: callbacks: xN at once. Every event of a flow again from sixteen at once, to two API processes."""
    second = scene.copy("api-2")
    seen = _ids(scene)
    game = scene.begin()
    scene.finish(game)
    for event in [event for event in _events(scene) if event["webhook_id"] not in seen]:
        urls = iter([None, second] * (AT_ONCE // 2))
        post = partial(send, scene.stack, event["webhook_id"], event["body"])
        assert set(Burst(AT_ONCE).run(lambda post=post, urls=urls: post(next(urls)))) == {204}  # type: ignore[misc]
        scene.did("callback again", AT_ONCE)


def test_contradicting(scene: Scene) -> None:
    """DURABILITY: callbacks: contradicting. A person decides; until then what came first stands."""
    scene.faults(next={"contradicting": 1}, only={"contradicting": ["flow.payments"]})
    game = scene.begin()
    flow_no = game.flow.result(timeout=120)
    reviewer = scene.whole.people[game.county].reviewer
    look = partial(reviewer.get, "/contradictions", number=flow_no)
    (found,) = scene.until("side by side", lambda: look()["items"])
    assert found["applied"] != found["claimed"]
    scene.did("contradiction")
    reviewer.post(f"/contradictions/{found['id']}/decision", {"take": "applied", "reason": "以首次通知为准"})
    scene.finish(game)
    # of this flow: an end that came late, in another case, may wait for a person still
    scene.until("settled", lambda: not [one for one in scene.whole.rows(UNDECIDED) if one[0] == flow_no])


def test_other_county(scene: Scene) -> None:
    """DURABILITY: callbacks: other county's. Payments told in another county's name have no effect, a person looks."""
    game = scene.begin(SMALL)
    flow_no = scene.finish(game)[0]
    paid = (
        "SELECT count(*) FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE f.flow_no = %s AND l.payment = 'paid'"
    )
    before = scene.whole.rows(paid, flow_no)
    for number, forged in enumerate(_forged(scene, flow_no)):
        assert send(scene.stack, f"evt-forged-{flow_no}-{number}", json.dumps(forged)) == 204
        scene.did("callback in another county's name")
    state = "SELECT state FROM inbox WHERE event_id LIKE 'evt-forged-%' AND state NOT IN ('received', 'delivered')"
    scene.until("set aside or without effect", lambda: len(scene.whole.rows(state)) == scene.injected.total())
    assert scene.whole.rows(paid, flow_no) == before
    assert scene.whole.rows("SELECT 1 FROM payment p JOIN flow f ON f.id = p.flow_id WHERE p.sequence = 9") == []


def _forged(scene: Scene, flow_no: str) -> list[Json]:
    """Each payment returned, as the other county's platform might tell it by mistake."""
    forged = []
    for event in _events(scene):
        said: Json = json.loads(event["body"])
        if said["type"] == "flow.payments" and said["data"]["client_reference"] == flow_no:
            said["data"]["county_code"] = BIG
            failed = {"status": "failed", "sequence": 9, "reason_code": "other", "reason": "退票"}
            said["data"]["payments"] = [one | failed for one in said["data"]["payments"]]
            forged.append(said)
    return forged


def _events(scene: Scene) -> list[Json]:
    items: list[Json] = scene.whole.platform("GET", "/events", status="delivered", body=1)["items"]
    return items


def _ids(scene: Scene) -> set[str]:
    return {event["webhook_id"] for event in _events(scene)}

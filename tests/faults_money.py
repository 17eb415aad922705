"""What was paid comes back, what had failed is paid late, and figures are off by one fen."""

from functools import partial

from deploy.demo.play import Play
from tests.fault_ground import BIG, SMALL, Scene

pytest_plugins = ["tests.fault_fixtures"]


def test_returned_after_the_end(scene: Scene) -> None:
    """DURABILITY: paid, then returned days later, also after flow.ended. Shown, balanced, not paid again by itself."""
    scene.whole.platform("PUT", "/settings", {"returns_after_end": 1})
    games = [scene.begin(BIG), scene.begin(SMALL)]
    numbers = scene.finish(*games)
    for number in numbers:
        late = "SELECT count(*) FROM payment p JOIN flow f ON f.id = p.flow_id WHERE f.flow_no = %s AND p.after_end"
        scene.did("return after the end", int(scene.whole.one(late, number)))


def test_repaid_by_a_new_instruction_only(scene: Scene) -> None:
    """A returned line goes into a later flow once it is ordered, with the same number and another attempt."""
    scene.whole.platform("PUT", "/settings", {"returns_after_end": 0})
    flow_no = scene.finish(scene.begin(SMALL))[0]
    play = scene.whole.play(SMALL)
    failed = [row["application_no"] for row in play.county.operator.pages(f"/flows/{flow_no}/lines", payment="failed")]
    paid_again = _repay(scene, play, failed)
    states = "SELECT l.attempt, l.payment FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE f.flow_no = %s"
    assert {row[0] for row in scene.whole.rows(states, paid_again)} == {2}
    scene.did("failed again", len(failed))


def test_off_by_one_fen_once(scene: Scene) -> None:
    """DURABILITY: totals off by one fen. A second word about the end contradicts the first: a person decides."""
    scene.faults(next={"contradicting": 1}, only={"contradicting": ["flow.ended"]})
    game = scene.begin(SMALL)
    _decide_the_fen(scene, game.flow.result(timeout=120))
    scene.finish(game)


def test_off_by_one_fen_always(scene: Scene) -> None:
    """DURABILITY: totals off by one fen, whenever the platform is asked. A difference until a person decides."""
    game = scene.begin(SMALL)
    scene.whole.at_stage(SMALL, "starting", "settling", "under_review", "county_review")
    scene.whole.platform("PUT", "/settings", {"wrong_totals": {str(scene.whole.flow_no(SMALL)): 1}})
    flow_no = game.flow.result(timeout=120)
    shown = partial(scene.whole.people[SMALL].operator.get, f"/flows/{flow_no}")
    difference = shown()["difference"]
    off = {one["figure"]: one["difference"] for one in difference["figures"]}
    assert (difference["settled"], off) == (False, dict.fromkeys(off, 0) | {"paid_fen": -1})
    _decide_the_fen(scene, flow_no)
    scene.finish(game)
    assert shown()["difference"]["settled"]


def _decide_the_fen(scene: Scene, flow_no: str) -> None:
    reviewer = scene.whole.people[SMALL].reviewer
    look = partial(reviewer.get, "/contradictions", number=flow_no)
    (found,) = scene.until("the other figures", lambda: look()["items"])
    assert found["claimed"]["paid_fen"] - found["applied"]["paid_fen"] == 1, found
    scene.did("totals off by one fen")
    reviewer.post(f"/contradictions/{found['id']}/decision", {"take": "applied", "reason": "以逐笔结果为准"})
    scene.until("settled", lambda: not look(state="open")["items"])


def _repay(scene: Scene, play: Play, numbers: list[str]) -> str:
    batch_no = play.open_batch("补发")
    play.county.operator.post(f"/batches/{batch_no}/applications", {"selection": {"application_nos": numbers}})
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    body = {
        "batch_no": batch_no,
        "policy_nos": [scene.grounds[play.county.code].policy_no],
        "indicator_nos": [scene.grounds[play.county.code].indicator_no],
    }
    flow_no = str(play.county.operator.post("/flows", body)["flow_no"])
    play.at_stage(flow_no, "settling")
    play.order("补发", "repayment", "核实后补发", flow_no=flow_no, selection={"application_nos": numbers})
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=False))
    play.wait_for_end(flow_no)
    return flow_no

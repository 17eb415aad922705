"""One whole flow in two counties at once, while worker, Temporal, platform and API are each killed in the middle."""

import signal
from collections.abc import Callable
from functools import partial

import httpx

from deploy.stack import Stack
from tests.county_files import expected, organizations_500001, personal_500001, personal_500003
from tests.whole_stack import (
    QUICK,
    Whole,
    balances,
    no_foreign_rows,
    no_personal_data_outside,
    nothing_left_over,
    opened,
    pay_whole,
    trail_holds,
)

BIG, SMALL = "500001", "500003"
EVIDENCE_LINES = 10
# A callback that met a dead API comes again after seconds, when the flow's end may be here already: nobody asks sooner.
UNASKED = QUICK | {"PLATFORM_MISSING_PAGE_SECONDS": "60"}


def test_a_whole_flow_survives_the_death_of_every_part(stack_factory: Callable[..., Stack]) -> None:
    people, organizations, others = personal_500001(200), organizations_500001(), personal_500003()
    with opened(stack_factory(env=UNASKED, time_scale=4 * 86_400, seed=11)) as whole:
        playing = [
            whole.begin(partial(pay_whole, whole.play(BIG), people, organizations)),
            whole.begin(partial(pay_whole, whole.play(SMALL), others)),
        ]
        _kill_worker_in_a_push(whole)
        _kill_temporal_in_a_round(whole)
        _kill_platform_while_it_pays(whole)
        _kill_api_while_callbacks_come(whole)
        whole.days_a_second(20)
        big, small = (play.result(timeout=90) for play in playing)
        balances(whole, BIG, big, expected(people, organizations))
        balances(whole, SMALL, small, expected(others))
        evidence = whole.play(BIG)
        sent = evidence.send_evidence(big, evidence.paid_lines(big, EVIDENCE_LINES))
        assert sent["done_count"] == EVIDENCE_LINES
        nothing_left_over(whole)
        trail_holds(whole, BIG, SMALL)
        no_foreign_rows(whole, SMALL, BIG, big)
        no_foreign_rows(whole, BIG, SMALL, small)
        no_personal_data_outside(whole, big, people, organizations, others)


def _kill_worker_in_a_push(whole: Whole) -> None:
    """After the platform has taken a page and before its answer is written down: both counties push at this moment."""
    whole.until("a file taken in", lambda: whole.one("SELECT 1 FROM application_import WHERE stage = 'imported'"))
    whole.platform("PUT", "/settings", {"answer_delay_seconds": 2})
    key = whole.until(
        "a page under way",
        lambda: whole.one("SELECT key FROM instruction WHERE key LIKE '%%/p1' AND answered_at IS NULL LIMIT 1"),
    )
    whole.stack.kill("worker")
    assert whole.one("SELECT answered_at FROM instruction WHERE key = %s", key) is None
    whole.platform("PUT", "/settings", {"answer_delay_seconds": 0})
    whole.stack.start("worker")
    whole.until("the page's answer", lambda: whole.one("SELECT answered_at FROM instruction WHERE key = %s", key))


def _kill_temporal_in_a_round(whole: Whole) -> None:
    """Results that come meanwhile are taken and acknowledged; they reach the run when Temporal is back."""
    flow_no = whole.until(
        "a round handed over",
        lambda: whole.one(
            "SELECT f.flow_no FROM dataset d JOIN flow f ON f.id = d.flow_id"
            " WHERE d.county_code = %s AND d.stage = 'under_review'",
            BIG,
        ),
    )
    whole.stack.kill("temporal")
    whole.until(
        "results without Temporal",
        lambda: whole.one("SELECT 1 FROM inbox WHERE number = %s AND event_type = 'dataset.results'", flow_no),
    )
    health = httpx.get(f"{whole.stack.layout.api_url}/health", trust_env=False).json()
    assert (health["status"], health["temporal"]) == ("degraded", False)
    whole.stack.start("temporal")
    whole.until(
        "the round taken in",
        lambda: whole.one("SELECT 1 FROM inbox WHERE number = %s AND applied_at IS NOT NULL", flow_no),
    )


def _kill_platform_while_it_pays(whole: Whole) -> None:
    """A day a second from here, so that there is a middle."""
    whole.at_stage(BIG, "summary_approved", "paying")
    whole.days_a_second(1)
    whole.until("a payment page", lambda: any(flow["payment_pages"] for flow in whole.ledger(BIG)["flows"]))
    whole.stack.kill("simulator")
    whole.stack.start("simulator")


def _kill_api_while_callbacks_come(whole: Whole) -> None:
    """Stopped first, so that a callback is certainly half taken when it dies."""
    whole.stack.signal("api", signal.SIGSTOP)
    whole.until("a callback under way", lambda: whole.platform("GET", "/health")["undelivered"])
    whole.stack.kill("api")
    whole.stack.start("api")

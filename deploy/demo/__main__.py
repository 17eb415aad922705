"""`make demo`: 2,000 lines of one county through every step, by the public API only; exits 0 only if all balances.

`python -m deploy.demo seed` plays what `make up` starts with instead.
"""

import json
import os
import sys
from pathlib import Path

import httpx
import psutil

from deploy.demo.changes import Changes, paid_again_fen, second_flow
from deploy.demo.history import history_events
from deploy.demo.people import County, Json, counties, figure, wait_for
from deploy.demo.play import Ground, Play
from deploy.demo.report import Report
from deploy.demo.seed import seed
from deploy.spoken import spoken
from models.words.calendar import china_today

DATA = Path(__file__).parent / "data"
COUNTY = "500001"
INDICATOR_FEN = 400_000_000
EVIDENCE_LINES = 200
# What the county's batch must come to; the simulator's register is where each line's fate is written.
EXPECTED = {
    "lines": 2_000,
    "paid_lines": 1_938,
    "paid_fen": 212_301_700,
    "failed_lines": 25,
    "withdrawn_lines": 37,
    "flow_status": "ended",
    "evidence_lines": EVIDENCE_LINES,
    "card_changes": {"applied": 3, "refused": 1, "withdrawn": 1, "failed": 2},
}
SECOND_FLOW = {"lines": 27, "paid_lines": 27, "flow_status": "ended"}


def main() -> int:
    report = Report()
    with httpx.Client(base_url=os.environ["API_URL"], timeout=60.0, trust_env=False) as http:
        county = counties(http, Path(os.environ["TOKENS_FILE"]))[COUNTY]
        play = Play(county, china_today().year, report)
        ground = play.prepare_ground(INDICATOR_FEN, refused_first=True)
        summary = run_flow(play, ground)
        summary |= go_on(play, ground, summary)
    summary |= {
        "seconds": round(report.seconds, 1),
        "worker_peak_rss_mib": _peak_rss_mib(int(os.environ["WORKER_PID"])),
        "history_events": history_events(f"subsidy-flow/{summary.pop('flow_no')}"),
    }
    Path(os.environ["DEMO_SUMMARY_FILE"]).write_text(json.dumps(summary, ensure_ascii=False, indent=1))
    report.print()
    return _verdict(summary, report)


def run_flow(play: Play, ground: Ground) -> Json:
    """From the file to the last return; the figures come from the API, and are held against the ledger outside."""
    batch_no = play.open_batch("2,000 笔演示批次")
    name = "batch-500001-2000.xlsx"
    play.import_file(batch_no, name, (DATA / name).read_bytes())
    play.review_and_publicise(batch_no)
    play.initialise(batch_no)
    play.correct_names(batch_no)
    play.initialise(batch_no)
    play.settle_batch(batch_no)
    play.withdraw_unmatched(batch_no)
    play.verify(batch_no)
    play.publicise_batch(batch_no)
    flow_no = play.start_flow(batch_no, ground)
    play.settle_lines(flow_no)
    play.confirm_payment(flow_no, play.pass_summary(flow_no, refused_first=True))
    play.wait_for_end(flow_no)
    flow = _after_all_returns(play, flow_no)
    evidence = play.send_evidence(flow_no, play.paid_lines(flow_no, EVIDENCE_LINES))
    return _summary(play.county, flow, evidence, batch_no)


def go_on(play: Play, ground: Ground, first: Json) -> Json:
    """Cards are changed, the county's next flow pays who had failed; the first flow's figures stay as they were."""
    changes = Changes(play, os.environ["API_URL"])
    ids = changes.all()
    second = second_flow(play, ground, ids)
    again = _flow_figures(play.flow(first["flow_no"]))
    assert again == {name: first[name] for name in again}, (again, first)
    assert second["paid_fen"] == paid_again_fen(ids), second
    return {"card_changes": changes.figures(), "second_flow": second}


def _after_all_returns(play: Play, flow_no: str) -> Json:
    """Returns come for weeks after the end, until the platform has nothing more to say and its ledger is ours."""

    def same(seen: Json) -> bool:
        paid = figure(seen["figures"]["payments"], "paid")
        quiet = _outside("health")
        totals = _outside("ledger")
        books = totals["payments"] - totals["returns"], totals["net_fen"]
        return books == (paid["count"], paid["fen"]) and not (quiet["agenda"] or quiet["undelivered"])

    seen = wait_for("退票", lambda: play.flow(flow_no), same)
    failed = figure(seen["figures"]["payments"], "failed")
    play.report.step("退票到齐，与平台账本一致", failed["count"], failed["fen"])
    return seen


def _outside(what: str) -> Json:
    """The platform's own books, which the product never sees."""
    answer = httpx.get(f"{os.environ['SIMULATOR_URL']}/admin/{what}", timeout=30.0, trust_env=False)
    answer.raise_for_status()
    told: Json = answer.json()
    return told


def _summary(county: County, flow: Json, evidence: Json, batch_no: str) -> Json:
    batch = county.operator.get(f"/batches/{batch_no}")
    return {
        "lines": batch["line_count"],
        **_flow_figures(flow),
        "withdrawn_lines": figure(batch["stages"], "withdrawn")["count"],
        "evidence_lines": evidence["done_count"],
        "flow_no": flow["flow_no"],
    }


def _flow_figures(flow: Json) -> Json:
    payments = flow["figures"]["payments"]
    paid = figure(payments, "paid")
    return {
        "paid_lines": paid["count"],
        "paid_fen": paid["fen"],
        "failed_lines": figure(payments, "failed")["count"],
        "flow_status": flow["status"],
    }


def _peak_rss_mib(pid: int) -> float:
    """The worker's highest resident memory, as the kernel keeps it."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) / 1024, 1)
    return round(psutil.Process(pid).memory_info().rss / 2**20, 1)


def _verdict(summary: Json, report: Report) -> int:
    wrong = {key: (summary[key], value) for key, value in EXPECTED.items() if summary[key] != value}
    second = summary["second_flow"]
    wrong |= {f"second_flow.{key}": (second[key], value) for key, value in SECOND_FLOW.items() if second[key] != value}
    if wrong:
        report.console.print(f"不平：{wrong}（实际，应为）", style="bold red")
        return 1
    report.console.print(f"平衡：{json.dumps(summary, ensure_ascii=False)}", style="bold green", soft_wrap=True)
    return 0


if __name__ == "__main__":
    # whoever pressed Ctrl-C is told by the stack
    sys.exit(spoken("演示数据", seed) if sys.argv[1:] == ["seed"] else spoken("演示", main))

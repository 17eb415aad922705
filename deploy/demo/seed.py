"""`python -m deploy.demo seed`: what `make up` starts with, played through the public API; what is there is left."""

import os
from pathlib import Path

import httpx

from deploy.demo.people import Json, counties
from deploy.demo.play import Play
from deploy.demo.report import Report
from models.identity import china_today

DATA = Path(__file__).parent / "data"
INDICATOR_FEN = 400_000_000
# The last act for each county: a county that has got there is not touched again.
SMALL, LARGE = "500003", "500001"
FILES = {SMALL: "batch-500003-60.csv", LARGE: "batch-500001-2000.xlsx"}
TITLES = {SMALL: "60 笔演示批次", LARGE: "2,000 笔演示批次"}


def seed() -> int:
    """A small county up to its initialisation, a large one with a batch in draft; then a list of all there is."""
    with httpx.Client(base_url=os.environ["API_URL"], timeout=60.0, trust_env=False) as http:
        people = counties(http, Path(os.environ["TOKENS_FILE"]))
        report = Report()
        plays = {code: Play(people[code], china_today().year, report) for code in (SMALL, LARGE)}
        for code, play in plays.items():
            if not _is_played(play, code):
                report.console.print(f"区县 {code}：准备演示数据", highlight=False)
                _play(play, code)
        for code, play in plays.items():
            _say(play, code)
    return 0


def _is_played(play: Play, code: str) -> bool:
    operator = play.county.operator
    if code == SMALL:
        return any(each["stage"] == "reviewed" for each in operator.get("/beneficiary-lists")["items"])
    return any(each["stage"] == "imported" for each in operator.get("/application-imports")["items"])


def _play(play: Play, code: str) -> None:
    """Each step looks first: a start that was broken off is gone on with."""
    operator = play.county.operator
    if not operator.get("/indicators", stage="approved", limit=1)["items"]:
        play.prepare_ground(INDICATOR_FEN, refused_first=False)
    batch_no = _batch(play, code)
    _import(play, batch_no, FILES[code])
    if code == LARGE:
        return
    lists = operator.get("/beneficiary-lists")["items"]
    if not lists:
        play.review_and_publicise(batch_no)
        play.initialise(batch_no)
    for each in lists:
        _until_over(play, f"/beneficiary-lists/{each['list_no']}", "reviewed", "refused")


def _batch(play: Play, code: str) -> str:
    for batch in play.county.operator.get("/batches")["items"]:
        if batch["title"] == TITLES[code]:
            return str(batch["batch_no"])
    return play.open_batch(TITLES[code])


def _import(play: Play, batch_no: str, name: str) -> None:
    imports = play.county.operator.get("/application-imports")["items"]
    for each in imports:
        _until_over(play, f"/application-imports/{each['import_no']}", "imported", "refused")
    if not imports:
        play.import_file(batch_no, name, (DATA / name).read_bytes())


def _until_over(play: Play, path: str, *stages: str) -> None:
    play.county.operator.wait(path, path, lambda seen: seen["stage"] in stages)


def _say(play: Play, code: str) -> None:
    operator, console = play.county.operator, play.report.console
    console.print(f"\n区县 {code} 现有：", highlight=False)
    for name, path, number in (
        ("政策", "/policies", "policy_no"),
        ("指标", "/indicators", "indicator_no"),
        ("批次", "/batches", "batch_no"),
        ("初始化名单", "/beneficiary-lists", "list_no"),
        ("补贴流程", "/flows", "flow_no"),
    ):
        for each in operator.get(path)["items"]:
            console.print(f"  {name} {each[number]}  {_words(each)}", highlight=False)


def _words(each: Json) -> str:
    fen = each["total_fen"] if "total_fen" in each else each.get("line_fen", 0)
    lines = f"，{each['line_count']:,} 笔 {fen / 100:,.2f} 元" if "line_count" in each else ""
    counted = [f"{row['label']} {row['count']:,}" for row in (*each.get("stages", ()), *each.get("outcomes", ()))]
    return f"{each['stage_label']}{lines}" + (f"（{'、'.join(counted)}）" if counted else "")

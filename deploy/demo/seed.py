"""`python -m deploy.demo seed`: what `make up` starts with, played through the public API.

It knows its own by title, sum and batch: what people have entered meanwhile is theirs and is left alone. Each step
looks first, so that a start which was broken off is gone on with.
"""

import os
from pathlib import Path

import httpx

from deploy.demo.people import Json, Refused, counties
from deploy.demo.play import FUND_NATURE, Play, policy_title
from deploy.demo.report import Report
from deploy.simulator.catalog import load_catalog
from models.words.calendar import china_today

DATA = Path(__file__).parent / "data"
INDICATOR_FEN = 400_000_000
SMALL, LARGE = "500003", "500001"
FILES = {SMALL: "batch-500003-60.csv", LARGE: "batch-500001-2000.xlsx"}
TITLES = {SMALL: "60 笔演示批次", LARGE: "2,000 笔演示批次"}
GOES_ON = "make up 的演示数据，已有相同申请也照样导入"


def seed() -> int:
    """A small county up to its initialisation, a large one with a batch in draft; then a list of all there is."""
    with httpx.Client(base_url=os.environ["API_URL"], timeout=60.0, trust_env=False) as http:
        people = counties(http, Path(os.environ["TOKENS_FILE"]))
        report = Report()
        plays = {code: Play(people[code], china_today().year, report) for code in (SMALL, LARGE)}
        for code, play in plays.items():
            report.console.print(f"区县 {called(code)}：核对演示数据", highlight=False)
            _play(play, code)
        for code, play in plays.items():
            _say(play, code)
    return 0


def called(code: str) -> str:
    """As the province's own list has it: [500003] 演示."""
    return f"[{code}] {load_catalog().counties[code]}"


def _play(play: Play, code: str) -> None:
    _choose_unit(play)
    _policy(play)
    _indicator(play)
    batch_no = _batch(play, code)
    _import(play, batch_no, FILES[code])
    if code == SMALL:
        _initialise(play, batch_no)


def _choose_unit(play: Play) -> None:
    try:
        play.county.admin.get("/policy-unit")
    except Refused as refused:
        if refused.status != 404:
            raise
        play.choose_policy_unit()


def _policy(play: Play) -> None:
    title = policy_title(play.year)
    mine = [each for each in play.county.admin.pages("/policies") if each["title"] == title]
    if not mine:
        play.upload_policy(refused_first=False)
    for each in mine:
        play.reviewed("政策审核", f"/policies/{each['policy_no']}")


def _indicator(play: Play) -> None:
    operator = play.county.operator
    mine = [each for each in operator.pages("/indicators", fund_year=play.year) if _is_mine(each)]
    if not mine:
        play.register_indicator(INDICATOR_FEN, refused_first=False)
    for each in mine:
        if each["stage"] == "draft":
            operator.post("/indicator-submissions", {"indicator_nos": [each["indicator_no"]]})
        play.reviewed("指标审核", f"/indicators/{each['indicator_no']}")


def _is_mine(indicator: Json) -> bool:
    return (indicator["total_fen"], indicator["fund_nature"]) == (INDICATOR_FEN, FUND_NATURE)


def _batch(play: Play, code: str) -> str:
    for batch in play.county.operator.pages("/batches", fund_year=play.year):
        if batch["title"] == TITLES[code]:
            return str(batch["batch_no"])
    return play.open_batch(TITLES[code])


def _import(play: Play, batch_no: str, name: str) -> None:
    """Into the own batch; a stop is gone on with, since somebody may have handed in the same file before."""
    mine = [each for each in play.county.operator.pages("/application-imports") if each["batch_no"] == batch_no]
    if any(each["stage"] == "imported" for each in mine):
        return
    under_way = [each["import_no"] for each in mine if each["stage"] != "refused"]
    number = under_way[0] if under_way else play.hand_in(batch_no, name, (DATA / name).read_bytes())
    play.imported(number, GOES_ON)


def _initialise(play: Play, batch_no: str) -> None:
    """From draft to the platform's answer, whatever of it is left to do."""
    operator = play.county.operator
    stages = {row["stage"] for row in operator.get(f"/batches/{batch_no}")["stages"]}
    if stages & {"draft", "in_review"}:
        play.review_and_publicise(batch_no)
    lines = operator.pages("/applications", batch_no=batch_no, stage="publicised")
    for number in {line["list_no"] for line in lines if line["list_no"]}:
        _until_over(play, f"/beneficiary-lists/{number}", "reviewed", "refused")
    if any(not line["list_no"] and not line["held"] for line in lines):
        play.initialise(batch_no)


def _until_over(play: Play, path: str, *stages: str) -> None:
    play.county.operator.wait(path, path, lambda seen: seen["stage"] in stages)


def _say(play: Play, code: str) -> None:
    operator, console = play.county.operator, play.report.console
    console.print(f"\n区县 {called(code)} 现有：", highlight=False)
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

"""`make tour`: going live and a season's twelve steps through the pages in Chromium, on a fresh stack, clicks counted.

Pictures of every step and a table are left under var/tour; it ends with 0 only if all of it is done.
"""

import json
import sys
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from deploy.demo.people import counties
from deploy.spoken import spoken
from deploy.stack.__main__ import HURRIED
from deploy.stack.layout import Options
from deploy.stack.processes import ROOT, StackError, end_leftovers
from deploy.stack.stack import Stack, forget
from deploy.stack.start_page import TOUR_COUNTY, start_page
from deploy.stack.tour import GOING_LIVE, STEPS, seen_of
from deploy.tour.player import DESKTOP, Player, Told, chromium
from deploy.tour.season import play

HOME = ROOT / "var" / "tour"
# A day of the platform takes less than half a second.
TIME_SCALE = 216_000


def tour(home: Path = HOME) -> int:
    end_leftovers(home)
    forget(home)
    pictures = home / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with Stack(home, Options(env=HURRIED, time_scale=TIME_SCALE, seed=1, start_page=True)) as stack:
        stack.start()
        with start_page(stack.layout) as start, chromium() as browser:
            page = browser.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
            page.set_default_timeout(30_000)
            player = Player(page, start, stack.layout.api_url, stack.layout.simulator_url, pictures)
            play(player, TOUR_COUNTY)
            _say(player.steps, home)
        return _verdict(stack)


def _say(steps: list[Told], home: Path) -> None:
    table = Table(title="上线和一季十二步，在浏览器里")
    for head in ("步骤", "点击", "填写", "秒"):
        table.add_column(head)
    for told in steps:
        table.add_row(told.title, str(told.clicks), str(told.typed), f"{told.seconds:.1f}")
    clicks, typed = sum(told.clicks for told in steps), sum(told.typed for told in steps)
    table.add_row("合计", str(clicks), str(typed), f"{sum(told.seconds for told in steps):.1f}")
    Console(width=100).print(table)
    (home / "tour.json").write_text(json.dumps([vars(told) for told in steps], ensure_ascii=False, indent=1))
    print(f"图片在 {home / 'pictures'}")


def _verdict(stack: Stack) -> int:
    with httpx.Client(base_url=stack.layout.api_url, timeout=30, trust_env=False) as http:
        seen = seen_of(counties(http, stack.layout.tokens)[TOUR_COUNTY])
    missing = [step.title for step in (*GOING_LIVE, *STEPS) if seen is None or not step.is_done(seen)]
    if seen is not None:
        missing += [each["label"] for each in seen.going_live["checks"] if not each["passed"]]
    if missing:
        raise StackError(f"没有走完：{'、'.join(missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(spoken("make tour", tour))

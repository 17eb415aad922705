"""`make pictures`: the README's four pictures, taken from a stack that has played the demo, so that they never lie.

It fails where a character has no glyph: a page that is photographed without a Chinese face shows boxes.
"""

import json
import subprocess
import sys
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, ViewportSize

from deploy.demo.changes import people
from deploy.demo.citizens import Browser as CitizenBrowser
from deploy.demo.people import counties
from deploy.spoken import spoken
from deploy.stack.__main__ import DEMO_FAULTS, DEMO_SEED, DEMO_TIME_SCALE, HURRIED, demo_environment
from deploy.stack.layout import Options
from deploy.stack.processes import ROOT, StackError, end_leftovers
from deploy.stack.sign_in import demo_people, sign_in_locally
from deploy.stack.stack import Stack, forget
from deploy.tour.player import DESKTOP, PATIENCE_MS, chromium
from models.words.staff import Role

HOME = ROOT / "var" / "pictures"
PLACE = ROOT / "api" / "pages" / "pictures"
# name, path, value
Cookie = tuple[str, str, str]
PHONE: ViewportSize = {"width": 390, "height": 844}
COUNTY = "500001"
# Each distinct character of the page drawn, and compared with one that no face has.
_MISSING = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const face = getComputedStyle(document.body).fontFamily;
  const drawn = (text) => { pen.clearRect(0, 0, 60, 60); pen.font = `40px ${face}`;
    pen.fillText(text, 4, 44); return pen.getImageData(0, 0, 60, 60).data.join(); };
  const box = drawn('\\u{10fffe}');
  return [...new Set(document.body.innerText)].filter((c) => c.trim() && drawn(c) === box); }"""


def pictures(home: Path = HOME) -> int:
    end_leftovers(home)
    forget(home)
    options = Options(env=HURRIED, time_scale=DEMO_TIME_SCALE, faults=DEMO_FAULTS, seed=DEMO_SEED)
    with Stack(home, options) as stack:
        stack.start()
        _play(stack, home / "demo-summary.json")
        citizen = _ask_for_a_change(stack)
        PLACE.mkdir(parents=True, exist_ok=True)
        operator, reviewer = _signed_in(stack, Role.OPERATOR), _signed_in(stack, Role.REVIEWER)
        flow_no = _flow_no(stack)
        with chromium() as browser:
            _take(_page(stack, browser, DESKTOP, operator), "/console", "to-dos.png")
            _take(_page(stack, browser, DESKTOP, operator), f"/console/flows/{flow_no}", "flow.png")
            _take_desk(_page(stack, browser, DESKTOP, reviewer))
            _take(_page(stack, browser, PHONE, citizen), "/citizen/m/account", "phone.png")
    print(f"图片在 {PLACE}")
    return 0


def _play(stack: Stack, summary: Path) -> None:
    environment = demo_environment(stack) | {"DEMO_SUMMARY_FILE": str(summary)}
    subprocess.run([sys.executable, "-m", "deploy.demo"], env=environment, cwd=ROOT, check=True)
    if not json.loads(summary.read_text())["paid_lines"]:
        raise StackError("演示没有走完，没有可以拍的页面")


def _ask_for_a_change(stack: Stack) -> Cookie:
    """One more citizen asks for another card, and waits for the reviewer; gives the session."""
    _, fine, _ = people()
    wish = fine[3]
    citizen = CitizenBrowser(stack.layout.api_url)
    citizen.sign_in(wish.name, wish.id_number)
    form = {"card_type": wish.card_type, "account_no": wish.account_no, "bank_code": wish.bank_code}
    asked = {**form, "counties": [COUNTY], "reason": "停用旧卡，启用新卡", "authorised": True}
    citizen.post("/citizen/card-changes", asked)
    secret = str(citizen.http.cookies["onecard_session"])
    citizen.close()
    return "onecard_session", "/citizen", secret


def _flow_no(stack: Stack) -> str:
    with httpx.Client(base_url=stack.layout.api_url, timeout=30, trust_env=False) as http:
        flows = counties(http, stack.layout.tokens)[COUNTY].operator.pages("/flows")
    return min(str(flow["flow_no"]) for flow in flows)


def _signed_in(stack: Stack, role: Role) -> Cookie:
    """Before the browser is there, whose loop lets nobody else run one."""
    person = next(each for each in demo_people([COUNTY]) if each.role is role)
    return "onecard_staff", "/console", sign_in_locally(stack.layout, person)


def _page(stack: Stack, browser: Browser, size: ViewportSize, cookie: Cookie) -> Page:
    name, path, secret = cookie
    context = browser.new_context(
        base_url=stack.layout.api_url, viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.add_cookies([{"name": name, "value": secret, "domain": "127.0.0.1", "path": path}])
    return context.new_page()


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    _keep(page, name)


def _take_desk(page: Page) -> None:
    page.goto("/console/card-changes")
    page.locator("table a").first.wait_for(timeout=PATIENCE_MS)
    page.locator("table a").first.click()
    page.get_by_label("审核意见").first.wait_for()
    _keep(page, "desk.png")


def _keep(page: Page, name: str) -> None:
    missing = page.evaluate(_MISSING)
    if missing:
        raise StackError(
            f"{name} 中这些字没有字形：{'、'.join(missing[:10])}。请安装中文字体，make test-pages 会安装。"
        )
    page.screenshot(path=PLACE / name)
    print(f"{name}：{page.title()}", flush=True)


if __name__ == "__main__":
    sys.exit(spoken("make pictures", pictures))

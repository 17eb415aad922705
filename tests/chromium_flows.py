"""Flows in a real browser: whole in each look, live while they lie open, once however often a button is pressed."""

import pytest

from tests.chromium import Chromium, chinese_left, sideways, small_targets, violations
from tests.rows import OPERATOR, REVIEWER, Line, Office, add_ground, count_of
from tests.test_orders_api import mixed_flow

pytest_plugins = ["tests.office_in_chromium"]


@pytest.mark.parametrize("look", ["zh.normal.light", "en.huge.dark", "zh.huge.contrast"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_pages_of_flows_are_whole_in_every_look(office: Office, seen: Chromium, look: str, phone: bool) -> None:
    flow_no, named = await mixed_flow(office)
    chosen = {"selection": {"application_nos": [named["duplicate"]]}}
    entered = await office.post("/orders", {"kind": "confirmed", "flow_no": flow_no, "reason": "经核实", **chosen})
    flow, order = f"/console/flows/{flow_no}", f"/console/orders/{entered.json()['order_no']}"
    operator = await seen.window(await office.sign_in(OPERATOR), phone=phone, look=look)
    reviewer = await seen.window(await office.sign_in(REVIEWER), phone=phone, look=look)
    found = []
    for page, paths in (
        (operator, [flow, f"{flow}/lines", f"{flow}/corrections", f"{flow}/order?kind=unverified"]),
        (reviewer, [flow, order, "/console/orders"]),
    ):
        for path in paths:
            await page.goto(path)
            found += await violations(page)
            if look.startswith("en"):
                found += [f"{path}: Chinese in English: {text}" for text in await chinese_left(page)]
            if await sideways(page):
                found.append(f"{path} scrolls sideways by {await sideways(page)}")
            if phone:
                found += [f"{path} {small}" for small in await small_targets(page, 60 if "huge" in look else 44)]
    assert not found, "\n".join(found)


async def test_readiness_in_a_browser_and_a_double_click_starts_once(office: Office, seen: Chromium) -> None:
    ground = await add_ground(office, [Line(100), Line(200)])
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto("/console/flows/start")
    await page.get_by_label("申请结算批次").select_option(ground.batch_no)
    await page.get_by_role("button", name="下一步").click()
    # the only policy and the only indicator are chosen already
    await page.get_by_text("将启动：").wait_for()
    assert await violations(page) == []
    await page.get_by_label(ground.policy_no).uncheck()
    await page.get_by_role("button", name="核对").click()
    await page.get_by_text("没有覆盖", exact=True).wait_for()
    assert await violations(page) == []
    await page.get_by_label(ground.policy_no).check()
    await page.get_by_role("button", name="核对").click()
    await page.get_by_role("button", name="确认启动").dblclick()
    await page.get_by_text("已启动补贴流程").wait_for()
    assert await count_of(office, "flow") == 1
    assert await violations(page) == []


async def test_what_happens_is_seen_on_the_open_page(office: Office, seen: Chromium) -> None:
    """Journey 21, of the flow: somebody else's order appears by itself."""
    flow_no, named = await mixed_flow(office)
    page = await seen.window(await office.sign_in(OPERATOR))
    await page.goto(f"/console/flows/{flow_no}")
    chosen = {"selection": {"application_nos": [named["accepted"]]}}
    await office.post("/orders", {"kind": "withdrawal", "flow_no": flow_no, "reason": "本人要求", **chosen})
    await page.get_by_text("“本人要求”").wait_for()

"""公示网页 (S1 2.6): off until switched on, from its start date until the flow starts, masked as printed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.relay.broadcast import Broadcast
from api.season.kept_pages import KeptPages, Looks
from api.server.problems import Problem
from models.words.calendar import china_today
from tests.browser import Browser
from tests.rows import (
    ADMIN,
    AUDITOR,
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_ground,
    citizen_id,
    count_of,
    open_office,
)

CONTACT = "红岩镇农业服务中心，023-00000000"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, public_list_kept_seconds=0) as opened:
        yield opened


async def switch(office: Office, shown: bool = True, who: str = ADMIN, county: str = COUNTY) -> httpx.Response:
    body = {"shown": shown, "contact": CONTACT}
    return await office.http.put("/public-list-switch", json=body, headers=office.headers(who, county, None))


async def seen(office: Office, path: str) -> int:
    return (await office.http.get(path)).status_code


async def test_only_a_county_administrator_switches_and_the_trail_has_it(office: Office) -> None:
    for who in (OPERATOR, REVIEWER, AUDITOR):
        assert (await switch(office, who=who)).status_code == 403
        assert (await office.get("/public-list-switch", who)).json()["shown"] is False
    missing = await office.http.put(
        "/public-list-switch", json={"shown": True}, headers=office.headers(ADMIN, COUNTY, None)
    )
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/contact")
    assert (await switch(office)).json()["contact"] == CONTACT
    await switch(office)
    assert await count_of(office, "trail_entry WHERE act = 'public_list.switched'") == 1
    await switch(office, shown=False)
    assert await count_of(office, "trail_entry WHERE act = 'public_list.switched'") == 2


async def test_a_list_is_there_from_its_start_date_until_the_flow_starts(office: Office) -> None:
    unreviewed = [Line(800, stage="draft"), Line(1600, stage="in_review")]
    ground = await add_ground(
        office, [Line(100, person=1), Line(200, town_code="500001101"), Line(400, stage="withdrawn"), *unreviewed]
    )
    index, village = f"/public-lists/{ground.batch_no}", f"/public-lists/{ground.batch_no}/500001100/V-01"
    assert (await seen(office, index), await seen(office, village)) == (404, 404)
    await switch(office, county=OTHER_COUNTY)
    assert await seen(office, index) == 404
    await switch(office)
    shown = (await office.http.get(index)).json()
    today = china_today()
    assert (shown["start_date"], shown["last_day"]) == (
        str(today - timedelta(days=10)),
        str(today - timedelta(days=4)),
    )
    assert (shown["count"], shown["total_fen"], shown["contact"]) == (2, 300, CONTACT)
    assert [(each["town"], each["village"], each["count"]) for each in shown["villages"]] == [
        ("红岩镇", "前进村", 1),
        ("青山乡", "前进村", 1),
    ]
    lines = (await office.http.get(village)).json()
    [line] = lines["lines"]
    assert (line["number"], line["name"], line["amount_fen"], lines["pages"]) == (1, "**梅", 100, 1)
    assert line["id_number"] != citizen_id(1)
    assert line["id_number"][-4:] == citizen_id(1)[-4:]
    for other in (f"{village}?page=2", f"{index}/500001100/V-02", "/public-lists/500001-P2026-9999"):
        assert await seen(office, other) == 404
    await office.run("UPDATE batch SET publicity_start = current_date + 2")
    assert await seen(office, index) == 404
    await office.run("UPDATE batch SET publicity_start = current_date - 20")
    assert await seen(office, index) == 200
    assert (await office.post("/flows", ground.start)).status_code == 201
    assert (await seen(office, index), await seen(office, village)) == (404, 404)
    started = await (await Browser.at(office).sign_in(ADMIN)).open(f"/console/publicity/{ground.batch_no}")
    assert ("不再显示" in started.main, "可以启动补贴流程" in started.main) == (True, False)


@pytest.mark.journey(35)
async def test_the_page_is_for_anybody_and_nothing_can_be_searched(office: Office) -> None:
    ground = await add_ground(office, [Line(100, person=1)])
    await switch(office)
    browser = Browser.at(office)
    page = await browser.open(f"/public/{ground.batch_no}?name=小梅")
    assert page.status == 200
    assert "王" not in page.answer.text.replace("<title>", "")
    assert CONTACT in page.main
    assert not page.document.cssselect("form, input")
    assert page.answer.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    page = await browser.open(page.link("前进村"))
    [row] = page.rows()
    assert (row["序号"], row["姓名或组织名称"], row["金额（元）"]) == ("1", "**梅", "1.00")
    assert citizen_id(1) not in page.answer.text
    assert "梅" not in page.title + page.path
    gone = await browser.open("/public/500001-P2026-9999")
    assert (gone.status, gone.code) == (404, "NOT_FOUND")
    assert "没有可以查看的公示" in gone.problem
    robots = await browser.get("/robots.txt")
    assert robots.text == "User-agent: *\nDisallow: /\n"
    # an administrator of the county leads there
    admin = await Browser.at(office).sign_in(ADMIN)
    page = await admin.open("/console/publicity")
    page = await admin.open(page.link("公示网页的开关"))
    # and is told where its addresses are
    assert "每个批次的公示网页的网址" in page.main
    batch = await admin.open(f"/console/publicity/{ground.batch_no}")
    assert batch.has_link(f"/public/{ground.batch_no}")
    page = await admin.submit(page, "保存", shown="false")
    assert page.done == "已保存"
    assert (await browser.open(f"/public/{ground.batch_no}")).status == 404


async def test_what_a_browser_has_already_is_not_sent_again_until_it_changes(office: Office) -> None:
    """It asks each time; another look, another language and another list have other tags."""
    ground = await add_ground(office, [Line(100, person=1), Line(200, person=2)])
    await switch(office)
    for place in (f"/public-lists/{ground.batch_no}", f"/public/{ground.batch_no}"):
        first = await office.http.get(place)
        known = {"If-None-Match": first.headers["ETag"]}
        again = await office.http.get(place, headers=known)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
        await office.run("UPDATE application SET amount_fen = amount_fen + 1")
        changed = await office.http.get(place, headers=known)
        assert (changed.status_code, changed.headers["ETag"] != first.headers["ETag"]) == (200, True)
    english = await office.http.get(place, headers={**known, "Cookie": "onecard_look=en.normal.light"})
    assert (english.status_code, english.headers["Cache-Control"]) == (200, "private, no-cache")
    await switch(office, shown=False)
    assert (await office.http.get(place, headers={"If-None-Match": changed.headers["ETag"]})).status_code == 404


async def test_an_address_looks_so_often_and_another_one_still_may(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, public_looks_per_address_minute=3) as office:
        ground = await add_ground(office, [Line(100)])
        await switch(office)
        greedy, other = Browser.at(office, ("10.0.0.1", 1)), Browser.at(office, ("10.0.0.2", 1))
        place = f"/public/{ground.batch_no}"
        assert [(await greedy.open(place)).status for _ in range(4)] == [200, 200, 200, 429]
        assert (await greedy.get(f"/public-lists/{ground.batch_no}")).headers["Retry-After"] == "20"
        assert (await other.open(place)).status == 200


async def test_what_is_kept_is_read_once_for_many_and_forgotten_in_time() -> None:
    news, reads = Broadcast(), 0

    async def read() -> bytes:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return b"%d" % reads

    async def look(pages: KeptPages) -> bytes:
        page = await pages.get("list", COUNTY, read)
        assert page is not None
        return page.content

    kept = KeptPages(news, 0)
    news.now_hears(True)
    assert set(await asyncio.gather(*[look(kept) for _ in range(20)])) == {b"1"}
    assert await look(kept) == b"1"
    news.tell(OTHER_COUNTY)
    assert await look(kept) == b"1"
    news.tell(f"{COUNTY}-L2026-0001")
    assert await look(kept) == b"2"
    # whatever is told, a busy county is read every few seconds and no more
    patient = KeptPages(news, 60)
    assert await look(patient) == b"3"
    news.tell(COUNTY)
    assert await look(patient) == b"3"


def test_looks_come_back_with_time_and_many_addresses_take_no_room() -> None:
    looks = Looks(2)
    looks.note("a")
    looks.note("a")
    with pytest.raises(Problem):
        looks.note("a")
    looks.note("b")

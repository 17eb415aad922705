"""Batches, their verification and publicity in a browser without scripts (S1 2.5, 2.6)."""

import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from PIL import Image

from deploy.stack.objects import Access
from models.words.calendar import china_today
from tests.page_ground import at, office_with_files
from tests.rows import ADMIN, OPERATOR, REVIEWER, Line, Office, add_applications, add_ground, lock_account


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings) as opened:
        yield opened


@pytest.mark.journey(15)
async def test_applications_come_into_a_batch_and_go_out_until_it_is_verified(office: Office) -> None:
    """Journey 15: verification, its results page, and an export with the same count."""
    lines = [Line(1_000, stage="pending_settlement", verification="none", person=place) for place in (11, 12, 13)]
    async with office.database.transaction() as session:
        numbers = await add_applications(session, office.vault, lines, None)
    browser = await at(office, OPERATOR)
    form = await browser.open((await browser.open("/console/batches")).link("新建批次"))
    missing = await browser.submit(form, "保存", title="")
    assert missing.status == 422
    batch = await browser.submit(missing, "保存", title="春耕批次")
    assert "已新建批次" in batch.done
    batch_no = batch.path.split("/")[3].partition("?")[0]
    joining = await browser.open(batch.link("加入申请"))
    preview = await browser.send(joining, joining.form("加入批次"), "加入批次", {"everything": True})
    assert preview.document.get_element_by_id("preview-sum").text == "30.00"
    assert f"加入批次 · 批次 {batch_no} 3 份" in preview.main
    batch = await browser.submit(preview, "确认办理")
    assert "已加入批次 3 份" in batch.done
    inside = await browser.open(batch.link("批次内的申请"))
    preview = await browser.send(inside, inside.form("移出批次"), "移出批次", {"chosen": [numbers[0]]})
    batch = await browser.submit(preview, "确认办理")
    assert "已移出批次 1 份" in batch.done
    await lock_account(office, numbers[2])
    page = await browser.open(f"/console/verifications/{batch_no}")
    preview = await browser.submit(page, "提交大数据校验")
    assert "账号变更中，暂缓" in preview.main
    assert f"提交大数据校验 · 批次 {batch_no} 1 份" in preview.main
    sent = await browser.submit(preview, "确认办理")
    assert "已提交大数据校验" in sent.done
    assert "校验中" in sent.main
    assert sent.button("提交大数据校验") is None
    frozen = await browser.open(f"/console/batches/{batch_no}/joining")
    assert "批次的内容不能再变" in frozen.main
    assert frozen.button("加入批次") is None
    results = await browser.open(sent.link("校验结果"))
    assert len(results.rows()) == 2
    held = await browser.open(f"/console/verifications/{batch_no}/results?verification=held")
    assert [row["编号"] for row in held.rows()] == [numbers[2]]
    book = openpyxl.load_workbook(io.BytesIO((await browser.get(held.link("导出 Excel"))).content))
    assert book.active.max_row == 2
    assert (await browser.open(f"/console/batches/{batch_no}/flows")).status == 404


@pytest.mark.journey(16)
async def test_publicity_with_images_says_from_when_a_flow_may_start(office: Office) -> None:
    """Journey 16."""
    ground = await add_ground(office, [Line()])
    await office.run("UPDATE batch SET publicity_start = NULL, publicity_address = NULL")
    await office.run("DELETE FROM batch_image")
    browser = await at(office, OPERATOR)
    page = await browser.open((await browser.open("/console/publicity")).link(ground.batch_no))
    today = china_today()
    typed = {"start_date": today.isoformat(), "address": "红岩镇公告栏"}
    missing = await browser.submit(page, "保存", **typed)
    assert missing.status == 422
    assert missing.form("保存").fields["address"] == "红岩镇公告栏"
    done = await browser.submit(missing, "保存", image_file_ids=[_png("一.png", 3), _png("二.png", 4)])
    assert f"公示满 7 天（{today + timedelta(days=7)}）后可以启动" in done.main
    first, second = [image.get("src") for image in done.document.cssselect(".pictures img")]
    assert (await browser.get(first)).headers["content-type"].startswith("image/")
    refused = await office.post("/flows", ground.start)
    assert (refused.status_code, str(today + timedelta(days=7)) in refused.text) == (409, True)
    kept = await browser.submit(done, "保存", kept=[second.rpartition("/")[2]], address="镇政府")
    assert [image.get("src") for image in kept.document.cssselect(".pictures img")] == [second]
    wrong = await browser.submit(kept, "保存", image_file_ids=("表.png", b"no picture", "image/png"))
    assert (wrong.status, "只能上传" in wrong.problem) == (422, True)
    # who only reads has no form
    for who in (REVIEWER, ADMIN):
        seen = await (await at(office, who)).open(f"/console/publicity/{ground.batch_no}")
        assert (seen.button("保存"), "镇政府" in seen.main) == (None, True)


def _png(name: str, width: int) -> tuple[str, bytes, str]:
    target = io.BytesIO()
    Image.new("RGB", (width, 2)).save(target, "PNG")
    return name, target.getvalue(), "image/png"

"""Policies and indicators in a browser without scripts: policy unit, upload, review, budget settings (S1 1.1, 2.3)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.stack.objects import Access
from tests.browser import Browser, Page
from tests.page_ground import ITEM, PDF, UNIT, at, office_with_files, reviewed
from tests.rows import ADMIN, COUNTY, OPERATOR, OPS, YEAR, Office


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings) as opened:
        yield opened


@pytest.mark.journey(12)
async def test_a_policy_is_refused_uploaded_again_and_approved_on_the_open_page(office: Office) -> None:
    """Journey 12: its page shows what the platform says without being reloaded."""
    browser = await at(office, ADMIN)
    page = await browser.open("/console/policies")
    assert "尚未设置政策单位" in page.main
    assert not page.has_link("上传补贴政策")
    page = await browser.submit(await browser.open(page.link("设置政策单位")), "保存", code=UNIT)
    assert (page.path, "农业农村局" in page.main) == ("/console/policies?done=saved", True)
    form = await browser.open(page.link("上传补贴政策"))
    missing = await browser.submit(form, "上传", title="耕地补贴政策", item_codes=[ITEM])
    assert (missing.status, "请选择补贴政策文件" in missing.problem) == (422, True)
    policy = await browser.submit(missing, "上传", file_id=PDF)
    assert "政策已上传" in policy.done
    number = policy.path.split("/")[3].partition("?")[0]
    [asked] = [part.get("hx-get") for part in policy.document.cssselect("#live")]
    assert (await browser.get(asked)).status_code == 204
    await reviewed(office, "policy", number, "rejected", "文件不清晰")
    assert "文件不清晰" in (await browser.news(policy, "文件不清晰")).main
    seen = await browser.get(asked)
    assert (seen.status_code, "文件不清晰" in seen.text, "hx-push-url" in seen.headers) == (200, True, False)
    page = await browser.open(f"/console/policies/{number}/upload")
    assert "文件不清晰" in page.main
    again = await browser.submit(page, "上传", title="耕地补贴政策（修订）", file_id=PDF)
    assert "政策已上传" in again.done
    await reviewed(office, "policy", number, "approved", "同意")
    listed = await browser.open("/console/policies")
    # many items take several lines and leave the state in sight
    assert [cell.get("class") for cell in listed.document.cssselect("td[data-label='补贴项目']")] == ["long"]
    [row] = listed.rows()
    assert (row["标题"], row["状态"], row["轮次"]) == ("耕地补贴政策（修订）", "审核通过", "2")
    assert (await browser.get(f"/console/policies/{number}/file")).content == PDF[1]
    last = await browser.open(f"/console/policies/{number}")
    assert last.document.cssselect("#live")[0].get("hx-get") is None


async def test_who_only_reads_policies_has_no_buttons(office: Office) -> None:
    for who in (OPERATOR, OPS):
        page = await (await at(office, who)).open("/console/policies")
        assert page.status == 200
        assert not page.has_link("设置政策单位")
        assert not page.has_link("上传补贴政策")
    stolen = await (await at(office, OPERATOR)).open("/console/policies/unit")
    refused = await (await at(office, OPERATOR)).submit(stolen, "保存", code=UNIT)
    assert refused.status == 403


async def test_required_pictures_are_set_per_item(office: Office) -> None:
    browser = await at(office, ADMIN)
    page = await browser.open("/console/policies/evidence")
    page = await browser.open(page.link("耕地地力保护补贴"))
    none = await browser.submit(page, "保存", kinds=[])
    assert none.status == 422
    page = await browser.submit(page, "保存", kinds=["id_card_front", "invoice"])
    assert page.rows()[0]["个人"] == "身份证正面、发票"


async def chosen(browser: Browser) -> None:
    """The three settings."""
    for kind, field, words in (
        ("预算单位", "budget_unit_codes", ["11500001006562645B"]),
        ("预算项目", "budget_project_codes", [f"{COUNTY}{YEAR}001"]),
        ("指标文号", "document_nos", [f"渝财农〔{YEAR}〕15号"]),
    ):
        page = await browser.open((await browser.open("/console/indicators")).link(f"设置{kind}"))
        done = await browser.submit(page, "保存", **{field: words})
        assert done.done == "已保存"


# Its parts are one fen short of the whole.
TYPED = {
    "document_no": f"渝财农〔{YEAR}〕15号",
    "budget_unit_code": "11500001006562645B",
    "budget_project_code": f"{COUNTY}{YEAR}001",
    "total_fen": "2,000.00",
    "central_fen": "1999.99",
}


@pytest.mark.journey(13)
async def test_settings_then_a_wrong_sum_then_several_are_submitted(office: Office) -> None:
    """Journey 13."""
    browser = await at(office, OPERATOR)
    found = await browser.open("/console/indicators/choices/units?like=林业")
    assert "林业局" in found.main
    assert "农业农村局" not in found.main
    await chosen(browser)
    page = await browser.open("/console/indicators")
    assert "11500001006562645B" in page.main
    await is_told_what_is_missing(browser, await browser.open(page.link("登记指标")))
    numbers = []
    for total in ("2000", "50", "0.01"):
        fresh = await browser.open("/console/indicators/new")
        saved = await browser.submit(fresh, "保存", **{**TYPED, "total_fen": total, "central_fen": total})
        numbers.append(saved.path.split("/")[3].partition("?")[0])
    await submits_several(browser, numbers)
    await reviewed(office, "indicator", numbers[0], "rejected", "文号有误")
    await reviewed(office, "indicator", numbers[1], "approved", "同意")
    page = await browser.open(f"/console/indicators/{numbers[0]}")
    assert "文号有误" in page.main
    mended = await browser.submit(await browser.open(page.link("修改")), "保存")
    assert "待提交" in mended.main
    # from its own page too: the way on stands where one has just saved
    one = await browser.submit(await browser.submit(mended, "提交指标"), "确认办理")
    assert {row["编号"]: row["状态"] for row in one.rows()}[numbers[0]] == "待审核"
    balances = await browser.open("/console/indicators")
    assert "剩余 50.00 元" in balances.main


async def is_told_what_is_missing(browser: Browser, form: Page) -> None:
    """The four parts must make up the whole; what was typed stays."""
    told = await browser.get("/console/indicators/remainder?total_fen=2,000.00&central_fen=1999.99")
    assert "还差 0.01 元" in " ".join(told.text.split())
    wrong = await browser.submit(form, "保存", **TYPED)
    assert (wrong.status, "四项之和" in wrong.problem) == (422, True)
    assert wrong.form("保存").fields["central_fen"] == "1999.99"


async def submits_several(browser: Browser, numbers: list[str]) -> None:
    page = await browser.open("/console/indicators")
    preview = await browser.send(page, page.form("提交"), "提交", {"chosen": numbers})
    assert preview.document.get_element_by_id("preview-sum").text == "2,050.01"
    outdated = await browser.send(page, page.form("提交"), "提交", {"chosen": numbers})
    done = await browser.submit(preview, "确认办理")
    assert "已提交指标" in done.done
    assert {row["状态"] for row in done.rows()} == {"待审核"}
    # what has been submitted already is left out with why, and an outdated preview does nothing
    twice = await browser.submit(outdated, "确认办理")
    assert (twice.status, twice.code) == (409, "INDICATOR_NOT_SUBMITTABLE")
    again = await browser.send(page, page.form("提交"), "提交", {"chosen": numbers})
    assert again.document.get_element_by_id("preview-count").text == "0"
    assert again.main.count("现为“待审核”，不用再提交") == len(numbers)
    assert "确认办理" not in again.main

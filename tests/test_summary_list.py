"""发放汇总审核 as a list: the source's ten columns, and three answers that are never one (S1 second 2.7)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.rows import (
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    YEAR,
    Line,
    Office,
    add_file,
    add_flow,
    add_ground,
    add_summary,
    open_office,
    set_lines,
)
from tests.sheets import table

COLUMNS = (
    *("年份", "申请结算批次", "发放流程状态", "流程汇总金额（元）", "流程总户数", "乡镇汇总", "银行汇总"),
    *("审核状态", "审核意见", "提交状态", "平台审核"),
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def listed(office: Office, **query: str) -> list[dict[str, object]]:
    answer = await office.get("/summaries", **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def answers(office: Office) -> tuple[object, ...]:
    """The newest flow's three answers: review, submission, platform."""
    row, *_ = await listed(office)
    return row["review_label"], row["submission_label"], row["platform_review_label"]


async def pass_summary(office: Office, flow_no: str) -> None:
    async with office.database.transaction() as session:
        form = await add_file(session)
    review = {"passed": True, "opinion": "同意发放", "form_file_id": form}
    assert (await office.post(f"/flows/{flow_no}/summary/review", review, REVIEWER)).status_code == 200


async def test_each_flow_is_a_row_with_three_answers_that_go_on_by_themselves(office: Office) -> None:
    town, bank = "500001101", "BANK-B"
    lines = [Line(amount_fen=100, person=1), Line(amount_fen=200, person=1), Line(400, town_code=town, bank_code=bank)]
    first = await add_ground(office, [*lines, Line(amount_fen=800)])
    flow_no = await add_flow(office, first)
    await set_lines(office, first.numbers[:3], "accepted")
    row, *others = await listed(office)
    # not all lines are settled: figures of what is accepted so far, nothing to review yet
    assert (others, row["number"], row["review"], row["total_fen"]) == ([], None, None, 700)
    await set_lines(office, first.numbers[3:], "withdrawn")
    await add_summary(office, flow_no)
    assert await answers(office) == ("待审核", "未提交", None)
    refused = {"passed": False, "opinion": "有一笔重复"}
    assert (await office.post(f"/flows/{flow_no}/summary/review", refused, REVIEWER)).status_code == 200
    assert await answers(office) == ("审核不通过", "未提交", None)
    await add_summary(office, flow_no)
    await pass_summary(office, flow_no)
    assert await answers(office) == ("审核通过", "未提交", None)
    assert (await office.post(f"/flows/{flow_no}/summary/submission")).status_code == 200
    assert await answers(office) == ("审核通过", "已提交", "待审核")
    await office.run("UPDATE summary SET stage = 'rejected' WHERE number = 2")
    assert await answers(office) == ("审核通过", "已提交", "审核不通过")
    # the county's review is open again: a new summary, the refused one is told below it
    await add_summary(office, flow_no)
    assert await answers(office) == ("待审核", "未提交", None)
    detail = (await office.get(f"/flows/{flow_no}/summary")).json()
    assert [(each["number"], each["platform_review_label"]) for each in detail["earlier"]] == [
        (2, "审核不通过"),
        (1, None),
    ]
    await pass_summary(office, flow_no)
    await office.run("UPDATE summary SET stage = 'closed' WHERE number = 3")
    assert await answers(office) == ("审核通过", "未提交", None)
    await office.run("UPDATE summary SET stage = 'approved', submitted_at = now(), submitted_by = 'x' WHERE number = 3")
    assert await answers(office) == ("审核通过", "已提交", "审核通过")
    assert (await office.get(f"/flows/{flow_no}")).json()["summary"]["platform_review_label"] == "审核通过"


async def test_filters_pages_and_the_sources_columns_in_excel(office: Office) -> None:
    numbers = []
    for place in range(3):
        ground = await add_ground(office, [Line(amount_fen=100 + place), Line(amount_fen=200, town_code="500001101")])
        flow_no = await add_flow(office, ground)
        await set_lines(office, ground.numbers, "accepted")
        await add_summary(office, flow_no)
        if place < 2:
            await pass_summary(office, flow_no)
            await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
        numbers.append((flow_no, ground.batch_no))
    await office.run("UPDATE flow SET fund_year = 2025 WHERE flow_no = :no", no=numbers[0][0])
    newest = [flow_no for flow_no, _ in reversed(numbers)]
    assert [row["flow_no"] for row in await listed(office)] == newest
    first = (await office.get("/summaries", limit="2")).json()
    second = (await office.get("/summaries", limit="2", after=first["next"])).json()
    assert [row["flow_no"] for row in first["items"] + second["items"]] == newest
    assert second["next"] is None
    wanted = {
        ("fund_year", "2025"): newest[2:],
        ("batch_no", numbers[1][1]): newest[1:2],
        ("status", "ended"): newest[1:],
        ("status", "active"): newest[:1],
        ("review", "open"): newest[:1],
        ("review", "passed"): newest[1:],
        ("submission", "submitted"): [],
        ("platform_review", "approved"): [],
    }
    for (name, value), flows in wanted.items():
        assert [row["flow_no"] for row in await listed(office, **{name: value})] == flows, (name, value)
    assert (await office.get("/summaries", status="new")).status_code == 422
    assert (await office.get("/summaries", OPERATOR, OTHER_COUNTY)).json()["items"] == []
    assert len((await office.get("/summaries", OPS)).json()["items"]) == 3
    sheet = table(await office.get("/summaries", format="xlsx", fund_year=str(YEAR)))
    assert tuple(sheet[0])[: len(COLUMNS)] == COLUMNS
    told = tuple(sheet[1].values())[: len(COLUMNS)]
    assert (told[:3], round(float(str(told[3])), 2)) == ((YEAR, numbers[1][1], "结束"), 3.01)
    assert told[4:] == (
        *(
            2,
            "红岩镇 1 笔 1.01 元；青山乡 1 笔 2.00 元",
            "农商银行 2 笔 3.01 元",
            "审核通过",
            "同意发放",
            "未提交",
            None,
        ),
    )

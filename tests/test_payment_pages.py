"""发放结果查询 through its pages: journeys 21 and 22, and what has no result settled with proof (S1 2.8)."""

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pypdf
import pytest

from deploy.stack.objects import Access
from tests.browser import Browser, Page
from tests.decision_pages import SCAN
from tests.rows import (
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    add_flow,
    add_ground,
    citizen_id,
    count_of,
    open_office,
    s3_knobs,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, **s3_knobs(s3_settings)) as opened:
        yield opened


async def paying(office: Office, lines: Sequence[Line]) -> tuple[str, list[str]]:
    ground = await add_ground(office, lines)
    flow_no = await add_flow(office, ground, "paying")
    await set_lines(office, ground.numbers, "accepted")
    return flow_no, ground.numbers


async def arrives(office: Office, number: str, status: str, sequence: int, *, late: bool = False) -> None:
    """A result of one line, as a page of the platform brings it."""
    money = "paid" if status == "paid" else "released"
    reason = None if status == "paid" else "account_closed"
    await set_lines(
        office, [number], "accepted", payment=status, money=money, payment_sequence=sequence, payment_reason_code=reason
    )
    await office.run(
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code, at,"
        " page, source, after_end, taken_at) SELECT l.flow_id, l.id, :sequence, l.payment, l.amount_fen, 'B-' || l.id,"
        " l.payment_reason_code, now(), 1, 'platform', :late, now() FROM flow_line l WHERE l.application_no = :number",
        number=number,
        sequence=sequence,
        late=late,
    )


@pytest.mark.journey(21)
async def test_journey_21_payments_arrive_on_the_open_page_and_a_return_after_the_end_stands_beside(
    office: Office,
) -> None:
    lines = [Line(amount_fen=100, person=7), Line(amount_fen=200), Line(400, bank_code="BANK-B")]
    flow_no, numbers = await paying(office, lines)
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/payments?flow_no={flow_no}")
    assert [row["结果"] for row in page.rows()] == ["待发放"] * 3
    assert "王小梅" not in page.text
    lazy, *_ = page.document.cssselect("[hx-get^='/console/payments/bar']")
    # it comes by itself where there are scripts, so it is no place of its own to come back to
    assert "HX-Push-Url" not in (await browser.get(lazy.get("hx-get"))).headers
    bar = await browser.open(f"/console/payments/bar?flow_no={flow_no}")
    asks = bar.document.get_element_by_id("live").get("hx-get")
    assert (await browser.get(asks)).status_code == 204
    await arrives(office, numbers[0], "paid", 1)
    await arrives(office, numbers[1], "failed", 1)
    await arrives(office, numbers[2], "paid", 1)
    assert "发放成功 2" in (await browser.news(bar, "发放成功 2")).main
    bar = await browser.open(f"/console/payments/bar?flow_no={flow_no}")
    assert "发放成功 2" in bar.main
    assert bar.rows("table.bars")[0]["金额（元）"] == "2.00"
    bar = await shows_days(office, browser, flow_no, numbers)
    # all have a result: nothing is asked again
    assert bar.document.get_element_by_id("live").get("hx-get") is None
    failed = await browser.open(bar.link("发放失败"))
    assert [(row["申请编号"], row["说明"]) for row in failed.rows("table.rows")] == [
        (numbers[1], "发放失败：账户已销户")
    ]
    assert [row["申请编号"] for row in (await browser.open(bar.link("账户已销户"))).rows("table.rows")] == [numbers[1]]
    await shows_a_return_after_the_end(office, browser, flow_no, numbers[2])
    # by person, never in an address
    found = await browser.submit(await browser.open("/console/payments"), "查找", id_number=citizen_id(7))
    assert [row["申请编号"] for row in found.rows("table.rows")] == [numbers[0]]
    assert citizen_id(7) not in "".join(browser.seen)
    notices = await browser.open(page.link("打印发放明细公示表"))
    printed = await browser.get(f"{notices.path}/file?town_code=500001100")
    assert len(pypdf.PdfReader(io.BytesIO(printed.content)).pages) == 1
    assert (await browser.get("/console/payments/export?payment=failed")).headers["content-type"].endswith("sheet")


async def shows_days(office: Office, browser: Browser, flow_no: str, numbers: list[str]) -> Page:
    """The first and the last line paid on two days, one apart: the bar has a step for each day."""
    # what was paid, day by day in China: a step for each day, with nothing in it too
    moved = "UPDATE flow_line SET payment_at = CAST(:at AS timestamptz) WHERE application_no = :no"
    for number, at in ((numbers[0], "2026-11-20T23:30:00Z"), (numbers[2], "2026-11-19T15:59:00Z")):
        await office.run(moved, no=number, at=at)
    days = (await office.get("/payments/days", flow_no=flow_no)).json()["items"]
    assert [(day["day"], day["count"], day["fen"]) for day in days] == [
        ("2026-11-19", 1, 400),
        ("2026-11-20", 0, 0),
        ("2026-11-21", 1, 100),
    ]
    bar = await browser.open(f"/console/payments/bar?flow_no={flow_no}")
    assert [row["金额（元）"] for row in bar.rows("svg.tall ~ div table")] == ["4.00", "0.00", "1.00"]
    assert len(bar.document.cssselect("svg.tall rect")) == 3
    return bar


async def shows_a_return_after_the_end(office: Office, browser: Browser, flow_no: str, number: str) -> None:
    """退票 after the end stands beside what was paid."""
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
    await arrives(office, number, "failed", 2, late=True)
    line = await browser.open(f"/console/payments/{flow_no}/{number}")
    ways = [" ".join(li.text_content().split()) for li in line.document.cssselect("ol.way li")]
    assert ["发放成功" in ways[0], "发放失败" in ways[1], "流程结束后到达" in ways[1]] == [True] * 3
    sums = await browser.get(f"/console/payments/figures?flow_no={flow_no}")
    assert "7.00" in sums.text


@pytest.mark.journey(22)
async def test_journey_22_evidence_lists_what_lacks_photos_and_repayment_is_offered(office: Office) -> None:
    flow_no, numbers = await paying(office, [Line(), Line()])
    for number in numbers:
        await arrives(office, number, "paid", 1)
    browser = await Browser.at(office).sign_in(OPERATOR)
    page = await browser.open(f"/console/payments?flow_no={flow_no}")
    lacking = await browser.open(f"/console/payments/{flow_no}/acts/evidence")
    assert [row["申请编号"] for row in lacking.rows()] == numbers
    assert "身份证正面" in lacking.rows()[0]["缺少"]
    # the way to add them, and why nothing can be sent yet
    assert lacking.link(numbers[0]) == f"/console/applications/{numbers[0]}"
    # the preview of the order says so again
    preview = await browser.open(lacking.link("提交材料 2"))
    assert "2 笔缺身份证正面、头像、发票，将列出而不提交" in preview.main
    assert numbers[0] in preview.main
    assert page.link("提交材料") == f"/console/payments/{flow_no}/acts/evidence"
    # what failed is offered anew once the register has another account
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
    await arrives(office, numbers[1], "failed", 2, late=True)
    await office.run("UPDATE application SET stage = 'failed' WHERE application_no = :no", no=numbers[1])
    assert "补发" not in (await browser.open("/console/payments?payment=failed")).main.partition("按人查找")[2]
    await office.run(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code,"
        " account_sealed, account_index, status, source, updated_at) SELECT county_code, person_index, name_sealed,"
        " name_index, id_number_sealed, 'BANK-B', account_sealed, 'another', 'valid', 'channel', now() FROM application"
        " WHERE application_no = :no",
        no=numbers[1],
    )
    offered = await browser.open("/console/payments?payment=failed")
    assert offered.link("换卡后可以补发 1 笔") == "/console/applications?repayable=true"
    reviewer = await (await Browser.at(office).sign_in(REVIEWER)).open(f"/console/payments?flow_no={flow_no}")
    assert "由县操作员办理" in reviewer.main


async def test_what_has_no_result_is_settled_with_proof_after_a_preview(office: Office) -> None:
    flow_no, numbers = await paying(office, [Line(amount_fen=100), Line(amount_fen=200)])
    await arrives(office, numbers[0], "paid", 1)
    await set_lines(office, numbers[1:], "accepted", payment="unresolved")
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :no", no=flow_no)
    browser = await Browser.at(office).sign_in(REVIEWER)
    page = await browser.open(f"/console/payments?flow_no={flow_no}")
    page = await browser.open(page.link("无结果的核实"))
    assert [row["申请编号"] for row in page.rows()] == numbers[1:]
    proof = ("凭证.pdf", SCAN, "application/pdf")
    given = {"status": "paid", "reason": "银行回单", "proof_file_id": proof, "chosen": numbers[1:]}
    for left, said in (
        ("chosen", "请勾选要核实的申请"),
        ("status", "请按银行凭证选择"),
        ("proof_file_id", "请选择银行出具的凭证"),
        ("reason", ""),
    ):
        shown = await browser.submit(page, "预览", **{name: each for name, each in given.items() if name != left})
        assert (shown.status, said in shown.problem) == (422, True), left
    preview = await browser.submit(page, "预览", **given)
    assert ("2.00" in preview.main, await count_of(office, "payment WHERE source = 'settled'")) == (True, 0)
    done = await browser.submit(preview, "确认办理")
    assert done.done == "已核实"
    assert await count_of(office, "payment WHERE source = 'settled' AND status = 'paid'") == 1
    assert "没有无结果的申请" in (await browser.open(f"/console/payments/{flow_no}/acts/settlement")).main
    for path in ("", f"/{numbers[0]}", "/acts/settlement"):
        elsewhere = await Browser.at(office).sign_in(REVIEWER, OTHER_COUNTY)
        assert (await elsewhere.open(f"/console/payments/{flow_no}{path}")).status == 404, path
    batch = str((await office.rows("SELECT batch_no FROM batch"))[0][0])
    for path in (f"flows/{flow_no}", f"flows/{flow_no}/file", f"batches/{batch}", f"batches/{batch}/file"):
        assert (await elsewhere.open(f"/console/prints/{path}")).status == 404, path
    lists = await browser.open((await browser.open(f"/console/batches/{batch}")).link("打印补贴公示表"))
    answer = await browser.get(f"{lists.path}/file")
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{batch}.pdf"')
    too_far = await browser.open(f"{lists.path}/file?town_code=500001101")
    assert (too_far.status, too_far.code) == (409, "NOTHING_TO_PRINT")
    ops = await (await Browser.at(office).sign_in(OPS)).open("/console/payments/export")
    assert (ops.status, ops.code) == (403, "ROLE_NOT_ALLOWED")

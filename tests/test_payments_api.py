"""发放结果查询 over the county: by year, batch, flow, result, and person; what was paid for an application (S1 2.8)."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from models.store.vault import Field
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    YEAR,
    Line,
    Office,
    account_no,
    add_flow,
    add_ground,
    citizen_id,
    open_office,
    set_lines,
)
from tests.sheets import table


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def paid_flow(
    office: Office, lines: Sequence[Line], *, failed: int = 0, county: str = COUNTY
) -> tuple[str, list[str]]:
    """An ended flow: the first lines failed, the others were paid, each with its result."""
    ground = await add_ground(office, lines, county=county)
    flow_no = await add_flow(office, ground)
    paid = {"payment": "paid", "money": "paid", "payment_sequence": 1}
    lost = {"payment": "failed", "money": "released", "payment_sequence": 1, "payment_reason_code": "account_closed"}
    await set_lines(office, ground.numbers[failed:], "accepted", **paid)
    await set_lines(office, ground.numbers[:failed], "accepted", **lost)
    await office.run(
        "INSERT INTO payment (flow_id, flow_line_id, sequence, status, amount_fen, bank_serial_no, reason_code, at,"
        " page, source, after_end, taken_at) SELECT l.flow_id, l.id, 1, l.payment, l.amount_fen, 'B-' || l.id,"
        " l.payment_reason_code, now(), 1, 'platform', false, now() FROM flow_line l JOIN flow f ON f.id = l.flow_id"
        " WHERE f.flow_no = :flow",
        flow=flow_no,
    )
    await office.run("UPDATE flow SET stage = 'ended', outcome = 'disbursed' WHERE flow_no = :flow", flow=flow_no)
    return flow_no, ground.numbers


async def numbers_of(office: Office, **query: str) -> list[str]:
    answer = await office.get("/payments", **query)
    assert answer.status_code == 200, answer.text
    return [item["application_no"] for item in answer.json()["items"]]


async def sought(office: Office, who: str = OPERATOR, county: str = COUNTY, **body: object) -> list[str]:
    answer = await office.post("/payments/search", body, who, county)
    assert answer.status_code == 200, answer.text
    return [item["application_no"] for item in answer.json()["items"]]


async def test_payments_of_all_flows_are_one_list_by_filter_and_by_person(office: Office) -> None:
    first, old = await paid_flow(office, [Line(amount_fen=100, person=7), Line(amount_fen=200)], failed=1)
    await office.run("UPDATE flow SET fund_year = 2025")
    later, new = await paid_flow(office, [Line(amount_fen=300, person=7), Line(amount_fen=400, bank_code="BANK-B")])
    _, foreign = await paid_flow(office, [Line(amount_fen=500, person=7)], county=OTHER_COUNTY)
    batch = str((await office.rows("SELECT batch_no FROM flow WHERE flow_no = :no", no=later))[0][0])
    assert await numbers_of(office) == old + new
    page = (await office.get("/payments", limit="3")).json()
    rest = (await office.get("/payments", limit="3", after=page["next"])).json()
    assert [item["application_no"] for item in page["items"] + rest["items"]] == old + new
    assert rest["next"] is None
    wanted = {
        ("fund_year", "2025"): old,
        ("fund_year", str(YEAR)): new,
        ("batch_no", batch): new,
        ("flow_no", first): old,
        ("payment", "failed"): old[:1],
        ("payment_reason_code", "account_closed"): old[:1],
        ("bank_code", "BANK-B"): new[1:],
        ("flow_no", "elsewhere"): [],
    }
    for (name, value), found in wanted.items():
        assert await numbers_of(office, **{name: value}) == found, (name, value)
    mine = [old[0], new[0]]
    assert await sought(office, id_number=citizen_id(7)) == mine
    assert await sought(office, ADMIN, account_no=account_no(7)) == mine
    assert await sought(office, REVIEWER, name="王小梅") == old + new
    assert await sought(office, name="王小梅", id_number=citizen_id(7), filter={"payment": "paid"}) == new[:1]
    assert await sought(office, id_number=citizen_id(7), filter={"flow_no": first}) == old[:1]
    assert await sought(office, name="王") == []
    assert await sought(office, county=OTHER_COUNTY, id_number=citizen_id(7)) == foreign
    assert (await office.post("/payments/search", {})).status_code == 422
    assert (await office.get("/payments", OPS)).status_code == 403
    await sums_up(office, later)
    await in_a_sheet(office, first)


async def sums_up(office: Office, later: str) -> None:
    figures = (await office.get("/payments/figures", fund_year="2025")).json()
    assert (figures["count"], figures["fen"]) == (2, 300)
    assert figures["states"] == [
        {"code": "paid", "label": "发放成功", "count": 1, "fen": 200},
        {"code": "failed", "label": "发放失败", "count": 1, "fen": 100},
    ]
    assert figures["reasons"] == [{"code": "account_closed", "label": "账户已销户", "count": 1, "fen": 100}]
    assert [(each["label"], each["fen"]) for each in figures["banks"]] == [("农商银行", 300)]
    assert (await office.get("/payments/figures", OPS, flow_no=later)).json()["fen"] == 700
    assert (await office.get("/payments/figures", OPERATOR, OTHER_COUNTY)).json()["fen"] == 500


async def in_a_sheet(office: Office, first: str) -> None:
    (row,) = table(await office.get("/payments", format="xlsx", payment="failed"))
    told = ("年份", "申请结算批次", "流程编号", "姓名/组织名称", "第几次发放", "发放结果", "发放说明", "结果来源")
    assert {
        "年份": 2025,
        "流程编号": first,
        "发放说明": "发放失败：账户已销户",
        "姓名/组织名称": "**梅",
    }.items() <= row.items()
    assert tuple(row)[:3] == told[:3]
    assert set(told) <= row.keys()


async def test_an_application_tells_its_flows_and_payments_to_its_county_only(office: Office) -> None:
    flow_no, (failed, rejected) = await paid_flow(office, [Line(amount_fen=100, person=7), Line(200)], failed=1)
    reason = office.vault.seal(Field.REASON, rejected, "户名与账号不符")
    await set_lines(
        office,
        [rejected],
        "rejected",
        payment=None,
        money="reserved",
        reason_code="account_invalid",
        reason_sealed=reason,
    )
    (flow,) = (await office.whole(f"/applications/{failed}"))["flows"]
    assert (flow["flow_no"], flow["attempt"], flow["status_label"], flow["state_label"]) == (
        *(flow_no, 1, "结束"),
        "平台审核通过",
    )
    assert (flow["account_no"], flow["explanation"], flow["reason"]) == (account_no(7), "发放失败：账户已销户", None)
    assert [(each["sequence"], each["label"], each["reason_label"]) for each in flow["payments"]] == [
        (1, "发放失败", "账户已销户")
    ]
    (flow,) = (await office.get(f"/applications/{rejected}", ADMIN)).json()["flows"]
    assert (flow["state_label"], flow["reason"]) == ("平台审核不通过", "账号无效：户名与账号不符")
    assert flow["account_no"].startswith("****")
    assert (flow["payment"], flow["explanation"]) == (None, None)
    assert (await office.get(f"/applications/{failed}", county=OTHER_COUNTY)).status_code == 404


async def test_who_is_asking_is_told_with_the_countys_name(office: Office) -> None:
    me = (await office.get("/staff/me", REVIEWER, "500105")).json()
    assert {
        name: me[name] for name in me if name not in ("code_at", "has_authenticator", "name", "passwords", "roles")
    } == {
        "person": REVIEWER,
        "role": "reviewer",
        "role_label": "审核人",
        "county_code": "500105",
        "county_name": "江北区",
        "county": "[500105] 江北区",
    }

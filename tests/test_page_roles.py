"""Journey 4: every menu's page by every role, decided as the table says (CONSOLE 2.4); another county's number is 404.

Pages join by their entry in `api/pages/menu.py`; an entry that the table doesn't know, or knows otherwise, fails.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from api.pages.menu import GROUPS
from models.words.staff import Role
from tests.browser import Browser, Page
from tests.rows import (
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_flow,
    add_ground,
    open_office,
    set_lines,
)

A, O, R, P, S, U = tuple(Role)  # noqa: E741
STAFF = {A, O, R}
# Who may open the pages of a menu. Ops have the figures of lists, flows, summaries, payments and account checks.
TABLE: Mapping[str, set[Role]] = {
    "待办": set(Role),
    "看板": {*STAFF, U},
    "申请录入与审核": {*STAFF, P, U},
    "批量导入 · 材料照片包": STAFF,
    "申请结算批次": {*STAFF, U},
    "指令": {*STAFF, U},
    "补贴政策管理": {*STAFF, S, U},
    "指标内容管理": {*STAFF, S, U},
    "补贴对象管理": {*STAFF, S, U},
    "大数据校验": {*STAFF, U},
    "补贴公示信息设置": {*STAFF, U},
    "公示异议": {*STAFF, U},
    "预检": {O, R},
    "启动补贴流程": {*STAFF, S, U},
    "发放汇总审核": {*STAFF, S, U},
    "发放结果查询": {*STAFF, S, U},
    "账号变更审核": {*STAFF, U},
    "一卡通账号": {*STAFF, U},
    "共用银行卡": {*STAFF, U},
    "初始导入": STAFF,
    "村社申报": STAFF,
    "账号核验": {*STAFF, S, U},
    "平台来件": {*STAFF, S, U},
    "矛盾来件": {*STAFF, S, U},
    "异常应答": {*STAFF, S, U},
    "流程运行": {*STAFF, S},
    "操作留痕": {*STAFF, S, U},
    "完整信息查看记录": {A, U},
    "上线准备": {A, S},
    "人员": {A, U},
    "平台目录": set(Role),
    "帮助": set(Role),
    "我的账号": set(Role),
}
# Who works there too; the others read. (我的账号 is everybody's own: they change their password there.)
WORKERS: Mapping[str, set[Role]] = {
    "待办": {*STAFF, P, S},
    "申请录入与审核": {O, R, P},
    "批量导入 · 材料照片包": {O},
    "申请结算批次": {O},
    "指令": {O, R},
    "补贴政策管理": {A},
    "指标内容管理": {O},
    "补贴对象管理": {O},
    "大数据校验": {O},
    "补贴公示信息设置": {O},
    "公示异议": {O, R},
    "启动补贴流程": {O},
    "发放汇总审核": {O, R},
    "发放结果查询": {O, R},
    "账号变更审核": {R},
    "初始导入": {O},
    "村社申报": {O, R},
    "账号核验": {O, R},
    "平台来件": {R},
    "矛盾来件": {R},
    "异常应答": {R},
    "操作留痕": {U},
    "上线准备": {A, S},
    "人员": {A},
    "平台目录": STAFF,
    "我的账号": set(Role),
}
ENTRIES = {entry.chinese: entry for group in GROUPS for entry in group.entries}
PERSONS = {A: "adm.a", O: "op.o", R: "rev.r", P: "app.p", S: "ops.s", U: "aud.u"}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


def test_each_menu_is_the_tables() -> None:
    assert {name: set(entry.roles) for name, entry in ENTRIES.items()} == {name: TABLE[name] for name in ENTRIES}


@pytest.mark.journey(4)
async def test_every_menus_page_opens_for_its_roles_alone(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line()])
    await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted", payment="paid", money="paid")
    async with office.database.transaction() as session:
        await add_catalogs(session)
        await add_applications(session, office.vault, [Line(stage="draft"), Line(stage="in_review")], None)
    wrong = []
    for role, person in PERSONS.items():
        browser = await Browser.at(office).sign_in(person, role=role)
        home = await browser.open("/console")
        assert set(home.menu) == {name for name, entry in ENTRIES.items() if role in TABLE[name]}, role
        for name, entry in ENTRIES.items():
            page = await browser.open(entry.path)
            if (page.status == 200) != (role in TABLE[name]):
                wrong.append(f"{name} {entry.path} {role.value}: {page.status}")
            assert page.status in (200, 403), (name, role, page.status)
            if page.status == 200 and role not in WORKERS.get(name, set()) and (works := acts_on(page, entry.path)):
                wrong.append(f"{name} {role.value} works: {works}")
    assert wrong == []


def acts_on(page: Page, path: str) -> list[str]:
    """What can be done there: forms that are sent, but for the search by what never stands in an address."""
    forms = page.document.cssselect("main form[method=post]")
    doors = page.document.cssselect("main a.btn-primary")
    return [
        *(form.get("action") for form in forms if form.get("action") != path),
        *(door.get("href") for door in doors),
    ]


async def test_ops_see_sums_of_lists_payments_and_checks_and_nobodys_data(office: Office) -> None:
    """补贴对象管理 and 发放结果查询 `r figures`, 账号核验 `r` (CONSOLE 2.4): how many and how much, no line of them."""
    async with office.database.transaction() as session:
        await add_catalogs(session)
    ground = await add_ground(office, [Line(amount_fen=1_000_00), Line(amount_fen=2_000_00)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "accepted", payment="paid", money="paid")
    await set_lines(office, ground.numbers[1:], "accepted", payment="failed", payment_reason_code="account_frozen")
    browser = await Browser.at(office).sign_in(PERSONS[S], role=S)
    page = await browser.open(f"/console/payments?flow_no={flow_no}")
    assert "2 笔，3,000.00 元" in page.main
    assert "失败原因" in page.main
    assert "红岩镇" in page.main
    assert page.button("导出 Excel") is None
    page = await browser.open("/console/payments?payment=paid")
    assert "1 笔，1,000.00 元" in page.main
    begun = await office.post("/account-checks", {"county": COUNTY}, OPERATOR)
    page = await browser.open(f"/console/checks/{begun.json()['round_no']}")
    assert "已核验账号" in page.main
    assert "未通过的账号" not in page.main
    places = (
        f"/console/payments/{flow_no}/{ground.numbers[0]}",
        "/console/payments/export",
        "/console/beneficiaries/new",
    )
    for place in places:
        assert (await browser.open(place)).status == 403, place
    shown = [await browser.open(path) for path in ("/console/payments", "/console/beneficiaries", "/console/checks")]
    assert not [page.path for page in shown if "王小梅" in page.main or ground.numbers[0] in page.main]


@pytest.mark.journey(4)
async def test_another_countys_numbers_are_not_there(office: Office) -> None:
    ground = await add_ground(office, [Line(), Line()], county=OTHER_COUNTY)
    flow_no = await add_flow(office, ground)
    async with office.database.transaction() as session:
        [draft] = await add_applications(session, office.vault, [Line(stage="draft")], None, OTHER_COUNTY)
    places = [
        *(f"/console/flows/{flow_no}", f"/console/batches/{ground.batch_no}", f"/console/policies/{ground.policy_no}"),
        *(f"/console/indicators/{ground.indicator_nos[0]}", f"/console/applications/{draft}"),
        *(f"/console/applications/{draft}/edit", f"/console/summaries/{flow_no}", f"/console/flows/{flow_no}/lines"),
    ]
    for role in (O, R, A):
        browser = await Browser.at(office).sign_in(PERSONS[role], role=role)
        for place in places:
            assert (await browser.open(place)).status in ((404,) if role is O else (403, 404)), (place, role)

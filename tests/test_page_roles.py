"""Journey 4: every menu's page by every role, decided as the table says (CONSOLE 2.4); another county's number is 404.

Pages join by their entry in `api/pages/menu.py`; an entry that the table doesn't know, or knows otherwise, fails.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from api.pages.menu import GROUPS
from models.words.stages import Role
from tests.browser import Browser
from tests.rows import (
    OTHER_COUNTY,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_flow,
    add_ground,
    open_office,
)

A, O, R, P, S, U = tuple(Role)  # noqa: E741
STAFF = {A, O, R}
# Who may open the pages of a menu. Ops have the figures of flows and summaries; those that CONSOLE gives them in
# 补贴对象管理, 发放结果查询 and 账号核验 have no page yet.
TABLE: Mapping[str, set[Role]] = {
    "待办": set(Role),
    "看板": {*STAFF, U},
    "申请录入与审核": {*STAFF, P, U},
    "批量导入 · 材料照片包": STAFF,
    "申请结算批次": {*STAFF, U},
    "指令": {*STAFF, U},
    "补贴政策管理": {*STAFF, S, U},
    "指标内容管理": {*STAFF, U},
    "补贴对象管理": {*STAFF, U},
    "大数据校验": {*STAFF, U},
    "补贴公示信息设置": {*STAFF, U},
    "启动补贴流程": {*STAFF, S, U},
    "发放汇总审核": {*STAFF, S, U},
    "发放结果查询": {*STAFF, U},
    "账号变更审核": {*STAFF, U},
    "一卡通账号": {*STAFF, U},
    "共用银行卡": {*STAFF, U},
    "村社申报": STAFF,
    "账号核验": {*STAFF, U},
    "平台来件": {*STAFF, S, U},
    "矛盾来件": {*STAFF, S, U},
    "异常应答": {*STAFF, S, U},
    "流程运行": {*STAFF, S},
    "操作留痕": {*STAFF, S, U},
    "完整信息查看记录": {A, U},
    "人员": {A, U},
    "平台目录": set(Role),
    "帮助": set(Role),
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
    async with office.database.transaction() as session:
        await add_catalogs(session)
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
    assert wrong == []


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

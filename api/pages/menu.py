"""The menus of staff in the seed's words and order, and which role reads or works in each (CONSOLE 2.4)."""

from dataclasses import dataclass
from functools import cache

from api.pages.asking import Refused
from models.words.refusals import Refusal
from models.words.staff import Role

A, O, R, P, S, U = tuple(Role)  # noqa: E741
STAFF = (A, O, R)


@dataclass(frozen=True)
class Entry:
    """One menu. `path` is its first page; a page below it belongs to the same menu."""

    chinese: str
    english: str
    path: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Group:
    chinese: str
    english: str
    entries: tuple[Entry, ...]


# Each entry is written with the pages it leads to.
GROUPS: tuple[Group, ...] = (
    Group("工作", "Work", (
        Entry("待办", "To do", "/console", tuple(Role)),
        Entry("看板", "Figures", "/console/figures", (*STAFF, U)),
    )),
    Group("申请", "Applications", (
        Entry("申请录入与审核", "Applications", "/console/applications", (*STAFF, P, U)),
        Entry("批量导入 · 材料照片包", "Imports", "/console/imports", STAFF),
        Entry("申请结算批次", "Batches", "/console/batches", (*STAFF, U)),
        Entry("指令", "Orders", "/console/orders", (*STAFF, U)),
    )),
    Group("一卡通对接管理", "One-card platform", (
        Entry("补贴政策管理", "Subsidy policies", "/console/policies", (*STAFF, S, U)),
        Entry("指标内容管理", "Indicators", "/console/indicators", (*STAFF, S, U)),
        Entry("补贴对象管理", "Beneficiaries", "/console/beneficiaries", (*STAFF, S, U)),
        Entry("大数据校验", "Verification", "/console/verifications", (*STAFF, U)),
        Entry("补贴公示信息设置", "Publicity", "/console/publicity", (*STAFF, U)),
        Entry("公示异议", "Objections", "/console/objections", (*STAFF, U)),
        Entry("预检", "Pre-flight", "/console/pre-flight", (O, R)),
        Entry("启动补贴流程", "Subsidy flows", "/console/flows", (*STAFF, S, U)),
        Entry("发放汇总审核", "Payment summaries", "/console/summaries", (*STAFF, S, U)),
        Entry("发放结果查询", "Payment results", "/console/payments", (*STAFF, S, U)),
    )),
    Group("一卡通账号", "Accounts", (
        Entry("账号变更审核", "Account changes", "/console/card-changes", (*STAFF, U)),
        Entry("一卡通账号", "Accounts", "/console/register", (*STAFF, U)),
        Entry("共用银行卡", "Shared cards", "/console/shared-cards", (*STAFF, U)),
        Entry("初始导入", "First load", "/console/register-loads", STAFF),
        Entry("村社申报", "Village entries", "/console/village-entries", STAFF),
        Entry("账号核验", "Account checks", "/console/checks", (*STAFF, S, U)),
    )),
    Group("监督", "Oversight", (
        Entry("平台来件", "What the platform says", "/console/inbox", (*STAFF, S, U)),
        Entry("矛盾来件", "Contradictions", "/console/contradictions", (*STAFF, S, U)),
        Entry("异常应答", "Odd answers", "/console/odd-answers", (*STAFF, S, U)),
        Entry("流程运行", "Runs", "/console/runs", (*STAFF, S)),
        Entry("操作留痕", "Trail", "/console/trail", (*STAFF, S, U)),
        Entry("完整信息查看记录", "Disclosures", "/console/disclosures", (A, U)),
    )),
    Group("系统", "System", (
        Entry("上线准备", "Going live", "/console/going-live", (A, S)),
        Entry("人员", "People", "/console/people", (A, U)),
        Entry("平台目录", "Platform catalogs", "/console/catalogs", tuple(Role)),
        Entry("帮助", "Help", "/console/help", tuple(Role)),
        Entry("我的账号", "My account", "/console/me", tuple(Role)),
    )),
)  # fmt: skip


_NOT_OPEN = {
    "code": Refusal.ROLE_NOT_ALLOWED.value,
    "title": Refusal.ROLE_NOT_ALLOWED.label,
    "detail": "您的身份没有这一页，请从菜单进入；需要时请由本区县有此权限的人员办理",
}


def require_open(role: Role, path: str) -> None:
    """403 for a page in a menu that this role doesn't have; a page outside of all menus is everybody's."""
    entries = (entry for group in GROUPS for entry in group.entries if entry.path != "/console")
    if any(role not in each.roles for each in entries if path == each.path or path.startswith(f"{each.path}/")):
        raise Refused(403, _NOT_OPEN)


@cache
def menu_of(role: Role) -> tuple[Group, ...]:
    """What this role may open; groups with nothing to open are left out."""
    mine = (Group(group.chinese, group.english, tuple(e for e in group.entries if role in e.roles)) for group in GROUPS)
    return tuple(group for group in mine if group.entries)


def within_menu(path: str) -> str:
    """The menu that a page belongs to, by its first page; "" of a page outside of all menus."""
    entries = (entry.path for group in GROUPS for entry in group.entries)
    return next((each for each in entries if path == each or (each != "/console" and path.startswith(f"{each}/"))), "")

"""申请录入与审核: the list with its views, its conditions, and the acts on what was chosen (S1 2.1 – 2.3, 2.7)."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.columns import ACCOUNT, BANK, ID_NUMBER, NAME, TOWN, VILLAGE
from api.pages.lists import Column, Filter, ListPage, Sought, Tab, export, labelled, show_list, show_sums
from api.pages.previews import ActOnSeveral, act_named, acts_of, carry_out, preview
from api.pages.window import Staff
from models.words.flow_words import APPLICANTS
from models.words.staff import Role
from models.words.stages import ApplicationStage, Verification

router = APIRouter(prefix="/console/applications", include_in_schema=False)
PATH = "/console/applications"
TO_DO = Tab("待我办理", "For me to do", {"to_do": "true"})
OPEN = Tab("在办", "Under way", {"open": "true"})
ALL = Tab("全部", "All", {})
_OUTCOMES = (
    ("matched", "匹配成功", "Matched"),
    ("name_differs", "身份证存在，但姓名不同", "Another name"),
    ("not_found", "无此对象", "Nobody of this id"),
    ("no_account", "无该银行的惠民惠农账号", "No account at this bank"),
)
LIST = ListPage(
    chinese="申请录入与审核",
    english="Applications",
    path=PATH,
    api="/applications",
    search="/applications/search",
    figures=f"{PATH}/sums",
    key="application_no",
    template="applications.html",
    tabs=(TO_DO, OPEN, ALL),
    order="newest",
    help=(
        "录入个人和组织的申请，提交资料审核；审核人在这里审核、退回。先查询，再勾选，按按钮先看预览，确认以后才办理。",
        "Enter applications and hand them in; reviewers decide here. Search, tick, look at the preview, confirm.",
    ),
    columns=(
        Column("编号", "Number", "application_no", link=f"{PATH}/{{application_no}}"),
        NAME,
        ID_NUMBER,
        TOWN,
        VILLAGE,
        BANK,
        ACCOUNT,
        Column("项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("初始化结果", "Match", "match_result", kind="said"),
        Column("校验", "Verification", "verification_label", kind="label"),
        Column("账号变更中", "Account changing", "held", kind="yes"),
        Column("更新时间", "Changed", "updated_at", kind="when"),
    ),
    filters=(
        Filter("to_do", "待我办理", "For me to do", kind="hidden"),
        Filter("open", "在办", "Under way", kind="hidden"),
        Filter("application_no", "申请编号", "Number", kind="text"),
        Filter("fund_year", "资金年度", "Year", kind="text"),
        Filter("applicant_kind", "类型", "Kind", tuple((code, word, word) for code, word in APPLICANTS.items())),
        Filter("town_code", "乡镇", "Town", catalog="towns"),
        Filter("village_code", "村", "Village", catalog="villages", parent="town_code"),
        Filter("item_code", "补贴项目", "Item", catalog="subsidy-items"),
        Filter("bank_code", "开户行", "Bank", catalog="banks"),
        Filter("stage", "状态", "Stage", labelled(ApplicationStage)),
        Filter("returned", "审核退回", "Sent back", (("true", "是", "Yes"), ("false", "否", "No"))),
        Filter("repayable", "可以补发", "Can be paid again", (("true", "是", "Yes"), ("false", "否", "No"))),
        Filter("match_outcome", "初始化结果", "Match", _OUTCOMES),
        Filter("verification", "校验", "Verification", labelled(Verification)),
        Filter("batch_no", "批次", "Batch", kind="text"),
        Filter("list_no", "名单", "List", kind="text"),
        Filter("import_no", "导入", "Import", kind="text"),
        Filter("entered_by", "录入人", "Entered by", (("me", "我", "Me"),)),
        Filter("updated_since", "更新日期自", "Changed since", kind="day"),
        Filter("updated_until", "更新日期至", "Changed until", kind="day"),
    ),
    sought=(
        Sought("name", "姓名", "Name"),
        Sought("id_number", "证件号", "Id number"),
        Sought("account_no", "账号", "Account"),
    ),
)

O, R, P = Role.OPERATOR, Role.REVIEWER, Role.APPLICANT  # noqa: E741
RETURNS = ("银行卡照片不清或缺失", "账号与银行卡不符", "姓名与身份证不符", "不符合补贴条件", "重复填报")
_WITHDRAWALS = ("重复填报", "申请人放弃", "申请人已去世", "不符合补贴条件")
ACTS = (
    ActOnSeveral("submit", "提交资料审核", "Hand in for review", "/application-submissions", "submitted", (O, P)),
    ActOnSeveral("approve", "通过", "Approve", "/application-approvals", "approved", (R,)),
    ActOnSeveral(
        *("return", "审核退回", "Send back", "/application-returns", "returned", (R,), "required", RETURNS),
        says=(
            "退回草稿，退出名单和批次，重新审核、公示和初始化",
            "Back to draft; review, publicity and match are done anew",
        ),
    ),
    ActOnSeveral("publicise", "公示", "Publicise", "/application-publicisings", "publicised", (O,)),
    ActOnSeveral("material", "提交结算资料", "Hand in materials", "/settlement-materials", "material", (O,)),
    ActOnSeveral(
        *("withdraw", "撤回", "Withdraw", "/application-withdrawals", "withdrawn", (O, P), "required", _WITHDRAWALS),
        grave=True,
    ),
    ActOnSeveral("close", "关闭", "Close", "/application-closings", "closed", (O,), "required", grave=True),
)


_TO_DO_FIRST, _OPEN_FIRST = (replace(LIST, opens_with=tab.asks) for tab in (TO_DO, OPEN))
# What an applicant has entered, all of it.
MINE = replace(LIST, filters=(), sought=(), tabs=(), figures="", template="my_applications.html")


def _list_of(role: Role) -> ListPage:
    """Opens with what waits for the role; who only reads begins with what is under way."""
    return _TO_DO_FIRST if role in (O, R, P) else _OPEN_FIRST


@router.get("")
async def list_applications(window: Staff) -> Response:
    if window.signed.role is P:
        drafts = await window.ask.get("/application-drafts")
        return await show_list(window, MINE, drafts=drafts["items"])
    return await show_list(window, _list_of(window.signed.role), acts=acts_of(window, ACTS))


@router.post("")
async def seek_applications(window: Staff) -> Response:
    return await show_list(window, LIST, acts=acts_of(window, ACTS))


@router.get("/sums")
async def sum_applications(window: Staff) -> Response:
    return await show_sums(window, _list_of(window.signed.role))


@router.get("/export")
async def export_applications(window: Staff) -> Response:
    return export(window, LIST)


@router.post("/acts")
async def preview_act(window: Staff) -> Response:
    return await preview(window, LIST, act_named(window, ACTS, window.form.text("act")))


@router.post("/acts/{name}")
async def do_act(window: Staff, name: str) -> Response:
    return await carry_out(window, LIST, act_named(window, ACTS, name))

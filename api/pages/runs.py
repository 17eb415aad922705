"""流程运行: what each run of the county waits for, since when and until when; ops go on into Temporal UI."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, show_list
from api.pages.window import Staff, Window
from models.words.staff import Role

router = APIRouter(prefix="/console/runs", include_in_schema=False)
_YES_NO = (("true", "是", "Yes"), ("false", "否", "No"))
LIST = ListPage(
    chinese="流程运行",
    english="Runs",
    path="/console/runs",
    api="/runs",
    key="workflow_id",
    columns=(
        Column("编号", "Number", "number", kind="thing"),
        Column("类别", "Kind", "kind_label", kind="label"),
        Column("批次", "Batch", "batch_no", kind="thing"),
        Column("阶段", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("等待", "Waiting for", "waiting_for", kind="label"),
        Column("自", "Since", "since", kind="when"),
        Column("下一步", "Next", "next_by", kind="label"),
        Column("最迟", "Due", "due", kind="day"),
        Column("超期", "Overdue", "next.overdue", kind="yes"),
        Column("重启", "Restarts", "restarts", kind="number"),
    ),
    filters=(
        Filter("overdue", "超期", "Overdue", _YES_NO),
        Filter("restarted", "重启过", "Restarted", _YES_NO),
        Filter("open", "在办", "Open", _YES_NO),
        Filter("kind", "类别", "Kind", (
            ("policy-review", "政策审核", "Policy review"), ("indicator-review", "指标审核", "Indicator review"),
            ("beneficiary-init", "数据初始化", "Initialisation"), ("verification", "大数据校验", "Verification"),
            ("subsidy-flow", "补贴流程", "Subsidy flow"), ("evidence", "提交材料", "Evidence"),
            ("application-import", "批量导入", "Import"), ("catalog-refresh", "目录更新", "Catalogs"),
            ("payment-correction", "结束后来件", "After the end"), ("face-login", "人脸识别登录", "Face sign-in"),
            ("card-change", "账号变更", "Account change"), ("village-entry", "村社申报", "Village entry"),
            ("register-load", "初始导入", "First load"),
            ("platform-trial", "平台试连", "Trial of the platform"),
            ("account-check", "账号核验", "Account check"), ("account-event", "账号失效来件", "Account event"),
        )),
        Filter("number", "编号", "Number", kind="text"),
        Filter("batch_no", "批次", "Batch", kind="text"),
        Filter("stage", "阶段代码", "Stage code", kind="text"),
    ),
    opens_with={"open": "true"},
    help=(
        "每一件办理中的事项都有一个运行。这里看它在等什么、等了多久、下一步由谁办理。"
        "“结束后来件”是流程结束以后平台才送来的发放结果，另有一个运行把它们逐笔记入。",
        "Everything under way has a run. Here is what each waits for, how long, and who goes on. “After the end”:"
        " results that the platform sends after a flow has ended are booked by a run of their own.",
    ),
)  # fmt: skip
_LINK = Column("运行链接", "In Temporal UI", "url", kind="run")


def list_of(window: Window) -> ListPage:
    """Temporal UI has no wall between counties: the way there is for ops alone."""
    return replace(LIST, columns=(*LIST.columns, _LINK)) if window.signed.role is Role.OPS else LIST


@router.get("")
async def list_runs(window: Staff) -> Response:
    return await show_list(window, list_of(window))


@router.get("/export")
async def export_runs(window: Staff) -> Response:
    return export(window, LIST)

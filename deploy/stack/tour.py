"""A season in twelve steps, and which of them is next: read from what the API says, by the people's own tokens."""

from collections.abc import Callable
from dataclasses import dataclass

from deploy.demo.people import County, Json, Refused

CITIZEN = "citizen"
_BEFORE_REVIEW = {"draft", "in_review"}
_BEFORE_MATCH = _BEFORE_REVIEW | {"publicised", "unmatched"}
_BEFORE_BATCH = _BEFORE_MATCH | {"matched", "pending_settlement"}
_GONE = {"withdrawn", "closed"}
_REVIEWED = {"summary_submitted", "summary_approved", "paying", "ended"}


@dataclass(frozen=True)
class Seen:
    """What a county has come to; `batch` and `flow` are the newest, empty where there is none."""

    policies: list[Json]
    indicators: list[Json]
    batch: Json
    flow: Json
    changes: list[Json]

    def lines_in(self, *stages: str) -> int:
        return sum(row["count"] for row in self.batch.get("stages", ()) if row["stage"] in stages)

    @property
    def lines(self) -> int:
        return int(self.batch.get("line_count", 0)) - self.lines_in(*_GONE)


@dataclass(frozen=True)
class Step:
    """`who` is a demo person's part of the subject; `path` is where it is done."""

    title: str
    what: str
    who: str
    path: str
    is_done: Callable[[Seen], bool]


STEPS = (
    Step(
        *("上传补贴政策", "上传本资金年度的政策，平台审核一至三天；不通过就重新上传", "county_admin"),
        *("/console/policies", lambda seen: _approved(seen.policies)),
    ),
    Step(
        *("登记指标内容", "设置预算单位、预算项目、指标文号，登记并提交指标", "operator"),
        *("/console/indicators", lambda seen: _approved(seen.indicators)),
    ),
    Step(
        *("导入申请", "用模板整批导入，逐行校对；有一处不对就一行也不导入", "operator"),
        *("/console/imports", lambda seen: seen.lines > 0),
    ),
    Step(
        *("资料审核并公示", "提交资料审核，由审核人逐份或成批通过，再公示", "reviewer"),
        *("/console/applications", lambda seen: seen.lines > seen.lines_in(*_BEFORE_REVIEW) == 0),
    ),
    Step(
        *("补贴对象数据初始化", "推送名单给平台匹配；全省同一时间只有一个区县", "operator"),
        *("/console/beneficiaries", lambda seen: seen.lines > seen.lines_in(*_BEFORE_MATCH)),
    ),
    Step(
        *("提交结算资料，加入批次", "匹配成功的提交结算资料，加入申请结算批次", "operator"),
        *("/console/applications", lambda seen: seen.lines > seen.lines_in(*_BEFORE_BATCH)),
    ),
    Step(
        *("大数据校验", "整批提交校验，不通过的另行处理", "operator"),
        *("/console/verifications", lambda seen: seen.batch.get("stage") in ("verified", "in_flow", "done")),
    ),
    Step(
        *("补贴公示信息设置", "填开始日期、地址和图片；开始日期填七天以前的，马上就能启动", "operator"),
        *("/console/publicity", lambda seen: bool(seen.batch.get("publicity_start"))),
    ),
    Step(
        *("启动补贴流程", "逐项核对后启动，指标按笔占用；平台分轮审核", "operator"),
        *("/console/flows", lambda seen: bool(seen.flow)),
    ),
    Step(
        *("发放汇总审核", "下载汇总审批表，签字盖章后上传，审核通过，再提交平台", "reviewer"),
        *("/console/summaries", lambda seen: seen.flow.get("stage") in _REVIEWED),
    ),
    Step(
        *("确认发放", "另一位审核人核对笔数和金额后确认；发放结果陆续回来", "second_reviewer"),
        *("/console/summaries", lambda seen: seen.flow.get("stage") in ("paying", "ended")),
    ),
    Step(
        *("享受人变更银行卡", "用手机人脸识别登录，换一张新卡；审核人在账号变更审核里决定", CITIZEN),
        *("/citizen/m/account", lambda seen: bool(seen.changes)),
    ),
)


def look(county: County) -> Seen:
    batches = county.operator.pages("/batches")
    flows = county.operator.pages("/flows")
    return Seen(
        policies=county.admin.pages("/policies"),
        indicators=county.operator.pages("/indicators"),
        batch=county.operator.get(f"/batches/{_newest(batches, 'batch_no')}") if batches else {},
        flow=county.operator.get(f"/flows/{_newest(flows, 'flow_no')}") if flows else {},
        changes=county.reviewer.pages("/card-changes") + county.reviewer.pages("/card-changes", finished=True),
    )


def next_step(seen: Seen) -> int | None:
    """The place of the first step that is not done; None at the end of the season."""
    return next((place for place, step in enumerate(STEPS) if not step.is_done(seen)), None)


def how_far(county: County) -> list[bool] | None:
    """Which steps are done; None while the API can't say."""
    try:
        seen = look(county)
    except Refused:
        return None
    return [step.is_done(seen) for step in STEPS]


def _approved(items: list[Json]) -> bool:
    return any(item["stage"] == "approved" for item in items)


def _newest(items: list[Json], number: str) -> str:
    return max(str(item[number]) for item in items)

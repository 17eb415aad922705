"""Going live, then a season in twelve steps, and which is next: read from what the API says, by the people's tokens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deploy.demo.people import County, Json, Refused

# Who is no demo person of the county; the last is a file that the start page gives.
CITIZEN, PHONE, FILE = "citizen", "phone", "file"
_BEFORE_REVIEW = {"draft", "in_review"}
_BEFORE_MATCH = _BEFORE_REVIEW | {"publicised", "unmatched"}
_BEFORE_BATCH = _BEFORE_MATCH | {"matched", "pending_settlement"}
_GONE = {"withdrawn", "closed"}
_REVIEWED = {"summary_submitted", "summary_approved", "paying", "ended"}
# what the reviewer agreed to
_CHANGED = {"approved", "applying", "applied"}


@dataclass(frozen=True)
class Seen:
    """What a county has come to; `batch` and `flow` are the newest, empty where there is none.

    `only`: numbers of things of which there is just one, so that a button can lead to it past its list.
    """

    policies: list[Json]
    indicators: list[Json]
    batch: Json
    flow: Json
    changes: list[Json]
    loads: list[Json] = field(default_factory=list)
    going_live: Json = field(default_factory=dict)
    only: dict[str, str] = field(default_factory=dict)

    def lines_in(self, *stages: str) -> int:
        return sum(row["count"] for row in self.batch.get("stages", ()) if row["stage"] in stages)

    @property
    def lines(self) -> int:
        return int(self.batch.get("line_count", 0)) - self.lines_in(*_GONE)


@dataclass(frozen=True)
class Turn:
    """Whose turn it is: a demo person's part of the subject, or the citizen, or the citizen's phone; and where.

    `thing`: where it is done, if there is only one such thing.
    """

    who: str
    path: str
    does: str = ""
    thing: str = ""

    def place(self, seen: Seen | None) -> str:
        number = self.thing.partition("{")[2].rstrip("}")
        known = seen.only if seen else {}
        return self.thing.format_map(known) if number in known else self.path


@dataclass(frozen=True)
class Step:
    """`turns` in their order: one step may need several people."""

    title: str
    what: str
    turns: tuple[Turn, ...]
    is_done: Callable[[Seen], bool]


# What a county does once, before its first season.
GOING_LIVE = (
    Step(
        *("上线准备", "看本县还缺什么：更新平台目录，试连平台；政策单位和平台来件，办完下面第 1 步也就具备了"),
        (
            Turn("county_admin", "/console/catalogs", "更新平台目录"),
            Turn("county_admin", "/console/going-live", "试连平台"),
        ),
        lambda seen: bool((seen.going_live.get("trial") or {}).get("passed")),
    ),
    Step(
        *(
            "初始导入",
            "把平台上已有的账号登记进来，享受人第一天就看得到自己的账号：操作员上传账号文件，逐个经银行核验，审核人复核",
        ),
        (
            Turn(FILE, "/accounts.csv", "下载"),
            Turn("operator", "/console/register-loads/new", "上传"),
            Turn("reviewer", "/console/register-loads", "复核", "/console/register-loads/{load_no}"),
        ),
        lambda seen: any(load["stage"] == "loaded" for load in seen.loads),
    ),
)
STEPS = (
    Step(
        *("上传补贴政策", "上传本资金年度的政策，平台审核一至三天；不通过就重新上传"),
        (Turn("county_admin", "/console/policies"),),
        lambda seen: _approved(seen.policies),
    ),
    Step(
        *("登记指标内容", "设置预算单位、预算项目、指标文号，登记并提交指标"),
        (Turn("operator", "/console/indicators"),),
        lambda seen: _approved(seen.indicators),
    ),
    Step(
        *("导入申请", "先新建申请结算批次，再用模板整批导入到批次，逐行校对；有一处不对就一行也不导入"),
        (Turn("operator", "/console/batches", "新建批次"), Turn("operator", "/console/imports", "导入")),
        lambda seen: seen.lines > 0,
    ),
    Step(
        *("资料审核并公示", "操作员提交资料审核，审核人逐份或成批通过，操作员再公示"),
        (
            Turn("operator", "/console/applications?stage=draft", "提交资料审核"),
            Turn("reviewer", "/console/applications", "审核"),
            Turn("operator", "/console/applications?stage=in_review", "公示"),
        ),
        lambda seen: seen.lines > seen.lines_in(*_BEFORE_REVIEW) == 0,
    ),
    Step(
        *("补贴对象数据初始化", "推送名单给平台匹配；全省同一时间只有一个区县"),
        (Turn("operator", "/console/beneficiaries"),),
        lambda seen: seen.lines > seen.lines_in(*_BEFORE_MATCH),
    ),
    Step(
        *(
            "提交结算资料，加入批次",
            "匹配成功的提交结算资料，再打开批次，按“加入申请”；导入时选了批次的，也在这里才成为“已入批次”",
        ),
        (
            Turn("operator", "/console/applications?stage=matched", "提交结算资料"),
            Turn("operator", "/console/batches", "加入批次", "/console/batches/{batch_no}"),
        ),
        lambda seen: seen.lines > seen.lines_in(*_BEFORE_BATCH),
    ),
    Step(
        *("大数据校验", "先看批次的预检，再整批提交校验，不通过的另行处理"),
        (Turn("operator", "/console/verifications", thing="/console/verifications/{batch_no}"),),
        lambda seen: seen.batch.get("stage") in ("verified", "in_flow", "done"),
    ),
    Step(
        *(
            "补贴公示信息设置",
            "填开始日期、地址和图片（哪张 PNG 或 JPEG 都行）；开始日期填七天以前的，马上就能启动；"
            "异议录入后由另一人裁定。想看不必登录的公示网页，现在就开通，网址在批次的公示信息设置里，启动补贴流程以后不再显示",
        ),
        (
            Turn("operator", "/console/publicity", "设置公示信息", "/console/publicity/{batch_no}"),
            Turn("county_admin", "/console/publicity/public-page", "开通公示网页，可以不办"),
        ),
        lambda seen: bool(seen.batch.get("publicity_start")),
    ),
    Step(
        *("启动补贴流程", "选批次、政策和指标，逐项核对后启动，指标按笔占用；平台分轮审核"),
        (Turn("operator", "/console/flows"),),
        lambda seen: bool(seen.flow),
    ),
    Step(
        *("发放汇总审核", "审核人下载汇总审批表，签字盖章后上传（演示时原样上传即可），审核通过；操作员再提交平台"),
        (
            Turn("reviewer", "/console/summaries", "审核", "/console/summaries/{flow_no}"),
            Turn("operator", "/console/summaries", "提交平台", "/console/summaries/{flow_no}"),
        ),
        lambda seen: seen.flow.get("stage") in _REVIEWED,
    ),
    Step(
        *("确认发放", "另一位审核人核对笔数和金额后确认；发放结果陆续回来"),
        (Turn("second_reviewer", "/console/summaries", thing="/console/summaries/{flow_no}"),),
        lambda seen: seen.flow.get("stage") in ("paying", "ended"),
    ),
    Step(
        *("享受人变更银行卡", "先在手机（模拟）上开一张新卡，记下卡号；享受人换成这张卡，审核人决定"),
        (
            Turn(PHONE, "/phone", "开一张新卡"),
            Turn(CITIZEN, "/citizen/m/account", "变更申请"),
            Turn("reviewer", "/console/card-changes", "审核", "/console/card-changes/{part_no}"),
        ),
        lambda seen: any(change.get("stage") in _CHANGED for change in seen.changes),
    ),
)


def look(county: County) -> Seen:
    batches = county.operator.pages("/batches")
    flows = county.operator.pages("/flows")
    changes, loads = county.reviewer.pages("/card-changes"), county.operator.pages("/register-loads")
    return Seen(
        policies=county.admin.pages("/policies"),
        indicators=county.operator.pages("/indicators"),
        batch=county.operator.get(f"/batches/{_newest(batches, 'batch_no')}") if batches else {},
        flow=county.operator.get(f"/flows/{_newest(flows, 'flow_no')}") if flows else {},
        changes=changes + county.reviewer.pages("/card-changes", finished=True),
        loads=loads,
        going_live=county.admin.get("/going-live"),
        only={
            **_only("batch_no", batches),
            **_only("flow_no", flows),
            **_only("part_no", [each for each in changes if each["stage"] == "in_review"]),
            **_only("load_no", [each for each in loads if each["stage"] == "entered"]),
        },
    )


def next_step(seen: Seen, steps: Sequence[Step] = STEPS) -> int | None:
    """The place of the first step that is not done; None at their end."""
    return next((place for place, step in enumerate(steps) if not step.is_done(seen)), None)


def seen_of(county: County) -> Seen | None:
    """What the county has come to; None while the API can't say."""
    try:
        return look(county)
    except Refused:
        return None


def _approved(items: list[Json]) -> bool:
    return any(item["stage"] == "approved" for item in items)


def _only(number: str, items: list[Json]) -> dict[str, str]:
    return {number: str(items[0][number])} if len(items) == 1 else {}


def _newest(items: list[Json], number: str) -> str:
    return max(str(item[number]) for item in items)

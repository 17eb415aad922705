"""What is asked of a province's API: every list with its filters, every search, every figure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deploy.bench.lookups_ground import BANKS, RARE_BANK, RARE_TOWN, TOWNS, YEAR, person_of


class Kind(StrEnum):
    """What may take how long: a page of rows, or figures over all of them."""

    LIST = "list"
    FIGURES = "figures"


@dataclass(frozen=True)
class Asked:
    name: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    who: str = "operator"
    kind: Kind = Kind.LIST


def asked(county: str, serial: int) -> Iterator[Asked]:
    """`serial` is one of the county's applications that was paid."""
    yield from _applications(county)
    yield from _searches(serial)
    yield from _one_by_one(county, serial)
    yield from _flows(county)
    yield from _payments(county)
    yield from _accounts()
    yield from _records(county)
    yield from _figures(county)


def _list(name: str, path: str, who: str = "operator", **query: str) -> Asked:
    return Asked(name, path, {"limit": "50"} | query, who=who)


def _applications(county: str) -> Iterator[Asked]:
    path, none = "/applications", {"organization": "applicant_kind", "pending": "verification", "closed": "stage"}
    yield _list("申请", path)
    yield _list("申请，最新的在前", path, order="newest")
    for name, query in {
        "乡镇": {"town_code": county + TOWNS[3]},
        "少见的乡镇": {"town_code": county + RARE_TOWN},
        "银行": {"bank_code": BANKS[1]},
        "少见的银行": {"bank_code": RARE_BANK},
        "少见的乡镇，已发放": {"town_code": county + RARE_TOWN, "stage": "paid"},
        "没有的村": {"village_code": "none"},
        "没有的项目": {"item_code": "none"},
        "没有的年度": {"fund_year": "2031"},
        "草稿": {"stage": "draft"},
        "已发放": {"stage": "paid"},
        "批次": {"batch_no": f"{county}-P{YEAR}-0011"},
        "名单": {"list_no": f"{county}-N{YEAR}-0015"},
        "导入": {"import_no": f"{county}-I{YEAR}-0020"},
        "无此对象": {"match_outcome": "not_found"},
        "校验不通过": {"verification": "failed"},
        "未审核": {"approved": "false"},
        "可补发": {"repayable": "true"},
        "登记账号不同": {"other_account": "true"},
        "有银行卡照片": {"bank_card_photo": "true"},
        "退回": {"returned": "true"},
        "在办": {"open": "true"},
        "待我办理": {"to_do": "true"},
        "本人录入": {"entered_by": "me"},
        "明天以后更新": {"updated_since": "2099-01-01"},
        "编号": {"application_no": f"{county}-S{YEAR}-0031999"},
        **{f"没有的（{value}）": {criterion: value} for value, criterion in none.items()},
    }.items():
        yield _list(f"申请：{name}", path, **query)
        yield _list(f"申请：{name}，最新的在前", path, order="newest", **query)
    yield _list("申请：待审核人办理", path, "reviewer", to_do="true")


def _searches(serial: int) -> Iterator[Asked]:
    name, id_number, account = person_of(serial)
    for label, value in (
        ("姓名", {"name": name}),
        ("账号", {"account_no": account}),
        ("证件号", {"id_number": id_number}),
    ):
        for words, path in {"申请": "/applications", "发放": "/payments", "账号": "/register"}.items():
            yield Asked(f"查{words}：{label}", f"{path}/search", {"limit": "50"}, dict(value))
        yield Asked(f"查账号变更：{label}", "/card-changes/search", {"limit": "50"}, value | _finished())
        yield Asked(f"查申请合计：{label}", "/applications/figures/search", {}, value, kind=Kind.FIGURES)


def _finished() -> dict[str, object]:
    return {"filter": {"finished": True}}


def _one_by_one(county: str, serial: int) -> Iterator[Asked]:
    number = f"{county}-S{YEAR}-{serial + 1:07d}"
    batch, listed, flow = (f"{county}-{letter}{YEAR}-0009" for letter in "PNF")
    for name, path in {
        "一份申请": f"/applications/{number}",
        "一份申请的经过": f"/applications/{number}/history",
        "一个批次": f"/batches/{batch}",
        "一个名单": f"/beneficiary-lists/{listed}",
        "一个流程": f"/flows/{flow}",
        "一个流程的经过": f"/flows/{flow}/history",
        "一个流程可办的事": f"/flows/{flow}/acts",
        "一笔发放": f"/flows/{county}-F{YEAR}-0008/payments/{number}",
        "一次汇总": f"/flows/{flow}/summary",
        "名额": "/province-slot",
        "启动准备": "/flow-readiness",
    }.items():
        query = {"batch_no": f"{county}-P{YEAR}-0011"} if path == "/flow-readiness" else {}
        yield Asked(name, path, query)


def _flows(county: str) -> Iterator[Asked]:
    batch, listed, flow = (f"{county}-{letter}{YEAR}-00" for letter in "PNF")
    yield _list("批次", "/batches")
    yield _list("批次：校验结果", f"/batches/{batch}11/verification-results")
    yield _list("批次：校验不通过", f"/batches/{batch}11/verification-results", verification="failed")
    yield _list("批次：可能重复", f"/batches/{batch}11/doubles")
    yield _list("名单", "/beneficiary-lists")
    yield _list("名单：结果", f"/beneficiary-lists/{listed}15/results")
    yield _list("名单：无此对象", f"/beneficiary-lists/{listed}15/results", outcome="not_found")
    yield _list("名单：登记账号不同", f"/beneficiary-lists/{listed}15/results", other_account="true")
    yield _list("流程", "/flows")
    yield _list("流程：未结束", "/flows", ended="false")
    for name, query in {"明细": {}, "待定": {"state": "held"}, "少见的银行": {"bank_code": RARE_BANK}}.items():
        yield _list(f"流程：{name}", f"/flows/{flow}09/lines", **query)
    for name, query in {"发放": {}, "发放失败": {"payment": "failed"}, "等待": {"payment": "awaiting"}}.items():
        yield _list(f"流程：{name}", f"/flows/{flow}08/payments", **query)
    yield _list("汇总", "/summaries")
    yield _list("指令", "/orders")
    yield _list("指令：待确认", "/orders", state="entered")
    yield _list("指令：一个流程的", "/orders", flow_no=f"{flow}09")


def _payments(county: str) -> Iterator[Asked]:
    yield _list("发放结果", "/payments")
    for name, query in {
        "失败": {"payment": "failed"},
        "没有结果": {"payment": "unresolved"},
        "原因": {"payment_reason_code": "account_frozen"},
        "没有的原因": {"payment_reason_code": "none"},
        "少见的乡镇": {"town_code": county + RARE_TOWN},
        "少见的银行": {"bank_code": RARE_BANK},
        "批次": {"batch_no": f"{county}-P{YEAR}-0008"},
        "年度": {"fund_year": str(YEAR)},
        "没有的年度": {"fund_year": "2031"},
        "组织": {"applicant_kind": "organization"},
    }.items():
        yield _list(f"发放结果：{name}", "/payments", **query)


def _accounts() -> Iterator[Asked]:
    yield _list("一卡通账号", "/register")
    for name, query in {
        "少见的银行": {"bank_code": RARE_BANK},
        "无效": {"status": "invalid"},
        "已清空": {"status": "cleared"},
        "没有的来源": {"source": "none"},
    }.items():
        yield _list(f"一卡通账号：{name}", "/register", **query)
    yield _list("共用账号", "/register/shared")
    yield _list("账号变更", "/card-changes")
    yield _list("账号变更：完结的", "/card-changes", finished="true")
    yield _list("账号变更：少见的银行", "/card-changes", finished="true", bank_code=RARE_BANK)
    yield _list("账号变更：失败", "/card-changes", stage="failed")
    yield _list("村社申报", "/village-entries")
    yield _list("账号核验", "/account-checks")


def _records(county: str) -> Iterator[Asked]:
    yield _list("留痕", "/trail", "reviewer")
    for name, query in {
        "事项": {"subject": f"{county}-P{YEAR}-0004"},
        "没有的动作": {"act": "none"},
        "没有的人": {"actor": "none"},
        "身份": {"role": "reviewer"},
        "以后": {"since": "2099-01-01"},
    }.items():
        yield _list(f"留痕：{name}", "/trail", "reviewer", **query)
    yield _list("查看记录", "/disclosures", "reviewer")
    yield _list("查看记录：没有的人", "/disclosures", "reviewer", actor="none")
    yield _list("查看记录：类别", "/disclosures", "reviewer", thing="payment")
    yield _list("来件", "/inbox")
    yield _list("来件：搁置", "/inbox", state="parked")
    yield _list("来件：没有的种类", "/inbox", event_type="none")
    yield _list("来件：编号", "/inbox", number=f"{county}-F{YEAR}-0009")
    yield _list("运行", "/runs")
    yield _list("运行：在办", "/runs", open="true")
    yield _list("运行：超期", "/runs", overdue="true")
    yield _list("运行：阶段", "/runs", stage="none")
    for name, path in {
        "异常应答": "/odd-answers",
        "矛盾来件": "/contradictions",
        "导入": "/application-imports",
    }.items():
        yield _list(name, path)
    for name, path in {"政策": "/policies", "指标": "/indicators"}.items():
        yield _list(name, path)


def _figures(county: str) -> Iterator[Asked]:
    flow = f"/flows/{county}-F{YEAR}-0009"
    for name, path, query in (
        ("申请合计", "/applications/figures", {}),
        ("申请合计：乡镇", "/applications/figures", {"town_code": county + RARE_TOWN}),
        ("申请合计：草稿", "/applications/figures", {"stage": "draft"}),
        ("申请合计：登记账号不同", "/applications/figures", {"other_account": "true"}),
        ("申请总数", "/applications/total", {}),
        ("申请总数：待我办理", "/applications/total", {"to_do": "true"}),
        ("申请总数：乡镇", "/applications/total", {"town_code": county + RARE_TOWN}),
        ("发放合计", "/payments/figures", {}),
        ("发放总数", "/payments/total", {}),
        ("发放合计：失败", "/payments/figures", {"payment": "failed"}),
        ("按日的发放", "/payments/days", {}),
        ("流程明细合计", f"{flow}/lines/figures", {}),
        ("流程明细总数", f"{flow}/lines/total", {}),
        ("看板", "/figures", {"fund_year": str(YEAR)}),
        ("待办", "/to-dos", {}),
    ):
        yield Asked(name, path, query, kind=Kind.FIGURES)
    yield Asked("待办，审核人", "/to-dos", who="reviewer", kind=Kind.FIGURES)

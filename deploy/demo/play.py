"""One county's subsidy, act by act, by administrator, operator and two reviewers (S1, from policy to evidence)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from deploy.demo.drawings import PHOTO_KINDS, drawing, form_pdf, photo_archive
from deploy.demo.people import County, Json, Person, figure, wait_for
from deploy.demo.report import Report
from models.words.calendar import china_today

REFUSE_ME = "【退回】"
FUND_NATURE = "一般公共预算资金"
# One of the local stack's own list, so that a refusal can be played.
REFUSED_NATURE = FUND_NATURE + REFUSE_ME
ITEMS_OF_DEMO = 50


@dataclass(frozen=True, slots=True)
class Ground:
    """What a flow needs before its applications: an approved policy and an approved indicator."""

    policy_no: str
    indicator_no: str


def policy_title(year: int) -> str:
    """What the demo's policy is known by."""
    return f"{year}年惠农补贴政策"


class Play:
    """The steps of a county's subsidy; each waits until it is really so."""

    def __init__(self, county: County, fund_year: int, report: Report) -> None:
        self.county = county
        self.year = fund_year
        self.report = report

    def prepare_ground(self, total_fen: int, *, refused_first: bool) -> Ground:
        self.choose_policy_unit()
        return Ground(self.upload_policy(refused_first), self.register_indicator(total_fen, refused_first))

    def choose_policy_unit(self) -> None:
        unit = self.county.admin.get("/catalogs/policy-units", fund_year=self.year)["items"][0]
        self.county.admin.put("/policy-unit", {"code": unit["code"]})
        self.report.step("设置政策单位")

    def hand_in_policy(self, title: str) -> str:
        """Uploaded; the platform has still to review it."""
        return str(self.county.admin.post("/policies", self._policy() | {"title": title})["policy_no"])

    def _policy(self) -> Json:
        admin = self.county.admin
        items = admin.get("/catalogs/subsidy-items", fund_year=self.year)["items"]
        codes = [item["code"] for item in items][:ITEMS_OF_DEMO]
        file_id = admin.file_id("policy.pdf", form_pdf(f"policy {self.year}"))
        return {"fund_year": self.year, "title": policy_title(self.year), "item_codes": codes, "file_id": file_id}

    def upload_policy(self, refused_first: bool) -> str:
        new = self._policy()
        title, file_id = new["title"], new["file_id"]
        policy = self.county.admin.post("/policies", new | {"title": title + REFUSE_ME} if refused_first else new)
        path = f"/policies/{policy['policy_no']}"
        seen = self.reviewed("政策审核", path)
        if refused_first:
            self.report.step("政策首次上传，平台审核不通过")
            self._upload_again(path, title, file_id)
            seen = self.reviewed("政策审核", path)
        assert seen["stage"] == "approved", seen
        self.report.step("上传政策，平台审核通过")
        return str(policy["policy_no"])

    def _upload_again(self, path: str, title: str, file_id: int) -> None:
        self.county.admin.post(f"{path}/uploads", {"title": title, "file_id": file_id})

    def register_indicator(self, total_fen: int, refused_first: bool) -> str:
        operator = self.county.operator
        body = self._registration(total_fen)
        first = body | {"fund_nature": REFUSED_NATURE if refused_first else FUND_NATURE}
        number = str(operator.post("/indicators", first)["indicator_no"])
        operator.post("/indicator-submissions", {"indicator_nos": [number]})
        seen = self.reviewed("指标审核", f"/indicators/{number}")
        if refused_first:
            self.report.step("指标首次提交，平台审核不通过")
            operator.put(f"/indicators/{number}", body | {"fund_nature": FUND_NATURE})
            operator.post("/indicator-submissions", {"indicator_nos": [number]})
            seen = self.reviewed("指标审核", f"/indicators/{number}")
        assert seen["stage"] == "approved", seen
        self.report.step("登记并提交指标，平台审核通过", fen=total_fen)
        return number

    def _registration(self, total_fen: int) -> Json:
        """设置预算单位, 设置预算项目, 设置指标文号, then the indicator's own fields."""
        operator, year = self.county.operator, self.year
        unit = operator.get("/catalogs/budget-units", fund_year=year)["items"][0]["code"]
        project = operator.get("/catalogs/budget-projects", fund_year=year)["items"][0]["code"]
        document = operator.get("/catalogs/indicator-documents", fund_year=year)["items"][0]["name"]
        choice = {"budget_unit_codes": [unit], "budget_project_codes": [project], "document_nos": [document]}
        operator.put("/budget-choices", {"fund_year": year} | choice)
        central = total_fen // 2
        return {
            "fund_year": year,
            "budget_unit_code": unit,
            "budget_project_code": project,
            "document_no": document,
            "total_fen": total_fen,
            "central_fen": central,
            "provincial_fen": total_fen - central,
            "municipal_fen": 0,
            "county_fen": 0,
        }

    def reviewed(self, what: str, path: str) -> Json:
        return self.county.operator.wait(what, path, lambda seen: seen["stage"] != "in_review")

    def open_batch(self, title: str) -> str:
        return str(self.county.operator.post("/batches", {"title": title, "fund_year": self.year})["batch_no"])

    def import_file(self, batch_no: str, name: str, data: bytes, kind: str = "personal") -> Json:
        return self.imported(self.hand_in(batch_no, name, data, kind))

    def hand_in(self, batch_no: str, name: str, data: bytes, kind: str = "personal") -> str:
        fields = {"fund_year": str(self.year), "applicant_kind": kind, "batch_no": batch_no}
        return str(self.county.operator.upload("/application-imports", name, data, **fields)["import_no"])

    def imported(self, import_no: str, goes_on: str = "") -> Json:
        """The import when its rows are in; one that stops as 待确认 is gone on with for the reason given."""
        operator, path = self.county.operator, f"/application-imports/{import_no}"
        seen = operator.wait("批量导入", path, lambda seen: seen["stage"] != "checking")
        if goes_on and seen["stage"] == "to_confirm":
            if seen["decision"] is None:
                operator.post(f"{path}/confirmation", {"reason": goes_on})
            seen = operator.wait("批量导入", path, lambda seen: seen["stage"] in ("imported", "refused"))
        if seen["stage"] != "imported":
            raise AssertionError(f"批量导入：{seen['stage_label']}，{seen['problem'] or seen['to_confirm'][:3]}")
        self.report.step("批量导入申请", seen["rows_imported"], seen["total_fen"])
        return seen

    def review_and_publicise(self, batch_no: str) -> None:
        mine = {"selection": {"filter": {"batch_no": batch_no}}}
        self._act("提交资料审核", self.county.operator, "/application-submissions", mine)
        self._act("资料审核通过", self.county.reviewer, "/application-approvals", mine)
        self._act("申请公示", self.county.operator, "/application-publicisings", mine)

    def _act(self, name: str, person: Person, path: str, body: Json) -> Json:
        answer = person.post(path, body)
        self.report.step(name, answer["count"], answer["total_fen"])
        return answer

    def initialise(self, batch_no: str) -> Json:
        """数据初始化 of what is publicised in the batch; gives the finished list."""
        operator = self.county.operator
        selection = {"filter": {"batch_no": batch_no, "stage": "publicised"}}
        number = operator.post("/beneficiary-lists", {"selection": selection})["list_no"]
        over = ("reviewed", "refused")
        seen = operator.wait("数据初始化", f"/beneficiary-lists/{number}", lambda seen: seen["stage"] in over)
        self.report.step("数据初始化", seen["line_count"], seen["total_fen"])
        return seen

    def correct_names(self, batch_no: str) -> Json:
        """按平台更正姓名, ordered by the operator, confirmed by a reviewer."""
        selection = {"filter": {"batch_no": batch_no}}
        return self.order("按平台更正姓名", "name_correction", "按平台反馈更正姓名", selection=selection)

    def order(self, name: str, kind: str, reason: str, **more: object) -> Json:
        body = {"kind": kind, "reason": reason} | more
        order = self.county.operator.post("/orders", body)
        number = order["order_no"]
        if order["needs_confirmation"]:
            self.county.reviewer.post(f"/orders/{number}/confirmation", {"remark": "同意"})
        over = ("done", "failed", "refused")
        seen = self.county.operator.wait(name, f"/orders/{number}", lambda seen: seen["state"] in over)
        if seen["state"] != "done":
            raise AssertionError(f"{name}：{seen}")
        self.report.step(name, seen["line_count"], seen["total_fen"])
        return seen

    def settle_batch(self, batch_no: str) -> None:
        """Hand in settlement material for what is matched, put it into the batch, withdraw what never matched."""
        operator = self.county.operator
        matched = {"selection": {"filter": {"batch_no": batch_no, "stage": "matched"}}}
        self._act("提交结算资料", operator, "/settlement-materials", matched)
        pending = {"selection": {"filter": {"batch_no": batch_no, "stage": "pending_settlement"}}}
        self._act("纳入结算批次", operator, f"/batches/{batch_no}/applications", pending)

    def withdraw_unmatched(self, batch_no: str) -> Json:
        selection = {"filter": {"batch_no": batch_no, "stage": "unmatched"}}
        body = {"selection": selection, "reason": "平台查无此对象或无惠农账号，本批不发"}
        return self._act("撤回未匹配申请", self.county.operator, "/application-withdrawals", body)

    def verify(self, batch_no: str) -> Json:
        operator = self.county.operator
        operator.post(f"/batches/{batch_no}/verifications")
        seen = operator.wait("大数据校验", f"/batches/{batch_no}", lambda seen: seen["stage"] == "verified")
        self.report.step("大数据校验")
        return seen

    def publicise_batch(self, batch_no: str) -> None:
        operator = self.county.operator
        image = operator.file_id("notice.jpg", drawing("notice", batch_no))
        start = china_today() - timedelta(days=8)
        body = {"start_date": start.isoformat(), "address": "县人民政府网站、各村公示栏", "image_file_ids": [image]}
        operator.put(f"/batches/{batch_no}/publicity", body)
        self.report.step("公示信息设置")

    def start_flow(self, batch_no: str, ground: Ground) -> str:
        body = {"batch_no": batch_no, "policy_nos": [ground.policy_no], "indicator_nos": [ground.indicator_no]}
        flow_no = str(self.county.operator.post("/flows", body)["flow_no"])
        figures = self.rounds_over(flow_no)["figures"]
        self.report.step("申请提交，平台审核", figures["lines"]["count"], figures["lines"]["fen"])
        return flow_no

    def flow(self, flow_no: str) -> Json:
        return self.county.operator.get(f"/flows/{flow_no}")

    def at_stage(self, flow_no: str, *stages: str, seconds: float = 300) -> Json:
        path = f"/flows/{flow_no}"
        return self.county.operator.wait(f"流程 {flow_no}", path, lambda seen: seen["stage"] in stages, seconds)

    def rounds_over(self, flow_no: str) -> Json:
        """The flow when its first round has been out and no round is on its way."""

        def over(seen: Json) -> bool:
            rounds = [each["stage"] in ("reviewed", "refused") for each in seen["rounds"]]
            return seen["stage"] in ("settling", "county_review") and bool(rounds) and all(rounds)

        return self.county.operator.wait(f"流程 {flow_no}", f"/flows/{flow_no}", over)

    def settle_lines(self, flow_no: str) -> None:
        """Duplicates are confirmed and unverified lines sent until every line is accepted."""
        mine = {"flow_no": flow_no}
        while (seen := self.rounds_over(flow_no))["stage"] == "settling":
            # judged again after each round: unverified lines may turn out to be duplicates too
            if figure(seen["figures"]["states"], "rejected")["count"]:
                chosen = {"filter": {"state": "rejected", "reason_code": "duplicate_person"}}
                self.order("确认需发放提交", "confirmed", "一人多笔，逐笔核实需发放", selection=chosen, **mine)
            else:
                chosen = {"filter": {"state": "unsent", "verification": "failed"}}
                self.order("大数据校验不通过数据提交", "unverified", "已入户核实，符合条件", selection=chosen, **mine)

    def pass_summary(self, flow_no: str, *, refused_first: bool) -> Json:
        if refused_first:
            self._hand_in_summary(flow_no, "同意发放" + REFUSE_ME)
            self._open_summary(flow_no)
            self.report.step("汇总首次提交，平台审核不通过")
        self._hand_in_summary(flow_no, "同意发放")
        self.at_stage(flow_no, "summary_approved")
        summary = self.county.operator.get(f"/flows/{flow_no}/summary")
        figures: Json = summary["figures"]
        self.report.step("汇总审核、提交，平台审核通过", figures["application_count"], figures["total_fen"])
        return figures

    def _hand_in_summary(self, flow_no: str, opinion: str) -> None:
        path = self._open_summary(flow_no)
        form = self.county.reviewer.file_id("form.pdf", form_pdf(f"summary {flow_no}"))
        self.county.reviewer.post(f"{path}/review", {"passed": True, "opinion": opinion, "form_file_id": form})
        self.county.operator.post(f"{path}/submission")

    def _open_summary(self, flow_no: str) -> str:
        """Where the summary is that waits for the county; after a refusal a new one."""
        path = f"/flows/{flow_no}/summary"
        wait_for("汇总", lambda: self.county.reviewer.get(path), lambda seen: seen["stage"] == "open")
        return path

    def confirm_payment(self, flow_no: str, figures: Json) -> None:
        body = {"application_count": figures["application_count"], "total_fen": figures["total_fen"]}
        self.county.second_reviewer.post(f"/flows/{flow_no}/summary/payment-confirmation", body)
        self.report.step("确认发放", body["application_count"], body["total_fen"])

    def wait_for_end(self, flow_no: str) -> Json:
        seen = self.at_stage(flow_no, "ended", seconds=600)
        paid = figure(seen["figures"]["payments"], "paid")
        self.report.step("平台发放完毕，流程结束", paid["count"], paid["fen"])
        return seen

    def send_evidence(self, flow_no: str, application_nos: Sequence[str]) -> Json:
        operator = self.county.operator
        for kind in PHOTO_KINDS:
            operator.upload("/photo-archives", f"{kind}.zip", photo_archive(kind, application_nos), kind=kind)
        self.report.step("上传材料照片（压缩包）", len(application_nos))
        selection = {"application_nos": list(application_nos)}
        return self.order("提交材料", "evidence", "发放成功，提交材料", flow_no=flow_no, selection=selection)

    def paid_lines(self, flow_no: str, count: int) -> list[str]:
        """Application numbers of some paid lines."""
        rows = self.county.operator.get(f"/flows/{flow_no}/lines", payment="paid", limit=count)["items"]
        return [row["application_no"] for row in rows]

"""Refusals as RFC 9457 problem documents with the contract's codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pydantic import ValidationError

TITLES: dict[str, tuple[int, str]] = {
    "VALIDATION_FAILED": (422, "请求内容不符合要求"),
    "IDEMPOTENCY_MISMATCH": (422, "同一幂等键用于不同的请求"),
    "IN_PROGRESS": (409, "同一幂等键的请求正在处理"),
    "PROVINCE_BUSY": (409, "本省已有区县的数据初始化尚未审核"),
    "COUNTY_FLOW_ACTIVE": (409, "本区县已有未结束的补贴流程"),
    "POLICY_NOT_APPROVED": (422, "补贴政策未审核通过"),
    "INDICATOR_NOT_APPROVED": (422, "指标未审核通过"),
    "CONTROL_TOTAL_MISMATCH": (422, "控制总数不一致"),
    "DATASET_CLOSED": (409, "数据清单已提交，不能再修改"),
    "ROUND_UNDER_REVIEW": (409, "本流程有一轮提交正在审核"),
    "LINE_NOT_ELIGIBLE": (422, "有申请不能以此方式提交"),
    "LINE_NOT_PAID": (409, "有申请尚未发放成功"),
    "SUMMARY_UNDER_REVIEW": (409, "发放汇总正在审核"),
    "SUMMARY_APPROVED": (409, "发放汇总已审核通过"),
    "SUMMARY_NOT_APPROVED": (409, "发放汇总尚未审核通过"),
    "FLOW_ENDED": (409, "补贴流程已结束"),
    "ACCOUNT_CHANGE_PENDING": (409, "该对象在本区县有账号变更正在处理"),
    "NOT_READY": (404, "结果尚未产生"),
    "NOT_FOUND": (404, "没有此项内容"),
    "UNAUTHORIZED": (401, "身份或签名不正确"),
    "FORBIDDEN_COUNTY": (403, "无权操作该区县"),
    "RATE_LIMITED": (429, "请求过于频繁"),
    "PAYLOAD_TOO_LARGE": (413, "请求内容过大"),
    "FILE_REFUSED": (422, "文件不被接受"),
    "INTERNAL": (500, "平台内部错误"),
    "UNAVAILABLE": (503, "平台暂时不可用"),
}


@dataclass(frozen=True)
class Fault:
    """One record or field at fault; `detail` never repeats the value."""

    code: str
    detail: str
    pointer: str | None = None
    application_no: str | None = None

    def wire(self) -> dict[str, str | None]:
        said: dict[str, str | None] = {"code": self.code, "detail": self.detail}
        if self.pointer is not None:
            said["pointer"] = self.pointer
        if self.application_no is not None:
            said["application_no"] = self.application_no
        return said


class Problem(Exception):
    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        holder: str | None = None,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status, self.title = TITLES[code]
        self.detail = detail
        self.holder = holder
        self.faults = tuple(faults)
        self.retry_after = retry_after

    def wire(self) -> dict[str, object]:
        said: dict[str, object] = {"type": "about:blank", "title": self.title, "status": self.status, "code": self.code}
        if self.detail:
            said["detail"] = self.detail
        if self.code in ("PROVINCE_BUSY", "COUNTY_FLOW_ACTIVE"):
            said["holder"] = self.holder
        if self.faults:
            said["errors"] = [fault.wire() for fault in self.faults[:500]]
        return said


def refuse_field(pointer: str, code: str, detail: str) -> NoReturn:
    raise Problem("VALIDATION_FAILED", detail, faults=[Fault(code, detail, pointer)])


def from_validation(error: ValidationError) -> Problem:
    faults = [
        Fault(str(e["type"]).upper(), e["msg"], "".join(f"/{step}" for step in e["loc"]))
        for e in error.errors(include_url=False, include_input=False, include_context=False)[:500]
    ]
    return Problem("VALIDATION_FAILED", "请按 errors 逐项更正后重发", faults=faults)

"""The contracts that cross the Temporal boundary on the subsidy side: ids, stages and counts, never personal data."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from models.stages import FlowOutcome, FlowStage, OrderKind, ReviewStage


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RunKind(StrEnum):
    """What a workflow is about; the first part of its id."""

    POLICY_REVIEW = "policy-review"
    INDICATOR_REVIEW = "indicator-review"
    BENEFICIARY_INIT = "beneficiary-init"
    VERIFICATION = "verification"
    SUBSIDY_FLOW = "subsidy-flow"
    EVIDENCE = "evidence"
    APPLICATION_IMPORT = "application-import"
    CATALOG_REFRESH = "catalog-refresh"
    PAYMENT_CORRECTION = "payment-correction"


RUN_LABELS: dict[RunKind, str] = {
    RunKind.POLICY_REVIEW: "政策审核",
    RunKind.INDICATOR_REVIEW: "指标审核",
    RunKind.BENEFICIARY_INIT: "数据初始化",
    RunKind.VERIFICATION: "大数据校验",
    RunKind.SUBSIDY_FLOW: "补贴流程",
    RunKind.EVIDENCE: "提交材料",
    RunKind.APPLICATION_IMPORT: "批量导入",
    RunKind.CATALOG_REFRESH: "目录更新",
    RunKind.PAYMENT_CORRECTION: "结束后来件",
}

WORKFLOW_TYPES: dict[RunKind, str] = {
    RunKind.POLICY_REVIEW: "PolicyReviewWorkflow",
    RunKind.INDICATOR_REVIEW: "IndicatorReviewWorkflow",
    RunKind.BENEFICIARY_INIT: "BeneficiaryInitWorkflow",
    RunKind.VERIFICATION: "VerificationWorkflow",
    RunKind.SUBSIDY_FLOW: "SubsidyFlowWorkflow",
    RunKind.EVIDENCE: "EvidenceWorkflow",
    RunKind.APPLICATION_IMPORT: "ApplicationImportWorkflow",
    RunKind.CATALOG_REFRESH: "CatalogRefreshWorkflow",
    RunKind.PAYMENT_CORRECTION: "PaymentCorrectionWorkflow",
}


class Signal(StrEnum):
    """Facts that wake a workflow; each carries ids only, the row says what happened."""

    CALLBACKS_ARRIVED = "callbacks_arrived"
    ORDER_CONFIRMED = "order_confirmed"
    SUMMARY_DECIDED = "summary_decided"
    PAYMENT_CONFIRMED = "payment_confirmed"
    LINES_CHANGED = "lines_changed"
    CONTRADICTION_DECIDED = "contradiction_decided"


class Subject(Contract):
    """What a run is about: `number` is our business number and, with a suffix, its `client_reference`."""

    kind: RunKind
    number: str
    county_code: str
    fund_year: int | None = None
    batch_no: str | None = None

    @property
    def workflow_id(self) -> str:
        return workflow_id(self.kind, self.number)


def workflow_id(kind: RunKind, number: str) -> str:
    return f"{kind.value}/{number}"


def number_of(client_reference: str) -> str:
    """The run's number in a reference of ours: `500001-L2026-0001.r2` belongs to `500001-L2026-0001`."""
    return client_reference.partition(".")[0]


class ReviewProgress(Contract):
    stage: ReviewStage
    ask_after_seconds: float


class DatasetRef(Contract):
    """One list pushed to the platform; `reference` is its client_reference."""

    dataset_id: int
    reference: str
    record_count: int


class SlotGrant(Contract):
    granted: bool
    place: int
    holder: str | None
    ask_after_seconds: float


class CommitResult(Contract):
    """What came of handing a list over: `busy_holder` is the county outside that holds the province."""

    committed: bool
    busy_holder: str | None = None
    refusal_code: str | None = None
    ask_after_seconds: float = 0.0


class DatasetProgress(Contract):
    reviewed: bool
    pages_here: int
    pages_all: int | None
    ask_after_seconds: float


class NextOrder(Contract):
    order_no: str
    kind: OrderKind


class FlowProgress(Contract):
    """What a flow's rows say it has to do next; the workflow holds nothing else."""

    stage: FlowStage
    started: bool
    holder: str | None
    open_dataset: DatasetRef | None
    next_order: NextOrder | None
    sendable_lines: int
    open_lines: int
    living_lines: int
    summary_stage: str | None
    summary_no: int
    cancelling: bool
    platform_ended: bool
    outcome: FlowOutcome | None
    complete: bool
    round_no: int
    ask_after_seconds: float


class StartResult(Contract):
    started: bool
    holder: str | None = None
    refusal_code: str | None = None


class ImportResult(Contract):
    imported: bool
    rows: int
    refused_rows: int


class EvidenceResult(Contract):
    sent_lines: int
    left_out_lines: int

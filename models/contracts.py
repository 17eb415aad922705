"""All that crosses the Temporal boundary: ids, numbers, stages and counts, never personal data."""

from datetime import datetime
from enum import StrEnum

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from models.words.labelled import Labelled
from models.words.stages import OrderKind


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RunKind(Labelled):
    """What a workflow is about; the first part of its id."""

    POLICY_REVIEW = "policy-review", "政策审核"
    INDICATOR_REVIEW = "indicator-review", "指标审核"
    BENEFICIARY_INIT = "beneficiary-init", "数据初始化"
    VERIFICATION = "verification", "大数据校验"
    SUBSIDY_FLOW = "subsidy-flow", "补贴流程"
    EVIDENCE = "evidence", "提交材料"
    APPLICATION_IMPORT = "application-import", "批量导入"
    CATALOG_REFRESH = "catalog-refresh", "目录更新"
    PAYMENT_CORRECTION = "payment-correction", "结束后来件"
    FACE_LOGIN = "face-login", "人脸识别登录"
    CARD_CHANGE = "card-change", "账号变更"
    VILLAGE_ENTRY = "village-entry", "村社申报"
    ACCOUNT_CHECK = "account-check", "账号核验"
    ACCOUNT_EVENT = "account-event", "账号失效来件"
    REGISTER_LOAD = "register-load", "初始导入"
    PLATFORM_TRIAL = "platform-trial", "平台试连"


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
    RunKind.FACE_LOGIN: "FaceLoginWorkflow",
    RunKind.CARD_CHANGE: "CardChangeWorkflow",
    RunKind.VILLAGE_ENTRY: "VillageEntryWorkflow",
    RunKind.ACCOUNT_CHECK: "AccountCheckWorkflow",
    RunKind.ACCOUNT_EVENT: "AccountEventWorkflow",
    RunKind.REGISTER_LOAD: "RegisterLoadWorkflow",
    RunKind.PLATFORM_TRIAL: "PlatformTrialWorkflow",
}


class Queue(StrEnum):
    """Work by the patience of whoever waits for it; each has places of its own, so that none takes another's."""

    RUNS = "runs"
    PEOPLE = "people"
    CALLS = "calls"
    BULK = "bulk"

    def named(self, base: str) -> str:
        """Its name in Temporal: that of the runs is the base itself."""
        return base if self is Queue.RUNS else f"{base}-{self.value}"


class Signal(StrEnum):
    """Facts that wake a workflow; each carries ids only, the row says what happened."""

    OPENED = "opened"
    CALLBACKS_ARRIVED = "callbacks_arrived"
    ORDER_CONFIRMED = "order_confirmed"
    SUMMARY_DECIDED = "summary_decided"
    PAYMENT_CONFIRMED = "payment_confirmed"
    LINES_CHANGED = "lines_changed"
    CONTRADICTION_DECIDED = "contradiction_decided"
    PART_DECIDED = "part_decided"
    IMPORT_DECIDED = "import_decided"
    LOAD_DECIDED = "load_decided"


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


class Look(Contract):
    """What a run's rows say: its stage, what it waits for, since when, and when to ask the platform by itself.

    `asks` is false where the platform has nothing of it: a person is waited for, and the rows are looked at daily.
    """

    stage: str
    waiting_for: str
    since: datetime
    ask_after_seconds: float
    asks: bool = True
    ask_now: bool = False
    done: bool = False


class ReviewLook(Look):
    """A policy or an indicator; `to_submit`: this round isn't at the platform yet."""

    to_submit: bool = False


class HeadsSigned(Contract):
    """What a signing of the trails' heads came to; `broken` names counties and in which way, in words."""

    counties: int
    signed: int
    broken: tuple[str, ...]


class DatasetRef(Contract):
    """One list pushed to the platform; `reference` is its client_reference."""

    dataset_id: int
    reference: str
    county_code: str


class PushResult(Contract):
    """Whether all pages are at the platform; if not, after how long to look and push again."""

    stored: bool
    try_again_seconds: float = 0.0


class CommitResult(Contract):
    """What came of handing a list over; one that isn't taken is tried again after so long."""

    committed: bool
    try_again_seconds: float = 0.0


class ListLook(Look):
    """An initialisation or a verification."""

    dataset: DatasetRef
    committed: bool
    slot_granted: bool = False


class NextOrder(Contract):
    order_no: str
    kind: OrderKind


class FlowStep(StrEnum):
    """What a subsidy flow has to do now."""

    START = "start"
    CALL_OFF = "call_off"
    HAND_OVER = "hand_over"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    SEND_ORDERED = "send_ordered"
    SEND_ROUND = "send_round"
    SUBMIT_SUMMARY = "submit_summary"
    CONFIRM_PAYMENT = "confirm_payment"
    WAIT = "wait"
    END = "end"


class FlowLook(Look):
    """What a flow has to do next, told by its rows, with the round to hand over or the order to carry out."""

    step: FlowStep
    dataset: DatasetRef | None = None
    order: NextOrder | None = None


class StartResult(Contract):
    started: bool
    refused: bool = False
    try_again_seconds: float = 0.0


class ImportLook(Look):
    """An import: being checked, waiting for an operator's word, or over with its figures."""

    rows: int
    refused_rows: int


class EvidenceResult(Contract):
    sent_lines: int
    left_out_lines: int


class ProvinceRef(Contract):
    """A province, by its code."""

    province_code: str


class PartRef(Contract):
    """One county's part that a reviewer has approved: 上卡 under this attempt."""

    part_no: str
    county_code: str
    attempt: int


class CardStep(StrEnum):
    """What a card change has to do now."""

    VALIDATE = "validate"
    HAND_OVER = "hand_over"
    WAIT = "wait"
    END = "end"


class CardLook(Look):
    """What a request has to do next; `to_apply` are the parts that have to be handed to the platform now."""

    step: CardStep
    to_apply: tuple[PartRef, ...] = ()


class Handed(Contract):
    """What came of handing a part over: taken, refused for good, or to be tried again after a while."""

    try_again_seconds: float = 0.0


class EntryHanded(Contract):
    """What came of handing a 村社申报 over: taken; or not, and looked at again, after so long where it is busy."""

    # histories and workers from before say it as a flow's start
    taken: bool = Field(validation_alias=AliasChoices("taken", "started"))
    try_again_seconds: float = 0.0

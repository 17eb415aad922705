"""渝快办-账号变更 as the county sees it: the columns of the source, before and after, what is on its way to the old."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Annotated

from pydantic import Field as Shown
from pydantic import StringConstraints
from typing_extensions import TypedDict

from api.cards.card_rows import PartRow
from api.cards.in_flight import PaymentsInFlight
from api.counter.names import Names
from api.counter.run_block import RunBlock
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES, account_note
from models.store.vault import Field, Vault
from models.wire.words import CardType
from models.words.card_stages import PartStage, RequestStage
from models.words.labelled import label_of

BUSINESS = "渝快办-账号变更"
PartNo = Annotated[str, StringConstraints(max_length=60)]

HEADERS: Mapping[str, str] = {
    "serial": "序号",
    "part_no": "业务编号",
    "business": "业务类型",
    "stage_label": "数据状态",
    "applicant": "申请人",
    "applied_at": "申请时间",
    "name": "享受人姓名",
    "id_number": "身份证号码",
    "bank": "银行名称",
    "account_no": "银行账号",
    "reviewed_by": "审核人",
    "reviewed_at": "审核时间",
    "remark": "审核意见",
    "finished_at": "完结时间",
}


class PartView(TypedDict):
    serial: Annotated[int, Shown(description="序号")]
    part_no: Annotated[str, Shown(description="业务编号")]
    request_no: Annotated[str, Shown(description="本人申请的编号")]
    business: Annotated[str, Shown(description="业务类型")]
    stage: PartStage
    stage_label: Annotated[str, Shown(description="数据状态")]
    applicant: Annotated[str, Shown(description="申请人")]
    applied_at: Annotated[datetime, Shown(description="申请时间")]
    name: Annotated[str, Shown(description="享受人姓名")]
    id_number: Annotated[str, Shown(description="身份证号码")]
    bank_code: str
    bank: Annotated[str, Shown(description="变更后的银行名称")]
    account_no: Annotated[str | None, Shown(description="变更后的银行账号")]
    reviewed_by: Annotated[str | None, Shown(description="审核人")]
    reviewed_at: Annotated[datetime | None, Shown(description="审核时间")]
    remark: Annotated[str | None, Shown(description="审核意见")]
    finished_at: Annotated[datetime | None, Shown(description="完结时间")]


class _Person(TypedDict):
    name: str
    id_number: str


class BeforeView(_Person):
    """变更前."""

    bank_code: str | None
    bank: str | None
    account_no: str | None


class AfterView(_Person):
    """变更后."""

    bank_code: str
    bank: str
    account_no: str | None
    account_note: Annotated[str | None, Shown(description="账号与账号类型不符等提示")]
    card_type: CardType
    card_type_label: str | None


class WholePartView(PartView):
    request_stage: RequestStage
    request_stage_label: str
    channel: Annotated[str, Shown(description="申请渠道")]
    reason: Annotated[str | None, Shown(description="变更理由")]
    attempt: Annotated[int, Shown(description="第几次上卡")]
    before: BeforeView
    after: AfterView
    error_code: str | None
    error: Annotated[str | None, Shown(description="未办成的原因")]
    old_account_usable: Annotated[bool | None, Shown(description="原账号是否仍可使用")]
    retry_asked_by: Annotated[str | None, Shown(description="要求再次上卡的人")]
    retry_asked_at: datetime | None


class StepView(TypedDict):
    step: str
    words: str
    at: datetime


class PartDetail(WholePartView):
    why_no_decision: Annotated[str | None, Shown(description="现在不能由本人审核的原因；能审核的为空")]
    why_no_retry: Annotated[str | None, Shown(description="现在不能由本人再次上卡的原因；能的为空")]
    payments_in_flight: PaymentsInFlight
    used_by_another: Annotated[bool, Shown(description="新账号是否已有他人使用")]
    steps: list[StepView]
    run: RunBlock | None


class DecidedPart(TypedDict):
    """What a decision or a retry is answered with."""

    part_no: str
    stage: PartStage
    stage_label: str
    attempt: int
    reviewed_by: str | None
    reviewed_at: datetime | None
    remark: str | None


class PartViews:
    """Opens and shows parts; `whole` shows personal data unmasked."""

    def __init__(self, vault: Vault, names: Names, *, whole: bool = False) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole
        self._serial = count(1)

    def view(self, row: PartRow) -> PartView:
        """The columns of the source; the account is the one applied for."""
        name = self._name(row)
        return {
            "serial": next(self._serial),
            "part_no": row.part_no,
            "request_no": row.request_no,
            "business": BUSINESS,
            "stage": PartStage(row.stage),
            "stage_label": PartStage(row.stage).label,
            "applicant": name,
            "applied_at": row.created_at,
            "name": name,
            "id_number": self._id_number(row),
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "account_no": self._account(row.request_no, row.account_sealed),
            "reviewed_by": row.reviewed_by,
            "reviewed_at": row.reviewed_at,
            "remark": self.remark(row),
            "finished_at": row.ended_at,
        }

    def remark(self, row: PartRow) -> str | None:
        return self._vault.open(Field.REASON, row.request_no, row.remark_sealed) if row.remark_sealed else None

    def whole_view(self, row: PartRow) -> WholePartView:
        """One part with what is decided about: before and after."""
        return {
            **self.view(row),
            "request_stage": RequestStage(row.request_stage),
            "request_stage_label": RequestStage(row.request_stage).label,
            "channel": row.channel,
            "reason": self._reason(row.request_no, row.reason_sealed),
            "attempt": row.attempt,
            "before": self._before(row),
            "after": self._after(row),
            "error_code": row.error_code,
            "error": self._reason(row.request_no, row.error_sealed) or row.failure,
            "old_account_usable": row.old_account_usable,
            "retry_asked_by": row.retry_asked_by,
            "retry_asked_at": row.retry_asked_at,
        }

    def _before(self, row: PartRow) -> BeforeView:
        return {
            **self._person(row),
            "bank_code": row.old_bank_code,
            "bank": self._names.bank(row.old_bank_code),
            "account_no": self._account(row.part_no, row.old_account_sealed),
        }

    def _after(self, row: PartRow) -> AfterView:
        plain = self._vault.open(Field.ACCOUNT, row.request_no, row.account_sealed)
        return {
            **self._person(row),
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "account_no": self._account(row.request_no, row.account_sealed),
            "account_note": account_note(plain, row.card_type),
            "card_type": row.card_type,
            "card_type_label": label_of(CARD_TYPES, row.card_type),
        }

    def _person(self, row: PartRow) -> _Person:
        return {"name": self._name(row), "id_number": self._id_number(row)}

    def _name(self, row: PartRow) -> str:
        plain = self._vault.open(Field.NAME, row.request_no, row.name_sealed)
        return plain if self._whole else identity.mask_name(plain)

    def _id_number(self, row: PartRow) -> str:
        plain = self._vault.open(Field.ID_NUMBER, row.request_no, row.id_number_sealed)
        return plain if self._whole else identity.mask_id_number(plain)

    def _account(self, place: str, sealed: str | None) -> str | None:
        if sealed is None:
            return None
        plain = self._vault.open(Field.ACCOUNT, place, sealed)
        return plain if self._whole else identity.mask_account_no(plain)

    def _reason(self, request_no: str, sealed: str | None) -> str | None:
        """Free words may name a person: only whoever handles the part reads them."""
        return self._vault.open(Field.REASON, request_no, sealed) if sealed and self._whole else None

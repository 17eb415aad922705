"""渝快办-账号变更 as the county sees it: the columns of the source, before and after, what is on its way to the old."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic import Field as Shown
from typing_extensions import TypedDict

from api.cards.in_flight import PaymentsInFlight
from api.counter.names import Names
from api.counter.run_block import RunBlock
from api.counter.sought import Given, SoughtAccount, SoughtId, SoughtName
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES, account_note
from models.store.selection import Predicate
from models.store.vault import Field, Vault, name_index
from models.wire.words import CardType
from models.words.card_stages import PartStage, RequestStage
from models.words.labelled import label_of

BUSINESS = "渝快办-账号变更"
PartNo = Annotated[str, StringConstraints(max_length=60)]

# A county's parts with their requests; the alias `a` is what lists page over.
PARTS = """
SELECT * FROM (
  SELECT p.id, p.part_no, p.county_code, p.stage, p.old_bank_code, p.old_account_sealed, p.old_account_index,
    p.attempt, p.error_code, p.error_sealed, p.old_account_usable, p.reviewed_by, p.remark_sealed,
    p.reviewed_at, p.retry_asked_by, p.retry_asked_at, p.ended_at, c.id AS request_id, c.request_no,
    c.person_index, c.name_sealed, c.name_index, c.id_number_sealed, c.card_type, c.bank_code, c.account_sealed,
    c.account_index, c.reason_sealed, c.channel, c.stage AS request_stage, c.failure, c.created_at
  FROM card_change_part p JOIN card_change c ON c.id = p.request_id
  -- a county in which the person has no account was named in vain, and learns nothing of the person
  WHERE NOT (p.stage = 'failed' AND p.attempt = 0 AND p.old_account_index IS NULL)
) AS a
"""


class PartRow(NamedTuple):
    id: int
    part_no: str
    county_code: str
    stage: str
    old_bank_code: str | None
    old_account_sealed: str | None
    old_account_index: str | None
    attempt: int
    error_code: str | None
    error_sealed: str | None
    old_account_usable: bool | None
    reviewed_by: str | None
    remark_sealed: str | None
    reviewed_at: datetime | None
    retry_asked_by: str | None
    retry_asked_at: datetime | None
    ended_at: datetime | None
    request_id: int
    request_no: str
    person_index: str
    name_sealed: str
    name_index: str
    id_number_sealed: str
    card_type: CardType
    bank_code: str
    account_sealed: str
    account_index: str
    reason_sealed: str | None
    channel: str
    request_stage: str
    failure: str | None
    created_at: datetime


# What fails its validation never was a reviewer's business; it is shown among the finished ones.
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
STEPS = (
    "SELECT step, words, at FROM matter_step WHERE request_id = :request"
    " AND (county_code IS NULL OR county_code = :county) ORDER BY id"
)


class PartFilter(BaseModel):
    """开户银行, 显示完结, and the stage; without them what is under way and has passed the bank."""

    model_config = ConfigDict(extra="forbid")

    bank_code: Given | None = None
    stage: PartStage | None = None
    finished: bool = False


class PartSought(BaseModel):
    """姓名, 身份证号, 银行账号, 申请人姓名: all given values hold at once."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: SoughtName | None = None
    id_number: SoughtId | None = None
    account_no: SoughtAccount | None = None
    applicant_name: SoughtName | None = None
    filter: PartFilter | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.id_number or self.account_no or self.applicant_name):
            raise ValueError("请至少给出姓名、身份证号、银行账号、申请人姓名中的一项")
        return self


def of_parts(county_code: str, criteria: PartFilter) -> Predicate:
    """A bank is found as the new one and as the old one; what the bank still looks at only by its stage."""
    chosen = Predicate("a.county_code = :county", {"county": county_code})
    if criteria.bank_code is not None:
        chosen = chosen.also("(a.bank_code = :bank OR a.old_bank_code = :bank)", bank=criteria.bank_code)
    if criteria.stage is not None:
        return chosen.also("a.stage = :stage", stage=criteria.stage.value)
    chosen = chosen.also("a.stage <> 'validating'")
    return chosen if criteria.finished else chosen.also("a.ended_at IS NULL")


def sought_parts(vault: Vault, county_code: str, sought: PartSought) -> Predicate:
    """An account is found as the new one and as the old one; who applies is the person who signed in."""
    chosen = of_parts(county_code, sought.filter or PartFilter())
    if sought.id_number:
        person = vault.index(Field.ID_NUMBER, sought.id_number)
        chosen = chosen.also("a.person_index = :person", person=person)
    if sought.account_no:
        account = vault.index(Field.ACCOUNT, sought.account_no)
        chosen = chosen.also("(a.account_index = :account OR a.old_account_index = :account)", account=account)
    for which, name in (("name", sought.name), ("applicant", sought.applicant_name)):
        if name:
            chosen = chosen.also(f"a.name_index = :{which}", **{which: name_index(vault, name)})
    return chosen


class StepRow(NamedTuple):
    step: str
    words: str
    at: datetime


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

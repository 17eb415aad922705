"""What the contract's requests look like; strict, so that a float or a text is never taken for fen."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

County = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Fen = Annotated[int, Field(strict=True, ge=1, le=10**15)]
FenOrNone = Annotated[int, Field(strict=True, ge=0, le=10**15)]
Count = Annotated[int, Field(strict=True, ge=0)]


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class PolicyBody(Shape):
    client_reference: Word
    county_code: County
    fund_year: Annotated[int, Field(strict=True)]
    policy_unit_code: Word
    title: Text
    item_codes: Annotated[list[Word], Field(min_length=1)]
    file_id: Word
    replaces_policy_id: str | None = None


class IndicatorBody(Shape):
    client_reference: Word
    county_code: County
    fund_year: Annotated[int, Field(strict=True)]
    budget_unit_code: Word
    budget_project_code: Word
    document_no: Word
    fund_nature: str | None = None
    total_fen: Fen
    central_fen: FenOrNone
    provincial_fen: FenOrNone
    municipal_fen: FenOrNone
    county_fen: FenOrNone
    replaces_indicator_id: str | None = None


class DatasetBody(Shape):
    client_reference: Word
    kind: Literal["beneficiary_init", "verification", "application_submission"]
    county_code: County
    batch_no: Word | None = None
    flow_id: Word | None = None
    mode: Literal["initial", "modified", "confirmed", "unverified", "repayment"] | None = None


class ApplicantRecord(Shape):
    application_no: Word
    attempt: Annotated[int, Field(strict=True, ge=1)]
    repays_flow_id: str | None = None
    indicator_id: str | None = None
    applicant_kind: Literal["personal", "organization"]
    name: Word
    id_number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{18}$")]
    phone: str | None = None
    town_code: Word
    village_code: Word
    group: str | None = None
    household_registration: Literal["agricultural", "non_agricultural"] | None = None
    family_size: Annotated[int, Field(strict=True)] | None = None
    item_code: Word
    amount_fen: Fen
    bank_code: Word
    account_no: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,32}$")]
    bank_card_photo_file_id: str | None = None
    verification: Literal["passed", "failed", "not_required"] | None = None


class PageBody(Shape):
    records: Annotated[list[ApplicantRecord], Field(min_length=1, max_length=500)]


class CommitBody(Shape):
    page_count: Count
    record_count: Count
    total_fen: Count


class Publicity(Shape):
    start_date: Annotated[date, Field(strict=True)]
    address: Text
    image_file_ids: Annotated[list[Word], Field(min_length=1)]


class FlowBody(Shape):
    client_reference: Word
    county_code: County
    batch_no: Word
    fund_year: Annotated[int, Field(strict=True)]
    policy_unit_code: Word
    policy_ids: Annotated[list[Word], Field(min_length=1)]
    indicator_ids: Annotated[list[Word], Field(min_length=1)]
    publicity: Publicity


class WithdrawalBody(Shape):
    application_nos: Annotated[list[Word], Field(min_length=1, max_length=500)]
    reason: Text


class Share(Shape):
    code: Word
    name: Word
    application_count: Count
    total_fen: Count


class SummaryBody(Shape):
    client_reference: Word
    total_fen: Count
    application_count: Count
    household_count: Count
    towns: list[Share]
    banks: list[Share]
    approval_form_file_id: Word
    opinion: Text


class ConfirmationBody(Shape):
    application_count: Count
    total_fen: Count


class CancellationBody(Shape):
    reason: Text


class Document(Shape):
    kind: Literal["id_card_front", "id_card_back", "portrait", "invoice", "bank_card", "other"]
    file_id: Word


class EvidenceItem(Shape):
    application_no: Word
    documents: Annotated[list[Document], Field(min_length=1)]


class EvidenceBody(Shape):
    items: Annotated[list[EvidenceItem], Field(min_length=1, max_length=100)]


class AccountQuery(Shape):
    name: Word
    id_number: Word
    bank_code: Word
    account_no: Word
    card_type: Literal["bank_card", "passbook"] | None = None


class AccountQueries(Shape):
    accounts: Annotated[list[AccountQuery], Field(min_length=1, max_length=500)]


class AccountChangeBody(Shape):
    client_reference: Word
    attempt: Annotated[int, Field(strict=True, ge=1)]
    county_code: County
    name: Word
    id_number: Word
    card_type: Literal["bank_card", "passbook"]
    old_bank_code: str | None = None
    old_account_no: str | None = None
    new_bank_code: Word
    new_account_no: Word
    reason: str | None = None
    source: Literal["渝快办", "村社申报"]


class FaceBody(Shape):
    client_reference: Word
    channel: Literal["app", "pc"]

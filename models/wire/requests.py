"""What we send to the platform, frozen and strict; amounts are fen."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, TypeAdapter

from models.wire.answers import (
    EVIDENCE_LIMIT,
    PAGE_LIMIT,
    Code,
    Count,
    CountyCode,
    Fen,
    FundYear,
    MaybePersonal,
    MaybePersonalText,
    Number,
    Personal,
    PositiveFen,
    Text,
    Wire,
)
from models.wire.words import (
    AccountSource,
    ApplicantKind,
    CardType,
    DatasetKind,
    DocumentKind,
    FaceChannel,
    HouseholdRegistration,
    RoundMode,
    VerificationStatus,
)


class PolicySubmission(Wire):
    client_reference: Code
    county_code: CountyCode
    fund_year: FundYear
    policy_unit_code: Code
    title: Text
    item_codes: Annotated[tuple[Code, ...], Field(min_length=1)]
    file_id: Code
    replaces_policy_id: Code | None = None


class IndicatorSubmission(Wire):
    client_reference: Code
    county_code: CountyCode
    fund_year: FundYear
    budget_unit_code: Code
    budget_project_code: Code
    document_no: Code
    total_fen: PositiveFen
    central_fen: Fen
    provincial_fen: Fen
    municipal_fen: Fen
    county_fen: Fen
    fund_nature: Text | None = None
    replaces_indicator_id: Code | None = None


class DatasetOpening(Wire):
    client_reference: Code
    kind: DatasetKind
    county_code: CountyCode
    batch_no: Code | None = None
    flow_id: Code | None = None
    mode: RoundMode | None = None


class ApplicantRecord(Wire):
    application_no: Code
    attempt: Number
    applicant_kind: ApplicantKind
    name: Personal
    id_number: Personal
    town_code: Code
    village_code: Code
    item_code: Code
    amount_fen: PositiveFen
    bank_code: Code
    account_no: Personal
    repays_flow_id: Code | None = None
    indicator_id: Code | None = None
    phone: MaybePersonal = None
    group: Text | None = None
    household_registration: HouseholdRegistration | None = None
    family_size: Count | None = None
    bank_card_photo_file_id: Code | None = None
    verification: VerificationStatus | None = None


class DatasetCommit(Wire):
    page_count: Number
    record_count: Number
    total_fen: PositiveFen


class Publicity(Wire):
    start_date: date
    address: Text
    image_file_ids: Annotated[tuple[Code, ...], Field(min_length=1)]


class FlowStart(Wire):
    client_reference: Code
    county_code: CountyCode
    batch_no: Code
    fund_year: FundYear
    policy_unit_code: Code
    policy_ids: Annotated[tuple[Code, ...], Field(min_length=1)]
    indicator_ids: Annotated[tuple[Code, ...], Field(min_length=1)]
    publicity: Publicity


class Withdrawal(Wire):
    application_nos: Annotated[tuple[Code, ...], Field(min_length=1, max_length=PAGE_LIMIT)]
    reason: Text


class Share(Wire):
    code: Code
    name: Text
    application_count: Count
    total_fen: Fen


class Summary(Wire):
    client_reference: Code
    total_fen: Fen
    application_count: Count
    household_count: Count
    towns: tuple[Share, ...]
    banks: tuple[Share, ...]
    approval_form_file_id: Code
    opinion: Text


class PaymentConfirmation(Wire):
    application_count: Count
    total_fen: Fen


class Cancellation(Wire):
    reason: Text


class Document(Wire):
    kind: DocumentKind
    file_id: Code


class EvidenceItem(Wire):
    application_no: Code
    documents: Annotated[tuple[Document, ...], Field(min_length=1)]


class Evidence(Wire):
    items: Annotated[tuple[EvidenceItem, ...], Field(min_length=1, max_length=EVIDENCE_LIMIT)]


class AccountQuery(Wire):
    name: Personal
    id_number: Personal
    bank_code: Code
    account_no: Personal
    card_type: CardType | None = None


class AccountQueries(Wire):
    accounts: Annotated[tuple[AccountQuery, ...], Field(min_length=1, max_length=PAGE_LIMIT)]


class AccountChangeSubmission(Wire):
    client_reference: Code
    attempt: Number
    county_code: CountyCode
    name: Personal
    id_number: Personal
    card_type: CardType
    new_bank_code: Code
    new_account_no: Personal
    source: AccountSource
    old_bank_code: Code | None = None
    old_account_no: MaybePersonal = None
    reason: MaybePersonalText = None


class FaceSessionOpening(Wire):
    client_reference: Code
    channel: FaceChannel


_RECORDS: TypeAdapter[tuple[ApplicantRecord, ...]] = TypeAdapter(tuple[ApplicantRecord, ...])


def records_json(records: tuple[ApplicantRecord, ...]) -> bytes:
    """The JSON array of one page, the same bytes for the same records."""
    return _RECORDS.dump_json(records, exclude_none=True)

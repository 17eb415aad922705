"""What the platform answers and reports, frozen and strict, and the scalars of its wire; amounts are fen."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, FailFast, Field, StringConstraints

from models.wire.words import (
    AccountChangeStatus,
    AccountReason,
    DatasetKind,
    DatasetStatus,
    FaceReason,
    FaceStatus,
    FlowStatus,
    InvalidationTrigger,
    Outcome,
    PaymentReason,
    PaymentStatus,
    PlatformOutcome,
    ProblemCode,
    ReasonCode,
    ReviewStatus,
)

PAGE_LIMIT = 500
EVIDENCE_LIMIT = 100
BODY_LIMIT = 20 * 1024 * 1024
_RFC3339 = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def province_of(county_code: str) -> str:
    return county_code[:2] + "0000"


def _rfc3339(value: object) -> object:
    # pydantic would take "1700000000" for a time, and year 9999 can't be read back from the database
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise ValueError("not an RFC 3339 time with an offset")


# The upper bounds keep a single number and the sum of a page inside the database's columns.
Fen = Annotated[int, Field(ge=0, le=10**15)]
PositiveFen = Annotated[int, Field(ge=1, le=10**15)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
FundYear = Annotated[int, Field(ge=2000, le=2099)]
Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339)]
# PostgreSQL refuses NUL in texts: it is refused here, where the whole message can be kept aside.
Code = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
CountyCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Text = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00]+$")]
# Free words of the platform may name a person.
Personal = Annotated[_Name, Field(repr=False)]
PersonalText = Annotated[Text, Field(repr=False)]
MaybePersonal = Annotated[_Name | None, Field(repr=False)]
MaybePersonalText = Annotated[Text | None, Field(repr=False)]


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class Fault(Wire):
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    detail: PersonalText
    pointer: MaybePersonalText = None
    application_no: Code | None = None


class Problem(Wire):
    title: Text
    status: int
    code: ProblemCode
    detail: MaybePersonalText = None
    holder: CountyCode | None = None
    errors: Annotated[tuple[Fault, ...], FailFast()] = ()


class RefusalDetails(Wire):
    """What a workflow may know of a refusal: codes and numbers, no person."""

    code: Text
    status: int
    holder: CountyCode | None = None
    application_nos: Annotated[tuple[Code, ...], FailFast()] = ()


class Stored(Wire):
    """The empty answer of a 204."""


class Accepted(Wire):
    submission_id: Code
    client_reference: Code | None = None


class StoredFile(Wire):
    file_id: Code


class CatalogItem(Wire):
    code: Code
    name: Text


class Catalog(Wire):
    items: Annotated[tuple[CatalogItem, ...], FailFast()]


class Town(Wire):
    code: Code
    name: Text
    villages: Annotated[tuple[CatalogItem, ...], FailFast()]


class Towns(Wire):
    items: Annotated[tuple[Town, ...], FailFast()]


class Review(Wire):
    submission_id: Code
    client_reference: Code | None
    county_code: CountyCode
    status: ReviewStatus
    opinion: Text | None = None
    reviewed_at: Instant | None = None


class Dataset(Wire):
    dataset_id: Code
    client_reference: Code | None
    kind: DatasetKind
    county_code: CountyCode
    status: DatasetStatus
    record_count: Count | None = None
    result_pages: Count | None = None


class ResultLine(Wire):
    application_no: Code
    outcome: Outcome
    correct_name: MaybePersonal = None
    bank_name: Text | None = None
    reason_code: ReasonCode | None = None
    reason: MaybePersonalText = None


class ResultPage(Wire):
    dataset_id: Code
    client_reference: Code | None
    county_code: CountyCode
    page: Number
    result_pages: Number
    results: Annotated[tuple[ResultLine, ...], FailFast(), Field(max_length=PAGE_LIMIT)]


class Flow(Wire):
    flow_id: Code
    client_reference: Code | None
    county_code: CountyCode
    batch_no: Code
    status: FlowStatus
    outcome: PlatformOutcome | None = None
    payment_pages: Count | None = None
    paid_count: Count | None = None
    paid_fen: Fen | None = None
    failed_count: Count | None = None
    failed_fen: Fen | None = None


class Withdrawn(Wire):
    withdrawn_count: Count
    withdrawn_fen: Fen


class Payment(Wire):
    application_no: Code
    attempt: Number
    sequence: Count
    status: PaymentStatus
    amount_fen: Fen
    at: Instant
    bank_serial_no: Code | None = None
    reason_code: PaymentReason | None = None
    reason: MaybePersonalText = None


class PaymentPage(Wire):
    flow_id: Code
    client_reference: Code | None
    county_code: CountyCode
    page: Number
    payments: Annotated[tuple[Payment, ...], FailFast(), Field(max_length=PAGE_LIMIT)]


class AccountVerdict(Wire):
    valid: bool
    reason_code: AccountReason | None = None


class AccountVerdicts(Wire):
    verdicts: Annotated[tuple[AccountVerdict, ...], FailFast(), Field(max_length=PAGE_LIMIT)]

    @property
    def verdict_count(self) -> int:
        return len(self.verdicts)


class AccountChange(Wire):
    submission_id: Code
    client_reference: Code | None
    county_code: CountyCode
    status: AccountChangeStatus
    reason_code: AccountReason | None = None
    reason: MaybePersonalText = None
    old_account_usable: bool | None = None


class Invalidation(Wire):
    county_code: CountyCode
    id_number: Personal
    bank_code: Code
    account_no: Personal
    trigger: InvalidationTrigger
    reason_code: AccountReason | None
    invalidated_at: Instant
    reason: MaybePersonalText = None


class InvalidationPage(Wire):
    pages: Count
    items: Annotated[tuple[Invalidation, ...], FailFast(), Field(max_length=PAGE_LIMIT)]


class OpenedFaceSession(Wire):
    face_session_id: Code
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]+$"), Field(repr=False)]
    expires_at: Instant


class FaceSession(Wire):
    face_session_id: Code
    status: FaceStatus
    client_reference: Code | None = None
    county_code: CountyCode | None = None
    reason_code: FaceReason | None = None
    name: MaybePersonal = None
    id_number: MaybePersonal = None

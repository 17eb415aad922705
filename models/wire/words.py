"""The platform's enumerations in our words; the values are the wire's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from models.wire.vocabulary import Word


class Operation(StrEnum):
    LIST_POLICY_UNITS = "listPolicyUnits"
    LIST_BUDGET_UNITS = "listBudgetUnits"
    LIST_BUDGET_PROJECTS = "listBudgetProjects"
    LIST_INDICATOR_DOCUMENTS = "listIndicatorDocuments"
    LIST_SUBSIDY_ITEMS = "listSubsidyItems"
    LIST_TOWNS = "listTowns"
    LIST_BANKS = "listBanks"
    UPLOAD_FILE = "uploadFile"
    SUBMIT_POLICY = "submitPolicy"
    SUBMIT_INDICATOR = "submitIndicator"
    GET_REVIEW = "getReview"
    OPEN_DATASET = "openDataset"
    PUT_PAGE = "putPage"
    COMMIT_DATASET = "commitDataset"
    GET_DATASET = "getDataset"
    GET_RESULT_PAGE = "getResultPage"
    START_FLOW = "startFlow"
    GET_FLOW = "getFlow"
    WITHDRAW_LINES = "withdrawLines"
    SUBMIT_SUMMARY = "submitSummary"
    CONFIRM_PAYMENT = "confirmPayment"
    CANCEL_FLOW = "cancelFlow"
    GET_PAYMENT_PAGE = "getPaymentPage"
    SUBMIT_EVIDENCE = "submitEvidence"
    VERIFY_ACCOUNT = "verifyAccount"
    VERIFY_ACCOUNTS = "verifyAccounts"
    APPLY_ACCOUNT_CHANGE = "applyAccountChange"
    GET_ACCOUNT_CHANGE = "getAccountChange"
    LIST_INVALIDATIONS = "listInvalidations"
    OPEN_FACE_SESSION = "openFaceSession"
    GET_FACE_SESSION = "getFaceSession"


class EventType(StrEnum):
    POLICY_REVIEWED = "policy.reviewed"
    INDICATOR_REVIEWED = "indicator.reviewed"
    SUMMARY_REVIEWED = "flow.summary.reviewed"
    DATASET_RESULTS = "dataset.results"
    FLOW_PAYMENTS = "flow.payments"
    FLOW_ENDED = "flow.ended"
    ACCOUNT_CHANGE_APPLIED = "account.change.applied"
    ACCOUNT_INVALIDATED = "account.invalidated"
    FACE_COMPLETED = "identity.face.completed"


class MediaType(Word):
    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ProblemCode(StrEnum):
    VALIDATION_FAILED = "VALIDATION_FAILED"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    IN_PROGRESS = "IN_PROGRESS"
    PROVINCE_BUSY = "PROVINCE_BUSY"
    COUNTY_FLOW_ACTIVE = "COUNTY_FLOW_ACTIVE"
    POLICY_NOT_APPROVED = "POLICY_NOT_APPROVED"
    INDICATOR_NOT_APPROVED = "INDICATOR_NOT_APPROVED"
    CONTROL_TOTAL_MISMATCH = "CONTROL_TOTAL_MISMATCH"
    DATASET_CLOSED = "DATASET_CLOSED"
    ROUND_UNDER_REVIEW = "ROUND_UNDER_REVIEW"
    LINE_NOT_ELIGIBLE = "LINE_NOT_ELIGIBLE"
    LINE_NOT_PAID = "LINE_NOT_PAID"
    SUMMARY_UNDER_REVIEW = "SUMMARY_UNDER_REVIEW"
    SUMMARY_APPROVED = "SUMMARY_APPROVED"
    SUMMARY_NOT_APPROVED = "SUMMARY_NOT_APPROVED"
    FLOW_ENDED = "FLOW_ENDED"
    ACCOUNT_CHANGE_PENDING = "ACCOUNT_CHANGE_PENDING"
    NOT_READY = "NOT_READY"
    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN_COUNTY = "FORBIDDEN_COUNTY"
    RATE_LIMITED = "RATE_LIMITED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    FILE_REFUSED = "FILE_REFUSED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"


class ReviewStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class DatasetKind(Word):
    BENEFICIARY_INIT = "beneficiary_init"
    VERIFICATION = "verification"
    APPLICATION_SUBMISSION = "application_submission"


class DatasetStatus(StrEnum):
    OPEN = "open"
    UNDER_REVIEW = "under_review"
    REVIEWED = "reviewed"


class RoundMode(Word):
    INITIAL = "initial"
    MODIFIED = "modified"
    CONFIRMED = "confirmed"
    UNVERIFIED = "unverified"
    REPAYMENT = "repayment"


class Outcome(Word):
    MATCHED = "matched"
    NAME_DIFFERS = "name_differs"
    NOT_FOUND = "not_found"
    NO_ACCOUNT = "no_account"
    PASSED = "passed"
    FAILED = "failed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


OUTCOMES_OF: Mapping[DatasetKind, frozenset[Outcome]] = {
    DatasetKind.BENEFICIARY_INIT: frozenset(
        {Outcome.MATCHED, Outcome.NAME_DIFFERS, Outcome.NOT_FOUND, Outcome.NO_ACCOUNT}
    ),
    DatasetKind.VERIFICATION: frozenset({Outcome.PASSED, Outcome.FAILED}),
    DatasetKind.APPLICATION_SUBMISSION: frozenset({Outcome.ACCEPTED, Outcome.REJECTED}),
}


class ReasonCode(StrEnum):
    DUPLICATE_PERSON = "duplicate_person"
    ACCOUNT_INVALID = "account_invalid"
    INFORMATION_MISMATCH = "information_mismatch"
    INELIGIBLE = "ineligible"
    OVER_INDICATOR = "over_indicator"
    OTHER = "other"


class ApplicantKind(Word):
    PERSONAL = "personal"
    ORGANIZATION = "organization"


class HouseholdRegistration(Word):
    AGRICULTURAL = "agricultural"
    NON_AGRICULTURAL = "non_agricultural"


class VerificationStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_REQUIRED = "not_required"


class FlowStatus(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


class PlatformOutcome(StrEnum):
    DISBURSED = "disbursed"
    CANCELLED = "cancelled"


class PaymentStatus(Word):
    PAID = "paid"
    FAILED = "failed"


class PaymentReason(StrEnum):
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_NOT_FOUND = "account_not_found"
    NAME_MISMATCH = "name_mismatch"
    LIMIT_EXCEEDED = "limit_exceeded"
    BANK_ERROR = "bank_error"
    OTHER = "other"


ACCOUNT_PAYMENT_REASONS = frozenset(
    {
        PaymentReason.ACCOUNT_CLOSED,
        PaymentReason.ACCOUNT_FROZEN,
        PaymentReason.ACCOUNT_NOT_FOUND,
        PaymentReason.NAME_MISMATCH,
    }
)


class DocumentKind(Word):
    ID_CARD_FRONT = "id_card_front"
    ID_CARD_BACK = "id_card_back"
    PORTRAIT = "portrait"
    INVOICE = "invoice"
    BANK_CARD = "bank_card"
    OTHER = "other"


class CardType(Word):
    BANK_CARD = "bank_card"
    PASSBOOK = "passbook"


class AccountReason(StrEnum):
    NAME_MISMATCH = "name_mismatch"
    ACCOUNT_NOT_FOUND = "account_not_found"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_FROZEN = "account_frozen"
    NOT_A_SUBSIDY_ACCOUNT = "not_a_subsidy_account"
    OTHER = "other"


class AccountSource(StrEnum):
    CITIZEN_CHANNEL = "渝快办"
    VILLAGE_ENTRY = "村社申报"


class AccountChangeStatus(StrEnum):
    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"


class InvalidationTrigger(StrEnum):
    MANUAL = "manual"
    SCHEDULED = "scheduled"
    UPLOAD_FAILED = "upload_failed"


class FaceChannel(Word):
    APP = "app"
    PC = "pc"


class FaceStatus(StrEnum):
    WAITING = "waiting"
    SCANNED = "scanned"
    PASSED = "passed"
    FAILED = "failed"
    EXPIRED = "expired"


class FaceReason(StrEnum):
    FACE_MISMATCH = "face_mismatch"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"

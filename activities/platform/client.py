"""The one adapter to the platform: one method per operation of the contract, every instruction under our own key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import httpx

from activities.platform.http import Answer, Call, Pauses, PlatformTransport
from activities.platform.journal import Journal, JournaledTransport
from activities.platform.pauses import OwnPauses
from models.wire import answers, requests
from models.wire.answers import (
    Accepted,
    AccountChange,
    AccountVerdict,
    AccountVerdicts,
    Catalog,
    FaceSession,
    InvalidationPage,
    OpenedFaceSession,
    Stored,
    Towns,
    Wire,
    Withdrawn,
)
from models.wire.requests import (
    AccountChangeSubmission,
    AccountQueries,
    AccountQuery,
    ApplicantRecord,
    Cancellation,
    DatasetCommit,
    DatasetOpening,
    Evidence,
    FaceSessionOpening,
    PolicySubmission,
    Withdrawal,
    records_json,
)
from models.wire.signing import PlatformCredentials, sha256_hex
from models.wire.words import MediaType, Operation


def _about(operation: Operation, county_code: str, **place: str | int) -> Call:
    """A call whose answer must repeat where it was asked for."""
    return Call(operation, county_code, place, echo={**place, "county_code": county_code})


class PlatformClient:
    """Raises PlatformRefusal for a business no, PlatformUnavailable for all that is to be tried again.

    `county_code` chooses the province's client; where nothing belongs to a county the province's own code serves.
    A repeated key sends the bytes of its first time, or nothing at all when it was answered.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        clients: Mapping[str, PlatformCredentials],
        journal: Journal,
        pauses: Pauses | None = None,
        *,
        total_seconds: float = 60.0,
    ) -> None:
        transport = PlatformTransport(http, clients, pauses or OwnPauses(), total_seconds=total_seconds)
        self._transport = JournaledTransport(transport, journal)

    async def _catalog(self, operation: Operation, county_code: str, fund_year: int | None = None) -> Catalog:
        query = {} if fund_year is None else {"fund_year": fund_year}
        return await self._transport.ask(Call(operation, county_code, {"county_code": county_code}, query), Catalog)

    async def _instruct(self, call: Call, key: str, request: Wire, shape: type[Answer]) -> Answer:
        return await self._transport.instruct(call, key, request.model_dump_json(exclude_none=True).encode(), shape)

    async def list_policy_units(self, county_code: str) -> Catalog:
        return await self._catalog(Operation.LIST_POLICY_UNITS, county_code)

    async def list_budget_units(self, county_code: str) -> Catalog:
        return await self._catalog(Operation.LIST_BUDGET_UNITS, county_code)

    async def list_budget_projects(self, county_code: str, fund_year: int) -> Catalog:
        return await self._catalog(Operation.LIST_BUDGET_PROJECTS, county_code, fund_year)

    async def list_indicator_documents(self, county_code: str, fund_year: int) -> Catalog:
        return await self._catalog(Operation.LIST_INDICATOR_DOCUMENTS, county_code, fund_year)

    async def list_subsidy_items(self, county_code: str, fund_year: int) -> Catalog:
        return await self._catalog(Operation.LIST_SUBSIDY_ITEMS, county_code, fund_year)

    async def list_towns(self, county_code: str) -> Towns:
        return await self._transport.ask(Call(Operation.LIST_TOWNS, county_code, {"county_code": county_code}), Towns)

    async def list_banks(self, county_code: str) -> Catalog:
        return await self._transport.ask(Call(Operation.LIST_BANKS, county_code), Catalog)

    async def try_out(self, county_code: str) -> datetime | None:
        """A question that changes nothing, and what time the platform says it is, if it does."""
        return await self._transport.try_out(Call(Operation.LIST_BANKS, county_code), Catalog)

    async def upload_file(self, county_code: str, content: bytes, media_type: MediaType) -> answers.StoredFile:
        call = Call(Operation.UPLOAD_FILE, county_code, {"sha256": sha256_hex(content)})
        return await self._transport.store(call, content, media_type, answers.StoredFile)

    async def submit_policy(self, policy: PolicySubmission, *, key: str) -> Accepted:
        echo = {"client_reference": policy.client_reference}
        return await self._instruct(Call(Operation.SUBMIT_POLICY, policy.county_code, echo=echo), key, policy, Accepted)

    async def submit_indicator(self, indicator: requests.IndicatorSubmission, *, key: str) -> Accepted:
        echo = {"client_reference": indicator.client_reference}
        call = Call(Operation.SUBMIT_INDICATOR, indicator.county_code, echo=echo)
        return await self._instruct(call, key, indicator, Accepted)

    async def get_review(self, county_code: str, submission_id: str) -> answers.Review:
        call = _about(Operation.GET_REVIEW, county_code, submission_id=submission_id)
        return await self._transport.ask(call, answers.Review)

    async def open_dataset(self, opening: DatasetOpening, *, key: str) -> answers.Dataset:
        echo = {
            "client_reference": opening.client_reference,
            "kind": opening.kind,
            "county_code": opening.county_code,
        }
        return await self._instruct(
            Call(Operation.OPEN_DATASET, opening.county_code, echo=echo), key, opening, answers.Dataset
        )

    async def put_page(
        self,
        county_code: str,
        dataset_id: str,
        page: int,
        records: tuple[ApplicantRecord, ...] | bytes,
        *,
        key: str,
    ) -> None:
        """`records` may be a ready JSON array. The key belongs to the content: another content, another key."""
        array = records if isinstance(records, bytes) else records_json(records)
        call = Call(Operation.PUT_PAGE, county_code, {"dataset_id": dataset_id, "page": page})
        await self._transport.instruct(call, key, b'{"records":' + array + b"}", Stored)

    async def commit_dataset(
        self, county_code: str, dataset_id: str, totals: DatasetCommit, *, key: str
    ) -> answers.Dataset:
        call = _about(Operation.COMMIT_DATASET, county_code, dataset_id=dataset_id)
        return await self._instruct(call, key, totals, answers.Dataset)

    async def get_dataset(self, county_code: str, dataset_id: str) -> answers.Dataset:
        call = _about(Operation.GET_DATASET, county_code, dataset_id=dataset_id)
        return await self._transport.ask(call, answers.Dataset)

    async def get_result_page(self, county_code: str, dataset_id: str, page: int) -> answers.ResultPage:
        call = _about(Operation.GET_RESULT_PAGE, county_code, dataset_id=dataset_id, page=page)
        return await self._transport.ask(call, answers.ResultPage)

    async def start_flow(self, start: requests.FlowStart, *, key: str) -> answers.Flow:
        echo = {
            "client_reference": start.client_reference,
            "county_code": start.county_code,
            "batch_no": start.batch_no,
        }
        return await self._instruct(Call(Operation.START_FLOW, start.county_code, echo=echo), key, start, answers.Flow)

    async def get_flow(self, county_code: str, flow_id: str) -> answers.Flow:
        call = _about(Operation.GET_FLOW, county_code, flow_id=flow_id)
        return await self._transport.ask(call, answers.Flow)

    async def withdraw_lines(self, county_code: str, flow_id: str, withdrawal: Withdrawal, *, key: str) -> Withdrawn:
        """All or none: hold the answer's count and fen against what was asked."""
        call = Call(Operation.WITHDRAW_LINES, county_code, {"flow_id": flow_id})
        return await self._instruct(call, key, withdrawal, Withdrawn)

    async def submit_summary(self, county_code: str, flow_id: str, summary: requests.Summary, *, key: str) -> Accepted:
        echo = {"client_reference": summary.client_reference}
        call = Call(Operation.SUBMIT_SUMMARY, county_code, {"flow_id": flow_id}, echo=echo)
        return await self._instruct(call, key, summary, Accepted)

    async def confirm_payment(
        self, county_code: str, flow_id: str, confirmation: requests.PaymentConfirmation, *, key: str
    ) -> Accepted:
        call = Call(Operation.CONFIRM_PAYMENT, county_code, {"flow_id": flow_id})
        return await self._instruct(call, key, confirmation, Accepted)

    async def cancel_flow(self, county_code: str, flow_id: str, cancellation: Cancellation, *, key: str) -> Accepted:
        call = Call(Operation.CANCEL_FLOW, county_code, {"flow_id": flow_id})
        return await self._instruct(call, key, cancellation, Accepted)

    async def get_payment_page(self, county_code: str, flow_id: str, page: int) -> answers.PaymentPage:
        call = _about(Operation.GET_PAYMENT_PAGE, county_code, flow_id=flow_id, page=page)
        return await self._transport.ask(call, answers.PaymentPage)

    async def submit_evidence(self, county_code: str, flow_id: str, evidence: Evidence, *, key: str) -> None:
        await self._instruct(Call(Operation.SUBMIT_EVIDENCE, county_code, {"flow_id": flow_id}), key, evidence, Stored)

    async def verify_account(self, county_code: str, query: AccountQuery, *, key: str) -> AccountVerdict:
        return await self._instruct(Call(Operation.VERIFY_ACCOUNT, county_code), key, query, AccountVerdict)

    async def verify_accounts(self, county_code: str, queries: AccountQueries, *, key: str) -> AccountVerdicts:
        """Verdicts in the order of the accounts, one for each."""
        call = Call(Operation.VERIFY_ACCOUNTS, county_code, echo={"verdict_count": len(queries.accounts)})
        return await self._instruct(call, key, queries, AccountVerdicts)

    async def apply_account_change(self, change: AccountChangeSubmission, *, key: str) -> Accepted:
        echo = {"client_reference": change.client_reference}
        call = Call(Operation.APPLY_ACCOUNT_CHANGE, change.county_code, echo=echo)
        return await self._instruct(call, key, change, Accepted)

    async def get_account_change(self, county_code: str, submission_id: str) -> AccountChange:
        call = _about(Operation.GET_ACCOUNT_CHANGE, county_code, submission_id=submission_id)
        return await self._transport.ask(call, AccountChange)

    async def list_invalidations(self, county_code: str, since: datetime, page: int = 1) -> InvalidationPage:
        """Of the whole province, in the order of their arrival; `since` is aware and inclusive."""
        if since.tzinfo is None:
            raise ValueError("since needs an offset")
        call = Call(Operation.LIST_INVALIDATIONS, county_code, query={"since": since.isoformat(), "page": page})
        return await self._transport.ask(call, InvalidationPage)

    async def open_face_session(self, county_code: str, opening: FaceSessionOpening, *, key: str) -> OpenedFaceSession:
        return await self._instruct(Call(Operation.OPEN_FACE_SESSION, county_code), key, opening, OpenedFaceSession)

    async def get_face_session(self, county_code: str, face_session_id: str) -> FaceSession:
        place = {"face_session_id": face_session_id}
        call = Call(Operation.GET_FACE_SESSION, county_code, place, echo=place)
        return await self._transport.ask(call, FaceSession)

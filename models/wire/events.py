"""What the platform reports by itself, told apart by `type`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from models.wire.answers import (
    AccountChange,
    FaceSession,
    Flow,
    Instant,
    Invalidation,
    PaymentPage,
    ResultPage,
    Review,
    Wire,
)
from models.wire.words import EventType


class PolicyReviewed(Wire):
    type: Literal[EventType.POLICY_REVIEWED]
    timestamp: Instant
    data: Review


class IndicatorReviewed(Wire):
    type: Literal[EventType.INDICATOR_REVIEWED]
    timestamp: Instant
    data: Review


class SummaryReviewed(Wire):
    type: Literal[EventType.SUMMARY_REVIEWED]
    timestamp: Instant
    data: Review


class DatasetResults(Wire):
    type: Literal[EventType.DATASET_RESULTS]
    timestamp: Instant
    data: ResultPage


class FlowPayments(Wire):
    type: Literal[EventType.FLOW_PAYMENTS]
    timestamp: Instant
    data: PaymentPage


class FlowEnded(Wire):
    type: Literal[EventType.FLOW_ENDED]
    timestamp: Instant
    data: Flow


class AccountChangeApplied(Wire):
    type: Literal[EventType.ACCOUNT_CHANGE_APPLIED]
    timestamp: Instant
    data: AccountChange


class AccountInvalidated(Wire):
    type: Literal[EventType.ACCOUNT_INVALIDATED]
    timestamp: Instant
    data: Invalidation


class FaceCompleted(Wire):
    type: Literal[EventType.FACE_COMPLETED]
    timestamp: Instant
    data: FaceSession


ReviewEvent = PolicyReviewed | IndicatorReviewed | SummaryReviewed
FlowEvent = DatasetResults | FlowPayments | FlowEnded
CardEvent = AccountChangeApplied | AccountInvalidated | FaceCompleted
Event = ReviewEvent | FlowEvent | CardEvent

# Errors of an adapter follow its own config: without it they would quote the event, persons and all.
_EVENT: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="type")], config=ConfigDict(hide_input_in_errors=True)
)


def parse_event(raw: bytes) -> Event:
    """Raises pydantic.ValidationError and nothing else, whatever the bytes are."""
    return _EVENT.validate_json(raw)


def client_reference_of(event: Event) -> str | None:
    return None if isinstance(event, AccountInvalidated) else event.data.client_reference

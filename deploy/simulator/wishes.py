"""What the back door takes."""

from pydantic import BaseModel, ConfigDict

from .shapes import County, Word


class Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScaleWish(Wish):
    scale: float


class DecisionWish(Wish):
    approve: bool
    opinion: str | None = None
    rejected_lines: dict[str, str] | None = None


class FlowWish(Wish):
    county_code: County


class LockWish(Wish):
    county_code: County


class EndWish(Wish):
    announce: bool = False


class RedeliverWish(Wish):
    webhook_id: str | None = None


class FaceWish(Wish):
    status: str
    name: str | None = None
    id_number: str | None = None
    reason_code: str | None = None


class InvalidationWish(Wish):
    county_code: County
    id_number: Word
    bank_code: Word
    account_no: Word
    trigger: str = "manual"
    reason_code: str = "account_frozen"
    reason: str | None = None

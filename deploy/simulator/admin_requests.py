"""What the back door takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .shapes import County, Word


class Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScaleWish(Wish):
    scale: Annotated[float, Field(ge=0, le=1e12)]


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
    status: Literal["scanned", "passed", "failed"]
    name: str | None = None
    id_number: str | None = None
    reason_code: str | None = None


class InvalidationWish(Wish):
    county_code: County
    id_number: Word
    bank_code: Word
    account_no: Word
    trigger: Literal["manual", "scheduled", "upload_failed"] = "manual"
    reason_code: Literal[
        "name_mismatch", "account_not_found", "account_closed", "account_frozen", "not_a_subsidy_account", "other"
    ] = "account_frozen"
    reason: str | None = None

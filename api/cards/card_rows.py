"""渝快办-账号变更 as a county finds it: its parts as rows, and what they are found by (S2 1.3)."""

from datetime import datetime
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, model_validator

from api.counter.sought import Given, SoughtAccount, SoughtId, SoughtName
from models.store.selection import Predicate, all_of
from models.store.vault import Field, Vault, name_index
from models.wire.words import CardType
from models.words.card_stages import PartStage

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
    chosen = all_of("county_code", "county", county_code)
    if criteria.bank_code is not None:
        chosen = chosen.narrowed("a.bank_code = :bank OR a.old_bank_code = :bank", bank=criteria.bank_code)
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
        chosen = chosen.narrowed("a.account_index = :account OR a.old_account_index = :account", account=account)
    for which, name in (("name", sought.name), ("applicant", sought.applicant_name)):
        if name:
            chosen = chosen.also(f"a.name_index = :{which}", **{which: name_index(vault, name)})
    return chosen


class StepRow(NamedTuple):
    step: str
    words: str
    at: datetime

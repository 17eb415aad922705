"""The register's filters and how its rows are shown: masked in lists, whole when one is opened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Shown
from typing_extensions import TypedDict

from api.counter.names import Names
from api.counter.sought import Given, SoughtAccount, SoughtId, SoughtName
from models.forms import identity
from models.forms.account_numbers import CARD_TYPES
from models.store.register.account_locks import account_locked_sql
from models.store.register.register import register_row, why_unusable
from models.store.selection import Predicate, all_of
from models.store.vault import Field, Vault, name_index
from models.wire.words import AccountSource, CardType
from models.words.card_stages import EntryStage, PartStage
from models.words.card_words import reason_words
from models.words.labelled import label_of
from models.words.stages import AccountStatus

# The alias `a` is what lists page over.
ACCOUNTS = (
    "SELECT a.id, a.county_code, a.person_index, a.name_sealed, a.id_number_sealed, a.bank_code, a.account_sealed,"
    " a.card_type, a.status, a.source, a.updated_at, "
    f" {account_locked_sql('a')} AS held, w.reason_code, w.since FROM register_account a{why_unusable('a')}"
)
HISTORY = (
    "SELECT source, actor, old_bank_code, old_account_sealed, new_bank_code, new_account_sealed, old_status,"
    " new_status, at, as_of, reason_code FROM register_change WHERE register_account_id = :id ORDER BY id DESC"
)
# What was applied for in the person's name in this county, by whichever way.
MATTERS = (
    "SELECT p.part_no AS number, '渝快办' AS source, p.stage, p.created_at, p.ended_at FROM card_change_part p"
    " JOIN card_change c ON c.id = p.request_id JOIN register_account r ON r.person_index = c.person_index"
    " AND r.county_code = p.county_code WHERE r.id = :id"
    " UNION ALL SELECT v.entry_no, '村社申报', v.stage, v.created_at, v.ended_at FROM village_entry v"
    " JOIN register_account r ON r.person_index = v.person_index AND r.county_code = v.county_code WHERE r.id = :id"
    " ORDER BY created_at DESC"
)
CHECKS = (
    "SELECT n.round_no, c.valid, c.reason_code, c.at FROM account_check c JOIN check_round n ON n.id = c.round_id"
    " WHERE c.register_account_id = :id ORDER BY c.round_id DESC LIMIT 10"
)


class AccountRow(NamedTuple):
    id: int
    county_code: str
    person_index: str
    name_sealed: str
    id_number_sealed: str
    bank_code: str | None
    account_sealed: str | None
    card_type: CardType | None
    status: str
    source: str
    updated_at: datetime
    held: bool
    reason_code: str | None
    since: datetime | None


class ChangeRow(NamedTuple):
    source: str
    actor: str
    old_bank_code: str | None
    old_account_sealed: str | None
    new_bank_code: str | None
    new_account_sealed: str | None
    old_status: str | None
    new_status: str
    at: datetime
    as_of: datetime | None
    reason_code: str | None


class MatterRow(NamedTuple):
    number: str
    source: str
    stage: str
    created_at: datetime
    ended_at: datetime | None


class CheckRow(NamedTuple):
    round_no: str
    valid: bool
    reason_code: str | None
    at: datetime


REGISTER_HEADERS: Mapping[str, str] = {
    "name": "姓名/组织名称",
    "id_number": "身份证号/信用代码",
    "bank": "一卡通开户行",
    "account_no": "一卡通账号",
    "card_type_label": "账号类型",
    "status_label": "状态",
    "reason": "失效原因",
    "since": "失效时间",
    "source": "来源",
    "held": "账号变更中",
    "updated_at": "更新时间",
}


class RegisterFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bank_code: Given | None = None
    status: AccountStatus | None = None
    source: Given | None = None


class RegisterSought(BaseModel):
    """All given values hold at once; id and account are found by blind index, a name by its whole text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: SoughtName | None = None
    id_number: SoughtId | None = None
    account_no: SoughtAccount | None = None
    filter: RegisterFilter | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.id_number or self.account_no):
            raise ValueError("请至少给出姓名、证件号、账号中的一项")
        return self


def of_register(county_code: str, criteria: RegisterFilter | None) -> Predicate:
    chosen = all_of("county_code", "county", county_code)
    for name, value in (criteria.model_dump(mode="json", exclude_none=True) if criteria else {}).items():
        chosen = chosen.also(f"a.{name} = :f_{name}", **{f"f_{name}": value})
    return chosen


def sought_accounts(vault: Vault, county_code: str, sought: RegisterSought) -> Predicate:
    chosen = of_register(county_code, sought.filter)
    if sought.id_number:
        person = vault.index(Field.ID_NUMBER, sought.id_number)
        chosen = chosen.also("a.person_index = :sought_person", sought_person=person)
    if sought.account_no:
        account = vault.index(Field.ACCOUNT, sought.account_no)
        chosen = chosen.also("a.account_index = :sought_account", sought_account=account)
    if sought.name:
        chosen = chosen.also("a.name_index = :sought_name", sought_name=name_index(vault, sought.name))
    return chosen


class AccountView(TypedDict):
    account_id: int
    name: Annotated[str, Shown(description="姓名/组织名称")]
    id_number: Annotated[str, Shown(description="身份证号/信用代码")]
    bank_code: str | None
    bank: Annotated[str | None, Shown(description="一卡通开户行")]
    account_no: Annotated[str | None, Shown(description="一卡通账号")]
    card_type: CardType | None
    card_type_label: str | None
    status: AccountStatus
    status_label: str
    reason: Annotated[str | None, Shown(description="失效原因")]
    since: Annotated[datetime | None, Shown(description="失效时间")]
    source: Annotated[str, Shown(description="来源")]
    held: Annotated[bool, Shown(description="账号变更中")]
    updated_at: datetime


class ChangeView(TypedDict):
    at: datetime
    source: Annotated[str, Shown(description="来源")]
    actor: Annotated[str, Shown(description="经办人")]
    old_bank: str | None
    old_account_no: str | None
    old_status: AccountStatus | None
    old_status_label: str | None
    new_bank: str | None
    new_account_no: str | None
    new_status: AccountStatus
    new_status_label: str
    reason: Annotated[str | None, Shown(description="失效原因")]
    as_of: Annotated[datetime | None, Shown(description="所述情况的时点")]


class AccountMatter(TypedDict):
    number: Annotated[str, Shown(description="业务编号或申报编号")]
    source: Annotated[str, Shown(description="渝快办或村社申报")]
    stage: PartStage | EntryStage
    stage_label: str
    created_at: datetime
    ended_at: datetime | None


class CheckView(TypedDict):
    round_no: Annotated[str, Shown(description="核验编号")]
    valid: bool
    reason: Annotated[str | None, Shown(description="未通过的原因")]
    at: datetime


class AccountDetail(AccountView):
    history: Annotated[list[ChangeView], Shown(description="变动历史，新的在前")]
    matters: Annotated[list[AccountMatter], Shown(description="账号变更和村社申报")]
    checks: Annotated[list[CheckView], Shown(description="最近十次核验")]


class RegisterViews:
    """Opens and shows register rows; `whole` shows personal data unmasked."""

    def __init__(self, vault: Vault, names: Names, *, whole: bool = False) -> None:
        self._vault = vault
        self._names = names
        self._whole = whole

    def view(self, row: AccountRow) -> AccountView:
        place = register_row(row.county_code, row.person_index)
        name = self._vault.open(Field.NAME, place, row.name_sealed)
        id_number = self._vault.open(Field.ID_NUMBER, place, row.id_number_sealed)
        return {
            "account_id": row.id,
            "name": name if self._whole else identity.mask_name(name),
            "id_number": id_number if self._whole else identity.mask_id_number(id_number),
            "bank_code": row.bank_code,
            "bank": self._names.bank(row.bank_code),
            "account_no": self._account(place, row.account_sealed),
            "card_type": row.card_type,
            "card_type_label": label_of(CARD_TYPES, row.card_type),
            "status": AccountStatus(row.status),
            "status_label": AccountStatus(row.status).label,
            "reason": None if row.status == AccountStatus.VALID else reason_words(row.reason_code),
            "since": row.since,
            "source": row.source,
            "held": row.held,
            "updated_at": row.updated_at,
        }

    def change(self, row: AccountRow, change: ChangeRow) -> ChangeView:
        """One entry of a row's history."""
        place = register_row(row.county_code, row.person_index)
        return {
            "at": change.at,
            "source": change.source,
            "actor": change.actor,
            "old_bank": self._names.bank(change.old_bank_code),
            "old_account_no": self._account(place, change.old_account_sealed),
            "old_status": AccountStatus(change.old_status) if change.old_status else None,
            "old_status_label": _status(change.old_status),
            "new_bank": self._names.bank(change.new_bank_code),
            "new_account_no": self._account(place, change.new_account_sealed),
            "new_status": AccountStatus(change.new_status),
            "new_status_label": AccountStatus(change.new_status).label,
            "reason": None if change.new_status == AccountStatus.VALID else reason_words(change.reason_code),
            "as_of": change.as_of,
        }

    def _account(self, place: str, sealed: str | None) -> str | None:
        if sealed is None:
            return None
        plain = self._vault.open(Field.ACCOUNT, place, sealed)
        return plain if self._whole else identity.mask_account_no(plain)


def _status(status: str | None) -> str | None:
    return AccountStatus(status).label if status else None


def matter_view(row: MatterRow) -> AccountMatter:
    """A change or an entry, by its number."""
    stage: EntryStage | PartStage = (
        EntryStage(row.stage) if row.source == AccountSource.VILLAGE_ENTRY else PartStage(row.stage)
    )
    return {
        "number": row.number,
        "source": row.source,
        "stage": stage,
        "stage_label": stage.label,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def check_view(row: CheckRow) -> CheckView:
    """The bank's word on the account in one round."""
    reason = None if row.valid else reason_words(row.reason_code)
    return {"round_no": row.round_no, "valid": row.valid, "reason": reason, "at": row.at}

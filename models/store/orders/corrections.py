"""Corrections of rejected lines: which fields may change and how they are checked and kept."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.account_numbers import account_warning, parse_account_no
from models.forms.application_form import (
    PERSONAL_COLUMNS,
    check_family_size,
    columns,
    made_regular,
    parse_or_empty,
    text_parsers,
)
from models.forms.catalogs import Catalogs
from models.forms.money import check_fen, told_yuan
from models.store.sql import fetch
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.wire.words import ApplicantKind, CardType, DocumentKind, HouseholdRegistration
from models.words.faults import Fault, FieldFault
from models.words.refusals import Refusal, RefusalCode

TEXTS = ("name", "phone", "group")
PLACES = ("town_code", "village_code", "bank_code")
OF_PERSONS = ("household_registration", "family_size")


class Correction(BaseModel):
    """New values of one rejected line; what isn't named stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    application_no: StrictStr = Field(min_length=1, max_length=80)
    name: StrictStr | None = Field(None, max_length=200, repr=False)
    phone: StrictStr | None = Field(None, max_length=200, repr=False)
    town_code: StrictStr | None = Field(None, max_length=200)
    village_code: StrictStr | None = Field(None, max_length=200)
    group: StrictStr | None = Field(None, max_length=200)
    bank_code: StrictStr | None = Field(None, max_length=200)
    account_no: StrictStr | None = Field(None, max_length=200, repr=False)
    card_type: CardType | None = None
    household_registration: HouseholdRegistration | None = None
    family_size: StrictInt | None = None
    amount_fen: StrictInt | None = None
    photos: dict[DocumentKind, StrictInt] | None = Field(None, min_length=1, description="照片种类和上传后的 file_id")
    id_number: StrictStr | None = Field(None, max_length=200, repr=False)


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with one field of one line's correction; never the value."""

    application_no: str
    field: str
    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True)
class LineBefore:
    """What a correction is held against."""

    application_no: str
    kind: ApplicantKind
    town_code: str
    village_code: str
    bank_code: str
    item_code: str
    amount_fen: int


class _Line(NamedTuple):
    application_no: str
    applicant_kind: str
    town_code: str
    village_code: str
    bank_code: str
    item_code: str
    amount_fen: int


# None: the field (the group) was emptied. Photos: kind → file.
Checked = dict[str, str | int | dict[str, int] | None]
Outcomes = dict[str, str | int | dict[str, int] | Fault | None]


async def lines_before(session: AsyncSession, line_ids: Sequence[int]) -> dict[str, LineBefore]:
    rows = await fetch(
        session,
        _Line,
        "SELECT application_no, applicant_kind, town_code, village_code, bank_code, item_code, amount_fen "
        "FROM flow_line WHERE id = ANY(:ids)",
        ids=list(line_ids),
    )
    return {row.application_no: _before(row) for row in rows}


def _before(row: _Line) -> LineBefore:
    return LineBefore(
        application_no=row.application_no,
        kind=ApplicantKind(row.applicant_kind),
        town_code=row.town_code,
        village_code=row.village_code,
        bank_code=row.bank_code,
        item_code=row.item_code,
        amount_fen=row.amount_fen,
    )


def check_correction(
    correction: Correction, before: LineBefore, catalogs: Catalogs | None, today: date, pictures: Collection[int]
) -> tuple[Checked, list[LineFault]]:
    """The corrected fields made regular, and every fault at once. Without lists (None) codes aren't judged.

    `pictures` are the files that may become photos.
    """
    given = correction.model_dump(mode="json", exclude_none=True, exclude={"application_no", "id_number"})
    outcomes: Outcomes = dict(given)
    parsers, labels = text_parsers(before.kind, today), columns(before.kind)
    for name in TEXTS:
        if name in given:
            outcomes[name] = parse_or_empty(name, str(given[name]), parsers[name], labels[name])
    if correction.account_no is not None:
        outcomes["account_no"] = parse_account_no(correction.account_no, correction.card_type)
    if "amount_fen" in given:
        outcomes["amount_fen"] = check_fen(given["amount_fen"])
    if "family_size" in given:
        outcomes["family_size"] = check_family_size(given["family_size"])
    outcomes |= _unknown_places(given, before, catalogs)
    number = correction.application_no
    faults = [
        LineFault(number, name, outcome.code, outcome.message)
        for name, outcome in outcomes.items()
        if isinstance(outcome, Fault)
    ]
    faults += _forbidden(correction, before) + _unknown_pictures(correction, pictures)
    return {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, Fault)}, faults


def _unknown_places(
    given: Mapping[str, object], before: LineBefore, catalogs: Catalogs | None
) -> Mapping[str, str | int | Fault | None]:
    if catalogs is None or not any(name in given for name in PLACES):
        return {}
    place = {name: str(given.get(name, getattr(before, name))) for name in PLACES}
    unknown = catalogs.unknown_codes(item_code=before.item_code, **place)
    named = {name: fault for name, fault in unknown.items() if name in given}
    # a new town with the old village is the village's fault, though only the town was named
    if "town_code" in given and "village_code" in unknown:
        named["village_code"] = unknown["village_code"]
    return named


def looks_of(correction: Correction) -> list[FieldFault]:
    """What is kept otherwise than it was typed, and what is worth a second look."""
    told = made_regular({"name": correction.name, "group": correction.group})
    fault = account_warning(correction.account_no or "", correction.card_type)
    return [*told, FieldFault("account_no", fault.code, fault.message)] if fault else told


def _forbidden(correction: Correction, before: LineBefore) -> list[LineFault]:
    number, faults = correction.application_no, []
    if correction.id_number is not None:
        message = "证件号码不能更正；证件号码有误的，请撤回此申请后重新申请"
        faults.append(LineFault(number, "id_number", Refusal.ID_FIXED, message))
    if correction.amount_fen is not None and correction.amount_fen > before.amount_fen:
        message = f"流程中的金额只能调低，原为 {told_yuan(before.amount_fen)} 元"
        faults.append(LineFault(number, "amount_fen", Refusal.AMOUNT_RAISED, message))
    if correction.card_type is not None and correction.account_no is None:
        message = "更正卡类型的，请同时填写账号"
        faults.append(LineFault(number, "card_type", Refusal.ACCOUNT_MISSING, message))
    if before.kind is ApplicantKind.ORGANIZATION:
        given = [name for name in OF_PERSONS if getattr(correction, name) is not None]
        faults += [
            LineFault(number, name, Refusal.PERSONS_ONLY, f"组织没有{PERSONAL_COLUMNS[name]}，请去掉") for name in given
        ]
    return faults


def _unknown_pictures(correction: Correction, pictures: Collection[int]) -> list[LineFault]:
    message = "没有这张照片，或不是 JPEG、PNG 图片；请先上传文件，再填写返回的 file_id"
    return [
        LineFault(correction.application_no, f"photos/{kind.value}", Refusal.FILE_UNKNOWN, message)
        for kind, file_id in (correction.photos or {}).items()
        if file_id not in pictures
    ]


def seal_correction(vault: Vault, application_no: str, checked: Checked) -> str:
    return vault.seal(Sealed.CORRECTION, application_no, json.dumps(checked, ensure_ascii=False, sort_keys=True))


def open_correction(vault: Vault, application_no: str, sealed: str) -> Checked:
    checked: Checked = json.loads(vault.open(Sealed.CORRECTION, application_no, sealed))
    return checked

"""修改申请提交: the rejected lines with what may be corrected in them, whole, for who corrects them (S1 2.7)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Response
from pydantic import Field
from typing_extensions import TypedDict

from api.applications.person import account_of, id_number_of, name_of, reason_of
from api.applications.views import HOUSEHOLDS
from api.counter.chunks import read_lines
from api.counter.disclosures import WholeNames
from api.counter.export import respond
from api.counter.names import Names, names_of
from api.counter.paging import Pages
from api.counter.roles import Operators
from api.flows.guard import known_flow
from api.server.answers import Listed, refusals
from models.forms.correction_file import COLUMNS
from models.store.orders.rules import RULES
from models.store.selection import Predicate
from models.store.vault import Field as Sealed
from models.store.vault import Vault
from models.wire.words import DocumentKind, HouseholdRegistration
from models.words.flow_words import APPLICANTS, submission_failure
from models.words.labelled import label_of
from models.words.stages import DisclosurePurpose, OrderKind

router = APIRouter(tags=["指令"])

# Fields of the view behind the columns of the file, where they are called otherwise; what is typed again has none.
_SHOWN_AS = {"household_registration": "household_label", "amount": "amount_fen"}
HEADERS: Mapping[str, str] = {_SHOWN_AS.get(name, name): header for name, header in COLUMNS.items()}
_RULES = RULES[OrderKind.MODIFIED]
TITLES = {str(rule.code): rule.title for rule in _RULES}
_UNFIT = " ".join(f"WHEN {rule.unfit} THEN '{rule.code}'" for rule in _RULES)
LINES = f"""
SELECT a.* FROM (
  SELECT l.id, l.flow_id, l.application_no, l.applicant_kind, l.name_sealed, l.id_number_sealed, l.phone_sealed,
    l.town_code, l.village_code, l.group_name, l.bank_code, l.account_sealed, l.household_registration, l.family_size,
    l.item_code, l.amount_fen, l.reason_code, l.reason_sealed, CASE {_UNFIT} END AS unfit,
    ARRAY(SELECT p.kind FROM application_photo p WHERE p.application_id = l.application_id ORDER BY p.kind) AS photos
  FROM flow_line l WHERE l.state = 'rejected' AND CAST(:order AS bigint) IS NOT NULL
) AS a
"""


class CorrectibleRow(NamedTuple):
    id: int
    flow_id: int
    application_no: str
    applicant_kind: str
    name_sealed: str
    id_number_sealed: str
    phone_sealed: str | None
    town_code: str
    village_code: str
    group_name: str | None
    bank_code: str
    account_sealed: str
    household_registration: str | None
    family_size: int | None
    item_code: str
    amount_fen: int
    reason_code: str | None
    reason_sealed: str | None
    unfit: str | None
    photos: list[str]


class CorrectibleLine(TypedDict):
    """平台审核不通过的一笔，可以更正的各项是完整的；证件号不能更正，已遮掩。"""

    application_no: str
    applicant_kind: Annotated[str, Field(description="personal 个人，organization 组织")]
    kind_label: str
    reason_code: str | None
    reason: Annotated[str | None, Field(description="提交失败原因")]
    name: str
    id_number: Annotated[str, Field(description="证件号，已遮掩")]
    phone: str | None
    town_code: str
    town: str
    village_code: str
    village: str
    group: str | None
    bank_code: str
    bank: str
    account_no: str
    household_registration: HouseholdRegistration | None
    household_label: Annotated[str | None, Field(description="农业、非农业")]
    family_size: int | None
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="金额（分），只能调低")]
    photos: Annotated[list[DocumentKind], Field(description="已有的照片")]
    why: Annotated[str | None, Field(description="现在不能修改的原因；能修改的为空")]


@router.get(
    "/flows/{flow_no}/correctible-lines",
    summary="可更正的明细",
    response_model=Listed[CorrectibleLine],
    responses=refusals(LINES_MOVED=410, NOT_FOUND=404),
)
async def list_correctible_lines(desk: Operators, flow_no: str, page: Pages) -> Response:
    """Oldest first; whose were shown to whom is noted. They are corrected by `POST /orders`."""
    whole = WholeNames(desk)
    async with desk.database.snapshot() as session:
        chosen = Predicate("a.flow_id = :flow", {"flow": await known_flow(session, desk, flow_no), "order": 0})
        show = partial(_view, desk.shown, await names_of(session, desk.county), whole)
        rows = await read_lines(session, page, chosen, show, HEADERS, LINES, CorrectibleRow)
    await whole.note(flow_no, page, rows, DisclosurePurpose.EDIT)
    return await respond(page, HEADERS, rows)


def _view(vault: Vault, names: Names, whole: WholeNames, row: CorrectibleRow) -> CorrectibleLine:
    whole.of(row.application_no)
    return correctible_line(vault, names, row)


def correctible_line(vault: Vault, names: Names, row: CorrectibleRow) -> CorrectibleLine:
    number = row.application_no
    registration = row.household_registration
    return {
        "application_no": number,
        "applicant_kind": row.applicant_kind,
        "kind_label": label_of(APPLICANTS, row.applicant_kind),
        "reason_code": row.reason_code,
        "reason": submission_failure(None, row.reason_code, reason_of(vault, number, row.reason_sealed)),
        "name": name_of(vault, number, row.name_sealed, whole=True),
        "id_number": id_number_of(vault, number, row.id_number_sealed),
        "phone": vault.open(Sealed.PHONE, number, row.phone_sealed) if row.phone_sealed else None,
        "town_code": row.town_code,
        "town": names.place(row.town_code),
        "village_code": row.village_code,
        "village": names.place(row.village_code),
        "group": row.group_name,
        "bank_code": row.bank_code,
        "bank": names.bank(row.bank_code),
        "account_no": account_of(vault, number, row.account_sealed, whole=True),
        "household_registration": HouseholdRegistration(registration) if registration else None,
        "household_label": label_of(HOUSEHOLDS, registration) if registration else None,
        "family_size": row.family_size,
        "item": names.item(row.item_code),
        "amount_fen": row.amount_fen,
        "photos": [DocumentKind(kind) for kind in row.photos],
        "why": TITLES.get(row.unfit or ""),
    }

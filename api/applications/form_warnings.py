"""What the answer to an entry or a correction tells the person who made it; nothing of it refuses."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.desk import Desk
from models.forms import identity
from models.forms.account_numbers import account_warning
from models.forms.application_form import ApplicationForm, made_regular
from models.forms.catalogs import Catalogs
from models.forms.money import told_yuan
from models.store.applications.doubles import SameItem
from models.store.register.register import register_row
from models.store.registered import OTHER_WORDS, registered_otherwise
from models.store.vault import Field as Sealed
from models.words.faults import FaultCode, FieldFault
from models.words.stages import ApplicationStage


class SameItemView(TypedDict):
    application_no: str
    stage: ApplicationStage
    stage_label: str
    amount_fen: Annotated[int, Field(description="金额（分）")]


class EntryWarning(TypedDict):
    """Worth a second look; nothing was refused for it."""

    pointer: NotRequired[Annotated[str, Field(description="表单中的位置（JSON pointer）")]]
    code: str
    detail: Annotated[str, Field(description="请核对什么")]
    application_nos: NotRequired[Annotated[list[str], Field(description="SAME_ITEM：已有的申请")]]
    applications: NotRequired[list[SameItemView]]
    batches_left: NotRequired[Annotated[list[str], Field(description="RETURNED_TO_DRAFT：退出的结算批次")]]


def looks(given: ApplicationForm, form: ApplicationForm) -> list[EntryWarning]:
    """A name or a group that is kept in another form than it was typed in, an account of an unusual length."""
    told = made_regular({"name": given.name, "group": given.group})
    if fault := account_warning(form.account_no, form.card_type):
        told.append(FieldFault("account_no", fault.code, fault.message))
    return [{"pointer": f"/form/{each.field}", "code": each.code, "detail": each.message} for each in told]


async def other_account(
    desk: Desk, session: AsyncSession, columns: Mapping[str, object], catalogs: Catalogs
) -> list[EntryWarning]:
    """That the register's account will be paid, where it is another one than the form's; a stranger's is not told."""
    person = str(columns["person_index"])
    found = await registered_otherwise(session, desk.county, person, columns) if desk.may_know_lock(person) else None
    if found is None:
        return []
    plain = desk.shown.open(Sealed.ACCOUNT, register_row(desk.county, person), found.account_sealed)
    bank = next((bank.name for bank in catalogs.banks if bank.code == found.bank_code), found.bank_code)
    registered = f"登记的是{bank} {identity.mask_account_no(plain)}（来源：{found.source}）"
    return [{"pointer": "/form/account_no", "code": FaultCode.OTHER_ACCOUNT, "detail": f"{OTHER_WORDS}。{registered}"}]


def form_warnings(form: ApplicationForm, others: Sequence[SameItem]) -> list[EntryWarning]:
    """Worth a second look, no reason to refuse."""
    warnings: list[EntryWarning] = []
    if others:
        first = others[0]
        named = f"{first.application_no}（{ApplicationStage(first.stage).label}，{told_yuan(first.amount_fen)} 元）"
        more = f"等 {first.lines} 份" if first.lines > 1 else ""
        warnings.append(
            {
                "code": FaultCode.SAME_ITEM,
                "detail": f"同一对象的同一补贴项目本年度已有申请 {named}{more}，允许录入，请确认不是重复填报",
                "application_nos": [other.application_no for other in others],
                "applications": [_shown(other) for other in others],
            }
        )
    if form.kind.value == "personal" and (fault := identity.citizen_id_warning(form.id_number)):
        warnings.append({"code": fault.code, "detail": fault.message})
    return warnings


def _shown(other: SameItem) -> SameItemView:
    stage = ApplicationStage(other.stage)
    return {
        "application_no": other.application_no,
        "stage": stage,
        "stage_label": stage.label,
        "amount_fen": other.amount_fen,
    }

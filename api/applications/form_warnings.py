"""What the answer to an entry or a correction tells the person who made it; nothing of it refuses."""

from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from models.forms import identity
from models.forms.account_numbers import account_warning
from models.forms.application_form import ApplicationForm, made_regular
from models.forms.catalogs import Catalogs
from models.forms.money import format_yuan
from models.store.applications.doubles import SameItem
from models.store.register.register import register_row
from models.store.registered import OTHER_WORDS, registered_otherwise
from models.store.vault import Field
from models.words.faults import FaultCode, FieldFault
from models.words.stages import ApplicationStage


def looks(given: ApplicationForm, form: ApplicationForm) -> list[dict[str, object]]:
    """A name or a group that is kept in another form than it was typed in, an account of an unusual length."""
    told = made_regular({"name": given.name, "group": given.group})
    if fault := account_warning(form.account_no, form.card_type):
        told.append(FieldFault("account_no", fault.code, fault.message))
    return [{"pointer": f"/form/{each.field}", "code": each.code, "detail": each.message} for each in told]


async def other_account(
    desk: Desk, session: AsyncSession, columns: Mapping[str, object], catalogs: Catalogs
) -> list[dict[str, object]]:
    """That the register's account will be paid, where it is another one than the form's; a stranger's is not told."""
    person = str(columns["person_index"])
    found = await registered_otherwise(session, desk.county, person, columns) if desk.may_know_lock(person) else None
    if found is None:
        return []
    plain = desk.shown.open(Field.ACCOUNT, register_row(desk.county, person), found.account_sealed)
    bank = next((bank.name for bank in catalogs.banks if bank.code == found.bank_code), found.bank_code)
    registered = f"登记的是{bank} {identity.mask_account_no(plain)}（来源：{found.source}）"
    return [{"pointer": "/form/account_no", "code": FaultCode.OTHER_ACCOUNT, "detail": f"{OTHER_WORDS}。{registered}"}]


def form_warnings(form: ApplicationForm, others: Sequence[SameItem]) -> list[dict[str, object]]:
    """Worth a second look, no reason to refuse."""
    warnings: list[dict[str, object]] = []
    if others:
        first = others[0]
        named = f"{first.application_no}（{ApplicationStage(first.stage).label}，{format_yuan(first.amount_fen)} 元）"
        more = f"等 {first.lines} 份" if first.lines > 1 else ""
        warnings.append(
            {
                "code": "SAME_ITEM",
                "detail": f"同一对象的同一补贴项目本年度已有申请 {named}{more}，允许录入，请确认不是重复填报",
                "application_nos": [other.application_no for other in others],
                "applications": [_shown(other) for other in others],
            }
        )
    if form.kind.value == "personal" and (fault := identity.citizen_id_warning(form.id_number)):
        warnings.append({"code": fault.code, "detail": fault.message})
    return warnings


def _shown(other: SameItem) -> dict[str, object]:
    return {
        "application_no": other.application_no,
        "stage": other.stage,
        "stage_label": ApplicationStage(other.stage).label,
        "amount_fen": other.amount_fen,
    }

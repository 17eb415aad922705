"""What the answer to an entry or a correction tells about its account, name and group; nothing of it refuses."""

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from api.desk import Desk
from models import identity
from models.account_numbers import account_warning
from models.application_form import ApplicationForm, made_regular
from models.catalogs import Catalogs
from models.faults import FaultCode, FieldFault
from models.store.register import register_row
from models.store.registered import OTHER_WORDS, registered_otherwise
from models.store.vault import Field


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

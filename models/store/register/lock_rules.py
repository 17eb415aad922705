"""All that the lock on a person's account stops, act by act, with what people are told (S2 1.3 item 3).

What isn't named here goes on: phone, amount and photos change, material review and batches go on, results of what was
sent before and an invalidation take effect. `models.store.register.account_locks` has the lock itself.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from models.forms.application_form import ApplicationForm
from models.normal_form import regular
from models.store.numbers import Series
from models.store.register.account_locks import Lock, account_locked_sql, locked_people
from models.store.register.register import register_row
from models.store.selection import Rule
from models.store.sql import fetch
from models.store.vault import Field, Vault
from models.words.faults import FaultCode


class LockedAct(StrEnum):
    """What would change bank, account, name or id, or send the line out; tests/test_lock.py plays each."""

    # refused
    ENTRY = "entry"
    EDIT = "edit"
    IMPORT = "import"
    NAME_CORRECTION = "name_correction"
    LINE_ORDER = "line_order"
    CORRECTION = "correction"
    VILLAGE_ENTRY = "village_entry"
    CARD_CHANGE = "card_change"
    RETRY = "retry"
    # left out as held
    INITIALISATION = "initialisation"
    VERIFICATION = "verification"
    SUBMISSION = "submission"


OTHER_THAN_REGISTERED = "所填姓名、开户行或账号与现登记的不同；请待办结后再"
WORDS: Mapping[LockedAct, str] = {
    LockedAct.ENTRY: f"{OTHER_THAN_REGISTERED}录入",
    LockedAct.EDIT: "期间不能修改姓名、证件号、开户行和账号；请待办结后再改",
    LockedAct.IMPORT: f"{OTHER_THAN_REGISTERED}导入此行",
    LockedAct.NAME_CORRECTION: "期间不能更正姓名；请待办结后再办理",
    LockedAct.LINE_ORDER: "账号已锁定，不能更正或提交；请待办结后再办理",
    LockedAct.CORRECTION: "复核之后账号正在变更，本次更正不再适用；请待办结并核对后重新录入",
    LockedAct.VILLAGE_ENTRY: "期间不能申报；请待其办结后再办",
    LockedAct.CARD_CHANGE: "期间不能申请变更；请待其办结后再申请，有疑问请联系所在村社或镇街",
    LockedAct.RETRY: "期间不能再次上卡；请待其办结后再试",
    LockedAct.INITIALISATION: "暂缓数据初始化；请待办结后再办理",
    LockedAct.VERIFICATION: "暂缓大数据校验；办结后再校验",
    LockedAct.SUBMISSION: "暂缓提交；办结后自动随后续轮次提交",
}


def why_locked(act: LockedAct, numbers: Sequence[str] = ()) -> str:
    """Why an act is stopped, by which requests for those who may know them, and what to do."""
    under_way = "、".join(map(_named, numbers)) or "账号变更或村社申报"
    whose = "您在所选区县" if act is LockedAct.CARD_CHANGE else "此人在本县"
    return f"{whose}的{under_way}尚未办结，{WORDS[act]}"


async def why_locked_now(session: AsyncSession, act: LockedAct, counties: Sequence[str], person_index: str) -> str:
    """`why_locked` of one person's locks, where they were met; one that ends at this moment is left unnamed."""
    locks = [lock for county in counties for lock in (await locked_people(session, county, [person_index])).values()]
    return why_locked(act, [lock.request_no for lock in locks])


def _named(number: str) -> str:
    kind = "村社申报" if f"-{Series.VILLAGE_ENTRY.value}" in number else "账号变更"
    return f"{kind}（{number}）"


def lock_rule(act: LockedAct, alias: str) -> Rule:
    """Leaves out the lines of `alias` whose person's account is locked."""
    return Rule(FaultCode.ACCOUNT_LOCKED, why_locked(act), account_locked_sql(alias))


class _LockedLine(NamedTuple):
    application_no: str
    request_no: str


async def why_lines_locked(
    session: AsyncSession, county_code: str, act: LockedAct, unfit: Mapping[str, str | None]
) -> dict[str, str]:
    """Of lines with the code of the rule that each breaks: why, by application number, where it is the lock."""
    numbers = [number for number, code in unfit.items() if code == FaultCode.ACCOUNT_LOCKED]
    if not numbers:
        return {}
    rows = await fetch(
        session,
        _LockedLine,
        "SELECT a.application_no, k.request_no FROM application a JOIN account_lock k USING (county_code, person_index)"
        " WHERE a.county_code = :county AND a.application_no = ANY(:numbers) AND k.ended_at IS NULL",
        county=county_code,
        numbers=numbers,
    )
    return {row.application_no: why_locked(act, [row.request_no]) for row in rows}


def differing_field(vault: Vault, county_code: str, lock: Lock, form: ApplicationForm) -> str | None:
    """The first field of a form that isn't as the register has it, `name` or `account_no`; None when all is."""
    if lock.account != (form.bank_code, vault.index(Field.ACCOUNT, form.account_no)):
        return "account_no"
    assert lock.name_sealed is not None, "an account in the register has its person beside it"
    place = register_row(county_code, vault.index(Field.ID_NUMBER, form.id_number))
    return None if same_name(vault.open(Field.NAME, place, lock.name_sealed), form.name) else "name"


def same_name(one: str, other: str) -> bool:
    return regular(one) == regular(other)

"""账号变更: a citizen's request, saved with its basic validation, and taken back (S2 1.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from models.contracts import RunKind, Subject
from models.forms.account_numbers import parse_account_no
from models.normal_form import ungrouped
from models.store.cards.parts import (
    AccountInUse,
    CardRefusal,
    LockedRequest,
    accounts_in_use,
    add_step,
    end_part,
    keep_old_account,
    lock_request,
    note_part_decided,
    tell_run,
)
from models.store.lock_order import Rank
from models.store.locking import hold
from models.store.numbers import Series, take_one
from models.store.register.account_locks import lock_accounts
from models.store.register.lock_rules import LockedAct, why_locked_now
from models.store.runs.runs import open_run
from models.store.sql import fetch, fetch_one
from models.store.vault import Field, Vault, name_index
from models.tables.cards import CardChange, CardChangePart
from models.wire.words import CardType, FaceChannel
from models.words.calendar import china_today
from models.words.card_stages import PartStage, RequestStage
from models.words.faults import Fault, FaultCode
from models.words.refusals import Refusal

UNDECIDED = (PartStage.VALIDATING, PartStage.IN_REVIEW)
# A step for each chosen county that uses the new account already: it has no part, and is named.
LEFT_OUT = "left_out"
LEFT_OUT_WORDS = "此区县登记的已是这一账号，无需变更，未列入本次申请"
SAME_ACCOUNT = (Refusal.SAME_ACCOUNT, "新账号与现用账号相同，无需变更；请填写另一个账号，或选择使用其他账号的区县")


@dataclass(frozen=True)
class Citizen:
    """Who is signed in; name and id are in clear in this process only."""

    province_code: str
    person_index: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)


@dataclass(frozen=True)
class CardWish:
    """What the form said; the account as it was typed."""

    counties: Sequence[str]
    card_type: CardType
    account_no: str = field(repr=False)
    bank_code: str
    authorised: bool
    reason: str | None = field(default=None, repr=False)
    channel: FaceChannel = FaceChannel.APP


class Incomplete(Exception):
    """A starred field is missing: nothing is saved."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = tuple(fields)


class OneAtATime(CardRefusal):
    """The person has a request under way, on whatever device it was made."""

    def __init__(self, request_no: str | None) -> None:
        super().__init__(Refusal.CARD_CHANGE_OPEN, "您已有一笔账号变更正在办理，办结或撤销后才能再次申请")
        self.request_no = request_no


@dataclass(frozen=True)
class Weighed:
    """What a request comes to before it is saved; `replaced`: the account of each county that gets a part."""

    replaced: Mapping[str, AccountInUse | None]
    left_out: Sequence[str]
    # code and words of the basic validation, where it doesn't pass
    fault: tuple[str, str] | None


async def open_request(session: AsyncSession, vault: Vault, citizen: Citizen, wish: CardWish) -> CardChange:
    """Save a request: under way when it passes basic validation, else kept at once as 申请失败.

    A chosen county that uses the new account already gets no part, and is named among the steps.
    Raises Incomplete when a starred field is missing, OneAtATime while another request of the person is open.
    """
    if missing := _missing(wish):
        raise Incomplete(missing)
    await hold(session, Rank.PERSON, f"{citizen.province_code}/{citizen.person_index}")
    await _refuse_second(session, citizen)
    weighed = await _weigh(session, vault, citizen, wish)
    locked = await _save(session, vault, citizen, wish, weighed.replaced)
    for county in weighed.left_out:
        await add_step(session, locked, county, LEFT_OUT, LEFT_OUT_WORDS)
    fault = weighed.fault or await _take_locks(session, locked.request, list(weighed.replaced))
    if fault is not None:
        await _fail(session, vault, locked, *fault)
    else:
        await add_step(session, locked, None, "submitted", "提交申请，基本验证通过，等待银行验证")
        subject = Subject(kind=RunKind.CARD_CHANGE, number=locked.request.request_no, county_code=citizen.province_code)
        await open_run(session, subject, RequestStage.VALIDATING.value)
    return locked.request


async def look_ahead(session: AsyncSession, vault: Vault, citizen: Citizen, wish: CardWish) -> Weighed:
    """What `open_request` would save, nothing saved; raises what it raises."""
    if missing := _missing(wish):
        raise Incomplete(missing)
    await _refuse_second(session, citizen)
    return await _weigh(session, vault, citizen, wish)


async def _weigh(session: AsyncSession, vault: Vault, citizen: Citizen, wish: CardWish) -> Weighed:
    accounts = await accounts_in_use(session, citizen.person_index, citizen.province_code[:2] + "____")
    fault = await _basic_fault(session, wish, accounts)
    using = set() if fault else _using(vault, wish, accounts)
    changed = sorted(set(wish.counties) - using)
    if not changed:
        fault, changed, using = SAME_ACCOUNT, sorted(using), set()
    return Weighed({county: accounts.get(county) for county in changed}, sorted(using), fault)


async def withdraw_request(session: AsyncSession, vault: Vault, request_no: str, person_index: str) -> CardChange:
    """撤销: every undecided part is taken back, what a reviewer has decided goes on; raises CardRefusal."""
    locked = await lock_request(session, request_no)
    if locked.request.person_index != person_index:
        raise CardRefusal(Refusal.NOT_FOUND, "没有此申请")
    undecided = [part for part in locked.parts if part.stage in UNDECIDED]
    if not undecided:
        words = "此申请已办结，不能撤销" if locked.request.ended_at else "各区县均已审核，不能撤销，请等待办理结果"
        raise CardRefusal(Refusal.NOTHING_TO_WITHDRAW, words)
    for part in undecided:
        await end_part(session, vault, locked, part, PartStage.WITHDRAWN, None, "已由本人撤销")
    await tell_run(session, locked)
    await note_part_decided(session, locked)
    return locked.request


def _missing(wish: CardWish) -> list[str]:
    given = {
        "counties": bool(wish.counties),
        "account_no": bool(wish.account_no.strip()),
        "bank_code": bool(wish.bank_code.strip()),
        "authorised": wish.authorised,
    }
    return [name for name, there in given.items() if not there]


async def _refuse_second(session: AsyncSession, citizen: Citizen) -> None:
    number = await fetch_one(
        session,
        str,
        "SELECT request_no FROM card_change WHERE province_code = :province AND person_index = :person"
        " AND ended_at IS NULL",
        province=citizen.province_code,
        person=citizen.person_index,
    )
    if number is not None:
        raise OneAtATime(number)


def _using(vault: Vault, wish: CardWish, accounts: Mapping[str, AccountInUse]) -> set[str]:
    """The chosen counties that use the new account already: number and bank, since passbooks of two may be alike."""
    new = wish.bank_code.strip(), vault.index(Field.ACCOUNT, ungrouped(wish.account_no))
    return {each for each in wish.counties if (accounts[each].bank_code, accounts[each].account_index) == new}


async def _save(
    session: AsyncSession, vault: Vault, citizen: Citizen, wish: CardWish, replaced: Mapping[str, AccountInUse | None]
) -> LockedRequest:
    """The rows as nobody else sees them before the transaction ends; `replaced`: per county what it uses now."""
    number = await take_one(session, Series.CARD_CHANGE, citizen.province_code, china_today().year)
    account_no = ungrouped(wish.account_no)
    request = CardChange(
        request_no=number,
        province_code=citizen.province_code,
        person_index=citizen.person_index,
        name_sealed=vault.seal(Field.NAME, number, citizen.name),
        name_index=name_index(vault, citizen.name),
        id_number_sealed=vault.seal(Field.ID_NUMBER, number, citizen.id_number),
        card_type=wish.card_type,
        bank_code=wish.bank_code.strip(),
        account_sealed=vault.seal(Field.ACCOUNT, number, account_no),
        account_index=vault.index(Field.ACCOUNT, account_no),
        reason_sealed=vault.seal(Field.REASON, number, wish.reason) if wish.reason else None,
        authorised=wish.authorised,
        channel=wish.channel,
    )
    session.add(request)
    try:
        await session.flush()
    except IntegrityError as error:
        raise OneAtATime(None) from error
    parts = [_part(vault, request, county, account) for county, account in replaced.items()]
    session.add_all(parts)
    await session.flush()
    return LockedRequest(request, parts)


def _part(vault: Vault, request: CardChange, county: str, account: AccountInUse | None) -> CardChangePart:
    """The county's part, with the account that it replaces."""
    part = CardChangePart(request_id=request.id or 0, part_no=f"{request.request_no}.{county}", county_code=county)
    keep_old_account(vault, request, part, account)
    return part


async def _basic_fault(
    session: AsyncSession, wish: CardWish, accounts: Mapping[str, AccountInUse]
) -> tuple[str, str] | None:
    """Format, Luhn digit, bank known, counties in use: the first that is wrong, code and words."""
    parsed = parse_account_no(wish.account_no, wish.card_type)
    if isinstance(parsed, Fault):
        return parsed.code.value, parsed.message
    if not await _bank_known(session, wish):
        return FaultCode.BANK_UNKNOWN, "开户行不在开户行名单中，请重新选择开户行"
    unused = [county for county in wish.counties if county not in accounts]
    if unused:
        return (
            Refusal.COUNTY_NOT_IN_USE,
            "所选区县没有您正在使用的一卡通账号，请在“使用区县”中选择；无账号请向村社或镇街申报",
        )
    return None


async def _bank_known(session: AsyncSession, wish: CardWish) -> bool:
    """In one of the counties' lists; where none was ever fetched the bank validation has the word."""
    known = await fetch(
        session,
        bool,
        "SELECT items @> jsonb_build_array(jsonb_build_object('code', CAST(:bank AS text))) FROM catalog_list"
        " WHERE kind = 'banks' AND county_code = ANY(:counties)",
        bank=wish.bank_code.strip(),
        counties=list(wish.counties),
    )
    return not known or any(known)


async def _take_locks(session: AsyncSession, request: CardChange, counties: list[str]) -> tuple[str, str] | None:
    taken_before = await lock_accounts(session, counties, request.person_index, request.request_no)
    if not taken_before:
        return None
    return FaultCode.ACCOUNT_LOCKED, await why_locked_now(
        session, LockedAct.CARD_CHANGE, taken_before, request.person_index
    )


async def _fail(session: AsyncSession, vault: Vault, locked: LockedRequest, code: str, words: str) -> None:
    request = locked.request
    request.failure_code, request.failure = code, words
    await add_step(session, locked, None, "basic_validation_failed", f"基本验证未通过：{words}")
    for part in locked.parts:
        await end_part(session, vault, locked, part, PartStage.FAILED, code, words)

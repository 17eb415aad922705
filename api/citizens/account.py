"""我的"一卡通"账号: who is signed in, the card faces with their counties in use, what may be chosen (S2 1.1, 1.2)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field as Shown
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.citizens.session import CitizenDesk, Citizens, own_pages_only
from api.citizens.words import (
    BankView,
    CountyView,
    bank_names,
    bank_view,
    card_type_label,
    counties_of,
    county_view,
)
from api.server.answers import Items
from api.server.rendering import rendered
from models.forms.account_numbers import CARD_TYPES
from models.forms.identity import mask_birth_date, mask_id_number, mask_name, sex
from models.store.cards.own_accounts import OwnAccount, OwnCounty, own_accounts
from models.store.register.notices import unread_notices
from models.store.sql import fetch_one
from models.wire.words import CardType, FaceChannel
from models.words.card_stages import CardStatus
from models.words.card_words import reason_words
from models.words.counties import county_words
from models.words.stages import AccountStatus

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])
NO_ACCOUNT = "您尚未绑定“一卡通”账号，请联系所在村社/镇(乡)街道申报账号信息"
INVALID_CARD = "无效卡：此账号已不能用于补贴发放，请点击“变更申请”更换账号"
PARTLY_INVALID = "部分区县无效：此账号在{}已不能用于补贴发放，请点击“变更申请”更换账号"
UNDER_WAY = "您已有一笔账号变更正在办理，办结或撤销后才能再次申请"
ENTRY_UNDER_WAY = "此账号正由村社/镇(乡)街道申报办理，办结后才能申请变更"
AUTHORISATION = "本人持有账号且同意对当前账号进行状态查询等验证"


class FaceView(BankView):
    account_no: Annotated[str, Shown(description="本人的账号，不打码")]
    card_type: CardType | None
    card_type_label: str | None


class UsingCounty(CountyView):
    status: AccountStatus
    status_label: str
    reason_code: str | None
    reason: Annotated[str | None, Shown(description="无效的原因")]
    since: Annotated[datetime | None, Shown(description="何时起无效")]
    locked: Annotated[bool, Shown(description="正在办理变更")]


class ChosenCounty(UsingCounty, FaceView):
    """A county that may be chosen for a change, with the account that is used there."""


class CountyChoice(CountyView):
    preselected: bool
    may_choose: bool
    why_not: str | None


class CardView(FaceView):
    status: CardStatus
    status_label: str
    message: Annotated[str | None, Shown(description="卡面上的提示")]
    counties: list[UsingCounty]
    choices: Annotated[list[CountyChoice], Shown(description="变更申请可选的区县")]
    may_change: bool
    why_not: str | None


class OwnAccounts(TypedDict):
    name: Annotated[str, Shown(description="打码")]
    sex: str
    birth_date: Annotated[str, Shown(description="打码")]
    id_number: Annotated[str, Shown(description="打码")]
    channel: FaceChannel
    cards: list[CardView]
    message: str | None
    open_matter: Annotated[str | None, Shown(description="正在办理的变更申请")]
    unread: Annotated[int, Shown(description="未读的系统通知条数")]


class CodeName(TypedDict):
    code: str
    name: str


class Banks(TypedDict):
    items: list[CodeName]
    card_types: list[CodeName]
    authorisation: Annotated[str, Shown(description="授权说明")]


@router.get("/account", summary="我的一卡通账号", response_model=OwnAccounts)
async def show_own_accounts(desk: Citizens) -> Response:
    async with desk.snapshot() as session:
        accounts = await own_accounts(session, desk.shown, desk.province, desk.person.person_index)
        banks = await bank_names(session, desk.province)
        open_matter = await _open_matter(session, desk)
        unread = await unread_notices(session, desk.person.person_index, counties_of(desk.province))
    person = desk.person
    return json_answer(
        {
            "name": mask_name(person.name),
            "sex": sex(person.id_number),
            "birth_date": mask_birth_date(person.id_number),
            "id_number": mask_id_number(person.id_number),
            "channel": FaceChannel(person.channel),
            "cards": [_card(account, accounts, banks, open_matter) for account in accounts],
            "message": None if accounts else NO_ACCOUNT,
            "open_matter": open_matter,
            "unread": unread,
        }
    )


@router.get("/counties", summary="使用区县", response_model=Items[ChosenCounty])
async def list_counties(desk: Citizens) -> Response:
    """The counties in which the person has an account: those that may be chosen for a change."""
    async with desk.snapshot() as session:
        accounts = await own_accounts(session, desk.shown, desk.province, desk.person.person_index)
        banks = await bank_names(session, desk.province)
    items: list[ChosenCounty] = [
        {**_county(county), **_face(account, banks)} for account in accounts for county in account.counties
    ]
    return json_answer({"items": sorted(items, key=lambda item: item["code"])})


@router.get("/banks", summary="开户行和卡类型", response_model=Banks)
async def list_banks(desk: Citizens) -> Response:
    async with desk.snapshot() as session:
        banks = await bank_names(session, desk.province)
    return json_answer(
        {
            "items": [{"code": code, "name": name} for code, name in banks.items()],
            "card_types": [{"code": code, "name": name} for code, name in CARD_TYPES.items()],
            "authorisation": AUTHORISATION,
        }
    )


def json_answer(body: Mapping[str, object], status: int = 200) -> Response:
    return Response(rendered(body), status, media_type="application/json")


async def _open_matter(session: AsyncSession, desk: CitizenDesk) -> str | None:
    return await fetch_one(
        session,
        str,
        "SELECT request_no FROM card_change WHERE province_code = :province AND person_index = :person"
        " AND ended_at IS NULL",
        province=desk.province,
        person=desk.person.person_index,
    )


def _card(
    account: OwnAccount, accounts: Sequence[OwnAccount], banks: Mapping[str, str], open_matter: str | None
) -> CardView:
    why_not = _why_not(account.counties, open_matter)
    return {
        **_face(account, banks),
        "status": account.status,
        "status_label": account.status.label,
        "message": _message(account),
        "counties": [_county(county) for county in account.counties],
        "choices": _choices(account, accounts),
        "may_change": why_not is None,
        "why_not": why_not,
    }


def _message(account: OwnAccount) -> str | None:
    """无效卡, or in which counties it is; why and since when stands with each county."""
    if account.status is CardStatus.PARTLY_INVALID:
        counties = (one.county_code for one in account.counties if one.status is not AccountStatus.VALID)
        return PARTLY_INVALID.format("、".join(map(county_words, counties)))
    return INVALID_CARD if account.status is CardStatus.INVALID else None


def _choices(clicked: OwnAccount, accounts: Sequence[OwnAccount]) -> list[CountyChoice]:
    """*区县 of this card's 变更申请: its own counties are preselected, the person's others may be added."""
    choices: list[CountyChoice] = [
        {
            **county_view(county.county_code),
            "preselected": account is clicked and not county.locked,
            "may_choose": not county.locked,
            "why_not": ENTRY_UNDER_WAY if county.locked else None,
        }
        for account in accounts
        for county in account.counties
    ]
    return sorted(choices, key=lambda choice: (not choice["preselected"], choice["code"]))


def _why_not(counties: Sequence[OwnCounty], open_matter: str | None) -> str | None:
    if open_matter is not None:
        return UNDER_WAY
    return ENTRY_UNDER_WAY if all(county.locked for county in counties) else None


def _face(account: OwnAccount, banks: Mapping[str, str]) -> FaceView:
    return {
        **bank_view(banks, account.bank_code),
        "account_no": account.account_no,
        "card_type": account.card_type,
        "card_type_label": card_type_label(account.card_type),
    }


def _county(county: OwnCounty) -> UsingCounty:
    """使用区县; where it is 无效 also why and since when."""
    invalid = county.status is AccountStatus.INVALID
    return {
        **county_view(county.county_code),
        "status": county.status,
        "status_label": county.status.label,
        "reason_code": county.reason,
        "reason": reason_words(county.reason) if invalid else None,
        "since": county.since,
        "locked": county.locked,
    }

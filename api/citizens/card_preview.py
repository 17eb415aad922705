"""核对: what a change would come to, before it is asked for; nothing is saved (S2 1.1)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field as Shown

from api.citizens.account import json_answer
from api.citizens.card_views import LeftOutCounty
from api.citizens.cards import ChangeForm, in_words, wish_of
from api.citizens.session import Citizens, own_pages_only
from api.citizens.words import BankView, CountyView, bank_names, bank_view, card_type_label, county_view
from api.server.answers import refusals
from models.forms.account_numbers import account_note
from models.normal_form import ungrouped
from models.store.cards.limits import refuse_too_many
from models.store.cards.own_accounts import own_accounts
from models.store.cards.requests import LEFT_OUT_WORDS, look_ahead

router = APIRouter(prefix="/citizen", tags=["享受人"], dependencies=[Depends(own_pages_only)])


class ReplacedCounty(CountyView):
    old_bank: str | None
    old_account_no: Annotated[str | None, Shown(description="将被替换的账号")]


class WeighedChange(BankView):
    account_no: Annotated[str, Shown(description="变更后的账号")]
    account_note: Annotated[str | None, Shown(description="账号与账号类型不符等提示")]
    card_type_label: str | None
    reason: str | None
    counties: list[ReplacedCounty]
    left_out: list[LeftOutCounty]
    fault: Annotated[str | None, Shown(description="照此提交不能通过基本验证的原因")]


@router.post(
    "/card-changes/preview",
    summary="核对变更申请",
    response_model=WeighedChange,
    responses=refusals(CARD_CHANGE_OPEN=409, TOO_MANY_CHANGES=429),
)
async def preview_change(form: ChangeForm, desk: Citizens) -> Response:
    """The same form, the same refusals; old and new account per county, and who has the new one already."""
    wish = wish_of(form, desk)
    async with desk.snapshot() as session:
        with in_words():
            await refuse_too_many(session, desk.citizen, desk.settings.citizen_failed_changes_per_person_day)
            weighed = await look_ahead(session, desk.vault, desk.citizen, wish)
        banks = await bank_names(session, desk.province)
        accounts = await own_accounts(session, desk.shown, desk.province, desk.person.person_index)
    old = {county.county_code: account for account in accounts for county in account.counties}
    counties: list[ReplacedCounty] = [
        {
            **county_view(code),
            "old_bank": bank_view(banks, old[code].bank_code)["bank"] if code in old else None,
            "old_account_no": old[code].account_no if code in old else None,
        }
        for code in weighed.replaced
    ]
    view: WeighedChange = {
        **bank_view(banks, wish.bank_code.strip()),
        "account_no": ungrouped(wish.account_no),
        "account_note": account_note(ungrouped(wish.account_no), wish.card_type.value),
        "card_type_label": card_type_label(wish.card_type.value),
        "reason": wish.reason,
        "counties": counties,
        "left_out": [{**county_view(code), "why": LEFT_OUT_WORDS} for code in weighed.left_out],
        "fault": weighed.fault[1] if weighed.fault else None,
    }
    return json_answer(view)

"""What codes are called on the citizen's pages."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from models.forms.account_numbers import CARD_TYPES
from models.store.sql import fetch
from models.words.counties import county_name, county_words
from models.words.labelled import label_of


class _Bank(NamedTuple):
    code: str
    name: str


class CountyView(TypedDict):
    code: str
    name: str
    words: Annotated[str, Field(description="名称及代码")]


class BankView(TypedDict):
    bank_code: str | None
    bank: Annotated[str | None, Field(description="开户行")]


async def bank_names(session: AsyncSession, province: str) -> dict[str, str]:
    """Bank code → name over all lists that the province's counties have fetched."""
    rows = await fetch(
        session,
        _Bank,
        "SELECT DISTINCT item ->> 'code' AS code, item ->> 'name' AS name FROM catalog_list"
        " CROSS JOIN jsonb_array_elements(items) item"
        " WHERE kind = 'banks' AND county_code LIKE :counties ORDER BY 1, 2",
        counties=counties_of(province),
    )
    return {row.code: row.name for row in rows}


def counties_of(province: str) -> str:
    """A LIKE pattern for the codes of a province's counties."""
    return province[:2] + "____"


def county_view(code: str) -> CountyView:
    return {"code": code, "name": county_name(code), "words": county_words(code)}


def bank_view(banks: Mapping[str, str], code: str | None) -> BankView:
    return {"bank_code": code, "bank": banks.get(code, code) if code else None}


def card_type_label(card_type: str | None) -> str | None:
    return label_of(CARD_TYPES, card_type)

"""An application's form on a page: its fields in the manual's order, and what they become for the API (S1 2.1, 2.2)."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile

from api.pages.asking import Refused
from api.pages.form import Form
from api.pages.lists import Option, catalog
from api.pages.window import Window

PERSONAL, ORGANIZATION = "personal", "organization"
# Kind of photo, Chinese, English; the bank card's is wanted for the review of an entry.
PHOTOS = (
    ("bank_card", "银行卡照片", "Bank card"),
    ("id_card_front", "身份证正面", "Id card, front"),
    ("id_card_back", "身份证反面", "Id card, back"),
    ("portrait", "头像", "Portrait"),
    ("invoice", "发票", "Invoice"),
    ("other", "其他材料", "Other"),
)
_TEXTS = ("name", "id_number", "phone", "town_code", "village_code", "bank_code", "account_no", "item_code")
MAYBE = ("group", "card_type")
OF_PERSONS = ("household_registration", "family_size")


def form_of(form: Form, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The API's form, and what is wrong with its amount: told beside what the API finds."""
    fields: dict[str, Any] = {"kind": kind} | {name: form.text(f"form.{name}") for name in _TEXTS}
    fields |= {name: form.maybe(f"form.{name}") for name in MAYBE}
    if kind == PERSONAL:
        # left empty it is refused at its place
        fields["household_registration"] = form.maybe("form.household_registration")
        fields["family_size"] = form.whole("form.family_size") or 0
    wrong: list[dict[str, Any]] = []
    try:
        fields["amount_fen"] = form.fen("form.amount_fen")
    except Refused as refused:
        fields["amount_fen"], wrong = 0, refused.document["errors"]
    return fields, wrong


def with_amount(refused: Refused, wrong: list[dict[str, Any]]) -> Refused:
    """The API's refusal of the whole form, with the amount as it was typed."""
    if not wrong:
        return refused
    others = [each for each in refused.document.get("errors", []) if each.get("pointer") != wrong[0]["pointer"]]
    return Refused(refused.status, {**refused.document, "errors": [*others, *wrong]})


async def options_of(window: Window, year: str, town: str) -> dict[str, list[Option]]:
    """What is chosen from the platform's catalogs; villages are those of the town."""
    asked = {"fund_year": year}
    return {
        "towns": await catalog(window, "towns", **asked),
        "villages": await catalog(window, "villages", parent=town, **asked),
        "banks": await catalog(window, "banks", **asked),
        "items": await catalog(window, "subsidy-items", **asked),
    }


def photos_in(form: Form) -> list[tuple[str, UploadFile]]:
    return [(kind, file) for kind, _, _ in PHOTOS for file in form.files(f"photo.{kind}")]


async def put_photos(window: Window, number: str) -> list[dict[str, str]]:
    """The photos that were chosen; the entry stands whatever becomes of them, and what was refused is told."""
    told: list[dict[str, str]] = []
    words: Mapping[str, str] = {kind: chinese for kind, chinese, _ in PHOTOS}
    for kind, file in photos_in(window.form):
        sent = [("file", (f"{kind}.jpg", file.file, file.content_type or "application/octet-stream"))]
        try:
            await window.ask.upload("PUT", f"/applications/{number}/photos/{kind}", {}, sent)
        except Refused as refused:
            told.append({"detail": f"{words[kind]}没有保存：{refused.document['detail']}"})
    return told

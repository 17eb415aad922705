"""按编号清单查找: a clerk's list of application numbers or ids; the cases found, and what was not (S1 2.1, 2.4)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.applications import ACTS, LIST
from api.pages.asking import Refused
from api.pages.lists import SIZES
from api.pages.one import sent_file
from api.pages.previews import act_named, acts_of, carry_out, preview
from api.pages.window import Staff, Window

PATH = "/console/applications/by-numbers"
router = APIRouter(prefix=PATH, include_in_schema=False)
BY_NUMBERS = replace(
    LIST,
    chinese="按编号清单查找",
    english="Find by a list of numbers",
    path=PATH,
    filters=(),
    sought=(),
    tabs=(),
    figures="",
    template="numbers.html",
    help=(
        "把申请编号或证件号的清单（xlsx 或 csv，一行一个，最多 2000 个）传上来，列出找到的申请；没有找到的逐行列出。",
        "Upload a list of application numbers or ids, one a row, at most 2,000: what is found and what isn't.",
    ),
)


@router.get("")
async def numbers_page(window: Staff) -> Response:
    return _shown(window, [], {"items": []})


@router.post("")
async def seek_numbers(window: Staff) -> Response:
    """A list that was chosen, or, for the next cases, the numbers found before."""
    told = None
    try:
        told = None if window.form.text("numbers") else await _sought(window)
        numbers = told["application_nos"] if told else window.form.text("numbers").split()
        found = await _page_of(window, numbers) if numbers else {"items": []}
    except Refused as refused:
        return await window.shown_again(refused, lambda: numbers_page(window))
    return _shown(window, numbers, found, told)


@router.post("/acts")
async def preview_numbers(window: Staff) -> Response:
    return await preview(window, BY_NUMBERS, act_named(window, ACTS, window.form.text("act")))


@router.post("/acts/{name}")
async def act_on_numbers(window: Staff, name: str) -> Response:
    return await carry_out(window, BY_NUMBERS, act_named(window, ACTS, name), place=LIST.path)


async def _sought(window: Window) -> Any:
    sent = sent_file(window, "file", "请选择编号清单的 xlsx 或 csv 文件")
    year = window.form.text("fund_year")
    fields = {"fund_year": year} if year else {}
    return await window.ask.upload("POST", "/applications/number-files/search", fields, sent)


async def _page_of(window: Window, numbers: Sequence[str]) -> Any:
    paging = {"limit": str(SIZES[1]), "after": window.form.text("after"), "order": "newest"}
    return await window.ask.search(LIST.search, {"application_nos": list(numbers)}, **paging)


def _shown(window: Window, numbers: Sequence[str], found: Any, told: Any = None) -> Response:
    """The numbers go on in the form, never in an address."""
    given = {"numbers": " ".join(numbers)} if numbers else {}
    shown = {"rows": found["items"], "following": found.get("next"), "acts": acts_of(window, ACTS)}
    listed = {"given": given, "catalogs": {}, "sizes": SIZES, "size": SIZES[1], "found": len(numbers), "told": told}
    return window.show(BY_NUMBERS.template, page=BY_NUMBERS, **shown, **listed)

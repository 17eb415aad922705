"""补贴公示信息设置: start, address and images of a batch's publicity (S1 2.6)."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.batches import LIST as BATCHES
from api.pages.lists import Column, export, show_list
from api.pages.one import stored_files
from api.pages.window import Staff, Window

PATH = "/console/publicity"
SWITCH = f"{PATH}/public-page"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = replace(
    BATCHES,
    chinese="补贴公示信息设置",
    english="Publicity",
    path=PATH,
    template="publicity_list.html",
    help=(
        "先选择申请结算批次，再填写公示开始日期、公示地址，上传公示信息图片。公示满规定的天数才能启动补贴流程。",
        "Choose a batch, then tell start and place of its publicity and upload its pictures. A flow starts only"
        " when it has been public for long enough.",
    ),
    columns=(
        Column("批次", "Batch", "batch_no", link=f"{PATH}/{{batch_no}}"),
        *BATCHES.columns[1:],
        Column("公示地址", "Place", "publicity_address"),
    ),
)


@router.get("")
async def list_publicity(window: Staff) -> Response:
    return await show_list(window, LIST, switch=await window.ask.get("/public-list-switch"))


@router.get("/export")
async def export_publicity(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/public-page")
async def switch_page(window: Staff) -> Response:
    """公示网页: whether the county has switched it on, and where people are to object."""
    return window.show("public_switch.html", switch=await window.ask.get("/public-list-switch"), place=SWITCH)


@router.post("/public-page")
async def set_switch(window: Staff) -> Response:
    body = {"shown": window.form.text("shown") == "true", "contact": window.form.maybe("contact")}
    return await window.act(window.ask.put("/public-list-switch", body), "saved", SWITCH, lambda: switch_page(window))


@router.get("/{batch_no}")
async def publicity_page(window: Staff, batch_no: str) -> Response:
    batch = await window.ask.get(f"/batches/{batch_no}")
    may = window.signed.role == "operator" and batch["stage"] not in ("in_flow", "done")
    switch = await window.ask.get("/public-list-switch")
    return window.show("publicity.html", batch=batch, may=may, publicity=batch["publicity"], switch=switch)


@router.post("/{batch_no}")
async def set_publicity(window: Staff, batch_no: str) -> Response:
    asked = _set(window, batch_no)
    return await window.act(asked, "saved", f"{PATH}/{batch_no}", lambda: publicity_page(window, batch_no))


@router.get("/{batch_no}/images/{file_id}")
async def image(window: Staff, batch_no: str, file_id: int) -> Response:
    return window.ask.file(f"/files/{file_id}")


async def _set(window: Window, batch_no: str) -> Any:
    """The images that stay, in their order, and the new ones behind them."""
    form = window.form
    kept = [int(number) for number in form.all("kept") if number.isascii() and number.isdigit()]
    new = await stored_files(window, "image_file_ids", "") if form.files("image_file_ids") else []
    body = {"start_date": form.day("start_date"), "address": form.text("address"), "image_file_ids": [*kept, *new]}
    return await window.ask.put(f"/batches/{batch_no}/publicity", body)

"""村社申报: an operator enters an account from a person's paper, a reviewer holds it against the photo (S2 1.1)."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.lists import Column, Filter, ListPage, catalog, labelled, serve_list
from api.pages.whole import whole_of
from api.pages.window import Staff, Window
from models.words.card_stages import EntryStage
from models.words.refusals import Refusal
from models.words.staff import Role

router = APIRouter(prefix="/console/village-entries", include_in_schema=False)
PATH = "/console/village-entries"
_NOT_YOURS = {"code": Refusal.ROLE_NOT_ALLOWED, "title": "没有办理权限", "detail": "村社申报由县操作员录入"}
CARD_TYPES = (("bank_card", "银行卡", "Bank card"), ("passbook", "存折", "Passbook"))
LIST = ListPage(
    chinese="村社申报",
    english="Village entries",
    path=PATH,
    api="/village-entries",
    key="entry_no",
    template="village_entries.html",
    help=(
        "没有可用账号的人向村社申报，操作员照申报表录入并上传卡面照片；银行验证通过后由另一人复核，再上卡。",
        "For people without a usable account: entered from the paper with the card's photo, checked by another person.",
    ),
    columns=(
        Column("申报编号", "Number", "entry_no", link=f"{PATH}/{{entry_no}}"),
        Column("状态", "State", "stage_label", kind="tag", tone="stage"),
        Column("享受人姓名", "Name", "name"),
        Column("身份证号码", "Id number", "id_number"),
        Column("银行名称", "Bank", "bank"),
        Column("银行账号", "Account", "account_no", kind="account"),
        Column("录入人", "Entered by", "entered_by", kind="person"),
        Column("录入时间", "Entered at", "created_at", kind="when"),
        Column("复核人", "Checked by", "confirmed_by", kind="person"),
        Column("失败原因", "Why not", "failure", kind="label"),
    ),
    filters=(Filter("stage", "状态", "State", labelled(EntryStage)),),
)


serve_list(router, LIST, enters=Role.OPERATOR)


@router.get("/new")
async def new_entry(window: Staff) -> Response:
    if window.signed.role is not Role.OPERATOR:
        raise Refused(403, _NOT_YOURS)
    return window.show("village_entry_form.html", banks=await catalog(window, "banks"), kinds=CARD_TYPES, path=PATH)


@router.post("/new")
async def enter(window: Staff) -> Response:
    place = f"{PATH}/{{entry_no}}"
    asked = _entered(window)
    return await window.act(asked, "entry_entered", lambda found: place.format_map(found), lambda: new_entry(window))


async def _entered(window: Window) -> Any:
    """The photo first, then the entry that names it; each of them once."""
    fields = ("name", "id_number", "card_type", "bank_code", "account_no", "reason")
    body: dict[str, object] = {name: window.form.maybe(name) for name in fields}
    # a photo that was stored with a form which was refused for something else
    kept = window.form.whole("photo_file_id")
    for photo in window.form.files("photo"):
        sent = [("file", (photo.filename, photo.file, photo.content_type))]
        kept = (await window.ask.upload("POST", "/files", {}, sent, part="photo"))["file_id"]
    return await window.ask.post("/village-entries", {**body, "photo_file_id": kept}, part="entry")


@router.get("/{entry_no}")
async def show_entry(window: Staff, entry_no: str) -> Response:
    """In clear for who may decide, masked for everybody else."""
    entry = await window.ask.get(f"/village-entries/{entry_no}")
    decides = entry["why_no_decision"] is None
    whole = await whole_of(window, f"/village-entries/{entry_no}", "review") if decides else None
    return _entry(window, whole or entry, is_whole=decides)


@router.post("/{entry_no}/whole")
async def show_whole(window: Staff, entry_no: str) -> Response:
    return _entry(window, await whole_of(window, f"/village-entries/{entry_no}"), is_whole=True)


@router.post("/{entry_no}/decision")
async def decide(window: Staff, entry_no: str) -> Response:
    way = "refusal" if window.form.text("passed") == "false" else "confirmation"
    asked = window.ask.post(f"/village-entries/{entry_no}/{way}", {"remark": window.form.maybe("remark")})
    return await window.act(asked, "entry_decided", f"{PATH}/{entry_no}", lambda: show_entry(window, entry_no))


def _entry(window: Window, entry: dict[str, Any], *, is_whole: bool) -> Response:
    asks = not is_whole and window.signed.role in (Role.OPERATOR, Role.REVIEWER)
    decides = window.signed.role is Role.REVIEWER and entry["stage"] == EntryStage.ENTERED.value
    return window.show("village_entry.html", entry=entry, asks=asks, decides=decides, path=PATH)

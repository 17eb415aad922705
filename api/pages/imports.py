"""批量导入: choose, hand in a file, watch it being checked, confirm or mend; a wizard that may be left at any step."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.formats import label, when
from api.pages.lists import Column, Filter, ListPage, labelled, serve_list
from api.pages.live import show_live
from api.pages.one import sent_file
from api.pages.row_faults import SHOWN, groups
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.flow_words import APPLICANTS
from models.words.stages import ImportStage

PATH = "/console/imports"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = ListPage(
    chinese="批量导入",
    english="Imports",
    path=PATH,
    api="/application-imports",
    key="import_no",
    template="imports.html",
    help=(
        "下载模板，填好后上传。整个文件没有错误才会导入；有错误一行也不导入，可以下载被拒行，改好再传。",
        "Download the template, fill it in, upload it. A file is taken in whole or not at all; refused rows can be"
        " downloaded, corrected and uploaded again.",
    ),
    columns=(
        Column("导入编号", "Import", "import_no", link=f"{PATH}/{{import_no}}"),
        Column("资金年度", "Year", "fund_year"),
        Column("类型", "Kind", "kind_label", kind="label"),
        Column("批次", "Batch", "batch_no"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
        Column("总行数", "Rows", "rows_total", kind="number"),
        Column("已导入", "Imported", "rows_imported", kind="number"),
        Column("被拒", "Refused", "rows_refused", kind="number"),
        Column("待确认", "To confirm", "rows_to_confirm", kind="number"),
        Column("金额（元）", "Amount (yuan)", "total_fen", kind="money"),
        Column("导入人", "By", "entered_by", kind="person"),
        Column("提交时间", "Handed in at", "created_at", kind="when"),
    ),
    filters=(
        Filter("stage", "状态", "Stage", labelled(ImportStage)),
        Filter("to_do", "须改正", "To be corrected", (("true", "是", "Yes"),)),
    ),
)

_CHOSEN = ("applicant_kind", "fund_year", "batch_no", "corrects")


serve_list(router, LIST)


@router.get("/new")
async def choose_page(window: Staff) -> Response:
    """① What kind, which year, which batch; and which refused one the file corrects, where some wait for it."""
    batches = (await window.ask.get("/batches", stage="open", limit="100"))["items"]
    open_ones = [(each["batch_no"], f"{each['batch_no']} {each['title']}") for each in batches]
    kinds = list(APPLICANTS.items())
    waiting = (await window.ask.get("/application-imports", to_do="true", limit="100"))["items"]
    refused = [(each["import_no"], _called(each)) for each in waiting]
    shown = {"kinds": kinds, "batches": open_ones, "refused": refused}
    return window.show("import_choices.html", year=china_today().year, **shown)


@router.get("/file")
async def file_page(window: Staff) -> Response:
    """② The file; what was chosen stands in the address."""
    asked = window.form.text if window.is_act else window.query
    chosen = {name: asked(name) for name in _CHOSEN}
    label = APPLICANTS.get(chosen["applicant_kind"], chosen["applicant_kind"])
    return window.show("import_file.html", chosen=chosen, kind_label=label)


@router.post("/file")
async def hand_in(window: Staff) -> Response:
    asked = _handed_in(window)
    return await window.act(
        asked, "import_handed_in", lambda answer: f"{PATH}/{answer['import_no']}", lambda: file_page(window)
    )


@router.get("/template")
async def template(window: Staff) -> Response:
    names = ("applicant_kind", "fund_year")
    return window.ask.file("/application-import-template", **{name: window.query(name) for name in names})


@router.get("/{import_no}")
async def show_import(window: Staff, import_no: str) -> Response:
    """③ Being checked, ④ what came of it."""
    one = await window.ask.get(f"/application-imports/{import_no}")
    like = (one["stage"], one["rows_checked"], one["rows_total"], one["decision"], one["to_confirm_version"])
    told = {"faults": groups(one["faults"]), "warnings": groups(one["warnings"])}
    return show_live(window, "import.html", like, one=one, shown=SHOWN, **told)


@router.post("/{import_no}/decision")
async def decide(window: Staff, import_no: str) -> Response:
    """仍要导入 what was seen, or 放弃."""
    form, path = window.form, f"/application-imports/{import_no}"
    body: dict[str, Any] = {"reason": form.text("reason")}
    confirmed = form.text("decision") == "confirm"
    if confirmed:
        body["to_confirm_version"] = form.whole("to_confirm_version")
    asked = window.ask.post(f"{path}/{'confirmation' if confirmed else 'refusal'}", body)
    done = "import_confirmed" if confirmed else "import_dropped"
    return await window.act(asked, done, f"{PATH}/{import_no}", lambda: show_import(window, import_no))


@router.post("/{import_no}/acknowledgement")
async def acknowledge(window: Staff, import_no: str) -> Response:
    """知道了: not corrected, and no to-do any more."""
    asked = window.ask.post(f"/application-imports/{import_no}/acknowledgement")
    return await window.act(asked, "import_noted", f"{PATH}/{import_no}", lambda: show_import(window, import_no))


@router.get("/{import_no}/refused-rows")
async def refused_rows(window: Staff, import_no: str) -> Response:
    return window.ask.file(f"/application-imports/{import_no}/refused-rows")


def _called(one: Mapping[str, Any]) -> str:
    return f"{one['import_no']}（{label(one['kind_label'])}，{when(one['created_at'])}）"


async def _handed_in(window: Window) -> Any:
    form, sent = window.form, sent_file(window, "file", "请选择要导入的 xlsx 或 csv 文件")
    fields = {name: form.text(name) for name in _CHOSEN if form.text(name)}
    return await window.ask.upload("POST", "/application-imports", fields, sent)

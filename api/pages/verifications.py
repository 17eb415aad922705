"""大数据校验: a whole batch is sent to the platform's verification; its results later, line by line (S1 2.5)."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.batches import LIST as BATCHES
from api.pages.columns import ID_NUMBER, NAME, TOWN
from api.pages.lists import Column, Filter, ListPage, export, labelled, serve_list, show_list
from api.pages.live import show_live
from api.pages.previews import ActOnSeveral, act_named, carry_out, preview
from api.pages.window import Staff, Window
from models.words.staff import Role
from models.words.stages import Verification

PATH = "/console/verifications"
router = APIRouter(prefix=PATH, include_in_schema=False)
LIST = replace(
    BATCHES,
    chinese="大数据校验",
    english="Verification",
    path=PATH,
    template="list.html",
    help=(
        "选择申请结算批次，整批提交一卡通发放系统进行大数据比对校验。结果不会实时反馈，校验完成后在“校验结果”中查看。",
        "Choose a batch: it is sent whole. Results come later, not at once; see the results page.",
    ),
    columns=(Column("批次", "Batch", "batch_no", link=f"{PATH}/{{batch_no}}"), *BATCHES.columns[1:6]),
)
VERIFY = ActOnSeveral(
    *("verify", "提交大数据校验", "Send to verification", "verifications", "verification_asked", (Role.OPERATOR,)),
    says=(
        "整批提交；此后批次的内容不能再变。组织申请无须校验，账号变更中的暂缓，办结后补校验",
        "The whole batch; its contents stay from now on. Organizations aren't verified, held cases are verified later",
    ),
)
RESULTS = ListPage(
    chinese="校验结果",
    english="Verification results",
    path=PATH,
    api="/batches",
    key="application_no",
    columns=(
        Column("编号", "Number", "application_no", link="/console/applications/{application_no}"),
        Column("类型", "Kind", "kind_label", kind="label"),
        NAME,
        ID_NUMBER,
        TOWN,
        Column("项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("校验", "Verification", "verification_label", kind="tag", tone="verification"),
        Column("原因", "Reason", "verification_reason"),
        Column("状态", "Stage", "stage_label", kind="tag", tone="stage"),
    ),
    filters=(Filter("verification", "校验", "Verification", labelled(Verification)),),
)


serve_list(router, LIST)


@router.get("/{batch_no}")
async def show_verification(window: Staff, batch_no: str) -> Response:
    batch = await window.ask.get(f"/batches/{batch_no}")
    return show_live(window, "verification.html", {**batch, "run": None}, batch=batch)


@router.post("/{batch_no}/acts")
async def preview_verification(window: Staff, batch_no: str) -> Response:
    api, act = f"/batches/{batch_no}/verifications", _act(window, batch_no, window.form.text("act"))
    return await preview(window, _of(batch_no), act, api=api, chosen=False)


@router.post("/{batch_no}/acts/{name}")
async def send(window: Staff, batch_no: str, name: str) -> Response:
    api, act = f"/batches/{batch_no}/verifications", _act(window, batch_no, name)
    return await carry_out(window, _of(batch_no), act, api=api, chosen=False)


@router.get("/{batch_no}/results")
async def list_results(window: Staff, batch_no: str) -> Response:
    return await show_list(window, _results(batch_no))


@router.get("/{batch_no}/results/export")
async def export_results(window: Staff, batch_no: str) -> Response:
    return export(window, _results(batch_no))


def _act(window: Window, batch_no: str, name: str) -> ActOnSeveral:
    return act_named(window, (replace(VERIFY, batch_no=batch_no),), name)


def _of(batch_no: str) -> ListPage:
    return replace(LIST, path=f"{PATH}/{batch_no}")


def _results(batch_no: str) -> ListPage:
    return replace(RESULTS, path=f"{PATH}/{batch_no}/results", api=f"/batches/{batch_no}/verification-results")

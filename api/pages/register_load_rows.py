"""A load's rows: what each would do to the register, what the bank is against, and what is left out, with why."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.columns import ACCOUNT, BANK, ID_NUMBER, NAME
from api.pages.lists import Column, Filter, ListPage, export, labelled, show_list
from api.pages.window import Staff
from models.words.card_stages import LoadOutcome

PLACE = "/console/register-loads"
router = APIRouter(prefix=f"{PLACE}/{{load_no}}/rows", include_in_schema=False)
LIST = ListPage(
    chinese="逐行结果",
    english="Row by row",
    path=f"{PLACE}/{{load_no}}/rows",
    api="/register-loads",
    key="row",
    template="register_load_rows.html",
    columns=(
        Column("行号", "Row", "row", kind="number"),
        NAME,
        ID_NUMBER,
        BANK,
        ACCOUNT,
        Column("结果", "Result", "outcome_label", kind="tag", tone="outcome"),
        Column("原因", "Why", "why", kind="label"),
        Column("现登记开户行", "Bank on file", "old_bank"),
        Column("现登记账号", "Account on file", "old_account_no", kind="account"),
        Column("现登记状态", "State on file", "old_status_label", kind="label"),
    ),
    filters=(Filter("outcome", "结果", "Result", labelled(LoadOutcome)),),
)


@router.get("")
async def list_rows(window: Staff, load_no: str) -> Response:
    return await show_list(window, _of(load_no), load_no=load_no, place=PLACE)


@router.get("/export")
async def export_rows(window: Staff, load_no: str) -> Response:
    return export(window, _of(load_no))


def _of(load_no: str) -> ListPage:
    return replace(LIST, path=f"{PLACE}/{load_no}/rows", api=f"/register-loads/{load_no}/rows")

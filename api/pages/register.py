"""一卡通账号 and 共用银行卡: the county's register, one account with its history, and its check by hand (S2 1.3)."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.columns import ACCOUNT, BANK, ID_NUMBER
from api.pages.lists import Column, Filter, ListPage, Sought, export, labelled, show_list
from api.pages.whole import whole_of
from api.pages.window import Staff, Window
from models.words.staff import Role
from models.words.stages import AccountStatus

router = APIRouter(prefix="/console", include_in_schema=False)
PATH, SHARED_PATH = "/console/register", "/console/shared-cards"
_SOURCES = (
    ("申请录入", "申请录入", "Application"),
    ("渝快办", "渝快办", "Citizen"),
    ("村社申报", "村社申报", "Village entry"),
    ("初始导入", "初始导入", "First load"),
)
_PLACES = {"村社申报": "/console/village-entries"}
LIST = ListPage(
    chinese="一卡通账号",
    english="Accounts",
    path=PATH,
    api="/register",
    search="/register/search",
    key="account_id",
    help=(
        "本区县登记的一卡通账号：从哪里来、能不能用、为什么不能用。报送和补发用的都是这里的账号。"
        "来源“渝快办”是本人在政务服务 APP 或网页上办的变更。",
        "The county's accounts: where each came from, whether it may be paid to, and why not. “Citizen's change”: the"
        " person has asked for it in the citizens' app or on its web pages.",
    ),
    columns=(
        Column("姓名", "Name", "name", link=f"{PATH}/{{account_id}}"),
        ID_NUMBER,
        BANK,
        ACCOUNT,
        Column("账号类型", "Kind", "card_type_label", kind="label"),
        Column("状态", "State", "status_label", kind="tag", tone="status"),
        Column("失效原因", "Why", "reason", kind="label"),
        Column("失效时间", "Since", "since", kind="when"),
        Column("来源", "Source", "source", kind="label"),
        Column("账号变更中", "Account changing", "held", kind="yes"),
        Column("更新时间", "Changed", "updated_at", kind="when"),
    ),
    filters=(
        Filter("bank_code", "开户行", "Bank", catalog="banks"),
        Filter("status", "状态", "State", labelled(AccountStatus)),
        Filter("source", "来源", "Source", _SOURCES),
    ),
    sought=(
        Sought("name", "姓名", "Name"),
        Sought("id_number", "证件号", "Id number"),
        Sought("account_no", "账号", "Account"),
    ),
)
SHARED = replace(
    LIST,
    chinese="共用银行卡",
    english="Shared cards",
    path=SHARED_PATH,
    api="/register/shared",
    search="",
    sought=(),
    filters=(),
    help=(
        "同一账号登记给了几个人，多数要请本人变更。其他区县也有人用的，这里只说有，不说是谁。",
        "One account of several people. Of another county's people it says only that there are some.",
    ),
    columns=(
        BANK,
        ACCOUNT,
        Column("本区县使用人数", "People here", "people", kind="number"),
        Column("本区县使用人", "Who", "named"),
        Column("其他区县也有人使用", "Elsewhere too", "elsewhere", kind="yes"),
    ),
)


@router.get("/register")
async def list_accounts(window: Staff) -> Response:
    return await show_list(window, LIST)


@router.post("/register")
async def seek_accounts(window: Staff) -> Response:
    return await show_list(window, LIST)


@router.get("/register/export")
async def export_accounts(window: Staff) -> Response:
    return export(window, LIST)


@router.get("/shared-cards")
async def list_shared(window: Staff) -> Response:
    return await show_list(window, SHARED)


@router.get("/shared-cards/export")
async def export_shared(window: Staff) -> Response:
    return export(window, SHARED)


@router.get("/register/{account_id}")
async def show_account(window: Staff, account_id: str) -> Response:
    return _account(window, await window.ask.get(f"/register/{account_id}"), is_whole=False)


@router.post("/register/{account_id}/whole")
async def show_whole(window: Staff, account_id: str) -> Response:
    return _account(window, await whole_of(window, f"/register/{account_id}"), is_whole=True)


@router.post("/register/{account_id}/check")
async def check_account(window: Staff, account_id: str) -> Response:
    """手动验证: a round of one account; what the bank says changes the register at once."""
    body = {"account_id": int(account_id) if account_id.isascii() and account_id.isdigit() else 0}
    asked = window.ask.post("/account-checks", body)
    return await window.act(asked, "check_asked", f"{PATH}/{account_id}", lambda: show_account(window, account_id))


def _account(window: Window, account: dict[str, Any], *, is_whole: bool) -> Response:
    for matter in account["matters"]:
        matter["place"] = f"{_PLACES.get(matter['source'], '/console/card-changes')}/{matter['number']}"
    works = window.signed.role in (Role.OPERATOR, Role.REVIEWER)
    return window.show("account.html", account=account, is_whole=is_whole, works=works, path=PATH)

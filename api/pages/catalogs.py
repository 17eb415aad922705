"""平台目录: the platform's lists as last fetched, when, and fetching them anew."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.lists import Column, Filter, ListPage, export, show_list
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.staff import Role

router = APIRouter(prefix="/console/catalogs", include_in_schema=False)
_MAY_REFRESH = (Role.COUNTY_ADMIN, Role.OPERATOR, Role.REVIEWER)


@router.get("")
async def show_catalogs(window: Staff) -> Response:
    catalogs = await window.ask.get("/catalogs", fund_year=window.query("fund_year"))
    return window.show("catalogs.html", catalogs=catalogs, may_refresh=window.signed.role in _MAY_REFRESH)


@router.post("/refresh")
async def refresh(window: Staff) -> Response:
    asked = window.ask.post("/catalog-refreshes", {"fund_year": window.form.whole("fund_year")})
    return await window.act(asked, "catalogs_asked", "/console/catalogs", lambda: show_catalogs(window))


@router.get("/{kind}")
async def list_catalog(window: Staff, kind: str) -> Response:
    return await show_list(window, _page(window, kind))


@router.get("/{kind}/export")
async def export_catalog(window: Staff, kind: str) -> Response:
    return export(window, _page(window, kind))


def _page(window: Window, kind: str) -> ListPage:
    return ListPage(
        chinese="平台目录",
        english="Platform catalog",
        path=f"/console/catalogs/{kind}",
        api=f"/catalogs/{kind}",
        key="code",
        columns=(Column("代码", "Code", "code"), Column("名称", "Name", "name")),
        filters=(Filter("like", "名称或代码中的几个字", "Part of name or code", kind="text"),),
        always={"fund_year": window.query("fund_year") or str(china_today().year)},
    )

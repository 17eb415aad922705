"""How lines that may be paid twice are told: how many, their sum, and each with what else there is."""

from collections.abc import Callable, Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.names import Names, names_of
from models.forms.money import format_yuan
from models.store.applications.doubles import DoubleLine, Doubles, doubles, told_elsewhere
from models.store.selection import Predicate
from models.tables.flows import Flow
from models.words.stages import ApplicationStage, PaymentState

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "others_words": "同一对象、同一补贴项目、同一资金年度另有",
}
View = dict[str, object]


async def doubles_block(session: AsyncSession, county: str, chosen: Predicate, url: str) -> View:
    """How an act tells of them: how many, their sum, the first hundred, and where the rest is."""
    return await _block(session, county, await doubles(session, county, chosen), url)


async def paid_elsewhere_block(session: AsyncSession, flow: Flow) -> View:
    """Of a flow's lines those whose person and item another flow of the year has paid or is paying."""
    assert flow.id is not None
    found = await told_elsewhere(session, flow.county_code, flow.id)
    return await _block(session, flow.county_code, found, f"/flows/{flow.flow_no}/paid-elsewhere")


async def _block(session: AsyncSession, county: str, found: Doubles, url: str) -> View:
    show = shown(await names_of(session, county)) if found.count else None
    lines = [show(row) for row in found.lines] if show else []
    return {"count": found.count, "total_fen": found.total_fen, "lines": lines, "url": url}


def shown(names: Names) -> Callable[[DoubleLine], View]:
    def show(row: DoubleLine) -> View:
        others = [_other(each) for each in row.others]
        return {
            "application_no": row.application_no,
            "item_code": row.item_code,
            "item": names.item(row.item_code),
            "amount_fen": row.amount_fen,
            "others": others,
            "others_words": "；".join(_words(other) for other in others),
        }

    return show


def _other(other: Mapping[str, str | int]) -> View:
    view: View = {**other, "stage_label": ApplicationStage(str(other["stage"])).label}
    if "payment" in other:
        view["payment_label"] = PaymentState(str(other["payment"])).label
    return view


def _words(other: View) -> str:
    fen = other["amount_fen"]
    assert isinstance(fen, int)
    paid = f"，流程 {other['flow_no']} {other['payment_label']}" if "payment" in other else ""
    return f"{other['application_no']}（{other['stage_label']}，{format_yuan(fen)} 元{paid}）"

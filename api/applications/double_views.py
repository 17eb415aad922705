"""How lines that may be paid twice are told: how many, their sum, and each with what else there is."""

from collections.abc import Callable, Mapping
from typing import Annotated, NotRequired

from pydantic import Field
from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import TypedDict

from api.counter.names import Names, names_of
from models.forms.money import told_yuan
from models.store.applications.doubles import DoubleLine, Doubles, ToldOther, doubles, told_elsewhere
from models.store.selection import Predicate
from models.tables.flows import Flow
from models.words.stages import ApplicationStage, PaymentState

HEADERS: Mapping[str, str] = {
    "application_no": "申请编号",
    "item": "补贴项目",
    "amount_fen": "补贴金额（元）",
    "others_words": "同一对象、同一补贴项目、同一资金年度另有",
}


class OtherDouble(TypedDict):
    """同一对象、同一补贴项目、同一资金年度的另一份申请."""

    stage: ApplicationStage
    flow_no: NotRequired[Annotated[str, Field(description="已发放或正在发放它的补贴流程")]]
    payment: NotRequired[PaymentState]
    amount_fen: Annotated[int, Field(description="金额（分）")]
    application_no: str
    stage_label: str
    payment_label: NotRequired[str]


class DoubleView(TypedDict):
    application_no: str
    item_code: str
    item: Annotated[str, Field(description="补贴项目")]
    amount_fen: Annotated[int, Field(description="补贴金额（分）")]
    others: list[OtherDouble]
    others_words: Annotated[str, Field(description="others 的一句话说明")]


class DoublesBlock(TypedDict):
    count: Annotated[int, Field(description="申请份数")]
    total_fen: Annotated[int, Field(description="金额合计（分）")]
    lines: Annotated[list[DoubleView], Field(description="其中的前 100 份")]
    url: Annotated[str, Field(description="全部清单的地址")]


async def doubles_block(session: AsyncSession, county: str, chosen: Predicate, url: str) -> DoublesBlock:
    """How an act tells of them: how many, their sum, the first hundred, and where the rest is."""
    return await _block(session, county, await doubles(session, county, chosen), url)


async def paid_elsewhere_block(session: AsyncSession, flow: Flow) -> DoublesBlock:
    """Of a flow's lines those whose person and item another flow of the year has paid or is paying."""
    assert flow.id is not None
    found = await told_elsewhere(session, flow.county_code, flow.id)
    return await _block(session, flow.county_code, found, f"/flows/{flow.flow_no}/paid-elsewhere")


async def _block(session: AsyncSession, county: str, found: Doubles, url: str) -> DoublesBlock:
    show = shown(await names_of(session, county)) if found.count else None
    lines = [show(row) for row in found.lines] if show else []
    return {"count": found.count, "total_fen": found.total_fen, "lines": lines, "url": url}


def shown(names: Names) -> Callable[[DoubleLine], DoubleView]:
    def show(row: DoubleLine) -> DoubleView:
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


def _other(other: ToldOther) -> OtherDouble:
    stage = ApplicationStage(other["stage"])
    amount_fen, application_no = other["amount_fen"], other["application_no"]
    if "payment" not in other:
        return {
            "stage": stage,
            "amount_fen": amount_fen,
            "application_no": application_no,
            "stage_label": stage.label,
        }
    payment = PaymentState(other["payment"])
    return {
        "stage": stage,
        "flow_no": other["flow_no"],
        "payment": payment,
        "amount_fen": amount_fen,
        "application_no": application_no,
        "stage_label": stage.label,
        "payment_label": payment.label,
    }


def _words(other: OtherDouble) -> str:
    paid = f"，流程 {other['flow_no']} {other['payment_label']}" if "payment" in other else ""
    return f"{other['application_no']}（{other['stage_label']}，{told_yuan(other['amount_fen'])} 元{paid}）"

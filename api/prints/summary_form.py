"""汇总审批表 as PDF: to print, sign and seal, scan and hand in with the county's review (S1 second 2.7)."""

from collections.abc import Sequence
from typing import cast

from fastapi import APIRouter, Response
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.roles import CountyReaders
from api.flows.flow_parts import policies_of
from api.flows.summary_views import ShareView, SummaryTotals, is_draft
from api.prints.printed import count_of, date_of, print_form, seconds_of, yuan_of
from api.server.answers import file_answer, refusals
from api.server.problems import not_found
from models.forms.capitals import in_capitals
from models.prints.summary_form import Row, SummaryForm
from models.prints.templates import Template
from models.store.flows.figures import check_code, summary_figures
from models.store.flows.summaries import SummaryRow, summaries_of
from models.store.texts import open_text
from models.store.vault import Vault
from models.tables.batches import Batch
from models.tables.flows import Flow
from models.wire.words import MediaType
from models.words.counties import county_words

router = APIRouter(tags=["发放汇总"])


@router.get(
    "/flows/{flow_no}/summary/form",
    summary="汇总审批表",
    response_class=Response,
    responses=file_answer(MediaType.PDF) | refusals(NOT_FOUND=404),
)
async def summary_form(desk: CountyReaders, flow_no: str) -> Response:
    """The newest summary as PDF/A-2b, the same bytes for the same figures; 草稿 across while they may still change."""
    async with desk.database.snapshot() as session:
        flow = (
            await session.exec(select(Flow).where(Flow.flow_no == flow_no, Flow.county_code == desk.county))
        ).first()
        if flow is None:
            raise not_found("补贴流程")
        form = await _form(session, desk.shown, flow)
    return await print_form(desk, Template.SUMMARY_FORM, form, "汇总审批表", flow_no, form["number"])


async def _form(session: AsyncSession, vault: Vault, flow: Flow) -> SummaryForm:
    assert flow.id is not None
    row = (await summaries_of(session, flow.id))[0]
    figures = row.figures or await summary_figures(session, flow.id)
    batch = await session.get_one(Batch, flow.batch_id)
    title = open_text(vault, flow.county_code, batch.title_sealed)
    policies = [policy["title"] for policy in await policies_of(session, vault, flow.id)]
    return _filled(
        row, flow, f"{flow.batch_no} {title}", policies, cast(SummaryTotals, figures), await is_draft(session, row)
    )


def _filled(
    row: SummaryRow, flow: Flow, batch: str, policies: list[str], figures: SummaryTotals, draft: bool
) -> SummaryForm:
    number, since = row.number or 0, row.opened_at or flow.created_at
    code = check_code(flow.flow_no, number, cast(dict[str, object], figures))
    return {
        "draft": draft,
        "dated": seconds_of(since),
        "date": date_of(since),
        "county": county_words(flow.county_code),
        "fund_year": str(flow.fund_year),
        "batch": batch,
        "flow": flow.flow_no,
        "number": f"第 {number} 次汇总" if number else "尚未汇总",
        "policies": policies,
        "count": count_of(figures["application_count"]),
        "households": count_of(figures["household_count"]),
        "total": yuan_of(figures["total_fen"]),
        "capitals": in_capitals(figures["total_fen"]),
        "indicators": _rows(figures["indicators"]),
        "towns": _rows(figures["towns"]),
        "banks": _rows(figures["banks"]),
        "check_code": in_groups(code),
        "qr": f"{flow.flow_no} {number} {code}",
    }


def in_groups(code: str) -> str:
    """3F2A 91C0 11AA 2B3C: as people compare it."""
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def _rows(shares: Sequence[ShareView]) -> list[Row]:
    return [
        {"name": each["name"], "count": count_of(each["application_count"]), "amount": yuan_of(each["total_fen"])}
        for each in shares
    ]

"""申请提交 looked at beforehand: what a start would say, and where the money would go; nothing is started (S1 2.7)."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from api.counter.roles import CountyStaff
from api.server.answers import refusals
from api.server.problems import not_found
from api.way.readiness_views import FlowReadiness, readiness_of
from models.store.clock import today_in_china
from models.store.flows.needs import StartRefused, StartRequest
from models.store.flows.start import judge_start
from models.store.pre_flight.choice import MOST, StartMeans, choice_of_year

router = APIRouter(tags=["补贴流程"])

Number = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Numbers = Annotated[list[Number], Query(max_length=MOST), Field(default_factory=list)]
OfYear = Annotated[bool, Query(description="按本年度审核通过、用得上的政策和指标判断，不看所写的编号")]


@router.get("/flow-readiness", responses=refusals(NOT_FOUND=404))
async def flow_readiness(
    desk: CountyStaff, batch_no: Number, policy_nos: Numbers, indicator_nos: Numbers, of_year: OfYear = False
) -> FlowReadiness:
    """The same judgement as that of `POST /flows`: every refusal that it would have, indicators in the order given.

    What a start alone can find out is whether the platform has another flow of the county: then the flow waits.
    """
    days = desk.settings.publicity_days
    async with desk.database.snapshot() as session:
        chosen = StartMeans(policy_nos, indicator_nos)
        if of_year:
            chosen = await choice_of_year(session, desk.county, batch_no)
        request = StartRequest(desk.county, batch_no, *chosen, desk.person)
        today = await today_in_china(session)
        try:
            judged = await judge_start(session, request, publicity_days=days, today=today, deciding=False)
        except StartRefused:
            raise not_found("批次") from None
        return await readiness_of(session, judged, days)

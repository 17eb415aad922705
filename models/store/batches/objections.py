"""公示异议: what an open one holds back, and the row that says so (S1 2.6; DOMAIN: Publicity)."""

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.store.numbers import Series, take_one
from models.store.selection import Rule
from models.store.sql import one_of
from models.store.texts import seal_text
from models.store.vault import Vault
from models.tables.applications import Application
from models.tables.base import now
from models.tables.batches import Objection
from models.words.refusals import Refusal
from models.words.stages import ObjectionState

_IN_FLOW = "补贴流程已启动，不再录入公示异议；确有问题的，请在流程内录入撤回指令"
# From 公示 until the flow's start, whatever else stands in between.
OBJECT_RULES = (
    Rule(Refusal.APPLICATION_IN_FLOW, _IN_FLOW, "a.stage = 'in_flow'"),
    Rule(
        Refusal.NOT_PUBLICISED,
        "不在公示中：尚未公示，或已发放、已撤回、已关闭，不能录入异议",
        "a.stage NOT IN ('publicised', 'unmatched', 'matched', 'pending_settlement', 'in_batch')",
    ),
)


def objection_open_sql(alias: str) -> str:
    """True in SQL where an objection to the row's application (`application_no`) is still to be decided."""
    return one_of(f"FROM objection x WHERE x.application_no = {alias}.application_no AND x.state = 'open'")


async def open_objection(
    session: AsyncSession, vault: Vault, application: Application, reason: str, file_id: int | None, entered_by: str
) -> Objection:
    """The line is held from its flow's start on. The county is held by the caller: no flow starts meanwhile."""
    assert application.id is not None
    county = application.county_code
    objection = Objection(
        objection_no=await take_one(session, Series.OBJECTION, county, application.fund_year),
        county_code=county,
        application_id=application.id,
        application_no=application.application_no,
        reason_sealed=seal_text(vault, county, reason),
        file_id=file_id,
        entered_by=entered_by,
    )
    session.add(objection)
    await session.flush()
    return objection


async def find_objection(session: AsyncSession, county_code: str, objection_no: str) -> Objection | None:
    """As it is now; whoever decides it holds the county."""
    statement = select(Objection).where(Objection.objection_no == objection_no, Objection.county_code == county_code)
    return (await session.exec(statement, execution_options={"populate_existing": True})).first()


def mark_objection(
    vault: Vault, objection: Objection, state: ObjectionState, opinion: str, decided_by: str, flow_id: int | None
) -> None:
    """`flow_id`: in which it held its line until now."""
    objection.state, objection.decided_by, objection.decided_at = state, decided_by, now()
    objection.opinion_sealed, objection.flow_id = seal_text(vault, objection.county_code, opinion), flow_id

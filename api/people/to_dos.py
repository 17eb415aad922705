"""待办: what waits for who asks, what waits for others, what is wrong; already without what the person may not do."""

from datetime import timedelta

from fastapi import APIRouter
from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import COUNTY, Desk
from api.counter.roles import Everyone
from api.people.to_do_views import Sorter, ToDos
from models.store.to_dos.accounts import of_accounts
from models.store.to_dos.applications import (
    of_applications,
    of_batches,
    of_imports,
    of_objections,
    of_own_applications,
    of_policies,
    without_returned,
)
from models.store.to_dos.flows import ended_flows, of_flows, open_summary
from models.store.to_dos.found import Asker, Found, found_by
from models.store.to_dos.watched import (
    OpenRuns,
    last_check,
    of_callbacks,
    of_contradictions,
    of_installation,
    of_runs,
    open_runs,
)
from models.words.calendar import china_today
from models.words.staff import Role

router = APIRouter(tags=["待办"])
# What of the county's is shown to people of whichever of its roles.
_NOT_TOLD = frozenset({"callbacks_parked", "callbacks_unknown", "runs_restarted"})


@router.get("/to-dos", summary="待办")
async def list_to_dos(desk: Everyone) -> ToDos:
    """Per kind count, sum, oldest and the filter of its list; what somebody else must do is among the others."""
    asker = Asker(desk.county, desk.person, desk.person_index)
    async with desk.database.snapshot() as session:
        found, runs = await _found(desk, session, asker)
    return Sorter(desk.settings, desk.role).sort(found, runs)


async def _found(desk: Desk, session: AsyncSession, asker: Asker) -> tuple[list[Found], list[OpenRuns]]:
    match desk.role:
        case Role.APPLICANT:
            return await found_by(session, of_own_applications(asker)), []
        case Role.OPS:
            return await _of_ops(desk, session, asker), []
        case Role.AUDITOR:
            found = await found_by(session, ended_flows(asker))
            return [*await last_check(session, asker), *found, *await of_contradictions(session, asker)], []
    assert desk.role in COUNTY
    return await _of_county(desk, session, asker)


async def _of_ops(desk: Desk, session: AsyncSession, asker: Asker) -> list[Found]:
    runs = of_runs(await open_runs(session, asker, desk.settings))
    return [*runs, *await found_by(session, of_callbacks(asker, ops=True), *of_installation(asker))]


async def _of_county(desk: Desk, session: AsyncSession, asker: Asker) -> tuple[list[Found], list[OpenRuns]]:
    public_since = china_today() - timedelta(days=desk.settings.publicity_days)
    runs = await open_runs(session, asker, desk.settings)
    found = await found_by(
        session,
        *of_applications(asker),
        of_batches(asker, public_since),
        of_imports(asker),
        of_objections(asker),
        of_policies(asker),
        *of_flows(asker),
        *of_accounts(asker),
        of_callbacks(asker, ops=False),
    )
    summary, contradictions = await open_summary(session, asker), await of_contradictions(session, asker)
    found = [*without_returned(found), *summary, *contradictions, *of_runs(runs)]
    return [each for each in found if each.kind not in _NOT_TOLD], runs

"""预检: before initialisation, verification and start, what is known without asking the platform.

It is of a batch, or of all that is publicised in a fund year: what is told in an address is either's number.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.flow_words import PreFlightAct

PATH = "/console/pre-flight"
router = APIRouter(prefix=PATH, include_in_schema=False)
# Where each is sent from.
PLACES = {
    PreFlightAct.INITIALISATION: "/console/beneficiaries",
    PreFlightAct.VERIFICATION: "/console/verifications/{}",
    PreFlightAct.START: "/console/flows/start?batch_no={}",
}


@router.get("")
async def pre_flight(window: Staff) -> Response:
    batches = (await window.ask.get("/batches", limit=100))["items"]
    shown: dict[str, Any] = {"batches": batches, "years": _years(), "batch": None, "path": PATH}
    shown |= {"whose": window.query("batch_no")}
    if shown["whose"]:
        return await _checked(window, shown)
    return window.show("pre_flight.html", **shown)


def _years() -> list[str]:
    """Whose publicised cases may be without a batch: the current fund year's, and the one's before."""
    year = china_today().year
    return [str(year), str(year - 1)]


async def _checked(window: Window, shown: dict[str, Any]) -> Response:
    whose = shown["whose"]
    batch = None if is_year(whose) else await window.ask.get(f"/batches/{whose}")
    act = PreFlightAct.INITIALISATION if batch is None else _act(window.query("act"), batch)
    told = await window.ask.get("/pre-flight", act=act.value, **named(whose))
    judged, why = await _of_the_act(window, whose, batch, act)
    shown |= {"batch": batch, "act": act, "acts": PreFlightAct, "told": told, "judged": judged, "why": why}
    return window.show("pre_flight.html", **shown, place=PLACES[act].format(whose))


def is_year(whose: str) -> bool:
    return len(whose) == 4


def named(whose: str) -> dict[str, str]:
    return {"fund_year" if is_year(whose) else "batch_no": whose}


def _act(named: str, batch: dict[str, Any]) -> PreFlightAct:
    """What comes next for the batch, unless another was chosen."""
    if named in set(PreFlightAct):
        return PreFlightAct(named)
    if batch["stage"] == "verified" or _is_gone(batch):
        return PreFlightAct.START
    publicised = any(each["stage"] == "publicised" for each in batch["stages"])
    return PreFlightAct.INITIALISATION if publicised else PreFlightAct.VERIFICATION


def _is_gone(batch: dict[str, Any]) -> bool:
    """In a flow: of such a batch it is only told how right was what had been foreseen."""
    return batch["stage"] in ("in_flow", "done")


async def _of_the_act(window: Window, whose: str, batch: dict[str, Any] | None, act: PreFlightAct) -> tuple[Any, Any]:
    """The act's own judgement, and why it would be refused; by its preview, or by the start's readiness."""
    if batch is not None and _is_gone(batch):
        return None, None
    try:
        if batch is not None and act is PreFlightAct.START:
            return await window.ask.get("/flow-readiness", batch_no=whose, of_year=True), None
        if act is PreFlightAct.VERIFICATION:
            return await window.ask.get(f"/batches/{whose}/verifications/preview"), None
        return await window.ask.get("/beneficiary-lists/preview", **named(whose)), None
    except Refused as refused:
        if refused.status not in (409, 503):
            raise
        return None, refused.document

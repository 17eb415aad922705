"""预检: before initialisation, verification and start, what is known without asking the platform.

It is of a batch, or of all that is publicised in a fund year: what is told in an address is either's number.
"""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import applications
from api.pages.asking import Refused
from api.pages.batches import LEAVE
from api.pages.columns import APPLICATION, BANK, ID_NUMBER, ITEM, NAME, TOWN, VILLAGE
from api.pages.lists import Column, ListPage, export, show_list
from api.pages.previews import NOT_FOUND, ActOnSeveral, act_named, acts_of, carry_out, preview
from api.pages.window import Staff, Window
from models.words.calendar import china_today
from models.words.flow_words import Foreseen, PreFlightAct
from models.words.stages import Role

PATH = "/console/pre-flight"
router = APIRouter(prefix=PATH, include_in_schema=False)
# Where each is sent from, and what goes on with what stays behind.
PLACES = {
    PreFlightAct.INITIALISATION: "/console/beneficiaries",
    PreFlightAct.VERIFICATION: "/console/verifications/{}",
    PreFlightAct.START: "/console/flows/start?batch_no={}",
}
_FIXING = (*[act for act in applications.ACTS if act.name in ("return", "withdraw")], LEAVE)
LINES = ListPage(
    chinese="预检明细",
    english="Lines of the pre-flight",
    path=f"{PATH}/{{}}/{{}}/{{}}",
    api="/pre-flight/lines",
    key="application_no",
    template="pre_flight_lines.html",
    columns=(
        APPLICATION,
        NAME,
        ID_NUMBER,
        TOWN,
        VILLAGE,
        BANK,
        ITEM,
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
        Column("依据", "Known by", "because", kind="said"),
    ),
)


@router.get("")
async def pre_flight(window: Staff) -> Response:
    batches = (await window.ask.get("/batches", limit=100))["items"]
    shown: dict[str, Any] = {"batches": [each for each in batches if each["stage"] not in ("in_flow", "done")]}
    shown |= {"years": _years(), "batch": None, "path": PATH, "whose": window.query("batch_no")}
    if shown["whose"]:
        return await _checked(window, shown)
    return window.show("pre_flight.html", **shown)


def _years() -> list[str]:
    """Whose publicised cases may be without a batch: the current fund year's, and the one's before."""
    year = china_today().year
    return [str(year), str(year - 1)]


async def _checked(window: Window, shown: dict[str, Any]) -> Response:
    whose = shown["whose"]
    batch = None if _is_year(whose) else await window.ask.get(f"/batches/{whose}")
    act = PreFlightAct.INITIALISATION if batch is None else _act(window.query("act"), batch)
    told = await window.ask.get("/pre-flight", act=act.value, **_named(whose))
    judged, why = await _of_the_act(window, whose, batch, act)
    shown |= {"batch": batch, "act": act, "acts": PreFlightAct, "told": told, "judged": judged, "why": why}
    return window.show("pre_flight.html", **shown, place=PLACES[act].format(whose))


def _is_year(whose: str) -> bool:
    return len(whose) == 4


def _named(whose: str) -> dict[str, str]:
    return {"fund_year" if _is_year(whose) else "batch_no": whose}


def _act(named: str, batch: dict[str, Any]) -> PreFlightAct:
    """What comes next for the batch, unless another was chosen."""
    if named in set(PreFlightAct):
        return PreFlightAct(named)
    if batch["stage"] == "verified":
        return PreFlightAct.START
    publicised = any(each["stage"] == "publicised" for each in batch["stages"])
    return PreFlightAct.INITIALISATION if publicised else PreFlightAct.VERIFICATION


async def _of_the_act(window: Window, whose: str, batch: dict[str, Any] | None, act: PreFlightAct) -> tuple[Any, Any]:
    """The act's own judgement, and why it would be refused; by its preview, or by the start's readiness."""
    try:
        if batch is not None and act is PreFlightAct.START:
            return await _readiness(window, whose, batch["fund_year"]), None
        if window.signed.role is not Role.OPERATOR:
            return None, None
        if act is PreFlightAct.VERIFICATION:
            return await window.ask.search(f"/batches/{whose}/verifications", {"preview": True}), None
        chosen = {"selection": {"filter": {**_named(whose), "stage": "publicised"}}, "preview": True}
        return await window.ask.search("/beneficiary-lists", chosen), None
    except Refused as refused:
        if refused.status != 409:
            raise
        return None, refused.document


async def _readiness(window: Window, number: str, year: int) -> Any:
    """With all that the year has approved, in the order of its numbers."""
    asked = {"stage": "approved", "fund_year": year, "limit": 100}
    policies = [each["policy_no"] for each in (await window.ask.get("/policies", **asked))["items"]]
    indicators = [each["indicator_no"] for each in (await window.ask.get("/indicators", **asked))["items"]]
    return await window.ask.get(
        "/flow-readiness", batch_no=number, policy_nos=policies, indicator_nos=sorted(indicators)
    )


@router.get("/{whose}/{act}/{kind}")
async def list_lines(window: Staff, whose: str, act: str, kind: str) -> Response:
    batch = None if _is_year(whose) else await window.ask.get(f"/batches/{whose}")
    page = _lines(whose, act, kind)
    leaves = batch is not None and batch["stage"] == "open"
    fixing = [each for each in acts_of(window, _FIXING) if each is not LEAVE or leaves]
    words = {"act": PreFlightAct(act), "foreseen": Foreseen(kind), "whose": whose}
    return await show_list(window, page, acts=fixing, back=_back(whose, act), **words)


@router.get("/{whose}/{act}/{kind}/export")
async def export_lines(window: Staff, whose: str, act: str, kind: str) -> Response:
    return export(window, _lines(whose, act, kind))


@router.post("/{whose}/{act}/{kind}/acts")
async def preview_fix(window: Staff, whose: str, act: str, kind: str) -> Response:
    """All of the kind are told by their numbers, and stay those until it is done."""
    chosen, page = act_named(window, _FIXING, window.form.text("act")), _lines(whose, act, kind)
    if window.form.ticked("everything"):
        found = await window.ask.get("/pre-flight/numbers", **page.always)
        window.fill({"numbers": " ".join(found["application_nos"])})
    return await preview(window, page, chosen, api=_api(chosen, whose))


@router.post("/{whose}/{act}/{kind}/acts/{name}")
async def do_fix(window: Staff, whose: str, act: str, kind: str, name: str) -> Response:
    chosen, page = act_named(window, _FIXING, name), _lines(whose, act, kind)
    return await carry_out(window, page, chosen, api=_api(chosen, whose), place=_back(whose, act))


def _api(act: ActOnSeveral, whose: str) -> str:
    return f"/batches/{whose}/{act.api}" if act is LEAVE else act.api


def _back(whose: str, act: str) -> str:
    return f"{PATH}?batch_no={whose}&act={act}"


def _lines(whose: str, act: str, kind: str) -> ListPage:
    if act not in set(PreFlightAct) or kind not in set(Foreseen):
        raise Refused(404, NOT_FOUND)
    return replace(LINES, path=LINES.path.format(whose, act, kind), always={**_named(whose), "act": act, "kind": kind})

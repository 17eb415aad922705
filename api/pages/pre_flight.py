"""预检: before initialisation, verification and start, what is known of a batch without asking the platform."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import applications
from api.pages.asking import Refused
from api.pages.batches import LEAVE
from api.pages.lists import Column, ListPage, export, show_list
from api.pages.previews import NOT_FOUND, ActOnSeveral, act_named, acts_of, carry_out, preview
from api.pages.window import Staff, Window
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
    api="/batches/{}/pre-flight/lines",
    key="application_no",
    template="pre_flight_lines.html",
    columns=(
        Column("申请编号", "Application", "application_no", link="/console/applications/{application_no}"),
        Column("姓名", "Name", "name"),
        Column("证件号", "Id number", "id_number"),
        Column("乡镇", "Town", "town"),
        Column("村", "Village", "village"),
        Column("开户行", "Bank", "bank"),
        Column("补贴项目", "Item", "item"),
        Column("金额（元）", "Amount (yuan)", "amount_fen", kind="money"),
    ),
)


@router.get("")
async def pre_flight(window: Staff) -> Response:
    batches = (await window.ask.get("/batches", limit=100))["items"]
    shown: dict[str, Any] = {"batches": [each for each in batches if each["stage"] not in ("in_flow", "done")]}
    batch_no = window.query("batch_no")
    if not batch_no:
        return window.show("pre_flight.html", **shown, batch=None, path=PATH)
    return await _checked(window, shown, batch_no)


async def _checked(window: Window, shown: dict[str, Any], batch_no: str) -> Response:
    batch = await window.ask.get(f"/batches/{batch_no}")
    act = _act(window.query("act"), batch)
    told = await window.ask.get(f"/batches/{batch_no}/pre-flight", act=act.value)
    judged, why = await _of_the_act(window, batch, act)
    shown |= {"batch": batch, "act": act, "acts": PreFlightAct, "told": told, "judged": judged, "why": why}
    return window.show("pre_flight.html", **shown, place=PLACES[act].format(batch_no), path=PATH)


def _act(named: str, batch: dict[str, Any]) -> PreFlightAct:
    """What comes next for the batch, unless another was chosen."""
    if named in set(PreFlightAct):
        return PreFlightAct(named)
    if batch["stage"] == "verified":
        return PreFlightAct.START
    publicised = any(each["stage"] == "publicised" for each in batch["stages"])
    return PreFlightAct.INITIALISATION if publicised else PreFlightAct.VERIFICATION


async def _of_the_act(window: Window, batch: dict[str, Any], act: PreFlightAct) -> tuple[Any, Any]:
    """The act's own judgement, and why it would be refused; by its preview, or by the start's readiness."""
    number = batch["batch_no"]
    try:
        if act is PreFlightAct.START:
            return await _readiness(window, number, batch["fund_year"]), None
        if window.signed.role is not Role.OPERATOR:
            return None, None
        if act is PreFlightAct.VERIFICATION:
            return await window.ask.search(f"/batches/{number}/verifications", {"preview": True}), None
        chosen = {"selection": {"filter": {"batch_no": number, "stage": "publicised"}}, "preview": True}
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


@router.get("/{batch_no}/{act}/{kind}")
async def list_lines(window: Staff, batch_no: str, act: str, kind: str) -> Response:
    batch = await window.ask.get(f"/batches/{batch_no}")
    page = _lines(batch_no, act, kind)
    fixing = [each for each in acts_of(window, _FIXING) if each is not LEAVE or batch["stage"] == "open"]
    words = {"act": PreFlightAct(act), "foreseen": Foreseen(kind)}
    return await show_list(window, page, acts=fixing, batch=batch, back=_back(batch_no, act), **words)


@router.get("/{batch_no}/{act}/{kind}/export")
async def export_lines(window: Staff, batch_no: str, act: str, kind: str) -> Response:
    return export(window, _lines(batch_no, act, kind))


@router.post("/{batch_no}/{act}/{kind}/acts")
async def preview_fix(window: Staff, batch_no: str, act: str, kind: str) -> Response:
    chosen = act_named(window, _FIXING, window.form.text("act"))
    return await preview(window, _lines(batch_no, act, kind), chosen, api=_api(chosen, batch_no))


@router.post("/{batch_no}/{act}/{kind}/acts/{name}")
async def do_fix(window: Staff, batch_no: str, act: str, kind: str, name: str) -> Response:
    chosen, page = act_named(window, _FIXING, name), _lines(batch_no, act, kind)
    return await carry_out(window, page, chosen, api=_api(chosen, batch_no), place=_back(batch_no, act))


def _api(act: ActOnSeveral, batch_no: str) -> str:
    return f"/batches/{batch_no}/{act.api}" if act is LEAVE else act.api


def _back(batch_no: str, act: str) -> str:
    return f"{PATH}?batch_no={batch_no}&act={act}"


def _lines(batch_no: str, act: str, kind: str) -> ListPage:
    if act not in set(PreFlightAct) or kind not in set(Foreseen):
        raise Refused(404, NOT_FOUND)
    path, api = LINES.path.format(batch_no, act, kind), LINES.api.format(batch_no)
    return replace(LINES, path=path, api=api, always={"act": act, "kind": kind})

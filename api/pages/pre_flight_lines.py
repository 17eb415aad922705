"""The lines of which one thing is foreseen, and what can be done with those that are ticked, or with all of them."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import applications
from api.pages.asking import Refused
from api.pages.batches import LEAVE
from api.pages.columns import APPLICATION, BANK, ID_NUMBER, ITEM, NAME, TOWN, VILLAGE
from api.pages.lists import Column, ListPage, export, show_list
from api.pages.pre_flight import PATH, is_year, named
from api.pages.previews import NOT_FOUND, ActOnSeveral, act_named, acts_of, carry_out, preview
from api.pages.window import Staff, Window
from models.words.flow_words import Foreseen, PreFlightAct

router = APIRouter(prefix=f"{PATH}/{{whose}}/{{act}}/{{kind}}", include_in_schema=False)
_FIXING = (*[act for act in applications.ACTS if act.name in ("return", "withdraw")], LEAVE)
LINES = ListPage(
    chinese="预检明细",
    english="Lines of the pre-flight",
    path=f"{PATH}/{{}}/{{}}/{{}}",
    api="/pre-flight/lines",
    key="application_no",
    template="pre_flight_lines.html",
    chooses="foreseen",
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
async def list_lines(window: Staff, whose: str, act: str, kind: str) -> Response:
    batch = None if is_year(whose) else await window.ask.get(f"/batches/{whose}")
    page = _lines(whose, act, kind)
    leaves = batch is not None and batch["stage"] == "open"
    fixing = [each for each in acts_of(window, _FIXING) if each is not LEAVE or leaves]
    words = {"act": PreFlightAct(act), "foreseen": Foreseen(kind), "whose": whose}
    return await show_list(window, page, acts=fixing, back=_back(whose, act), **words)


@router.get("/export")
async def export_lines(window: Staff, whose: str, act: str, kind: str) -> Response:
    return export(window, _lines(whose, act, kind))


@router.post("/acts")
async def preview_fix(window: Staff, whose: str, act: str, kind: str) -> Response:
    """Those that are ticked, or all of the kind, however many; done is what was shown, or nothing."""
    chosen, page = _fix(window, whose, window.form.text("act")), _lines(whose, act, kind)
    return await preview(window, page, chosen, api=_api(chosen, whose))


@router.post("/acts/{name}")
async def do_fix(window: Staff, whose: str, act: str, kind: str, name: str) -> Response:
    chosen, page = _fix(window, whose, name), _lines(whose, act, kind)
    return await carry_out(window, page, chosen, api=_api(chosen, whose), place=_back(whose, act))


def _fix(window: Window, whose: str, name: str) -> ActOnSeveral:
    found = act_named(window, _FIXING, name)
    return replace(found, batch_no=whose) if found is LEAVE else found


def _api(act: ActOnSeveral, whose: str) -> str:
    return f"/batches/{whose}/{act.api}" if act.batch_no else act.api


def _back(whose: str, act: str) -> str:
    return f"{PATH}?batch_no={whose}&act={act}"


def _lines(whose: str, act: str, kind: str) -> ListPage:
    if act not in set(PreFlightAct) or kind not in set(Foreseen):
        raise Refused(404, NOT_FOUND)
    return replace(LINES, path=LINES.path.format(whose, act, kind), always={**named(whose), "act": act, "kind": kind})

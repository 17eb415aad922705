"""The corrections that an order brings: of which lines, checked against them, or refused with every fault."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from api.counter.desk import Desk
from api.counter.uploads import pictures_among
from api.flows.guard import flow_id
from api.orders.order_forms import NewOrder
from api.orders.order_views import OrderWarning
from api.server.problems import Problem
from models.file_owners import FileOf
from models.forms.catalogs import Catalogs
from models.store.orders.corrections import LineFault, check_correction, lines_before, looks_of, seal_correction
from models.store.orders.rules import RULES, FlowLineSelection, Verdict, judge
from models.store.policies.file_uses import use_files
from models.tables.flows import Flow
from models.words.calendar import china_today
from models.words.faults import FaultCode
from models.words.refusals import Refusal

LISTED_FAULTS = 500


def looks_of_corrections(wanted: NewOrder) -> list[OrderWarning]:
    """Names and groups that are kept, and sent, in another form than they were typed in; unusual accounts."""
    return [
        {"pointer": f"/corrections/{place}/{told.field}", "code": told.code, "detail": told.message}
        for place, each in enumerate(wanted.corrections or ())
        for told in looks_of(each)
    ]


async def with_corrected(session: AsyncSession, flow: Flow, wanted: NewOrder, verdict: Verdict) -> Verdict:
    """The lines that the corrections name belong to the order too, whether the selection names them or not."""
    numbers = list(dict.fromkeys(each.application_no for each in wanted.corrections or ()))
    corrected = await judge(session, flow_id(flow), RULES[wanted.kind], FlowLineSelection(application_nos=numbers))
    if wanted.selection is None:
        return corrected
    is_list = wanted.selection.application_nos is not None
    chosen = {line.line_id for line in corrected.fit}
    fit = corrected.fit + [line for line in verdict.fit if line.line_id not in chosen]
    # what a filter leaves out is told, what is named by number refuses the act
    unfit = corrected.unfit + (verdict.unfit if is_list else [])
    return Verdict(fit, unfit, [*corrected.left_out, *verdict.left_out])


async def checked_corrections(
    desk: Desk, session: AsyncSession, wanted: NewOrder, verdict: Verdict, catalogs: Catalogs | None
) -> dict[str, tuple[str, int]]:
    """Sealed corrections and the amounts to be submitted, or 422 with every fault of every line."""
    if wanted.corrections is None:
        return {}
    today = china_today()
    files = {file_id for each in wanted.corrections for file_id in (each.photos or {}).values()}
    pictures = await pictures_among(desk, session, files)
    before = await lines_before(session, [line.line_id for line in verdict.fit])
    sealed: dict[str, tuple[str, int]] = {}
    faults: list[tuple[int, LineFault]] = []
    for place, correction in enumerate(wanted.corrections):
        number = correction.application_no
        if number in sealed:
            faults.append(
                (place, LineFault(number, "application_no", FaultCode.LINE_TWICE, "同一申请有两条更正，请只留一条"))
            )
            continue
        checked, found = check_correction(correction, before[number], catalogs, today, pictures)
        faults += [(place, fault) for fault in found]
        amount = checked.get("amount_fen")
        fen = amount if isinstance(amount, int) else before[number].amount_fen
        sealed[number] = (seal_correction(desk.vault, number, checked), fen)
    if faults:
        raise _faulty(faults)
    photos = [(file, each.application_no) for each in wanted.corrections for file in (each.photos or {}).values()]
    await use_files(session, FileOf.CORRECTION, photos)
    return sealed


def _faulty(faults: Sequence[tuple[int, LineFault]]) -> Problem:
    errors = [
        {
            "pointer": f"/corrections/{place}/{fault.field}",
            "application_no": fault.application_no,
            "code": fault.code,
            "detail": fault.message,
        }
        for place, fault in faults[:LISTED_FAULTS]
    ]
    detail = f"更正内容有 {len(faults)} 处错误，没有作任何改动；请按 errors 所列的位置改正后重新提交"
    return Problem(422, Refusal.CORRECTIONS_FAULTY, "更正内容有误", detail, errors)

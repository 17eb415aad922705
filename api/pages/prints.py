"""Lists for the notice boards: 补贴公示表 of a batch, 发放明细公示表 of a flow; of all villages, or of one town's."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.formats import words
from api.pages.one import choices_of
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/prints", include_in_schema=False)


@router.get("/batches/{batch_no}")
async def public_lists(window: Staff, batch_no: str) -> Response:
    await window.ask.get(f"/batches/{batch_no}")
    titled = words("打印补贴公示表", "Print the public lists")
    return await _asked(window, titled, batch_no, f"/console/batches/{batch_no}")


@router.get("/batches/{batch_no}/file")
async def public_list_file(window: Staff, batch_no: str) -> Response:
    return window.ask.file(f"/batches/{batch_no}/public-list", town_code=window.query("town_code"))


@router.get("/flows/{flow_no}")
async def payment_notices(window: Staff, flow_no: str) -> Response:
    await window.ask.get(f"/flows/{flow_no}")
    titled = words("打印发放明细公示表", "Print the lists of what was paid")
    return await _asked(window, titled, flow_no, f"/console/payments?flow_no={flow_no}")


@router.get("/flows/{flow_no}/file")
async def payment_notice_file(window: Staff, flow_no: str) -> Response:
    return window.ask.file(f"/flows/{flow_no}/payment-notice", town_code=window.query("town_code"))


async def _asked(window: Window, titled: str, number: str, back: str) -> Response:
    """Which towns; each village is a sheet of its own in any case."""
    towns = await choices_of(window, "towns")
    return window.show("prints.html", titled=titled, number=number, back=back, towns=towns)

"""审核 with the signed form beside the figures, and 确认发放, which makes money move: each on a page of its own."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.form import bad_field
from api.pages.one import stored_files
from api.pages.summaries import summary_of
from api.pages.window import Staff, Window

router = APIRouter(prefix="/console/summaries", include_in_schema=False)


@router.get("/{flow_no}/review")
async def review_page(window: Staff, flow_no: str) -> Response:
    return window.show("summary_review.html", **await summary_of(window, flow_no))


@router.post("/{flow_no}/scan")
async def upload_scan(window: Staff, flow_no: str) -> Response:
    """The signed form comes first: it is decided on beside the figures."""
    asked = _uploaded(window)
    place = f"/console/summaries/{flow_no}/review"
    return await window.act(
        asked,
        "scan_stored",
        lambda stored: f"{place}?file={stored}&as={_shown_as(window)}",
        lambda: review_page(window, flow_no),
    )


def _shown_as(window: Window) -> str:
    """A picture is shown beside the figures, a PDF is opened."""
    [file, *_] = window.form.files("form_file_id")
    return "image" if (file.content_type or "").startswith("image/") else "pdf"


async def _uploaded(window: Window) -> int:
    wanted = "请选择签字盖章后扫描的汇总审批表（PDF、PNG 或 JPEG）"
    [stored, *_] = await stored_files(window, "form_file_id", wanted)
    return stored


@router.post("/{flow_no}/review")
async def review(window: Staff, flow_no: str) -> Response:
    asked = _reviewed(window, flow_no)
    place = f"/console/summaries/{flow_no}"
    return await window.act(asked, "summary_reviewed", place, lambda: review_page(window, flow_no))


async def _reviewed(window: Window, flow_no: str) -> Any:
    """通过 is of the figures that stood on the page: the paper's code is compared, by the person and by the API."""
    form, passed = window.form, window.form.text("passed")
    if passed not in ("true", "false"):
        raise bad_field("passed", "请选择通过或不通过")
    if passed == "true" and not form.ticked("compared"):
        raise bad_field("compared", "请核对审批表上的核对码与本页所示的一致，再勾选")
    body = {
        "passed": passed == "true",
        "opinion": form.text("opinion"),
        "form_file_id": form.whole("form_file_id") if passed == "true" else None,
        "check_code": form.text("check_code") if passed == "true" else None,
    }
    return await window.ask.post(f"/flows/{flow_no}/summary/review", body)


@router.get("/{flow_no}/payment-confirmation")
async def confirmation_page(window: Staff, flow_no: str) -> Response:
    return window.show("payment_confirmation.html", **await summary_of(window, flow_no))


@router.post("/{flow_no}/payment-confirmation")
async def confirm_payment(window: Staff, flow_no: str) -> Response:
    asked = _confirmed(window, flow_no)
    place = f"/console/summaries/{flow_no}"
    return await window.act(asked, "payment_confirmed", place, lambda: confirmation_page(window, flow_no))


async def _confirmed(window: Window, flow_no: str) -> Any:
    count = window.form.whole("application_count")
    if not isinstance(count, int):
        raise bad_field("application_count", "请填写发放笔数，只用数字")
    body = {"application_count": count, "total_fen": window.form.fen("total_fen")}
    return await window.ask.post(f"/flows/{flow_no}/summary/payment-confirmation", body)

"""材料要求: which pictures 提交材料 wants of a person's paid line, per subsidy item (S1 2.8)."""

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.asking import Refused
from api.pages.formats import label
from api.pages.window import Staff
from models.words.evidence import OF_PERSON, PHOTOS
from models.words.refusals import Refusal

PATH = "/console/policies/evidence"
router = APIRouter(prefix=PATH, include_in_schema=False)
NO_ITEM = {
    "code": Refusal.NOT_FOUND,
    "title": "没有这一项",
    "detail": "平台今年的名单中没有这个补贴项目；请从列表中选择",
}


@router.get("")
async def list_requirements(window: Staff) -> Response:
    answer = await window.ask.get("/evidence-requirements", limit="500")
    return window.show("evidence_requirements.html", rows=answer["items"])


@router.get("/{item_code}")
async def requirement_page(window: Staff, item_code: str) -> Response:
    rows = (await window.ask.get("/evidence-requirements", limit="500"))["items"]
    item = next((row for row in rows if row["item_code"] == item_code), None)
    if item is None:
        raise Refused(404, NO_ITEM)
    kinds = [(kind.value, label(PHOTOS[kind]), "") for kind in OF_PERSON]
    return window.show("evidence_requirement.html", item=item, kinds=kinds)


@router.post("/{item_code}")
async def set_requirement(window: Staff, item_code: str) -> Response:
    asked = window.ask.put(f"/evidence-requirements/{item_code}", {"kinds": window.form.all("kinds")})
    return await window.act(asked, "saved", PATH, lambda: requirement_page(window, item_code))

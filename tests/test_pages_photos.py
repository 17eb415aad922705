"""Applications with their photos on pages: entered on PC and phone, refused as pictures, looked at by the reviewer."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from deploy.stack.objects import Access
from models.words.staff import Role
from tests.application_lines import organization
from tests.browser import Browser
from tests.page_ground import BANK, ITEM, TOWN, VILLAGE, at, office_with_files
from tests.rows import OPERATOR, REVIEWER, Office, citizen_id

LIST = "/console/applications"
CREDIT_CODE = str(organization(1)["id_number"])


@pytest.fixture
async def office(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[Office]:
    async with office_with_files(database_url, tmp_path, s3_settings) as opened:
        yield opened


def picture() -> tuple[str, bytes, str]:
    target = io.BytesIO()
    Image.effect_noise((1_200, 900), 60).convert("RGB").save(target, "JPEG")
    return "我的卡.jpg", target.getvalue(), "image/jpeg"


def entry(**more: object) -> dict[str, object]:
    fields = {
        "name": "王小梅",
        "id_number": citizen_id(31),
        "phone": "13312345835",
        "town_code": TOWN,
        "village_code": VILLAGE,
        "bank_code": BANK,
        "account_no": "000000000031",
        "item_code": ITEM,
        "household_registration": "agricultural",
        "family_size": "3",
        "amount_fen": "100",
    }
    return {f"form.{name}": value for name, value in fields.items()} | more


@pytest.mark.journey(5)
async def test_a_person_with_photo_goes_straight_to_review(office: Office) -> None:
    """Journey 5: entered with its picture and handed in; the reviewer sees it beside the fields."""
    browser = await at(office, OPERATOR)
    page = await browser.open(f"{LIST}/new/personal")
    done = await browser.submit(page, "录入并提交资料审核", **entry(**{"photo.bank_card": picture()}))
    assert (done.done, "资料审核中" in done.main) == ("已录入", True)
    number = done.path.split("/")[-1].split("?")[0]
    assert await office.rows("SELECT kind FROM application_photo") == [("bank_card",)]
    reviewer = await at(office, REVIEWER)
    review = await reviewer.open(f"{LIST}/{number}/review")
    [shown] = [image.get("src") for image in review.document.cssselect("fieldset.photo img")]
    small = await reviewer.get(shown)
    assert (small.headers["content-type"], len(small.content) <= 60_000) == ("image/jpeg", True)
    assert "no-store" in small.headers["cache-control"]
    # whose id it is stands in no address that was opened
    assert citizen_id(31) not in "".join([*browser.seen, *reviewer.seen, shown])


@pytest.mark.journey(6)
async def test_an_organization_on_a_phone(office: Office) -> None:
    """Journey 6: the field opens the camera; what is no picture is told, and the entry stands all the same."""
    browser = await Browser.at(office, phone=True).sign_in("app.zhou", role=Role.APPLICANT)
    step = await browser.submit(await browser.open(f"{LIST}/new"), "组织")
    pieces = (
        {"form.name": "红岩农机合作社", "form.id_number": CREDIT_CODE},
        {"form.town_code": TOWN, "form.village_code": VILLAGE, "form.phone": "13312345835"},
        {"form.bank_code": BANK, "form.account_no": "000000000077"},
    )
    for piece in pieces:
        step = await browser.submit(step, "下一步", **piece)
    cameras = step.document.cssselect("input[type=file][capture=environment]")
    assert {camera.get("name") for camera in cameras} >= {"photo.bank_card", "photo.other"}
    given = {"form.item_code": ITEM, "form.amount_fen": "2000", "photo.bank_card": picture()}
    broken = {"photo.other": ("执照.jpg", b"no picture", "image/jpeg")}
    saved = await browser.submit(step, "提交审核", **given, **broken)
    assert "其他材料没有保存" in saved.main
    assert await office.rows("SELECT stage, applicant_kind, channel FROM application") == [
        ("in_review", "organization", "mobile")
    ]

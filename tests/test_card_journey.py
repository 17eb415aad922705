"""Journey 24, whole: from the citizen's phone over the reviewer's desk to the platform, and back to the phone (S2)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.store.cards.parts import lock_request
from models.store.cards.requests import Citizen
from models.store.vault import Field
from tests.browser import Browser, Page
from tests.card_ground import FIRST, card
from tests.citizen_pages import Village, open_village
from tests.rows import REVIEWER, Line, account_no, add_flow, add_ground, set_lines

PERSON = 7
OLD, NEW = account_no(PERSON), card(500_001)


@pytest.fixture
async def village(database_url: str, tmp_path: Path) -> AsyncIterator[Village]:
    async with open_village(database_url, tmp_path) as opened:
        yield opened


async def with_payment_in_flight(village: Village, mei: Citizen) -> str:
    """Her account is in use, and a flow is paying to it."""
    ground = await add_ground(village.office, [Line(person=PERSON, amount_fen=70_500)])
    flow_no = await add_flow(village.office, ground)
    await set_lines(village.office, ground.numbers, "accepted", payment="awaiting")
    await village.cards.settle(mei, OLD, FIRST, bank="BANK-A")
    return flow_no


async def face_passed(village: Village, mei: Citizen) -> Browser:
    """She begins at the door; the platform says that it is she."""
    browser = Browser.at(village.office, phone=True)
    page = await browser.submit(await browser.open("/citizen/m"), "开始人脸识别")
    number, seal = page.path.rpartition("/")[2], village.office.vault.seal
    await village.cards.run(
        "UPDATE face_login SET stage = 'passed', ended_at = now(), person_index = :person, name_sealed = :name,"
        " id_number_sealed = :id WHERE login_no = :no",
        person=mei.person_index,
        name=seal(Field.NAME, number, mei.name),
        id=seal(Field.ID_NUMBER, number, mei.id_number),
        no=number,
    )
    # the page that waits asks by itself, and is sent on
    await browser.get(f"{page.path}?live=1&stage=waiting")
    return browser


async def asked(browser: Browser, account: str) -> Page:
    """The form of the card face, filled, looked over and sent."""
    form = await browser.open((await browser.open("/citizen/m/account")).link("变更申请"))
    given = {"account_no": account, "bank_code": "BANK-B", "reason": "停用旧卡", "authorised": True}
    return await browser.submit(await browser.submit(form, "下一步", **given), "提交")


@pytest.mark.journey(24)
async def test_from_the_phone_over_the_desk_to_a_new_face(village: Village) -> None:
    mei = village.citizen(PERSON)
    flow_no = await with_payment_in_flight(village, mei)
    phone = await face_passed(village, mei)
    failed = await asked(phone, NEW[:-1] + str((int(NEW[-1]) + 1) % 10))
    assert ("申请失败" in failed.main, "校验位" in failed.main) == (True, True)
    sent = await asked(phone, NEW)
    assert "申请已收到" in sent.done
    [[number]] = await village.cards.rows("SELECT request_no FROM card_change WHERE ended_at IS NULL")
    request = (await village.cards.act(lambda session: lock_request(session, str(number)))).request
    await village.cards.validated(request)
    waiting = await phone.open("/citizen/m/matters")
    assert all(words in waiting.main for words in ("待审核", "新账号上卡成功前，补贴仍发到现用账号"))
    assert "申请失败" in (await phone.open("/citizen/m/finished")).main, "what went wrong is kept"

    desk = await Browser.at(village.office).sign_in(REVIEWER)
    page = await desk.open((await desk.open("/console/card-changes")).link("打开 1"))
    marked = [mark.text_content() for mark in page.document.cssselect("mark")]
    assert (OLD in marked, NEW in marked) == (True, True), marked
    assert "有 1 笔 705.00 元正发往旧账号，本次变更不影响它" in page.main
    assert page.has_link(flow_no)
    decided = await desk.submit(page, "保存(S)", passed="true")
    assert "审核结果已保存" in decided.done

    await village.cards.told(request, FIRST)
    face = (await phone.open("/citizen/m/account")).document.cssselect(".face .number")[0].text_content()
    assert (NEW[-4:] in face, OLD[-4:] in face) == (True, False)
    assert "变更成功" in (await phone.open("/citizen/m/finished")).main
    # what neither address nor title may say
    for secret in (mei.id_number, OLD, NEW):
        assert not [path for path in [*phone.seen, *desk.seen] if secret in path]

"""A code of the second factor on pages that move money: asked for when the last is old, what was typed is kept."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from models.store.people.codes import fresh_totp, seal_totp
from models.store.people.persons import find_person
from tests.browser import Browser
from tests.decision_pages import confirmation_ground
from tests.rows import (
    COUNTY,
    REVIEWER,
    Line,
    Office,
    add_flow,
    add_ground,
    count_of,
    open_office,
    set_lines,
)
from tests.sign_ins import Phone


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def withdrawal_ground(office: Office) -> str:
    ground = await add_ground(office, [Line(), Line()])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers, "accepted")
    chosen = {"selection": {"application_nos": ground.numbers[:1]}}
    order = await office.post("/orders", {"kind": "withdrawal", "flow_no": flow_no, "reason": "本人要求", **chosen})
    assert order.status_code == 201, order.text
    return f"/console/orders/{order.json()['order_no']}"


async def bind_phone(office: Office, who: str) -> Phone:
    """As if the person had scanned it at the first sign-in."""
    secret = fresh_totp()
    async with office.database.transaction() as session:
        person = await find_person(session, COUNTY, who)
        assert person is not None
        person.totp_sealed = seal_totp(office.vault, person, secret)
    return Phone(secret)


@pytest.mark.parametrize(
    ("ground", "button", "typed", "done"),
    [
        (
            confirmation_ground,
            "确认发放",
            {"application_count": "2", "total_fen": "1,236.56"},
            "trail_entry WHERE act = 'payments.confirmed'",
        ),
        (withdrawal_ground, "复核通过", {"remark": "已与本人核对"}, "trail_entry WHERE act = 'orders.confirmed'"),
    ],
    ids=["确认发放", "复核撤回"],
)
async def test_an_old_code_is_asked_for_again_and_nothing_typed_is_lost(
    office: Office,
    ground: Callable[[Office], Awaitable[str]],
    button: str,
    typed: Mapping[str, str],
    done: str,
) -> None:
    address = await ground(office)
    browser = await Browser.at(office).sign_in(REVIEWER)
    phone = await bind_phone(office, REVIEWER)
    fresh = await browser.open(address)
    assert fresh.form(button).fields.get("step_code") is None, "a recent code is enough"
    await office.run("UPDATE staff_session SET code_at = now() - interval '301 seconds' WHERE ended_at IS NULL")

    page = await browser.submit(fresh, button, **typed)
    assert (page.status, page.code, await count_of(office, done)) == (403, "CODE_NEEDED", 0)
    assert "五分钟内有效" in page.problem
    assert {name: page.form(button).fields[name] for name in typed} == typed

    page = await browser.submit(page, button, step_code="000000")
    assert (page.status, await count_of(office, done)) == (422, 0)
    assert "验证码不对或已用过" in page.problem
    assert {name: page.form(button).fields[name] for name in typed} == typed

    form, code = page.form(button), {"step_code": phone.code()}
    answers = [await browser.post(page, form, button, code) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303], "a doubled click brings the code twice"
    assert await count_of(office, done) == 1
    assert (await browser.open(answers[0].headers["location"])).done
    kinds = "trail_entry WHERE act IN ('person.code_taken', 'person.code_refused')"
    assert await count_of(office, kinds) == 2


async def test_who_has_no_authenticator_is_told_what_to_do(office: Office) -> None:
    """Somebody of the local stack, whose code was never typed."""
    address = await withdrawal_ground(office)
    browser = await Browser.at(office).sign_in(REVIEWER)
    await office.run("UPDATE staff_session SET code_at = NULL")
    page = await browser.submit(await browser.open(address), "复核通过")
    assert page.code == "CODE_NEEDED"
    page = await browser.submit(page, "复核通过", step_code="123456")
    assert (page.status, page.code) == (409, "PERSON_STATE_UNFIT")
    assert "还没有绑定验证器" in page.problem

"""Every route masks for everybody; whole data are asked for, once, and who was given them stands in a table."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from tests.card_ground import Cards
from tests.card_ground import person as citizen_of
from tests.rows import (
    ADMIN,
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    REVIEWER,
    Line,
    Office,
    account_no,
    add_flow,
    add_ground,
    citizen_id,
    open_office,
    set_lines,
)

PERSON = 7
NAME, OLD, NEW = "王小梅", account_no(PERSON), account_no(8)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def everything_about_one(office: Office) -> dict[str, str]:
    """Thing → address, of one person's application, payment, account and card change in the county."""
    ground = await add_ground(office, [Line(person=PERSON)])
    flow_no = await add_flow(office, ground)
    (number,) = ground.numbers
    await set_lines(office, [number], "accepted", payment="awaiting")
    cards = Cards(office.database, office.vault)
    citizen = citizen_of(office.vault, PERSON)
    await cards.settle(citizen, OLD, COUNTY)
    request = await cards.in_review(citizen, NEW, COUNTY)
    ((account,),) = await office.rows("SELECT id FROM register_account")
    return {
        "application": f"/applications/{number}",
        "payment": f"/flows/{flow_no}/payments/{number}",
        "register_account": f"/register/{account}",
        "card_change": f"/card-changes/{request.request_no}.{COUNTY}",
    }


async def noted(office: Office, **query: str) -> list[tuple[str, str, str, str]]:
    items = (await office.get("/disclosures", REVIEWER, **query)).json()["items"]
    return [(item["actor"], item["purpose"], item["thing"], item["number"]) for item in reversed(items)]


async def test_nobody_reads_anything_whole_unless_asked_for_and_then_it_is_noted(office: Office) -> None:
    paths = await everything_about_one(office)
    secrets = (citizen_id(PERSON), OLD, NEW)
    for thing, path in paths.items():
        for who in (OPERATOR, REVIEWER, ADMIN):
            seen = await office.get(path, who)
            assert seen.status_code == 200, path
            assert not [secret for secret in secrets if secret in seen.text], (thing, who)
    assert await noted(office) == []
    expected = []
    for thing, path in paths.items():
        for who, purpose in ((OPERATOR, "edit"), (REVIEWER, "review"), (REVIEWER, "look")):
            whole = await office.post(f"{path}/disclosures", {"purpose": purpose}, who)
            assert citizen_id(PERSON) in whole.text, path
            number = path.rpartition("/")[2]
            expected.append((who, purpose, thing, number))
        for who, county, status in ((ADMIN, COUNTY, 403), (OPS, COUNTY, 403), (OPERATOR, OTHER_COUNTY, 404)):
            assert (await office.post(f"{path}/disclosures", {}, who, county)).status_code == status, (path, who)
    assert await noted(office) == expected
    assert await noted(office, thing="payment", purpose="look") == [expected[5]]
    # what no task asked for is an act of its own
    trail = (await office.get("/trail", REVIEWER, act="disclosed")).json()["items"]
    assert [entry["subject"] for entry in reversed(trail)] == [path.rpartition("/")[2] for path in paths.values()]


async def test_the_list_is_the_countys_own_and_says_nobodys_data(office: Office) -> None:
    paths = await everything_about_one(office)
    await office.post(f"{paths['application']}/disclosures", {}, REVIEWER)
    [entry] = (await office.get("/disclosures", ADMIN)).json()["items"]
    assert (entry["purpose_label"], entry["thing_label"], entry["role_label"]) == ("查看完整信息", "申请", "审核人")
    assert NAME not in str(entry)
    assert (await office.get("/disclosures", ADMIN, OTHER_COUNTY)).json()["items"] == []
    for who in (OPERATOR, OPS):
        assert (await office.get("/disclosures", who)).status_code == 403
    wrong = await office.post(f"{paths['application']}/disclosures", {"purpose": "export"}, REVIEWER)
    assert wrong.status_code == 422


async def test_what_was_shown_whole_is_history(office: Office) -> None:
    paths = await everything_about_one(office)
    await office.post(f"{paths['application']}/disclosures", {}, REVIEWER)
    for statement in ("UPDATE disclosure SET actor = 'nobody'", "DELETE FROM disclosure"):
        with pytest.raises(DBAPIError):
            await office.run(statement)

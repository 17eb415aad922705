"""看板 (G9): the year's sums are those of the rows; nobody is named, and other years and counties aren't in them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.words.staff import Role
from tests.rows import (
    COUNTY,
    OPERATOR,
    OPS,
    OTHER_COUNTY,
    Line,
    Office,
    add_flow,
    add_ground,
    open_office,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


async def test_the_years_figures_are_the_sums_of_its_rows(office: Office) -> None:
    lines = [
        Line(amount_fen=100 << n, bank_code="BANK-B" if n % 2 else "BANK-A", town_code=f"50000110{n % 2}")
        for n in range(6)
    ]
    ground = await add_ground(office, lines, money=[10_000])
    await add_flow(office, ground, "paying")
    nos = ground.numbers
    await set_lines(office, nos[:3], "accepted", payment="paid", money="paid", payment_at="2026-05-06T16:30:00+00:00")
    await set_lines(office, nos[3:5], "accepted", payment="failed", payment_reason_code="account_closed")
    await set_lines(office, nos[5:], "rejected")
    await office.run(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code,"
        " status, source, updated_at) VALUES (:county, 'a', 'x', 'x', 'x', 'BANK-A', 'invalid', 'x', now()),"
        " (:county, 'b', 'x', 'x', 'x', NULL, 'cleared', 'x', now()), (:county, 'c', 'x', 'x', 'x', 'BANK-A', 'valid',"
        " 'x', now())",
        county=COUNTY,
    )
    told = (await office.get("/figures", fund_year="2026")).json()
    shares = {
        name: [(each["label"], each["count"], each["fen"]) for each in told[name]] for name in told if "_by_" in name
    }
    assert shares == {
        "paid_by_town": [("红岩镇", 2, 500), ("青山乡", 1, 200)],
        "paid_by_bank": [("农商银行", 2, 500), ("邮储银行", 1, 200)],
        "failed_by_reason": [("账户已销户", 2, 2400)],
        "failed_by_bank": [("农商银行", 1, 1600), ("邮储银行", 1, 800)],
    }
    assert {each["code"]: each["fen"] for each in told["payments"]} == {"paid": 700, "failed": 2400}
    assert told["money"] == {"total_fen": 10_000, "paid_fen": 700, "reserved_fen": 5600, "left_fen": 3700}
    # half past midnight in China
    assert told["paid_days"] == [{"day": "2026-05-07", "count": 3, "fen": 700}]
    assert [(each["bank"], each["invalid"], each["cleared"]) for each in told["unusable_accounts"]] == [
        ("", 0, 1),
        ("农商银行", 1, 0),
    ]
    assert sum(each["count"] for each in told["applications"]) == 6
    assert told["card_change_median_days"] is None
    other = (await office.get("/figures", OPERATOR, OTHER_COUNTY)).json()
    assert other["applications"] == other["payments"] == other["unusable_accounts"] == []
    assert (await office.get("/figures", fund_year="2025")).json()["payments"] == []
    assert (await office.get("/figures", OPS)).status_code == 403
    headers = office.headers("aud.wu", COUNTY, None, Role.AUDITOR)
    assert (await office.http.get("/figures", headers=headers)).status_code == 200

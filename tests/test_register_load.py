"""初始导入 on real Temporal: a file over the bank and a reviewer into the register, again later for what changed."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import pytest

from deploy.demo.people import County, Json, Refused
from models.store.vault import Field, name_index
from models.words.calendar import china_today
from models.words.stages import AccountStatus
from tests.citizens import Someone, account_held, account_is, bank_knows, browser_of, index_of
from tests.province import Province
from tests.register_files import Row, accounts_file
from tests.test_entries import lists_known

pytest_plugins = ["tests.province_fixtures"]
# The banks remember everybody: each test has its own people.
_places = count(60_000, 100)


@pytest.fixture
def first() -> int:
    return next(_places)


def people(first: int, number: int) -> list[Someone]:
    return [Someone(first + place) for place in range(number)]


def row(person: Someone, account_no: str | None = None, kind: str | None = None) -> Row:
    return (person.name, person.id_number, "中国工商银行", account_no or person.new_card, kind)


def office(province: Province) -> County:
    county = province.county()
    lists_known(province, county.code)
    return county


def hand_in(county: County, rows: Sequence[Row], as_of: str | None = None, **more: str) -> str:
    fields = {"as_of": as_of or china_today().isoformat(), **more}
    return str(county.operator.upload("/register-loads", "账号.xlsx", accounts_file(rows), **fields)["load_no"])


def seen(province: Province, county: County, load_no: str, *stages: str, seconds: float = 40) -> Json:
    return province.wait(
        f"load at {stages}",
        lambda: county.reviewer.get(f"/register-loads/{load_no}"),
        lambda shown: shown["stage"] in stages and shown["run"]["stage"] == shown["stage"],
        seconds,
    )


def outcomes(county: County, load_no: str) -> dict[int, tuple[str, str | None]]:
    rows = county.reviewer.pages(f"/register-loads/{load_no}/rows")
    return {each["row"]: (each["outcome"], each["why"]) for each in rows}


def held(province: Province, county: County, person: Someone) -> tuple[str, ...]:
    items: list[Json] = county.reviewer.post("/register/search", {"id_number": person.id_number})["items"]
    if not items:
        return ()
    whole = county.reviewer.whole(f"/register/{items[0]['account_id']}")
    return whole["account_no"], whole["status"], whole["source"]


def changes(province: Province, person: Someone) -> list[tuple[str, str, str | None, str]]:
    statement = (
        "SELECT c.source, c.actor, c.old_status, c.new_status FROM register_change c JOIN register_account r"
        " ON r.id = c.register_account_id WHERE r.person_index = :person ORDER BY c.id"
    )
    return [tuple(row) for row in province.rows(statement, person=index_of(province, person))]


def test_a_register_is_loaded_and_its_citizens_have_their_accounts(province: Province, first: int) -> None:
    county = office(province)
    good, frozen, unknown = people(first, 3)
    bank_knows(province, good.new_card, good)
    bank_knows(province, frozen.new_card, frozen, "frozen")
    load_no = hand_in(county, [row(good, kind="银行卡"), row(frozen), row(unknown)])
    shown = seen(province, county, load_no, "entered")
    assert (shown["new"], shown["refused"], shown["changed"], shown["rows_asked"]) == (1, 2, 0, 3)
    assert (shown["run"]["waiting_for"], shown["why_no_decision"]) == ("银行核验完毕，等待审核人复核", None)
    assert shown["run"]["next"]["excepted"] == [f"operator-{county.code}"]
    assert outcomes(county, load_no) == {
        2: ("new", None),
        3: ("refused", "账户已冻结"),
        4: ("refused", "账号不存在"),
    }
    assert held(province, county, good) == ()
    assert county.reviewer.post(f"/register-loads/{load_no}/confirmation", {})["stage"] == "taking"
    done = seen(province, county, load_no, "loaded")
    assert (done["new"], done["run"]["stage_label"]) == (1, "已登记")
    assert held(province, county, good) == (good.new_card, "valid", "初始导入")
    assert held(province, county, frozen) == held(province, county, unknown) == ()
    assert changes(province, good) == [("初始导入", f"reviewer-{county.code}", None, "valid")]
    with browser_of(province, good) as browser:
        [face] = browser.get("/citizen/account")["cards"]
    assert face["account_no"] == good.new_card
    assert province.rows("SELECT count(*) FROM notice WHERE person_index = :p", p=index_of(province, good)) == [(0,)]


def test_again_later_the_differences_are_shown_before_anything_is_taken(province: Province, first: int) -> None:
    county = office(province)
    same, moved, invalid, cleared, newer, locked, fresh = people(first, 7)
    for person in (same, moved, invalid, cleared, newer, locked, fresh):
        bank_knows(province, person.old_card, person)
        bank_knows(province, person.new_card, person)
    day = china_today() - timedelta(days=3)
    for person in (same, moved, invalid, cleared, locked):
        held_for_long(province, county, person)
    account_is(province, invalid, county.code, AccountStatus.INVALID)
    account_is(province, cleared, county.code, AccountStatus.CLEARED)
    account_held(province, newer, county.code, bank="ICBC")
    with browser_of(province, locked) as browser:
        browser.post("/citizen/card-changes", form_of(county, locked))
        rows = [
            *(row(same, same.old_card), row(moved), row(invalid, invalid.old_card), row(cleared)),
            *(row(newer), row(locked), row(fresh)),
        ]
        load_no = hand_in(county, rows, day.isoformat())
        shown = seen(province, county, load_no, "entered")
    assert (shown["new"], shown["same"], shown["changed"], shown["left_out"]) == (1, 1, 3, 2)
    told = outcomes(county, load_no)
    assert [told[number][0] for number in range(2, 9)] == [
        *("same", "changed", "changed", "changed", "left_out", "left_out", "new")
    ]
    assert "另有变动" in str(told[6][1])
    assert "尚未办结" in str(told[7][1])
    county.reviewer.post(f"/register-loads/{load_no}/confirmation", {"remark": "与平台一致"})
    done = seen(province, county, load_no, "loaded")
    assert (done["changed"], done["left_out"], done["remark"]) == (3, 2, "与平台一致")
    assert held(province, county, moved) == (moved.new_card, "valid", "初始导入")
    assert held(province, county, invalid) == (invalid.old_card, "valid", "初始导入")
    assert held(province, county, cleared) == (cleared.new_card, "valid", "初始导入")
    assert held(province, county, same) == (same.old_card, "valid", "申请录入")
    assert held(province, county, newer) == (newer.old_card, "valid", "申请录入")
    assert held(province, county, locked)[0] == locked.old_card
    with pytest.raises(Refused) as said:
        hand_in(county, [row(fresh)], (day - timedelta(days=1)).isoformat())
    assert said.value.problem["code"] == "LOAD_OUTDATED"


def held_for_long(province: Province, county: County, person: Someone) -> None:
    """In the register since before anybody kept a history."""
    person_index = index_of(province, person)
    place, vault = f"{county.code}/{person_index}", province.vault
    province.change(
        "INSERT INTO register_account (county_code, person_index, name_sealed, name_index, id_number_sealed, bank_code,"
        " account_sealed, account_index, card_type, status, source, updated_at) VALUES (:county, :person, :name,"
        " :names, :id, 'ICBC', :account, :accounts, 'bank_card', 'valid', '申请录入', now() - interval '30 days')",
        county=county.code,
        person=person_index,
        name=vault.seal(Field.NAME, place, person.name),
        names=name_index(vault, person.name),
        id=vault.seal(Field.ID_NUMBER, place, person.id_number),
        account=vault.seal(Field.ACCOUNT, place, person.old_card),
        accounts=vault.index(Field.ACCOUNT, person.old_card),
    )


def form_of(county: County, person: Someone) -> Json:
    return {
        "counties": [county.code],
        "card_type": "bank_card",
        "account_no": person.new_card,
        "bank_code": "ICBC",
        "reason": "换卡",
        "authorised": True,
    }

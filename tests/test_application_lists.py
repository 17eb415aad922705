"""Lists of applications as a desk works with them: filters, order, figures, catalogs with what belongs together."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.store.clock import today_in_china
from models.words.staff import Role
from models.words.stages import ApplicationStage
from tests.rows import (
    COUNTY,
    OPERATOR,
    OTHER_COUNTY,
    REVIEWER,
    SECOND,
    Line,
    Office,
    add_applications,
    add_catalogs,
    add_flow,
    add_ground,
    citizen_id,
    open_office,
    set_lines,
)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        async with opened.database.transaction() as session:
            await add_catalogs(session)
        yield opened


async def put(office: Office, *lines: Line, county: str = COUNTY) -> list[str]:
    async with office.database.transaction() as session:
        return await add_applications(session, office.vault, lines, None, county)


async def numbers(office: Office, who: str = OPERATOR, **query: str) -> list[str]:
    answer = await office.get("/applications", who, **query)
    assert answer.status_code == 200, answer.text
    return [item["application_no"] for item in answer.json()["items"]]


async def paged(office: Office, who: str, **query: str) -> list[str]:
    """Page by page until there is no next one."""
    seen: list[str] = []
    while True:
        page = (await office.get("/applications", who, **query)).json()
        seen += [item["application_no"] for item in page["items"]]
        if page["next"] is None:
            return seen
        query["after"] = page["next"]


async def counted(office: Office, who: str, what: str, **query: str) -> tuple[int, int]:
    told = (await office.get(f"/applications/{what}", who, **query)).json()
    return told["count"], told["fen"]


async def change(office: Office, number: str, columns: str) -> None:
    assert await office.run(f"UPDATE application SET {columns} WHERE application_no = :no", no=number) == 1


async def test_each_condition_finds_its_own(office: Office) -> None:
    first, second, third, done = await put(
        office,
        Line(stage="draft"),
        Line(stage="draft"),
        Line(stage="unmatched", match_outcome="not_found"),
        Line(stage="paid"),
    )
    await change(office, first, "village_code = 'V-02', returned_reason_sealed = 'sealed'")
    await change(office, second, "updated_at = updated_at - interval '40 days'")
    assert await numbers(office, village_code="V-02") == [first]
    assert await numbers(office, returned="true") == [first]
    assert await numbers(office, returned="false") == [second, third, done]
    assert await numbers(office, entered_by="me") == [first, second, third, done]
    assert await numbers(office, REVIEWER, entered_by="me") == []
    assert await numbers(office, open="true") == [first, second, third]
    assert await numbers(office, open="false") == [done]
    assert await numbers(office, application_no=third) == [third]
    assert await numbers(office, stage="unmatched", match_outcome="not_found") == [third]
    async with office.database.reading() as session:
        today = await today_in_china(session)
    old = (today - timedelta(days=30)).isoformat()
    assert await numbers(office, updated_until=old) == [second]
    assert await numbers(office, updated_since=old, updated_until=today.isoformat()) == [first, third, done]
    assert (await office.get("/applications", entered_by="op.other")).status_code == 422


async def test_newest_first_pages_without_a_gap(office: Office) -> None:
    lines = await put(office, *[Line(stage="matched")] * 7)
    assert await paged(office, OPERATOR, order="newest", limit="3") == lines[::-1]
    search = {"id_number": citizen_id(8_001), "filter": {"open": True}}
    same = await put(office, Line(stage="draft", person=8_001), Line(stage="draft", person=8_001))
    found = await office.post("/applications/search?order=newest", search)
    assert [item["application_no"] for item in found.json()["items"]] == same[::-1]


async def test_to_do_is_what_the_role_goes_on_with(office: Office) -> None:
    stages = ("draft", "in_review", "in_review", "publicised", "publicised", "matched", "paid")
    draft, mine, approved, publicised, listed, matched, *_ = await put(office, *[Line(stage=stage) for stage in stages])
    await change(office, approved, f"reviewed_by = '{SECOND}'")
    await change(office, listed, "list_id = 7")
    await change(office, mine, f"edited_by = ARRAY['{REVIEWER}']")
    assert await numbers(office, to_do="true") == [draft, approved, publicised, matched]
    # nobody reviews what the own hand has made
    assert await numbers(office, REVIEWER, to_do="true") == []
    assert await numbers(office, SECOND, to_do="true") == [mine]
    # an act by the same filter is about the same lines
    told = await office.post(
        "/application-approvals", {"preview": True, "selection": {"filter": {"to_do": True}}}, SECOND
    )
    assert (told.json()["count"], told.json()["left_out"]) == (1, [])


async def test_what_is_found_by_stage_is_what_the_filter_means(office: Office) -> None:
    """A page is found stage by stage, unless a town is asked for too."""
    stages = [
        stage.value for stage in ApplicationStage if stage not in (ApplicationStage.IN_BATCH, ApplicationStage.IN_FLOW)
    ]
    await put(office, *[Line(stage=stage) for stage in (*stages, *stages, *stages[::-1])])
    every = "UPDATE application SET {} WHERE id % 3 = 0 AND stage IN ('draft', 'in_review', 'publicised', 'paid')"
    await office.run(every.format(f"returned_reason_sealed = 'x', list_id = 7, reviewed_by = '{SECOND}'"))
    told = ({"stage": stage} for stage in stages)
    for query in (*told, {"to_do": "true"}, {"open": "true"}, {"open": "true", "stage": "paid"}, {"returned": "true"}):
        for who in (OPERATOR, REVIEWER):
            plain = await numbers(office, who, town_code="500001100", **query)
            assert await paged(office, who, limit="2", **query) == plain, query
            assert await paged(office, who, limit="2", order="newest", **query) == plain[::-1], query
    alone = ({}, {"to_do": "true"}, {"to_do": "false"}, {"open": "true"}, {"stage": "draft", "entered_by": "me"})
    beside = ({"approved": "true"}, {"match_outcome": "matched", "open": "true"}, {"fund_year": "2026"})
    for query in (*alone, *beside):
        for who in (OPERATOR, REVIEWER, SECOND):
            assert await counted(office, who, "total", **query) == await counted(office, who, "figures", **query), query


async def test_figures_are_those_of_the_list(office: Office) -> None:
    await put(
        office, Line(100, stage="draft"), Line(250, stage="unmatched", match_outcome="not_found", bank_code="BANK-B")
    )
    await put(office, Line(1_000, stage="matched", verification="failed", town_code="500001101"))
    await put(office, Line(9_999, stage="draft"), county=OTHER_COUNTY)
    told: dict[str, Any] = (await office.get("/applications/figures")).json()
    assert (told["count"], told["fen"]) == (3, 1_350)
    assert [(each["label"], each["count"], each["fen"]) for each in told["towns"]] == [
        ("青山乡", 1, 1_000),
        ("红岩镇", 2, 350),
    ]
    assert {each["label"]: each["fen"] for each in told["banks"]} == {"农商银行": 1_100, "邮储银行": 250}
    assert {each["label"]: each["count"] for each in told["states"]} == {"草稿": 1, "匹配不成功": 1, "匹配成功": 1}
    assert {each["label"]: each["fen"] for each in told["reasons"]} == {"无此对象": 250, "校验不通过": 1_000}
    assert {each["code"] for each in told["items"]} == {"ITEM-01"}
    some = (await office.get("/applications/figures", bank_code="BANK-B")).json()
    assert (some["count"], some["fen"]) == (1, 250)
    (number,) = await put(office, Line(77, stage="draft", person=8_100))
    person = await office.post("/applications/figures/search", {"id_number": citizen_id(8_100)})
    assert (person.json()["count"], person.json()["fen"]) == (1, 77)
    none = (await office.get("/applications/figures", fund_year="2001")).json()
    assert (none["count"], none["fen"], none["towns"]) == (0, 0, [])
    stranger = await office.http.get(
        "/applications/figures", headers=office.headers("app.me", COUNTY, None, Role.APPLICANT)
    )
    assert stranger.json()["count"] == 0
    assert number


async def test_villages_of_a_town_and_names_that_are_like(office: Office) -> None:
    async def read(kind: str, **query: str) -> list[dict[str, Any]]:
        answer = await office.get(f"/catalogs/{kind}", fund_year="2026", **query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    assert await read("villages", parent="500001100") == [{"code": "V-01", "name": "前进村", "parent": "500001100"}]
    assert len(await read("villages")) == 2
    assert await read("villages", parent="none") == []
    assert [each["name"] for each in await read("banks", like="邮储")] == ["邮储银行"]
    assert [each["code"] for each in await read("banks", like="bank-a")] == ["BANK-A"]


async def test_an_application_tells_its_whole_life(office: Office) -> None:
    """Acts on many carry no number of their own: each is found in the life of every application that it was about."""
    first, second = await put(office, Line(stage="draft"), Line(stage="draft"))
    await office.run("UPDATE application SET channel = 'import'")
    both = {"selection": {"application_nos": [first, second]}}
    assert (await office.post("/application-submissions", both)).status_code == 200
    sent_back = {**both, "reason": "账号与银行卡不符"}
    assert (await office.post("/application-returns", sent_back, REVIEWER)).status_code == 200
    form = {
        "kind": "personal",
        "name": "王小梅",
        "id_number": citizen_id(8_200),
        "phone": "13312345835",
        "town_code": "500001100",
        "village_code": "V-01",
        "group": "7组",
        "bank_code": "BANK-A",
        "account_no": "000000008200",
        "household_registration": "agricultural",
        "family_size": 3,
        "item_code": "ITEM-01",
        "amount_fen": 49_500,
    }
    version = (await office.get(f"/applications/{first}")).json()["version"]
    headers = office.headers(OPERATOR, COUNTY, None)
    edited = await office.http.put(f"/applications/{first}", json={"version": version, "form": form}, headers=headers)
    assert edited.status_code == 200, edited.text
    filtered = {"selection": {"filter": {"stage": "draft"}}}
    assert (await office.post("/application-submissions", filtered)).json()["count"] == 2
    life = (await office.get(f"/applications/{first}/history")).json()
    told = [(entry["label"], entry["by"], entry["mark"], entry["said"]) for entry in life["entries"]]
    assert told == [
        ("提交资料审核", OPERATOR, "done", None),
        ("审核退回", REVIEWER, "bad", "账号与银行卡不符"),
        ("编辑申请", OPERATOR, "done", None),
        ("提交资料审核", OPERATOR, "done", None),
    ]
    assert set(life["changed_since_return"]) == {"id_number", "account_no", "group"}
    other = (await office.get(f"/applications/{second}/history")).json()
    assert [entry["label"] for entry in other["entries"]] == ["提交资料审核", "审核退回", "提交资料审核"]
    assert other["changed_since_return"] == []
    assert (await office.get(f"/applications/{first}/history", county=OTHER_COUNTY)).status_code == 404
    # a preview leaves no trace, and neither does what was left out
    assert (await office.post("/application-submissions", {**both, "preview": True})).status_code == 200
    assert await office.rows("SELECT count(*) FROM trail_line") == [(6,)]


async def test_a_life_in_flows_is_told_in_the_platforms_words(office: Office) -> None:
    ground = await add_ground(office, [Line(9_00), Line(8_00)])
    flow_no = await add_flow(office, ground)
    await set_lines(office, ground.numbers[:1], "withdrawn")
    await office.run("UPDATE flow_line SET money = 'released', updated_at = now() WHERE state = 'withdrawn'")
    life = (await office.get(f"/applications/{ground.numbers[0]}/history", REVIEWER)).json()
    assert [(entry["label"], entry["number"], entry["fen"]) for entry in life["entries"]] == [
        ("进入补贴流程", flow_no, 9_00),
        ("从流程撤回", flow_no, 9_00),
    ]


async def test_what_may_be_done_with_one_is_said_by_the_acts_own_rules(office: Office) -> None:
    draft, reviewed, flowing = await put(office, Line(stage="draft"), Line(stage="in_review"), Line(stage="matched"))

    async def acts(number: str, who: str) -> dict[str, str | None]:
        items = (await office.get(f"/applications/{number}/acts", who)).json()["items"]
        assert all(item["allowed"] == (item["why"] is None) for item in items)
        return {item["act"]: item["why"] for item in items}

    of_draft = await acts(draft, OPERATOR)
    assert of_draft["edit"] is None
    assert of_draft["submit"] == "缺银行卡照片，请先上传银行卡照片，再提交资料审核"
    assert of_draft["approve"] == "由审核人办理"
    assert of_draft["withdraw"] is None
    await office.run("UPDATE application SET edited_by = ARRAY['rev.wang'] WHERE application_no = :no", no=reviewed)
    assert (await acts(reviewed, REVIEWER))["approve"] == "由本人录入，须由另一人审核"
    assert (await acts(reviewed, SECOND))["approve"] is None
    assert (await acts(reviewed, OPERATOR))["edit"] == "申请正在资料审核，请先由审核人退回，再修改"
    assert (await acts(flowing, OPERATOR))["material"] is None
    assert (await office.get(f"/applications/{draft}/acts", county=OTHER_COUNTY)).status_code == 404

"""S1 played sentence by sentence, each named by its place in `seed_s1.py`, in counties of one province."""

from dataclasses import dataclass
from itertools import count

import pytest

from deploy.demo.drawings import PHOTO_KINDS, drawing, form_pdf, photo_archive
from deploy.demo.people import Json, Person
from deploy.demo.play import FUND_NATURE
from models.words.calendar import china_today
from tests.application_lines import card
from tests.county_office import YEAR, Line, lines
from tests.province import Province
from tests.seed_county import HOUSEHOLD, Begun, SeedOffice

pytest_plugins = ["tests.province_fixtures"]
_places = count(1)


@pytest.fixture
def office(shared_province: Province) -> SeedOffice:
    """A county of the case's own."""
    return SeedOffice(shared_province, next(_places))


@pytest.fixture(scope="module")
def desk(shared_province: Province) -> SeedOffice:
    """A county that only hands in policies and indicators, which are in nobody's way."""
    return SeedOffice(shared_province, next(_places))


@pytest.fixture(scope="module")
def begun(shared_province: Province) -> Begun:
    """A flow of three people that has been started."""
    people = [Line(1, 10_000), Line(2, 20_000, town="101"), Line(3, 30_000, town="101")]
    begun = SeedOffice(shared_province, next(_places)).begun(people)
    begun.office.at(begun.flow_no, "county_review")
    return begun


@dataclass(frozen=True)
class Paid:
    """A flow that has ended, and how its first application and its status were called on the way."""

    office: SeedOffice
    flow_no: str
    numbers: list[str]
    stages: list[str]
    statuses: list[str]


@pytest.fixture(scope="module")
def paid(shared_province: Province) -> Paid:
    """One line entered and brought to its payment, one paid beside it, one that couldn't be paid."""
    office = SeedOffice(shared_province, next(_places))
    office.ground()
    office.known([Line(1)])
    number = office.enter_as(office.operator, "pc", office.form(1))
    office.settled(number)
    stages, statuses = [stage_of(office, number)], []
    begun = office.begun([Line(2), Line(3, payment="failed:账户销户")], number)
    office.at(begun.flow_no, "county_review")
    office.pass_summary(begun.flow_no, refused_first=False)
    statuses.append(status_of(office, begun.flow_no))
    office.pay(begun.flow_no)
    office.at(begun.flow_no, "ended")
    stages.append(stage_of(office, number))
    statuses.append(status_of(office, begun.flow_no))
    return Paid(office, begun.flow_no, [number, *begun.numbers[:2]], stages, statuses)


def stage_of(office: SeedOffice, number: str) -> str:
    return str(office.operator.get(f"/applications/{number}")["stage_label"])


def status_of(office: SeedOffice, flow_no: str) -> str:
    """发放流程状态, as the summary tells it."""
    return str(office.operator.get(f"/flows/{flow_no}/summary")["status_label"])


# --- 1.1 政策


def test_s1_1_1_1_1(office: SeedOffice) -> None:
    admin = office.county.admin
    listed = admin.get("/catalogs/policy-units", fund_year=YEAR)["items"]
    admin.put("/policy-unit", {"code": listed[1]["code"]})
    chosen = office.operator.get("/policy-unit")
    assert (chosen["code"], chosen["name"]) == (listed[1]["code"], listed[1]["name"])
    assert office.refused(lambda: admin.put("/policy-unit", {"code": "nobody"})).status == 422


def test_s1_1_1_1_2(begun: Begun) -> None:
    unit = begun.office.operator.get("/policy-unit")["code"]
    assert begun.start["policy_unit_code"] == unit


def new_policy(office: SeedOffice) -> Json:
    office.choose_policy_unit()
    items = office.county.admin.get("/catalogs/subsidy-items", fund_year=YEAR)["items"]
    file_id = office.county.admin.file_id("policy.pdf", form_pdf(office.code))
    return {"fund_year": YEAR, "title": "惠农补贴政策", "item_codes": [items[0]["code"]], "file_id": file_id}


def test_s1_1_1_2_1a(desk: SeedOffice) -> None:
    new = new_policy(desk)
    with desk.clerk("policy") as clerk:
        uploaded = desk.county.admin.post("/policies", new)
        assert (uploaded["stage_label"], uploaded["fund_year"]) == ("待审核", YEAR)
        [reference] = clerk.waiting()
        assert desk.operator.get(f"/policies/{uploaded['policy_no']}")["stage_label"] == "待审核"
        clerk.decide(reference)
        assert desk.reviewed("政策", f"/policies/{uploaded['policy_no']}")["stage_label"] == "审核通过"


def test_s1_1_1_2_2a(desk: SeedOffice) -> None:
    number = desk.county.admin.post("/policies", new := new_policy(desk))["policy_no"]
    assert desk.reviewed("政策", f"/policies/{number}")["stage_label"] == "审核通过"
    again = desk.refused(lambda: desk.county.admin.post(f"/policies/{number}/uploads", {"file_id": new["file_id"]}))
    assert again.problem["code"] == "POLICY_NOT_REJECTED"


def test_s1_1_1_2_3(begun: Begun) -> None:
    named = begun.office.ground().policy_no
    known = begun.office.province.rows("SELECT submission_id FROM policy WHERE policy_no = :no", no=named)
    assert begun.start["policy_ids"] == [row[0] for row in known]


# --- 2.1, 2.2 申请

CHANNELS = pytest.mark.parametrize("channel", ["pc", "mobile"])


def whoever(office: SeedOffice, channel: str) -> Person:
    """The county's operator at a PC, an applicant on the phone."""
    return office.operator if channel == "pc" else office.applicant


def shown(person: Person, number: str, form: Json) -> Json:
    """The fields of a form as the application shows them."""
    seen = person.whole(f"/applications/{number}")
    return {name: seen[name] for name in form if name != "kind"}


def given(form: Json) -> Json:
    return {name: value for name, value in form.items() if name != "kind"}


@CHANNELS
def test_s1_2_1_1(office: SeedOffice, channel: str) -> None:
    person, form = whoever(office, channel), office.form(1)
    number = office.enter_as(person, channel, form)
    assert shown(person, number, form) == given(form)
    assert person.get(f"/applications/{number}")["channel"] == channel
    assert person.content(f"/applications/{number}/photos/bank_card")


@CHANNELS
def test_s1_2_1_2(office: SeedOffice, channel: str) -> None:
    person, form = whoever(office, channel), office.organization(1)
    number = office.enter_as(person, channel, form)
    assert shown(person, number, form) == given(form)
    assert person.content(f"/applications/{number}/photos/bank_card")
    for field in HOUSEHOLD:
        wrong = {"fund_year": YEAR, "channel": channel, "form": form | {field: office.form(1)[field]}}
        assert office.refused(lambda wrong=wrong: person.post("/applications", wrong)).status == 422


@CHANNELS
def test_s1_2_2_1(office: SeedOffice, channel: str) -> None:
    person = whoever(office, channel)
    number = office.enter_as(person, channel, office.form(1))
    changed = office.form(
        1,
        town_code=f"{office.code}101",
        village_code=f"{office.code}101002",
        group="7组",
        phone="13900005678",
        bank_code="ICBC",
        account_no=card(9_001),
        household_registration="non_agricultural",
        family_size=5,
    )
    person.put(f"/applications/{number}", {"version": 1, "form": changed})
    assert shown(person, number, changed) == given(changed)
    before = person.content(f"/applications/{number}/photos/bank_card")
    office.put_card_photo(number, person, "another")
    assert person.content(f"/applications/{number}/photos/bank_card") != before


def test_s1_2_2_2(office: SeedOffice) -> None:
    forms = [office.form(1), office.organization(2)]
    numbers = [office.enter_as(office.operator, "pc", form, with_photo=False) for form in forms]
    bare = office.refused(lambda: office.act(office.operator, "/application-submissions", *numbers))
    assert [error["code"] for error in bare.problem["errors"]] == ["BANK_CARD_PHOTO_MISSING"] * 2
    for number in numbers:
        office.put_card_photo(number, office.operator)
    office.act(office.operator, "/application-submissions", *numbers)
    for number, form in zip(numbers, forms, strict=True):
        assert office.reviewer.get(f"/applications/{number}")["stage_label"] == "资料审核中"
        assert shown(office.reviewer, number, form) == given(form)
        assert office.reviewer.content(f"/applications/{number}/photos/bank_card")


# --- 2.3 指标


LISTS = {
    "budget_unit_codes": "budget-units",
    "budget_project_codes": "budget-projects",
    "document_nos": "indicator-documents",
}


def offered(office: SeedOffice, field: str) -> list[Json]:
    """What this field chooses from."""
    items: list[Json] = office.operator.get(f"/catalogs/{LISTS[field]}", fund_year=YEAR)["items"]
    return items


def chosen(office: SeedOffice, field: str) -> str:
    """The first of a list; a document is known by its number, which is its name."""
    return str(offered(office, field)[0]["name" if field == "document_nos" else "code"])


def choose(office: SeedOffice, *fields: str) -> None:
    for field in fields:
        office.operator.put("/budget-choices", {"fund_year": YEAR, field: [chosen(office, field)]})


def indicator(office: SeedOffice, **changes: object) -> Json:
    """With the figure's amounts: the whole from one source, nothing from the others."""
    return {
        "fund_year": YEAR,
        "budget_unit_code": chosen(office, "budget_unit_codes"),
        "budget_project_code": chosen(office, "budget_project_codes"),
        "document_no": chosen(office, "document_nos"),
        "fund_nature": FUND_NATURE,
        "total_fen": 200_000,
        "central_fen": 0,
        "provincial_fen": 0,
        "municipal_fen": 0,
        "county_fen": 200_000,
    } | changes


def test_s1_2_3_1_2(office: SeedOffice) -> None:
    body = indicator(office)
    early = office.refused(lambda: office.operator.post("/indicators", body))
    pointers = {error["pointer"] for error in early.problem["errors"]}
    assert pointers == {"/budget_unit_code", "/budget_project_code", "/document_no"}
    choose(office, *LISTS)
    assert office.operator.post("/indicators", body)["stage_label"] == "待提交"


def test_s1_2_3_1_3(office: SeedOffice) -> None:
    seen = []
    for field in LISTS:
        choose(office, field)
        kept = office.operator.get("/budget-choices", fund_year=YEAR)
        seen.append([len(kept[name]) for name in ("budget_units", "budget_projects", "documents")])
    assert seen == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_s1_2_3_1_4(desk: SeedOffice) -> None:
    there = [[(item.code, item.name) for item in items] for items in desk.lists_of_the_platform()]
    here = [[(item["code"], item["name"]) for item in items] for items in (offered(desk, field) for field in LISTS)]
    assert all(here)
    assert here == there


def test_s1_2_3_1_5_and_f1_and_f2_and_f3_and_f4_and_f5(desk: SeedOffice) -> None:
    choose(desk, *LISTS)
    body = indicator(desk)
    shown = desk.operator.get(f"/indicators/{desk.operator.post('/indicators', body)['indicator_no']}")
    assert {name: shown[name] for name in body} == body
    unit = offered(desk, "budget_unit_codes")[0]
    assert (shown["budget_unit_code"], shown["budget_unit_name"]) == (unit["code"], unit["name"])
    assert len(unit["code"]) == 18
    wrong = indicator(desk, county_fen=199_999)
    refused = desk.refused(lambda: desk.operator.post("/indicators", wrong))
    assert [error["pointer"] for error in refused.problem["errors"]] == ["/total_fen"]


def test_s1_2_3_2_1(desk: SeedOffice) -> None:
    choose(desk, *LISTS)
    numbers = [desk.operator.post("/indicators", indicator(desk))["indicator_no"] for _ in range(3)]
    with desk.clerk("indicator") as clerk:
        desk.operator.post("/indicator-submissions", {"indicator_nos": numbers[:2]})
        assert len(clerk.waiting(2)) == 2
        labels = [desk.operator.get(f"/indicators/{number}")["stage_label"] for number in numbers]
        assert labels == ["待审核", "待审核", "待提交"]


# --- 2.4 数据初始化


def begin_list(office: SeedOffice, *numbers: str) -> str:
    return str(office.act(office.operator, "/beneficiary-lists", *numbers)["list_no"])


def test_s1_2_4_1_1(office: SeedOffice) -> None:
    office.known([Line(1)])
    number = office.enter_as(office.operator, "pc", office.form(1))
    for person, act in (
        (office.operator, "/application-submissions"),
        (office.reviewer, "/application-approvals"),
        (office.operator, "/application-publicisings"),
    ):
        early = office.refused(lambda: begin_list(office, number))
        assert early.problem["errors"][0]["code"] == "NOT_PUBLICISED"
        office.act(person, act, number)
    assert begin_list(office, number)


def test_s1_2_4_1_2(office: SeedOffice) -> None:
    _, numbers = office.publicised([Line(1)])
    with office.clerk("beneficiary_init") as clerk:
        list_no = begin_list(office, *numbers)
        [reference] = clerk.waiting()
        office.operator.wait("名单", f"/beneficiary-lists/{list_no}", lambda seen: seen["stage_label"] == "平台审核中")
        assert office.operator.get(f"/applications/{numbers[0]}")["match_result"] is None
        clerk.decide(reference)
        office.operator.wait("名单", f"/beneficiary-lists/{list_no}", lambda seen: seen["stage"] == "reviewed")
    assert office.operator.get(f"/applications/{numbers[0]}")["match_result"] == "匹配成功"


@pytest.fixture(scope="module")
def matched(shared_province: Province) -> list[str]:
    """What an initialisation says of four people, as its results show it."""
    office = SeedOffice(shared_province, next(_places))
    people = [Line(1), Line(2, known_as="章建国"), Line(3, known=False), Line(4, has_account=False)]
    batch_no, numbers = office.publicised(people)
    list_no = office.initialise(batch_no)["list_no"]
    results = office.operator.pages(f"/beneficiary-lists/{list_no}/results")
    found = {row["application_no"]: str(row["result"]) for row in results}
    return [found[number] for number in numbers]


def test_s1_2_4_1_5(matched: list[str]) -> None:
    assert matched[0] == "匹配成功"


def test_s1_2_4_1_6a_and_6b(matched: list[str]) -> None:
    assert matched[1] == "身份证存在，但姓名不同，正确姓名：章建国"


def test_s1_2_4_1_7(matched: list[str]) -> None:
    assert matched[2] == "无此对象"


def test_s1_2_4_1_8(matched: list[str]) -> None:
    assert matched[3] == "该对象无中国农业银行的惠民惠农账号"


# --- 2.5, 2.6 大数据校验, 公示


def test_s1_2_5_1(paid: Paid) -> None:
    assert paid.stages == ["待结算", "发放成功"]


def test_s1_2_5_2(office: SeedOffice) -> None:
    batch_no, [number] = office.batched([Line(1)])
    with office.clerk("verification") as clerk:
        assert office.operator.post(f"/batches/{batch_no}/verifications")["stage"] == "verifying"
        [reference] = clerk.waiting()
        [(label, _)] = results_of(office, batch_no).values()
        assert label == "校验中"
        clerk.decide(reference)
        office.operator.wait("校验", f"/batches/{batch_no}", lambda seen: seen["stage"] == "verified")
    assert results_of(office, batch_no) == {number: ("校验通过", None)}


def results_of(office: SeedOffice, batch_no: str) -> dict[str, tuple[str, str | None]]:
    rows = office.operator.pages(f"/batches/{batch_no}/verification-results")
    return {row["application_no"]: (row["verification_label"], row["verification_reason"]) for row in rows}


def test_s1_2_5_1_1b(office: SeedOffice) -> None:
    batch_no, numbers = office.batched(lines(3))
    other_no, _ = office.batched(lines(1))
    office.verify(batch_no)
    assert set(results_of(office, batch_no)) == set(numbers)
    assert {label for label, _ in results_of(office, batch_no).values()} == {"校验通过"}
    assert office.operator.get(f"/batches/{other_no}")["stage"] == "open"


def test_s1_2_5_1_2(office: SeedOffice) -> None:
    batch_no, numbers = office.batched([Line(1), Line(2, verification="failed:已死亡")])
    office.verify(batch_no)
    seen = results_of(office, batch_no)
    assert seen[numbers[0]] == ("校验通过", None)
    label, reason = seen[numbers[1]]
    assert (label, "已死亡" in str(reason)) == ("校验不通过", True)


def test_s1_2_6_1(office: SeedOffice) -> None:
    batch_no = office.open_batch("春耕")
    pictures = [office.operator.file_id("notice.jpg", drawing("notice", words)) for words in ("one", "two")][::-1]
    wanted = {"start_date": china_today().isoformat(), "address": "镇政府公示栏", "image_file_ids": pictures}
    office.operator.put(f"/batches/{batch_no}/publicity", wanted)
    kept = office.operator.get(f"/batches/{batch_no}")["publicity"]
    assert {name: kept[name] for name in wanted} == wanted
    assert office.operator.content(f"/files/{pictures[0]}")


# --- 2.7 启动补贴流程


def test_s1_2_7a_1_and_3(begun: Begun) -> None:
    assert begun.office.operator.get(f"/batches/{begun.batch_no}")["stage"] == "in_flow"
    assert begun.office.flow(begun.flow_no)["status_label"] == "启动"
    assert begun.start["batch_no"] == begun.batch_no
    assert {row["application_no"] for row in begun.round(1)} == set(begun.numbers)


def test_s1_2_7a_5a(office: SeedOffice) -> None:
    with office.clerk("application_submission") as clerk:
        begun = office.begun(lines(1))
        [reference] = clerk.waiting()
        office.province.wait(
            "明细",
            lambda: office.line(begun.flow_no, begun.numbers[0]),
            lambda seen: seen["state_label"] == "平台审核中",
        )
        clerk.decide(reference)
        office.at(begun.flow_no, "county_review")
    assert office.counts(begun.flow_no) == {"accepted": 1, "awaiting": 1}


def test_s1_2_7a_8a_and_8b(office: SeedOffice) -> None:
    next_no, _ = office.verified([Line(3)])
    flow_no, _ = office.approved(lines(2))
    second = office.refused(lambda: office.begin(next_no))
    assert [error["code"] for error in second.problem["errors"]] == ["FLOW_OPEN"]
    office.province.platform.lose("flow.ended")
    office.pay(flow_no)
    told = office.province.wait(
        "结束", lambda: {"said": office.province.platform.events("flow.ended", flow_no)}, lambda seen: seen["said"]
    )
    assert office.flow(flow_no)["status_label"] == "启动"
    office.province.platform.deliver(told["said"][0])
    office.at(flow_no, "ended")
    office.province.platform.lose()
    assert (office.paid(flow_no)["count"], office.flow(flow_no)["status_label"]) == (2, "结束")
    assert office.begin(next_no)


def test_s1_2_7a_9a_and_9b(office: SeedOffice) -> None:
    office.ground()
    office.known([Line(1)])
    number = office.enter_as(office.applicant, "mobile", office.form(1))
    office.settled(number)
    begun = office.begun([Line(2)], number)
    back = office.refused(lambda: office.act(office.reviewer, "/application-returns", number, reason="资料不符"))
    assert back.problem["errors"][0]["code"] == "APPLICATION_IN_FLOW"
    body = {"version": 1, "form": office.form(1, phone="13900005678")}
    edit = office.refused(lambda: office.applicant.put(f"/applications/{number}", body))
    assert edit.problem["code"] == "APPLICATION_IN_FLOW"
    assert office.line(begun.flow_no, number)


# --- 2.7 发放汇总审核


def test_s1_2_7b_1a(begun: Begun) -> None:
    figures = begun.office.operator.get(f"/flows/{begun.flow_no}/summary")["figures"]
    assert (figures["total_fen"], figures["household_count"]) == (60_000, 3)
    assert {row["name"]: row["total_fen"] for row in figures["towns"]} == {"城关镇": 10_000, "金江镇": 50_000}
    assert {row["name"]: row["total_fen"] for row in figures["banks"]} == {"中国农业银行": 60_000}


def test_s1_2_7b_1b_and_4_and_5(office: SeedOffice) -> None:
    flow_no, _ = office.started(lines(1))
    path, form = f"/flows/{flow_no}/summary", office.reviewer.file_id("form.pdf", form_pdf("summary"))
    for part in ({"opinion": "同意"}, {"form_file_id": form}):
        half: Json = {"passed": True} | part
        assert office.refused(lambda half=half: office.reviewer.post(f"{path}/review", half)).status == 422
    assert office.refused(lambda: office.operator.post(f"{path}/submission")).status == 409
    office.reviewer.post(f"{path}/review", {"passed": True, "opinion": "同意", "form_file_id": form})
    assert office.operator.get(path)["submission_label"] == "未提交"
    with office.clerk("summary") as clerk:
        assert office.operator.post(f"{path}/submission")["submission_label"] == "已提交"
        [reference] = clerk.waiting()
        sent, figures = office.sent(f"{flow_no}.s1/submit"), office.operator.get(path)["figures"]
        assert (sent["total_fen"], sent["opinion"]) == (figures["total_fen"], "同意")
        assert office.refused(lambda: office.confirm_payment(flow_no, figures)).status == 409
        clerk.decide(reference)
        office.at(flow_no, "summary_approved")
    office.confirm_payment(flow_no, figures)
    office.at(flow_no, "ended")
    assert office.paid(flow_no) == {"count": 1, "fen": figures["total_fen"]}


def test_s1_2_7b_2(paid: Paid) -> None:
    [row] = paid.office.operator.get("/summaries")["items"]
    batch_no = paid.office.flow(paid.flow_no)["batch_no"]
    assert (row["fund_year"], row["batch_no"], row["status_label"]) == (YEAR, batch_no, "结束")
    assert (row["total_fen"], row["household_count"]) == (32_300, 3)
    assert [(town["name"], town["total_fen"]) for town in row["towns"]] == [("城关镇", 32_300)]
    assert [(bank["name"], bank["total_fen"]) for bank in row["banks"]] == [("中国农业银行", 32_300)]
    assert (row["review_label"], row["opinion"], row["submission_label"]) == ("审核通过", "同意发放", "已提交")


def test_s1_2_7b_3(paid: Paid) -> None:
    assert paid.statuses == ["启动", "结束"]


# --- 2.8 发放结果


def test_s1_2_8_1_and_2(paid: Paid) -> None:
    numbers = paid.numbers
    rows = {row["application_no"]: row for row in paid.office.operator.pages("/payments")}
    assert set(rows) == set(numbers)
    told = [rows[number]["explanation"] for number in numbers]
    assert told[:2] == ["发放成功", "发放成功"]
    assert told[2].startswith("发放失败：账户已销户")
    assert all(rows[number]["bank_serial_no"] and rows[number]["payment_at"] for number in numbers[:2])


def test_s1_2_8_3a(paid: Paid) -> None:
    office, flow_no, numbers = paid.office, paid.flow_no, paid.numbers
    for kind in PHOTO_KINDS:
        office.operator.upload("/photo-archives", f"{kind}.zip", photo_archive(kind, numbers[:1]), kind=kind)
    chosen = {"application_nos": numbers[:1]}
    assert office.order("提交材料", "evidence", "已发放", flow_no=flow_no, selection=chosen)["done_count"] == 1
    [(flow_id,)] = office.province.rows("SELECT platform_id FROM flow WHERE flow_no = :no", no=flow_no)
    [item] = office.province.platform.ask("GET", f"/evidence/{flow_id}")["items"]
    assert set(PHOTO_KINDS) <= {document["kind"] for document in item["documents"]}

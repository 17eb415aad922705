"""发放汇总: its figures, the county's and the platform's review, and what they refuse (S1 second 2.7)."""

from deploy.demo.play import REFUSE_ME
from models.store.texts import open_text
from tests.county_office import Line, Office, lines
from tests.province import Province

pytest_plugins = ["tests.province_fixtures"]


def test_figures_per_town_and_bank_and_households(province: Province) -> None:
    office = Office(province)
    people = [Line(1, 10_000), Line(2, 20_000, town="101"), Line(2, 30_000, town="101"), Line(3, organization=True)]
    flow_no, _ = office.started(people)
    office.settle_lines(flow_no)
    figures = office.operator.get(f"/flows/{flow_no}/summary")["figures"]
    assert (figures["application_count"], figures["household_count"], figures["total_fen"]) == (4, 3, 70_000)
    towns = {row["name"]: (row["application_count"], row["total_fen"]) for row in figures["towns"]}
    assert towns == {"城关镇": (2, 20_000), "金江镇": (2, 50_000)}
    assert [(row["code"], row["total_fen"]) for row in figures["banks"]] == [("ABC", 70_000)]


def test_refused_by_the_county_and_by_the_platform_its_review_is_open_again_each_time(province: Province) -> None:
    """Each time lines may be withdrawn, and a new form and opinion go in (S1 second 2.7)."""
    office = Office(province)
    flow_no, numbers = office.started(lines(4))
    refusal = {"passed": False, "opinion": "第一笔面积存疑"}
    office.at(flow_no, "county_review")
    office.reviewer.post(f"/flows/{flow_no}/summary/review", refusal)
    province.until("新汇总", "SELECT max(number) FROM summary", 2)
    office.withdraw(flow_no, numbers[0])
    office._hand_in_summary(flow_no, "同意" + REFUSE_ME)
    office.at(flow_no, "county_review")
    office.withdraw(flow_no, numbers[1])
    figures = office.pass_summary(flow_no, refused_first=False)
    assert (figures["application_count"], figures["total_fen"]) == (2, 20_007)
    office.pay(flow_no)
    office.at(flow_no, "ended")
    assert office.counts(flow_no) == {"accepted": 2, "paid": 2, "withdrawn": 2}
    rows = province.rows("SELECT stage, opinion_sealed FROM summary ORDER BY number")
    assert [stage for stage, _ in rows] == ["county_refused", "rejected", "confirmed"]
    assert open_text(province.vault, office.code, rows[0][1]) == "第一笔面积存疑"


def test_figures_that_differ_from_the_platforms_come_back_with_its_reason(province: Province) -> None:
    """CONTROL_TOTAL_MISMATCH: frozen figures can't be right, so the county reviews anew."""
    office = Office(province)
    flow_no, _ = office.started(lines(2))
    office.pass_in_county(flow_no)
    province.change("UPDATE summary SET figures = jsonb_set(figures, '{total_fen}', '1')")
    office.operator.post(f"/flows/{flow_no}/summary/submission")
    province.until("新汇总", "SELECT max(number) FROM summary", 2)
    [(stage, opinion)] = province.rows("SELECT stage, platform_opinion_sealed FROM summary WHERE number = 1")
    assert stage == "rejected"
    assert "平台未受理" in open_text(province.vault, office.code, opinion)
    office.pass_summary(flow_no, refused_first=False)


def test_the_second_reviewer_confirms_exactly_what_was_approved(province: Province) -> None:
    office = Office(province)
    flow_no, _ = office.approved(lines(2))
    path = f"/flows/{flow_no}/summary/payment-confirmation"
    figures = office.operator.get(f"/flows/{flow_no}/summary")["figures"]
    right = {"application_count": figures["application_count"], "total_fen": figures["total_fen"]}
    second = office.county.second_reviewer
    assert office.refused(lambda: second.post(path, right | {"total_fen": right["total_fen"] + 1})).status == 409
    assert office.refused(lambda: office.reviewer.post(path, right)).status in (403, 409)
    second.post(path, right, key="one-and-only")
    second.post(path, right, key="one-and-only")
    office.at(flow_no, "ended")
    assert province.rows("SELECT count(*) FROM instruction WHERE key LIKE '%/confirm'") == [(1,)]


def test_a_platform_that_answers_strangely_is_never_taken_for_success(province: Province) -> None:
    """Start, hand-over and confirmation each meet an answer outside the contract: kept, and sent again."""
    office = Office(province)
    batch_no, _ = office.verified(lines(2))
    province.platform.next_fault("half_json", "startFlow")
    flow_no = office.begin(batch_no)
    office.at(flow_no, "county_review")
    province.platform.next_fault("html_200", "confirmPayment")
    office.pass_summary(flow_no, refused_first=False)
    office.pay(flow_no)
    office.at(flow_no, "ended")
    odd = province.rows("SELECT operation, count(*) FROM odd_answer GROUP BY 1 ORDER BY 1")
    assert odd == [("confirmPayment", 1), ("startFlow", 1)]
    ledger = province.platform.ask("GET", f"/ledger?county_code={office.code}&lines=0")
    assert (len(ledger["flows"]), ledger["payments"], ledger["net_fen"]) == (1, 2, 20_003)

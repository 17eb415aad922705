"""The adapter against the simulator: a county's whole flow by the contract, on a good day and on a bad one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.platform.errors import PlatformRefusal
from models.wire import answers as shapes
from models.wire import requests
from models.wire.events import DatasetResults, FlowEnded, FlowPayments, SummaryReviewed
from models.wire.words import (
    DatasetKind,
    DocumentKind,
    MediaType,
    Outcome,
    PaymentReason,
    PaymentStatus,
    PlatformOutcome,
    ProblemCode,
    ReviewStatus,
    RoundMode,
)
from models.words.errors import PlatformTrouble
from tests.simulated_province import COUNTY, FROZEN, LINES, PNG, YEAR, Province, line, province


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Province]:
    async with province(tmp_path, 10.0) as ready:
        yield ready


async def reviewed(at: Province, submission_id: str) -> shapes.Review:
    """By its event, and the same when asked for."""
    event = await at.event(lambda one: getattr(one.data, "submission_id", None) == submission_id)
    assert isinstance(event.data, shapes.Review)
    assert await at.insist(lambda: at.client.get_review(COUNTY, submission_id)) == event.data
    return event.data


async def approved_policy(at: Province) -> str:
    client = at.client
    units = await at.insist(lambda: client.list_policy_units(COUNTY))
    items = await at.insist(lambda: client.list_subsidy_items(COUNTY, YEAR))
    assert "BT1001" in {item.code for item in items.items}
    file = await at.insist(lambda: client.upload_file(COUNTY, b"%PDF-1.7 policy", MediaType.PDF))
    first = requests.PolicySubmission(
        client_reference="policy/1",
        county_code=COUNTY,
        fund_year=YEAR,
        policy_unit_code=units.items[0].code,
        title="耕地地力保护补贴实施方案【退回】",
        item_codes=("BT1001",),
        file_id=file.file_id,
    )
    refused = await at.insist(lambda: client.submit_policy(first, key="policy/1:1"))
    assert (await reviewed(at, refused.submission_id)).status is ReviewStatus.REJECTED
    second = first.model_copy(
        update={"client_reference": "policy/2", "title": "实施方案", "replaces_policy_id": refused.submission_id}
    )
    accepted = await at.insist(lambda: client.submit_policy(second, key="policy/2:1"))
    assert (await reviewed(at, accepted.submission_id)).status is ReviewStatus.APPROVED
    return accepted.submission_id


async def approved_indicator(at: Province) -> str:
    units = await at.insist(lambda: at.client.list_budget_units(COUNTY))
    projects = await at.insist(lambda: at.client.list_budget_projects(COUNTY, YEAR))
    documents = await at.insist(lambda: at.client.list_indicator_documents(COUNTY, YEAR))
    indicator = requests.IndicatorSubmission(
        client_reference="indicator/1",
        county_code=COUNTY,
        fund_year=YEAR,
        budget_unit_code=units.items[0].code,
        budget_project_code=projects.items[0].code,
        document_no=documents.items[0].name,
        total_fen=10_000_000,
        central_fen=4_000_000,
        provincial_fen=3_000_000,
        municipal_fen=2_000_000,
        county_fen=1_000_000,
    )
    accepted = await at.insist(lambda: at.client.submit_indicator(indicator, key="indicator/1:1"))
    assert (await reviewed(at, accepted.submission_id)).status is ReviewStatus.APPROVED
    return accepted.submission_id


async def sent(
    at: Province, opening: requests.DatasetOpening, records: tuple[requests.ApplicantRecord, ...]
) -> list[Outcome]:
    """A list handed over in pages of three; the outcomes in the order of the records."""
    client, name = at.client, opening.client_reference
    dataset = (await at.insist(lambda: client.open_dataset(opening, key=f"{name}:open"))).dataset_id
    pages = [records[start : start + 3] for start in range(0, len(records), 3)]
    for number, page in enumerate(pages, 1):
        await put(at, dataset, number, page, f"{name}:page/{number}")
    totals = requests.DatasetCommit(
        page_count=len(pages), record_count=len(records), total_fen=sum(record.amount_fen for record in records)
    )
    await at.insist(lambda: client.commit_dataset(COUNTY, dataset, totals, key=f"{name}:commit"))
    event = await at.event(lambda one: isinstance(one, DatasetResults) and one.data.dataset_id == dataset)
    assert isinstance(event, DatasetResults)
    assert await at.insist(lambda: client.get_result_page(COUNTY, dataset, 1)) == event.data
    assert (await at.insist(lambda: client.get_dataset(COUNTY, dataset))).record_count == len(records)
    outcomes = {result.application_no: result.outcome for result in event.data.results}
    return [outcomes[record.application_no] for record in records]


async def put(at: Province, dataset: str, number: int, page: tuple[requests.ApplicantRecord, ...], key: str) -> None:
    await at.insist(lambda: at.client.put_page(COUNTY, dataset, number, requests.records_json(page), key=key))


async def prepared(at: Province) -> tuple[str, str, str]:
    """Everything before the flow's first round: policy, indicator, matched and verified lines; the started flow."""
    policy, indicator = await approved_policy(at), await approved_indicator(at)
    records = tuple(line(number) for number in range(LINES))
    listed = requests.DatasetOpening(client_reference="list/1", kind=DatasetKind.BENEFICIARY_INIT, county_code=COUNTY)
    strangers = (line(90), line(0, application_no="A-91", name="王海"), line(1, application_no="A-92", bank_code="ABC"))
    assert await sent(at, listed, records + strangers) == [
        *[Outcome.MATCHED] * LINES,
        Outcome.NOT_FOUND,
        Outcome.NAME_DIFFERS,
        Outcome.NO_ACCOUNT,
    ]
    checked = requests.DatasetOpening(
        client_reference="check/1", kind=DatasetKind.VERIFICATION, county_code=COUNTY, batch_no="B-1"
    )
    assert await sent(at, checked, records) == [Outcome.PASSED] * LINES
    image = await at.insist(lambda: at.client.upload_file(COUNTY, PNG, MediaType.PNG))
    units = await at.insist(lambda: at.client.list_policy_units(COUNTY))
    start = requests.FlowStart(
        client_reference="flow/1",
        county_code=COUNTY,
        batch_no="B-1",
        fund_year=YEAR,
        policy_unit_code=units.items[0].code,
        policy_ids=(policy,),
        indicator_ids=(indicator,),
        publicity=requests.Publicity(
            start_date=(datetime.now(UTC) - timedelta(days=10)).date(),
            address="村委会公示栏",
            image_file_ids=(image.file_id,),
        ),
    )
    flow = await at.insist(lambda: at.client.start_flow(start, key="flow/1:start"))
    again = start.model_copy(update={"client_reference": "flow/2"})
    with pytest.raises(PlatformRefusal) as refused:
        await at.insist(lambda: at.client.start_flow(again, key="flow/2:start"))
    assert (refused.value.code, refused.value.holder) == (ProblemCode.COUNTY_FLOW_ACTIVE, COUNTY)
    return flow.flow_id, indicator, image.file_id


async def settled(at: Province, flow: str, indicator: str) -> list[requests.ApplicantRecord]:
    """One round of all lines, of which the last one is taken out again."""
    records = tuple(line(number, indicator_id=indicator) for number in range(LINES))
    opening = requests.DatasetOpening(
        client_reference="round/1",
        kind=DatasetKind.APPLICATION_SUBMISSION,
        county_code=COUNTY,
        batch_no="B-1",
        flow_id=flow,
        mode=RoundMode.INITIAL,
    )
    assert await sent(at, opening, records) == [Outcome.ACCEPTED] * LINES
    withdrawal = requests.Withdrawal(application_nos=(records[-1].application_no,), reason="本人放弃")
    withdrawn = await at.insist(lambda: at.client.withdraw_lines(COUNTY, flow, withdrawal, key="flow/1:withdraw/1"))
    assert (withdrawn.withdrawn_count, withdrawn.withdrawn_fen) == (1, records[-1].amount_fen)
    return list(records[:-1])


async def summarised(at: Province, flow: str, lines: list[requests.ApplicantRecord], form: str) -> None:
    count, total = len(lines), sum(record.amount_fen for record in lines)
    confirmation = requests.PaymentConfirmation(application_count=count, total_fen=total)
    with pytest.raises(PlatformRefusal) as early:
        await at.insist(lambda: at.client.confirm_payment(COUNTY, flow, confirmation, key="flow/1:pay"))
    assert early.value.code == ProblemCode.SUMMARY_NOT_APPROVED
    summary = requests.Summary(
        client_reference="flow/1:summary/1",
        total_fen=total,
        application_count=count,
        household_count=count,
        towns=(requests.Share(code="500001100", name="城关镇", application_count=count, total_fen=total),),
        banks=(requests.Share(code="ICBC", name="中国工商银行", application_count=count, total_fen=total),),
        approval_form_file_id=form,
        opinion="同意发放",
    )
    wrong = summary.model_copy(update={"household_count": count + 1})
    with pytest.raises(PlatformRefusal) as refused:
        await at.insist(lambda: at.client.submit_summary(COUNTY, flow, wrong, key="flow/1:summary/wrong"))
    assert refused.value.code == ProblemCode.CONTROL_TOTAL_MISMATCH
    assert [fault.pointer for fault in refused.value.errors] == ["/household_count"]
    await at.insist(lambda: at.client.submit_summary(COUNTY, flow, summary, key="flow/1:summary/1"))
    event = await at.event(lambda one: isinstance(one, SummaryReviewed))
    assert isinstance(event, SummaryReviewed)
    assert event.data.client_reference == "flow/1:summary/1"
    assert (await reviewed(at, event.data.submission_id)).status is ReviewStatus.APPROVED
    await at.insist(lambda: at.client.confirm_payment(COUNTY, flow, confirmation, key="flow/1:pay"))


async def paid(at: Province, flow: str, lines: list[requests.ApplicantRecord], photo: str) -> None:
    frozen = line(FROZEN)
    ended = await at.event(lambda one: isinstance(one, FlowEnded))
    page = await at.event(lambda one: isinstance(one, FlowPayments))
    assert isinstance(ended, FlowEnded)
    assert isinstance(page, FlowPayments)
    assert page.data == await at.insist(lambda: at.client.get_payment_page(COUNTY, flow, 1))
    assert ended.data == await at.insist(lambda: at.client.get_flow(COUNTY, flow))
    failed = [payment for payment in page.data.payments if payment.status is PaymentStatus.FAILED]
    assert [(one.application_no, one.reason_code) for one in failed] == [
        (frozen.application_no, PaymentReason.ACCOUNT_FROZEN)
    ]
    total = sum(record.amount_fen for record in lines)
    figures = (ended.data.outcome, ended.data.paid_count, ended.data.paid_fen, ended.data.failed_fen)
    assert figures == (PlatformOutcome.DISBURSED, len(lines) - 1, total - frozen.amount_fen, frozen.amount_fen)
    documents = (requests.Document(kind=DocumentKind.PORTRAIT, file_id=photo),)
    proof, wrong = (
        requests.Evidence(items=(requests.EvidenceItem(application_no=record.application_no, documents=documents),))
        for record in (lines[0], frozen)
    )
    await at.insist(lambda: at.client.submit_evidence(COUNTY, flow, proof, key="flow/1:evidence/1"))
    with pytest.raises(PlatformRefusal) as refused:
        await at.insist(lambda: at.client.submit_evidence(COUNTY, flow, wrong, key="flow/1:evidence/2"))
    assert (refused.value.code, refused.value.application_nos) == (
        ProblemCode.LINE_NOT_PAID,
        (frozen.application_no,),
    )


async def whole_flow(at: Province) -> None:
    flow, indicator, image = await prepared(at)
    lines = await settled(at, flow, indicator)
    await summarised(at, flow, lines, image)
    await paid(at, flow, lines, image)
    ledger = (await at.admin("GET", "/ledger")).json()
    assert ledger["balanced"]
    assert (ledger["payments"], ledger["net_fen"]) == (
        len(lines) - 1,
        sum(record.amount_fen for record in lines) - line(FROZEN).amount_fen,
    )


async def test_a_whole_flow_on_a_good_day(there: Province) -> None:
    await whole_flow(there)
    assert (there.troubles, there.journal.odd) == ([], [])


BAD_DAY = b"""{"rates": {"5xx": 0.15, "429": 0.1, "timeout_after_accept": 0.15, "html_200": 0.1, "half_json": 0.1,
"redirect": 0.1, "duplicate": 0.3, "repeated": 0.3, "early": 0.3}}"""


async def test_a_whole_flow_on_a_bad_day_has_each_effect_once(tmp_path: Path) -> None:
    async with province(tmp_path, 0.5) as there:
        await there.admin("PUT", "/settings", b'{"hang_seconds": 0.8}')
        await there.admin("PUT", "/faults", BAD_DAY)
        await whole_flow(there)
        assert {
            PlatformTrouble.PLATFORM_UNAVAILABLE,
            ProblemCode.RATE_LIMITED,
            PlatformTrouble.PLATFORM_ODD_ANSWER,
        } <= set(there.troubles)
        assert there.journal.odd
        effects = (await there.admin("GET", "/ledger")).json()
        assert len(effects["flows"]) == 1

"""The platform's shapes: what the contract allows is read, everything else is a ValidationError."""

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.wire import answers, requests
from models.wire.answers import Invalidation, province_of
from models.wire.events import (
    AccountInvalidated,
    DatasetResults,
    FlowPayments,
    SummaryReviewed,
    client_reference_of,
    parse_event,
)
from models.wire.requests import ApplicantRecord, DatasetOpening, records_json
from models.wire.words import ApplicantKind, DatasetKind, EventType, Outcome, PaymentStatus, ProblemCode, RoundMode
from models.words.errors import ADVICE, PlatformTrouble

Json = dict[str, object]
AT = "2026-11-22T17:30:15.25+08:00"
REVIEW: Json = {"submission_id": "s-1", "client_reference": None, "county_code": "500001", "status": "approved"}
RESULT: Json = {"application_no": "A-1", "outcome": "name_differs", "correct_name": "𬶋·梅"}
RESULTS: Json = {
    "dataset_id": "d-1",
    "client_reference": "list-1",
    "county_code": "500001",
    "page": 1,
    "result_pages": 2,
    "results": [RESULT],
}
PAYMENT: Json = {
    "application_no": "A-1",
    "attempt": 1,
    "sequence": 3,
    "status": "failed",
    "amount_fen": 2000,
    "reason_code": "account_closed",
    "at": AT,
}
PAYMENTS: Json = {
    "flow_id": "f-1",
    "client_reference": "flow-1",
    "county_code": "500001",
    "page": 1,
    "payments": [PAYMENT],
}
FLOW: Json = {
    "flow_id": "f-1",
    "client_reference": "flow-1",
    "county_code": "500001",
    "batch_no": "b-1",
    "status": "ended",
    "outcome": "disbursed",
    "payment_pages": 4,
    "paid_count": 2,
    "paid_fen": 5,
    "failed_count": 0,
    "failed_fen": 0,
}
CHANGE: Json = {"submission_id": "c-1", "client_reference": "r-1", "county_code": "500001", "status": "applied"}
INVALIDATION: Json = {
    "county_code": "500001",
    "id_number": "11010519491231002X",
    "bank_code": "102",
    "account_no": "6222020200112233445",
    "trigger": "scheduled",
    "reason_code": None,
    "invalidated_at": AT,
}
FACE: Json = {"face_session_id": "fs-1", "status": "passed", "county_code": None, "name": "王梅"}
EVENTS: dict[str, Json] = {
    "policy.reviewed": REVIEW,
    "indicator.reviewed": REVIEW,
    "flow.summary.reviewed": REVIEW,
    "dataset.results": RESULTS,
    "flow.payments": PAYMENTS,
    "flow.ended": FLOW,
    "account.change.applied": CHANGE,
    "account.invalidated": INVALIDATION,
    "identity.face.completed": FACE,
}


def event(kind: str, data: object, **envelope: object) -> bytes:
    return json.dumps({"type": kind, "timestamp": AT, "data": data, **envelope}, ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_of_the_contract_is_read(kind: str) -> None:
    found = parse_event(event(kind, EVENTS[kind]))
    assert found.type == EventType(kind)
    assert found.timestamp == datetime(2026, 11, 22, 9, 30, 15, 250_000, tzinfo=UTC)
    assert found.data.model_dump(mode="json", exclude_unset=True).keys() == EVENTS[kind].keys()
    assert client_reference_of(found) == EVENTS[kind].get("client_reference")


def test_every_event_type_is_covered() -> None:
    assert set(EVENTS) == set(EventType)


def test_values_arrive_in_our_types() -> None:
    payments, results = parse_event(event("flow.payments", PAYMENTS)), parse_event(event("dataset.results", RESULTS))
    assert isinstance(payments, FlowPayments)
    assert isinstance(results, DatasetResults)
    assert payments.data.payments[0].status is PaymentStatus.FAILED
    assert payments.data.payments[0].at.tzinfo is not None
    assert results.data.results[0].outcome is Outcome.NAME_DIFFERS
    assert results.data.results[0].correct_name == "𬶋·梅"


def test_what_is_new_at_the_platform_is_passed_over() -> None:
    assert isinstance(
        parse_event(event("flow.summary.reviewed", {**REVIEW, "new": {"deep": [1]}}, more=1)), SummaryReviewed
    )


@pytest.mark.parametrize("kind", EVENTS)
def test_the_data_of_another_kind_is_refused(kind: str) -> None:
    other = REVIEW if EVENTS[kind] is not REVIEW else FLOW
    with pytest.raises(ValidationError):
        parse_event(event(kind, other))


REQUIRED = [
    (kind, name)
    for kind, data in EVENTS.items()
    for name in data
    if not (kind == "flow.ended" and name.startswith(("outcome", "pa", "failed")))
    and not (kind == "identity.face.completed" and name in ("county_code", "name"))
]


@pytest.mark.parametrize(("kind", "name"), REQUIRED)
def test_a_missing_field_is_refused(kind: str, name: str) -> None:
    with pytest.raises(ValidationError):
        parse_event(event(kind, {key: value for key, value in EVENTS[kind].items() if key != name}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_fen", True),
        ("amount_fen", 1.0),
        ("amount_fen", "2000"),
        ("amount_fen", -1),
        ("amount_fen", None),
        ("amount_fen", 10**15 + 1),
        ("attempt", 0),
        ("attempt", False),
        ("sequence", -1),
        ("sequence", 2**31),
        ("status", "PAID"),
        ("status", "returned"),
        ("status", 1),
        ("reason_code", "unknown_reason"),
        ("reason_code", ""),
        ("application_no", ""),
        ("application_no", 17),
        ("application_no", "A\x00"),
        ("application_no", "A\n"),
        ("application_no", "A" * 129),
        ("reason", "nul\x00"),
        ("bank_serial_no", ["x"]),
        ("at", "2026-11-22T17:30:15"),
        ("at", "2026-11-22"),
        ("at", "1700000000"),
        ("at", 1700000000),
        ("at", "9999-12-31T23:59:59-12:00"),
        ("at", "0001-01-01T00:00:00Z"),
        ("at", "2026-02-29T00:00:00Z"),
        ("at", "2026-11-22T25:00:00Z"),
    ],
)
def test_a_payment_outside_the_contract_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        parse_event(event("flow.payments", {**PAYMENTS, "payments": [{**PAYMENT, name: value}]}))


@pytest.mark.parametrize("value", ["2026-11-22T00:00:00Z", "2028-02-29t23:59:59.999999999+08:00"])
def test_times_of_rfc_3339_are_read(value: str) -> None:
    assert parse_event(event("flow.payments", {**PAYMENTS, "payments": [{**PAYMENT, "at": value}]}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("county_code", "50001"),
        ("county_code", "５00001"),
        ("county_code", "500001\n"),
        ("page", 0),
        ("page", "1"),
        ("result_pages", 0),
        ("results", None),
        ("results", {}),
        ("results", [RESULT] * 501),
        ("results", [{**RESULT, "outcome": "perhaps"}]),
        ("results", [{**RESULT, "reason_code": "because"}]),
    ],
)
def test_a_result_page_outside_the_contract_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        parse_event(event("dataset.results", {**RESULTS, name: value}))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"flow.ended"',
        b"{}",
        b"\xff\xfe",
        event("flow.ended", FLOW)[:-9],
        event("flow.vanished", FLOW),
        event("flow.ended", FLOW, type=None),
        event("flow.ended", FLOW, timestamp="yesterday"),
        b'{"type":"flow.ended","timestamp":"2026-11-22T00:00:00Z","data":' + b"[" * 100_000,
        b'{"type":"flow.ended","reason":"\\ud800"}',
    ],
)
def test_no_event_is_a_validation_error(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_event(raw)


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def only_refuses(raw: bytes) -> None:
    try:
        found = parse_event(raw)
    except ValidationError:
        return
    assert found.timestamp.tzinfo is not None


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_one_way(raw: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_event(raw)


@UNHURRIED
@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_any_change_of_an_event_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """One field anywhere, also within a line, becomes anything at all."""
    fields = dict(EVENTS[kind])
    lines = next((name for name in ("payments", "results") if name in fields), None)
    if lines is not None and data.draw(st.booleans()):
        line = dict(PAYMENT if lines == "payments" else RESULT)
        line[data.draw(st.sampled_from(sorted(line)))] = data.draw(json_values)
        fields[lines] = [line]
    else:
        fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(json_values)
    only_refuses(json.dumps({"type": kind, "timestamp": AT, "data": fields}).encode())


@UNHURRIED
@given(st.sampled_from(sorted(EVENTS)), st.integers(min_value=0), st.binary(max_size=3))
def test_any_bytes_within_an_event_are_read_or_refused(kind: str, place: int, junk: bytes) -> None:
    raw = event(kind, EVENTS[kind])
    cut = place % len(raw)
    only_refuses(raw[:cut] + junk + raw[cut + len(junk) :])


@pytest.mark.parametrize(
    "broken",
    [
        {**INVALIDATION, "trigger": "whim"},
        {**INVALIDATION, "account_no": ["6222020200112233445"]},
        {**INVALIDATION, "id_number": {"11010519491231002X": 1}},
    ],
)
def test_an_error_text_and_a_repr_name_nobody(broken: Json) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_event(event("account.invalidated", broken))
    invalid = parse_event(event("account.invalidated", INVALIDATION))
    assert isinstance(invalid, AccountInvalidated)
    for text in (str(refused.value), repr(refused.value), repr(invalid), str(invalid.data)):
        assert "11010519491231002X" not in text
        assert "6222020200112233445" not in text


def payments(count: int) -> bytes:
    lines = [{**PAYMENT, "application_no": f"A-{n}", "status": "paid", "reason_code": None} for n in range(count)]
    return event("flow.payments", {**PAYMENTS, "payments": lines})


def seconds_of(act: Callable[[], object], times: int = 20) -> float:
    """The best of several: a neighbour's load isn't ours."""
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        spent.append(time.perf_counter() - begun)
    return min(spent)


def test_a_full_page_is_read_and_written_in_milliseconds() -> None:
    raw = payments(500)
    assert seconds_of(lambda: parse_event(raw)) < 0.02
    records = tuple(record(application_no=f"A-{n}") for n in range(500))
    assert seconds_of(lambda: records_json(records)) < 0.02


def record(**change: object) -> ApplicantRecord:
    fields = {
        "application_no": "A-1",
        "attempt": 1,
        "applicant_kind": ApplicantKind.PERSONAL,
        "name": "王梅",
        "id_number": "11010519491231002X",
        "town_code": "500001001",
        "village_code": "500001001001",
        "item_code": "I-1",
        "amount_fen": 2000,
        "bank_code": "102",
        "account_no": "6222020200112233445",
    }
    return ApplicantRecord.model_validate({**fields, **change})


@pytest.mark.parametrize("amount", [0, -1, True, 1.0, "2000"])
def test_an_amount_we_would_send_is_whole_positive_fen(amount: object) -> None:
    with pytest.raises(ValidationError):
        record(amount_fen=amount)


def test_a_record_is_written_the_same_each_time_and_without_nulls() -> None:
    first = records_json((record(phone="13800000000"), record(amount_fen=1)))
    assert first == records_json((record(phone="13800000000"), record(amount_fen=1)))
    assert [sorted(set(line) - {"phone"}) for line in json.loads(first)] == [sorted(json.loads(first)[1])] * 2
    assert b"null" not in first
    assert "王梅".encode() in first


def test_shapes_are_frozen() -> None:
    with pytest.raises(ValidationError):
        record().amount_fen = 1  # type: ignore[misc]


def test_requests_carry_the_words_of_the_wire() -> None:
    opening = DatasetOpening(
        client_reference="round-1",
        kind=DatasetKind.APPLICATION_SUBMISSION,
        county_code="500001",
        flow_id="f-1",
        mode=RoundMode.UNVERIFIED,
    )
    assert json.loads(opening.model_dump_json(exclude_none=True)) == {
        "client_reference": "round-1",
        "kind": "application_submission",
        "county_code": "500001",
        "flow_id": "f-1",
        "mode": "unverified",
    }
    start = requests.FlowStart(
        client_reference="flow-1",
        county_code="500001",
        batch_no="b-1",
        fund_year=2026,
        policy_unit_code="u",
        policy_ids=("p",),
        indicator_ids=("i",),
        publicity=requests.Publicity(start_date=date(2026, 11, 1), address="村委会", image_file_ids=("x",)),
    )
    assert json.loads(start.model_dump_json())["publicity"]["start_date"] == "2026-11-01"


def test_a_confirmation_takes_no_text_for_money() -> None:
    with pytest.raises(ValidationError):
        requests.PaymentConfirmation.model_validate({"application_count": 1, "total_fen": "1"})


@pytest.mark.parametrize(
    "broken",
    [
        {"title": "x", "status": 409},
        {"title": "x", "status": 409, "code": "SOMETHING_NEW"},
        {"title": "x", "status": 409, "code": "PLATFORM_UNAVAILABLE"},
        {"title": "x", "status": 409, "code": "PROVINCE_BUSY", "holder": "王梅"},
        {"title": "x", "status": "409", "code": "PROVINCE_BUSY"},
        {"title": "x", "status": 422, "code": "VALIDATION_FAILED", "errors": [{"code": "bad word", "detail": "x"}]},
    ],
)
def test_a_problem_outside_the_contract_is_refused(broken: Json) -> None:
    with pytest.raises(ValidationError):
        answers.Problem.model_validate_json(json.dumps(broken))


def test_every_code_has_its_advice_and_ours_are_none_of_the_platforms() -> None:
    theirs, ours = {code.value for code in ProblemCode}, {code.value for code in PlatformTrouble}
    assert not theirs & ours
    assert ADVICE.keys() == theirs | ours
    assert all(ADVICE.values())


def test_the_province_of_a_county() -> None:
    assert province_of("431025") == "430000"


@pytest.mark.parametrize(
    ("shape", "data"), [(answers.ResultPage, RESULTS), (answers.PaymentPage, PAYMENTS), (Invalidation, INVALIDATION)]
)
def test_a_page_asked_for_is_read_like_the_event(
    shape: type[answers.ResultPage | answers.PaymentPage | Invalidation], data: Json
) -> None:
    kind = next(kind for kind, known in EVENTS.items() if known is data)
    assert shape.model_validate_json(json.dumps(data)) == parse_event(event(kind, data)).data

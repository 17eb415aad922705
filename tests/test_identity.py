"""Ids, accounts, phones and names: what is refused, why, and that no refusal quotes what it refuses."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.cn import uscc

from models.forms import identity
from models.forms.account_numbers import parse_account_no
from models.words.faults import Fault, FaultCode

TODAY = date(2026, 11, 22)

ids = st.builds(
    lambda region, born, order: (body := f"{region}{born:%Y%m%d}{order:03d}") + identity.citizen_id_check_digit(body),
    st.integers(100_000, 999_999),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)


def code_of(outcome: object) -> FaultCode:
    assert isinstance(outcome, Fault), "taken, not refused"
    return outcome.code


@given(ids)
def test_every_well_made_citizen_id_is_taken(value: str) -> None:
    assert identity.parse_citizen_id(value, TODAY) == value
    assert identity.parse_citizen_id(f" {value.lower()} ", TODAY) == value


@given(ids, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_changed_place_is_never_taken(value: str, place: int, other: str) -> None:
    changed = value[:place] + other + value[place + 1 :]
    assume(changed != value)
    assert isinstance(identity.parse_citizen_id(changed, TODAY), Fault)


@given(ids, st.integers(0, 16))
def test_two_neighbours_swapped_are_never_taken(value: str, place: int) -> None:
    changed = value[:place] + value[place + 1] + value[place] + value[place + 2 :]
    assume(changed != value)
    assert isinstance(identity.parse_citizen_id(changed, TODAY), Fault)


@given(st.one_of(st.text(min_size=4, max_size=20), st.from_regex(r"[0-9Xx.E+=-]{4,20}", fullmatch=True)))
def test_no_refusal_quotes_the_value(text: str) -> None:
    parsers = (identity.parse_credit_code, parse_account_no, identity.parse_phone, identity.parse_person_name)
    outcomes = [identity.parse_citizen_id(text, TODAY), *(parse(text) for parse in parsers)]
    for outcome in outcomes:
        if isinstance(outcome, Fault) and len(text.strip()) >= 4:
            assert text.strip() not in outcome.message


def citizen_id(born: str, order: str = "988", region: str = "500001") -> str:
    body = region + born + order
    return body + identity.citizen_id_check_digit(body)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", FaultCode.REQUIRED),
        ("500001195602159894", FaultCode.ID_CHECK_DIGIT),
        ("50000119560215989", FaultCode.ID_FORMAT),
        ("500001195602159893X", FaultCode.ID_FORMAT),
        ("X00001195602159893", FaultCode.ID_FORMAT),
        ("500001560215989", FaultCode.ID_OLD),
        (citizen_id("19550229"), FaultCode.ID_DATE),
        (citizen_id("19000229"), FaultCode.ID_DATE),
        (citizen_id("19551301"), FaultCode.ID_DATE),
        (citizen_id("18991231"), FaultCode.ID_DATE),
        (citizen_id("20261123"), FaultCode.ID_FUTURE),
        ("５00001195602159893", FaultCode.FULL_WIDTH),
        ("50000119681210166Ｘ", FaultCode.FULL_WIDTH),
        ("4.31E+17", FaultCode.SCIENTIFIC),
        ("5.00001195602159E+17", FaultCode.SCIENTIFIC),
        ("=500001195602159893", FaultCode.FORMULA),
        ("50000119\u200b5602159893", FaultCode.CHARACTERS),
        ("500001\x00195602159893", FaultCode.CHARACTERS),
        ("٥00001195602159893", FaultCode.CHARACTERS),
    ],
)
def test_citizen_ids_that_are_refused(value: str, code: FaultCode) -> None:
    assert code_of(identity.parse_citizen_id(value, TODAY)) is code


def test_leap_days_and_a_birth_of_today_are_real() -> None:
    for born in ("19560229", "20000229", "20261122"):
        assert identity.parse_citizen_id(citizen_id(born), TODAY) == citizen_id(born)


def test_an_unknown_region_is_a_warning_only() -> None:
    strange = citizen_id("19560215", region="990001")
    assert identity.parse_citizen_id(strange, TODAY) == strange
    assert code_of(identity.citizen_id_warning(strange)) is FaultCode.ID_REGION
    assert identity.citizen_id_warning("500001195602159893") is None


def test_what_an_id_says() -> None:
    assert identity.birth_date("500001195602159893") == date(1956, 2, 15)
    assert identity.sex("500001195602159893") == "男"
    assert identity.sex("50000119681210166X") == "女"


@pytest.mark.parametrize("value", ["91500001BRNYTPLXGA", "915000011W53BFU7CN", "91110000600037341L"])
def test_credit_codes(value: str) -> None:
    assert identity.parse_credit_code(f" {value.lower()}") == value


def test_a_rural_collective_has_a_credit_code_that_begins_with_a_letter() -> None:
    body = "N2500105MF1234567"
    value = body + uscc.calc_check_digit(body)
    assert identity.parse_credit_code(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("91500001BRNYTPLXGB", FaultCode.CREDIT_CODE_CHECK_DIGIT),
        ("91500001BRNYTPLXG", FaultCode.CREDIT_CODE_FORMAT),
        ("91500001BRNYTPLIGA", FaultCode.CREDIT_CODE_FORMAT),
        ("91500001_BRNYTPLXGA", FaultCode.CREDIT_CODE_FORMAT),
        ("９1500001BRNYTPLXGA", FaultCode.FULL_WIDTH),
        ("", FaultCode.REQUIRED),
    ],
)
def test_credit_codes_that_are_refused(value: str, code: FaultCode) -> None:
    assert code_of(identity.parse_credit_code(value)) is code


@pytest.mark.parametrize("value", ["13339565835", "19900000000", "023-67654321", "02367654321", "0838-5123456"])
def test_phones(value: str) -> None:
    assert identity.parse_phone(value) == value


@pytest.mark.parametrize(
    "value", ["12339565835", "1333956583", "67654321", "133_3956_5835", "8613339565835", "+85221234567", "110"]
)
def test_phones_that_are_refused(value: str) -> None:
    assert code_of(identity.parse_phone(value)) is FaultCode.PHONE_FORMAT


@pytest.mark.parametrize(
    "value", ["李娟志", "郑𬶋艳", "阿依古丽·𬶋文", "程伟㛃", "\U000323b0明", "龙\ue863", "Anna Lee"]
)
def test_person_names(value: str) -> None:
    assert identity.parse_person_name(f" {value}\u3000") == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (" ", FaultCode.REQUIRED),
        ("=cmd|' /C calc'!A0", FaultCode.FORMULA),
        ("+李", FaultCode.FORMULA),
        ("-李", FaultCode.FORMULA),
        ("@李", FaultCode.FORMULA),
        ("李\u200b明", FaultCode.CHARACTERS),
        ("李\n明", FaultCode.CHARACTERS),
        ("李\ud800明", FaultCode.CHARACTERS),
        ("李明1", FaultCode.CHARACTERS),
        ("阿依古丽.明", FaultCode.CHARACTERS),
        ("·李", FaultCode.CHARACTERS),
        ("'李", FaultCode.CHARACTERS),
        ("李" * 51, FaultCode.TOO_LONG),
    ],
)
def test_person_names_that_are_refused(value: str, code: FaultCode) -> None:
    assert code_of(identity.parse_person_name(value)) is code


def test_organization_names() -> None:
    assert identity.parse_organization_name("金江（集团）有限公司01") == "金江（集团）有限公司01"
    assert code_of(identity.parse_organization_name("=HYPERLINK(1)")) is FaultCode.FORMULA
    assert code_of(identity.parse_organization_name("金江\u202e公司")) is FaultCode.CHARACTERS


def test_masks() -> None:
    assert identity.mask_name("王小梅") == "**梅"
    assert identity.mask_name("徐秀") == "**秀"
    assert identity.mask_name("郑艳𬶋") == "**𬶋"
    assert identity.mask_name("王葛\U000e0100") == "**葛\U000e0100"
    assert identity.mask_name("李") == "**"
    assert identity.mask_birth_date("500001198005019893") == "1980-**-**"
    assert identity.mask_id_number("500001198005011829") == "*********1829"
    assert identity.mask_account_no("510722667712") == "****7712"
    assert identity.mask_phone("13339565835") == "133****5835"

"""Yuan as people write it, and fen as we keep it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.forms.money import MAX_FEN, Fen, format_yuan, parse_yuan, yuan
from models.words.faults import Fault, FaultCode


@given(st.integers(min_value=1, max_value=MAX_FEN))
def test_formatting_and_parsing_are_inverse(fen: int) -> None:
    assert parse_yuan(format_yuan(fen)) == fen
    assert yuan(fen) * 100 == fen


@given(st.text(max_size=12))
def test_any_text_is_a_positive_amount_or_a_fault_that_does_not_quote_it(text: str) -> None:
    outcome = parse_yuan(text)
    if isinstance(outcome, Fault):
        assert len(text.strip()) < 4 or text.strip() not in outcome.message
    else:
        assert outcome == Decimal(text.strip()) * 100 > 0


@pytest.mark.parametrize(
    ("text", "fen"), [("495", 49500), ("495.5", 49550), ("0.01", 1), (" 495.10 ", 49510), ("999999999999.99", MAX_FEN)]
)
def test_plain_amounts(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", FaultCode.REQUIRED),
        ("0", FaultCode.AMOUNT_NOT_POSITIVE),
        ("0.00", FaultCode.AMOUNT_NOT_POSITIVE),
        ("-5", FaultCode.AMOUNT_NOT_POSITIVE),
        ("1.005", FaultCode.AMOUNT_DECIMALS),
        ("495.000", FaultCode.AMOUNT_DECIMALS),
        ("1,234.00", FaultCode.AMOUNT_SEPARATOR),
        ("1 234", FaultCode.AMOUNT_SEPARATOR),
        ("4.95E2", FaultCode.SCIENTIFIC),
        ("1e3", FaultCode.SCIENTIFIC),
        ("=1+1", FaultCode.FORMULA),
        ("1000000000000", FaultCode.AMOUNT_TOO_LARGE),
        ("４９５", FaultCode.AMOUNT_FORMAT),
        ("￥495", FaultCode.AMOUNT_FORMAT),
        ("495元", FaultCode.AMOUNT_FORMAT),
        ("1_000", FaultCode.AMOUNT_FORMAT),
        ("0495", FaultCode.AMOUNT_SEPARATOR),
        ("NaN", FaultCode.AMOUNT_FORMAT),
        (".5", FaultCode.AMOUNT_FORMAT),
        ("5.", FaultCode.AMOUNT_FORMAT),
    ],
)
def test_other_amounts_are_refused_with_why(text: str, code: FaultCode) -> None:
    outcome = parse_yuan(text)
    assert isinstance(outcome, Fault)
    assert outcome.code is code


def test_negative_fen_are_shown_with_their_sign() -> None:
    assert format_yuan(-5) == "-0.05"


@pytest.mark.parametrize("value", [True, "100", 1.0, 0, -1, MAX_FEN + 1])
def test_fen_is_a_strict_positive_integer(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Fen).validate_python(value)

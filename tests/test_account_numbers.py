"""What is an account number, and of which kind: passbooks of any length without a check digit, cards with one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn

from models.forms.account_numbers import AccountNo, card_type_of, parse_card_type, read_account_no
from models.wire.words import CardType
from models.words.faults import Fault, FaultCode

CARD, PASSBOOK = CardType.BANK_CARD, CardType.PASSBOOK
LENGTHS = range(8, 31)
CARD_LENGTHS = range(16, 20)


def number(length: int, start: str = "", *, right: bool) -> str:
    """Digits of this length whose last is, or isn't, the Luhn digit."""
    body = (start + "1234567890" * 3)[: length - 1]
    digit = int(luhn.calc_check_digit(body))
    return body + str(digit if right else (digit + 1) % 10)


def outcome(text: str, told: CardType | None) -> tuple[CardType, FaultCode | None] | FaultCode:
    """Kind and warning of a number that is taken, or why it isn't."""
    read = read_account_no(text, told)
    if isinstance(read, Fault):
        return read.code
    assert read.value == text
    return read.kind, read.warning.code if read.warning else None


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("right", [True, False])
def test_a_passbook_has_any_length_and_no_check_digit(length: int, right: bool) -> None:
    for start in ("", "62"):
        assert outcome(number(length, start, right=right), PASSBOOK) == (PASSBOOK, None)


@pytest.mark.parametrize("length", LENGTHS)
def test_what_is_told_to_be_a_card_is_held_against_luhn_where_cards_have_that_length(length: int) -> None:
    right, wrong = (outcome(number(length, right=each), CARD) for each in (True, False))
    if length in CARD_LENGTHS:
        assert (right, wrong) == ((CARD, None), FaultCode.ACCOUNT_CHECK_DIGIT)
    else:
        assert right == wrong == (CARD, FaultCode.ACCOUNT_LENGTH)


@pytest.mark.parametrize("length", LENGTHS)
def test_what_nobody_has_told_is_a_card_only_with_its_digit(length: int) -> None:
    unionpay, other, right = (
        outcome(digits, None)
        for digits in (number(length, "62", right=False), number(length, right=False), number(length, right=True))
    )
    if length in CARD_LENGTHS:
        assert (unionpay, right) == (FaultCode.ACCOUNT_CHECK_DIGIT, (CARD, None))
        assert other == (PASSBOOK, FaultCode.ACCOUNT_AS_PASSBOOK)
    else:
        warning = None if length == 12 else FaultCode.ACCOUNT_AS_PASSBOOK
        assert unionpay == other == right == (PASSBOOK, warning)


@given(st.from_regex(r"[0-9]{8,30}", fullmatch=True), st.sampled_from([None, CARD, PASSBOOK]))
def test_every_length_is_taken_but_a_card_with_a_wrong_digit(text: str, told: CardType | None) -> None:
    read = read_account_no(text, told)
    if isinstance(read, Fault):
        assert read.code is FaultCode.ACCOUNT_CHECK_DIGIT
        assert len(text) in CARD_LENGTHS
        assert not luhn.is_valid(text)
        assert told is not PASSBOOK
    else:
        assert (read.value, read.kind) == (text, told or card_type_of(text))
        assert text not in repr(read)


@given(st.from_regex(r"[0-9]{1,40}", fullmatch=True))
def test_other_lengths_are_no_account_whatever_is_told(text: str) -> None:
    assume(not 8 <= len(text) <= 30)
    assert {outcome(text, told) for told in (None, CARD, PASSBOOK)} == {FaultCode.ACCOUNT_FORMAT}


def test_the_numbers_of_the_seed_are_taken() -> None:
    """S2 1.1 and 1.2 show them under 卡类型 银行卡."""
    for text in ("510722889900", "5107226677"):
        assert outcome(text, CARD) == (CARD, FaultCode.ACCOUNT_LENGTH)


@pytest.mark.parametrize("text", ["5107 2288 9900 1234 5678 9012 3456 78", "5107-22889900-123", "１"])
def test_groups_are_put_together(text: str) -> None:
    read = read_account_no(text, PASSBOOK)
    if text == "１":
        assert isinstance(read, Fault)
        assert read.code is FaultCode.FULL_WIDTH
    else:
        assert isinstance(read, AccountNo)
        assert read.value == "".join(digit for digit in text if digit.isdigit())


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("5107_2266_7712", FaultCode.ACCOUNT_FORMAT),
        ("-5107 2266 7712", FaultCode.FORMULA),
        ("5107226", FaultCode.ACCOUNT_FORMAT),
        ("5" * 31, FaultCode.ACCOUNT_FORMAT),
        ("6.2022706019107E+18", FaultCode.SCIENTIFIC),
        ("510722667712A", FaultCode.ACCOUNT_FORMAT),
        ("+510722667712", FaultCode.FORMULA),
        ("", FaultCode.REQUIRED),
    ],
)
def test_accounts_that_are_refused(value: str, code: FaultCode) -> None:
    for told in (None, CARD, PASSBOOK):
        read = read_account_no(value, told)
        assert isinstance(read, Fault)
        assert read.code is code


def test_kinds_by_their_words() -> None:
    assert (parse_card_type(" 银行卡 "), parse_card_type("存折")) == (CARD, PASSBOOK)
    unknown = parse_card_type("信用卡")
    assert isinstance(unknown, Fault)
    assert unknown.code is FaultCode.CARD_TYPE_UNKNOWN

"""Names, groups and numbers in one form: what it changes is told, what it can't change is refused."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forms import identity
from models.normal_form import changes, regular, ungrouped
from models.words.faults import Fault, FaultCode
from tests.test_identity import code_of

DROPPED, MAPPED = FaultCode.BLANKS_DROPPED, FaultCode.CHARACTERS_MAPPED


@pytest.mark.parametrize(
    ("given_name", "kept", "told"),
    [
        ("李 梅", "李梅", [DROPPED]),
        ("欧阳\u3000\u00a0春", "欧阳春", [DROPPED]),
        ("阿依古丽 · 买买提", "阿依古丽·买买提", [DROPPED]),
        ("Anna  Lee", "Anna Lee", [DROPPED]),
        ("Anna · Lee", "Anna·Lee", [DROPPED]),
        ("古丽 ·Ali", "古丽·Ali", [DROPPED]),
        ("Anna Lee", "Anna Lee", []),
        ("阿里 Ali", "阿里 Ali", []),
        ("郑\U0002cd8b艳", "郑\U0002cd8b艳", []),
        ("\U0002cd8b 艳", "\U0002cd8b艳", [DROPPED]),
        ("\uf90a金", "金金", [MAPPED]),
        ("王\U0002f8a6", unicodedata.normalize("NFC", "王\U0002f8a6"), [MAPPED]),
        ("王\ufa0e", "王\ufa0e", []),  # a unified one in spite of its block
        ("\u2f29明", "小明", [MAPPED]),
        ("张\ue864", "张\u9fbb", [MAPPED]),
        ("张\ue831", "张\U000215d7", [MAPPED]),
        ("龙\ue863", "龙\ue863", []),  # a private one that nobody has moved
        ("Rene\u0301", "René", []),
        ("\uf90a 明", "金明", [DROPPED, MAPPED]),
    ],
)
def test_a_name_is_kept_in_one_form_and_what_changed_is_told(given_name: str, kept: str, told: list[FaultCode]) -> None:
    assert identity.parse_person_name(f"\u3000{given_name} ") == kept
    assert [each.code for each in changes(given_name)] == told
    assert all(given_name not in each.message for each in changes(given_name))


def test_the_code_points_of_what_was_mapped_are_told() -> None:
    [told] = changes("\uf90a明")
    assert "U+F90A" in told.message
    assert "\uf90a" not in told.message


@pytest.mark.parametrize(
    ("text", "kept"),
    [("5 组", "5组"), ("第 5 组", "第5组"), ("５组", "5组"), ("东\u00a0街", "东街"), ("A 区 2组", "A 区2组")],
)
def test_groups_and_organizations_take_the_same_form(text: str, kept: str) -> None:
    assert identity.parse_group(text) == identity.parse_organization_name(text) == kept
    assert changes(text)


@pytest.mark.parametrize(
    "invisible",
    [
        *("\u3164", "\u115f", "\u1160", "\u034f", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2066", "\ufeff"),
        *("\u00ad", "\u061c", "\u180e", "\ufe0f", "\uffa0", "\U000e0100", "\U000e0041", "\u2800", "\ufffc", "\ufffd"),
    ],
)
def test_what_nobody_sees_is_refused_with_its_place_and_code_point(invisible: str) -> None:
    parsers = (identity.parse_person_name, identity.parse_organization_name, identity.parse_group)
    for parse in parsers:
        for text, place in ((invisible, 1), (f"李{invisible}梅", 2), (f"李梅{invisible}", 3)):
            fault = parse(text)
            assert code_of(fault) is FaultCode.CHARACTERS
            assert isinstance(fault, Fault)
            assert f"第 {place} 个字符（U+{ord(invisible):04X}）" in fault.message


def test_marks_on_han_characters_are_refused_and_on_other_letters_kept() -> None:
    for text, place in (
        ("李\u0301梅", 2),
        ("李\u0301\u0302", 2),
        ("\u0301李", 1),
        ("\ue863\u20dd", 2),
        ("Li李\u302a", 4),
    ):
        fault = identity.parse_person_name(text)
        assert code_of(fault) is FaultCode.CHARACTERS
        assert isinstance(fault, Fault)
        assert f"第 {place} 个字符" in fault.message
    assert identity.parse_person_name("བསོད་ནམས".replace("་", "")) == "བསོདནམས"


@given(
    st.text(st.one_of(st.sampled_from("李梅·  \u3000\u00a05\uf90a\ue854ＡA（e\u0301"), st.characters()), max_size=12)
)
def test_the_form_is_a_form(text: str) -> None:
    kept = regular(text)
    assert regular(kept) == kept
    assert changes(kept) == []


@given(st.text("李梅五组", min_size=1, max_size=6), st.lists(st.integers(0, 6), max_size=4))
def test_blanks_anywhere_make_no_other_name(name: str, places: list[int]) -> None:
    padded = name
    for place in places:
        padded = padded[:place] + "\u3000" + padded[place:]
    assert regular(padded) == name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6222 0000 0000 0000 008", "6222000000000000008"),
        ("6222-0000-0000-0000-008", "6222000000000000008"),
        ("6222\u00a00000\u20020000\u30000000 008", "6222000000000000008"),
        ("6222\u20110000－0000\u22120000–008", "6222000000000000008"),
        (" 510722 667712 ", "510722667712"),
        ("5107\n22667712", "5107\n22667712"),
        ("-5107", "-5107"),
        ("5107-", "5107-"),
    ],
)
def test_groups_of_digits_are_one_number(text: str, number: str) -> None:
    assert ungrouped(text) == number


def test_grouped_ids_and_codes_are_taken() -> None:
    today = date(2026, 11, 26)
    assert identity.parse_citizen_id("500001 19560215 9893", today) == "500001195602159893"
    assert identity.parse_citizen_id("500001-19681210-166x", today) == "50000119681210166X"
    assert identity.parse_credit_code("91 500001 brnytplxg a") == "91500001BRNYTPLXGA"


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("133 3956 5835", "13339565835"),
        ("133-3956-5835", "13339565835"),
        ("+8613339565835", "13339565835"),
        ("+86 133 3956 5835", "13339565835"),
        ("0086-133-3956-5835", "13339565835"),
        ("023 67654321", "02367654321"),
        ("+86 23 6765 4321", "02367654321"),
        ("+86-023-67654321", "02367654321"),
    ],
)
def test_phones_as_people_write_them(text: str, phone: str) -> None:
    assert identity.parse_phone(text) == phone

"""The one form in which names, groups and numbers are kept, whichever way they come in; what it changes is told."""

import re
import unicodedata
from collections.abc import Mapping

from models.words.faults import Fault, FaultCode

# GB18030-2022 moved these from private code points to real ones, as 2005 had moved U+1E3F; old files, fonts and
# decoders (Python's among them) still give the private ones. The last six kept a private two-byte code in the
# standard itself, and are written as the characters that they always meant.
PRIVATE_TO_REAL: Mapping[int, int] = {
    **dict(zip(range(0xE78D, 0xE797), (0xFE10, 0xFE12, 0xFE11, *range(0xFE13, 0xFE1A)), strict=True)),
    **dict(zip((0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864), range(0x9FB4, 0x9FBC), strict=True)),
    0xE7C7: 0x1E3F,
    0xE816: 0x20087,
    0xE817: 0x20089,
    0xE818: 0x200CC,
    0xE831: 0x215D7,
    0xE83B: 0x2298F,
    0xE855: 0x241FE,
}
_FULL_WIDTH: Mapping[int, int] = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_BLANKS = "\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_HYPHENS = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d-"
# 々〆〇 stand among Han characters; a private one is a rare Han character in somebody's font.
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\ue000-\uf8ff\uf900-\ufaff\U00020000-\U0003fffd"
_TIGHT = f"{_HAN}·（）()"
_REGULAR = re.compile(r"[\u4e00-\u9fff0-9A-Za-z·（）()]*")
_MOVED = re.compile(f"[{''.join(map(chr, PRIVATE_TO_REAL))}]")
# CJK compatibility ideographs and Kangxi radicals: other codes for the same characters.
_COMPATIBILITY = re.compile("[\u2f00-\u2fd5\uf900-\ufaff\U0002f800-\U0002fa1f]")
_BLANK = re.compile(f"[{_BLANKS}]+")
# A blank beside a Han character or its · parts nothing, unless a word of another script begins there.
_IDLE_BLANK = re.compile(
    f"(?<=[{_TIGHT}])[{_BLANKS}]+(?=[{_TIGHT}0-9])|(?<=[0-9])[{_BLANKS}]+(?=[{_TIGHT}])|(?<=·)[{_BLANKS}]+|[{_BLANKS}]+(?=·)"
)
_GROUPING = re.compile(f"(?<=[0-9A-Za-z])[{_BLANKS}{_HYPHENS}]+(?=[0-9A-Za-z])")
# Unicode's Default_Ignorable_Code_Point, and what shows as nothing or as "unknown" though it counts as a sign.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ONE_HAN = re.compile(f"[{_HAN}]")


def is_regular(value: str) -> bool:
    """Nearly every name and group is: Chinese characters of the first block, digits, letters and brackets."""
    return _REGULAR.fullmatch(value) is not None


def regular(text: str) -> str:
    """A name or a group in its one form; never fails, so that what is sought meets what is stored."""
    value = text.strip()
    if is_regular(value):
        return value
    value = _written_by_all(value.translate(_FULL_WIDTH))
    return _BLANK.sub(" ", _IDLE_BLANK.sub("", value)).strip()


def real(text: str) -> str:
    """Characters that GB18030 once kept at private code points, at their own."""
    return _MOVED.sub(lambda found: chr(PRIVATE_TO_REAL[ord(found.group())]), text)


def changes(text: str) -> list[Fault]:
    """What `regular` makes of a text, in words for the person who wrote it; they refuse nothing."""
    value, told = text.strip(), []
    if _BLANK.sub(" ", _IDLE_BLANK.sub("", value)) != value:
        told.append(Fault(FaultCode.BLANKS_DROPPED, "多余的空格已去掉，请核对"))
    if codes := "、".join(f"U+{ord(each):04X}" for each in dict.fromkeys(value) if _written_by_all(each) != each):
        words = f"有兼容区或旧编码的字（{codes}），已换成通用编码的同一个字，请核对字形"
        told.append(Fault(FaultCode.CHARACTERS_MAPPED, words))
    if value.translate(_FULL_WIDTH) != value:
        told.append(Fault(FaultCode.CHARACTERS_MAPPED, "全角数字或字母已换成半角，请核对"))
    return told


def unreadable(value: str, label: str) -> Fault | None:
    """An invisible character, or a mark put on a Han character: with its place and code point, never as it is."""
    for place, character in enumerate(value, start=1):
        if _INVISIBLE.match(character):
            return _at(label, place, character, "看不见，请删除后重新填写")
        if unicodedata.category(character)[0] == "M" and _is_on_han(value, place - 1):
            return _at(label, place, character, "是加在汉字上的符号，请删除后重新填写")
    return None


def out_of_place(value: str, label: str, place: int) -> Fault:
    """The character at this place (from 0) can't stand there."""
    return _at(label, place + 1, value[place], "看不见或无法识别，请重新手工填写")


def ungrouped(text: str) -> str:
    """A number without the blanks and hyphens that group its digits, as cards are printed and apps copy them."""
    value = text.strip()
    return value if value.isascii() and value.isalnum() else _GROUPING.sub("", value)


def _written_by_all(value: str) -> str:
    """Moved, compatible and decomposed characters as the one that everybody else writes."""
    value = _COMPATIBILITY.sub(lambda found: unicodedata.normalize("NFKC", found.group()), real(value))
    return unicodedata.normalize("NFC", value)


def _is_on_han(value: str, place: int) -> bool:
    """Marks may follow one another; at the very beginning there is nothing to carry one."""
    bases = [each for each in value[:place] if unicodedata.category(each)[0] != "M"]
    return not bases or _ONE_HAN.match(bases[-1]) is not None


def _at(label: str, place: int, character: str, what: str) -> Fault:
    return Fault(FaultCode.CHARACTERS, f"{label}的第 {place} 个字符（U+{ord(character):04X}）{what}")

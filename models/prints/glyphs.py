"""What the fonts of printed forms hold: PDF/A refuses a character without a glyph, so none may reach the typesetter."""

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pylopdf_fonts_zh_cn as fonts

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
# What typesetters have always put where a character is lacking; its code point follows, so that nobody is mistaken.
LACKING = "〓"
_SEGMENTED = 12
# Tabs, line ends and blanks of any width; what only steers a text (Cf) has no width at all.
_BLANK = {"Cc", "Zl", "Zp", "Zs"}


def printable(value: Json) -> Json:
    """A copy whose texts the fonts can show; a character they lack is 〓 with its code point, as 〓20BB7."""
    if isinstance(value, dict):
        return {key: printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [printable(each) for each in value]
    return "".join(map(_shown, value)) if isinstance(value, str) else value


def _shown(character: str) -> str:
    if ord(character) in shown_points():
        return character
    category = unicodedata.category(character)
    if category == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return ""
    return " " if category in _BLANK else f"{LACKING}{ord(character):04X}"


@cache
def shown_points() -> frozenset[int]:
    """The code points that both faces show."""
    return _covered(fonts.sans_path()) & _covered(fonts.serif_path())


def _covered(path: Path) -> frozenset[int]:
    return frozenset(point for first, last in _segments(path.read_bytes()) for point in range(first, last + 1))


def _segments(font: bytes) -> Iterator[tuple[int, int]]:
    """First and last code point of each segment of the font's table `cmap` (OpenType, subtable format 12)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    offsets = {font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0] for at in range(12, 12 + 16 * tables, 16)}
    cmap = offsets[b"cmap"]
    (subtables,) = struct.unpack_from(">H", font, cmap + 2)
    for place in range(subtables):
        start = cmap + struct.unpack_from(">I", font, cmap + 4 + 8 * place + 4)[0]
        if struct.unpack_from(">H", font, start)[0] == _SEGMENTED:
            (segments,) = struct.unpack_from(">I", font, start + 12)
            for segment in range(segments):
                yield struct.unpack_from(">II", font, start + 16 + 12 * segment)
            return

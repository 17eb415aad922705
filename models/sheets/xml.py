"""Parts of an xlsx as the XML they are, read piece by piece."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn
from xml.parsers import expat

from models.words.faults import FaultCode, FileError

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")

Attributes = Mapping[str, str]


def damaged() -> FileError:
    return FileError(
        FaultCode.FILE_DAMAGED, "文件已损坏或内容不符合 xlsx 格式，请用 Excel 或 WPS 打开后另存为 .xlsx 再上传"
    )


def parse(
    xml: Iterable[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    characters: Callable[[str], None] | None = None,
) -> None:
    """One pass over a part's pieces, names without prefix. A DOCTYPE is refused: only entity bombs have one."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    parser.CharacterDataHandler = characters
    try:
        for piece in xml:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise damaged() from error


def _refuse_doctype(*_: object) -> NoReturn:
    raise damaged()


def unescaped(text: str) -> str:
    """`_x000D_` and the like as the characters that they stand for (ECMA-376 22.9.2.19, ST_Xstring)."""
    if "_x" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
    # characters beyond the first plane are escaped in two halves; a half alone is no character
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def elements(xml: Iterable[bytes], wanted: str) -> list[Attributes]:
    """The attributes of every element of that name."""
    found: list[Attributes] = []

    def start(name: str, attributes: Attributes) -> None:
        if name == wanted:
            found.append(attributes)

    parse(xml, start)
    return found

"""Forms as PDF/A-2b: a typst template beside this module, filled with data that is never read as markup."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pylopdf_fonts_zh_cn as fonts
import segno
import typst

from models.prints.glyphs import LACKING, Json, printable
from models.prints.templates import Template

_FOLDER = Path(__file__).resolve().parent
QR = "qr"


def typeset(template: Template, data: dict[str, Json]) -> bytes:
    """The same data are the same bytes: `dated` (seconds since 1970) is the only time in them.

    `qr` is the text of a QR code. typst.TypstError where something is wrong with the template.
    """
    filled = printable(data)
    assert isinstance(filled, dict)
    dated = filled["dated"]
    assert isinstance(dated, int)
    filled[QR] = _qr(str(data.get(QR) or ""))
    filled["lacking"] = LACKING in json.dumps(filled, ensure_ascii=False)
    return typst.compile(
        str(_FOLDER / f"{template}.typ"),
        root=str(_FOLDER),
        font_paths=[str(fonts.sans_path().parent)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(filled, ensure_ascii=False)},
        pdf_standards="a-2b",
        timestamp=datetime.fromtimestamp(dated, UTC),
    )


def _qr(text: str) -> str:
    """As SVG, which the template takes as a picture; nothing where there is none."""
    if not text:
        return ""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="svg", border=0)
    return picture.getvalue().decode()

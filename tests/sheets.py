"""An exported list, read as its reader's program would."""

import io

import httpx
import openpyxl  # type: ignore[import-untyped]


def table(answer: httpx.Response) -> list[dict[str, object]]:
    """The rows of an Excel answer by their Chinese headings, in order."""
    assert answer.status_code == 200, answer.text
    headings, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
    return [dict(zip(headings, row, strict=True)) for row in rows]

"""Lists for the notice board, masked, a village a sheet: of whom a batch is about, of whom a flow has paid."""

from collections.abc import Sequence
from itertools import groupby

from api.prints.printed import count_of, yuan_of
from api.server.problems import Problem, conflict
from models.prints.village_list import Column, Village
from models.words.refusals import Refusal

# Two seconds and 320 MiB of the typesetter.
MOST_ROWS = 5_000
# A row: its village, its amount, its cells.
Line = tuple[str, int, list[str]]


def column(label: str, width: int = 0, *, right: bool = False) -> Column:
    """`width` in mm; 0 takes what is left."""
    return {"label": label, "width": width, "right": right}


def villages_of(lines: Sequence[Line]) -> list[Village]:
    """In the order of the lines; refused where there are none, or more than one print takes."""
    if not lines:
        raise conflict(Refusal.NOTHING_TO_PRINT, "没有可以打印的内容", "没有符合条件的申请，请核对所选的乡镇和村")
    if len(lines) > MOST_ROWS:
        detail = f"一次最多打印 {MOST_ROWS} 行，请选择乡镇或村分几次打印"
        raise Problem(422, Refusal.PRINT_TOO_LARGE, "要打印的行数太多", detail)
    return [_village(place, list(found)) for place, found in groupby(lines, key=lambda line: line[0])]


def _village(place: str, lines: Sequence[Line]) -> Village:
    return {
        "place": place,
        "rows": [[str(number), *cells] for number, (_, _, cells) in enumerate(lines, 1)],
        "count": count_of(len(lines)),
        "total": yuan_of(sum(fen for _, fen, _ in lines)),
    }

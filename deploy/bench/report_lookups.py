"""What was measured of lists, searches and figures in a province of a million applications, as rows of the table."""

from collections.abc import Sequence

from deploy.bench.lookups import Lookups, Took
from deploy.bench.lookups_asked import Kind
from deploy.bench.report_rows import Row

# Milliseconds: alone, and of ten callers; of a list the median and the 95th of a hundred.
LIST_ALONE, LIST_TEN, FIGURES_ALONE, FIGURES_TEN = 200, 500, 300, 1_000


def lookup_rows(found: Lookups) -> list[Row]:
    return [*_rows(found, Kind.LIST, LIST_ALONE, LIST_TEN), *_rows(found, Kind.FIGURES, FIGURES_ALONE, FIGURES_TEN)]


def _rows(found: Lookups, kind: Kind, alone: float, ten: float) -> list[Row]:
    """The slowest of all; and each that is beyond its bound."""
    took = [each for each in found.took if each.asked.kind is kind]
    if not took:
        return []
    slow = [each for each in took if each.alone > alone or each.ten_p95 > ten]
    words = {Kind.LIST: "列表、筛选和查找", Kind.FIGURES: "合计"}[kind]
    all_of_them = Row(
        f"{found.applications:,} 份申请：{len(took)} 种{words}，最慢的",
        f"{_slowest(took, 'alone')} 毫秒",
        f"十人同时（p95）{_slowest(took, 'ten_p95')} 毫秒",
        f"≤ {alone:g} 毫秒，十人 ≤ {ten:g} 毫秒",
        not slow,
    )
    return [all_of_them, *(_row(each, alone, ten) for each in slow)]


def _slowest(took: Sequence[Took], which: str) -> str:
    slowest = max(took, key=lambda each: float(getattr(each, which)))
    return f"{slowest.asked.name} {getattr(slowest, which):.0f}"


def _row(took: Took, alone: float, ten: float) -> Row:
    beside = f"十人同时 {took.ten:.0f}（p95 {took.ten_p95:.0f}）毫秒"
    return Row(f"　{took.asked.name}", f"{took.alone:.0f} 毫秒", beside, f"≤ {alone:g}，十人 ≤ {ten:g}", False)

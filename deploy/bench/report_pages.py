"""What was measured of the pages, as rows of the table."""

from deploy.bench.pages import Pages
from deploy.bench.report_rows import Row
from deploy.bench.slow_line import Visit, Visits


def page_rows(pages: Pages) -> list[Row]:
    return [*_server(pages), *_slow_line(pages.visits)]


def _server(pages: Pages) -> list[Row]:
    far = pages.far_ms / pages.list_ms
    return [
        _at_most(f"页面：{pages.lines:,} 份申请中的一页 50 条（p95）", pages.list_ms, 100, "毫秒"),
        Row("　接近末尾的一页，对第一页", f"{pages.far_ms:.0f} 毫秒", f"{far:.2f} 倍", "≤ 1.5 倍", far <= 1.5),
        _at_most("　筛选结果的合计（随后载入）", pages.figures_ms, 300, "毫秒"),
        _at_most("　待办", pages.to_dos_ms, 250, "毫秒"),
        _at_most("　按姓名查找", pages.search_ms, 200, "毫秒"),
        _at_most("　一页的用时，对它向接口提的几个问题", pages.of_its_questions, 1.5, "倍", ".2f"),
        Row(
            "　全部导出",
            f"{pages.export_seconds:.1f} 秒",
            f"API 内存增 {pages.export_mib:.0f} MiB",
            "≤ 15 秒，内存不增（≤ 32 MiB）",
            pages.export_seconds <= 15 and pages.export_mib <= 32,
        ),
        _at_most("　导出时其他请求最长的一次", pages.export_delay_ms, 200, "毫秒"),
        _at_most("　200 个打开的页面每 3 秒一问时的待办（p95）", pages.busy_to_dos_ms, 500, "毫秒"),
    ]


def _slow_line(visits: Visits) -> list[Row]:
    return [
        _visit("慢线路（400 kbit/s、400 毫秒、处理器慢 4 倍）首次打开列表", visits.first, 75, 3.0, 3.5),
        _visit("　再次打开", visits.again, 12, 1.5, 1.5),
        _at_most("　下一页", visits.next_page_seconds, 1.6, "秒", ".1f"),
        _visit("　公民首页，首次打开", visits.citizen, 65, 3.0, 3.5),
        _at_most("　列表页的节点", visits.first.nodes, 1500, "个"),
    ]


def _visit(what: str, visit: Visit, kib: float, painted: float, usable: float) -> Row:
    return Row(
        what,
        f"{visit.kib:.1f} KiB，{visit.painted:.1f} 秒见到，{visit.usable:.1f} 秒可用",
        "",
        f"≤ {kib:g} KiB、{painted:g} 秒、{usable:g} 秒",
        visit.kib <= kib and visit.painted <= painted and visit.usable <= usable,
    )


def _at_most(what: str, found: float, bound: float, unit: str, shown: str = ".0f") -> Row:
    return Row(what, f"{found:{shown}} {unit}", "", f"≤ {bound:g} {unit}", found <= bound)

"""What is always true of a county's flows, lines and indicators, read from the rows."""

from collections.abc import Callable, Iterator
from typing import Any

Rows = Callable[[str], list[tuple[Any, ...]]]
# Whose lines have been moved out (python -m deploy.years): figures stay, there is nothing here to hold them against.
IS_MOVED = "EXISTS (SELECT FROM moved_year y WHERE y.county_code = {0}.county_code AND {0}.fund_year <= y.fund_year)"
GONE = "('withdrawn', 'deferred', 'cancelled')"
# Each finds what must not be; the first column says where.
NEVER: dict[str, str] = {
    "reserved and paid of an indicator are its lines'": f"""
        SELECT i.indicator_no, i.reserved_fen, i.paid_fen, i.total_fen FROM indicator i LEFT JOIN flow_line l
          ON l.indicator_id = i.id WHERE NOT {IS_MOVED.format("i")} GROUP BY i.id
        HAVING i.reserved_fen <> coalesce(sum(l.amount_fen) FILTER (WHERE l.money = 'reserved'), 0)
          OR i.paid_fen <> coalesce(sum(l.amount_fen) FILTER (WHERE l.money = 'paid'), 0)
          OR i.reserved_fen < 0 OR i.paid_fen < 0 OR i.reserved_fen + i.paid_fen > i.total_fen""",
    "of a moved year an indicator has what its flows have, and the flows what was moved": f"""
        SELECT i.indicator_no, i.paid_fen::text, i.reserved_fen::text FROM indicator i
        WHERE {IS_MOVED.format("i")} AND (i.reserved_fen <> 0 OR i.paid_fen <> (
          SELECT coalesce(sum(t.fen), 0) FROM flow_tally t WHERE t.indicator_id = i.id AND t.money = 'paid'))
        UNION ALL SELECT y.county_code, y.fund_year::text, y.paid_fen::text FROM moved_year y
        WHERE y.written_at IS NOT NULL AND (y.lines, y.fen, y.paid_fen) IS DISTINCT FROM ROW(
          (SELECT sum(lines) FROM moved_part p WHERE (p.county_code, p.fund_year) = (y.county_code, y.fund_year)),
          (SELECT sum(fen) FROM moved_part p WHERE (p.county_code, p.fund_year) = (y.county_code, y.fund_year)),
          (SELECT coalesce(sum(t.fen), 0) FROM flow_tally t JOIN flow f ON f.id = t.flow_id WHERE t.money = 'paid'
            AND (f.county_code, f.fund_year) = (y.county_code, y.fund_year)))""",
    "an application is paid at most once": """
        SELECT a.application_no, sum(l.amount_fen), a.amount_fen FROM application a
          JOIN flow_line l ON l.application_id = a.id
        WHERE l.payment = 'paid' GROUP BY a.id HAVING count(*) > 1 OR sum(l.amount_fen) > a.amount_fen""",
    "a line under review is in the one open round": """
        SELECT l.application_no, l.state FROM flow_line l WHERE (l.state = 'under_review') AND NOT EXISTS (
          SELECT 1 FROM dataset_line d JOIN dataset s ON s.id = d.dataset_id WHERE s.flow_id = l.flow_id
          AND d.application_id = l.application_id AND s.stage NOT IN ('reviewed', 'refused'))""",
    "an accepted line has a payment state and no other line has": """
        SELECT application_no, state, payment FROM flow_line WHERE (state = 'accepted') <> (payment IS NOT NULL)""",
    "a line that left its flow holds no money": f"""
        SELECT application_no, state, money FROM flow_line WHERE state IN {GONE} AND money <> 'released'""",
    "a paid flow that has ended has no line on its way": """
        SELECT l.application_no, l.state, l.payment FROM flow_line l JOIN flow f ON f.id = l.flow_id
        WHERE f.stage = 'ended' AND (f.outcome = 'disbursed' AND (l.state NOT IN ('accepted', 'withdrawn', 'deferred')
          OR l.payment = 'awaiting' OR l.payment = 'failed' AND l.money <> 'released')
          OR f.outcome <> 'disbursed' AND l.state NOT IN ('withdrawn', 'deferred', 'cancelled'))""",
    "an application is in a flow exactly while a line of it lives there": f"""
        SELECT a.application_no, a.stage FROM application a WHERE (a.stage = 'in_flow') <> EXISTS (
          SELECT 1 FROM flow_line l JOIN flow f ON f.id = l.flow_id WHERE l.application_id = a.id
          AND (f.stage <> 'ended' AND l.state NOT IN {GONE} AND l.payment IS DISTINCT FROM 'paid'
            OR l.payment = 'unresolved'))""",
    "a newer result decides a line": """
        SELECT l.application_no, l.payment, n.status FROM flow_line l JOIN LATERAL (SELECT p.status FROM payment p
          WHERE p.flow_line_id = l.id ORDER BY p.sequence DESC, p.id DESC LIMIT 1) n ON true
        WHERE l.state = 'accepted' AND l.payment <> n.status""",
    "an order done has its figures": """
        SELECT o.order_no, o.state, o.done_count, o.line_count FROM operator_order o
        WHERE o.done_count > o.line_count OR o.done_fen > o.total_fen""",
}
ENDED = f"""
SELECT f.flow_no, concat_ws(' ', count(*), sum(l.amount_fen), f.end_figures,
  string_agg(l.application_no || l.state || l.attempt, ',' ORDER BY l.id))
FROM flow f JOIN flow_line l ON l.flow_id = f.id WHERE f.stage = 'ended' AND NOT {IS_MOVED.format("f")} GROUP BY f.id
"""
ALL = " UNION ALL ".join(
    [f"SELECT $${what}$$ AS what, x::text FROM ({statement}) AS x" for what, statement in NEVER.items()]
    + [f"SELECT 'ended', e.flow_no || '|' || e.concat_ws FROM ({ENDED}) AS e"]
)


class Books:
    """Also remembers ended flows: a later one never changes an earlier one's lines, states and end figures."""

    def __init__(self) -> None:
        self._ended: dict[str, str] = {}
        self._right_at = ""

    def check(self, rows: Rows) -> str:
        """Who waits looks many times a second: as long as nobody has written, what was right is. Gives the moment."""
        [(moment,)] = rows("SELECT pg_current_snapshot()::text")
        if moment != self._right_at:
            assert list(self.found(rows)) == []
            self._right_at = str(moment)
        return self._right_at

    def found(self, rows: Rows) -> Iterator[str]:
        """What must not be, in words."""
        for what, row in rows(ALL):
            flow_no, _, figures = row.partition("|")
            if what != "ended":
                yield f"{what}: {row}"
            elif self._ended.setdefault(flow_no, figures) != figures:
                yield f"{flow_no} has ended, and changed since"

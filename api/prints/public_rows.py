"""Whom a batch makes public, and in which words: one list, printed for the notice board and shown on the open page."""

from datetime import date, timedelta
from typing import NamedTuple

# Lines of `application a`. What nobody has reviewed isn't public yet, though it may name its batch already; who was
# withdrawn is nobody's business any more.
PUBLIC_LINES = "a.batch_id = :batch AND a.stage NOT IN ('draft', 'in_review', 'withdrawn', 'closed')"
PUBLIC_ROWS = f"""
SELECT a.application_no, a.name_sealed, a.id_number_sealed, a.town_code, a.village_code, a.group_name, a.item_code,
  a.amount_fen
FROM application a
WHERE {PUBLIC_LINES}
"""
PUBLIC_NOTICE = (
    "姓名和证件号已按规定遮掩。对以上内容有异议的，请在公示期内向村（社区）、乡镇（街道）或本县经办部门反映。"
)


class PublicRow(NamedTuple):
    application_no: str
    name_sealed: str
    id_number_sealed: str
    town_code: str
    village_code: str
    group_name: str | None
    item_code: str
    amount_fen: int


def public_title(fund_year: int) -> str:
    return f"{fund_year} 年度补贴公示表"


def last_public_day(start: date, days: int) -> date:
    """The last of the days that a list has to be public for."""
    return start + timedelta(days=max(days - 1, 0))

"""汇总审批表: what `summary_form.typ` is filled with, texts as they are printed (CONSOLE 2.7)."""

from typing_extensions import TypedDict


class Row(TypedDict):
    """Of an indicator, a town or a bank."""

    name: str
    count: str
    amount: str


class SummaryForm(TypedDict):
    draft: bool  # 草稿 across: the figures may still change
    dated: int  # seconds since 1970, the only time in the file
    date: str
    county: str
    fund_year: str
    batch: str
    flow: str
    number: str
    policies: list[str]
    count: str
    households: str
    total: str
    capitals: str
    indicators: list[Row]
    towns: list[Row]
    banks: list[Row]
    check_code: str
    qr: str

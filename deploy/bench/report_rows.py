"""One row of the table of measured figures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure beside what it is held against; `kept` is None where there is no bound."""

    what: str
    product: str
    beside: str
    bound: str
    kept: bool | None

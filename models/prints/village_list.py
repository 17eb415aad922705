"""A list for the notice board, a village a sheet: what `village_list.typ` is filled with, people masked."""

from typing_extensions import TypedDict


class Column(TypedDict):
    label: str
    width: int  # mm; 0 takes what is left
    right: bool


class Village(TypedDict):
    place: str
    rows: list[list[str]]
    count: str
    total: str


class VillageList(TypedDict):
    draft: bool
    dated: int  # seconds since 1970, the only time in the file
    title: str
    county: str
    number: str
    facts: list[list[str]]  # label and value
    columns: list[Column]  # of each row
    villages: list[Village]
    notice: str
    check_code: str
    qr: str

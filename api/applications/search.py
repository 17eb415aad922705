"""Finding applications, and what was paid for them, by what a person is known by."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from api.counter.desk import Desk
from api.counter.roles import own
from api.counter.sought import SoughtPerson
from models.store.selection import MOST_NUMBERS, LineFilter, Predicate, Word, all_of, among, filtered, of_county
from models.store.vault import Field as Sealed
from models.store.vault import name_index


class Sought(SoughtPerson):
    filter: LineFilter | None = None
    application_nos: Annotated[
        list[Word] | None, Field(min_length=1, max_length=MOST_NUMBERS, description="这些编号中的")
    ] = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.name or self.id_number or self.account_no or self.application_nos):
            raise ValueError("请至少给出姓名、证件号、账号、申请编号中的一项")
        return self


class Rows(StrEnum):
    """Where the values of a person stand: in an application, or in the copy that a flow pays."""

    APPLICATION = "application"
    FLOW_LINE = "flow_line"


# A line's person is its application's for ever, and those are indexed by person.
_PERSON = {
    Rows.APPLICATION: "a.person_index = :sought_person",
    Rows.FLOW_LINE: "a.application_id IN (SELECT id FROM application WHERE county_code = :county"
    " AND person_index = :sought_person)",
}


def found_lines(desk: Desk, sought: Sought) -> Predicate:
    """The applications that are sought, of those that the caller may see."""
    by_account = not (sought.name or sought.id_number or sought.application_nos)
    county = among if sought.application_nos else of_county
    chosen = all_of("county_code", "county", desk.county) if by_account else county(desk.county)
    if sought.filter:
        # a person's are fewer than any stage's
        chosen = replace(filtered(desk.county, sought.filter, desk.for_whom), stages=())
    if sought.application_nos:
        chosen = chosen.also("a.application_no = ANY(:sought_numbers)", sought_numbers=sought.application_nos)
    return of_person(desk, own(desk, chosen), sought, Rows.APPLICATION)


def of_person(desk: Desk, chosen: Predicate, sought: SoughtPerson, rows: Rows) -> Predicate:
    """Of chosen rows of the county, bound as `county`, those of the person who is sought."""
    if sought.id_number:
        person = desk.vault.index(Sealed.ID_NUMBER, sought.id_number)
        chosen = chosen.also(_PERSON[rows], sought_person=person)
    if sought.account_no:
        account = desk.vault.index(Sealed.ACCOUNT, sought.account_no)
        same = chosen.narrowed if rows is Rows.APPLICATION else chosen.also
        chosen = same("a.account_index = :sought_account", sought_account=account)
    if sought.name:
        chosen = chosen.also("a.name_index = :sought_name", sought_name=name_index(desk.vault, sought.name))
    return chosen

"""Finding applications, and what was paid for them, by what a person is known by."""

from enum import StrEnum

from api.counter.desk import Desk
from api.counter.roles import own
from api.counter.sought import SoughtPerson
from models.store.selection import LineFilter, Predicate, filtered, of_county
from models.store.vault import Field, name_index


class Sought(SoughtPerson):
    filter: LineFilter | None = None


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
    chosen = filtered(desk.county, sought.filter, desk.for_whom) if sought.filter else of_county(desk.county)
    return of_person(desk, own(desk, chosen), sought, Rows.APPLICATION)


def of_person(desk: Desk, chosen: Predicate, sought: SoughtPerson, rows: Rows) -> Predicate:
    """Of chosen rows of the county, bound as `county`, those of the person who is sought."""
    if sought.id_number:
        person = desk.vault.index(Field.ID_NUMBER, sought.id_number)
        chosen = chosen.also(_PERSON[rows], sought_person=person)
    if sought.account_no:
        account = desk.vault.index(Field.ACCOUNT, sought.account_no)
        chosen = chosen.also("a.account_index = :sought_account", sought_account=account)
    if sought.name:
        chosen = chosen.also("a.name_index = :sought_name", sought_name=name_index(desk.vault, sought.name))
    return chosen

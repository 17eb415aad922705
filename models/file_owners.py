"""What a stored file belongs to, and who may see that (the console's table of menus and roles)."""

from collections.abc import Mapping

from models.wire.vocabulary import Word
from models.words.staff import Role


class FileOf(Word):
    # nothing yet: the person who brought it
    PERSON = "person"
    POLICY = "policy"
    PUBLICITY = "publicity"
    SUMMARY = "summary"
    SETTLEMENT = "settlement"
    VILLAGE_ENTRY = "village_entry"
    CORRECTION = "correction"
    OBJECTION = "objection"


_COUNTY = frozenset({Role.COUNTY_ADMIN, Role.OPERATOR, Role.REVIEWER})
# A bank's proof and people's photos are nobody's who reads masked.
OPENED_BY: Mapping[FileOf, frozenset[Role]] = {
    FileOf.PERSON: frozenset(),
    FileOf.POLICY: _COUNTY | {Role.OPS, Role.AUDITOR},
    FileOf.PUBLICITY: _COUNTY | {Role.AUDITOR},
    FileOf.SUMMARY: _COUNTY | {Role.AUDITOR},
    FileOf.SETTLEMENT: _COUNTY,
    FileOf.VILLAGE_ENTRY: frozenset({Role.OPERATOR, Role.REVIEWER}),
    FileOf.CORRECTION: frozenset({Role.OPERATOR, Role.REVIEWER}),
    FileOf.OBJECTION: frozenset({Role.OPERATOR, Role.REVIEWER}),
}

"""A choice of applications, by number or by a filter, told as one predicate of SQL over the alias `a`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.store.registered import NOTED_OTHER_ACCOUNT, OTHER_ACCOUNT, REPAYABLE
from models.store.sql import TO_THE_END, Value, looked_at, one_of
from models.wire.words import ApplicantKind, Outcome
from models.words.flow_words import Foreseen, PreFlightAct
from models.words.refusals import RefusalCode
from models.words.staff import Role
from models.words.stages import ApplicationStage, Verification

# PostgreSQL takes no NUL in a text.
NO_NUL = r"^[^\x00]*$"
Word = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=NO_NUL)]
MOST_NUMBERS = 5_000

# The bank card's picture belongs to what is reviewed (S1 2.1, 2.2).
HAS_CARD_PHOTO = one_of("FROM application_photo p WHERE p.application_id = a.id AND p.kind = 'bank_card'")
_CRITERIA: Mapping[str, str] = {
    "stage": "(a.stage = :f_stage) IS TRUE",
    "batch_no": "a.batch_id = (SELECT id FROM batch WHERE batch_no = :f_batch_no)",
    "list_no": "a.list_id = (SELECT id FROM beneficiary_list WHERE list_no = :f_list_no)",
    "import_no": "a.import_id = (SELECT id FROM application_import WHERE import_no = :f_import_no)",
    "fund_year": "a.fund_year = :f_fund_year",
    "town_code": "a.town_code = :f_town_code",
    "item_code": "a.item_code = :f_item_code",
    "bank_code": "a.bank_code = :f_bank_code",
    "applicant_kind": "a.applicant_kind = :f_applicant_kind",
    "match_outcome": "a.match_outcome = :f_match_outcome",
    "verification": "a.verification = :f_verification",
    "approved": "(a.reviewed_by IS NOT NULL) = :f_approved",
    "repayable": f"{REPAYABLE} = :f_repayable",
    "other_account": f"{OTHER_ACCOUNT} = :f_other_account",
    "bank_card_photo": f"{HAS_CARD_PHOTO} = :f_bank_card_photo",
    "application_no": "a.application_no = :f_application_no",
    "village_code": "a.village_code = :f_village_code",
    "returned": "(a.stage = 'draft' AND a.returned_reason_sealed IS NOT NULL) = :f_returned",
    "open": "(a.stage NOT IN ('paid', 'evidence_sent', 'withdrawn', 'closed')) = :f_open",
    # whole days in China, both included
    "updated_since": "a.updated_at >= CAST(:f_updated_since AS date)::timestamp AT TIME ZONE 'Asia/Shanghai'",
    "updated_until": "a.updated_at < (CAST(:f_updated_until AS date) + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'",
}
# What `application_standing` tells of an application too, by columns of the same names.
_OF_STANDINGS = frozenset({"stage", "match_outcome", "approved", "entered_by", "open", "to_do"})
# Parts of a county with an index of their own, which gives the order.
_PARTS = frozenset({"batch_no", "list_no", "import_no"})
# What is found sooner than by stage: where a county's own entries tell of it, and what is noted by itself.
_FOUND = frozenset({"application_no", "town_code", "bank_code", "village_code", "other_account"})
_OVER = (ApplicationStage.PAID, ApplicationStage.EVIDENCE_SENT, ApplicationStage.WITHDRAWN, ApplicationStage.CLOSED)
_OPEN = tuple(stage.value for stage in ApplicationStage if stage not in _OVER)
# What the for_whom's role goes on with by itself; nobody reviews what the own hand has made.
_TO_DO: Mapping[Role, str] = {
    Role.OPERATOR: "({0}.stage IN ('draft', 'unmatched', 'matched', 'pending_settlement')"
    " OR {0}.stage = 'in_review' AND {0}.reviewed_by IS NOT NULL OR {0}.stage = 'publicised' AND {0}.list_id IS NULL)",
    Role.REVIEWER: "({0}.stage = 'in_review' AND {0}.reviewed_by IS NULL"
    " AND NOT ({0}.entered_by = :for_whom OR :for_whom = ANY({0}.edited_by)))",
    Role.APPLICANT: "{0}.stage = 'draft'",
}
_STAGES_TO_DO: Mapping[Role, tuple[str, ...]] = {
    Role.OPERATOR: ("draft", "unmatched", "matched", "pending_settlement", "in_review", "publicised"),
    Role.REVIEWER: ("in_review",),
    Role.APPLICANT: ("draft",),
}
# They tell what the register has of a person, whose application anybody may have entered.
OF_REGISTER = frozenset({"f_repayable", "f_other_account"})


class LineFilter(BaseModel):
    """What a list of applications can be narrowed by; all given criteria hold at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: ApplicationStage | None = None
    batch_no: Word | None = None
    list_no: Word | None = None
    import_no: Word | None = None
    fund_year: Annotated[int, Field(ge=2000, le=2099)] | None = None
    town_code: Word | None = None
    item_code: Word | None = None
    bank_code: Word | None = None
    applicant_kind: ApplicantKind | None = None
    match_outcome: Outcome | None = None
    verification: Verification | None = None
    approved: bool | None = None
    repayable: bool | None = None
    other_account: bool | None = None
    bank_card_photo: bool | None = None
    application_no: Word | None = None
    village_code: Word | None = None
    entered_by: Annotated[Literal["me"] | None, Field(description="me：本人录入的")] = None
    returned: Annotated[bool | None, Field(description="审核退回、尚未重新提交的")] = None
    open: Annotated[bool | None, Field(description="在办：尚未发放、撤回或关闭的")] = None
    to_do: Annotated[bool | None, Field(description="待当前身份办理的")] = None
    updated_since: Annotated[date | None, Field(description="更新日期，从这一天起")] = None
    updated_until: Annotated[date | None, Field(description="更新日期，到这一天止")] = None

    @property
    def criteria(self) -> dict[str, str | int | bool]:
        return self.model_dump(mode="json", exclude_none=True)


class ForeseenLines(BaseModel):
    """All lines of one kind that 预检 tells of: of a batch, or of all that is publicised in a fund year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    act: Annotated[PreFlightAct, Field(description="将要办理的")]
    kind: Annotated[Foreseen, Field(description="预计的原因")]
    batch_no: Word | None = None
    fund_year: Annotated[int, Field(ge=2000, le=2099)] | None = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if (self.batch_no is None) == (self.fund_year is None):
            raise ValueError("请写明批次，或资金年度，二者取一")
        if self.fund_year is not None and self.act is not PreFlightAct.INITIALISATION:
            raise ValueError(f"{self.act.label}按批次办理，请写明批次")
        return self


class Selection(BaseModel):
    """The lines that an act is about: named one by one, all that a filter finds, or all that 预检 tells of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_nos: list[Word] | None = None
    filter: LineFilter | None = None
    foreseen: ForeseenLines | None = None

    @model_validator(mode="after")
    def _one_of_these(self) -> Self:
        if [self.application_nos, self.filter, self.foreseen].count(None) != 2:
            raise ValueError("请给出申请编号清单、筛选条件或预检的一类，三者取一")
        if self.application_nos is not None and not 1 <= len(self.application_nos) <= MOST_NUMBERS:
            raise ValueError(f"申请编号须为 1 至 {MOST_NUMBERS} 个；更多请用筛选条件")
        if self.filter is not None and not self.filter.criteria:
            raise ValueError("请至少给出一个筛选条件")
        return self

    @property
    def is_named(self) -> bool:
        return self.application_nos is not None


@dataclass(frozen=True)
class Predicate:
    """A condition over `application a` and the values that it binds.

    `order`: what a list of it goes by, the id at last; `joined`: what stands in it beside `a`. `stages`: all that it
    finds is in one of these, for which `standing` holds too, over `application_standing s`: a page is found along them.
    """

    sql: str
    values: Mapping[str, Value]
    order: tuple[str, ...] = ("a.id",)
    joined: str = ""
    stages: tuple[str, ...] = ()
    standing: str = "true"

    @property
    def where(self) -> str:
        """What follows a statement's tables."""
        return f"{self.joined} WHERE {self.sql}"

    @property
    def summed(self) -> str:
        """The same for sums over all of it, along the entries that give a list its order."""
        order = ", ".join(self.order)
        return self.where if order == "a.id" else f"{self.where} ORDER BY {order} {TO_THE_END}"

    def also(self, sql: str, **values: Value) -> "Predicate":
        return replace(self, sql=f"{self.sql} AND {sql}", values={**self.values, **values})

    def narrowed(self, sql: str, **values: Value) -> "Predicate":
        """By what no index tells."""
        return self.also(looked_at(sql), **values)


def all_of(column: str, name: str, value: Value) -> Predicate:
    """All rows of a county or a flow, to be listed in the order of their ids.

    Told as a set of one, and ordered by it: only an index that begins with the column gives that order. By `=` the
    primary key gives it too, and where few counties are known of the planner takes it: a page of rare rows then walks
    through everybody's.
    """
    return Predicate(f"a.{column} = ANY(ARRAY[:{name}])", {name: value}, (f"a.{column}", "a.id"))


def _standing(county_code: str, stage: str) -> Predicate:
    """The county's applications of one stage, by where they stand.

    The application's own columns are what counts: of one that is being changed meanwhile they are read anew.
    """
    sql = (
        "s.county_code = ANY(ARRAY[:county]) AND s.stage = ANY(ARRAY[:standing]) AND (a.county_code = :county) IS TRUE"
    )
    order = ("s.county_code", "s.stage", "s.application_id")
    joined = " JOIN application_standing s ON s.application_id = a.id"
    return Predicate(sql, {"county": county_code, "standing": stage}, order, joined)


def of_county(county_code: str) -> Predicate:
    return Predicate("a.county_code = :county", {"county": county_code})


def among(county_code: str) -> Predicate:
    """The same of rows that are told one by one: along the county's, each of these would be held against thousands."""
    return Predicate("(a.county_code = :county) IS TRUE", {"county": county_code})


class ForWhom(NamedTuple):
    """Who is meant by `entered_by=me`, and whose turn it is by `to_do`."""

    person: str
    role: Role


def _walked(county_code: str, criteria: LineFilter, role: Role) -> Predicate:
    """Where a filter's applications are looked for: in a part of the county, in some stages, or in all of it."""
    if not _PARTS.isdisjoint(criteria.criteria):
        return of_county(county_code)
    every = all_of("county_code", "county", county_code)
    if not _FOUND.isdisjoint(criteria.criteria):
        return every
    if stage := _stage_of(criteria):
        return _standing(county_code, stage)
    standing = _TO_DO[role].format("s") if criteria.to_do and role in _TO_DO else "true"
    return replace(every, stages=_stages_of(criteria, role), standing=standing)


def _stages_of(criteria: LineFilter, role: Role) -> tuple[str, ...]:
    """The stages that a filter finds applications in, where it is about some."""
    if stage := _stage_of(criteria):
        return (stage.value,)
    if criteria.to_do and role in _TO_DO:
        return _STAGES_TO_DO[role]
    return _OPEN if criteria.open else ()


def _stage_of(criteria: LineFilter) -> ApplicationStage | None:
    """The one stage that a filter finds applications in."""
    if criteria.returned:
        return ApplicationStage.DRAFT
    return ApplicationStage.FAILED if criteria.repayable else criteria.stage


def filtered(county_code: str, criteria: LineFilter, for_whom: ForWhom) -> Predicate:
    """The county's applications that a filter finds."""
    return _narrowed(_walked(county_code, criteria, for_whom.role), criteria, for_whom)


def of_standings(county_code: str, criteria: LineFilter, for_whom: ForWhom) -> Predicate | None:
    """The same over `application_standing a`, an eighth of the pages; None where that doesn't tell all of it."""
    if not criteria.criteria.keys() <= _OF_STANDINGS:
        return None
    chosen, stages = all_of("county_code", "county", county_code), _stages_of(criteria, for_whom.role)
    chosen = replace(chosen, order=("a.county_code", "a.stage", "a.application_id"))
    if stages:
        chosen = chosen.also("a.stage = ANY(:stages)", stages=list(stages))
    return _narrowed(chosen, criteria, for_whom)


def _narrowed(chosen: Predicate, criteria: LineFilter, for_whom: ForWhom) -> Predicate:
    for name, value in criteria.criteria.items():
        if name == "entered_by":
            chosen = chosen.narrowed("a.entered_by = :for_whom", for_whom=for_whom.person)
        elif name == "to_do":
            whose = f"({_TO_DO.get(for_whom.role, 'false').format('a')}) = :f_to_do"
            chosen = chosen.narrowed(whose, for_whom=for_whom.person, f_to_do=value)
        elif name == "other_account" and value is True:
            chosen = chosen.also(NOTED_OTHER_ACCOUNT, f_other_account=value)
        else:
            narrow = chosen.also if name in _FOUND | _PARTS else chosen.narrowed
            chosen = narrow(_CRITERIA[name], **{f"f_{name}": value})
    return chosen


def selected(county_code: str, selection: Selection, for_whom: ForWhom) -> Predicate:
    """The county's applications that numbers or a filter mean; named ones that don't exist are simply not found."""
    if selection.filter is not None:
        return filtered(county_code, selection.filter, for_whom)
    return among(county_code).also("a.application_no = ANY(:numbers)", numbers=selection.application_nos)


@dataclass(frozen=True)
class Rule:
    """`unfit` is SQL over `a` (application) and `b` (its batch, maybe NULL): true leaves the line out."""

    code: RefusalCode
    title: str
    unfit: str

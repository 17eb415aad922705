"""Applications, their photos and imports (S1 2.1, 2.2)."""

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from models.tables.base import INSTANT, enum_column, now
from models.wire.words import ApplicantKind, CardType, DocumentKind, HouseholdRegistration, Outcome
from models.words.stages import ApplicationStage, Channel, ImportStage, ImportVerdict, Verification


class Application(SQLModel, table=True):
    """One person's or organization's application; the columns ending in _sealed open through the vault only.

    It is written anew at each step of a season. No index has anything in it that the steps change (but its list and its
    batch), so that a new version stays on its page and in no index: that costs a third. `ApplicationStanding` has it.
    """

    __tablename__ = "application"
    __table_args__ = (
        # in the order of a list, with what a list is narrowed by that stays as it was entered: rare rows are found by
        # walking through a county's entries instead of its rows
        Index("ix_application_county", "county_code", "id", "town_code", "bank_code", "village_code"),
        # a verified batch is asked each time whether a line of it is still to be verified
        Index("ix_application_held", "batch_id", postgresql_where=text("verification_held")),
        Index("ix_application_person", "person_index", "county_code"),
        Index("ix_application_name", "county_code", "name_index"),
        Index("ix_application_batch", "batch_id", "id"),
        Index("ix_application_list", "list_id", "id"),
        Index("ix_application_import", "import_id", "id", postgresql_where=text("import_id IS NOT NULL")),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint(
            "(stage IN ('in_batch', 'in_flow')) <= (batch_id IS NOT NULL)",
            name="batch_known",
        ),
        CheckConstraint("reviewed_by IS NULL OR reviewed_by <> entered_by", name="two_persons"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    application_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    applicant_kind: ApplicantKind = Field(sa_type=enum_column(ApplicantKind))
    channel: Channel = Field(sa_type=enum_column(Channel))
    stage: ApplicationStage = Field(sa_type=enum_column(ApplicationStage))
    # set by a trigger (0002_stages.sql), with the material review's word too
    stage_since: datetime = Field(
        default_factory=now, sa_column=Column(INSTANT, nullable=False, server_default=text("now()"))
    )
    name_sealed: str
    name_index: str
    id_number_sealed: str
    person_index: str
    phone_sealed: str | None = None
    town_code: str
    village_code: str
    group_name: str | None = None
    bank_code: str
    account_sealed: str
    account_index: str
    card_type: CardType | None = Field(default=None, sa_type=enum_column(CardType))
    household_registration: HouseholdRegistration | None = Field(
        default=None, sa_type=enum_column(HouseholdRegistration)
    )
    family_size: int | None = None
    item_code: str
    amount_fen: int = Field(sa_type=BigInteger)
    list_id: int | None = Field(default=None, sa_type=BigInteger)
    batch_id: int | None = Field(default=None, foreign_key="batch.id", sa_type=BigInteger)
    match_outcome: Outcome | None = Field(default=None, sa_type=enum_column(Outcome))
    correct_name_sealed: str | None = None
    correct_name_index: str | None = None
    match_bank_name: str | None = None
    verification: Verification = Field(default=Verification.NONE, sa_type=enum_column(Verification))
    # beside `verification`, which is in no index: who is asked for, passes or fails is rewritten on its page
    verification_held: bool | None = Field(
        default=None,
        sa_column=Column(Boolean, Computed("(verification)::text = 'held'::text", persisted=True), nullable=False),
    )
    verification_reason_sealed: str | None = None
    settlement_material_at: datetime | None = Field(default=None, sa_type=INSTANT)
    payments: int = 0
    returned_reason_sealed: str | None = None
    withdrawn_reason_sealed: str | None = None
    deferred_reason_sealed: str | None = None
    import_id: int | None = Field(default=None, sa_type=BigInteger)
    entered_by: str
    # everybody who ever changed it, but who entered it: an earlier editor is no less a maker than the last one
    edited_by: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(String), nullable=False, server_default=text("'{}'"))
    )
    reviewed_by: str | None = None
    # the photos that stood then are what was passed
    reviewed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    version: int = 1
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class ApplicationStanding(SQLModel, table=True):
    """Where an application stands, narrow and in the order of stages: what lists of a stage and to-dos walk through.

    Kept by triggers of `application` (0002_standings.sql) and written by nothing else.
    """

    __tablename__ = "application_standing"

    county_code: str = Field(primary_key=True)
    stage: ApplicationStage = Field(primary_key=True, sa_type=enum_column(ApplicationStage))
    application_id: int = Field(primary_key=True, sa_type=BigInteger)
    amount_fen: int = Field(sa_type=BigInteger)
    stage_since: datetime = Field(sa_type=INSTANT)
    list_id: int | None = Field(default=None, sa_type=BigInteger)
    match_outcome: Outcome | None = Field(default=None, sa_type=enum_column(Outcome))
    entered_by: str
    edited_by: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    reviewed_by: str | None = None
    is_returned: bool


class ApplicationDraft(SQLModel, table=True):
    """What somebody has begun to fill in on a phone; no application yet, and nobody else's business."""

    __tablename__ = "application_draft"
    __table_args__ = (Index("ix_application_draft_subject", "county_code", "subject"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    county_code: str
    subject: str
    kind: ApplicantKind = Field(sa_type=enum_column(ApplicantKind))
    fund_year: int
    form_sealed: str = Field(sa_type=Text)
    updated_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class ApplicationPhoto(SQLModel, table=True):
    """A photo of an application: bank card, id card, portrait, invoice."""

    __tablename__ = "application_photo"
    __table_args__ = (UniqueConstraint("application_id", "kind"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    application_id: int = Field(foreign_key="application.id", sa_type=BigInteger)
    kind: DocumentKind = Field(sa_type=enum_column(DocumentKind))
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigInteger)
    stored_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class EvidenceRequirement(SQLModel, table=True):
    """What 提交材料 needs of a person for a subsidy item, where the county has taken kinds off."""

    __tablename__ = "evidence_requirement"
    __table_args__ = (
        CheckConstraint(
            "cardinality(kinds) > 0 AND kinds <@ ARRAY['id_card_front', 'portrait', 'invoice']::varchar[]", name="kinds"
        ),
    )

    county_code: str = Field(primary_key=True)
    item_code: str = Field(primary_key=True)
    kinds: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    set_by: str
    set_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class ApplicationImport(SQLModel, table=True):
    """A county's file on its way in: all of it or nothing."""

    __tablename__ = "application_import"
    __table_args__ = (
        Index("ix_application_import_county", "county_code", "id"),
        CheckConstraint("(decision IS NULL) = (decided_by IS NULL)", name="decided_by"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    import_no: str = Field(unique=True)
    county_code: str
    fund_year: int
    applicant_kind: ApplicantKind = Field(sa_type=enum_column(ApplicantKind))
    batch_id: int | None = Field(default=None, foreign_key="batch.id", sa_type=BigInteger)
    file_id: int = Field(foreign_key="stored_file.id", sa_type=BigInteger)
    stage: ImportStage = Field(sa_type=enum_column(ImportStage))
    rows_total: int = 0
    rows_checked: int = 0
    rows_imported: int = 0
    rows_refused: int = 0
    total_fen: int = Field(default=0, sa_type=BigInteger)
    refused_file_id: int | None = Field(default=None, foreign_key="stored_file.id", sa_type=BigInteger)
    problem: str | None = None
    faults: str | None = Field(default=None, sa_type=Text)
    to_confirm_count: int = 0
    rows_to_confirm: int = 0
    decision: ImportVerdict | None = Field(default=None, sa_type=enum_column(ImportVerdict))
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    decision_reason_sealed: str | None = None
    # the refused one that this file is the correction of
    corrects_id: int | None = Field(default=None, foreign_key="application_import.id", sa_type=BigInteger)
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)
    entered_by: str
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)


class RepeatedItem(SQLModel, table=True):
    """One item of a fund year that more than one application of a person asks the county for, or has asked for.

    Noted by a trigger of `application` (0002_repeated_items.sql), never taken off.
    """

    __tablename__ = "repeated_item"

    county_code: str = Field(primary_key=True)
    fund_year: int = Field(primary_key=True)
    person_index: str = Field(primary_key=True)
    item_code: str = Field(primary_key=True)


class NotedOtherAccount(SQLModel, table=True):
    """An application, by its id, that named another account than the register had of its person at some time.

    Noted by triggers of both (0002_accounts.sql), never taken off.
    """

    __tablename__ = "other_account"

    county_code: str = Field(primary_key=True)
    id: int = Field(primary_key=True, sa_type=BigInteger)


class NotedSharedAccount(SQLModel, table=True):
    """A row of the register, by its id, whose account somebody else used too at some time; noted in the same way."""

    __tablename__ = "shared_account"

    county_code: str = Field(primary_key=True)
    id: int = Field(primary_key=True, sa_type=BigInteger)


class ImportFinding(SQLModel, table=True):
    """What stopped an import as 待确认: a row of the file (0: the file itself), and what is there already.

    Stage and amount of that application are those that the operator was told.
    """

    __tablename__ = "import_finding"
    __table_args__ = (Index("ix_import_finding_import", "import_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    import_id: int = Field(foreign_key="application_import.id", sa_type=BigInteger)
    file_row: int
    file_column: str
    code: str
    message: str
    application_no: str | None = None
    stage: str | None = None
    amount_fen: int | None = Field(default=None, sa_type=BigInteger)
    item_code: str | None = None
    row_amount_fen: int | None = Field(default=None, sa_type=BigInteger)
    is_new: bool = False

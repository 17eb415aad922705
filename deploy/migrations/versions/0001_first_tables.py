"""first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_lock",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("request_no", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_lock")),
    )
    op.create_index(
        "uq_account_lock_open",
        "account_lock",
        ["county_code", "person_index"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("batch_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "open",
                "verifying",
                "verified",
                "in_flow",
                "done",
                name="batchstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("verification_round", sa.Integer(), nullable=False),
        sa.Column("publicity_start", sa.Date(), nullable=True),
        sa.Column("publicity_address", sa.String(), nullable=True),
        sa.Column("publicity_by", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("batch_no", name=op.f("uq_batch_batch_no")),
    )
    op.create_index("ix_batch_county", "batch", ["county_code", "id"], unique=False)
    op.create_table(
        "beneficiary_list",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("list_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("held_count", sa.Integer(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beneficiary_list")),
        sa.UniqueConstraint("list_no", name=op.f("uq_beneficiary_list_list_no")),
    )
    op.create_index("ix_beneficiary_list_county", "beneficiary_list", ["county_code", "id"], unique=False)
    op.create_table(
        "budget_choice",
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("county_code", "kind", "fund_year", "code", name=op.f("pk_budget_choice")),
    )
    op.create_table(
        "card_change",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request_no", sa.String(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.String(), nullable=False),
        sa.Column("id_number_sealed", sa.String(), nullable=False),
        sa.Column("card_type", sa.String(), nullable=False),
        sa.Column("bank_code", sa.String(), nullable=False),
        sa.Column("account_sealed", sa.String(), nullable=False),
        sa.Column("account_index", sa.String(), nullable=False),
        sa.Column("reason_sealed", sa.String(), nullable=True),
        sa.Column("authorised", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "validating",
                "in_progress",
                "ended",
                name="requeststage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "result",
            sa.Enum(
                "applied",
                "partly_applied",
                "refused",
                "withdrawn",
                "failed",
                name="requestresult",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("authorised", name=op.f("ck_card_change_authorised")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_change")),
        sa.UniqueConstraint("request_no", name=op.f("uq_card_change_request_no")),
    )
    op.create_index("ix_card_change_person", "card_change", ["province_code", "person_index", "id"], unique=False)
    op.create_index(
        "uq_card_change_open",
        "card_change",
        ["province_code", "person_index"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "catalog_list",
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fund_year >= 0", name=op.f("ck_catalog_list_fund_year")),
        sa.PrimaryKeyConstraint("county_code", "kind", "fund_year", name=op.f("pk_catalog_list")),
    )
    op.create_table(
        "check_round",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("round_no", sa.String(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=True),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "stage",
            sa.Enum("checking", "done", name="roundstage", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_round")),
        sa.UniqueConstraint("round_no", name=op.f("uq_check_round_round_no")),
    )
    op.create_table(
        "contradiction",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("line_key", sa.String(), nullable=False),
        sa.Column("applied_sealed", sa.Text(), nullable=False),
        sa.Column("claimed_sealed", sa.Text(), nullable=False),
        sa.Column("claim_sha256", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_sealed", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "decided",
                "settled",
                name="contradictionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("taken", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contradiction")),
        sa.UniqueConstraint(
            "number",
            "kind",
            "line_key",
            "claim_sha256",
            name=op.f("uq_contradiction_number_kind_line_key_claim_sha256"),
        ),
    )
    op.create_index("ix_contradiction_county", "contradiction", ["county_code", "id"], unique=False)
    op.create_index("ix_contradiction_number", "contradiction", ["number", "state"], unique=False)
    op.create_table(
        "face_login",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("login_no", sa.String(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("address_index", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "opening",
                "waiting",
                "scanned",
                "passed",
                "failed",
                "expired",
                name="loginstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("face_session_id", sa.String(), nullable=True),
        sa.Column("url_sealed", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("person_index", sa.String(), nullable=True),
        sa.Column("name_sealed", sa.String(), nullable=True),
        sa.Column("id_number_sealed", sa.String(), nullable=True),
        sa.Column("session_hash", sa.String(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('app', 'pc')", name=op.f("ck_face_login_channel")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_login")),
        sa.UniqueConstraint("login_no", name=op.f("uq_face_login_login_no")),
        sa.UniqueConstraint("session_hash", name=op.f("uq_face_login_session_hash")),
    )
    op.create_index("ix_face_login_address", "face_login", ["address_index", "created_at"], unique=False)
    op.create_index(op.f("ix_face_login_browser_hash"), "face_login", ["browser_hash"], unique=False)
    op.create_index(op.f("ix_face_login_face_session_id"), "face_login", ["face_session_id"], unique=False)
    op.create_index("ix_face_login_person", "face_login", ["person_index", "created_at"], unique=False)
    op.create_table(
        "idempotent_answer",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotent_answer")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "delivered",
                "applied",
                "parked",
                "unknown",
                "quarantined",
                name="inboxstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("effect", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("province_code", "event_id", name=op.f("uq_inbox_province_code_event_id")),
    )
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('received', 'parked')"),
    )
    op.create_index(
        "ix_inbox_pending",
        "inbox",
        ["number"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL AND number IS NOT NULL"),
    )
    op.create_table(
        "indicator",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("indicator_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("budget_unit_code", sa.String(), nullable=False),
        sa.Column("budget_unit_name", sa.String(), nullable=False),
        sa.Column("budget_project_code", sa.String(), nullable=False),
        sa.Column("budget_project_name", sa.String(), nullable=False),
        sa.Column("document_no", sa.String(), nullable=False),
        sa.Column("fund_nature", sa.String(), nullable=True),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("central_fen", sa.BigInteger(), nullable=False),
        sa.Column("provincial_fen", sa.BigInteger(), nullable=False),
        sa.Column("municipal_fen", sa.BigInteger(), nullable=False),
        sa.Column("county_fen", sa.BigInteger(), nullable=False),
        sa.Column("reserved_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "draft",
                "in_review",
                "approved",
                "rejected",
                name="reviewstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("refused_submission_id", sa.String(), nullable=True),
        sa.Column("opinion", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "central_fen + provincial_fen + municipal_fen + county_fen = total_fen",
            name=op.f("ck_indicator_parts_add_up"),
        ),
        sa.CheckConstraint(
            "central_fen >= 0 AND provincial_fen >= 0 AND municipal_fen >= 0 AND county_fen >= 0",
            name=op.f("ck_indicator_parts"),
        ),
        sa.CheckConstraint(
            "reserved_fen >= 0 AND paid_fen >= 0 AND reserved_fen + paid_fen <= total_fen",
            name=op.f("ck_indicator_balance"),
        ),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_indicator_total_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
        sa.UniqueConstraint("indicator_no", name=op.f("uq_indicator_indicator_no")),
    )
    op.create_index("ix_indicator_county", "indicator", ["county_code", "fund_year", "id"], unique=False)
    op.create_table(
        "instruction",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("refusal_code", sa.String(), nullable=True),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_instruction")),
    )
    op.create_index(op.f("ix_instruction_county_code"), "instruction", ["county_code"], unique=False)
    op.create_table(
        "invalidation_cursor",
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("province_code", name=op.f("pk_invalidation_cursor")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "invalidated",
                "cleared",
                "valid_again",
                "applied",
                "refused",
                "apply_failed",
                "payment_failed",
                name="noticekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("bank_code", sa.String(), nullable=True),
        sa.Column("account_sealed", sa.String(), nullable=True),
        sa.Column("explanation", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("request_no", sa.String(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("operated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "county_code", "person_index", "cause", name=op.f("uq_notice_county_code_person_index_cause")
        ),
    )
    op.create_index("ix_notice_person", "notice", ["person_index", "id"], unique=False)
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_number_series")),
    )
    op.create_table(
        "odd_answer",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_odd_answer")),
        sa.UniqueConstraint(
            "county_code",
            "operation",
            "key",
            "body_sha256",
            name=op.f("uq_odd_answer_county_code_operation_key_body_sha256"),
        ),
    )
    op.create_index(op.f("ix_odd_answer_county_code"), "odd_answer", ["county_code"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("signal", sa.String(), nullable=True),
        sa.Column("ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["next_try_at"], unique=False, postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.create_table(
        "platform_reference",
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("province_code", "platform_id", name=op.f("pk_platform_reference")),
    )
    op.create_table(
        "policy_unit",
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("county_code", name=op.f("pk_policy_unit")),
    )
    op.create_table(
        "province_slot",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("list_no", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outside_holder", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_province_slot")),
        sa.UniqueConstraint("list_no", name=op.f("uq_province_slot_list_no")),
    )
    op.create_index(op.f("ix_province_slot_province_code"), "province_slot", ["province_code"], unique=False)
    op.create_index(
        "uq_province_slot_held",
        "province_slot",
        ["province_code"],
        unique=True,
        postgresql_where=sa.text("granted_at IS NOT NULL AND released_at IS NULL"),
    )
    op.create_table(
        "register_account",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.String(), nullable=False),
        sa.Column("id_number_sealed", sa.String(), nullable=False),
        sa.Column("bank_code", sa.String(), nullable=True),
        sa.Column("account_sealed", sa.String(), nullable=True),
        sa.Column("account_index", sa.String(), nullable=True),
        sa.Column("card_type", sa.String(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "valid",
                "invalid",
                "cleared",
                name="accountstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_account")),
        sa.UniqueConstraint("county_code", "person_index", name=op.f("uq_register_account_county_code_person_index")),
    )
    op.create_index("ix_register_account_account", "register_account", ["account_index"], unique=False)
    op.create_index("ix_register_account_county", "register_account", ["county_code", "id"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "policy-review",
                "indicator-review",
                "beneficiary-init",
                "verification",
                "subsidy-flow",
                "evidence",
                "application-import",
                "catalog-refresh",
                "payment-correction",
                "face-login",
                "card-change",
                "village-entry",
                "account-check",
                "account-event",
                name="runkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=True),
        sa.Column("batch_no", sa.String(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("waiting_for", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_run_workflow_id")),
    )
    op.create_index("ix_run_county", "run", ["county_code", "id"], unique=False)
    op.create_index(op.f("ix_run_number"), "run", ["number"], unique=False)
    op.create_index("ix_run_open", "run", ["kind"], unique=False, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "stored_file",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("platform_file_id", sa.String(), nullable=True),
        sa.Column("stored_by", sa.String(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("object_key", name=op.f("uq_stored_file_object_key")),
    )
    op.create_index(op.f("ix_stored_file_county_code"), "stored_file", ["county_code"], unique=False)
    op.create_table(
        "trail_entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=True),
        sa.Column("total_fen", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_entry")),
        sa.UniqueConstraint("county_code", "sequence", name=op.f("uq_trail_entry_county_code_sequence")),
    )
    op.create_index("ix_trail_entry_subject", "trail_entry", ["county_code", "subject"], unique=False)
    op.create_table(
        "trail_head",
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("county_code", name=op.f("pk_trail_head")),
    )
    op.create_table(
        "account_check",
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("register_account_id", sa.BigInteger(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["register_account_id"],
            ["register_account.id"],
            name=op.f("fk_account_check_register_account_id_register_account"),
        ),
        sa.ForeignKeyConstraint(["round_id"], ["check_round.id"], name=op.f("fk_account_check_round_id_check_round")),
        sa.PrimaryKeyConstraint("round_id", "register_account_id", name=op.f("pk_account_check")),
    )
    op.create_table(
        "application",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("application_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("applicant_kind", sa.String(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("pc", "mobile", "import", name="channel", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "draft",
                "in_review",
                "publicised",
                "unmatched",
                "matched",
                "pending_settlement",
                "in_batch",
                "in_flow",
                "paid",
                "evidence_sent",
                "failed",
                "withdrawn",
                "closed",
                name="applicationstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name_sealed", sa.String(), nullable=False),
        sa.Column("id_number_sealed", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("phone_sealed", sa.String(), nullable=True),
        sa.Column("town_code", sa.String(), nullable=False),
        sa.Column("village_code", sa.String(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("bank_code", sa.String(), nullable=False),
        sa.Column("account_sealed", sa.String(), nullable=False),
        sa.Column("account_index", sa.String(), nullable=False),
        sa.Column("household_registration", sa.String(), nullable=True),
        sa.Column("family_size", sa.Integer(), nullable=True),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("match_outcome", sa.String(), nullable=True),
        sa.Column("correct_name_sealed", sa.String(), nullable=True),
        sa.Column("match_bank_name", sa.String(), nullable=True),
        sa.Column(
            "verification",
            sa.Enum(
                "none",
                "held",
                "pending",
                "passed",
                "failed",
                "not_required",
                name="verification",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("verification_reason_sealed", sa.String(), nullable=True),
        sa.Column("settlement_material_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acceptances", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("returned_reason", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=True),
        sa.Column("deferred_reason", sa.String(), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("edited_by", sa.String(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(stage IN ('in_batch', 'in_flow')) <= (batch_id IS NOT NULL)", name=op.f("ck_application_batch_known")
        ),
        sa.CheckConstraint(
            "applicant_kind IN ('personal', 'organization')", name=op.f("ck_application_applicant_kind")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_application_amount_positive")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_application_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("application_no", name=op.f("uq_application_application_no")),
    )
    op.create_index("ix_application_batch", "application", ["batch_id", "id"], unique=False)
    op.create_index("ix_application_county", "application", ["county_code", "id"], unique=False)
    op.create_index("ix_application_list", "application", ["list_id"], unique=False)
    op.create_index("ix_application_person", "application", ["county_code", "person_index"], unique=False)
    op.create_index("ix_application_stage", "application", ["county_code", "stage", "id"], unique=False)
    op.create_table(
        "application_import",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("import_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("applicant_kind", sa.String(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "checking",
                "refused",
                "imported",
                name="importstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_checked", sa.Integer(), nullable=False),
        sa.Column("rows_imported", sa.Integer(), nullable=False),
        sa.Column("rows_refused", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("refused_file_id", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("faults", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_application_import_batch_id_batch")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_application_import_file_id_stored_file")
        ),
        sa.ForeignKeyConstraint(
            ["refused_file_id"], ["stored_file.id"], name=op.f("fk_application_import_refused_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_import")),
        sa.UniqueConstraint("import_no", name=op.f("uq_application_import_import_no")),
    )
    op.create_index(op.f("ix_application_import_county_code"), "application_import", ["county_code"], unique=False)
    op.create_table(
        "batch_image",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_image_batch_id_batch")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_batch_image_file_id_stored_file")),
        sa.PrimaryKeyConstraint("batch_id", "file_id", name=op.f("pk_batch_image")),
    )
    op.create_table(
        "card_change_part",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "validating",
                "in_review",
                "approved",
                "applying",
                "applied",
                "failed",
                "refused",
                "withdrawn",
                name="partstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("old_bank_code", sa.String(), nullable=True),
        sa.Column("old_account_sealed", sa.String(), nullable=True),
        sa.Column("old_account_index", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_sealed", sa.String(), nullable=True),
        sa.Column("old_account_usable", sa.Boolean(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("remark", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retry_asked_by", sa.String(), nullable=True),
        sa.Column("retry_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["card_change.id"], name=op.f("fk_card_change_part_request_id_card_change")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_change_part")),
        sa.UniqueConstraint("part_no", name=op.f("uq_card_change_part_part_no")),
        sa.UniqueConstraint("request_id", "county_code", name=op.f("uq_card_change_part_request_id_county_code")),
    )
    op.create_index("ix_card_change_part_county", "card_change_part", ["county_code", "stage", "id"], unique=False)
    op.create_table(
        "flow",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("flow_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_no", sa.String(), nullable=False),
        sa.Column("policy_unit_code", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "starting",
                "waiting_county",
                "settling",
                "under_review",
                "county_review",
                "county_passed",
                "summary_submitted",
                "summary_approved",
                "paying",
                "cancelling",
                "ended",
                name="flowstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "disbursed",
                "cancelled",
                "refused",
                name="flowoutcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("balanced", sa.Boolean(), nullable=True),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("round_no", sa.Integer(), nullable=False),
        sa.Column("summary_no", sa.Integer(), nullable=False),
        sa.Column("called_off", sa.Boolean(), nullable=False),
        sa.Column("refusal_code", sa.String(), nullable=True),
        sa.Column("payment_pages", sa.Integer(), nullable=False),
        sa.Column("end_claim", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("end_figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_flow_batch_id_batch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow")),
        sa.UniqueConstraint("flow_no", name=op.f("uq_flow_flow_no")),
    )
    op.create_index("ix_flow_county", "flow", ["county_code", "id"], unique=False)
    op.create_index(
        "uq_flow_open_county", "flow", ["county_code"], unique=True, postgresql_where=sa.text("stage <> 'ended'")
    )
    op.create_table(
        "inbox_conflict",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_conflict_inbox_id_inbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_conflict")),
        sa.UniqueConstraint("inbox_id", "body_sha256", name=op.f("uq_inbox_conflict_inbox_id_body_sha256")),
    )
    op.create_table(
        "matter_step",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=True),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["card_change.id"], name=op.f("fk_matter_step_request_id_card_change")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matter_step")),
    )
    op.create_index(op.f("ix_matter_step_request_id"), "matter_step", ["request_id"], unique=False)
    op.create_table(
        "policy",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("policy_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("fund_year", sa.Integer(), nullable=False),
        sa.Column("policy_unit_code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("item_codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "draft",
                "in_review",
                "approved",
                "rejected",
                name="reviewstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("refused_submission_id", sa.String(), nullable=True),
        sa.Column("opinion", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_policy_file_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("policy_no", name=op.f("uq_policy_policy_no")),
    )
    op.create_index("ix_policy_county", "policy", ["county_code", "fund_year", "id"], unique=False)
    op.create_table(
        "register_change",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("register_account_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("old_bank_code", sa.String(), nullable=True),
        sa.Column("old_account_sealed", sa.String(), nullable=True),
        sa.Column("new_bank_code", sa.String(), nullable=True),
        sa.Column("new_account_sealed", sa.String(), nullable=True),
        sa.Column("old_status", sa.String(), nullable=True),
        sa.Column("new_status", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["register_account_id"],
            ["register_account.id"],
            name=op.f("fk_register_change_register_account_id_register_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_change")),
    )
    op.create_index(
        op.f("ix_register_change_register_account_id"), "register_change", ["register_account_id"], unique=False
    )
    op.create_table(
        "village_entry",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("entry_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.String(), nullable=False),
        sa.Column("id_number_sealed", sa.String(), nullable=False),
        sa.Column("card_type", sa.String(), nullable=False),
        sa.Column("bank_code", sa.String(), nullable=False),
        sa.Column("account_sealed", sa.String(), nullable=False),
        sa.Column("account_index", sa.String(), nullable=False),
        sa.Column("photo_file_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column(
            "stage",
            sa.Enum(
                "validating",
                "entered",
                "applying",
                "applied",
                "failed",
                "refused",
                name="entrystage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("failure_code", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("remark", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> entered_by", name=op.f("ck_village_entry_two_persons")
        ),
        sa.ForeignKeyConstraint(
            ["photo_file_id"], ["stored_file.id"], name=op.f("fk_village_entry_photo_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_village_entry")),
        sa.UniqueConstraint("entry_no", name=op.f("uq_village_entry_entry_no")),
    )
    op.create_index(op.f("ix_village_entry_county_code"), "village_entry", ["county_code"], unique=False)
    op.create_index(
        "uq_village_entry_open",
        "village_entry",
        ["county_code", "person_index"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "application_photo",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('id_card_front', 'id_card_back', 'portrait', 'invoice', 'bank_card', 'other')",
            name=op.f("ck_application_photo_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_photo_application_id_application")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_application_photo_file_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_photo")),
        sa.UniqueConstraint("application_id", "kind", name=op.f("uq_application_photo_application_id_kind")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("flow_id", sa.BigInteger(), nullable=True),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("order_no", sa.String(), nullable=True),
        sa.Column(
            "stage",
            sa.Enum(
                "prepared",
                "waiting_slot",
                "under_review",
                "reviewed",
                "refused",
                name="datasetstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=True),
        sa.Column("record_count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("result_pages", sa.Integer(), nullable=True),
        sa.Column("refusal_code", sa.String(), nullable=True),
        sa.Column("refusal_detail", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('beneficiary_init', 'verification', 'application_submission')", name=op.f("ck_dataset_kind")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_dataset_batch_id_batch")),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_dataset_flow_id_flow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
        sa.UniqueConstraint("reference", name=op.f("uq_dataset_reference")),
    )
    op.create_index(op.f("ix_dataset_flow_id"), "dataset", ["flow_id"], unique=False)
    op.create_index(
        "uq_dataset_open_round",
        "dataset",
        ["flow_id"],
        unique=True,
        postgresql_where=sa.text("flow_id IS NOT NULL AND stage NOT IN ('reviewed', 'refused')"),
    )
    op.create_table(
        "flow_indicator",
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("indicator_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_flow_indicator_flow_id_flow")),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_flow_indicator_indicator_id_indicator")
        ),
        sa.PrimaryKeyConstraint("flow_id", "position", name=op.f("pk_flow_indicator")),
    )
    op.create_table(
        "flow_line",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("application_no", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("repays_flow_id", sa.BigInteger(), nullable=True),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column("applicant_kind", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.String(), nullable=False),
        sa.Column("id_number_sealed", sa.String(), nullable=False),
        sa.Column("person_index", sa.String(), nullable=False),
        sa.Column("phone_sealed", sa.String(), nullable=True),
        sa.Column("town_code", sa.String(), nullable=False),
        sa.Column("village_code", sa.String(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=True),
        sa.Column("bank_code", sa.String(), nullable=False),
        sa.Column("account_sealed", sa.String(), nullable=False),
        sa.Column("account_index", sa.String(), nullable=False),
        sa.Column("household_registration", sa.String(), nullable=True),
        sa.Column("family_size", sa.Integer(), nullable=True),
        sa.Column("item_code", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("indicator_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "verification",
            sa.Enum(
                "none",
                "held",
                "pending",
                "passed",
                "failed",
                "not_required",
                name="verification",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "unsent",
                "held",
                "under_review",
                "rejected",
                "accepted",
                "withdrawn",
                "deferred",
                "cancelled",
                name="linestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason_sealed", sa.String(), nullable=True),
        sa.Column(
            "money",
            sa.Enum("reserved", "paid", "released", name="money", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "payment",
            sa.Enum(
                "awaiting",
                "paid",
                "failed",
                "unresolved",
                name="paymentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("payment_sequence", sa.Integer(), nullable=False),
        sa.Column("payment_reason_code", sa.String(), nullable=True),
        sa.Column("payment_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(money = 'paid') = (payment IS NOT DISTINCT FROM 'paid')", name=op.f("ck_flow_line_money_paid")
        ),
        sa.CheckConstraint(
            "(state = 'accepted') = (payment IS NOT NULL)", name=op.f("ck_flow_line_payment_of_accepted")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_flow_line_amount_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_flow_line_application_id_application")
        ),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_flow_line_flow_id_flow")),
        sa.ForeignKeyConstraint(["indicator_id"], ["indicator.id"], name=op.f("fk_flow_line_indicator_id_indicator")),
        sa.ForeignKeyConstraint(["repays_flow_id"], ["flow.id"], name=op.f("fk_flow_line_repays_flow_id_flow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_line")),
        sa.UniqueConstraint(
            "flow_id", "application_id", "attempt", name=op.f("uq_flow_line_flow_id_application_id_attempt")
        ),
    )
    op.create_index("ix_flow_line_account", "flow_line", ["account_index"], unique=False)
    op.create_index("ix_flow_line_application", "flow_line", ["application_id"], unique=False)
    op.create_index("ix_flow_line_indicator", "flow_line", ["indicator_id"], unique=False)
    op.create_index("ix_flow_line_number", "flow_line", ["flow_id", "application_no"], unique=False)
    op.create_index("ix_flow_line_state", "flow_line", ["flow_id", "state"], unique=False)
    op.create_table(
        "flow_policy",
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_flow_policy_flow_id_flow")),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_flow_policy_policy_id_policy")),
        sa.PrimaryKeyConstraint("flow_id", "policy_id", name=op.f("pk_flow_policy")),
    )
    op.create_table(
        "operator_order",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("county_code", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "name_correction",
                "modified",
                "confirmed",
                "unverified",
                "repayment",
                "withdrawal",
                "cancellation",
                "evidence",
                name="orderkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("flow_id", sa.BigInteger(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "entered",
                "confirmed",
                "refused",
                "done",
                "failed",
                name="orderstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("done_fen", sa.BigInteger(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remark", sa.String(), nullable=True),
        sa.Column("outcome_code", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> entered_by", name=op.f("ck_operator_order_two_persons")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_operator_order_batch_id_batch")),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_operator_order_flow_id_flow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_order")),
        sa.UniqueConstraint("order_no", name=op.f("uq_operator_order_order_no")),
    )
    op.create_index("ix_operator_order_county", "operator_order", ["county_code", "id"], unique=False)
    op.create_index("ix_operator_order_flow", "operator_order", ["flow_id", "state"], unique=False)
    op.create_table(
        "payment_page",
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_payment_page_flow_id_flow")),
        sa.PrimaryKeyConstraint("flow_id", "page", name=op.f("pk_payment_page")),
    )
    op.create_table(
        "summary",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "open",
                "county_passed",
                "county_refused",
                "submitted",
                "approved",
                "rejected",
                "confirmed",
                "closed",
                name="summarystage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("form_file_id", sa.BigInteger(), nullable=True),
        sa.Column("opinion", sa.String(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.String(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submission_id", sa.String(), nullable=True),
        sa.Column("platform_opinion", sa.String(), nullable=True),
        sa.Column("platform_reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmation_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> reviewed_by", name=op.f("ck_summary_two_reviewers")
        ),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_summary_flow_id_flow")),
        sa.ForeignKeyConstraint(["form_file_id"], ["stored_file.id"], name=op.f("fk_summary_form_file_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summary")),
        sa.UniqueConstraint("flow_id", "number", name=op.f("uq_summary_flow_id_number")),
    )
    op.create_table(
        "dataset_line",
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("application_no", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason_sealed", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_dataset_line_application_id_application")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_dataset_line_dataset_id_dataset")),
        sa.PrimaryKeyConstraint("dataset_id", "position", name=op.f("pk_dataset_line")),
    )
    op.create_index("ix_dataset_line_application", "dataset_line", ["application_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("application_no", sa.String(), nullable=False),
        sa.Column("flow_line_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("correction_sealed", sa.Text(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("fault_code", sa.String(), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_order_line_application_id_application")
        ),
        sa.ForeignKeyConstraint(["flow_line_id"], ["flow_line.id"], name=op.f("fk_order_line_flow_line_id_flow_line")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["operator_order.id"], name=op.f("fk_order_line_order_id_operator_order")
        ),
        sa.PrimaryKeyConstraint("order_id", "application_id", name=op.f("pk_order_line")),
    )
    op.create_index("ix_order_line_application", "order_line", ["application_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("flow_id", sa.BigInteger(), nullable=False),
        sa.Column("flow_line_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bank_serial_no", sa.String(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("reason_sealed", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("proof_file_id", sa.BigInteger(), nullable=True),
        sa.Column("after_end", sa.Boolean(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('paid', 'failed')", name=op.f("ck_payment_status")),
        sa.ForeignKeyConstraint(["flow_id"], ["flow.id"], name=op.f("fk_payment_flow_id_flow")),
        sa.ForeignKeyConstraint(["flow_line_id"], ["flow_line.id"], name=op.f("fk_payment_flow_line_id_flow_line")),
        sa.ForeignKeyConstraint(
            ["proof_file_id"], ["stored_file.id"], name=op.f("fk_payment_proof_file_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("flow_line_id", "sequence", "source", name=op.f("uq_payment_flow_line_id_sequence_source")),
    )
    op.create_index(op.f("ix_payment_flow_id"), "payment", ["flow_id"], unique=False)
    op.create_table(
        "result_page",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_result_page_dataset_id_dataset")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result_page")),
        sa.UniqueConstraint("dataset_id", "page", name=op.f("uq_result_page_dataset_id_page")),
    )


def downgrade() -> None:
    op.drop_table("result_page")
    op.drop_index(op.f("ix_payment_flow_id"), table_name="payment")
    op.drop_table("payment")
    op.drop_index("ix_order_line_application", table_name="order_line")
    op.drop_table("order_line")
    op.drop_index("ix_dataset_line_application", table_name="dataset_line")
    op.drop_table("dataset_line")
    op.drop_table("summary")
    op.drop_table("payment_page")
    op.drop_index("ix_operator_order_flow", table_name="operator_order")
    op.drop_index("ix_operator_order_county", table_name="operator_order")
    op.drop_table("operator_order")
    op.drop_table("flow_policy")
    op.drop_index("ix_flow_line_state", table_name="flow_line")
    op.drop_index("ix_flow_line_number", table_name="flow_line")
    op.drop_index("ix_flow_line_indicator", table_name="flow_line")
    op.drop_index("ix_flow_line_application", table_name="flow_line")
    op.drop_index("ix_flow_line_account", table_name="flow_line")
    op.drop_table("flow_line")
    op.drop_table("flow_indicator")
    op.drop_index(
        "uq_dataset_open_round",
        table_name="dataset",
        postgresql_where=sa.text("flow_id IS NOT NULL AND stage NOT IN ('reviewed', 'refused')"),
    )
    op.drop_index(op.f("ix_dataset_flow_id"), table_name="dataset")
    op.drop_table("dataset")
    op.drop_table("application_photo")
    op.drop_index("uq_village_entry_open", table_name="village_entry", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_village_entry_county_code"), table_name="village_entry")
    op.drop_table("village_entry")
    op.drop_index(op.f("ix_register_change_register_account_id"), table_name="register_change")
    op.drop_table("register_change")
    op.drop_index("ix_policy_county", table_name="policy")
    op.drop_table("policy")
    op.drop_index(op.f("ix_matter_step_request_id"), table_name="matter_step")
    op.drop_table("matter_step")
    op.drop_table("inbox_conflict")
    op.drop_index("uq_flow_open_county", table_name="flow", postgresql_where=sa.text("stage <> 'ended'"))
    op.drop_index("ix_flow_county", table_name="flow")
    op.drop_table("flow")
    op.drop_index("ix_card_change_part_county", table_name="card_change_part")
    op.drop_table("card_change_part")
    op.drop_table("batch_image")
    op.drop_index(op.f("ix_application_import_county_code"), table_name="application_import")
    op.drop_table("application_import")
    op.drop_index("ix_application_stage", table_name="application")
    op.drop_index("ix_application_person", table_name="application")
    op.drop_index("ix_application_list", table_name="application")
    op.drop_index("ix_application_county", table_name="application")
    op.drop_index("ix_application_batch", table_name="application")
    op.drop_table("application")
    op.drop_table("account_check")
    op.drop_table("trail_head")
    op.drop_index("ix_trail_entry_subject", table_name="trail_entry")
    op.drop_table("trail_entry")
    op.drop_index(op.f("ix_stored_file_county_code"), table_name="stored_file")
    op.drop_table("stored_file")
    op.drop_index("ix_run_open", table_name="run", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_run_number"), table_name="run")
    op.drop_index("ix_run_county", table_name="run")
    op.drop_table("run")
    op.drop_index("ix_register_account_county", table_name="register_account")
    op.drop_index("ix_register_account_account", table_name="register_account")
    op.drop_table("register_account")
    op.drop_index(
        "uq_province_slot_held",
        table_name="province_slot",
        postgresql_where=sa.text("granted_at IS NOT NULL AND released_at IS NULL"),
    )
    op.drop_index(op.f("ix_province_slot_province_code"), table_name="province_slot")
    op.drop_table("province_slot")
    op.drop_table("policy_unit")
    op.drop_table("platform_reference")
    op.drop_index("ix_outbox_due", table_name="outbox", postgresql_where=sa.text("delivered_at IS NULL"))
    op.drop_table("outbox")
    op.drop_index(op.f("ix_odd_answer_county_code"), table_name="odd_answer")
    op.drop_table("odd_answer")
    op.drop_table("number_series")
    op.drop_index("ix_notice_person", table_name="notice")
    op.drop_table("notice")
    op.drop_table("invalidation_cursor")
    op.drop_index(op.f("ix_instruction_county_code"), table_name="instruction")
    op.drop_table("instruction")
    op.drop_index("ix_indicator_county", table_name="indicator")
    op.drop_table("indicator")
    op.drop_index(
        "ix_inbox_pending", table_name="inbox", postgresql_where=sa.text("applied_at IS NULL AND number IS NOT NULL")
    )
    op.drop_index("ix_inbox_due", table_name="inbox", postgresql_where=sa.text("state IN ('received', 'parked')"))
    op.drop_table("inbox")
    op.drop_table("idempotent_answer")
    op.drop_index("ix_face_login_person", table_name="face_login")
    op.drop_index(op.f("ix_face_login_face_session_id"), table_name="face_login")
    op.drop_index(op.f("ix_face_login_browser_hash"), table_name="face_login")
    op.drop_index("ix_face_login_address", table_name="face_login")
    op.drop_table("face_login")
    op.drop_index("ix_contradiction_number", table_name="contradiction")
    op.drop_index("ix_contradiction_county", table_name="contradiction")
    op.drop_table("contradiction")
    op.drop_table("check_round")
    op.drop_table("catalog_list")
    op.drop_index("uq_card_change_open", table_name="card_change", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_card_change_person", table_name="card_change")
    op.drop_table("card_change")
    op.drop_table("budget_choice")
    op.drop_index("ix_beneficiary_list_county", table_name="beneficiary_list")
    op.drop_table("beneficiary_list")
    op.drop_index("ix_batch_county", table_name="batch")
    op.drop_table("batch")
    op.drop_index("uq_account_lock_open", table_name="account_lock", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("account_lock")

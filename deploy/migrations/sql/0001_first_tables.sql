-- The first tables, in the order of their references.

CREATE TABLE account_lock (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  request_no VARCHAR NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_account_lock PRIMARY KEY (id)
);
CREATE UNIQUE INDEX uq_account_lock_open ON account_lock (county_code, person_index) WHERE ended_at IS NULL;

CREATE TABLE batch (
  id BIGSERIAL NOT NULL,
  batch_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  title_sealed VARCHAR NOT NULL,
  stage VARCHAR(40) NOT NULL,
  verification_round INTEGER NOT NULL,
  publicity_start DATE,
  publicity_address VARCHAR,
  publicity_by VARCHAR,
  created_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_batch PRIMARY KEY (id),
  CONSTRAINT uq_batch_batch_no UNIQUE (batch_no),
  CONSTRAINT ck_batch_batchstage CHECK (stage IN ('open', 'verifying', 'verified', 'in_flow', 'done'))
);
CREATE INDEX ix_batch_county ON batch (county_code, id);

CREATE TABLE beneficiary_list (
  id BIGSERIAL NOT NULL,
  list_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  line_count INTEGER NOT NULL,
  total_fen BIGINT NOT NULL,
  held_count INTEGER NOT NULL,
  entered_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_beneficiary_list PRIMARY KEY (id),
  CONSTRAINT uq_beneficiary_list_list_no UNIQUE (list_no)
);
CREATE INDEX ix_beneficiary_list_county ON beneficiary_list (county_code, id);

CREATE TABLE budget_choice (
  county_code VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  code VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  chosen_by VARCHAR NOT NULL,
  chosen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_budget_choice PRIMARY KEY (county_code, kind, fund_year, code)
);

CREATE TABLE card_change (
  id BIGSERIAL NOT NULL,
  request_no VARCHAR NOT NULL,
  province_code VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  name_sealed VARCHAR NOT NULL,
  name_index VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  card_type VARCHAR(40) NOT NULL,
  bank_code VARCHAR NOT NULL,
  account_sealed VARCHAR NOT NULL,
  account_index VARCHAR NOT NULL,
  reason_sealed VARCHAR,
  authorised BOOLEAN NOT NULL,
  channel VARCHAR(40) NOT NULL,
  stage VARCHAR(40) NOT NULL,
  result VARCHAR(40),
  failure_code VARCHAR,
  failure VARCHAR,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_card_change PRIMARY KEY (id),
  CONSTRAINT ck_card_change_authorised CHECK (authorised),
  CONSTRAINT uq_card_change_request_no UNIQUE (request_no),
  CONSTRAINT ck_card_change_requeststage CHECK (stage IN ('validating', 'in_progress', 'ended')),
  CONSTRAINT ck_card_change_requestresult CHECK (result IN ('applied', 'partly_applied', 'refused', 'withdrawn', 'failed')),
  CONSTRAINT ck_card_change_cardtype CHECK (card_type IN ('bank_card', 'passbook')),
  CONSTRAINT ck_card_change_facechannel CHECK (channel IN ('app', 'pc'))
);
CREATE INDEX ix_card_change_name ON card_change (name_index);
CREATE INDEX ix_card_change_person ON card_change (province_code, person_index, id);
CREATE UNIQUE INDEX uq_card_change_open ON card_change (province_code, person_index) WHERE ended_at IS NULL;

CREATE TABLE catalog_fetched (
  workflow_id VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  items JSONB NOT NULL,
  fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_catalog_fetched PRIMARY KEY (workflow_id, kind)
);

CREATE TABLE catalog_list (
  county_code VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  items JSONB NOT NULL,
  fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_catalog_list PRIMARY KEY (county_code, kind, fund_year),
  CONSTRAINT ck_catalog_list_fund_year CHECK (fund_year >= 0)
);

CREATE TABLE check_round (
  id BIGSERIAL NOT NULL,
  round_no VARCHAR NOT NULL,
  province_code VARCHAR NOT NULL,
  county_code VARCHAR,
  trigger VARCHAR NOT NULL,
  account_id BIGINT,
  stage VARCHAR(40) NOT NULL,
  cursor BIGINT NOT NULL,
  pages INTEGER NOT NULL,
  checked INTEGER NOT NULL,
  figures JSONB NOT NULL,
  asked_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_check_round PRIMARY KEY (id),
  CONSTRAINT uq_check_round_round_no UNIQUE (round_no),
  CONSTRAINT ck_check_round_roundstage CHECK (stage IN ('checking', 'done'))
);

CREATE TABLE contradiction (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  number VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  line_key VARCHAR NOT NULL,
  applied_sealed TEXT NOT NULL,
  claimed_sealed TEXT NOT NULL,
  claim_sha256 VARCHAR NOT NULL,
  inbox_id BIGINT,
  asked_sealed TEXT,
  asked_at TIMESTAMP WITH TIME ZONE,
  state VARCHAR(40) NOT NULL,
  taken VARCHAR,
  hindrance VARCHAR,
  reason_sealed VARCHAR,
  decided_by VARCHAR,
  decided_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_contradiction PRIMARY KEY (id),
  CONSTRAINT uq_contradiction_number_kind_line_key_claim_sha256 UNIQUE (number, kind, line_key, claim_sha256),
  CONSTRAINT ck_contradiction_contradictionstate CHECK (state IN ('open', 'decided', 'settled'))
);
CREATE INDEX ix_contradiction_county ON contradiction (county_code, id);
CREATE INDEX ix_contradiction_number ON contradiction (number, state);

CREATE TABLE face_login (
  id BIGSERIAL NOT NULL,
  login_no VARCHAR NOT NULL,
  province_code VARCHAR NOT NULL,
  channel VARCHAR(40) NOT NULL,
  browser_hash VARCHAR NOT NULL,
  address_index VARCHAR NOT NULL,
  stage VARCHAR(40) NOT NULL,
  face_session_id VARCHAR,
  url_sealed VARCHAR,
  expires_at TIMESTAMP WITH TIME ZONE,
  reason_code VARCHAR,
  person_index VARCHAR,
  name_sealed VARCHAR,
  id_number_sealed VARCHAR,
  session_hash VARCHAR,
  session_opened_at TIMESTAMP WITH TIME ZONE,
  last_seen_at TIMESTAMP WITH TIME ZONE,
  session_ended_at TIMESTAMP WITH TIME ZONE,
  over_by VARCHAR(40),
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_face_login PRIMARY KEY (id),
  CONSTRAINT ck_face_login_facechannel CHECK (channel IN ('app', 'pc')),
  CONSTRAINT uq_face_login_login_no UNIQUE (login_no),
  CONSTRAINT ck_face_login_loginstage CHECK (stage IN ('opening', 'waiting', 'scanned', 'passed', 'failed', 'expired')),
  CONSTRAINT ck_face_login_sessionend CHECK (over_by IN ('signed_out', 'idle', 'longest', 'elsewhere', 'locked', 'changed')),
  CONSTRAINT uq_face_login_session_hash UNIQUE (session_hash)
);
CREATE INDEX ix_face_login_address ON face_login (address_index, created_at);
CREATE INDEX ix_face_login_browser_hash ON face_login (browser_hash);
CREATE INDEX ix_face_login_face_session_id ON face_login (face_session_id);
CREATE INDEX ix_face_login_person ON face_login (person_index, created_at);

CREATE TABLE idempotent_answer (
  caller VARCHAR NOT NULL,
  key VARCHAR NOT NULL,
  request_sha256 VARCHAR NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  location VARCHAR,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_idempotent_answer PRIMARY KEY (caller, key)
);

CREATE TABLE inbox (
  id BIGSERIAL NOT NULL,
  province_code VARCHAR NOT NULL,
  event_id VARCHAR NOT NULL,
  source VARCHAR NOT NULL,
  event_type VARCHAR NOT NULL,
  county_code VARCHAR,
  reference VARCHAR,
  number VARCHAR,
  body_sha256 VARCHAR NOT NULL,
  body TEXT NOT NULL,
  state VARCHAR(40) NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
  tries INTEGER NOT NULL,
  delivered_at TIMESTAMP WITH TIME ZONE,
  applied_at TIMESTAMP WITH TIME ZONE,
  effect VARCHAR,
  CONSTRAINT pk_inbox PRIMARY KEY (id),
  CONSTRAINT uq_inbox_province_code_event_id UNIQUE (province_code, event_id),
  CONSTRAINT ck_inbox_inboxstate CHECK (state IN ('received', 'delivered', 'applied', 'parked', 'unknown', 'quarantined'))
);
CREATE INDEX ix_inbox_aside ON inbox (province_code) WHERE state IN ('parked', 'unknown', 'quarantined');
CREATE INDEX ix_inbox_county ON inbox (county_code, id) WHERE county_code IS NOT NULL;
CREATE INDEX ix_inbox_due ON inbox (next_try_at) WHERE state IN ('received', 'parked');
CREATE INDEX ix_inbox_pending ON inbox (number) WHERE applied_at IS NULL AND number IS NOT NULL;

CREATE TABLE indicator (
  id BIGSERIAL NOT NULL,
  indicator_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  budget_unit_code VARCHAR NOT NULL,
  budget_unit_name VARCHAR NOT NULL,
  budget_project_code VARCHAR NOT NULL,
  budget_project_name VARCHAR NOT NULL,
  document_no VARCHAR NOT NULL,
  fund_nature VARCHAR,
  total_fen BIGINT NOT NULL,
  central_fen BIGINT NOT NULL,
  provincial_fen BIGINT NOT NULL,
  municipal_fen BIGINT NOT NULL,
  county_fen BIGINT NOT NULL,
  reserved_fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  stage VARCHAR(40) NOT NULL,
  round INTEGER NOT NULL,
  submission_id VARCHAR,
  refused_submission_id VARCHAR,
  opinion_sealed VARCHAR,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  entered_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_indicator PRIMARY KEY (id),
  CONSTRAINT ck_indicator_total_positive CHECK (total_fen > 0),
  CONSTRAINT ck_indicator_parts CHECK (central_fen >= 0 AND provincial_fen >= 0 AND municipal_fen >= 0 AND county_fen >= 0),
  CONSTRAINT ck_indicator_parts_add_up CHECK (central_fen + provincial_fen + municipal_fen + county_fen = total_fen),
  CONSTRAINT ck_indicator_balance CHECK (reserved_fen >= 0 AND paid_fen >= 0 AND reserved_fen + paid_fen <= total_fen),
  CONSTRAINT uq_indicator_indicator_no UNIQUE (indicator_no),
  CONSTRAINT ck_indicator_reviewstage CHECK (stage IN ('draft', 'in_review', 'approved', 'rejected'))
);
CREATE INDEX ix_indicator_county ON indicator (county_code, fund_year, id);

CREATE TABLE instruction (
  key VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  operation VARCHAR NOT NULL,
  body TEXT NOT NULL,
  body_sha256 VARCHAR NOT NULL,
  answer TEXT,
  refusal_code VARCHAR,
  intended_at TIMESTAMP WITH TIME ZONE NOT NULL,
  answered_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_instruction PRIMARY KEY (key)
);
CREATE INDEX ix_instruction_county_code ON instruction (county_code);

CREATE TABLE invalidation_cursor (
  province_code VARCHAR NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_invalidation_cursor PRIMARY KEY (province_code)
);

CREATE TABLE notice (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  kind VARCHAR(40) NOT NULL,
  cause VARCHAR NOT NULL,
  bank_code VARCHAR,
  account_sealed VARCHAR,
  explanation_sealed VARCHAR NOT NULL,
  error_code VARCHAR,
  request_no VARCHAR,
  applied_at TIMESTAMP WITH TIME ZONE,
  finished_at TIMESTAMP WITH TIME ZONE,
  result VARCHAR,
  operated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  read_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_notice PRIMARY KEY (id),
  CONSTRAINT uq_notice_county_code_person_index_cause UNIQUE (county_code, person_index, cause),
  CONSTRAINT ck_notice_noticekind CHECK (kind IN ('invalidated', 'cleared', 'valid_again', 'applied', 'refused', 'apply_failed', 'payment_failed'))
);
CREATE INDEX ix_notice_person ON notice (person_index, id);

CREATE TABLE number_series (
  series VARCHAR NOT NULL,
  last BIGINT NOT NULL,
  CONSTRAINT pk_number_series PRIMARY KEY (series)
);

CREATE TABLE odd_answer (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  operation VARCHAR NOT NULL,
  key VARCHAR NOT NULL,
  status INTEGER NOT NULL,
  body_sha256 VARCHAR NOT NULL,
  body TEXT NOT NULL,
  times INTEGER NOT NULL,
  came_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_odd_answer PRIMARY KEY (id),
  CONSTRAINT uq_odd_answer_county_code_operation_key_body_sha256 UNIQUE (county_code, operation, key, body_sha256)
);
CREATE INDEX ix_odd_answer_county ON odd_answer (county_code, id);

CREATE TABLE oidc_attempt (
  secret_hash VARCHAR NOT NULL,
  oidc_index VARCHAR,
  made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_oidc_attempt PRIMARY KEY (secret_hash)
);

CREATE TABLE other_account (
  county_code VARCHAR NOT NULL,
  id BIGINT NOT NULL,
  CONSTRAINT pk_other_account PRIMARY KEY (county_code, id)
);

CREATE TABLE outbox (
  id BIGSERIAL NOT NULL,
  workflow_id VARCHAR NOT NULL,
  signal VARCHAR,
  ids JSONB NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
  delivered_at TIMESTAMP WITH TIME ZONE,
  tries INTEGER NOT NULL,
  last_error VARCHAR,
  CONSTRAINT pk_outbox PRIMARY KEY (id)
);
CREATE INDEX ix_outbox_due ON outbox (id) WHERE delivered_at IS NULL;

CREATE TABLE person (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  name_sealed VARCHAR NOT NULL,
  person_index VARCHAR,
  roles VARCHAR[] NOT NULL,
  state VARCHAR(40) NOT NULL,
  is_local BOOLEAN NOT NULL,
  password_hash VARCHAR,
  totp_sealed VARCHAR,
  totp_step BIGINT,
  oidc_index VARCHAR,
  invitation_hash VARCHAR,
  invitation_ends_at TIMESTAMP WITH TIME ZONE,
  created_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_person PRIMARY KEY (id),
  CONSTRAINT uq_person_county_code_subject UNIQUE (county_code, subject),
  CONSTRAINT uq_person_oidc_index UNIQUE (oidc_index),
  CONSTRAINT ck_person_roles CHECK (cardinality(roles) > 0),
  CONSTRAINT ck_person_personstate CHECK (state IN ('invited', 'active', 'locked', 'stopped'))
);
CREATE UNIQUE INDEX uq_person_login ON person (subject) WHERE NOT is_local;
CREATE UNIQUE INDEX uq_person_index ON person (county_code, person_index);

CREATE TABLE platform_pause (
  province_code VARCHAR NOT NULL,
  until TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_platform_pause PRIMARY KEY (province_code)
);

CREATE TABLE platform_reference (
  province_code VARCHAR NOT NULL,
  platform_id VARCHAR NOT NULL,
  number VARCHAR NOT NULL,
  CONSTRAINT pk_platform_reference PRIMARY KEY (province_code, platform_id)
);

CREATE TABLE policy_unit (
  county_code VARCHAR NOT NULL,
  code VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  chosen_by VARCHAR NOT NULL,
  chosen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_policy_unit PRIMARY KEY (county_code)
);

CREATE TABLE province_slot (
  id BIGSERIAL NOT NULL,
  province_code VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  list_no VARCHAR NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  granted_at TIMESTAMP WITH TIME ZONE,
  released_at TIMESTAMP WITH TIME ZONE,
  outside_holder VARCHAR,
  CONSTRAINT pk_province_slot PRIMARY KEY (id),
  CONSTRAINT uq_province_slot_list_no UNIQUE (list_no)
);
CREATE INDEX ix_province_slot_province_code ON province_slot (province_code);
CREATE UNIQUE INDEX uq_province_slot_held ON province_slot (province_code) WHERE granted_at IS NOT NULL AND released_at IS NULL;

CREATE TABLE public_list_switch (
  county_code VARCHAR NOT NULL,
  shown BOOLEAN NOT NULL,
  contact_sealed VARCHAR,
  set_by VARCHAR NOT NULL,
  set_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_public_list_switch PRIMARY KEY (county_code)
);

CREATE TABLE register_account (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  name_sealed VARCHAR NOT NULL,
  name_index VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  bank_code VARCHAR,
  account_sealed VARCHAR,
  account_index VARCHAR,
  card_type VARCHAR(40),
  status VARCHAR(40) NOT NULL,
  source VARCHAR NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_register_account PRIMARY KEY (id),
  CONSTRAINT uq_register_account_person_index_county_code UNIQUE (person_index, county_code),
  CONSTRAINT ck_register_account_accountstatus CHECK (status IN ('valid', 'invalid', 'cleared')),
  CONSTRAINT ck_register_account_cardtype CHECK (card_type IN ('bank_card', 'passbook'))
);
CREATE INDEX ix_register_account_account ON register_account (account_index, county_code, id) INCLUDE (person_index);
CREATE INDEX ix_register_account_county ON register_account (county_code, id, status, bank_code);
CREATE INDEX ix_register_account_name ON register_account (county_code, name_index);

CREATE TABLE repeated_item (
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  person_index VARCHAR NOT NULL,
  item_code VARCHAR NOT NULL,
  CONSTRAINT pk_repeated_item PRIMARY KEY (county_code, fund_year, person_index, item_code)
);

CREATE TABLE restoration (
  id BIGSERIAL NOT NULL,
  restored_to TIMESTAMP WITH TIME ZONE NOT NULL,
  lost_until TIMESTAMP WITH TIME ZONE NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_restoration PRIMARY KEY (id),
  CONSTRAINT uq_restoration_lost_until UNIQUE (lost_until)
);

CREATE TABLE run (
  id BIGSERIAL NOT NULL,
  workflow_id VARCHAR NOT NULL,
  kind VARCHAR(40) NOT NULL,
  number VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER,
  batch_no VARCHAR,
  stage VARCHAR NOT NULL,
  waiting_for VARCHAR NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  restarts INTEGER NOT NULL,
  execution VARCHAR,
  missing_since TIMESTAMP WITH TIME ZONE,
  asked INTEGER NOT NULL,
  platform_asked_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_run PRIMARY KEY (id),
  CONSTRAINT uq_run_workflow_id UNIQUE (workflow_id),
  CONSTRAINT ck_run_runkind CHECK (kind IN ('policy-review', 'indicator-review', 'beneficiary-init', 'verification', 'subsidy-flow', 'evidence', 'application-import', 'catalog-refresh', 'payment-correction', 'face-login', 'card-change', 'village-entry', 'account-check', 'account-event', 'register-load', 'platform-trial'))
);
CREATE INDEX ix_run_county ON run (county_code, id);
CREATE INDEX ix_run_number ON run (number);
CREATE INDEX ix_run_county_open ON run (county_code) WHERE closed_at IS NULL;
CREATE INDEX ix_run_open ON run (id) WHERE closed_at IS NULL;

CREATE TABLE search_tally (
  caller VARCHAR NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  searches INTEGER NOT NULL,
  CONSTRAINT pk_search_tally PRIMARY KEY (caller)
);

CREATE TABLE shared_account (
  county_code VARCHAR NOT NULL,
  id BIGINT NOT NULL,
  CONSTRAINT pk_shared_account PRIMARY KEY (county_code, id)
);

CREATE TABLE stored_file (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  object_key VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  content_type VARCHAR NOT NULL,
  size INTEGER NOT NULL,
  platform_file_id VARCHAR,
  stored_by VARCHAR NOT NULL,
  stored_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_stored_file PRIMARY KEY (id),
  CONSTRAINT uq_stored_file_object_key UNIQUE (object_key)
);
CREATE INDEX ix_stored_file_county_code ON stored_file (county_code);

CREATE TABLE trail_entry (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  sequence BIGINT NOT NULL,
  actor VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  act VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  line_count INTEGER,
  total_fen BIGINT,
  detail TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  chain VARCHAR NOT NULL,
  CONSTRAINT pk_trail_entry PRIMARY KEY (id),
  CONSTRAINT uq_trail_entry_county_code_sequence UNIQUE (county_code, sequence)
);
CREATE INDEX ix_trail_entry_subject ON trail_entry (county_code, subject, sequence);
CREATE INDEX ix_trail_entry_county ON trail_entry (county_code, sequence, act, actor, role, at);

CREATE TABLE disclosure (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor VARCHAR NOT NULL,
  role VARCHAR NOT NULL,
  purpose VARCHAR(40) NOT NULL,
  thing VARCHAR(40) NOT NULL,
  number VARCHAR NOT NULL,
  within VARCHAR,
  CONSTRAINT pk_disclosure PRIMARY KEY (id),
  CONSTRAINT ck_disclosure_disclosurepurpose CHECK (purpose IN ('look', 'edit', 'review', 'names', 'photo', 'export', 'content')),
  CONSTRAINT ck_disclosure_disclosedthing CHECK (thing IN ('application', 'register_account', 'payment', 'card_change', 'village_entry', 'file', 'import', 'register_load', 'callback', 'contradiction', 'odd_answer', 'trail_entry'))
);
CREATE INDEX ix_disclosure_thing_number ON disclosure (county_code, thing, number);
CREATE INDEX ix_disclosure_county ON disclosure (county_code, id, actor, purpose, at);

CREATE TABLE trail_line (
  application_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  CONSTRAINT pk_trail_line PRIMARY KEY (application_id, sequence)
);

CREATE TABLE trail_head (
  county_code VARCHAR NOT NULL,
  sequence BIGINT NOT NULL,
  chain VARCHAR NOT NULL,
  CONSTRAINT pk_trail_head PRIMARY KEY (county_code)
);

CREATE TABLE account_check (
  round_id BIGINT NOT NULL,
  register_account_id BIGINT NOT NULL,
  valid BOOLEAN NOT NULL,
  reason_code VARCHAR,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_account_check PRIMARY KEY (round_id, register_account_id),
  CONSTRAINT fk_account_check_round_id_check_round FOREIGN KEY(round_id) REFERENCES check_round (id),
  CONSTRAINT fk_account_check_register_account_id_register_account FOREIGN KEY(register_account_id) REFERENCES register_account (id)
);

-- A season rewrites each row about twelve times, whole batches at once. Half of a page stays free for the next version, and what
-- is dead is cleared away by whoever comes next: without it the table grew to eight times its rows until a vacuum came.
-- A county's season is a few in a hundred of a province's rows, and shall be vacuumed and analysed.
CREATE TABLE application (
  id BIGSERIAL NOT NULL,
  application_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  applicant_kind VARCHAR(40) NOT NULL,
  channel VARCHAR(40) NOT NULL,
  stage VARCHAR(40) NOT NULL,
  stage_since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  name_sealed VARCHAR NOT NULL,
  name_index VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  phone_sealed VARCHAR,
  town_code VARCHAR NOT NULL,
  village_code VARCHAR NOT NULL,
  group_name VARCHAR,
  bank_code VARCHAR NOT NULL,
  account_sealed VARCHAR NOT NULL,
  account_index VARCHAR NOT NULL,
  card_type VARCHAR(40),
  household_registration VARCHAR(40),
  family_size INTEGER,
  item_code VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  list_id BIGINT,
  batch_id BIGINT,
  match_outcome VARCHAR(40),
  correct_name_sealed VARCHAR,
  correct_name_index VARCHAR,
  match_bank_name VARCHAR,
  verification VARCHAR(40) NOT NULL,
  verification_held BOOLEAN GENERATED ALWAYS AS ((verification)::text = 'held'::text) STORED NOT NULL,
  verification_reason_sealed VARCHAR,
  settlement_material_at TIMESTAMP WITH TIME ZONE,
  payments INTEGER NOT NULL,
  returned_reason_sealed VARCHAR,
  withdrawn_reason_sealed VARCHAR,
  deferred_reason_sealed VARCHAR,
  import_id BIGINT,
  entered_by VARCHAR NOT NULL,
  edited_by VARCHAR[] DEFAULT '{}' NOT NULL,
  reviewed_by VARCHAR,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  version INTEGER NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_application PRIMARY KEY (id),
  CONSTRAINT ck_application_amount_positive CHECK (amount_fen > 0),
  CONSTRAINT ck_application_applicantkind CHECK (applicant_kind IN ('personal', 'organization')),
  CONSTRAINT ck_application_cardtype CHECK (card_type IN ('bank_card', 'passbook')),
  CONSTRAINT ck_application_batch_known CHECK ((stage IN ('in_batch', 'in_flow')) <= (batch_id IS NOT NULL)),
  CONSTRAINT ck_application_two_persons CHECK (reviewed_by IS NULL OR reviewed_by <> entered_by),
  CONSTRAINT uq_application_application_no UNIQUE (application_no),
  CONSTRAINT ck_application_channel CHECK (channel IN ('pc', 'mobile', 'import')),
  CONSTRAINT ck_application_applicationstage CHECK (stage IN ('draft', 'in_review', 'publicised', 'unmatched', 'matched', 'pending_settlement', 'in_batch', 'in_flow', 'paid', 'evidence_sent', 'failed', 'withdrawn', 'closed')),
  CONSTRAINT fk_application_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT ck_application_verification CHECK (verification IN ('none', 'held', 'pending', 'passed', 'failed', 'not_required')),
  CONSTRAINT ck_application_householdregistration CHECK (household_registration IN ('agricultural', 'non_agricultural')),
  CONSTRAINT ck_application_outcome CHECK (match_outcome IN ('matched', 'name_differs', 'not_found', 'no_account', 'passed', 'failed', 'accepted', 'rejected'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE INDEX ix_application_batch ON application (batch_id, id);
CREATE INDEX ix_application_county ON application (county_code, id, town_code, bank_code, village_code);
CREATE INDEX ix_application_held ON application (batch_id) WHERE verification_held;
CREATE INDEX ix_application_import ON application (import_id, id) WHERE import_id IS NOT NULL;
CREATE INDEX ix_application_list ON application (list_id, id);
CREATE INDEX ix_application_name ON application (county_code, name_index);
CREATE INDEX ix_application_person ON application (person_index, county_code);

CREATE TABLE application_standing (
  county_code VARCHAR NOT NULL,
  stage VARCHAR(40) NOT NULL,
  application_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL,
  stage_since TIMESTAMP WITH TIME ZONE NOT NULL,
  list_id BIGINT,
  match_outcome VARCHAR(40),
  entered_by VARCHAR NOT NULL,
  edited_by VARCHAR[] NOT NULL,
  reviewed_by VARCHAR,
  is_returned BOOLEAN NOT NULL,
  CONSTRAINT pk_application_standing PRIMARY KEY (county_code, stage, application_id),
  CONSTRAINT ck_application_standing_applicationstage CHECK (stage IN ('draft', 'in_review', 'publicised', 'unmatched', 'matched', 'pending_settlement', 'in_batch', 'in_flow', 'paid', 'evidence_sent', 'failed', 'withdrawn', 'closed')),
  CONSTRAINT ck_application_standing_outcome CHECK (match_outcome IN ('matched', 'name_differs', 'not_found', 'no_account', 'passed', 'failed', 'accepted', 'rejected'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

CREATE TABLE application_import (
  id BIGSERIAL NOT NULL,
  import_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  applicant_kind VARCHAR(40) NOT NULL,
  batch_id BIGINT,
  file_id BIGINT NOT NULL,
  stage VARCHAR(40) NOT NULL,
  rows_total INTEGER NOT NULL,
  rows_checked INTEGER NOT NULL,
  rows_imported INTEGER NOT NULL,
  rows_refused INTEGER NOT NULL,
  total_fen BIGINT NOT NULL,
  refused_file_id BIGINT,
  problem VARCHAR,
  faults TEXT,
  to_confirm_count INTEGER NOT NULL,
  rows_to_confirm INTEGER NOT NULL,
  decision VARCHAR(40),
  decided_by VARCHAR,
  decided_at TIMESTAMP WITH TIME ZONE,
  decision_reason_sealed VARCHAR,
  corrects_id BIGINT,
  acknowledged_by VARCHAR,
  acknowledged_at TIMESTAMP WITH TIME ZONE,
  entered_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_application_import PRIMARY KEY (id),
  CONSTRAINT ck_application_import_importverdict CHECK (decision IN ('confirmed', 'dropped')),
  CONSTRAINT ck_application_import_decided_by CHECK ((decision IS NULL) = (decided_by IS NULL)),
  CONSTRAINT uq_application_import_import_no UNIQUE (import_no),
  CONSTRAINT fk_application_import_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT fk_application_import_corrects_id_application_import FOREIGN KEY(corrects_id) REFERENCES application_import (id),
  CONSTRAINT fk_application_import_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id),
  CONSTRAINT ck_application_import_importstage CHECK (stage IN ('checking', 'to_confirm', 'refused', 'imported')),
  CONSTRAINT fk_application_import_refused_file_id_stored_file FOREIGN KEY(refused_file_id) REFERENCES stored_file (id),
  CONSTRAINT ck_application_import_applicantkind CHECK (applicant_kind IN ('personal', 'organization'))
);
CREATE INDEX ix_application_import_county ON application_import (county_code, id);

CREATE TABLE import_finding (
  id BIGSERIAL NOT NULL,
  import_id BIGINT NOT NULL,
  file_row INTEGER NOT NULL,
  file_column VARCHAR NOT NULL,
  code VARCHAR NOT NULL,
  message VARCHAR NOT NULL,
  application_no VARCHAR,
  stage VARCHAR,
  amount_fen BIGINT,
  item_code VARCHAR,
  row_amount_fen BIGINT,
  is_new BOOLEAN NOT NULL,
  CONSTRAINT pk_import_finding PRIMARY KEY (id),
  CONSTRAINT fk_import_finding_import_id_application_import FOREIGN KEY(import_id) REFERENCES application_import (id)
);
CREATE INDEX ix_import_finding_import ON import_finding (import_id, id);

CREATE TABLE file_use (
  file_id BIGINT NOT NULL,
  thing VARCHAR(40) NOT NULL,
  number VARCHAR NOT NULL,
  CONSTRAINT pk_file_use PRIMARY KEY (file_id, thing, number),
  CONSTRAINT fk_file_use_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id),
  CONSTRAINT ck_file_use_fileof CHECK (thing IN ('person', 'policy', 'publicity', 'summary', 'settlement', 'village_entry', 'correction', 'objection'))
);

CREATE TABLE batch_image (
  batch_id BIGINT NOT NULL,
  file_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  CONSTRAINT pk_batch_image PRIMARY KEY (batch_id, file_id),
  CONSTRAINT fk_batch_image_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT fk_batch_image_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id)
);

CREATE TABLE card_change_part (
  id BIGSERIAL NOT NULL,
  request_id BIGINT NOT NULL,
  part_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  stage VARCHAR(40) NOT NULL,
  old_bank_code VARCHAR,
  old_account_sealed VARCHAR,
  old_account_index VARCHAR,
  attempt INTEGER NOT NULL,
  submission_id VARCHAR,
  error_code VARCHAR,
  error_sealed VARCHAR,
  old_account_usable BOOLEAN,
  reviewed_by VARCHAR,
  remark_sealed VARCHAR,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  retry_asked_by VARCHAR,
  retry_asked_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_card_change_part PRIMARY KEY (id),
  CONSTRAINT uq_card_change_part_request_id_county_code UNIQUE (request_id, county_code),
  CONSTRAINT fk_card_change_part_request_id_card_change FOREIGN KEY(request_id) REFERENCES card_change (id),
  CONSTRAINT uq_card_change_part_part_no UNIQUE (part_no),
  CONSTRAINT ck_card_change_part_partstage CHECK (stage IN ('validating', 'in_review', 'approved', 'applying', 'applied', 'failed', 'refused', 'withdrawn'))
);
CREATE INDEX ix_card_change_part_county ON card_change_part (county_code, id);
CREATE INDEX ix_card_change_part_stage ON card_change_part (county_code, stage, id);

CREATE TABLE flow (
  id BIGSERIAL NOT NULL,
  flow_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  batch_id BIGINT NOT NULL,
  batch_no VARCHAR NOT NULL,
  policy_unit_code VARCHAR NOT NULL,
  stage VARCHAR(40) NOT NULL,
  outcome VARCHAR(40),
  balanced BOOLEAN,
  holder VARCHAR,
  platform_id VARCHAR,
  round_no INTEGER NOT NULL,
  summary_no INTEGER NOT NULL,
  called_off BOOLEAN NOT NULL,
  refusal_code VARCHAR,
  published_pages INTEGER,
  end_claim JSONB,
  end_figures JSONB,
  started_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_flow PRIMARY KEY (id),
  CONSTRAINT uq_flow_id_policy_unit_code UNIQUE (id, policy_unit_code),
  CONSTRAINT uq_flow_flow_no UNIQUE (flow_no),
  CONSTRAINT fk_flow_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT ck_flow_flowstage CHECK (stage IN ('starting', 'waiting_county', 'settling', 'under_review', 'county_review', 'county_passed', 'summary_submitted', 'summary_approved', 'paying', 'cancelling', 'ended')),
  CONSTRAINT ck_flow_flowoutcome CHECK (outcome IN ('disbursed', 'cancelled', 'refused'))
);
CREATE INDEX ix_flow_county ON flow (county_code, id);
CREATE UNIQUE INDEX uq_flow_open_county ON flow (county_code) WHERE stage <> 'ended';

CREATE TABLE inbox_conflict (
  id BIGSERIAL NOT NULL,
  inbox_id BIGINT NOT NULL,
  body_sha256 VARCHAR NOT NULL,
  body TEXT NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_inbox_conflict PRIMARY KEY (id),
  CONSTRAINT uq_inbox_conflict_inbox_id_body_sha256 UNIQUE (inbox_id, body_sha256),
  CONSTRAINT fk_inbox_conflict_inbox_id_inbox FOREIGN KEY(inbox_id) REFERENCES inbox (id)
);

CREATE TABLE matter_step (
  id BIGSERIAL NOT NULL,
  request_id BIGINT NOT NULL,
  county_code VARCHAR,
  step VARCHAR NOT NULL,
  words VARCHAR NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_matter_step PRIMARY KEY (id),
  CONSTRAINT fk_matter_step_request_id_card_change FOREIGN KEY(request_id) REFERENCES card_change (id)
);
CREATE INDEX ix_matter_step_request_id ON matter_step (request_id);

CREATE TABLE policy (
  id BIGSERIAL NOT NULL,
  policy_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  policy_unit_code VARCHAR NOT NULL,
  policy_unit_name VARCHAR NOT NULL,
  title_sealed VARCHAR NOT NULL,
  item_codes JSONB NOT NULL,
  file_id BIGINT NOT NULL,
  stage VARCHAR(40) NOT NULL,
  round INTEGER NOT NULL,
  submission_id VARCHAR,
  refused_submission_id VARCHAR,
  opinion_sealed VARCHAR,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  entered_by VARCHAR NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_policy PRIMARY KEY (id),
  CONSTRAINT uq_policy_id_policy_unit_code UNIQUE (id, policy_unit_code),
  CONSTRAINT uq_policy_policy_no UNIQUE (policy_no),
  CONSTRAINT fk_policy_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id),
  CONSTRAINT ck_policy_reviewstage CHECK (stage IN ('draft', 'in_review', 'approved', 'rejected'))
);
CREATE INDEX ix_policy_county ON policy (county_code, fund_year, id);

CREATE TABLE register_change (
  id BIGSERIAL NOT NULL,
  register_account_id BIGINT NOT NULL,
  source VARCHAR NOT NULL,
  actor VARCHAR NOT NULL,
  old_bank_code VARCHAR,
  old_account_sealed VARCHAR,
  new_bank_code VARCHAR,
  new_account_sealed VARCHAR,
  old_status VARCHAR,
  new_status VARCHAR NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  as_of TIMESTAMP WITH TIME ZONE,
  reason_code VARCHAR,
  CONSTRAINT pk_register_change PRIMARY KEY (id),
  CONSTRAINT fk_register_change_register_account_id_register_account FOREIGN KEY(register_account_id) REFERENCES register_account (id)
);
CREATE INDEX ix_register_change_register_account_id ON register_change (register_account_id);

CREATE TABLE person_change (
  id BIGSERIAL NOT NULL,
  person_id BIGINT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  roles VARCHAR[] NOT NULL,
  asked_by VARCHAR NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decided_by VARCHAR,
  decided_at TIMESTAMP WITH TIME ZONE,
  is_confirmed BOOLEAN,
  CONSTRAINT pk_person_change PRIMARY KEY (id),
  CONSTRAINT fk_person_change_person_id_person FOREIGN KEY(person_id) REFERENCES person (id),
  CONSTRAINT ck_person_change_personchangekind CHECK (kind IN ('invitation', 'roles', 'reset')),
  CONSTRAINT ck_person_change_two_people CHECK (decided_by <> asked_by)
);
CREATE INDEX ix_person_change_person ON person_change (person_id, id);
CREATE UNIQUE INDEX uq_person_change_open ON person_change (person_id) WHERE decided_at IS NULL;

CREATE TABLE sign_in_tally (
  name_index VARCHAR NOT NULL,
  tries INTEGER NOT NULL,
  locked_until TIMESTAMP WITH TIME ZONE,
  last_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_sign_in_tally PRIMARY KEY (name_index)
);

CREATE TABLE sign_in_ticket (
  secret_hash VARCHAR NOT NULL,
  person_id BIGINT NOT NULL,
  step VARCHAR(40) NOT NULL,
  totp_sealed VARCHAR,
  code_at TIMESTAMP WITH TIME ZONE,
  made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_sign_in_ticket PRIMARY KEY (secret_hash),
  CONSTRAINT fk_sign_in_ticket_person_id_person FOREIGN KEY(person_id) REFERENCES person (id),
  CONSTRAINT ck_sign_in_ticket_signinstep CHECK (step IN ('password', 'enrol', 'code', 'bind', 'role'))
);

CREATE TABLE staff_session (
  id BIGSERIAL NOT NULL,
  person_id BIGINT NOT NULL,
  role VARCHAR(40) NOT NULL,
  secret_hash VARCHAR NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  code_at TIMESTAMP WITH TIME ZONE,
  ended_at TIMESTAMP WITH TIME ZONE,
  over_by VARCHAR(40),
  CONSTRAINT pk_staff_session PRIMARY KEY (id),
  CONSTRAINT fk_staff_session_person_id_person FOREIGN KEY(person_id) REFERENCES person (id),
  CONSTRAINT uq_staff_session_secret_hash UNIQUE (secret_hash),
  CONSTRAINT ck_staff_session_role CHECK (role IN ('county_admin', 'operator', 'reviewer', 'applicant', 'ops', 'auditor')),
  CONSTRAINT ck_staff_session_sessionend CHECK (over_by IN ('signed_out', 'idle', 'longest', 'elsewhere', 'locked', 'changed'))
);
CREATE INDEX ix_staff_session_person ON staff_session (person_id, id);
CREATE UNIQUE INDEX uq_staff_session_open ON staff_session (person_id) WHERE ended_at IS NULL;

CREATE TABLE village_entry (
  id BIGSERIAL NOT NULL,
  entry_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  name_sealed VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  card_type VARCHAR(40) NOT NULL,
  bank_code VARCHAR NOT NULL,
  account_sealed VARCHAR NOT NULL,
  account_index VARCHAR NOT NULL,
  photo_file_id BIGINT NOT NULL,
  reason_sealed VARCHAR,
  stage VARCHAR(40) NOT NULL,
  attempt INTEGER NOT NULL,
  submission_id VARCHAR,
  failure_code VARCHAR,
  failure VARCHAR,
  entered_by VARCHAR NOT NULL,
  confirmed_by VARCHAR,
  remark_sealed VARCHAR,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_village_entry PRIMARY KEY (id),
  CONSTRAINT ck_village_entry_two_persons CHECK (confirmed_by IS NULL OR confirmed_by <> entered_by),
  CONSTRAINT uq_village_entry_entry_no UNIQUE (entry_no),
  CONSTRAINT fk_village_entry_photo_file_id_stored_file FOREIGN KEY(photo_file_id) REFERENCES stored_file (id),
  CONSTRAINT ck_village_entry_entrystage CHECK (stage IN ('validating', 'entered', 'applying', 'applied', 'failed', 'refused')),
  CONSTRAINT ck_village_entry_cardtype CHECK (card_type IN ('bank_card', 'passbook'))
);
CREATE INDEX ix_village_entry_county ON village_entry (county_code, id);
CREATE UNIQUE INDEX uq_village_entry_open ON village_entry (county_code, person_index) WHERE ended_at IS NULL;

CREATE TABLE register_load (
  id BIGSERIAL NOT NULL,
  load_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  as_of DATE NOT NULL,
  file_id BIGINT NOT NULL,
  stage VARCHAR(40) NOT NULL,
  rows_total INTEGER NOT NULL,
  rows_checked INTEGER NOT NULL,
  rows_refused INTEGER NOT NULL,
  rows_asked INTEGER NOT NULL,
  refused_file_id BIGINT,
  problem VARCHAR,
  faults_sealed TEXT,
  findings_sealed TEXT,
  to_confirm_count INTEGER NOT NULL,
  rows_to_confirm INTEGER NOT NULL,
  decision VARCHAR(40),
  decided_by VARCHAR,
  decided_at TIMESTAMP WITH TIME ZONE,
  decision_reason_sealed VARCHAR,
  pages INTEGER NOT NULL,
  page_size INTEGER NOT NULL,
  cursor BIGINT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE,
  compared_at TIMESTAMP WITH TIME ZONE,
  figures JSONB NOT NULL,
  corrects_id BIGINT,
  acknowledged_by VARCHAR,
  acknowledged_at TIMESTAMP WITH TIME ZONE,
  entered_by VARCHAR NOT NULL,
  confirmed_by VARCHAR,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  remark_sealed VARCHAR,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_register_load PRIMARY KEY (id),
  CONSTRAINT uq_register_load_load_no UNIQUE (load_no),
  CONSTRAINT ck_register_load_loadstage CHECK (stage IN ('checking', 'to_confirm', 'asking', 'entered', 'taking', 'loaded', 'refused', 'not_taken')),
  CONSTRAINT ck_register_load_importverdict CHECK (decision IN ('confirmed', 'dropped')),
  CONSTRAINT ck_register_load_decided_by CHECK ((decision IS NULL) = (decided_by IS NULL)),
  CONSTRAINT ck_register_load_two_persons CHECK (confirmed_by IS NULL OR (confirmed_by <> entered_by AND confirmed_by IS DISTINCT FROM decided_by)),
  CONSTRAINT fk_register_load_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id),
  CONSTRAINT fk_register_load_refused_file_id_stored_file FOREIGN KEY(refused_file_id) REFERENCES stored_file (id),
  CONSTRAINT fk_register_load_corrects_id_register_load FOREIGN KEY(corrects_id) REFERENCES register_load (id)
);
CREATE INDEX ix_register_load_county ON register_load (county_code, id);
CREATE UNIQUE INDEX uq_register_load_open ON register_load (county_code) WHERE finished_at IS NULL;

CREATE TABLE register_load_row (
  id BIGSERIAL NOT NULL,
  load_id BIGINT NOT NULL,
  file_row INTEGER NOT NULL,
  person_index VARCHAR NOT NULL,
  name_sealed VARCHAR NOT NULL,
  name_index VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  bank_code VARCHAR NOT NULL,
  account_sealed VARCHAR NOT NULL,
  account_index VARCHAR NOT NULL,
  card_type VARCHAR(40) NOT NULL,
  valid BOOLEAN,
  outcome VARCHAR(40),
  code VARCHAR,
  old_bank_code VARCHAR,
  old_account_sealed VARCHAR,
  old_status VARCHAR,
  CONSTRAINT pk_register_load_row PRIMARY KEY (id),
  CONSTRAINT uq_register_load_row_load_id_person_index UNIQUE (load_id, person_index),
  CONSTRAINT ck_register_load_row_cardtype CHECK (card_type IN ('bank_card', 'passbook')),
  CONSTRAINT ck_register_load_row_loadoutcome CHECK (outcome IN ('new', 'changed', 'same', 'refused', 'left_out')),
  CONSTRAINT fk_register_load_row_load_id_register_load FOREIGN KEY(load_id) REFERENCES register_load (id)
);
CREATE INDEX ix_register_load_row_load ON register_load_row (load_id, id);
CREATE INDEX ix_register_load_row_outcome ON register_load_row (load_id, outcome, id);

CREATE TABLE platform_trial (
  county_code VARCHAR NOT NULL,
  asked_by VARCHAR NOT NULL,
  tried_at TIMESTAMP WITH TIME ZONE NOT NULL,
  code VARCHAR,
  took_ms INTEGER NOT NULL,
  ahead_seconds DOUBLE PRECISION,
  CONSTRAINT pk_platform_trial PRIMARY KEY (county_code)
);

CREATE TABLE evidence_requirement (
  county_code VARCHAR NOT NULL,
  item_code VARCHAR NOT NULL,
  kinds VARCHAR[] NOT NULL,
  set_by VARCHAR NOT NULL,
  set_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_evidence_requirement PRIMARY KEY (county_code, item_code),
  CONSTRAINT ck_evidence_requirement_kinds CHECK (cardinality(kinds) > 0 AND kinds <@ ARRAY['id_card_front', 'portrait', 'invoice']::varchar[])
);

CREATE TABLE application_draft (
  id BIGSERIAL NOT NULL,
  county_code VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  kind VARCHAR(40) NOT NULL,
  fund_year INTEGER NOT NULL,
  form_sealed TEXT NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_application_draft PRIMARY KEY (id),
  CONSTRAINT ck_application_draft_applicantkind CHECK (kind IN ('personal', 'organization'))
);
CREATE INDEX ix_application_draft_subject ON application_draft (county_code, subject);

CREATE TABLE application_photo (
  id BIGSERIAL NOT NULL,
  application_id BIGINT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  file_id BIGINT NOT NULL,
  stored_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_application_photo PRIMARY KEY (id),
  CONSTRAINT uq_application_photo_application_id_kind UNIQUE (application_id, kind),
  CONSTRAINT ck_application_photo_documentkind CHECK (kind IN ('id_card_front', 'id_card_back', 'portrait', 'invoice', 'bank_card', 'other')),
  CONSTRAINT fk_application_photo_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT fk_application_photo_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id)
);

CREATE TABLE objection (
  id BIGSERIAL NOT NULL,
  objection_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  application_id BIGINT NOT NULL,
  application_no VARCHAR NOT NULL,
  reason_sealed VARCHAR NOT NULL,
  file_id BIGINT,
  state VARCHAR(40) NOT NULL,
  opinion_sealed VARCHAR,
  entered_by VARCHAR NOT NULL,
  entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decided_by VARCHAR,
  decided_at TIMESTAMP WITH TIME ZONE,
  flow_id BIGINT,
  CONSTRAINT pk_objection PRIMARY KEY (id),
  CONSTRAINT uq_objection_objection_no UNIQUE (objection_no),
  CONSTRAINT ck_objection_objectionstate CHECK (state IN ('open', 'upheld', 'dismissed')),
  CONSTRAINT ck_objection_decided CHECK ((state = 'open') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
  CONSTRAINT ck_objection_two_persons CHECK (decided_by IS NULL OR decided_by <> entered_by),
  CONSTRAINT fk_objection_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT fk_objection_file_id_stored_file FOREIGN KEY(file_id) REFERENCES stored_file (id),
  CONSTRAINT fk_objection_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id)
);
CREATE INDEX ix_objection_county ON objection (county_code, id);
CREATE INDEX ix_objection_application ON objection (application_id);
CREATE INDEX ix_objection_flow ON objection (flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX ix_objection_open ON objection (application_no) WHERE state = 'open';

CREATE TABLE dataset (
  id BIGSERIAL NOT NULL,
  reference VARCHAR NOT NULL,
  kind VARCHAR(40) NOT NULL,
  county_code VARCHAR NOT NULL,
  batch_id BIGINT,
  flow_id BIGINT,
  mode VARCHAR(40),
  order_no VARCHAR,
  stage VARCHAR(40) NOT NULL,
  generation INTEGER NOT NULL,
  platform_id VARCHAR,
  record_count INTEGER NOT NULL,
  total_fen BIGINT NOT NULL,
  result_pages INTEGER,
  refusal_code VARCHAR,
  refusal_detail VARCHAR,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_dataset PRIMARY KEY (id),
  CONSTRAINT ck_dataset_datasetkind CHECK (kind IN ('beneficiary_init', 'verification', 'application_submission')),
  CONSTRAINT uq_dataset_reference UNIQUE (reference),
  CONSTRAINT fk_dataset_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT fk_dataset_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT ck_dataset_datasetstage CHECK (stage IN ('prepared', 'waiting_slot', 'under_review', 'reviewed', 'refused')),
  CONSTRAINT ck_dataset_roundmode CHECK (mode IN ('initial', 'modified', 'confirmed', 'unverified', 'repayment'))
);
CREATE INDEX ix_dataset_flow_id ON dataset (flow_id);
CREATE UNIQUE INDEX uq_dataset_open_round ON dataset (flow_id) WHERE flow_id IS NOT NULL AND stage NOT IN ('reviewed', 'refused');

CREATE TABLE flow_indicator (
  flow_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  indicator_id BIGINT NOT NULL,
  CONSTRAINT pk_flow_indicator PRIMARY KEY (flow_id, position),
  CONSTRAINT fk_flow_indicator_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT fk_flow_indicator_indicator_id_indicator FOREIGN KEY(indicator_id) REFERENCES indicator (id)
);

-- As `application`: four rewrites a line, of which payment and evidence touch no index.
CREATE TABLE flow_line (
  id BIGSERIAL NOT NULL,
  flow_id BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  application_no VARCHAR NOT NULL,
  attempt INTEGER NOT NULL,
  repays_flow_id BIGINT,
  county_code VARCHAR NOT NULL,
  applicant_kind VARCHAR(40) NOT NULL,
  name_sealed VARCHAR NOT NULL,
  name_index VARCHAR NOT NULL,
  id_number_sealed VARCHAR NOT NULL,
  person_index VARCHAR NOT NULL,
  phone_sealed VARCHAR,
  town_code VARCHAR NOT NULL,
  village_code VARCHAR NOT NULL,
  group_name VARCHAR,
  bank_code VARCHAR NOT NULL,
  account_sealed VARCHAR NOT NULL,
  account_index VARCHAR NOT NULL,
  household_registration VARCHAR(40),
  family_size INTEGER,
  item_code VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  indicator_id BIGINT NOT NULL,
  verification VARCHAR(40) NOT NULL,
  state VARCHAR(40) NOT NULL,
  sent BOOLEAN NOT NULL,
  mode VARCHAR(40),
  reason_code VARCHAR,
  reason_sealed VARCHAR,
  money VARCHAR(40) NOT NULL,
  payment VARCHAR(40),
  payment_sequence INTEGER NOT NULL,
  payment_reason_code VARCHAR,
  payment_at TIMESTAMP WITH TIME ZONE,
  evidence_sent_at TIMESTAMP WITH TIME ZONE,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_flow_line PRIMARY KEY (id),
  CONSTRAINT uq_flow_line_flow_id_application_id_attempt UNIQUE (flow_id, application_id, attempt),
  CONSTRAINT ck_flow_line_amount_positive CHECK (amount_fen > 0),
  CONSTRAINT ck_flow_line_payment_of_accepted CHECK ((state = 'accepted') = (payment IS NOT NULL)),
  CONSTRAINT ck_flow_line_money_paid CHECK ((money = 'paid') = (payment IS NOT DISTINCT FROM 'paid')),
  CONSTRAINT fk_flow_line_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT fk_flow_line_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT fk_flow_line_repays_flow_id_flow FOREIGN KEY(repays_flow_id) REFERENCES flow (id),
  CONSTRAINT fk_flow_line_indicator_id_indicator FOREIGN KEY(indicator_id) REFERENCES indicator (id),
  CONSTRAINT ck_flow_line_verification CHECK (verification IN ('none', 'held', 'pending', 'passed', 'failed', 'not_required')),
  CONSTRAINT ck_flow_line_linestate CHECK (state IN ('unsent', 'held', 'under_review', 'rejected', 'accepted', 'withdrawn', 'deferred', 'cancelled')),
  CONSTRAINT ck_flow_line_money CHECK (money IN ('reserved', 'paid', 'released')),
  CONSTRAINT ck_flow_line_paymentstate CHECK (payment IN ('awaiting', 'paid', 'failed', 'unresolved')),
  CONSTRAINT ck_flow_line_applicantkind CHECK (applicant_kind IN ('personal', 'organization')),
  CONSTRAINT ck_flow_line_householdregistration CHECK (household_registration IN ('agricultural', 'non_agricultural')),
  CONSTRAINT ck_flow_line_roundmode CHECK (mode IN ('initial', 'modified', 'confirmed', 'unverified', 'repayment'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX ix_flow_line_account ON flow_line (account_index);
CREATE INDEX ix_flow_line_again ON flow_line (county_code) WHERE attempt > 1;
CREATE INDEX ix_flow_line_application ON flow_line (application_id);
CREATE INDEX ix_flow_line_county ON flow_line (county_code, id, town_code, bank_code);
CREATE INDEX ix_flow_line_flow ON flow_line (flow_id, id, state);
CREATE INDEX ix_flow_line_indicator ON flow_line (indicator_id);
CREATE INDEX ix_flow_line_name ON flow_line (county_code, name_index);
CREATE INDEX ix_flow_line_number ON flow_line (application_no);

CREATE TABLE flow_policy (
  flow_id BIGINT NOT NULL,
  policy_id BIGINT NOT NULL,
  policy_unit_code VARCHAR NOT NULL,
  CONSTRAINT pk_flow_policy PRIMARY KEY (flow_id, policy_id),
  CONSTRAINT fk_flow_policy_flow_id_policy_unit_code_flow FOREIGN KEY(flow_id, policy_unit_code) REFERENCES flow (id, policy_unit_code),
  CONSTRAINT fk_flow_policy_policy_id_policy_unit_code_policy FOREIGN KEY(policy_id, policy_unit_code) REFERENCES policy (id, policy_unit_code)
);

CREATE TABLE operator_order (
  id BIGSERIAL NOT NULL,
  order_no VARCHAR NOT NULL,
  county_code VARCHAR NOT NULL,
  kind VARCHAR(40) NOT NULL,
  flow_id BIGINT,
  batch_id BIGINT,
  state VARCHAR(40) NOT NULL,
  reason_sealed VARCHAR NOT NULL,
  line_count INTEGER NOT NULL,
  total_fen BIGINT NOT NULL,
  done_count INTEGER NOT NULL,
  done_fen BIGINT NOT NULL,
  entered_by VARCHAR NOT NULL,
  entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
  confirmed_by VARCHAR,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  remark_sealed VARCHAR,
  outcome_code VARCHAR,
  outcome VARCHAR,
  finished_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_operator_order PRIMARY KEY (id),
  CONSTRAINT ck_operator_order_two_persons CHECK (confirmed_by IS NULL OR confirmed_by <> entered_by),
  CONSTRAINT uq_operator_order_order_no UNIQUE (order_no),
  CONSTRAINT ck_operator_order_orderkind CHECK (kind IN ('name_correction', 'modified', 'confirmed', 'unverified', 'repayment', 'withdrawal', 'cancellation', 'evidence')),
  CONSTRAINT fk_operator_order_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT fk_operator_order_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id),
  CONSTRAINT ck_operator_order_orderstate CHECK (state IN ('entered', 'confirmed', 'refused', 'done', 'failed'))
);
CREATE INDEX ix_operator_order_county ON operator_order (county_code, id);
CREATE INDEX ix_operator_order_flow ON operator_order (flow_id, state);

CREATE TABLE flow_tally (
  flow_id BIGINT NOT NULL,
  indicator_id BIGINT NOT NULL,
  money VARCHAR NOT NULL,
  state VARCHAR NOT NULL,
  payment VARCHAR NOT NULL,
  lines BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  sendable BIGINT NOT NULL,
  CONSTRAINT pk_flow_tally PRIMARY KEY (flow_id, indicator_id, money, state, payment)
);

CREATE TABLE dataset_tally (
  dataset_id BIGINT NOT NULL,
  outcome VARCHAR NOT NULL,
  reason_code VARCHAR NOT NULL,
  lines BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  CONSTRAINT pk_dataset_tally PRIMARY KEY (dataset_id, outcome, reason_code)
);

CREATE TABLE batch_tally (
  id BIGSERIAL NOT NULL,
  batch_id BIGINT NOT NULL,
  stage VARCHAR NOT NULL,
  verification VARCHAR NOT NULL,
  lines BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  CONSTRAINT pk_batch_tally PRIMARY KEY (id)
);
CREATE INDEX ix_batch_tally_batch ON batch_tally (batch_id);

CREATE TABLE payment_page (
  flow_id BIGINT NOT NULL,
  page INTEGER NOT NULL,
  content_sha256 VARCHAR NOT NULL,
  inbox_id BIGINT NOT NULL,
  taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_payment_page PRIMARY KEY (flow_id, page),
  CONSTRAINT fk_payment_page_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id)
);

CREATE TABLE summary (
  id BIGSERIAL NOT NULL,
  flow_id BIGINT NOT NULL,
  number INTEGER NOT NULL,
  stage VARCHAR(40) NOT NULL,
  opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  figures JSONB,
  form_file_id BIGINT,
  opinion_sealed VARCHAR,
  reviewed_by VARCHAR,
  reviewed_at TIMESTAMP WITH TIME ZONE,
  submitted_by VARCHAR,
  submitted_at TIMESTAMP WITH TIME ZONE,
  submission_id VARCHAR,
  platform_opinion_sealed VARCHAR,
  platform_reviewed_at TIMESTAMP WITH TIME ZONE,
  confirmed_by VARCHAR,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  confirmation_sent_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_summary PRIMARY KEY (id),
  CONSTRAINT uq_summary_flow_id_number UNIQUE (flow_id, number),
  CONSTRAINT ck_summary_two_reviewers CHECK (confirmed_by IS NULL OR confirmed_by <> reviewed_by),
  CONSTRAINT ck_summary_confirmer_not_submitter CHECK (confirmed_by IS NULL OR confirmed_by <> submitted_by),
  CONSTRAINT ck_summary_submitter_not_reviewer CHECK (submitted_by IS NULL OR submitted_by <> reviewed_by),
  CONSTRAINT fk_summary_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT ck_summary_summarystage CHECK (stage IN ('open', 'county_passed', 'county_refused', 'submitted', 'approved', 'rejected', 'confirmed', 'closed')),
  CONSTRAINT fk_summary_form_file_id_stored_file FOREIGN KEY(form_file_id) REFERENCES stored_file (id)
);

-- Each line is rewritten once, by its result, which touches no index.
CREATE TABLE dataset_line (
  dataset_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  application_id BIGINT NOT NULL,
  application_no VARCHAR NOT NULL,
  amount_fen BIGINT NOT NULL,
  outcome VARCHAR(40),
  reason_code VARCHAR,
  reason_sealed VARCHAR,
  CONSTRAINT pk_dataset_line PRIMARY KEY (dataset_id, position),
  CONSTRAINT fk_dataset_line_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id),
  CONSTRAINT fk_dataset_line_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT ck_dataset_line_outcome CHECK (outcome IN ('matched', 'name_differs', 'not_found', 'no_account', 'passed', 'failed', 'accepted', 'rejected'))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX ix_dataset_line_application ON dataset_line (application_id);
CREATE INDEX ix_dataset_line_number ON dataset_line (application_no);

CREATE TABLE foreseen_line (
  dataset_id BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  CONSTRAINT pk_foreseen_line PRIMARY KEY (dataset_id, application_id, kind),
  CONSTRAINT fk_foreseen_line_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id),
  CONSTRAINT fk_foreseen_line_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT ck_foreseen_line_foreseen CHECK (kind IN ('contract', 'held', 'name_differs', 'not_found', 'no_account', 'bank_unlisted', 'bank_without', 'account_digit', 'account_invalid', 'verified_badly', 'unverified', 'several_lines', 'same_item'))
);
CREATE INDEX ix_foreseen_line_application ON foreseen_line (application_id);

CREATE TABLE order_line (
  order_id BIGINT NOT NULL,
  application_id BIGINT NOT NULL,
  application_no VARCHAR NOT NULL,
  flow_line_id BIGINT,
  amount_fen BIGINT NOT NULL,
  correction_sealed TEXT,
  done BOOLEAN,
  fault_code VARCHAR,
  fault VARCHAR,
  CONSTRAINT pk_order_line PRIMARY KEY (order_id, application_id),
  CONSTRAINT fk_order_line_order_id_operator_order FOREIGN KEY(order_id) REFERENCES operator_order (id),
  CONSTRAINT fk_order_line_application_id_application FOREIGN KEY(application_id) REFERENCES application (id),
  CONSTRAINT fk_order_line_flow_line_id_flow_line FOREIGN KEY(flow_line_id) REFERENCES flow_line (id)
);
CREATE INDEX ix_order_line_application ON order_line (application_id);
CREATE INDEX ix_order_line_flow_line ON order_line (flow_line_id) WHERE flow_line_id IS NOT NULL;

CREATE TABLE payment (
  id BIGSERIAL NOT NULL,
  flow_id BIGINT NOT NULL,
  flow_line_id BIGINT NOT NULL,
  sequence INTEGER NOT NULL,
  status VARCHAR(40) NOT NULL,
  amount_fen BIGINT NOT NULL,
  bank_serial_no VARCHAR,
  reason_code VARCHAR,
  reason_sealed VARCHAR,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  page INTEGER,
  source VARCHAR NOT NULL,
  settled_by VARCHAR,
  proof_file_id BIGINT,
  after_end BOOLEAN NOT NULL,
  taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_payment PRIMARY KEY (id),
  CONSTRAINT uq_payment_flow_line_id_sequence_source UNIQUE (flow_line_id, sequence, source),
  CONSTRAINT ck_payment_paymentstatus CHECK (status IN ('paid', 'failed')),
  CONSTRAINT ck_payment_settled_by_somebody CHECK ((source = 'settled') = (settled_by IS NOT NULL)),
  CONSTRAINT fk_payment_flow_id_flow FOREIGN KEY(flow_id) REFERENCES flow (id),
  CONSTRAINT fk_payment_flow_line_id_flow_line FOREIGN KEY(flow_line_id) REFERENCES flow_line (id),
  CONSTRAINT fk_payment_proof_file_id_stored_file FOREIGN KEY(proof_file_id) REFERENCES stored_file (id)
);
CREATE INDEX ix_payment_flow_id ON payment (flow_id);

CREATE TABLE result_page (
  id BIGSERIAL NOT NULL,
  dataset_id BIGINT NOT NULL,
  page INTEGER NOT NULL,
  content_sha256 VARCHAR NOT NULL,
  inbox_id BIGINT NOT NULL,
  taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_result_page PRIMARY KEY (id),
  CONSTRAINT uq_result_page_dataset_id_page UNIQUE (dataset_id, page),
  CONSTRAINT fk_result_page_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id)
);

CREATE TABLE moved_year (
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  moved_by VARCHAR NOT NULL,
  begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
  written_at TIMESTAMP WITH TIME ZONE,
  moved_at TIMESTAMP WITH TIME ZONE,
  manifest_key VARCHAR,
  manifest_sha256 VARCHAR,
  lines BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  CONSTRAINT pk_moved_year PRIMARY KEY (county_code, fund_year)
);

CREATE TABLE moved_part (
  county_code VARCHAR NOT NULL,
  fund_year INTEGER NOT NULL,
  number INTEGER NOT NULL,
  sha256 VARCHAR NOT NULL,
  size BIGINT NOT NULL,
  lines BIGINT NOT NULL,
  fen BIGINT NOT NULL,
  paid_fen BIGINT NOT NULL,
  application_ids BIGINT[] NOT NULL,
  moved_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_moved_part PRIMARY KEY (county_code, fund_year, number),
  CONSTRAINT fk_moved_part_county_code_fund_year_moved_year FOREIGN KEY(county_code, fund_year) REFERENCES moved_year (county_code, fund_year)
);

CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS idempotency (
  client_id TEXT, key TEXT, target TEXT NOT NULL, body_hash BLOB NOT NULL, status INTEGER NOT NULL, body BLOB, at REAL NOT NULL,
  PRIMARY KEY (client_id, key)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS file (
  client_id TEXT, file_id TEXT, sha256 TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (client_id, file_id)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS review (
  submission_id TEXT PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, county_code TEXT NOT NULL, client_reference TEXT,
  fund_year INTEGER, flow_id TEXT, total_fen INTEGER, status TEXT NOT NULL DEFAULT 'pending', opinion TEXT, reviewed_at TEXT,
  body TEXT NOT NULL, said TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS review_flow ON review (flow_id) WHERE flow_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS dataset (
  dataset_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, county_code TEXT NOT NULL, kind TEXT NOT NULL, client_reference TEXT,
  batch_no TEXT, flow_id TEXT, mode TEXT, status TEXT NOT NULL DEFAULT 'open', record_count INTEGER, total_fen INTEGER,
  result_pages INTEGER, opened_at REAL NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS dataset_review ON dataset (kind, county_code) WHERE status = 'under_review';

CREATE TABLE IF NOT EXISTS record (
  dataset_id TEXT, page INTEGER, place INTEGER, application_no TEXT NOT NULL, attempt INTEGER NOT NULL, repays_flow_id TEXT,
  indicator_id TEXT, applicant_kind TEXT NOT NULL, name TEXT NOT NULL, id_number TEXT NOT NULL, town_code TEXT NOT NULL,
  item_code TEXT NOT NULL, amount_fen INTEGER NOT NULL, bank_code TEXT NOT NULL, account_no TEXT NOT NULL, remark TEXT,
  PRIMARY KEY (dataset_id, page, place)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS result_page (
  dataset_id TEXT, page INTEGER, body BLOB NOT NULL, PRIMARY KEY (dataset_id, page)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS verified (
  county_code TEXT, application_no TEXT, outcome TEXT NOT NULL, PRIMARY KEY (county_code, application_no)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS flow (
  flow_id TEXT PRIMARY KEY, client_id TEXT, county_code TEXT NOT NULL, client_reference TEXT, batch_no TEXT NOT NULL,
  by_hand INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL DEFAULT 'active', outcome TEXT, stage TEXT NOT NULL DEFAULT 'rounds',
  payment_pages INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS flow_county ON flow (county_code) WHERE status = 'active';

CREATE TABLE IF NOT EXISTS flow_item (flow_id TEXT, item_code TEXT, PRIMARY KEY (flow_id, item_code)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS flow_line (
  flow_id TEXT, application_no TEXT, county_code TEXT NOT NULL, attempt INTEGER NOT NULL, mode TEXT NOT NULL, dataset_id TEXT NOT NULL,
  indicator_id TEXT NOT NULL, applicant_kind TEXT NOT NULL, name TEXT NOT NULL, id_number TEXT NOT NULL, town_code TEXT NOT NULL,
  item_code TEXT NOT NULL, amount_fen INTEGER NOT NULL, bank_code TEXT NOT NULL, account_no TEXT NOT NULL,
  status TEXT NOT NULL, was_duplicate INTEGER NOT NULL DEFAULT 0, accepted_no INTEGER,
  pay_sequence INTEGER NOT NULL DEFAULT 0, pay_status TEXT, PRIMARY KEY (flow_id, application_no)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS flow_line_application ON flow_line (county_code, application_no);
CREATE INDEX IF NOT EXISTS flow_line_person ON flow_line (flow_id, id_number);
CREATE INDEX IF NOT EXISTS flow_line_indicator ON flow_line (indicator_id);
CREATE INDEX IF NOT EXISTS flow_line_accepted ON flow_line (accepted_no) WHERE accepted_no IS NOT NULL;

CREATE TABLE IF NOT EXISTS payment (
  flow_id TEXT, plan INTEGER, application_no TEXT, attempt INTEGER NOT NULL, sequence INTEGER NOT NULL, status TEXT NOT NULL,
  amount_fen INTEGER NOT NULL, bank_serial_no TEXT, reason_code TEXT, reason TEXT, page INTEGER,
  PRIMARY KEY (flow_id, plan, application_no)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS payment_page (
  flow_id TEXT, page INTEGER, body BLOB NOT NULL, PRIMARY KEY (flow_id, page)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS evidence (
  flow_id TEXT, application_no TEXT, documents TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (flow_id, application_no)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS register (
  county_code TEXT, id_number TEXT, bank_code TEXT, account_no TEXT, name TEXT NOT NULL, verification TEXT NOT NULL, payment TEXT NOT NULL,
  PRIMARY KEY (county_code, id_number, bank_code, account_no)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS bank_account (
  bank_code TEXT, account_no TEXT, card_type TEXT NOT NULL, holder_name TEXT NOT NULL, holder_id_number TEXT NOT NULL, status TEXT NOT NULL,
  PRIMARY KEY (bank_code, account_no)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS bank_account_holder ON bank_account (holder_id_number);

CREATE TABLE IF NOT EXISTS account_change (
  submission_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, county_code TEXT NOT NULL, client_reference TEXT, id_number TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending', reason_code TEXT, reason TEXT, old_account_usable INTEGER, body TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS account_change_pending ON account_change (county_code, id_number) WHERE status = 'pending';

CREATE TABLE IF NOT EXISTS invalidation (
  arrival INTEGER PRIMARY KEY, client_id TEXT NOT NULL, at REAL NOT NULL, body TEXT NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS face_session (
  face_session_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, client_reference TEXT, channel TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'waiting', reason_code TEXT, name TEXT, id_number TEXT, expires_at REAL NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS province_lock (province_code TEXT PRIMARY KEY, county_code TEXT NOT NULL) STRICT;

CREATE TABLE IF NOT EXISTS agenda (
  id INTEGER PRIMARY KEY, clock TEXT NOT NULL, due REAL NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL, plan INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS agenda_due ON agenda (clock, due, id) WHERE waiting = 0;
CREATE INDEX IF NOT EXISTS agenda_ref ON agenda (ref);

CREATE TABLE IF NOT EXISTS event (
  seq INTEGER PRIMARY KEY, webhook_id TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, lane TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
  status TEXT NOT NULL, fault TEXT, attempts INTEGER NOT NULL DEFAULT 0, deliveries INTEGER NOT NULL DEFAULT 0, wanted INTEGER NOT NULL DEFAULT 1,
  next_at REAL NOT NULL, created_at REAL NOT NULL, delivered_at REAL) STRICT;
CREATE INDEX IF NOT EXISTS event_pending ON event (next_at, seq) WHERE status = 'pending';

CREATE TABLE IF NOT EXISTS fault_log (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, ref TEXT) STRICT;

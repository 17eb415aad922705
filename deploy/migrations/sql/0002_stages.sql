-- Whoever waits for a stage hears of every change of it, by whichever statement: at the commit, with the number of what
-- changed, so that nobody else wakes. A number begins with its county, an attempt to sign in with its province.

CREATE FUNCTION tell_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('onecard_stage', to_jsonb(NEW) ->> TG_ARGV[0]);
  RETURN NULL;
END $$;
CREATE TRIGGER policy_told AFTER UPDATE ON policy FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('policy_no');
CREATE TRIGGER indicator_told AFTER UPDATE ON indicator FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('indicator_no');
CREATE TRIGGER application_import_told AFTER UPDATE ON application_import FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('import_no');
CREATE TRIGGER register_load_told AFTER UPDATE ON register_load FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('load_no');
CREATE TRIGGER batch_told AFTER UPDATE ON batch FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('batch_no');
-- An initialisation's list has its number; nobody waits for a round, its flow's stage says where it is.
CREATE TRIGGER dataset_told AFTER UPDATE ON dataset FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage AND NEW.kind = 'beneficiary_init') EXECUTE FUNCTION tell_stage('reference');
CREATE TRIGGER flow_told AFTER UPDATE ON flow FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_stage('flow_no');
CREATE TRIGGER operator_order_told AFTER UPDATE ON operator_order FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION tell_stage('order_no');
-- A session that another tab has fetched ends this tab's wait too.
CREATE TRIGGER face_login_told AFTER UPDATE ON face_login FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage OR NEW.session_hash IS DISTINCT FROM OLD.session_hash)
  EXECUTE FUNCTION tell_stage('login_no');

-- Of a county is told that something of it has changed, whatever: its pages that stand open ask every few seconds, and
-- are answered from memory until then (api/pages/quiet.py). Lines change by the hundred thousand, so they aren't told
-- themselves: what changes them writes the trail, a run's wait, a list, or a page of results. One word a transaction.
CREATE FUNCTION tell_county() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('onecard_stage', NEW.county_code);
  RETURN NULL;
END $$;
-- The same of a row that belongs to one of another table, by its column.
CREATE FUNCTION tell_county_of() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  county varchar;
BEGIN
  EXECUTE format('SELECT county_code FROM %I WHERE id = ($1).%I', TG_ARGV[0], TG_ARGV[1]) USING NEW INTO county;
  PERFORM pg_notify('onecard_stage', county);
  RETURN NULL;
END $$;
CREATE TRIGGER trail_head_county AFTER UPDATE ON trail_head FOR EACH ROW EXECUTE FUNCTION tell_county();
-- People sign in with their face by the hundred, and card changes have stages of their own.
CREATE TRIGGER run_opened_county AFTER INSERT ON run FOR EACH ROW
  WHEN (NEW.kind NOT IN ('face-login', 'card-change')) EXECUTE FUNCTION tell_county();
CREATE TRIGGER run_county AFTER UPDATE ON run FOR EACH ROW
  WHEN (NEW.kind NOT IN ('face-login', 'card-change') AND (NEW.stage, NEW.waiting_for, NEW.since, NEW.closed_at,
    NEW.restarts) IS DISTINCT FROM (OLD.stage, OLD.waiting_for, OLD.since, OLD.closed_at, OLD.restarts))
  EXECUTE FUNCTION tell_county();
CREATE TRIGGER card_change_part_county AFTER UPDATE ON card_change_part FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_county();
CREATE TRIGGER village_entry_county AFTER UPDATE ON village_entry FOR EACH ROW
  WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION tell_county();
CREATE TRIGGER application_import_county AFTER UPDATE ON application_import FOR EACH ROW EXECUTE FUNCTION tell_county();
CREATE TRIGGER register_load_county AFTER UPDATE ON register_load FOR EACH ROW EXECUTE FUNCTION tell_county();
CREATE TRIGGER dataset_county AFTER INSERT OR UPDATE ON dataset FOR EACH ROW EXECUTE FUNCTION tell_county();
CREATE TRIGGER flow_county AFTER UPDATE ON flow FOR EACH ROW EXECUTE FUNCTION tell_county();
CREATE TRIGGER contradiction_county AFTER INSERT OR UPDATE ON contradiction FOR EACH ROW EXECUTE FUNCTION tell_county();
CREATE TRIGGER inbox_aside_county AFTER UPDATE ON inbox FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state AND NEW.county_code IS NOT NULL AND (
    NEW.state IN ('parked', 'unknown', 'quarantined') OR OLD.state IN ('parked', 'unknown', 'quarantined')))
  EXECUTE FUNCTION tell_county();
CREATE TRIGGER person_county AFTER UPDATE ON person FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state OR NEW.roles IS DISTINCT FROM OLD.roles) EXECUTE FUNCTION tell_county();
CREATE TRIGGER staff_session_county AFTER UPDATE ON staff_session FOR EACH ROW
  WHEN (NEW.ended_at IS DISTINCT FROM OLD.ended_at) EXECUTE FUNCTION tell_county_of('person', 'person_id');
CREATE TRIGGER summary_county AFTER INSERT OR UPDATE ON summary FOR EACH ROW
  EXECUTE FUNCTION tell_county_of('flow', 'flow_id');
CREATE TRIGGER result_page_county AFTER INSERT ON result_page FOR EACH ROW
  EXECUTE FUNCTION tell_county_of('dataset', 'dataset_id');
CREATE TRIGGER payment_page_county AFTER INSERT ON payment_page FOR EACH ROW
  EXECUTE FUNCTION tell_county_of('flow', 'flow_id');

-- Since when an application waits where it is: the stage's own time, and that of the material review's word.
CREATE FUNCTION note_stage_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.stage_since = now();
  RETURN NEW;
END $$;
CREATE TRIGGER application_stage_since BEFORE UPDATE OF stage, reviewed_by ON application FOR EACH ROW
  WHEN (NEW.stage <> OLD.stage OR (NEW.reviewed_by IS NULL) <> (OLD.reviewed_by IS NULL))
  EXECUTE FUNCTION note_stage_since();

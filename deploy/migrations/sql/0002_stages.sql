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

-- Since when an application waits where it is: the stage's own time, and that of the material review's word.
CREATE FUNCTION note_stage_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.stage_since = now();
  RETURN NEW;
END $$;
CREATE TRIGGER application_stage_since BEFORE UPDATE OF stage, reviewed_by ON application FOR EACH ROW
  WHEN (NEW.stage <> OLD.stage OR (NEW.reviewed_by IS NULL) <> (OLD.reviewed_by IS NULL))
  EXECUTE FUNCTION note_stage_since();

-- Maker and checker (models/words/makers.py) where one row's columns don't suffice for a CHECK: a route that forgets to ask is
-- refused here. The conditions stand in the triggers' WHEN, so that an act on many rows calls no function for the good ones.

CREATE FUNCTION refuse_same_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'maker and checker of % are the same person', TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE FUNCTION keep_maker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'who made a row of % is never changed', TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER application_reviewer BEFORE UPDATE OF reviewed_by ON application FOR EACH ROW
  WHEN (NEW.reviewed_by IS DISTINCT FROM OLD.reviewed_by AND NEW.reviewed_by = ANY (NEW.edited_by))
  EXECUTE FUNCTION refuse_same_person();
CREATE TRIGGER application_editors BEFORE UPDATE OF edited_by ON application FOR EACH ROW
  WHEN (NOT NEW.edited_by @> OLD.edited_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER application_enterer BEFORE UPDATE OF entered_by ON application FOR EACH ROW
  WHEN (NEW.entered_by <> OLD.entered_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER operator_order_enterer BEFORE UPDATE OF entered_by ON operator_order FOR EACH ROW
  WHEN (NEW.entered_by <> OLD.entered_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER village_entry_enterer BEFORE UPDATE OF entered_by ON village_entry FOR EACH ROW
  WHEN (NEW.entered_by <> OLD.entered_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER objection_enterer BEFORE UPDATE OF entered_by ON objection FOR EACH ROW
  WHEN (NEW.entered_by <> OLD.entered_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER register_load_enterer BEFORE UPDATE OF entered_by ON register_load FOR EACH ROW
  WHEN (NEW.entered_by <> OLD.entered_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER flow_starter BEFORE UPDATE OF started_by ON flow FOR EACH ROW
  WHEN (NEW.started_by <> OLD.started_by) EXECUTE FUNCTION keep_maker();
CREATE TRIGGER summary_confirmer_kept BEFORE UPDATE OF confirmed_by ON summary FOR EACH ROW
  WHEN (OLD.confirmed_by IS NOT NULL AND NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by)
  EXECUTE FUNCTION keep_maker();

-- Whether a person entered or edited a line of a flow, or started it.
CREATE FUNCTION made_flow(person varchar, number bigint) RETURNS boolean STABLE LANGUAGE sql AS $$
  SELECT EXISTS (SELECT FROM flow WHERE id = number AND started_by = person)
      OR EXISTS (SELECT FROM flow_line l JOIN application a ON a.id = l.application_id
                 WHERE l.flow_id = number AND (a.entered_by = person OR person = ANY (a.edited_by)))
$$;

CREATE FUNCTION check_summary_persons() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.reviewed_by = (SELECT started_by FROM flow WHERE id = NEW.flow_id)
     OR NEW.confirmed_by IS NOT NULL AND (
       made_flow(NEW.confirmed_by, NEW.flow_id)
       OR EXISTS (SELECT FROM operator_order WHERE flow_id = NEW.flow_id AND entered_by = NEW.confirmed_by)) THEN
    RAISE EXCEPTION 'maker and checker of summary are the same person'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER summary_persons BEFORE INSERT OR UPDATE OF reviewed_by, confirmed_by ON summary FOR EACH ROW
  WHEN (coalesce(NEW.reviewed_by, NEW.confirmed_by) IS NOT NULL) EXECUTE FUNCTION check_summary_persons();

-- By the line and not by the flow, as a flow's lines are settled by the thousand; pages of the platform's call nothing.
CREATE FUNCTION check_settling_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM flow WHERE id = NEW.flow_id AND started_by = NEW.settled_by)
     OR EXISTS (SELECT FROM flow_line l JOIN application a ON a.id = l.application_id WHERE l.id = NEW.flow_line_id
                AND (a.entered_by = NEW.settled_by OR NEW.settled_by = ANY (a.edited_by))) THEN
    RAISE EXCEPTION 'maker and checker of payment are the same person'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payment_settler BEFORE INSERT ON payment FOR EACH ROW
  WHEN (NEW.settled_by IS NOT NULL) EXECUTE FUNCTION check_settling_person();

CREATE FUNCTION check_deciding_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF made_flow(NEW.decided_by, (SELECT id FROM flow WHERE flow_no = NEW.number))
     OR EXISTS (SELECT FROM village_entry WHERE entry_no = NEW.number AND entered_by = NEW.decided_by)
     OR EXISTS (SELECT FROM dataset d JOIN dataset_line n ON n.dataset_id = d.id
                JOIN application a ON a.id = n.application_id WHERE d.reference = NEW.number
                AND (a.entered_by = NEW.decided_by OR NEW.decided_by = ANY (a.edited_by))) THEN
    RAISE EXCEPTION 'maker and checker of contradiction are the same person'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER contradiction_decider BEFORE INSERT OR UPDATE OF decided_by ON contradiction FOR EACH ROW
  WHEN (NEW.decided_by IS NOT NULL) EXECUTE FUNCTION check_deciding_person();

-- Which applications name another account than the register has of their person, and which accounts more than one person uses,
-- is noted when it comes about, by whichever way, so that no list has to look for the few among all of a county. Nothing is ever
-- taken off: whether it still is so is asked of the rows.
-- One looks at the commit, and one at a time: of two that come at once the later sees the earlier. That is the last lock that
-- anybody takes, and whoever has it waits for nobody. A connection keeps the plan of its first entry, made when the tables
-- fitted on a page: so the indexes are the only way, as for what is applied for twice (0002_repeated_items.sql).

CREATE FUNCTION note_account() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('accounts', 0));
  IF EXISTS (SELECT FROM register_account o
             WHERE o.account_index = NEW.account_index AND o.person_index <> NEW.person_index) THEN
    INSERT INTO shared_account SELECT r.county_code, r.id FROM register_account r WHERE r.account_index = NEW.account_index
    ON CONFLICT DO NOTHING;
  END IF;
  INSERT INTO other_account SELECT a.county_code, a.id FROM application a
  WHERE a.person_index = NEW.person_index AND (a.county_code = NEW.county_code) IS TRUE
    AND (a.account_index, a.bank_code) IS DISTINCT FROM (NEW.account_index, NEW.bank_code)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER register_account_put AFTER INSERT ON register_account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.account_index IS NOT NULL) EXECUTE FUNCTION note_account();
CREATE CONSTRAINT TRIGGER register_account_changed AFTER UPDATE OF account_index, bank_code ON register_account
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.account_index IS NOT NULL
    AND (NEW.account_index, NEW.bank_code) IS DISTINCT FROM (OLD.account_index, OLD.bank_code))
  EXECUTE FUNCTION note_account();

CREATE FUNCTION note_other_account() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('accounts', 0));
  INSERT INTO other_account SELECT NEW.county_code, NEW.id FROM register_account r
  WHERE r.person_index = NEW.person_index AND (r.county_code = NEW.county_code) IS TRUE AND r.account_index IS NOT NULL
    AND (r.account_index, r.bank_code) IS DISTINCT FROM (NEW.account_index, NEW.bank_code)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER application_entered AFTER INSERT ON application DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.import_id IS NULL) EXECUTE FUNCTION note_other_account();
CREATE CONSTRAINT TRIGGER application_account_changed AFTER UPDATE OF person_index, account_index, bank_code ON application
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((NEW.person_index, NEW.account_index, NEW.bank_code)
    IS DISTINCT FROM (OLD.person_index, OLD.account_index, OLD.bank_code))
  EXECUTE FUNCTION note_other_account();

-- A file's lines are looked at together, when their import says that they are in.
CREATE FUNCTION note_other_accounts() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('accounts', 0));
  INSERT INTO other_account SELECT a.county_code, a.id FROM application a
  -- one look for each: a join might read the whole register
  CROSS JOIN LATERAL (SELECT r.account_index, r.bank_code FROM register_account r WHERE r.person_index = a.person_index
    AND (r.county_code = a.county_code) IS TRUE AND r.account_index IS NOT NULL LIMIT 1) AS r
  WHERE a.import_id = NEW.id AND (r.account_index, r.bank_code) IS DISTINCT FROM (a.account_index, a.bank_code)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER application_import_in AFTER UPDATE OF stage ON application_import
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.stage = 'imported' AND OLD.stage IS DISTINCT FROM NEW.stage)
  EXECUTE FUNCTION note_other_accounts();

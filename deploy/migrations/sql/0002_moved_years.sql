-- A finished fund year's lines are moved out (python -m deploy.years): by the tables' owner, by the one function below, part by
-- part, and each part only once it is written, read back and signed for. Nobody else can delete what is history, and nothing
-- else that the owner does on these tables passes either. Figures stay as they were: they are of lines that are elsewhere now.

-- The tables' own names, whatever the session's path or its temporary tables say.
CREATE FUNCTION moves_out() RETURNS boolean STABLE LANGUAGE sql SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce(current_setting('onecard.moving_out', true), '') = 'on' AND pg_has_role(
    current_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = 'public.payment'::regclass), 'MEMBER')
$$;

CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('payment', 'trail_line') AND moves_out() THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION '% is history: rows are added, never changed', TG_TABLE_NAME;
END $$;

-- Gives how many applications went; none when the part has gone before.
CREATE FUNCTION move_out_part(county varchar, year integer, part integer) RETURNS integer LANGUAGE plpgsql
  SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  ids bigint[];
  gone integer;
BEGIN
  SELECT p.application_ids INTO ids FROM moved_part p JOIN moved_year y USING (county_code, fund_year)
  WHERE p.county_code = county AND p.fund_year = year AND p.number = part AND p.moved_at IS NULL
    AND y.written_at IS NOT NULL FOR NO KEY UPDATE OF p;
  IF ids IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM set_config('onecard.moving_out', 'on', true);
  DELETE FROM payment WHERE flow_line_id = ANY(ARRAY(SELECT id FROM flow_line WHERE application_id = ANY(ids)));
  DELETE FROM order_line WHERE application_id = ANY(ids);
  DELETE FROM flow_line WHERE application_id = ANY(ids);
  DELETE FROM dataset_line WHERE application_id = ANY(ids);
  DELETE FROM foreseen_line WHERE application_id = ANY(ids);
  DELETE FROM objection WHERE application_id = ANY(ids);
  DELETE FROM application_photo WHERE application_id = ANY(ids);
  DELETE FROM trail_line WHERE application_id = ANY(ids);
  DELETE FROM other_account WHERE county_code = county AND id = ANY(ids);
  DELETE FROM application WHERE id = ANY(ids) AND county_code = county;
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone <> cardinality(ids) THEN
    RAISE EXCEPTION 'part % of % in % has % applications, % are here', part, year, county, cardinality(ids), gone;
  END IF;
  UPDATE moved_part SET moved_at = now()
  WHERE county_code = county AND fund_year = year AND number = part;
  PERFORM set_config('onecard.moving_out', 'off', true);
  RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION move_out_part FROM PUBLIC;
REVOKE INSERT, UPDATE, DELETE ON moved_year, moved_part FROM onecard_app;

-- What was paid in a year that is moved out isn't here to be compared with: a new line of it could be paid a second time.
CREATE FUNCTION refuse_moved_year() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM added a JOIN moved_year y ON y.county_code = a.county_code AND a.fund_year <= y.fund_year) THEN
    RAISE EXCEPTION 'the fund year is moved out: nothing is added to it'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER application_year AFTER INSERT ON application REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION refuse_moved_year();

-- What is claimed more than once is noted where it comes in, by whichever way, so that no list of doubles has to look for
-- it among all applications of a county. Nothing is ever taken off: whether there still is another one is asked of the rows.
-- Who adds applications to a county takes turns (claims/{county}), so that of two at once the second sees the first.

CREATE FUNCTION note_repeated_claims() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- EXECUTE plans it anew for the table as large as it is now: a plan kept from a connection's first entry, when the
  -- table fitted on a page, would walk through the table for each row of a large import
  EXECUTE $statement$
  INSERT INTO repeated_claim
  SELECT DISTINCT n.county_code, n.fund_year, n.person_index, n.item_code FROM added n
  -- one look by the index for each: a join might read the whole table for a few thousand rows
  CROSS JOIN LATERAL (
    SELECT FROM application o WHERE o.county_code = n.county_code AND o.person_index = n.person_index
      AND o.item_code = n.item_code AND o.fund_year = n.fund_year AND o.id <> n.id LIMIT 1) AS another
  ON CONFLICT DO NOTHING
  $statement$;
  RETURN NULL;
END $$;
CREATE TRIGGER application_claims AFTER INSERT ON application REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION note_repeated_claims();

CREATE FUNCTION note_repeated_claim() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM application o WHERE o.county_code = NEW.county_code AND o.person_index = NEW.person_index
             AND o.item_code = NEW.item_code AND o.fund_year = NEW.fund_year AND o.id <> NEW.id) THEN
    INSERT INTO repeated_claim VALUES (NEW.county_code, NEW.fund_year, NEW.person_index, NEW.item_code)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER application_claim AFTER UPDATE OF person_index, item_code, fund_year ON application FOR EACH ROW
  WHEN ((NEW.person_index, NEW.item_code, NEW.fund_year) IS DISTINCT FROM (OLD.person_index, OLD.item_code, OLD.fund_year))
  EXECUTE FUNCTION note_repeated_claim();

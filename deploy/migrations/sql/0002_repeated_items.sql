-- What is applied for more than once is noted where it comes in, by whichever way, so that no list of doubles has to look for
-- it among all applications of a county. Nothing is ever taken off: whether there still is another one is asked of the rows.
-- Who adds applications to a county takes turns (additions/{county}), so that of two at once the second sees the first.

CREATE FUNCTION note_repeated_items() RETURNS trigger LANGUAGE plpgsql
-- A connection keeps the plan of its first entry, made when the table fitted on a page: a large import would walk through
-- the table for each of its rows. So the person's index is the only way, whatever is known of the table's size.
SET enable_seqscan = off AS $$
BEGIN
  INSERT INTO repeated_item
  SELECT DISTINCT n.county_code, n.fund_year, n.person_index, n.item_code FROM added n
  -- one look for each: a join might read the whole table for a few thousand rows
  CROSS JOIN LATERAL (
    SELECT FROM application o WHERE o.person_index = n.person_index AND (o.county_code = n.county_code) IS TRUE
      AND o.item_code = n.item_code AND o.fund_year = n.fund_year AND o.id <> n.id LIMIT 1) AS another
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER application_items AFTER INSERT ON application REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION note_repeated_items();

CREATE FUNCTION note_repeated_item() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  IF EXISTS (SELECT FROM application o WHERE o.person_index = NEW.person_index
             AND (o.county_code = NEW.county_code) IS TRUE AND o.item_code = NEW.item_code AND o.fund_year = NEW.fund_year AND o.id <> NEW.id) THEN
    INSERT INTO repeated_item VALUES (NEW.county_code, NEW.fund_year, NEW.person_index, NEW.item_code)
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER application_item AFTER UPDATE OF person_index, item_code, fund_year ON application FOR EACH ROW
  WHEN ((NEW.person_index, NEW.item_code, NEW.fund_year) IS DISTINCT FROM (OLD.person_index, OLD.item_code, OLD.fund_year))
  EXECUTE FUNCTION note_repeated_item();

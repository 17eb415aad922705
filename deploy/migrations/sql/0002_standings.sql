-- Where each application stands follows it, in one statement for however many. Planned anew each time: a plan that was kept
-- from one application would walk through thousands for each of thousands.

CREATE FUNCTION place_standings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO application_standing (county_code, stage, application_id, amount_fen, stage_since, list_id, match_outcome,
    entered_by, edited_by, reviewed_by, is_returned)
  SELECT county_code, stage, id, amount_fen, stage_since, list_id, match_outcome, entered_by, edited_by, reviewed_by,
    returned_reason_sealed IS NOT NULL FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER application_placed AFTER INSERT ON application REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION place_standings();

CREATE FUNCTION move_standings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'UPDATE application_standing s
  SET stage = n.stage, amount_fen = n.amount_fen, stage_since = n.stage_since, list_id = n.list_id,
    match_outcome = n.match_outcome, edited_by = n.edited_by, reviewed_by = n.reviewed_by,
    is_returned = n.returned_reason_sealed IS NOT NULL
  FROM added n JOIN gone o ON o.id = n.id
  WHERE (s.county_code, s.stage, s.application_id) = (o.county_code, o.stage, o.id)
    AND (n.stage, n.amount_fen, n.stage_since, n.list_id, n.match_outcome, n.edited_by, n.reviewed_by,
      n.returned_reason_sealed IS NULL) IS DISTINCT FROM (o.stage, o.amount_fen, o.stage_since, o.list_id,
      o.match_outcome, o.edited_by, o.reviewed_by, o.returned_reason_sealed IS NULL)';
  RETURN NULL;
END $$;
CREATE TRIGGER application_moved AFTER UPDATE ON application REFERENCING NEW TABLE AS added OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION move_standings();

CREATE FUNCTION remove_standings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM application_standing s USING gone o
  WHERE (s.county_code, s.stage, s.application_id) = (o.county_code, o.stage, o.id);
  RETURN NULL;
END $$;
CREATE TRIGGER application_removed AFTER DELETE ON application REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
  EXECUTE FUNCTION remove_standings();

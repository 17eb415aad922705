"""Indicators and tallies follow their lines; history stays; maker and checker are two; repeats and stages are told.

Figures and history let lines go that are moved out with their finished fund year (0002_moved_years.sql), and none else.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One function per kind of change, since a transition table exists only where the change has one.
BALANCE = """
CREATE FUNCTION flow_line_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND moves_out() THEN RETURN NULL; END IF;
  UPDATE indicator i
  SET reserved_fen = i.reserved_fen + d.reserved, paid_fen = i.paid_fen + d.paid
  FROM (
    SELECT indicator_id,
           sum(CASE WHEN money = 'reserved' THEN signed ELSE 0 END) AS reserved,
           sum(CASE WHEN money = 'paid' THEN signed ELSE 0 END) AS paid
    FROM ({rows}) AS change GROUP BY indicator_id
  ) AS d
  WHERE i.id = d.indicator_id AND (d.reserved <> 0 OR d.paid <> 0);
  INSERT INTO flow_tally AS t (flow_id, indicator_id, money, state, payment, lines, fen, sendable)
  SELECT flow_id, indicator_id, money, state, coalesce(payment, ''), sum(line), sum(signed), sum(CASE WHEN
    state = 'unsent' AND repays_flow_id IS NULL AND verification IN ('passed', 'not_required') THEN line ELSE 0 END)
  FROM ({rows}) AS change GROUP BY 1, 2, 3, 4, 5 HAVING sum(line) <> 0 OR sum(signed) <> 0 ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (flow_id, indicator_id, money, state, payment) DO UPDATE
  SET lines = t.lines + excluded.lines, fen = t.fen + excluded.fen, sendable = t.sendable + excluded.sendable;
  RETURN NULL;
END $$
"""
# Sums that a page shows of each of its lists, and a run's look at each wake asks for, cost the same for a long one.
TALLY = """
CREATE FUNCTION dataset_line_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND moves_out() THEN RETURN NULL; END IF;
  INSERT INTO dataset_tally AS t (dataset_id, outcome, reason_code, lines, fen)
  SELECT dataset_id, coalesce(outcome, ''), coalesce(reason_code, ''), sum(line), sum(signed)
  FROM ({rows}) AS change GROUP BY 1, 2, 3 HAVING sum(line) <> 0 OR sum(signed) <> 0 ORDER BY 1, 2, 3
  ON CONFLICT (dataset_id, outcome, reason_code) DO UPDATE
  SET lines = t.lines + excluded.lines, fen = t.fen + excluded.fen;
  RETURN NULL;
END $$
"""
# Many change applications of one batch at once, holding different things: a row that all of them add to would let them
# wait crosswise. So each adds rows, and takes those away that nobody else is about, with what they were in its own.
BATCH_TALLY = """
CREATE FUNCTION application_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND moves_out() THEN RETURN NULL; END IF;
  WITH change AS (
    SELECT batch_id, stage, verification, sum(line) AS lines, sum(signed) AS fen FROM ({rows}) AS rows
    WHERE batch_id IS NOT NULL GROUP BY 1, 2, 3 HAVING sum(line) <> 0 OR sum(signed) <> 0
  ), before AS (
    DELETE FROM batch_tally WHERE id = ANY(ARRAY(SELECT t.id FROM batch_tally t
      WHERE t.batch_id = ANY(ARRAY(SELECT batch_id FROM change)) FOR UPDATE SKIP LOCKED))
    RETURNING batch_id, stage, verification, lines, fen
  )
  INSERT INTO batch_tally (batch_id, stage, verification, lines, fen)
  SELECT batch_id, stage, verification, sum(lines), sum(fen) FROM (TABLE before UNION ALL TABLE change) AS every
  GROUP BY 1, 2, 3 HAVING sum(lines) <> 0 OR sum(fen) <> 0;
  RETURN NULL;
END $$
"""
ADDED = "SELECT *, amount_fen AS signed, 1 AS line FROM added"
GONE = "SELECT *, -amount_fen AS signed, -1 AS line FROM gone"
CHANGES = {
    "insert": (ADDED, "NEW TABLE AS added"),
    "update": (f"{ADDED} UNION ALL {GONE}", "NEW TABLE AS added OLD TABLE AS gone"),
    "delete": (GONE, "OLD TABLE AS gone"),
}
FOLLOWED = {"flow_line": BALANCE, "dataset_line": TALLY, "application": BATCH_TALLY}
SQL = Path(__file__).parents[1] / "sql"
# Before the triggers that ask whether a year is being moved out.
MOVED_YEARS = "0002_moved_years.sql"
STATEMENTS = (
    "0002_accounts.sql",
    "0002_makers.sql",
    "0002_repeated_items.sql",
    "0002_stages.sql",
    "0002_standings.sql",
)
STANDING_FUNCTIONS = ("place_standings", "move_standings", "remove_standings")
ITEM_FUNCTIONS = ("note_repeated_items", "note_repeated_item")
ACCOUNT_FUNCTIONS = ("note_account", "note_other_account", "note_other_accounts")
TELLING_FUNCTIONS = ("tell_stage", "tell_county", "tell_county_of", "note_stage_since")
MAKER_FUNCTIONS = (
    "refuse_same_person",
    "keep_maker",
    "made_flow",
    "check_summary_persons",
    "check_settling_person",
    "check_deciding_person",
)
HISTORY = ("trail_entry", "trail_line", "payment", "register_change", "disclosure")
# A head names the last entry: one that stood still, went back or jumped would hide that entries were cut off.
HEADS = """
CREATE FUNCTION trail_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.county_code <> OLD.county_code OR NEW.sequence <> OLD.sequence + 1 THEN
    RAISE EXCEPTION 'trail_head moves forward, one entry at a time';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trail_head_forward BEFORE UPDATE ON trail_head FOR EACH ROW EXECUTE FUNCTION trail_head_forward();
CREATE TRIGGER trail_head_kept BEFORE DELETE OR TRUNCATE ON trail_head
  FOR EACH STATEMENT EXECUTE FUNCTION keep_history()
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_text(MOVED_YEARS))
    for table, function in FOLLOWED.items():
        for name, (rows, tables) in CHANGES.items():
            op.execute(function.format(name=name, rows=rows))
            op.execute(
                f"CREATE TRIGGER {table}_{name} AFTER {name.upper()} ON {table} REFERENCING {tables} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_{name}()"
            )
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_history BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION keep_history()"
        )
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM onecard_app")
    op.execute(HEADS)
    op.execute("REVOKE DELETE ON trail_head FROM onecard_app")
    for file in STATEMENTS:
        op.get_bind().exec_driver_sql(_text(file))


def _text(file: str) -> str:
    return (SQL / file).read_text(encoding="utf-8").replace("%", "%%")


def downgrade() -> None:
    ours = (*MAKER_FUNCTIONS, *ITEM_FUNCTIONS, *ACCOUNT_FUNCTIONS, *STANDING_FUNCTIONS, *TELLING_FUNCTIONS)
    for function in ours:
        op.execute(f"DROP FUNCTION {function} CASCADE")
    op.execute("GRANT DELETE ON trail_head TO onecard_app")
    op.execute("DROP TRIGGER trail_head_kept ON trail_head")
    op.execute("DROP TRIGGER trail_head_forward ON trail_head")
    op.execute("DROP FUNCTION trail_head_forward()")
    for table in HISTORY:
        op.execute(f"GRANT UPDATE, DELETE ON {table} TO onecard_app")
        op.execute(f"DROP TRIGGER {table}_history ON {table}")
    op.execute("GRANT INSERT, UPDATE, DELETE ON moved_year, moved_part TO onecard_app")
    for function in ("refuse_moved_year", "move_out_part", "keep_history"):
        op.execute(f"DROP FUNCTION {function} CASCADE")
    for table in FOLLOWED:
        for name in CHANGES:
            op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
            op.execute(f"DROP FUNCTION {table}_{name}()")
    op.execute("DROP FUNCTION moves_out()")

"""Indicators follow their lines; what is history can't be changed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One function per kind of change, since a transition table exists only where the change has one.
BALANCE = """
CREATE FUNCTION flow_line_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE indicator i
  SET reserved_fen = i.reserved_fen + d.reserved, paid_fen = i.paid_fen + d.paid
  FROM (
    SELECT indicator_id,
           sum(CASE WHEN money = 'reserved' THEN signed ELSE 0 END) AS reserved,
           sum(CASE WHEN money = 'paid' THEN signed ELSE 0 END) AS paid
    FROM ({rows}) AS change GROUP BY indicator_id
  ) AS d
  WHERE i.id = d.indicator_id AND (d.reserved <> 0 OR d.paid <> 0);
  RETURN NULL;
END $$
"""
ADDED = "SELECT indicator_id, money, amount_fen AS signed FROM added"
GONE = "SELECT indicator_id, money, -amount_fen AS signed FROM gone"
CHANGES = {
    "insert": (ADDED, "NEW TABLE AS added"),
    "update": (f"{ADDED} UNION ALL {GONE}", "NEW TABLE AS added OLD TABLE AS gone"),
    "delete": (GONE, "OLD TABLE AS gone"),
}
HISTORY = ("trail_entry", "payment", "register_change")


def upgrade() -> None:
    for name, (rows, tables) in CHANGES.items():
        op.execute(BALANCE.format(name=name, rows=rows))
        op.execute(
            f"CREATE TRIGGER flow_line_{name} AFTER {name.upper()} ON flow_line REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION flow_line_{name}()"
        )
    op.execute(
        "CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is history: rows are added, never changed', TG_TABLE_NAME; END $$"
    )
    for table in HISTORY:
        op.execute(
            f"CREATE TRIGGER {table}_history BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION keep_history()"
        )


def downgrade() -> None:
    for table in HISTORY:
        op.execute(f"DROP TRIGGER {table}_history ON {table}")
    op.execute("DROP FUNCTION keep_history()")
    for name in CHANGES:
        op.execute(f"DROP TRIGGER flow_line_{name} ON flow_line")
        op.execute(f"DROP FUNCTION flow_line_{name}()")

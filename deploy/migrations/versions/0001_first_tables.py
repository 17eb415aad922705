"""The first tables."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = Path(__file__).parents[1] / "sql" / "0001_first_tables.sql"


# Worker and API work on rows; they own nothing and change no table. What later revisions make gets the same by itself,
# as long as the same owner makes it.
GRANTS = """
GRANT USAGE ON SCHEMA public TO onecard_app;
GRANT SELECT ON alembic_version TO onecard_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO onecard_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO onecard_app;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(GRANTS)
    op.get_bind().exec_driver_sql(TABLES.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Back to an empty schema; the migrations' own table stays."""
    op.get_bind().exec_driver_sql(
        "DO $$ DECLARE t record; BEGIN FOR t IN SELECT tablename FROM pg_tables"
        " WHERE schemaname = current_schema()"
        " AND tablename <> 'alembic_version' LOOP"
        " EXECUTE format('DROP TABLE %%I CASCADE', t.tablename); END LOOP; END $$"
    )

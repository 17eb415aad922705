"""Runs the migrations on DATABASE_URL; compares against the tables for a new revision."""

import os

from alembic import context
from sqlalchemy import create_engine, pool

from models.tables import metadata


def run() -> None:
    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()

"""Runs the migrations on DATABASE_OWNER_URL; compares against the tables for a new revision."""

import os
import sys

from alembic import context
from sqlalchemy import create_engine, pool

from models.tables.metadata import metadata

# Whoever waits for a table makes all that come later wait behind: a step that doesn't get its lock soon is tried again.
LIMITS = {"options": "-c lock_timeout=10s -c statement_timeout=0"}


def run() -> None:
    url = os.environ.get("DATABASE_OWNER_URL")
    if not url:
        sys.exit("请设置 DATABASE_OWNER_URL：数据库升级以 onecard_owner 运行，不用 worker 与 API 的 DATABASE_URL。")
    engine = create_engine(url, poolclass=pool.NullPool, hide_parameters=True, connect_args=LIMITS)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()

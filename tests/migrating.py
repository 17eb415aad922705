"""The migration without a process of its own, whose start takes longer than the tables do."""

import threading
from collections.abc import Mapping

import pytest
from alembic import command
from alembic.config import Config

from deploy.stack.processes import ROOT

# Alembic's context is the process's.
_turn = threading.Lock()


def migrate(owner_url: str, env: Mapping[str, str]) -> None:
    """In the place of `programs.migrate`; of `env` it needs nothing that a test's own process hasn't."""
    with _turn, pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_OWNER_URL", owner_url)
        command.upgrade(Config(ROOT / "deploy" / "migrations" / "alembic.ini"), "head")

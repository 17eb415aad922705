"""The doctor sees what is wrong, says how to mend it, and is quiet about what is well."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploy.cluster.agreed import CANARY_NAMESPACE
from deploy.doctor import Finding, machine, servers
from deploy.stack import Stack
from deploy.stack.condition import examine
from deploy.stack.processes import Identity, PidFile

StackFactory = Callable[..., Stack]
ROOT = Path(__file__).resolve().parents[1]


def about(word: str, home: Path) -> Finding:
    (found,) = [finding for finding in examine(home) if word in finding.what]
    return found


def ended_process() -> Identity:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as short:
        return Identity.of(short.pid)


def test_this_machine_can_run_the_servers() -> None:
    assert [finding for finding in servers() if not finding.is_well] == []
    assert all(finding.is_well for finding in machine() if ".venv" not in finding.what)


def test_missing_binaries_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "initdb"
    broken.write_text("#!/bin/sh\necho cannot load libpq >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ONECARD_PG_BIN", str(tmp_path))
    (postgres,) = [finding for finding in servers() if finding.what == "PostgreSQL"]
    assert "cannot load libpq" in postgres.mend


def test_leftovers_of_a_killed_run_are_named(stack_factory: StackFactory, tmp_path: Path) -> None:
    stack = stack_factory(parts=("postgres",))
    (tmp_path / "run").mkdir()
    orphan = PidFile("postgres", Identity.of(stack.pid("postgres")), owner=ended_process())
    orphan.write(tmp_path / "run" / "postgres.pid.json")
    assert "postgres" in about("遗留", tmp_path).mend
    assert about("遗留", stack.layout.home).is_well


def test_retention_is_checked(
    temporal_environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in temporal_environment.items():
        monkeypatch.setenv(name, value)
    assert about("保留期 90 天", tmp_path).is_well
    monkeypatch.setenv("TEMPORAL_NAMESPACE", CANARY_NAMESPACE)
    assert f"--retention 90d -n {CANARY_NAMESPACE}" in about("保留期 1 天", tmp_path).mend
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    assert "无法连接" in about("Temporal", tmp_path).mend


def test_database_revision_is_checked(
    database_url: str, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert about("数据库版本", tmp_path).is_well
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert "upgrade head" in about("数据库版本", tmp_path).mend
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "无法读取" in about("数据库", tmp_path).mend


def test_doctor_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('deploy/doctor.py', run_name='__main__')"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Python 3." in done.stdout

"""The commands around the local stack: nothing is left over, however a run ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.cluster.plan import HOSTS
from deploy.stack import postgres, temporal
from deploy.stack.ports import LOOPBACK, is_listening
from deploy.stack.processes import Identity, PidFile, end_leftovers, leftovers
from deploy.stack.stack import remove_home
from tests.cluster import NEEDS_PROGRAMS, all_of_it

ROOT = Path(__file__).resolve().parents[1]
SERVERS = ("postgres", "temporal", "s3")


class Runners:
    """Runs `python -m deploy.stack` in one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        # A cluster's keeper ends by itself when nobody is there any more: most are about what does not.
        self.temporal = temporal.Kind.DEV
        self._started: list[subprocess.Popen[str]] = []

    def run(self, command: str, *words: str) -> "subprocess.Popen[str]":
        runner = subprocess.Popen(
            [sys.executable, "-m", "deploy.stack", command, "--home", str(self.home), *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUTF8": "1", temporal.CHOSEN_BY: self.temporal},
        )
        self._started.append(runner)
        return runner

    def say(self, command: str) -> str:
        """What a command that ends by itself has said."""
        said, _ = self.run(command).communicate(timeout=120)
        return said

    def up(self, until: str, only: tuple[str, ...] = ("postgres", "temporal")) -> "subprocess.Popen[str]":
        """A stack of servers, read until it has said `until`."""
        runner = self.run("up", "--only", *only)
        assert runner.stdout is not None
        said = []
        for line in runner.stdout:
            said.append(line)
            if until in line:
                return runner
        raise AssertionError("".join(said))

    def close(self) -> None:
        for runner in self._started:
            runner.kill()
            runner.wait()
            if runner.stdout is not None:
                runner.stdout.close()
        end_leftovers(self.home)
        remove_home(self.home)


@pytest.fixture
def runners(tmp_path: Path) -> Iterator[Runners]:
    runners = Runners(tmp_path / "home")
    yield runners
    runners.close()


@pytest.fixture
def home(runners: Runners) -> Path:
    return runners.home


def parts(home: Path) -> list[psutil.Process]:
    entries = [PidFile.read(path) for path in (home / "run").glob("*.pid.json")]
    return [psutil.Process(entry.part.pid) for entry in entries if entry and entry.name in SERVERS]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_ends_everything(runners: Runners, home: Path) -> None:
    runner = runners.up(until="Ctrl-C", only=SERVERS)
    started = parts(home)
    assert len(alive(started)) == len(SERVERS)
    runner.send_signal(signal.SIGINT)
    rest, _ = runner.communicate(timeout=60)
    assert (runner.returncode, alive(started), leftovers(home)) == (0, [], []), rest


@NEEDS_PROGRAMS
def test_ctrl_c_ends_a_whole_cluster(runners: Runners, home: Path) -> None:
    """No process of it is left, no pid file, and nobody listens at any of its ports."""
    runners.temporal = temporal.Kind.CLUSTER
    runner = runners.up(until="Ctrl-C", only=("temporal",))
    started = all_of_it(home / "run")
    runner.send_signal(signal.SIGINT)
    rest, _ = runner.communicate(timeout=60)
    assert (runner.returncode, alive(started), list((home / "run").glob("*.pid.json"))) == (0, [], []), rest
    ports = json.loads((home / "ports.json").read_text())
    assert [name for name, port in ports.items() if any(is_listening(port, at) for at in (LOOPBACK, *HOSTS))] == []


@pytest.mark.parametrize("kind", [temporal.Kind.DEV, pytest.param(temporal.Kind.CLUSTER, marks=NEEDS_PROGRAMS)])
def test_ctrl_c_in_the_middle_of_the_start_ends_everything(runners: Runners, home: Path, kind: temporal.Kind) -> None:
    runners.temporal = kind
    runner = runners.up(until="正在启动")
    runner.send_signal(signal.SIGINT)
    rest, _ = runner.communicate(timeout=60)
    assert (runner.returncode, alive(parts(home)), leftovers(home)) == (130, [], []), rest
    assert list((home / "run").glob("*.pid.json")) == []


def test_what_a_killed_run_left_is_ended_by_down(runners: Runners, home: Path) -> None:
    runner = runners.up(until="Ctrl-C")
    started = parts(home)
    runner.kill()
    runner.communicate()
    assert sorted(leftovers(home)) == ["postgres", "temporal"]
    assert len(alive(started)) == 2
    said = runners.say("down")
    assert "postgres、temporal" in said
    assert alive(started) == []


def test_the_next_run_ends_what_a_killed_one_left_and_finds_its_data(runners: Runners, home: Path) -> None:
    first = runners.up(until="Ctrl-C")
    left = parts(home)
    ports = json.loads((home / "ports.json").read_text())
    first.kill()
    first.communicate()
    second = runners.up(until="Ctrl-C")
    assert alive(left) == []
    assert json.loads((home / "ports.json").read_text()) == ports
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)
    assert second.returncode == 0


def test_down_ends_a_running_stack_and_clean_removes_it(runners: Runners, home: Path) -> None:
    runner = runners.up(until="Ctrl-C")
    started = parts(home)
    said = runners.say("clean")
    runner.communicate(timeout=30)
    assert alive(started) == []
    assert not home.exists(), said
    assert not postgres.storage(home).exists()


def test_a_process_that_got_a_dead_parts_pid_is_left_alone(home: Path) -> None:
    (home / "run").mkdir(parents=True)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        seen = Identity.of(bystander.pid)
        another = Identity(seen.pid, seen.started - 3600)
        PidFile("worker", another, Identity(2**22, 1.0)).write(home / "run" / "worker.pid.json")
        assert end_leftovers(home) == []
        assert bystander.poll() is None
        assert not (home / "run" / "worker.pid.json").exists()
    finally:
        bystander.communicate(b"\n")

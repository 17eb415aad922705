"""Starting, watching and ending one part; a pid file makes it findable after the runner was killed."""

import contextlib
import ctypes
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
RUNNER_PID_FILE = "runner.pid.json"
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1


class StackError(RuntimeError):
    """Something a person has to know; the text says what happened, where, and what to do."""

    said_fully = True


@dataclass(frozen=True)
class Part:
    """One server or program: how it is started, when it is ready, how it is asked to stop."""

    name: str
    argv: list[str]
    env: Mapping[str, str]
    cwd: Path
    is_ready: Callable[["Running"], bool]
    # The API alone imports for six seconds of a core: on a machine at work, with a cluster starting beside it, that
    # takes half a minute. Whatever ends instead is noticed at once.
    ready_within_s: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 15.0
    user: str | None = None
    # A kill -9 of what started it takes it along (Linux); to be started from a thread that lives as long.
    dies_with_starter: bool = False


@dataclass(frozen=True)
class Running:
    """A started part."""

    part: Part
    popen: subprocess.Popen[bytes]
    pid_file: Path
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True)
class Identity:
    """A process for certain: a pid alone may have been given to another one since."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            # The same start time jitters a little: it is worked out from the clock and the time since boot.
            same = abs(process.create_time() - self.started) < 1.0
            return process if same and _lives(process) else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class PidFile:
    """What a pid file says: the part, and the runner which answers for it."""

    name: str
    part: Identity
    owner: Identity

    @classmethod
    def read(cls, path: Path) -> "PidFile | None":
        try:
            said = json.loads(path.read_text())
            return cls(said["name"], Identity(**said["part"]), Identity(**said["owner"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> Path:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps({"name": self.name, "part": vars(self.part), "owner": vars(self.owner)}))
        return draft.replace(path)


def launch(part: Part, run_dir: Path, log_dir: Path) -> Running:
    """Starts the part in a session of its own: Ctrl-C reaches the runner only, which ends the parts in order."""
    log = log_dir / f"{part.name}.log"
    group = pwd.getpwnam(part.user).pw_gid if part.user else None
    with log.open("ab") as out:
        popen = subprocess.Popen(
            part.argv,
            env=dict(part.env),
            cwd=part.cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=part.user,
            group=group,
            extra_groups=None if group is None else [],
            preexec_fn=_die_with_starter if part.dies_with_starter else None,
        )
    entry = PidFile(part.name, Identity.of(popen.pid), Identity.of(os.getpid()))
    return Running(part, popen, entry.write(run_dir / f"{part.name}.pid.json"), log)


def _die_with_starter() -> None:
    """In the child, before it becomes the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_ready(running: Running) -> None:
    """Returns when the part answers; raises with the end of its log when it ended or took too long."""
    deadline = time.monotonic() + running.part.ready_within_s
    while not running.part.is_ready(running):
        if not running.is_alive:
            raise StackError(_failed(running, f"启动后即退出（退出码 {running.popen.returncode}）"))
        if time.monotonic() > deadline:
            raise StackError(_failed(running, f"{running.part.ready_within_s:.0f} 秒内未就绪"))
        time.sleep(_POLL_S)


def _failed(running: Running, what: str) -> str:
    name, log = running.part.name, running.log
    return f"{name} {what}。日志 {log} 的末尾：\n{running.log_tail()}\n请运行 make doctor 查看缺少什么。"


def stop(running: Running) -> None:
    """Asks the part to stop, and kills it when it doesn't in time."""
    if running.is_alive:
        send(running, running.part.stop_signal)
        # A stopped (SIGSTOP) process would never see the request.
        send(running, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.popen.wait(running.part.stop_within_s)
    kill(running)


def kill(running: Running) -> None:
    """SIGKILL for the part and everything it started; returns when all of them are gone."""
    members = _family(running.pid) if running.is_alive else []
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    end_family(members)
    running.popen.wait()
    running.pid_file.unlink(missing_ok=True)


def send(running: Running, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, number)


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end_family(members: list[psutil.Process]) -> None:
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    wait_gone(members, within_s=10)


def wait_gone(members: list[psutil.Process], within_s: float) -> bool:
    """Whether all ended in time. A zombie has ended too: who reaps a grandchild is not ours to say."""
    deadline = time.monotonic() + within_s
    while any(_lives(member) for member in members):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_leftovers(root: Path) -> list[str]:
    """Ends every part below `root` whose runner is gone; their names."""
    ended = []
    for path, entry in _pid_files(root):
        if entry and entry.owner.find() is not None:
            continue
        process = entry.part.find() if entry else None
        if entry and process is not None:
            # First the polite way: PostgreSQL's children go with it, seaweedfs closes its files.
            members = _family(process.pid)
            process.terminate()
            if not wait_gone(members, within_s=3):
                end_family(members)
            ended.append(entry.name)
        path.unlink(missing_ok=True)
    return ended


def leftovers(root: Path) -> list[str]:
    """Names of the parts below `root` that run without their runner."""
    entries = [entry for _, entry in _pid_files(root) if entry]
    return [entry.name for entry in entries if entry.owner.find() is None and entry.part.find() is not None]


def kept_pids(run_dir: Path) -> dict[str, int]:
    """By name, the living processes whose pid files lie in the folder."""
    entries = (PidFile.read(path) for path in run_dir.glob("*.pid.json"))
    return {entry.name: entry.part.pid for entry in entries if entry and entry.part.find() is not None}


def live_runners(root: Path) -> list[psutil.Process]:
    """The runners of the stacks below `root`."""
    entries = [entry for path, entry in _pid_files(root) if entry and path.name == RUNNER_PID_FILE]
    return [process for entry in entries if (process := entry.owner.find()) is not None]


def _pid_files(root: Path) -> list[tuple[Path, PidFile | None]]:
    # Not rglob: a database's folders are large, and not everybody may read them.
    folders = (root, root / "run", *root.glob("*/*/run"), *root.glob("*/run"))
    paths = {path for folder in folders for path in folder.glob("*.pid.json")}
    return [(path, PidFile.read(path)) for path in sorted(paths)]

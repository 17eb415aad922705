"""Our own programs, started without the seconds that each of them takes to import: forked where all is imported.

A program forked so is a process of its own in all that a test may do to it. `test_stack_programs` and the demo start
them the usual way.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from io import BufferedRWPair
from pathlib import Path
from typing import TypedDict, cast

import time_machine

from deploy.stack.processes import ROOT, Identity, Part, PidFile, Running
from deploy.stack.processes import launch as launch_anew

_PROGRAMS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("worker.py",): ("worker",),
    ("-m", "api.main"): ("api.main",),
    ("-m", "deploy.simulator"): ("deploy.simulator.app", "deploy.simulator.launch"),
}
_LOOK_EVERY_S = 0.01


class Job(TypedDict):
    argv: list[str]
    env: dict[str, str]
    cwd: str
    log: str


class Forked:
    """What the stack asks of a `subprocess.Popen`, asked of the server whose child it is."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self.pid, self.returncode = pid, cast(int | None, None)
        self._server = server

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(_LOOK_EVERY_S)
        return code


class ForkServer:
    """Started with the first program that is wanted; ends with the socket's other end."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._lines, self._process = self._started()

    def _started(self) -> tuple[BufferedRWPair, subprocess.Popen[bytes]]:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT, start_new_session=True)
        theirs.close()
        lines = ours.makefile("rwb")
        ours.close()  # it stays open as long as the file does
        return lines, process

    def fork(self, job: Job) -> Forked:
        return Forked(self, cast(int, self._asked(job)))

    def ended(self, pid: int) -> int | None:
        return self._asked(pid)

    def _asked(self, what: Job | int) -> int | None:
        with self._turn:
            self._lines.write(json.dumps(what).encode() + b"\n")
            self._lines.flush()
            told: int | None = json.loads(self._lines.readline())
            return told

    def close(self) -> None:
        self._lines.close()
        self._process.wait()


class Launcher:
    """In the place of `launch`: our programs by the fork server, all else as ever."""

    def __init__(self) -> None:
        self._server: ForkServer | None = None
        self._once = threading.Lock()

    def __call__(self, part: Part, run_dir: Path, log_dir: Path) -> Running:
        if part.argv[0] != sys.executable or not _named(part.argv[1:]):
            return launch_anew(part, run_dir, log_dir)
        with self._once:
            self._server = self._server or ForkServer()
        log = log_dir / f"{part.name}.log"
        forked = self._server.fork(
            {"argv": part.argv[1:], "env": dict(part.env), "cwd": str(part.cwd), "log": str(log)}
        )
        entry = PidFile(part.name, Identity.of(forked.pid), Identity.of(os.getpid()))
        popen = cast("subprocess.Popen[bytes]", forked)
        return Running(part, popen, entry.write(run_dir / f"{part.name}.pid.json"), log)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def _named(argv: list[str]) -> tuple[str, ...] | None:
    return next((program for program in _PROGRAMS if tuple(argv[: len(program)]) == program), None)


# The server's own side


def _serve(lines: BufferedRWPair) -> Job | None:
    """Returns in each child, with what it is to do, and in the server at the end of all."""
    while line := lines.readline():
        asked: Job | int = json.loads(line)
        if isinstance(asked, int):
            told = _exit_code(asked)
        else:
            told = os.fork()
            if told == 0:
                return asked
        lines.write(json.dumps(told).encode() + b"\n")
        lines.flush()
    return None


def _exit_code(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(job: Job) -> None:
    """From here on as if just started."""
    os.setsid()
    for target, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, job["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, target)
        os.close(opened)
    os.dup2(1, 2)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    if skew := job["env"].get("ONECARD_CLOCK_SKEW"):
        time_machine.travel(time.time() + float(skew), tick=True).start()


def _run(argv: list[str]) -> None:
    if argv[0] == "-m":
        sys.argv = argv[1:]
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = argv
        runpy.run_path(argv[0], run_name="__main__")


def main() -> None:
    gc.disable()
    for modules in _PROGRAMS.values():
        for module in modules:
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    gc.enable()
    with socket.socket(fileno=int(sys.argv[1])) as ours:
        lines = ours.makefile("rwb")
        job = _serve(lines)
        lines.close()
    if job is not None:
        _become(job)
        _run(job["argv"])


if __name__ == "__main__":
    main()

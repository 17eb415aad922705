"""How a command ends: a person reads one line that says what to do, a traceback goes into a file.

With the standard library alone, and that of an older Python too: `make doctor` says what is missing.
"""

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

ERRORS = Path(__file__).resolve().parents[1] / "var" / "errors"


def spoken(command: str, work: Callable[[], int]) -> int:
    """The exit code of the work; whatever it raises is told in one line and gives 1 (130 after Ctrl-C).

    An error with `said_fully` is told by its own words alone: it says already what to do.
    """
    try:
        return work()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read along has gone
        return 1
    except Exception as error:
        if getattr(error, "said_fully", False):
            print(error, file=sys.stderr, flush=True)
        else:
            print(f"{command} 没有完成（failed）：{_words(error)}。{_advice(command)}", file=sys.stderr, flush=True)
        return 1


def leave(code: int) -> NoReturn:
    """Ends at once a command whose last word was Temporal's: the threads of its client may still be handing it over
    while Python is taken down, and one in five such commands was ended by a signal after it had done everything.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _words(error: BaseException) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"子命令 {Path(str(error.cmd[0])).name} 以 {error.returncode} 退出"
    if isinstance(error, ImportError):
        return f"依赖不完整（{error.name or error}），请先运行 make venv"
    lines = str(error).splitlines()
    if any(line.startswith("Traceback") or "Traceback (most" in line for line in lines):
        lines = lines[-1:]  # what another process wrote: its last line says what it was
    text = " ".join(" ".join(lines).split())[:300]
    return f"{type(error).__name__} {text}".strip().rstrip("。")


def _advice(command: str) -> str:
    try:
        place = keep(command, traceback.format_exc())
    except OSError as error:
        return f"出错位置写不进 {ERRORS}（{error.strerror}）；请先运行 make doctor 检查本机"
    return f"请运行 make doctor 检查本机后重试；出错位置（traceback）见 {place}"


def keep(command: str, text: str) -> Path:
    """What only a developer reads, appended: the one before may be the cause. Gives the file."""
    ERRORS.mkdir(parents=True, exist_ok=True)
    place = ERRORS / f"{command.replace(' ', '-')}.log"
    with place.open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}\n{text}\n")
    return place

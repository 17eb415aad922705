"""`make doctor`: what is missing on this machine and how to mend it. Starts with the standard library alone."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VAR = ROOT / "var"
_NEEDED_BYTES = 3 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `mend` says what to do and is empty when all is well."""

    what: str
    mend: str = ""

    @property
    def is_well(self) -> bool:
        return not self.mend


def machine() -> Iterator[Finding]:
    """What the install itself needs."""
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info < (3, 11)
    yield Finding(f"Python {version}", "需要 3.11 或更新：安装后运行 make PYTHON=/路径/python3 venv。" if old else "")
    bare = importlib.util.find_spec("ensurepip") is None
    yield Finding("Python 的 venv 与 pip", "缺少：Debian/Ubuntu 上请安装 python3-venv。" if bare else "")
    yield _disk()
    yield _account()
    lock, installed = ROOT / "requirements.lock", VENV / "installed.lock"
    current = installed.exists() and installed.read_bytes() == lock.read_bytes()
    yield Finding("依赖 (.venv)", "" if current else "未安装或已过期：请运行 make venv（需要能访问软件包仓库）。")


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free
    what = f"磁盘空间 {free / 1024**3:.1f} GiB"
    if not os.access(VAR if VAR.exists() else ROOT, os.W_OK):
        return Finding(what, f"不能写入 {VAR}：请更改目录权限，或把项目放到可写的位置。")
    return Finding(what, "" if free > _NEEDED_BYTES else "少于 3 GiB：请清理磁盘，make clean 会清除本项目存下的数据。")


def _account() -> Finding:
    if os.geteuid() != 0:
        return Finding("运行用户")
    try:
        pwd.getpwnam("nobody")
    except KeyError:
        return Finding("运行用户 root", "PostgreSQL 不以 root 运行，而系统没有 nobody 用户：请新建，或换普通用户。")
    return Finding("运行用户 root（PostgreSQL 以 nobody 运行）")


def servers() -> Iterator[Finding]:
    """The servers' programs: there, and able to run here."""
    from deploy.stack import postgres, temporal

    folder = postgres.find_binaries()
    yield _program("PostgreSQL", folder / "initdb" if folder else None, "--version")
    yield _program("Temporal", temporal.find_program("temporal"), "--version")
    if temporal.chosen() is temporal.Kind.CLUSTER:
        yield _cluster()
    there = temporal.find_program("temporal-test-server") is not None
    yield Finding("Temporal 测试服务器（只用于测试）", "" if there else "没有找到：请运行 make venv 重新安装。")
    yield _program("对象存储 (weed)", temporal.find_program("weed"), "version")


def _cluster() -> Finding:
    from deploy.cluster import programs
    from deploy.stack.processes import StackError

    try:
        return Finding(f"Temporal 集群的程序 {programs.find().folder}")
    except StackError as error:
        return Finding("Temporal 集群的程序", str(error))


def _program(what: str, program: Path | None, flag: str) -> Finding:
    if program is None:
        return Finding(what, "没有找到：请运行 make venv 重新安装。")
    try:
        done = subprocess.run([str(program), flag], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(what, f"{program} 不能运行（{error}）：此系统或处理器可能不受支持。")
    says = (done.stderr or done.stdout).strip()[:300]
    return Finding(what, "" if done.returncode == 0 else f"{program} 不能运行：{says}")


def findings() -> Iterator[Finding]:
    yield from machine()
    if importlib.util.find_spec("temporalio") is None:
        return
    from deploy.stack.condition import examine

    yield from servers()
    yield from examine(VAR)


def main() -> int:
    missing = 0
    for finding in findings():
        print(f"{'正常' if finding.is_well else '缺少'}  {finding.what}")
        if not finding.is_well:
            missing += 1
            print(f"      → {finding.mend}")
    print("一切就绪。" if not missing else f"有 {missing} 项需要处理。")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # run as a file, too, with whatever Python there is
    from deploy.spoken import leave, spoken

    leave(spoken("make doctor", main))

"""What a process has taken of memory and of the processors, as the kernel keeps it."""

import os
from collections.abc import Iterator
from pathlib import Path


def peak_rss_mib(pid: int) -> float:
    """VmHWM of a living process."""
    return _kept(pid, "VmHWM")


def rss_mib(pid: int) -> float:
    """VmRSS of a living process: what it takes now."""
    return _kept(pid, "VmRSS")


def _kept(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(name))
    return round(int(line.split()[1]) / 1024, 1)


def cpu_seconds(pid: int) -> float:
    """Of a living process and all that it has started and that still lives."""
    wanted, ticks = {pid}, 0
    for each, parent, used in sorted(_processes()):
        if each == pid or parent in wanted:
            wanted.add(each)
            ticks += used
    return ticks / os.sysconf("SC_CLK_TCK")


def _processes() -> Iterator[tuple[int, int, int]]:
    """Number, parent, and ticks of the processors; one that ends meanwhile is left out."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # behind the name, which may hold anything
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(path.parent.name), int(fields[1]), int(fields[11]) + int(fields[12])

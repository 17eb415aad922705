"""What a process has taken of memory at most, as the kernel keeps it."""

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

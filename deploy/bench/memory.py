"""What a process has taken of memory at most, as the kernel keeps it."""

from pathlib import Path


def peak_rss_mib(pid: int) -> float:
    """VmHWM of a living process."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)

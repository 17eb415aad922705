"""Free loopback ports, the same ones again after a restart; no two stacks of this machine are given the same one."""

import fcntl
import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _HIGHEST, _ENOUGH = 15_000, 32_000, 2_000
# A killed server's threads may hold its port a moment longer than its process is seen.
_LEAVING_S, _POLL_S = 3.0, 0.02


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_listening(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def assign_ports(file: Path, names: Iterable[str], book: Path | None = None) -> dict[str, int]:
    """Ports by name, kept in `file`; only a port that some program outside took meanwhile is replaced.

    They belong to `file` for as long as it is there and names them, whether anything listens or not.
    """
    file = file.resolve()
    _wait_for_leaving(_ports_in(file).values())
    with _others(file, book or _default_book()) as taken:
        known = {name: port for name, port in _ports_in(file).items() if port not in taken and is_free(port)}
        fresh = _fresh(taken | set(known.values()))
        ports = known | {name: next(fresh) for name in names if name not in known}
        file.write_text(json.dumps(ports, indent=1, sort_keys=True))
    return ports


def candidates(ephemeral: tuple[int, int]) -> list[int]:
    """Outside the range from which the kernel takes ports for outgoing connections, if that leaves enough.

    None of those connections can slip in between our look and the server's bind, or while a server is away.
    """
    low, high = ephemeral
    for first, last in ((_LOWEST, _HIGHEST), (high + 1, 65_535), (1_024, low - 1)):
        outside = [port for port in range(first, last + 1) if not low <= port <= high]
        if len(outside) >= _ENOUGH:
            return outside
    return list(range(_LOWEST, _HIGHEST + 1))


def _fresh(taken: set[int]) -> Iterator[int]:
    ports = candidates(_ephemeral())
    for port in random.SystemRandom().sample(ports, k=len(ports)):
        if port not in taken and is_free(port):
            yield port
    raise RuntimeError(f"没有空闲端口：{LOOPBACK} 的 {ports[0]}–{ports[-1]} 都被占用。请结束占用端口的程序后再启动。")


def _ephemeral() -> tuple[int, int]:
    try:
        low, high = map(int, _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        # the range of IANA, where there is no /proc
        return 49_152, 65_535
    return low, high


def _ports_in(file: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in dict(json.loads(file.read_text())).items()}
    except (OSError, ValueError, TypeError):
        return {}


def _wait_for_leaving(ports: Collection[int]) -> None:
    deadline = time.monotonic() + _LEAVING_S
    while not all(map(is_free, ports)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _default_book() -> Path:
    return Path(tempfile.gettempdir()) / f"onecard-ports-{os.getuid()}"


@contextmanager
def _others(mine: Path, book: Path) -> Iterator[set[int]]:
    """What all other files in the book hold; one at a time looks and writes itself in. A removed file holds nothing."""
    door = os.open(book, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(door, "r+", encoding="utf-8", errors="replace") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        holders = {Path(line) for line in page.read().splitlines()} - {mine}
        held = {holder: ports for holder in holders if (ports := _ports_in(holder))}
        page.seek(0)
        page.truncate()
        page.writelines(f"{holder}\n" for holder in sorted([*held, mine]))
        page.flush()
        yield {port for ports in held.values() for port in ports.values()}

"""Free loopback ports, the same ones again after a restart where possible."""

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"

# Below the range from which the kernel takes ports for outgoing connections: none of those can slip in between
# our look and the server's bind.
_LOWEST, _HIGHEST = 15_000, 32_000


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def assign_ports(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Ports by name, kept in `file`; a port that somebody else took meanwhile is replaced."""
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports = {name: port for name, port in known.items() if is_free(port)}
    for name in names:
        if name not in ports:
            ports[name] = _another(set(ports.values()))
    file.write_text(json.dumps(ports, indent=1, sort_keys=True))
    return ports


def _another(taken: set[int]) -> int:
    for port in random.SystemRandom().sample(range(_LOWEST, _HIGHEST), k=500):
        if port not in taken and is_free(port):
            return port
    raise RuntimeError(f"没有空闲端口：{LOOPBACK} 的 {_LOWEST}–{_HIGHEST} 都被占用。请结束占用端口的程序后再启动。")

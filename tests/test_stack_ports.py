"""Ports of local stacks: never the same for two of them, the same again for each, out of the kernel's way."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.stack import ports
from deploy.stack.ports import LOOPBACK, assign_ports, candidates

NAMES = [f"part-{number}" for number in range(17)]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book"


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two stacks and a few ports."""
    monkeypatch.setattr(ports, "candidates", lambda _: list(range(31_000, 31_040)))


def home(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir(exist_ok=True)
    return tmp_path / name / "ports.json"


def listener(port: int) -> socket.socket:
    door = socket.create_server((LOOPBACK, port))
    door.listen()
    return door


def test_stacks_that_begin_at_one_moment_have_nothing_in_common(tmp_path: Path, book: Path) -> None:
    begin = threading.Barrier(12)

    def assign(name: str) -> dict[str, int]:
        begin.wait()
        return assign_ports(home(tmp_path, name), NAMES, book)

    with ThreadPoolExecutor(12) as pool:
        given = [port for one in pool.map(assign, map(str, range(12))) for port in one.values()]
    assert len(given) == len(set(given)) == 12 * len(NAMES)


@pytest.mark.usefixtures("narrow")
def test_ports_that_nothing_listens_on_stay_the_stacks_own(tmp_path: Path, book: Path) -> None:
    first = assign_ports(home(tmp_path, "first"), NAMES, book)
    second = assign_ports(home(tmp_path, "second"), NAMES, book)
    assert not set(first.values()) & set(second.values())
    with pytest.raises(RuntimeError, match="没有空闲端口"):
        assign_ports(home(tmp_path, "third"), NAMES, book)
    assert assign_ports(home(tmp_path, "first"), NAMES, book) == first
    home(tmp_path, "second").unlink()
    third = assign_ports(home(tmp_path, "third"), NAMES, book)
    assert not set(first.values()) & set(third.values())


def test_a_port_that_somebody_outside_took_is_given_up_alone(
    tmp_path: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "_LEAVING_S", 0.05)
    before = assign_ports(home(tmp_path, "one"), NAMES, book)
    with listener(before["part-3"]):
        after = assign_ports(home(tmp_path, "one"), NAMES, book)
    assert [name for name in NAMES if before[name] != after[name]] == ["part-3"]


def test_a_server_that_is_just_going_is_waited_for(tmp_path: Path, book: Path) -> None:
    before = assign_ports(home(tmp_path, "one"), NAMES, book)
    going = listener(before["part-3"])
    leaving = threading.Timer(0.2, going.close)
    leaving.start()
    assert assign_ports(home(tmp_path, "one"), NAMES, book) == before
    leaving.join()


def test_a_copied_home_gets_ports_of_its_own(tmp_path: Path, book: Path) -> None:
    before = assign_ports(home(tmp_path, "one"), NAMES, book)
    home(tmp_path, "copy").write_text(json.dumps(before))
    copied = assign_ports(home(tmp_path, "copy"), NAMES, book)
    assert not set(before.values()) & set(copied.values())
    assert assign_ports(home(tmp_path, "one"), NAMES, book) == before


@pytest.mark.parametrize("spoiled", [b"", b"[]", b"\xff\x00\n", b"/nowhere/ports.json\n/\n"])
def test_a_spoiled_book_is_begun_anew(tmp_path: Path, book: Path, spoiled: bytes) -> None:
    before = assign_ports(home(tmp_path, "one"), NAMES, book)
    book.write_bytes(spoiled)
    assert assign_ports(home(tmp_path, "one"), NAMES, book) == before
    assert book.read_text().splitlines() == [str(home(tmp_path, "one").resolve())]


def test_the_book_is_its_owners_and_no_link_is_followed(tmp_path: Path, book: Path) -> None:
    assign_ports(home(tmp_path, "one"), NAMES, book)
    assert book.stat().st_mode & 0o777 == 0o600
    book.unlink()
    book.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        assign_ports(home(tmp_path, "one"), NAMES, book)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("ephemeral", "lowest", "highest"),
    [
        ((32_768, 60_999), 15_000, 32_000),
        ((20_000, 60_000), 15_000, 19_999),
        ((10_000, 60_000), 60_001, 65_535),
        ((10_000, 65_000), 1_024, 9_999),
        ((1_024, 65_535), 15_000, 32_000),
    ],
)
def test_ports_lie_outside_those_of_outgoing_connections(ephemeral: tuple[int, int], lowest: int, highest: int) -> None:
    found = candidates(ephemeral)
    assert (found[0], found[-1]) == (lowest, highest)


def test_this_machines_range_is_read(tmp_path: Path, book: Path) -> None:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    given = assign_ports(home(tmp_path, "one"), NAMES, book)
    assert set(given.values()) <= set(candidates((low, high)))

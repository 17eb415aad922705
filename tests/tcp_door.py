"""A TCP proxy before one server, that can cut, delay and truncate what comes back; it runs in a thread of its own."""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 16_384
# Of an answer that breaks off, so much comes at most: mostly its head and something of its body.
_BROKEN_WITHIN = 600


@dataclass
class Door:
    """Set a field, and what passes from then on is treated so; `done` counts how often it was."""

    host: str
    port: int
    dice: random.Random
    # Chances that an answer breaks off: by a reset, or by an orderly end as if that were all.
    cut: float = 0.0
    truncated: float = 0.0
    # Every piece of an answer waits for so long.
    delay: float = 0.0
    # Nobody is let in, and who is in is thrown out.
    closed: bool = False
    done: "Counter[str]" = field(default_factory=Counter)
    at: int = 0
    _inside: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.at}"

    def heal(self) -> None:
        self.cut = self.truncated = self.delay = 0.0
        self.closed = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.closed:
                self.done["closed"] += 1
                return
            with suppress(OSError):
                await self._between(reader, writer)
        finally:
            _end(writer)

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection(self.host, self.port)
        self._inside |= {writer, onward}
        ways = [asyncio.ensure_future(_carry(reader, onward)), asyncio.ensure_future(self._back(behind, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._inside -= {writer, onward}
            _end(onward)

    async def _back(self, behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await behind.read(CHUNK):
            if self.closed:
                self.done["thrown out"] += 1
                return
            if self.delay:
                self.done["delayed"] += 1
                await asyncio.sleep(self.delay)
            if self._strikes("cut", self.cut):
                _reset(writer)
                return
            if self._strikes("truncated", self.truncated):
                writer.write(data[: self.dice.randint(1, _BROKEN_WITHIN)])
                await writer.drain()
                return
            writer.write(data)
            await writer.drain()

    def _strikes(self, what: str, chance: float) -> bool:
        struck = chance > 0 and self.dice.random() < chance
        self.done[what] += struck
        return struck


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """The other side hears of a broken connection, not of its end."""
    own: socket.socket = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _end(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        writer.close()


@contextmanager
def doors(seed: int, **behind: int) -> Iterator[dict[str, Door]]:
    """One before each of these ports of this machine, all open."""
    made = {name: Door("127.0.0.1", port, random.Random(f"{seed}/{name}")) for name, port in behind.items()}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = [asyncio.run_coroutine_threadsafe(_open(door), loop).result() for door in made.values()]
    yield made
    asyncio.run_coroutine_threadsafe(_close(servers), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _open(door: Door) -> asyncio.Server:
    server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
    door.at = server.sockets[0].getsockname()[1]
    return server


async def _close(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)

"""A door in front of the object store that holds back, cuts off or shortens what goes through; real TCP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from deploy.stack.objects import Access

CHUNK = 16_384


@dataclass
class ObjectProxy:
    """Set a field, and what comes from then on is treated so; `spoiled` counts how often it was."""

    # The connection ends after so many bytes of an upload, or of a download.
    cut_uploads: int | None = None
    cut_downloads: int | None = None
    # A download of more bytes than this ends here and says that it is whole; of checksums it says nothing.
    shorten_downloads: int | None = None
    # Nothing comes back until it is set.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    spoiled: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _host: str = ""
    _port: int = 0
    serving: list["asyncio.Future[None]"] = field(default_factory=list)

    def heal(self) -> None:
        self.cut_uploads = self.cut_downloads = self.shorten_downloads = None
        self.open.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            behind_reader, behind_writer = await asyncio.open_connection(self._host, self._port)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._upload(reader, behind_writer, writer))
                    both.create_task(self._download(behind_reader, writer, behind_writer))
            finally:
                behind_writer.close()
                writer.close()

    async def _upload(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        passed = 0
        while data := await reader.read(CHUNK):
            self.came.set()
            passed += len(data)
            if self.cut_uploads is not None and passed > self.cut_uploads:
                onward.write(data[: max(0, len(data) - (passed - self.cut_uploads))])
                await onward.drain()
                self.spoiled += 1
                break
            onward.write(data)
            await onward.drain()
        onward.close()
        back.close()

    async def _download(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.open.wait()
                if not await self._pass_on(head, reader, onward):
                    break
        onward.close()
        back.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, onward: asyncio.StreamWriter) -> bool:
        """One answer; False when the connection is to end with it."""
        lines = head.split(b"\r\n")
        sizes = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        body = await reader.readexactly(sizes[0]) if sizes else b""
        if self.shorten_downloads is not None and len(body) > self.shorten_downloads:
            self.spoiled += 1
            body = body[: self.shorten_downloads]
            told = b"content-length: %d" % len(body)
            kept = [line for line in lines if not line.lower().startswith((b"content-length:", b"x-amz-checksum"))]
            head = b"\r\n".join([kept[0], told, *kept[1:]])
        cut = self.cut_downloads is not None and len(body) > self.cut_downloads
        self.spoiled += cut
        onward.write(head + (body[: self.cut_downloads] if cut else body))
        await onward.drain()
        return not cut


@asynccontextmanager
async def proxied(behind: Access) -> AsyncIterator[tuple[ObjectProxy, Access]]:
    """The door, wide open at first, and the way through it."""
    place = urlsplit(behind.endpoint_url)
    proxy = ObjectProxy(_host=str(place.hostname), _port=int(place.port or 0))
    proxy.open.set()
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, replace(behind, endpoint_url=f"http://127.0.0.1:{port}")
    finally:
        proxy.heal()
        server.close()
        for task in proxy.serving:
            task.cancel()
        await asyncio.gather(*proxy.serving, return_exceptions=True)
        await server.wait_closed()

"""Where photos are drawn: beside the API, in processes of bounded memory, few at a time, no county before another."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from models.photos.process import JPEG, LENGTH_BYTES, PNG, REFUSED, packed
from models.photos.redraw import NOT_A_PICTURE, Measure, Photo, PhotoRefused
from models.places import resting
from models.wire.words import MediaType
from models.words.refusals import Refusal

_LOG = structlog.get_logger()
_ROOT = Path(__file__).resolve().parents[2]
# A photo of 12 million pixels takes about a second on a busy machine; what takes as long as this is made to.
SECONDS_EACH = 15.0
# Up to a camera's 12 million pixels. What is larger has a process of its own, and never stands in a photo's way.
ORDINARY_BYTES = 50_000_000
# A process takes 20 MiB while it waits.
IDLE_SECONDS = 20.0
# Nothing of the API's own goes into a process that decodes hostile bytes; what it has used it gives back at once.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "262144", "PYTHONDONTWRITEBYTECODE": "1"}
_KINDS = {JPEG: MediaType.JPEG, PNG: MediaType.PNG}


class Drawing:
    """Draws photos anew, in processes of their own: two for ordinary photos, one for what takes much memory."""

    def __init__(self) -> None:
        self._ordinary = _Room(2)
        self._large = _Room(1)

    async def draw(self, county: str, size: Measure, whole: Callable[[], bytes]) -> Photo:
        """The picture that `whole` gives, drawn anew; PhotoRefused says what is wrong with it.

        It is not read before it is its turn: those that wait hold no memory.
        """
        room = self._ordinary if size.decoded_bytes <= ORDINARY_BYTES else self._large
        async with resting(), room.place(county) as drawer:
            return await drawer.draw(await asyncio.to_thread(whole))

    async def close(self) -> None:
        await self._ordinary.close()
        await self._large.close()


class _Room:
    """A few processes, of which a county has one at a time: another county's photo always finds its place."""

    def __init__(self, places: int) -> None:
        self._drawers = [_Drawer() for _ in range(places)]
        # the one used last is used next: the others need not be started
        self._free: asyncio.LifoQueue[_Drawer] = asyncio.LifoQueue()
        for drawer in self._drawers:
            self._free.put_nowait(drawer)
        self._counties: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def place(self, county: str) -> AsyncIterator["_Drawer"]:
        async with self._counties[county]:
            drawer = await self._free.get()
            try:
                yield drawer
            finally:
                self._free.put_nowait(drawer)

    async def close(self) -> None:
        for drawer in self._drawers:
            await drawer.close()


class _Drawer:
    """One process: started when it is needed, anew when a picture has ended it, and ended when it is idle."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[int] | None = None

    async def draw(self, data: bytes) -> Photo:
        if self._idle is not None:
            self._idle.cancel()
        try:
            async with asyncio.timeout(SECONDS_EACH):
                answer = await self._ask(data)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as ended:
            _LOG.warning("a picture has ended its drawing process", error=type(ended).__name__, size=len(data))
            self.end()
            raise PhotoRefused(*NOT_A_PICTURE) from None
        except BaseException:
            # whoever asked is gone, its answer would be taken for the next one's
            self.end()
            raise
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.end)
        return _photo(answer)

    async def _ask(self, data: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(packed(data))
        await process.stdin.drain()
        length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
        return await process.stdout.readexactly(length)

    def end(self) -> None:
        """At once: there is nothing in it that anybody wants."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            self._ending = asyncio.create_task(process.wait())

    async def close(self) -> None:
        self.end()
        if self._idle is not None:
            self._idle.cancel()
        if self._ending is not None:
            await self._ending


async def _start() -> Process:
    program = (sys.executable, "-m", "models.photos.process")
    return await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=_ROOT, env=_ENVIRONMENT
    )


def _photo(answer: bytes) -> Photo:
    kind, content = answer[:1], answer[1:]
    if kind == REFUSED:
        code, message = content.decode().split("\n", 1)
        raise PhotoRefused(Refusal(code), message)
    return Photo(content, _KINDS[kind])

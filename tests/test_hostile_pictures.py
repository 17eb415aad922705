"""Pictures and archives made to take memory and time: they take little of either, and nothing of others'."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from api.server.drawing import Drawing
from deploy.stack.objects import Access
from models.photos.archive import MAX_ARCHIVE_PIXELS
from models.photos.redraw import MAX_DECODED_BYTES, MAX_PIXELS, MAX_SIDE, PhotoRefused, measure
from models.store.sql import execute, fetch_int
from models.words.staff import Role
from tests.api_server import OTHER_COUNTY, ApiServer, api_server, seed_catalogs
from tests.application_lines import put_lines
from tests.test_photos import archive, picture, put, send

MIB = 1024 * 1024


@pytest.fixture
async def server(database_url: str, tmp_path: Path, s3_settings: Access) -> AsyncIterator[ApiServer]:
    async with api_server(database_url, tmp_path, s3_settings) as running:
        await seed_catalogs(running.database)
        yield running


@cache
def flat(width: int, height: int, kind: str = "PNG", mode: str = "RGBA", **options: object) -> bytes:
    """Many pixels in few bytes; made by the test that wants them: it takes seconds, and each process imports all."""
    target = io.BytesIO()
    Image.new(mode, (width, height), 7 if mode == "L" else None).save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize(
    "made",
    [
        lambda: flat(1, 39_000_000, mode="L"),
        lambda: flat(MAX_SIDE + 1, 1),
        lambda: flat(6_400, 6_400, mode="L"),
        lambda: flat(5_000, 4_900),
        lambda: flat(6_000, 6_000, "JPEG", "RGB", progressive=True),
    ],
    ids=["one wide", "one high", "pixels", "alpha", "progressive"],
)
def test_what_takes_too_much_is_told_by_its_head(made: Callable[[], bytes]) -> None:
    data = made()
    assert len(data) < 2 * MIB
    with pytest.raises(PhotoRefused) as refused:
        measure(io.BytesIO(data))
    assert refused.value.code == "PHOTO_PIXELS"


@pytest.mark.parametrize(
    ("width", "height", "kind", "mode", "options"),
    [
        (4_000, 3_000, "PNG", "RGBA", {}),
        (7_300, 5_400, "JPEG", "RGB", {}),
        (4_000, 3_000, "JPEG", "RGB", {"progressive": True}),
        (9_000, 2_000, "JPEG", "L", {}),
    ],
)
def test_what_cameras_take_is_taken(width: int, height: int, kind: str, mode: str, options: dict[str, bool]) -> None:
    size = measure(io.BytesIO(flat(width, height, kind, mode, **options)))
    assert size.pixels == width * height <= MAX_PIXELS
    assert size.decoded_bytes <= MAX_DECODED_BYTES


async def test_a_picture_that_ends_its_process_ends_nothing_else() -> None:
    drawing = Drawing()
    try:
        size = measure(io.BytesIO(picture()))
        assert (await drawing.draw("500001", size, picture)).data
        (child,) = _drawers()
        child.suspend()
        asked = asyncio.create_task(drawing.draw("500001", size, picture))
        await asyncio.wait([asked], timeout=0.2)
        child.kill()
        with pytest.raises(PhotoRefused):
            await asked
        drawn = await asyncio.gather(*(drawing.draw("500001", size, picture) for _ in range(3)))
        assert all(photo.data for photo in drawn)
    finally:
        await drawing.close()
    assert not _drawers()


async def test_who_gives_up_leaves_no_answer_to_the_next() -> None:
    drawing = Drawing()
    try:
        large, small = picture((99, 99)), picture((64, 48))
        size = measure(io.BytesIO(small))
        await drawing.draw("500001", size, lambda: small)
        (child,) = _drawers()
        child.suspend()
        asked = asyncio.create_task(drawing.draw("500001", size, lambda: large))
        await asyncio.wait([asked], timeout=0.2)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        photos = await asyncio.gather(*(drawing.draw("500001", size, lambda: small) for _ in range(4)))
        assert {Image.open(io.BytesIO(photo.data)).size for photo in photos} == {(64, 48)}
    finally:
        await drawing.close()


async def test_an_archive_of_too_many_pixels_is_refused(server: ApiServer) -> None:
    each = flat(4_000, 3_000)
    numbers = await put_lines(server, MAX_ARCHIVE_PIXELS // 12_000_000 + 1, "draft")
    answer = await send(server, archive({f"{number}.png": each for number in numbers}), "invoice")
    assert (answer.status_code, answer.json()["code"]) == (422, "ARCHIVE_PIXELS")
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM application_photo") == 0


async def test_an_archive_stops_when_nobody_waits_for_it(server: ApiServer) -> None:
    numbers = await put_lines(server, 40, "draft")
    data = archive({f"{number}.png": flat(2_000, 1_000 + place) for place, number in enumerate(numbers)})
    before = _objects(server)
    with pytest.raises(httpx.ReadTimeout):
        async with server.http.stream(
            "POST",
            "/photo-archives",
            files={"file": ("x.zip", data)},
            data={"kind": "invoice"},
            headers=server.bearer(Role.OPERATOR) | {"Idempotency-Key": "gone"},
            timeout=httpx.Timeout(30, read=0.5),
        ):
            pass
    await _until_all_is_answered()
    async with server.database.reading() as session:
        assert await fetch_int(session, "SELECT count(*) FROM application_photo") == 0
    assert 0 < _objects(server) - before < len(numbers)


async def _until_all_is_answered() -> None:
    """The API of this process handles no request any more."""
    async with asyncio.timeout(60):
        while any("run_asgi" in repr(task.get_coro()) for task in asyncio.all_tasks()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_twelve_hostile_uploads_take_little_and_stand_in_nobodys_way(server: ApiServer) -> None:
    (mine,) = await put_lines(server, 1, "draft")
    (other,) = await put_lines(server, 1, "draft")
    async with server.database.transaction() as session:
        await execute(
            session, "UPDATE application SET county_code = :c WHERE application_no = :n", c=OTHER_COUNTY, n=other
        )
    bombs = [
        flat(4_000, 3_000),
        flat(4_800, 2_400),
        flat(7_300, 5_400, "JPEG", "RGB"),
        flat(1, 39_000_000, mode="L"),
    ] * 3
    before = _rss()
    async with _watched() as peaks:
        attack = [asyncio.create_task(put(server, mine, bomb)) for bomb in bombs]
        await asyncio.wait(attack, return_when=asyncio.FIRST_COMPLETED)
        taken = await put(server, other, picture(), county=OTHER_COUNTY)
        before_it = sum(task.done() for task in attack)
        answers = await asyncio.gather(*attack)
    assert taken.status_code == 200
    # those that are refused by their heads, and what was being drawn when it came
    assert before_it <= 8
    assert {answer.status_code for answer in answers} == {200, 422}
    assert max(peaks) - before <= 250
    async with asyncio.timeout(60):
        while _rss() - before > 50:  # noqa: ASYNC110 nobody is told when memory is given back
            await asyncio.sleep(0.2)


def _objects(server: ApiServer) -> int:
    pages = server.objects._client.get_paginator("list_objects_v2")  # type: ignore[attr-defined]
    return sum(page["KeyCount"] for page in pages.paginate(Bucket=server.settings.s3_bucket))


@asynccontextmanager
async def _watched() -> AsyncIterator[list[float]]:
    peaks: list[float] = []

    async def watch() -> None:
        while True:
            peaks.append(_rss())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield peaks
    finally:
        watching.cancel()


def _rss() -> float:
    """MiB of this process, the API in it, and of those that draw for it."""
    return sum(map(_held, (psutil.Process(os.getpid()), *_drawers()))) / MIB


def _held(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _drawers() -> list[psutil.Process]:
    return [one for one in psutil.Process(os.getpid()).children() if _draws(one)]


def _draws(process: psutil.Process) -> bool:
    """One that has just ended doesn't any more."""
    with suppress(psutil.NoSuchProcess):
        return "models.photos.process" in process.cmdline()
    return False

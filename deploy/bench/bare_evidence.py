"""The bare script of 提交材料: the same photos uploaded, eight at once, and named a hundred lines a page.

`python -m deploy.bench.bare_evidence CONFIG.json`; photos lie on disk as `{application_no}_{kind}.jpg`.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx
import uvloop

from deploy.bench.bare_platform import Json, Platform
from deploy.demo.drawings import PHOTO_KINDS
from models.wire.answers import EVIDENCE_LIMIT
from models.wire.signing import PlatformCredentials, parse_clients

AT_ONCE = 8


async def send(platform: Platform, flow_id: str, folder: Path, numbers: list[str]) -> None:
    for start in range(0, len(numbers), EVIDENCE_LIMIT):
        page = numbers[start : start + EVIDENCE_LIMIT]
        gate = asyncio.Semaphore(AT_ONCE)
        items = await asyncio.gather(*(_item(platform, gate, folder, number) for number in page))
        await platform.send("POST", f"/flows/{flow_id}/evidence", {"items": items})


async def _item(platform: Platform, gate: asyncio.Semaphore, folder: Path, number: str) -> Json:
    files = await asyncio.gather(*(_upload(platform, gate, folder / f"{number}_{kind}.jpg") for kind in PHOTO_KINDS))
    documents = [{"kind": kind, "file_id": file} for kind, file in zip(PHOTO_KINDS, files, strict=True)]
    return {"application_no": number, "documents": documents}


async def _upload(platform: Platform, gate: asyncio.Semaphore, photo: Path) -> str:
    async with gate:
        return await platform.upload(await asyncio.to_thread(photo.read_bytes), "image/jpeg")


async def run(config: Json, credentials: PlatformCredentials) -> Json:
    async with httpx.AsyncClient(trust_env=False, timeout=60.0) as http:
        begun = time.perf_counter()
        await send(Platform(http, credentials), config["flow_id"], Path(config["folder"]), config["numbers"])
        return {"seconds": time.perf_counter() - begun}


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    credentials = parse_clients(Path(config["clients"]).read_bytes())["500000"]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(config, credentials))))


if __name__ == "__main__":
    main()

"""Callbacks that the platform might send, to one of several API processes, and which of them were acknowledged."""

import json
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from deploy.simulator.clients import Client, callback_headers
from deploy.stack import Stack

PROVINCE = "500000"
_PAUSE_SECONDS = 0.01


def send(stack: Stack, event_id: str, body: str, url: str | None = None) -> int:
    """The status; 0 where nobody answered."""
    address = url or stack.layout.api_url
    secret = stack.layout.secrets.callback_secrets[PROVINCE]
    client = Client(
        client_id="platform", province_code=PROVINCE, secrets=[], callback_url=address, callback_secrets=[secret]
    )
    headers = callback_headers(client, event_id, body.encode())
    place = f"{address}/callbacks/{PROVINCE}"
    try:
        return httpx.post(place, content=body.encode(), headers=headers, timeout=30, trust_env=False).status_code
    except httpx.TransportError:
        return 0


@dataclass
class Posting:
    """Callbacks about nothing we know, one after the other from each of four, until it is over."""

    stack: Stack
    urls: Sequence[str | None] = (None,)
    # Of letters that don't get smaller: what a full disk has no room for.
    size: int = 0
    over: bool = False
    acknowledged: list[str] = field(default_factory=list)
    said: list[int] = field(default_factory=list)

    def run(self) -> None:
        mine, number = f"probe-{secrets.token_hex(6)}", 0
        while not self.over:
            event_id, number = f"{mine}-{number}", number + 1
            data = {"number": number, "filling": secrets.token_hex(self.size // 2)}
            code = send(self.stack, event_id, json.dumps({"type": "policy.reviewed", "data": data}), self._url())
            self.said.append(code)
            if code == 204:
                self.acknowledged.append(event_id)
            else:
                time.sleep(_PAUSE_SECONDS)

    def _url(self) -> str | None:
        return random.choice(self.urls)


@contextmanager
def posting(stack: Stack, *urls: str | None, size: int = 0) -> Iterator[Posting]:
    running = Posting(stack, urls or (None,), size)
    with ThreadPoolExecutor(max_workers=4) as pool:
        posts = [pool.submit(running.run) for _ in range(4)]
        try:
            yield running
        finally:
            running.over = True
        for post in posts:
            post.result(60)

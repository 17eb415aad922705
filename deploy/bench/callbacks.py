"""How many callbacks are acknowledged a second, by the product and by a bare route, turn about."""

import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from deploy.bench.lines import COUNTY
from deploy.stack.keys import PROVINCES
from deploy.stack.ports import LOOPBACK, assign_ports, is_listening
from deploy.stack.processes import ROOT
from deploy.stack.stack import Stack

PROVINCE = PROVINCES[0]
AT_ONCE = 16
ROUNDS = 3


@dataclass(frozen=True)
class Load:
    """Events of one kind, as many in each round; a page names 500 lines."""

    name: str
    lines: int
    count: int


LOADS = (Load("500 行一页", 500, 800), Load("短事件", 1, 2_000))


@dataclass(frozen=True)
class Rates:
    """Callbacks acknowledged a second, each round's, and how large one was."""

    load: Load
    body_bytes: int
    product: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """Median of the rounds' own ratios: both of one round had the same machine."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.product, self.bare, strict=True))


def measure(stack: Stack) -> list[Rates]:
    """Both servers stand beside each other; one is loaded while the other idles."""
    ports = assign_ports(stack.layout.home / "ports-callbacks.json", ["product", "bare"])
    with ExitStack() as servers:
        for kind, port in ports.items():
            servers.enter_context(_server(stack, kind, port))
        return [_rates(stack, load, ports) for load in LOADS]


def _rates(stack: Stack, load: Load, ports: dict[str, int]) -> Rates:
    body = event_body(load.lines)
    rates: dict[str, list[float]] = {"product": [], "bare": []}
    for port in ports.values():  # the first requests of a server compile and connect
        asyncio.run(_post(port, _requests(stack, body, 50)))
    for _ in range(ROUNDS):
        for kind, port in ports.items():
            requests = _requests(stack, body, load.count)
            begun = time.perf_counter()
            asyncio.run(_post(port, requests))
            rates[kind].append(load.count / (time.perf_counter() - begun))
    return Rates(load, len(body), rates["product"], rates["bare"])


def event_body(lines: int) -> bytes:
    """A page of verification results as the platform sends it."""
    results = [
        {"application_no": f"{COUNTY}-S2026-{place:07d}", "outcome": "passed", "reason_code": None, "reason": None}
        for place in range(lines)
    ]
    data = {
        "dataset_id": f"set_{secrets.token_hex(9)}",
        "client_reference": f"{COUNTY}-P2026-9999-V1",
        "county_code": COUNTY,
        "page": 1,
        "result_pages": 1,
        "results": results,
    }
    event = {"type": "dataset.results", "timestamp": datetime.now(UTC).isoformat(), "data": data}
    return json.dumps(event, separators=(",", ":")).encode()


def _requests(stack: Stack, body: bytes, count: int) -> list[bytes]:
    """Whole requests, signed beforehand: the load's own work must not be measured."""
    secret = Webhook(stack.layout.secrets.callback_secrets[PROVINCE])
    at, text = datetime.now(UTC), body.decode()
    return [_request(secret, at, f"evt_{secrets.token_hex(9)}", text, body) for _ in range(count)]


def _request(secret: Webhook, at: datetime, event_id: str, text: str, body: bytes) -> bytes:
    head = (
        f"POST /callbacks/{PROVINCE} HTTP/1.1\r\nhost: {LOOPBACK}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nwebhook-id: {event_id}\r\nwebhook-timestamp: {int(at.timestamp())}\r\n"
        f"webhook-signature: {secret.sign(msg_id=event_id, timestamp=at, data=text)}\r\n\r\n"
    )
    return head.encode() + body


async def _post(port: int, requests: list[bytes]) -> None:
    waiting = iter(requests)

    async def client() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        for request in waiting:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204"), answer[:200]
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))


@contextmanager
def _server(stack: Stack, kind: str, port: int) -> Iterator[None]:
    log = stack.layout.logs / f"receiver-{kind}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.bench.receiver", kind, str(port)],
            # it makes a table of its own, which the product's role may not
            env=stack.layout.environment(stack.layout.owner_url),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        while not is_listening(port):
            if process.poll() is not None:
                raise RuntimeError(f"接收端 {kind} 没有启动，日志：{log}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()

"""The way in of every contract request: signature, idempotency, one transaction, and the faults of a bad day."""

import asyncio
import hashlib
import logging
import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

import orjson
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from .agenda import Agenda
from .delivery import Delivery
from .faults import Kind
from .operations import Operation, find
from .problems import Problem, from_validation
from .world import Answer, Call, World

LARGEST_BODY = 20 * 1024 * 1024
EARLY_WAIT_SECONDS = 5.0

_KEY = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_JSON, _PROBLEM = b"application/json", b"application/problem+json"

log = logging.getLogger("simulator")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    kind: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    started: str | None = None


class Gate:
    def __init__(self, world: World, agenda: Agenda, delivery: Delivery) -> None:
        self._world = world
        self._agenda = agenda
        self._delivery = delivery
        self._running: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = ""
        try:
            reply, name = await self._judge(scope, receive)
        except Problem as problem:
            reply = _problem(problem)
        except Exception:
            # Values stay out of the log: the trace shows where, and SQLite's texts hold no rows.
            log.exception("%s failed", scope["method"])
            reply = _problem(Problem("INTERNAL"))
        await self._answer(reply, name, send)
        self._world.wake()

    async def _judge(self, scope: Scope, receive: Receive) -> tuple[Reply, str]:
        method, raw_path = scope["method"], scope["raw_path"]
        query = scope["query_string"]
        target = (raw_path + b"?" + query if query else raw_path).decode("latin-1")
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        body = await _read(receive)
        client = self._world.clients.authenticate(headers, method, target, body)
        found = find(method, unquote(raw_path.decode("latin-1")).removeprefix("/v1"))
        if found is None:
            raise Problem("NOT_FOUND", "没有此接口")
        operation, path = found
        trouble = self._trouble(operation)
        if trouble is not None:
            return trouble, operation.name
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        call = Call(client, path, dict(parse_qsl(query.decode("latin-1"))), body, kind)
        if not operation.needs_key:
            return _reply(self._perform(operation, call)), operation.name
        return await self._once(operation, call, headers.get("idempotency-key", ""), target), operation.name

    async def _once(self, operation: Operation, call: Call, key: str, target: str) -> Reply:
        if not _KEY.fullmatch(key):
            raise Problem("VALIDATION_FAILED", "Idempotency-Key 缺失或不合格式")
        running = (call.client.client_id, key)
        if running in self._running:
            raise Problem("IN_PROGRESS", "请稍后用同一幂等键再试")
        self._running.add(running)
        try:
            reply, fresh = self._remembered(operation, call, key, f"{operation.method} {target}")
            if fresh:
                await self._overtake(operation, reply)
                await self._delay(operation)
            return reply
        finally:
            self._running.discard(running)

    async def _delay(self, operation: Operation) -> None:
        switches = self._world.switches
        if switches.answer_delay_seconds and operation.name in (switches.delayed_operations or (operation.name,)):
            self._world.wake()
            await asyncio.sleep(switches.answer_delay_seconds)

    def _remembered(self, operation: Operation, call: Call, key: str, target: str) -> tuple[Reply, bool]:
        """The remembered answer, or a new one that is remembered in the transaction of its effect."""
        store, client, digest = self._world.store, call.client.client_id, hashlib.sha256(call.body).digest()
        with store.transaction():
            known = store.row("SELECT * FROM idempotency WHERE client_id = ? AND key = ?", client, key)
            if (
                known is not None
                and operation.forgets
                and time.time() - known["at"] > self._world.switches.verify_memory_seconds
            ):
                known = None
            if known is not None:
                if known["target"] != target or known["body_hash"] != digest:
                    raise Problem("IDEMPOTENCY_MISMATCH", "同一幂等键不能用于另一请求")
                return Reply(known["status"], known["body"]), False
            reply = _reply(self._run(operation, call))
            store.run(
                "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?)",
                client,
                key,
                target,
                digest,
                reply.status,
                reply.body,
                time.time(),
            )
        return reply, True

    def _perform(self, operation: Operation, call: Call) -> Answer:
        if operation.method == "GET":
            return self._run(operation, call)
        with self._world.store.transaction():
            return self._run(operation, call)

    def _run(self, operation: Operation, call: Call) -> Answer:
        try:
            return operation.handler(self._world, call)
        except ValidationError as error:
            raise from_validation(error) from None

    async def _overtake(self, operation: Operation, reply: Reply) -> None:
        """The event before the answer: what was handed in is judged at once and told first."""
        if reply.started is None or not self._world.faults.strikes(Kind.EARLY, operation.name):
            return
        self._world.faults.note(Kind.EARLY, operation.name, reply.started)
        self._agenda.run_now(reply.started)
        self._world.wake()
        lane = self._world.store.row("SELECT flow_id FROM dataset WHERE dataset_id = ?", reply.started)
        await self._delivery.settled((lane and lane["flow_id"]) or reply.started, EARLY_WAIT_SECONDS)

    def _trouble(self, operation: Operation) -> Reply | None:
        """Faults that answer instead of working: nothing was done and nothing is remembered."""
        faults, name = self._world.faults, operation.name
        for kind in (Kind.SERVER_ERROR, Kind.RATE_LIMITED, Kind.HTML_200, Kind.REDIRECT):
            if faults.strikes(kind, name):
                faults.note(kind, name, None)
                return self._trouble_reply(kind)
        return None

    def _trouble_reply(self, kind: Kind) -> Reply:
        if kind is Kind.HTML_200:
            return Reply(200, "<html><body>系统维护中，请稍后访问</body></html>".encode(), b"text/html; charset=utf-8")
        if kind is Kind.REDIRECT:
            return Reply(302, b"", b"text/html", ((b"location", f"{self._world.base_url}/login".encode()),))
        if kind is Kind.RATE_LIMITED:
            return _problem(Problem("RATE_LIMITED", retry_after=1))
        return _problem(self._world.dice.choice((Problem("INTERNAL"), Problem("UNAVAILABLE", retry_after=1))))

    async def _answer(self, reply: Reply, name: str, send: Send) -> None:
        """Faults after the work: the caller can't know whether it was done."""
        faults = self._world.faults
        body = reply.body
        if name and reply.status < 300 and faults.strikes(Kind.TIMEOUT_AFTER_ACCEPT, name):
            faults.note(Kind.TIMEOUT_AFTER_ACCEPT, name, reply.started)
            self._world.wake()
            await asyncio.sleep(self._world.dice.choice((0.0, self._world.switches.hang_seconds)))
            await _hang_up(send)
            return
        if (
            name
            and reply.status < 300
            and len(body) > 1
            and reply.kind == _JSON
            and faults.strikes(Kind.HALF_JSON, name)
        ):
            faults.note(Kind.HALF_JSON, name, reply.started)
            body = body[: len(body) // 2]
        headers = [*reply.headers]
        if reply.status != 204:
            headers += [(b"content-type", reply.kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _hang_up(send: Send) -> None:
    """Closes the connection without a word; the server's own answer for a silent application would be a 500."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise RuntimeError("the server hides its connection")
    transport.abort()
    # The server learns of it in its next turn; before that it would complain of the missing answer.
    await asyncio.sleep(0.01)


def _reply(answer: Answer) -> Reply:
    body = b"" if answer.body is None else orjson.dumps(answer.body)
    return Reply(answer.status, body, started=answer.started)


def _problem(problem: Problem) -> Reply:
    headers = ((b"retry-after", str(problem.retry_after).encode()),) if problem.retry_after is not None else ()
    return Reply(problem.status, orjson.dumps(problem.wire()), _PROBLEM, headers)


async def _read(receive: Receive) -> bytes:
    """A body that is too large is read to its end and dropped: who is cut off in the middle never sees why."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("VALIDATION_FAILED", "请求没有传完")
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        more = message.get("more_body", False)
    if size > LARGEST_BODY:
        raise Problem("PAYLOAD_TOO_LARGE", "请求内容不能超过 20 MiB")
    return b"".join(parts)

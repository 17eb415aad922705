"""A bare signed client of the contract and a little callback receiver, to try the platform from outside."""

import base64
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx
import orjson

Json = dict[str, object]


class Probe:
    """One client of one platform. `key` is the Idempotency-Key; without one each call is a new one."""

    def __init__(self, url: str, client_id: str, secret: str, timeout: float = 20.0) -> None:
        self.client_id = client_id
        self.secret = secret
        self.http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return self.send("GET", path)

    def post(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        return self.send("POST", path, orjson.dumps(body), key=key or uuid.uuid4().hex)

    def put(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        return self.send("PUT", path, orjson.dumps(body), key=key or uuid.uuid4().hex)

    def upload(self, content: bytes, kind: str = "application/pdf") -> str:
        answer = self.send("PUT", f"/files/{hashlib.sha256(content).hexdigest()}", content, kind=kind)
        answer.raise_for_status()
        return str(answer.json()["file_id"])

    def send(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None, kind: str = "application/json"
    ) -> httpx.Response:
        headers = self.signed(method, f"/v1{path}", body) | {"content-type": kind}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.request(method, f"/v1{path}", content=body, headers=headers)

    def signed(self, method: str, target: str, body: bytes, at: int | None = None) -> dict[str, str]:
        message_id, sent_at = uuid.uuid4().hex, str(int(time.time()) if at is None else at)
        text = f"{message_id}.{sent_at}.{method} {target}.{hashlib.sha256(body).hexdigest()}"
        digest = base64.b64encode(hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
        return {
            "X-Client-Id": self.client_id,
            "webhook-id": message_id,
            "webhook-timestamp": sent_at,
            "webhook-signature": f"v1,{digest}",
        }


class Arrived:
    """One delivery of an event, as it came over the wire."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.event: Json = orjson.loads(body)
        self.at = time.time()

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def data(self) -> Json:
        data = self.event["data"]
        assert isinstance(data, dict)
        return data


class Receiver:
    """Takes callbacks on a free loopback port; `status` is what it answers, a list is used up one by one."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.answers: list[int] = []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/callbacks"

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self._news:
            status = self.answers.pop(0) if self.answers else 204
            self.arrived.append(Arrived(headers, body))
            self._news.notify_all()
        return status

    def wait(self, matches: Callable[[Arrived], bool], count: int = 1, seconds: float = 10.0) -> list[Arrived]:
        """Waits until `count` deliveries match; raises TimeoutError otherwise."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                found = [one for one in self.arrived if matches(one)]
                if len(found) >= count:
                    return found
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(
                        f"{len(found)} of {count} came; types so far: {[one.type for one in self.arrived]}"
                    )

    def wait_type(self, kind: str, count: int = 1, seconds: float = 10.0) -> list[Arrived]:
        return self.wait(lambda one: one.type == kind, count, seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            return

    return Handler

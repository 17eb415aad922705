"""What every answer tells a browser, whoever makes it: keep nothing, guess nothing, show it in nobody's frame."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

CLOSED = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_POLICY = b"content-security-policy"
_CONTENT_POLICY: Header = (_POLICY, CLOSED.encode())
# What a page with a policy of its own decides too.
_FREE = frozenset({b"cache-control", b"referrer-policy"})
_ALWAYS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
# A year, as browsers want it; only where the cookies are held to HTTPS, since plain HTTP would be shut out for as long.
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
# The same for what the server answers before there is a request.
IN_BYTES = b"".join(b"%s: %s\r\n" % header for header in (*_ALWAYS, _CONTENT_POLICY))


class SecurityHeaders:
    """ASGI middleware around everything else, refusals, errors and streams too.

    A page brings its own policy, and with one of its own also how long it is kept and what its links tell.
    """

    def __init__(self, app: ASGIApp, https_only: bool) -> None:
        self._app = app
        self._always = (*_ALWAYS, _HTTPS_ONLY) if https_only else _ALWAYS
        self._ours = {name for name, _ in self._always}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._completed(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _completed(self, given: list[Header]) -> list[Header]:
        own = {name.lower() for name, _ in given} if any(name.lower() == _POLICY for name, _ in given) else set()
        free = own & _FREE
        kept = [(name, value) for name, value in given if name.lower() not in self._ours or name.lower() in free]
        ours = [header for header in self._always if header[0] not in free]
        return [*kept, *ours] if own else [*kept, *ours, _CONTENT_POLICY]

"""A bell that everybody hears who was listening when it rang."""

import asyncio


class Broadcast:
    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    def listen(self) -> asyncio.Event:
        """The next ring, also one between listening and waiting for it."""
        return self._next

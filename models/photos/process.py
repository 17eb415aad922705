"""The process that draws photos: a hostile picture may take its memory and its life, and nobody else's.

It reads pictures from its standard input and answers on its standard output, one after the other, until the input ends;
each message is a length of four bytes, big-endian, and that many bytes. An answer begins with a byte that says what
follows: J a JPEG, P a PNG, R the code and the words of a refusal, a line each.
"""

import resource
import sys
from typing import BinaryIO

from models.photos.redraw import PhotoRefused, redraw
from models.wire.words import MediaType

LENGTH_BYTES = 4
JPEG, PNG, REFUSED = b"J", b"P", b"R"
# The largest picture that is taken needs 160 MiB in all.
_MEMORY_BYTES = 320 * 1024 * 1024
_KINDS = {MediaType.JPEG: JPEG, MediaType.PNG: PNG}


def packed(message: bytes) -> bytes:
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    while (data := _next(sys.stdin.buffer)) is not None:
        sys.stdout.buffer.write(packed(_answer(data)))
        sys.stdout.buffer.flush()


def _next(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH_BYTES)
    return source.read(int.from_bytes(head, "big")) if len(head) == LENGTH_BYTES else None


def _answer(data: bytes) -> bytes:
    try:
        photo = redraw(data)
    except PhotoRefused as refused:
        return REFUSED + f"{refused.code}\n{refused.message}".encode()
    return _KINDS[photo.media_type] + photo.data


if __name__ == "__main__":
    main()

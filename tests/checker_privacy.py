"""Where an id, an account or a phone stands although it must not; and what the API has said to those who asked."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import httpx

_SHORTEST = 8
_DIGITS = re.compile(rb"[0-9]{%d,}[Xx]?" % _SHORTEST)


@dataclass
class Heard:
    """An httpx hook: the bodies of refusals, and the keys of what was answered 201."""

    refusals: list[tuple[str, bytes]] = field(default_factory=list)
    done: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, answer: httpx.Response) -> None:
        request = answer.request
        if answer.is_error:
            self.refusals.append((f"{answer.status_code} of {request.url.path}", answer.read()))
        elif answer.status_code == 201 and "idempotency-key" in request.headers:
            self.done.add((request.headers["idempotency-key"], request.url.path))


def named_in(content: bytes, secrets: Collection[str]) -> set[str]:
    """Which of them stand in it, digits within longer runs of digits too."""
    wanted = {secret for secret in secrets if _is_number(secret)}
    lengths = {len(secret) for secret in wanted}
    found = {secret for secret in secrets if secret not in wanted and secret.encode() in content}
    for match in set(_DIGITS.findall(content)):
        text = match.decode().upper()
        pieces = {text[at : at + length] for length in lengths for at in range(len(text) - length + 1)}
        found |= pieces & wanted
    return found


def _is_number(secret: str) -> bool:
    return _DIGITS.fullmatch(secret.encode()) is not None

"""The key in each form: bound to a person and an act, good for a day, and at once the Idempotency-Key."""

import secrets
import time
from collections.abc import Callable
from hmac import compare_digest

GOOD_FOR_SECONDS = 24 * 3600
# A server's clock that was set back while a form lay open.
_AHEAD_SECONDS = 60


class FormKeys:
    """`digest` is keyed: who doesn't have the server's key makes no form."""

    def __init__(self, digest: Callable[[bytes], str]) -> None:
        self._digest = digest

    def mint(self, owner: str, act: str) -> str:
        """`owner` is who may send the form, `act` the path that it is sent to."""
        head = f"{secrets.token_urlsafe(12)}.{int(time.time())}"
        return f"{head}.{self._proof(owner, act, head)}"

    def is_good(self, key: str, owner: str, act: str) -> bool:
        head, _, proof = key.rpartition(".")
        at = head.rpartition(".")[2]
        if not (at.isascii() and at.isdigit() and len(at) < 12):
            return False
        age = time.time() - int(at)
        fresh = -_AHEAD_SECONDS <= age < GOOD_FOR_SECONDS
        return fresh and compare_digest(proof.encode(), self._proof(owner, act, head).encode())

    def _proof(self, owner: str, act: str, head: str) -> str:
        return self._digest(f"form:{owner}:{act}:{head}".encode())[:32]


def idempotency_key(form_key: str) -> str:
    """Repeated, doubled or sent again after a cut line: one form is one act."""
    return "form-" + form_key.rpartition(".")[0]

"""Secrets that a browser holds: random, kept as hashes."""

import hashlib
import secrets

_BYTES = 32


def fresh_secret() -> str:
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()

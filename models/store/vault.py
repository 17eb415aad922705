"""The encryption port: personal values are sealed to their row and column; equality is searched by blind index."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import zlib
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict

from models.normal_form import regular

NONCE_BYTES = 12
INDEX_BYTES = 16
_FASTEST = 1


class Field(StrEnum):
    """What is sealed; part of the associated data, so a value opens in its own column only."""

    NAME = "name"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    ACCOUNT = "account"
    REASON = "reason"
    CORRECTION = "correction"
    BODY = "body"
    DETAIL = "detail"
    TEXT = "text"
    FAULTS = "faults"
    OBJECT = "object"
    TOTP = "totp"


class Proof(StrEnum):
    """What is signed; part of what the signature covers, so that one kind never passes for another."""

    ENTRY = "trail_entry"
    HEAD = "trail_head"
    MOVED_YEAR = "moved_year"


class SealBroken(Exception):
    """A sealed value was changed, moved to another row or column, or its key is unknown."""


class Vault(Protocol):
    """`row` is the business key of the row: an application number, a register key, an event id."""

    def seal(self, field: Field, row: str, plain: str) -> str: ...

    def open(self, field: Field, row: str, sealed: str) -> str: ...

    def seal_body(self, row: str, plain: bytes) -> str: ...

    def open_body(self, row: str, sealed: str) -> bytes: ...

    def seal_bytes(self, field: Field, row: str, plain: bytes) -> bytes: ...

    def open_bytes(self, field: Field, row: str, sealed: bytes) -> bytes: ...

    def index(self, field: Field, plain: str) -> str: ...

    def digest(self, content: bytes) -> str: ...

    def sign(self, proof: Proof, data: bytes) -> str: ...

    def holds(self, proof: Proof, data: bytes, signature: str) -> bool: ...


def name_index(vault: Vault, name: str) -> str:
    """What a search by a whole name goes by; of the one form in which names are kept, however it was written."""
    return vault.index(Field.NAME, regular(name))


class KeyRing(BaseModel):
    """Keys by id, base64; `active` seals, every key opens; `index` never changes with rotation."""

    model_config = ConfigDict(frozen=True)

    active: str
    keys: dict[str, str]
    index: str


def create_vault_key_file(path: Path) -> None:
    """Make a fresh key ring, readable by its owner only; an existing one is left alone."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    ring = KeyRing(active="k1", keys={"k1": _fresh_key()}, index=_fresh_key())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(ring.model_dump_json())


def _fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


class LocalVault:
    """AES-256-GCM under keys from a local file; values look like `k1.<base64 of nonce and ciphertext>`."""

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._ciphers = {key_id: AESGCM(base64.b64decode(key)) for key_id, key in ring.keys.items()}
        self._signing_keys = {key_id: _signing_key(base64.b64decode(key)) for key_id, key in ring.keys.items()}
        self._index_key = base64.b64decode(ring.index)

    @classmethod
    def from_file(cls, path: Path) -> "LocalVault":
        return cls(KeyRing.model_validate(json.loads(path.read_text())))

    def seal(self, field: Field, row: str, plain: str) -> str:
        box = self._box(field, row, plain.encode())
        return self._written(box)

    def open(self, field: Field, row: str, sealed: str) -> str:
        try:
            return self._open(field, row, sealed).decode()
        except ValueError as error:
            raise SealBroken(f"{field.value} of {row}") from error

    def seal_body(self, row: str, plain: bytes) -> str:
        """A whole message, made small first: what is sealed can't be compressed by whoever stores it."""
        box = self._box(Field.BODY, row, zlib.compress(plain, _FASTEST))
        return self._written(box)

    def open_body(self, row: str, sealed: str) -> bytes:
        try:
            return zlib.decompress(self._open(Field.BODY, row, sealed))
        except zlib.error as error:
            raise SealBroken(f"{Field.BODY.value} of {row}") from error

    def seal_bytes(self, field: Field, row: str, plain: bytes) -> bytes:
        return f"{self._active}.".encode() + self._box(field, row, plain)

    def open_bytes(self, field: Field, row: str, sealed: bytes) -> bytes:
        key_id, _, box = sealed.partition(b".")
        return self._unbox(field, row, key_id.decode("ascii", "replace"), box)

    def _written(self, box: bytes) -> str:
        return f"{self._active}.{binascii.b2a_base64(box, newline=False).decode()}"

    def _open(self, field: Field, row: str, sealed: str) -> bytes:
        key_id, _, box = sealed.partition(".")
        try:
            return self._unbox(field, row, key_id, binascii.a2b_base64(box, strict_mode=True))
        except ValueError as error:
            raise SealBroken(f"{field.value} of {row}") from error

    def _box(self, field: Field, row: str, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[self._active].encrypt(nonce, plain, _bound_to(field, row))

    def _unbox(self, field: Field, row: str, key_id: str, box: bytes) -> bytes:
        try:
            return self._ciphers[key_id].decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _bound_to(field, row))
        except (InvalidTag, KeyError, ValueError) as error:
            raise SealBroken(f"{field.value} of {row}") from error

    def index(self, field: Field, plain: str) -> str:
        digest = hmac.digest(self._index_key, f"{field.value}:{plain}".encode(), hashlib.sha256)
        return digest[:INDEX_BYTES].hex()

    def digest(self, content: bytes) -> str:
        """Whether two contents are the same, for whoever has the key: a plain hash gives a guessed account away."""
        return hmac.digest(self._index_key, b"content:" + content, hashlib.sha256).hex()

    def sign(self, proof: Proof, data: bytes) -> str:
        """HMAC-SHA256 under the active key, whose id stands before it: after a rotation the former ones still hold."""
        return f"{self._active}.{_signature(self._signing_keys[self._active], proof, data)}"

    def holds(self, proof: Proof, data: bytes, signature: str) -> bool:
        key_id, _, digest = signature.partition(".")
        key = self._signing_keys.get(key_id)
        return key is not None and hmac.compare_digest(_signature(key, proof, data).encode(), digest.encode())


def _signing_key(key: bytes) -> bytes:
    """A key of its own for signing: no key does two things."""
    return hmac.digest(key, b"onecard/sign", hashlib.sha256)


def _signature(key: bytes, proof: Proof, data: bytes) -> str:
    return hmac.digest(key, f"{proof.value}|".encode() + data, hashlib.sha256).hex()


def _bound_to(field: Field, row: str) -> bytes:
    return f"{field.value}|{row}".encode()

"""The vault as lists and details look through it: a broken seal is shown as such and counted, its row stays a row.

Whatever is decided, sent or stored again opens its values with the vault itself, and fails where one is broken.
"""

import structlog

from models.store.vault import Field, Proof, SealBroken, Vault
from models.words.faults import UNREADABLE

_LOG = structlog.get_logger()
_MOST_COUNTED = 10_000


class ShownVault:
    """A `Vault` that opens what it can."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._broken: set[tuple[str, str, int]] = set()

    @property
    def broken_values(self) -> int:
        """Values that somebody looked at since this process began and that could not be opened, each counted once."""
        return len(self._broken)

    def open(self, field: Field, row: str, sealed: str) -> str:
        try:
            return self._vault.open(field, row, sealed)
        except SealBroken:
            self._note(field, row, sealed)
            return UNREADABLE

    def open_body(self, row: str, sealed: str) -> bytes:
        try:
            return self._vault.open_body(row, sealed)
        except SealBroken:
            self._note(Field.BODY, row, sealed)
            return UNREADABLE.encode()

    def _note(self, field: Field, row: str, sealed: str) -> None:
        value = (field.value, row, hash(sealed))
        if value not in self._broken and len(self._broken) < _MOST_COUNTED:
            self._broken.add(value)
            _LOG.error("stored value can't be opened", field=field.value, row=row)

    def seal(self, field: Field, row: str, plain: str) -> str:
        return self._vault.seal(field, row, plain)

    def seal_body(self, row: str, plain: bytes) -> str:
        return self._vault.seal_body(row, plain)

    def seal_bytes(self, field: Field, row: str, plain: bytes) -> bytes:
        return self._vault.seal_bytes(field, row, plain)

    def open_bytes(self, field: Field, row: str, sealed: bytes) -> bytes:
        return self._vault.open_bytes(field, row, sealed)

    def index(self, field: Field, plain: str) -> str:
        return self._vault.index(field, plain)

    def digest(self, content: bytes) -> str:
        return self._vault.digest(content)

    def sign(self, proof: Proof, data: bytes) -> str:
        return self._vault.sign(proof, data)

    def holds(self, proof: Proof, data: bytes, signature: str) -> bool:
        return self._vault.holds(proof, data, signature)

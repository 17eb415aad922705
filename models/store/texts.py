"""What people and the platform write in their own words: it may name anybody, so it is sealed, to its county."""

from typing import overload

from models.store.vault import Field, Vault


@overload
def seal_text(vault: Vault, county_code: str, text: str) -> str: ...
@overload
def seal_text(vault: Vault, county_code: str, text: None) -> None: ...
def seal_text(vault: Vault, county_code: str, text: str | None) -> str | None:
    """Sealed once for a whole set of rows: a reason is the same for each of them, and one statement writes it."""
    return None if text is None else vault.seal(Field.TEXT, county_code, text)


@overload
def open_text(vault: Vault, county_code: str, sealed: str) -> str: ...
@overload
def open_text(vault: Vault, county_code: str, sealed: None) -> None: ...
def open_text(vault: Vault, county_code: str, sealed: str | None) -> str | None:
    """Raises SealBroken."""
    return None if sealed is None else vault.open(Field.TEXT, county_code, sealed)

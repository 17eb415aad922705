"""Whom an application, or its copy in a flow, is about: opened and masked alike wherever one is shown."""

from typing import Annotated, Protocol

from pydantic import Field
from typing_extensions import TypedDict

from models.forms import identity
from models.store.vault import Field as Sealed
from models.store.vault import Vault


class SealedPerson(Protocol):
    """Values of a person as a row has them, sealed to the application's number."""

    @property
    def application_no(self) -> str: ...
    @property
    def name_sealed(self) -> str: ...
    @property
    def id_number_sealed(self) -> str: ...
    @property
    def account_sealed(self) -> str: ...


class MaskedPerson(TypedDict):
    name: Annotated[str, Field(description="姓名或组织名称，已遮掩")]
    id_number: Annotated[str, Field(description="身份证号或统一社会信用代码，已遮掩")]
    account_no: Annotated[str, Field(description="一卡通账号，已遮掩")]


def shown_person(vault: Vault, row: SealedPerson, *, whole: bool = False) -> MaskedPerson:
    number = row.application_no
    return {
        "name": name_of(vault, number, row.name_sealed, whole=whole),
        "id_number": id_number_of(vault, number, row.id_number_sealed, whole=whole),
        "account_no": account_of(vault, number, row.account_sealed, whole=whole),
    }


def name_of(vault: Vault, application_no: str, sealed: str, *, whole: bool = False) -> str:
    plain = vault.open(Sealed.NAME, application_no, sealed)
    return plain if whole else identity.mask_name(plain)


def id_number_of(vault: Vault, application_no: str, sealed: str, *, whole: bool = False) -> str:
    plain = vault.open(Sealed.ID_NUMBER, application_no, sealed)
    return plain if whole else identity.mask_id_number(plain)


def account_of(vault: Vault, application_no: str, sealed: str, *, whole: bool = False) -> str:
    plain = vault.open(Sealed.ACCOUNT, application_no, sealed)
    return plain if whole else identity.mask_account_no(plain)


def reason_of(vault: Vault, application_no: str, sealed: str | None) -> str | None:
    """What the platform or a person said of the line; it may name anybody, who reads the list may read it."""
    return vault.open(Sealed.REASON, application_no, sealed) if sealed else None
